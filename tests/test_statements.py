"""How many statements a request costs, counted as the engine hands them to the driver.

BEGIN and COMMIT are not counted: they carry no work. Everything else is, over the whole request, with nothing cached before
it: so one statement of each signed-in request asks whether the membership still stands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from app.blueprints.accounts import challenges, codes, sessions, tries
from app.blueprints.accounts.models import OneTimeCode
from app.blueprints.invitations import service as invitations
from app.blueprints.service_tickets.models import ServiceTicket, TicketMechanic, TicketPart
from app.core.db import atomic
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests import second_factors
from tests.customers.test_photos import put
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique, unique_vin
from tests.pictures import picture
from tests.workshops.places import put_one

pytestmark = pytest.mark.no_cover  # counting lines would take as long again

# ---- Counting ---------------------------------------------------------------------------------------------------


SQLITES_OWN = re.compile(r"SELECT audit_heads|(INSERT INTO|UPDATE) audit_heads")


@contextmanager
def counted(app: Flask) -> Iterator[list[str]]:
    """Collect the statements that a block sends."""
    seen: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *others: Any) -> None:
        # SQLite, where no statement is a trip, appends to the audit log in three; PostgreSQL in the one that is counted.
        if not statement.startswith("BEGIN") and not SQLITES_OWN.match(statement):
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
    supplier: int
    idle_supplier: int

    @property
    def workshop(self) -> str:
        return f"/workshops/{self.shop.id}"

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
    shop.make_part(sku="OF-1")
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
        shop.make_category().id, supplier, shop.make_supplier().id,
    )  # fmt: skip


def two_vehicles(shop: Shop) -> tuple[int, int, int]:
    """Make a car with a visit, a reading, a plate and something that it needs again, and one without a history."""
    car = shop.make_vehicle(plate="GD 2137K", odometer_value=84_200, odometer_unit="km")
    shop.make_ticket(VIN=car.vin)
    made = shop.owner.post(f"/vehicles/{car.id}/maintenance", json=OIL_CHANGE)
    return car.id, shop.make_vehicle().id, made.json["id"]


OIL_CHANGE = {
    "title": "Oil change", "every_distance": 15_000, "unit": "km", "last_done_on": "2026-03-02", "last_done_at": 80_000,
}  # fmt: skip


RECEIPT = {"kind": "purchase", "quantity": 5}
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
    ("POST /auth/login", 5, lambda r: r.shop.nobody.post("/auth/login", json=sign_in(r.shop.customer))),
    ("POST /auth/register", 9, lambda r: r.shop.nobody.post("/auth/register", json=r.new_workshop)),
    ("POST /auth/refresh", 3, lambda r: r.shop.nobody.post("/auth/refresh", json={"refresh_token": r.refresh_token})),
    ("POST /auth/logout", 2, lambda r: r.shop.customer.post("/auth/logout")),
    ("POST /auth/switch", 4, lambda r: r.owner.post("/auth/switch", json={"workshop": r.shop.slug})),
    ("GET /auth/me", 2, lambda r: r.owner.get("/auth/me")),
    ("GET /auth/sessions", 2, lambda r: r.owner.get("/auth/sessions")),
    ("DELETE /auth/sessions/<id>", 2, lambda r: r.owner.delete(f"/auth/sessions/{r.session}")),
    ("POST /auth/recovery", 3, lambda r: r.shop.nobody.post("/auth/recovery", json={"email": r.owner.email})),
    ("POST /auth/recovery/code", 3, lambda r: r.shop.nobody.post("/auth/recovery/code", json=r.recovery_code)),
    ("POST /auth/recovery/password", 10, lambda r: r.shop.nobody.post("/auth/recovery/password", json=r.recovery)),
    ("POST /auth/password", 8, lambda r: r.owner.post("/auth/password", json=r.new_password)),
    ("POST /auth/email/verification", 4, lambda r: r.owner.post("/auth/email/verification")),
    ("POST /auth/email", 10, lambda r: r.owner.post("/auth/email", json=r.new_email)),
    ("POST /auth/login/second_factor", 10, lambda r: r.shop.nobody.post("/auth/login/second_factor", json=r.shown)),
    ("GET /auth/second_factor", 3, lambda r: r.empty_shop.customer.get("/auth/second_factor")),
    ("POST /auth/second_factor", 7, lambda r: r.owner.post("/auth/second_factor", json={"present_password": PASSWORD})),
    ("POST /auth/second_factor/confirmation", 14,
     lambda r: r.empty_shop.other_customer.post("/auth/second_factor/confirmation", json=r.code)),
    ("POST /auth/second_factor/recovery_codes", 9,
     lambda r: r.empty_shop.customer.post("/auth/second_factor/recovery_codes", json=r.password_and_code)),
    ("POST /auth/second_factor/removal", 16,
     lambda r: r.empty_shop.customer.post("/auth/second_factor/removal", json=r.password_and_code)),
    ("POST /customers/<id>/unlock", 6,
     lambda r: r.empty_shop.owner.post(f"/customers/{r.empty_shop.customer_id}/unlock")),
    ("DELETE /customers/<id>/second_factor", 16,
     lambda r: r.empty_shop.owner.delete(f"/customers/{r.empty_shop.customer_id}/second_factor")),
    ("POST /mechanics/<id>/unlock", 6,
     lambda r: r.empty_shop.owner.post(f"/mechanics/{r.empty_shop.mechanic_id}/unlock")),
    ("DELETE /mechanics/<id>/second_factor", 16,
     lambda r: r.empty_shop.owner.delete(f"/mechanics/{r.empty_shop.mechanic_id}/second_factor")),
    ("POST /auth/email/confirmation", 3, lambda r: r.shop.nobody.post("/auth/email/confirmation", json=r.confirmation)),
    # admins
    ("GET /admins", 2, lambda r: r.admin.get("/admins")),
    ("POST /admins", 8, lambda r: r.admin.post("/admins", json={"email": f"{unique('new')}@example.com"})),
    ("GET /admins/<id>", 2, lambda r: r.admin.get(f"/admins/{r.other_admin}")),
    ("PATCH /admins/<id>", 5, lambda r: r.admin.patch(f"/admins/{r.other_admin}", json={"name": "Ada"})),
    ("DELETE /admins/<id>", 11, lambda r: r.admin.delete(f"/admins/{r.other_admin}")),
    ("GET /accounts", 2, lambda r: r.admin.get("/accounts")),
    ("GET /accounts/<id>", 3, lambda r: r.admin.get(f"/accounts/{r.other_admin}")),
    (
        "POST /accounts/<id>/suspend", 9,
        lambda r: r.admin.post(f"/accounts/{account_id(r.shop.customer)}/suspend", json={"reason": "Spam"}),
    ),
    ("POST /accounts/<id>/reinstate", 6, lambda r: r.admin.post(f"{r.suspended['account']}/reinstate")),
    # customers
    ("POST /customers", 11, lambda r: r.shop.nobody.post("/customers", json=r.registration)),
    ("POST /customers/login", 5, lambda r: r.shop.nobody.post("/customers/login", json=sign_in(r.shop.customer))),
    ("GET /customers", 2, lambda r: r.owner.get("/customers")),
    ("GET /customers/<id>", 2, lambda r: r.owner.get(f"/customers/{r.customer}")),
    ("PUT /customers", 10, lambda r: r.shop.customer.put("/customers", json=r.registration)),
    ("PATCH /customers", 6, lambda r: r.shop.customer.patch("/customers", json={"name": "Ada"})),
    ("DELETE /customers", 49, lambda r: r.shop.customer.delete("/customers")),
    ("PUT /customers/<id>", 5, lambda r: r.owner.put(f"/customers/{r.customer}", json={"name": "Ada"})),
    ("PATCH /customers/<id>", 5, lambda r: r.owner.patch(f"/customers/{r.customer}", json={"name": "Ada"})),
    ("DELETE /customers/<id>", 49, lambda r: r.owner.delete(f"/customers/{r.shop.customer_id}")),
    ("GET /customers/<id>/profile", 4, lambda r: r.owner.get(f"/customers/{r.customer}/profile")),
    ("PUT /customers/<id>/profile", 7, lambda r: r.owner.put(f"/customers/{r.customer}/profile", json={"city": "Gdynia"})),
    ("PATCH /customers/<id>/profile", 7, lambda r: r.owner.patch(f"/customers/{r.customer}/profile", json={"city": "Gdynia"})),
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
    ("POST /mechanics", 11, lambda r: r.owner.post("/mechanics", json=r.new_mechanic)),
    ("POST /mechanics/login", 5, lambda r: r.shop.nobody.post("/mechanics/login", json=sign_in(r.owner))),
    ("GET /mechanics", 2, lambda r: r.owner.get("/mechanics")),
    ("GET /mechanics/<id>", 2, lambda r: r.owner.get(f"/mechanics/{r.mechanic}")),
    ("GET /mechanics/search", 2, lambda r: r.owner.get("/mechanics/search?name=jane")),
    ("GET /mechanics/usage", 2, lambda r: r.owner.get("/mechanics/usage")),
    ("GET /mechanics/top-3-mechanics", 2, lambda r: r.owner.get("/mechanics/top-3-mechanics")),
    ("PUT /mechanics/<id>", 13, lambda r: r.owner.put(f"/mechanics/{r.mechanic}", json=r.new_mechanic)),
    ("PATCH /mechanics/<id>", 6, lambda r: r.owner.patch(f"/mechanics/{r.mechanic}", json={"name": "Jo"})),
    ("DELETE /mechanics/<id>", 17, lambda r: r.owner.delete(f"/mechanics/{r.shop.mechanic_id}")),
    # invitations
    ("POST /invitations", 8, lambda r: r.owner.post("/invitations", json=r.new_colleague)),
    ("GET /invitations", 2, lambda r: r.owner.get("/invitations")),
    ("GET /invitations/<id>", 2, lambda r: r.owner.get(f"/invitations/{r.invitation}")),
    ("DELETE /invitations/<id>", 4, lambda r: r.owner.delete(f"/invitations/{r.invitation}")),
    ("POST /invitations/<id>/resend", 10, lambda r: r.owner.post(f"/invitations/{r.invitation}/resend")),
    ("POST /invitations/preview", 5, lambda r: r.shop.nobody.post("/invitations/preview", json={"token": r.invitation_token})),
    ("POST /invitations/accept", 22, lambda r: r.shop.nobody.post("/invitations/accept", json=r.acceptance)),
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
    ("DELETE /members/<id>", 14, lambda r: r.owner.delete(f"/members/{r.member}")),
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
    ("GET /vehicles/recent", 2, lambda r: r.owner.get("/vehicles/recent")),
    ("GET /vehicles/<id>", 3, lambda r: r.owner.get(f"/vehicles/{r.vehicle}")),
    ("PUT /vehicles/<id>", 8, lambda r: r.owner.put(f"/vehicles/{r.vehicle}", json={"VIN": unique_vin(), "plate": "GD 2"})),
    ("PATCH /vehicles/<id>", 5, lambda r: r.owner.patch(f"/vehicles/{r.vehicle}", json={"colour": "Red"})),
    ("DELETE /vehicles/<id>", 7, lambda r: r.owner.delete(f"/vehicles/{r.bare_vehicle}")),
    ("GET /vehicles/<id>/history", 5, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/history")),
    ("GET /vehicles/<id>/maintenance", 4, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/maintenance")),
    ("POST /vehicles/<id>/maintenance", 5, lambda r: r.owner.post(f"/vehicles/{r.vehicle}/maintenance", json=OIL_CHANGE)),
    ("GET /vehicles/<id>/maintenance/<id>", 4, lambda r: r.owner.get(f"/vehicles/{r.vehicle}/maintenance/{r.maintenance}")),
    (
        "PUT /vehicles/<id>/maintenance/<id>", 6,
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
    ("POST /service_tickets", 7, lambda r: r.owner.post("/service_tickets", json=r.new_ticket)),
    ("GET /service_tickets", 2, lambda r: r.owner.get("/service_tickets")),
    ("GET /service_tickets/my-tickets", 2, lambda r: r.shop.customer.get("/service_tickets/my-tickets")),
    ("GET /service_tickets/<id>", 2, lambda r: r.owner.get(f"/service_tickets/{r.ticket}")),
    ("PUT /service_tickets/<id>", 7, lambda r: r.owner.put(f"/service_tickets/{r.ticket}", json=r.new_ticket)),
    ("PATCH /service_tickets/<id>", 6, lambda r: r.owner.patch(f"/service_tickets/{r.ticket}", json={"VIN": unique_vin()})),
    ("DELETE /service_tickets/<id>", 6, lambda r: r.owner.delete(f"/service_tickets/{r.bare_ticket}")),
    (
        "PUT /service_tickets/<id>/assign-mechanic/<id>", 8,
        lambda r: r.owner.put(f"/service_tickets/{r.ticket}/assign-mechanic/{r.free_mechanic}"),
    ),
    (
        "PUT /service_tickets/<id>/remove-mechanic/<id>", 7,
        lambda r: r.owner.put(f"/service_tickets/{r.ticket}/remove-mechanic/{r.mechanic}"),
    ),
    ("PUT /service_tickets/<id>/edit", 23, lambda r: r.owner.put(f"/service_tickets/{r.ticket}/edit", json=r.edit)),
    (
        "PUT /service_tickets/<id>/update-mechanics", 23,
        lambda r: r.owner.put(f"/service_tickets/{r.ticket}/update-mechanics", json=r.edit),
    ),
    (
        "POST /service_tickets/<id>/inventory", 9,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/inventory", json={"item_id": r.part}),
    ),
    (
        "DELETE /service_tickets/<id>/inventory/<id>", 9,
        lambda r: r.owner.delete(f"/service_tickets/{r.ticket}/inventory/{r.part}"),
    ),
    (
        "POST /service_tickets/<id>/status", 6,
        lambda r: r.owner.post(f"/service_tickets/{r.ticket}/status", json={"status": "received"}),
    ),
    # inventory
    ("POST /inventory", 3, lambda r: r.owner.post("/inventory", json={"name": "Oil Filter", "price": 19.99})),
    ("GET /inventory", 2, lambda r: r.owner.get("/inventory")),
    ("GET /inventory/<id>", 2, lambda r: r.owner.get(f"/inventory/{r.part}")),
    ("GET /inventory/lookup", 2, lambda r: r.owner.get("/inventory/lookup?code=OF-1")),
    ("GET /inventory/stock-alerts", 2, lambda r: r.owner.get("/inventory/stock-alerts")),
    ("GET /inventory/valuation", 2, lambda r: r.owner.get("/inventory/valuation")),
    ("GET /inventory/usage", 2, lambda r: r.owner.get("/inventory/usage")),
    ("PUT /inventory/<id>", 5, lambda r: r.owner.put(f"/inventory/{r.part}", json={"name": "Filter", "price": 20})),
    ("PATCH /inventory/<id>", 4, lambda r: r.owner.patch(f"/inventory/{r.part}", json={"price": 20})),
    ("DELETE /inventory/<id>", 4, lambda r: r.owner.delete(f"/inventory/{r.part}")),
    ("GET /inventory/<id>/movements", 2, lambda r: r.owner.get(f"/inventory/{r.part}/movements")),
    ("POST /inventory/<id>/movements", 5, lambda r: r.owner.post(f"/inventory/{r.part}/movements", json=RECEIPT)),
    ("GET /inventory/categories", 2, lambda r: r.owner.get("/inventory/categories")),
    ("POST /inventory/categories", 4, lambda r: r.owner.post("/inventory/categories", json={"name": unique("Belts ")})),
    ("GET /inventory/categories/<id>", 2, lambda r: r.owner.get(f"/inventory/categories/{r.category}")),
    ("PUT /inventory/categories/<id>", 4, lambda r: r.owner.put(f"/inventory/categories/{r.category}", json={"name": "Oil"})),
    (
        "PATCH /inventory/categories/<id>", 4,
        lambda r: r.owner.patch(f"/inventory/categories/{r.category}", json={"name": "Oil"}),
    ),
    ("DELETE /inventory/categories/<id>", 4, lambda r: r.owner.delete(f"/inventory/categories/{r.category}")),
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


@pytest.fixture(scope="module")
def standing_rows(app: Flask) -> Rows:
    """Rows that the reading requests share."""
    return make_rows(app)


@pytest.fixture
def rows(request: pytest.FixtureRequest, app: Flask) -> Rows:
    """The standing rows for a request that only reads, else rows of this test's own."""
    if request.getfixturevalue("route").startswith("GET "):
        standing: Rows = request.getfixturevalue("standing_rows")
        return standing
    return make_rows(app)


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
    app: Flask, standing_rows: Rows, cold_cache: None
) -> None:
    with counted(app) as statements:
        ticket = standing_rows.owner.get(f"/service_tickets/{standing_rows.ticket}").json

    assert (len(ticket["mechanics"]), len(ticket["inventory_items"])) == (2, 3)
    assert len(statements) <= 4, listing("one ticket", statements, "4")


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
                TicketPart(**link, part_id=part, unit_price=Decimal("9.99"), quantity=2) for part in parts
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
def test_a_cache_hit_costs_none(app: Flask, standing_rows: Rows, path: str) -> None:
    first = standing_rows.owner.get(path)

    with counted(app) as statements:
        again = standing_rows.owner.get(path)
        unchanged = standing_rows.owner.get(path, headers={"If-None-Match": first.headers["ETag"]})

    assert (again.status_code, unchanged.status_code) == (200, 304)
    assert again.data == first.data
    assert statements == [], listing(path, statements, "none")


def test_a_known_membership_is_not_asked_for_again(app: Flask, standing_rows: Rows) -> None:
    path = f"/service_tickets/{standing_rows.ticket}"
    standing_rows.owner.get(path)

    with counted(app) as statements:
        standing_rows.owner.get(path)

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
