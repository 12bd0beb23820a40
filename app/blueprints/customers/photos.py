"""The rules of photos: one of each customer, drawn anew, served by a link that expires."""

from __future__ import annotations

from sqlalchemy import select

from app.blueprints.customers import service as customers
from app.blueprints.customers.errors import PhotoNotFound
from app.blueprints.customers.models import CustomerPhoto
from app.core import audit, files, images
from app.core.db import atomic
from app.core.files import StoredFile
from app.extensions import db

MOST_BYTES = 10_000_000


def put(workshop_id: int, customer_id: int, sent: bytes) -> StoredFile:
    """Keep what was sent as a customer's photo, in place of the one there is.

    :raises CustomerNotFound: unknown here, or erased. :raises NotAnImage: it is no picture that can be read.
    :raises PictureTooLarge: it has too many pixels.
    """
    customers.get(workshop_id, customer_id)
    drawn = files.draft([images.photo_of(sent)])  # takes its time: before anything is locked
    with atomic() as session:
        customers.hold(workshop_id, customer_id)
        present = _of(workshop_id, customer_id)
        kept = files.keep(workshop_id, "photo", drawn)
        if present is None:
            session.add(CustomerPhoto(workshop_id=workshop_id, customer_id=customer_id, file_id=kept.id))
        else:
            former, present.file_id = present.file_id, kept.id
            session.flush()
            files.forget(workshop_id, [former])
        audit.note("customer.photo_changed", "customer", customer_id)
    return kept


def get(workshop_id: int, customer_id: int) -> StoredFile:
    """Return the file that is a customer's photo.

    :raises CustomerNotFound: unknown here, or erased. :raises PhotoNotFound: there is none.
    """
    customers.get(workshop_id, customer_id)
    found = of(workshop_id, customer_id)
    if found is None:
        raise PhotoNotFound()
    return found


def of(workshop_id: int, customer_id: int) -> StoredFile | None:
    """Return the file that is a customer's photo, if they have one."""
    return db.session.scalar(
        select(StoredFile)
        .join(CustomerPhoto, CustomerPhoto.file_id == StoredFile.id)
        .where(CustomerPhoto.workshop_id == workshop_id, CustomerPhoto.customer_id == customer_id)
    )


def _of(workshop_id: int, customer_id: int) -> CustomerPhoto | None:
    return db.session.scalar(
        select(CustomerPhoto).where(
            CustomerPhoto.workshop_id == workshop_id, CustomerPhoto.customer_id == customer_id
        )
    )


def remove(workshop_id: int, customer_id: int) -> None:
    """Take a customer's photo away.

    :raises CustomerNotFound: unknown here, or erased. :raises PhotoNotFound: there is none.
    """
    with atomic():
        customers.hold(workshop_id, customer_id)
        if not discard(workshop_id, customer_id):
            raise PhotoNotFound()
        audit.note("customer.photo_removed", "customer", customer_id)


def discard(workshop_id: int, customer_id: int) -> int:
    """Delete a customer's photo, and return how many there were. Inside the `atomic()` that holds the customer."""
    with atomic() as session:
        present = _of(workshop_id, customer_id)
        if present is None:
            return 0
        session.delete(present)
        session.flush()
        return files.forget(workshop_id, [present.file_id])
