"""The whole document, as it is served and committed."""

from __future__ import annotations

from copy import deepcopy
from decimal import Decimal
from typing import Any

import yaml
from marshmallow import Schema

from app.core.errors import Problem
from app.core.openapi.api import takes
from app.core.openapi.examples import give_examples, give_links
from app.core.openapi.operations import completed_path, refusal
from app.core.openapi.words import DESCRIPTION, HEADERS, PARAMETERS, REFUSALS, TAGS


def document() -> dict[str, Any]:
    """Return the complete document of the current application."""
    from app.extensions import api

    drawn: dict[str, Any] = deepcopy(api.spec.to_dict())
    drawn["info"] |= {
        "description": DESCRIPTION,
        "license": {"name": "MIT", "identifier": "MIT"},
    }
    drawn["servers"] = [{"url": "/", "description": "This server."}]
    drawn["tags"] = [{"name": name, "description": text} for name, text in TAGS.items()]
    components = drawn.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "As a login answers it, without the word `Bearer`; or, where an operation asks for scopes that it"
            " has, an API key: `msk_...`.",
        }
    }
    components["responses"] = {f"Problem{status}": refusal(status) for status in REFUSALS}
    components["headers"] = {
        name: {"description": text, "schema": schema, "example": example}
        for name, (text, schema, example) in HEADERS.items()
    }
    components["parameters"] = {
        name: {"in": "header", "name": name, "required": False, **parameter}
        for name, parameter in PARAMETERS.items()
    }
    for name in ("ErrorSchema", "PaginationMetadataSchema"):  # flask-smorest's own, which nothing here uses
        del components["schemas"][name]
    _apply_documented_forms(components["schemas"])
    drawn["paths"] = {
        _without_last_slash(path): completed_path(path, item)
        for path, item in drawn["paths"].items()
        if _is_api(path)
    }
    give_examples(drawn)
    give_links(drawn["paths"])
    return drawn


def as_yaml() -> str:
    """Return the document as it is committed."""
    text: str = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    return text


class _Dumper(yaml.SafeDumper):
    """YAML without anchors, and with decimals as plain numbers."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_Dumper.add_representer(
    Decimal,
    lambda dumper, number: dumper.represent_data(int(number) if number == int(number) else float(number)),
)


def _is_api(path: str) -> bool:
    return not path.startswith(("/static/", "/api/"))


def _without_last_slash(path: str) -> str:
    return path.rstrip("/") or "/"


def _apply_documented_forms(schemas: dict[str, Any]) -> None:
    """Put a schema's own word on its form in place of what its fields look like."""
    from app.core.schema import Schema as Base

    def known(kind: type[Schema]) -> list[type[Schema]]:
        return [kind, *(deeper for child in kind.__subclasses__() for deeper in known(child))]

    for kind in known(Base):
        form = getattr(kind, "DOCUMENTED_AS", None)
        if form is not None and kind.__name__ in schemas:
            schemas[kind.__name__] = {"description": (kind.__doc__ or "").strip(), **form}
    described_kinds: list[type[Schema]] = [*known(Base), Problem]
    for kind in described_kinds:
        if kind.__name__ in schemas:
            described = schemas[kind.__name__]
            described.setdefault("description", " ".join((kind.__doc__ or "").split()))
            if takes(kind) and "properties" in described:
                described["additionalProperties"] = False
