"""Members: who may sign in to the workshop as one of its people, and as what."""

from __future__ import annotations

from typing import Any

from app.blueprints.members import service
from app.blueprints.members.schemas import MemberOut, MemberPhoneIn, MemberQuery, MemberRoleIn
from app.core import paging
from app.core.contract import limited, needs, unversioned
from app.core.identity import principal
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("members", __name__, url_prefix="/members", description="Who may sign in to the workshop.")


@bp.get("/")
@limited("members_list")
@needs("members:read")
@bp.arguments(MemberQuery, location="query")
@bp.response(200, MemberOut(many=True))
def list_members(query: dict[str, Any]) -> Any:
    """List who may sign in to the workshop as one of its people.

    Its customers are under /customers.
    """
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query)))


@bp.get("/<int:member_id>")
@limited("read")
@needs("members:read")
@bp.response(200, MemberOut)
def get_member(member_id: int) -> Any:
    """Show a member."""
    return service.get(principal().workshop_id, member_id)


@bp.put("/<int:member_id>/role")
@limited("write")
@needs("members:write")
@unversioned
@bp.arguments(MemberRoleIn)
@bp.response(200, MemberOut)
@bp.alt_response(409, description="The last owner stays one; a mechanic has a record.")
def give_member_role(wanted: dict[str, Any], member_id: int) -> Any:
    """Give a member another role.

    A role of the workshop's own is `staff` with its `role_id`. Neither what they are nor what they shall be may hold more than
    the caller.
    """
    service.give_role(principal(), member_id, **wanted)
    return service.get(principal().workshop_id, member_id)


@bp.put("/<int:member_id>/phone")
@limited("write")
@needs("members:write")
@unversioned
@bp.arguments(MemberPhoneIn)
@bp.response(200, MemberOut)
def give_member_phone(wanted: dict[str, Any], member_id: int) -> Any:
    """Write down the number by which a member signs in as well.

    For those who have no record with one: owners, and staff in a role of the workshop's own.
    """
    service.give_number(principal(), member_id, **wanted)
    return service.get(principal().workshop_id, member_id)


@bp.delete("/<int:member_id>")
@limited("delete")
@needs("members:write")
@unversioned
@bp.response(200, Message)
@bp.alt_response(409, description="The last owner stays.")
def end_membership(member_id: int) -> dict[str, str]:
    """End what a member is here, and their sessions; a mechanic's record stays."""
    service.remove(principal(), member_id)
    return {"message": f"Member {member_id} removed."}


@bp.post("/<int:member_id>/unlock")
@limited("write")
@needs("members:write")
@unversioned
@bp.response(200, Message)
@bp.alt_response(409, description="It is the caller, or the account serves another workshop too.")
def unlock_member(member_id: int) -> dict[str, str]:
    """Let a member sign in at once who failed too often.

    What was counted against their address, their number and their second factor is forgotten.
    """
    service.unlock(principal(), member_id)
    return {"message": f"Member {member_id} may sign in again."}


@bp.delete("/<int:member_id>/second_factor")
@limited("delete")
@needs("members:write")
@unversioned
@bp.response(200, Message)
@bp.alt_response(409, description="It is the caller, or the account serves another workshop too.")
def delete_member_second_factor(member_id: int) -> dict[str, str]:
    """Switch off the second factor of a member who has lost it; they are told by mail."""
    service.take_second_factor_away(principal(), member_id)
    return {"message": f"The second factor of member {member_id} is switched off."}
