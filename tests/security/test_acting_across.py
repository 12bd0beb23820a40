"""What requests look at beyond one workshop: who somebody is, and what a workshop shows to everybody. Never a shop's data."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from app.blueprints.customers.models import Customer
from app.blueprints.mechanics.models import Mechanic
from app.core import tenancy
from app.extensions import db
from tests.factories import Shop
from tests.security.matrix import CALLERS, Row, rows
from tests.security.situation import Situation
from tests.security.test_access_matrix import answer, prepared
from tests.stage import Stage

pytestmark = [pytest.mark.no_cover, pytest.mark.one_database]  # counting lines would take as long again

ACROSS = {
    "memberships": "An account may belong to several workshops, and signs in before it has said to which.",
    "roles": "What a membership may do is asked for with it.",
    "api_keys": "A key is found by its digest, and ends with its account.",
    "invitations": "Who opens the link of one belongs to no workshop yet.",
    "opening_periods": "The directory shows them to everybody.",
    "closures": "Likewise.",
    "workshop_specialisations": "Likewise.",
}


@contextmanager
def looked_at_across(app: Flask) -> Iterator[set[str]]:
    """Collect the tables of workshops that are touched by statements that act across all of them."""
    owned = {table.name for table in tenancy.owned_tables()}
    seen: set[str] = set()

    def note(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if tenancy.is_everywhere():
            seen.update(owned & set(re.findall(r"[a-z_]+", statement)))

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


@pytest.mark.parametrize("row", rows(), ids=str)
def test_a_request_looks_across_workshops_at_no_other_table_than_these(
    app: Flask, stage: Stage[Situation], row: Row
) -> None:
    situation = prepared(stage, row, admits=True)
    admitted = [name for name in CALLERS if row.opens_to(name)]
    with looked_at_across(app) as tables:
        for name in admitted[-1:] or CALLERS[:1]:
            answer(situation, name, row)

    assert tables <= ACROSS.keys()


def test_looking_across_is_noticed(app: Flask, shop: Shop) -> None:
    with looked_at_across(app) as tables, app.app_context():
        with tenancy.across_workshops():
            customers_everywhere = db.session.query(Customer).filter_by(id=shop.customer_id).one()
        with tenancy.acting_in(shop.id):
            db.session.query(Mechanic).all()

    assert customers_everywhere.workshop_id == shop.id
    assert tables == {"customers"}
