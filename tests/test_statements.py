"""How many statements a request costs, counted as the engine hands them to the driver.

BEGIN and COMMIT are not counted: they carry no work. Everything else is, over the whole request, with nothing cached before
it: so one statement of each signed-in request asks whether the membership still stands.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.blueprints.accounts import challenges, codes, sessions, tries
from app.blueprints.accounts.models import OneTimeCode
from app.blueprints.inspections.models import (
    Inspection,
    InspectionPoint,
    InspectionTemplate,
    Recommendation,
    TemplatePoint,
)
from app.blueprints.invitations import service as invitations
from app.blueprints.progress.models import ProgressUpdate, TicketComment
from app.blueprints.service_tickets.models import ServiceTicket, TicketLine, TicketMechanic
from app.core import clock
from app.core.db import atomic
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests import second_factors
from tests.attachments.sending import attach
from tests.customers.test_photos import put
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique, unique_vin
from tests.pictures import picture
from tests.stage import Stage, stage
from tests.workshops.places import put_one

pytestmark = [pytest.mark.no_cover, pytest.mark.one_database]  # counting lines would take as long again

# ---- Counting ---------------------------------------------------------------------------------------------------


SQLITES_OWN = re.compile(r"SELECT audit_heads|(INSERT INTO|UPDATE) audit_heads")
POSTGRESQLS_OWN = re.compile(r"SELECT pg_advisory_xact_lock")  # one for each password that is tried


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that a block sends."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        # SQLite, where no statement is a trip, appends to the audit log in three; PostgreSQL in the one that is counted.
        # SQLite takes the turn of a try by beginning to write.
        is_one_alones = SQLITES_OWN.match(statement) or POSTGRESQLS_OWN.match(statement)
        if not statement.startswith("BEGIN") and not is_one_alones:
            seen.append(" ".join(statement.split()))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def listing(label: str, statements: list[str], expected: str) -> str:
    """Say what was sent, for somebody who has to find the one too many."""
    lines = [f"{label}: {len(statements)} statements where {expected} should do:"]
    lines += [f"  {number}. {statement[:160]}" for number, statement in enumerate(statements, 1)]
    return "\n".join(lines)


def canned(part: int) -> dict[str, Any]:
    """Return a canned job of labour and a part."""
    labour = {"kind": "labour", "description": "Oil change", "quantity": 0.5, "unit_price": 90}
    return {"name": unique("Job "), "lines": [labour, {"kind": "part", "item_id": part}]}


@dataclass
class Rows:
    """What the requests below are made on."""

    shop: Shop
    ticket: int
    bare_ticket: int
    part: int
    new_part: int
    mechanic: int
    free_mechanic: int
    customer: int
    session: int
    refresh_token: str
    dead_letter: int
    recovery_code: dict[str, str]
    recovery: dict[str, str]
    confirmation: dict[str, str]
    closure: int
    empty_shop: (
        Shop  # whose people have second factors, but for the owner and the other customer, who has begun one
    )
    challenge: str
    walk_in: int
    invitation: int
    invitation_token: str
    role: int
    member: int
    key: int
    admin: Caller
    other_admin: int
    suspended: dict[str, str]
    photo: str
    erased: int
    vehicle: int
    bare_vehicle: int
    maintenance: int
    category: int
    markup_rule: int
    reference: int
    supplier: int
    idle_supplier: int
    line: str
    asked: str
    estimate: str
    estimate_link: str
    attachment: int
    clock_entry: int
    canned_job: int
    template: int
    inspection: str
    advice: int
    open_advice: int
    car: str
    update: int
    comment: int
    archived: int
    order: int
    draft: int
    sheet: int
    sheet_item: int
    sku_item: int
    exchange_line: str
    core: int
    sent_core: int
    idle_item: int
    archived_item: int

    @property
    def workshop(self) -> str:
        return f"/workshops/{self.shop.id}"

    @property
    def new_order(self) -> dict[str, Any]:
        return {"supplier_id": self.supplier, "lines": [{"item_id": self.part, "quantity": 2}]}

    @property
    def counts(self) -> dict[str, Any]:
        return {"counts": [{"item_id": self.sheet_item, "quantity": 2}]}

    @property
    def entry(self) -> dict[str, Any]:
        return {
            "name": "Garage", "slug": self.shop.slug, "country": "US", "currency": "USD", "locale": "en",
            "time_zone": "America/Chicago", "specialisations": ["brakes"],
        }  # fmt: skip

    @property
    def closing(self) -> str:
        return f"/workshops/{self.empty_shop.id}?name={self.empty_shop.slug.title()}"

    @property
    def week(self) -> dict[str, Any]:
        return {"days": [{"weekday": 1, "opens": "08:00", "closes": "17:00"}]}

    @property
    def new_year(self) -> dict[str, Any]:
        return {"first_day": "2027-01-01", "last_day": "2027-01-01"}

    @property
    def owner(self) -> Caller:
        return self.shop.owner

    @property
    def registration(self) -> dict[str, Any]:
        return {
            "name": "John Doe", "email": f"{unique('jd')}@example.com", "phone": f"555-{unique('0')}-7890"[:20],
            "password": "securepassword",
        }  # fmt: skip

    @property
    def new_workshop(self) -> dict[str, Any]:
        slug = unique("new-")
        return {
            "workshop": {"name": "New", "slug": slug}, "email": f"{slug}@example.com", "password": "securepassword",
        }  # fmt: skip

    @property
    def workshop_for_owner(self) -> dict[str, str]:
        slug = unique("new-")
        return {"name": "New", "slug": slug, "owner_email": f"{slug}@example.com"}

    @property
    def new_password(self) -> dict[str, str]:
        return {"present_password": PASSWORD, "password": "wrench-otter-lagoon-42"}

    @property
    def code(self) -> dict[str, str]:
        return {"code": second_factors.code_now()}

    @property
    def shown(self) -> dict[str, str]:
        return {"challenge": self.challenge, **self.code}

    @property
    def password_and_code(self) -> dict[str, str]:
        return {"present_password": PASSWORD, **self.code}

    @property
    def new_email(self) -> dict[str, str]:
        return {"present_password": PASSWORD, "email": f"{unique('new')}@example.com"}

    @property
    def new_ticket(self) -> dict[str, Any]:
        return {
            "VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Brakes", "customer_id": self.shop.customer_id,
        }  # fmt: skip

    @property
    def new_vehicle(self) -> dict[str, Any]:
        keeper = {"name": "Nora New", "email": f"{unique('nora')}@example.com"}
        return {
            "VIN": unique_vin(),
            "plate": "GD 1",
            "customer": keeper,
            "odometer": 100,
            "odometer_unit": "km",
        }

    @property
    def new_mechanic(self) -> dict[str, Any]:
        return {
            "name": "Jane Wrench", "email": f"{unique('jw')}@example.com", "phone": "555-987-6543", "salary": 50000,
            "password": "securepassword",
        }  # fmt: skip

    @property
    def new_colleague(self) -> dict[str, Any]:
        return {"role": "owner", "name": "Olga Owner", "email": f"{unique('olga')}@example.com"}

    @property
    def acceptance(self) -> dict[str, str]:
        return {"token": self.invitation_token, "password": PASSWORD}

    @property
    def edit(self) -> dict[str, Any]:
        return {
            "add_mechanic_ids": [self.free_mechanic], "remove_mechanic_ids": [self.mechanic],
            "add_item_ids": [self.new_part], "remove_item_ids": [self.part],
        }  # fmt: skip


def what_comes_by_mail(shop: Shop) -> tuple[dict[str, str], ...]:
    """Return what somebody sends who has read the owner's mail: a code, a token for a password, one for an address."""
    assert shop.owner.principal is not None
    account_id = shop.owner.principal.account_id
    with shop.app.app_context():
        codes.send("recovery", shop.owner.email, account_id)
        sealed = db.session.query(OneTimeCode.sealed).order_by(OneTimeCode.id.desc()).limit(1).scalar()
        return (
            {"email": shop.owner.email, "code": json.loads(sealed)["code"]},
            {"reset_token": codes.give_token("reset", account_id), "password": "wrench-otter-lagoon-42"},
            {"token": codes.give_token("verify_email", account_id)},
        )


PHOTO = picture(size=(8, 8))


def an_invitation(shop: Shop) -> tuple[int, str]:
    """Return a new mechanic's invitation, and the token that its mail has."""
    assert shop.owner.principal is not None
    new = {
        "email": f"{unique('jw')}@example.com",
        "name": "Jane",
        "phone": "555-987-6543",
        "salary": Decimal(1),
    }
    with shop.inside():
        made = invitations.invite(shop.owner.principal, "mechanic", **new)
        sealed = (
            db.session.query(OutboxMessage.template_values)
            .order_by(OutboxMessage.id.desc())
            .limit(1)
            .scalar()
        )
    return made.id, json.loads(sealed)["link"].partition("token=")[2]


