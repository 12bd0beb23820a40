"""The way of old parts back to a supplier: sent, then credited or rejected. Each step is taken under the lock on their row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.blueprints.cores import reading
from app.blueprints.cores.errors import CoreStepNotOpen
from app.blueprints.cores.models import Core
from app.blueprints.cores.reading import Told
from app.blueprints.cores.service import RECORD, one
from app.blueprints.cores.vocabulary import CoreStatus
from app.blueprints.inventory import issuing, suppliers
from app.blueprints.inventory.errors import SupplierNotFound
from app.blueprints.service_tickets.errors import TooManyCores
from app.core import audit, clock
from app.core.db import atomic, is_still_named, locked
from app.core.errors import Invalid
from app.core.preconditions import Expected, require_version
from app.core.quantities import NOT_WHOLE, is_whole, told

SAME = (
    "workshop_id", "service_ticket_id", "line_id", "part_id", "charge", "status", "supplier_id", "returned_at", "reference",
)  # fmt: skip


def send_back(
    workshop_id: int,
    core_id: int,
    *,
    supplier_id: int,
    quantity: Decimal | None = None,
    reference: str | None = None,
    expected: Expected = None,
) -> Told:
    """Send old parts that are held to a supplier, all or so many of them; the rest stays held, as others.

    :raises SupplierNotFound: unknown here. Else as `credit`.
    """
    with atomic():
        with _step(workshop_id, core_id, ("held",), "returned", quantity, expected) as core:
            suppliers.get(workshop_id, supplier_id)
            core.status, core.supplier_id, core.reference = "returned", supplier_id, reference
            core.returned_at = clock.now()
        return reading.get(workshop_id, core_id)


def credit(
    workshop_id: int,
    core_id: int,
    *,
    amount: Decimal,
    quantity: Decimal | None = None,
    expected: Expected = None,
) -> Told:
    """Enter what the supplier gave for old parts that were sent, all or so many of them; the rest stays as it is, as others.

    :raises CoreNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises CoreStepNotOpen: they are not on their way. :raises TooManyCores: there are fewer.
    :raises Invalid: a fraction of what is counted by whole ones.
    """
    with atomic():
        with _step(workshop_id, core_id, ("returned",), "credited", quantity, expected) as core:
            core.status, core.credit, core.decided_at = "credited", amount, clock.now()
        return reading.get(workshop_id, core_id)


def reject(
    workshop_id: int, core_id: int, *, reason: str, quantity: Decimal | None = None, expected: Expected = None
) -> Told:
    """Say that nobody gives anything for old parts: the supplier to whom they were sent, or none who was asked.

    As `credit`.
    """
    with atomic():
        with _step(workshop_id, core_id, ("held", "returned"), "rejected", quantity, expected) as core:
            core.status, core.reason, core.decided_at = "rejected", reason, clock.now()
        return reading.get(workshop_id, core_id)


@contextmanager
def _step(
    workshop_id: int,
    core_id: int,
    open_to: tuple[CoreStatus, ...],
    action: str,
    quantity: Decimal | None,
    expected: Expected,
) -> Iterator[Core]:
    """Hold old parts while the block takes them a step on, which is then entered in the log."""
    with atomic() as session:
        core = one(locked(Core), workshop_id, core_id)
        require_version(core, expected)
        if core.status not in open_to:
            raise CoreStepNotOpen(f"They are {core.status}.")
        before = _recorded(core)
        _split(session, core, core.quantity if quantity is None else quantity)
        yield core
        try:
            session.flush()
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise SupplierNotFound() from error  # who was removed meanwhile
        audit.note_change(f"core.{action}", "core", core_id, before, _recorded(core))


def _split(session: Session, core: Core, quantity: Decimal) -> None:
    """Leave so many where they were told of, and make others of the rest."""
    if quantity > core.quantity:
        raise TooManyCores(f"There are {told(core.quantity)}.")
    if quantity == core.quantity:
        return
    if not is_whole(quantity) and core.part_id not in issuing.divisible_among(
        core.workshop_id, [core.part_id]
    ):
        raise Invalid("See `errors`.", errors={"quantity": [NOT_WHOLE]})
    rest = Core(**audit.fields_of(core, SAME), quantity=core.quantity - quantity)
    session.add(rest)
    core.quantity = quantity
    session.flush()
    audit.note("core.split", "core", rest.id, after=_recorded(rest) | {"from": core.id})


def _recorded(core: Core) -> Told:
    return audit.fields_of(core, RECORD) | {"quantity": told(core.quantity)}
