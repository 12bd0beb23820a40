"""Numbers of a workshop's tickets, orders and counts: one after the other, none given out twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, func, literal_column
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.workshops.models import Counter
from app.core.prepared import Prepared
from app.extensions import db


def _count_on() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    return (
        insert(Counter)
        .values(workshop_id=bindparam("workshop_id"), series=bindparam("series"), value=1)
        .on_conflict_do_update(
            index_elements=["workshop_id", "series"], set_={"value": Counter.value + literal_column("1")}
        )
        .returning(Counter.value)
    )


def _count_on_alone() -> Any:
    """Like `_count_on`, without waiting for the disk: what is committed with the number later waits for both."""
    if db.engine.dialect.name != "postgresql":
        return _count_on()
    return _count_on().returning(func.set_config("synchronous_commit", "off", literal_column("true")))


def _hold() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    return (
        insert(Counter)
        .values(workshop_id=bindparam("workshop_id"), series=bindparam("series"), value=0)
        .on_conflict_do_update(index_elements=["workshop_id", "series"], set_={"value": Counter.value})
    )


_HOLD = Prepared(_hold, writes="counters")
_COUNT_ON = Prepared(_count_on, writes="counters")
_COUNT_ON_ALONE = Prepared(_count_on_alone, writes="counters", by_itself=True)


def hold_series(series: str) -> None:
    """Lock the current workshop's `series` until the transaction ends, be it one that has given out no number yet."""
    _HOLD.rows(series=series)


def next_number(series: str) -> int:
    """Return the next number of the current workshop's `series`: never one that was given out before.

    Outside a transaction it is given for good, whatever comes after; inside one, the series waits for its end. A database
    that dies may forget numbers with which nothing was committed, and gives them again.
    """
    number: int = (_COUNT_ON if db.session().info.get("atomic") else _COUNT_ON_ALONE).one(series=series)
    return number
