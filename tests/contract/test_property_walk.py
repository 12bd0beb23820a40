"""The whole document, walked with generated requests (schemathesis) by an owner, a mechanic, a customer and nobody.

Its examples, the edges of every schema, random requests, and chains of requests that follow the document's links; with
data that the document allows and with data that it forbids. No answer may be a server's error or outside the document,
forbidden data must be refused and allowed data taken, and each operation must have done its work for each who may call it.

    python -m pytest -m property                          # on a fresh SQLite database, or on TEST_DATABASE_URL's
    PROPERTY_EXAMPLES=200 python -m pytest -m property    # the same walk, further

The seed is fixed, so the same requests are made each time.
"""

from __future__ import annotations

import itertools
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import pytest
import schemathesis.openapi
from flask import Flask
from schemathesis import Case, Config, Response, engine
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.core.parameters import ParameterLocation
from schemathesis.engine import events
from schemathesis.generation.meta import TestPhase
from schemathesis.openapi.checks import EnsureResourceAvailability, RejectedPositiveData
from schemathesis.schemas import BaseSchema
from schemathesis.transport.wsgi import WSGITransport

from app.blueprints.accounts import sessions
from app.blueprints.accounts.models import Account
from app.blueprints.customers import photos
from app.blueprints.vehicles import maintenance
from app.blueprints.workshops.models import Workshop
from app.core import clock, files
from app.core.db import atomic
from app.core.identity import issue_token
from tests import document
from tests.factories import PASSWORD, Caller, Shop, make_admin, make_shop, unique_vin
from tests.pictures import picture
from tests.security.matrix import rows
from tests.security.situation import OIL_CHANGE

pytestmark = pytest.mark.property

EXAMPLES = int(os.environ.get("PROPERTY_EXAMPLES", "10"))
SEED = 20260302
ROWS = 24  # of each kind, for requests to refer to: walking deletes some

# The refusals of requests that the document allows, each with the reason why it cannot say more:
# (the field that is refused, how the message begins) → why.
BEYOND_THE_DOCUMENT: dict[tuple[str, str], str] = {
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
    (
        "customer_id",
        "Missing data for required field",
    ): "Staff name a keeper, or bring one; a customer need not.",
    ("odometer_unit", "Needed with"): "OpenAPI has no plain word for fields that need each other.",
    ("year", "From 1886 to"): "JSON Schema does not know what year it is.",
    ("read_at", "From 1900 on"): "Nor what time; and it has no bounds of instants.",
    ("every_months", "Needed, or"): "Of a time and a distance one at least is needed.",
    (
        "every_distance",
        "Needed with a distance",
    ): "OpenAPI has no plain word for fields that need each other.",
    ("last_done_on", "In the future"): "JSON Schema does not know what day it is.",
    ("plate", "A plate has letters or digits"): "JSON Schema's patterns know no letters of all scripts.",
    (
        "*",
        "A whole number: it is not counted",
    ): "No JSON Schema lets one field's unit say what another may be.",
    ("quantity", "Missing data for required field"): "It is needed with all kinds of movements but one.",
    ("quantity", "Above 0, but for an adjustment"): "What it may be depends on the kind.",
    ("quantity", "More than"): "How many are there already is no matter of a schema.",
    ("unit_cost", "Missing data for required field"): "It is needed with a revaluation.",
    ("unit_cost", "The stock would be worth too much"): "As with the quantity.",
    ("unit_cost", "Must be greater than or equal to"): "As a text it has no bounds but its pattern's.",
    ("rating", "Must be greater than or equal to"): "The same.",
    ("tax_rate", "Must be greater than or equal to"): "The same.",
    ("reason", "Missing data for required field"): "Some kinds of movements need one.",
    ("barcode", "Not an EAN"): "Check digits are beyond any pattern.",
    ("tax_id", "Not a tax number"): "The same, and its rules are the country's.",
    ("country", "Needed beside a tax number"): "A PATCH may give either, where the other is there already.",
    ("email", "Not a valid email address"): "`format: email` has room for addresses that no mail reaches.",
}

# Refusals of requests that are well-formed: what they bring was never sent by mail.
UNHEARD_OF = ("code_refused", "invitation_refused")

# How each resource says that it is not there itself. Another code speaks of what the request refers to beside it: the
# customer that a ticket is given to, the item that is to be taken off it.
OWN_REFUSAL = {
    "customers": "customer_not_found",
    "mechanics": "mechanic_not_found",
    "inventory": "item_not_found",
    "vehicles": "vehicle_not_found",
    "inventory/categories": "category_not_found",
    "inventory/suppliers": "supplier_not_found",
    "service_tickets": "service_ticket_not_found",
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
}

