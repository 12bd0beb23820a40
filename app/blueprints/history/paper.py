"""The history of a vehicle on paper: what a buyer, or the next workshop, is shown."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import accumulate
from typing import Any

from babel.dates import format_date
from babel.numbers import format_decimal

from app.blueprints.history import service
from app.blueprints.service_tickets.reading import ORDER
from app.blueprints.vehicles import service as vehicles
from app.blueprints.vehicles.models import Vehicle
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.terms import currency_of
from app.core import clock, files
from app.core.identity import Principal
from app.core.letters import Letterhead, language_of, locale_of
from app.core.money import written
from app.core.paging import MOST_PER_PAGE, Walk
from app.core.pdf import Paper

# Of the photos, printed small: of one visit, and in all.
MOST_OF_A_VISIT, MOST_IN_ALL = 6, 60
# Of what is written: about a hundred pages, which take three seconds. A row of a table takes as long as so many letters.
MOST_LETTERS, LETTERS_OF_A_ROW = 300_000, 100

# What the paper says, in the languages in which letters are written.
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "title": "Vehicle history", "vin": "VIN", "car": "Vehicle", "plate": "Plate", "odometer": "Odometer",
        "visit": "Visit", "what": "Work and parts", "quantity": "Quantity", "total": "Total", "sum": "Together",
        "by": "By", "none": "There are no visits.", "note": "Note", "photos": "Photos", "cut": "The last visits: {number}.",
        "more": "Notes that are not printed", "green": "green", "yellow": "yellow", "red": "red", "not_checked": "not checked",
    },
    "pl": {
        "title": "Historia pojazdu", "vin": "VIN", "car": "Pojazd", "plate": "Numer rejestracyjny", "odometer": "Przebieg",
        "visit": "Wizyta", "what": "Prace i części", "quantity": "Ilość", "total": "Wartość", "sum": "Razem",
        "by": "Wykonali", "none": "Nie było wizyt.", "note": "Uwaga", "photos": "Zdjęcia", "cut": "Ostatnie wizyty: {number}.",
        "more": "Uwagi niewydrukowane", "green": "zielony", "yellow": "żółty", "red": "czerwony",
        "not_checked": "niesprawdzone",
    },
    "de": {
        "title": "Fahrzeughistorie", "vin": "FIN", "car": "Fahrzeug", "plate": "Kennzeichen", "odometer": "Kilometerstand",
        "visit": "Besuch", "what": "Arbeiten und Teile", "quantity": "Menge", "total": "Betrag", "sum": "Zusammen",
        "by": "Von", "none": "Es gab keine Besuche.", "note": "Notiz", "photos": "Fotos",
        "cut": "Die letzten Besuche: {number}.", "more": "Nicht gedruckte Notizen", "green": "grün", "yellow": "gelb",
        "red": "rot", "not_checked": "nicht geprüft",
    },
}  # fmt: skip


def drawn(caller: Principal, vehicle_id: int) -> bytes:
    """Return a vehicle's last hundred visits as a PDF in the workshop's language: all to staff, to its keeper their own.

    Of very long ones they are fewer.

    :raises VehicleNotFound: unknown here. :raises NotYourVehicle: another customer's.
    """
    vehicle = vehicles.get(caller, vehicle_id, "tickets:read")
    walk = Walk(order=ORDER.default, per_page=MOST_PER_PAGE)
    page = service.of(caller, vehicle_id, walk, for_paper=True)
    visits = _printed(page.rows)
    is_cut = page.next_cursor is not None or len(visits) < len(page.rows)
    thumbnails = _thumbnails(caller.workshop_id, visits)
    head = workshops.letterhead(caller.workshop_id)
    money = currency_of(caller.workshop_id)
    return _written(vehicle, visits, thumbnails, head, money, is_cut=is_cut)


def _printed(visits: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Return the latest visits, as many as have no more letters in all than are printed, and the last one in any case."""
    so_far = accumulate(map(_letters, visits))
    return visits[: max(1, sum(letters <= MOST_LETTERS for letters in so_far))]


