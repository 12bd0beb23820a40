"""Opening hours: the week as people write it, the periods it is kept as, and whether a workshop is open at an instant.

Hours are wall time in the workshop's zone. Where its clock jumps forward over an hour, that hour is the instant of the jump;
where an hour comes twice, a period begins at its first and ends at its last coming. Plain functions of plain values.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from app.blueprints.workshops.errors import HoursNotInOrder

END_OF_DAY = 24 * 60
WEEKDAYS = range(1, 8)  # ISO 8601: Monday is 1
AHEAD = timedelta(days=60)  # how far an opening is looked for; longer closures leave it unknown
_CLOCK = tuple(f"{minutes // 60:02d}:{minutes % 60:02d}" for minutes in range(END_OF_DAY + 1))
UNENDING = timedelta(days=8)  # open for so long without a pause is open always


class Period(NamedTuple):
    """A time of being open in the week: the weekday, and minutes since its midnight."""

    weekday: int
    opens: int
    closes: int


@dataclass(frozen=True, slots=True)
class State:
    """Whether it is open, and until or from when. `open_now` is None where no hours are known."""

    open_now: bool | None = None
    opens_next: datetime | None = None
    closes_next: datetime | None = None


def clock_time(minutes: int) -> str:
    """Return minutes since midnight as HH:MM; the end of the day is 24:00."""
    return _CLOCK[minutes]


def minutes_of(text: str) -> int:
    """Return HH:MM as minutes since midnight."""
    return int(text[:2]) * 60 + int(text[3:])


def periods_of(days: Iterable[dict[str, Any]]) -> list[Period]:
    """Return the periods of a week given by days, each with `opens`, `closes` (HH:MM, None when closed) and `breaks`.

    :raises HoursNotInOrder: a weekday comes twice, or times are not in order.
    """
    periods: list[Period] = []
    seen: set[int] = set()
    for place, day in enumerate(days):
        if day["weekday"] in seen:
            raise HoursNotInOrder.at(place, "weekday", "Each weekday at most once.")
        seen.add(day["weekday"])
        periods += _periods_of_day(place, day)
    return periods


def _periods_of_day(place: int, day: dict[str, Any]) -> list[Period]:
    opens, closes = (None if day[edge] is None else minutes_of(day[edge]) for edge in ("opens", "closes"))
    breaks = sorted((minutes_of(pause["begins"]), minutes_of(pause["ends"])) for pause in day["breaks"])
    if opens is None and closes is None:
        if breaks:
            raise HoursNotInOrder.at(place, "breaks", "A day that is closed has no breaks.")
        return []
    if opens is None or closes is None or opens >= closes:
        raise HoursNotInOrder.at(place, "closes", "It closes after it opens; a closed day has neither.")
    edges = [opens, *(edge for pause in breaks for edge in pause), closes]
    if any(later <= earlier for earlier, later in pairwise(edges)):
        raise HoursNotInOrder.at(place, "breaks", "Breaks lie within the hours, and apart from each other.")
    return [Period(day["weekday"], *edges[at : at + 2]) for at in range(0, len(edges), 2)]


def week_of(periods: Iterable[Period]) -> list[dict[str, Any]]:
    """Return the week that `periods` make, as people write it: seven days, with the gaps in a day as breaks."""
    days = _by_weekday(periods)
    return [
        {
            "weekday": weekday,
            "opens": clock_time(days[weekday][0].opens) if days[weekday] else None,
            "closes": clock_time(days[weekday][-1].closes) if days[weekday] else None,
            "breaks": [
                {"begins": clock_time(before.closes), "ends": clock_time(after.opens)}
                for before, after in pairwise(days[weekday])
            ],
        }
        for weekday in WEEKDAYS
    ]


def _by_weekday(periods: Iterable[Period]) -> defaultdict[int, list[Period]]:
    days: defaultdict[int, list[Period]] = defaultdict(list)
    for period in sorted(periods):
        days[period.weekday].append(period)
    return days


def state(
    moment: datetime, time_zone: str, periods: Iterable[Period], closures: Iterable[tuple[date, date]]
) -> State:
    """Return whether a workshop is open at `moment`, and when that changes; closures are first and last days."""
    days = _by_weekday(periods)
    if not days:
        return State()
    until: datetime | None = None
    for opens, closes in _spans(moment, ZoneInfo(time_zone), days, list(closures)):
        if until is None and opens > moment:
            return State(False, opens_next=opens)
        if until is not None and opens > until:
            break
        if closes > moment:
            until = max(closes, until or closes)
        if until is not None and until - moment > UNENDING:
            return State(True)
    return State(until is not None, closes_next=until)


def _spans(
    moment: datetime, zone: ZoneInfo, days: dict[int, list[Period]], closures: list[tuple[date, date]]
) -> Iterator[tuple[datetime, datetime]]:
    """Yield the instants of opening and closing in order, from the day before `moment`: its end may come twice."""
    today = moment.astimezone(zone).date()
    for ahead in range(-1, AHEAD.days):
        day = today + timedelta(days=ahead)
        if any(first <= day <= last for first, last in closures):
            continue
        for period in days.get(day.isoweekday(), ()):
            if ahead < 0 and period.closes != END_OF_DAY:
                continue
            opens = instant(day, period.opens, zone)
            closes = instant(day, period.closes, zone, last=True)
            if opens < closes:  # not so where the clock jumps over the whole of it
                yield opens, closes


@lru_cache(maxsize=10_000)  # most workshops around share their zone, and their hours with others
def instant(day: date, minutes: int, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """Return the instant at which a clock in `zone` shows `minutes` past midnight of `day`.

    Where the clock shows it twice: the first, or the `last`. Where it jumps over it: the instant of the jump.
    """
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    moment = shown.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == shown:
        return moment
    before = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)  # by the offset after the jump: too early
    after = shown.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return _jump(before, after, zone)


def _jump(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second between two instants that has the offset of the later one."""
    offset = after.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after
