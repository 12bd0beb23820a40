"""The rules of suppliers: who they are, and which parts they have, under which number and at what price."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy import update as sql_update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.inventory.errors import (
    SupplierInUse,
    SupplierNameTaken,
    SupplierNotFound,
    SupplierNumberTaken,
    TooManySuppliers,
)
from app.blueprints.inventory.models import Part, PartSupplier, Supplier
from app.blueprints.inventory.service import get as get_part
from app.blueprints.inventory.service import one as one_part
from app.core import audit, clock, paging, phones, tax_ids
from app.core.db import atomic, is_still_named, locked
from app.core.errors import Invalid, Stale
from app.core.names import folded
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.search import has_words
from app.extensions import db

MOST_OF_A_PART = 50
ORDER = Order(Supplier.id, "name", name=Supplier.name)
RECORD = (
    "name", "contact_person", "email", "phone", "address", "city", "postal_code", "country", "website", "tax_id", "rating",
    "delivery_days", "minimum_order_value", "payment_terms", "active",
)  # fmt: skip
OFFER = ("supplier_id", "supplier_number", "price", "preferred")

Offer = dict[str, Any]


def recorded(supplier: Supplier) -> dict[str, Any]:
    """Return what the audit log keeps of a supplier."""
    return audit.fields_of(supplier, RECORD)


def find(workshop_id: int, walk: Walk, *, q: str | None = None, active: bool | None = None) -> Page:
    """Return one page of the suppliers that fit."""
    statement = select(Supplier).where(Supplier.workshop_id == workshop_id)
    if active is not None:
        statement = statement.where(Supplier.active.is_(active))
    if q is not None:
        statement = statement.where(has_words(q, Supplier.name, Supplier.contact_person))
    return paging.fetch(
        statement,
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(workshop_id: int, supplier_id: int) -> Supplier:
    """Return a supplier.

    :raises SupplierNotFound: unknown here.
    """
    return _one(select(Supplier), workshop_id, supplier_id)


def _one(statement: Select[Supplier], workshop_id: int, supplier_id: int) -> Supplier:
    found = db.session.scalar(
        statement.where(Supplier.workshop_id == workshop_id, Supplier.id == supplier_id)
    )
    if found is None:
        raise SupplierNotFound()
    return found


def add(workshop_id: int, **fields: Any) -> Supplier:
    """Record a supplier.

    :raises SupplierNameTaken: another has the name. :raises Invalid: the tax number is none of the country.
    """
    supplier = Supplier(workshop_id=workshop_id, **fields)
    complete(supplier)
    with atomic() as session:
        session.add(supplier)
        _flush(session)
        audit.note("supplier.added", "supplier", supplier.id, after=recorded(supplier))
    return supplier


def update(
    workshop_id: int, supplier_id: int, changes: dict[str, Any], expected: Expected = None
) -> Supplier:
    """Change a supplier.

    :raises SupplierNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises SupplierNameTaken: another has the name. :raises Invalid: the tax number is none of the country.
    """
    with atomic() as session:
        supplier = _one(locked(Supplier), workshop_id, supplier_id)
        require_version(supplier, expected)
        before = recorded(supplier)
        for field, value in changes.items():
            setattr(supplier, field, value)
        complete(supplier)
        _flush(session)
        after = recorded(supplier)
        audit.note_change("supplier.updated", "supplier", supplier_id, before, after)
    return supplier


def complete(supplier: Supplier) -> None:
    """Bring name, phone and tax number into the form in which they are kept.

    :raises Invalid: the tax number is none of the country, or no country is named.
    """
    supplier.folded_name = folded(supplier.name)
    if supplier.phone is not None and supplier.country is not None:
        supplier.phone = phones.normalised(supplier.phone, supplier.country)
    if supplier.tax_id is None:
        return
    if supplier.country is None:
        raise Invalid("See `errors`.", errors={"country": ["Needed beside a tax number."]})
    try:
        supplier.tax_id = tax_ids.normalised(supplier.country, supplier.tax_id)
    except tax_ids.NotATaxId as error:
        raise Invalid("See `errors`.", errors={"tax_id": ["Not a tax number of the country."]}) from error


def _flush(session: Session) -> None:
    with taken_meanwhile():
        session.flush()


@contextmanager
def taken_meanwhile() -> Iterator[None]:
    """Write suppliers in the block: of two who write the same name at once, the table refuses the second.

    :raises SupplierNameTaken: another has the name.
    """
    try:
        yield
    except IntegrityError as error:
        raise SupplierNameTaken() from error


def remove(workshop_id: int, supplier_id: int, expected: Expected = None) -> None:
    """Remove a supplier that supplies nothing. The foreign keys decide that.

    :raises SupplierNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises SupplierInUse: it supplies a part.
    """
    with atomic() as session:
        supplier = _one(locked(Supplier), workshop_id, supplier_id)
        require_version(supplier, expected)
        before = recorded(supplier)
        session.delete(supplier)
        try:
            session.flush()
        except DBAPIError as error:
            if not is_still_named(error):
                raise
            raise SupplierInUse("It supplies items: let it be inactive instead.") from error
        audit.note("supplier.removed", "supplier", supplier_id, before=before)


# ---- The suppliers of a part --------------------------------------------------------------------------------------


def offers(workshop_id: int, part_id: int) -> list[Offer]:
    """Return who supplies a part: the preferred one first, then by price, those without one last.

    :raises PartNotFound: unknown here, or taken out.
    """
    get_part(workshop_id, part_id)
    statement = _offers(workshop_id, part_id).order_by(
        PartSupplier.preferred.desc(), PartSupplier.price.is_(None), PartSupplier.price, Supplier.id
    )
    return [_told(row) for row in db.session.execute(statement)]


def _offers(workshop_id: int, part_id: int) -> Select[PartSupplier, str]:
    return (
        select(PartSupplier, Supplier.name)
        .join(Supplier, Supplier.id == PartSupplier.supplier_id)
        .where(
            PartSupplier.workshop_id == workshop_id,
            Supplier.workshop_id == workshop_id,
            PartSupplier.part_id == part_id,
        )
    )


def _told(row: Row[PartSupplier, str]) -> Offer:
    offer, name = row
    fields = (*OFFER, "version", "updated_at")
    return {"supplier": {"id": offer.supplier_id, "name": name}, **audit.fields_of(offer, fields)}


def put_offer(
    workshop_id: int,
    part_id: int,
    supplier_id: int,
    *,
    supplier_number: str | None,
    price: Decimal | None,
    preferred: bool,
    expected: Expected = None,
) -> Offer:
    """Say that a supplier has a part, or change what was said. Who is preferred is so alone.

    The part is locked: of two who say at once whom they prefer, the second one has it.
    :raises PartNotFound: unknown here, or taken out. :raises SupplierNotFound: unknown here.
    :raises SupplierNumberTaken: the supplier has another part under that number. :raises TooManySuppliers: there are fifty.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        one_part(locked(Part, stays=True), workshop_id, part_id)
        supplier = get(workshop_id, supplier_id)
        offer = _offer(workshop_id, part_id, supplier_id)
        if offer is None:
            if expected is not None:
                raise Stale()
            offer = _new(session, workshop_id, part_id, supplier_id)
        require_version(offer, expected)
        before = audit.fields_of(offer, OFFER)
        if preferred:
            _prefer_nobody(session, workshop_id, part_id, supplier_id)
        offer.supplier_number, offer.price, offer.preferred = supplier_number, price, preferred
        session.add(offer)
        try:
            session.flush()
        except DBAPIError as error:
            if is_still_named(error):
                raise SupplierNotFound() from error  # who was removed meanwhile
            if not isinstance(error, IntegrityError):
                raise
            raise SupplierNumberTaken() from error
        audit.note_change("part.supplier_set", "part", part_id, before, audit.fields_of(offer, OFFER))
        return {
            "supplier": {"id": supplier.id, "name": supplier.name},
            **audit.fields_of(offer, (*OFFER, "version", "updated_at")),
        }


