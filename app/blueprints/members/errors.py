"""The refusals of members."""

from __future__ import annotations

from app.core.errors import Conflict, NotFound


class MemberNotFound(NotFound):
    """Nobody of the workshop's people has that id, or they have left."""

    code, title = "member_not_found", "Member not found."


class AlreadyInRole(Conflict):
    """The person has the role beside the one that was to be changed."""

    code, title = "already_in_role", "This person has that role here already."


class MechanicRecordMissing(Conflict):
    """Who has no mechanic's record cannot be a mechanic."""

    code, title = "mechanic_record_missing", "This person has no mechanic's record."
