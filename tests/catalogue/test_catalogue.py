"""The catalogue of makes and models: our own list, searched as people type."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from app.blueprints.catalogue import service
from tests.factories import Caller, Shop

PATH = "/catalogue/makes"


def walked(caller: Caller, path: str) -> list[str]:
    """Return the names of a whole list, walked by its links."""
    names: list[str] = []
    while path:
        answer = caller.get(path)
        assert answer.status_code == 200, answer.json
        names += [one["name"] for one in answer.json]
        link = re.match(r'<([^>]+)>; rel="next"', answer.headers.get("Link", ""))
        path = link[1] if link else ""
    return names


def test_the_list_is_sound() -> None:
    makes = service.makes()

    assert len(makes) > 60
    assert (
        len({make.id for make in makes}) == len({service.folded(make.name) for make in makes}) == len(makes)
    )
    models = [model for make in makes for model in make.models]
    assert len({model.id for model in models}) == len(models) > 1000
    for make in makes:
        assert re.fullmatch(r"[A-Z]{2}", make.country)
        assert 0 < len({model.name for model in make.models}) == make.model_count < service.MODELS_A_MAKE
        assert all(name == name.strip() and 0 < len(name) <= 80 for name in (m.name for m in make.models))


@pytest.mark.parametrize("per_page", [7, 100])
def test_makes_are_walked_by_name_to_the_last(shop: Shop, per_page: int) -> None:
    names = walked(shop.customer, f"{PATH}?per_page={per_page}")

    assert names == [make.name for make in service.makes()]
    assert all(service.folded(one) <= service.folded(other) for one, other in pairwise(names))


@pytest.mark.parametrize("query", ["", "&q=a"])
def test_they_are_walked_backwards_too(shop: Shop, query: str) -> None:
    forwards = walked(shop.customer, f"{PATH}?per_page=100{query}")

    assert walked(shop.customer, f"{PATH}?sort=-name&per_page=9{query}") == forwards[::-1]


def test_a_page_is_counted(shop: Shop) -> None:
    answer = shop.mechanic.get(f"{PATH}?page=2&per_page=10")
    beyond = shop.mechanic.get(f"{PATH}?page=1000")

    assert answer.headers["X-Total-Count"] == str(len(service.makes()))
    assert [one["name"] for one in answer.json] == [make.name for make in service.makes()[10:20]]
    assert beyond.json == []


@pytest.mark.parametrize(
    ("q", "names"),
    [
        ("škoda", ["Škoda"]), ("skoda", ["Škoda"]), ("SKO", ["Škoda"]), ("citroen", ["Citroën"]),
        ("mercedes benz", ["Mercedes-Benz"]), ("landrover", ["Land Rover"]), ("volks", ["Volkswagen"]), ("zzz", []),
    ],
)  # fmt: skip
def test_makes_are_found_as_people_type(shop: Shop, q: str, names: list[str]) -> None:
    assert [one["name"] for one in shop.customer.get(PATH, query_string={"q": q}).json] == names


@pytest.mark.parametrize(
    ("make", "q", "names"),
    [("Honda", "crv", ["CR-V"]), ("Škoda", "oct", ["Octavia"]), ("Renault", "megane e", ["Mégane E-Tech"])],
)
def test_models_are_found_within_their_make(shop: Shop, make: str, q: str, names: list[str]) -> None:
    make_id = shop.customer.get(PATH, query_string={"q": make}).json[0]["id"]

    found = shop.customer.get(f"{PATH}/{make_id}/models", query_string={"q": q}).json

    assert [one["name"] for one in found] == names


def test_the_models_of_every_make_are_walked_to_the_last(shop: Shop) -> None:
    for make in service.makes()[:5]:
        names = walked(shop.customer, f"{PATH}/{make.id}/models?per_page=5")
        assert names == [model.name for model in make.models]


def test_a_search_is_walked_too(shop: Shop) -> None:
    names = walked(shop.customer, f"{PATH}?q=a&per_page=3")

    assert names == [make.name for make in service.makes() if "a" in service.folded(make.name)]


def test_what_is_not_there_is_refused(shop: Shop) -> None:
    unknown = shop.customer.get(f"{PATH}/9000/models")
    odd = shop.customer.get(f"{PATH}?cursor=abc")

    assert (unknown.status_code, unknown.json["code"]) == (404, "make_not_found")
    assert (odd.status_code, list(odd.json["errors"])) == (400, ["cursor"])
    for query in ("per_page=101", "page=0", "q=", "colour=red", "page=1&cursor=1", "sort=country"):
        assert shop.customer.get(f"{PATH}?{query}").status_code == 400


def test_it_is_for_whoever_is_signed_in(shop: Shop) -> None:
    assert shop.nobody.get(PATH).status_code == 401
    assert {caller.get(PATH).status_code for caller in (shop.customer, shop.mechanic, shop.owner)} == {200}


def test_who_has_it_is_told_that_it_is_the_same(shop: Shop) -> None:
    first = shop.customer.get(PATH)

    again = shop.customer.get(PATH, headers={"If-None-Match": first.headers["ETag"]})

    assert again.status_code == 304


def test_a_model_is_found_without_its_make(shop: Shop) -> None:
    for caller in (shop.customer, shop.mechanic):
        found = caller.get("/catalogue/models?q=crv").json
        assert [(one["make"], one["name"]) for one in found] == [("Honda", "CR-V")]
    [of_make] = shop.mechanic.get(f"{PATH}/{found[0]['make_id']}/models?q=crv").json
    assert of_make["id"] == found[0]["id"]


def test_models_of_all_makes_are_walked_by_name_to_the_last(shop: Shop) -> None:
    names = walked(shop.customer, "/catalogue/models?per_page=100")

    assert names == [model.name for model in service.models()]
    assert len(names) == sum(make.model_count for make in service.makes())
    assert all(service.folded(one) <= service.folded(other) for one, other in pairwise(names))
