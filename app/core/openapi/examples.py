"""Examples for every body, and links from what is made to what can be done with it."""

from __future__ import annotations

import re
from typing import Any

from app.core.openapi.words import METHODS, MULTIPART


def give_examples(drawn: dict[str, Any]) -> None:
    """Give every body an example, made of its fields' own."""
    schemas = drawn["components"]["schemas"]
    for item in drawn["paths"].values():
        for operation in item.values():
            if not isinstance(operation, dict):
                continue
            bodies = [operation.get("requestBody", {})]
            bodies += [reply for status, reply in operation["responses"].items() if int(status) < 400]
            for body in bodies:
                for kind, content in body.get("content", {}).items():
                    if kind == MULTIPART or "contentMediaType" in content["schema"]:
                        continue  # bytes have no example
                    content.setdefault("example", _example(content["schema"], schemas))


def give_links(paths: dict[str, Any]) -> None:
    """Link each creation with all that can be done with the new thing: the id in the answer is the one in the path."""
    for path, item in paths.items():
        made = item.get("post", {}).get("responses", {}).get("201")
        if made is None or "{" in path:
            continue
        on_one = re.compile(re.escape(path) + r"/\{(\w+)\}[^{}]*")
        made["links"] = {
            operation["operationId"]: {
                "operationId": operation["operationId"],
                "parameters": {match[1]: "$response.body#/id"},
            }
            for target, other in paths.items()
            if (match := on_one.fullmatch(target))
            for method, operation in other.items()
            if method in METHODS
        }


def _example(schema: dict[str, Any], schemas: dict[str, Any]) -> Any:
    if "$ref" in schema:
        return _example(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "example" in schema:
        return schema["example"]
    if "oneOf" in schema:
        return _example(schema["oneOf"][0], schemas)
    if "allOf" in schema:
        return _example(schema["allOf"][0], schemas)
    if "properties" in schema:
        return {
            name: _example(field, schemas)
            for name, field in schema["properties"].items()
            if "x-in-place-of" not in field
        }
    if schema.get("type") == "array":
        return [_example(schema["items"], schemas)]
    return {"object": {}, "boolean": True, "integer": 1}.get(str(schema.get("type")), "text")
