"""What an operation takes and answers beside what its decorators say: it follows from its contract."""

from __future__ import annotations

from typing import Any

from flask import current_app

from app.core.contract import Access, Contract, contract_of
from app.core.openapi.words import EVENTS, METHODS, REFUSALS


def completed_path(path: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return a path of the document with each of its operations completed."""
    for parameter in item.get("parameters", []):
        if parameter.get("schema", {}).get("type") == "integer":
            parameter.setdefault("description", _words(parameter["name"]))
            parameter["schema"] |= {"minimum": 1}
            parameter.setdefault("example", 1)
    return {word: _completed(path, word, part) if word in METHODS else part for word, part in item.items()}


def _words(name: str) -> str:
    return f"The id of the {name.removesuffix('_id').replace('_', ' ')}."


def _completed(path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
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


def refusal(status: int) -> dict[str, Any]:
    """Return how a refusal with this status looks, with an example."""
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
    if status in (400, 404, 409):  # kept under an Idempotency-Key: they would be met again
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
    told = refusal(status)
    told["content"]["text/html"] = {"schema": {"type": "string"}}
    return told


def _header_references(names: list[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}
