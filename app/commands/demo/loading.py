"""Bringing the demo shop into the database: in bulk, and in one transaction, so that a load that ends early leaves nothing.

What signs in is made by the rules of accounts; the rest is too much for them, and keeps what they keep.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, insert, select, text

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.errors import EmailTaken
from app.blueprints.accounts.models import Account
from app.blueprints.admins import service as admins
from app.blueprints.canned_jobs.models import CannedJob, CannedJobLine
from app.blueprints.customers.models import Customer
from app.blueprints.inventory.alerts import look_again
from app.blueprints.inventory.models import Part, StockMovement
from app.blueprints.mechanics.models import Mechanic
from app.blueprints.service_tickets.models import ServiceTicket, StatusChange, TicketLine, TicketMechanic
from app.blueprints.vehicles.models import OdometerReading, Vehicle, VehiclePlate
from app.blueprints.workshops import service as workshops
from app.blueprints.workshops.models import Closure, Counter, OpeningPeriod, Specialisation, Workshop
from app.commands.demo import (
    ADMIN,
    CUSTOMER,
    LABOUR_RATE,
    MECHANIC,
    NAME,
    OWNER,
    PASSWORD,
    SLUG,
    TAX_RATE,
    canned,
    hours,
)
from app.commands.demo.bulk import reserve, write
from app.commands.demo.garage import MECHANICS, PARTS, Garage, Ids, Size
from app.commands.demo.visits import Batch, SignIns, Visits
from app.core import audit
from app.core.db import atomic
from app.core.scopes import Role
from app.core.tenancy import acting_in
from app.extensions import db

TICKETS_AT_ONCE = 2_000
# A made-up house in Chicago's West Loop; the number is one of those kept for fiction.
ENTRY = {
    "description": "Repairs and maintenance of all makes. A made-up workshop to try things on.",
    "street": "1200 W Example St",
    "city": "Chicago",
    "region": "IL",
    "postal_code": "60607",
    "country": "US",
    "latitude": 41.8817,
    "longitude": -87.6584,
    "phone": "+13125550199",
    "email": "garage@example.com",
    "website": "https://www.example.com",
    "listed": True,
    "currency": "USD",
    "locale": "en-US",
    "time_zone": hours.TIME_ZONE,
    "tax_rate": TAX_RATE,
    "labour_rate": LABOUR_RATE,
}
GOOD_AT = ("brakes", "diagnostics", "engine", "general_repair", "maintenance", "suspension_and_steering")


def load(tickets: int, done: Callable[[int], object]) -> dict[str, int]:
    """Make the demo shop with so many tickets; `done` hears of each batch. Return how many there are of what.

    :raises SlugTaken: there is one already. :raises EmailTaken: someone has the address of a demo sign-in.
    """
    size = Size(tickets)
    with atomic() as session:
        workshop = _open_workshop()
        connection = session.connection()
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # it is meant for requests
        with acting_in(workshop.id):
            if connection.dialect.name == "postgresql":
                # COPY goes to no table that hides rows (`app.core.row_security`), but for its owner.
                connection.execute(text("SET LOCAL ROLE NONE"))
            _fill(connection, workshop.id, size, done)
        admins.create(ADMIN, PASSWORD, "Ada Admin").created_at = hours.FOUNDED
    return {
        "mechanics": MECHANICS,
        "customers": size.customers,
        "vehicles": size.vehicles,
        "parts": PARTS,
        "tickets": size.tickets,
    }


def _open_workshop() -> Workshop:
    taken = select(Account.email).where(Account.email.in_((OWNER, MECHANIC, CUSTOMER, ADMIN))).limit(1)
    if email := db.session.scalar(taken):
        raise EmailTaken(f"{email} has an account here already.")
    return workshops.open_workshop(NAME, SLUG, **ENTRY, created_at=hours.FOUNDED, updated_at=hours.FOUNDED)


def _furnish(connection: Connection, workshop_id: int) -> None:
    """Give the shop what its entry in the directory shows beside the address."""
    owned = {"workshop_id": workshop_id}
    connection.execute(insert(Specialisation), [{**owned, "specialisation": word} for word in GOOD_AT])
    connection.execute(insert(OpeningPeriod), [{**owned, **period._asdict()} for period in hours.WEEK])
    connection.execute(insert(Closure), [{**owned, **closure} for closure in hours.CLOSURES])


def _fill(connection: Connection, workshop_id: int, size: Size, done: Callable[[int], object]) -> None:
    ids = Ids(
        mechanics=reserve(connection, Mechanic, MECHANICS),
        parts=reserve(connection, Part, PARTS),
        customers=reserve(connection, Customer, size.customers),
        vehicles=reserve(connection, Vehicle, size.vehicles),
        tickets=reserve(connection, ServiceTicket, size.tickets),
    )
    garage = Garage(workshop_id, size, ids)
    write(connection, Mechanic, garage.mechanics(MECHANIC))
    write(connection, Part, garage.parts())
    write(connection, StockMovement, garage.openings())
    write(connection, Customer, garage.customers(CUSTOMER))
    write(connection, Vehicle, garage.vehicles())
    write(connection, VehiclePlate, garage.plates())
    sign_ins = SignIns(
        owner=_let_in(workshop_id, OWNER, "owner"),
        mechanic=_let_in(workshop_id, MECHANIC, "mechanic", mechanic_id=ids.mechanics),
        customer=_let_in(workshop_id, CUSTOMER, "customer", customer_id=ids.customers),
    )
    write(connection, OdometerReading, garage.readings(sign_ins.owner))
    _furnish(connection, workshop_id)
    first_job = reserve(connection, CannedJob, len(canned.DONE_OFTEN))
    write(connection, CannedJob, canned.jobs(garage, first_job))
    write(connection, CannedJobLine, canned.lines(garage, first_job))
    for batch in Visits(garage, sign_ins).batches(TICKETS_AT_ONCE):
        _write_tickets(connection, batch)
        done(len(batch.tickets))
    look_again(db.session(), workshop_id, range(ids.parts, ids.parts + PARTS))  # which raises what is due
    audit.note("demo.loaded", "workshop", workshop_id, after={"tickets": size.tickets})
    connection.execute(
        insert(Counter).values(workshop_id=workshop_id, series="service_tickets", value=size.tickets)
    )


def _let_in(
    workshop_id: int,
    email: str,
    role: Role,
    *,
    customer_id: int | None = None,
    mechanic_id: int | None = None,
) -> int:
    """Make an account with a membership, both as old as the shop, and return the account's id."""
    account = accounts.make_account(email, PASSWORD)
    membership = accounts.join(workshop_id, account, role, customer_id=customer_id, mechanic_id=mechanic_id)
    account.created_at = membership.created_at = hours.FOUNDED
    return account.id


def _write_tickets(connection: Connection, batch: Batch) -> None:
    write(connection, ServiceTicket, batch.tickets)
    write(connection, TicketMechanic, batch.mechanics)
    write(connection, TicketLine, batch.lines)
    write(connection, StatusChange, batch.changes)
