"""Tables: what is written out is read in without a change; a wrong line undoes all; a dry run tells and does nothing."""

from __future__ import annotations

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import false, select, text
from werkzeug.test import TestResponse

from app.blueprints.inventory import proving
from app.blueprints.inventory.tables import importing
from app.blueprints.inventory.tables import parts as parts_table
from app.blueprints.inventory.tables import suppliers as suppliers_table
from app.core import sheets
from app.extensions import db
from tests.factories import Shop

KINDS = ("parts", "suppliers", "stock")


def exported(shop: Shop, kind: str) -> bytes:
    answer = shop.owner.get(f"/inventory/exports/{kind}")
    assert answer.status_code == 200
    return answer.data


def rows(table: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(table.decode("utf-8-sig"))))


def read_in(
    shop: Shop, kind: str, table: str | bytes, *, dry_run: bool = False, **options: Any
) -> TestResponse:
    content = table if isinstance(table, bytes) else table.encode()
    path = f"/inventory/imports/{kind}{'?dry_run=true' if dry_run else ''}"
    return shop.owner.post(path, data={"file": (io.BytesIO(content), "t.csv")}, **options)


def numbers(answer: TestResponse) -> tuple[int, ...]:
    assert answer.status_code == 200, answer.text
    return tuple(answer.json[name] for name in ("created", "updated", "unchanged", "refused"))


@pytest.fixture
def stocked(shop: Shop) -> Shop:
    """A shop with items and suppliers of every kind of oddness."""
    outer = shop.make_category(name="Fluids")
    inner = shop.make_category(name="Oils", parent_id=outer.id)
    shop.make_part(
        name='Oil "5W-30", 1 l', sku="=1+1", barcode="5901234123457", unit="l", on_hand=Decimal("4.5"), bin="'@A",
        category_id=inner.id, manufacturer="+Maker", warranty_months=24, minimum_stock_level=Decimal("0.5"),
        reorder_quantity=Decimal("2.125"), price=Decimal("1234.50"),
    )  # fmt: skip
    shop.make_part(name="Line\none", sku="-7", on_hand=0)
    shop.make_part(name="Żarówka; H7", sku="''=x", category_id=outer.id)
    shop.owner.delete(f"/inventory/{shop.make_part(name='Gone').id}")
    shop.make_supplier(
        name="@Parts & Co", country="PL", phone="+48221234567", tax_id="8567346215", email="a@parts.example.com",
        rating=Decimal("4.25"), delivery_days=3, minimum_order_value=Decimal("200.00"), active=False,
        website="https://parts.example.com/a?b=c", payment_terms="30 days",
    )  # fmt: skip
    shop.make_supplier(name="Plain")
    return shop


def logged(shop: Shop, subject: str) -> list[tuple[str, Any, Any]]:
    """Return what the log has of the subjects of a kind, the first entry first."""
    found = shop.owner.get(f"/audit?subject_kind={subject}&sort=id").json
    return [(one["action"], one["before"], one["after"]) for one in found]


