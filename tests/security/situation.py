"""Two workshops with something of each kind in the first, and a good request for every route that is about it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import quote

from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.blueprints.accounts import sessions
from app.blueprints.customers import exports, photos
from app.core import files, tenancy
from tests import second_factors
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique, unique_vin
from tests.pictures import picture
from tests.tampering import owners_connection


@dataclass
class Situation:
    """`shop` has a ticket of its customer with a mechanic, an item and a car with a plate.

    It has a dead letter too, and an invitation of one who walked in. `other_shop` is somebody else's. `admin` and `other_admin`
    administer the installation, and are nothing in either.
    """

    app: Flask
    shop: Shop = field(init=False)
    other_shop: Shop = field(init=False)

    def __post_init__(self) -> None:
        self.shop, self.other_shop = make_shop(self.app), make_shop(self.app)
        self.admin, self.other_admin = make_admin(self.app), make_admin(self.app)
        within = self.shop.make_category(parent_id=self.shop.make_category().id).id
        self.item_id = self.shop.make_part(on_hand=10, sku=SKU, category_id=within).id
        self.category_id = self.shop.make_category().id
        self.supplier_id, self.idle_supplier_id = self.shop.make_supplier().id, self.shop.make_supplier().id
        supplied = f"/inventory/{self.item_id}/suppliers/{self.supplier_id}"
        assert self.shop.owner.put(supplied, json={"price": 9.8}).status_code == 200
        ticket = self.shop.make_ticket()
        self.ticket_id, self.vin = ticket["id"], ticket["VIN"]
        self.notification_id = self.shop.make_dead_letter()
        edit = {"add_mechanic_ids": [self.shop.mechanic_id], "add_item_ids": [self.item_id]}
        staffed = self.shop.owner.put(f"/service_tickets/{self.ticket_id}/edit", json=edit)
        assert staffed.status_code == 200
        self.vehicle_id = self.shop.owner.get(f"/vehicles?vin={self.vin}").json[0]["id"]
        made = self.shop.owner.post(f"/vehicles/{self.vehicle_id}/maintenance", json=OIL_CHANGE)
        self.maintenance_id = made.json["id"]
        plated = self.shop.owner.patch(f"/vehicles/{self.vehicle_id}", json={"plate": unique("GD ")})
        assert plated.status_code == 200
        place = {"listed": True, "latitude": 41.88, "longitude": -87.63, "name": WORKSHOP}
        assert self.shop.owner.patch(f"/workshops/{self.shop.id}", json=place).status_code == 200
        closed = self.shop.owner.post(f"/workshops/{self.shop.id}/closures", json=_closure(self))
        self.closure_id = closed.json["id"]
        person = f"/customers/{self.shop.customer_id}"
        assert self.shop.owner.put(f"{person}/profile", json={"city": "Sopot"}).status_code == 200
        self.walk_in_id = self.shop.make_customer().id
        invited = self.shop.owner.post(f"/customers/{self.shop.make_customer().id}/invitation")
        self.invitation_id = invited.json["id"]
        by_record = {"role": "mechanic", "mechanic_id": self.shop.make_mechanic().id}
        to_own_role = {
            "role": "staff",
            "role_id": self.shop.make_role().id,
            "name": "Sam",
            "email": f"{unique('sam')}@example.com",
        }
        for body in (by_record, to_own_role):
            assert self.shop.owner.post("/invitations", json=body).status_code == 201
        self.role_id, self.member_id = self.shop.make_role().id, self.shop.make_staff().member_id
        made = self.shop.owner.post("/api_keys", json=_api_key(self))
        self.key_id = made.json["id"]
        consent = {"kind": "photos", "text_version": "1", "given": True}
        assert self.shop.owner.post(f"{person}/consents", json=consent).status_code == 201
        with self.shop.inside():
            self.photo = photos.put(self.shop.id, self.shop.customer_id, PHOTO)

    @property
    def callers(self) -> dict[str, Caller]:
        """The callers by their name in the table; all but the last of them mean the first workshop."""
        return {
            "nobody": self.shop.nobody,
            "customer": self.shop.customer,
            "other customer": self.shop.other_customer,
            "mechanic": self.shop.mechanic,
            "owner": self.shop.owner,
            "other owner": self.other_shop.owner,
            "admin": self.admin,
        }

    @cached_property
    def session_id(self) -> int:
        """Another session of the customer's: ending the one that asks would be seen by the next request."""
        assert self.shop.customer.principal is not None
        with self.app.app_context():
            return sessions.begin(self.shop.customer.principal).principal.session_id

    @property
    def token(self) -> str:
        """What a link to the customer's photo ends with."""
        with self.app.app_context():
            return files.link(self.photo).token

    @cached_property
    def ids(self) -> dict[str, Any]:
        """What the parameters of a path stand for."""
        return {
            "customer_id": self.shop.customer_id,
            "mechanic_id": self.shop.mechanic_id,
            "item_id": self.item_id,
            "category_id": self.category_id,
            "supplier_id": self.supplier_id,
            "session_id": self.session_id,
            "role_id": self.role_id,
            "key_id": self.key_id,
            "member_id": self.member_id,
            "ticket_id": self.ticket_id,
            "vehicle_id": self.vehicle_id,
            "maintenance_id": self.maintenance_id,
            "notification_id": self.notification_id,
            "invitation_id": self.invitation_id,
            "workshop_id": self.shop.id,
            "closure_id": self.closure_id,
            "admin_id": _account_id(self.other_admin),
            "account_id": _account_id(self.shop.customer),
            "token": self.token,
            "path": "swagger-ui.css",
            "filename": "swagger.yaml",
        }

    def send(self, caller: Caller, method: str, path: str, **options: Any) -> TestResponse:
        """Send a good request to the route `path`, which means the first workshop wherever a token says no other."""
        options = {"headers": {"X-Workshop": self.shop.slug}, **options}
        if f"{method} {path}" in FILES:
            options.setdefault("data", {FILES[f"{method} {path}"]: (io.BytesIO(PHOTO), "me.jpg")})
        body = BODIES.get(f"{method} {path}")
        if body is not None:
            options.setdefault("json", body(self))
        ids = self.ids | {"customer_id": self.walk_in_id} if path.endswith("/invitation") else self.ids
        if (method, path) == ("DELETE", "/inventory/suppliers/{supplier_id}"):
            ids = ids | {"supplier_id": self.idle_supplier_id}
        return caller.open(method, path.format(**ids) + QUERIES.get(f"{method} {path}", ""), **options)

    def give_second_factors(self, *, confirmed: bool) -> None:
        """Give everybody a second factor by the secret that is known here: switched on, or only begun."""
        people = (caller for caller in self.callers.values() if caller.principal is not None)
        second_factors.give(self.app, [caller.email for caller in people], confirmed=confirmed)

    def finish_the_ticket(self) -> None:
        """Cancel the ticket: a workshop is closed only once none is open."""
        cancelled = self.shop.owner.post(
            f"/service_tickets/{self.ticket_id}/status", json={"status": "cancelled"}
        )
        assert cancelled.status_code == 200

    def erase_the_customer(self) -> None:
        """Erase the customer: a report of it is there then."""
        assert self.shop.owner.delete(f"/customers/{self.shop.customer_id}").status_code == 200

    def leave_traces(self, table: str) -> None:
        """Let there be a row in a table of `LEFT_BY_SOME`; the other workshop has a file."""
        if table in ("customer_photos", "file_pieces", "exports"):
            with self.other_shop.inside():
                photos.put(self.other_shop.id, self.other_shop.customer_id, PHOTO)
        if table == "exports":
            assert self.shop.customer.post(f"/customers/{self.shop.customer_id}/export").status_code == 202
            with self.app.app_context():
                # Some at a time, the oldest first, and other tests have asked for some.
                while exports.make_due():
                    pass
        if table == "erasures":
            self.erase_the_customer()
        if table == "vehicle_readings":
            reading = {"value": 84_200, "unit": "km"}
            assert (
                self.shop.owner.post(f"/vehicles/{self.vehicle_id}/readings", json=reading).status_code == 201
            )
        if table == "vehicle_transfers":
            car = self.shop.make_vehicle(customer_id=self.walk_in_id).id
            to = {"customer_id": self.shop.other_customer_id}
            assert self.shop.owner.post(f"/vehicles/{car}/transfer", json=to).status_code == 200
        if table == "vehicle_views":
            assert self.shop.owner.get(f"/vehicles/{self.vehicle_id}").status_code == 200

    def keep_hours(self) -> None:
        """Let the workshop be open, and good at something."""
        hours, path = (
            {"days": [{"weekday": 1, "opens": "08:00", "closes": "17:00"}]},
            f"/workshops/{self.shop.id}",
        )
        assert self.shop.owner.put(f"{path}/opening_hours", json=hours).status_code == 200
        assert self.shop.owner.patch(path, json={"specialisations": ["brakes"]}).status_code == 200

    def take_mechanic_off(self) -> None:
        """Take the mechanic off the ticket: it is deleted only once nobody works on it."""
        edit = {"remove_mechanic_ids": [self.shop.mechanic_id]}
        assert self.shop.owner.put(f"/service_tickets/{self.ticket_id}/edit", json=edit).status_code == 200

    def suspend(self, what: str) -> None:
        """Suspend the workshop or the customer's account: only what is suspended is reinstated."""
        path = f"/{what}s/{self.ids[f'{what}_id']}/suspend"
        assert self.admin.post(path, json={"reason": "Unpaid"}).status_code == 200

    def everything(self) -> dict[str, list[Any]]:
        """Return all rows of both workshops."""
        mine = {"one": self.shop.id, "other": self.other_shop.id}
        with owners_connection(self.app) as connection:
            return {
                name: sorted(map(tuple, connection.execute(text(statement), mine)), key=repr)
                for name, statement in ROWS.items()
            }


