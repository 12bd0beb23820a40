"""The doors: one for customers, one for staff. Either lets in any member; they differ in what a person of several roles is."""

from __future__ import annotations

from typing import Any

from flask import request

from app.blueprints.accounts import service
from app.blueprints.accounts.schemas import LoginIn, LoginOut
from app.core.contract import Blueprint, limited, public
from app.core.identity import Principal, issue_token

bp = Blueprint("accounts", __name__, description="Signing in.")


@bp.post("/customers/login", tags=["customers"])
@limited("login")
@public
@bp.arguments(LoginIn)
@bp.response(200, LoginOut)
def login_customer(credentials: dict[str, str]) -> dict[str, Any]:
    """Sign in as a customer.

    Wrong and unknown look alike. Where an installation has several workshops and the account belongs to more than one,
    `X-Workshop` names the one to sign in to.
    """
    return _signed_in(service.sign_in(**credentials, workshop_slug=_workshop(), preferred=("customer",)))


@bp.post("/mechanics/login", tags=["mechanics"])
@limited("login")
@public
@bp.arguments(LoginIn)
@bp.response(200, LoginOut)
def login_mechanic(credentials: dict[str, str]) -> dict[str, Any]:
    """Sign in as staff: an owner or a mechanic.

    Wrong and unknown look alike. Where an installation has several workshops and the account belongs to more than one,
    `X-Workshop` names the one to sign in to.
    """
    return _signed_in(
        service.sign_in(**credentials, workshop_slug=_workshop(), preferred=("owner", "mechanic"))
    )


def _workshop() -> str | None:
    return request.headers.get("X-Workshop")


def _signed_in(principal: Principal) -> dict[str, Any]:
    token, seconds = issue_token(principal)
    return {
        "status": "success",
        "message": "Login successful",
        "auth_token": token,
        "token_type": "Bearer",
        "expires_in": seconds,
        "role": principal.role,
    }
