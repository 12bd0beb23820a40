"""The refusals of progress updates and comments."""

from __future__ import annotations

from app.core.errors import Conflict, NotAllowed, NotFound


class UpdateNotFound(NotFound):
    """No such progress update of the ticket, as far as this caller can tell."""

    code, title = "progress_update_not_found", "The ticket has no such progress update."


class UpdateValidated(Conflict):
    """Nothing of a validated progress update changes: its customer has read it."""

    code, title = "progress_update_validated", "The progress update is validated."


class CommentNotFound(NotFound):
    """No such comment on the ticket."""

    code, title = "comment_not_found", "The ticket has no such comment."


class NotYourComment(NotAllowed):
    """A comment is changed by whoever wrote it."""

    code, title = "not_your_comment", "This is somebody else's comment."
