"""Attachments of tickets: staff attach and decide who sees; a customer sees what is theirs to see."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.datastructures import FileStorage

from app.blueprints.attachments import service
from app.blueprints.attachments.linking import links
from app.blueprints.attachments.schemas import (
    AttachmentIn,
    AttachmentOptions,
    AttachmentOut,
    AttachmentPatch,
    AttachmentQuery,
)
from app.blueprints.attachments.service import Shown
from app.core import paging
from app.core.bodies import FileTooLarge
from app.core.contract import limited, needs, takes_file
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "attachments",
    __name__,
    url_prefix="/service_tickets/<int:ticket_id>/attachments",
    description="Pictures and documents on a ticket.",
)


@bp.post("/", tags=["service_tickets"])
@limited("attachment")
@needs("tickets:write")
@takes_file(service.MOST_BYTES)
@bp.arguments(AttachmentIn, location="files")
@bp.arguments(AttachmentOptions, location="query")
@bp.response(201, AttachmentOut)
def add_ticket_attachment(
    sent: dict[str, FileStorage], options: dict[str, bool], ticket_id: int
) -> tuple[dict[str, Any], dict[str, str]]:
    """Attach a picture or a PDF to a ticket.

    A picture is drawn anew, so that nothing of it is kept but what is seen; a PDF is kept as it is. Neither the name nor the
    type that it is sent with counts; a name that is a path is refused.
    """
    content = sent["file"].stream.read(service.MOST_BYTES + 1)
    if len(content) > service.MOST_BYTES:
        raise FileTooLarge("An attachment has at most 10 MB.")
    made = service.add(principal(), ticket_id, content, name=sent["file"].filename or "", **options)
    place = url_for(
        "attachments.get_ticket_attachment", ticket_id=ticket_id, attachment_id=made.attachment.id
    )
    return _linked(made), {"Location": place}


@bp.get("/", tags=["service_tickets"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(AttachmentQuery, location="query")
@bp.response(200, AttachmentOut(many=True))
def list_ticket_attachments(query: dict[str, Any], ticket_id: int) -> Any:
    """List what is attached to a ticket: all to staff, to its customer what is visible to them."""
    page = service.find(principal(), ticket_id, paging.walk_of(query))
    rows, headers = paging.answer(page)
    return [_linked(row) for row in rows], headers


@bp.get("/<int:attachment_id>", tags=["service_tickets"])
@limited("read")
@needs("tickets:read", "own:read")
@bp.response(200, AttachmentOut)
def get_ticket_attachment(ticket_id: int, attachment_id: int) -> dict[str, Any]:
    """Say what an attachment is, and where it is to be had."""
    return _linked(service.get(principal(), ticket_id, attachment_id))


@bp.patch("/<int:attachment_id>", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(AttachmentPatch)
@bp.response(200, AttachmentOut)
def patch_ticket_attachment(changes: dict[str, Any], ticket_id: int, attachment_id: int) -> dict[str, Any]:
    """Let the customer see an attachment, or see it no more."""
    visible = changes.get("visible_to_customer")
    return _linked(
        service.show_to_customer(principal(), ticket_id, attachment_id, visible, expected_versions())
    )


@bp.delete("/<int:attachment_id>", tags=["service_tickets"])
@limited("delete")
@needs("tickets:write")
@bp.response(200, Message)
def delete_ticket_attachment(ticket_id: int, attachment_id: int) -> dict[str, str]:
    """Take an attachment off a ticket, for good."""
    service.remove(principal(), ticket_id, attachment_id, expected_versions())
    return {"message": f"Attachment {attachment_id} of service ticket {ticket_id} deleted."}


def _linked(shown: Shown) -> dict[str, Any]:
    attachment = shown.attachment
    return {
        "id": attachment.id,
        "kind": attachment.kind,
        "name": attachment.name,
        "content_type": shown.file.content_type,
        "size": shown.file.size,
        **links(attachment.workshop_id, attachment.file_id, attachment.thumbnail_id),
        "visible_to_customer": attachment.visible_to_customer,
        "account_id": attachment.account_id if shown.is_for_staff else None,
        "created_at": attachment.created_at,
        "version": attachment.version,
    }
