"""The second factor: setting it up, signing in with it, and giving it up."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.blueprints.accounts import second_factor
from app.blueprints.accounts.answers import let_in
from app.blueprints.accounts.schemas import LoginOut
from app.blueprints.accounts.second_factor import Proof
from app.blueprints.accounts.second_factor_schemas import (
    RecoveryCodesIn,
    RecoveryCodesOut,
    SecondFactorBegunOut,
    SecondFactorCodeIn,
    SecondFactorIn,
    SecondFactorLoginIn,
    SecondFactorOut,
    SecondFactorRemovalIn,
)
from app.blueprints.workshops import service as workshops
from app.core import idempotency
from app.core.contract import limited, public, signed_in, unversioned
from app.core.identity import principal
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("second_factor", __name__, url_prefix="/auth", description="The second factor.")


@bp.post("/login/second_factor", tags=["accounts"])
@limited("login")
@public
@unversioned
@bp.arguments(SecondFactorLoginIn)
@bp.response(200, LoginOut)
@bp.alt_response(401, description="The challenge or the code is not good.")
def login_with_second_factor(shown: dict[str, Any]) -> Response:
    """Go on with a sign-in that was answered `second_factor_required`.

    The challenge is good for five minutes, once, for five tries. A code is good once; wrong ones are counted, and make the
    account wait as wrong passwords do.
    """
    idempotency.show_once()  # kept, the answer would make the code good again
    caller = second_factor.go_on(shown["challenge"], _proof(shown), request.remote_addr)
    return let_in(caller, in_cookie=shown["refresh_in"] == "cookie")


@bp.get("/second_factor", tags=["accounts"])
@limited("read")
@signed_in
@bp.response(200, SecondFactorOut)
def get_second_factor() -> dict[str, Any]:
    """Show whether one has a second factor, and how many recovery codes are left."""
    return second_factor.state(principal().account_id)


@bp.post("/second_factor", tags=["accounts"])
@limited("login")
@signed_in
@unversioned
@bp.arguments(SecondFactorIn)
@bp.response(200, SecondFactorBegunOut)
def begin_second_factor(wanted: dict[str, str]) -> dict[str, str]:
    """Begin a second factor: get a secret for an authenticator app.

    It is asked for once POST /auth/second_factor/confirmation has seen a code of the app. Until then it may be begun anew.
    """
    caller = principal()
    idempotency.show_once()
    return second_factor.begin(
        caller.account_id,
        wanted["present_password"],
        issuer=workshops.letterhead(caller.workshop_id).name,
        address=request.remote_addr,
    )


@bp.post("/second_factor/confirmation", tags=["accounts"])
@limited("login")
@signed_in
@unversioned
@bp.arguments(SecondFactorCodeIn)
@bp.response(200, RecoveryCodesOut)
def confirm_second_factor(sent: dict[str, str]) -> dict[str, list[str]]:
    """Switch the second factor on, with a code of the app; the answer has ten recovery codes, which are not shown again.

    The other sessions end. Where the workshop asks for a second factor, the session that asks may do its work from now on.
    """
    caller = principal()
    idempotency.show_once()
    made = second_factor.confirm(caller.account_id, sent["code"], session_id=caller.session_id)
    return {"recovery_codes": made}


@bp.post("/second_factor/recovery_codes", tags=["accounts"])
@limited("login")
@signed_in
@unversioned
@bp.arguments(RecoveryCodesIn)
@bp.response(200, RecoveryCodesOut)
def renew_recovery_codes(sent: dict[str, str]) -> dict[str, list[str]]:
    """Make ten new recovery codes; the old ones are worth nothing any more."""
    idempotency.show_once()
    made = second_factor.renew_recovery_codes(
        principal().account_id, sent["present_password"], sent["code"], address=request.remote_addr
    )
    return {"recovery_codes": made}


@bp.post("/second_factor/removal", tags=["accounts"])
@limited("login")
@signed_in
@unversioned
@bp.arguments(SecondFactorRemovalIn)
@bp.response(200, Message)
def remove_second_factor(sent: dict[str, str]) -> dict[str, str]:
    """Switch the second factor off. Refused while a workshop where one is staff asks for it."""
    second_factor.remove(
        principal().account_id, sent["present_password"], _proof(sent), address=request.remote_addr
    )
    return {"message": "The second factor is switched off."}


def _proof(sent: dict[str, Any]) -> Proof:
    return Proof(sent.get("code"), sent.get("recovery_code"))
