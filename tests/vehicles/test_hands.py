"""Plates and changes of keeper: both have a history, and nobody sees what was another keeper's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.customers.exporting import exported
from tests.factories import Caller, Shop
from tests.mailing import Clock


def plates(caller: Caller, vehicle_id: int) -> list[tuple[str, bool]]:
    """Return a vehicle's plates as `caller` sees them, each with whether it has it now."""
    listed = caller.get(f"/vehicles/{vehicle_id}/plates")
    assert listed.status_code == 200
    return [(one["plate"], one["until"] is None) for one in listed.json]


def hand_over(shop: Shop, vehicle_id: int, customer_id: int, **more: Any) -> Any:
    answer = shop.mechanic.post(f"/vehicles/{vehicle_id}/transfer", json={"customer_id": customer_id, **more})
    assert answer.status_code == 200, answer.json
    return answer


class TestPlates:
    def test_change_and_those_before_stay_with_their_time(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1").id
        for plate in ("GD 2", "GD 2", None, "GD 3"):
            assert shop.owner.patch(f"/vehicles/{car}", json={"plate": plate}).json["plate"] == plate

        assert plates(shop.owner, car) == [("GD 3", True), ("GD 2", False), ("GD 1", False)]

    def test_the_same_one_again_changes_nothing(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1").id

        again = shop.owner.patch(f"/vehicles/{car}", json={"plate": " gd  1 "})

        assert again.headers["ETag"].startswith('"1-')

    def test_end_not_before_they_began_whatever_the_clocks_say(self, shop: Shop, clock_set: Clock) -> None:
        car = shop.make_vehicle(plate="GD 1").id
        clock_set.pass_(minutes=-5)

        assert shop.owner.patch(f"/vehicles/{car}", json={"plate": "GD 2"}).status_code == 200

    def test_of_an_erased_keeper_are_gone_and_none_comes_before_the_car_is_handed_over(
        self, shop: Shop
    ) -> None:
        walk_in = shop.make_customer().id
        car = shop.make_vehicle(customer_id=walk_in, plate="GD 1").id
        assert shop.owner.delete(f"/customers/{walk_in}").status_code == 200

        refused = shop.owner.patch(f"/vehicles/{car}", json={"plate": "GD 2"})

        assert (refused.status_code, refused.json["code"]) == (409, "keeper_erased")
        assert plates(shop.owner, car) == []
        assert shop.owner.get(f"/vehicles/{car}").json["plate"] is None
        hand_over(shop, car, shop.customer_id)
        assert shop.owner.patch(f"/vehicles/{car}", json={"plate": "GD 2"}).status_code == 200


class TestAChangeOfKeeper:
    def test_gives_the_vehicle_to_the_next_and_keeps_who_had_it(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1").id

        handed = hand_over(shop, car, shop.other_customer_id)

        assert (handed.json["customer_id"], handed.json["plate"]) == (shop.other_customer_id, "GD 1")
        assert handed.headers["ETag"].startswith('"2-')
        [told] = shop.owner.get(f"/vehicles/{car}/transfers").json
        assert (told["from_customer_id"], told["to_customer_id"]) == (
            shop.customer_id,
            shop.other_customer_id,
        )
        assert shop.customer.get(f"/vehicles/{car}").status_code == 403
        assert [row["id"] for row in shop.other_customer.get("/vehicles").json] == [car]

    def test_shows_the_next_nothing_of_the_former(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1")
        shop.owner.patch(f"/vehicles/{car.id}", json={"plate": "GD 2"})
        sold = shop.make_ticket(VIN=car.vin, service_desc="Ada's brakes")
        hand_over(shop, car.id, shop.other_customer_id)

        assert plates(shop.other_customer, car.id) == [("GD 2", True)]
        assert plates(shop.mechanic, car.id) == [("GD 2", True), ("GD 2", False), ("GD 1", False)]
        assert shop.other_customer.get(f"/vehicles/{car.id}/history").json == []
        assert shop.other_customer.get(f"/vehicles/{car.id}/transfers").status_code == 403
        visits = shop.mechanic.get(f"/vehicles/{car.id}/history").json
        assert [visit["id"] for visit in visits] == [sold["id"]]

    def test_leaves_the_plate_behind_where_it_does_not_go_with_the_car(self, shop: Shop) -> None:
        car = shop.make_vehicle(plate="GD 1").id

        handed = hand_over(shop, car, shop.other_customer_id, keeps_plate=False)

        assert handed.json["plate"] is None
        assert plates(shop.mechanic, car) == [("GD 1", False)]

    def test_to_who_has_it_already_is_refused(self, shop: Shop) -> None:
        car = shop.make_vehicle().id

        answer = shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": shop.customer_id})

        assert (answer.status_code, answer.json["code"]) == (409, "already_keeper")

    def test_to_nobody_who_is_here_is_refused(self, shop: Shop) -> None:
        car, erased = shop.make_vehicle().id, shop.make_customer().id
        shop.owner.delete(f"/customers/{erased}")

        for customer_id in (erased, 9_000_000_000):
            answer = shop.owner.post(f"/vehicles/{car}/transfer", json={"customer_id": customer_id})
            assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")

    def test_and_back_again_is_told_twice(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        hand_over(shop, car, shop.other_customer_id)
        hand_over(shop, car, shop.customer_id)

        told = shop.owner.get(f"/vehicles/{car}/transfers").json

        assert [one["to_customer_id"] for one in told] == [shop.customer_id, shop.other_customer_id]


OIL: dict[str, Any] = {
    "title": "Oil change", "every_months": 24, "every_distance": 15_000, "unit": "km", "last_done_on": "2026-01-10",
    "last_done_at": 80_000,
}  # fmt: skip


def tell_readings(shop: Shop, car: int, values: dict[int, int]) -> None:
    """Tell what the odometer showed so many days ago."""
    for days_ago, value in values.items():
        at = (datetime.now(UTC) - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = {"value": value, "unit": "km", "read_at": at}
        assert shop.owner.post(f"/vehicles/{car}/readings", json=body).status_code == 201


def titles(caller: Caller, car: int) -> list[str]:
    return [one["title"] for one in caller.get(f"/vehicles/{car}/maintenance").json]


class TestWhatACarNeedsAgain:
    def test_is_reckoned_for_the_next_keeper_from_readings_of_their_own_time(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        tell_readings(shop, car, {40: 90_000, 30: 90_400, 20: 91_000})
        interval = shop.mechanic.post(f"/vehicles/{car}/maintenance", json=OIL).json["id"]
        hand_over(shop, car, shop.other_customer_id)
        place = f"/vehicles/{car}/maintenance/{interval}"

        told = shop.other_customer.get(place).json
        [listed] = shop.other_customer.get(f"/vehicles/{car}/maintenance").json

        assert (told["estimate"], told["due_by"], told["due_on"]) == (None, "time", "2028-01-10")
        assert listed == told
        assert len(shop.mechanic.get(place).json["estimate"]["readings"]) == 3
        tell_readings(shop, car, {10: 91_500, 5: 91_700, 0: 91_900})
        of_their_own = shop.other_customer.get(place).json["estimate"]["readings"]
        assert [one["value"] for one in of_their_own] == [91_500, 91_700, 91_900]
        assert len(shop.mechanic.get(place).json["estimate"]["readings"]) == 6

    def test_is_not_shown_to_the_next_keeper_in_the_words_of_the_former(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        said = shop.customer.post(f"/vehicles/{car}/maintenance", json={**OIL, "title": "Ada's polish"})
        shop.mechanic.post(f"/vehicles/{car}/maintenance", json=OIL)
        hand_over(shop, car, shop.other_customer_id)
        place = f"/vehicles/{car}/maintenance/{said.json['id']}"

        assert titles(shop.other_customer, car) == ["Oil change"]
        assert titles(shop.mechanic, car) == ["Ada's polish", "Oil change"]
        for answer in (
            shop.other_customer.get(place),
            shop.other_customer.put(place, json=OIL),
            shop.other_customer.delete(place),
        ):
            assert (answer.status_code, answer.json["code"]) == (404, "maintenance_not_found")

    def test_that_the_workshop_says_anew_is_shown_to_the_next_keeper(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        said = shop.customer.post(f"/vehicles/{car}/maintenance", json={**OIL, "title": "Ada's polish"})
        hand_over(shop, car, shop.other_customer_id)

        shop.mechanic.put(f"/vehicles/{car}/maintenance/{said.json['id']}", json={**OIL, "title": "Polish"})

        assert titles(shop.other_customer, car) == ["Polish"]

    def test_is_given_out_to_the_customer_who_said_it_and_goes_with_them(self, shop: Shop) -> None:
        car = shop.make_vehicle().id
        shop.customer.post(f"/vehicles/{car}/maintenance", json={**OIL, "title": "Ada's polish"})
        shop.mechanic.post(f"/vehicles/{car}/maintenance", json=OIL)

        given = exported(shop)["maintenance_intervals"]
        report = shop.customer.delete("/customers").json["report"]

        assert [one["title"] for one in given] == ["Ada's polish"]
        assert {"what": "maintenance_intervals", "count": 1} in report["erased"]
        assert titles(shop.mechanic, car) == ["Oil change"]
