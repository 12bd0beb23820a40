"""Rows for the lists that hang on something: five of each, so that a walk has pages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from app.blueprints.inspections import recommending, templates
from app.blueprints.inspections import service as inspections
from app.blueprints.progress import comments
from app.blueprints.progress import service as progress
from tests.cores.exchanging import exchanged
from tests.factories import Shop

ADVICE = {"description": "Pads", "urgency": "soon", "point": None, "estimated_price": Decimal(1)}
LONG_AGO = datetime.now(UTC) - timedelta(days=1000)
FEE = {"kind": "fee", "description": "Wax", "unit_price": 5}


def first(shop: Shop, path: str, make: Any) -> int:
    """Return the id of the first row of a list, which is made where there is none."""
    found = shop.owner.get(f"{path}?sort=id&per_page=1").json
    number: int = found[0]["id"] if found else make()["id"]
    return number


def a_ticket(shop: Shop) -> int:
    return first(shop, "/service_tickets", shop.make_ticket)


def an_order(shop: Shop) -> int:
    return first(shop, "/inventory/purchase_orders", lambda: shop.make_order(shop.make_part(on_hand=0).id))


def a_sheet(shop: Shop) -> int:
    def write() -> dict[str, Any]:
        shop.make_part(on_hand=1)
        sheet: dict[str, Any] = shop.owner.post("/inventory/stocktakes", json={}).json
        return sheet

    return first(shop, "/inventory/stocktakes", write)


def furnish(shop: Shop, path: str, times: int) -> None:
    """Make so many rows of a list that needs more than a shop has from the beginning."""
    make = _MADE.get(path)
    for number in range(times if make else 0):
        assert make is not None
        make(shop, number)


def _estimate(shop: Shop, number: int) -> None:
    ticket = f"/service_tickets/{a_ticket(shop)}"
    if number == 0:
        shop.owner.post(f"{ticket}/status", json={"status": "received"})
        shop.owner.post(f"{ticket}/lines", json=FEE)
    assert shop.owner.post(f"{ticket}/estimates", json={}).status_code == 201


def _inspection(shop: Shop, number: int) -> None:
    by, ticket = shop.owner.principal, a_ticket(shop)
    assert by is not None
    with shop.inside():
        made = inspections.begin(by, ticket)["id"]
        recommending.add(by, ticket, made, **ADVICE)
        inspections.validate(by, ticket, made)


def _inspection_of_the_car(shop: Shop, number: int) -> None:
    car = first(shop, "/vehicles", lambda: {"id": shop.make_vehicle().id})
    vin = shop.owner.get(f"/vehicles/{car}").json["VIN"]
    by, ticket = shop.owner.principal, shop.make_ticket(VIN=vin)["id"]
    assert by is not None
    with shop.inside():
        recommending.add(by, ticket, inspections.begin(by, ticket)["id"], **ADVICE)


def _update(shop: Shop, number: int) -> None:
    assert shop.owner.principal is not None
    ticket = a_ticket(shop)
    with shop.inside():
        progress.write(shop.owner.principal, ticket, f"Step {number}.")


def _comment(shop: Shop, number: int) -> None:
    assert shop.owner.principal is not None
    ticket = a_ticket(shop)
    with shop.inside():
        comments.write(shop.owner.principal, ticket, f"Word {number}.")


def _template(shop: Shop, number: int) -> None:
    sections = [{"name": "Brakes", "points": ["Pads"]}]
    with shop.inside():
        templates.add(shop.id, name=f"Mel {number}", standard=False, sections=sections)


def _canned_job(shop: Shop, number: int) -> None:
    made = shop.owner.post("/canned_jobs", json={"name": f"Mel {number}", "lines": [FEE]})
    assert made.status_code == 201, made.text


def _receipt(shop: Shop, number: int) -> None:
    order = f"/inventory/purchase_orders/{an_order(shop)}"
    item = shop.owner.get(order).json["lines"][0]["item"]["id"]
    body = {"lines": [{"item_id": item, "quantity": 1}]}
    received = shop.owner.post(f"{order}/receipts", json=body)
    assert received.status_code in (200, 201), received.text


def _reference(shop: Shop, number: int) -> None:
    item = first(shop, "/inventory", lambda: {"id": shop.make_part().id})
    shop.make_reference(item, manufacturer=f"Mel {number % 2}")


_MADE: dict[str, Any] = {
    "/inventory/{item_id}/references": _reference,
    "/inventory/cores": lambda shop, _: exchanged(shop).held(),
    "/service_tickets/{ticket_id}/estimates": _estimate,
    "/service_tickets/{ticket_id}/inspections": _inspection,
    "/service_tickets/{ticket_id}/recommendations": _inspection,
    "/service_tickets/{ticket_id}/progress": _update,
    "/service_tickets/{ticket_id}/comments": _comment,
    "/service_tickets/{ticket_id}/attachments": lambda shop, _: shop.make_attachment(a_ticket(shop)),
    "/vehicles/{vehicle_id}/recommendations": _inspection_of_the_car,
    "/inspections/templates": _template,
    "/canned_jobs": _canned_job,
    "/inventory/purchase_orders": lambda shop, _: shop.make_order(shop.make_part(on_hand=0).id),
    "/inventory/purchase_orders/{order_id}/movements": _receipt,
    "/inventory/stocktakes": lambda shop, n: (
        shop.make_part(on_hand=1, bin=f"B-{n}"),
        shop.owner.post("/inventory/stocktakes", json={"bin": f"B-{n}"}),
    ),
    "/inventory/slow-movers": lambda shop, _: shop.make_part(on_hand=5, created_at=LONG_AGO),
}
