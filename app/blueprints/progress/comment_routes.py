"""Comments on tickets, for staff alone."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.progress import comments
from app.blueprints.progress.models import TicketComment
from app.blueprints.progress.schemas import CommentIn, CommentOut, CommentPatch, CommentQuery
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "comments",
    __name__,
    url_prefix="/service_tickets/<int:ticket_id>/comments",
    description="What staff say to each other about a visit.",
)


@bp.post("/", tags=["progress"])
@limited("write")
@needs("tickets:write")
@bp.arguments(CommentIn)
@bp.response(201, CommentOut)
def create_ticket_comment(comment: dict[str, Any], ticket_id: int) -> tuple[TicketComment, dict[str, str]]:
    """Comment on a ticket, be it over. No customer sees it."""
    made = comments.write(principal(), ticket_id, **comment)
    place = url_for("comments.get_ticket_comment", ticket_id=ticket_id, comment_id=made.id)
    return made, {"Location": place}


@bp.get("/", tags=["progress"])
@limited("read")
@needs("tickets:read")
@bp.arguments(CommentQuery, location="query")
@bp.response(200, CommentOut(many=True))
def list_ticket_comments(query: dict[str, Any], ticket_id: int) -> Any:
    """List the comments on a ticket, in the order in which they were written."""
    return paging.answer(comments.find(principal(), ticket_id, paging.walk_of(query)))


@bp.get("/<int:comment_id>", tags=["progress"])
@limited("read")
@needs("tickets:read")
@bp.response(200, CommentOut)
def get_ticket_comment(ticket_id: int, comment_id: int) -> TicketComment:
    """Show a comment on a ticket."""
    return comments.get(principal(), ticket_id, comment_id)


@bp.patch("/<int:comment_id>", tags=["progress"])
@limited("write")
@needs("tickets:write")
@bp.arguments(CommentPatch)
@bp.response(200, CommentOut)
def patch_ticket_comment(changes: dict[str, Any], ticket_id: int, comment_id: int) -> TicketComment:
    """Change one's own comment. What it said before is in the audit log."""
    return comments.change(principal(), ticket_id, comment_id, changes.get("text"), expected_versions())


@bp.delete("/<int:comment_id>", tags=["progress"])
@limited("delete")
@needs("tickets:oversee")
@bp.response(200, Message)
def delete_ticket_comment(ticket_id: int, comment_id: int) -> dict[str, str]:
    """Delete a comment, whoever wrote it."""
    comments.remove(principal(), ticket_id, comment_id, expected_versions())
    return {"message": f"Comment {comment_id} deleted."}
