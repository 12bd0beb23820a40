"""Erasures: a customer who has done all that can be done is gone from every table, and the report says what stays."""

from __future__ import annotations

import contextlib
import io
import sqlite3
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import LargeBinary, select, type_coerce

from app.blueprints.accounts import codes
from app.core import crypto, privacy, rotation, sealing
from app.core.audit import AuditEntry
from app.core.engines import owners_engine
from app.core.model import Model
from app.core.tenancy import across_workshops
from app.extensions import db
from tests.commands.conftest import databases, empty_it, make_app, make_installation  # noqa: F401 - fixtures
from tests.commands.conftest import run as run_command
from tests.customers.exporting import PESEL, PROFILE, exported
from tests.customers.test_photos import put
from tests.factories import PASSWORD, Caller, Shop, make_shop
from tests.mailing import deliver
from tests.pictures import noise

# What the person in these tests is called, written to and rung up by, now and before, and what they told of themselves.
NAMES = ("Zdzisława Brzęczyszczykiewicz", "Zdzisława Przedtem")
EMAILS = ("zdzislawa@zz.example.com", "przedtem@zz.example.com", "potem@zz.example.com")
PHONES = ("+48601602603", "+48604605606")
TOLD = (
    PESEL, "ul. Zielona 17", "Sopotowo", "81-704", "1944-05-14", "Janina Obiwska", "+12125550199", "198.51.100.77",
    "Zdzislawas-Phone/1.0", "ZZ 17ZZZ", "ZZ17ZZZ", "ZZ 18ZZZ", "Oil for Zdzisia", "Brakes for Zdzisia", "Tyres for Zdzisia",
    "Belts for Zdzisia",
)  # fmt: skip
NEEDLES = (*NAMES, *EMAILS, *PHONES, *TOLD, "zdzislawa", "Brzęczyszczykiewicz")


def use(shop: Shop) -> Caller:
    """Let a customer do all that leaves something of them behind; return them."""
    keyed = {"Idempotency-Key": f"register-{shop.slug}"}
    body = {"name": NAMES[1], "email": EMAILS[1], "phone": PHONES[1], "password": PASSWORD}
    made = shop.nobody.post("/customers", json=body, headers=keyed)
    assert made.status_code == 201, made.json
    agent = {"User-Agent": "Zdzislawas-Phone/1.0"}
    signed = shop.app.test_client().post(
        "/customers/login",
        json={"email": EMAILS[1], "password": PASSWORD},
        headers={"X-Workshop": shop.slug, **agent},
        environ_base={"REMOTE_ADDR": "198.51.100.77"},
    )
    assert signed.status_code == 200
    who = shop.sign_in(EMAILS[1])
    customer_id = made.json["id"]
    assert (
        who.patch("/customers", json={"name": NAMES[0], "email": EMAILS[0], "phone": PHONES[0]}).status_code
        == 200
    )
    person = f"/customers/{customer_id}"
    assert who.put(f"{person}/profile", json=PROFILE).status_code == 200
    consent = {"kind": "marketing", "text_version": "2026-03", "given": True}
    assert who.post(f"{person}/consents", json=consent, headers={"Idempotency-Key": "c"}).status_code == 201
    assert put(who, f"{person}/photo", noise()).status_code == 200
    asked = who.post("/auth/email", json={"email": EMAILS[2], "present_password": PASSWORD})
    assert asked.status_code < 300, asked.json
    with shop.app.app_context():
        codes.mail_codes()
    deliver(shop)
    assert who.post("/auth/recovery", json={"email": EMAILS[0]}).status_code < 300
    for caller in (who, shop.owner):
        ticket = {
            "VIN": "WVWZZZ1JZ3W386752",
            "service_date": "2026-03-02",
            "service_desc": "Oil",
            "customer_id": customer_id,
        }
        opened = caller.post("/service_tickets", json=ticket, headers={"Idempotency-Key": f"t-{shop.slug}"})
        assert opened.status_code == 201
    [car] = who.get("/vehicles").json
    for plate in ("ZZ 17ZZZ", "ZZ 18ZZZ"):
        assert who.patch(f"/vehicles/{car['id']}", json={"plate": plate}).status_code == 200
    reading = {"value": 84_200, "unit": "km"}
    assert who.post(f"/vehicles/{car['id']}/readings", json=reading).status_code == 201
    maintain(shop, who, f"/vehicles/{car['id']}/maintenance")
    assert who.get(f"/vehicles/{car['id']}").status_code == 200
    shop.owner.patch(f"{person}", json={"name": NAMES[0]})
    shop.nobody.post("/customers/login", json={"email": EMAILS[0], "password": "wrong"})
    exported(shop, who, customer_id)
    deliver(shop)
    return who


