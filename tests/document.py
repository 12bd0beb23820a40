"""Every answer of the suite is held against the committed document: status, content type, headers and body."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from flask import Flask
from jsonschema_rs import Draft202012, Draft202012Validator, Registry
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

PATH = Path(__file__).parent.parent / "app" / "static" / "swagger.yaml"
UNDOCUMENTED = ("/static/", "/api/")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")  # HEAD follows GET, OPTIONS is the framework's
PROMISED = ("X-Request-Id", "ETag", "Location", "WWW-Authenticate", "Retry-After")
ANNOUNCED = (*PROMISED, "Link", "X-Total-Count", "X-Pagination", "Idempotency-Replayed")


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """Return the committed document."""
    loaded: dict[str, Any] = yaml.load(
        PATH.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    )
    return loaded


@lru_cache(maxsize=1)
def _registry() -> Registry:
    return Registry([("urn:document", document())], draft=Draft202012)


@lru_cache(maxsize=4096)
def _compiled(schema: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(schema), registry=_registry(), validate_formats=True)


def error_in(schema: dict[str, Any], value: Any) -> str | None:
    """Return the first thing at which `value` differs from a schema of the document, formats included; None if it fits."""
    named = json.dumps(schema).replace('"#/', '"urn:document#/')
    error = next(_compiled(named).iter_errors(value), None)
    return None if error is None else f"{error.message} at {error.instance_path}"


def operation_of(app: Flask, method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """Return the documented path and operation that `method` on `path` reaches, None where the URL map has none."""
    if method not in METHODS:
        return None
    try:
        rule, _ = app.url_map.bind("localhost").match(path, method=method, return_rule=True)
    except HTTPException:
        return None
    template = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule).rstrip("/") or "/"
    if template.startswith(UNDOCUMENTED):
        return None
    return template, document()["paths"][template][method.lower()]


def check(app: Flask, answer: TestResponse) -> None:
    """Fail unless `answer` is one that the document announces for its request."""
    request = answer.request
    found = operation_of(app, request.method, request.path)
    if found is None:
        return
    template, operation = found
    label = f"{request.method} {template} → {answer.status_code}"
    status = str(answer.status_code)
    assert status in operation["responses"], f"{label} is not in the document"
    described = resolved(operation["responses"][status])
    _check_headers(label, described.get("headers", {}), answer)
    if answer.status_code < 300:
        _check_query(label, operation, answer)
    _check_body(label, described.get("content", {}), answer)


def resolved(described: dict[str, Any]) -> dict[str, Any]:
    """Return what a reference to a component stands for; what is none is returned as it is."""
    if "$ref" not in described:
        return described
    *_, kind, name = described["$ref"].split("/")
    component: dict[str, Any] = document()["components"][kind][name]
    return component


def _check_headers(label: str, described: dict[str, Any], answer: TestResponse) -> None:
    for name in PROMISED:
        if name in described and not _may_lack(name, answer):
            assert name in answer.headers, f"{label} lacks {name}"
    for name in ANNOUNCED:
        if name in answer.headers:
            assert name in described, f"{label} has {name}, and the document does not say so"


def _may_lack(name: str, answer: TestResponse) -> bool:
    """ETag: what only says what was done has no version. Retry-After: only some conflicts pass by themselves."""
    return (name == "ETag" and _is_message(answer)) or (name == "Retry-After" and answer.status_code == 409)


def _is_message(answer: TestResponse) -> bool:
    body = answer.get_json(silent=True)
    return isinstance(body, dict) and set(body) <= {"message", "report"}


def _check_query(label: str, operation: dict[str, Any], answer: TestResponse) -> None:
    known = {
        parameter["name"]
        for parameter in map(resolved, operation.get("parameters", []))
        if parameter["in"] == "query"
    }
    unknown = set(answer.request.args) - known
    assert not unknown, f"{label} took {unknown}, and the document does not know them"


def _check_body(label: str, content: dict[str, Any], answer: TestResponse) -> None:
    if not content:
        assert not answer.data, f"{label} has a body"
        return
    assert answer.mimetype in content, f"{label} is {answer.mimetype}"
    if "json" not in answer.mimetype:
        return  # bytes: of what media type they are is all that the document says
    error = error_in(content[answer.mimetype]["schema"], answer.get_json())
    assert error is None, f"{label}: {error}"