def _letters(visit: dict[str, Any]) -> int:
    rows = sum(len(line["description"]) + LETTERS_OF_A_ROW for line in visit["lines"])
    return len(visit["service_desc"]) + rows + sum(len(note["text"]) for note in visit["notes"])


def _thumbnails(workshop_id: int, visits: Any) -> dict[int, bytes]:
    """Return the small pictures that are printed, by the ids of their photos: a few of each visit, and so many in all."""
    printed = [photo for visit in visits for photo in visit["photos"][:MOST_OF_A_VISIT]][:MOST_IN_ALL]
    found = files.contents(workshop_id, [photo.thumbnail_id for photo in printed])
    return {photo.id: found[photo.thumbnail_id] for photo in printed if photo.thumbnail_id in found}


def _written(
    vehicle: Vehicle,
    visits: Any,
    thumbnails: dict[int, bytes],
    head: Letterhead,
    currency: str,
    *,
    is_cut: bool,
) -> bytes:
    language = language_of(head.locale)
    words = WORDS[language]
    said = [clock.as_utc(note["at"]) for visit in visits for note in visit["notes"]]
    since = max([vehicle.updated_at, *(clock.as_utc(visit["updated_at"]) for visit in visits), *said])
    made = Paper(
        words["title"],
        at=since,
        language=language,
        author=head.name,
        foot=f"{head.name} · {words['title']} · {vehicle.vin}",
    )
    made.heading(words["title"])
    made.facts(_facts(vehicle, words))
    if is_cut:
        made.paragraph(words["cut"].format(number=len(visits)))
    if not visits:
        made.paragraph(words["none"])
    for visit in visits:
        _write(made, visit, words, currency, locale_of(head.locale))
        _illustrate(made, visit, thumbnails, words)
    return made.content()


def _facts(vehicle: Vehicle, words: dict[str, str]) -> list[tuple[str, str | None]]:
    named = [str(part) for part in (vehicle.make, vehicle.model, vehicle.year) if part is not None]
    return [
        (words["vin"], vehicle.vin),
        (words["car"], " ".join(named) or None),
        (words["plate"], vehicle.plate),
        (
            words["odometer"],
            None if vehicle.odometer is None else f"{vehicle.odometer} {vehicle.odometer_unit}",
        ),
    ]


def _write(made: Paper, visit: dict[str, Any], words: dict[str, str], currency: str, locale: str) -> None:
    day = format_date(date.fromisoformat(visit["service_date"]), "long", locale=locale)
    made.heading(f"{day} · {words['visit']} {visit['number']}", size=11)
    made.paragraph(visit["service_desc"])
    readings = ", ".join(f"{one['value']} {one['unit']}" for one in visit["readings"])
    by = ", ".join(mechanic["name"] for mechanic in visit["mechanics"])
    made.facts([(words["odometer"], readings or None), (words["by"], by or None)])
    if not visit["lines"]:
        return
    rows = [
        [
            line["description"],
            format_decimal(Decimal(str(line["quantity"])), locale=locale),
            written(line["total"], currency, locale),
        ]
        for line in visit["lines"]
    ]
    rows.append([words["sum"], "", written(visit["total"], currency, locale)])
    made.table(
        [words["what"], words["quantity"], words["total"]],
        rows,
        widths=[70, 12, 18],
        aligned=["LEFT", "RIGHT", "RIGHT"],
    )


def _illustrate(
    made: Paper, visit: dict[str, Any], thumbnails: dict[int, bytes], words: dict[str, str]
) -> None:
    """Write what was said at a visit, and print its photos small."""
    left_out = visit["note_count"] - len(visit["notes"])
    made.facts(
        [
            *((words["note"], _noted(one, words)) for one in visit["notes"]),
            (words["more"], str(left_out) if left_out else None),
            (words["photos"], str(visit["photo_count"]) if visit["photo_count"] else None),
        ]
    )
    if printed := [thumbnails[photo.id] for photo in visit["photos"] if photo.id in thumbnails]:
        made.pictures(printed)


def _noted(note: dict[str, Any], words: dict[str, str]) -> str:
    """Return a note in one line: of a point of an inspection with its name and how it was."""
    if note["about"] is None:
        return str(note["text"])
    return f"{note['about']} ({words[note['condition']]}): {note['text']}"
