"""What can be fitted instead of a part: what follows it, what it follows, and what is known by the same numbers."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import case, select

from app.blueprints.inventory import part_numbers, succession
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.service import get as get_part
from app.extensions import db

MOST_TOLD = 50


def of(workshop_id: int, part_id: int) -> dict[str, Sequence[Part]]:
    """Return the parts that follow a part in their order, those that it follows, the nearest first, and its alternatives.

    :raises PartNotFound: unknown here, or taken out.
    """
    get_part(workshop_id, part_id)
    return {
        "replaced_by": _along(workshop_id, part_id, onwards=True),
        "replaces": _along(workshop_id, part_id, onwards=False),
        "alternatives": _alternatives(workshop_id, part_id),
    }


def _along(workshop_id: int, part_id: int, *, onwards: bool) -> Sequence[Part]:
    chain = succession.chain(workshop_id, part_id, onwards=onwards)
    found = select(Part).join(chain, chain.c.id == Part.id)
    found = found.where(Part.workshop_id == workshop_id, chain.c.step > 0)
    return db.session.scalars(found.order_by(chain.c.step, Part.name, Part.id).limit(MOST_TOLD)).all()


def _alternatives(workshop_id: int, part_id: int) -> Sequence[Part]:
    """Return the parts that share a number with a part: what is there first, then what is not counted, then the rest."""
    sharing = part_numbers.parts_with(workshop_id, part_numbers.numbers_of(workshop_id, part_id))
    nearness = case((Part.on_hand - Part.reserved > 0, 0), (Part.on_hand.is_(None), 1), else_=2)
    found = select(Part).where(
        Part.workshop_id == workshop_id,
        Part.archived_at.is_(None),
        Part.id != part_id,
        Part.id.in_(sharing),
    )
    return db.session.scalars(found.order_by(nearness, Part.name, Part.id).limit(MOST_TOLD)).all()
