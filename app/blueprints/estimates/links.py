"""The link to an estimate: signed, so that who has it needs no account; what it opens is decided by the estimate."""

from __future__ import annotations

import struct

from flask import current_app

from app.blueprints.estimates.errors import EstimateNotFound
from app.core import crypto

_NAMED = struct.Struct(">QQ")  # workshop, estimate


def token_of(workshop_id: int, estimate_id: int) -> str:
    """Return the token that opens an estimate: the same each time."""
    return crypto.signed("estimate-link", _NAMED.pack(workshop_id, estimate_id))


def address_of(workshop_id: int, estimate_id: int) -> str:
    """Return the address of an estimate's page on this installation, which `PUBLIC_URL` names."""
    base: str = current_app.config["PUBLIC_URL"]
    return f"{base.rstrip('/')}/estimates/{token_of(workshop_id, estimate_id)}"


def named_by(token: str) -> tuple[int, int]:
    """Return the workshop and the estimate that a token opens.

    :raises EstimateNotFound: it is not ours.
    """
    try:
        workshop_id, estimate_id = _NAMED.unpack(crypto.named_in("estimate-link", token))
    except crypto.Unreadable as error:
        raise EstimateNotFound() from error
    return int(workshop_id), int(estimate_id)
