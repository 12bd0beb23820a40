"""What the catalogue looks like on the wire."""

from __future__ import annotations

from marshmallow import fields, validate

from app.blueprints.catalogue.service import ORDERS
from app.core.paging import ListQuery
from app.core.schema import Schema, Text


class CatalogueQuery(ListQuery):
    """Which page of names, in which order."""

    sort = fields.String(
        load_default="name",
        validate=validate.OneOf(ORDERS),
        metadata={"description": "The order: `name`, or `-name` for descending.", "example": "name"},
    )


class MakeQuery(CatalogueQuery):
    """Which makes."""

    q = Text(longest=60, metadata={"description": "Letters in the name, in any case.", "example": "ško"})


class ModelQuery(CatalogueQuery):
    """Which models of a make."""

    q = Text(longest=60, metadata={"description": "Letters in the name, in any case.", "example": "oct"})


class AnyModelQuery(CatalogueQuery):
    """Which models, of whichever make."""

    q = Text(longest=60, metadata={"description": "Letters in the name, in any case.", "example": "crv"})


class MakeOut(Schema):
    """A make of cars."""

    id = fields.Integer(required=True, metadata={"example": 1})
    name = fields.String(required=True, metadata={"example": "Abarth"})
    country = fields.String(
        required=True,
        metadata={"description": "Where it comes from: ISO 3166-1 alpha-2.", "example": "IT"},
    )
    model_count = fields.Integer(required=True, metadata={"example": 6})


class CarModelOut(Schema):
    """A model of a make."""

    id = fields.Integer(required=True, metadata={"example": 1000})
    name = fields.String(required=True, metadata={"example": "500"})


class ModelOfMakeOut(CarModelOut):
    """A model with whose it is."""

    make_id = fields.Integer(required=True, metadata={"example": 1})
    make = fields.String(required=True, metadata={"example": "Abarth"})
