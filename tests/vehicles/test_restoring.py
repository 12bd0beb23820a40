"""Restoring: an archived vehicle is taken into use again, unless its number is another one's by now."""

from __future__ import annotations

from typing import Any

from tests.factories import Shop


def archived(shop: Shop, **overrides: Any) -> Any:
    """Make a vehicle with a history, archive it, and return it."""
    car = shop.make_vehicle(odometer_value=10, odometer_unit="km", **overrides)
    assert "archived" in shop.owner.delete(f"/vehicles/{car.id}").json["message"]
    return car


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


def test_it_is_in_use_again_with_its_history(shop: Shop) -> None:
    car = archived(shop, plate="GD 1")
    path = f"/vehicles/{car.id}"

    restored = shop.mechanic.post(f"{path}/restore")

    assert (restored.status_code, restored.json["archived"], restored.json["odometer"]) == (200, False, 10)
    assert restored.json["plate"] == "GD 1"
    assert [one["id"] for one in shop.mechanic.get(f"/vehicles?vin={car.vin}").json] == [car.id]
    assert shop.mechanic.patch(path, json={"colour": "Red"}).status_code == 200
    assert shop.make_ticket(VIN=car.vin)["VIN"] == car.vin
    assert len(shop.mechanic.get(f"{path}/history").json) == 1


def test_it_is_refused_while_another_one_has_its_number(shop: Shop) -> None:
    car = archived(shop)
    other = shop.make_vehicle(VIN=car.vin)

    refusal = shop.owner.post(f"/vehicles/{car.id}/restore")

    assert refused(refusal) == (409, "vin_taken")
    assert shop.owner.get(f"/vehicles/{car.id}").json["archived"] is True
    shop.owner.delete(f"/vehicles/{other.id}")
    assert shop.owner.post(f"/vehicles/{car.id}/restore").status_code == 200


def test_the_same_number_in_another_workshop_does_not_matter(shop: Shop, other_shop: Shop) -> None:
    car = archived(shop)
    other_shop.make_vehicle(VIN=car.vin)

    assert shop.owner.post(f"/vehicles/{car.id}/restore").status_code == 200


def test_one_that_is_in_use_is_not_restored(shop: Shop) -> None:
    assert refused(shop.owner.post(f"/vehicles/{shop.make_vehicle().id}/restore")) == (409, "vehicle_in_use")


def test_its_keeper_restores_it_and_no_other_customer(shop: Shop, other_shop: Shop) -> None:
    path = f"/vehicles/{archived(shop).id}/restore"

    assert refused(shop.other_customer.post(path)) == (403, "not_your_vehicle")
    assert refused(other_shop.owner.post(path)) == (404, "vehicle_not_found")
    assert shop.customer.post(path).status_code == 200


def test_of_what_somebody_changed_meanwhile_it_is_refused(shop: Shop) -> None:
    path = f"/vehicles/{archived(shop).id}"
    tag = {"If-Match": '"1-0"'}

    assert refused(shop.owner.post(f"{path}/restore", headers=tag)) == (412, "stale")
    assert shop.owner.get(path).json["archived"] is True
