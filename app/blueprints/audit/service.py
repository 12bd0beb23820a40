"""Reading the audit log: what was changed, as far as the people in it have not been erased."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, select

from app.core import paging, sealing
from app.core.audit import AuditEntry
from app.core.paging import Order, Page, Walk
from app.core.sealing import Seal
from app.extensions import db

ORDER = Order(AuditEntry.sequence, "-id")


def find(
    workshop_id: int,
    walk: Walk,
    *,
    subject_kind: str | None = None,
    subject_id: int | None = None,
    account_id: int | None = None,
    action: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> Page:
    """Return one page of the entries that fit; the period is from `since` up to, not with, `until`."""
    statement = select(AuditEntry).where(AuditEntry.workshop_id == workshop_id)
    wanted = {
        "subject_kind": subject_kind,
        "subject_id": subject_id,
        "account_id": account_id,
        "action": action,
    }
    for name, value in wanted.items():
        if value is not None:
            statement = statement.where(getattr(AuditEntry, name) == value)
    return paging.fetch(
        _within(statement, since, until),
        ORDER,
        walk,
        lambda s, v: db.session.scalars(s, v).all(),
        lambda s, v: db.session.scalars(s, v).one(),
    )


def _within(
    statement: Select[AuditEntry], since: datetime | None, until: datetime | None
) -> Select[AuditEntry]:
    if since is not None:
        statement = statement.where(AuditEntry.at >= since)
    if until is not None:
        statement = statement.where(AuditEntry.at < until)
    return statement


def readable(entries: list[AuditEntry]) -> list[dict[str, Any]]:
    """Return entries of the current workshop as an owner reads them; of who was erased nothing is told."""
    sealed_by = {entry.sealed_by for entry in entries if entry.sealed_by is not None}
    keys = sealing.seals(sealed_by) if sealed_by else {}
    return [_readable(entry, keys) for entry in entries]


def _readable(entry: AuditEntry, keys: dict[int, Seal]) -> dict[str, Any]:
    key = keys.get(entry.sealed_by) if entry.sealed_by is not None else None
    is_erased = entry.sealed_by is not None and key is None
    details = None if is_erased else entry.details
    if details is not None and key is not None:
        details = key.open(details)
    told = orjson.loads(details) if details is not None else {}
    return {
        "id": entry.sequence,
        "at": entry.at,
        "account_id": entry.account_id,
        "role": entry.role,
        "key_id": entry.key_id,
        "action": entry.action,
        "subject_kind": entry.subject_kind,
        "subject_id": entry.subject_id,
        "before": told.get("before"),
        "after": told.get("after"),
        "erased": is_erased,
        "request_id": entry.request_id,
        "hash": bytes(entry.hash).hex(),
    }
