"""Estimates of a ticket: staff send them and record what was said; a customer reads and decides their own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import request, url_for

from app.blueprints.estimates import deciding, service
from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.schemas import (
    DecisionIn,
    EstimateIn,
    EstimateQuery,
    TicketEstimateOut,
    told_members,
)
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.serving import Blueprint

bp = Blueprint(
    "estimates",
    __name__,
    url_prefix="/service_tickets/<int:ticket_id>/estimates",
    description="What the work would come to, as the customer was asked.",
)


def _shown(estimate: Estimate) -> dict[str, Any]:
    caller = principal()
    return told_members(estimate, staff=caller.may("tickets:read"), decides=caller.may("tickets:write"))


@bp.post("/")
@limited("write")
@needs("tickets:write")
@bp.arguments(EstimateIn)
@bp.response(201, TicketEstimateOut)
def create_estimate(asked: dict[str, Any], ticket_id: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask the customer about the ticket's lines as they are now, by mail with a link that needs no account.

    One that is out already is withdrawn, and the ticket awaits approval. Without an address nothing is sent: hand over `link`.
    """
    made = service.offer(principal(), ticket_id, **asked, expected=expected_versions())
    return _shown(made), {
        "Location": url_for("estimates.get_estimate", ticket_id=ticket_id, estimate_id=made.id)
    }


@bp.get("/")
@limited("read")
@needs("tickets:read", "own:read")
@bp.arguments(EstimateQuery, location="query")
@bp.response(200, TicketEstimateOut(many=True))
def list_estimates(query: dict[str, Any], ticket_id: int) -> Any:
    """List the estimates of a ticket, the latest first."""
    page = service.find(principal(), ticket_id, paging.walk_of(query))
    return paging.answer(replace(page, rows=[_shown(one) for one in page.rows]))


@bp.get("/<int:estimate_id>")
@limited("read")
@needs("tickets:read", "own:read")
@bp.response(200, TicketEstimateOut)
def get_estimate(ticket_id: int, estimate_id: int) -> dict[str, Any]:
    """Show an estimate."""
    return _shown(service.get(principal(), ticket_id, estimate_id))


@bp.post("/<int:estimate_id>/send")
@limited("write")
@needs("tickets:write")
@bp.response(200, TicketEstimateOut)
def send_estimate(ticket_id: int, estimate_id: int) -> dict[str, Any]:
    """Send the letter once more, to the address that the customer has now."""
    return _shown(service.send_again(principal(), ticket_id, estimate_id))


@bp.post("/<int:estimate_id>/withdraw")
@limited("write")
@needs("tickets:write")
@bp.response(200, TicketEstimateOut)
def withdraw_estimate(ticket_id: int, estimate_id: int) -> dict[str, Any]:
    """Take back an estimate that nobody has decided."""
    return _shown(service.withdraw(principal(), ticket_id, estimate_id, expected_versions()))


@bp.post("/<int:estimate_id>/decision")
@limited("write")
@needs("tickets:write", "own:write")
@bp.arguments(DecisionIn)
@bp.response(200, TicketEstimateOut)
def decide_estimate(decision: dict[str, Any], ticket_id: int, estimate_id: int) -> dict[str, Any]:
    """Decide an estimate line by line: a customer their own; staff what the customer said, and how.

    What is declined goes off the ticket; if something is accepted the ticket is approved, else declined.
    """
    return _shown(
        deciding.decide(
            principal(),
            ticket_id,
            estimate_id,
            decision["accepted_line_ids"],
            decision["name"],
            decision["how"],
            decision["note"],
            request.remote_addr,
            request.user_agent.string or None,
        )
    )
