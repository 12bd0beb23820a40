"""What is measured: for each workload its requests, what a right answer is, and the share of the reference to reach."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

from bench.load import Answer, Request, send
from bench.shop import CUSTOMER, MINE, PER_PAGE, Shop, cursor, login, posted

STATUSES = ("booked", "received", "in_progress", "completed", "delivered", "cancelled")

# What the response cache may do for a workload: every request finds nothing kept; every request finds its answer kept; or
# the route is not cached at all.
Cache = Literal["missed", "hit", "none"]
Requests = Callable[[Shop, int], list[Request]]
Check = Callable[[Shop, int, Request, Answer], None]


@dataclass(frozen=True, slots=True)
class Workload:
    """One thing that callers do."""

    name: str
    title: str
    cache: Cache
    requests: Requests
    check: Check
    share: float | None = None
    per_core: float | None = None
    writes: bool = False


def _shuffled(values: list[Any]) -> list[Any]:
    """Return `values` in disorder, the same in each run."""
    return random.Random(2026).sample(values, len(values))


# ---- The requests ------------------------------------------------------------------------------------------------


def _one_ticket(shop: Shop, number: int) -> list[Request]:
    ids = itertools.cycle(shop.ticket_ids)
    return [Request("GET", f"/service_tickets/{id}", shop.staff) for id in itertools.islice(ids, number)]


def _list(shop: Shop, first: date, last: date) -> Request:
    return Request("GET", f"/service_tickets?service_date_from={first}&service_date_to={last}", shop.staff)


def _fresh_lists(shop: Shop, number: int) -> list[Request]:
    """Pages that end at another day each; where the days are used up, from a day further before the first ticket."""
    windows = (
        (shop.oldest - timedelta(days=earlier), day) for earlier in itertools.count() for day in shop.days
    )
    return [_list(shop, first, last) for first, last in itertools.islice(windows, number)]


def _known_list(shop: Shop, number: int) -> list[Request]:
    return [_list(shop, shop.oldest, shop.days[len(shop.days) // 2])]


def _new_tickets(shop: Shop, number: int) -> list[Request]:
    """Tickets of all the customers in turn, each with a car that was never here."""
    return [
        posted(
            "/service_tickets",
            {
                "VIN": f"WVWZZZ7NZ{place:08d}",
                "service_date": "2026-12-01",
                "service_desc": "Front brakes squeal; check pads and discs, replace what is worn",
                "customer_id": customer_id,
            },
            shop.staff,
        )
        for place, customer_id in zip(range(number), itertools.cycle(shop.customer_ids), strict=False)
    ]


def _own_tickets(shop: Shop, number: int) -> list[Request]:
    """Pages from everywhere in one customer's tickets; the six states, each time named in another order, leave none out."""
    orders = itertools.permutations(STATUSES)
    ways = ((order, place) for order in orders for place in shop.own_places[: -MINE - 1])
    return [
        Request(
            "GET",
            f"/customers/my-tickets?per_page={MINE}&status={','.join(order)}&cursor={cursor(place)}",
            shop.customer,
        )
        for order, place in itertools.islice(ways, number)
    ]


def _deep_pages(shop: Shop, number: int) -> list[Request]:
    """Pages among the last of the walk, each begun after another ticket."""
    places = _shuffled(shop.last_places[: -PER_PAGE - 1])[:number]
    return [
        Request("GET", f"/service_tickets?per_page={PER_PAGE}&cursor={cursor(place)}", shop.staff)
        for place in places
    ]


def _logins(shop: Shop, number: int) -> list[Request]:
    return [login("/customers/login", CUSTOMER)]


# ---- What a right answer is --------------------------------------------------------------------------------------


def _needs_a_token(port: int, request: Request) -> None:
    without = {name: value for name, value in request.headers.items() if name != "Authorization"}
    refused = send(port, Request(request.method, request.path, without, request.body))
    assert refused.status == 401, f"{request.path} answers {refused.status} without a token"


def _is_whole(ticket: dict[str, Any]) -> None:
    assert ticket["customer"]["id"] == ticket["customer_id"]
    assert {"VIN", "service_date", "service_desc", "status", "mechanics", "inventory_items"} <= set(ticket)


def _check_one(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    _needs_a_token(port, request)
    ticket = answer.json()
    _is_whole(ticket)
    assert answer.status == 200
    assert ticket["id"] == int(request.path.rpartition("/")[2])
    assert ticket["mechanics"] or ticket["inventory_items"], "The ticket has nothing on it"


def _check_list(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    _needs_a_token(port, request)
    tickets = answer.json()
    assert answer.status == 200
    assert len(tickets) == PER_PAGE
    for ticket in tickets:
        _is_whole(ticket)
    days = [ticket["service_date"] for ticket in tickets]
    assert days == sorted(days, reverse=True)
    assert any(ticket["mechanics"] for ticket in tickets)
    assert any(ticket["inventory_items"] for ticket in tickets)


def _check_unchanged(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    _needs_a_token(port, request)
    assert answer.status == 304
    assert not answer.body
    assert answer.headers["etag"] == request.headers["If-None-Match"]


def _check_created(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    _needs_a_token(port, request)
    assert answer.status == 201
    read = send(port, Request("GET", answer.headers["location"], shop.staff))
    assert read.status == 200
    assert read.json() == answer.json()


def _check_own(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    _needs_a_token(port, request)
    tickets = answer.json()
    assert answer.status == 200
    assert len(tickets) == MINE
    assert {ticket["customer_id"] for ticket in tickets} == {shop.own_id}


def _check_deep(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    _check_list(shop, port, request, answer)
    asked = request.path.rpartition("cursor=")[2]
    places = shop.last_places
    place = next(index for index, each in enumerate(places) if cursor(each) == asked)
    following = [id for _, id in places[place + 1 : place + 1 + PER_PAGE]]
    assert [ticket["id"] for ticket in answer.json()] == following


def _check_login(shop: Shop, port: int, request: Request, answer: Answer) -> None:
    assert answer.status == 200
    token = {"Authorization": f"Bearer {answer.json()['auth_token']}"}
    assert send(port, Request("GET", "/customers/my-tickets", token)).status == 200
    wrong = Request(request.method, request.path, request.headers, request.body.replace(b"2026", b"2025"))
    assert send(port, wrong).status == 401


ALL = (
    Workload("one_ticket", "One ticket, uncached", "none", _one_ticket, _check_one, share=0.10),
    Workload("list", "List of 20 nested, uncached", "missed", _fresh_lists, _check_list, share=0.06),
    Workload("list_cached", "The same list, cached", "hit", _known_list, _check_list, share=0.27),
    Workload("list_304", "The same list, 304", "hit", _known_list, _check_unchanged, share=0.27),
    Workload("create", "Create a ticket", "none", _new_tickets, _check_created, share=0.05, writes=True),
    Workload("my_tickets", "My tickets (10), uncached", "missed", _own_tickets, _check_own, share=0.07),
    Workload("deep_page", "Deep page of 20 by cursor, uncached", "missed", _deep_pages, _check_deep),
    Workload("login", "Login", "none", _logins, _check_login, per_core=45),
)
