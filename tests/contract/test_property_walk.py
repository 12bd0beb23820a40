"""The whole document, walked with generated requests (schemathesis) by an owner, a mechanic, a customer and nobody.

Its examples, the edges of every schema, random requests, and chains of requests that follow the document's links; with
data that the document allows and with data that it forbids. No answer may be a server's error or outside the document,
forbidden data must be refused and allowed data taken, and each operation must have done its work for each who may call it.

    python -m pytest -m property                          # on a fresh SQLite database, or on TEST_DATABASE_URL's
    PROPERTY_EXAMPLES=200 python -m pytest -m property    # the same walk, further

The seed is fixed; what its requests meet is not quite the same each time, so what was not done is asked for again.
"""

from __future__ import annotations

import itertools
import os
import traceback
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import schemathesis.openapi
from flask import Flask
from schemathesis import Case, Config, Response, engine
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events
from schemathesis.generation import GenerationMode
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData
from schemathesis.schemas import BaseSchema
from schemathesis.transport.wsgi import WSGITransport

from app.blueprints.accounts import codes, sessions
from app.blueprints.accounts.models import Account
from app.blueprints.canned_jobs import service as canned_jobs
from app.blueprints.cores import reading as core_reading
from app.blueprints.cores import returning
from app.blueprints.cores import service as cores
from app.blueprints.customers import photos
from app.blueprints.estimates import links
from app.blueprints.estimates import service as estimates
from app.blueprints.inspections import recommending, templates
from app.blueprints.inspections import service as inspections
from app.blueprints.inventory import stocktakes
from app.blueprints.progress import comments
from app.blueprints.progress import service as progress
from app.blueprints.service_tickets import fitting, moving, work
from app.blueprints.vehicles import maintenance
from app.blueprints.vehicles.models import Vehicle
from app.blueprints.workshops.models import Workshop
from app.core import clock, files, paging
from app.core.db import atomic
from app.core.identity import issue_token
from tests import document
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique_vin
from tests.inspections.examining import SECTIONS
from tests.pictures import picture
from tests.security.matrix import rows
from tests.security.situation import ABOUT_DRAFTS, ADVICE, OIL_CHANGE

pytestmark = pytest.mark.property

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "6"))
SEED = 20260302
FEES = [{"kind": "fee", "description": "Disposal", "unit_price": 5}]
ROWS = 24  # of each kind, for requests to refer to: walking deletes some
ROUNDS = 4  # the first asks everything; the others what nobody has got done until then, with more examples

