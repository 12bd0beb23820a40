"""The morning's letter: what is new, to those who order, once a day by the workshop's own clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from flask import Flask

from app.blueprints.inventory import digests
from app.blueprints.inventory.alert_models import StockAlert
from app.core import tenancy
from app.core.db import atomic
from app.core.outbox import OutboxMessage
from app.extensions import db
from tests import mailing
from tests.concurrency.racing import race
from tests.factories import Shop, make_admin
from tests.mailing import Clock, Scripted


@pytest.fixture(autouse=True)
def nothing_untold(app: Flask) -> None:
    """What other tests let run low is told already."""
    with app.app_context(), tenancy.across_workshops(), atomic() as session:
        session.query(StockAlert).filter(StockAlert.told_at.is_(None)).update({"told_at": datetime.now(UTC)})


def at(clock: Clock, text: str) -> None:
    clock.moment = datetime.fromisoformat(text).replace(tzinfo=UTC)


def look(shop: Shop) -> int:
    with shop.app.app_context():
        return digests.write_due()


def letters(shop: Shop) -> int:
    with shop.inside():
        return db.session.query(OutboxMessage).filter_by(topic="stock_digest").count()


def told(shop: Shop) -> list[bool]:
    """Return of each alert, the first one first, whether a letter told it."""
    found = shop.owner.get("/inventory/stock-alerts/history?sort=id").json
    return [one["told_at"] is not None for one in found]


def run_low(shop: Shop, name: str = "Oil Filter") -> int:
    return shop.make_part(name=name, on_hand=1, minimum_stock_level=2).id


class TestWhen:
    @pytest.mark.parametrize(
        ("zone", "before", "after"),
        [
            ("UTC", "2026-03-02T06:59:59", "2026-03-02T07:00:00"),
            ("Europe/Warsaw", "2026-03-02T05:59:59", "2026-03-02T06:00:00"),
            ("America/Chicago", "2026-03-02T12:59:59", "2026-03-02T13:00:00"),
            ("Europe/Warsaw", "2026-03-29T04:59:59", "2026-03-29T05:00:00"),  # the night lost an hour
        ],
    )
    def test_from_seven_by_the_workshops_own_clock(
        self, shop: Shop, clock_set: Clock, zone: str, before: str, after: str
    ) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": zone})
        at(clock_set, before)
        run_low(shop)

        too_early = look(shop)
        at(clock_set, after)

        assert (too_early, look(shop), letters(shop)) == (0, 1, 1)

    def test_once_a_day_and_what_is_new_then_the_next_morning(self, shop: Shop, clock_set: Clock) -> None:
        seen = []
        at(clock_set, "2026-03-01T22:00:00")
        run_low(shop)
        for moment in (
            "02T08:00:00",
            "02T09:00:00",
            "02T22:00:00",
            "03T06:00:00",
            "03T08:00:00",
            "04T08:00:00",
        ):
            at(clock_set, f"2026-03-{moment}")
            seen.append(look(shop))
            if moment == "02T09:00:00":
                run_low(shop)

        assert seen == [1, 0, 0, 0, 1, 0]

    def test_what_begins_during_the_day_waits_for_the_next_morning_with_or_without_a_letter_before(
        self, shop: Shop, clock_set: Clock
    ) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": "Europe/Warsaw"})
        at(clock_set, "2026-03-02T13:10:00")
        run_low(shop)

        seen = []
        for moment in ("02T13:15:00", "02T22:59:59", "02T23:00:00", "03T05:59:59", "03T06:00:00"):
            at(clock_set, f"2026-03-{moment}")
            seen.append(look(shop))

        assert seen == [0, 0, 0, 0, 1]

    def test_late_where_nobody_could_write_in_the_morning(self, shop: Shop, clock_set: Clock) -> None:
        at(clock_set, "2026-03-02T06:59:59")
        run_low(shop)
        at(clock_set, "2026-03-02T07:00:00")
        run_low(shop)
        at(clock_set, "2026-03-02T15:00:00")

        assert (look(shop), told(shop)) == (1, [True, False])

    def test_once_however_many_workers_there_are(self, shop: Shop, clock_set: Clock) -> None:
        at(clock_set, "2026-03-02T06:00:00")
        run_low(shop)
        at(clock_set, "2026-03-02T08:00:00")

        told = race(*[lambda: look(shop)] * 4)

        assert sorted(told) == [0, 0, 0, 1]
        assert letters(shop) == 1

    def test_never_where_what_was_new_is_over(self, shop: Shop, clock_set: Clock) -> None:
        shop.take_out(run_low(shop))
        at(clock_set, "2027-03-02T08:00:00")

        assert look(shop) == 0

    def test_never_to_a_shop_that_is_suspended(self, shop: Shop, clock_set: Clock) -> None:
        run_low(shop)
        suspended = make_admin(shop.app).post(f"/workshops/{shop.id}/suspend", json={"reason": "Unpaid"})
        at(clock_set, "2027-03-02T08:00:00")

        assert (suspended.status_code, look(shop)) == (200, 0)


class TestWhat:
    def test_it_goes_to_owners_and_to_staff_whose_role_orders_and_to_nobody_else(
        self, shop: Shop, clock_set: Clock, transport: Scripted
    ) -> None:
        at(clock_set, "2026-03-02T06:00:00")
        storekeeper = shop.make_staff("purchasing:write", "inventory:read")
        shop.make_staff("stock:write", "inventory:read")
        run_low(shop, "Belt")

        at(clock_set, "2026-03-02T08:00:00")
        look(shop)
        mailing.deliver(shop)

        assert [letter.recipient for letter in transport.taken] == [shop.owner.email, storekeeper.email]

    def test_it_says_how_many_are_there_to_every_owner(
        self, shop: Shop, clock_set: Clock, transport: Scripted
    ) -> None:
        at(clock_set, "2026-03-02T06:00:00")
        second = shop.make_owner()
        run_low(shop, "Żarówka H7")
        shop.make_part(name="Brake fluid", on_hand=0, unit="l")

        at(clock_set, "2026-03-02T08:00:00")
        look(shop)
        mailing.deliver(shop)

        assert {letter.recipient for letter in transport.taken} == {shop.owner.email, second.email}
        told = " ".join(transport.taken[0].text.split())
        assert "Żarówka H7: 1 / 2 piece (low)" in told
        assert "Brake fluid: 0 l (out)" in told
        assert transport.taken[0].subject == "Running low: 2"

    def test_of_many_it_names_some_and_counts_the_rest(
        self, shop: Shop, clock_set: Clock, transport: Scripted, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        at(clock_set, "2026-03-02T06:00:00")
        monkeypatch.setattr(digests, "MOST_TOLD", 2)
        for name in "ABC":
            run_low(shop, f"Part {name}")

        at(clock_set, "2026-03-02T08:00:00")
        look(shop)
        mailing.deliver(shop)

        told = transport.taken[0].text
        assert ("Part A" in told, "Part C" in told, "And so many more: 1." in told) == (True, False, True)
        clock_set.pass_(days=1)
        assert look(shop) == 0
