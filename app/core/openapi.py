"""The OpenAPI document: drawn by flask-smorest from the routes, completed here from their contracts.

What a route's decorators do not say themselves follows from its contract: the headers, the refusals it can answer with,
their examples, and what security it asks for. The result is written to `app/static/swagger.yaml` and committed; a test holds
the file against the code.
"""

from __future__ import annotations

import re
from copy import deepcopy
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import yaml
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from flask import Flask, current_app
from flask_smorest import Api as SmorestApi
from marshmallow import Schema, fields

from app.core.errors import Problem

if TYPE_CHECKING:
    from app.core.contract import Access, Contract

DESCRIPTION = """\
The backend of a car repair workshop: customers, vehicles, mechanics, service tickets and inventory.

**Sign in** with `POST /customers/login` or `POST /mechanics/login` and send the token as `Authorization: Bearer <token>`.
An integration sends an API key (`POST /api_keys`) in its place: `Authorization: Bearer msk_...`.

**Lists** are bounded. With `page` an answer has `X-Total-Count`, `X-Pagination` and links to every page; without it, follow
the `Link` header's `next`, which costs the same however far one walks.

**Writing.** Unknown fields are refused. PUT replaces, PATCH merges (RFC 7396). Send `If-Match` with an ETag to change only what
you have seen, and an `Idempotency-Key` with a POST to be able to send it again.

**Errors** are problem documents (RFC 9457) with a stable `code`.
"""

TAGS = {
    "workshops": "The workshops: a public directory, when they are open, and each one's own settings.",
    "accounts": "Signing in, staying signed in, and opening a workshop.",
    "api_keys": "What integrations send in place of a token.",
    "roles": "What people may do: the built-in roles, and those of the workshop's own making.",
    "admins": "Those who run the installation, and the accounts on it.",
    "customers": "The people whose cars the workshop repairs.",
    "files": "Photos and exports, by links that expire.",
    "mechanics": "The people who do the work.",
    "members": "Who may sign in to the workshop as one of its people, and as what.",
    "invitations": "How people come to a workshop: staff, and customers who walked in.",
    "vehicles": "The cars: what they are, whose, how far they came, and what was done to them.",
    "catalogue": "Which makes and models of cars there are.",
    "service_tickets": "One visit of a car each: what is to be done, by whom, with what.",
    "canned_jobs": "What is done again and again, put on a ticket by one call.",
    "estimates": "What the work would come to: sent to the customer, decided line by line.",
    "inspections": "What was looked at in a car, how it was, and what should be done.",
    "progress": "How the work goes on, and what staff say to each other about it.",
    "inventory": "The parts, their prices and their stock; who supplies them, and what is ordered.",
    "notifications": "What was sent in the workshop's name, and what could not be.",
    "audit": "Who changed what, and when.",
    "operations": "What this is, and how it is.",
}

HEADERS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "X-Request-Id": ("Names this request in the log.", {"type": "string"}, "4f1c0a9be2d34c5f8a7b6c5d"),
    "X-RateLimit-Limit": ("Requests allowed in a window.", {"type": "string"}, "300"),
    "X-RateLimit-Remaining": ("Requests left in this window.", {"type": "string"}, "299"),
    "X-RateLimit-Reset": ("When the window ends, in seconds since 1970.", {"type": "string"}, "1772443800"),
    "Retry-After": ("Seconds to wait.", {"type": "string"}, "2"),
    "ETag": ("The version of what is answered.", {"type": "string"}, '"3-9f86d081884c7d65"'),
    "Location": ("Where the new thing is.", {"type": "string"}, "/service_tickets/1"),
    "Link": (
        "Where the list goes on (RFC 8288).",
        {"type": "string"},
        '</customers/?cursor=WyJpZCJd>; rel="next"',
    ),
    "X-Total-Count": ("Rows in all, when `page` is given.", {"type": "string"}, "200"),
    "X-Pagination": (
        "The page, when `page` is given: a JSON object of page, per_page, total and pages.",
        {"type": "string"},
        '{"page":1,"per_page":20,"total":200,"pages":10}',
    ),
    "Idempotency-Replayed": (
        "`true`: this answers the first request with the key.",
        {"type": "string"},
        "true",
    ),
    "WWW-Authenticate": ("How to sign in.", {"type": "string"}, 'Bearer realm="mechanic-shop"'),
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "If-Match": {
        "description": "Change only this version: the ETag that you were answered.",
        "schema": {"type": "string"},
    },
    "If-None-Match": {
        "description": "Answer 304 if this is still the ETag.",
        "schema": {"type": "string"},
    },
    "Idempotency-Key": {
        "description": "Makes this request safe to send again: kept 24 hours.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"},
    },
    "X-Workshop": {
        "description": "The slug of the workshop that is meant, where the installation has several.",
        "schema": {"type": "string"},
    },
}

