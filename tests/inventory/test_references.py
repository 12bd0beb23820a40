"""Cross-references: the numbers by which items are known elsewhere, and how items are found by them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import references
from app.core.names import folded_number
from app.extensions import db
from tests.factories import Shop

NUMBER = {"kind": "oem", "manufacturer": "Volkswagen", "number": "06A 115 561-B"}


def known_by(item_id: int) -> str:
    return f"/inventory/{item_id}/references"


def found(shop: Shop, number: str, **more: Any) -> list[int]:
    answer = shop.mechanic.get("/inventory", query_string={"number": number, "sort": "id", **more})
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json]


def scanned(shop: Shop, code: str) -> tuple[int, Any]:
    answer = shop.mechanic.get("/inventory/lookup", query_string={"code": code})
    return answer.status_code, answer.json.get("id") or answer.json["detail"]


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("06A 115 561-B", "06a115561b"), ("  w 712/52 ", "w71252"), ("O\u0308F_1", "öf1"), ("ÖF-1", "öf1"),
        ("Straße.9", "strasse9"), ("№ ٣", "٣"), ("-/ .", ""), ("ﬃ" * 60, "ffi" * 60),
    ],
)  # fmt: skip
def test_a_number_is_its_letters_and_digits_in_whatever_case(written: str, folded: str) -> None:
    assert folded_number(written) == folded


class TestACrossReference:
    def test_is_kept_as_it_is_written_and_leaves_the_item_alone(self, shop: Shop) -> None:
        path = f"/inventory/{shop.make_part().id}"
        before = shop.owner.get(path).json

        made = shop.owner.post(f"{path}/references", json=NUMBER)

        assert (made.status_code, made.headers["Location"]) == (201, f"{path}/references")
        assert made.json.items() >= NUMBER.items()
        assert shop.mechanic.get(f"{path}/references").json == [made.json]
        assert shop.owner.get(path).json == before
        log = shop.owner.get("/audit?per_page=1").json[0]
        assert (log["action"], log["after"]) == ("part.reference_added", NUMBER)

    def test_goes_and_says_so(self, shop: Shop) -> None:
        item = shop.make_part().id
        made = shop.make_reference(item, **NUMBER)

        gone = shop.owner.delete(f"{known_by(item)}/{made.id}")

        assert (gone.status_code, shop.owner.get(known_by(item)).json) == (200, [])
        log = shop.owner.get("/audit?per_page=1").json[0]
        assert (log["action"], log["before"]) == ("part.reference_removed", NUMBER)

    def test_is_of_its_item_and_of_one_that_is_there(self, shop: Shop, other_shop: Shop) -> None:
        item, other, gone = shop.make_part().id, shop.make_part().id, shop.make_part().id
        reference = shop.make_reference(item).id
        shop.owner.delete(f"/inventory/{gone}")

        answers = [
            shop.owner.delete(f"{known_by(other)}/{reference}"),
            other_shop.owner.delete(f"{known_by(other_shop.make_part().id)}/{reference}"),
            other_shop.owner.post(known_by(item), json=NUMBER),
            shop.owner.post(known_by(gone), json=NUMBER),
            shop.owner.get(known_by(gone)),
        ]

        assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
            *[(404, "cross_reference_not_found")] * 2,
            *[(404, "item_not_found")] * 3,
        ]
        assert len(shop.owner.get(known_by(item)).json) == 1

    @pytest.mark.parametrize(
        ("change", "status"),
        [
            ({"number": "06a.115.561 b"}, 409), ({"manufacturer": " VOLKSWAGEN "}, 409), ({"kind": "equivalent"}, 409),
            ({"manufacturer": "Seat"}, 201), ({"number": "06A 115 561 C"}, 201),
        ],
    )  # fmt: skip
    def test_is_there_once_however_it_is_written(
        self, shop: Shop, change: dict[str, str], status: int
    ) -> None:
        path = known_by(shop.make_part().id)
        shop.owner.post(path, json=NUMBER)

        assert shop.owner.post(path, json=NUMBER | change).status_code == status

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"number": "-- /."}, "number"), ({"number": "1" * 61}, "number"), ({"number": "1\x002"}, "number"),
            ({"number": 4711}, "number"), ({"kind": "original"}, "kind"), ({"manufacturer": " "}, "manufacturer"),
            ({"manufacturer": "V" * 101}, "manufacturer"), ({"item_id": 1}, "item_id"),
        ],
    )  # fmt: skip
    def test_without_sense_is_refused(self, shop: Shop, change: dict[str, Any], field: str) -> None:
        answer = shop.owner.post(known_by(shop.make_part().id), json=NUMBER | change)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_is_one_of_a_hundred_at_most(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(references, "MOST_OF_A_PART", 2)
        item, other = shop.make_part().id, shop.make_part().id
        for _ in range(2):
            shop.make_reference(item)

        answer = shop.owner.post(known_by(item), json=NUMBER)

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_cross_references")
        assert shop.owner.post(known_by(other), json=NUMBER).status_code == 201

    def test_goes_only_in_the_version_that_was_seen(self, shop: Shop) -> None:
        item = shop.make_part().id
        path = f"{known_by(item)}/{shop.make_reference(item).id}"

        stale, seen = (shop.owner.delete(path, headers={"If-Match": tag}) for tag in ('"2-ab"', '"1-ab"'))

        assert (stale.status_code, seen.status_code) == (412, 200)

    def test_are_listed_by_page_and_order(self, shop: Shop) -> None:
        item = shop.make_part().id
        for maker in ("Seat", "Audi", "Skoda"):
            shop.make_reference(item, manufacturer=maker)

        page = shop.mechanic.get(f"{known_by(item)}?page=1&per_page=2&sort=manufacturer")

        assert [one["manufacturer"] for one in page.json] == ["Audi", "Seat"]
        assert page.headers["X-Total-Count"] == "3"

    @pytest.mark.parametrize("change", ["folded_number = ''", "kind = 'else'"])
    def test_of_no_sense_is_no_row_either(self, shop: Shop, change: str) -> None:
        made = shop.make_reference(shop.make_part().id).id

        with shop.inside(), pytest.raises(DBAPIError), db.engine.begin() as connection:
            connection.execute(text(f"UPDATE part_references SET {change} WHERE id = {made}"))


class TestANumber:
    @pytest.mark.parametrize("number", ["06A115561B", "06a-115-561.b", "06A 115 561 B"])
    def test_finds_items_by_sku_and_by_cross_reference(
        self, shop: Shop, other_shop: Shop, number: str
    ) -> None:
        own = shop.make_part(sku="06A115561 b").id
        known, both = shop.make_part().id, shop.make_part(sku="06A.115.561.B").id
        shop.make_part(sku="06A 115 561")
        for item in (known, both):
            shop.make_reference(item, **NUMBER)
        shop.make_reference(known, **{**NUMBER, "manufacturer": "Seat"})
        other_shop.make_reference(other_shop.make_part(sku="06A115561B").id, **NUMBER)

        assert found(shop, number) == [own, known, both]
        assert found(shop, number, q="nothing has this") == []

    def test_follows_what_changes(self, shop: Shop) -> None:
        item = shop.make_part(sku="OX 1").id
        reference = shop.make_reference(item, number="W 712")
        assert (found(shop, "ox1"), found(shop, "w712")) == ([item], [item])

        shop.owner.patch(f"/inventory/{item}", json={"sku": "OX 2"})
        shop.owner.delete(f"{known_by(item)}/{reference.id}")

        assert [found(shop, number) for number in ("ox1", "w712", "ox2")] == [[], [], [item]]
        shop.owner.delete(f"/inventory/{item}")
        assert found(shop, "ox2") == []

    @pytest.mark.parametrize("number", ["", "%", "-", "1" * 61])
    def test_without_letters_and_digits_is_refused(self, shop: Shop, number: str) -> None:
        answer = shop.mechanic.get("/inventory", query_string={"number": number})

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["number"])


class TestWhatIsScanned:
    def test_is_a_cross_reference_if_nothing_else_has_the_code(self, shop: Shop) -> None:
        known = shop.make_part(sku="---").id
        shop.make_reference(known, number="4711")
        assert scanned(shop, "47-11") == (200, known)

        own = shop.make_part(sku="4711").id

        assert scanned(shop, "4711") == (200, own)
        assert scanned(shop, "47-11") == (200, known)
        assert scanned(shop, "---") == (200, known)

    def test_is_not_guessed_where_several_are_known_by_it(self, shop: Shop) -> None:
        first, second = shop.make_part().id, shop.make_part().id
        for item in (first, second):
            shop.make_reference(item, number="4711")

        status, detail = scanned(shop, "4711")

        assert (status, "?number=" in detail) == (404, True)
        shop.owner.delete(f"/inventory/{first}")
        assert scanned(shop, "4711") == (200, second)

    @pytest.mark.parametrize("code", ["- /", "0815"])
    def test_that_nothing_has_is_not_found(self, shop: Shop, code: str) -> None:
        shop.make_reference(shop.make_part(sku="...").id, number="4711")

        assert scanned(shop, code) == (404, f"No item has the code {code.strip()}.")
