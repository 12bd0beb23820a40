"""Categories: two moves that are good alone make no circle together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.blueprints.inventory import categories, pricing, stocktakes
from app.blueprints.inventory.models import PartCategory
from app.core.db import atomic
from app.extensions import db
from tests.concurrency.racing import PATIENCE, Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop


def race_to_move(
    shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[int], dict[int, int | None]]:
    """Move each of two categories into the other at once; return the statuses, and where each is then."""
    first, second = shop.make_category().id, shop.make_category().id
    monkeypatch.setattr(categories, "require_version", meeting.after(categories.require_version))

    def move(one: int, into: int) -> int:
        return shop.owner.patch(f"/inventory/categories/{one}", json={"parent_id": into}).status_code

    statuses = race(partial(move, first, second), partial(move, second, first))

    listed = shop.owner.get("/inventory/categories").json
    return sorted(statuses), {one["id"]: one["parent_id"] for one in listed}


def test_two_categories_moved_into_each_other_make_no_circle(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)

    statuses, parents = race_to_move(shop, meeting, monkeypatch)

    assert statuses == [200, 409]
    assert None in parents.values()
    assert not meeting.was_held


def test_control_without_the_lock_on_the_tree_they_make_one(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = Meeting(2)
    without_row_locks(monkeypatch, categories)
    monkeypatch.setattr(pricing, "hold", lambda: None)

    with without_write_lock(app):
        statuses, parents = race_to_move(shop, meeting, monkeypatch)

    assert meeting.was_held
    assert statuses == [200, 200]
    assert None not in parents.values()


def one_after_the_other(shop: Shop, begun: threading.Event, *locks: Callable[[], Any]) -> bool:
    """Lock rows one after the other, with time in between for another to come to wait for the first."""
    with shop.inside(), atomic():
        for lock in locks:
            lock()
            begun.set()
            time.sleep(PATIENCE)
    return True


def name(category_id: int) -> None:
    """Lock a category as the foreign key of a part does."""
    named = select(PartCategory.id).where(PartCategory.id == category_id)
    db.session.execute(named.with_for_update(read=True, key_share=True)).one()


def after(begun: threading.Event, runner: Callable[[], TestResponse]) -> int:
    begun.wait(10)
    return runner().status_code


def test_who_makes_a_category_and_who_puts_parts_into_some_never_wait_in_a_circle(shop: Shop) -> None:
    first, second = shop.make_category().id, shop.make_category().id
    begun, make = threading.Event(), partial(shop.owner.post, "/inventory/categories", json={"name": "New"})

    outcomes = race(
        partial(one_after_the_other, shop, begun, partial(name, second), partial(name, first)),
        partial(after, begun, make),
    )

    assert outcomes == [True, 201]


@pytest.mark.parametrize(
    ("pricing", "change", "status"),
    [("fixed", None, 409), ("markup", {"parent_id": None}, 200)],
    ids=["removes", "moves"],
)
def test_who_changes_a_category_and_who_changes_a_part_of_it_never_wait_in_a_circle(
    shop: Shop, pricing: str, change: dict[str, Any] | None, status: int
) -> None:
    category = shop.make_category(parent_id=shop.make_category().id).id
    part = shop.make_part(category_id=category, pricing=pricing).id
    path, begun = f"/inventory/categories/{category}", threading.Event()
    changing = (
        partial(shop.owner.delete, path) if change is None else partial(shop.owner.patch, path, json=change)
    )
    hold = partial(stocktakes._locked_parts, shop.id, [part])

    outcomes = race(
        partial(one_after_the_other, shop, begun, hold, partial(name, category)),
        partial(after, begun, changing),
    )

    assert outcomes == [True, status]
