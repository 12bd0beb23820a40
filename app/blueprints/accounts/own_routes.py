"""One's own account: getting back in, another password, another address."""

from __future__ import annotations

from typing import Any

from flask import request

from app.blueprints.accounts import addresses, codes, recovery, service
from app.blueprints.accounts.schemas import (
    CallerOut,
    EmailChangeIn,
    EmailConfirmationIn,
    PasswordChangeIn,
    RecoveryCodeIn,
    RecoveryIn,
    RecoveryPasswordIn,
    RecoveryTokenOut,
)
from app.core.contract import evenly_timed, limited, public, signed_in, signed_in_or_by_key, unversioned
from app.core.identity import principal
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("own_account", __name__, url_prefix="/auth", description="One's own account.")


@bp.get("/me", tags=["accounts"])
@limited("read")
@signed_in_or_by_key
@bp.response(200, CallerOut)
def get_caller() -> dict[str, Any]:
    """Tell who one is: the account, the workshop one acts in, as what, and what one may do at this moment."""
    return service.described(principal())


@bp.post("/recovery", tags=["accounts"])
@limited("recovery")
@public
@unversioned
@bp.arguments(RecoveryIn)
@bp.response(200, Message)
def ask_for_recovery(wanted: dict[str, str]) -> dict[str, str]:
    """Ask for a code that lets one set a new password: the first of three steps.

    The code has six digits and is good for 15 minutes, once, for five tries. The answer doesn't tell whether an account has the
    address.
    """
    recovery.ask(wanted["email"])
    return {"message": "If an account has this address, a code is on its way to it."}


@bp.post("/recovery/code", tags=["accounts"])
@limited("recovery")
@public
@evenly_timed
@unversioned
@bp.arguments(RecoveryCodeIn)
@bp.response(200, RecoveryTokenOut)
def exchange_recovery_code(sent: dict[str, str]) -> dict[str, Any]:
    """Take the code for a token that sets a new password: the second step."""
    token = recovery.exchange(**sent)
    return {"reset_token": token, "expires_in": int(codes.GOOD_FOR["reset"].total_seconds())}


@bp.post("/recovery/password", tags=["accounts"])
@limited("recovery")
@public
@unversioned
@bp.arguments(RecoveryPasswordIn)
@bp.response(200, Message)
def recover_password(wanted: dict[str, str]) -> dict[str, str]:
    """Set a new password: the third step. It ends every session of the account."""
    recovery.set_password(wanted["reset_token"], wanted["password"])
    return {"message": "The password is set. Sign in with it."}


@bp.post("/password", tags=["accounts"])
@limited("login")
@signed_in
@unversioned
@bp.arguments(PasswordChangeIn)
@bp.response(200, Message)
def change_password(wanted: dict[str, str]) -> dict[str, str]:
    """Change one's password. The other sessions end; the one that asks goes on."""
    caller = principal()
    recovery.change_password(
        caller.account_id,
        wanted["present_password"],
        wanted["password"],
        session_id=caller.session_id,
        address=request.remote_addr,
    )
    return {"message": "The password is changed."}


@bp.post("/email/verification", tags=["accounts"])
@limited("recovery")
@signed_in
@unversioned
@bp.response(200, Message)
def ask_for_verification() -> dict[str, str]:
    """Have what verifies one's address sent again."""
    addresses.ask_to_verify_own(principal().account_id)
    return {"message": "If your address is not verified yet, a code is on its way to it."}


@bp.post("/email", tags=["accounts"])
@limited("recovery")
@signed_in
@unversioned
@bp.arguments(EmailChangeIn)
@bp.response(200, Message)
def ask_for_another_email(wanted: dict[str, str]) -> dict[str, str]:
    """Ask for another address to sign in with. It is changed once it is confirmed at both addresses."""
    addresses.ask_to_change(
        principal().account_id, wanted["email"], wanted["present_password"], request.remote_addr
    )
    return {"message": "Confirm it at both addresses: a link and a code are on their way to each."}


@bp.post("/email/confirmation", tags=["accounts"])
@limited("recovery")
@public
@evenly_timed
@unversioned
@bp.arguments(EmailConfirmationIn)
@bp.response(200, Message)
def confirm_email(sent: dict[str, str]) -> dict[str, str]:
    """Confirm an address, or one end of its change, by the link's token or by the code."""
    return {"message": addresses.confirm(**sent)}