# The refusals of requests that the document allows, each with the reason why it cannot say more:
# (the field that is refused, how the message begins) → why.
BEYOND_THE_DOCUMENT: dict[tuple[str, str], str] = {
    ("line_id", "Not a line of labour"): "What a line is, the database knows.",
    ("accepted_line_ids", "Not up for decision"): "What was offered, the estimate knows.",
    (
        "accepted_line_ids",
        "Missing data for required field",
    ): "A form of which no box is ticked sends none; JSON says `[]`.",
    ("line_ids", "Only with `taken`"): "OpenAPI has no plain word for fields that need each other.",
    ("copies", "At most"): "A product has a limit that its factors have not.",
    ("how", "How it was said"): "Staff say how they know, customers need not.",
    ("how", "For staff"): "The same.",
    (
        "reason",
        "How the customer said it",
    ): "Two of the statuses need it; a schema that says so is read by few.",
    ("follows_as", "Both or neither"): "A schema that says so is read by few.",
    ("lines", "Needed of this kind"): "Each kind of line has its own fields; the schema has all of them.",
    ("lines", "Not of this kind"): "The same.",
    ("lines", "Either `unit_price` or"): "The same.",
    ("lines", "It follows the lines"): "The same.",
    ("lines", "How much an hour"): "Whether there is a labour rate, the workshop knows.",
    ("lines", "There is nothing on the ticket"): "What is on the ticket, the ticket knows.",
    ("quantity", "The line comes to more"): "A product has a limit that its factors have not.",
    ("lines", "The line comes to more"): "The same.",
    ("mechanic_id", "Needed: you have"): "Who is no mechanic says whose clock it is.",
    ("*", "Length must be between"): "A text is trimmed before its least length is looked at.",
    (
        "*",
        "At most two decimal places",
    ): "`multipleOf: 0.01` is reckoned in binary fractions, where 19.99 is none.",
    ("sort", "Each key at most once"): "A pattern tells it only by a look-ahead, which many readers refuse.",
    ("add_mechanic_ids", "Added and removed at once"): "No JSON Schema compares two lists of one object.",
    ("add_item_ids", "Added and removed at once"): "The same.",
    (
        "email",
        "Missing data for required field",
    ): "Who registers gives all, staff who record a walk-in the name alone.",
    ("phone", "Missing data for required field"): "The same.",
    ("password", "Missing data for required field"): "The same.",
    (
        "name",
        "Missing data for required field",
    ): "Who is on record is invited by that, anybody else by name and address.",
    ("salary", "Missing data for required field"): "A new mechanic has one, an owner has none.",
    ("time_zone", "Not an IANA time zone"): "There are 600 of them, and the system's own keeps changing.",
    ("latitude", "Both or neither"): "No JSON Schema lets one null be bound to another's.",
    ("longitude", "Both or neither"): "The same.",
    ("website", "Not the address of a page"): "A text is trimmed before its form is looked at.",
    ("slug", "A slug has"): "The same.",
    ("*", "At most three decimal places"): "As with two.",
    ("name", "Not the workshop's name"): "It is a confirmation.",
    ("name", "Without a letter or digit"): "In a pattern letters of all scripts are known by a flag alone.",
    (
        "days",
        "Each weekday at most once",
    ): "No JSON Schema compares what is in a list, or two times of a day.",
    ("days", "A day that is closed has no breaks"): "The same.",
    ("days", "It closes after it opens"): "The same.",
    ("days", "Breaks lie within the hours"): "The same.",
    ("first_day", "Not from 2000"): "`format: date` has no bounds.",
    ("last_day", "Not from 2000"): "The same.",
    ("last_day", "Before the first day"): "No JSON Schema compares two fields.",
    ("last_day", "More than a year"): "The same.",
    ("national_id", "Not a valid number of the kind"): "Check digits are beyond any pattern.",
    ("national_id", "Needed beside the other"): "A PATCH may give either, where the other is there already.",
    ("national_id_kind", "Needed beside the other"): "The same.",
    ("birth_date", "From 1900-01-01 on"): "JSON Schema has no bounds of dates.",
    ("role_id", "Missing data for required field"): "It is needed with `staff`, and with nothing else.",
    ("role_id", "Only together with"): "The same.",
    ("expires_at", "Not in the future"): "JSON Schema does not know what time it is.",
    ("subject_id", "Together with"): "OpenAPI has no word for parameters that need each other.",
    ("*", "Not together with"): "OpenAPI has no plain word for fields that exclude each other.",
    (
        "code",
        "Missing data for required field",
    ): "It is needed with the address, where no token is; or else a recovery code.",
    ("workshop", "Not an IANA time zone"): "As with a workshop's own.",
    ("workshop", "A slug has"): "As with a workshop's own.",
    ("photo", "Not a JPEG, PNG or WebP"): "A media type says nothing of what is in a file.",
    ("photo", "Broken, or cut short"): "The same.",
    ("mechanic_id", "Needed: you have no"): "Whose clock is meant follows from who asks.",
    ("started_at", "In the future"): "JSON Schema does not know what time it is.",
    ("started_at", "Before 2000"): "It has no bounds of instants.",
    ("ended_at", "In the future"): "As with the start.",
    ("ended_at", "Before"): "OpenAPI has no word for fields that bound each other.",
    ("ended_at", "More than 16 hours"): "The same.",
    ("to", "Before"): "Nor for parameters that do.",
    ("to", "More than 31 days"): "The same.",
    ("from", "Not from 2000"): "A format has no bounds.",
    ("to", "Not from 2000"): "The same.",
    (
        "customer_id",
        "Missing data for required field",
    ): "Staff name a keeper, or bring one; a customer need not.",
    ("odometer_unit", "Needed with"): "OpenAPI has no plain word for fields that need each other.",
    ("year", "From 1886 to"): "JSON Schema does not know what year it is.",
    ("read_at", "From 1900 on"): "Nor what time; and it has no bounds of instants.",
    ("read_at", "The car was not yours"): "Nor whose a car was when.",
    ("every_months", "Needed, or"): "Of a time and a distance one at least is needed.",
    ("every_distance", "These go together"): "OpenAPI has no plain word for fields that need each other.",
    ("unit", "These go together"): "The same.",
    ("last_done_at", "These go together"): "The same.",
    ("last_done_on", "From 1900"): "JSON Schema does not know what day it is.",
    ("service_date", "From 1900"): "`format: date` has no bounds.",
    ("VIN", "A car from 1981"): "No JSON Schema lets one field's length depend on another's number.",
    ("skills", "Each once"): "JSON Schema compares what is in a list with regard to case.",
    ("file", "Send the file under its name"): "What a file is called is no matter of a schema.",
    ("photo", "Send the file under its name"): "The same.",
    ("plate", "A plate has letters or digits"): "JSON Schema's patterns know no letters of all scripts.",
    (
        "*",
        "A whole number: it is not counted",
    ): "No JSON Schema lets one field's unit say what another may be.",
    ("quantity", "Missing data for required field"): "It is needed with all kinds of movements but two.",
    ("quantity", "Above 0, but for an adjustment"): "What it may be depends on the kind.",
    ("quantity", "More than"): "How many are there already is no matter of a schema.",
    ("core_charge", "Must be greater than or equal to"): "As a text it has no bounds but its pattern's.",
    ("unit_cost", "Missing data for required field"): "It is needed with a revaluation.",
    ("to_bin", "Missing data for required field"): "It is needed with a transfer.",
    (
        "to_bin",
        "Only together with a transfer",
    ): "OpenAPI has no plain word for fields that exclude each other.",
    ("unit_cost", "The stock would be worth too much"): "As with the quantity.",
    ("unit_cost", "Must be greater than or equal to"): "As a text it has no bounds but its pattern's.",
    ("lines", "Must be greater than or equal to"): "The same.",
    ("lines", "Must be greater than 0"): "The same.",
    ("counts", "An item is counted twice"): "No JSON Schema compares what is in a list.",
    ("counts", "Counted "): "JSON Schema does not know what time it is.",
    ("counts", "A whole number"): "It depends on the item's unit.",
    ("file", "It is "): "A media type says nothing of what is in a file.",
    ("file", "Unknown columns"): "The same.",
    ("file", "A column is there twice"): "The same.",
    ("lines", "A whole number"): "As with an item's own quantities: it depends on the unit.",
    ("lines", "One item at two prices"): "No JSON Schema compares what is in a list.",
    ("lines", "The order would be worth too much"): "As with the value of the stock.",
    ("rating", "Must be greater than or equal to"): "The same.",
    ("tax_rate", "Must be greater than or equal to"): "The same.",
    ("approval_tolerance", "Must be greater than or equal to"): "The same.",
    ("percent", "Must be greater than or equal to"): "The same.",
    ("amount", "Must be greater than or equal to"): "The same.",
    ("reason", "Missing data for required field"): "Some kinds of movements need one.",
    ("number", "A number has letters or digits"): "As with plates: patterns know no letters of all scripts.",
    ("barcode", "Not an EAN"): "Check digits are beyond any pattern.",
    ("tax_id", "Not a tax number"): "The same, and its rules are the country's.",
    ("country", "Needed beside a tax number"): "A PATCH may give either, where the other is there already.",
    ("sections", "Each section at most once"): "No JSON Schema compares two elements of a list.",
    ("sections", "At most 200 points"): "Nor adds up the lengths of lists in a list.",
    ("points", "It has no point"): "What an inspection looks at is no matter of a schema.",
    ("points", "Each point at most once"): "No JSON Schema compares two elements of a list.",
    ("point", "The inspection has no such point"): "As with points.",
    ("estimated_price", "Either this, or"): "OpenAPI has no plain word for fields that exclude each other.",
    ("estimated_price", "Must be greater than or equal to"): "As a text it has no bounds but its pattern's.",
    ("parts_price", "Must be greater than or equal to"): "The same.",
    ("service_ticket_id", "Needed with"): "What is needed depends on the state.",
    ("email", "Not a valid email address"): "`format: email` has room for addresses that no mail reaches.",
}

