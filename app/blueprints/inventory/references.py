"""The rules of cross-references: by which numbers a part is known elsewhere."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory.errors import ReferenceNotFound, ReferenceTaken, TooManyReferences
from app.blueprints.inventory.models import Part
from app.blueprints.inventory.reference_models import PartReference
from app.blueprints.inventory.service import get as get_part
from app.blueprints.inventory.service import one as one_part
from app.blueprints.inventory.vocabulary import ReferenceKind
from app.core import audit, paging
from app.core.db import atomic, locked
from app.core.names import folded, folded_number
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

MOST_OF_A_PART = 100
ORDER = Order(PartReference.id, "id", manufacturer=PartReference.manufacturer, number=PartReference.number)
RECORD = ("kind", "manufacturer", "number")


def find(workshop_id: int, part_id: int, walk: Walk) -> Page:
    """Return one page of a part's cross-references.

    :raises PartNotFound: unknown here, or taken out.
    """
    get_part(workshop_id, part_id)
    return paging.fetch(
        select(PartReference).where(
            PartReference.workshop_id == workshop_id, PartReference.part_id == part_id
        ),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def add(
    workshop_id: int, part_id: int, *, kind: ReferenceKind, manufacturer: str, number: str
) -> PartReference:
    """Say by which number of a manufacturer a part is known, be it the car's or another part's.

    The part is locked: of two who say so at once, the second one finds what the first one said.
    :raises PartNotFound: unknown here, or taken out. :raises ReferenceTaken: it is known by that number already.
    :raises TooManyReferences: there are a hundred.
    """
    reference = PartReference(
        workshop_id=workshop_id,
        part_id=part_id,
        kind=kind,
        manufacturer=manufacturer,
        folded_manufacturer=folded(manufacturer),
        number=number,
        folded_number=folded_number(number),
    )
    with atomic() as session:
        one_part(locked(Part, stays=True), workshop_id, part_id)
        _require_room(session, workshop_id, part_id)
        session.add(reference)
        try:
            session.flush()
        except IntegrityError as error:
            raise ReferenceTaken() from error
        audit.note("part.reference_added", "part", part_id, after=audit.fields_of(reference, RECORD))
    return reference


def _require_room(session: Session, workshop_id: int, part_id: int) -> None:
    number = select(func.count(PartReference.id)).where(
        PartReference.workshop_id == workshop_id, PartReference.part_id == part_id
    )
    if session.scalars(number).one() >= MOST_OF_A_PART:
        raise TooManyReferences(f"The item has {MOST_OF_A_PART} cross-references.")


def remove(workshop_id: int, part_id: int, reference_id: int, expected: Expected = None) -> None:
    """Say that a part is known by a number no more.

    :raises PartNotFound: unknown here, or taken out. :raises ReferenceNotFound: the part has no such cross-reference.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        one_part(locked(Part, stays=True), workshop_id, part_id)
        reference = session.scalar(
            locked(PartReference).where(
                PartReference.workshop_id == workshop_id,
                PartReference.part_id == part_id,
                PartReference.id == reference_id,
            )
        )
        if reference is None:
            raise ReferenceNotFound()
        require_version(reference, expected)
        before = audit.fields_of(reference, RECORD)
        session.delete(reference)
        session.flush()
        audit.note("part.reference_removed", "part", part_id, before=before)
