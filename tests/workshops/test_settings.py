"""What an owner keeps of a workshop: its entry, its settings, and its end."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.blueprints.workshops import service
from app.core.db import atomic
from tests.concurrency.racing import race
from tests.factories import PASSWORD, Caller, Shop, fields_of, registration, unique

ENTRY: dict[str, Any] = {
    "name": "Obi's Garage", "description": "Family-run.", "specialisations": ["diagnostics", "brakes"],
    "street": "1200 W Madison St", "city": "Chicago", "region": "IL", "postal_code": "60607", "country": "US",
    "latitude": 41.881234, "longitude": -87.65, "place_id": "ChIJ7cv00DwsDogR", "phone": "312-555-0100",
    "email": "Office@Example.com", "website": "https://obi.example.com/?a=b#c", "listed": True, "currency": "EUR",
    "locale": "de-AT", "time_zone": "America/Chicago", "tax_rate": "8.875", "tax_id": "36-1234567",
    "prices_include_tax": True,
}  # fmt: skip


def at(shop: Shop) -> str:
    return f"/workshops/{shop.id}"


def whole(**changes: Any) -> dict[str, Any]:
    return {**ENTRY, "slug": unique("obi-"), **changes}


# ---- Changing ---------------------------------------------------------------------------------------------------


def test_an_entry_is_replaced_whole(shop: Shop) -> None:
    body = whole()

    shown = shop.owner.put(at(shop), json=body).json

    kept = {
        **body, "specialisations": ["brakes", "diagnostics"], "phone": "+13125550100", "email": "office@example.com",
        "tax_rate": 8.875,
    }  # fmt: skip
    assert {field: shown[field] for field in kept} == kept
    assert shown == shop.owner.get(at(shop)).json


def test_what_is_left_out_of_a_replacement_is_empty_afterwards(shop: Shop) -> None:
    shop.owner.put(at(shop), json=whole())
    required = {"name", "slug", "country", "currency", "locale", "time_zone"}

    shown = shop.owner.put(at(shop), json={field: whole()[field] for field in required}).json

    written = set(ENTRY) - required - {"specialisations", "listed", "prices_include_tax"}
    assert {shown[field] for field in written} == {None}
    assert (shown["specialisations"], shown["listed"], shown["prices_include_tax"]) == ([], False, False)


@pytest.mark.parametrize("field", ["name", "slug", "country", "currency", "locale", "time_zone"])
def test_a_replacement_has_what_every_workshop_has(shop: Shop, field: str) -> None:
    body = whole()
    del body[field]

    answer = shop.owner.put(at(shop), json=body)

    assert (answer.status_code, fields_of(answer)) == (400, [field])


@pytest.mark.parametrize("field", sorted(ENTRY))
def test_one_field_is_changed_alone(shop: Shop, field: str) -> None:
    before = shop.owner.put(at(shop), json=whole(listed=False, prices_include_tax=False, name="Old")).json
    pair = {
        "latitude": {"latitude": 1.5, "longitude": 2.5},
        "longitude": {"latitude": 41.881234, "longitude": 3.5},
    }
    others: dict[str, Any] = {
        "specialisations": ["glass"], "country": "PL", "phone": "312-555-0199", "email": "new@example.com",
        "website": "http://x.example", "listed": True, "currency": "PLN", "locale": "pl", "time_zone": "Europe/Warsaw",
        "tax_rate": 23, "prices_include_tax": True,
    }  # fmt: skip
    change = pair.get(field, {field: others.get(field, "Other")})

    after = shop.owner.patch(at(shop), json=change).json

    changed = {name for name in before if before[name] != after[name]} - {
        "updated_at",
        "location",
        "full_address",
    }
    assert changed in ({field}, set(change))


def test_nothing_changed_is_no_new_version(shop: Shop) -> None:
    tag = shop.owner.patch(at(shop), json={"city": "York"}).headers["ETag"]

    again = shop.owner.patch(at(shop), json={"city": "York"})

    assert again.headers["ETag"] == tag


def test_null_clears_and_the_phone_is_read_in_the_country(shop: Shop) -> None:
    shop.owner.put(at(shop), json=whole())

    shown = shop.owner.patch(
        at(shop),
        json={"country": "PL", "phone": "12 345 67 89", "latitude": None, "longitude": None, "website": None},
    ).json

    assert (shown["phone"], shown["latitude"], shown["longitude"], shown["website"]) == (
        "+48123456789",
        None,
        None,
        None,
    )


@pytest.mark.parametrize(("given", "missing"), [("latitude", "longitude"), ("longitude", "latitude")])
def test_a_place_has_both_coordinates_or_neither(shop: Shop, given: str, missing: str) -> None:
    one = shop.owner.patch(at(shop), json={given: 1})
    shop.owner.put(at(shop), json=whole())
    taken = shop.owner.patch(at(shop), json={missing: None})

    assert (one.status_code, list(one.json["errors"])) == (400, [missing])
    assert (taken.status_code, list(taken.json["errors"])) == (400, [missing])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""), ("name", "  "), ("name", None), ("name", "x" * 201), ("name", "a\u0000b"), ("slug", "A-B"), ("slug", "a"),
        ("slug", "-ab"), ("slug", "a b"), ("slug", "é-é"), ("slug", None), ("description", "x" * 2001),
        ("specialisations", ["magic"]), ("specialisations", "brakes"), ("specialisations", None), ("specialisations", [1]),
        ("specialisations", ["brakes"] * 100), ("country", "XX"), ("country", "us"), ("country", None), ("currency", "XXX"),
        ("currency", "JPY"), ("currency", "usd"), ("locale", "fr-FR"), ("locale", "en_US"), ("locale", ""),
        ("time_zone", "Mars/Olympus"), ("time_zone", "../../etc/passwd"), ("time_zone", "localtime"), ("time_zone", ""),
        ("time_zone", None), ("latitude", 90.0000001), ("latitude", -91), ("latitude", "1"), ("latitude", True),
        ("latitude", [1]), ("longitude", 180.1), ("longitude", 1e308), ("place_id", ""), ("place_id", "x" * 256),
        ("phone", "call me"), ("phone", "1"), ("email", "nobody"), ("website", "javascript:alert(1)"),
        ("website", "https://user:pass@x.example"), ("website", "https://"), ("website", "ftp://x.example"),
        ("website", "https://x.example/<script>"), ("website", "https://x.example\nSet-Cookie: a=b"),
        ("website", "https://" + "x" * 300), ("listed", 1), ("listed", "true"), ("listed", None), ("tax_rate", 100.001),
        ("tax_rate", -1), ("tax_rate", "8.8755"), ("tax_rate", 8.8755), ("tax_rate", True), ("tax_rate", "1e1"),
        ("tax_rate", 1e308), ("tax_id", "x" * 41), ("prices_include_tax", "no"), ("rating", 5), ("rating_count", 1),
        ("rating_sum", 5), ("id", 1), ("version", 9), ("closed_at", None), ("full_address", "x"), ("open_now", True),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_and_changes_nothing(shop: Shop, field: str, value: Any) -> None:
    before = shop.owner.get(at(shop)).headers["ETag"]

    answer = shop.owner.patch(at(shop), json={field: value})

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert fields_of(answer) == [field]
    assert shop.owner.get(at(shop)).headers["ETag"] == before


def test_minus_nothing_is_nothing_and_six_places_are_kept(shop: Shop) -> None:
    shown = shop.owner.patch(
        at(shop), json={"latitude": -0.0, "longitude": 12.34567891, "tax_rate": -0.0}
    ).json

    assert (str(shown["latitude"]), shown["longitude"], str(shown["tax_rate"])) == ("0.0", 12.345679, "0.0")


def test_a_slug_is_one_workshops(shop: Shop, other_shop: Shop) -> None:
    answer = shop.owner.patch(at(shop), json={"slug": other_shop.slug})

    assert (answer.status_code, answer.json["code"]) == (409, "slug_taken")


def test_a_taken_slug_is_a_conflict_beside_other_changes_too(shop: Shop, other_shop: Shop) -> None:
    changes = {"slug": other_shop.slug, "specialisations": ["brakes"], "city": "Chicago"}

    answer = shop.owner.patch(f"/workshops/{shop.id}", json=changes)

    assert (answer.status_code, answer.json["code"]) == (409, "slug_taken")
    assert shop.owner.get(f"/workshops/{shop.id}").json["specialisations"] == []


def test_the_log_has_what_a_workshop_is_good_at_before_and_after_and_only_where_that_differs(
    shop: Shop,
) -> None:
    shop.owner.patch(at(shop), json={"specialisations": ["glass", "brakes"]})
    shop.owner.patch(at(shop), json={"specialisations": ["brakes", "brakes"], "city": "Gdynia"})
    shop.owner.patch(at(shop), json={"specialisations": ["brakes"]})

    entries = shop.owner.get("/audit?action=workshop.updated&sort=id").json
    assert [(entry["before"], entry["after"]) for entry in entries] == [
        ({"specialisations": []}, {"specialisations": ["brakes", "glass"]}),
        (
            {"specialisations": ["brakes", "glass"], "city": None},
            {"specialisations": ["brakes"], "city": "Gdynia"},
        ),
    ]


def test_a_new_slug_is_the_one_that_public_requests_name(shop: Shop) -> None:
    slug = unique("renamed-")
    assert shop.owner.patch(at(shop), json={"slug": slug}).status_code == 200

    by_new, by_old = (
        Caller(shop.app, workshop=name).post("/customers", json=registration()) for name in (slug, shop.slug)
    )

    assert (by_new.status_code, by_old.status_code) == (201, 404)


def test_the_currency_stays_once_there_are_prices(shop: Shop, other_shop: Shop) -> None:
    other_shop.make_part()
    part = shop.owner.get(f"/inventory/{shop.make_part().id}").json["id"]
    shop.owner.delete(f"/inventory/{part}")

    refused = shop.owner.patch(at(shop), json={"currency": "PLN", "city": "Gdynia"})
    same = shop.owner.patch(at(shop), json={"currency": "USD"})

    assert (refused.status_code, refused.json["code"], same.status_code) == (409, "currency_in_use", 200)
    assert shop.owner.get(at(shop)).json["city"] is None


def test_another_workshops_entry_looks_missing_to_a_writer_even_when_listed(
    shop: Shop, other_shop: Shop
) -> None:
    shop.owner.patch(at(shop), json={"listed": True})
    hours = {"days": []}

    answers = [
        other_shop.owner.put(at(shop), json=whole()),
        other_shop.owner.patch(at(shop), json={"name": "Mine"}),
        other_shop.owner.delete(at(shop), query_string={"name": "Mine"}),
        other_shop.owner.put(at(shop) + "/opening_hours", json=hours),
        other_shop.owner.post(
            at(shop) + "/closures", json={"first_day": "2026-01-01", "last_day": "2026-01-01"}
        ),
    ]

    assert [(answer.status_code, answer.json["code"]) for answer in answers] == [
        (404, "workshop_not_found")
    ] * 5


def test_of_two_who_saw_the_same_version_one_writes(shop: Shop) -> None:
    tag = {"If-Match": shop.owner.get(at(shop)).headers["ETag"]}

    answers = race(
        *(
            partial(shop.owner.patch, at(shop), json={"city": city}, headers=tag)
            for city in ("York", "Bath", "Hull")
        )
    )

    assert sorted(answer.status_code for answer in answers) == [200, 412, 412]


# ---- Closing ----------------------------------------------------------------------------------------------------


def name_of(shop: Shop) -> str:
    name: str = shop.owner.get(at(shop)).json["name"]
    return name


def close(shop: Shop, name: str | None = None, **options: Any) -> TestResponse:
    return shop.owner.delete(at(shop), query_string={"name": name or name_of(shop)}, **options)


def test_closing_takes_a_workshop_away_and_keeps_what_it_has(
    shop: Shop, passer_by: Caller, app: Flask
) -> None:
    shop.owner.patch(at(shop), json={"listed": True, "latitude": 12.5, "longitude": 12.5})
    ticket = shop.make_ticket()["id"]
    shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "cancelled"})

    answer = close(shop)

    assert (answer.status_code, answer.json) == (200, {"message": f"Workshop {shop.id} closed."})
    assert passer_by.get(at(shop)).status_code == 404
    assert passer_by.get("/workshops/nearby?lat=12.5&lng=12.5&radius=1").json == []
    with shop.inside():
        from app.blueprints.service_tickets.models import ServiceTicket
        from app.extensions import db

        assert db.session.get(ServiceTicket, ticket) is not None


def test_nobody_is_in_a_closed_workshop_any_more(shop: Shop) -> None:
    people = [shop.owner, shop.mechanic, shop.customer]
    assert {person.get("/mechanics").status_code for person in people} == {200}

    close(shop)

    doors = [
        shop.nobody.post("/mechanics/login", json={"email": person.email, "password": PASSWORD})
        for person in people
    ]
    assert {person.get("/mechanics").status_code for person in people} == {401}
    assert {door.json["code"] for door in doors} == {"workshop_not_found"}
    assert shop.nobody.post("/customers", json=registration()).status_code == 404
    unnamed = Caller(shop.app).post(
        "/mechanics/login", json={"email": shop.owner.email, "password": PASSWORD}
    )
    assert (unnamed.status_code, unnamed.json["code"]) == (403, "no_workshop")


def test_what_its_people_are_elsewhere_they_stay(shop: Shop, other_shop: Shop) -> None:
    body = {**registration(), "email": shop.owner.email, "password": PASSWORD}
    assert other_shop.nobody.post("/customers", json=body).status_code == 201

    close(shop)

    login = Caller(shop.app).post("/customers/login", json={"email": shop.owner.email, "password": PASSWORD})
    assert login.status_code == 200
    assert other_shop.owner.get("/mechanics").status_code == 200


def test_it_is_not_closed_while_a_ticket_is_open(shop: Shop, other_shop: Shop) -> None:
    other_shop.make_ticket()
    ticket = shop.make_ticket()

    refused = close(shop)
    shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "received"})
    shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "in_progress"})
    still = close(shop)
    shop.owner.post(f"/service_tickets/{ticket['id']}/status", json={"status": "completed"})

    assert (refused.status_code, refused.json["code"]) == (409, "tickets_open")
    assert str(ticket["number"]) in refused.json["detail"]
    assert still.status_code == 409
    assert shop.customer.get("/customers/my-tickets").status_code == 200
    assert close(shop).status_code == 200


@pytest.mark.parametrize(
    "query", [{}, {"name": ""}, {"name": "Other"}, {"name": "x" * 500}, {"confirm": "yes"}]
)
def test_closing_needs_the_name(shop: Shop, query: dict[str, str]) -> None:
    answer = shop.owner.delete(at(shop), query_string=query)

    assert answer.status_code == 400
    assert shop.owner.get(at(shop)).status_code == 200


def test_a_stale_version_is_not_closed(shop: Shop) -> None:
    tag = shop.owner.get(at(shop)).headers["ETag"]
    shop.owner.patch(at(shop), json={"city": "York"})

    assert close(shop, headers={"If-Match": tag}).status_code == 412


def test_a_closed_workshop_is_not_changed_by_a_request_that_was_on_its_way(shop: Shop) -> None:
    close(shop)

    with shop.inside(), pytest.raises(service.WorkshopNotFound), atomic():
        service.held(shop.id)


def test_its_slug_stays_its_own(shop: Shop, other_shop: Shop) -> None:
    close(shop)

    assert other_shop.owner.patch(at(other_shop), json={"slug": shop.slug}).status_code == 409


def test_an_owner_with_a_ticket_coming_in_at_the_same_time_closes_before_or_not_at_all(shop: Shop) -> None:
    """A ticket that is being opened is waited for and then seen; one that comes later finds nobody signed in."""
    name = name_of(shop)
    body = {
        "VIN": "WVWZZZ1JZ3W386752",
        "service_date": "2026-03-02",
        "service_desc": "Oil",
        "customer_id": shop.customer_id,
    }

    opened, closed = race(
        partial(shop.mechanic.post, "/service_tickets", json=body), partial(close, shop, name)
    )

    assert (opened.status_code, closed.status_code) in {(201, 409), (401, 200), (201, 200)}
    assert closed.status_code != 409 or shop.owner.get(at(shop)).status_code == 200