# Refusals of requests that are well-formed: what they bring was never sent by mail, or is a file of no kind that is taken.
UNHEARD_OF = ("code_refused", "invitation_refused", "attachment_type_not_taken")

# How each resource says that it is not there itself. Another code speaks of what the request refers to beside it: the
# customer that a ticket is given to, the item that is to be taken off it.
OWN_REFUSAL = {
    "customers": "customer_not_found",
    "mechanics": "mechanic_not_found",
    "inventory": "item_not_found",
    "vehicles": "vehicle_not_found",
    "inventory/categories": "category_not_found",
    "inventory/markup_rules": "markup_rule_not_found",
    "inventory/suppliers": "supplier_not_found",
    "inventory/cores": "core_not_found",
    "inventory/purchase_orders": "purchase_order_not_found",
    "inventory/stocktakes": "stocktake_not_found",
    "service_tickets": "service_ticket_not_found",
    "canned_jobs": "canned_job_not_found",
    "inspections": "inspection_template_not_found",
    "inspections/templates": "inspection_template_not_found",
    "catalogue/makes": "make_not_found",
    "files": "file_not_found",
    "workshops": "closure_not_found",
    "invitations": "invitation_not_found",
    "roles": "role_not_found",
    "members": "member_not_found",
    "api_keys": "api_key_not_found",
    "admins": "admin_not_found",
    "accounts": "account_not_found",
}

# What a walk cannot have done: the name of the workshop is no example's, and there are open tickets.
NOT_DONE = {
    # They need what chance seldom meets: a line that was not agreed to, its very id, a clock that runs, a bin with parts.
    "POST /service_tickets/{ticket_id}/estimates",
    "POST /service_tickets/{ticket_id}/estimates/{estimate_id}/decision",
    "POST /estimates/{token}",
    "POST /service_tickets/{ticket_id}/clock/start",
    "POST /service_tickets/{ticket_id}/clock/stop",
    "DELETE /service_tickets/{ticket_id}/attachments/{attachment_id}",
    "POST /inventory/stocktakes",
    "POST /auth/login",
    "POST /customers/login",
    "POST /mechanics/login",
    "DELETE /workshops/{workshop_id}",
    "GET /customers/{customer_id}/erasure",  # nobody of those that it looks at is erased for certain
    "POST /auth/refresh",
    "POST /auth/email",  # it needs the password, which the walk may have changed
    "POST /auth/recovery/code",
    "POST /auth/recovery/password",
    "POST /auth/email/confirmation",
    "POST /invitations/preview",
    "POST /invitations/accept",
    # They need a password that the walk may have changed, a challenge, or a code that is good for a minute.
    "POST /auth/login/second_factor",
    "POST /auth/second_factor",
    "POST /auth/second_factor/confirmation",
    "POST /auth/second_factor/recovery_codes",
    "POST /auth/second_factor/removal",
    # Nobody of those whom it finds has an account, let alone a second factor.
    "POST /customers/{customer_id}/unlock",
    "POST /mechanics/{mechanic_id}/unlock",
    "DELETE /customers/{customer_id}/second_factor",
    "DELETE /mechanics/{mechanic_id}/second_factor",
    "DELETE /members/{member_id}/second_factor",
}

INSPECTION = "/service_tickets/{ticket_id}/inspections/{inspection_id}"
OF_A_LINE = "/service_tickets/{ticket_id}/lines/{line_id}"
OF_AN_ESTIMATE = "/service_tickets/{ticket_id}/estimates/{estimate_id}"
NEEDS_WHAT_IS_NEW: set[str] = {
    "DELETE /inventory/categories/{category_id}",
    *(f"{method} {OF_A_LINE}" for method in ("PATCH", "DELETE")),
    *(f"POST {OF_A_LINE}/{action}" for action in ("reserve", "fit", "return", "cores")),
    f"DELETE {OF_A_LINE}/cores/{{core_id}}",
    *(f"POST /inventory/cores/{{core_id}}/{action}" for action in ("return", "credit", "reject")),
    f"GET {OF_AN_ESTIMATE}",
    *(f"POST {OF_AN_ESTIMATE}/{action}" for action in ("send", "withdraw", "decision")),
    "POST /service_tickets/{ticket_id}/lines",
    "POST /service_tickets/{ticket_id}/inventory",
    "POST /service_tickets/{ticket_id}/estimates",
    "POST /estimates/{token}",
    "GET /estimates/{token}",
    "POST /service_tickets/{ticket_id}/inspections",
    *(f"{method} {INSPECTION}" for method in ("GET", "DELETE")),
    *(f"POST {INSPECTION}/{what}" for what in ("points", "finish", "validate", "recommendations")),
    *(f"{method} {INSPECTION}/recommendations/{{recommendation_id}}" for method in ("PATCH", "DELETE")),
    *(
        f"{method} /service_tickets/{{ticket_id}}/progress/{{update_id}}"
        for method in ("GET", "PATCH", "DELETE")
    ),
    "POST /service_tickets/{ticket_id}/progress",
    "POST /service_tickets/{ticket_id}/progress/{update_id}/validate",
    *(
        f"{method} /service_tickets/{{ticket_id}}/comments/{{comment_id}}"
        for method in ("GET", "PATCH", "DELETE")
    ),
    "POST /service_tickets/{ticket_id}/recommendations/{recommendation_id}",
    "GET /vehicles/{vehicle_id}/recommendations/{recommendation_id}",
    "POST /vehicles/{vehicle_id}/recommendations/{recommendation_id}/state",
    "POST /vehicles/{vehicle_id}/restore",
    "DELETE /inventory/{item_id}",
    "POST /inventory/{item_id}/restore",
    "POST /service_tickets/{ticket_id}/status",
    "POST /service_tickets/{ticket_id}/clock/start",
    "POST /service_tickets/{ticket_id}/clock/stop",
    "POST /vehicles/{vehicle_id}/maintenance",
    "PUT /vehicles/{vehicle_id}/maintenance/{maintenance_id}",
    "POST /inventory/purchase_orders/{order_id}/send",
    "POST /inventory/purchase_orders/{order_id}/cancel",
    "POST /inventory/purchase_orders/{order_id}/receipts",
    *ABOUT_DRAFTS,
    "DELETE /inventory/{item_id}/references/{reference_id}",
    "POST /inventory/stocktakes/{stocktake_id}/counts",
    "POST /inventory/stocktakes/{stocktake_id}/post",
    "POST /inventory/stocktakes/{stocktake_id}/cancel",
}


