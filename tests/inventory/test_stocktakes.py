"""Counts: a sheet is written, counted while the shop goes on, compared with the ledger of then, and posted as a whole."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.inventory import proving, stocktakes
from app.core import clock
from app.core.clock import rfc3339
from tests.factories import Shop
from tests.mailing import Clock
from tests.tampering import owners_connection

PATH = "/inventory/stocktakes"


def opened(shop: Shop, **scope: Any) -> str:
    """Write a sheet, and return its path."""
    made = shop.mechanic.post(PATH, json=scope)
    assert made.status_code == 201, made.text
    return made.headers["Location"]


def count(shop: Shop, sheet: str, counts: dict[int, float], **more: Any) -> TestResponse:
    body = [{"item_id": part, "quantity": quantity, **more} for part, quantity in counts.items()]
    return shop.mechanic.post(f"{sheet}/counts", json={"counts": body})


def lines(shop: Shop, sheet: str, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.mechanic.get(f"{sheet}/lines{query}").json
    return found


def move(shop: Shop, part_id: int, kind: str, quantity: float, **body: Any) -> None:
    sent = {"kind": kind, "quantity": quantity, **body}
    assert shop.mechanic.post(f"/inventory/{part_id}/movements", json=sent).status_code == 201


def on_hand(shop: Shop, part_id: int) -> Any:
    return shop.owner.get(f"/inventory/{part_id}").json["on_hand"]


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def ledger_is_right(shop: Shop) -> bool:
    with shop.inside():
        return list(proving.discrepancies(shop.id)) == []


class TestTheSheet:
    def test_has_what_is_counted_along_the_shelves(self, shop: Shop, other_shop: Shop) -> None:
        for name, place in (("Belt", "B-1"), ("Bulb", "A-2"), ("Cable", "A-2"), ("Loose", None)):
            shop.make_part(name=name, bin=place, on_hand=3)
        shop.make_part(name="Uncounted", bin="A-1")
        shop.take_out(shop.make_part(name="Gone", on_hand=0).id)
        other_shop.make_part(on_hand=1)

        sheet = opened(shop)

        assert [(one["place"], one["item"]["name"]) for one in lines(shop, sheet)] == [
            (1, "Loose"), (2, "Bulb"), (3, "Cable"), (4, "Belt"),
        ]  # fmt: skip
        assert {one["expected"] for one in lines(shop, sheet)} == {3}
        told = shop.owner.get(sheet).json
        assert (told["status"], told["lines"], told["counted"], told["differing"]) == ("open", 4, 0, 0)

    def test_is_narrowed_by_category_with_those_within_and_by_the_beginning_of_the_bin(
        self, shop: Shop
    ) -> None:
        outer = shop.make_category()
        inner = shop.make_category(parent_id=outer.id)
        shop.make_part(name="Outer", category_id=outer.id, bin="A-1", on_hand=1)
        shop.make_part(name="Inner", category_id=inner.id, bin="A%1", on_hand=1)
        shop.make_part(name="Other", bin="a-12", on_hand=1)

        found = []
        for scope in (
            {"category_id": outer.id},
            {"bin": "A-1"},
            {"bin": "A%"},
            {"category_id": inner.id, "bin": "A"},
        ):
            sheet = opened(shop, **scope)
            found.append({one["item"]["name"] for one in lines(shop, sheet)})
            shop.owner.post(f"{sheet}/cancel")

        assert found == [{"Outer", "Inner"}, {"Outer", "Other"}, {"Inner"}, {"Inner"}]

    def test_is_refused_where_there_is_nothing_to_count_or_too_much(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(stocktakes, "MOST_LINES", 1)
        nothing = shop.mechanic.post(PATH, json={})
        for place in ("A", "B"):
            shop.make_part(bin=place, on_hand=1)

        answers = [
            nothing,
            shop.mechanic.post(PATH, json={}),
            shop.mechanic.post(PATH, json={"category_id": 9**12}),
        ]

        assert [refusal(one) for one in answers] == [
            (409, "nothing_to_count"), (409, "sheet_too_long"), (404, "category_not_found"),
        ]  # fmt: skip
        assert shop.mechanic.post(PATH, json={"bin": "A"}).status_code == 201

    def test_is_refused_where_its_category_goes_meanwhile(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gone = shop.make_category().id
        shop.owner.delete(f"/inventory/categories/{gone}")
        monkeypatch.setattr(stocktakes.categories, "get", lambda workshop_id, category_id: None)

        assert refusal(shop.mechanic.post(PATH, json={"category_id": gone})) == (404, "category_not_found")

    def test_an_item_is_on_one_open_sheet(self, shop: Shop) -> None:
        shop.make_part(bin="A", on_hand=1)
        first = opened(shop, bin="A")

        refused = shop.mechanic.post(PATH, json={})
        shop.mechanic.post(f"{first}/cancel")

        assert refusal(refused) == (409, "being_counted")
        assert shop.mechanic.post(PATH, json={}).status_code == 201

    def test_another_workshops_is_not_there(self, shop: Shop, other_shop: Shop) -> None:
        part = other_shop.make_part(on_hand=1)
        sheet = opened(other_shop)

        answers = [
            shop.owner.get(sheet),
            shop.owner.get(f"{sheet}/lines"),
            count(shop, sheet, {part.id: 1}),
            shop.owner.post(f"{sheet}/post", json={}),
            shop.owner.post(f"{sheet}/cancel"),
        ]

        assert [refusal(one) for one in answers] == [(404, "stocktake_not_found")] * 5


class TestThePaper:
    @pytest.mark.parametrize("locale", ["en", "pl-PL", "de"])
    def test_is_drawn_in_each_language_over_as_many_pages_as_it_takes(self, shop: Shop, locale: str) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"locale": locale})
        category = shop.make_category()
        for number in range(60):
            shop.make_part(
                name=f"Żarówka {number} " + "x" * 100,
                sku=f"S-{number}",
                bin="A",
                on_hand=1,
                category_id=category.id,
            )
        sheet = opened(shop, category_id=category.id, bin="A", note="By two.")

        answer = shop.mechanic.get(f"{sheet}/sheet")

        assert answer.headers["Content-Type"] == "application/pdf"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="count-sheet-1.pdf"'
        assert len(re.findall(rb"/Type /Page\b", answer.data)) == 2
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert shop.mechanic.get(f"{sheet}/sheet", headers=tag).status_code == 304

    def test_changes_with_what_is_counted_and_says_when_it_is_over(self, shop: Shop) -> None:
        part = shop.make_part(name="Filter", on_hand=1)
        sheet = opened(shop)
        drawn = [shop.owner.get(f"{sheet}/sheet").data]

        count(shop, sheet, {part.id: 1})
        drawn.append(shop.owner.get(f"{sheet}/sheet").data)
        shop.mechanic.post(f"{sheet}/post", json={})
        drawn.append(shop.owner.get(f"{sheet}/sheet").data)

        assert len(set(drawn)) == 3

    def test_of_another_workshop_is_not_found(self, shop: Shop, other_shop: Shop) -> None:
        other_shop.make_part(on_hand=1)

        assert shop.owner.get(f"{opened(other_shop)}/sheet").status_code == 404


class TestCounting:
    def test_shows_the_differences_and_what_they_are_worth_before_they_are_posted(self, shop: Shop) -> None:
        missing, right, more = (shop.make_part(name=name, on_hand=0) for name in "ABC")
        for part in (missing, right, more):
            move(shop, part.id, "purchase", 10, unit_cost=2.5)
        sheet = opened(shop)

        counted = count(shop, sheet, {missing.id: 8, right.id: 10, more.id: 11}).json

        told = [
            (one["counted"], one["book"], one["difference"], one["difference_value"])
            for one in lines(shop, sheet)
        ]
        assert told == [(8, 10, -2, -5.0), (10, 10, 0, 0.0), (11, 10, 1, 2.5)]
        assert (counted["counted"], counted["differing"]) == (3, 2)
        assert [one["item"]["name"] for one in lines(shop, sheet, "?state=differing")] == ["A", "C"]
        assert on_hand(shop, missing.id) == 10

    def test_may_be_done_item_by_item_and_again(self, shop: Shop) -> None:
        first, second = shop.make_part(name="A", on_hand=5), shop.make_part(name="B", on_hand=5)
        sheet = opened(shop)

        for part, quantity in ((first, 4), (second, 5), (first, 5)):
            assert count(shop, sheet, {part.id: quantity}).status_code == 200

        assert [one["counted"] for one in lines(shop, sheet)] == [5, 5]
        assert lines(shop, sheet, "?state=uncounted") == []

    def test_of_many_at_once_is_all_or_nothing(self, shop: Shop, other_shop: Shop) -> None:
        part, strange = shop.make_part(on_hand=5), other_shop.make_part(on_hand=5)
        sheet = opened(shop)
        unlisted, oil = shop.make_part(on_hand=5), shop.make_part(on_hand=5, unit="l")

        answers = [
            count(shop, sheet, {part.id: 4, strange.id: 1}),
            count(shop, sheet, {part.id: 4, unlisted.id: 1}),
            count(shop, sheet, {part.id: 0.5}),
            shop.mechanic.post(f"{sheet}/counts", json={"counts": [{"item_id": part.id, "quantity": 1}] * 2}),
            count(shop, sheet, {part.id: -1}),
            count(shop, sheet, {oil.id: 1.5}),
        ]

        assert [refusal(one) for one in answers] == [
            (409, "not_on_sheet"), (409, "not_on_sheet"), (400, "invalid_request"), (400, "invalid_request"),
            (400, "invalid_request"), (409, "not_on_sheet"),
        ]  # fmt: skip
        assert [one["counted"] for one in lines(shop, sheet)] == [None]

    def test_is_compared_with_the_ledger_of_its_moment(self, shop: Shop, clock_set: Clock) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)
        clock_set.pass_(seconds=10)
        move(shop, part.id, "sale", 1)
        clock_set.pass_(seconds=10)
        counted_at = clock_set.moment
        clock_set.pass_(seconds=10)
        move(shop, part.id, "sale", 4)
        move(shop, part.id, "purchase", 2)

        count(shop, sheet, {part.id: 8}, counted_at=counted_at.isoformat())
        (line,) = lines(shop, sheet)
        shop.mechanic.post(f"{sheet}/post", json={})

        assert (line["book"], line["difference"]) == (9, -1)
        assert on_hand(shop, part.id) == 6  # 10 - 1 - 4 + 2, and one was missing

    def test_by_a_clock_that_is_a_little_ahead_is_of_now(self, shop: Shop, clock_set: Clock) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)
        clock_set.pass_(minutes=5)

        answers = [
            count(shop, sheet, {part.id: 9}, counted_at=(clock.now() + timedelta(seconds=by)).isoformat())
            for by in (60, 61)
        ]

        assert [one.status_code for one in answers] == [200, 400]
        (line,) = lines(shop, sheet)
        assert (line["counted_at"], line["book"]) == (rfc3339(clock.now()), 10)

    def test_by_a_clock_that_is_a_little_behind_is_of_the_sheet(self, shop: Shop, clock_set: Clock) -> None:
        part = shop.make_part(on_hand=10)
        sheet, written_at = opened(shop), clock.now()
        told = shop.mechanic.get(sheet).json["created_at"]
        clock_set.pass_(seconds=30)

        answers = [
            count(shop, sheet, {part.id: 9}, counted_at=(written_at - timedelta(seconds=by)).isoformat())
            for by in (58, 61)
        ]

        assert [one.status_code for one in answers] == [200, 400]
        (line,) = lines(shop, sheet)
        assert (line["counted_at"], line["book"]) == (told, 10)

    def test_in_the_future_or_before_the_sheet_is_refused(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)

        answers = [
            count(shop, sheet, {part.id: 9}, counted_at=(clock.now() + timedelta(days=by)).isoformat())
            for by in (1, -1)
        ]

        assert [one.status_code for one in answers] == [400, 400]


def reserved_by(shop: Shop, there: int, *quantities: int) -> tuple[int, list[dict[str, Any]]]:
    """Make a part of which so many are there, and tickets that have set some of it aside."""
    part, tickets = shop.make_part(on_hand=there).id, []
    for quantity in quantities:
        ticket = shop.make_ticket()
        line = {"kind": "part", "item_id": part, "quantity": quantity}
        assert shop.owner.post(f"/service_tickets/{ticket['id']}/lines", json=line).status_code == 201
        tickets.append(ticket)
    return part, tickets


class TestPosting:
    def test_enters_all_differences_as_adjustments(self, shop: Shop) -> None:
        missing, more = shop.make_part(name="A", on_hand=10), shop.make_part(name="B", on_hand=10, unit="l")
        right = shop.make_part(name="C", on_hand=10)
        sheet = opened(shop)
        count(shop, sheet, {missing.id: 7, more.id: 10.25, right.id: 10})

        posted = shop.mechanic.post(f"{sheet}/post", json={}).json

        assert (posted["status"], posted["closed_at"] is not None) == ("posted", True)
        assert [on_hand(shop, part.id) for part in (missing, more, right)] == [7, 10.25, 10]
        last = shop.owner.get(f"/inventory/{missing.id}/movements").json[0]
        assert (last["kind"], last["quantity"], last["reason"]) == ("adjustment", -3, "Stocktake 1.")
        assert len(shop.owner.get(f"/inventory/{right.id}/movements").json) == 1
        assert ledger_is_right(shop)

    def test_leaves_what_moved_since_the_counting(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)
        count(shop, sheet, {part.id: 9})
        move(shop, part.id, "sale", 5)
        move(shop, part.id, "purchase", 2)

        shop.mechanic.post(f"{sheet}/post", json={})

        assert on_hand(shop, part.id) == 6

    def test_is_all_or_nothing_where_more_is_missing_than_is_there_by_now(self, shop: Shop) -> None:
        first, second = shop.make_part(name="A", on_hand=10), shop.make_part(name="B", on_hand=10)
        sheet = opened(shop)
        count(shop, sheet, {first.id: 9, second.id: 4})
        move(shop, second.id, "sale", 5)

        refused = shop.mechanic.post(f"{sheet}/post", json={})

        assert refusal(refused) == (409, "not_enough_on_hand")
        assert [on_hand(shop, part.id) for part in (first, second)] == [10, 5]
        assert shop.owner.get(sheet).json["status"] == "open"

    def test_what_is_reserved_is_named_and_left_as_it_is(self, shop: Shop) -> None:
        part, tickets = reserved_by(shop, 11, 4, 7)
        sheet = opened(shop)
        count(shop, sheet, {part: 2})

        refused = shop.mechanic.post(f"{sheet}/post", json={})

        assert refusal(refused) == (409, "below_reserved")
        numbers = ", ".join(str(ticket["number"]) for ticket in tickets)
        assert f"2 would be left, and 11 are reserved for these tickets: {numbers}." in refused.json["detail"]
        assert on_hand(shop, part) == 11

    def test_releases_the_newest_tickets_first_where_that_is_meant(self, shop: Shop) -> None:
        part, tickets = reserved_by(shop, 12, 4, 3, 4)
        shop.owner.post(f"/service_tickets/{tickets[1]['id']}/status", json={"status": "received"})
        shop.owner.post(f"/service_tickets/{tickets[1]['id']}/status", json={"status": "in_progress"})
        paths = [f"/service_tickets/{ticket['id']}" for ticket in tickets]
        tags = [shop.owner.get(path).headers["ETag"] for path in paths]
        sheet = opened(shop)
        count(shop, sheet, {part: 5})

        posted = shop.mechanic.post(f"{sheet}/post", json={"release": True})

        answers = [shop.owner.get(path) for path in paths]
        assert posted.json["status"] == "posted"
        assert [answer.json["lines"][0]["reserved"] for answer in answers] == [4, 1, 0]
        assert [answer.headers["ETag"] == tag for answer, tag in zip(answers, tags, strict=True)] == [
            True, False, False,
        ]  # fmt: skip
        assert [answer.json["status"] for answer in answers] == ["booked", "waiting_parts", "booked"]
        item = shop.owner.get(f"/inventory/{part}").json
        assert (item["on_hand"], item["reserved"]) == (5, 5)
        notes = shop.owner.get("/audit?sort=id&action=ticket.reservation_released").json
        assert [(one["subject_id"], one["after"]["lines"][0]["reserved"]) for one in notes] == [
            (tickets[2]["id"], 0), (tickets[1]["id"], 1),
        ]  # fmt: skip
        assert [one["before"]["lines"][0]["reserved"] for one in notes] == [4, 3]
        assert ledger_is_right(shop)

    def test_releases_nothing_where_enough_is_left(self, shop: Shop) -> None:
        part, (ticket,) = reserved_by(shop, 10, 4)
        sheet = opened(shop)
        count(shop, sheet, {part: 4})

        posted = shop.mechanic.post(f"{sheet}/post", json={"release": True})

        assert posted.status_code == 200
        assert shop.owner.get(f"/service_tickets/{ticket['id']}").json["lines"][0]["reserved"] == 4

    def test_more_missing_than_there_is_releases_nothing(self, shop: Shop) -> None:
        part, (ticket,) = reserved_by(shop, 10, 4)
        sheet = opened(shop)
        count(shop, sheet, {part: 3})
        move(shop, part, "sale", 6)

        refused = shop.mechanic.post(f"{sheet}/post", json={"release": True})

        assert refusal(refused) == (409, "not_enough_on_hand")
        assert shop.owner.get(f"/service_tickets/{ticket['id']}").json["lines"][0]["reserved"] == 4

    def test_who_may_not_change_tickets_releases_nothing(self, shop: Shop) -> None:
        part, _ = reserved_by(shop, 10, 4)
        sheet = opened(shop)
        count(shop, sheet, {part: 3})
        counter = shop.make_staff("inventory:read", "stock:write")

        answers = [counter.post(f"{sheet}/post", json={"release": release}) for release in (True, False)]

        assert [refusal(one) for one in answers] == [(403, "not_allowed"), (409, "below_reserved")]

    def test_asks_whether_empty_lines_are_meant(self, shop: Shop) -> None:
        counted, other = shop.make_part(name="A", on_hand=10), shop.make_part(name="B", on_hand=10)
        sheet = opened(shop)
        count(shop, sheet, {counted.id: 9})

        refused = shop.mechanic.post(f"{sheet}/post", json={})
        meant = shop.mechanic.post(f"{sheet}/post", json={"leave_uncounted": True})

        assert refusal(refused) == (409, "not_all_counted")
        assert "1 of 2" in refused.json["detail"]
        assert meant.json["status"] == "posted"
        assert [on_hand(shop, part.id) for part in (counted, other)] == [9, 10]

    @pytest.mark.parametrize("ending", ["post", "cancel"])
    def test_what_is_closed_stays_so(self, shop: Shop, ending: str) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)
        count(shop, sheet, {part.id: 9})
        shop.mechanic.post(f"{sheet}/{ending}", json={} if ending == "post" else None)

        answers = [
            count(shop, sheet, {part.id: 1}),
            shop.mechanic.post(f"{sheet}/post", json={}),
            shop.mechanic.post(f"{sheet}/cancel"),
        ]

        assert [refusal(one) for one in answers] == [(409, "stocktake_closed")] * 3
        assert on_hand(shop, part.id) == (9 if ending == "post" else 10)

    def test_who_saw_another_version_posts_nothing(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)
        seen = {"If-Match": shop.owner.get(sheet).headers["ETag"]}
        count(shop, sheet, {part.id: 1})

        answer = shop.mechanic.post(f"{sheet}/post", json={}, headers=seen)

        assert answer.status_code == 412

    def test_raises_an_alert_where_too_few_are_there(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=10, minimum_stock_level=5)
        sheet = opened(shop)
        count(shop, sheet, {part.id: 2})

        shop.mechanic.post(f"{sheet}/post", json={})

        assert [one["alert"] for one in shop.owner.get("/inventory/stock-alerts").json] == ["low"]

    def test_what_is_counted_no_more_cannot_be_posted(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=10)
        sheet = opened(shop)
        count(shop, sheet, {part.id: 9})
        shop.owner.patch(f"/inventory/{part.id}", json={"on_hand": None})

        answers = [shop.mechanic.post(f"{sheet}/post", json={}), count(shop, sheet, {part.id: 1})]

        assert [refusal(one) for one in answers] == [(409, "stock_not_counted")] * 2


def test_the_list_is_narrowed_by_status(shop: Shop) -> None:
    shop.make_part(on_hand=1)
    shop.mechanic.post(f"{opened(shop)}/cancel")
    opened(shop)

    found = {
        query: [one["number"] for one in shop.mechanic.get(f"{PATH}?{query}").json]
        for query in ("", "status=open")
    }

    assert found == {"": [2, 1], "status=open": [2]}


def test_the_table_itself_keeps_a_part_on_one_open_sheet(shop: Shop) -> None:
    part = shop.make_part(on_hand=Decimal(1))
    first = opened(shop)
    shop.mechanic.post(f"{first}/cancel")
    opened(shop)
    reopen = text("UPDATE stocktake_lines SET open = NOT open WHERE part_id = :part AND NOT open")

    with pytest.raises(DBAPIError), owners_connection(shop.app) as connection:
        connection.execute(reopen, {"part": part.id})
