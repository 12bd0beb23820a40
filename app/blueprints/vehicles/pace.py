"""How far a car goes in a day by its readings, and when it will have come so far. Plain functions of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from statistics import median

LEAST_READINGS = 3
MOST_READINGS = 12  # the latest: how a car was used years ago says little
LONGEST_AHEAD = timedelta(days=3650)
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Read:
    """What an odometer showed and when."""

    id: int
    at: datetime
    metres: int


@dataclass(frozen=True, slots=True)
class Pace:
    """Metres a day: the median between one reading and the next, the least and the most; and the readings used."""

    usual: float
    slowest: float
    fastest: float
    readings: tuple[Read, ...]


def of(readings: Sequence[Read]) -> Pace | None:
    """Return the pace by readings in their order; None from fewer than three that lie a day apart."""
    used: list[Read] = []
    for one in readings:
        if used and one.metres < used[-1].metres:
            used = []  # the instrument was replaced, or a figure put right: what was before counts no more
        if not used or one.at - used[-1].at >= DAY:
            used.append(one)
    used = used[-MOST_READINGS:]
    if len(used) < LEAST_READINGS:
        return None
    steps = [
        (later.metres - earlier.metres) / ((later.at - earlier.at) / DAY) for earlier, later in pairwise(used)
    ]
    return Pace(median(steps), min(steps), max(steps), tuple(used))


def reached_on(pace: float, last: Read, metres: int) -> date | None:
    """Return the day on which a car at this pace will have come so far; None where that is not within ten years."""
    ahead = metres - last.metres
    if ahead <= 0:
        return last.at.date()
    if pace <= 0 or ahead / pace > LONGEST_AHEAD / DAY:
        return None
    return (last.at + timedelta(days=ahead / pace)).date()


def months_on(day: date, months: int) -> date:
    """Return the same day so many months later, or the last one of a month that is too short for it."""
    years, month = divmod(day.month - 1 + months, 12)
    for last in (day.day, 30, 29, 28):
        try:
            return date(day.year + years, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("a month has 28 days")
