"""The rules of API keys: who makes one of what, what it is worth at each moment, and its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, or_, select
from sqlalchemy import update as sql_update

from app.blueprints.accounts.models import Account, ApiKey, Membership, OwnRole
from app.blueprints.accounts.standing import in_force, is_the_role
from app.blueprints.api_keys.errors import ApiKeyNotFound
from app.blueprints.roles import service as roles
from app.blueprints.workshops.errors import WorkshopSuspended
from app.blueprints.workshops.models import Workshop
from app.core import audit, caching, clock, identity, keys, paging, scopes
from app.core.db import atomic, locked
from app.core.errors import Invalid
from app.core.identity import KeyStanding, Principal
from app.core.paging import Order, Page, Walk
from app.core.preconditions import Expected, require_version
from app.core.tenancy import across_workshops, acting_in
from app.extensions import db

ORDER = Order(ApiKey.id, "name", name=ApiKey.name)
SHOWN = (
    "id", "name", "prefix", "scopes", "membership_id", "created_at", "expires_at", "last_used_at", "revoked_at",
)  # fmt: skip
USE_NOTED_EVERY = timedelta(minutes=1)


def make(
    caller: Principal, *, name: str, scopes: Iterable[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Make a key that acts for `caller` in their workshop; return what is kept of it, and the key itself, which is not.

    :raises BeyondOwnScopes: it would hold more than the caller. :raises Invalid: it would have expired already.
    :raises NotForKeys: the caller is a key.
    """
    identity.require_person(caller)
    roles.require_holding(caller, scopes)
    if expires_at is not None and expires_at <= clock.now():
        raise Invalid("A key expires later than it is made.", errors={"expires_at": ["Not in the future."]})
    prefix, key = keys.new_key()
    row = ApiKey(
        workshop_id=caller.workshop_id,
        membership_id=caller.membership_id,
        name=name,
        prefix=prefix,
        digest=keys.digest_of(key),
        scopes=frozenset(scopes),
        expires_at=expires_at,
    )
    with atomic() as session:
        session.add(row)
        session.flush()
        audit.note("api_key.made", "api_key", row.id, after=_told(row))
    return row, key


def _told(row: ApiKey) -> dict[str, Any]:
    return audit.fields_of(row, ("name", "prefix", "expires_at")) | {"scopes": sorted(row.scopes)}


def find(workshop_id: int, walk: Walk) -> Page:
    """Return one page of a workshop's keys, those that are good no more among them."""
    return paging.fetch(
        select(ApiKey).where(ApiKey.workshop_id == workshop_id),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def get(workshop_id: int, key_id: int) -> ApiKey:
    """Return a key.

    :raises ApiKeyNotFound: unknown here.
    """
    return _one(select(ApiKey), workshop_id, key_id)


def _one(statement: Select[ApiKey], workshop_id: int, key_id: int) -> ApiKey:
    found = db.session.scalar(statement.where(ApiKey.workshop_id == workshop_id, ApiKey.id == key_id))
    if found is None:
        raise ApiKeyNotFound()
    return found


def rename(workshop_id: int, key_id: int, changes: dict[str, Any], expected: Expected = None) -> ApiKey:
    """Give a key another name.

    :raises ApiKeyNotFound: unknown here. :raises Stale: not the `expected` version.
    """
    with atomic() as session:
        row = _one(locked(ApiKey), workshop_id, key_id)
        require_version(row, expected)
        before = row.name
        row.name = changes.get("name", before)
        session.flush()
        audit.note_change("api_key.renamed", "api_key", key_id, {"name": before}, {"name": row.name})
    return row


def revoke(workshop_id: int, key_id: int, expected: Expected = None) -> None:
    """End a key, at once and on every worker; one that was revoked stays so.

    :raises ApiKeyNotFound: unknown here. :raises Stale: not the `expected` version.
    """
    with atomic():
        row = _one(locked(ApiKey), workshop_id, key_id)
        require_version(row, expected)
        if row.revoked_at is None:
            row.revoked_at = clock.now()
            caching.announce_keys_changed([row.digest])
            audit.note("api_key.revoked", "api_key", key_id, before=_told(row))


# ---- What a key is worth ----------------------------------------------------------------------------------------------


@identity.checks_keys
def standing(digest: bytes) -> KeyStanding | None:
    """Tell by whom a key acts, with what both it and they hold at this moment; that it was used is noted once a minute.

    :raises WorkshopSuspended: it would act, but for the workshop.
    """
    now = clock.now()
    statement = (
        select(ApiKey, Membership, OwnRole.scopes, Workshop.suspended_at)
        .join(
            Membership,
            (Membership.workshop_id == ApiKey.workshop_id) & (Membership.id == ApiKey.membership_id),
        )
        .join(Account, Account.id == Membership.account_id)
        .join(Workshop, Workshop.id == Membership.workshop_id)
        .outerjoin(OwnRole, is_the_role)
        .where(
            ApiKey.digest == digest,
            ApiKey.revoked_at.is_(None),
            or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now),
            *in_force(),
        )
    )
    with across_workshops():
        found = db.session.execute(statement.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        return None
    row, membership, own_scopes, suspended_at = found
    if suspended_at is not None:
        raise WorkshopSuspended()
    held = scopes.of_role(membership.role) if membership.role_id is None else own_scopes
    principal = Principal(
        account_id=membership.account_id,
        workshop_id=membership.workshop_id,
        membership_id=membership.id,
        role=membership.role,
        person_id=membership.mechanic_id,
        narrowed=frozenset() if membership.second_factor_due else (row.scopes & held) - scopes.FOR_PEOPLE,
        key_id=row.id,
        second_factor_due=membership.second_factor_due,
    )
    stands = KeyStanding(principal, row.expires_at)
    if row.last_used_at is None or row.last_used_at <= now - USE_NOTED_EVERY:
        _note_use(row.workshop_id, row.id, now)
    return stands


def _note_use(workshop_id: int, key_id: int, now: datetime) -> None:
    """Note that a key was used. Of several workers who come at once, one does."""
    with acting_in(workshop_id), atomic() as session:
        session.execute(
            sql_update(ApiKey)
            .where(
                ApiKey.workshop_id == workshop_id,
                ApiKey.id == key_id,
                or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at <= now - USE_NOTED_EVERY),
            )
            .values(last_used_at=now)
            .execution_options(synchronize_session=False)
        )