def _account_id(caller: Caller) -> int:
    assert caller.principal is not None
    return caller.principal.account_id


WORKSHOP = "Obi's Garage"
OIL_CHANGE = {"title": "Oil change", "every_months": 12, "last_done_on": "2026-03-02"}


def _workshop(situation: Situation) -> dict[str, Any]:
    return {
        "name": WORKSHOP, "slug": situation.shop.slug, "country": "US", "currency": "USD", "locale": "en",
        "time_zone": "America/Chicago",
    }  # fmt: skip


def _closure(situation: Situation) -> dict[str, Any]:
    return {"first_day": "2026-12-24", "last_day": "2026-12-26"}


def _customer(situation: Situation) -> dict[str, Any]:
    number = unique()
    return {"name": "Ada Obi", "email": f"{number}@example.com", "phone": f"555-200-{number[1:]:>04}"}


def _registration(situation: Situation) -> dict[str, Any]:
    return _customer(situation) | {"password": PASSWORD}


def _newcomer(situation: Situation) -> dict[str, Any]:
    slug = unique("new-")
    workshop = {"name": "Ada's Garage", "slug": slug}
    return {"workshop": workshop, "email": f"ada@{slug}.example.com", "password": PASSWORD}


def _for_an_owner(situation: Situation) -> dict[str, Any]:
    slug = unique("new-")
    return {"name": "Ada's Garage", "slug": slug, "owner_email": f"ada@{slug}.example.com"}


