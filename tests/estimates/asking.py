"""Estimates as people see them: asked by the workshop, read behind the link, decided line by line."""

from __future__ import annotations

import re
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import Shop
from tests.service_tickets.life import ticket_in

PADS = {"kind": "labour", "description": "Brake pads, front", "quantity": 1.5, "unit_price": 100}
RUST = {"kind": "fee", "description": "Rust protection", "quantity": 1, "unit_price": 80}
LINK = re.compile(r"/estimates/([\w-]+)")
PAGE = {"Accept": "text/html"}


def examined(shop: Shop, *lines: dict[str, Any], status: str = "analysis", **overrides: Any) -> str:
    """Return the path of a ticket in analysis with these lines on it, or with two."""
    path = ticket_in(shop, status, **overrides)
    assert shop.mechanic.post(f"{path}/lines", json=list(lines or (PADS, RUST))).status_code == 201
    return path


def ask(shop: Shop, path: str, **asked: Any) -> dict[str, Any]:
    """Send an estimate of what is on the ticket, and return it."""
    answer = shop.mechanic.post(f"{path}/estimates", json=asked)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json
    return found


def by_link(estimate: dict[str, Any]) -> str:
    """Return the path of the page behind an estimate's link."""
    found = LINK.search(estimate["link"])
    assert found is not None
    return found[0]


def ids(estimate: dict[str, Any], *descriptions: str) -> list[int]:
    """Return the ids of the lines with these descriptions, or of all that are up for decision."""
    return [
        line["line_id"]
        for line in estimate["lines"]
        if (line["description"] in descriptions if descriptions else line["up_for_decision"])
    ]


def decide(shop: Shop, estimate: dict[str, Any], *accepted: int, **more: Any) -> TestResponse:
    """Decide by the link, as whoever has it."""
    body = {"accepted_line_ids": list(accepted), "name": "Ada Obi", **more}
    return shop.nobody.post(by_link(estimate), json=body)
