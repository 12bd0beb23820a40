"""The rules of exports: all that is kept of a customer as an archive, made by a job, kept encrypted for a week.

One is made at a time of each customer. A worker claims it by a lease: killed, it has lost nothing that the next one does not
make anew when the lease ends. After three tries it has failed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import CursorResult, or_, select, update

from app.blueprints.accounts import service as accounts
from app.blueprints.accounts.models import Account
from app.blueprints.customers import archive
from app.blueprints.customers import service as customers
from app.blueprints.customers.errors import CustomerNotFound
from app.blueprints.customers.models import Export
from app.core import audit, clock, files, jobs, outbox, privacy, tenancy
from app.core.db import atomic
from app.core.files import Draft
from app.core.identity import Principal
from app.extensions import db

log = structlog.get_logger(__name__)

MAKING = "make-exports"
KEPT = timedelta(days=7)
LEASE = timedelta(minutes=10)
PAUSES = (timedelta(minutes=1), timedelta(minutes=5))  # between the tries
AT_ONCE = 20


class LostClaim(Exception):
    """The lease ended first, and the export is another worker's."""


# ---- Asking -------------------------------------------------------------------------------------------------------


def current(caller: Principal, customer_id: int) -> Export:
    """Return the latest export of a customer; where there is none, or it has expired, ask for one.

    :raises CustomerNotFound: unknown here, or erased.
    """
    customers.get(caller.workshop_id, customer_id)
    found = _latest(caller.workshop_id, customer_id)
    return found if found is not None and not _is_over(found) else ask(caller, customer_id)


def ask(caller: Principal, customer_id: int) -> Export:
    """Ask for an export of a customer as they are now; one that is being made is the one.

    :raises CustomerNotFound: unknown here, or erased.
    """
    with atomic() as session:
        customers.hold(
            caller.workshop_id, customer_id
        )  # of two who ask at once, the second finds the first's
        latest = _latest(caller.workshop_id, customer_id)
        if latest is not None and latest.state == "preparing":
            return latest
        now = clock.now()
        asked = Export(
            workshop_id=caller.workshop_id, customer_id=customer_id, account_id=caller.account_id,
            requested_at=now, due_at=now,
        )  # fmt: skip
        session.add(asked)
        session.flush()
        audit.note("customer.export_requested", "customer", customer_id)
        jobs.nudge_after_commit(MAKING)
    return asked


def _latest(workshop_id: int, customer_id: int) -> Export | None:
    return db.session.scalar(
        select(Export)
        .where(Export.workshop_id == workshop_id, Export.customer_id == customer_id)
        .order_by(Export.id.desc())
        .limit(1)
    )


def _is_over(export: Export) -> bool:
    return export.expires_at is not None and export.expires_at <= clock.now()


def discard(workshop_id: int, customer_id: int, *, but: int = 0) -> int:
    """Delete a customer's exports with their archives, `but` one, and return how many. Inside the `atomic()`."""
    with atomic() as session:
        found = session.scalars(
            select(Export).where(
                Export.workshop_id == workshop_id, Export.customer_id == customer_id, Export.id != but
            )
        ).all()
        for export in found:
            session.delete(export)
        session.flush()
        files.forget(workshop_id, [export.file_id for export in found if export.file_id is not None])
    return len(found)


# ---- Making -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Claim:
    """An export that this worker may make until its lease ends, and nobody else before."""

    id: int
    workshop_id: int
    customer_id: int
    account_id: int | None
    attempts: int
    until: datetime


@jobs.periodic(MAKING, every=timedelta(minutes=1), at_start=True)
def make_due() -> int:
    """Make the exports that are due, a bounded number; return how many were tried."""
    from app.extensions import jobs as queue

    for tried in range(AT_ONCE):
        claim = None if queue.is_stopping else claim_next()
        if claim is None:
            return tried
        _make(claim)
    queue.nudge(MAKING)
    return AT_ONCE


