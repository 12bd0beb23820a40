"""When a workshop is open: anybody who sees it reads its hours and closures, its owner writes them."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.workshops import opening
from app.blueprints.workshops.models import Closure
from app.blueprints.workshops.opening_schemas import ClosureIn, ClosureOut, ClosuresQuery, WeekIn, WeekOut
from app.blueprints.workshops.service import require_own
from app.core import paging
from app.core.contract import limited, needs, public_recognising_members
from app.core.identity import principal, principal_if_admitted
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("opening", __name__, url_prefix="/workshops/<int:workshop_id>", description="Opening hours.")


@bp.get("/opening_hours", tags=["workshops"])
@limited("read")
@public_recognising_members
@bp.response(200, WeekOut, ready=True)
def get_opening_hours(workshop_id: int) -> dict[str, Any]:
    """Show the opening hours of a workshop."""
    return opening.week(workshop_id, principal_if_admitted())


@bp.put("/opening_hours", tags=["workshops"])
@limited("write")
@needs("workshop:write")
@bp.arguments(WeekIn)
@bp.response(200, WeekOut, ready=True)
def replace_opening_hours(week: dict[str, Any], workshop_id: int) -> dict[str, Any]:
    """Replace the opening hours of a workshop, the whole week."""
    own = require_own(principal().workshop_id, workshop_id)
    opening.replace_week(own, week["days"], expected_versions())
    return opening.week(own, principal())


@bp.get("/closures", tags=["workshops"])
@limited("read")
@public_recognising_members
@bp.arguments(ClosuresQuery, location="query")
@bp.response(200, ClosureOut(many=True))
def list_closures(query: dict[str, Any], workshop_id: int) -> Any:
    """List the closures of a workshop."""
    walk = paging.walk_of(query)
    return paging.answer(opening.closures(workshop_id, principal_if_admitted(), walk, **query))


@bp.post("/closures", tags=["workshops"])
@limited("write")
@needs("workshop:write")
@bp.arguments(ClosureIn)
@bp.response(201, ClosureOut)
def create_closure(closure: dict[str, Any], workshop_id: int) -> tuple[Closure, dict[str, str]]:
    """Close a workshop from one day to another."""
    own = require_own(principal().workshop_id, workshop_id)
    made = opening.close_for(own, **closure, expected=expected_versions())
    return made, {"Location": url_for("opening.get_closure", workshop_id=own, closure_id=made.id)}


@bp.get("/closures/<int:closure_id>", tags=["workshops"])
@limited("read")
@public_recognising_members
@bp.response(200, ClosureOut)
def get_closure(workshop_id: int, closure_id: int) -> Closure:
    """Show a closure."""
    return opening.closure(workshop_id, closure_id, principal_if_admitted())


@bp.put("/closures/<int:closure_id>", tags=["workshops"])
@limited("write")
@needs("workshop:write")
@bp.arguments(ClosureIn)
@bp.response(200, ClosureOut)
def replace_closure(closure: dict[str, Any], workshop_id: int, closure_id: int) -> Closure:
    """Replace a closure."""
    own = require_own(principal().workshop_id, workshop_id)
    return opening.change_closure(own, closure_id, **closure, expected=expected_versions())


@bp.delete("/closures/<int:closure_id>", tags=["workshops"])
@limited("delete")
@needs("workshop:write")
@bp.response(200, Message)
def delete_closure(workshop_id: int, closure_id: int) -> dict[str, str]:
    """Take a closure back."""
    own = require_own(principal().workshop_id, workshop_id)
    opening.open_again(own, closure_id, expected_versions())
    return {"message": f"Closure {closure_id} deleted."}
