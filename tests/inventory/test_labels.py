"""Labels: the codes are those of their standards, drawn where the sheet has its labels, and found by the look-up."""

from __future__ import annotations

import re
import zlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum import ean

from app.blueprints.inventory import labels, symbols
from tests.factories import Shop

pytestmark = pytest.mark.one_database

PATH = "/inventory/labels"


def pages(drawn: bytes) -> int:
    return len(re.findall(rb"/Type /Page\b", drawn))


def bars(drawn: bytes) -> list[tuple[float, float, float, float]]:
    """Return the bars of a PDF's first page, as it draws them: x, y, width, height in points."""
    stream = re.search(rb"stream\r?\n(.*?)\r?\nendstream", drawn, re.DOTALL)
    assert stream is not None
    found = []
    for left, up, placed in re.findall(
        rb"q 1 0 0 1 ([\d.]+) ([\d.]+) cm (.*?) Q", zlib.decompress(stream[1]), re.DOTALL
    ):
        for bar in re.findall(rb"(\S+) (\S+) (\S+) (\S+) re", placed):
            x, y, width, height = map(float, bar)
            found.append((float(left) + x, float(up) + y, width, height))
    return found


class TestSymbols:
    def test_an_ean_13_is_that_of_the_standard(self) -> None:
        """The first digit is told by the parities of the left half: 5 is odd, even, even, odd, odd, even."""
        assert symbols.ean("5901234123457") == (
            "101" "0001011" "0100111" "0110011" "0010011" "0111101" "0011101" "01010"
            "1100110" "1101100" "1000010" "1011100" "1001110" "1000100" "101"
        )  # fmt: skip

    def test_a_upc_a_is_the_ean_13_that_begins_with_0(self) -> None:
        assert symbols.ean("036000291452") == symbols.ean("0036000291452")

    @given(st.integers(0, 10**12 - 1))
    def test_every_ean_13_has_its_form(self, number: int) -> None:
        digits = f"{number:012d}"
        modules = symbols.ean(digits + ean.calc_check_digit(digits))

        assert (len(modules), modules[:3], modules[45:50], modules[-3:]) == (95, "101", "01010", "101")
        halves = [modules[3 + 7 * n : 10 + 7 * n] for n in range(6)] + [
            modules[50 + 7 * n : 57 + 7 * n] for n in range(6)
        ]
        assert all(
            half.count("1") % 2 == 0 for half in halves[6:]
        )  # the right half is even, as is what it is read back by
        assert all(len(re.findall("1+", half)) == 2 for half in halves)

    def test_an_ean_8_has_its_form(self) -> None:
        modules = symbols.ean("96385074")

        assert (len(modules), modules[:3], modules[31:36], modules[-3:]) == (67, "101", "01010", "101")

    def test_the_symbols_of_code_128_are_those_of_a_code_that_checks_itself(self) -> None:
        """Each is eleven modules of three bars, which are an even number of modules together; none is another's."""
        ordinary = symbols.WIDTHS[:-1]

        assert len(symbols.WIDTHS) == 107
        assert len(set(symbols.WIDTHS)) == 107
        assert {sum(map(int, widths)) for widths in ordinary} == {11}
        assert {sum(map(int, widths[::2])) % 2 for widths in ordinary} == {0}
        assert (sum(map(int, symbols.WIDTHS[-1])), symbols.WIDTHS[-1][-1]) == (13, "2")

    @given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=40))
    def test_a_text_in_code_128_is_read_back(self, text: str) -> None:
        assert read_back(symbols.code_128(text)) == text

    def test_pairs_of_digits_take_half_the_room(self) -> None:
        assert len(symbols.code_128("12345678")) < len(symbols.code_128("1234567"))

    @pytest.mark.parametrize("text", ["", "Żółć", "a\tb"])
    def test_what_has_no_symbols_is_not_written(self, text: str) -> None:
        with pytest.raises(symbols.NotWritable):
            symbols.code_128(text)

    @given(st.from_regex(r"1[01]{0,40}1", fullmatch=True))
    def test_bars_are_where_the_modules_are_dark(self, modules: str) -> None:
        dark = {place + step for place, wide in symbols.runs(modules) for step in range(wide)}

        assert dark == {place for place, module in enumerate(modules) if module == "1"}


def read_back(modules: str) -> str:
    """Read a Code 128 as a scanner does: by the widths of bars and gaps, with its check."""
    widths = "".join(str(len(run)) for run in re.findall("1+|0+", modules))
    values = [symbols.WIDTHS.index(widths[place : place + 6]) for place in range(0, len(widths) - 7, 6)]
    assert widths.endswith(symbols.WIDTHS[-1])
    start, *said, check = values
    assert (start + sum(value * place for place, value in enumerate(said, 1))) % 103 == check
    if start == symbols.START_C:
        return "".join(f"{value:02d}" for value in said)
    return "".join(chr(value + 32) for value in said)