def claim_next() -> Claim | None:
    """Claim the export that has been due longest; None when none is."""
    now = clock.now()
    due = (
        select(Export)
        .where(
            Export.state == "preparing",
            Export.due_at <= now,
            or_(Export.claimed_until.is_(None), Export.claimed_until <= now),
        )
        .order_by(Export.due_at, Export.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    )
    with tenancy.across_workshops(), atomic() as session:
        export = session.scalar(due)
        if export is None:
            return None
        export.attempts += 1  # counted before it is made: one that kills its worker is given up too
        export.claimed_until = now + LEASE
    return Claim(
        export.id, export.workshop_id, export.customer_id, export.account_id, export.attempts, now + LEASE
    )


def _make(claim: Claim) -> None:
    try:
        with tenancy.acting_in(claim.workshop_id):
            if claim.attempts > len(PAUSES) + 1:
                _settle(claim, state="failed", expires_at=clock.now() + KEPT)
                log.error("export.failed", export=claim.id, attempt=claim.attempts)
                return
            subject = privacy.about(claim.workshop_id, claim.customer_id)
            _finish(claim, files.draft(archive.written(subject)))
    except (LostClaim, CustomerNotFound):
        log.warning("export.given_up", export=claim.id, attempt=claim.attempts)
    except Exception:  # whatever it is, the other exports can't help it
        log.exception("export.fault", export=claim.id, attempt=claim.attempts)
        _put_off(claim)


def _finish(claim: Claim, made: Draft) -> None:
    """Keep a finished archive in place of earlier ones, and tell who asked for it. Who was erased meanwhile has none.

    :raises CustomerNotFound: they were. :raises LostClaim: another worker makes it.
    """
    with atomic():
        customers.hold(claim.workshop_id, claim.customer_id)
        kept, until = files.keep(claim.workshop_id, "export", made), clock.now() + KEPT
        _settle(claim, state="ready", file_id=kept.id, expires_at=until)
        discard(claim.workshop_id, claim.customer_id, but=claim.id)
        _tell(claim, until)
    log.info("export.ready", export=claim.id, attempt=claim.attempts)


def _tell(claim: Claim, until: datetime) -> None:
    asked = db.session.get(Account, claim.account_id) if claim.account_id is not None else None
    if asked is not None and asked.email is not None:
        theirs = accounts.account_of(claim.workshop_id, customer_id=claim.customer_id)
        is_theirs = theirs is not None and theirs.id == asked.id
        outbox.queue(
            claim.workshop_id, "export_ready", asked.email,
            customer_id=claim.customer_id if is_theirs else None, number=claim.customer_id, until=until,
        )  # fmt: skip


def _put_off(claim: Claim) -> None:
    """Try again after the next pause; after the last one it has failed."""
    with tenancy.acting_in(claim.workshop_id):
        try:
            if claim.attempts > len(PAUSES):
                _settle(claim, state="failed", expires_at=clock.now() + KEPT)
                log.error("export.failed", export=claim.id, attempt=claim.attempts)
            else:
                _settle(claim, due_at=clock.now() + PAUSES[claim.attempts - 1])
        except LostClaim:
            log.warning("export.given_up", export=claim.id, attempt=claim.attempts)


def _settle(claim: Claim, **changes: object) -> None:
    """End a claim with what came of it.

    :raises LostClaim: the lease ended first, or the export is gone.
    """
    statement = (
        update(Export)
        .where(
            Export.workshop_id == claim.workshop_id,
            Export.id == claim.id,
            Export.state == "preparing",
            Export.claimed_until == claim.until,
        )
        .values(claimed_until=None, **changes)
        .execution_options(synchronize_session=False)
    )
    with atomic() as session:
        result = session.execute(statement)
        assert isinstance(result, CursorResult)
        if result.rowcount != 1:
            raise LostClaim


@jobs.periodic("forget-exports", every=timedelta(hours=1))
def forget_old() -> int:
    """Delete the exports that have expired, with their archives; return how many."""
    with tenancy.across_workshops():
        over = db.session.execute(
            select(Export.workshop_id, Export.id).where(Export.expires_at <= clock.now()).limit(1000)
        ).all()
    for workshop_id, export_id in over:
        with tenancy.acting_in(workshop_id), atomic() as session:
            export = session.get(Export, export_id, with_for_update=True)
            if export is not None:
                session.delete(export)
                session.flush()
                files.forget(workshop_id, [export.file_id] if export.file_id is not None else [])
    return len(over)
