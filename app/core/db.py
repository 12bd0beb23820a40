"""The database: one model base, one commit a request, and reads that open no transaction.

Reads run in the driver's autocommit mode: one statement, one round trip, no BEGIN and no ROLLBACK. Writes happen inside
`atomic()` and nowhere else; a flush outside it is refused. On SQLite `atomic()` takes the write lock at its start
(BEGIN IMMEDIATE), because a transaction that reads first and writes later loses updates there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeVar

import structlog
from flask_sqlalchemy.session import Session as FlaskSession
from sqlalchemy import BigInteger, DateTime, Dialect, Integer, MetaData, Select, event, select
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, ORMExecuteState, UOWTransaction, mapped_column
from sqlalchemy.orm import Session as AnySession
from sqlalchemy.types import TypeDecorator

from app.core import clock, money

log = structlog.get_logger(__name__)

NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# PostgreSQL's words for "not your fault, come back": shut down, starting up, no connection, too many connections, a database
# that is not there or takes none (it is being put in place of another), a statement that took too long, a lock that was not
# to be had, a deadlock or a serialization failure.
PASSING_STATES = frozenset(
    {
        "57P01",
        "57P02",
        "57P03",
        "08000",
        "08001",
        "08003",
        "08004",
        "08006",
        "53300",
        "3D000",
        "55000",
        "57014",
        "55P03",
        "40P01",
        "40001",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """The base of every model."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class Cents(TypeDecorator[Decimal]):
    """An amount of money: a `Decimal` with two places here, a whole number of cents in the database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else money.to_cents(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else money.from_cents(value)


class Percent(TypeDecorator[Decimal]):
    """A percentage: a `Decimal` with three places here, a whole number of thousandths in the database."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        return None if value is None else int(value.scaleb(3))

    def process_result_value(self, value: int | None, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-3)