NEEDS_WHAT_IS_NEW = {
    "POST /service_tickets/{ticket_id}/status",
    "POST /vehicles/{vehicle_id}/maintenance",
    "PUT /vehicles/{vehicle_id}/maintenance/{maintenance_id}",
}


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
            "supplier_id": [self.shop.make_supplier().id for _ in range(ROWS)],
            "ticket_id": tickets,
            "vehicle_id": vehicles,
            "maintenance_id": [self._maintenance(vehicle) for vehicle in vehicles],
            "workshop_id": [make_shop(self.app).id for _ in range(2)]
            if self.role == "admin"
            else [self.shop.id],
            "closure_id": [self._closure(number) for number in range(ROWS)],
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
        if case.operation.label in NEEDS_WHAT_IS_NEW and not meta.is_negative_at(ParameterLocation.PATH):
            case.path_parameters |= self._new(case.path_parameters)
        if case.operation.label == "GET /inventory/lookup" and meta.generation.mode.is_positive:
            case.query = {**(case.query or {}), "code": f"W-{number % ROWS}"}
        if isinstance(case.body, dict) and meta.generation.mode.is_positive:
            case.body = self._aimed(case.path, case.body, number)
        return case

    def _new(self, names: Iterable[str]) -> dict[str, int]:
        """Make what the parameters of a path name: of what was there the walk has finished or archived much."""
        keeper = self.shop.customer_id if self.role == "customer" else self.shop.make_customer().id
        made = {}
        if "ticket_id" in names:
            made["ticket_id"] = self.shop.make_ticket(customer_id=keeper)["id"]
        if "vehicle_id" in names:
            made["vehicle_id"] = self.shop.make_vehicle(customer_id=keeper).id
        if "maintenance_id" in names:
            made["maintenance_id"] = self._maintenance(made["vehicle_id"])
        return made

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

    def _aimed(self, path: str, body: dict[str, Any], number: int) -> dict[str, Any]:
        aimed = {
            name: self._existing(name, number) if name in self.rows else value for name, value in body.items()
        }
        whole = {
            "/customers/{customer_id}/photo": (True, {"photo": self.photo}),
            "/inventory/{item_id}/movements": (
                number % 2,
                {"kind": "purchase", "quantity": 1},
            ),  # more may always come
            "/vehicles/{vehicle_id}/maintenance": (number % 2, OIL_CHANGE),
            "/vehicles/{vehicle_id}/maintenance/{maintenance_id}": (number % 2, OIL_CHANGE),
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

    def note(self, event: Any) -> None:
        if isinstance(event, events.NonFatalError | events.FatalError):
            error = event.value if isinstance(event, events.NonFatalError) else event.exception
            self.failures[type(error), str(error)] = repr(error)
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


def prepared(walker: Walker) -> BaseSchema:
    """Return the committed document, set up for a walk with every check that schemathesis has."""
    schema = schemathesis.openapi.from_path(document.PATH, config=Config(seed=SEED))
    schema.app = walker.app
    config = schema.config
    config.headers = {"X-Workshop": walker.shop.slug}  # the tests' installation has several
    config.generation.update(deterministic=True, max_examples=EXAMPLES)
    # The edges of the schemas are the same for all staff: they are walked as an owner.
    config.phases.coverage.enabled = walker.role in ("owner", "customer")
    for check in (config.checks.negative_data_rejection, config.checks.positive_data_acceptance):
        # An If-Match that is made up. Of a request that is wrong otherwise too, either fault may be told.
        check.expected_statuses = [*check.expected_statuses, "412"]

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
        if isinstance(failure, AcceptedNegativeData) and case.path.endswith("/photo"):
            return False  # whose bytes are a picture's, and no text as a JSON Schema knows it
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
    faults = [(name, message) for name, messages in named.items() for message in texts(messages)]
    return bool(faults) and all(
        any(message.startswith(begins) and known in ("*", name) for known, begins in BEYOND_THE_DOCUMENT)
        for name, message in faults
    )


def texts(messages: Any) -> Iterator[str]:
    """Yield the messages of a field, however deep in its lists they are."""
    for inner in messages.values() if isinstance(messages, dict) else messages:
        if isinstance(inner, str):
            yield inner
        else:
            yield from texts(inner)


@pytest.mark.parametrize("role", ["owner", "mechanic", "customer", "nobody", "admin"])
def test_no_answer_is_outside_the_document(app: Flask, shop: Shop, role: str, in_process: None) -> None:
    schema = prepared(Walker(app, role, shop))
    open_to = {
        str(row) for row in rows() if row.opens_to(role) and not row.path.startswith(document.UNDOCUMENTED)
    }

    walk = Walk()
    for event in engine.from_schema(schema).execute():
        walk.note(event)

    assert not walk.failures, "\n\n".join(walk.failures.values())
    assert open_to - walk.done() - NOT_DONE == set()