def with_second_factors(app: Flask) -> tuple[Shop, str]:
    """Make a workshop whose people have second factors, and a sign-in of its customer that waits for it."""
    shop = make_shop(app)
    second_factors.give(app, [shop.customer.email, shop.mechanic.email])
    second_factors.give(app, [shop.other_customer.email], confirmed=False)
    assert shop.customer.principal is not None
    with app.app_context():
        return shop, challenges.begin(shop.customer.principal, tries.key_of(shop.customer.email))


def make_rows(app: Flask) -> Rows:
    shop = make_shop(app)
    ticket, bare = shop.make_ticket()["id"], shop.make_ticket()["id"]
    parts = [shop.make_part(on_hand=50).id for _ in range(3)]
    hands = [shop.make_mechanic().id for _ in range(3)]
    customer = shop.make_customer().id
    shop.owner.post(
        f"/service_tickets/{ticket}/inventory", json=[{"item_id": part, "quantity": 2} for part in parts]
    )
    for hand in hands[:2]:
        shop.owner.put(f"/service_tickets/{ticket}/assign-mechanic/{hand}")
    at_work = shop.owner.post(f"/service_tickets/{ticket}/clock/start", json={"mechanic_id": hands[2]})
    assert at_work.status_code == 201
    coded = shop.make_part(sku="OF-1").id
    supplier = shop.make_supplier().id
    shop.owner.put(f"/inventory/{parts[0]}/suppliers/{supplier}", json={"price": 10})
    photo = put(shop.owner, f"/customers/{customer}/photo", PHOTO).json["url"]
    erased = shop.make_customer().id
    shop.owner.delete(f"/customers/{erased}")
    put_one(app, lat=10.0, lng=10.0)
    closure = shop.owner.post(
        f"/workshops/{shop.id}/closures", json={"first_day": "2026-12-24", "last_day": "2026-12-26"}
    ).json["id"]
    assert shop.owner.principal is not None
    with app.app_context():
        passed = sessions.begin(shop.owner.principal)
    return Rows(
        shop, ticket, bare, parts[0], shop.make_part(on_hand=50).id, hands[0], hands[2], customer,
        passed.principal.session_id, passed.refresh_token, shop.make_dead_letter(),
        *what_comes_by_mail(shop), closure, *with_second_factors(app), shop.make_customer().id, *an_invitation(shop),
        shop.make_role().id, shop.make_staff().member_id, shop.owner.post("/api_keys", json=NEW_KEY).json["id"],
        make_admin(app), account_id(make_admin(app)), suspended(app), photo, erased, *two_vehicles(shop),
        shop.make_category().id, shop.make_markup_rule().id, shop.make_reference(parts[0]).id, supplier,
        shop.make_supplier().id, *an_estimate(shop, parts[1]),
        shop.make_attachment(ticket).id, shop.make_clock_entry(ticket).id, a_canned_job(shop, parts[1]),
        *examined(shop, ticket), archived(shop),
        *two_orders(shop), *a_sheet(shop), coded, *old_parts(shop, supplier),
        shop.make_part().id, an_archived_item(shop),
    )  # fmt: skip


def an_estimate(shop: Shop, part: int) -> tuple[str, str, str, str]:
    """Make a ticket with a line of parts, some fitted and some not, and one of parts that are all set aside, of
    which the customer is asked; return the paths.

    They agreed to more than that before: more of it is fitted while they are asked.
    """
    path = f"/service_tickets/{shop.make_ticket()['id']}"
    before = shop.owner.post(f"{path}/lines", json={**LABOUR, "quantity": 100}).json["lines"][0]["id"]
    for status in ("received", "awaiting_approval", "approved"):
        shop.owner.post(f"{path}/status", json={"status": status, "reason": "By phone."})
    shop.owner.delete(f"{path}/lines/{before}")
    wanted = {"kind": "part", "item_id": part, "quantity": 60}
    line = shop.owner.post(f"{path}/lines", json=wanted).json["lines"][0]["id"]
    shop.owner.post(f"{path}/lines/{line}/fit", json={"quantity": 5})
    shop.owner.post(f"/inventory/{part}/movements", json={"kind": "purchase", "quantity": 50})
    aside = {"kind": "part", "item_id": shop.make_part(on_hand=5).id, "quantity": 2}
    shop.owner.post(f"{path}/lines", json=aside)
    sent = shop.owner.post(f"{path}/estimates", json={}).json
    link = "/estimates/" + sent["link"].rpartition("/")[2]
    return f"{path}/lines/{line}", path, f"{path}/estimates/{sent['id']}", link


def old_parts(shop: Shop, supplier: int) -> tuple[str, int, int]:
    """Fit three exchange parts: one old one is held, one was sent to a supplier; return the line and these two."""
    path, part = f"/service_tickets/{shop.make_ticket()['id']}", shop.make_part(core_charge=Decimal(45)).id
    fitted = shop.owner.post(f"{path}/inventory", json={"item_id": part, "quantity": 3}).json
    line = f"{path}/lines/{fitted['lines'][0]['id']}"
    for _ in range(2):
        shop.owner.post(f"{line}/cores", json={"outcome": "held", "quantity": 1})
    held, sent = (core["id"] for core in shop.owner.get(CORES).json)
    shop.owner.post(f"{CORES}/{sent}/return", json={"supplier_id": supplier})
    return line, held, sent


def two_orders(shop: Shop) -> tuple[int, int]:
    """Make an order that is expected, and a draft."""
    supplier, part = shop.make_supplier(email="sales@parts.example.com").id, shop.make_part(on_hand=0).id
    shop.owner.put(f"/inventory/{part}/suppliers/{supplier}", json={"price": 5})
    shop.owner.post(f"/inventory/{part}/movements", json={**RECEIPT, "unit_cost": 5})
    made = [shop.make_order(part, supplier_id=supplier, placed=placed)["id"] for placed in (True, False)]
    return made[0], made[1]


def a_sheet(shop: Shop) -> tuple[int, int]:
    """Write a sheet of one part; another is in another bin."""
    part = shop.make_part(on_hand=3, bin="Z-9").id
    shop.make_part(on_hand=3, bin="Y-1")
    return shop.owner.post(SHEETS, json={"bin": "Z-9"}).json["id"], part


def a_canned_job(shop: Shop, part: int) -> int:
    made: int = shop.owner.post("/canned_jobs", json=canned(part)).json["id"]
    return made


def two_vehicles(shop: Shop) -> tuple[int, int, int]:
    """Make a car with a visit, a reading, a plate and something that it needs again, and one without a history."""
    car = shop.make_vehicle(plate="GD 2137K", odometer_value=84_200, odometer_unit="km")
    shop.make_ticket(VIN=car.vin)
    made = shop.owner.post(f"/vehicles/{car.id}/maintenance", json=OIL_CHANGE)
    return car.id, shop.make_vehicle().id, made.json["id"]


SHORT = {"name": "Short", "sections": [{"name": "Brakes", "points": ["Pads", "Discs"]}]}
ADVICE = {"description": "New pads", "urgency": "soon", "estimated_price": 90}
FINDINGS = {"points": [{"place": 1, "condition": "red"}, {"place": 2, "condition": "green"}]}
WORDS = {"text": "The pads are off."}


def examined(shop: Shop, ticket: int) -> tuple[int, str, int, int, str, int, int]:
    """Let a ticket have an inspection that is not validated, with advice, other advice that is, an update and a comment."""
    path = f"/service_tickets/{ticket}"
    template = shop.owner.post("/inspections/templates", json={**SHORT, "name": unique("Short ")}).json["id"]
    ids = []
    for is_seen in (True, False):
        made = shop.owner.post(f"{path}/inspections", json={"template_id": template}).json
        inspection = f"{path}/inspections/{made['id']}"
        ids.append(shop.owner.post(f"{inspection}/recommendations", json=ADVICE).json["id"])
        if is_seen:
            shop.owner.post(f"{inspection}/validate")
    update = shop.owner.post(f"{path}/progress", json=WORDS).json["id"]
    comment = shop.owner.post(f"{path}/comments", json=WORDS).json["id"]
    return template, inspection, ids[0], ids[1], f"/vehicles/{made['vehicle_id']}", update, comment


def an_archived_item(shop: Shop) -> int:
    part: int = shop.make_part(sku=unique("S")).id
    shop.take_out(part)
    return part


def archived(shop: Shop) -> int:
    """Make a vehicle with a history that is archived."""
    car = shop.make_vehicle(odometer_value=10, odometer_unit="km").id
    shop.owner.delete(f"/vehicles/{car}")
    return car


OIL_CHANGE = {
    "title": "Oil change", "every_distance": 15_000, "unit": "km", "last_done_on": "2026-03-02", "last_done_at": 80_000,
}  # fmt: skip


