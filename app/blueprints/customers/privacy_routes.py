"""Photos, exports and erasures: what a person may ask for of what is kept of them."""

from __future__ import annotations

from typing import Any

from flask import url_for
from werkzeug.datastructures import FileStorage

from app.blueprints.customers import erasures, exports, photos
from app.blueprints.customers.models import Export
from app.blueprints.customers.privacy_schemas import (
    ErasureOut,
    ExportOut,
    ExportWaitingOut,
    PhotoIn,
    PhotoOut,
)
from app.core import files
from app.core.bodies import FileTooLarge
from app.core.contract import limited, needs, takes_file, unversioned
from app.core.errors import NotAllowed
from app.core.files import StoredFile
from app.core.identity import principal
from app.core.schema import Message
from app.core.serving import Blueprint

bp = Blueprint(
    "privacy",
    __name__,
    url_prefix="/customers",
    description="What a person may ask for of what is kept of them.",
)

COME_BACK = "5"  # seconds


def _require_own(customer_id: int, scope: str = "customers:write") -> None:
    if not principal().may(scope) and principal().customer_id != customer_id:
        raise NotAllowed("A customer sees only their own record.")


# ---- The photo ----------------------------------------------------------------------------------------------------


@bp.get("/<int:customer_id>/photo", tags=["customers"])
@limited("read")
@needs("customers:read", "own:read")
@bp.response(200, PhotoOut)
def get_customer_photo(customer_id: int) -> dict[str, Any]:
    """Say where a customer's photo is to be had."""
    _require_own(customer_id, "customers:read")
    return _linked(photos.get(principal().workshop_id, customer_id))


@bp.put("/<int:customer_id>/photo", tags=["customers"])
@limited("photo")
@needs("customers:write", "own:write")
@takes_file(photos.MOST_BYTES)
@unversioned
@bp.arguments(PhotoIn, location="files")
@bp.response(200, PhotoOut)
def put_customer_photo(sent: dict[str, FileStorage], customer_id: int) -> dict[str, Any]:
    """Give a customer a photo, in place of the one there is.

    It is drawn anew: of what was sent nothing is kept but what is seen.
    """
    _require_own(customer_id)
    content = sent["photo"].stream.read(photos.MOST_BYTES + 1)
    if len(content) > photos.MOST_BYTES:
        raise FileTooLarge("A photo has at most 10 MB.")
    return _linked(photos.put(principal().workshop_id, customer_id, content))


@bp.delete("/<int:customer_id>/photo", tags=["customers"])
@limited("delete")
@needs("customers:write", "own:write")
@unversioned
@bp.response(200, Message)
def delete_customer_photo(customer_id: int) -> dict[str, str]:
    """Take a customer's photo away."""
    _require_own(customer_id)
    photos.remove(principal().workshop_id, customer_id)
    return {"message": f"The photo of customer {customer_id} was deleted."}


def _linked(kept: StoredFile) -> dict[str, Any]:
    link = files.link(kept)
    return {
        "url": url_for("files.get_file", token=link.token),
        "expires_at": link.expires_at,
        "content_type": kept.content_type,
        "size": kept.size,
    }


# ---- The export ---------------------------------------------------------------------------------------------------


@bp.get("/<int:customer_id>/export", tags=["customers"])
@limited("export")
@needs("customers:write", "own:read")
@bp.response(200, ExportOut)
@bp.alt_response(202, schema=ExportWaitingOut, description="It is being made.")
def get_customer_export(customer_id: int) -> Any:
    """Say where all that is kept of a customer is to be had, as an archive.

    The first time, or a week later, it is asked for, and made by a job: 202 until it is there. Who asked is told by mail.
    """
    _require_own(customer_id)
    return _shown(exports.current(principal(), customer_id))


@bp.post("/<int:customer_id>/export", tags=["customers"])
@limited("export")
@needs("customers:write", "own:read")
@unversioned
@bp.response(202, ExportWaitingOut)
def create_customer_export(customer_id: int) -> Any:
    """Ask for all that is kept of a customer, as it is now.

    It takes the place of an earlier archive once it is made. One that is being made already is the one.
    """
    _require_own(customer_id)
    return _shown(exports.ask(principal(), customer_id))


def _shown(export: Export) -> Any:
    told: dict[str, Any] = {"status": export.state, "requested_at": export.requested_at}
    if export.state == "preparing":
        return told, 202, {"Retry-After": COME_BACK}
    kept = files.find(export.workshop_id, export.file_id) if export.file_id is not None else None
    if kept is not None:
        told |= _linked(kept) | {"kept_until": export.expires_at}
    return told


# ---- The erasure --------------------------------------------------------------------------------------------------


@bp.get("/<int:customer_id>/erasure", tags=["customers"])
@limited("read")
@needs("customers:write")
@bp.response(200, ErasureOut)
def get_customer_erasure(customer_id: int) -> dict[str, Any]:
    """Show what an erasure left of a customer, and why."""
    return erasures.get(principal().workshop_id, customer_id)
