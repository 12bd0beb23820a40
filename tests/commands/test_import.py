"""`flask stock import`: it tells line by line what it does, reads all in or nothing, and shows how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import false, select

from app.blueprints.inventory.tables import parts as parts_table
from tests.commands.conftest import run
from tests.factories import Shop

HEAD = "sku,name,price\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "table.csv"


def read_in(shop: Shop, file: Path, table: str, *words: str, of: str = "parts") -> tuple[int, list[str], str]:
    """Return the exit status, the lines of the output, and what went to standard error."""
    file.write_text(table, encoding="utf-8")
    result = run(shop.app, "stock", "import", str(file), "--workshop", shop.slug, "--of", of, *words)
    return result.exit_code, result.stdout.splitlines(), result.stderr


def test_a_dry_run_tells_line_by_line_and_does_nothing(shop: Shop, file: Path) -> None:
    shop.make_part(sku="A-1")
    shop.make_part(name="Same", sku="A-2")

    status, told, progress = read_in(
        shop, file, HEAD + "A-1,Oil Filter,20\nA-2,Same,19.99\nA-3,Belt,5\nA-4,,5\n", "--dry-run"
    )

    assert status == 1
    assert told == [
        "line 2: updated: A-1 (price)",
        "line 4: created: A-3",
        "line 5: refused: A-4 (name: Empty.)",
        "1 would be created, 1 would be updated, 1 unchanged, 1 refused.",
    ]
    assert "100%" in progress
    assert [one["sku"] for one in shop.owner.get("/inventory").json] == ["A-1", "A-2"]


def test_it_reads_all_in(shop: Shop, file: Path) -> None:
    shop.make_part(sku="A-1", on_hand=1)

    made = read_in(shop, file, HEAD + "A-3,Belt,5\n")
    counted = read_in(shop, file, "sku,on_hand\nA-1,7\n", of="stock")
    named = read_in(shop, file, "name\nParts & Co\n", of="suppliers")

    assert made[:2] == (0, ["line 2: created: A-3", "1 created, 0 updated, 0 unchanged, 0 refused."])
    assert counted[:2] == (
        0,
        ["line 2: updated: A-1 (on_hand)", "0 created, 1 updated, 0 unchanged, 0 refused."],
    )
    assert named[0] == 0
    assert shop.owner.get("/inventory?sku=A-1").json[0]["on_hand"] == 7


def test_a_wrong_line_undoes_all(shop: Shop, file: Path) -> None:
    status, told, wrong = read_in(shop, file, HEAD + "A-3,Belt,5\nA-4,Bulb,cheap\n")

    assert (status, told[-1]) == (1, "line 3: refused: A-4 (price: Not an amount such as 19.99.)")
    assert wrong.endswith("Error: 1 lines are wrong; nothing was done.\n")
    assert shop.owner.get("/inventory").json == []


@pytest.mark.parametrize(
    ("table", "words"),
    [("", "It is empty."), ("weather\nfine\n", "Unknown columns: weather. Known: id, sku,")],
)
def test_what_is_no_table_is_told_in_one_line(shop: Shop, file: Path, table: str, words: str) -> None:
    status, _, wrong = read_in(shop, file, table)

    assert status == 1
    assert f"Error: {words}" in wrong


def test_what_somebody_else_wrote_meanwhile_is_told_in_one_line(
    shop: Shop, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.make_part(sku="A-1")
    monkeypatch.setattr(parts_table, "locked", lambda model, **how: select(model).where(false()))

    status, _, wrong = read_in(shop, file, HEAD + "A-1,Belt,5\n")

    assert (status, wrong.splitlines()[-1]) == (1, "Error: Another item has this SKU.")


def test_a_workshop_that_is_not_there_is_told(shop: Shop, file: Path) -> None:
    file.write_text(HEAD, encoding="utf-8")

    result = run(shop.app, "stock", "import", str(file), "--workshop", "nowhere", "--of", "parts")

    assert (result.exit_code, "Error:" in result.stderr) == (1, True)
