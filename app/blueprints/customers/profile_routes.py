"""Profiles and consents: the owner and the customer keep them; a mechanic sees how to reach somebody."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.customers import profiles
from app.blueprints.customers.models import Consent
from app.blueprints.customers.profile_schemas import (
    ConsentIn,
    ConsentOut,
    ConsentQuery,
    CustomerProfileIn,
    CustomerProfileOut,
    CustomerProfilePatch,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.errors import NotAllowed
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint(
    "profiles",
    __name__,
    url_prefix="/customers",
    description="What is kept of a customer beyond how to reach them.",
)


def _require_own(customer_id: int, scope: str = "customers:write") -> None:
    if not principal().may(scope) and principal().customer_id != customer_id:
        raise NotAllowed("A customer sees only their own record.")


@bp.get("/<int:customer_id>/profile", tags=["customers"])
@limited("read")
@needs("customers:read", "own:read")
@bp.response(200, CustomerProfileOut)
def get_customer_profile(customer_id: int) -> dict[str, Any]:
    """Show a customer's profile.

    All of it to who may change it; to the customer too, with the national id masked; to a mechanic how to reach somebody.
    """
    _require_own(customer_id, "customers:read")
    return profiles.visible(profiles.get(principal().workshop_id, customer_id), principal())


@bp.put("/<int:customer_id>/profile", tags=["customers"])
@limited("write")
@needs("customers:write", "own:write")
@bp.arguments(CustomerProfileIn)
@bp.response(200, CustomerProfileOut)
def replace_customer_profile(changes: dict[str, Any], customer_id: int) -> dict[str, Any]:
    """Replace a customer's profile."""
    return _change(customer_id, changes)


@bp.patch("/<int:customer_id>/profile", tags=["customers"])
@limited("write")
@needs("customers:write", "own:write")
@bp.arguments(CustomerProfilePatch)
@bp.response(200, CustomerProfileOut)
def patch_customer_profile(changes: dict[str, Any], customer_id: int) -> dict[str, Any]:
    """Change a customer's profile."""
    return _change(customer_id, changes)


def _change(customer_id: int, changes: dict[str, Any]) -> dict[str, Any]:
    _require_own(customer_id)
    changed = profiles.update(principal().workshop_id, customer_id, changes, expected_versions())
    return profiles.visible(changed, principal())


@bp.get("/<int:customer_id>/consents", tags=["customers"])
@limited("read")
@needs("customers:write", "own:read")
@bp.arguments(ConsentQuery, location="query")
@bp.response(200, ConsentOut(many=True))
def list_customer_consents(query: dict[str, Any], customer_id: int) -> Any:
    """List what a customer agreed to, and what they no longer agree to."""
    _require_own(customer_id)
    return paging.answer(profiles.consents(principal().workshop_id, customer_id, paging.walk_of(query)))


@bp.post("/<int:customer_id>/consents", tags=["customers"])
@limited("write")
@needs("customers:write", "own:write")
@bp.arguments(ConsentIn)
@bp.response(201, ConsentOut)
def record_customer_consent(consent: dict[str, Any], customer_id: int) -> tuple[Consent, dict[str, str]]:
    """Record that a customer agrees to a text, or no longer does."""
    _require_own(customer_id)
    made = profiles.record_consent(principal(), customer_id, **consent)
    return made, {"Location": url_for("profiles.list_customer_consents", customer_id=customer_id)}
