"""Notification preferences: the customer sets them, or the owner in their name."""

from __future__ import annotations

from typing import Any

from app.blueprints.customers import preferences
from app.blueprints.customers.models import NotificationPreferences
from app.blueprints.customers.preference_schemas import NotificationPreferencesIn, NotificationPreferencesOut
from app.core.contract import limited, needs
from app.core.errors import NotAllowed
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint(
    "preferences",
    __name__,
    url_prefix="/customers",
    description="Which mail about their cars customers want.",
)


def _require_own(customer_id: int, scope: str) -> None:
    if not principal().may(scope) and principal().customer_id != customer_id:
        raise NotAllowed("A customer sees only their own record.")


@bp.get("/<int:customer_id>/notification_preferences", tags=["customers"])
@limited("read")
@needs("customers:read", "own:read")
@bp.response(200, NotificationPreferencesOut)
def get_notification_preferences(customer_id: int) -> NotificationPreferences:
    """Show which mail about their cars a customer wants; all of it, as long as nobody said otherwise."""
    _require_own(customer_id, "customers:read")
    return preferences.get(principal().workshop_id, customer_id)


@bp.put("/<int:customer_id>/notification_preferences", tags=["customers"])
@limited("write")
@needs("customers:write", "own:write")
@bp.arguments(NotificationPreferencesIn)
@bp.response(200, NotificationPreferencesOut)
def replace_notification_preferences(wanted: dict[str, Any], customer_id: int) -> NotificationPreferences:
    """Say which mail about their cars a customer wants."""
    _require_own(customer_id, "customers:write")
    return preferences.update(principal().workshop_id, customer_id, wanted, expected_versions())
