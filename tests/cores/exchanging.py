"""Fitting exchange parts, and saying what became of the old ones."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from werkzeug.test import TestResponse

from tests.factories import Shop
from tests.service_tickets.life import bring, ticket_in

CORES = "/inventory/cores"


@dataclass
class Exchange:
    """A line of a ticket with exchange parts, at 120.00 each with 45.00 on the old one."""

    shop: Shop
    ticket: str
    line_id: int
    part_id: int

    @property
    def path(self) -> str:
        return f"{self.ticket}/lines/{self.line_id}/cores"

    @property
    def line(self) -> dict[str, Any]:
        lines = self.shop.owner.get(self.ticket).json["lines"]
        found: dict[str, Any] = next(line for line in lines if line["id"] == self.line_id)
        return found

    @property
    def cores(self) -> list[dict[str, Any]]:
        """What became of the old parts, in the order in which it was said."""
        query = f"?sort=id&service_ticket_id={self.ticket.rpartition('/')[2]}"
        found: list[dict[str, Any]] = self.shop.owner.get(f"{CORES}{query}").json
        return found

    def settle(self, outcome: str, quantity: float | None = None) -> TestResponse:
        return self.shop.mechanic.post(self.path, json={"outcome": outcome, "quantity": quantity})

    def held(self, quantity: float | None = None) -> str:
        """Put old parts on the shelf, and return the path of what is told of them."""
        assert self.settle("held", quantity).status_code == 201
        return f"{CORES}/{self.cores[-1]['id']}"


def exchanged(shop: Shop, fitted: float = 2, status: str = "booked", **part: Any) -> Exchange:
    """Fit exchange parts on a new ticket, which is then taken to `status`."""
    values = {"name": "Alternator", "price": Decimal(120), "core_charge": Decimal(45), **part}
    part_id, ticket = shop.make_part(**values).id, ticket_in(shop)
    body = {"item_id": part_id, "quantity": fitted}
    line = shop.owner.post(f"{ticket}/inventory", json=body).json["lines"][0]["id"]
    bring(shop, ticket, status)
    return Exchange(shop, ticket, line, part_id)


def refusal(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]
