"""Searching text: what a person typed, found anywhere, meaning nothing but itself."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app.blueprints.inventory.models import Part
from app.core.search import contains, pattern
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
