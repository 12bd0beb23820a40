"""Founding a workshop: with what is usual in its country, and a slug of its own."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from app.blueprints.workshops import service, vocabulary
from app.blueprints.workshops.errors import SlugTaken
from app.core.errors import Invalid
from tests.factories import unique


@pytest.mark.parametrize(
    ("country", "usual"),
    [
        ("PL", ("PLN", "pl-PL", "Europe/Warsaw")),
        ("DE", ("EUR", "de-DE", "Europe/Berlin")),
        ("AT", ("EUR", "de-AT", "Europe/Vienna")),
        ("GB", ("GBP", "en-GB", "Europe/London")),
        ("US", ("USD", "en-US", "UTC")),  # six zones: any would be a guess
        ("JP", ("USD", "en", "Asia/Tokyo")),  # the yen is not divided by a hundred
        ("AC", ("SHP", "en", "UTC")),
    ],
)
def test_a_workshop_begins_with_what_is_usual_in_its_country(
    app: Flask, country: str, usual: tuple[str, str, str]
) -> None:
    with app.app_context():
        made = service.found("Garage", unique("founded-"), country=country)

    assert (made.currency, made.locale, made.time_zone) == usual
    assert (made.country, made.listed, made.version) == (country, False, 1)


def test_what_is_said_is_not_guessed(app: Flask) -> None:
    with app.app_context():
        made = service.found(
            "Garage", unique("founded-"), country="PL", currency="EUR", city="Kraków", locale=None
        )

    assert (made.currency, made.city, made.locale, made.time_zone) == (
        "EUR",
        "Kraków",
        "pl-PL",
        "Europe/Warsaw",
    )


@pytest.mark.parametrize("country", vocabulary.COUNTRIES)
def test_every_country_has_something_usual(country: str) -> None:
    assert vocabulary.currency_of(country) in vocabulary.CURRENCIES
    assert vocabulary.locale_of(country) in vocabulary.LOCALES
    assert vocabulary.time_zone_of(country) in vocabulary.time_zones()


def test_locales_are_in_the_languages_of_mails() -> None:
    assert {tag.split("-")[0] for tag in vocabulary.LOCALES} == set(vocabulary.LANGUAGES)


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Obi's Garage {}", "obis-garage-{}"),
        ("Auto-Łódź  Świat {}!", "auto-lodz-swiat-{}"),
        ("Größe & Söhne {}", "grosse-sohne-{}"),
        ("--{}--", "{}"),
    ],
)
def test_a_slug_is_made_of_the_name(app: Flask, name: str, slug: str) -> None:
    number = unique("n")

    with app.app_context():
        made = [service.found(name.format(number)).slug for _ in range(3)]

    plain = slug.format(number)
    assert made == [plain, f"{plain}-2", f"{plain}-3"]


@pytest.mark.parametrize("name", ["修理", "!", "a", "%_"])
def test_a_name_without_letters_of_a_slug_gets_one_all_the_same(app: Flask, name: str) -> None:
    with app.app_context():
        made = [service.found(name).slug for _ in range(2)]

    assert all(slug.startswith("workshop") for slug in made)
    assert len(set(made)) == 2


def test_a_long_name_makes_a_slug_that_fits(app: Flask) -> None:
    with app.app_context():
        made = [service.found(unique("x") + " garage" * 25).slug for _ in range(2)]

    assert all(len(slug) <= 60 for slug in made)


@pytest.mark.parametrize(("slug", "refusal"), [("A B", Invalid), (None, SlugTaken)])
def test_a_slug_that_is_none_or_taken_is_refused(app: Flask, slug: Any, refusal: type[Exception]) -> None:
    taken = unique("taken-")

    with app.app_context():
        service.found("First", taken)
        with pytest.raises(refusal):
            service.found("Second", slug or taken)
