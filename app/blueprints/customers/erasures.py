"""The rules of erasure: a person is taken out of all that the workshop keeps, and what stays is told, with why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import select

from app.blueprints.customers import service as customers
from app.blueprints.customers.errors import ErasureNotFound
from app.blueprints.customers.models import Erasure
from app.core import audit, clock, privacy
from app.core.db import atomic
from app.core.preconditions import Expected, require_version
from app.core.privacy import Erased, Kept
from app.extensions import db

Report = dict[str, list[dict[str, Any]]]


def erase(workshop_id: int, customer_id: int, expected: Expected = None) -> Report:
    """Erase what is kept of a person, end their membership, and return what went, what stays and why.

    :raises CustomerNotFound: unknown here. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        require_version(customers.hold_to_erase(workshop_id, customer_id), expected)
        report = _told(privacy.erase(privacy.about(workshop_id, customer_id)))
        session.add(
            Erasure(
                workshop_id=workshop_id,
                customer_id=customer_id,
                erased_at=clock.now(),
                report=orjson.dumps(report).decode(),
            )
        )
        session.flush()
        audit.note("customer.erased", "customer", customer_id)
    return report


def _told(outcomes: Sequence[Erased | Kept]) -> Report:
    return {
        "erased": [{"what": one.what, "count": one.count} for one in outcomes if isinstance(one, Erased)],
        "kept": [
            {
                "what": one.what,
                "count": one.count,
                "why": one.why,
                "until": None if one.until is None else clock.rfc3339(one.until),
            }
            for one in outcomes
            if isinstance(one, Kept)
        ],
    }


def get(workshop_id: int, customer_id: int) -> dict[str, Any]:
    """Return when a customer was erased, and the report.

    :raises ErasureNotFound: nobody with this id was.
    """
    found = db.session.scalar(
        select(Erasure).where(Erasure.workshop_id == workshop_id, Erasure.customer_id == customer_id)
    )
    if found is None:
        raise ErasureNotFound()
    return {
        "customer_id": customer_id, "erased_at": found.erased_at, "report": orjson.loads(found.report),
    }  # fmt: skip
