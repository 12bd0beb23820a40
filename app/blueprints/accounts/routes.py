"""The doors. Each lets in any member; they differ in what a person of several roles is."""

from __future__ import annotations

from typing import Any

from flask import Response, request

from app.blueprints.accounts import signing_in
from app.blueprints.accounts.answers import let_in
from app.blueprints.accounts.schemas import LoginIn, LoginOut
from app.core import idempotency
from app.core.contract import limited, public, takes_forms, unversioned
from app.core.errors import Invalid
from app.core.scopes import MEMBERS, Role
from app.core.serving import Blueprint

bp = Blueprint("accounts", __name__, description="Signing in.")


@bp.post("/auth/login", tags=["accounts"])
@limited("login")
@public
@takes_forms
@unversioned
@bp.arguments(LoginIn)
@bp.response(200, LoginOut)
def login(credentials: dict[str, Any]) -> Response | dict[str, Any]:
    """Sign in, in whatever role.

    By e-mail or phone; as JSON, or as a form with `username` and `password`. Who is several things in the workshop signs in
    as owner before mechanic before customer. Wrong and unknown look alike. Where an installation has several workshops and
    the account belongs to more than one, or a phone number is given, `X-Workshop` names the one to sign in to. Who belongs to
    none, and administers the installation, signs in as `admin`; who is both switches by POST /auth/switch. An account with
    a second factor is answered 401 `second_factor_required` with a `challenge`, for POST /auth/login/second_factor, unless its
    code comes along.
    """
    return _sign_in(credentials, MEMBERS)


@bp.post("/customers/login", tags=["customers"])
@limited("login")
@public
@takes_forms
@unversioned
@bp.arguments(LoginIn)
@bp.response(200, LoginOut)
def login_customer(credentials: dict[str, Any]) -> Response | dict[str, Any]:
    """Sign in as a customer.

    Like POST /auth/login; who is several things in the workshop signs in as customer.
    """
    return _sign_in(credentials, ("customer",))


@bp.post("/mechanics/login", tags=["mechanics"])
@limited("login")
@public
@takes_forms
@unversioned
@bp.arguments(LoginIn)
@bp.response(200, LoginOut)
def login_mechanic(credentials: dict[str, Any]) -> Response | dict[str, Any]:
    """Sign in as staff: an owner or a mechanic.

    Like POST /auth/login; who is several things in the workshop signs in as staff.
    """
    return _sign_in(credentials, ("owner", "mechanic", "staff"))


def _sign_in(credentials: dict[str, Any], preferred: tuple[Role, ...]) -> Response | dict[str, Any]:
    if credentials["refresh_in"] == "cookie" and not request.is_json:
        # a page of anybody's can send a form, and would leave its visitor signed in as somebody else
        raise Invalid("A cookie is given to JSON requests only.", errors={"refresh_in": ["Send JSON."]})
    name = next(credentials[field] for field in ("email", "phone", "username") if field in credentials)
    code = credentials.get("second_factor_code")
    if code is not None:
        idempotency.show_once()  # kept, the answer would make the code good again
    caller = signing_in.sign_in(
        name,
        credentials["password"],
        workshop_slug=request.headers.get("X-Workshop"),
        preferred=preferred,
        address=request.remote_addr,
        second_factor_code=code,
    )
    return let_in(caller, in_cookie=credentials["refresh_in"] == "cookie")
