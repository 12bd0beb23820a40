"""What categories of items look like on the wire."""

from __future__ import annotations

from marshmallow import fields

from app.core.schema import Instant, PatchSchema, Reference, Schema, Text

NAME = {"description": "Told apart without regard to case, among those of one parent.", "example": "Filters"}
PARENT = {"description": "The category that it is within; null at the top.", "example": None}


class CategoryIn(Schema):
    """A category of items, whole."""

    name = Text(required=True, longest=100, metadata=NAME)
    parent_id = Reference(load_default=None, allow_none=True, metadata=PARENT)


class CategoryPatch(PatchSchema):
    """What changes of a category."""

    name = Text(longest=100, metadata=NAME)
    parent_id = Reference(allow_none=True, metadata=PARENT)


class CategoryOut(Schema):
    """A category of items."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata=NAME)
    parent_id = fields.Integer(required=True, allow_none=True, metadata=PARENT)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)