def _credentials(situation: Situation) -> dict[str, Any]:
    return {"email": situation.shop.customer.email, "password": PASSWORD}


def _profile(situation: Situation) -> dict[str, Any]:
    return {"street": "ul. Prosta 1", "preferred_contact": "phone", "gender": "undisclosed"}


def _mechanic(situation: Situation) -> dict[str, Any]:
    return _customer(situation) | {"salary": 60000}


def _invitation(situation: Situation) -> dict[str, Any]:
    return _mechanic(situation) | {"role": "mechanic"}


def _role(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Front desk "), "scopes": []}


def _api_key(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Export "), "scopes": ["inventory:read"]}


def _item(situation: Situation) -> dict[str, Any]:
    return {"name": "Brake Pad", "price": 49.5}


def _supplier(situation: Situation) -> dict[str, Any]:
    return {"name": unique("Parts & Co "), "country": "PL", "tax_id": "8567346215"}


def _ticket(situation: Situation) -> dict[str, Any]:
    return {
        "VIN": unique_vin(), "service_date": "2026-03-02", "service_desc": "Brakes", "customer_id": situation.shop.customer_id
    }  # fmt: skip


def _vehicle(situation: Situation) -> dict[str, Any]:
    return {"VIN": situation.vin, "make": "Honda", "model": "Accord", "year": 2003, "plate": unique("GD ")}


def _with_code(situation: Situation) -> dict[str, Any]:
    return {"present_password": PASSWORD, "code": second_factors.code_now()}


def _edit(situation: Situation) -> dict[str, Any]:
    return {"add_item_ids": [situation.item_id]}


ROWS = {
    table.name: f"SELECT * FROM {table.name} WHERE workshop_id IN (:one, :other)"
    for table in tenancy.owned_tables()
} | {"workshops": "SELECT * FROM workshops WHERE id IN (:one, :other)"}
SKU = "SKU-4711"
# The tables that only some requests leave a row in.
LEFT_BY_SOME = (
    "customer_photos", "file_pieces", "exports", "erasures", "vehicle_readings", "vehicle_transfers", "vehicle_views",
)  # fmt: skip
FILES = {"PUT /customers/{customer_id}/photo": "photo"}
PHOTO = picture(size=(8, 8))
Body = Callable[[Situation], Any]
BODIES: dict[str, Body] = {
    "POST /workshops": _for_an_owner,
    "POST /workshops/{workshop_id}/suspend": lambda _: {"reason": "Unpaid since June."},
    "POST /accounts/{account_id}/suspend": lambda _: {"reason": "Sends spam."},
    "POST /admins": lambda _: {"email": f"{unique('new-admin')}@example.com", "name": "Ada Obi"},
    "PATCH /admins/{admin_id}": lambda _: {"name": "Ada O."},
    "PUT /workshops/{workshop_id}": _workshop,
    "PATCH /workshops/{workshop_id}": lambda _: {"city": "Chicago"},
    "PUT /workshops/{workshop_id}/opening_hours": lambda _: {
        "days": [{"weekday": 1, "opens": "08:00", "closes": "17:00"}]
    },
    "POST /workshops/{workshop_id}/closures": lambda _: {
        "first_day": "2027-01-01",
        "last_day": "2027-01-01",
    },
    "PUT /workshops/{workshop_id}/closures/{closure_id}": lambda _: {
        "first_day": "2026-12-24",
        "last_day": "2026-12-27",
    },
    "POST /customers/login": _credentials,
    "POST /mechanics/login": _credentials,
    "POST /auth/login": _credentials,
    "POST /auth/register": _newcomer,
    "POST /auth/refresh": lambda _: {},
    "POST /auth/recovery": lambda situation: {"email": situation.shop.customer.email},
    "POST /auth/recovery/code": lambda situation: {"email": situation.shop.customer.email, "code": "000000"},
    "POST /auth/recovery/password": lambda _: {"reset_token": "none", "password": PASSWORD},
    "POST /auth/password": lambda _: {"present_password": PASSWORD, "password": "wrench-otter-lagoon-42"},
    "POST /auth/email": lambda _: {"present_password": PASSWORD, "email": f"{unique('new')}@example.com"},
    "POST /auth/email/confirmation": lambda _: {"token": "none"},
    "POST /auth/logout": lambda _: {},
    "POST /auth/login/second_factor": lambda _: {"challenge": "none", "code": "000000"},
    "POST /auth/second_factor": lambda _: {"present_password": PASSWORD},
    "POST /auth/second_factor/confirmation": lambda _: {"code": second_factors.code_now()},
    "POST /auth/second_factor/recovery_codes": _with_code,
    "POST /auth/second_factor/removal": _with_code,
    "POST /auth/switch": lambda situation: {"workshop": situation.shop.slug},
    "POST /customers": _registration,
    "POST /inventory/{item_id}/movements": lambda _: {"kind": "purchase", "quantity": 5, "unit_cost": 9.5},
    "PUT /customers": _customer,
    "PATCH /customers": lambda _: {"name": "Ada O."},
    "PUT /customers/{customer_id}": _customer,
    "PATCH /customers/{customer_id}": lambda _: {"name": "Ada O."},
    "PUT /customers/{customer_id}/profile": _profile,
    "PATCH /customers/{customer_id}/profile": lambda _: {"city": "Gdynia"},
    "POST /customers/{customer_id}/consents": lambda _: {
        "kind": "marketing",
        "text_version": "2026-03",
        "given": True,
    },
    "POST /mechanics": _mechanic,
    "PUT /mechanics/{mechanic_id}": lambda situation: (
        _mechanic(situation) | {"email": situation.shop.mechanic.email}
    ),
    "PATCH /mechanics/{mechanic_id}": lambda _: {"name": "Jane W."},
    "POST /invitations": _invitation,
    "POST /invitations/preview": lambda _: {"token": "none"},
    "POST /invitations/accept": lambda _: {"token": "none", "password": PASSWORD},
    "POST /roles": _role,
    "PUT /roles/{role_id}": _role,
    "PATCH /roles/{role_id}": lambda _: {"description": "For the winter."},
    "POST /api_keys": _api_key,
    "PATCH /api_keys/{key_id}": lambda _: {"name": "Accounting"},
    "PUT /members/{member_id}/role": lambda situation: {"role": "staff", "role_id": situation.role_id},
    "POST /inventory/suppliers": _supplier,
    "PUT /inventory/suppliers/{supplier_id}": _supplier,
    "PATCH /inventory/suppliers/{supplier_id}": lambda _: {"city": "Sopot"},
    "PUT /inventory/{item_id}/suppliers/{supplier_id}": lambda _: {"price": 8.5, "preferred": True},
    "POST /inventory/categories": lambda _: {"name": unique("Belts ")},
    "PUT /inventory/categories/{category_id}": lambda _: {"name": unique("Belts ")},
    "PATCH /inventory/categories/{category_id}": lambda _: {"name": unique("Belts ")},
    "POST /inventory": _item,
    "PUT /inventory/{item_id}": _item,
    "PATCH /inventory/{item_id}": lambda _: {"price": 12},
    "POST /vehicles": lambda situation: {"VIN": unique_vin(), "customer_id": situation.shop.customer_id},
    "PUT /vehicles/{vehicle_id}": _vehicle,
    "PATCH /vehicles/{vehicle_id}": lambda _: {"colour": "Silver"},
    "POST /vehicles/{vehicle_id}/maintenance": lambda _: OIL_CHANGE,
    "PUT /vehicles/{vehicle_id}/maintenance/{maintenance_id}": lambda _: {**OIL_CHANGE, "every_months": 6},
    "POST /vehicles/{vehicle_id}/readings": lambda _: {"value": 84_200, "unit": "km"},
    "POST /vehicles/{vehicle_id}/transfer": lambda situation: {"customer_id": situation.walk_in_id},
    "POST /service_tickets": _ticket,
    "PUT /service_tickets/{ticket_id}": _ticket,
    "PATCH /service_tickets/{ticket_id}": lambda _: {"service_desc": "Brakes and oil"},
    "PUT /service_tickets/{ticket_id}/edit": _edit,
    "PUT /service_tickets/{ticket_id}/update-mechanics": _edit,
    "POST /service_tickets/{ticket_id}/inventory": lambda situation: {
        "item_id": situation.item_id,
        "quantity": 1,
    },
    "POST /service_tickets/{ticket_id}/status": lambda _: {"status": "cancelled"},
}
QUERIES = {
    "GET /mechanics/search": "?name=mel",
    "GET /inventory/lookup": f"?code={SKU}",
    "GET /workshops/nearby": "?lat=41.9&lng=-87.6",
    "DELETE /workshops/{workshop_id}": f"?name={quote(WORKSHOP)}",
}
