"""The refusals of invitations."""

from __future__ import annotations

from app.core.errors import Conflict, Invalid, NotFound


class InvitationNotFound(NotFound):
    """No such invitation of this workshop, or one that was forgotten."""

    code, title = "invitation_not_found", "Invitation not found."


class InvitationRefused(Invalid):
    """The token is unknown, used, expired or withdrawn, or what it invites to stands no more: the answer doesn't say which."""

    code, title = "invitation_refused", "The invitation is not good, or not any more."

    def __init__(self) -> None:
        super().__init__("Ask the workshop to send you another.")


class InvitationOpen(Conflict):
    """The same person has an invitation to the same that is still open."""

    code, title = "invitation_open", "There is an open invitation already."


class InvitationEnded(Conflict):
    """It was accepted or withdrawn."""

    code, title = "invitation_ended", "The invitation was accepted or withdrawn."


class AlreadyMember(Conflict):
    """Whoever is invited signs in here already as just that."""

    code, title = "already_member", "This person has an account here already."


class NoAddress(Conflict):
    """The record has no e-mail address to send an invitation to."""

    code, title = "no_address", "The record has no e-mail address."
