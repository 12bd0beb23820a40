"""API keys: what integrations send in place of a token."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.accounts.models import ApiKey
from app.blueprints.api_keys import service
from app.blueprints.api_keys.schemas import ApiKeyIn, ApiKeyMadeOut, ApiKeyOut, ApiKeyPatch, ApiKeyQuery
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "api_keys", __name__, url_prefix="/api_keys", description="What integrations send in place of a token."
)


@bp.post("/")
@limited("api_keys_make")
@needs("api_keys:write")
@bp.arguments(ApiKeyIn)
@bp.response(201, ApiKeyMadeOut)
@bp.alt_response(403, description="It would hold more than the caller.")
def create_api_key(wanted: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Make a key that acts for the caller in this workshop.

    The answer has the key itself, this once. It never does more than whoever made it may do at that moment, nor what hands out
    rights or is about one's own account.
    """
    made, key = service.make(principal(), **wanted)
    shown = {name: getattr(made, name) for name in (*service.SHOWN, "version")}
    return shown | {"key": key}, {"Location": url_for("api_keys.get_api_key", key_id=made.id)}


@bp.get("/")
@limited("api_keys_list")
@needs("api_keys:read")
@bp.arguments(ApiKeyQuery, location="query")
@bp.response(200, ApiKeyOut(many=True))
def list_api_keys(query: dict[str, Any]) -> Any:
    """List the workshop's keys, whoever made them."""
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query)))


@bp.get("/<int:key_id>")
@limited("read")
@needs("api_keys:read")
@bp.response(200, ApiKeyOut)
def get_api_key(key_id: int) -> ApiKey:
    """Show a key."""
    return service.get(principal().workshop_id, key_id)


@bp.patch("/<int:key_id>")
@limited("write")
@needs("api_keys:write")
@bp.arguments(ApiKeyPatch)
@bp.response(200, ApiKeyOut)
def patch_api_key(changes: dict[str, Any], key_id: int) -> ApiKey:
    """Give a key another name."""
    return service.rename(principal().workshop_id, key_id, changes, expected_versions())


@bp.delete("/<int:key_id>")
@limited("delete")
@needs("api_keys:write")
@bp.response(200, Message)
def delete_api_key(key_id: int) -> dict[str, str]:
    """Revoke a key: it is worth nothing from this moment. It stays in the list."""
    service.revoke(principal().workshop_id, key_id, expected_versions())
    return {"message": f"API key {key_id} revoked."}
