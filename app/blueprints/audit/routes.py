"""The audit log: an owner reads it, nobody writes it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from app.blueprints.audit import service
from app.blueprints.audit.schemas import AuditEntryOut, AuditQuery
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.serving import Blueprint

bp = Blueprint("audit", __name__, url_prefix="/audit", description="Who changed what, and when.")


@bp.get("/")
@limited("audit_list")
@needs("audit:read")
@bp.arguments(AuditQuery, location="query")
@bp.response(200, AuditEntryOut(many=True))
def list_audit(query: dict[str, Any]) -> Any:
    """List the changes, the newest first.

    What an entry says of a person can be read until they are erased; then `erased` is true, and `before` and `after` are null.
    """
    page = service.find(principal().workshop_id, paging.walk_of(query), **query)
    return paging.answer(replace(page, rows=service.readable(list(page.rows))))
