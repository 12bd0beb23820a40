"""Parts, suppliers and stock as tables: written out for who reads them, read in by who writes them."""

from __future__ import annotations

from typing import Any

from flask import Response, stream_with_context
from werkzeug.datastructures import FileStorage

from app.blueprints.inventory.table_schemas import (
    MOST_BYTES,
    MOST_LINES,
    MOST_TOLD,
    ImportOut,
    ImportQuery,
    TableIn,
)
from app.blueprints.inventory.tables import exporting, importing
from app.blueprints.inventory.tables.importing import Outcome
from app.core.contract import limited, needs, serves_file, takes_file, unversioned
from app.core.identity import principal
from app.core.preconditions import answer_conditionally
from app.core.serving import Blueprint
from app.core.sheets import CSV

bp = Blueprint(
    "tables",
    __name__,
    url_prefix="/inventory",
    description="Parts, suppliers and stock as tables.",
)


def _written(name: str) -> Response:
    workshop_id = principal().workshop_id
    content = exporting.EXPORTS[name](workshop_id)
    answer = Response(stream_with_context(content), content_type=f"{CSV}; charset=utf-8")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    answer.headers["ETag"] = f'"{exporting.state(workshop_id, name).hex()}"'
    return answer_conditionally(answer)


@bp.get("/exports/parts", tags=["inventory"])
@limited("tables")
@needs("inventory:read")
@serves_file(CSV)
@bp.response(200)
def export_parts() -> Response:
    """Write all items out as CSV, without their stock. Read in again, it changes nothing.

    What a spreadsheet would take for a formula has an apostrophe before it.
    """
    return _written("parts")


@bp.get("/exports/suppliers", tags=["inventory"])
@limited("tables")
@needs("suppliers:read")
@serves_file(CSV)
@bp.response(200)
def export_suppliers() -> Response:
    """Write all suppliers out as CSV. Read in again, it changes nothing."""
    return _written("suppliers")


@bp.get("/exports/stock", tags=["inventory"])
@limited("tables")
@needs("inventory:read")
@serves_file(CSV)
@bp.response(200)
def export_stock() -> Response:
    """Write out as CSV how many of each item are on hand. Read in again, it changes nothing."""
    return _written("stock")


def _read(name: str, sent: dict[str, FileStorage], dry_run: bool) -> dict[str, Any]:
    workshop_id = principal().workshop_id
    told: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        if outcome.action != "unchanged" and len(told) < MOST_TOLD:
            told.append(outcome)

    table = exporting.TABLES[name](workshop_id)
    stream: Any = sent["file"].stream
    found = importing.run(workshop_id, table, stream, dry_run=dry_run, most=MOST_LINES, tell=tell)
    numbers = {action: getattr(found, action) for action in ("created", "updated", "unchanged", "refused")}
    return {"dry_run": dry_run, **numbers, "lines": told}


@bp.post("/imports/parts", tags=["inventory"])
@limited("tables")
@needs("inventory:write")
@unversioned
@takes_file(MOST_BYTES)
@bp.arguments(ImportQuery, location="query")
@bp.arguments(TableIn, location="files")
@bp.response(200, ImportOut)
def import_parts(query: dict[str, Any], sent: dict[str, FileStorage]) -> dict[str, Any]:
    """Read items in from CSV, all or nothing; with `dry_run` tell line by line what would happen.

    A line is about the item with its `id`, or else with its `sku`; where none is there it makes one. Columns that are left out
    stay as they are. Of twenty thousand lines at most; `flask stock import` reads longer tables.
    """
    return _read("parts", sent, query["dry_run"])


@bp.post("/imports/suppliers", tags=["inventory"])
@limited("tables")
@needs("suppliers:write")
@unversioned
@takes_file(MOST_BYTES)
@bp.arguments(ImportQuery, location="query")
@bp.arguments(TableIn, location="files")
@bp.response(200, ImportOut)
def import_suppliers(query: dict[str, Any], sent: dict[str, FileStorage]) -> dict[str, Any]:
    """Read suppliers in from CSV, all or nothing; with `dry_run` tell line by line what would happen.

    A line is about the supplier with its `id`, or else with its `name`; where none is there it makes one.
    """
    return _read("suppliers", sent, query["dry_run"])


@bp.post("/imports/stock", tags=["inventory"])
@limited("tables")
@needs("inventory:write")
@unversioned
@takes_file(MOST_BYTES)
@bp.arguments(ImportQuery, location="query")
@bp.arguments(TableIn, location="files")
@bp.response(200, ImportOut)
def import_stock(query: dict[str, Any], sent: dict[str, FileStorage]) -> dict[str, Any]:
    """Read in from CSV how many of each item are on hand, all or nothing; what differs enters the ledger.

    A line is about the item with its `id`, or else with its `sku`; where both are given, they have to be of one. `unit_cost` is
    what those cost that are more than before.
    """
    return _read("stock", sent, query["dry_run"])
