"""The history of a vehicle: its visits with work, parts and what they came to, and what its odometer showed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.blueprints.history import paper, telling
from app.core import pdf
from app.core.pdf import Paper
from tests.factories import Shop, unique_vin
from tests.inspections.examining import begun
from tests.mailing import Clock
from tests.watching import statements


def test_has_the_visits_with_all_that_hangs_on_them_the_last_first(shop: Shop) -> None:
    car = shop.make_vehicle()
    first = shop.make_ticket(VIN=car.vin, service_date=date(2026, 3, 2), service_desc="Brakes")
    second = shop.make_ticket(VIN=car.vin, service_date=date(2026, 4, 2))
    shop.make_ticket(VIN=unique_vin())
    part = shop.make_part(price=Decimal("19.99"))
    shop.owner.put(
        f"/service_tickets/{first['id']}/edit",
        json={"add_mechanic_ids": [shop.mechanic_id], "add_item_ids": [part.id, part.id]},
    )

    visits = shop.mechanic.get(f"/vehicles/{car.id}/history").json

    assert [visit["id"] for visit in visits] == [second["id"], first["id"]]
    earlier = visits[1]
    assert (earlier["service_desc"], earlier["mechanics"]) == (
        "Brakes",
        [{"id": shop.mechanic_id, "name": "Mel Mechanic"}],
    )
    assert (earlier["parts_total"], visits[0]["parts_total"]) == (39.98, 0.0)


def test_stands_with_the_readings_from_a_visits_day_until_it_was_over(shop: Shop, clock_set: Clock) -> None:
    car = shop.make_vehicle()
    path = f"/vehicles/{car.id}"
    long_ago, yesterday = (clock_set.now() - timedelta(days=days) for days in (30, 1))
    before = {"value": 1_000, "unit": "km", "read_at": long_ago.strftime("%Y-%m-%dT%H:%M:%SZ")}
    shop.owner.post(f"{path}/readings", json=before)
    visit = shop.make_ticket(VIN=car.vin, service_date=yesterday.date())
    shop.owner.post(f"{path}/readings", json={"value": 2_000, "unit": "km"})
    clock_set.pass_(minutes=1)
    shop.owner.post(f"/service_tickets/{visit['id']}/status", json={"status": "cancelled"})
    clock_set.pass_(minutes=1)
    shop.owner.post(f"{path}/readings", json={"value": 3_000, "unit": "km"})

    [told] = shop.owner.get(f"{path}/history").json

    assert [(one["value"], one["unit"]) for one in told["readings"]] == [(2_000, "km")]


def test_is_paged(shop: Shop) -> None:
    car = shop.make_vehicle()
    ids = [shop.make_ticket(VIN=car.vin, service_date=date(2026, 3, day))["id"] for day in (1, 2, 3)]

    page = shop.owner.get(f"/vehicles/{car.id}/history?per_page=2")
    rest = shop.owner.get(page.headers["Link"].split(">")[0].lstrip("<"))
    counted = shop.owner.get(f"/vehicles/{car.id}/history?page=2&per_page=2")

    assert [visit["id"] for visit in (*page.json, *rest.json)] == ids[::-1]
    assert ([visit["id"] for visit in counted.json], counted.headers["X-Total-Count"]) == ([ids[0]], "3")


def test_shows_a_keeper_their_own_visits_alone(shop: Shop) -> None:
    car = shop.make_vehicle()
    own = shop.make_ticket(VIN=car.vin)
    borrowed = shop.make_ticket(VIN=car.vin, customer_id=shop.other_customer_id)

    assert [visit["id"] for visit in shop.customer.get(f"/vehicles/{car.id}/history").json] == [own["id"]]
    assert shop.other_customer.get(f"/vehicles/{car.id}/history").status_code == 403
    assert {visit["id"] for visit in shop.owner.get(f"/vehicles/{car.id}/history").json} == {
        own["id"],
        borrowed["id"],
    }


def test_of_a_car_that_is_archived_is_still_there(shop: Shop) -> None:
    car = shop.make_vehicle()
    visit = shop.make_ticket(VIN=car.vin)
    shop.owner.post(f"/service_tickets/{visit['id']}/status", json={"status": "cancelled"})
    shop.owner.delete(f"/vehicles/{car.id}")

    assert [one["id"] for one in shop.owner.get(f"/vehicles/{car.id}/history").json] == [visit["id"]]


def test_of_no_car_is_404(shop: Shop, other_shop: Shop) -> None:
    for vehicle_id in (other_shop.make_vehicle().id, 9_000_000_000):
        answer = shop.owner.get(f"/vehicles/{vehicle_id}/history")
        assert (answer.status_code, answer.json["code"]) == (404, "vehicle_not_found")


# ---- On paper


def test_the_history_is_drawn_on_paper_and_the_same_one_twice_is_the_same(shop: Shop) -> None:
    car = shop.make_vehicle(plate="GD 4711", make="Škoda", odometer_value=84_200, odometer_unit="km")
    ticket = shop.make_ticket(VIN=car.vin)["id"]
    labour = {"kind": "labour", "description": "Klocki hamulcowe", "quantity": 1.5, "unit_price": 95}
    shop.owner.post(f"/service_tickets/{ticket}/lines", json=labour)

    first, second = (shop.owner.get(f"/vehicles/{car.id}/history/pdf") for _ in range(2))

    assert (first.status_code, first.mimetype, first.data[:5]) == (200, "application/pdf", b"%PDF-")
    assert first.data == second.data
    assert f'filename="vehicle-{car.id}.pdf"' in first.headers["Content-Disposition"]


@pytest.mark.parametrize(
    ("locale", "title"),
    [("en", "Vehicle history"), ("pl-PL", "Historia pojazdu"), ("de-DE", "Fahrzeughistorie")],
)
def test_the_paper_speaks_the_workshops_language(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, locale: str, title: str
) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", {"locale": locale})
    written: list[str] = []
    monkeypatch.setattr(Paper, "heading", lambda self, text, size=16: written.append(text))

    shop.owner.get(f"/vehicles/{shop.make_vehicle().id}/history/pdf")

    assert written == [title]


@pytest.mark.parametrize(
    ("locale", "day", "amount"),
    [
        ("en-US", "March 2, 2026", "€1,234.50"),
        ("en-GB", "2 March 2026", "€1,234.50"),
        ("de-DE", "2. März 2026", "1.234,50 €"),
        ("de-AT", "2. März 2026", "€ 1.234,50"),
        ("pl-PL", "2 marca 2026", "1 234,50 €"),
    ],
)
def test_days_and_amounts_are_on_paper_as_where_the_workshop_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, locale: str, day: str, amount: str
) -> None:
    shop.owner.patch(f"/workshops/{shop.id}", {"locale": locale, "currency": "EUR"})
    car = shop.make_vehicle()
    ticket = shop.make_ticket(VIN=car.vin)["id"]
    fee = {"kind": "fee", "description": "Towing", "unit_price": 1234.5}
    assert shop.mechanic.post(f"/service_tickets/{ticket}/lines", fee).status_code == 201
    headings: list[str] = []
    rows: list[list[str]] = []
    monkeypatch.setattr(Paper, "heading", lambda self, text, size=16: headings.append(text))
    monkeypatch.setattr(Paper, "table", lambda self, heads, found, **options: rows.extend(found))

    shop.owner.get(f"/vehicles/{car.id}/history/pdf")

    assert headings[1].startswith(f"{day} · ")
    assert {row[-1].replace("\xa0", " ") for row in rows} == {amount}


def test_a_keeper_has_their_own_visits_on_paper_and_nobody_elses(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = shop.make_vehicle()
    shop.make_ticket(VIN=car.vin, service_desc="Brakes")
    shop.make_ticket(VIN=car.vin, service_desc="Exhaust", customer_id=shop.other_customer_id)
    written: list[str] = []
    monkeypatch.setattr(Paper, "paragraph", lambda self, text: written.append(text))

    own = shop.customer.get(f"/vehicles/{car.id}/history/pdf")
    refused = shop.other_customer.get(f"/vehicles/{car.id}/history/pdf")

    assert (own.status_code, written, refused.status_code) == (200, ["Brakes"], 403)


def test_a_visit_has_its_lines(shop: Shop) -> None:
    car = shop.make_vehicle()
    ticket = shop.make_ticket(VIN=car.vin)["id"]
    labour = {"kind": "labour", "description": "Brake pads", "quantity": 1.5, "unit_price": 95}
    written = shop.owner.post(f"/service_tickets/{ticket}/lines", json=labour).json

    visit = shop.mechanic.get(f"/vehicles/{car.id}/history").json[0]

    assert (visit["lines"], visit["total"]) == (written["lines"], 142.5)


# ---- Notes and photos


def told(shop: Shop, ticket: int) -> dict[str, int]:
    """Let a visit have an update and an inspection that are validated, others that are not, a comment, and five photos."""
    photos = {
        name: shop.make_attachment(ticket, visible=name == "visible").id
        for name in ("visible", "hidden", "of_update", "of_point", "of_draft")
    }
    path = f"/service_tickets/{ticket}"
    update = {"text": "The pads are on.", "photo_ids": [photos["of_update"]]}
    made = shop.mechanic.post(f"{path}/progress", json=update).json["id"]
    shop.owner.post(f"{path}/progress/{made}/validate")
    shop.mechanic.post(f"{path}/progress", json={"text": "A draft.", "photo_ids": [photos["of_draft"]]})
    shop.mechanic.post(f"{path}/comments", json={"text": "In a hurry."})
    inspection = begun(shop, ticket)
    seen = {"place": 1, "condition": "red", "note": "2 mm left", "photo_ids": [photos["of_point"]]}
    shop.mechanic.post(f"{inspection}/points", json={"points": [seen]})
    shop.mechanic.post(f"{inspection}/finish", json={"summary": "Sound otherwise."})
    shop.owner.post(f"{inspection}/validate")
    waiting = begun(shop, ticket)
    shop.mechanic.post(f"{waiting}/points", json={"points": [{**seen, "note": "Not yet.", "photo_ids": []}]})
    return photos


def ids_of(visit: dict[str, Any]) -> list[int]:
    return [photo["id"] for photo in visit["photos"]]


def test_has_the_notes_that_are_validated_and_no_others(shop: Shop) -> None:
    car = shop.make_vehicle()
    told(shop, shop.make_ticket(VIN=car.vin)["id"])

    for reader in (shop.customer, shop.mechanic):
        [visit] = reader.get(f"/vehicles/{car.id}/history").json
        assert [(one["kind"], one["about"], one["condition"], one["text"]) for one in visit["notes"]] == [
            ("progress", None, None, "The pads are on."),
            ("inspection", None, None, "Sound otherwise."),
            ("inspection", "Front pads", "red", "2 mm left"),
        ]


def test_has_all_photos_for_staff_and_for_a_customer_those_that_they_were_shown(shop: Shop) -> None:
    car = shop.make_vehicle()
    photos = told(shop, shop.make_ticket(VIN=car.vin)["id"])

    [for_staff] = shop.mechanic.get(f"/vehicles/{car.id}/history").json
    [for_customer] = shop.customer.get(f"/vehicles/{car.id}/history").json

    assert ids_of(for_staff) == sorted(photos.values())
    assert ids_of(for_customer) == [photos["visible"], photos["of_update"], photos["of_point"]]
    assert shop.nobody.get(for_customer["photos"][1]["thumbnail_url"]).status_code == 200


def test_has_so_many_photos_of_a_visit_and_not_those_of_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_PHOTOS", 2)
    monkeypatch.setattr(telling, "MOST_NOTES", 1)
    car = shop.make_vehicle()
    first, second = (shop.make_ticket(VIN=car.vin, service_date=date(2026, 3, day))["id"] for day in (1, 2))
    photos = list(told(shop, first).values())
    other = shop.make_attachment(second).id

    later, earlier = shop.owner.get(f"/vehicles/{car.id}/history").json

    assert (ids_of(later), ids_of(earlier)) == ([other], photos[:2])
    assert (len(later["notes"]), len(earlier["notes"])) == (0, 1)
    assert [(visit["note_count"], visit["photo_count"]) for visit in (later, earlier)] == [(0, 1), (3, 5)]


def test_counts_for_a_customer_the_photos_that_they_were_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "MOST_PHOTOS", 1)
    car = shop.make_vehicle()
    told(shop, shop.make_ticket(VIN=car.vin)["id"])

    [visit] = shop.customer.get(f"/vehicles/{car.id}/history").json

    assert (len(visit["photos"]), visit["photo_count"]) == (1, 3)


def test_on_paper_is_how_much_there_is_beyond_the_bounds(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "MOST_PHOTOS", 2)
    monkeypatch.setattr(telling, "MOST_NOTES", 1)
    car = shop.make_vehicle()
    told(shop, shop.make_ticket(VIN=car.vin)["id"])
    written: list[tuple[str, str | None]] = []
    facts = Paper.facts
    monkeypatch.setattr(
        Paper, "facts", lambda self, them: (written.extend(them := list(them)), facts(self, them))[1]
    )

    assert shop.owner.get(f"/vehicles/{car.id}/history/pdf").status_code == 200

    assert ("Notes that are not printed", "2") in written
    assert ("Photos", "3") in written


def test_on_paper_are_as_many_of_the_latest_visits_as_can_be_drawn_in_seconds(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paper, "MOST_LETTERS", 5_000)
    car = shop.make_vehicle()
    for day in range(1, 5):
        ticket = shop.make_ticket(VIN=car.vin, service_date=date(2026, 3, day), service_desc="ż" * 1_800)
        line = {"kind": "fee", "description": "Disposal", "unit_price": 5}
        shop.owner.post(f"/service_tickets/{ticket['id']}/lines", json=line)
    written: list[str] = []
    paragraph = Paper.paragraph
    monkeypatch.setattr(
        Paper, "paragraph", lambda self, text: (written.append(text), paragraph(self, text))[1]
    )

    assert shop.owner.get(f"/vehicles/{car.id}/history/pdf").status_code == 200
    assert [text[:19] for text in written] == ["The last visits: 2.", "ż" * 19, "ż" * 19]

    written.clear()
    monkeypatch.setattr(paper, "MOST_LETTERS", 100)
    shop.owner.get(f"/vehicles/{car.id}/history/pdf")
    assert written[0] == "The last visits: 1."


def test_on_paper_are_the_notes_and_six_small_photos_that_the_customer_was_shown(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    car = shop.make_vehicle()
    ticket = shop.make_ticket(VIN=car.vin)["id"]
    told(shop, ticket)
    plain = shop.owner.get(f"/vehicles/{car.id}/history/pdf").data
    for _ in range(5):
        shop.make_attachment(ticket)
    printed: list[int] = []
    written: list[tuple[str, str | None]] = []
    pictures, facts = Paper.pictures, Paper.facts
    monkeypatch.setattr(
        Paper, "pictures", lambda self, them: (printed.append(len(them)), pictures(self, them))[1]
    )
    monkeypatch.setattr(
        Paper, "facts", lambda self, them: (written.extend(them := list(them)), facts(self, them))[1]
    )

    drawn = shop.owner.get(f"/vehicles/{car.id}/history/pdf")

    assert drawn.status_code == 200
    assert (plain.count(b"/DCTDecode"), drawn.data.count(b"/DCTDecode")) == (1, 1)  # the same picture
    assert printed == [6]
    assert [one for one in written if one[0] in ("Note", "Photos")] == [
        ("Note", "The pads are on."),
        ("Note", "Sound otherwise."),
        ("Note", "Front pads (red): 2 mm left"),
        ("Photos", "8"),
    ]


def asked(shop: Shop, car_id: int) -> list[str]:
    """Return the statements of a car's history and of its paper: of three times the fewest, as some are asked now and then."""
    times = []
    for _ in range(3):
        with statements(shop.app) as sent:
            shop.owner.get(f"/vehicles/{car_id}/history")
            shop.owner.get(f"/vehicles/{car_id}/history/pdf")
        times.append(list(sent))
    return min(times, key=len)


def test_costs_no_more_statements_for_many_visits_with_photos(shop: Shop) -> None:
    costs = []
    for number in (1, 4):
        car = shop.make_vehicle()
        for _ in range(number):
            told(shop, shop.make_ticket(VIN=car.vin)["id"])
        costs.append([statement[:60] for statement in asked(shop, car.id)])

    assert costs[0] == costs[1]
    assert len(costs[0]) > 10


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        ("Wymieniono świece, zażółć gęślą jaźń", "Wymieniono świece, zażółć gęślą jaźń"),
        ("Заменены свечи, Їжак", "Заменены свечи, Їжак"),
        ("One\ttwo", "One two"),
        ("\U0001f697\U0001f527 checked, 部品 too", "\ufffd checked, \ufffd too"),
    ],
)
def test_paper_has_every_letter_or_a_mark_in_the_place_of_what_its_font_has_not(
    words: str, printed: str
) -> None:
    made = Paper("History", at=datetime(2026, 3, 2, tzinfo=UTC), language="en", author="Garage")

    assert made._pdf.normalize_text(pdf._clean(words)) == printed
    assert made.content().startswith(b"%PDF")  # which closes the fonts
