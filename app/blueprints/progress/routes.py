"""Progress updates: staff write them, the owner validates, the customer sees what is validated."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.attachments.linking import with_links
from app.blueprints.progress import service
from app.blueprints.progress.schemas import (
    ProgressQuery,
    ProgressUpdateIn,
    ProgressUpdateOut,
    ProgressUpdatePatch,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "progress",
    __name__,
    url_prefix="/service_tickets/<int:ticket_id>/progress",
    description="How the work goes on.",
)

Update = dict[str, Any]


@bp.post("/")
@limited("write")
@needs("tickets:write")
@bp.arguments(ProgressUpdateIn)
@bp.response(201, ProgressUpdateOut)
def create_progress_update(update: dict[str, Any], ticket_id: int) -> tuple[Update, dict[str, str]]:
    """Write how the work goes on. The customer sees it, and is told by mail, once it is validated."""
    made = service.write(principal(), ticket_id, **update)
    place = url_for("progress.get_progress_update", ticket_id=ticket_id, update_id=made["id"])
    return with_links(made), {"Location": place}


@bp.get("/")
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(ProgressQuery, location="query")
@bp.response(200, ProgressUpdateOut(many=True))
def list_progress_updates(query: dict[str, Any], ticket_id: int) -> Any:
    """List how the work went on, the newest first: all to staff, to the customer what is validated."""
    rows, headers = paging.answer(service.find(principal(), ticket_id, paging.walk_of(query)))
    return [with_links(row) for row in rows], headers


@bp.get("/<int:update_id>")
@limited("read")
@needs("tickets:read", "own:read")
@bp.response(200, ProgressUpdateOut)
def get_progress_update(ticket_id: int, update_id: int) -> Update:
    """Show a progress update with its photos; to the customer once it is validated."""
    return with_links(service.get(principal(), ticket_id, update_id))


@bp.patch("/<int:update_id>")
@limited("write")
@needs("tickets:write")
@bp.arguments(ProgressUpdatePatch)
@bp.response(200, ProgressUpdateOut)
def patch_progress_update(changes: dict[str, Any], ticket_id: int, update_id: int) -> Update:
    """Change what a progress update says or shows that is not validated; `photo_ids` replaces its photos."""
    return with_links(service.change(principal(), ticket_id, update_id, changes, expected_versions()))


@bp.delete("/<int:update_id>")
@limited("delete")
@needs("tickets:write")
@bp.response(200, Message)
def delete_progress_update(ticket_id: int, update_id: int) -> dict[str, str]:
    """Take a progress update back that is not validated."""
    service.remove(principal(), ticket_id, update_id, expected_versions())
    return {"message": f"Progress update {update_id} deleted."}


@bp.post("/<int:update_id>/validate")
@limited("write")
@needs("tickets:oversee")
@bp.response(200, ProgressUpdateOut)
def validate_progress_update(ticket_id: int, update_id: int) -> Update:
    """Let the customer see a progress update, who is told of it by mail. It changes no more."""
    return with_links(service.validate(principal(), ticket_id, update_id, expected_versions()))
