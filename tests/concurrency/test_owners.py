"""Two owners who put each other down, or out, at once: one of them stays an owner."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask

from app.blueprints.accounts import leaving
from app.blueprints.members import service as members
from app.core.paging import Walk
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Caller, Shop


def put_each_other(shop: Shop, how: str, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let each of two owners take the other's role; the meeting is where both have looked who else is an owner."""
    owners, role_id = (shop.owner, shop.make_owner()), shop.make_role().id

    def take(caller: Caller, other: Caller) -> int:
        path = f"/members/{other.member_id}"
        if how == "out":
            return caller.delete(path).status_code
        return caller.put(f"{path}/role", json={"role": "staff", "role_id": role_id}).status_code

    for owner in owners:
        assert owner.get("/members").status_code == 200
    monkeypatch.setattr(leaving, "keep_an_owner", meeting.after(leaving.keep_an_owner))
    return race(partial(take, *owners), partial(take, *reversed(owners)))


def owners_left(shop: Shop) -> int:
    with shop.inside():
        return sum(row.role == "owner" for row in members.find(shop.id, Walk("created_at", 100)).rows)


@pytest.mark.parametrize("how", ["down", "out"])
def test_one_of_two_owners_is_left(shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    meeting = Meeting(2)

    statuses = put_each_other(shop, how, meeting, monkeypatch)

    assert not meeting.was_held
    assert sorted(statuses) == [200, 409]
    assert owners_left(shop) == 1


@pytest.mark.parametrize("how", ["down", "out"])
def test_control_without_the_locks_nobody_is_left(
    app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    without_row_locks(monkeypatch, leaving, members)
    meeting = Meeting(2)

    with without_write_lock(app):
        statuses = put_each_other(shop, how, meeting, monkeypatch)

    assert meeting.was_held
    assert statuses == [200, 200]
    assert owners_left(shop) == 0