TAKING_FILES = ("/photo", "/attachments", "/imports/parts", "/imports/suppliers", "/imports/stock")


@dataclass
class Walker:
    """Who walks: their token, and rows of their shop for the requests to refer to."""

    app: Flask
    role: str
    shop: Shop
    rows: dict[str, list[Any]] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=itertools.count)
    photo: bytes = picture(size=(8, 8))
    session_id: int = 0
    ended: bool = True
    vins: list[str] = field(default_factory=list)
    standing_role: int = 0
    sheet_item: int = 0

    def __post_init__(self) -> None:
        self.admin = make_admin(self.app)
        mechanics = [self.shop.make_mechanic().id for _ in range(ROWS)]
        items = [self.shop.make_part(on_hand=1000, sku=f"W-{number}").id for number in range(ROWS)]
        tickets = [self.shop.make_ticket()["id"] for _ in range(ROWS)]
        for ticket, mechanic, item in zip(tickets, mechanics, items, strict=True):
            edit = {"add_mechanic_ids": [mechanic], "add_item_ids": [item]}
            assert self.shop.owner.put(f"/service_tickets/{ticket}/edit", json=edit).status_code == 200
        listed = {"listed": True}
        assert self.shop.owner.patch(f"/workshops/{self.shop.id}", json=listed).status_code == 200
        themselves = [self.shop.customer_id]
        customers = (
            themselves if self.role == "customer" else [self.shop.make_customer().id for _ in range(ROWS)]
        )
        with self.shop.inside():
            for customer_id in customers:
                photos.put(self.shop.id, customer_id, self.photo)
        self.standing_role = self.shop.make_role().id  # that no request removes: none refers to it
        cars = [self.shop.make_vehicle() for _ in range(ROWS)]
        vehicles, self.vins = [car.id for car in cars], [car.vin for car in cars]
        self.rows = {
            "customer_id": customers,
            "mechanic_id": mechanics,
            "item_id": items,
            "category_id": [self.shop.make_category().id for _ in range(ROWS)],
            "rule_id": [self.shop.make_markup_rule().id for _ in range(ROWS)],
            "reference_id": [1],
            "replaced_by_id": [self.shop.make_part().id for _ in range(3)],  # which nothing replaces
            "supplier_id": [self.shop.make_supplier().id for _ in range(ROWS)],
            "order_id": [self._order(item) for item in items],
            "stocktake_id": [self._stocktake(self._binned(number)) for number in range(ROWS)],
            "ticket_id": tickets,
            "vehicle_id": vehicles,
            "maintenance_id": [self._maintenance(vehicle) for vehicle in vehicles],
            "template_id": [self._template(number) for number in range(ROWS)],
            "canned_job_id": [self._canned_job(number) for number in range(ROWS)],
            "inspection_id": [1],
            "recommendation_id": [1],
            "update_id": [1],
            "comment_id": [1],
            "make_id": [1, 2, 3],
            "workshop_id": [make_shop(self.app).id for _ in range(2)]
            if self.role == "admin"
            else [self.shop.id],
            "closure_id": [self._closure(number) for number in range(ROWS)],
            "attachment_id": [self.shop.make_attachment(ticket).id for ticket in tickets],
            "entry_id": [
                self.shop.make_clock_entry(ticket, mechanic_id=mechanic).id
                for ticket, mechanic in zip(tickets, mechanics, strict=True)
            ],
            "notification_id": [self.shop.make_dead_letter() for _ in range(ROWS)],
            "role_id": [self.shop.make_role().id for _ in range(ROWS)],
            "member_id": [
                self.shop.make_staff(role=role).member_id for role in [self.shop.make_role()] * ROWS
            ],
            "key_id": [self._key() for _ in range(ROWS)],
            "session_id": [self._session() for _ in range(ROWS)],
            "invitation_id": [self._invitation() for _ in range(ROWS)],
            "admin_id": [self._account_id(make_admin(self.app)) for _ in range(ROWS)],
            "account_id": [self._account_id(make_admin(self.app)) for _ in range(ROWS)],
            "token": [self._token() for _ in range(ROWS)],
            "line_id": [1],
            "core_id": [self._exchanged(self.shop.make_ticket()["id"])["core_id"] for _ in range(ROWS)],
            "estimate_id": [1],
        }

    def _account_id(self, caller: Caller) -> int:
        assert caller.principal is not None
        return caller.principal.account_id

    def _caller(self) -> Caller:
        caller: Caller = self.admin if self.role == "admin" else getattr(self.shop, self.role)
        return caller

    def _token(self) -> str:
        """What a link to somebody's photo ends with; of those whose photos the walk takes away it would soon lead nowhere."""
        with self.shop.inside():
            kept = photos.put(self.shop.id, self.shop.make_customer().id, self.photo)
            return files.link(kept).token

    def _session(self) -> int:
        caller = self.shop.owner if self.role == "nobody" else self._caller()
        with self.app.app_context():
            return sessions.begin(caller.principal).principal.session_id

    def _invitation(self) -> int:
        made = self.shop.owner.post(f"/customers/{self.shop.make_customer().id}/invitation")
        invitation: int = made.json["id"]
        return invitation

    def _order(self, item: int, *, placed: bool = True) -> int:
        supplier = self.shop.make_supplier(email="sales@parts.example.com").id
        made: int = self.shop.make_order(item, supplier_id=supplier, placed=placed)["id"]
        return made

    def _binned(self, number: int) -> str:
        """Put something into a bin of its own: a part is on one open sheet."""
        place = f"W-{number}-"
        self.sheet_item = self.shop.make_part(on_hand=5, bin=place).id
        return place

    def _stocktake(self, place: str) -> int:
        with self.shop.inside():
            made: int = stocktakes.open_sheet(self.shop.id, bin=place)["id"]
        return made

    def _maintenance(self, vehicle: int) -> int:
        assert self.shop.owner.principal is not None
        due = {"title": "Oil change", "every_months": 12, "last_done_on": date(2026, 3, 2)}
        with self.shop.inside():
            made: int = maintenance.add(self.shop.owner.principal, vehicle, **due)["id"]
        return made

    def _key(self) -> int:
        made = self.shop.owner.post("/api_keys", json={"name": "Export", "scopes": ["inventory:read"]})
        key: int = made.json["id"]
        return key

    def _suspended(self, model: type[Workshop | Account], row_id: int) -> int:
        """Suspend by no request: the walk may have ended any admin's session."""
        with self.app.app_context(), atomic() as session:
            row = session.get_one(model, row_id)
            row.suspended_at, row.suspension_reason = clock.now(), "Unpaid"
        return row_id

    def _closure(self, number: int) -> int:
        day = f"2019-{1 + number // 12:02}-{1 + number % 12:02}"
        made = self.shop.owner.post(
            f"/workshops/{self.shop.id}/closures", json={"first_day": day, "last_day": day}
        )
        closure: int = made.json["id"]
        return closure

    def token(self, case: Case) -> str | None:
        """Return the token to send; whoever erases themselves is somebody else, so that the walk goes on."""
        if self.role == "nobody":
            return None
        if self.role == "customer" and case.operation.label == "DELETE /customers":
            return make_shop(self.app).customer.token
        caller = self._caller()
        assert caller.principal is not None
        if (
            self.ended
        ):  # what went before may have ended the session: random ids are small, and so are real ones
            self.session_id = self._session()
        self.ended = case.path.startswith("/auth")
        with self.app.app_context():
            return issue_token(replace(caller.principal, session_id=self.session_id))[0]

    def aim(self, case: Case) -> Case:
        """Let two in three requests refer to what exists, and not end before they come to what is asked of them.

        In a chain of requests the links say what to refer to.
        """
        number, meta = next(self.numbers), case.meta
        assert meta is not None
        if meta.generation.mode.is_positive:
            self._pass_preconditions(case, number)
            self._keep_the_slug(case, number)
            self._keep_the_staff_at_work(case)
        self._spare_who_walks(case, number)
        if number % 3 == 0:
            return case
        chained = meta.phase.name == TestPhase.STATEFUL
        if case.path_parameters and not chained and not meta.is_negative_at(ParameterLocation.PATH):
            case.path_parameters = {name: self._existing(name, number) for name in case.path_parameters}
        if case.operation.label == "POST /workshops/{workshop_id}/reinstate" and self.role == "admin":
            case.path_parameters = {"workshop_id": self._suspended(Workshop, make_shop(self.app).id)}
        if case.operation.label == "POST /accounts/{account_id}/reinstate" and self.role == "admin":
            account_id = self._account_id(make_admin(self.app))
            case.path_parameters = {"account_id": self._suspended(Account, account_id)}
        if case.operation.label == "PUT /members/{member_id}/role" and self.role == "owner":
            case.path_parameters = {
                "member_id": self.shop.make_staff().member_id
            }  # who did not leave meanwhile
        if case.operation.label in NEEDS_WHAT_IS_NEW and meta.generation.mode.is_positive:
            case.path_parameters |= self._new(
                case.path_parameters,
                archived=case.path.endswith("/restore"),
                drafts=case.operation.label in ABOUT_DRAFTS,
                sent=case.path.endswith("/credit"),
            )
        if meta.generation.mode.is_positive:
            self._ask_for_what_is_there(case, number)
        if isinstance(case.body, dict) and meta.generation.mode.is_positive:
            case.body = self._aimed(case.path, case.body, number)
        return case

    def _ask_for_what_is_there(self, case: Case, number: int) -> None:
        asked = {
            "GET /inventory/lookup": {"code": f"W-{number % ROWS}"},
            "GET /inventory/labels": {"items": str(self._existing("item_id", number))},
        }
        if case.operation.label in asked:
            case.query = {**(case.query or {}), **asked[case.operation.label]}
        if case.operation.label == "GET /mechanics/{mechanic_id}/clock" and number % 2:
            case.query, case.path_parameters = {}, {"mechanic_id": self.shop.mechanic_id}  # one's own

    def _new(
        self, names: Iterable[str], *, archived: bool, drafts: bool, sent: bool = False
    ) -> dict[str, Any]:
        """Make what the parameters of a path name: of what was there the walk has finished or archived much."""
        keeper = self.shop.customer_id if self.role == "customer" else self.shop.make_customer().id
        made: dict[str, Any] = {}
        if "ticket_id" in names:
            made["ticket_id"] = self.shop.make_ticket(customer_id=keeper)["id"]
        if "token" in names:
            made["ticket_id"] = self.shop.make_ticket(customer_id=keeper)["id"]
        made |= self._lines(names, made.get("ticket_id"), sent=sent)
        if {"estimate_id", "token"} & set(names):
            made["estimate_id"] = self._estimate(made["ticket_id"])
            with self.app.app_context():
                made["token"] = links.token_of(self.shop.id, made["estimate_id"])
        made |= self._stocked(names, drafts=drafts)
        if "vehicle_id" in names:
            made["vehicle_id"] = self.shop.make_vehicle(customer_id=keeper).id
        made |= self._said(names, keeper, made)
        if "item_id" in names:
            made.setdefault("item_id", self.shop.make_part().id)
        if archived:
            self._archive(made)
        if "maintenance_id" in names:
            made["maintenance_id"] = self._maintenance(made["vehicle_id"])
        return {name: value for name, value in made.items() if name in names}

    def _stocked(self, names: Iterable[str], *, drafts: bool) -> dict[str, int]:
        """Make what hangs on a new item."""
        made = {}
        if "category_id" in names:
            made["category_id"] = self.shop.make_category().id
        if "order_id" in names:
            made["order_id"] = self._order(self.shop.make_part(on_hand=0).id, placed=not drafts)
        if "stocktake_id" in names:
            made["stocktake_id"] = self._stocktake(self._binned(20_000 + next(self.numbers)))
        if "reference_id" in names:
            made["item_id"] = self.shop.make_part().id
            made["reference_id"] = self.shop.make_reference(made["item_id"]).id
        return made

    def _lines(self, names: Iterable[str], ticket_id: int | None, *, sent: bool) -> dict[str, int]:
        if "core_id" in names:
            keeper = self.shop.make_customer().id
            return self._exchanged(ticket_id or self.shop.make_ticket(customer_id=keeper)["id"], sent=sent)
        if {"line_id", "estimate_id", "token"} & set(names):
            assert ticket_id is not None
            return {"line_id": self._line(ticket_id)}
        return {}

    def _line(self, ticket_id: int) -> int:
        """Put a part on a ticket that is there, of which one is fitted and one is not."""
        owner = self.shop.owner.principal
        assert owner is not None
        exchange = self.shop.make_part(on_hand=9, core_charge=Decimal("45.00")).id
        part = {"kind": "part", "item_id": exchange, "quantity": Decimal(2)}
        with self.shop.inside():
            line_id: int = work.add_lines(owner, ticket_id, [part])["lines"][0]["id"]
            fitting.fit_line(owner, ticket_id, line_id, Decimal(1))
            moving.change_status(owner, ticket_id, "received")
        return line_id

    def _exchanged(self, ticket_id: int, *, sent: bool = False) -> dict[str, int]:
        """Fit a part on a ticket, and keep the old one on the shelf, or send it to a supplier."""
        owner, part = self.shop.owner.principal, self.shop.make_part(core_charge=Decimal("45.00")).id
        assert owner is not None
        with self.shop.inside():
            fitted = fitting.add_parts(owner, ticket_id, [{"item_id": part, "quantity": Decimal(1)}])
            line_id: int = fitted["lines"][-1]["id"]
            cores.settle(owner, ticket_id, line_id, "held")
            core_id: int = core_reading.find(self.shop.id, paging.Walk("-id", 1)).rows[0]["id"]
            if sent:
                returning.send_back(self.shop.id, core_id, supplier_id=self.shop.make_supplier().id)
        return {"line_id": line_id, "core_id": core_id}

    def _estimate(self, ticket_id: int) -> int:
        assert self.shop.owner.principal is not None
        with self.shop.inside():
            return estimates.offer(self.shop.owner.principal, ticket_id, valid_days=7, message=None).id

    def _said(self, names: Iterable[str], keeper: int, made: dict[str, int]) -> dict[str, int]:
        """Make what hangs on a new ticket, validated for a customer, to whom it is shown then, and for nobody else.

        By no request, as with whoever is suspended.
        """
        assert self.shop.owner.principal is not None
        by, shown = self.shop.owner.principal, self.role == "customer"
        ticket_id = made.get("ticket_id") or self.shop.make_ticket(customer_id=keeper)["id"]
        said: dict[str, int] = {}
        with self.shop.inside():
            if {"inspection_id", "recommendation_id"} & set(names):
                inspection = inspections.begin(by, ticket_id)
                advice = {
                    "description": "Pads",
                    "urgency": "soon",
                    "point": None,
                    "estimated_price": Decimal(1),
                }
                found = recommending.add(by, ticket_id, inspection["id"], **advice)
                said |= {"inspection_id": inspection["id"], "recommendation_id": found.id}
                if "vehicle_id" in names:
                    said["vehicle_id"] = found.vehicle_id
                if shown:
                    inspections.validate(by, ticket_id, inspection["id"])
            if "update_id" in names:
                said["update_id"] = progress.write(by, ticket_id, "The pads are off.")["id"]
                if shown:
                    progress.validate(by, ticket_id, said["update_id"])
            if "comment_id" in names:
                said["comment_id"] = comments.write(by, ticket_id, "In a hurry.").id
        return said

    def _archive(self, made: dict[str, Any]) -> None:
        if "item_id" in made:
            self.shop.take_out(made["item_id"])
        else:
            with self.shop.inside(), atomic() as session:
                session.get_one(Vehicle, made["vehicle_id"]).archived_at = clock.now()

    def _canned_job(self, number: int) -> int:
        fee = {"kind": "fee", "description": "Fee", "item_id": None, "quantity": 1, "unit_price": Decimal(5)}
        with self.shop.inside():
            made: int = canned_jobs.add(self.shop.id, name=f"Job {number}", lines=[fee])["id"]
        return made

    def _template(self, number: int) -> int:
        with self.shop.inside():
            sections = [{"name": "Brakes", "points": ["Pads", "Discs"]}]
            made = templates.add(self.shop.id, name=f"Short {number}", standard=False, sections=sections)
            template: int = made["id"]
        return template

    def _spare_who_walks(self, case: Case, number: int) -> None:
        """Who is suspended or taken away, and whose workshop is, walks on no more: random ids are small, and so are theirs."""
        own = {
            "member_id": self.shop.owner.member_id,
            "workshop_id": self.shop.id if self.role == "admin" else None,
            "admin_id": self._account_id(self.admin),
        }
        accounts = {self._account_id(caller) for caller in (self.admin, self.shop.owner)}
        for name, value in (case.path_parameters or {}).items():
            if value == own.get(name, "") or (name == "account_id" and value in accounts):
                case.path_parameters = {name: self._existing(name, number)}

    def _pass_preconditions(self, case: Case, number: int) -> None:
        """A key that came before with another body, and a version or a cursor that is made up, would hide all the rest."""
        if "Idempotency-Key" in case.headers:
            case.headers["Idempotency-Key"] = f"walk-{number}"
        if "If-Match" in case.headers and number % 5:
            case.headers["If-Match"] = "*"
        if case.query:
            case.query.pop("cursor", None)

    def _keep_the_slug(self, case: Case, number: int) -> None:
        """All other requests name the workshop by it; one that is opened for its owner needs its own."""
        if isinstance(case.body, dict) and case.body.get("slug"):
            case.body["slug"] = f"walk-{number}" if case.path == "/workshops" else self.shop.slug

    def _keep_the_staff_at_work(self, case: Case) -> None:
        """Who is asked for a second factor may do nothing else."""
        if isinstance(case.body, dict) and "second_factor_for_staff" in case.body:
            case.body["second_factor_for_staff"] = False

    def _existing(self, name: str, number: int) -> Any:
        known = self.rows[name]
        return known[number % len(known)]

    def _at_a_car(self, path: str, aimed: dict[str, Any], number: int) -> dict[str, Any]:
        """A new car has one keeper and a number that nobody has; that of one which is there no customer changes."""
        if path == "/vehicles":
            aimed = {name: value for name, value in aimed.items() if name != "customer"}
            aimed |= {"VIN": unique_vin(), "customer_id": self._existing("customer_id", number)}
            return aimed | ({"odometer_unit": "km"} if "odometer" in aimed else {})
        return aimed | ({"VIN": self.vins[number % len(self.vins)]} if "VIN" in aimed else {})

    def _an_order(self, number: int) -> dict[str, Any]:
        lines = [{"item_id": self._existing("item_id", number), "quantity": 1}]
        return {"supplier_id": self._existing("supplier_id", number), "lines": lines}

    def _aimed(self, path: str, body: dict[str, Any], number: int) -> dict[str, Any]:
        aimed = {
            name: self._existing(name, number) if name in self.rows else value for name, value in body.items()
        }
        if path == "/inventory/stocktakes" and number % 2:
            return {"bin": self._binned(number + 10_000)}
        whole = {
            "/customers/{customer_id}/photo": (True, {"photo": self.photo}),
            "/service_tickets/{ticket_id}/attachments": (True, {"file": self.photo}),
            "/inventory/{item_id}/movements": (
                number % 2,
                {"kind": "purchase", "quantity": 1},
            ),  # more may always come
            "/inventory/purchase_orders": (number % 2, self._an_order(number)),
            "/inventory/purchase_orders/{order_id}": (number % 2, self._an_order(number)),
            "/inventory/purchase_orders/{order_id}/place": (number % 2, {"below_minimum": True}),
            "/inventory/purchase_orders/{order_id}/receipts": (number % 2, {"delivery_note": "4711"}),
            "/inventory/imports/parts": (True, {"file": b"sku,name,price\nW-1,Oil Filter,9.50\n"}),
            "/inventory/imports/suppliers": (True, {"file": f"name\nWalk {number}\n".encode()}),
            "/inventory/imports/stock": (True, {"file": b"sku,on_hand\nW-1,1000\n"}),
            "/inventory/stocktakes/{stocktake_id}/counts": (
                number % 2,
                {"counts": [{"item_id": self.sheet_item, "quantity": 4}]},
            ),
            "/inventory/stocktakes/{stocktake_id}/post": (number % 2, {"leave_uncounted": True}),
            "/vehicles/{vehicle_id}/maintenance": (number % 2, OIL_CHANGE),
            "/vehicles/{vehicle_id}/maintenance/{maintenance_id}": (number % 2, OIL_CHANGE),
            f"{INSPECTION}/points": (number % 2, {"points": [{"place": 1, "condition": "red"}]}),
            f"{INSPECTION}/recommendations": (number % 2, ADVICE),
            f"{INSPECTION}/recommendations/{{recommendation_id}}": (number % 2, {"urgency": "now"}),
            "/service_tickets/{ticket_id}/lines": (number % 4 > 0, FEES[0]),
            "/service_tickets/{ticket_id}/inventory": (
                number % 4 > 0,
                {"item_id": self._existing("item_id", number), "quantity": 1},
            ),
            "/invitations": (
                number % 2,
                {"role": "owner", "email": f"walk-{number}@example.com", "name": "Jane Wrench"},
            ),
            f"{OF_A_LINE}/cores": (number % 2, {"outcome": "held"}),
            "/inventory/cores/{core_id}/return": (
                number % 2,
                {"supplier_id": self._existing("supplier_id", number)},
            ),
            "/inventory/cores/{core_id}/credit": (number % 2, {"amount": 45}),
            "/inventory/cores/{core_id}/reject": (number % 2, {"reason": "Cracked."}),
            "/canned_jobs": (number % 2, {"name": f"Walk {number}", "lines": FEES}),
            "/canned_jobs/{canned_job_id}": (number % 2, {"name": f"Walk {number}", "lines": FEES}),
            "/inspections/templates": (number % 2, {"name": f"Walk {number}", "sections": SECTIONS}),
            "/inspections/templates/{template_id}": (
                number % 2,
                {"name": f"Walk {number}", "sections": SECTIONS},
            ),
            "/vehicles/{vehicle_id}/recommendations/{recommendation_id}/state": (
                number % 2,
                {"state": "declined"},
            ),
            "/service_tickets/{ticket_id}/inspections": (number % 2, {}),
            "/members/{member_id}/role": (number % 3 == 1, {"role": "staff", "role_id": self.standing_role}),
        }
        applies, ready = whole.get(path, (False, {}))
        if applies:
            return ready
        if path.endswith("/login"):
            aimed |= {"email": self.shop.owner.email, "password": PASSWORD}
        elif path.startswith(
            ("/customers", "/mechanics", "/admins")
        ):  # what nobody else has, and what is long enough
            fitting = {"email": f"walk-{number}@example.com", "phone": f"5{number:09d}", "password": PASSWORD}
            aimed |= {name: value for name, value in fitting.items() if aimed.get(name)}
        elif path in ("/vehicles", "/vehicles/{vehicle_id}"):
            aimed = self._at_a_car(path, aimed, number)
        elif path == "/auth/register":
            slug = f"walk-{self.role}-{number}"
            aimed |= {"email": f"{slug}@example.com", "password": PASSWORD}
            aimed["workshop"] = {**body["workshop"], "slug": slug}
        elif path == "/auth/switch":
            aimed["workshop"] = self.shop.slug
        elif path == "/auth/email":
            aimed |= {"email": f"walk-{number}@example.com", "present_password": PASSWORD}
        elif path.endswith("/status") and (self.role == "customer" or number % 2):
            aimed["status"] = "cancelled"  # the only step that is a customer's
        return aimed


