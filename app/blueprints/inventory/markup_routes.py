"""Mark-up rules: staff read them, the owner writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import url_for

from app.blueprints.inventory import markups
from app.blueprints.inventory.markup_schemas import MarkupRuleIn, MarkupRuleOut, MarkupRulePatch
from app.blueprints.inventory.pricing_models import MarkupRule
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "markup_rules",
    __name__,
    url_prefix="/inventory/markup_rules",
    description="What is put on top of what parts cost.",
)


@bp.post("/", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(MarkupRuleIn)
@bp.response(201, MarkupRuleOut)
def create_markup_rule(rule: dict[str, Any]) -> tuple[MarkupRule, dict[str, str]]:
    """Add a mark-up rule; the prices of items on mark-up follow it at once."""
    made = markups.add(principal().workshop_id, **rule)
    return made, {"Location": url_for("markup_rules.get_markup_rule", rule_id=made.id)}


@bp.get("/", tags=["inventory"])
@limited("inventory_list")
@needs("inventory:read")
@bp.response(200, MarkupRuleOut(many=True))
def list_markup_rules() -> Sequence[MarkupRule]:
    """List all mark-up rules, those of all items first; there are two hundred at most.

    Of an item it is the rule of the nearest category that has one for what it costs, and there the one that begins last.
    """
    return markups.find(principal().workshop_id)


@bp.get("/<int:rule_id>", tags=["inventory"])
@limited("read")
@needs("inventory:read")
@bp.response(200, MarkupRuleOut)
def get_markup_rule(rule_id: int) -> MarkupRule:
    """Show a mark-up rule."""
    return markups.get(principal().workshop_id, rule_id)


@bp.put("/<int:rule_id>", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(MarkupRuleIn)
@bp.response(200, MarkupRuleOut)
def replace_markup_rule(changes: dict[str, Any], rule_id: int) -> MarkupRule:
    """Replace a mark-up rule; the prices of items on mark-up follow it at once."""
    return markups.update(principal().workshop_id, rule_id, changes, expected_versions())


@bp.patch("/<int:rule_id>", tags=["inventory"])
@limited("write")
@needs("inventory:write")
@bp.arguments(MarkupRulePatch)
@bp.response(200, MarkupRuleOut)
def patch_markup_rule(changes: dict[str, Any], rule_id: int) -> MarkupRule:
    """Change a mark-up rule; the prices of items on mark-up follow it at once."""
    return markups.update(principal().workshop_id, rule_id, changes, expected_versions())


@bp.delete("/<int:rule_id>", tags=["inventory"])
@limited("delete")
@needs("inventory:write")
@bp.response(200, Message)
def delete_markup_rule(rule_id: int) -> dict[str, str]:
    """Remove a mark-up rule; items go over to the next one that fits, or keep their price."""
    markups.remove(principal().workshop_id, rule_id, expected_versions())
    return {"message": f"Mark-up rule {rule_id} deleted."}
