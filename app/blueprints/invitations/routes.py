"""Invitations: staff are invited by the owner, customers by whoever records them; the link in the mail is accepted here."""

from __future__ import annotations

from typing import Any

from flask import Response, request, url_for

from app.blueprints.accounts.answers import SIGNED_IN, let_in
from app.blueprints.invitations import accepting, service
from app.blueprints.invitations.accepting import Preview
from app.blueprints.invitations.models import Invitation
from app.blueprints.invitations.schemas import (
    InvitationAcceptanceIn,
    InvitationIn,
    InvitationOut,
    InvitationPreviewOut,
    InvitationQuery,
    InvitationTokenIn,
)
from app.core import paging
from app.core.contract import limited, needs, public, public_recognising_members, unversioned
from app.core.identity import principal, principal_if_admitted, require_person
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("invitations", __name__, description="How people come to a workshop.")


@bp.post("/invitations")
@limited("invite")
@needs("invitations:write")
@bp.arguments(InvitationIn)
@bp.response(201, InvitationOut)
def create_invitation(wanted: dict[str, Any]) -> tuple[Invitation, dict[str, str]]:
    """Invite somebody to the staff.

    They get a mail with a link that is good once, for 72 hours. Nobody gives more than they hold. For a new mechanic the record
    is made when they accept.
    """
    return _made(service.invite(principal(), **wanted))


@bp.post("/customers/<int:customer_id>/invitation", tags=["customers"])
@limited("invite")
@needs("customers:create", "customers:write")
@bp.response(201, InvitationOut)
def invite_customer(customer_id: int) -> tuple[Invitation, dict[str, str]]:
    """Invite a customer who walked in to claim their record.

    The customer has an e-mail address and no account; with the link in the mail they open one, and see what is theirs.
    """
    return _made(service.invite_customer(principal(), customer_id))


def _made(invitation: Invitation) -> tuple[Invitation, dict[str, str]]:
    return invitation, {"Location": url_for("invitations.get_invitation", invitation_id=invitation.id)}


@bp.get("/invitations")
@limited("invitations_list")
@needs("invitations:read")
@bp.arguments(InvitationQuery, location="query")
@bp.response(200, InvitationOut(many=True))
def list_invitations(query: dict[str, Any]) -> Any:
    """List the invitations of staff and customers, the latest first.

    They are forgotten 90 days after they were good for the last time.
    """
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query), **query))


@bp.get("/invitations/<int:invitation_id>")
@limited("read")
@needs("invitations:read")
@bp.response(200, InvitationOut)
def get_invitation(invitation_id: int) -> Invitation:
    """Show an invitation."""
    return service.get(principal().workshop_id, invitation_id)


@bp.post("/invitations/<int:invitation_id>/resend")
@limited("invite")
@needs(*service.INVITING_CUSTOMERS)
@bp.response(200, InvitationOut)
def resend_invitation(invitation_id: int) -> Invitation:
    """Send an invitation again, with a new link for another 72 hours; the old link is dead.

    It goes to the address that the record has now. A customer's is sent again by whoever may invite customers.
    """
    return service.resend(principal(), invitation_id, expected_versions())


@bp.delete("/invitations/<int:invitation_id>")
@limited("delete")
@needs(*service.INVITING_CUSTOMERS)
@bp.response(200, Message)
def delete_invitation(invitation_id: int) -> dict[str, str]:
    """Withdraw an invitation: its link is dead at once.

    A customer's is withdrawn by whoever may invite customers.
    """
    service.withdraw(principal(), invitation_id, expected_versions())
    return {"message": f"Invitation {invitation_id} withdrawn."}


@bp.post("/invitations/preview", tags=["accounts"])
@limited("recovery")
@public
@unversioned
@bp.arguments(InvitationTokenIn)
@bp.response(200, InvitationPreviewOut)
def preview_invitation(sent: dict[str, str]) -> Preview:
    """Show what an invitation is to, by the token of its link.

    A token that is not good, or not any more, is refused in one way, whatever the reason.
    """
    return accepting.preview(sent["token"])


@bp.post("/invitations/accept", tags=["accounts"])
@limited("recovery")
@public_recognising_members
@unversioned
@bp.arguments(InvitationAcceptanceIn)
@bp.response(201, SIGNED_IN)
@bp.alt_response(403, description="An API key asks.")
def accept_invitation(sent: dict[str, Any]) -> tuple[Response, int, dict[str, str]]:
    """Accept an invitation, and be signed in.

    Where its address has no account, one is opened with the password, and is verified by that. Where it has one, that
    account's password is needed, or a token of it; wrong ones count as failed sign-ins. The link is good once.
    """
    caller, in_cookie = principal_if_admitted(), sent.pop("refresh_in") == "cookie"
    require_person(caller)
    member = accepting.accept(**sent, caller=caller, address=request.remote_addr)
    answer = let_in(member, in_cookie=in_cookie, message="Invitation accepted")
    return answer, 201, {"Location": f"/workshops/{member.principal.workshop_id}"}
