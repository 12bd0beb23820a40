"""The public directory: who sees which workshop, and what of it."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.blueprints.workshops import vocabulary
from app.core import clock
from tests.factories import Caller, Shop, unique
from tests.watching import statements
from tests.workshops.places import everything, open_on, put, put_one

PRIVATE = {
    "listed", "tax_rate", "tax_id", "prices_include_tax", "second_factor_for_staff", "inspections_validated_automatically",
    "progress_validated_automatically", "labour_rate", "approval_required", "approval_tolerance",
}  # fmt: skip
PUBLIC = {
    "id", "name", "slug", "description", "specialisations", "location", "full_address", "street", "city", "region",
    "postal_code", "country", "latitude", "longitude", "place_id", "phone", "email", "website", "rating", "rating_count",
    "currency", "locale", "time_zone", "open_now", "opens_next", "closes_next", "opening_hours", "closures", "created_at",
    "updated_at",
}  # fmt: skip


def names(caller: Caller, **query: Any) -> list[str]:
    return [one["name"] for one in everything(caller, "/workshops", **query)]


# ---- One workshop -----------------------------------------------------------------------------------------------


def test_anybody_sees_a_listed_workshop_without_what_is_its_owners(
    shop: Shop, other_shop: Shop, passer_by: Caller
) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"listed": True, "tax_rate": 19, "tax_id": "PL123"})

    seen = {
        name: caller.get(f"/workshops/{shop.id}").json
        for name, caller in {
            "passer-by": passer_by, "other owner": other_shop.owner, "customer": shop.customer, "mechanic": shop.mechanic,
        }.items()
    }  # fmt: skip
    own = shop.owner.get(f"/workshops/{shop.id}").json

    assert {name: set(entry) for name, entry in seen.items()} == dict.fromkeys(seen, PUBLIC)
    assert set(own) == PUBLIC | PRIVATE
    assert (own["tax_rate"], own["tax_id"], own["listed"]) == (19, "PL123", True)


@pytest.mark.parametrize("rest", ["", "/opening_hours", "/closures", "/closures/1"])
def test_an_unlisted_workshop_looks_missing_to_all_but_its_members(
    shop: Shop, other_shop: Shop, passer_by: Caller, rest: str
) -> None:
    path, missing = f"/workshops/{shop.id}{rest}", f"/workshops/9000000000000{rest}"

    for stranger in (passer_by, other_shop.owner, other_shop.customer):
        answers = [stranger.get(one).json for one in (path, missing)]
        assert [one.pop("request_id") for one in answers]
        assert answers[0] == answers[1]
        assert answers[0]["code"] == "workshop_not_found"
    for member in (shop.owner, shop.mechanic, shop.customer):
        assert member.get(path).status_code == (404 if rest == "/closures/1" else 200)


def test_a_token_that_is_none_is_told_so(shop: Shop) -> None:
    answer = shop.nobody.get(f"/workshops/{shop.id}", headers={"Authorization": "Bearer nonsense"})

    assert (answer.status_code, answer.json["code"]) == (401, "not_signed_in")


def test_the_tag_of_the_owners_answer_is_another_than_the_publics(shop: Shop, passer_by: Caller) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", json={"listed": True})

    own, public = (caller.get(f"/workshops/{shop.id}").headers["ETag"] for caller in (shop.owner, passer_by))

    assert own != public
    assert own.split("-")[0] == public.split("-")[0]
    assert passer_by.get(f"/workshops/{shop.id}", headers={"If-None-Match": own}).status_code == 200
    assert shop.owner.get(f"/workshops/{shop.id}", headers={"If-None-Match": own}).status_code == 304


def test_a_rating_is_the_average_of_its_stars(app: Flask, passer_by: Caller) -> None:
    rated, unrated = put(app, (1.0, 1.0), rating_sum=14, rating_count=3) + put(app, (1.0, 1.0))

    seen = [passer_by.get(f"/workshops/{one}").json for one in (rated, unrated)]

    assert [(one["rating"], one["rating_count"]) for one in seen] == [(4.67, 3), (None, 0)]


def test_an_address_is_told_short_and_whole(app: Flask, passer_by: Caller) -> None:
    whole = put_one(
        app, street="ul. Długa 7", city="Kraków", region="małopolskie", postal_code="31-146", country="PL"
    )
    bare = put_one(app, country="PL")

    seen = [passer_by.get(f"/workshops/{one}").json for one in (whole, bare)]

    assert [(one["location"], one["full_address"]) for one in seen] == [
        ("Kraków, małopolskie", "ul. Długa 7, 31-146 Kraków, małopolskie, PL"),
        (None, None),
    ]


# ---- The list ---------------------------------------------------------------------------------------------------


def test_the_list_has_the_listed_ones_by_name_and_only_what_is_public(
    app: Flask, shop: Shop, passer_by: Caller, empty_map: None
) -> None:
    for name in ("Bolt & Nut", "Axle Hub"):
        put_one(app, name=name, tax_id="secret")
    put_one(app, name="Cellar", listed=False)

    found = passer_by.get("/workshops").json

    assert [one["name"] for one in found] == ["Axle Hub", "Bolt & Nut"]
    assert all(set(one) == PUBLIC for one in found)
    assert shop.owner.get("/workshops").json == found


def test_it_is_filtered(app: Flask, passer_by: Caller, empty_map: None) -> None:
    put_one(app, ("tyres",), name="Ada's Tyres", city="York", country="GB")
    put_one(app, ("tyres", "brakes"), name="Brake Ada", city="New York", country="US")
    put_one(app, ("glass",), name="Żaneta 100%_Glas", city="ŻORY", country="PL")

    assert names(passer_by, q="ada") == ["Ada's Tyres", "Brake Ada"]
    assert names(passer_by, q="%_g") == ["Żaneta 100%_Glas"]
    assert names(passer_by, city="york") == ["Ada's Tyres"]
    assert names(passer_by, city="żory") == ["Żaneta 100%_Glas"]
    assert names(passer_by, city="%") == []
    assert names(passer_by, country="US") == ["Brake Ada"]
    assert names(passer_by, specialisation="brakes,glass") == ["Brake Ada", "Żaneta 100%_Glas"]
    assert names(passer_by, specialisation="tyres", country="GB") == ["Ada's Tyres"]


def test_it_is_walked_by_cursor_and_by_page(app: Flask, passer_by: Caller, empty_map: None) -> None:
    for number in range(5):
        put_one(app, name=f"Garage {number}")

    page = passer_by.get("/workshops?page=2&per_page=2")

    assert names(passer_by, per_page=2) == [f"Garage {number}" for number in range(5)]
    assert names(passer_by, per_page=2, sort="-name") == [f"Garage {number}" for number in (4, 3, 2, 1, 0)]
    assert [one["name"] for one in page.json] == ["Garage 2", "Garage 3"]
    assert page.headers["X-Total-Count"] == "5"


@pytest.mark.parametrize(
    "query",
    ["q=", "city=", "country=XX", "country=us", "specialisation=", "specialisation=magic", "sort=rating", "listed=false",
     "per_page=101", "page=0", "cursor=x", "workshop_id=1", "q=%00"],
)  # fmt: skip
def test_a_query_that_is_none_is_refused(passer_by: Caller, query: str) -> None:
    assert passer_by.get(f"/workshops?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/workshops?per_page=100", "/workshops?per_page=100&page=1"])
def test_a_list_of_40_costs_what_one_of_5_does(
    app: Flask, passer_by: Caller, empty_map: None, path: str
) -> None:
    costs = []
    for number in (5, 35):
        for _ in range(number):
            open_on(
                app, put_one(app, ("brakes", "glass"), name=unique("Garage ")), (1, 480, 720), (1, 750, 1020)
            )
        with statements(app) as sent:
            assert len(passer_by.get(path).json) in (5, 40)
        costs.append(len(sent))

    assert costs == ([2, 2] if "&page" in path else [1, 1])


def test_the_directory_is_limited(app: Flask, passer_by: Caller, limits: None) -> None:
    headers = passer_by.get("/workshops").headers

    assert headers["X-RateLimit-Limit"] == "300"


# ---- What the table refuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    [
        {"latitude": 90.1}, {"longitude": -180.1}, {"latitude": None}, {"longitude": None}, {"latitude": float("nan")},
        {"rating_sum": 6, "rating_count": 1}, {"rating_sum": -1, "rating_count": 1}, {"rating_sum": 1},
        {"rating_sum": 0, "rating_count": -1}, {"slug": "x"},
    ],
)  # fmt: skip
def test_the_table_refuses_a_workshop_that_cannot_be(app: Flask, row: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"ck_workshops_\w+|CHECK"):
        put(app, (1.0, 1.0), **row)


def test_every_word_of_the_vocabulary_is_one_that_the_table_takes(app: Flask) -> None:
    put_one(app, vocabulary.SPECIALISATIONS)

    with pytest.raises(Exception, match=r"specialisation_known"):
        put_one(app, ("magic",))


def test_a_closed_workshop_cannot_be_listed(app: Flask) -> None:
    with pytest.raises(Exception, match=r"closed_is_unlisted"):
        put_one(app, closed_at=clock.now())
