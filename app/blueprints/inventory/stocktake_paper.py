"""A count sheet on paper, for who counts where there is no network."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from babel.numbers import format_decimal
from sqlalchemy import select

from app.blueprints.inventory import categories, stocktake_reading, stocktakes
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.stocktake_models import StocktakeLine
from app.blueprints.inventory.stocktake_reading import Told
from app.blueprints.inventory.vocabulary import unit_in
from app.blueprints.workshops.models import Workshop
from app.core.letters import language_of, locale_of
from app.core.pdf import Paper
from app.extensions import db

# What the paper says, in the languages in which letters are written.
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "sheet": "Count sheet", "posted": "Posted", "cancelled": "Cancelled", "date": "Written on", "category": "Category",
        "bins": "Bins", "note": "Note", "by": "Counted by", "at": "Date and time", "bin": "Bin", "sku": "SKU", "item": "Item",
        "unit": "Unit", "counted": "Counted",
    },
    "pl": {
        "sheet": "Arkusz spisu", "posted": "Zaksięgowany", "cancelled": "Anulowany", "date": "Utworzono",
        "category": "Kategoria", "bins": "Miejsca", "note": "Uwagi", "by": "Liczył(a)", "at": "Data i godzina",
        "bin": "Miejsce", "sku": "SKU", "item": "Pozycja", "unit": "J.m.", "counted": "Policzono",
    },
    "de": {
        "sheet": "Zählliste", "posted": "Gebucht", "cancelled": "Abgebrochen", "date": "Erstellt am", "category": "Kategorie",
        "bins": "Plätze", "note": "Bemerkung", "by": "Gezählt von", "at": "Datum und Uhrzeit", "bin": "Platz", "sku": "SKU",
        "item": "Artikel", "unit": "Einheit", "counted": "Gezählt",
    },
}  # fmt: skip
TO_FILL_IN = "_" * 30
WIDTHS = (8, 22, 34, 72, 14, 24)  # millimetres


def sheet(workshop_id: int, stocktake_id: int) -> tuple[int, bytes]:
    """Return a stocktake's number, and its sheet as a PDF in the workshop's language: with what was counted, but not expected.

    :raises StocktakeNotFound: unknown here.
    """
    stocktake = stocktake_reading.get(workshop_id, stocktake_id)
    workshop = db.session.scalars(select(Workshop).where(Workshop.id == workshop_id)).one()
    language = language_of(workshop.locale)
    words, locale = WORDS[language], locale_of(workshop.locale)
    title = f"{words['sheet']} {stocktake['number']}"
    made = Paper(
        title,
        at=stocktake["updated_at"],
        language=language,
        author=workshop.name,
        foot=f"{workshop.name} · {title}",
    )
    made.heading(title)
    if stocktake["status"] != "open":
        made.heading(words[stocktake["status"]], size=11)
    made.facts(_facts(workshop, stocktake, words, locale))
    heads = ("", *(words[name] for name in ("bin", "sku", "item", "unit", "counted")))
    made.form(heads, _rows(workshop_id, stocktake_id, locale), WIDTHS)
    return stocktake["number"], made.content()


def _facts(
    workshop: Workshop, stocktake: Told, words: dict[str, str], locale: str
) -> list[tuple[str, str | None]]:
    here, within = stocktake["created_at"].astimezone(ZoneInfo(workshop.time_zone)), stocktake["category_id"]
    return [
        (words["date"], format_date(here.date(), "long", locale=locale)),
        (words["category"], categories.get(workshop.id, within).name if within else None),
        (words["bins"], f"{stocktake['bin']}…" if stocktake["bin"] else None),
        (words["note"], stocktake["note"]),
        (words["by"], TO_FILL_IN),
        (words["at"], TO_FILL_IN),
    ]


def _rows(workshop_id: int, stocktake_id: int, locale: str) -> list[list[str]]:
    line, language = StocktakeLine, language_of(locale)
    rows = db.session.execute(
        select(line.place, Part.bin, Part.sku, Part.name, Part.unit, line.counted)
        .join(Part, Part.id == line.part_id)
        .where(
            line.workshop_id == workshop_id,
            Part.workshop_id == workshop_id,
            line.stocktake_id == stocktake_id,
        )
        .order_by(line.place)
        .limit(stocktakes.MOST_LINES)
    )
    return [
        [str(place), bin_ or "", sku or "", name, unit_in(language, unit), _number(counted, locale)]
        for place, bin_, sku, name, unit, counted in rows
    ]


def _number(quantity: Decimal | None, locale: str) -> str:
    written: Any = "" if quantity is None else format_decimal(quantity, locale=locale)
    return str(written)