def _offer(workshop_id: int, part_id: int, supplier_id: int) -> PartSupplier | None:
    return db.session.scalar(
        locked(PartSupplier).where(
            PartSupplier.workshop_id == workshop_id,
            PartSupplier.part_id == part_id,
            PartSupplier.supplier_id == supplier_id,
        )
    )


def _new(session: Session, workshop_id: int, part_id: int, supplier_id: int) -> PartSupplier:
    number = (
        select(func.count())
        .select_from(PartSupplier)
        .where(PartSupplier.workshop_id == workshop_id, PartSupplier.part_id == part_id)
    )
    if session.scalars(number).one() >= MOST_OF_A_PART:
        raise TooManySuppliers(f"The item has {MOST_OF_A_PART} suppliers.")
    return PartSupplier(workshop_id=workshop_id, part_id=part_id, supplier_id=supplier_id)


def _prefer_nobody(session: Session, workshop_id: int, part_id: int, but: int) -> None:
    session.execute(
        sql_update(PartSupplier)
        .where(
            PartSupplier.workshop_id == workshop_id,
            PartSupplier.part_id == part_id,
            PartSupplier.supplier_id != but,
            PartSupplier.preferred,
        )
        .values(preferred=False, version=PartSupplier.version + 1, updated_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def remove_offer(workshop_id: int, part_id: int, supplier_id: int, expected: Expected = None) -> None:
    """Say that a supplier has a part no more.

    :raises PartNotFound: unknown here, or taken out. :raises SupplierNotFound: it does not supply it.
    :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        one_part(locked(Part, stays=True), workshop_id, part_id)
        offer = _offer(workshop_id, part_id, supplier_id)
        if offer is None:
            raise SupplierNotFound("The supplier does not supply this item.")
        require_version(offer, expected)
        before = audit.fields_of(offer, OFFER)
        session.delete(offer)
        session.flush()
        audit.note("part.supplier_removed", "part", part_id, before=before)
