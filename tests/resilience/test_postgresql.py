"""PostgreSQL restarted under load: 503 while it is away, nothing else, and no ticket that was answered with 201 is lost."""

from __future__ import annotations

import pytest

from tests.resilience.conftest import Garage, StartServer
from tests.resilience.services import Database, RedisServer, until


@pytest.mark.parametrize(
    ("driver", "mode"), [("pg8000", "fast"), ("pg8000", "immediate"), ("psycopg", "fast")]
)
def test_a_restart_costs_503s_and_no_acknowledged_ticket(
    garage: Garage,
    postgresql: Database,
    redis_that_stops: RedisServer,
    start_server: StartServer,
    driver: str,
    mode: str,
) -> None:
    server = start_server(postgresql.url.replace("pg8000", driver), redis_that_stops.url)

    with garage.load(server) as load:
        load.enter("before", answers=100)
        load.phase = "away"
        postgresql.stop(mode)
        load.enter("away", answers=100)
        postgresql.start()
        until(server.answers, "the API answers again")
        load.enter("back", answers=200)

    assert set(load.statuses()) == {200, 201, 503}, server.said
    assert all(answer.is_proper_refusal for answer in load.answers if answer.status == 503)
    assert set(load.statuses("back")) == {200, 201}
    assert load.acknowledged <= garage.tickets()
    assert len(load.acknowledged) > 50
