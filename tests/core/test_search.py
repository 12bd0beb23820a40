"""Searching text: what a person typed, found anywhere, meaning nothing but itself."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.blueprints.inventory.models import Part
from app.core.search import MOST_WORDS, contains, pattern, patterns
from app.extensions import db
from tests.factories import Shop, unique


@pytest.mark.parametrize(
    ("words", "sought"),
    [("brake", "%brake%"), ("50%", "%50\\%%"), ("a_b", "%a\\_b%"), ("a\\b", "%a\\\\b%"), ("", "%%")],
)
def test_marks_of_a_pattern_mean_themselves(words: str, sought: str) -> None:
    assert pattern(words) == sought


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("oil", True), ("FILTER", True), ("l F", True), ("oil filter 5%", True), ("%", True), ("5%", True), ("_", False),
        ("o_l", False), ("o%l", False), ("\\", False), ("filterx", False), ("'", False),
    ],
)  # fmt: skip
def test_words_are_found_anywhere_without_regard_to_case(shop: Shop, words: str, found: bool) -> None:
    shop.make_part(name="Oil Filter 5%")

    with shop.inside():
        rows = db.session.scalars(select(Part.name).where(contains(Part.name, pattern(words)))).all()

    assert bool(rows) == found


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("brake", ["%brake%"]), ("  front   brake ", ["%front%", "%brake%"]), ("50% off", ["%50\\%%", "%off%"]), ("", []),
        ("a b c d e f g h", ["%a%", "%b%", "%c%", "%d%", "%e%", "%f g h%"]),
    ],
)  # fmt: skip
def test_each_word_is_sought_and_of_very_many_the_rest_as_one(typed: str, words: list[str]) -> None:
    assert patterns(typed) == words
    assert len(words) <= MOST_WORDS


@pytest.mark.parametrize(
    ("path", "typed", "found"),
    [
        ("/inventory", "filter oil", True), ("/inventory", "OF-77 oil", True), ("/inventory", "oil pump", False),
        ("/vehicles", "honda accord", True), ("/vehicles", "accord honda", True), ("/vehicles", "gd 4711", True),
        ("/vehicles", "honda civic", False),
        ("/service_tickets", "pads brake", True), ("/service_tickets", "obi ada", True),
        ("/service_tickets", "front brake pads and discs are worn on both sides", True),
        ("/service_tickets", "brake oil", False), ("/service_tickets", "brake ada", False),  # not partly here, partly there
        ("/customers", "obi ada", True), ("/customers", "ada 0199", True), ("/customers", "ada smith", False),
        ("/inventory/suppliers", "ltd parts", True), ("/inventory/suppliers", "parts gmbh", False),
        ("/mechanics", "jane", False),
    ],
)  # fmt: skip
def test_words_are_found_in_any_order(shop: Shop, path: str, typed: str, found: bool) -> None:
    ada = shop.make_customer(name="Ada Obi", phone="+12025550199")
    shop.make_part(name="Oil Filter", sku="OF-77")
    shop.make_supplier(name="Parts & More Ltd")
    shop.make_vehicle(customer_id=ada.id, make="Honda", model="Accord", plate="GD 4711")
    shop.make_ticket(
        customer_id=ada.id, service_desc="Front brake pads and discs are worn on both sides of the car"
    )

    listed = shop.owner.get(path, query_string={"name" if path == "/mechanics" else "q": typed})

    assert listed.status_code == 200
    assert bool(listed.json) == found


@pytest.mark.parametrize("words", ["żaneta", "ŻANETA", "Żan", "ÉT"])
def test_every_alphabet_is_searched_without_regard_to_case(shop: Shop, words: str) -> None:
    shop.make_part(name="Żaneta's été", sku=None)

    found = shop.owner.get("/inventory", query_string={"q": words})

    assert [row["name"] for row in found.json] == ["Żaneta's été"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.text("aB%_\\'\"; -*?[]^$.", min_size=1, max_size=6))
def test_every_text_finds_itself_and_nothing_without_it(shop: Shop, words: str) -> None:
    name = unique("n")
    with_it, without = shop.make_part(name=f"{name}<{words}>"), shop.make_part(name=f"{name}<>")

    with shop.inside():
        found = set(
            db.session.scalars(
                select(Part.id).where(contains(Part.name, pattern(f"<{words}>")), Part.name.startswith(name))
            )
        )

    assert found >= {with_it.id}
    assert without.id not in found
