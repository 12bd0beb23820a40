"""Numbers of a workshop's tickets, orders and counts: one after the other, none given out twice."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ScalarSelect, bindparam, func, literal_column, select
from sqlalchemy.dialects import postgresql, sqlite

from app.blueprints.workshops.models import Counter
from app.core.prepared import Prepared
from app.extensions import db


def count_on(*, alone: bool, known: ScalarSelect[Any] | None = None) -> Any:
    """Return the statement that gives the next number of `series` and, beside it, what `known` finds.

    Where that finds nothing, no number is given. `alone`: the statement is a transaction of its own, which does not wait for
    the disk: what is committed with the number later waits for both. The number is then given for good, whatever comes after;
    a database that dies may forget one with which nothing was committed, and gives it again.
    """
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    columns = Counter.__table__.c
    first: dict[str, Any] = {
        "workshop_id": bindparam("workshop_id", type_=columns.workshop_id.type),
        "series": bindparam("series", type_=columns.series.type),
        "value": literal_column("1"),
    }
    statement = insert(Counter).values(first)
    if known is not None:
        statement = insert(Counter).from_select(
            list(first), select(*first.values()).where(known.is_not(None))
        )
    statement = statement.on_conflict_do_update(
        index_elements=["workshop_id", "series"], set_={"value": Counter.value + literal_column("1")}
    ).returning(Counter.value, *([] if known is None else [known]))
    if alone and db.engine.dialect.name == "postgresql":
        return statement.returning(func.set_config("synchronous_commit", "off", literal_column("true")))
    return statement


def _hold() -> Any:
    insert: Any = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    return (
        insert(Counter)
        .values(workshop_id=bindparam("workshop_id"), series=bindparam("series"), value=0)
        .on_conflict_do_update(index_elements=["workshop_id", "series"], set_={"value": Counter.value})
    )


_HOLD = Prepared(_hold, writes="counters")
_COUNT_ON = Prepared(lambda: count_on(alone=False), writes="counters")


def hold_series(series: str) -> None:
    """Lock the current workshop's `series` until the transaction ends, be it one that has given out no number yet."""
    _HOLD.rows(series=series)


def next_number(series: str) -> int:
    """Return the next number of the current workshop's `series`, which waits for the end of the transaction."""
    number: int = _COUNT_ON.one(series=series)
    return number
