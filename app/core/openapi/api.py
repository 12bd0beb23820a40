"""How flask-smorest and apispec draw our routes and schemas."""

from __future__ import annotations

from typing import Any

from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask
from flask_smorest import Api as SmorestApi
from marshmallow import fields

from app.core.errors import Problem


def takes(kind: type) -> bool:
    """Tell by its name whether a schema is of something that comes in."""
    return kind.__name__.endswith(("In", "Patch", "Query"))


class Plugin(MarshmallowPlugin):
    """apispec's marshmallow plugin, with a resolver that gives every schema its class's own name."""

    def __init__(self) -> None:
        super().__init__(schema_name_resolver=_name_of)


def _name_of(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return str(schema if isinstance(schema, str) else kind.__name__)


class Api(SmorestApi):  # type: ignore[misc]
    """flask-smorest's registry of documented blueprints; errors are `app.core.errors`' business."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def init_app(self, app: Flask, *, spec_kwargs: dict[str, Any] | None = None) -> None:
        """Start the document of `app`, with our own fields' types."""
        from app.core import parameters, schema

        super().init_app(app, spec_kwargs={"marshmallow_plugin": Plugin(), **(spec_kwargs or {})})
        self.spec.components.schema("Problem", schema=Problem)
        self.ma_plugin.map_to_openapi_type(schema.Money, "number", None)
        self.ma_plugin.map_to_openapi_type(schema.Percent, "number", None)
        self.ma_plugin.map_to_openapi_type(parameters.CommaSeparated, "array", None)
        self.ma_plugin.map_to_openapi_type(parameters.Ids, "array", None)
        self.ma_plugin.map_to_openapi_type(parameters.QueryMoment, "string", None)
        self.ma_plugin.converter.add_attribute_function(_as_taken)
        self.ma_plugin.converter.add_parameter_attribute_function(_as_sent)

    def _register_error_handlers(self) -> None:
        """Leave the errors to `app.core.errors`."""


def _as_taken(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Return what a field takes in, where it says that it is more than what it gives out."""
    taken: dict[str, Any] = dict(getattr(field, "TAKEN_AS", {}))
    if isinstance(taken.get("type"), list) and field.allow_none:
        taken["type"] = [*taken["type"], "null"]
    return taken if takes(type(field.parent)) else {}


def _as_sent(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Return how a list is sent in a query: as one parameter, comma-separated."""
    from app.core.parameters import CommaSeparated, Ids

    return {"style": "form", "explode": False} if isinstance(field, CommaSeparated | Ids) else {}