@dataclass
class Walk:
    """What a walk met: failures, each with the request that brings it about, and the statuses of each operation."""

    failures: dict[tuple[Any, ...], str] = field(default_factory=dict)
    statuses: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def go(self, schema: BaseSchema) -> None:
        for event in engine.from_schema(schema).execute():
            self.note(event)

    def note(self, event: Any) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            error = event.value if isinstance(event, events.NonFatalError) else event.exception
            self.failures[type(error), str(error)] = "".join(traceback.format_exception(error))
        if isinstance(event, events.ScenarioFinished):
            for name, node in event.recorder.cases.items():
                self._note_request(event.recorder, name, node.value)

    def _note_request(self, recorder: Any, name: str, case: Case) -> None:
        label = case.operation.label
        interaction = recorder.interactions.get(name)
        answer = interaction.response if interaction else None
        if answer is not None and answer.request.method == case.operation.method.upper():
            self.statuses[label].add(answer.status_code)
        for check in recorder.checks.get(name, ()):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                told = f"{answer.status_code} {answer.text[:600]}" if answer is not None else "no answer"
                key = (check.name, label, failure.title, failure.message)
                self.failures.setdefault(key, f"{label}: {failure}\n{check.failure_info.code_sample}\n{told}")

    def done(self) -> set[str]:
        """Return the operations that were done at least once."""
        return {label for label, statuses in self.statuses.items() if statuses & {200, 201, 202}}


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeating a request without its token, schemathesis hands its in-process transport what is only for sockets."""
    send = WSGITransport.send

    def without_sockets(self: WSGITransport, case: Case, **options: Any) -> Response:
        for name in ("max_redirects", "verify", "cert", "proxies"):
            options.pop(name, None)
        return send(self, case, **options)

    monkeypatch.setattr(WSGITransport, "send", without_sockets)


@pytest.fixture
def many_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A walker changes its address far oftener than anybody is let."""
    monkeypatch.setattr(codes, "MOST_AN_HOUR", 10**6)