def maintain(shop: Shop, who: Caller, path: str) -> None:
    """Let a customer say what their car needs again, change it and take it back, and staff change what they said."""
    for title in ("Oil for Zdzisia", "Tyres for Zdzisia", "Belts for Zdzisia"):
        yearly = {"title": title, "every_months": 12, "last_done_on": "2026-01-05"}
        assert who.post(path, json=yearly).status_code == 201
    oil, tyres, belts = [one["id"] for one in sorted(who.get(path).json, key=lambda one: one["id"])]
    changed = {"every_months": 6, "last_done_on": "2026-01-05"}
    assert who.put(f"{path}/{oil}", json={"title": "Brakes for Zdzisia", **changed}).status_code == 200
    assert shop.owner.put(f"{path}/{tyres}", json={"title": "Tyres", **changed}).status_code == 200
    assert shop.owner.delete(f"{path}/{belts}").status_code == 200


def customer_id_of(who: Caller) -> int:
    assert who.principal is not None
    assert who.principal.customer_id is not None
    return who.principal.customer_id


def cells(app: Flask) -> list[tuple[str, Any]]:
    """Return every cell of every table: as it lies there, and decrypted where the application can."""
    found: list[tuple[str, Any]] = []
    encrypted = set(rotation.encrypted_columns())
    with app.app_context(), owners_engine(app).connect() as connection:
        for table in Model.metadata.sorted_tables:
            columns = [type_coerce(c, LargeBinary) if c in encrypted else c for c in table.columns]
            for row in connection.execute(select(*columns)):
                for column, value in zip(table.columns, row, strict=True):
                    found.append((f"{table.name}.{column.name}", value))
                    if column in encrypted and value is not None:
                        found.append(
                            (f"{table.name}.{column.name} (decrypted)", crypto.decrypt_bytes(bytes(value)))
                        )
    return found + log_entries(app)


def log_entries(app: Flask) -> list[tuple[str, Any]]:
    """Return what the audit log says, opened with the keys that there are."""
    with app.app_context(), across_workshops():
        keys = {
            key.id: sealing.Seal(key.id, key.secret) for key in db.session.scalars(select(sealing.PersonKey))
        }
        return [
            ("audit_entries.details (opened)", keys[entry.sealed_by].open(entry.details))
            for entry in db.session.scalars(select(AuditEntry))
            if entry.sealed_by in keys and entry.details is not None
        ]


