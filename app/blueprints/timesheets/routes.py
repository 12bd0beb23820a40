"""The mechanics' clock: mechanics start and stop their own, owners anybody's, and correct what was forgotten."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.timesheets import reading, service
from app.blueprints.timesheets.schemas import (
    ClockEntryOut,
    ClockEntryPatch,
    ClockStartIn,
    ClockStopIn,
    MechanicClockOut,
    MechanicClockQuery,
    ReasonQuery,
    TicketClockOut,
)
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("timesheets", __name__, description="Who worked on which ticket, and how long.")

Told = dict[str, Any]


@bp.post("/service_tickets/<int:ticket_id>/clock/start", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(ClockStartIn)
@bp.response(201, ClockEntryOut)
def start_clock(whose: dict[str, Any], ticket_id: int) -> tuple[Told, dict[str, str]]:
    """Start a mechanic's clock on a ticket: one's own, or anybody's as an owner."""
    made = service.start(principal(), ticket_id, **whose)
    place = url_for("timesheets.get_clock_entry", ticket_id=ticket_id, entry_id=made.id)
    return reading.shown(made), {"Location": place}


@bp.post("/service_tickets/<int:ticket_id>/clock/stop", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.arguments(ClockStopIn)
@bp.response(200, ClockEntryOut)
def stop_clock(whose: dict[str, Any], ticket_id: int) -> Told:
    """Stop a mechanic's clock that runs on a ticket."""
    return reading.shown(service.stop(principal(), ticket_id, **whose))


@bp.get("/service_tickets/<int:ticket_id>/clock", tags=["service_tickets"])
@limited("read")
@needs("tickets:read")
@bp.response(200, TicketClockOut)
def get_ticket_clock(ticket_id: int) -> Told:
    """Show the hours that were worked on a ticket against those that it bills."""
    return reading.of_ticket(principal(), ticket_id)


@bp.get("/service_tickets/<int:ticket_id>/clock/<int:entry_id>", tags=["service_tickets"])
@limited("read")
@needs("tickets:read")
@bp.response(200, ClockEntryOut)
def get_clock_entry(ticket_id: int, entry_id: int) -> Told:
    """Show an entry of the clock."""
    return reading.shown(service.get(principal(), ticket_id, entry_id))


@bp.patch("/service_tickets/<int:ticket_id>/clock/<int:entry_id>", tags=["service_tickets"])
@limited("write")
@needs("hours:write")
@bp.arguments(ClockEntryPatch(partial=("line_id", "started_at", "ended_at")))
@bp.response(200, ClockEntryOut)
def patch_clock_entry(changes: dict[str, Any], ticket_id: int, entry_id: int) -> Told:
    """Say when and on which line somebody worked in truth, with a reason; a forgotten clock gets its end so."""
    reason = changes.pop("reason")
    corrected = service.correct(principal(), ticket_id, entry_id, changes, reason, expected_versions())
    return reading.shown(corrected)


@bp.delete("/service_tickets/<int:ticket_id>/clock/<int:entry_id>", tags=["service_tickets"])
@limited("delete")
@needs("hours:write")
@bp.arguments(ReasonQuery, location="query")
@bp.response(200, Message)
def delete_clock_entry(why: dict[str, str], ticket_id: int, entry_id: int) -> dict[str, str]:
    """Delete an entry of the clock, with a reason."""
    service.remove(principal(), ticket_id, entry_id, why["reason"], expected_versions())
    return {"message": f"Clock entry {entry_id} of service ticket {ticket_id} deleted."}


@bp.get("/mechanics/<int:mechanic_id>/clock", tags=["mechanics"])
@limited("read")
@needs("tickets:read", "hours:read")
@bp.arguments(MechanicClockQuery, location="query")
@bp.response(200, MechanicClockOut)
def get_mechanic_clock(days: dict[str, Any], mechanic_id: int) -> Told:
    """Show the hours that a mechanic worked from one day to another: one's own, or anybody's as an owner."""
    return reading.of_mechanic(principal(), mechanic_id, **days)
