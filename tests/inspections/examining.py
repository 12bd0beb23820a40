"""What the tests of inspections share: one that is begun, filled in, and recommends work."""

from __future__ import annotations

from typing import Any

from tests.factories import Caller, Shop, unique

SECTIONS = [
    {"name": "Brakes", "points": ["Front pads", "Rear pads"]},
    {"name": "Tyres", "points": ["Tread"]},
]
ADVICE: dict[str, Any] = {"description": "New front pads", "urgency": "soon", "estimated_price": 189.9}


def template(shop: Shop, **overrides: Any) -> Any:
    """Make a template of three points, and return it."""
    body = {"name": unique("Short "), "sections": SECTIONS, **overrides}
    made = shop.owner.post("/inspections/templates", json=body)
    assert made.status_code == 201, made.json
    return made.json


def begun(shop: Shop, ticket_id: int | None = None) -> str:
    """Begin an inspection of three points at a visit, and return its path."""
    if ticket_id is None:
        ticket_id = shop.make_ticket()["id"]
    path = f"/service_tickets/{ticket_id}/inspections"
    made = shop.mechanic.post(path, json={"template_id": template(shop)["id"]})
    assert made.status_code == 201, made.json
    return f"{path}/{made.json['id']}"


def advise(shop: Shop, inspection: str, **overrides: Any) -> int:
    """Recommend work for what an inspection found, and return its id."""
    made = shop.mechanic.post(f"{inspection}/recommendations", json={**ADVICE, **overrides})
    assert made.status_code == 201, made.json
    advice: int = made.json["id"]
    return advice


def advised(shop: Shop) -> tuple[dict[str, Any], str]:
    """Make a visit with a validated recommendation; return the ticket, and the recommendation's path at its vehicle."""
    ticket = shop.make_ticket()
    inspection = begun(shop, ticket["id"])
    advice = advise(shop, inspection)
    assert shop.owner.post(f"{inspection}/validate").status_code == 200
    return ticket, f"/vehicles/{car_of(shop, ticket)}/recommendations/{advice}"


def car_of(shop: Shop, ticket: dict[str, Any]) -> int:
    """Return the id of a ticket's vehicle."""
    car: int = shop.owner.get(f"/vehicles?vin={ticket['VIN']}").json[0]["id"]
    return car


def refused(answer: Any) -> tuple[int, str]:
    """Return the status and the code of a refusal."""
    return answer.status_code, answer.json["code"]


def offered(caller: Caller, ticket_id: int) -> list[int]:
    """Return the ids of what is to be offered at a visit, as `caller` sees it."""
    answer = caller.get(f"/service_tickets/{ticket_id}/recommendations")
    assert answer.status_code == 200, answer.json
    return [one["id"] for one in answer.json]