def texts(value: Any) -> list[str]:
    """Return a cell as all that it could be read as: text, bytes of it, and what a ZIP in it holds."""
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        read = [raw.decode("utf-8", "replace")]
        if raw.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(raw)) as archive:
                read += [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
        return read
    return [value.isoformat() if isinstance(value, date) else str(value)]


def naming(app: Flask, *needles: str) -> set[tuple[str, str]]:
    return {
        (where, needle)
        for where, value in cells(app)
        for read in texts(value)
        for needle in needles
        if needle in read
    }


@pytest.fixture(scope="module")
def installation(make_installation: Callable[[], Flask]) -> Flask:  # noqa: F811 - the fixture
    """An installation with a database of its own: what other tests keep is not looked through."""
    return make_installation()


@pytest.fixture
def shop(installation: Flask) -> Shop:
    """The only workshop of the installation."""
    empty_it(installation)
    return make_shop(installation)


def test_a_fully_used_customer_is_in_many_places_and_after_an_erasure_in_none(shop: Shop) -> None:
    app, who = shop.app, use(shop)
    before = naming(app, *NEEDLES)

    erased = who.delete("/customers")

    assert {needle for _, needle in before} >= set(NEEDLES), set(NEEDLES) - {needle for _, needle in before}
    assert {where.partition(".")[0] for where, _ in before} >= {
        "customers", "accounts", "customer_profiles", "outbox_messages", "idempotency_keys", "account_sessions",
        "one_time_codes", "audit_entries", "file_pieces",
    }  # fmt: skip
    assert erased.status_code == 200
    assert naming(app, *NEEDLES) == set()
    assert naming(app, shop.other_customer.email)  # and the others are where they were


def test_nothing_of_them_is_left_in_the_database_itself(shop: Shop, on_postgresql: bool) -> None:
    """SQLite's file, with what was let go of in it; a dump of all of PostgreSQL's tables is what `cells` is."""
    app, who = shop.app, use(shop)
    if on_postgresql:
        pytest.skip("PostgreSQL lets go of rows when it vacuums")
    assert needles_in_file(app) != set()

    who.delete("/customers")

    assert needles_in_file(app) == set()


def needles_in_file(app: Flask) -> set[str]:
    with app.app_context():
        path = Path(str(db.engine.url.database))
        db.session.remove()
        db.engine.dispose()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    everything = b"".join(part.read_bytes() for part in path.parent.glob(path.name + "*"))
    return {needle for needle in (*NAMES, *EMAILS, *PHONES, *TOLD) if needle.encode() in everything}


class TestTheReport:
    def test_says_what_went_and_what_stays_and_why(self, shop: Shop) -> None:
        who = use(shop)

        report = who.delete("/customers").json["report"]

        assert {one["what"] for one in report["erased"]} == {
            "photo", "exports", "profile", "name_email_and_phone", "recipients_and_contents_of_mail", "kept_answers",
            "sign_in", "what_the_audit_log_says", "plates", "maintenance_intervals",
        }  # fmt: skip
        kept = {one["what"]: one for one in report["kept"]}
        assert set(kept) == {
            "service_tickets", "vehicles", "consents", "audit_entries", "notifications", "sessions", "memberships",
            "account", "customer", "odometer_readings",
        }  # fmt: skip
        assert (kept["service_tickets"]["count"], kept["vehicles"]["count"], kept["consents"]["count"]) == (
            2,
            1,
            1,
        )
        assert all(one["why"] for one in kept.values())
        assert {what for what, one in kept.items() if one["until"]} == {"notifications", "sessions"}

    def test_is_for_the_owner_to_read_later_and_names_nobody(self, shop: Shop) -> None:
        who = use(shop)
        told = who.delete("/customers").json["report"]

        later = shop.owner.get(f"/customers/{customer_id_of(who)}/erasure")

        assert later.status_code == 200
        assert later.json["report"] == told
        assert later.json["customer_id"] == customer_id_of(who)
        assert not [needle for needle in NEEDLES if needle in later.text]

    def test_is_given_to_the_owner_who_erases(self, shop: Shop) -> None:
        walk_in = shop.make_customer(email=None).id

        answer = shop.owner.delete(f"/customers/{walk_in}")

        assert answer.json["message"] == f"Customer {walk_in} deleted."
        assert [one["what"] for one in answer.json["report"]["erased"]] == [
            "name_email_and_phone", "what_the_audit_log_says",
        ]  # fmt: skip

    def test_of_who_was_not_erased_or_not_here_is_not_there(self, shop: Shop) -> None:
        other = make_shop(shop.app)
        elsewhere = other.make_customer().id
        other.owner.delete(f"/customers/{elsewhere}")

        for customer_id in (shop.customer_id, elsewhere, 10**15):
            answer = shop.owner.get(f"/customers/{customer_id}/erasure")
            assert (answer.status_code, answer.json["code"]) == (404, "erasure_not_found")

    @pytest.mark.parametrize("who", ["mechanic", "other_customer"])
    def test_is_not_for_others(self, shop: Shop, who: str) -> None:
        shop.owner.delete(f"/customers/{shop.customer_id}")

        assert getattr(shop, who).get(f"/customers/{shop.customer_id}/erasure").status_code == 403


class TestWhatElse:
    def test_a_kept_answer_that_told_of_them_is_refused_and_nothing_is_done_again(self, shop: Shop) -> None:
        ticket_id = shop.make_ticket()["id"]
        part = shop.make_part(on_hand=10).id
        line = {"item_id": part, "quantity": 2}
        keyed = {"Idempotency-Key": f"line-{shop.slug}"}
        url = f"/service_tickets/{ticket_id}/inventory"
        assert shop.owner.post(url, json=line, headers=keyed).status_code < 300
        shop.owner.delete(f"/customers/{shop.customer_id}")

        again = shop.owner.post(url, json=line, headers=keyed)

        assert (again.status_code, again.json["code"]) == (409, "answer_erased")
        assert shop.owner.get(f"/inventory/{part}").json["on_hand"] == 8

    def test_kept_answers_that_tell_of_others_stay(self, shop: Shop) -> None:
        keyed = {"Idempotency-Key": f"part-{shop.slug}"}
        first = shop.owner.post("/inventory", json={"name": "Filter", "price": 1}, headers=keyed)
        shop.owner.delete(f"/customers/{shop.customer_id}")

        again = shop.owner.post("/inventory", json={"name": "Filter", "price": 1}, headers=keyed)

        assert again.json == first.json

    def test_what_another_workshop_has_of_them_stays(self, shop: Shop) -> None:
        other = make_shop(shop.app)
        who = use(shop)
        body = {"name": NAMES[0], "email": EMAILS[0], "phone": PHONES[0], "password": PASSWORD}
        there = other.nobody.post("/customers", json=body).json["id"]
        who.delete("/customers")

        assert other.owner.get(f"/customers/{there}").json["email"] == EMAILS[0]
        signed = other.nobody.post("/customers/login", json={"email": EMAILS[0], "password": PASSWORD})
        assert signed.status_code == 200

    def test_the_chain_of_the_log_still_holds(self, shop: Shop) -> None:
        use(shop).delete("/customers")

        assert run_command(shop.app, "audit", "verify", "--workshop", shop.slug).exit_code == 0

    def test_who_registers_anew_is_somebody_new(self, shop: Shop) -> None:
        use(shop).delete("/customers")

        body = {"name": NAMES[0], "email": EMAILS[0], "phone": PHONES[0], "password": PASSWORD}
        assert shop.nobody.post("/customers", json=body).status_code == 201


# ---- No table is forgotten --------------------------------------------------------------------------------------------


def leading_to_a_person() -> set[str]:
    """Return the tables from which foreign keys lead to a customer or an account, over any number of others."""
    found = {"customers", "accounts"}
    while True:
        more = {
            table.name
            for table in Model.metadata.tables.values()
            if {key.column.table.name for key in table.foreign_keys} & found
        }
        if more <= found:
            return found
        found |= more


# Without a foreign key to a person, and of them all the same.
BESIDE = {
    "outbox_messages",
    "audit_entries",
    "person_keys",
    "idempotency_keys",
    "sign_in_failures",
    "files",
    "file_objects",
    "file_pieces",
}
NOT_OF_A_PERSON = {"idempotency_keys": "answers, kept a day", "sign_in_failures": "digests, kept a day"}


def test_every_table_that_leads_to_a_person_is_in_the_export_or_says_why_not() -> None:
    given = {table for part in privacy.PARTS.values() for table in part.tables}

    assert (leading_to_a_person() | BESIDE) - given - set(privacy.SILENT) == set(NOT_OF_A_PERSON)
    assert all(privacy.SILENT.values())


def test_every_table_that_leads_to_a_person_is_seen_to_by_an_erasure() -> None:
    seen_to = {table for eraser in privacy.ERASERS for table in eraser.tables}

    assert (leading_to_a_person() | BESIDE) - seen_to == set()


def test_every_table_that_is_named_exists() -> None:
    assert len(leading_to_a_person()) > 12
    named = {table for part in privacy.PARTS.values() for table in part.tables} | set(privacy.SILENT)
    named |= {table for eraser in privacy.ERASERS for table in eraser.tables}

    assert named <= set(Model.metadata.tables)


def test_a_part_has_a_name_of_its_own() -> None:
    with pytest.raises(ValueError, match="a name of its own"):
        privacy.part("customer", says="again", tables=())(lambda person: None)
