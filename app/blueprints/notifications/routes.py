"""Notifications: the owner sees what left in the workshop's name, and sends again what was given up."""

from __future__ import annotations

from typing import Any

from app.blueprints.notifications import service
from app.blueprints.notifications.schemas import NotificationOut, NotificationQuery
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.outbox import OutboxMessage
from app.core.serving import Blueprint

bp = Blueprint(
    "notifications",
    __name__,
    url_prefix="/notifications",
    description="What was sent in the workshop's name, and what could not be.",
)


@bp.get("/log")
@limited("notifications_list")
@needs("notifications:read")
@bp.arguments(NotificationQuery, location="query")
@bp.response(200, NotificationOut(many=True))
def list_notifications(query: dict[str, Any]) -> Any:
    """List what was sent, what waits and what was given up.

    `state=dead` lists the dead letters. What the messages said is not kept once they are sent, and never shown.
    """
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.post("/<int:notification_id>/resend")
@limited("write")
@needs("notifications:write")
@bp.response(200, NotificationOut)
def resend_notification(notification_id: int) -> OutboxMessage:
    """Send a dead letter again.

    It starts anew under the same Message-ID: should an earlier copy have arrived after all, the two show as one.
    """
    return service.send_again(principal().workshop_id, notification_id)