class Instant(TypeDecorator[datetime]):
    """An instant: aware and in UTC here, `timestamptz` on PostgreSQL, UTC text on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else clock.as_utc(value)


class Session(FlaskSession):
    """A session that reads in autocommit mode and writes only inside `atomic()`."""

    def get_bind(self, *args: Any, **kwargs: Any) -> Engine | Connection:
        engine = super().get_bind(*args, **kwargs)
        if self.info.get("atomic") or not isinstance(engine, Engine):
            return engine
        return _reader(engine)


def _reader(engine: Engine) -> Engine:
    """Return the autocommit view of `engine`, over the same pool."""
    reader: Engine | None = engine.__dict__.get("_shop_reader")
    if reader is None:
        reader = engine.__dict__["_shop_reader"] = engine.execution_options(shop_reads=True)
    return reader


@contextlib.contextmanager
def atomic() -> Iterator[Session]:
    """Run a block as one transaction: committed at its end, undone by any exception. Inner blocks join the outer one."""
    from app.extensions import db

    session: Session = db.session()  # type: ignore[assignment]
    if session.info.get("atomic"):
        yield session
        session.flush()
        return
    session.commit()  # gives back the reading connection; nothing can be pending
    session.info.update(atomic=True, has_written=False)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info["atomic"] = False


@contextlib.contextmanager
def before_all() -> Iterator[Session]:
    """Run a block as a transaction of its own that stays, whatever becomes of the present one, which may only have read so far.

    What the present one has locked is let go of.
    :raises RuntimeError: the present transaction has written already.
    """
    from app.extensions import db

    session: Session = db.session()  # type: ignore[assignment]
    is_inside = session.info.get("atomic", False)
    if is_inside and (session.info["has_written"] or session.info.get("written") or not session._is_clean()):
        raise RuntimeError("What is to stay in any case is written before all else.")
    session.info["atomic"] = False
    try:
        with atomic():
            yield session
    finally:
        session.info.update(atomic=is_inside, has_written=False)


def require_atomic(session: AnySession) -> None:
    """Refuse to write outside `atomic()`.

    :raises RuntimeError: `session` is not inside.
    """
    if not session.info.get("atomic"):
        raise RuntimeError("A write outside atomic(): the one commit of a request is made there.")


def _write(session: AnySession) -> None:
    require_atomic(session)
    session.info["has_written"] = True


def _refuse_writes_outside_atomic(session: AnySession, context: object, instances: object) -> None:
    _write(session)


def _refuse_statements_outside_atomic(state: ORMExecuteState) -> None:
    if state.is_insert or state.is_update or state.is_delete:
        _write(state.session)


event.listen(Session, "before_flush", _refuse_writes_outside_atomic)
event.listen(Session, "do_orm_execute", _refuse_statements_outside_atomic)


def one_of(column: str, words: Iterable[str]) -> str:
    """Return the condition of a CHECK or an index that a column has one of `words`, which are ours."""
    return f"{column} IN ({', '.join(repr(word) for word in words)})"


class Versioned:
    """A row whose every change raises `version`, which its ETag shows and If-Match compares."""

    version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)
    updated_at: Mapped[datetime] = mapped_column(Instant, default=clock.now)


@event.listens_for(Session, "before_flush")
def _raise_versions(session: FlaskSession, context: UOWTransaction, instances: object) -> None:
    for row in session.dirty:
        if isinstance(row, Versioned) and session.is_modified(row):
            touch(row)


def touch(row: Versioned) -> None:
    """Count a change of `row`, or of what hangs on it, once in this transaction."""
    state: Any = row._sa_instance_state  # type: ignore[attr-defined]
    if "version" not in state.committed_state:
        row.version += 1
        row.updated_at = clock.now()


Row = TypeVar("Row")


def locked(model: type[Row], *, stays: bool = False) -> Select[Row]:
    """Select rows of `model` for a change: locked until the transaction ends, and as they are now.

    `stays`: none is removed nor gets another id, so that others go on to name it by a foreign key. Where many are locked in the
    order of their ids, as parts are, this has to be: foreign keys are checked in any order, and would wait in a circle.
    """
    return select(model).with_for_update(key_share=stays).execution_options(populate_existing=True)


def plan_for_values(session: AnySession) -> None:
    """Let PostgreSQL plan each statement of this transaction for its values, and none for any values there may be.

    It looks a list of hundreds that it knows up in a table of hashes; of one that it does not it compares each with each row.
    """
    require_atomic(session)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SET LOCAL plan_cache_mode = force_custom_plan")


def sqlstate(error: DBAPIError) -> str | None:
    """Return PostgreSQL's five-character code of `error`, whichever driver raised it."""
    original = error.orig
    code = getattr(original, "sqlstate", None)  # psycopg
    if code is None and original is not None and original.args and isinstance(original.args[0], dict):
        code = original.args[0].get("C")  # pg8000
    return code


def is_passing(error: DBAPIError) -> bool:
    """Tell whether `error` says that the database is away or busy, rather than that the request is wrong."""
    if error.connection_invalidated:
        return True
    if (state := sqlstate(error)) is not None:
        return state in PASSING_STATES
    return isinstance(error, OperationalError | InterfaceError) and not _is_schema_error(error)


def _is_schema_error(error: DBAPIError) -> bool:
    return any(words in str(error.orig) for words in ("no such table", "no such column", "syntax error"))


def is_still_named(error: DBAPIError) -> bool:
    """Tell whether a row could not go because another names it (a foreign key), which pg8000 calls a fault of the program."""
    return sqlstate(error) == "23503" or "FOREIGN KEY" in str(error.orig)


def violated(error: DBAPIError) -> str:
    """Return what an integrity error names: the constraint (PostgreSQL), or SQLite's `table.column, ...` text."""
    original = error.orig
    diagnosis = getattr(original, "diag", None)
    if diagnosis is not None:
        return diagnosis.constraint_name or ""
    if original is not None and original.args and isinstance(original.args[0], dict):
        return str(original.args[0].get("n", ""))
    return str(original)