class TestWritingOut:
    def test_has_what_is_there_and_nothing_of_another_workshop(self, stocked: Shop, other_shop: Shop) -> None:
        other_shop.make_part(name="Theirs")
        other_shop.make_supplier(name="Theirs")

        names = {kind: [row["name"] for row in rows(exported(stocked, kind))] for kind in KINDS}

        parts = ['Oil "5W-30", 1 l', "Line\none", "Żarówka; H7"]
        assert names == {"parts": parts, "stock": parts, "suppliers": ["'@Parts & Co", "Plain"]}

    def test_tells_categories_from_the_top_and_numbers_as_they_are_read(self, stocked: Shop) -> None:
        first = rows(exported(stocked, "parts"))[0]

        assert first.items() >= {
            "category": "Fluids > Oils", "price": "1234.50", "minimum_stock_level": "0.5", "reorder_quantity": "2.125",
            "warranty_months": "24", "barcode": "5901234123457",
        }.items()  # fmt: skip

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_streamed_as_a_file(self, stocked: Shop, kind: str) -> None:
        answer = stocked.owner.get(f"/inventory/exports/{kind}")

        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{kind}.csv"'
        assert answer.data.startswith(b"\xef\xbb\xbfid,")

    @pytest.mark.parametrize("kind", KINDS)
    def test_is_not_sent_again_until_something_changed(self, stocked: Shop, kind: str) -> None:
        path = f"/inventory/exports/{kind}"
        seen = {"If-None-Match": stocked.owner.get(path).headers["ETag"]}
        same = stocked.owner.get(path, headers=seen).status_code
        stocked.make_part(name="New", on_hand=1)
        stocked.make_supplier()

        assert (same, stocked.owner.get(path, headers=seen).status_code) == (304, 200)

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_cell_is_a_formula(self, stocked: Shop, kind: str) -> None:
        cells = [cell for row in rows(exported(stocked, kind)) for cell in row.values()]

        assert [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")] == []

    @given(st.text(max_size=20))
    def test_what_is_guarded_is_read_as_it_was(self, text: str) -> None:
        assert sheets.unguarded(sheets.guarded(text)) == text
        assert sheets.guarded(text)[:1] not in ("=", "+", "-", "@", "\t", "\r")

    def test_goes_on_over_many_batches(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        from app.blueprints.inventory.tables import exporting

        monkeypatch.setattr(exporting, "ROWS_AT_ONCE", 3)
        for number in range(7):
            shop.make_part(name=f"Part {number}")

        assert [row["name"] for row in rows(exported(shop, "parts"))] == [
            f"Part {number}" for number in range(7)
        ]


class TestReadingInAgain:
    @pytest.mark.parametrize("kind", KINDS)
    def test_changes_nothing(self, stocked: Shop, kind: str) -> None:
        table = exported(stocked, kind)

        found = numbers(read_in(stocked, kind, table))

        assert found == (0, 0, len(rows(table)), 0)
        assert exported(stocked, kind) == table

    def test_changes_nothing_whatever_signs_there_are_in_the_names_of_categories(self, shop: Shop) -> None:
        top = {name: shop.make_category(name=name).id for name in ("A", "A >", "A > B", "A >> B", "> B", ">")}
        inner = [
            shop.make_category(name=name, parent_id=top[within]).id
            for within, name in (("A", "B"), ("A", "> B"), ("A >", "B"), ("A", ">"), (">", "B"))
        ]
        for category in (*top.values(), *inner):
            shop.make_part(category_id=category)
        table = exported(shop, "parts")

        assert numbers(read_in(shop, "parts", table)) == (0, 0, 11, 0)
        assert len({row["category"] for row in rows(table)}) == 11

    @pytest.mark.parametrize(("written", "meant"), [("Oil > 10W", 0), ("OIL >> 10w", 0), ("A > B", 2)])
    def test_a_sign_in_a_name_may_be_written_once_where_it_is_no_path(
        self, shop: Shop, written: str, meant: int
    ) -> None:
        made = [shop.make_category(name="Oil > 10W").id, shop.make_category(name="A > B").id]
        made.append(shop.make_category(name="B", parent_id=shop.make_category(name="A").id).id)

        read_in(shop, "parts", f"sku,name,price,category\nX,Oil,1,{written}\n")

        assert shop.owner.get("/inventory").json[0]["category_id"] == made[meant]

    def test_by_semicolons_as_some_spreadsheets_save_it_too(self, stocked: Shop) -> None:
        told = io.StringIO()
        writer = csv.writer(told, delimiter=";")
        writer.writerows(csv.reader(io.StringIO(exported(stocked, "parts").decode("utf-8-sig"))))

        assert numbers(read_in(stocked, "parts", told.getvalue())) == (0, 0, 3, 0)


class TestNumbers:
    @pytest.mark.parametrize(
        ("price", "minimum", "kept"),
        [
            ("12,50", "4,5", (12.5, 4.5)), ("12,5", "4,25", (12.5, 4.25)), ("12.50", "4.125", (12.5, 4.125)),
            ("1,234", "1", None), ("1", "1,234", None), ("1.234,50", "1", None), ("1,2,3", "1", None), (",5", "1", None),
        ],
    )  # fmt: skip
    def test_have_a_point_or_a_comma_that_cannot_part_thousands(
        self, shop: Shop, price: str, minimum: str, kept: tuple[float, float] | None
    ) -> None:
        table = f"sku;name;price;unit;minimum_stock_level\r\nO-1;Oil;{price};l;{minimum}\r\n"

        answer = read_in(shop, "parts", table)

        found = [
            (item["price"], item["minimum_stock_level"]) for item in shop.owner.get("/inventory?sku=O-1").json
        ]
        assert found == ([] if kept is None else [kept])
        assert answer.status_code == (400 if kept is None else 200)


class TestParts:
    def test_are_made_and_changed_by_sku_or_id(self, shop: Shop) -> None:
        known, other = shop.make_part(sku="A-1"), shop.make_part(name="Belt", sku="A-2")
        shop.make_category(name="Filters")
        table = (
            "id,sku,name,price,category,bin\r\n"
            ",A-1,Oil Filter,21.50,filters,B-1\r\n"
            f"{other.id},A-2-b,Timing Belt,5,,\r\n"
            ",A-3,Bulb,2,,\r\n"
        )

        answer = read_in(shop, "parts", table)

        assert numbers(answer) == (1, 2, 0, 0)
        assert [(one["line"], one["action"], one["about"], one["changed"]) for one in answer.json["lines"]] == [
            (2, "updated", "A-1", ["price", "bin", "category_id"]), (3, "updated", "A-2-b", ["sku", "name", "price"]),
            (4, "created", "A-3", []),
        ]  # fmt: skip
        assert shop.owner.get(f"/inventory/{known.id}").json.items() >= {"price": 21.5, "bin": "B-1"}.items()
        assert shop.owner.get("/inventory?sku=A-3").json[0]["tracked"] is False

    def test_columns_that_are_left_out_stay_and_empty_cells_empty(self, shop: Shop) -> None:
        part = shop.make_part(sku="A-1", bin="B-1", manufacturer="Mann")

        read_in(shop, "parts", "sku,bin\nA-1,\n")

        told = shop.owner.get(f"/inventory/{part.id}").json
        assert (told["bin"], told["manufacturer"], told["price"]) == (None, "Mann", 19.99)

    @pytest.mark.parametrize(
        ("cells", "faults"),
        [
            ("sku,name,price\nX,Belt,1.999", {"price"}), ("sku,name,price\nX,,1", {"name"}), ("sku,name\nX,Belt", {"price"}),
            ("sku,name,price\nX,Belt,-1", {"price"}), ("sku,name,price,unit\nX,Belt,1,mile", {"unit"}),
            ("sku,name,price,barcode\nX,Belt,1,123", {"barcode"}), ("sku,name,price,category\nX,Belt,1,Nowhere", {"category"}),
            ("sku,name,price,minimum_stock_level\nX,Belt,1,0.5", {"minimum_stock_level"}), ("id,name\n999999999,Belt", {"id"}),
            ("sku,name,price,reorder_quantity\nX,Belt,1,0", {"reorder_quantity"}), ("sku,name,price\nX,Belt", {"line"}),
            ("sku,name,price\nX,Be\x07lt,1", {"line"}), ("sku,name,price\nX,Belt,1\nX,Belt,2", {"id"}),
            ("name,price,barcode\nA,1,5901234123457\nB,1,5901234123457", {"barcode"}),
            ("sku,name,price\nTAKEN-1,A,1\nTAKEN-1,B,1", {"id"}),
        ],
    )  # fmt: skip
    def test_a_wrong_cell_is_named_and_undoes_all(self, shop: Shop, cells: str, faults: set[str]) -> None:
        shop.make_part(sku="TAKEN-1")
        head, *lines = cells.splitlines()
        names = head.split(",")
        good = ",".join({"sku": "GOOD", "name": "Good", "price": "1"}.get(name, "") for name in names)
        table = "\n".join([head, good, *lines]) if "unit" not in names and "id" not in names else cells
        before = exported(shop, "parts")

        refused, tried = read_in(shop, "parts", table), read_in(shop, "parts", table, dry_run=True)

        assert refused.status_code == 400
        assert {name.split(".")[2] for name in refused.json["errors"]} == faults
        assert {name for line in tried.json["lines"] for name in line["errors"] or ()} == faults
        assert exported(shop, "parts") == before

    @pytest.mark.parametrize(
        "table",
        [
            b"",
            b"\xff\xfe\x00",
            b"sku,weather\nX,1\n",
            b"sku,sku\nX,X\n",
            b'sku,name\n"X,Belt\n',
            b"PK\x03\x04\x00\x00",
        ],
    )
    def test_what_is_no_table_is_refused(self, shop: Shop, table: bytes) -> None:
        answer = read_in(shop, "parts", table)

        assert (answer.status_code, list(answer.json["errors"])) == (400, ["file"])

    def test_more_lines_than_a_request_takes_are_refused(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from app.blueprints.inventory import table_routes

        monkeypatch.setattr(table_routes, "MOST_LINES", 2)

        answer = read_in(shop, "parts", "sku,name,price\n" + "".join(f"S-{n},Belt,1\n" for n in range(3)))

        assert list(answer.json["errors"]) == ["file"]
        assert rows(exported(shop, "parts")) == []

    def test_over_several_batches_each_line_counts_once(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "LINES_AT_ONCE", 3)
        table = "sku,name,price\n" + "".join(f"S-{number},Belt,1\n" for number in range(8))

        made, again = read_in(shop, "parts", table), read_in(shop, "parts", table)
        twice = read_in(shop, "parts", table + "S-0,Belt,2\n")

        assert (numbers(made), numbers(again)) == ((8, 0, 0, 0), (0, 0, 8, 0))
        assert twice.json["errors"] == {"lines.10.id": ["Another line is about the same item."]}

    def test_another_minimum_raises_its_alert(self, shop: Shop) -> None:
        shop.make_part(sku="A-1", on_hand=3)

        read_in(shop, "parts", "sku,minimum_stock_level\nA-1,5\n")

        assert [one["alert"] for one in shop.owner.get("/inventory/stock-alerts").json] == ["low"]

    def test_another_workshops_item_is_not_there(self, shop: Shop, other_shop: Shop) -> None:
        theirs = other_shop.make_part(sku="A-1")

        by_id = read_in(shop, "parts", f"id,name\n{theirs.id},Mine\n")
        by_sku = read_in(shop, "parts", "sku,name,price\nA-1,Mine,1\n")

        assert (by_id.status_code, numbers(by_sku)) == (400, (1, 0, 0, 0))
        assert other_shop.owner.get(f"/inventory/{theirs.id}").json["name"] == "Oil Filter"


class TestADryRun:
    @pytest.mark.parametrize("keyed", [False, True])
    def test_tells_what_would_happen_and_does_nothing(self, shop: Shop, keyed: bool) -> None:
        shop.make_part(sku="A-1", on_hand=9)
        headers = {"Idempotency-Key": "try-1"} if keyed else {}
        table = "sku,name,price,minimum_stock_level\nA-1,Filter,1,20\nA-2,Belt,2,1\n"
        before = exported(shop, "parts")

        tried = read_in(shop, "parts", table, dry_run=True, headers=headers)

        assert numbers(tried) == (1, 1, 0, 0)
        assert exported(shop, "parts") == before
        assert shop.owner.get("/inventory/stock-alerts").json == []
        assert numbers(read_in(shop, "parts", table)) == (1, 1, 0, 0)

    def test_a_key_tells_files_apart(self, shop: Shop) -> None:
        key = {"Idempotency-Key": "file-1"}

        answers = [
            read_in(shop, "parts", f"sku,name,price\nA-1,{name},1\n", headers=key)
            for name in ("Belt", "Belt", "Bulb")
        ]

        assert [one.status_code for one in answers] == [200, 200, 422]
        assert answers[1].headers["Idempotency-Replayed"] == "true"


class TestStock:
    def test_a_line_whose_id_and_sku_are_of_two_items_is_refused(self, shop: Shop) -> None:
        first, second = (shop.make_part(sku=sku, on_hand=1).id for sku in ("A", "B"))

        found = read_in(shop, "stock", f"id,sku,on_hand\n{first},B,7\n{second},,8\n", dry_run=True)

        assert numbers(found) == (0, 1, 0, 1)
        assert found.json["lines"][0]["errors"] == {"sku": ["The item with this id has another one."]}

    def test_what_differs_enters_the_ledger(self, shop: Shop) -> None:
        more, less, same, new = (
            shop.make_part(sku=sku, on_hand=level)
            for sku, level in (("A", 5), ("B", 5), ("C", 5), ("D", None))
        )
        answer = read_in(shop, "stock", "sku,on_hand,unit_cost\nA,8,2.50\nB,1,\nC,5,\nD,4,\n")

        assert numbers(answer) == (0, 3, 1, 0)
        told = {
            part.sku: [
                (one["kind"], one["quantity"], one["reason"])
                for one in shop.owner.get(f"/inventory/{part.id}/movements?sort=id").json
            ][-1]
            for part in (more, less, same, new)
        }
        assert told == {
            "A": ("adjustment", 3, "Imported."), "B": ("adjustment", -4, "Imported."), "C": ("opening", 5, None),
            "D": ("opening", 4, "Imported."),
        }  # fmt: skip
        assert shop.owner.get(f"/inventory/{more.id}").json["average_cost"] == 2.5
        with shop.inside():
            assert list(proving.discrepancies(shop.id)) == []

    def test_what_is_counted_from_now_on_and_not_there_is_told_as_out(self, shop: Shop) -> None:
        shop.make_part(sku="X")

        answer = read_in(shop, "stock", "sku,on_hand\nX,0\n")

        assert numbers(answer) == (0, 1, 0, 0)
        (alert,) = shop.owner.get("/inventory/stock-alerts").json
        (raised,) = shop.owner.get("/inventory/stock-alerts/history").json
        assert (alert["alert"], alert["raised_at"]) == ("out", raised["raised_at"])

    @pytest.mark.parametrize("cells", ["A,", "A,-1", "A,0.5", "Z,1", "A,1\nA,2", "A,1000000001"])
    def test_a_wrong_line_undoes_all(self, shop: Shop, cells: str) -> None:
        part, other = shop.make_part(sku="A", on_hand=5), shop.make_part(sku="B", on_hand=5)

        answer = read_in(shop, "stock", f"sku,on_hand\nB,7\n{cells}\n")

        assert answer.status_code == 400
        assert [shop.owner.get(f"/inventory/{one.id}").json["on_hand"] for one in (part, other)] == [5, 5]


class TestSuppliers:
    def test_are_made_and_changed_by_name_or_id(self, shop: Shop) -> None:
        known = shop.make_supplier(name="Parts & Co", city="Sopot")
        table = "name,country,phone,tax_id,active\nPARTS & co,PL,22 123 45 67,8567346215,no\nOil Ltd,,,,yes\n"

        answer = read_in(shop, "suppliers", table)

        assert numbers(answer) == (1, 1, 0, 0)
        told = shop.owner.get(f"/inventory/suppliers/{known.id}").json
        assert (told["name"], told["phone"], told["active"], told["city"]) == (
            "PARTS & co",
            "+48221234567",
            False,
            "Sopot",
        )
        assert numbers(read_in(shop, "suppliers", table)) == (0, 0, 2, 0)

    @pytest.mark.parametrize(
        ("cells", "field"),
        [
            ("name,tax_id\nX,8567346215", "country"), ("name,country,tax_id\nX,PL,1", "tax_id"),
            ("name,email\nX,nobody", "email"),
            ("name,active\nX,maybe", "active"), ("name,rating\nX,5.01", "rating"), ("city\nSopot", "name"),
            ("name\nX\nx", "id"), ("id,name\n{other},Taken", "name"), ("name,country\nX,Polska", "country"),
            ("name,website\nX,javascript:alert(1)", "website"), ("name,phone\nX,call me", "phone"),
        ],
    )  # fmt: skip
    def test_a_wrong_cell_is_named(self, shop: Shop, cells: str, field: str) -> None:
        shop.make_supplier(name="Taken")
        other = shop.make_supplier(name="Other")

        answer = read_in(shop, "suppliers", cells.format(other=other.id))

        assert answer.status_code == 400
        assert [name.split(".")[2] for name in answer.json["errors"]] == [field]


def test_a_mechanic_writes_out_and_reads_nothing_in(shop: Shop) -> None:
    answer = shop.mechanic.post(
        "/inventory/imports/parts", data={"file": (io.BytesIO(b"sku,name,price\n"), "t.csv")}
    )

    assert (answer.status_code, shop.mechanic.get("/inventory/exports/parts").status_code) == (403, 200)


class TestWhatSpreadsheetsLeave:
    def test_empty_rows_are_passed_over(self, shop: Shop) -> None:
        found = numbers(read_in(shop, "parts", "sku,name,price\nA-1,Belt,1\n,,\n\n , ,\n"))

        assert found == (1, 0, 0, 0)

    @pytest.mark.parametrize(
        "row", ['"Belt" 15,1', '"Belt,1', "x" * 200_000 + ",1"], ids=["more", "open", "long"]
    )
    def test_what_is_no_csv_is_told_by_its_line(self, shop: Shop, row: str) -> None:
        answer = read_in(shop, "parts", f"name,price\nBulb,1\n{row}\n")

        (said,) = answer.json["errors"]["file"]
        assert (answer.status_code, said) == (
            400,
            "It is no CSV: look at line 3, and at quotation marks before it.",
        )


class TestOthersMeanwhile:
    """What somebody else wrote since the lines were looked for: the tables refuse it, and that is told."""

    @pytest.fixture
    def unseen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def nothing_yet(model: Any, **how: Any) -> Any:
            return select(model).where(false())

        for module in (parts_table, suppliers_table):
            monkeypatch.setattr(module, "locked", nothing_yet)

    @pytest.mark.parametrize(
        ("kind", "table", "code"),
        [
            ("parts", "sku,name,price\nA-1,Belt,1\n", "sku_taken"),
            ("parts", "sku,name,price,barcode\nA-2,Belt,1,5901234123457\n", "barcode_taken"),
            ("suppliers", "name\nParts & Co\n", "supplier_name_taken"),
        ],
    )
    def test_is_told_where_it_is_the_same(
        self, shop: Shop, unseen: None, kind: str, table: str, code: str
    ) -> None:
        shop.make_part(sku="A-1", barcode="5901234123457")
        shop.make_supplier(name="Parts & Co")

        answer = read_in(shop, kind, table)

        assert (answer.status_code, answer.json["code"]) == (409, code)
        assert len(shop.owner.get("/inventory").json) == 1

    def test_is_told_where_a_category_is_gone(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        gone = shop.make_category(name="Oils")
        shop.owner.delete(f"/inventory/categories/{gone.id}")
        monkeypatch.setattr(parts_table, "paths", lambda workshop_id: {gone.id: "Oils"})

        answer = read_in(shop, "parts", "sku,name,price,category\nA-1,Belt,1,Oils\n")

        assert (answer.status_code, answer.json["code"]) == (404, "category_not_found")


class TestTheLog:
    def test_is_told_of_each_item_that_is_changed_or_made_as_without_a_table(self, shop: Shop) -> None:
        kept = shop.make_part(name="Oil Filter", sku="OF-1", price=Decimal("19.99"), minimum_stock_level=2)
        shop.make_part(name="Belt", sku="B-1", price=Decimal("5.00"))
        before = len(logged(shop, "part"))

        answer = read_in(
            shop,
            "parts",
            "sku,name,price,minimum_stock_level\nOF-1,Oil Filter,2.50,3\nB-1,Belt,5,\nN-1,New,1,\n",
        )

        added, changed = sorted(logged(shop, "part")[before:])
        assert numbers(answer) == (1, 1, 1, 0)
        assert changed == (
            "part.updated",
            {"price": "19.99", "minimum_stock_level": 2},
            {"price": "2.50", "minimum_stock_level": 3},
        )
        assert (added[0], added[2]["sku"], added[2]["price"]) == ("part.added", "N-1", "1.00")
        found = shop.owner.get(f"/audit?subject_kind=part&subject_id={kept.id}&action=part.updated").json
        assert len(found) == 1

    def test_is_told_of_each_supplier(self, shop: Shop) -> None:
        shop.make_supplier(name="Plain", delivery_days=3)
        before = len(logged(shop, "supplier"))

        read_in(shop, "suppliers", "name,delivery_days\nPlain,5\nNew,1\n")

        told = sorted(logged(shop, "supplier")[before:])
        assert [action for action, _, _ in told] == ["supplier.added", "supplier.updated"]
        assert told[1][1:] == ({"delivery_days": 3}, {"delivery_days": 5})

    @pytest.mark.parametrize(
        ("further", "dry_run"), [("", True), ("OF-2,,\n", False)], ids=["a dry run", "a line that is wrong"]
    )
    def test_is_told_nothing_of_what_did_not_happen(self, shop: Shop, further: str, dry_run: bool) -> None:
        shop.make_part(name="Oil Filter", sku="OF-1", price=Decimal("19.99"))
        before = shop.owner.get("/audit?sort=id").json

        answer = read_in(shop, "parts", f"sku,name,price\nOF-1,Oil Filter,2\n{further}", dry_run=dry_run)

        assert answer.status_code == (200 if dry_run else 400)
        assert shop.owner.get("/audit?sort=id").json == before

    def test_is_told_how_many_of_a_long_table_alone(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(importing, "LINES_AT_ONCE", 2)

        for lines in (2, 3):
            table = "".join(f"{lines}-{number},Part,1\n" for number in range(lines))
            assert read_in(shop, "parts", f"sku,name,price\n{table}").status_code == 200

        assert [action for action, _, _ in logged(shop, "part")] == ["part.added"] * 2


class TestLooking:
    """Each batch is looked for by hundreds of values: PostgreSQL has to know them when it plans."""

    @staticmethod
    def read_batches(shop: Shop) -> list[int]:
        """Read a table in by ten batches; return how often each statement about items was planned for any values."""
        with shop.app.app_context():
            db.engine.dispose()
        for first in (0, 20):  # some are there, and are looked up, the second time
            table = "".join(f"S-{number},Part,{first + 1}\n" for number in range(20))
            assert read_in(shop, "parts", f"sku,name,price\n{table}").status_code == 200
        asked = text(
            "SELECT generic_plans FROM pg_prepared_statements"
            " WHERE strpos(statement, 'FROM parts') > 0 AND strpos(statement, 'FOR NO KEY UPDATE') > 0"
        )
        with shop.app.app_context(), db.engine.connect() as connection:
            return list(connection.execute(asked).scalars())

    def test_is_planned_for_the_values(
        self, shop: Shop, on_postgresql: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not on_postgresql:
            pytest.skip("SQLite keeps no plans.")
        monkeypatch.setattr(importing, "LINES_AT_ONCE", 2)

        planned = self.read_batches(shop)

        assert planned
        assert not any(planned)

    def test_control_else_it_is_planned_for_any(
        self, shop: Shop, on_postgresql: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if not on_postgresql:
            pytest.skip("SQLite keeps no plans.")
        monkeypatch.setattr(importing, "LINES_AT_ONCE", 2)
        monkeypatch.setattr(importing, "plan_for_values", lambda session: None)

        assert any(self.read_batches(shop))
