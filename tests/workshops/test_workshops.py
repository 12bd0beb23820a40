"""Workshops: which one a request means, their slugs, and their numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine

from app.blueprints.workshops import numbers, service
from app.blueprints.workshops.errors import SlugTaken, WorkshopNotFound, WorkshopRequired
from app.core.db import atomic
from app.core.errors import Invalid
from app.extensions import db
from tests.factories import Caller, Shop, registration, unique


@pytest.fixture
def empty_installation(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A database of its own, with tables and no workshop."""
    engine = create_engine(f"sqlite:///{tmp_path / 'empty.db'}")
    with app.app_context():
        db.metadata.create_all(engine)
        monkeypatch.setitem(db.engines, None, engine)
        yield
        db.session.remove()
    engine.dispose()


def test_an_installation_without_a_workshop_says_so(empty_installation: None) -> None:
    with pytest.raises(WorkshopNotFound, match="no workshop yet"):
        service.named(None)


def test_the_only_workshop_needs_no_name(empty_installation: None) -> None:
    only = service.open_workshop("Only", "only")

    assert service.named(None).id == only.id


def test_of_several_one_is_named(empty_installation: None) -> None:
    service.open_workshop("First", "first")
    second = service.open_workshop("Second", "second")

    with pytest.raises(WorkshopRequired):
        service.named(None)
    assert service.named("second").id == second.id


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 400, "workshop_required"),
        ({"X-Workshop": "there-is-none"}, 404, "workshop_not_found"),
        ({"X-Workshop": ""}, 400, "workshop_required"),
        ({"X-Workshop": "x" * 5000}, 404, "workshop_not_found"),
        ({"X-Workshop": "caf\xe9"}, 404, "workshop_not_found"),
    ],
)
def test_a_registration_names_the_workshop_where_there_are_several(
    shop: Shop, other_shop: Shop, headers: dict[str, str], status: int, code: str
) -> None:
    answer = Caller(shop.app, headers=headers).post("/customers", json=registration())

    assert (answer.status_code, answer.json["code"]) == (status, code)


@pytest.mark.parametrize("form", ["{slug}", "  {slug} ", "{SLUG}"])
def test_a_slug_is_read_without_regard_to_case_and_blanks(shop: Shop, form: str) -> None:
    with shop.app.app_context():
        found = service.named(form.format(slug=shop.slug, SLUG=shop.slug.upper()))

    assert found.id == shop.id


@pytest.mark.parametrize("slug", ["ab", "a1", "a-b", "7-11", "x" * 60])
def test_a_good_slug_is_taken(app: Flask, slug: str) -> None:
    slug = f"{slug[:40]}{unique('')}"

    with app.app_context():
        assert service.open_workshop("Garage", slug).slug == slug


@pytest.mark.parametrize(
    "slug", ["", "a", "-ab", "ab-", "A-B", "a b", "a_b", "é-é", "x" * 61, "ab\n", "../etc"]
)
def test_a_bad_slug_is_refused(app: Flask, slug: str) -> None:
    with app.app_context(), pytest.raises(Invalid):
        service.open_workshop("Garage", slug)


def test_a_slug_is_one_workshops(shop: Shop) -> None:
    with shop.app.app_context(), pytest.raises(SlugTaken):
        service.open_workshop("Another", shop.slug)


def test_each_series_of_each_workshop_counts_for_itself(shop: Shop, other_shop: Shop) -> None:
    with shop.inside(), atomic():
        first = [numbers.next_number("tickets") for _ in range(3)]
        invoices = numbers.next_number("invoices")
    with other_shop.inside(), atomic():
        elsewhere = numbers.next_number("tickets")

    assert (first, invoices, elsewhere) == ([1, 2, 3], 1, 1)


def test_a_number_that_was_not_used_is_given_out_again(shop: Shop) -> None:
    with shop.inside():
        with pytest.raises(ZeroDivisionError), atomic():
            numbers.next_number("tickets") / 0

        with atomic():
            assert numbers.next_number("tickets") == 1
