"""Which part follows which: a chain without a circle, and no longer than anybody would go along."""

from __future__ import annotations

from typing import Any

from sqlalchemy import literal, select
from sqlalchemy.orm import Session, aliased

from app.blueprints.inventory.errors import (
    ReplacementChainTooLong,
    ReplacementCircle,
    ReplacementNotFound,
    ReplacesOthers,
)
from app.blueprints.inventory.models import Part
from app.blueprints.workshops import numbers
from app.core.db import locked

MOST_STEPS = 20
NAMED = 5


def hold(session: Session, workshop_id: int, *part_ids: int) -> None:
    """Lock the chains of a workshop, whose shape no two change at once, and then some parts in the order of their ids.

    Each change alone makes no circle, but two together might. Who takes a part out holds that part: so what another is to be
    replaced by stays. `pricing.hold` comes before this.
    """
    numbers.hold_series("replacements")
    parts = (
        locked(Part, stays=True)
        .where(Part.workshop_id == workshop_id, Part.id.in_(part_ids))
        .order_by(Part.id)
    )
    session.scalars(parts).all()


def chain(workshop_id: int, part_id: int, *, onwards: bool) -> Any:
    """Return the table of a part that is in the inventory and of what follows it, or else of what it follows, by steps."""
    first = (
        select(Part.id, Part.replaced_by_id, literal(0).label("step"))
        .where(Part.workshop_id == workshop_id, Part.id == part_id, Part.archived_at.is_(None))
        .cte("chain", recursive=True)
    )
    further = aliased(Part)
    is_next = further.id == first.c.replaced_by_id if onwards else further.replaced_by_id == first.c.id
    return first.union_all(
        select(further.id, further.replaced_by_id, first.c.step + 1).where(
            further.workshop_id == workshop_id,
            further.archived_at.is_(None),
            is_next,
            first.c.step < MOST_STEPS,
        )
    )


def require_fit(session: Session, workshop_id: int, part_id: int | None, successor_id: int) -> None:
    """Refuse that a part, None for one that is new, is replaced by another. `hold` is held.

    :raises ReplacementNotFound: the other is unknown here, or was taken out. :raises ReplacementCircle: it follows itself.
    :raises ReplacementChainTooLong: it would be a chain of more than twenty steps.
    """
    after = _steps(session, workshop_id, successor_id, onwards=True)
    if not after:
        raise ReplacementNotFound()
    before = {} if part_id is None else _steps(session, workshop_id, part_id, onwards=False)
    if part_id in after:
        raise ReplacementCircle("It would be replaced by itself, at once or in the end.")
    if max(after.values()) + 1 + max(before.values(), default=0) > MOST_STEPS:
        raise ReplacementChainTooLong(f"At most {MOST_STEPS} items follow one another.")


def _steps(session: Session, workshop_id: int, part_id: int, *, onwards: bool) -> dict[int, int]:
    table = chain(workshop_id, part_id, onwards=onwards)
    found = select(Part.id, table.c.step).join(table, table.c.id == Part.id)
    return {row.id: row.step for row in session.execute(found.where(Part.workshop_id == workshop_id))}


def require_follows_none(session: Session, workshop_id: int, part_id: int) -> None:
    """Refuse to take a part out that is locked and that others are replaced by.

    :raises ReplacesOthers: there are some in the inventory.
    """
    replaced = select(Part.id).where(
        Part.workshop_id == workshop_id, Part.replaced_by_id == part_id, Part.archived_at.is_(None)
    )
    if ids := session.scalars(replaced.order_by(Part.id).limit(NAMED)).all():
        named = ", ".join(map(str, ids))
        raise ReplacesOthers(f"Let something else replace those first: {named}.")
