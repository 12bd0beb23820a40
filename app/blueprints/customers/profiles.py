"""The rules of profiles: what is kept of a person beyond how to reach them, who sees what of it, and what they agreed to."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.blueprints.customers import service as customers
from app.blueprints.customers.errors import InvalidNationalId, NationalIdTaken
from app.blueprints.customers.models import EARLIEST_BIRTH, Consent, CustomerProfile
from app.blueprints.workshops.terms import country_of, today_in
from app.core import audit, national_ids, paging, phones
from app.core.crypto import blind_index
from app.core.db import atomic
from app.core.errors import Invalid
from app.core.identity import Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.extensions import db

REACHED = (
    "street", "city", "postal_code", "country", "preferred_contact", "emergency_contact_name", "emergency_contact_phone",
)  # fmt: skip
KEPT = (*REACHED, "birth_date", "gender", "national_id_kind", "national_id")

ORDER = Order(Consent.id, "-id")


def get(workshop_id: int, customer_id: int) -> CustomerProfile:
    """Return a customer's profile; an empty one of version 0 where nothing was kept yet.

    :raises CustomerNotFound: unknown here, or erased.
    """
    customers.get(workshop_id, customer_id)
    return _kept(workshop_id, customer_id) or _empty(workshop_id, customer_id)


def _kept(workshop_id: int, customer_id: int) -> CustomerProfile | None:
    return db.session.scalar(
        select(CustomerProfile).where(
            CustomerProfile.workshop_id == workshop_id, CustomerProfile.customer_id == customer_id
        )
    )


def _empty(workshop_id: int, customer_id: int) -> CustomerProfile:
    return CustomerProfile(workshop_id=workshop_id, customer_id=customer_id, version=0)


def visible(profile: CustomerProfile, caller: Principal) -> dict[str, Any]:
    """Return what `caller` may see: staff how to reach somebody, only who may change it a national id that is not masked.

    What was agreed to is told to who may change it and to the customer.
    """
    is_their_own = caller.customer_id == profile.customer_id
    is_whole = is_their_own or caller.may("customers:write")
    seen = audit.fields_of(profile, KEPT if is_whole else REACHED) | {
        "customer_id": profile.customer_id,
        "version": profile.version,
    }
    if is_whole:
        seen["consents"] = _standing_consents(profile.workshop_id, profile.customer_id)
    if is_their_own and profile.national_id is not None:
        seen["national_id"] = national_ids.masked(profile.national_id)
    return seen


def update(
    workshop_id: int, customer_id: int, changes: dict[str, Any], expected: Expected = None
) -> CustomerProfile:
    """Change a customer's profile.

    :raises CustomerNotFound: unknown here. :raises Stale: not the `expected` version.
    :raises Invalid: the date of birth lies in the future or before 1900. :raises InvalidNationalId: it is not one.
    :raises NationalIdTaken: another customer has it.
    """
    _require_birth(workshop_id, changes.get("birth_date"))
    if changes.get("emergency_contact_phone"):
        changes["emergency_contact_phone"] = phones.normalised(
            changes["emergency_contact_phone"], country_of(workshop_id)
        )
    with atomic() as session:
        customers.hold(workshop_id, customer_id)
        profile = _kept(workshop_id, customer_id) or _empty(workshop_id, customer_id)
        require_version(profile, expected)
        before = _told(profile)
        _identify(profile, changes)
        for field, value in changes.items():
            setattr(profile, field, value)
        if not profile.version:
            profile.version = 1
        session.add(profile)
        _flush(session)
        audit.note_change(
            "customer.profile_updated", "customer", customer_id,
            before, _told(profile), person=customers.person(customer_id),
        )  # fmt: skip
    return profile


def _require_birth(workshop_id: int, day: date | None) -> None:
    if day is not None and not EARLIEST_BIRTH <= day <= today_in(workshop_id):
        raise Invalid(
            "See `errors`.", errors={"birth_date": [f"From {EARLIEST_BIRTH} on, and not in the future."]}
        )


def _told(profile: CustomerProfile) -> dict[str, Any]:
    """Return a profile as the audit log has it: of a national id no more than its end."""
    told = audit.fields_of(profile, KEPT)
    if profile.national_id is not None:
        told["national_id"] = national_ids.masked(profile.national_id)
    return told


def _identify(profile: CustomerProfile, changes: dict[str, Any]) -> None:
    """Take national id and kind out of `changes` into the profile. The mask that a customer is shown means: as it is."""
    kind = changes.pop("national_id_kind", profile.national_id_kind)
    number = changes.pop("national_id", profile.national_id)
    present = profile.national_id
    if present is not None and number == national_ids.masked(present):
        number = present
    if (kind is None) != (number is None):
        missing = "national_id_kind" if kind is None else "national_id"
        raise InvalidNationalId(
            "A national id and its kind come together.", errors={missing: ["Needed beside the other."]}
        )
    if (kind, number) == (profile.national_id_kind, present):
        return
    if kind is not None and number is not None:
        number = _normalised(kind, number)
    profile.national_id_kind, profile.national_id = kind, number
    profile.national_id_digest = None if number is None else digest(str(kind), number)


def _normalised(kind: str, number: str) -> str:
    try:
        return national_ids.normalised(kind, number)
    except national_ids.NotANationalId as error:
        raise InvalidNationalId(
            f"Its length, form or check digit is not that of {kind}.",
            errors={"national_id": [f"Not a valid number of the kind {kind}."]},
        ) from error


def digest(kind: str, number: str) -> bytes:
    """Return the digest by which a normalised national id is found."""
    return blind_index("national-id", f"{kind}:{number}")


def _flush(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError as error:
        raise NationalIdTaken() from error


# ---- Consents -----------------------------------------------------------------------------------------------------


def consents(workshop_id: int, customer_id: int, walk: Walk) -> Page:
    """Return one page of what a customer agreed to, or no longer agrees to.

    :raises CustomerNotFound: unknown here, or erased.
    """
    customers.get(workshop_id, customer_id)
    return paging.fetch(
        select(Consent).where(Consent.workshop_id == workshop_id, Consent.customer_id == customer_id),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def _standing_consents(workshop_id: int, customer_id: int) -> list[Consent]:
    """Return the last word on each kind."""
    of_customer = (Consent.workshop_id == workshop_id, Consent.customer_id == customer_id)
    last = select(func.max(Consent.id)).where(*of_customer).group_by(Consent.kind)
    statement = select(Consent).where(*of_customer, Consent.id.in_(last)).order_by(Consent.kind)
    return list(db.session.scalars(statement))


def record_consent(
    caller: Principal, customer_id: int, *, kind: str, text_version: str, given: bool
) -> Consent:
    """Keep that a customer agreed to a version of a text, or no longer does.

    :raises CustomerNotFound: unknown here, or erased.
    """
    with atomic() as session:
        customers.hold(caller.workshop_id, customer_id)
        consent = Consent(
            workshop_id=caller.workshop_id, customer_id=customer_id, kind=kind, text_version=text_version,
            given=given, account_id=caller.account_id,
        )  # fmt: skip
        session.add(consent)
        session.flush()
        audit.note(
            "customer.consent_recorded", "customer", customer_id,
            after={"kind": kind, "text_version": text_version, "given": given},
        )  # fmt: skip
    return consent
