"""Canned jobs: the owner makes them, staff put them on tickets."""

from __future__ import annotations

from typing import Any

from flask import url_for

from app.blueprints.canned_jobs import service
from app.blueprints.canned_jobs.schemas import CannedJobIn, CannedJobOut, CannedJobQuery
from app.blueprints.service_tickets.schemas import ServiceTicketWholeOut
from app.core import paging
from app.core.contract import limited, needs
from app.core.identity import principal
from app.core.preconditions import expected_versions
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint("canned_jobs", __name__, description="What is done again and again.")
Shown = dict[str, Any]


@bp.get("/canned_jobs/")
@limited("read")
@needs("tickets:read")
@bp.arguments(CannedJobQuery, location="query")
@bp.response(200, CannedJobOut(many=True))
def list_canned_jobs(query: dict[str, Any]) -> Any:
    """List the canned jobs with their lines."""
    return paging.answer(service.find(principal().workshop_id, paging.walk_of(query)))


@bp.post("/canned_jobs/")
@limited("write")
@needs("canned_jobs:write")
@bp.arguments(CannedJobIn)
@bp.response(201, CannedJobOut)
def create_canned_job(job: dict[str, Any]) -> tuple[Shown, dict[str, str]]:
    """Make a canned job."""
    made = service.add(principal().workshop_id, **job)
    return made, {"Location": url_for("canned_jobs.get_canned_job", canned_job_id=made["id"])}


@bp.get("/canned_jobs/<int:canned_job_id>")
@limited("read")
@needs("tickets:read")
@bp.response(200, CannedJobOut)
def get_canned_job(canned_job_id: int) -> Shown:
    """Show a canned job."""
    return service.get(principal().workshop_id, canned_job_id)


@bp.put("/canned_jobs/<int:canned_job_id>")
@limited("write")
@needs("canned_jobs:write")
@bp.arguments(CannedJobIn)
@bp.response(200, CannedJobOut)
def replace_canned_job(job: dict[str, Any], canned_job_id: int) -> Shown:
    """Replace a canned job. Tickets that it was put on stay as they are."""
    return service.replace(principal().workshop_id, canned_job_id, **job, expected=expected_versions())


@bp.delete("/canned_jobs/<int:canned_job_id>")
@limited("delete")
@needs("canned_jobs:write")
@bp.response(200, Message)
def delete_canned_job(canned_job_id: int) -> dict[str, str]:
    """Remove a canned job. Tickets that it was put on stay as they are."""
    service.remove(principal().workshop_id, canned_job_id, expected_versions())
    return {"message": f"Canned job {canned_job_id} deleted."}


@bp.post("/service_tickets/<int:ticket_id>/canned_jobs/<int:canned_job_id>", tags=["service_tickets"])
@limited("write")
@needs("tickets:write")
@bp.response(201, ServiceTicketWholeOut, ready=True)
def put_canned_job_on_ticket(ticket_id: int, canned_job_id: int) -> tuple[Shown, dict[str, str]]:
    """Put a canned job's lines on a ticket, all or none; If-Match names the ticket's version.

    What has no price there goes at the present one. Parts are set aside as far as there are any.
    """
    ticket = service.put_on(principal(), ticket_id, canned_job_id, expected_versions())
    return ticket, {"Location": url_for("service_tickets.get_service_ticket", ticket_id=ticket_id)}