MULTIPART = "multipart/form-data"
EVENTS = "text/event-stream"
METHODS = ("get", "post", "put", "patch", "delete")

REFUSALS: dict[int, tuple[str, str]] = {
    400: ("invalid_request", "The input is not valid; `errors` names the fields."),
    401: ("not_signed_in", "No token, or not a valid one."),
    403: ("not_allowed", "Known, but not allowed."),
    404: ("not_found", "Unknown here, or another workshop's."),
    409: ("conflict", "It conflicts with the present state; `code` says how."),
    412: ("stale", "If-Match names a version that is not the present one."),
    413: ("too_large", "The request is too large."),
    415: ("unsupported_media_type", "The body is of a kind that this route does not take."),
    422: ("idempotency_key_reused", "The Idempotency-Key was used with another request."),
    429: ("too_many_requests", "Over the limit of this route; `Retry-After` says when to come back."),
    500: ("internal_error", "Something went wrong on our side."),
    503: ("unavailable", "The database is away; try again shortly."),
}


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
        from app.core import schema

        super().init_app(app, spec_kwargs={"marshmallow_plugin": Plugin(), **(spec_kwargs or {})})
        self.spec.components.schema("Problem", schema=Problem)
        self.ma_plugin.map_to_openapi_type(schema.Money, "number", None)
        self.ma_plugin.map_to_openapi_type(schema.Percent, "number", None)
        self.ma_plugin.map_to_openapi_type(schema.CommaSeparated, "array", None)
        self.ma_plugin.map_to_openapi_type(schema.Ids, "array", None)
        self.ma_plugin.map_to_openapi_type(schema.QueryMoment, "string", None)
        self.ma_plugin.converter.add_attribute_function(_as_taken)
        self.ma_plugin.converter.add_parameter_attribute_function(_as_sent)

    def _register_error_handlers(self) -> None:
        """Leave the errors to `app.core.errors`."""


def _as_taken(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Return what a field takes in, where it says that it is more than what it gives out."""
    taken: dict[str, Any] = dict(getattr(field, "TAKEN_AS", {}))
    if isinstance(taken.get("type"), list) and field.allow_none:
        taken["type"] = [*taken["type"], "null"]
    return taken if _takes(type(field.parent)) else {}


def _as_sent(converter: OpenAPIConverter, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Return how a list is sent in a query: as one parameter, comma-separated."""
    from app.core.schema import CommaSeparated, Ids

    return {"style": "form", "explode": False} if isinstance(field, CommaSeparated | Ids) else {}


def _takes(kind: type) -> bool:
    """Tell by its name whether a schema is of something that comes in."""
    return kind.__name__.endswith(("In", "Patch", "Query"))


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
            "description": "As a login answers it; or, where an operation asks for scopes that it has, an API key: `msk_...`.",
        }
    }
    components["responses"] = {f"Problem{status}": _refusal(status) for status in REFUSALS}
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
        _without_last_slash(path): _completed_path(path, item)
        for path, item in drawn["paths"].items()
        if _is_api(path)
    }
    _give_examples(drawn)
    _give_links(drawn["paths"])
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
            if _takes(kind) and "properties" in described:
                described["additionalProperties"] = False


def _refusal(status: int) -> dict[str, Any]:
    code, text = REFUSALS[status]
    example: dict[str, Any] = {
        "type": f"/problems/{code}",
        "title": text.split(";")[0].rstrip(".") + ".",
        "status": status,
        "detail": text,
        "code": code,
        "request_id": "4f1c0a9be2d34c5f8a7b6c5d",
    }
    if status == 400:
        example["errors"] = {"email": ["Not a valid email address."]}
    headers = ["X-Request-Id"]
    if status == 401:
        headers.append("WWW-Authenticate")
    if status in (409, 429, 503):
        headers.append("Retry-After")
    if status in (400, 404, 409, 412):  # kept under an Idempotency-Key: they would be met again
        headers.append("Idempotency-Replayed")
    return {
        "description": text,
        "headers": _header_references(headers),
        "content": {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example,
            }
        },
    }


def _on_a_page(status: int) -> dict[str, Any]:
    """Return how a refusal is told where whoever would rather have a page gets one."""
    refusal = _refusal(status)
    refusal["content"]["text/html"] = {"schema": {"type": "string"}}
    return refusal