NOTHING_ACCEPTED = {"accepted_line_ids": [], "name": "Ada"}
LABOUR = {"kind": "labour", "description": "Brake pads, front", "quantity": 1.5, "unit_price": 95}
WORKED = {
    "started_at": "2026-03-02T08:00:00Z",
    "ended_at": "2026-03-02T09:30:00Z",
    "reason": "Forgot to stop.",
}
ORDERS = "/inventory/purchase_orders"
SHEETS = "/inventory/stocktakes"
CORES = "/inventory/cores"


def send_table(caller: Caller, of: str, table: str) -> TestResponse:
    return caller.post(f"/inventory/imports/{of}", data={"file": (io.BytesIO(table.encode()), "table.csv")})


HELD = {"outcome": "held"}
EMPTY_TOO = {"leave_uncounted": True}
RECEIPT = {"kind": "purchase", "quantity": 5}
NUMBER = {"kind": "oem", "manufacturer": "Volkswagen", "number": "06A 115 561 B"}
NEW_KEY = {"name": "Export", "scopes": ["inventory:read"]}


def account_id(caller: Caller) -> int:
    assert caller.principal is not None
    return caller.principal.account_id


def suspended(app: Flask) -> dict[str, str]:
    """Return the paths of a workshop and of an account that are suspended."""
    admin, shop = make_admin(app), make_shop(app)
    paths = {"workshop": f"/workshops/{shop.id}", "account": f"/accounts/{account_id(shop.customer)}"}
    for path in paths.values():
        assert admin.post(f"{path}/suspend", json={"reason": "Unpaid"}).status_code == 200
    return paths


# ---- Every route and its number ---------------------------------------------------------------------------------

Request = Callable[[Rows], TestResponse]

