"""Templates: the workshop's own, and the one of forty points that it has until then."""

from __future__ import annotations

from typing import Any

import pytest

from app.blueprints.inspections import templates
from tests.factories import Shop, fields_of
from tests.inspections.examining import SECTIONS, refused, template

PATH = "/inspections/templates"


def test_the_one_that_ships_has_forty_points(shop: Shop) -> None:
    shipped = shop.mechanic.get(f"{PATH}/reference").json

    names = [name for section in shipped["sections"] for name in section["points"]]
    assert (shipped["name"], shipped["point_count"]) == ("40-point inspection", 40)
    assert len(set(names)) == 40
    assert shop.mechanic.get(PATH).json == []


def test_one_of_its_own_is_made_shown_and_listed(shop: Shop) -> None:
    made = shop.owner.post(PATH, json={"name": "Winter check", "sections": SECTIONS})

    assert made.status_code == 201
    assert (made.json["sections"], made.json["point_count"], made.json["standard"]) == (SECTIONS, 3, False)
    assert shop.mechanic.get(made.headers["Location"]).json == made.json
    [listed] = shop.mechanic.get(PATH).json
    assert listed == {name: value for name, value in made.json.items() if name != "sections"}


def test_it_is_replaced_points_and_all(shop: Shop) -> None:
    made = shop.owner.post(PATH, json={"name": "Winter check", "sections": SECTIONS})
    path, tag = made.headers["Location"], {"If-Match": made.headers["ETag"]}
    body = {"name": "Summer check", "sections": [{"name": "Air", "points": ["Compressor"]}]}

    changed = shop.owner.put(path, json=body, headers=tag)
    stale = shop.owner.put(path, json=body, headers=tag)

    assert (changed.status_code, changed.json["sections"]) == (200, body["sections"])
    assert refused(stale) == (412, "stale")
    assert shop.owner.get(path).json == changed.json


def test_another_standard_one_takes_the_place_of_the_first(shop: Shop) -> None:
    first, second = template(shop, standard=True), template(shop, standard=True)

    told = {one["id"]: one["standard"] for one in shop.owner.get(PATH).json}
    shown = shop.owner.get(f"{PATH}/{first['id']}")

    assert told == {first["id"]: False, second["id"]: True}
    assert shown.headers["ETag"].startswith('"2-')


def test_it_stays_the_standard_one_when_it_is_said_again(shop: Shop) -> None:
    made = template(shop, standard=True)

    body = {"name": "Other", "sections": SECTIONS, "standard": True}
    assert shop.owner.put(f"{PATH}/{made['id']}", json=body).json["standard"] is True


def test_one_that_is_removed_leaves_its_inspections_as_they_are(shop: Shop) -> None:
    made, ticket = template(shop), shop.make_ticket()["id"]
    path = f"/service_tickets/{ticket}/inspections"
    inspection = shop.mechanic.post(path, json={"template_id": made["id"]}).json

    gone = shop.owner.delete(f"{PATH}/{made['id']}")

    assert gone.json == {"message": f"Inspection template {made['id']} deleted."}
    assert shop.mechanic.get(f"{path}/{inspection['id']}").json["points"] == inspection["points"]
    assert refused(shop.owner.get(f"{PATH}/{made['id']}")) == (404, "inspection_template_not_found")


def test_a_name_is_one_templates(shop: Shop, other_shop: Shop) -> None:
    template(shop, name="Winter check")
    other = template(shop)

    for answer in (
        shop.owner.post(PATH, json={"name": "WINTER  check", "sections": SECTIONS}),
        shop.owner.put(f"{PATH}/{other['id']}", json={"name": "winter check", "sections": SECTIONS}),
    ):
        assert refused(answer) == (409, "inspection_template_name_taken")
    assert template(other_shop, name="Winter check")["name"] == "Winter check"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"sections": []}, "sections"),
        ({"sections": [{"name": "A", "points": []}]}, "sections"),
        ({"sections": [{"name": "A", "points": ["x"]}, {"name": "A", "points": ["y"]}]}, "sections"),
        ({"sections": [{"name": str(n), "points": ["x"] * 101} for n in range(2)]}, "sections"),
        ({"standard": "yes"}, "standard"),
        ({"colour": "green"}, "colour"),
    ],
)
def test_what_is_no_template_is_refused(shop: Shop, change: dict[str, Any], field: str) -> None:
    answer = shop.owner.post(PATH, json={"name": "Check", "sections": SECTIONS, **change})

    assert (answer.status_code, fields_of(answer)) == (400, [field])
    assert shop.owner.get(PATH).json == []


def test_there_are_a_hundred_at_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templates, "MOST", 1)
    template(shop)

    answer = shop.owner.post(PATH, json={"name": "One more", "sections": SECTIONS})

    assert refused(answer) == (409, "too_many_inspection_templates")


def test_another_workshops_is_not_there(shop: Shop, other_shop: Shop) -> None:
    path = f"{PATH}/{template(shop)['id']}"

    for answer in (
        other_shop.owner.get(path),
        other_shop.owner.put(path, json={"name": "Mine", "sections": SECTIONS}),
        other_shop.owner.delete(path),
    ):
        assert refused(answer) == (404, "inspection_template_not_found")
    assert other_shop.owner.get(PATH).json == []


def test_only_who_runs_the_workshop_makes_them(shop: Shop) -> None:
    path = f"{PATH}/{template(shop)['id']}"
    body = {"name": "Mine", "sections": SECTIONS}

    for answer in (
        shop.mechanic.post(PATH, json=body),
        shop.mechanic.put(path, json=body),
        shop.mechanic.delete(path),
        shop.customer.get(PATH),
    ):
        assert refused(answer) == (403, "not_allowed")