class TestSheets:
    def test_have_what_was_asked_for_as_a_pdf(self, shop: Shop) -> None:
        part = shop.make_part(name="Filtr Żółty", barcode="5901234123457", bin="A-1")

        answer = shop.mechanic.get(f"{PATH}?items={part.id}")

        assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/pdf")
        assert len(bars(answer.data)) == len(symbols.runs(symbols.ean("5901234123457")))

    def test_bars_are_as_wide_as_scanners_read_and_within_the_label(self, shop: Shop) -> None:
        part = shop.make_part(sku="OF-1234")
        for name, layout in labels.LAYOUTS.items():
            drawn = shop.owner.get(f"{PATH}?items={part.id}&layout={name}").data

            millimetres = [(x / 72 * 25.4, width / 72 * 25.4) for x, _, width, _ in bars(drawn)]
            assert min(width for _, width in millimetres) >= labels.NARROWEST - 0.01
            assert min(x for x, _ in millimetres) >= layout.left + labels.PADDING
            assert max(x + width for x, width in millimetres) <= layout.left + layout.width - labels.PADDING

    def test_copies_and_used_labels_go_on_to_the_next_sheet(self, shop: Shop) -> None:
        part = shop.make_part(sku="A-1")

        counted = {
            query: pages(shop.owner.get(f"{PATH}?items={part.id}&{query}").data)
            for query in (
                "copies=24",
                "copies=25",
                "copies=24&skip=1",
                "copies=1&skip=23",
                "copies=65&layout=5x13",
            )
        }

        assert list(counted.values()) == [1, 2, 2, 1, 1]

    def test_copies_are_the_same_bars_each_in_its_place(self, shop: Shop) -> None:
        path = f"{PATH}?items={shop.make_part(sku='A-1').id}&symbol=qr"
        layout = labels.LAYOUTS["3x8"]
        single, both = (bars(shop.owner.get(f"{path}&copies={copies}").data) for copies in (1, 2))

        assert both[: len(single)] == single
        assert [x for x, *_ in both[len(single) :]] == pytest.approx(
            [x + layout.width / 25.4 * 72 for x, *_ in single], abs=0.01
        )

    def test_more_labels_than_are_drawn_at_once_are_refused(self, shop: Shop) -> None:
        ids = ",".join(str(shop.make_part(sku=f"A-{number}").id) for number in range(11))

        answers = [shop.owner.get(f"{PATH}?items={some}&copies=65") for some in (ids, ids.rsplit(",", 1)[0])]

        assert [one.status_code for one in answers] == [400, 200]
        assert answers[0].json["errors"] == {"copies": ["At most 650 labels at once, and these are 715."]}

    @pytest.mark.parametrize("sku", ["Ż-1", "X" * 60])
    def test_what_no_bar_code_has_room_or_letters_for_is_a_qr_code(self, shop: Shop, sku: str) -> None:
        part = shop.make_part(sku=sku)

        plain, square = (
            shop.owner.get(f"{PATH}?items={part.id}&symbol={symbol}").data for symbol in labels.SYMBOLS
        )

        assert bars(plain) == bars(square)

    def test_a_qr_code_is_square_and_has_its_three_corners(self) -> None:
        rows = symbols.qr("OF-1234")
        corner = [True] * 7

        assert {len(row) for row in rows} == {len(rows)}
        assert rows[0][:7] == rows[0][-7:] == rows[-1][:7] == corner

    def test_the_same_labels_are_the_same_bytes(self, shop: Shop) -> None:
        path = f"{PATH}?items={shop.make_part(sku='A-1').id}"
        first = shop.owner.get(path)

        assert shop.owner.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304

    def test_are_refused_for_what_is_unknown_or_has_no_code(self, shop: Shop, other_shop: Shop) -> None:
        part, plain = shop.make_part(sku="A-1"), shop.make_part()
        theirs = other_shop.make_part(sku="A-1")

        answers = [shop.owner.get(f"{PATH}?items={part.id},{id_}") for id_ in (theirs.id, plain.id)]

        assert [(one.status_code, one.json["code"]) for one in answers] == [
            (404, "item_not_found"), (409, "nothing_to_scan"),
        ]  # fmt: skip

    @pytest.mark.parametrize(
        "query", ["", "items=", "items=x", "items=0", f"items={','.join(['1'] * 101)}", "items=1&copies=0", "items=1&copies=66",
                  "items=1&layout=9x9", "items=1&symbol=aztec", "items=1&skip=65"],
    )  # fmt: skip
    def test_a_careless_query_is_refused(self, shop: Shop, query: str) -> None:
        assert shop.owner.get(f"{PATH}?{query}").status_code == 400


@pytest.mark.parametrize("name", labels.LAYOUTS)
def test_labels_of_a_sheet_are_on_the_sheet_and_apart(name: str) -> None:
    layout = labels.LAYOUTS[name]
    corners = [layout.corner(place) for place in range(layout.number)]

    assert all(x >= 0 and x + layout.width <= 210 for x, _ in corners)
    assert all(y >= 0 and y + layout.height <= 297 for _, y in corners)
    assert all(
        right - left >= layout.width - 1e-6 for left, right in pairwise(sorted({x for x, _ in corners}))
    )
    assert all(
        lower - upper >= layout.height - 1e-6 for upper, lower in pairwise(sorted({y for _, y in corners}))
    )
