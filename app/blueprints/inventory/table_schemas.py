"""What is said of tables on the wire; the tables themselves are CSV."""

from __future__ import annotations

from typing import get_args

from flask_smorest.fields import Upload
from marshmallow import fields, validate

from app.blueprints.inventory.tables.importing import Action
from app.core.parameters import QueryFlag
from app.core.schema import Schema

MOST_BYTES = 10_000_000
MOST_LINES = 20_000
MOST_TOLD = 1_000


class TableIn(Schema):
    """A table as a form's field: CSV in UTF-8 with a head, commas or semicolons between cells, points or commas in numbers."""

    file = Upload(required=True, metadata={"contentMediaType": "text/csv"})


class ImportQuery(Schema):
    """Whether it is only tried."""

    dry_run = QueryFlag(
        load_default=False,
        metadata={"description": "Tell what would happen, and do nothing.", "example": True},
    )


class ImportedLineOut(Schema):
    """What became of a line, or would."""

    line = fields.Integer(
        required=True, metadata={"description": "In the file; the head is 1.", "example": 2}
    )
    action = fields.String(
        required=True, validate=validate.OneOf(get_args(Action)), metadata={"example": "updated"}
    )
    about = fields.String(required=True, metadata={"example": "OF-1234"})
    changed = fields.List(fields.String(), required=True, attribute="fields", metadata={"example": ["price"]})
    errors = fields.Dict(
        keys=fields.String(),
        values=fields.List(fields.String()),
        required=True,
        allow_none=True,
        metadata={"description": "What is wrong with which cell.", "example": None},
    )


class ImportOut(Schema):
    """What became of a table, or would: how many lines, and which."""

    dry_run = fields.Boolean(required=True, metadata={"example": True})
    created = fields.Integer(required=True, metadata={"example": 3})
    updated = fields.Integer(required=True, metadata={"example": 12})
    unchanged = fields.Integer(required=True, metadata={"example": 1985})
    refused = fields.Integer(required=True, metadata={"example": 0})
    lines = fields.List(
        fields.Nested(ImportedLineOut),
        required=True,
        metadata={"description": f"All but the unchanged ones; the first {MOST_TOLD:,}."},
    )
