"""The refusals of notifications."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class NotificationNotFound(NotFound):
    """No such message in this workshop, or one that was cleaned away."""

    code, title = "notification_not_found", "Notification not found."


class NotificationNotDead(Conflict):
    """Only what was given up is sent again by hand."""

    code, title = "notification_not_dead", "Only a notification that was given up can be sent again."


class NotificationErased(Conflict):
    """Its recipient was erased, and what was written to them too."""

    code, title = "notification_erased", "The notification's recipient was erased."
