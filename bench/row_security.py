"""What row-level security costs a ticket's reading: `make bench-walls` writes bench/ROW_SECURITY.md.

Two servers answer from one database, one of them under DB_ROLE. Each ticket is asked of both, one right after the other and in
changing order, so that what else the machine does meets both alike. The next request is for the next workshop: with two of them
a connection is told each time anew where it acts, as it is with two hundred.
"""

from __future__ import annotations

import http.client
import json
import os
import platform
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from flask import Flask

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app import create_app
from app.blueprints.accounts import service as accounts
from app.blueprints.accounts import sessions, standing
from app.blueprints.accounts.models import Membership
from app.blueprints.customers import service as customers
from app.blueprints.inventory import service as inventory
from app.blueprints.mechanics import service as mechanics
from app.blueprints.service_tickets import service as tickets
from app.blueprints.workshops import service as workshops
from app.core import identity
from app.core.db import atomic
from app.core.tenancy import acting_in
from bench.databases import connected, make_anew
from bench.servers import serving
from bench.settings import claimed, production, read_settings

SHOPS, TICKETS, ROUNDS, REQUESTS, WARM_UP = 200, 10, 7, 400, 60
MOST = 1.10
ROLE = "mechanic_shop_bench"
MADE_BY = "bench/row_security.py"
REPORT = Path(__file__).with_name("ROW_SECURITY.md")


@dataclass(frozen=True)
class Shop:
    """A workshop's owner, signed in, and its tickets."""

    headers: dict[str, str]
    tickets: list[int]


def main() -> None:
    settings = read_settings()
    url = settings.database.set(database=f"{settings.database.database}_row_security")
    claimed(settings.redis_url)
    address = url.set(drivername="postgresql+pg8000").render_as_string(hide_password=False)
    open_to_all = {
        **production(),
        "DATABASE_URL": address,
        "REDIS_URL": settings.redis_url,
        **{name: secrets.token_urlsafe(48) for name in ("ENCRYPTION_KEYS", "BLIND_INDEX_KEY")},
    }
    walled = open_to_all | {"DB_ROLE": ROLE}
    make_anew(url, walled, MADE_BY)
    os.environ.update(open_to_all)
    app = create_app("production")
    with app.app_context():
        shops = [furnished(app, number) for number in range(SHOPS)]
    with connected(url) as connection:
        connection.execute("VACUUM ANALYZE")
    with (
        tempfile.TemporaryDirectory() as logs,
        serving("open", "flask_app:app", open_to_all, Path(logs), "/livez") as before,
        serving("walled", "flask_app:app", walled, Path(logs), "/livez") as behind,
    ):
        lines = [line(number, shops[:number], before.port, behind.port) for number in (2, SHOPS)]
    text = PAGE.format(
        day=f"{datetime.now(UTC):%Y-%m-%d}", processors=os.cpu_count(), python=platform.python_version(),
        requests=REQUESTS, rounds=ROUNDS, lines="\n".join(text for text, _ in lines), most=MOST,
    )  # fmt: skip
    REPORT.write_text(text, encoding="utf-8")
    print(text)
    worst = max(ratio for _, ratio in lines)
    sys.exit(0 if worst <= MOST else f"{worst:.3f} is more than {MOST}.")


def furnished(app: Flask, number: int) -> Shop:
    """Open a workshop with tickets that have mechanics and parts, and sign its owner in."""
    with atomic():
        workshop_id = workshops.open_workshop(f"Garage {number}", f"garage-{number}").id
    with acting_in(workshop_id):
        with atomic() as session:
            account = accounts.make_account(f"owner@garage-{number}.example.com", secrets.token_urlsafe(16))
            session.flush()
            member = Membership(workshop_id=workshop_id, account_id=account.id, role="owner")
            session.add(member)
        principal = sessions.begin(standing.principal_of(member)).principal
        hired = [
            mechanics.hire(
                workshop_id, name=f"Mechanic {one}", email=f"{one}@garage-{number}.example.com", phone="555-987-6543",
                salary=Decimal(50_000),
            ).id
            for one in range(2)
        ]  # fmt: skip
        parts = [
            inventory.add(workshop_id, name=f"Part {one}", price=Decimal("19.99")).id for one in range(3)
        ]
        customer = customers.record(
            workshop_id, name="Ada Obi", email=f"ada@garage-{number}.example.com", phone=None
        ).id
        made = []
        for one in range(TICKETS):
            vin = f"WVWZZZ1JZ{number * TICKETS + one:08d}"
            ticket = tickets.open_ticket(
                principal,
                VIN=vin,
                service_date=date(2026, 3, 2),
                service_desc="Oil change",
                customer_id=customer,
            )
            tickets.edit(
                principal, ticket["id"], add_mechanic_ids=hired, remove_mechanic_ids=[], add_item_ids=parts,
                remove_item_ids=[],
            )  # fmt: skip
            made.append(int(ticket["id"]))
    token = identity.issue_token(principal)[0]
    return Shop({"Authorization": f"Bearer {token}", "X-Forwarded-For": "198.51.100.7"}, made)


def line(number: int, shops: list[Shop], open_port: int, walled_port: int) -> tuple[str, float]:
    """Measure, and return a line of the table and the median ratio."""
    links = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for port in (open_port, walled_port)]
    rounds = []
    for _ in range(ROUNDS):
        taken: tuple[list[float], list[float]] = [], []
        for turn, (shop, ticket) in enumerate(asked(shops)):
            for which in (0, 1) if turn % 2 else (1, 0):
                milliseconds = timed(links[which], f"/service_tickets/{ticket}", shop)
                if turn >= WARM_UP:
                    taken[which].append(milliseconds)
        rounds.append((statistics.median(taken[0]), statistics.median(taken[1])))
    ratios = sorted(behind / before for before, behind in rounds)
    before, behind = (statistics.median(one[which] for one in rounds) for which in (0, 1))
    ratio = statistics.median(ratios)
    return (
        f"| {number} | {before:.2f} | {behind:.2f} | {ratio:.3f} ({ratios[0]:.3f} to {ratios[-1]:.3f}) |",
        ratio,
    )


def asked(shops: list[Shop]) -> Iterator[tuple[Shop, int]]:
    """Yield tickets, the workshops in turn."""
    for turn in range(WARM_UP + REQUESTS):
        shop = shops[turn % len(shops)]
        yield shop, shop.tickets[turn // len(shops) % len(shop.tickets)]


def timed(link: http.client.HTTPConnection, path: str, shop: Shop) -> float:
    begun = time.perf_counter()
    link.request("GET", path, headers=shop.headers)
    answer = link.getresponse()
    body = answer.read()
    taken = (time.perf_counter() - begun) * 1000
    if answer.status != 200 or len(json.loads(body)["inventory_items"]) != 3:
        sys.exit(f"{path}: {answer.status} {body[:300]!r}")
    return taken


PAGE = """\
# What the database's own wall costs

`make bench-walls` on {day}: GET /service_tickets/<id> with two mechanics and three parts, uncached, from two servers on one
database (gunicorn with two workers each, PostgreSQL by pg8000 and Redis on one machine with {processors} processors;
Python {python}), one of which runs under `DB_ROLE`. {requests} tickets a round and server, one after the other, the
workshops in turn; {rounds} rounds. Milliseconds, medians of the rounds' medians; the ratio is taken within a round. To
keep: at most {most:.2f}.

| Workshops | Without | Behind the wall | Ratio (least to most) |
|---|---|---|---|
{lines}
"""


if __name__ == "__main__":
    main()
