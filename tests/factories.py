"""What tests are made of: shops with people who are signed in, and rows by `make_part(**overrides)`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts import sessions, signing_in, standing
from app.blueprints.accounts.models import Account, Membership, OwnRole
from app.blueprints.admins import service as admins
from app.blueprints.api_keys import service as api_keys
from app.blueprints.attachments import service as attachments
from app.blueprints.attachments.models import Attachment
from app.blueprints.customers import service as customers
from app.blueprints.customers.models import Customer
from app.blueprints.inventory import categories, markups, orders, references, suppliers
from app.blueprints.inventory import service as inventory
from app.blueprints.inventory.models import Part, PartCategory, Supplier
from app.blueprints.inventory.order_lines import Wanted
from app.blueprints.inventory.pricing_models import MarkupRule
from app.blueprints.inventory.reference_models import PartReference
from app.blueprints.mechanics import service as mechanics
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.roles import service as roles
from app.blueprints.service_tickets import service as tickets
from app.blueprints.timesheets import service as timesheets
from app.blueprints.timesheets.models import ClockEntry
from app.blueprints.vehicles import keeping
from app.blueprints.vehicles.models import Vehicle
from app.blueprints.workshops import service as workshops
from app.core import identity, outbox, passwords, tenancy
from app.core.db import atomic
from app.core.identity import Principal
from app.core.phones import normalised
from app.core.scopes import Role
from app.extensions import db
from tests import document
from tests.pictures import picture

PASSWORD = "correct-horse-battery"
_numbers = itertools.count(1)


def unique(word: str = "x") -> str:
    """Return `word` with a number that no other test of this worker gets."""
    return f"{word}{next(_numbers)}"


def unique_vin() -> str:
    """Return a well-formed VIN (not North American, so without a check digit to keep) that no other test gets."""
    return f"WVWZZZ1JZ{next(_numbers):08d}"


def registration(**overrides: Any) -> dict[str, Any]:
    """Return what a newcomer sends to register."""
    return {
        "name": "John Doe", "email": f"{unique('jd')}@example.com", "phone": f"555-{unique('')}-7890"[:20],
        "password": "securepassword", **overrides,
    }  # fmt: skip


def credentials(body: dict[str, Any]) -> dict[str, Any]:
    """Return what somebody registered with `body` sends to sign in."""
    return {"email": body["email"], "password": body["password"]}


@dataclass
class Caller:
    """Somebody with a client; every answer they get is held against the document."""

    app: Flask
    principal: Principal | None = None
    workshop: str | None = None
    email: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def member_id(self) -> int:
        assert self.principal is not None
        return self.principal.membership_id

    @property
    def token(self) -> str:
        assert self.principal is not None
        with self.app.app_context():
            return identity.issue_token(self.principal)[0]

    def __post_init__(self) -> None:
        if self.principal is not None:
            self.headers = {"Authorization": f"Bearer {self.token}", **self.headers}
        if self.workshop is not None:
            self.headers = {"X-Workshop": self.workshop, **self.headers}

    def open(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> TestResponse:
        """Send a request; the answer is checked against the document. Buffered: a file that is sent is closed."""
        answer = self.app.test_client().open(
            path, method=method, headers={**self.headers, **(headers or {})}, buffered=True, **options
        )
        document.check(self.app, answer)
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.open("POST", path, json=json, **options)

    def put(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.open("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any = None, **options: Any) -> TestResponse:
        return self.open("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.open("DELETE", path, **options)


@dataclass
class Shop:
    """A workshop and its people, each signed in."""

    app: Flask
    id: int
    slug: str
    owner: Caller
    mechanic: Caller
    customer: Caller
    other_customer: Caller
    nobody: Caller

    @property
    def customer_id(self) -> int:
        return _customer_id(self.customer)

    @property
    def other_customer_id(self) -> int:
        return _customer_id(self.other_customer)

    @property
    def mechanic_id(self) -> int:
        assert self.mechanic.principal is not None
        assert self.mechanic.principal.person_id is not None
        return self.mechanic.principal.person_id

    @contextmanager
    def inside(self) -> Iterator[None]:
        """Act in this workshop, in an application context of its own."""
        with self.app.app_context(), tenancy.acting_in(self.id):
            yield

    def make_customer(self, **overrides: Any) -> Customer:
        values: dict[str, Any] = {
            "name": "Ada Obi",
            "email": f"{unique('ada')}@example.com",
            "phone": None,
            **overrides,
        }
        with self.inside():
            return customers.record(self.id, **values)

    def make_mechanic(self, **overrides: Any) -> Mechanic:
        values: dict[str, Any] = {
            "name": "Jane Wrench", "email": f"{unique('jane')}@example.com", "phone": "555-987-6543",
            "salary": Decimal("60000.00"), **overrides,
        }  # fmt: skip
        known = values["email"] if "password" in values else ""
        with self.inside(), atomic():
            account = Account.query.filter_by(email=known).one_or_none()
            if account is None:
                return mechanics.hire(self.id, **values)
            del values["password"]  # who has an account joins as by an invitation
            hired = mechanics.hire(self.id, **values)
            accounts.join(self.id, account, "mechanic", mechanic_id=hired.id)
            return hired

    def make_part(self, **overrides: Any) -> Part:
        values: dict[str, Any] = {"name": "Oil Filter", "price": Decimal("19.99"), **overrides}
        with self.inside():
            return inventory.add(self.id, **values)

    def take_out(self, part_id: int) -> None:
        """Take a part out of the inventory; what is left of it is written off before."""
        with self.inside():
            if inventory.get(self.id, part_id).on_hand:
                inventory.update(self.id, part_id, {"on_hand": Decimal(0)})
            inventory.remove(self.id, part_id)

    def make_category(self, **overrides: Any) -> PartCategory:
        values: dict[str, Any] = {"name": unique("Filters "), "parent_id": None, **overrides}
        with self.inside():
            return categories.add(self.id, **values)

    def make_markup_rule(self, **overrides: Any) -> MarkupRule:
        """Make a mark-up rule of everything that costs so much as no other rule begins with, or as is said."""
        values: dict[str, Any] = {
            "category_id": None, "cost_from": Decimal(unique("")), "percent": Decimal(40), **overrides,
        }  # fmt: skip
        with self.inside():
            return markups.add(self.id, **values)

    def make_reference(self, part_id: int, **overrides: Any) -> PartReference:
        values: dict[str, Any] = {
            "kind": "oem", "manufacturer": "Volkswagen", "number": unique("06A 115 561 "), **overrides,
        }  # fmt: skip
        with self.inside():
            return references.add(self.id, part_id, **values)

    def make_supplier(self, **overrides: Any) -> Supplier:
        with self.inside():
            return suppliers.add(self.id, **{"name": unique("Parts & Co "), **overrides})

    def make_order(self, *part_ids: int, placed: bool = True, **overrides: Any) -> dict[str, Any]:
        """Make a purchase order of ten of each part at 5.00, which is ordered unless it is only to be `placed` later."""
        values: dict[str, Any] = {
            "supplier_id": overrides.pop("supplier_id", None) or self.make_supplier().id,
            "lines": [Wanted(part_id, Decimal(10), Decimal("5.00")) for part_id in part_ids],
            **overrides,
        }
        with self.inside():
            made = orders.draft(self.id, **values)
            return orders.place(self.id, made["id"]) if placed else made

    def make_ticket(self, **overrides: Any) -> dict[str, Any]:
        values: dict[str, Any] = {
            "VIN": unique_vin(), "service_date": date(2026, 3, 2), "service_desc": "Oil change",
            "customer_id": self.customer_id, **overrides,
        }  # fmt: skip
        assert self.owner.principal is not None
        with self.inside():
            return tickets.open_ticket(self.owner.principal, **values)

    def make_vehicle(self, **overrides: Any) -> Vehicle:
        values: dict[str, Any] = {"VIN": unique_vin(), "customer_id": self.customer_id, **overrides}
        assert self.owner.principal is not None
        with self.inside():
            return keeping.add(self.owner.principal, **values)

    def make_attachment(
        self, ticket_id: int, *, visible: bool = True, sent: bytes | None = None
    ) -> Attachment:
        """Attach a picture to a ticket, as the owner."""
        assert self.owner.principal is not None
        with self.inside():
            content = picture(size=(8, 8)) if sent is None else sent
            return attachments.add(
                self.owner.principal, ticket_id, content, name="brakes.jpg", visible_to_customer=visible
            ).attachment

    def make_clock_entry(
        self, ticket_id: int, *, mechanic_id: int | None = None, **span: datetime
    ) -> ClockEntry:
        """Let a mechanic (the shop's own) have worked on a ticket: from now to now, or over a span."""
        assert self.owner.principal is not None
        with self.inside():
            whose = {"mechanic_id": mechanic_id or self.mechanic_id}
            timesheets.start(self.owner.principal, ticket_id, **whose)
            entry = timesheets.stop(self.owner.principal, ticket_id, **whose)
            if span:
                timesheets.correct(self.owner.principal, ticket_id, entry.id, dict(span), "Set by a test.")
            return entry

    def make_role(self, *held: str, **overrides: Any) -> OwnRole:
        """Make a role of this workshop's own that holds these scopes."""
        assert self.owner.principal is not None
        values: dict[str, Any] = {"name": unique("Role "), "scopes": held, **overrides}
        with self.inside():
            return roles.make(self.owner.principal, **values)

    def make_staff(self, *held: str, role: OwnRole | None = None, mechanic_id: int | None = None) -> Caller:
        """Make somebody who is signed in with a role of this workshop's own that holds these scopes, or with `role`."""
        email, role_id = f"{unique('staff')}@example.com", (role or self.make_role(*held)).id
        with self.inside(), atomic():
            account = accounts.make_account(email, PASSWORD)
            accounts.join(self.id, account, "staff", role_id=role_id, mechanic_id=mechanic_id)
        return self.sign_in(email)

    def make_key(self, *held: str, by: Caller | None = None, **options: Any) -> Caller:
        """Make an API key of `by` (the owner) with these scopes, and return who sends it."""
        maker = (by or self.owner).principal
        assert maker is not None
        with self.inside():
            _, key = api_keys.make(maker, name=unique("Key "), scopes=held, **options)
        return self.sending(key)

    def sending(self, token: str) -> Caller:
        """Return who sends `token`, whatever that is."""
        return Caller(self.app, None, self.slug, headers={"Authorization": f"Bearer {token}"})

    def make_owner(self) -> Caller:
        """Make another owner of this workshop."""
        email = f"{unique('owner')}@example.com"
        with self.inside(), atomic():
            accounts.join(self.id, accounts.make_account(email, PASSWORD), "owner")
        return self.sign_in(email)

    def sign_in(self, email: str) -> Caller:
        with self.app.app_context():
            caller = signing_in.sign_in(email, PASSWORD, self.slug, ("owner",))
            return Caller(self.app, sessions.let_in(caller).principal, self.slug, email)

    def make_dead_letter(self) -> int:
        """Make a message to the customer that was given up, and return its id."""
        with self.inside(), atomic() as session:
            message = outbox.queue(self.id, "password_changed", self.customer.email)
            message.state, message.last_error = "dead", "recipient refused: 550 5.1.1"
            session.flush()
            return message.id


def _customer_id(caller: Caller) -> int:
    assert caller.principal is not None
    assert caller.principal.customer_id is not None
    return caller.principal.customer_id


def make_shop(app: Flask) -> Shop:
    """Make a workshop with an owner, a mechanic and two customers.

    They are put into the tables as they stand after hiring and registering, which have tests of their own: nearly every test
    makes a shop, and half of the suite's time went there.
    """
    slug = unique("shop-")
    with app.app_context(), atomic() as session:
        workshop = workshops.open_workshop(slug.title(), slug)
        with tenancy.acting_in(workshop.id):
            names = ("owner", "mechanic", "customer", "other")
            people = [Account(email=f"{name}@{slug}.example.com", password_hash=_hash(app)) for name in names]
            mechanic = Mechanic(
                workshop_id=workshop.id, name="Mel Mechanic", email=people[1].email,
                phone=normalised("555-987-6543", workshop.country), salary=Decimal("50000.00"),
            )  # fmt: skip
            bringing = [
                Customer(
                    workshop_id=workshop.id,
                    name=f"Customer {number}",
                    email=people[2 + number].email,
                    phone=normalised(f"555-123-{number:04d}", workshop.country),
                )
                for number in range(2)
            ]
            session.add_all([*people, mechanic, *bringing])
            session.flush()
            roles_of: list[tuple[Role, dict[str, int]]] = [
                ("owner", {}),
                ("mechanic", {"mechanic_id": mechanic.id}),
                ("customer", {"customer_id": bringing[0].id}),
                ("customer", {"customer_id": bringing[1].id}),
            ]
            members = [
                Membership(workshop_id=workshop.id, account_id=account.id, role=role, **record)
                for account, (role, record) in zip(people, roles_of, strict=True)
            ]
            session.add_all(members)
            session.flush()
            callers = [
                _caller(app, slug, account, member) for account, member in zip(people, members, strict=True)
            ]
    return Shop(app, workshop.id, slug, *callers, nobody=Caller(app, None, slug))


def fields_of(answer: TestResponse) -> list[str]:
    """Return the fields of the body that a refusal names, each once: of a field within one, the outermost."""
    return list(dict.fromkeys(name.partition(".")[0] for name in answer.json["errors"]))


_HASHES: dict[tuple[int, int], str] = {}


def _hash(app: Flask) -> str:
    """Return the hash of PASSWORD, made once for each cost."""
    cost = (app.config["ARGON2_MEMORY_KIB"], app.config["ARGON2_ITERATIONS"])
    if cost not in _HASHES:
        _HASHES[cost] = passwords.hash_password(PASSWORD)
    return _HASHES[cost]


def _caller(app: Flask, slug: str, account: Account, member: Membership) -> Caller:
    principal = Principal(
        account.id, member.workshop_id, member.id, member.role, member.customer_id or member.mechanic_id
    )
    return Caller(app, sessions.begin(principal).principal, slug, account.email or "")


def make_admin(app: Flask) -> Caller:
    """Make an admin of the installation, who is signed in."""
    email = f"{unique('admin')}@example.com"
    with app.app_context():
        account = admins.create(email, PASSWORD, "Ada Admin")
        principal = sessions.begin(standing.as_admin(account.id)).principal
    return Caller(app, principal, email=email)


def account_of(email: str) -> Account:
    """Return the account with an address."""
    return db.session.query(Account).filter_by(email=email).one()
