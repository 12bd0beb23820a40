"""`flask stock verify`: it finds what was changed past the ledger, says where, and enters it when it is asked to."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import text

from app.blueprints.inventory import proving
from app.blueprints.inventory.models import Part
from app.commands import verifying as command
from tests.commands.conftest import run
from tests.factories import Shop
from tests.tampering import owners_connection

BROKEN = "Error: The stock of 1 workshop(s) is not what the ledger says.\n"


@pytest.fixture
def part(shop: Shop) -> Part:
    made = shop.make_part(on_hand=5)
    body = {"kind": "purchase", "quantity": 5, "unit_cost": "2.00"}
    assert shop.owner.post(f"/inventory/{made.id}/movements", json=body).status_code == 201
    return made


def told(shop: Shop, *words: str) -> tuple[int, list[str]]:
    """Return the exit status, and what is said of the shop."""
    result = run(shop.app, "stock", "verify", "--workshop", shop.slug, *words)
    begins = f"{shop.slug}: "
    return result.exit_code, [
        line.removeprefix(begins) for line in result.stdout.splitlines() if line.startswith(begins)
    ]


def execute(shop: Shop, *statements: str) -> None:
    with owners_connection(shop.app) as connection:
        for statement in statements:
            connection.execute(text(statement.replace("MINE", f"workshop_id = {shop.id}")))


def test_stock_that_only_the_ledger_moved_is_found_right(shop: Shop, part: Part) -> None:
    shop.take_out(part.id)
    shop.make_part()

    result = run(shop.app, "stock", "verify", "--workshop", shop.slug)

    assert (result.exit_code, result.stdout) == (0, "All stock is what the ledger says.\n")
    assert "2/2" in result.stderr


def test_stock_that_was_changed_past_the_ledger_is_found(shop: Shop, part: Part) -> None:
    execute(shop, "UPDATE parts SET on_hand = on_hand - on_hand WHERE MINE")

    result = run(shop.app, "stock", "verify", "--workshop", shop.slug)

    assert (result.exit_code, result.stderr.endswith(BROKEN)) == (1, True)
    assert f"{shop.slug}: item {part.id} (Oil Filter): 0 on hand, and the ledger says 10.\n" in result.stdout


def test_stock_that_is_counted_no_more_past_the_ledger_is_found(shop: Shop, part: Part) -> None:
    execute(shop, "UPDATE parts SET on_hand = NULL WHERE MINE")

    assert told(shop) == (1, [f"item {part.id} (Oil Filter): not counted, and the ledger says 10."])


def test_a_value_that_was_changed_past_the_ledger_is_found(shop: Shop, part: Part) -> None:
    execute(shop, "UPDATE parts SET stock_value = stock_value + 1 WHERE MINE")

    assert told(shop) == (1, [f"item {part.id} (Oil Filter): worth 20.01, and the ledger says 20.00."])


def test_an_entry_that_is_gone_is_found(shop: Shop, part: Part, without_triggers: None) -> None:
    execute(shop, "DELETE FROM stock_movements WHERE MINE AND kind = 'opening'")

    status, words = told(shop)

    assert status == 1
    assert words[0] == f"item {part.id} (Oil Filter): 10 on hand, and the ledger says 5."
    assert all("does not follow from the one before" in one for one in words[1:])
    assert len(words) == 2


def test_an_entry_that_was_changed_is_found_though_the_sum_is_right(
    shop: Shop, part: Part, without_triggers: None
) -> None:
    execute(shop, "UPDATE stock_movements SET balance = balance + balance WHERE MINE AND kind = 'opening'")

    status, words = told(shop)

    assert status == 1
    assert all("does not follow from the one before" in one for one in words)
    assert words


def test_what_is_found_is_entered_when_it_is_asked_for_and_the_stock_stays(shop: Shop, part: Part) -> None:
    execute(shop, "UPDATE parts SET on_hand = on_hand - on_hand, stock_value = 0 WHERE MINE")

    status, words = told(shop, "--adjust")
    last = shop.owner.get(f"/inventory/{part.id}/movements?per_page=2").json

    assert (status, words[-1]) == (0, f"item {part.id}: entered in the ledger.")
    assert [(one["kind"], one["quantity"], one["value"], one["balance"]) for one in last] == [
        ("revaluation", 0, -20.0, 0),
        ("adjustment", -10, 0.0, 0),
    ]
    assert told(shop) == (0, [])
    assert shop.owner.get(f"/inventory/{part.id}").json["on_hand"] == 0


def test_what_is_reserved_and_set_aside_by_no_ticket_is_found_and_mended_by_nothing(
    shop: Shop, part: Part
) -> None:
    ticket = shop.make_ticket()["id"]
    line = {"kind": "part", "item_id": part.id, "quantity": 4}
    shop.owner.post(f"/service_tickets/{ticket}/lines", json=line)
    assert told(shop) == (0, [])

    execute(shop, "UPDATE service_ticket_lines SET reserved = 0 WHERE MINE")
    found, adjusted = told(shop), told(shop, "--adjust")
    execute(shop, "UPDATE parts SET reserved = 0 WHERE MINE")

    words = f"item {part.id} (Oil Filter): 4 reserved, and tickets have set 0 aside."
    assert found == adjusted == (1, [words])
    assert told(shop) == (0, [])


def test_a_broken_balance_is_mended_by_nothing(shop: Shop, part: Part, without_triggers: None) -> None:
    execute(shop, "UPDATE stock_movements SET balance = balance + balance WHERE MINE AND kind = 'opening'")

    assert told(shop, "--adjust")[0] == 1


def test_many_parts_are_walked_in_batches_and_the_first_of_many_are_told(
    shop: Shop, part: Part, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(4):
        shop.make_part(on_hand=1)
    monkeypatch.setattr(proving, "PARTS_AT_ONCE", 2)
    monkeypatch.setattr(command, "MOST_TOLD", 3)
    assert told(shop) == (0, [])

    execute(shop, "UPDATE parts SET on_hand = NULL WHERE MINE")

    status, words = told(shop)
    assert (status, len(words), words[-1]) == (1, 4, "and 2 more.")


def test_all_workshops_are_walked_where_none_is_named(shop: Shop, other_shop: Shop, part: Part) -> None:
    theirs = other_shop.make_part(on_hand=1)
    execute(other_shop, "UPDATE parts SET on_hand = NULL WHERE MINE")

    result = run(shop.app, "stock", "verify")

    assert result.exit_code == 1
    assert f"{other_shop.slug}: item {theirs.id} (Oil Filter): not counted" in result.stdout
    execute(
        other_shop,
        "UPDATE parts SET on_hand = (SELECT balance FROM stock_movements m WHERE m.part_id = parts.id) WHERE MINE",
    )


def test_an_unknown_workshop_is_refused(app: Flask) -> None:
    result = run(app, "stock", "verify", "--workshop", "nowhere")

    assert (result.exit_code, "There is no such workshop" in result.output) == (1, True)