def prepared(walker: Walker, examples: int) -> BaseSchema:
    """Return the committed document, set up for a walk with every check that schemathesis has."""
    schema = schemathesis.openapi.from_path(document.PATH, config=Config(seed=SEED))
    schema.app = walker.app
    config = schema.config
    config.headers = {"X-Workshop": walker.shop.slug}  # the tests' installation has several
    config.generation.update(deterministic=True, max_examples=examples)
    config.phases.coverage.enabled = False  # the edges of the schemas, which have walks of their own
    for check in (config.checks.negative_data_rejection, config.checks.positive_data_acceptance):
        # An If-Match that is made up. Of a request that is wrong otherwise too, either fault may be told.
        check.expected_statuses = [*check.expected_statuses, "412", "429"]

    class Token:
        def get(self, case: Case, context: Any) -> str | None:
            return walker.token(case)

        def set(self, case: Case, data: str, context: Any) -> None:
            case.headers["Authorization"] = f"Bearer {data}"

    schema.auth(refresh_interval=None)(Token)

    @schema.hook
    def map_case(context: Any, case: Case) -> Case:
        return walker.aim(case)

    @schema.hook
    def filter_failure(context: Any, failure: Failure, case: Case, response: Response) -> bool:
        if isinstance(failure, AcceptedNegativeData) and case.path.endswith(TAKING_FILES):
            return False  # whose bytes are a picture's or a table's, and no text as a JSON Schema knows it
        if isinstance(failure, EnsureResourceAvailability):
            told: str = response.json().get("code", "")
            _, first, second, *_ = [*case.path.split("/"), ""]
            return told == OWN_REFUSAL.get(f"{first}/{second}", OWN_REFUSAL[first])
        return not (isinstance(failure, RejectedPositiveData) and is_beyond_the_document(response))

    return schema


