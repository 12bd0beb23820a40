"""Opening hours as plain values: weeks and periods, and being open by the clock on a workshop's wall."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.blueprints.workshops import hours
from app.blueprints.workshops.errors import HoursNotInOrder
from app.blueprints.workshops.hours import Period, State

WARSAW, NEW_YORK = "Europe/Warsaw", "America/New_York"
MONDAY = Period(1, 8 * 60, 17 * 60)  # in New York 2026-03-09 and 2026-11-02 are Mondays


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def day(
    weekday: int = 1, opens: int | None = 480, closes: int | None = 1020, *breaks: tuple[int, int]
) -> dict[str, Any]:
    return {
        "weekday": weekday,
        "opens": None if opens is None else hours.clock_time(opens),
        "closes": None if closes is None else hours.clock_time(closes),
        "breaks": [
            {"begins": hours.clock_time(begins), "ends": hours.clock_time(ends)} for begins, ends in breaks
        ],
    }


# ---- Weeks and periods ------------------------------------------------------------------------------------------


def test_a_break_is_the_gap_between_two_periods() -> None:
    periods = hours.periods_of([day(1, 480, 1020, (900, 915), (720, 750))])

    assert periods == [Period(1, 480, 720), Period(1, 750, 900), Period(1, 915, 1020)]


def test_a_day_without_times_is_closed() -> None:
    assert hours.periods_of([day(1, None, None)]) == []


@pytest.mark.parametrize(
    ("days", "place", "field"),
    [
        ([day(1), day(1)], "1", "weekday"),
        ([day(1, None, None, (1, 2))], "0", "breaks"),
        ([day(1, 480, None)], "0", "closes"),
        ([day(1, None, 480)], "0", "closes"),
        ([day(1, 480, 480)], "0", "closes"),
        ([day(1, 1020, 480)], "0", "closes"),
        ([day(2), day(1, 480, 1020, (480, 500))], "1", "breaks"),
        ([day(1, 480, 1020, (1000, 1020))], "0", "breaks"),
        ([day(1, 480, 1020, (700, 700))], "0", "breaks"),
        ([day(1, 480, 1020, (700, 800), (790, 810))], "0", "breaks"),
        ([day(1, 480, 1020, (700, 800), (800, 810))], "0", "breaks"),
        ([day(1, 480, 1020, (300, 400))], "0", "breaks"),
    ],
)
def test_times_that_do_not_follow_each_other_are_refused(
    days: list[dict[str, Any]], place: str, field: str
) -> None:
    with pytest.raises(HoursNotInOrder) as refusal:
        hours.periods_of(days)

    assert refusal.value.errors is not None
    assert list(refusal.value.errors["days"][place]) == [field]


@given(st.sets(st.integers(0, 1440), min_size=2, max_size=12), st.integers(1, 7))
def test_a_week_comes_back_as_it_was_written(edges: set[int], weekday: int) -> None:
    ordered = sorted(edges)[: len(edges) // 2 * 2]
    pauses = list(zip(ordered[1:-1:2], ordered[2:-1:2], strict=True))

    week = hours.week_of(hours.periods_of([day(weekday, ordered[0], ordered[-1], *pauses)]))

    written = week[weekday - 1]
    assert (hours.minutes_of(written["opens"]), hours.minutes_of(written["closes"])) == (
        ordered[0],
        ordered[-1],
    )
    assert [
        (hours.minutes_of(one["begins"]), hours.minutes_of(one["ends"])) for one in written["breaks"]
    ] == pauses
    assert [one["weekday"] for one in week] == [1, 2, 3, 4, 5, 6, 7]
    assert sum(one["opens"] is not None for one in week) == 1


@pytest.mark.parametrize(
    ("minutes", "text"), [(0, "00:00"), (485, "08:05"), (1439, "23:59"), (1440, "24:00")]
)
def test_minutes_are_written_as_on_a_clock(minutes: int, text: str) -> None:
    assert (hours.clock_time(minutes), hours.minutes_of(text)) == (text, minutes)


# ---- Open or not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-03-09T11:59:59", State(False, opens_next=utc("2026-03-09T12:00"))),  # EDT is 4 h behind
        ("2026-03-09T12:00:00", State(True, closes_next=utc("2026-03-09T21:00"))),
        ("2026-03-09T20:59:59", State(True, closes_next=utc("2026-03-09T21:00"))),
        ("2026-03-09T21:00:00", State(False, opens_next=utc("2026-03-16T12:00"))),
        ("2026-10-26T21:00:00", State(False, opens_next=utc("2026-11-02T13:00"))),  # EST again: 5 h behind
        ("2026-03-02T22:00:00", State(False, opens_next=utc("2026-03-09T12:00"))),
    ],
)
def test_it_opens_and_closes_by_its_own_clock(moment: str, expected: State) -> None:
    assert hours.state(utc(moment), NEW_YORK, [MONDAY], []) == expected


def test_without_hours_nothing_is_known() -> None:
    assert hours.state(utc("2026-03-09T12:00"), "UTC", [], []) == State(None)


def test_in_a_break_it_is_closed() -> None:
    periods = [Period(1, 480, 720), Period(1, 750, 1020)]

    assert hours.state(utc("2026-03-09T12:10"), "UTC", periods, []) == State(
        False, opens_next=utc("2026-03-09T12:30")
    )


def test_hours_past_midnight_are_one_time_of_being_open() -> None:
    periods = [Period(5, 1200, 1440), Period(6, 0, 120)]

    before, after = (
        hours.state(utc(moment), "UTC", periods, []) for moment in ("2026-03-06T23:00", "2026-03-07T01:00")
    )

    assert before == after == State(True, closes_next=utc("2026-03-07T02:00"))


def test_what_never_closes_has_no_time_of_closing() -> None:
    always = [Period(weekday, 0, 1440) for weekday in hours.WEEKDAYS]

    assert hours.state(utc("2026-03-09T12:00"), WARSAW, always, []) == State(True)


@pytest.mark.parametrize(
    ("closures", "opens_next"),
    [
        ([("2026-03-09", "2026-03-09")], "2026-03-16T12:00"),
        ([("2026-03-01", "2026-03-10"), ("2026-03-15", "2026-03-20")], "2026-03-23T12:00"),
        ([("2026-03-10", "2026-03-11")], "2026-03-09T12:00"),
        ([("2026-01-01", "2026-12-31")], None),
    ],
)
def test_on_the_days_of_a_closure_it_is_closed(
    closures: list[tuple[str, str]], opens_next: str | None
) -> None:
    days = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in closures]

    found = hours.state(utc("2026-03-09T10:00"), NEW_YORK, [MONDAY], days)

    assert found == State(False, opens_next=opens_next and utc(opens_next))  # type: ignore[arg-type]


def test_a_closure_is_of_days_on_the_workshops_calendar() -> None:
    auckland, closed = [Period(1, 0, 1440)], [(date(2026, 3, 9), date(2026, 3, 9))]

    sunday_in_utc = hours.state(utc("2026-03-08T12:00"), "Pacific/Auckland", auckland, closed)

    assert sunday_in_utc == State(False, opens_next=utc("2026-03-15T11:00"))


# ---- When the clocks change -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "day_", "minutes", "last", "expected"),
    [
        (NEW_YORK, "2026-03-08", 119, False, "2026-03-08T06:59"),
        (NEW_YORK, "2026-03-08", 120, False, "2026-03-08T07:00"),  # 02:00 to 03:00 is jumped over
        (NEW_YORK, "2026-03-08", 150, False, "2026-03-08T07:00"),
        (NEW_YORK, "2026-03-08", 150, True, "2026-03-08T07:00"),
        (NEW_YORK, "2026-03-08", 180, False, "2026-03-08T07:00"),
        (NEW_YORK, "2026-11-01", 90, False, "2026-11-01T05:30"),  # 01:00 to 02:00 comes twice
        (NEW_YORK, "2026-11-01", 90, True, "2026-11-01T06:30"),
        (WARSAW, "2026-03-29", 150, False, "2026-03-29T01:00"),
        (WARSAW, "2026-10-25", 150, True, "2026-10-25T01:30"),
        ("Australia/Lord_Howe", "2026-10-04", 135, False, "2026-10-03T15:30"),  # by half an hour
        ("Pacific/Apia", "2011-12-30", 600, False, "2011-12-30T10:00"),  # a whole day was left out
        ("Africa/Casablanca", "2026-03-22", 150, True, "2026-03-22T02:00"),
        (WARSAW, "2026-06-01", 1440, False, "2026-06-01T22:00"),
    ],
)
def test_a_time_that_is_not_or_comes_twice_has_an_instant(
    zone: str, day_: str, minutes: int, last: bool, expected: str
) -> None:
    found = hours.instant(date.fromisoformat(day_), minutes, ZoneInfo(zone), last=last)

    assert found == utc(expected)


def test_a_night_shift_is_open_through_the_hour_that_is_left_out() -> None:
    night = [Period(7, 150, 360)]

    assert hours.state(utc("2026-03-08T06:59"), NEW_YORK, night, []).opens_next == utc("2026-03-08T07:00")
    assert hours.state(utc("2026-03-08T07:00"), NEW_YORK, night, []) == State(
        True, closes_next=utc("2026-03-08T10:00")
    )


def test_a_period_that_lies_in_the_gap_does_not_take_place() -> None:
    within = [Period(7, 125, 175)]

    assert hours.state(utc("2026-03-08T06:00"), NEW_YORK, within, []).opens_next == utc("2026-03-15T06:05")


@pytest.mark.parametrize("moment", ["2026-11-01T05:15", "2026-11-01T05:45", "2026-11-01T06:15"])
def test_in_the_hour_that_comes_twice_it_is_open_from_the_first_to_the_last(moment: str) -> None:
    twice = [Period(7, 60, 90)]

    assert hours.state(utc(moment), NEW_YORK, twice, []) == State(True, closes_next=utc("2026-11-01T06:30"))


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001 - made aware below
    st.sampled_from([NEW_YORK, WARSAW, "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "UTC"]),
    st.lists(st.tuples(st.integers(1, 7), st.integers(0, 1380), st.integers(15, 60)), min_size=1, max_size=5),
)
def test_the_state_says_when_it_changes(
    moment: datetime, zone: str, drawn: list[tuple[int, int, int]]
) -> None:
    """At the instant that is told the state is the other one, and half way to it still the same."""
    periods = [Period(weekday, opens, opens + length) for weekday, opens, length in drawn]
    now = moment.replace(tzinfo=UTC)

    found = hours.state(now, zone, periods, [])
    change = found.opens_next or found.closes_next

    assert change is not None
    assert change > now
    assert hours.state(change, zone, periods, []).open_now is not found.open_now
    assert hours.state(now + (change - now) / 2, zone, periods, []).open_now is found.open_now