ROUTES: tuple[tuple[str, int, Request], ...] = (
    # accounts
    ("POST /auth/login", 6, lambda r: r.shop.nobody.post("/auth/login", json=sign_in(r.shop.customer))),
    ("POST /auth/register", 10, lambda r: r.shop.nobody.post("/auth/register", json=r.new_workshop)),
    ("POST /auth/refresh", 3, lambda r: r.shop.nobody.post("/auth/refresh", json={"refresh_token": r.refresh_token})),
    ("POST /auth/logout", 2, lambda r: r.shop.customer.post("/auth/logout")),
    ("POST /auth/switch", 4, lambda r: r.owner.post("/auth/switch", json={"workshop": r.shop.slug})),
    ("GET /auth/me", 2, lambda r: r.owner.get("/auth/me")),
    ("GET /auth/sessions", 2, lambda r: r.owner.get("/auth/sessions")),
    ("DELETE /auth/sessions/<id>", 2, lambda r: r.owner.delete(f"/auth/sessions/{r.session}")),
    ("POST /auth/recovery", 3, lambda r: r.shop.nobody.post("/auth/recovery", json={"email": r.owner.email})),
    ("POST /auth/recovery/code", 3, lambda r: r.shop.nobody.post("/auth/recovery/code", json=r.recovery_code)),
    ("POST /auth/recovery/password", 10, lambda r: r.shop.nobody.post("/auth/recovery/password", json=r.recovery)),
    ("POST /auth/password", 11, lambda r: r.owner.post("/auth/password", json=r.new_password)),
    ("POST /auth/email/verification", 4, lambda r: r.owner.post("/auth/email/verification")),
    ("POST /auth/email", 13, lambda r: r.owner.post("/auth/email", json=r.new_email)),
    ("POST /auth/login/second_factor", 11, lambda r: r.shop.nobody.post("/auth/login/second_factor", json=r.shown)),
    ("GET /auth/second_factor", 3, lambda r: r.empty_shop.customer.get("/auth/second_factor")),
    ("POST /auth/second_factor", 8, lambda r: r.owner.post("/auth/second_factor", json={"present_password": PASSWORD})),
    ("POST /auth/second_factor/confirmation", 14,
     lambda r: r.empty_shop.other_customer.post("/auth/second_factor/confirmation", json=r.code)),
    ("POST /auth/second_factor/recovery_codes", 11,
     lambda r: r.empty_shop.customer.post("/auth/second_factor/recovery_codes", json=r.password_and_code)),
    ("POST /auth/second_factor/removal", 18,
     lambda r: r.empty_shop.customer.post("/auth/second_factor/removal", json=r.password_and_code)),
    ("POST /customers/<id>/unlock", 6,
     lambda r: r.empty_shop.owner.post(f"/customers/{r.empty_shop.customer_id}/unlock")),
    ("DELETE /customers/<id>/second_factor", 16,
     lambda r: r.empty_shop.owner.delete(f"/customers/{r.empty_shop.customer_id}/second_factor")),
    ("POST /mechanics/<id>/unlock", 7,
     lambda r: r.empty_shop.owner.post(f"/mechanics/{r.empty_shop.mechanic_id}/unlock")),
    ("DELETE /mechanics/<id>/second_factor", 17,
     lambda r: r.empty_shop.owner.delete(f"/mechanics/{r.empty_shop.mechanic_id}/second_factor")),
    ("POST /auth/email/confirmation", 3, lambda r: r.shop.nobody.post("/auth/email/confirmation", json=r.confirmation)),
    # admins
    ("GET /admins", 2, lambda r: r.admin.get("/admins")),
    ("POST /admins", 8, lambda r: r.admin.post("/admins", json={"email": f"{unique('new')}@example.com"})),
    ("GET /admins/<id>", 2, lambda r: r.admin.get(f"/admins/{r.other_admin}")),
    ("PATCH /admins/<id>", 5, lambda r: r.admin.patch(f"/admins/{r.other_admin}", json={"name": "Ada"})),
    ("DELETE /admins/<id>", 12, lambda r: r.admin.delete(f"/admins/{r.other_admin}")),
    ("GET /accounts", 2, lambda r: r.admin.get("/accounts")),
    ("GET /accounts/<id>", 3, lambda r: r.admin.get(f"/accounts/{r.other_admin}")),
    (
        "POST /accounts/<id>/suspend", 11,
        lambda r: r.admin.post(f"/accounts/{account_id(r.shop.customer)}/suspend", json={"reason": "Spam"}),
    ),
    ("POST /accounts/<id>/reinstate", 6, lambda r: r.admin.post(f"{r.suspended['account']}/reinstate")),
    # customers
    ("POST /customers", 11, lambda r: r.shop.nobody.post("/customers", json=r.registration)),
    ("POST /customers/login", 6, lambda r: r.shop.nobody.post("/customers/login", json=sign_in(r.shop.customer))),
    ("GET /customers", 2, lambda r: r.owner.get("/customers")),
    ("GET /customers/<id>", 2, lambda r: r.owner.get(f"/customers/{r.customer}")),
    ("PUT /customers", 25, lambda r: r.shop.customer.put("/customers", json=r.registration)),
    ("PATCH /customers", 6, lambda r: r.shop.customer.patch("/customers", json={"name": "Ada"})),
    ("DELETE /customers", 66, lambda r: r.shop.customer.delete("/customers")),
    ("PUT /customers/<id>", 5, lambda r: r.owner.put(f"/customers/{r.customer}", json={"name": "Ada"})),
    ("PATCH /customers/<id>", 5, lambda r: r.owner.patch(f"/customers/{r.customer}", json={"name": "Ada"})),
    ("DELETE /customers/<id>", 66, lambda r: r.owner.delete(f"/customers/{r.shop.customer_id}")),
    ("GET /customers/<id>/profile", 4, lambda r: r.owner.get(f"/customers/{r.customer}/profile")),
    ("PUT /customers/<id>/profile", 7, lambda r: r.owner.put(f"/customers/{r.customer}/profile", json={"city": "Gdynia"})),
    ("PATCH /customers/<id>/profile", 7, lambda r: r.owner.patch(f"/customers/{r.customer}/profile", json={"city": "Gdynia"})),
    (
        "GET /customers/<id>/notification_preferences", 3,
        lambda r: r.owner.get(f"/customers/{r.customer}/notification_preferences"),
    ),
    (
        "PUT /customers/<id>/notification_preferences", 6,
        lambda r: r.owner.put(f"/customers/{r.customer}/notification_preferences", json={"progress_updates": False}),
    ),
    ("GET /customers/<id>/consents", 3, lambda r: r.owner.get(f"/customers/{r.customer}/consents")),
    (
        "POST /customers/<id>/consents", 4,
        lambda r: r.owner.post(
            f"/customers/{r.customer}/consents", json={"kind": "marketing", "text_version": "1", "given": True}
        ),
    ),
    ("GET /customers/<id>/photo", 3, lambda r: r.owner.get(f"/customers/{r.customer}/photo")),
    ("PUT /customers/<id>/photo", 10, lambda r: put(r.owner, f"/customers/{r.customer}/photo", PHOTO)),
    ("DELETE /customers/<id>/photo", 7, lambda r: r.owner.delete(f"/customers/{r.customer}/photo")),
    ("GET /customers/<id>/export", 7, lambda r: r.owner.get(f"/customers/{r.shop.customer_id}/export")),
    ("POST /customers/<id>/export", 5, lambda r: r.owner.post(f"/customers/{r.customer}/export")),
    ("GET /customers/<id>/erasure", 2, lambda r: r.owner.get(f"/customers/{r.erased}/erasure")),
    ("GET /files/<token>", 2, lambda r: r.shop.nobody.get(r.photo)),
    ("GET /customers/my-tickets", 2, lambda r: r.shop.customer.get("/customers/my-tickets")),
    # mechanics
    ("POST /mechanics", 10, lambda r: r.owner.post("/mechanics", json=r.new_mechanic)),
    ("POST /mechanics/login", 6, lambda r: r.shop.nobody.post("/mechanics/login", json=sign_in(r.owner))),
    ("GET /mechanics", 2, lambda r: r.owner.get("/mechanics")),
    ("GET /mechanics/<id>", 2, lambda r: r.owner.get(f"/mechanics/{r.mechanic}")),
    ("GET /mechanics/search", 2, lambda r: r.owner.get("/mechanics/search?name=jane")),
    ("GET /mechanics/usage", 2, lambda r: r.owner.get("/mechanics/usage")),
    ("GET /mechanics/top-3-mechanics", 2, lambda r: r.owner.get("/mechanics/top-3-mechanics")),
    ("PUT /mechanics/<id>", 13, lambda r: r.owner.put(f"/mechanics/{r.mechanic}", json=r.new_mechanic)),
    ("PATCH /mechanics/<id>", 6, lambda r: r.owner.patch(f"/mechanics/{r.mechanic}", json={"name": "Jo"})),
    ("DELETE /mechanics/<id>", 19, lambda r: r.owner.delete(f"/mechanics/{r.shop.mechanic_id}")),
    # invitations
    ("POST /invitations", 8, lambda r: r.owner.post("/invitations", json=r.new_colleague)),
    ("GET /invitations", 2, lambda r: r.owner.get("/invitations")),
    ("GET /invitations/<id>", 2, lambda r: r.owner.get(f"/invitations/{r.invitation}")),
    ("DELETE /invitations/<id>", 4, lambda r: r.owner.delete(f"/invitations/{r.invitation}")),
    ("POST /invitations/<id>/resend", 10, lambda r: r.owner.post(f"/invitations/{r.invitation}/resend")),
    ("POST /invitations/preview", 5, lambda r: r.shop.nobody.post("/invitations/preview", json={"token": r.invitation_token})),
    ("POST /invitations/accept", 23, lambda r: r.shop.nobody.post("/invitations/accept", json=r.acceptance)),
    ("POST /customers/<id>/invitation", 10, lambda r: r.owner.post(f"/customers/{r.walk_in}/invitation")),
    # roles, members and API keys
    ("GET /roles", 2, lambda r: r.owner.get("/roles")),
    ("POST /roles", 4, lambda r: r.owner.post("/roles", json={"name": unique("Role "), "scopes": []})),
    ("GET /roles/<id>", 2, lambda r: r.owner.get(f"/roles/{r.role}")),
    ("PUT /roles/<id>", 6, lambda r: r.owner.put(f"/roles/{r.role}", json={"name": "Desk", "scopes": ["tickets:read"]})),
    ("PATCH /roles/<id>", 6, lambda r: r.owner.patch(f"/roles/{r.role}", json={"scopes": ["tickets:read"]})),
    ("DELETE /roles/<id>", 7, lambda r: r.owner.delete(f"/roles/{r.role}")),
    ("GET /members", 2, lambda r: r.owner.get("/members")),
    ("GET /members/<id>", 2, lambda r: r.owner.get(f"/members/{r.member}")),
    (
        "PUT /members/<id>/role", 10,
        lambda r: r.owner.put(f"/members/{r.member}/role", json={"role": "staff", "role_id": r.role}),
    ),
    ("PUT /members/<id>/phone", 8, lambda r: r.owner.put(f"/members/{r.member}/phone", json={"phone": "555-987-6500"})),
    ("POST /members/<id>/unlock", 6, lambda r: r.owner.post(f"/members/{r.member}/unlock")),
    ("DELETE /members/<id>/second_factor", 15, lambda r: r.empty_shop.owner.delete(
         f"/members/{r.empty_shop.mechanic.member_id}/second_factor")),
    ("DELETE /members/<id>", 15, lambda r: r.owner.delete(f"/members/{r.member}")),
    ("GET /api_keys", 2, lambda r: r.owner.get("/api_keys")),
    ("POST /api_keys", 3, lambda r: r.owner.post("/api_keys", json=NEW_KEY)),
    ("GET /api_keys/<id>", 2, lambda r: r.owner.get(f"/api_keys/{r.key}")),
    ("PATCH /api_keys/<id>", 4, lambda r: r.owner.patch(f"/api_keys/{r.key}", json={"name": "Stock"})),
    ("DELETE /api_keys/<id>", 4, lambda r: r.owner.delete(f"/api_keys/{r.key}")),
    # notifications
    ("GET /notifications/log", 2, lambda r: r.owner.get("/notifications/log")),
    ("POST /notifications/<id>/resend", 4, lambda r: r.owner.post(f"/notifications/{r.dead_letter}/resend")),
    # vehicles
    ("POST /vehicles", 10, lambda r: r.owner.post("/vehicles", json=r.new_vehicle)),
    ("GET /vehicles", 2, lambda r: r.owner.get("/vehicles")),
    ("GET /vehicles/hints", 1, lambda r: r.owner.get("/vehicles/hints?VIN=1HGCM82633A004352")),
    ("GET /vehicles/recent", 2, lambda r: r.owner.get("/vehicles/recent")),
    ("GET /vehicles/<id>", 3, lambda r: r.owner.get(f"/vehicles/{r.vehicle}")),
    ("PUT /vehicles/<id>", 8, lambda r: r.owner.put(f"/vehicles/{r.vehicle}", json={"VIN": unique_vin(), "plate": "GD 2"})),
    ("PATCH /vehicles/<id>", 5, lambda r: r.owner.patch(f"/vehicles/{r.vehicle}", json={"colour": "Red"})),
    ("DELETE /vehicles/<id>", 7, lambda r: r.owner.delete(f"/vehicles/{r.bare_vehicle}")),
    ("POST /vehicles/<id>/restore", 6, lambda r: r.owner.post(f"/vehicles/{r.archived}/restore")),
    ("GET /vehicles/<id>/history/pdf", 10, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/history/pdf")),
    ("GET /vehicles/<id>/history", 7, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/history")),
    ("GET /vehicles/<id>/maintenance", 4, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/maintenance")),
    ("POST /vehicles/<id>/maintenance", 6, lambda r: r.owner.post(f"/vehicles/{r.vehicle}/maintenance", json=OIL_CHANGE)),
    ("GET /vehicles/<id>/maintenance/<id>", 4, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/maintenance/{r.maintenance}")),
    (
        "PUT /vehicles/<id>/maintenance/<id>", 7,
        lambda r: r.owner.put(
            f"/vehicles/{r.vehicle}/maintenance/{r.maintenance}", json={**OIL_CHANGE, "every_distance": 10_000}
        ),
    ),
    (
        "DELETE /vehicles/<id>/maintenance/<id>", 5,
        lambda r: r.owner.delete(f"/vehicles/{r.vehicle}/maintenance/{r.maintenance}"),
    ),
    ("GET /vehicles/<id>/plates", 3, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/plates")),
    ("GET /vehicles/<id>/readings", 3, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/readings")),
    (
        "POST /vehicles/<id>/readings", 5,
        lambda r: r.owner.post(f"/vehicles/{r.vehicle}/readings", json={"value": 90_000, "unit": "km"}),
    ),
    (
        "POST /vehicles/<id>/transfer", 9,
        lambda r: r.owner.post(f"/vehicles/{r.vehicle}/transfer", json={"customer_id": r.customer}),
    ),
    ("GET /vehicles/<id>/transfers", 3, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/transfers")),
    # service tickets
    ("POST /service_tickets", 6, lambda r: r.owner.post("/service_tickets", json=r.new_ticket)),
    ("GET /service_tickets", 2, lambda r: r.owner.get("/service_tickets")),
    ("GET /service_tickets/my-tickets", 2, lambda r: r.shop.customer.get("/service_tickets/my-tickets")),
    ("GET /service_tickets/<id>", 2, lambda r: r.owner.get(f"/service_tickets/{r.ticket}")),
    ("PUT /service_tickets/<id>", 10, lambda r: r.owner.put(f"/service_tickets/{r.ticket}", json=r.new_ticket)),
    ("PATCH /service_tickets/<id>", 9, lambda r: r.owner.patch(f"/service_tickets/{r.ticket}", json={"VIN": unique_vin()})),
    ("DELETE /service_tickets/<id>", 11, lambda r: r.owner.delete(f"/service_tickets/{r.bare_ticket}")),
    (
        "PUT /service_tickets/<id>/assign-mechanic/<id>", 8,
        lambda r: r.owner.put(f"/service_tickets/{r.ticket}/assign-mechanic/{r.free_mechanic}"),
    ),
    (
        "PUT /service_tickets/<id>/remove-mechanic/<id>", 7,
        lambda r: r.owner.put(f"/service_tickets/{r.ticket}/remove-mechanic/{r.mechanic}"),
    ),
    ("PUT /service_tickets/<id>/edit", 30, lambda r: r.owner.put(f"/service_tickets/{r.ticket}/edit", json=r.edit)),
    (
        "PUT /service_tickets/<id>/update-mechanics", 30,
        lambda r: r.owner.put(f"/service_tickets/{r.ticket}/update-mechanics", json=r.edit),
    ),
    (
        "POST /service_tickets/<id>/inventory", 13,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/inventory", json={"item_id": r.part}),
    ),
    (
        "DELETE /service_tickets/<id>/inventory/<id>", 13,
        lambda r: r.owner.delete(f"/service_tickets/{r.ticket}/inventory/{r.part}"),
    ),
    ("GET /service_tickets/board", 4, lambda r: r.owner.get("/service_tickets/board")),
    ("POST /service_tickets/<id>/lines", 8, lambda r: r.owner.post(f"{r.asked}/lines", json=LABOUR)),
    ("PATCH /service_tickets/<id>/lines/<id>", 12, lambda r: r.owner.patch(r.line, json={"quantity": 50})),
    ("DELETE /service_tickets/<id>/lines/<id>", 14, lambda r: r.owner.delete(r.line)),
    ("POST /service_tickets/<id>/lines/<id>/reserve", 10, lambda r: r.owner.post(f"{r.line}/reserve")),
    ("POST /service_tickets/<id>/lines/<id>/fit", 13, lambda r: r.owner.post(f"{r.line}/fit", json={"quantity": 1})),
    ("POST /service_tickets/<id>/lines/<id>/return", 13, lambda r: r.owner.post(f"{r.line}/return", json={"quantity": 1})),
    ("POST /service_tickets/<id>/lines/<id>/cores", 8, lambda r: r.owner.post(f"{r.exchange_line}/cores", json=HELD)),
    ("DELETE /service_tickets/<id>/lines/<id>/cores/<id>", 9, lambda r: r.owner.delete(f"{r.exchange_line}/cores/{r.core}")),
    ("POST /service_tickets/<id>/estimates", 17, lambda r: r.owner.post(f"{r.asked}/estimates", json={"valid_days": 5})),
    ("GET /service_tickets/<id>/estimates", 3, lambda r: r.owner.get(f"{r.asked}/estimates")),
    ("GET /service_tickets/<id>/estimates/<id>", 3, lambda r: r.owner.get(r.estimate)),
    ("POST /service_tickets/<id>/estimates/<id>/send", 8, lambda r: r.owner.post(f"{r.estimate}/send")),
    ("POST /service_tickets/<id>/estimates/<id>/withdraw", 6, lambda r: r.owner.post(f"{r.estimate}/withdraw")),
    (
        "POST /service_tickets/<id>/estimates/<id>/decision", 25,
        lambda r: r.shop.customer.post(f"{r.estimate}/decision", json=NOTHING_ACCEPTED),
    ),
    ("GET /estimates/<token>", 3, lambda r: r.shop.nobody.get(r.estimate_link)),
    ("POST /estimates/<token>", 27, lambda r: r.shop.nobody.post(r.estimate_link, json=NOTHING_ACCEPTED)),
    (
        "POST /service_tickets/<id>/attachments", 11,
        lambda r: attach(r.owner, f"/service_tickets/{r.ticket}/attachments", PHOTO),
    ),
    ("GET /service_tickets/<id>/events", 4, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/events")),
    ("GET /service_tickets/<id>/attachments", 3, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/attachments")),
    (
        "GET /service_tickets/<id>/attachments/<id>", 3,
        lambda r: r.owner.get(f"/service_tickets/{r.ticket}/attachments/{r.attachment}"),
    ),
    (
        "PATCH /service_tickets/<id>/attachments/<id>", 7,
        lambda r: r.owner.patch(
            f"/service_tickets/{r.ticket}/attachments/{r.attachment}", json={"visible_to_customer": False}
        ),
    ),
    (
        "DELETE /service_tickets/<id>/attachments/<id>", 7,
        lambda r: r.owner.delete(f"/service_tickets/{r.ticket}/attachments/{r.attachment}"),
    ),
    (
        "POST /service_tickets/<id>/clock/start", 5,
        lambda r: r.shop.mechanic.post(f"/service_tickets/{r.ticket}/clock/start", json={}),
    ),
    (
        "POST /service_tickets/<id>/clock/stop", 5,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/clock/stop", json={"mechanic_id": r.free_mechanic}),
    ),
    ("GET /service_tickets/<id>/clock", 4, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/clock")),
    (
        "GET /service_tickets/<id>/clock/<id>", 2,
        lambda r: r.owner.get(f"/service_tickets/{r.ticket}/clock/{r.clock_entry}"),
    ),
    (
        "PATCH /service_tickets/<id>/clock/<id>", 6,
        lambda r: r.owner.patch(f"/service_tickets/{r.ticket}/clock/{r.clock_entry}", json=WORKED),
    ),
    (
        "DELETE /service_tickets/<id>/clock/<id>", 4,
        lambda r: r.owner.delete(f"/service_tickets/{r.ticket}/clock/{r.clock_entry}?reason=Mistaken"),
    ),
    ("GET /mechanics/<id>/clock", 4, lambda r: r.owner.get(f"/mechanics/{r.shop.mechanic_id}/clock")),
    (
        "POST /service_tickets/<id>/status", 7,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/status", json={"status": "received"}),
    ),
    # inspections
    # canned jobs
    ("GET /canned_jobs", 3, lambda r: r.owner.get("/canned_jobs")),
    ("POST /canned_jobs", 8, lambda r: r.owner.post("/canned_jobs", json=canned(r.part))),
    ("GET /canned_jobs/<id>", 3, lambda r: r.owner.get(f"/canned_jobs/{r.canned_job}")),
    ("PUT /canned_jobs/<id>", 9, lambda r: r.owner.put(f"/canned_jobs/{r.canned_job}", json=canned(r.part))),
    ("DELETE /canned_jobs/<id>", 5, lambda r: r.owner.delete(f"/canned_jobs/{r.canned_job}")),
    (
        "POST /service_tickets/<id>/canned_jobs/<id>", 13,
        lambda r: r.owner.post(f"{r.asked}/canned_jobs/{r.canned_job}"),
    ),
    # inspections
    ("GET /inspections/templates", 3, lambda r: r.owner.get("/inspections/templates")),
    ("GET /inspections/templates/reference", 1, lambda r: r.owner.get("/inspections/templates/reference")),
    ("POST /inspections/templates", 7, lambda r: r.owner.post("/inspections/templates", json=SHORT)),
    ("GET /inspections/templates/<id>", 3, lambda r: r.owner.get(f"/inspections/templates/{r.template}")),
    ("PUT /inspections/templates/<id>", 9, lambda r: r.owner.put(f"/inspections/templates/{r.template}", json=SHORT)),
    ("DELETE /inspections/templates/<id>", 4, lambda r: r.owner.delete(f"/inspections/templates/{r.template}")),
    (
        "POST /service_tickets/<id>/inspections", 9,
        lambda r: r.owner.post(f"/service_tickets/{r.bare_ticket}/inspections", json={"template_id": r.template}),
    ),
    ("GET /service_tickets/<id>/inspections", 4, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/inspections")),
    ("GET /service_tickets/<id>/inspections/<id>", 5, lambda r: r.owner.get(r.inspection)),
    ("DELETE /service_tickets/<id>/inspections/<id>", 6, lambda r: r.owner.delete(r.inspection)),
    (
        "POST /service_tickets/<id>/inspections/<id>/points", 9,
        lambda r: r.owner.post(f"{r.inspection}/points", json=FINDINGS),
    ),
    (
        "POST /service_tickets/<id>/inspections/<id>/finish", 10,
        lambda r: r.owner.post(f"{r.inspection}/finish", json={}),
    ),
    ("POST /service_tickets/<id>/inspections/<id>/validate", 10, lambda r: r.owner.post(f"{r.inspection}/validate")),
    (
        "POST /service_tickets/<id>/inspections/<id>/recommendations", 8,
        lambda r: r.owner.post(f"{r.inspection}/recommendations", json=ADVICE),
    ),
    (
        "PATCH /service_tickets/<id>/inspections/<id>/recommendations/<id>", 7,
        lambda r: r.owner.patch(f"{r.inspection}/recommendations/{r.open_advice}", json={"urgency": "now"}),
    ),
    (
        "DELETE /service_tickets/<id>/inspections/<id>/recommendations/<id>", 7,
        lambda r: r.owner.delete(f"{r.inspection}/recommendations/{r.open_advice}"),
    ),
    ("GET /service_tickets/<id>/recommendations", 3, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/recommendations")),
    (
        "POST /service_tickets/<id>/recommendations/<id>", 13,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/recommendations/{r.open_advice}"),
    ),
    ("GET /vehicles/<id>/recommendations", 3, lambda r: r.owner.get(f"{r.car}/recommendations")),
    ("GET /vehicles/<id>/recommendations/<id>", 5, lambda r: r.owner.get(f"{r.car}/recommendations/{r.advice}")),
    (
        "POST /vehicles/<id>/recommendations/<id>/state", 8,
        lambda r: r.owner.post(
            f"{r.car}/recommendations/{r.advice}/state", json={"state": "taken", "service_ticket_id": r.ticket}
        ),
    ),
    # progress and comments
    ("GET /service_tickets/<id>/progress", 3, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/progress")),
    ("POST /service_tickets/<id>/progress", 6, lambda r: r.owner.post(f"/service_tickets/{r.ticket}/progress", json=WORDS)),
    (
        "GET /service_tickets/<id>/progress/<id>", 3,
        lambda r: r.owner.get(f"/service_tickets/{r.ticket}/progress/{r.update}"),
    ),
    (
        "PATCH /service_tickets/<id>/progress/<id>", 6,
        lambda r: r.owner.patch(f"/service_tickets/{r.ticket}/progress/{r.update}", json={"text": "On."}),
    ),
    (
        "DELETE /service_tickets/<id>/progress/<id>", 6,
        lambda r: r.owner.delete(f"/service_tickets/{r.ticket}/progress/{r.update}"),
    ),
    (
        "POST /service_tickets/<id>/progress/<id>/validate", 10,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/progress/{r.update}/validate"),
    ),
    ("GET /service_tickets/<id>/comments", 3, lambda r: r.owner.get(f"/service_tickets/{r.ticket}/comments")),
    ("POST /service_tickets/<id>/comments", 5, lambda r: r.owner.post(f"/service_tickets/{r.ticket}/comments", json=WORDS)),
    (
        "GET /service_tickets/<id>/comments/<id>", 2,
        lambda r: r.owner.get(f"/service_tickets/{r.ticket}/comments/{r.comment}"),
    ),
    (
        "PATCH /service_tickets/<id>/comments/<id>", 6,
        lambda r: r.owner.patch(f"/service_tickets/{r.ticket}/comments/{r.comment}", json={"text": "On."}),
    ),
    (
        "DELETE /service_tickets/<id>/comments/<id>", 6,
        lambda r: r.owner.delete(f"/service_tickets/{r.ticket}/comments/{r.comment}"),
    ),
    # catalogue
    ("GET /catalogue/makes", 1, lambda r: r.owner.get("/catalogue/makes")),
    ("GET /catalogue/models", 1, lambda r: r.owner.get("/catalogue/models?q=crv")),
    ("GET /catalogue/makes/<id>/models", 1, lambda r: r.owner.get("/catalogue/makes/1/models")),
    # inventory
    ("POST /inventory", 3, lambda r: r.owner.post("/inventory", json={"name": "Oil Filter", "price": 19.99})),
    ("GET /inventory", 2, lambda r: r.owner.get("/inventory")),
    ("GET /inventory/<id>", 2, lambda r: r.owner.get(f"/inventory/{r.part}")),
    ("GET /inventory/lookup", 2, lambda r: r.owner.get("/inventory/lookup?code=OF-1")),
    ("GET /inventory/stock-alerts", 2, lambda r: r.owner.get("/inventory/stock-alerts")),
    ("GET /inventory/stock-alerts/history", 2, lambda r: r.owner.get("/inventory/stock-alerts/history")),
    ("GET /inventory/slow-movers", 2, lambda r: r.owner.get("/inventory/slow-movers")),
    ("GET /inventory/valuation", 2, lambda r: r.owner.get("/inventory/valuation")),
    ("GET /inventory/usage", 2, lambda r: r.owner.get(f"/inventory/usage?by=mechanic&make=Honda&mechanic_id={r.mechanic}")),
    ("PUT /inventory/<id>", 5, lambda r: r.owner.put(f"/inventory/{r.part}", json={"name": "Filter", "price": 20})),
    ("PATCH /inventory/<id>", 4, lambda r: r.owner.patch(f"/inventory/{r.part}", json={"price": 20})),
    ("DELETE /inventory/<id>", 6, lambda r: r.owner.delete(f"/inventory/{r.idle_item}")),
    ("POST /inventory/<id>/restore", 4, lambda r: r.owner.post(f"/inventory/{r.archived_item}/restore")),
    ("GET /inventory/<id>/movements", 2, lambda r: r.owner.get(f"/inventory/{r.part}/movements")),
    ("POST /inventory/<id>/movements", 6, lambda r: r.owner.post(f"/inventory/{r.part}/movements", json=RECEIPT)),
    ("GET /inventory/categories", 2, lambda r: r.owner.get("/inventory/categories")),
    ("POST /inventory/categories", 4, lambda r: r.owner.post("/inventory/categories", json={"name": unique("Belts ")})),
    ("GET /inventory/categories/<id>", 2, lambda r: r.owner.get(f"/inventory/categories/{r.category}")),
    ("PUT /inventory/categories/<id>", 6, lambda r: r.owner.put(f"/inventory/categories/{r.category}", json={"name": "Oil"})),
    (
        "PATCH /inventory/categories/<id>", 4,
        lambda r: r.owner.patch(f"/inventory/categories/{r.category}", json={"name": "Oil"}),
    ),
    ("DELETE /inventory/categories/<id>", 4, lambda r: r.owner.delete(f"/inventory/categories/{r.category}")),
    ("GET /inventory/markup_rules", 2, lambda r: r.owner.get("/inventory/markup_rules")),
    (
        "POST /inventory/markup_rules", 8,
        lambda r: r.owner.post("/inventory/markup_rules", json={"cost_from": unique(""), "percent": 40}),
    ),
    ("GET /inventory/markup_rules/<id>", 2, lambda r: r.owner.get(f"/inventory/markup_rules/{r.markup_rule}")),
    (
        "PUT /inventory/markup_rules/<id>", 9,
        lambda r: r.owner.put(f"/inventory/markup_rules/{r.markup_rule}", json={"cost_from": unique(""), "percent": 40}),
    ),
    (
        "PATCH /inventory/markup_rules/<id>", 9,
        lambda r: r.owner.patch(f"/inventory/markup_rules/{r.markup_rule}", json={"percent": 41}),
    ),
    ("DELETE /inventory/markup_rules/<id>", 9, lambda r: r.owner.delete(f"/inventory/markup_rules/{r.markup_rule}")),
    ("GET /inventory/<id>/references", 3, lambda r: r.owner.get(f"/inventory/{r.part}/references")),
    ("POST /inventory/<id>/references", 5, lambda r: r.owner.post(f"/inventory/{r.part}/references", json=NUMBER)),
    (
        "DELETE /inventory/<id>/references/<id>", 5,
        lambda r: r.owner.delete(f"/inventory/{r.part}/references/{r.reference}"),
    ),
    ("GET /inventory/<id>/replacements", 5, lambda r: r.owner.get(f"/inventory/{r.part}/replacements")),
    ("GET /inventory/suppliers", 2, lambda r: r.owner.get("/inventory/suppliers")),
    ("POST /inventory/suppliers", 3, lambda r: r.owner.post("/inventory/suppliers", json={"name": unique("Parts ")})),
    ("GET /inventory/suppliers/<id>", 2, lambda r: r.owner.get(f"/inventory/suppliers/{r.supplier}")),
    ("PUT /inventory/suppliers/<id>", 4, lambda r: r.owner.put(f"/inventory/suppliers/{r.supplier}", json={"name": "Oil"})),
    ("PATCH /inventory/suppliers/<id>", 4, lambda r: r.owner.patch(f"/inventory/suppliers/{r.supplier}", json={"city": "Oil"})),
    ("DELETE /inventory/suppliers/<id>", 4, lambda r: r.owner.delete(f"/inventory/suppliers/{r.idle_supplier}")),
    ("GET /inventory/<id>/suppliers", 3, lambda r: r.owner.get(f"/inventory/{r.part}/suppliers")),
    ("PUT /inventory/<id>/suppliers/<id>", 7,
     lambda r: r.owner.put(f"/inventory/{r.part}/suppliers/{r.supplier}", json={"price": 9, "preferred": True})),
    ("DELETE /inventory/<id>/suppliers/<id>", 5,
     lambda r: r.owner.delete(f"/inventory/{r.part}/suppliers/{r.supplier}")),
    ("GET /inventory/purchase_orders", 3, lambda r: r.owner.get(ORDERS)),
    ("POST /inventory/purchase_orders", 11, lambda r: r.owner.post(ORDERS, json=r.new_order)),
    ("GET /inventory/purchase_orders/proposals", 3, lambda r: r.owner.get(f"{ORDERS}/proposals")),
    ("POST /inventory/purchase_orders/proposals", 4, lambda r: r.owner.post(f"{ORDERS}/proposals", json={})),
    ("GET /inventory/purchase_orders/<id>", 3, lambda r: r.owner.get(f"{ORDERS}/{r.order}")),
    ("PUT /inventory/purchase_orders/<id>", 13, lambda r: r.owner.put(f"{ORDERS}/{r.draft}", json=r.new_order)),
    ("PATCH /inventory/purchase_orders/<id>", 6, lambda r: r.owner.patch(f"{ORDERS}/{r.draft}", json={"note": "Soon"})),
    ("POST /inventory/purchase_orders/<id>/place", 6, lambda r: r.owner.post(f"{ORDERS}/{r.draft}/place", json={})),
    ("POST /inventory/purchase_orders/<id>/send", 10, lambda r: r.owner.post(f"{ORDERS}/{r.order}/send")),
    ("POST /inventory/purchase_orders/<id>/receipts", 14, lambda r: r.owner.post(f"{ORDERS}/{r.order}/receipts", json={})),
    ("POST /inventory/purchase_orders/<id>/cancel", 8, lambda r: r.owner.post(f"{ORDERS}/{r.order}/cancel", json={})),
    ("GET /inventory/purchase_orders/<id>/movements", 3, lambda r: r.owner.get(f"{ORDERS}/{r.order}/movements")),
    ("GET /inventory/purchase_orders/<id>/pdf", 4, lambda r: r.owner.get(f"{ORDERS}/{r.order}/pdf")),
    ("GET /inventory/stocktakes", 3, lambda r: r.owner.get(SHEETS)),
    ("POST /inventory/stocktakes", 7, lambda r: r.owner.post(SHEETS, json={"bin": "Y-1"})),
    ("GET /inventory/stocktakes/<id>", 3, lambda r: r.owner.get(f"{SHEETS}/{r.sheet}")),
    ("GET /inventory/stocktakes/<id>/sheet", 5, lambda r: r.owner.get(f"{SHEETS}/{r.sheet}/sheet")),
    ("GET /inventory/stocktakes/<id>/lines", 2, lambda r: r.owner.get(f"{SHEETS}/{r.sheet}/lines")),
    ("POST /inventory/stocktakes/<id>/counts", 8, lambda r: r.owner.post(f"{SHEETS}/{r.sheet}/counts", json=r.counts)),
    ("POST /inventory/stocktakes/<id>/post", 8, lambda r: r.owner.post(f"{SHEETS}/{r.sheet}/post", json=EMPTY_TOO)),
    ("POST /inventory/stocktakes/<id>/cancel", 6, lambda r: r.owner.post(f"{SHEETS}/{r.sheet}/cancel")),
    ("GET /inventory/cores", 2, lambda r: r.owner.get(CORES)),
    ("GET /inventory/cores/<id>", 2, lambda r: r.owner.get(f"{CORES}/{r.core}")),
    (
        "POST /inventory/cores/<id>/return", 6,
        lambda r: r.owner.post(f"{CORES}/{r.core}/return", json={"supplier_id": r.supplier}),
    ),
    ("POST /inventory/cores/<id>/credit", 5, lambda r: r.owner.post(f"{CORES}/{r.sent_core}/credit", json={"amount": 45})),
    ("POST /inventory/cores/<id>/reject", 5, lambda r: r.owner.post(f"{CORES}/{r.core}/reject", json={"reason": "Cracked"})),
    ("GET /inventory/labels", 3, lambda r: r.owner.get(f"/inventory/labels?items={r.sku_item}")),
    ("GET /inventory/exports/parts", 5, lambda r: r.owner.get("/inventory/exports/parts")),
    ("GET /inventory/exports/suppliers", 3, lambda r: r.owner.get("/inventory/exports/suppliers")),
    ("GET /inventory/exports/stock", 3, lambda r: r.owner.get("/inventory/exports/stock")),
    ("POST /inventory/imports/parts", 8, lambda r: send_table(r.owner, "parts", "sku,name,price\nOF-1,Oil Filter,7\n")),
    ("POST /inventory/imports/suppliers", 7, lambda r: send_table(r.owner, "suppliers", "name\nOil Ltd\n")),
    ("POST /inventory/imports/stock", 8, lambda r: send_table(r.owner, "stock", f"id,on_hand\n{r.part},77\n")),
    # workshops
    ("GET /workshops", 1, lambda r: r.shop.nobody.get("/workshops")),
    ("GET /workshops/nearby", 2, lambda r: r.shop.nobody.get("/workshops/nearby?lat=10&lng=10")),
    ("POST /workshops", 11, lambda r: r.admin.post("/workshops", json=r.workshop_for_owner)),
    ("POST /workshops/<id>/suspend", 12, lambda r: r.admin.post(f"{r.workshop}/suspend", json={"reason": "Unpaid"})),
    ("POST /workshops/<id>/reinstate", 9, lambda r: r.admin.post(f"{r.suspended['workshop']}/reinstate")),
    ("GET /workshops/<id>", 2, lambda r: r.owner.get(r.workshop)),
    ("PUT /workshops/<id>", 8, lambda r: r.owner.put(r.workshop, json=r.entry)),
    ("PATCH /workshops/<id>", 5, lambda r: r.owner.patch(r.workshop, json={"city": "Chicago"})),
    ("DELETE /workshops/<id>", 9, lambda r: r.empty_shop.owner.delete(r.closing)),
    ("GET /workshops/<id>/opening_hours", 2, lambda r: r.owner.get(f"{r.workshop}/opening_hours")),
    ("PUT /workshops/<id>/opening_hours", 7, lambda r: r.owner.put(f"{r.workshop}/opening_hours", json=r.week)),
    ("GET /workshops/<id>/closures", 3, lambda r: r.owner.get(f"{r.workshop}/closures")),
    ("POST /workshops/<id>/closures", 5, lambda r: r.owner.post(f"{r.workshop}/closures", json=r.new_year)),
    ("GET /workshops/<id>/closures/<id>", 3, lambda r: r.owner.get(f"{r.workshop}/closures/{r.closure}")),
    ("PUT /workshops/<id>/closures/<id>", 6, lambda r: r.owner.put(f"{r.workshop}/closures/{r.closure}", json=r.new_year)),
    ("DELETE /workshops/<id>/closures/<id>", 6, lambda r: r.owner.delete(f"{r.workshop}/closures/{r.closure}")),
    # others
    ("GET /audit", 3, lambda r: r.owner.get("/audit")),
    ("GET /", 0, lambda r: r.shop.nobody.get("/")),
    ("GET /livez", 0, lambda r: r.shop.nobody.get("/livez")),
    ("GET /health", 1, lambda r: r.shop.nobody.get("/health")),
    ("GET /readyz", 2, lambda r: r.shop.nobody.get("/readyz")),
    ("GET /api/docs", 0, lambda r: r.shop.nobody.get("/api/docs/")),
    ("GET /api/docs/<path>", 0, lambda r: r.shop.nobody.get("/api/docs/index.css")),
    ("GET /api/redoc", 0, lambda r: r.shop.nobody.get("/api/redoc")),
    ("GET /static/<path>", 0, lambda r: r.shop.nobody.get("/static/swagger.yaml")),
)  # fmt: skip


def sign_in(caller: Caller) -> dict[str, str]:
    return {"email": caller.email, "password": PASSWORD}


@pytest.fixture(scope="module", name="stage")
def stage_of_the_module(app: Flask, database_url: str, empty_database: Path | None) -> Iterator[Stage[Rows]]:
    """Where the rows stand."""
    with stage(app, database_url, empty_database, make_rows) as made:
        yield made


@pytest.fixture
def rows(stage: Stage[Rows]) -> Rows:
    """Rows of this test's own."""
    return stage.scene()


@pytest.mark.parametrize(("route", "number", "send"), ROUTES, ids=[route for route, _, _ in ROUTES])
def test_a_request_costs_its_number_of_statements(
    app: Flask, rows: Rows, cold_cache: None, route: str, number: int, send: Request
) -> None:
    with counted(app) as statements:
        answer = send(rows)
    answer.close()

    assert answer.status_code in (200, 201, 202)
    assert len(statements) == number, listing(route, statements, str(number))


def test_every_route_has_its_number(app: Flask) -> None:
    routes = {
        f"{method} {template(rule.rule)}"
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert sorted(route for route, _, _ in ROUTES) == sorted(routes)


def template(rule: str) -> str:
    """Return a rule as the table has it: `/mechanics/<int:mechanic_id>` is `/mechanics/<id>` there."""
    named = rule.replace("<path:path>", "<path>").replace("<path:filename>", "<path>")
    named = named.replace("<string:token>", "<token>")
    return re.sub(r"<int:\w+>", "<id>", named).rstrip("/") or "/"


# ---- What the design promises -----------------------------------------------------------------------------------


def test_one_ticket_with_mechanics_and_parts_costs_at_most_four(
    app: Flask, rows: Rows, cold_cache: None
) -> None:
    with counted(app) as statements:
        ticket = rows.owner.get(f"/service_tickets/{rows.ticket}").json

    assert (len(ticket["mechanics"]), len(ticket["inventory_items"])) == (2, 3)
    assert len(statements) <= 4, listing("one ticket", statements, "4")


def test_a_visit_with_50_lines_20_photos_and_10_updates_is_read_in_six(
    app: Flask, shop: Shop, cold_cache: None
) -> None:
    ticket = shop.make_ticket()["id"]
    path, part = f"/service_tickets/{ticket}", shop.make_part(on_hand=100).id
    lines = [{"kind": "part", "item_id": part}, {"kind": "fee", "description": "Fee", "unit_price": 1}] * 25
    assert shop.owner.post(f"{path}/lines", json=lines).status_code == 201
    pictures = [shop.make_attachment(ticket).id for _ in range(20)]
    for number in range(10):
        shown = pictures[number : number + 10]
        shop.owner.post(f"{path}/progress", json={"text": f"On to {number}.", "photo_ids": shown})

    with counted(app) as statements:
        whole = shop.owner.get(path).json
        photos = shop.owner.get(f"{path}/attachments?per_page=100").json
        updates = shop.owner.get(f"{path}/progress").json

    assert (len(whole["lines"]), len(photos), len(updates)) == (50, 20, 10)
    assert {len(update["photos"]) for update in updates} == {10}
    assert len(statements) <= 6, listing("a whole visit", statements, "6")


def test_a_board_of_500_costs_what_one_of_20_does(app: Flask, shop: Shop, other_shop: Shop) -> None:
    add_tickets(shop, 20)
    add_tickets(other_shop, 500)

    costs = {}
    for one in (shop, other_shop):
        with counted(app) as statements:
            board = one.owner.get("/service_tickets/board").json
        assert not board["is_cut"]
        costs[board["open"]] = len(statements)

    assert costs[20] == costs[500] <= 4, listing("the board", statements, f"{costs[20]}, and at most 4,")


@pytest.mark.parametrize("path", ["/vehicles?per_page=100", "/vehicles?per_page=100&page=1"])
def test_a_list_of_100_vehicles_costs_what_one_of_20_does(
    app: Flask, shop: Shop, other_shop: Shop, path: str
) -> None:
    for one, number in ((shop, 20), (other_shop, 100)):
        for place in range(number):
            one.make_vehicle(plate=f"GD {place}", odometer_value=place, odometer_unit="km")

    costs = {}
    for one in (shop, other_shop):
        with counted(app) as statements:
            cars = one.owner.get(path).json
        costs[len(cars)] = len(statements)

    assert costs[20] == costs[100] <= 3, listing(path, statements, f"{costs[20]}, and at most 3,")


@pytest.mark.parametrize(
    "path",
    [
        "/inspections/templates",
        "{ticket}/inspections",
        "{car}/recommendations",
        "{ticket}/progress",
        "{ticket}/comments",
    ],
)
def test_a_list_about_a_visit_of_100_costs_what_one_of_20_does(
    app: Flask, shop: Shop, other_shop: Shop, path: str
) -> None:
    costs = {}
    for one, number in ((shop, 20), (other_shop, 100)):
        ticket = one.make_ticket()
        add_what_is_said(one, ticket["id"], number)
        car = one.owner.get(f"/vehicles?vin={ticket['VIN']}").json[0]["id"]
        names = {"ticket": f"/service_tickets/{ticket['id']}", "car": f"/vehicles/{car}"}
        with counted(app) as statements:
            rows = one.owner.get(path.format(**names) + "?per_page=100").json
        costs[len(rows)] = len(statements)

    assert costs[20] == costs[100] <= 4, listing(path, statements, f"{costs[20]}, and at most 4,")


def add_what_is_said(shop: Shop, ticket_id: int, number: int) -> None:
    """Let a workshop have so many templates, and a ticket so many validated inspections with advice, updates and comments."""
    with shop.inside(), atomic() as session:
        ticket = session.get_one(ServiceTicket, ticket_id)
        here: dict[str, Any] = {"workshop_id": shop.id}
        at: dict[str, Any] = {**here, "service_ticket_id": ticket_id}
        now = clock.now()
        seen = [
            Inspection(
                **at,
                vehicle_id=ticket.vehicle_id,
                title="Short",
                state="validated",
                finished_at=now,
                validated_at=now,
            )
            for _ in range(number)
        ]
        made = [
            InspectionTemplate(**here, name=f"T {place}", folded_name=f"t {place}", standard=False)
            for place in range(number)
        ]
        session.add_all([*seen, *made])
        session.flush()
        for inspection, template in zip(seen, made, strict=True):
            session.add(InspectionPoint(**here, inspection_id=inspection.id, place=1, section="A", name="B"))
            session.add(TemplatePoint(**here, template_id=template.id, place=1, section="A", name="B"))
            session.add(
                Recommendation(
                    **at,
                    vehicle_id=ticket.vehicle_id,
                    inspection_id=inspection.id,
                    description="Pads",
                    urgency="soon",
                    estimated_price=Decimal("1.00"),
                    state="open",
                )
            )
            session.add(ProgressUpdate(**at, text="On."))
            session.add(TicketComment(**at, text="On."))


def add_tickets(shop: Shop, number: int) -> None:
    """Add tickets, each with two mechanics and two parts."""
    first = shop.make_ticket()
    hands = [shop.make_mechanic().id for _ in range(2)]
    parts = [shop.make_part().id for _ in range(2)]
    with shop.inside(), atomic() as session:
        known = session.get(ServiceTicket, first["id"])
        assert known is not None
        fields = {
            "customer_id": known.customer_id,
            "vehicle_id": known.vehicle_id,
            "service_date": known.service_date,
        }
        tickets = [
            ServiceTicket(
                workshop_id=shop.id, number=1000 + place, service_desc="Brakes", status="booked", **fields
            )
            for place in range(number - 1)
        ]
        session.add_all(tickets)
        session.flush()
        for ticket in (known, *tickets):
            link = {"workshop_id": shop.id, "service_ticket_id": ticket.id}
            session.add_all(TicketMechanic(**link, mechanic_id=hand) for hand in hands)
            session.add_all(
                TicketLine(
                    **link,
                    kind="part",
                    description="Oil Filter",
                    part_id=part,
                    unit_price=Decimal("9.99"),
                    quantity=Decimal(2),
                    fitted=Decimal(2),
                    tax_rate=Decimal(0),
                    net=Decimal("19.98"),
                    tax=Decimal(0),
                )
                for part in parts
            )


@pytest.mark.parametrize("path", ["/service_tickets?per_page=100", "/service_tickets?per_page=100&page=1"])
def test_a_list_of_100_nested_tickets_costs_what_one_of_20_does(
    app: Flask, shop: Shop, other_shop: Shop, path: str
) -> None:
    add_tickets(shop, 20)
    add_tickets(other_shop, 100)

    costs = {}
    for one in (shop, other_shop):
        with counted(app) as statements:
            tickets = one.owner.get(path).json
        assert {(len(ticket["mechanics"]), len(ticket["inventory_items"])) for ticket in tickets} == {(2, 2)}
        costs[len(tickets)] = len(statements)

    assert costs[20] == costs[100] <= 6, listing(path, statements, f"{costs[20]}, and at most 6,")


@pytest.mark.parametrize(
    "path",
    [
        "/service_tickets",
        "/service_tickets?page=1",
        "/mechanics",
        "/mechanics/usage",
        "/inventory",
        "/inventory/usage",
        "/vehicles",
    ],
)
def test_a_cache_hit_costs_none(app: Flask, rows: Rows, path: str) -> None:
    first = rows.owner.get(path)

    with counted(app) as statements:
        again = rows.owner.get(path)
        unchanged = rows.owner.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, unchanged.status_code) == (200, 304)
    assert again.data == first.data
    assert statements == [], listing(path, statements, "none")


def test_a_known_membership_is_not_asked_for_again(app: Flask, rows: Rows) -> None:
    path = f"/service_tickets/{rows.ticket}"
    rows.owner.get(path)

    with counted(app) as statements:
        rows.owner.get(path)

    assert len(statements) == 1, listing(path, statements, "1")


def test_an_idempotency_key_costs_a_claim_and_its_answer_and_its_replay_two_reads(
    app: Flask, shop: Shop
) -> None:
    body, key = {"name": "Oil Filter", "price": 19.99}, {"Idempotency-Key": unique("key-")}
    shop.owner.post("/inventory", json=body)

    with counted(app) as without:
        shop.owner.post("/inventory", json=body)
    with counted(app) as first:
        shop.owner.post("/inventory", json=body, headers=key)
    with counted(app) as replay:
        shop.owner.post("/inventory", json=body, headers=key)

    assert len(first) - len(without) == 2, listing("the first", first, f"{len(without) + 2}")
    assert len(replay) == 2, listing("its replay", replay, "2")
