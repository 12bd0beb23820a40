"""`flask audit verify`: a chain that holds, and each way to break one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import text

from app.commands import auditing as command
from app.core.engines import owners_engine
from app.extensions import db
from tests.commands.conftest import run
from tests.factories import Shop
from tests.tampering import past_the_triggers

Tampering = Callable[[Shop], None]


def execute(shop: Shop, *statements: str) -> None:
    """Run statements on the audit log of one workshop, past the triggers."""
    with past_the_triggers(shop.app), shop.app.app_context(), owners_engine(shop.app).begin() as connection:
        for statement in statements:
            connection.execute(text(statement.replace("MINE", f"workshop_id = {shop.id}")))


OTHERS = (
    "at, account_id, role, action, subject_kind, subject_id, sealed_by, details, request_id, key_id,"
    " salt, previous_hash, hash"
)


def length(shop: Shop) -> int:
    with shop.inside(), db.engine.connect() as connection:
        return int(
            connection.execute(
                text(f"SELECT max(sequence) FROM audit_entries WHERE workshop_id = {shop.id}")
            ).scalar_one()
        )


def copied(shop: Shop, source: int, target: int) -> str:
    """Return the statement that inserts a copy of an entry under another number."""
    return (
        f"INSERT INTO audit_entries (workshop_id, sequence, {OTHERS})"
        f" SELECT workshop_id, {target}, {OTHERS} FROM audit_entries WHERE MINE AND sequence = {source}"
    )


def moved(by: int, first: int) -> tuple[str, str]:
    """Return the statements that give the entries from `first` on other numbers, past those that are taken."""
    return (
        f"UPDATE audit_entries SET sequence = sequence + {1000 + by} WHERE MINE AND sequence >= {first}",
        "UPDATE audit_entries SET sequence = sequence - 1000 WHERE MINE AND sequence > 1000",
    )


@pytest.fixture
def logged(shop: Shop) -> Shop:
    """A shop with a dozen entries and more in its log."""
    for _ in range(11):
        shop.make_part()
    return shop


def test_a_chain_that_holds_is_told_with_its_end(logged: Shop, other_shop: Shop) -> None:
    result = run(logged.app, "audit", "verify", "--workshop", logged.slug)

    assert result.exit_code == 0
    assert f"{logged.slug}: {length(logged)} entries, the last with the hash " in result.output
    assert other_shop.slug not in result.output
    assert result.output.rstrip().endswith("Every chain holds.")


EACH = [f"UPDATE audit_entries SET {change} WHERE MINE AND sequence = 5" for change in (
    "at = '2020-01-01 00:00:00'", "account_id = 12345", "role = 'mechanic'", "action = 'nothing'", "subject_kind = 'car'",
    "subject_id = 4711", "sealed_by = 4711", "details = '{}'", "request_id = 'another'", "key_id = 4711",
    "salt = previous_hash", "previous_hash = hash", "hash = previous_hash",
)]  # fmt: skip


@pytest.mark.parametrize("change", EACH)
def test_a_changed_entry_is_found_whatever_was_changed(logged: Shop, change: str) -> None:
    execute(logged, change)

    result = run(logged.app, "audit", "verify", "--workshop", logged.slug)

    assert result.exit_code == 1
    assert [line for line in result.stdout.splitlines() if logged.slug in line] == [
        f"{logged.slug}: entry 5 was changed."
    ]


def told(shop: Shop) -> tuple[int, list[str]]:
    """Return the exit status, and what was told of a shop."""
    result = run(shop.app, "audit", "verify", "--workshop", shop.slug)
    prefix = f"{shop.slug}: "
    return result.exit_code, [
        line.removeprefix(prefix) for line in result.stdout.splitlines() if line.startswith(prefix)
    ]


@pytest.mark.parametrize("number", [1, 5, 9])
def test_a_removed_entry_is_found(logged: Shop, number: int) -> None:
    execute(logged, f"DELETE FROM audit_entries WHERE MINE AND sequence = {number}")

    assert told(logged) == (1, [f"entry {number} and perhaps some after it were removed."])


@pytest.mark.parametrize("number", [1, 5, 9])
def test_a_removed_entry_is_found_when_the_later_ones_were_moved_up(logged: Shop, number: int) -> None:
    execute(logged, f"DELETE FROM audit_entries WHERE MINE AND sequence = {number}", *moved(-1, number + 1))

    assert told(logged) == (1, [f"entry {number} and perhaps some after it were removed."])


def test_a_cut_off_end_is_found(logged: Shop) -> None:
    last = length(logged)
    execute(logged, f"DELETE FROM audit_entries WHERE MINE AND sequence > {last - 3}")

    assert told(logged) == (1, [f"entry {last - 2} and perhaps some after it were removed."])


def test_a_log_without_any_entry_left_is_found(logged: Shop) -> None:
    execute(logged, "DELETE FROM audit_entries WHERE MINE")

    assert told(logged) == (1, ["entry 1 and perhaps some after it were removed."])


@pytest.mark.parametrize("number", [2, 5, 9])
def test_an_inserted_entry_is_found(logged: Shop, number: int) -> None:
    execute(logged, *moved(1, number), copied(logged, number - 1, number))

    assert told(logged) == (1, [f"an entry was inserted at {number}."])


def test_an_entry_that_was_put_at_the_end_is_found(logged: Shop) -> None:
    last = length(logged)
    execute(logged, copied(logged, last, last + 1))

    assert told(logged) == (1, [f"an entry was inserted at {last + 1}."])


def test_an_end_that_was_moved_back_is_found(logged: Shop) -> None:
    last = length(logged)
    execute(logged, f"UPDATE audit_heads SET sequence = {last - 1} WHERE MINE")

    assert told(logged) == (1, [f"an entry was inserted at {last}."])


def test_an_end_with_another_hash_is_found(logged: Shop) -> None:
    execute(logged, "UPDATE audit_heads SET hash = previous_hash WHERE MINE")

    assert told(logged) == (1, [f"entry {length(logged)} was changed."])


def test_an_end_that_is_gone_is_found(logged: Shop) -> None:
    last = length(logged)
    execute(logged, "DELETE FROM audit_heads WHERE MINE")

    assert told(logged) == (1, [f"entry {last + 1} and perhaps some after it were removed."])


def test_one_changed_one_removed_and_one_inserted_are_found_at_once(logged: Shop) -> None:
    execute(
        logged,
        "UPDATE audit_entries SET action = 'nothing' WHERE MINE AND sequence = 3",
        "DELETE FROM audit_entries WHERE MINE AND sequence = 6",
        *moved(1, 9),
        copied(logged, 2, 9),
    )

    assert told(logged) == (
        1,
        [
            "entry 3 was changed.",
            "entry 6 and perhaps some after it were removed.",
            "an entry was inserted at 9.",
        ],
    )


def test_a_chain_made_anew_without_the_key_is_found(logged: Shop) -> None:
    """Whoever may write to the database can make every hash fit the one before; but not to its entry."""
    execute(
        logged,
        "UPDATE audit_entries SET action = 'nothing' WHERE MINE AND sequence = 4",
        "UPDATE audit_entries SET hash = salt WHERE MINE AND sequence = 4",
        "UPDATE audit_entries SET previous_hash ="
        " (SELECT hash FROM audit_entries WHERE MINE AND sequence = 4) WHERE MINE AND sequence = 5",
    )

    assert told(logged)[1][0] == "entry 4 was changed."


def rewound(shop: Shop, number: int, *kept: int) -> None:
    """Put entries of an older end of the chain into the places of those that were appended since.

    The `kept` ones are laid by, the chain is cut off from `number` on and its head put back; four entries are appended,
    and those with the kept ones' numbers give way to them.
    """
    taken = ", ".join(map(str, kept))
    execute(
        shop,
        "DROP TABLE IF EXISTS laid_by",
        f"CREATE TABLE laid_by AS SELECT * FROM audit_entries WHERE MINE AND sequence IN ({taken})",
        f"DELETE FROM audit_entries WHERE MINE AND sequence >= {number}",
        f"UPDATE audit_heads SET sequence = {number - 1},"
        f" previous_hash = (SELECT previous_hash FROM audit_entries WHERE MINE AND sequence = {number - 1}),"
        f" hash = (SELECT hash FROM audit_entries WHERE MINE AND sequence = {number - 1}) WHERE MINE",
    )
    for _ in range(4):
        shop.make_part()
    others = f"workshop_id, sequence, {OTHERS}"
    execute(
        shop,
        f"DELETE FROM audit_entries WHERE MINE AND sequence IN ({taken})",
        f"INSERT INTO audit_entries ({others}) SELECT {others} FROM laid_by",
        "DROP TABLE laid_by",
    )


@pytest.mark.parametrize(
    ("kept", "found"),
    [((6,), 6), ((7,), 7), ((8,), 8), ((9,), 9), ((6, 7), 7), ((8, 9), 9)],
    ids=["first", "second", "last but one", "last", "two", "two at the end"],
)
def test_a_genuine_entry_of_a_cut_off_end_is_found_in_the_place_of_a_later_one(
    logged: Shop, kept: tuple[int, ...], found: int
) -> None:
    """It was written with the key and under that number: only the entry after it tells that it is not the one."""
    rewound(logged, 6, *kept)

    status, breaks = told(logged)

    assert status == 1
    assert f"entry {found} was changed." in breaks


def test_a_genuine_entry_of_another_time_is_one_break_where_others_stand_around_it(logged: Shop) -> None:
    rewound(logged, 6, 6)
    assert told(logged) == (1, ["entry 6 was changed."])
    rewound(logged, 6, 7)
    assert told(logged) == (1, ["entry 7 was changed."])


def test_two_entries_that_changed_places_are_found(logged: Shop) -> None:
    execute(
        logged,
        "UPDATE audit_entries SET sequence = 1005 WHERE MINE AND sequence = 5",
        "UPDATE audit_entries SET sequence = 5 WHERE MINE AND sequence = 6",
        "UPDATE audit_entries SET sequence = 6 WHERE MINE AND sequence = 1005",
    )

    assert told(logged)[0] == 1


def test_an_entry_that_was_moved_to_another_workshop_is_found_in_both(logged: Shop, other_shop: Shop) -> None:
    last = length(other_shop)
    execute(
        logged,
        f"UPDATE audit_entries SET workshop_id = {other_shop.id}, sequence = {last + 1} WHERE MINE AND sequence = 5",
    )

    assert told(logged) == (1, ["entry 5 and perhaps some after it were removed."])
    assert told(other_shop) == (1, [f"an entry was inserted at {last + 1}."])


def test_a_chain_that_begins_from_something_else_is_found(shop: Shop) -> None:
    execute(
        shop,
        "UPDATE audit_heads SET sequence = 0 WHERE MINE",
        "DELETE FROM audit_entries WHERE MINE",
    )
    shop.make_part()

    assert told(shop) == (1, ["entry 1 was changed."])


def test_a_log_in_many_batches_is_walked_whole(logged: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "ROWS_AT_ONCE", 2)
    assert told(logged)[0] == 0

    execute(logged, "UPDATE audit_entries SET action = 'nothing' WHERE MINE AND sequence = 8")

    assert told(logged) == (1, ["entry 8 was changed."])


def test_no_more_than_the_first_breaks_are_told(logged: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "MOST_BREAKS", 3)
    execute(logged, "UPDATE audit_entries SET action = 'nothing' WHERE MINE")

    assert told(logged) == (1, [f"entry {number} was changed." for number in (1, 2, 3)])


def test_all_workshops_are_walked_where_none_is_named(logged: Shop, other_shop: Shop) -> None:
    execute(logged, "UPDATE audit_entries SET action = 'nothing' WHERE MINE AND sequence = 2")
    result = run(logged.app, "audit", "verify")

    assert result.exit_code == 1
    assert f"{logged.slug}: entry 2 was changed." in result.output
    assert f"{other_shop.slug}: {length(other_shop)} entries" in result.output


def test_a_workshop_from_before_the_log_has_nothing_to_find(shop: Shop) -> None:
    execute(shop, "DELETE FROM audit_entries WHERE MINE", "DELETE FROM audit_heads WHERE MINE")

    assert told(shop) == (0, [])

    shop.make_part()
    assert told(shop)[0] == 0


def test_an_unknown_workshop_is_refused(app: Flask) -> None:
    result = run(app, "audit", "verify", "--workshop", "nowhere")

    assert (result.exit_code, "There is no such workshop" in result.output) == (1, True)
