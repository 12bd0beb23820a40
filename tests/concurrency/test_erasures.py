"""Erasures while others are at it: nothing of the person is kept by who came a moment before, and nobody waits in a circle."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.blueprints.customers import service as customers
from app.blueprints.estimates import deciding
from app.blueprints.estimates.models import Estimate
from app.blueprints.vehicles import maintenance
from app.blueprints.vehicles.models import MaintenanceInterval
from app.core.db import atomic
from app.core.sealing import PersonKey
from app.extensions import db
from tests.concurrency.racing import PATIENCE, race
from tests.estimates.asking import ask, examined
from tests.factories import Shop

BELT = {"title": "Belt, says Ada", "every_months": 60, "last_done_on": "2026-01-10"}


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_what_a_customer_says_of_a_car_while_they_are_erased_is_not_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    """They are erased once their request was let in, and before it takes the car."""
    path = f"/vehicles/{shop.make_vehicle().id}/maintenance"
    place = shop.customer.post(path, json=BELT).headers["Location"]
    hold = maintenance._held_for

    def hold_afterwards(*arguments: Any) -> Any:
        monkeypatch.setattr(maintenance, "_held_for", hold)
        race(partial(shop.owner.delete, f"/customers/{shop.customer_id}"))
        return hold(*arguments)

    monkeypatch.setattr(maintenance, "_held_for", hold_afterwards)
    answer = shop.customer.open(
        method, path if method == "POST" else place, json=None if method == "DELETE" else BELT
    )

    assert (answer.status_code, answer.json["code"]) == (404, "customer_not_found")
    with shop.inside():
        of_theirs = MaintenanceInterval.customer_id == shop.customer_id
        assert db.session.scalar(select(func.count()).where(of_theirs)) == 0
        keys = PersonKey.kind == "customer", PersonKey.person_id == shop.customer_id
        assert db.session.scalar(select(func.count()).where(*keys)) == 0  # by which the log would be read


@pytest.mark.parametrize(
    ("hold", "is_waited_for"),
    [(customers.hold, False), (customers.hold_to_erase, True)],
    ids=["change", "erasure"],
)
def test_a_car_is_given_a_plate_while_its_keeper_is_changed_and_not_while_they_are_erased(
    shop: Shop, on_postgresql: bool, hold: Callable[..., Any], is_waited_for: bool
) -> None:
    """Or a change, a plate and a decision would wait for each other in a circle."""
    if not on_postgresql:
        pytest.skip("SQLite has one writer at a time.")
    path = f"/vehicles/{shop.make_vehicle().id}"
    answers: list[TestResponse] = []
    patching = threading.Thread(target=lambda: answers.append(shop.owner.patch(path, json={"plate": "GD 1"})))

    with shop.inside(), atomic():
        hold(shop.id, shop.customer_id)
        patching.start()
        patching.join(2)
        was_waited_for = patching.is_alive()
    patching.join(10)

    assert (was_waited_for, [answer.status_code for answer in answers]) == (is_waited_for, [200])


@pytest.mark.parametrize("who", ["owner", "customer"])
def test_an_erasure_waits_for_a_decision_and_in_no_circle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, who: str
) -> None:
    """Both take the customer and then the estimate; a decision takes the customer anyway, as the ticket points there."""
    path = examined(shop)
    estimate = ask(shop, path)["id"]
    require = deciding.require_decidable
    erased: list[TestResponse] = []
    erasing = threading.Thread(
        target=lambda: erased.append(shop.owner.delete(f"/customers/{shop.customer_id}"))
    )

    def require_and_let_an_erasure_begin(*arguments: Any) -> None:
        require(*arguments)
        erasing.start()
        time.sleep(PATIENCE)

    monkeypatch.setattr(deciding, "require_decidable", require_and_let_an_erasure_begin)
    body = {"accepted_line_ids": [], "name": "Ada Obi"} | ({"how": "phone"} if who == "owner" else {})
    decided = getattr(shop, who).post(f"{path}/estimates/{estimate}/decision", json=body)
    erasing.join(30)

    assert (decided.status_code, [answer.status_code for answer in erased]) == (200, [200])
    with shop.inside():
        kept = db.session.get_one(Estimate, estimate)
        assert (kept.state, kept.decided_name) == ("declined", None)
