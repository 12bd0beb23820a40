"""What is kept of a customer as such, with profile, consents, photo and exports: given out, and erased."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import delete, func, select

from app.blueprints.customers import exports, photos, preferences, profiles
from app.blueprints.customers import service as customers
from app.blueprints.customers.models import (
    ERASED_NAME,
    Consent,
    CustomerProfile,
    Export,
    NotificationPreferences,
)
from app.core import audit, clock, privacy
from app.core.db import atomic
from app.core.files import StoredFile
from app.core.privacy import Erased, Kept, Subject
from app.extensions import db

privacy.gives_nothing_of("file_pieces", "The files themselves are beside the document.")
privacy.gives_nothing_of("file_objects", "The files themselves are beside the document.")
privacy.gives_nothing_of("erasures", "Who was erased has nothing left to be given.")


@privacy.knows
def _words(person: Subject) -> tuple[str | None, ...]:
    customer = customers.get(person.workshop_id, person.customer_id)
    return customer.name, customer.email, customer.phone


@privacy.part("customer", says="your name and how to reach you.", tables=("customers",))
def _give_customer(person: Subject) -> dict[str, Any]:
    customer = customers.get(person.workshop_id, person.customer_id)
    return audit.fields_of(customer, ("id", *customers.RECORD, "created_at", "updated_at"))


@privacy.part(
    "profile", says="your address, and what else you told of yourself.", tables=("customer_profiles",)
)
def _give_profile(person: Subject) -> dict[str, Any] | None:
    profile = profiles.get(person.workshop_id, person.customer_id)
    return audit.fields_of(profile, (*profiles.KEPT, "created_at", "updated_at")) if profile.version else None


@privacy.part(
    "notification_preferences",
    says="which mail about your cars you want.",
    tables=("notification_preferences",),
)
def _give_preferences(person: Subject) -> dict[str, Any] | None:
    wanted = preferences.get(person.workshop_id, person.customer_id)
    return audit.fields_of(wanted, (*preferences.KINDS, "updated_at")) if wanted.version else None


@privacy.part("consents", says="what you agreed to, or no longer do.", tables=("consents",))
def _give_consents(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (Consent.id, Consent.kind, Consent.text_version, Consent.given, Consent.at, Consent.account_id)
    theirs = Consent.workshop_id == person.workshop_id, Consent.customer_id == person.customer_id
    return privacy.walked(select(*columns).where(*theirs), Consent.id)


@privacy.part("photo", says="your photo.", tables=("customer_photos", "files"))
def _give_photo(person: Subject) -> StoredFile | None:
    return photos.of(person.workshop_id, person.customer_id)


@privacy.part("exports", says="when exports such as this one were asked for.", tables=("exports",))
def _give_exports(person: Subject) -> Iterator[dict[str, Any]]:
    columns = (Export.id, Export.state, Export.requested_at, Export.expires_at)
    theirs = Export.workshop_id == person.workshop_id, Export.customer_id == person.customer_id
    return privacy.walked(select(*columns).where(*theirs), Export.id)


@privacy.erases(
    "customers",
    "customer_profiles",
    "customer_photos",
    "notification_preferences",
    "consents",
    "exports",
    "files",
    "file_pieces",
    "file_objects",
    "erasures",
)
def _erase(person: Subject) -> Iterator[Erased | Kept]:
    workshop_id, customer_id = person.workshop_id, person.customer_id
    yield Erased("photo", photos.discard(workshop_id, customer_id))
    yield Erased("exports", exports.discard(workshop_id, customer_id))
    with atomic() as session:
        gone = session.scalars(
            delete(CustomerProfile)
            .where(CustomerProfile.workshop_id == workshop_id, CustomerProfile.customer_id == customer_id)
            .returning(CustomerProfile.customer_id)
            .execution_options(synchronize_session=False)
        ).all()
        unsaid = session.scalars(
            delete(NotificationPreferences)
            .where(
                NotificationPreferences.workshop_id == workshop_id,
                NotificationPreferences.customer_id == customer_id,
            )
            .returning(NotificationPreferences.customer_id)
            .execution_options(synchronize_session=False)
        ).all()
        customer = customers.hold(workshop_id, customer_id)
        customer.name, customer.email, customer.phone = ERASED_NAME, None, None
        customer.erased_at = clock.now()
        session.flush()
    yield Erased("profile", len(gone))
    yield Erased("notification_preferences", len(unsaid))
    yield Erased("name_email_and_phone")
    yield Kept("customer", 1, "A number without a name, which tickets point to.")
    agreed = select(func.count()).where(
        Consent.workshop_id == workshop_id, Consent.customer_id == customer_id
    )
    yield Kept(
        "consents",
        db.session.scalar(agreed) or 0,
        "Evidence of what was agreed to and when, which names nobody.",
    )
