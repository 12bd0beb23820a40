"""The mechanics' clock: who starts and stops whose, what counts, and what is corrected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from werkzeug.test import TestResponse

from app.blueprints.timesheets import reading, service
from app.blueprints.timesheets.models import ClockEntry
from app.core.db import atomic, violated
from app.extensions import db
from tests.factories import Caller, Shop
from tests.mailing import Clock
from tests.service_tickets.life import ticket_in
from tests.tampering import owners_connection
from tests.watching import statements

MORNING = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def morning(clock_set: Clock) -> Clock:
    clock_set.moment = MORNING
    return clock_set


@pytest.fixture
def ticket(shop: Shop) -> int:
    number: int = shop.make_ticket()["id"]
    return number


def start(caller: Caller, ticket: int, **body: Any) -> TestResponse:
    return caller.post(f"/service_tickets/{ticket}/clock/start", json=body)


def stop(caller: Caller, ticket: int, **body: Any) -> TestResponse:
    return caller.post(f"/service_tickets/{ticket}/clock/stop", json=body)


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json.get("code", "")


class TestAClock:
    def test_counts_whole_seconds_from_start_to_stop(self, shop: Shop, ticket: int, morning: Clock) -> None:
        started = start(shop.mechanic, ticket)
        morning.pass_(hours=1, minutes=30, seconds=0.9)
        running = shop.owner.get(started.headers["Location"]).json
        stopped = stop(shop.mechanic, ticket)

        assert (started.status_code, stopped.status_code) == (201, 200)
        assert (started.json["state"], running["state"], stopped.json["state"]) == (
            "running",
            "running",
            "stopped",
        )
        assert (started.json["seconds"], running["seconds"], stopped.json["seconds"]) == (0, 5400, 5400)
        assert stopped.json["started_at"] == "2026-03-02T08:00:00Z"
        assert stopped.json["ended_at"] == "2026-03-02T09:30:00Z"
        assert stopped.json["mechanic_id"] == shop.mechanic_id

    def test_runs_once_wherever_that_is(self, shop: Shop, ticket: int) -> None:
        other = shop.make_ticket()["id"]
        start(shop.mechanic, ticket)

        assert (
            told(start(shop.mechanic, ticket)) == told(start(shop.mechanic, other)) == (409, "clock_running")
        )
        assert shop.owner.get(f"/service_tickets/{other}/clock").json["entry_count"] == 0

    def test_of_each_mechanic_runs_by_itself(self, shop: Shop, ticket: int) -> None:
        other = shop.make_mechanic().id

        assert start(shop.mechanic, ticket).status_code == 201
        assert start(shop.owner, ticket, mechanic_id=other).status_code == 201
        assert shop.owner.get(f"/service_tickets/{ticket}/clock").json["running"] == 2

    def test_is_started_again_in_the_second_in_which_it_stopped(
        self, shop: Shop, ticket: int, morning: Clock
    ) -> None:
        for _ in range(3):
            assert start(shop.mechanic, ticket).status_code == 201
            assert stop(shop.mechanic, ticket).status_code == 200
        morning.pass_(seconds=10)
        assert start(shop.mechanic, ticket).status_code == 201

    def test_that_does_not_run_here_is_not_stopped(self, shop: Shop, ticket: int) -> None:
        other = shop.make_ticket()["id"]
        start(shop.mechanic, other)

        assert told(stop(shop.mechanic, ticket)) == (409, "clock_not_running")
        stop(shop.mechanic, other)
        assert told(stop(shop.mechanic, other)) == (409, "clock_not_running")

    @pytest.mark.parametrize("status", ["cancelled"])
    def test_is_not_started_on_a_ticket_that_is_over(self, shop: Shop, ticket: int, status: str) -> None:
        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": status})

        assert told(start(shop.mechanic, ticket)) == (409, "ticket_closed")

    def test_is_stopped_whatever_has_become_of_the_ticket(self, app: Flask, shop: Shop, ticket: int) -> None:
        start(shop.mechanic, ticket)
        with owners_connection(app) as connection:
            connection.execute(
                text("UPDATE service_tickets SET status = 'cancelled' WHERE id = :id"), {"id": ticket}
            )
            connection.commit()

        assert stop(shop.mechanic, ticket).status_code == 200

    def test_keeps_the_line_that_it_is_for(self, shop: Shop, ticket: int) -> None:
        assert start(shop.mechanic, ticket, line_id=None).json["line_id"] is None

    def test_sent_twice_with_a_key_is_started_once(self, shop: Shop, ticket: int) -> None:
        keyed = {"Idempotency-Key": "start"}
        path = f"/service_tickets/{ticket}/clock/start"

        first, again = (shop.mechanic.post(path, json={}, headers=keyed) for _ in range(2))

        assert (first.status_code, again.status_code) == (201, 201)
        assert first.json == again.json


class TestWhose:
    def test_a_mechanics_own_it_is(self, shop: Shop, ticket: int) -> None:
        other = shop.make_mechanic().id

        assert told(start(shop.mechanic, ticket, mechanic_id=other)) == (403, "not_your_clock")
        assert start(shop.mechanic, ticket, mechanic_id=shop.mechanic_id).status_code == 201
        start(shop.owner, ticket, mechanic_id=other)
        assert told(stop(shop.mechanic, ticket, mechanic_id=other)) == (403, "not_your_clock")

    def test_an_owner_says(self, shop: Shop, ticket: int) -> None:
        unnamed = start(shop.owner, ticket)

        assert (unnamed.status_code, list(unnamed.json["errors"])) == (400, ["mechanic_id"])
        assert start(shop.owner, ticket, mechanic_id=shop.mechanic_id).status_code == 201
        assert stop(shop.owner, ticket, mechanic_id=shop.mechanic_id).status_code == 200

    def test_somebody_with_a_role_of_the_shops_own_needs_the_scope(self, shop: Shop, ticket: int) -> None:
        desk, foreman = shop.make_staff("tickets:write"), shop.make_staff("tickets:write", "hours:write")

        assert told(start(desk, ticket, mechanic_id=shop.mechanic_id)) == (403, "not_your_clock")
        assert start(foreman, ticket, mechanic_id=shop.mechanic_id).status_code == 201

    def test_is_nobody_who_is_not_here(self, shop: Shop, other_shop: Shop, ticket: int) -> None:
        gone = shop.make_mechanic().id
        shop.owner.delete(f"/mechanics/{gone}")

        for mechanic_id in (gone, other_shop.mechanic_id, 10**12):
            assert told(start(shop.owner, ticket, mechanic_id=mechanic_id)) == (404, "mechanic_not_found")

    def test_on_a_ticket_of_another_workshop_is_nowhere(self, shop: Shop, other_shop: Shop) -> None:
        theirs = other_shop.make_ticket()["id"]
        entry = other_shop.make_clock_entry(theirs).id
        path = f"/service_tickets/{theirs}/clock"

        assert (
            told(start(shop.mechanic, theirs))
            == told(stop(shop.mechanic, theirs))
            == (404, "service_ticket_not_found")
        )
        assert told(shop.owner.get(path)) == (404, "service_ticket_not_found")
        for answer in (
            shop.owner.get(f"{path}/{entry}"),
            shop.owner.patch(f"{path}/{entry}", json={"reason": "x"}),
            shop.owner.delete(f"{path}/{entry}?reason=x"),
        ):
            assert told(answer) == (404, "clock_entry_not_found")


class TestAForgottenClock:
    @pytest.fixture
    def entry(self, shop: Shop, ticket: int, morning: Clock) -> str:
        """The address of an entry that runs since yesterday morning."""
        path: str = start(shop.mechanic, ticket).headers["Location"]
        morning.pass_(hours=16, seconds=1)
        return path

    def test_shows_as_such_and_counts_nothing(self, shop: Shop, ticket: int, entry: str) -> None:
        shown, whole = shop.owner.get(entry).json, shop.owner.get(f"/service_tickets/{ticket}/clock").json

        assert (shown["state"], shown["seconds"], shown["ended_at"]) == ("forgotten", 0, None)
        assert (whole["worked_seconds"], whole["forgotten"], whole["running"]) == (0, 1, 0)

    def test_is_not_stopped_but_corrected_by_an_owner_with_a_reason(
        self, shop: Shop, ticket: int, entry: str
    ) -> None:
        end = {"ended_at": "2026-03-02T16:00:00Z"}
        refused = [
            stop(shop.mechanic, ticket),
            stop(shop.owner, ticket, mechanic_id=shop.mechanic_id),
            shop.mechanic.patch(entry, json={**end, "reason": "Went home"}),
            shop.owner.patch(entry, json=end),
        ]
        corrected = shop.owner.patch(entry, json={**end, "reason": "Went home"})

        assert [answer.status_code for answer in refused] == [409, 409, 403, 400]
        assert told(refused[0]) == (409, "clock_forgotten")
        assert list(refused[3].json["errors"]) == ["reason"]
        assert (corrected.json["state"], corrected.json["seconds"]) == ("stopped", 8 * 3600)
        assert corrected.json["reason"] == "Went home"
        assert start(shop.mechanic, ticket).status_code == 201

    def test_is_one_that_ran_for_more_than_sixteen_hours(
        self, shop: Shop, ticket: int, morning: Clock
    ) -> None:
        start(shop.mechanic, ticket)
        morning.pass_(hours=16)

        assert stop(shop.mechanic, ticket).json["seconds"] == 16 * 3600


class TestACorrection:
    @pytest.fixture
    def entry(self, shop: Shop, ticket: int, morning: Clock) -> str:
        """The address of an entry from eight to ten; it is noon."""
        path: str = start(shop.mechanic, ticket).headers["Location"]
        morning.pass_(hours=2)
        stop(shop.mechanic, ticket)
        morning.pass_(hours=2)
        return path

    def test_is_in_the_audit_log_with_what_was_before(self, shop: Shop, entry: str) -> None:
        shop.owner.patch(entry, json={"ended_at": "2026-03-02T11:00:00Z", "reason": "Stopped too early"})
        shop.owner.delete(f"{entry}?reason=Wrong%20ticket")

        removed, changed = shop.owner.get("/audit?subject_kind=clock_entry").json[:2]
        assert (removed["action"], changed["action"]) == ("clock.removed", "clock.changed")
        assert changed["before"]["ended_at"].startswith("2026-03-02T10:00:00")
        assert changed["after"]["ended_at"].startswith("2026-03-02T11:00:00")
        assert changed["after"]["reason"] == "Stopped too early"
        assert removed["before"]["mechanic_id"] == shop.mechanic_id
        assert removed["after"] == {"reason": "Wrong ticket"}
        assert shop.owner.get(entry).status_code == 404

    def test_of_the_reason_alone_is_in_the_audit_log_too(self, shop: Shop, entry: str) -> None:
        for reason in ("Went home", "Went home", "Was ill"):
            assert shop.owner.patch(entry, json={"reason": reason}).json["reason"] == reason

        changes = shop.owner.get("/audit?subject_kind=clock_entry&action=clock.changed").json
        assert [(one["before"]["reason"], one["after"]["reason"]) for one in changes] == [
            ("Went home", "Was ill"),
            (None, "Went home"),
        ]

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"ended_at": "2026-03-02T07:59:59Z"}, "ended_at"),
            ({"ended_at": "2026-03-02T12:00:01Z"}, "ended_at"),
            ({"started_at": "2026-03-02T12:00:01Z"}, "started_at"),
            ({"started_at": "2026-03-01T17:59:59Z"}, "ended_at"),
            ({"started_at": "1999-12-31T23:59:59Z"}, "started_at"),
            ({"started_at": "0001-01-01T00:00:00Z"}, "started_at"),
            ({"started_at": None}, "started_at"),
            ({"started_at": "yesterday"}, "started_at"),
            ({"mechanic_id": 1}, "mechanic_id"),
        ],
    )
    def test_that_cannot_be_is_refused(
        self, shop: Shop, entry: str, changes: dict[str, Any], field: str
    ) -> None:
        before = shop.owner.get(entry).json

        answer = shop.owner.patch(entry, json={**changes, "reason": "Mistaken"})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])
        assert shop.owner.get(entry).json == before

    @pytest.mark.parametrize(
        ("first", "last", "status"),
        [
            ("06:00", "08:00", 200),
            ("10:00", "12:00", 200),
            ("09:00", "09:00", 200),  # over within its second: it is in nobody's way
            ("07:00", "08:01", 409),
            ("09:59", "11:00", 409),
            ("07:00", "11:00", 409),
            ("08:30", "09:00", 409),
            ("08:00", "10:00", 409),
            ("09:00", None, 409),
            ("10:00", None, 200),
        ],
    )
    def test_meets_no_other_entry_of_the_mechanic(
        self, shop: Shop, ticket: int, entry: str, morning: Clock, first: str, last: str | None, status: int
    ) -> None:
        other = start(shop.mechanic, ticket).headers["Location"]
        stop(shop.mechanic, ticket)

        span = {
            "started_at": f"2026-03-02T{first}:00Z", "ended_at": f"2026-03-02T{last}:00Z" if last else None,
        }  # fmt: skip
        answer = shop.owner.patch(other, json={**span, "reason": "Mistaken"})

        assert answer.status_code == status
        if status == 409:
            assert answer.json["code"] == "clock_overlaps"

    def test_may_meet_what_another_mechanic_did(self, shop: Shop, ticket: int, entry: str) -> None:
        other = shop.make_mechanic().id
        made = shop.make_clock_entry(
            ticket, mechanic_id=other, started_at=MORNING, ended_at=MORNING + timedelta(hours=2)
        )

        assert made.id

    def test_of_one_that_is_to_run_on_needs_that_no_other_runs(
        self, shop: Shop, ticket: int, entry: str
    ) -> None:
        start(shop.mechanic, ticket)

        answer = shop.owner.patch(entry, json={"ended_at": None, "reason": "Still at it"})

        assert answer.status_code == 409
        assert answer.json["code"] in ("clock_running", "clock_overlaps")

    @pytest.mark.parametrize("over", ["completed", "delivered", "cancelled"])
    def test_lets_no_clock_run_on_a_ticket_that_is_over(
        self, shop: Shop, ticket: int, entry: str, over: str
    ) -> None:
        steps = (
            ("cancelled",) if over == "cancelled" else ("received", "in_progress", "completed", "delivered")
        )
        for status in steps[: steps.index(over) + 1]:
            shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": status})
        before = shop.owner.get(entry).json

        refused = shop.owner.patch(entry, json={"ended_at": None, "reason": "Still at it"})
        shorter = {"ended_at": "2026-03-02T09:00:00Z", "reason": "Stopped too late"}

        assert told(refused) == (409, "ticket_closed")
        assert shop.owner.get(entry).json == before
        assert shop.owner.patch(entry, json=shorter).json["seconds"] == 3600

    def test_ends_what_was_forgotten_on_a_ticket_that_is_over(
        self, shop: Shop, ticket: int, entry: str, morning: Clock
    ) -> None:
        forgotten = start(shop.mechanic, ticket).headers["Location"]
        morning.pass_(hours=17)
        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "cancelled"})

        later = {"started_at": "2026-03-03T04:00:00Z", "reason": "Came back"}
        ended = {"ended_at": "2026-03-02T16:00:00Z", "reason": "Went home"}

        assert told(shop.owner.patch(forgotten, json=later)) == (409, "ticket_closed")
        assert shop.owner.patch(forgotten, json=ended).json["state"] == "stopped"

    def test_minds_the_version(self, shop: Shop, entry: str) -> None:
        etag = shop.owner.get(entry).headers["ETag"]
        shop.owner.patch(entry, json={"ended_at": "2026-03-02T11:00:00Z", "reason": "Early"})

        stale = {"If-Match": etag}
        assert shop.owner.patch(entry, json={"reason": "Late"}, headers=stale).status_code == 412
        assert shop.owner.delete(f"{entry}?reason=Late", headers=stale).status_code == 412

    @pytest.mark.parametrize("query", ["", "?reason=", "?reason=%20", "?why=x"])
    def test_and_a_deletion_need_a_reason(self, shop: Shop, entry: str, query: str) -> None:
        assert shop.owner.delete(f"{entry}{query}").status_code == 400


class TestOfAMechanicWhoLeaves:
    @pytest.fixture
    def running(self, shop: Shop, ticket: int, morning: Clock) -> str:
        """The address of an entry that has run for an hour when its mechanic leaves."""
        path: str = start(shop.mechanic, ticket).headers["Location"]
        morning.pass_(hours=1)
        assert shop.owner.delete(f"/mechanics/{shop.mechanic_id}").status_code == 200
        morning.pass_(hours=1)
        return path

    def test_a_clock_stops_at_that_moment(self, shop: Shop, running: str) -> None:
        shown = shop.owner.get(running).json

        assert (shown["state"], shown["seconds"]) == ("stopped", 3600)
        stopped = shop.owner.get("/audit?action=clock.stopped").json
        assert [one["after"]["ended_at"][:19] for one in stopped] == ["2026-03-02T09:00:00"]

    def test_a_clock_is_not_made_to_run_on(self, shop: Shop, running: str) -> None:
        again = shop.owner.patch(running, json={"ended_at": None, "reason": "Came back"})
        corrected = shop.owner.patch(
            running, json={"ended_at": "2026-03-02T08:30:00Z", "reason": "Left earlier"}
        )

        assert told(again) == (404, "mechanic_not_found")
        assert corrected.json["seconds"] == 1800

    def test_a_clock_that_was_forgotten_is_for_a_person_to_mend(
        self, shop: Shop, ticket: int, morning: Clock
    ) -> None:
        path = start(shop.mechanic, ticket).headers["Location"]
        morning.pass_(hours=17)
        shop.owner.delete(f"/mechanics/{shop.mechanic_id}")

        assert shop.owner.get(path).json["state"] == "forgotten"
        ended = shop.owner.patch(path, json={"ended_at": "2026-03-02T16:00:00Z", "reason": "Went home"})
        assert ended.json["state"] == "stopped"


class TestTheDatabase:
    def test_refuses_two_that_meet_and_two_that_run(self, shop: Shop, ticket: int) -> None:
        hours = [MORNING + timedelta(hours=number) for number in range(4)]

        def insert(start_: datetime, end: datetime | None) -> str:
            with shop.inside():
                try:
                    with atomic() as session:
                        session.add(
                            ClockEntry(
                                workshop_id=shop.id, mechanic_id=shop.mechanic_id, service_ticket_id=ticket,
                                started_at=start_, ended_at=end,
                            )
                        )  # fmt: skip
                except DBAPIError as error:
                    return violated(error)
            return ""

        assert insert(hours[0], hours[2]) == ""
        assert "no_overlap" in insert(hours[1], hours[3])
        assert "no_overlap" in insert(hours[1], None)
        assert insert(hours[2], None) == ""
        assert insert(hours[3], None) != ""
        assert "ends_after_its_start" in insert(hours[1], hours[0]) or db.engine.dialect.name != "sqlite"


class TestTheHours:
    def test_of_a_ticket_are_all_that_was_worked_on_it(self, shop: Shop, ticket: int, morning: Clock) -> None:
        morning.moment = MORNING + timedelta(hours=12)
        other = shop.make_mechanic().id
        for mechanic, first, last in ((None, 0, 2), (None, 3, 4), (other, 1, 3)):
            shop.make_clock_entry(
                ticket, mechanic_id=mechanic, started_at=MORNING + timedelta(hours=first),
                ended_at=MORNING + timedelta(hours=last),
            )  # fmt: skip
        shop.make_clock_entry(shop.make_ticket()["id"], started_at=MORNING + timedelta(hours=5))

        clock = shop.mechanic.get(f"/service_tickets/{ticket}/clock").json

        assert (clock["worked_seconds"], clock["worked_hours"], clock["billed_hours"]) == (5 * 3600, 5.0, 0.0)
        assert clock["entry_count"] == 3
        starts = [entry["started_at"] for entry in clock["entries"]]
        assert starts == sorted(starts, reverse=True)

    def test_of_a_mechanic_are_by_days_of_the_workshop(self, shop: Shop, ticket: int, morning: Clock) -> None:
        shop.owner.patch(f"/workshops/{shop.id}", json={"time_zone": "America/Chicago"})
        morning.moment = datetime(2026, 3, 5, 12, tzinfo=UTC)
        evening = datetime(2026, 3, 3, 4, 30, tzinfo=UTC)  # on the second, at half past ten in Chicago
        shop.make_clock_entry(ticket, started_at=evening, ended_at=evening + timedelta(hours=2))

        def worked(query: str) -> int:
            seconds: int = shop.mechanic.get(f"/mechanics/{shop.mechanic_id}/clock{query}").json[
                "worked_seconds"
            ]
            return seconds

        assert worked("?from=2026-03-02&to=2026-03-02") == 7200
        assert worked("?from=2026-03-03&to=2026-03-03") == 0
        assert worked("") == 7200
        assert worked("?to=2026-03-01") == 0

    def test_of_another_are_an_owners_to_see(self, shop: Shop, ticket: int) -> None:
        other = shop.make_mechanic().id
        keeper, desk = shop.make_staff("hours:read"), shop.make_staff("tickets:read")

        assert told(shop.mechanic.get(f"/mechanics/{other}/clock")) == (403, "not_your_clock")
        assert told(desk.get(f"/mechanics/{other}/clock")) == (403, "not_your_clock")
        assert keeper.get(f"/mechanics/{other}/clock").status_code == 200
        assert shop.owner.get(f"/mechanics/{other}/clock").json["entries"] == []

    def test_of_who_has_left_are_still_there(self, shop: Shop, ticket: int) -> None:
        other = shop.make_mechanic().id
        shop.make_clock_entry(ticket, mechanic_id=other)
        shop.owner.delete(f"/mechanics/{other}")

        assert shop.owner.get(f"/mechanics/{other}/clock").json["entry_count"] == 1

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("?from=2026-03-02&to=2026-03-01", "to"),
            ("?from=2026-03-01&to=2026-04-01", "to"),
            ("?from=1999-01-01&to=1999-01-02", "from"),
            ("?from=0001-01-01&to=0001-01-02", "from"),
            ("?from=9999-12-31&to=9999-12-31", "from"),
            ("?to=0001-01-01", "to"),
            ("?from=March", "from"),
            ("?since=2026-03-01", "since"),
        ],
    )
    def test_of_days_that_cannot_be_are_refused(self, shop: Shop, query: str, field: str) -> None:
        answer = shop.owner.get(f"/mechanics/{shop.mechanic_id}/clock{query}")

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    def test_are_reckoned_in_a_number_of_statements_that_does_not_grow(
        self, app: Flask, shop: Shop, ticket: int
    ) -> None:
        shop.owner.get(f"/service_tickets/{ticket}/clock")
        counts = []
        for number in (20, 100):
            with shop.inside(), atomic() as session:
                session.query(ClockEntry).delete()
                for minute in range(number):
                    at = MORNING + timedelta(minutes=minute)
                    session.add(
                        ClockEntry(
                            workshop_id=shop.id, mechanic_id=shop.mechanic_id, service_ticket_id=ticket,
                            started_at=at, ended_at=at + timedelta(seconds=60),
                        )
                    )  # fmt: skip
            with statements(app) as sent:
                assert (
                    shop.owner.get(f"/service_tickets/{ticket}/clock").json["worked_seconds"] == number * 60
                )
            counts.append(len(sent))

        assert counts[0] == counts[1]

    @given(st.integers(0, 10**7))
    def test_have_two_places_rounded_half_up(self, seconds: int) -> None:
        hours = reading.hours_of(seconds)

        assert hours.as_tuple().exponent == -2
        assert -18 < hours * 3600 - seconds <= 18


class TestATicket:
    def test_that_somebody_worked_on_is_not_deleted(self, shop: Shop, ticket: int) -> None:
        shop.make_clock_entry(ticket)

        answer = shop.owner.delete(f"/service_tickets/{ticket}")

        assert told(answer) == (409, "ticket_worked_on")
        assert shop.owner.get(f"/service_tickets/{ticket}").status_code == 200

    def test_tells_whose_clocks_run_on_it(self, shop: Shop, ticket: int) -> None:
        other = shop.make_mechanic().id
        shop.make_clock_entry(ticket, mechanic_id=other)
        start(shop.mechanic, ticket)

        with shop.inside():
            assert service.running_on(shop.id, ticket) == [shop.mechanic_id]
            assert service.running_on(shop.id, ticket + 1) == []


class TestBesideTheTicket:
    """What the clock has to do with lines and steps of the ticket."""

    @staticmethod
    def write(shop: Shop, ticket: int, line: dict[str, Any]) -> int:
        written = shop.owner.post(f"/service_tickets/{ticket}/lines", json=line).json["lines"]
        number: int = written[-1]["id"]
        return number

    def test_runs_on_a_line_of_labour_and_on_no_other(
        self, shop: Shop, other_shop: Shop, ticket: int
    ) -> None:
        labour = {"kind": "labour", "description": "Brakes", "unit_price": 95}
        mine = self.write(shop, ticket, labour)
        fee = self.write(shop, ticket, {"kind": "fee", "description": "Wax", "unit_price": 5})
        theirs = self.write(other_shop, other_shop.make_ticket()["id"], labour)

        refused = [told(start(shop.mechanic, ticket, line_id=line)) for line in (fee, theirs)]
        taken = start(shop.mechanic, ticket, line_id=mine)

        assert refused == [(400, "invalid_request"), (404, "line_not_found")]
        assert (taken.status_code, taken.json["line_id"]) == (201, mine)

    def test_shows_what_is_billed_beside_what_was_worked(self, shop: Shop, ticket: int) -> None:
        for hours in (1.5, 0.75):
            self.write(
                shop, ticket, {"kind": "labour", "description": "Brakes", "quantity": hours, "unit_price": 95}
            )
        self.write(shop, ticket, {"kind": "fee", "description": "Wax", "quantity": 3, "unit_price": 5})

        clock = shop.owner.get(f"/service_tickets/{ticket}/clock").json

        assert clock["billed_hours"] == 2.25

    def test_shows_so_by_lines_too(self, shop: Shop, ticket: int, morning: Clock) -> None:
        brakes, oil = (
            self.write(
                shop, ticket, {"kind": "labour", "description": name, "quantity": 1.5, "unit_price": 95}
            )
            for name in ("Brakes", "Oil")
        )
        for line, hours in ((brakes, 2), (None, 1), (brakes, 0.5)):
            start(shop.mechanic, ticket, line_id=line)
            morning.pass_(hours=hours)
            stop(shop.mechanic, ticket)

        clock = shop.owner.get(f"/service_tickets/{ticket}/clock").json

        assert [tuple(line.values()) for line in clock["lines"]] == [
            (brakes, "Brakes", 1.5, 9000, 2.5),
            (oil, "Oil", 1.5, 0, 0),
            (None, None, 0, 3600, 1),
        ]
        assert sum(line["worked_seconds"] for line in clock["lines"]) == clock["worked_seconds"]

    def test_keeps_a_line_that_was_worked_on(self, shop: Shop, ticket: int) -> None:
        line = self.write(shop, ticket, {"kind": "labour", "description": "Brakes", "unit_price": 95})
        place = start(shop.mechanic, ticket, line_id=line).headers["Location"]
        stop(shop.mechanic, ticket)

        refused = shop.owner.delete(f"/service_tickets/{ticket}/lines/{line}")

        assert told(refused) == (409, "line_in_use")
        assert shop.owner.get(place).json["line_id"] == line
        assert len(shop.owner.get(f"/service_tickets/{ticket}").json["lines"]) == 1
        shop.owner.delete(f"{place}?reason=Mistaken")
        assert shop.owner.delete(f"/service_tickets/{ticket}/lines/{line}").status_code == 200

    def test_is_put_on_another_line_by_a_correction(
        self, shop: Shop, other_shop: Shop, ticket: int, morning: Clock
    ) -> None:
        labour = {"kind": "labour", "description": "Brakes", "quantity": 1, "unit_price": 95}
        line, fee = self.write(shop, ticket, labour), self.write(shop, ticket, {**labour, "kind": "fee"})
        theirs = self.write(other_shop, other_shop.make_ticket()["id"], labour)
        elsewhere = self.write(shop, shop.make_ticket()["id"], labour)
        place = start(shop.mechanic, ticket).headers["Location"]
        morning.pass_(hours=1)
        stop(shop.mechanic, ticket)

        def put_on(line_id: int | None) -> TestResponse:
            return shop.owner.patch(place, json={"line_id": line_id, "reason": "It was for this"})

        assert [told(put_on(wrong)) for wrong in (fee, theirs, elsewhere)] == [
            (400, "invalid_request"),
            (404, "line_not_found"),
            (404, "line_not_found"),
        ]
        assert (put_on(line).json["line_id"], put_on(line).json["seconds"]) == (line, 3600)
        worked = shop.owner.get(f"/service_tickets/{ticket}/clock").json["lines"]
        assert [(one["line_id"], one["worked_seconds"]) for one in worked] == [(line, 3600)]
        assert put_on(None).json["line_id"] is None
        changes = shop.owner.get("/audit?subject_kind=clock_entry&action=clock.changed").json
        assert [(one["before"]["line_id"], one["after"]["line_id"]) for one in changes] == [
            (line, None),
            (None, line),
        ]

    def test_stays_with_the_ticket_where_a_customer_declines_the_line(self, shop: Shop) -> None:
        path = ticket_in(shop, "analysis")
        number = shop.owner.get(path).json["id"]
        line = self.write(shop, number, {"kind": "labour", "description": "Brakes", "unit_price": 95})
        place = start(shop.mechanic, number, line_id=line).headers["Location"]
        stop(shop.mechanic, number)
        estimate = shop.mechanic.post(f"{path}/estimates", json={}).json

        nothing = {"name": "Ada", "accepted_line_ids": []}
        decided = shop.customer.post(f"{path}/estimates/{estimate['id']}/decision", json=nothing)

        assert decided.status_code == 200
        assert shop.owner.get(path).json["lines"] == []
        assert shop.owner.get(place).json["line_id"] is None
        changed = shop.owner.get("/audit?subject_kind=clock_entry&action=clock.changed").json
        assert [(one["before"], one["after"]) for one in changed] == [({"line_id": line}, {"line_id": None})]

    @pytest.mark.parametrize("over", ["completed", "cancelled"])
    def test_stops_when_the_work_is_over(self, shop: Shop, ticket: int, over: str) -> None:
        path = f"/service_tickets/{ticket}"
        for status in ("received", "in_progress"):
            shop.owner.post(f"{path}/status", json={"status": status})
        started = start(shop.mechanic, ticket)

        shop.owner.post(f"{path}/status", json={"status": over})

        assert shop.owner.get(started.headers["Location"]).json["ended_at"] is not None

    def test_that_was_forgotten_is_for_a_person_to_mend(
        self, shop: Shop, ticket: int, morning: Clock
    ) -> None:
        started = start(shop.mechanic, ticket)
        morning.pass_(hours=17)

        shop.owner.post(f"/service_tickets/{ticket}/status", json={"status": "cancelled"})

        assert shop.owner.get(started.headers["Location"]).json["state"] == "forgotten"
