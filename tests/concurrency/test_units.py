"""A unit without fractions takes over while a fraction is written: one of the two is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from app.blueprints.inventory import orders, service, units
from app.blueprints.service_tickets import fitting
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop
from tests.inventory.test_parts_that_came import ORDERS

Write = Callable[[Shop, int], Any]


def wanted(shop: Shop, part: int) -> Callable[[], Any]:
    line = {"kind": "part", "item_id": part, "quantity": 2.5}
    return partial(shop.mechanic.post, f"/service_tickets/{shop.make_ticket()['id']}/lines", json=line)


def ordered(shop: Shop, part: int) -> Callable[[], Any]:
    body = {"supplier_id": shop.make_supplier().id, "lines": [{"item_id": part, "quantity": 2.5}]}
    return partial(shop.owner.post, ORDERS, json=body)


WAYS = [(wanted, fitting, "require_whole"), (ordered, orders, "_parts")]


def race_for_the_unit(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, meeting: Meeting, write: Write, module: Any, asking: str
) -> tuple[int, int]:
    """Write a fraction and change the unit at once, both after having looked; return what was answered."""
    part = shop.make_part(on_hand=0, unit="l").id
    writing = write(shop, part)
    monkeypatch.setattr(units, "require_no_fractions", meeting.after(units.require_no_fractions))
    monkeypatch.setattr(module, asking, meeting.after(getattr(module, asking)))

    changed, written = race(partial(shop.owner.patch, f"/inventory/{part}", json={"unit": "piece"}), writing)

    return changed.status_code, written.status_code


@pytest.mark.parametrize(("write", "module", "asking"), WAYS)
def test_either_the_unit_is_changed_or_the_fraction_written(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, write: Write, module: Any, asking: str
) -> None:
    meeting = Meeting(2)

    outcome = race_for_the_unit(shop, monkeypatch, meeting, write, module, asking)

    assert outcome in ((200, 400), (409, 201))
    assert not meeting.was_held


@pytest.mark.parametrize(("write", "module", "asking"), WAYS)
def test_control_without_the_lock_on_the_part_both_are_done(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, write: Write, module: Any, asking: str
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, service)

    with without_write_lock(app):
        outcome = race_for_the_unit(shop, monkeypatch, meeting, write, module, asking)

    assert (outcome, meeting.was_held) == ((200, 201), True)
