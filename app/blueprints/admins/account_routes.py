"""The accounts of the installation: an admin sees what each is where, and suspends it."""

from __future__ import annotations

from typing import Any

from app.blueprints.admins import suspensions
from app.blueprints.admins.schemas import AccountDetailOut, AccountOut, AccountQuery
from app.core import paging
from app.core.contract import limited, needs, unversioned
from app.core.schema import ReasonIn
from app.core.serving import Blueprint

bp = Blueprint(
    "installation_accounts", __name__, url_prefix="/accounts", description="The accounts of the installation."
)


@bp.get("/", tags=["admins"])
@limited("read")
@needs("accounts:read")
@bp.arguments(AccountQuery, location="query")
@bp.response(200, AccountOut(many=True))
def list_accounts(query: dict[str, Any]) -> Any:
    """List the accounts of the installation."""
    return paging.answer(suspensions.find(paging.walk_of(query), **query))


@bp.get("/<int:account_id>", tags=["admins"])
@limited("read")
@needs("accounts:read")
@bp.response(200, AccountDetailOut)
def get_account(account_id: int) -> dict[str, Any]:
    """Show an account: in which workshops it is what, and nothing of what they keep."""
    return _shown(account_id)


@bp.post("/<int:account_id>/suspend", tags=["admins"])
@limited("write")
@needs("accounts:suspend")
@unversioned
@bp.arguments(ReasonIn)
@bp.response(200, AccountDetailOut)
def suspend_account(why: dict[str, str], account_id: int) -> dict[str, Any]:
    """Suspend an account.

    Its sessions end at once, on every worker; it neither signs in nor gets back in by mail. That of the last admin who can
    sign in stays.
    """
    suspensions.suspend(account_id, why["reason"])
    return _shown(account_id)


@bp.post("/<int:account_id>/reinstate", tags=["admins"])
@limited("write")
@needs("accounts:suspend")
@unversioned
@bp.response(200, AccountDetailOut)
def reinstate_account(account_id: int) -> dict[str, Any]:
    """Reinstate a suspended account: its person signs in again, with the password they had."""
    suspensions.reinstate(account_id)
    return _shown(account_id)


def _shown(account_id: int) -> dict[str, Any]:
    account, places = suspensions.get(account_id)
    fields = (
        "id", "email", "is_admin", "has_password", "email_verified_at", "created_at", "suspended_at", "suspension_reason",
    )  # fmt: skip
    return {field: getattr(account, field) for field in fields} | {"workshops": places}