def is_beyond_the_document(answer: Response) -> bool:
    """Tell whether every fault that a refusal names is one that the document has no words for."""
    if answer.json().get("code") in UNHEARD_OF:
        return True
    named = answer.json().get("errors") or {}
    faults = [(name.partition(".")[0], message) for name, messages in named.items() for message in messages]
    return bool(faults) and all(
        any(message.startswith(begins) and known in ("*", name) for known, begins in BEYOND_THE_DOCUMENT)
        for name, message in faults
    )


def open_to(role: str) -> set[str]:
    """Return the operations that the access matrix opens to somebody, as the document calls them."""
    documented = (row for row in rows() if not row.path.startswith(document.UNDOCUMENTED))
    return {str(row) for row in documented if row.opens_to(role)}


@pytest.mark.parametrize("role", ["owner", "customer"])  # whom all staff share them with, and who is none
@pytest.mark.usefixtures("in_process", "many_codes")
def test_no_answer_at_the_edges_of_a_schema_is_outside_the_document(
    app: Flask, shop: Shop, role: str
) -> None:
    walk, schema = Walk(), prepared(Walker(app, role, shop), EXAMPLES)
    for phase in ("examples", "fuzzing", "stateful"):
        getattr(schema.config.phases, phase).enabled = False
    schema.config.phases.coverage.enabled = True

    walk.go(schema.include(lambda context: context.operation.label in open_to(role)))

    assert not walk.failures, "\n\n".join(walk.failures.values())
    assert open_to(role) <= set(walk.statuses)


@pytest.mark.parametrize("role", ["owner", "mechanic", "customer", "nobody", "admin"])
@pytest.mark.usefixtures("in_process", "many_codes")
def test_no_answer_is_outside_the_document(app: Flask, shop: Shop, role: str) -> None:
    walk = Walk()

    walk.go(prepared(Walker(app, role, shop), EXAMPLES))
    for again in range(1, ROUNDS):
        # What a row was when chance came to it depends on the rest: another shop has all of its rows still.
        if left := open_to(role) - walk.done() - NOT_DONE:
            more = prepared(Walker(app, role, make_shop(app)), EXAMPLES * 2**again)
            more.config.phases.stateful.enabled = False
            more.config.generation.update(modes=[GenerationMode.POSITIVE])
            walk.go(more.include(lambda context, left=left: context.operation.label in left))

    assert not walk.failures, "\n\n".join(walk.failures.values())
    assert open_to(role) - walk.done() - NOT_DONE == set()
