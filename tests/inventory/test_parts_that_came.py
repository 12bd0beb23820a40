"""What tickets wait for is set aside for them when it comes: for whom, how many, the earliest day first."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from flask import Flask

from tests.factories import Shop
from tests.inventory.test_parts_to_order import want
from tests.service_tickets.life import bring, ticket_in
from tests.test_statements import counted

ORDERS = "/inventory/purchase_orders"
DAY = date(2026, 3, 2)


def receive(shop: Shop, *part_ids: int, **quantities: float) -> dict[str, Any]:
    """Order ten of each part and receive them, or as many as `quantities` say of a part, by its id with a letter before."""
    order = f"{ORDERS}/{shop.make_order(*part_ids)['id']}/receipts"
    lines = [{"item_id": part, "quantity": quantities.get(f"p{part}", 10)} for part in part_ids]
    answer = shop.mechanic.post(order, json={"lines": lines})
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json
    return told


def reserved(shop: Shop, *paths: str) -> list[Any]:
    return [[line["reserved"] for line in shop.owner.get(path).json["lines"]] for path in paths]


class TestWhatCame:
    def test_is_set_aside_for_the_ticket_that_waits_and_the_answer_says_so(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=1).id
        path = want(shop, part, 3)
        etag = shop.owner.get(path).headers["ETag"]

        came = receive(shop, part)

        ticket = shop.owner.get(path)
        item = shop.owner.get(f"/inventory/{part}").json
        assert came["set_aside"] == [
            {"ticket_id": ticket.json["id"], "number": ticket.json["number"], "item_id": part, "quantity": 2}
        ]
        assert ticket.headers["ETag"] != etag
        assert reserved(shop, path) == [[3]]
        assert (item["on_hand"], item["reserved"]) == (11, 3)

    def test_goes_to_the_earliest_day_first_and_then_to_the_older_ticket(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0).id
        days = [DAY + timedelta(days=2), DAY, DAY + timedelta(days=1), DAY]
        late, first, then, second = (want(shop, part, 4, service_date=day) for day in days)

        came = receive(shop, part)

        assert reserved(shop, first, second, then, late) == [[4], [4], [2], [0]]
        assert [one["quantity"] for one in came["set_aside"]] == [4, 4, 2]

    def test_goes_to_each_line_of_a_ticket_in_turn(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0).id
        path = want(shop, part, 7)
        want(shop, part, 7, path)

        receive(shop, part)

        assert reserved(shop, path) == [[7, 3]]

    def test_is_of_what_is_counted_by_the_litre_a_fraction(self, shop: Shop) -> None:
        oil = shop.make_part(on_hand=0, unit="l").id
        path = want(shop, oil, 4.5)

        receive(shop, oil)

        assert reserved(shop, path) == [[4.5]]

    def test_is_anybodys_beyond_what_is_waited_for(self, shop: Shop) -> None:
        wanted, other = shop.make_part(on_hand=0).id, shop.make_part(on_hand=0).id
        want(shop, wanted, 3)

        came = receive(shop, wanted, other)

        left = [shop.owner.get(f"/inventory/{part}").json for part in (wanted, other)]
        assert [one["on_hand"] - one["reserved"] for one in left] == [7, 10]
        assert len(came["set_aside"]) == 1

    def test_is_not_kept_for_a_ticket_that_is_cancelled(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0).id
        bring(shop, want(shop, part, 3), "cancelled")

        came = receive(shop, part)

        assert came["set_aside"] == []
        assert shop.owner.get(f"/inventory/{part}").json["reserved"] == 0

    def test_is_in_the_log_of_the_ticket(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0).id
        ticket = int(want(shop, part, 3).rpartition("/")[2])

        receive(shop, part)

        (entry,) = shop.owner.get(
            f"/audit?subject_kind=ticket&subject_id={ticket}&action=ticket.parts_set_aside"
        ).json
        assert (entry["before"]["lines"][0]["reserved"], entry["after"]["lines"][0]["reserved"]) == (0, 3)


class TestTheBoard:
    def test_says_that_the_parts_have_come_to_what_waits(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0).id
        path = ticket_in(shop, "in_progress")
        want(shop, part, 3, path)
        waits = needs(shop, path)

        receive(shop, part)

        assert ("order_parts" in waits, "parts_arrived" in waits) == (True, False)
        assert "parts_arrived" in needs(shop, path)
        assert shop.owner.get(path).json["status"] == "waiting_parts"

    def test_says_that_the_rest_is_to_be_ordered(self, shop: Shop) -> None:
        part = shop.make_part(on_hand=0).id
        path = ticket_in(shop, "in_progress")
        want(shop, part, 12, path)

        receive(shop, part)

        assert "order_parts" in needs(shop, path)


def needs(shop: Shop, path: str) -> list[str]:
    columns = shop.owner.get("/service_tickets/board").json["columns"]
    found: list[str] = next(
        card["needs"] for one in columns for card in one["tickets"] if path.endswith(f"/{card['id']}")
    )
    return found


def test_however_many_wait_it_costs_the_same_number_of_statements(app: Flask, shop: Shop) -> None:
    """Beyond the three that each ticket's own row, lines and entry in the log take."""
    costs = []
    for waiting in (1, 3):
        part = shop.make_part(on_hand=0).id
        for _ in range(waiting):
            want(shop, part, 1)
        order = f"{ORDERS}/{shop.make_order(part)['id']}/receipts"
        shop.mechanic.post(order, json={"lines": [{"item_id": part, "quantity": 1}]})
        with counted(app) as seen:
            shop.mechanic.post(order, json={})
        costs.append(len(seen))

    assert costs[1] - costs[0] <= 3 * 2
