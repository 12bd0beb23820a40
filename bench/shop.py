"""The demo shop under load: what is in it, and who asks."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import date
from typing import Any

from bench.databases import Database
from bench.load import Request, send

PASSWORD = "demo-garage-2026"
OWNER, CUSTOMER = "owner@example.com", "customer@example.com"
MINE = 10
PER_PAGE = 20
MOST = 20_000  # of each kind that the requests are made of
# What the platform's proxy sends along, and production believes.
PROXY = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}

Place = tuple[date, int]


@dataclass(frozen=True, slots=True)
class Shop:
    """The demo shop of one database: ids, places in its lists (the default order, newest first), and two who are signed in.

    `days` are those of delivered tickets: what was done has mechanics and parts on it, what is only booked has none.
    """

    customer_ids: list[int]
    ticket_ids: list[int]
    oldest: date
    days: list[date]
    last_places: list[Place]
    own_id: int
    own_places: list[Place]
    staff: dict[str, str]
    customer: dict[str, str]


def read_shop(database: Database, port: int) -> Shop:
    """Return what is in the shop of `database`, with tokens from the server at `port`."""
    ((workshop_id,),) = database.rows("SELECT id FROM workshops WHERE slug = 'demo'")
    ((number, oldest),) = database.rows(
        "SELECT count(*), min(service_date) FROM service_tickets WHERE workshop_id = %s", workshop_id
    )
    ((own_id,),) = database.rows(
        "SELECT id FROM customers WHERE workshop_id = %s AND email = %s", workshop_id, CUSTOMER
    )
    oldest_first = "SELECT service_date, id FROM service_tickets WHERE {} ORDER BY service_date, id LIMIT %s"
    last_places: list[Place] = database.rows(
        oldest_first.format("workshop_id = %s"), workshop_id, min(number // 2, MOST)
    )
    own_places: list[Place] = database.rows(
        oldest_first.format("workshop_id = %s AND customer_id = %s"), workshop_id, own_id, MOST
    )
    return Shop(
        customer_ids=_column(
            database,
            "SELECT id FROM customers WHERE workshop_id = %s AND id <> %s AND erased_at IS NULL ORDER BY id LIMIT %s",
            workshop_id,
            own_id,
            MOST,
        ),
        ticket_ids=_column(
            database,
            "SELECT id FROM service_tickets WHERE workshop_id = %s ORDER BY md5(id::text) LIMIT %s",
            workshop_id,
            MOST,
        ),
        oldest=oldest,
        days=_column(
            database,
            "SELECT DISTINCT service_date FROM service_tickets"
            " WHERE workshop_id = %s AND status = 'delivered' AND service_date > %s ORDER BY 1",
            workshop_id,
            last_places[PER_PAGE][0],
        ),
        last_places=last_places[::-1],
        own_id=own_id,
        own_places=own_places[::-1],
        staff=signed_in(port, "/mechanics/login", OWNER),
        customer=signed_in(port, "/customers/login", CUSTOMER),
    )


def _column(database: Database, statement: str, *values: Any) -> list[Any]:
    return [value for (value,) in database.rows(statement, *values)]


def login(path: str, email: str) -> Request:
    """Return the request that signs in at `path`."""
    return posted(path, {"email": email, "password": PASSWORD}, PROXY)


def posted(path: str, document: dict[str, Any], headers: dict[str, str]) -> Request:
    """Return a POST of a JSON document."""
    body = json.dumps(document).encode()
    return Request("POST", path, {**headers, "Content-Type": "application/json"}, body)


def signed_in(port: int, path: str, email: str) -> dict[str, str]:
    """Return the headers of somebody who has signed in."""
    answer = send(port, login(path, email))
    assert answer.status == 200, f"Nobody can sign in as {email}: {answer.body.decode()}"
    return {**PROXY, "Authorization": f"Bearer {answer.json()['auth_token']}"}


def cursor(place: Place) -> str:
    """Return the cursor that goes on after `place` in the default order.

    The format is the application's own (app/core/paging.py); `check_cursor` holds it against one that it gave.
    """
    text = json.dumps(["-service_date", [place[0].isoformat(), place[1]]], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def check_cursor(shop: Shop, port: int) -> None:
    """Refuse to go on with cursors that the application would not make."""
    answer = send(port, Request("GET", f"/service_tickets?per_page={PER_PAGE}", shop.staff))
    last = answer.json()[-1]
    made = cursor((date.fromisoformat(last["service_date"]), last["id"]))
    assert f"cursor={made}" in answer.headers["link"], (
        f"The cursors are made otherwise: {answer.headers['link']}"
    )
