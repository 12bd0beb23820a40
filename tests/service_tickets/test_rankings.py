"""Rankings: mechanics by their tickets, items by the quantity that went on tickets."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.factories import Caller, Shop
from tests.service_tickets.life import bring, ticket_in

RANKINGS = ("/mechanics/usage", "/mechanics/top-3-mechanics", "/inventory/usage")


@pytest.mark.parametrize(
    ("role", "status"), [("owner", 200), ("mechanic", 200), ("customer", 403), ("nobody", 401)]
)
@pytest.mark.parametrize("path", RANKINGS)
def test_rankings_are_for_staff(shop: Shop, path: str, role: str, status: int) -> None:
    caller: Caller = getattr(shop, role)

    assert caller.get(path).status_code == status


@pytest.mark.parametrize("path", RANKINGS)
def test_a_new_shop_has_nothing_to_rank(shop: Shop, path: str) -> None:
    empty = (
        [{"id": shop.mechanic_id, "name": "Mel Mechanic", "ticket_count": 0}] if "mechanics" in path else []
    )

    assert shop.owner.get(path).json == empty


class TestMechanics:
    """Ann, Bo, Cy and Di work on 3, 3, 1 and no tickets, in March and April."""

    @pytest.fixture
    def crew(self, shop: Shop, other_shop: Shop) -> dict[str, int]:
        ids = {name: shop.make_mechanic(name=name).id for name in ("Ann", "Bo", "Cy", "Di")}
        for day, names in (
            (date(2026, 3, 1), ["Ann"]), (date(2026, 3, 31), ["Ann", "Bo"]), (date(2026, 4, 1), ["Bo", "Cy"]),
            (date(2026, 4, 30), ["Ann", "Bo"]),
        ):  # fmt: skip
            path = ticket_in(shop, service_date=day)
            shop.owner.put(f"{path}/edit", json={"add_mechanic_ids": [ids[name] for name in names]})
        elsewhere = ticket_in(other_shop)
        other_shop.owner.put(f"{elsewhere}/assign-mechanic/{other_shop.mechanic_id}")
        return ids

    @pytest.mark.parametrize(
        ("query", "ranked"),
        [
            ({}, "Ann 3, Bo 3, Cy 1, Mel Mechanic 0, Di 0"),
            ({"limit": 2}, "Ann 3, Bo 3"),
            ({"limit": 1}, "Ann 3"),
            ({"limit": 100}, "Ann 3, Bo 3, Cy 1, Mel Mechanic 0, Di 0"),
            ({"service_date_from": "2026-04-01"}, "Bo 2, Ann 1, Cy 1, Mel Mechanic 0, Di 0"),
            ({"service_date_to": "2026-03-31"}, "Ann 2, Bo 1, Mel Mechanic 0, Cy 0, Di 0"),
            (
                {"service_date_from": "2026-03-31", "service_date_to": "2026-04-01", "limit": 3},
                "Bo 2, Ann 1, Cy 1",
            ),
            ({"service_date_from": "2026-04-30", "service_date_to": "2026-04-30", "limit": 2}, "Ann 1, Bo 1"),
            ({"service_date_from": "2027-01-01", "limit": 1}, "Mel Mechanic 0"),
            (
                {"service_date_from": "2026-04-30", "service_date_to": "2026-03-01", "limit": 1},
                "Mel Mechanic 0",
            ),
            ({"service_date_from": "0001-01-01", "service_date_to": "9999-12-31", "limit": 1}, "Ann 3"),
        ],
    )
    def test_the_most_tickets_of_a_period_come_first(
        self, shop: Shop, crew: dict[str, int], query: dict[str, Any], ranked: str
    ) -> None:
        answer = shop.mechanic.get("/mechanics/usage", query_string=query)

        assert ", ".join(f"{row['name']} {row['ticket_count']}" for row in answer.json) == ranked
        assert {frozenset(row) for row in answer.json} == {frozenset({"id", "name", "ticket_count"})}

    def test_the_top_three_are_three(self, shop: Shop, crew: dict[str, int]) -> None:
        answer = shop.owner.get("/mechanics/top-3-mechanics")

        assert answer.json == [
            {"id": crew["Ann"], "name": "Ann", "ticket_count": 3},
            {"id": crew["Bo"], "name": "Bo", "ticket_count": 3},
            {"id": crew["Cy"], "name": "Cy", "ticket_count": 1},
        ]

    def test_who_has_left_is_not_ranked(self, shop: Shop, crew: dict[str, int]) -> None:
        shop.owner.get("/mechanics/top-3-mechanics")

        shop.owner.delete(f"/mechanics/{crew['Ann']}")

        names = [[row["name"] for row in shop.owner.get(path).json] for path in RANKINGS[:2]]
        assert names == [["Bo", "Cy", "Mel Mechanic", "Di"], ["Bo", "Cy", "Mel Mechanic"]]

    @pytest.mark.parametrize("path", RANKINGS[:2])
    def test_a_ranking_follows_the_work_at_once(self, shop: Shop, crew: dict[str, int], path: str) -> None:
        before = shop.owner.get(path).json[0]
        for _ in range(4):
            shop.owner.put(f"{ticket_in(shop)}/assign-mechanic/{crew['Cy']}")

        after = shop.owner.get(path).json[0]

        assert (before["name"], after["name"], after["ticket_count"]) == ("Ann", "Cy", 5)

    @pytest.mark.parametrize("path", RANKINGS[:2])
    def test_a_cancelled_ticket_is_nobodys_work(self, shop: Shop, crew: dict[str, int], path: str) -> None:
        shop.owner.get(path)
        march = shop.owner.get("/service_tickets", query_string={"service_date": "2026-03-01"}).json[0]["id"]

        shop.owner.post(f"/service_tickets/{march}/status", json={"status": "cancelled"})

        ranked = [(row["name"], row["ticket_count"]) for row in shop.owner.get(path).json]
        assert ranked[:3] == [("Bo", 3), ("Ann", 2), ("Cy", 1)]

    def test_a_ticket_that_moves_changes_the_period(self, shop: Shop, crew: dict[str, int]) -> None:
        query = {"service_date_from": "2027-01-01", "limit": 1}
        shop.owner.get("/mechanics/usage", query_string=query)
        ticket = shop.owner.get("/service_tickets", query_string={"service_date": "2026-04-01"}).json[0]

        shop.owner.patch(f"/service_tickets/{ticket['id']}", json={"service_date": "2027-01-01"})

        assert shop.owner.get("/mechanics/usage", query_string=query).json[0]["name"] == "Bo"


class TestItems:
    """Oil 5 on two tickets at two prices, a filter 3 on one, a belt 9 on a cancelled one."""

    @pytest.fixture
    def parts(self, shop: Shop, other_shop: Shop) -> dict[str, int]:
        ids = {
            name: shop.make_part(name=name, price=Decimal("1.00")).id
            for name in ("Oil", "Filter", "Belt", "Never")
        }
        march, april, cancelled = (
            ticket_in(shop, service_date=day)
            for day in (date(2026, 3, 31), date(2026, 4, 1), date(2026, 3, 1))
        )
        shop.owner.post(
            f"{march}/inventory",
            json=[{"item_id": ids["Oil"], "quantity": 2}, {"item_id": ids["Filter"], "quantity": 3}],
        )
        shop.owner.post(f"{april}/inventory", json={"item_id": ids["Oil"]})
        shop.owner.patch(f"/inventory/{ids['Oil']}", json={"price": 2})
        shop.owner.post(f"{april}/inventory", json={"item_id": ids["Oil"], "quantity": 2})
        shop.owner.post(f"{cancelled}/inventory", json={"item_id": ids["Belt"], "quantity": 9})
        bring(shop, march, "delivered")
        bring(shop, cancelled, "cancelled")
        other_shop.owner.post(
            f"{ticket_in(other_shop)}/inventory", json={"item_id": other_shop.make_part().id, "quantity": 99}
        )
        return ids

    @pytest.mark.parametrize(
        ("query", "ranked"),
        [
            ({}, [("Oil", 5, 2), ("Filter", 3, 1)]),
            ({"limit": 1}, [("Oil", 5, 2)]),
            ({"service_date_to": "2026-03-31"}, [("Filter", 3, 1), ("Oil", 2, 1)]),
            ({"service_date_from": "2026-04-01"}, [("Oil", 3, 1)]),
            (
                {"service_date_from": "2026-03-31", "service_date_to": "2026-03-31", "limit": 1},
                [("Filter", 3, 1)],
            ),
            ({"service_date_from": "2027-01-01"}, []),
        ],
    )
    def test_the_most_used_of_a_period_come_first(
        self, shop: Shop, parts: dict[str, int], query: dict[str, Any], ranked: list[tuple[str, int, int]]
    ) -> None:
        answer = shop.mechanic.get("/inventory/usage", query_string=query)

        assert answer.json == [
            {"id": parts[name], "name": name, "quantity_used": used, "ticket_count": tickets}
            for name, used, tickets in ranked
        ]

    def test_what_was_taken_out_was_used_all_the_same(self, shop: Shop, parts: dict[str, int]) -> None:
        shop.take_out(parts["Oil"])

        assert shop.owner.get("/inventory/usage").json[0]["name"] == "Oil"

    @pytest.mark.parametrize("on_hand", [10, None])
    @pytest.mark.parametrize("by", ["part", "make", "mechanic"])
    def test_what_is_wanted_is_used_once_it_is_fitted(self, shop: Shop, on_hand: int | None, by: str) -> None:
        part = shop.make_part(name="Pads", on_hand=on_hand)
        path = ticket_in(shop)
        shop.owner.post(f"{path}/lines", json=[{"kind": "part", "item_id": part.id, "quantity": 5}])
        line = shop.owner.get(path).json["lines"][0]["id"]

        def used() -> list[float]:
            rows = shop.owner.get(f"/inventory/usage?by={by}").json
            return [row["quantity_used"] for row in rows]

        wanted = used()
        shop.owner.post(f"{path}/lines/{line}/fit", json={"quantity": 2})
        fitted = used()
        bring(shop, path, "completed")

        assert [wanted, fitted, used()] == [[], [2], [5]]

    def test_what_comes_off_was_not_used(self, shop: Shop, parts: dict[str, int]) -> None:
        shop.owner.get("/inventory/usage")
        april = shop.owner.get("/service_tickets", query_string={"service_date": "2026-04-01"}).json[0]["id"]

        shop.owner.post(f"/service_tickets/{april}/status", json={"status": "cancelled"})

        used = {row["name"]: row["quantity_used"] for row in shop.owner.get("/inventory/usage").json}
        assert used == {"Filter": 3, "Oil": 2}

    def test_a_deleted_ticket_used_nothing(self, shop: Shop, parts: dict[str, int]) -> None:
        shop.owner.get("/inventory/usage")
        april = shop.owner.get("/service_tickets", query_string={"service_date": "2026-04-01"}).json[0]["id"]

        shop.owner.delete(f"/service_tickets/{april}")

        used = {row["name"]: row["quantity_used"] for row in shop.owner.get("/inventory/usage").json}
        assert used == {"Filter": 3, "Oil": 2}


class TestUseByCarAndMechanic:
    """A Honda by Ann takes 4 l and a filter, a HONDA by Ann and Bo 5 l, a car of no known make by nobody a filter."""

    @pytest.fixture
    def ids(self, shop: Shop, other_shop: Shop) -> dict[str, int]:
        ids = {
            name: shop.make_part(name=name, unit=unit).id
            for name, unit in (("Oil", "l"), ("Filter", "piece"))
        }
        hands = {name: shop.make_mechanic(name=name).id for name in ("Ann", "Bo")}
        for make, names, used in (
            ("Honda", ["Ann"], {"Oil": 4, "Filter": 1}), ("HONDA", ["Ann", "Bo"], {"Oil": 5}), (None, [], {"Filter": 1}),
        ):  # fmt: skip
            car = shop.make_vehicle(make=make)
            path = ticket_in(shop, VIN=car.vin)
            shop.owner.put(f"{path}/edit", json={"add_mechanic_ids": [hands[name] for name in names]})
            shop.owner.post(
                f"{path}/inventory",
                json=[{"item_id": ids[name], "quantity": number} for name, number in used.items()],
            )
        elsewhere = ticket_in(other_shop, VIN=other_shop.make_vehicle(make="Honda").vin)
        other_shop.owner.post(
            f"{elsewhere}/inventory", json={"item_id": other_shop.make_part().id, "quantity": 99}
        )
        return ids | hands

    @pytest.mark.parametrize(
        ("query", "ranked"),
        [
            ("make=honda", "Oil 9 2, Filter 1 1"),
            ("mechanic_id={Bo}", "Oil 5 1"),
            ("make=hond", ""),
            ("by=make", "Honda 10 2, None 1 1"),
            ("by=make&item_id={Filter}", "Honda 1 1, None 1 1"),
            ("by=make&mechanic_id={Bo}&limit=1", "Honda 5 1"),
            ("by=mechanic", "Ann 10 2, Bo 5 1, None 1 1"),
            ("by=mechanic&item_id={Oil}&make=Honda", "Ann 9 2, Bo 5 1"),
            ("by=mechanic&mechanic_id={Bo}", "Bo 5 1"),
            ("by=mechanic&service_date_from=2027-01-01", ""),
        ],
    )
    def test_the_use_is_told_by_part_make_or_mechanic(
        self, shop: Shop, ids: dict[str, int], query: str, ranked: str
    ) -> None:
        rows = shop.mechanic.get(f"/inventory/usage?{query.format(**ids)}").json

        told = ", ".join("{name} {quantity_used} {ticket_count}".format(**row) for row in rows)
        assert told.replace("HONDA", "Honda") == ranked
        assert all(row["id"] == ids.get(row["name"]) for row in rows)

    def test_a_car_whose_make_is_put_right_is_counted_there_at_once(
        self, shop: Shop, ids: dict[str, int]
    ) -> None:
        shop.owner.get("/inventory/usage?by=make")
        nameless = next(car for car in shop.owner.get("/vehicles").json if car["make"] is None)

        shop.owner.patch(f"/vehicles/{nameless['id']}", json={"make": "Honda"})

        assert len(shop.owner.get("/inventory/usage?by=make").json) == 1


@pytest.mark.parametrize("path", ["/mechanics/usage", "/inventory/usage"])
@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": "0"}, "limit"), ({"limit": "101"}, "limit"), ({"limit": "-1"}, "limit"),
        ({"limit": "1.5"}, "limit"), ({"limit": ""}, "limit"),
        ({"limit": ["1", "2"]}, "limit"), ({"service_date_from": "March"}, "service_date_from"),
        ({"service_date_to": "2026-13-01"}, "service_date_to"),
        ({"service_date_from": "2026-3-1"}, "service_date_from"), ({"page": "1"}, "page"), ({"from": "2026-01-01"}, "from"),
    ],
)  # fmt: skip
def test_a_careless_period_is_refused(shop: Shop, path: str, query: dict[str, Any], field: str) -> None:
    answer = shop.owner.get(path, query_string=query)

    assert (answer.status_code, list(answer.json["errors"])) == (400, [field])


def test_the_top_three_take_no_parameters(shop: Shop) -> None:
    answer = shop.owner.get("/mechanics/top-3-mechanics?limit=5")

    assert (answer.status_code, list(answer.json["errors"])) == (400, ["limit"])
