"""Replacements and cross-references: what is good alone breaks no rule together."""

from __future__ import annotations

from functools import partial

import pytest
from flask import Flask

from app.blueprints.inventory import references, service, succession
from tests.concurrency.racing import Meeting, race, without_row_locks, without_write_lock
from tests.factories import Shop


def replace(shop: Shop, item: int, by: int) -> int:
    return shop.owner.patch(f"/inventory/{item}", json={"replaced_by_id": by}).status_code


def take_out(shop: Shop, item: int) -> int:
    return shop.owner.delete(f"/inventory/{item}").status_code


class TestTwoChains:
    """Two chains that share no item: each is made to follow the other, which no lock of items would keep apart."""

    def race(self, shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], bool]:
        """Return the statuses, and whether all four items are replaced, and so are in a circle."""
        items = [shop.make_part().id for _ in range(4)]
        first, second, third, fourth = items
        assert (replace(shop, first, second), replace(shop, third, fourth)) == (200, 200)
        monkeypatch.setattr(succession, "require_fit", meeting.after(succession.require_fit))

        statuses = race(partial(replace, shop, second, third), partial(replace, shop, fourth, first))

        replaced = [shop.owner.get(f"/inventory/{item}").json["replaced_by_id"] for item in items]
        return sorted(statuses), None not in replaced

    def test_that_follow_each_other_make_no_circle(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        meeting = Meeting(2)

        assert self.race(shop, meeting, monkeypatch) == ([200, 409], False)
        assert not meeting.was_held

    def test_control_without_the_lock_on_all_chains_they_make_one(
        self, app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meeting = Meeting(2)
        monkeypatch.setattr(succession.numbers, "hold_series", lambda series: None)

        with without_write_lock(app):
            outcome = self.race(shop, meeting, monkeypatch)

        assert meeting.was_held
        assert outcome == ([200, 200], True)


class TestWhatIsTakenOut:
    """An item is taken out while another is to be replaced by it."""

    def race(self, shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        old, new = shop.make_part().id, shop.make_part().id
        for name in ("require_fit", "require_follows_none"):
            monkeypatch.setattr(succession, name, meeting.after(getattr(succession, name)))
        return race(partial(replace, shop, old, new), partial(take_out, shop, new))

    def test_replaces_nothing(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        meeting = Meeting(2)

        assert self.race(shop, meeting, monkeypatch) in ([200, 409], [404, 200])
        assert not meeting.was_held

    def test_control_without_its_lock_it_does(
        self, app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meeting = Meeting(2)
        without_row_locks(monkeypatch, succession, service)

        with without_write_lock(app):
            statuses = self.race(shop, meeting, monkeypatch)

        assert meeting.was_held
        assert statuses == [200, 200]


class TestTheLastPlace:
    """Two cross-references for an item that has room for one."""

    def race(self, shop: Shop, meeting: Meeting, monkeypatch: pytest.MonkeyPatch) -> list[int]:
        path = f"/inventory/{shop.make_part().id}/references"
        monkeypatch.setattr(references, "MOST_OF_A_PART", 1)
        monkeypatch.setattr(references, "_require_room", meeting.after(references._require_room))

        def add(number: str) -> int:
            body = {"kind": "oem", "manufacturer": "Volkswagen", "number": number}
            return shop.owner.post(path, json=body).status_code

        return sorted(race(partial(add, "4711"), partial(add, "4712")))

    def test_is_taken_once(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        meeting = Meeting(2)

        assert self.race(shop, meeting, monkeypatch) == [201, 409]
        assert not meeting.was_held

    def test_control_without_the_lock_on_the_item_it_is_taken_twice(
        self, app: Flask, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        meeting = Meeting(2)
        without_row_locks(monkeypatch, references)

        with without_write_lock(app):
            statuses = self.race(shop, meeting, monkeypatch)

        assert meeting.was_held
        assert statuses == [201, 201]
