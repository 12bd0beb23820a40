"""How parts are found by a number: their own or one by which they are known elsewhere, whoever wrote it with which blanks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CompoundSelect, Select, select

from app.blueprints.inventory.models import Part
from app.blueprints.inventory.reference_models import PartReference


def numbers_of(workshop_id: int, part_id: int) -> CompoundSelect[str]:
    """Return what finds the folded numbers of a part: its SKU and its cross-references."""
    known = select(PartReference.folded_number).where(
        PartReference.workshop_id == workshop_id, PartReference.part_id == part_id
    )
    own = select(Part.folded_sku).where(
        Part.workshop_id == workshop_id, Part.id == part_id, Part.folded_sku.is_not(None)
    )
    return known.union_all(own)


def known_elsewhere(workshop_id: int, folded: Any) -> Select[int]:
    """Return what finds the ids of the parts, be they taken out, that have a cross-reference among folded numbers."""
    return select(PartReference.part_id).where(
        PartReference.workshop_id == workshop_id, PartReference.folded_number.in_(folded)
    )


def parts_with(workshop_id: int, folded: Any) -> CompoundSelect[int]:
    """Return what finds the ids of the parts, be they taken out, that have a SKU or a cross-reference among folded numbers.

    A union of two readings by index: said as one condition, PostgreSQL would look at every part.
    """
    own = select(Part.id).where(
        Part.workshop_id == workshop_id, Part.archived_at.is_(None), Part.folded_sku.in_(folded)
    )
    return known_elsewhere(workshop_id, folded).union_all(own)