def _header_references(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _completed_path(path: str, item: dict[str, Any]) -> dict[str, Any]:
    for parameter in item.get("parameters", []):
        if parameter.get("schema", {}).get("type") == "integer":
            parameter.setdefault("description", _words(parameter["name"]))
            parameter["schema"] |= {"minimum": 1}
            parameter.setdefault("example", 1)
    return {word: _completed(path, word, part) if word in METHODS else part for word, part in item.items()}


def _words(name: str) -> str:
    return f"The id of the {name.removesuffix('_id').replace('_', ' ')}."


def _completed(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    from app.core.contract import contract_of

    endpoint = operation.pop("x-endpoint")
    contract = contract_of(current_app.view_functions[endpoint])
    access = contract.access
    assert access is not None
    operation["operationId"] = endpoint.rpartition(".")[2]
    operation.setdefault("description", operation["summary"])
    operation["security"] = _security(access)
    replies = {status: reply for status, reply in sorted(operation["responses"].items()) if int(status) < 400}
    if contract.serves:
        replies["200"]["content"] = {kind: _file(kind) for kind in contract.serves}
    if contract.page:
        replies["200"]["content"]["text/html"] = {"schema": {"type": "string"}}
    for status, reply in replies.items():
        reply["headers"] = _header_references(_reply_headers(method, contract, operation, status))
    if _answers_304(method, contract):
        replies["304"] = {
            "description": "Not modified.",
            "headers": _header_references(["ETag", "X-Request-Id"]),
        }
    declared = {int(status) for status in operation["responses"] if int(status) >= 400}
    refusals = declared | _refusals(path, method, contract, operation)
    operation["responses"] = replies | {
        str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(refusals)
    }
    if contract.page:
        for status in refusals:
            operation["responses"][str(status)] = _on_a_page(status)
    if contract.forms:
        content = operation["requestBody"]["content"]
        content["application/x-www-form-urlencoded"] = content["application/json"]
    parameters = [_parameter(name) for name in _header_parameters(path, method, contract)]
    if parameters:
        operation.setdefault("parameters", []).extend(parameters)
    return operation


def _file(kind: str) -> dict[str, Any]:
    """Return how OpenAPI 3.1 writes bytes of a media type; of events, how one of them is told."""
    if kind == EVENTS:
        return {
            "schema": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("id", "event", "data")},
            }
        }
    return {"schema": {"type": "string", "contentMediaType": kind}}


def _answers_304(method: str, contract: Contract) -> bool:
    assert contract.access is not None
    if EVENTS in contract.serves:  # which go on, and are never the same again
        return False
    is_told = not contract.access.is_public or contract.access.recognises or bool(contract.serves)
    return method == "get" and is_told


def _security(access: Access) -> list[dict[str, list[str]]]:
    if access.recognises:
        return [{"token": []}, {}]
    return [{"token": [name]} for name in access.scopes] or ([{"token": []}] if access.members else [])


def _changes_a_version(path: str, method: str, contract: Contract) -> bool:
    return contract.versioned and (method in ("put", "patch", "delete") or (method == "post" and "{" in path))


def _reply_headers(method: str, contract: Contract, operation: dict[str, Any], status: str) -> list[str]:
    """Return the headers that a success of this operation with this status can have."""
    headers = {"X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
    access = contract.access
    assert access is not None
    signed_in = not access.is_public
    if status == "202":
        headers.add("Retry-After")
    elif _answers_304(method, contract) or (contract.versioned and (signed_in or status == "201")):
        headers.add("ETag")
    if _is_list(operation):
        headers |= {"Link", "X-Total-Count", "X-Pagination"}
    if method == "post":
        headers.add("Idempotency-Replayed")
    if status == "201":
        headers.add("Location")
    return sorted(headers)


def _is_list(operation: dict[str, Any]) -> bool:
    return any(parameter.get("name") == "per_page" for parameter in operation.get("parameters", []))


def _refusals(path: str, method: str, contract: Contract, operation: dict[str, Any]) -> set[int]:
    """Return the statuses of the refusals that this operation can answer with, beside those that it declares."""
    access = contract.access
    assert access is not None
    statuses = {400, 429, 500}
    if not access.is_public:
        statuses |= {401, 403, 503}
    if access.recognises or path.endswith("/login"):
        statuses |= {401, 403}  # what is suspended is known, and not let in
    if access.recognises or contract.serves or _is_list(operation):
        # public, and read from the database all the same
        statuses.add(503)
    if method == "post":
        statuses |= {404, 409, 422, 503}
    if path in ("/health", "/readyz"):
        statuses.add(503)
    if "{" in path:
        statuses.add(404)
    if "requestBody" in operation:
        statuses |= {413, 415}
    if _changes_a_version(path, method, contract):
        statuses |= {404, 409, 412}
    return statuses


def _header_parameters(path: str, method: str, contract: Contract) -> list[str]:
    """Return the request headers that this operation takes."""
    access = contract.access
    assert access is not None
    names = []
    if _answers_304(method, contract):
        names.append("If-None-Match")
    if method == "post":
        names.append("Idempotency-Key")
        if access.is_public:
            names.append("X-Workshop")
    if _changes_a_version(path, method, contract):
        names.append("If-Match")
    return names


def _parameter(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/parameters/{name}"}


def _give_examples(drawn: dict[str, Any]) -> None:
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


def _give_links(paths: dict[str, Any]) -> None:
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
