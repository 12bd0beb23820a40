"""Categories of items: a tree of names, and what is in it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError

from app.blueprints.inventory import categories
from app.blueprints.inventory.models import PartCategory
from tests.factories import Shop


def make(shop: Shop, name: str, parent_id: int | None = None) -> int:
    made = shop.owner.post("/inventory/categories", json={"name": name, "parent_id": parent_id})
    assert made.status_code == 201
    assert made.headers["Location"] == f"/inventory/categories/{made.json['id']}"
    id_: int = made.json["id"]
    return id_


def path_of(category_id: int) -> str:
    return f"/inventory/categories/{category_id}"


def branch(shop: Shop, levels: int) -> list[int]:
    """Make categories, each within the one before."""
    made: list[int] = []
    for level in range(levels):
        made.append(make(shop, f"Level {level}", made[-1] if made else None))
    return made


class TestTheTree:
    def test_all_are_listed_by_name(self, shop: Shop, other_shop: Shop) -> None:
        filters = make(shop, "filters")
        make(shop, "Brakes")
        oil = make(shop, "Oil Filters", filters)
        make(other_shop, "Theirs")

        listed = shop.mechanic.get("/inventory/categories").json

        assert [(one["name"], one["parent_id"]) for one in listed] == [
            ("Brakes", None),
            ("filters", None),
            ("Oil Filters", filters),
        ]
        assert shop.mechanic.get(path_of(oil)).json == listed[2]

    @pytest.mark.parametrize("name", ["Filters", "FILTERS", " filters "])
    def test_a_name_is_one_categorys_among_those_of_one_parent(self, shop: Shop, name: str) -> None:
        top = make(shop, "Filters")
        make(shop, "Filters", top)

        for parent_id in (None, top):
            answer = shop.owner.post("/inventory/categories", json={"name": name, "parent_id": parent_id})
            assert (answer.status_code, answer.json["code"]) == (409, "category_name_taken")

    def test_there_are_five_levels(self, shop: Shop) -> None:
        deepest = branch(shop, 5)[-1]

        answer = shop.owner.post("/inventory/categories", json={"name": "Six", "parent_id": deepest})

        assert (answer.status_code, answer.json["code"]) == (409, "category_too_deep")

    def test_there_are_so_many_at_most(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(categories, "MOST_CATEGORIES", 2)
        branch(shop, 2)

        answer = shop.owner.post("/inventory/categories", json={"name": "Three"})

        assert (answer.status_code, answer.json["code"]) == (409, "too_many_categories")

    @pytest.mark.parametrize("below", [0, 1, 2])
    def test_none_is_within_itself(self, shop: Shop, below: int) -> None:
        top, *rest = branch(shop, 3)

        answer = shop.owner.patch(path_of(top), json={"parent_id": [top, *rest][below]})

        assert (answer.status_code, answer.json["code"]) == (409, "category_too_deep")

    def test_what_is_moved_takes_those_within_it_along(self, shop: Shop) -> None:
        _, second, third = branch(shop, 3)
        other = make(shop, "Other")

        moved = shop.owner.patch(path_of(second), json={"parent_id": other})

        assert (moved.status_code, moved.json["parent_id"]) == (200, other)
        assert shop.owner.get(path_of(third)).json["parent_id"] == second

    def test_a_branch_is_not_moved_too_far_down(self, shop: Shop) -> None:
        deep = branch(shop, 4)[-1]
        top = make(shop, "Top")
        make(shop, "Within", top)

        answer = shop.owner.patch(path_of(top), json={"parent_id": deep})

        assert (answer.status_code, answer.json["code"]) == (409, "category_too_deep")

    def test_put_without_a_parent_brings_it_to_the_top(self, shop: Shop) -> None:
        _, below = branch(shop, 2)

        answer = shop.owner.put(path_of(below), json={"name": "Brakes"})

        assert (answer.json["name"], answer.json["parent_id"]) == ("Brakes", None)

    def test_who_saw_another_version_changes_nothing(self, shop: Shop) -> None:
        id_ = make(shop, "Filters")
        seen = {"If-Match": shop.owner.get(path_of(id_)).headers["ETag"]}
        shop.owner.patch(path_of(id_), json={"name": "Oil"})

        answers = [
            shop.owner.patch(path_of(id_), json={"name": "Belts"}, headers=seen),
            shop.owner.delete(path_of(id_), headers=seen),
        ]

        assert [answer.status_code for answer in answers] == [412, 412]

    def test_one_in_which_something_is_stays(self, shop: Shop) -> None:
        top, below = branch(shop, 2)
        part = shop.make_part(category_id=below)

        refused = [shop.owner.delete(path_of(id_)) for id_ in (top, below)]
        shop.owner.patch(f"/inventory/{part.id}", json={"category_id": None})
        removed = [shop.owner.delete(path_of(id_)).status_code for id_ in (below, top)]

        assert [(one.status_code, one.json["code"]) for one in refused] == [(409, "category_in_use")] * 2
        assert removed == [200, 200]
        assert shop.owner.get("/inventory/categories").json == []

    @pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
    def test_another_workshops_look_missing(self, shop: Shop, other_shop: Shop, method: str) -> None:
        path = path_of(make(other_shop, "Theirs"))
        sent: dict[str, Any] = {} if method in ("GET", "DELETE") else {"json": {"name": "Mine"}}

        answer = shop.owner.open(method, path, **sent)

        assert (answer.status_code, answer.json["code"]) == (404, "category_not_found")

    @pytest.mark.parametrize("whose", ["nobody's", "another workshop's"])
    def test_nothing_is_put_where_no_category_is(self, shop: Shop, other_shop: Shop, whose: str) -> None:
        there = 2**62 if whose == "nobody's" else make(other_shop, "Theirs")
        mine, part = make(shop, "Mine"), shop.make_part()

        answers = [
            shop.owner.post("/inventory/categories", json={"name": "New", "parent_id": there}),
            shop.owner.patch(path_of(mine), json={"parent_id": there}),
            shop.owner.post("/inventory", json={"name": "Oil", "price": 1, "category_id": there}),
            shop.owner.patch(f"/inventory/{part.id}", json={"category_id": there}),
        ]

        assert [(one.status_code, one.json["code"]) for one in answers] == [(404, "category_not_found")] * 4

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "name"), ({"name": ""}, "name"), ({"name": "x" * 101}, "name"), ({"name": "a", "parent_id": 0}, "parent_id"),
            ({"name": "a", "parent_id": "1"}, "parent_id"), ({"name": "a", "folded_name": "a"}, "folded_name"),
        ],
    )  # fmt: skip
    def test_a_careless_body_is_refused(self, shop: Shop, body: dict[str, Any], field: str) -> None:
        answer = shop.owner.post("/inventory/categories", json=body)

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_the_database_refuses_one_within_itself(self, shop: Shop) -> None:
        id_ = make(shop, "Filters")

        with shop.inside(), pytest.raises(DBAPIError), categories.atomic() as session:
            session.get_one(PartCategory, id_).parent_id = id_


class TestWhatIsInThem:
    def test_items_of_a_category_are_those_of_the_ones_within_it_too(
        self, shop: Shop, other_shop: Shop
    ) -> None:
        top, below = branch(shop, 2)
        other = make(shop, "Other")
        for name, category_id in (("A", top), ("B", below), ("C", other), ("D", None)):
            shop.make_part(name=name, category_id=category_id)
        theirs = make(other_shop, "Theirs")
        other_shop.make_part(category_id=theirs)

        found = {
            category_id: [
                one["name"] for one in shop.mechanic.get(f"/inventory?category_id={category_id}").json
            ]
            for category_id in (top, below, other, theirs, 2**62)
        }

        assert found == {top: ["A", "B"], below: ["B"], other: ["C"], theirs: [], 2**62: []}

    def test_a_list_by_category_follows_a_move(self, shop: Shop) -> None:
        top, other = make(shop, "Top"), make(shop, "Other")
        shop.make_part(name="A", category_id=other)
        before = shop.owner.get(f"/inventory?category_id={top}").json

        shop.owner.patch(path_of(other), json={"parent_id": top})

        assert before == []
        assert [one["name"] for one in shop.owner.get(f"/inventory?category_id={top}").json] == ["A"]
