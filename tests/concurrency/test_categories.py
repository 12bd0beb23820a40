"""Categories: two moves that are good alone make no circle together."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask

from app.blueprints.inventory import categories, pricing
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
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
