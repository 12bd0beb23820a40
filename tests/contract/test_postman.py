"""The Postman collection against the document: every operation is called, none that is not there, each with tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from app.core.errors import CODES, DomainError
from tests.document import document

pytestmark = [pytest.mark.one_database, pytest.mark.no_cover]

FOLDER = Path(__file__).parent.parent.parent / "postman"
COLLECTION = json.loads((FOLDER / "mechanic-shop.postman_collection.json").read_text(encoding="utf-8"))
ENVIRONMENT = json.loads((FOLDER / "local.postman_environment.json").read_text(encoding="utf-8"))
USED = re.compile(r"\{\{(\w+)\}\}")
SET = re.compile(r'pm\.collectionVariables\.set\(\s*"(\w+)"')
READ = re.compile(r'pm\.collectionVariables\.get\(\s*"(\w+)"')
STATUS = re.compile(r"have\.status\((\d{3})\)")
CODE = re.compile(r'\.code\)\.to\.eql\("(\w+)"\)')


# What only a reader of the mail can do is shown to be refused.
NEEDING_WHAT_COMES_BY_MAIL = {
    ("POST", "/auth/recovery/code"),
    ("POST", "/auth/recovery/password"),
    ("POST", "/auth/email/confirmation"),
    ("POST", "/notifications/{notification_id}/resend"),
    ("POST", "/invitations/preview"),
    ("POST", "/invitations/accept"),
}


@dataclass(frozen=True)
class Call:
    """A request of the collection, with the scripts around it."""

    name: str
    method: str
    url: str
    description: str
    before: str
    test: str
    sent: str

    @property
    def path(self) -> str:
        return self.url.removeprefix("{{base_url}}").partition("?")[0].rstrip("/") or "/"


def script(item: dict[str, Any], when: str) -> str:
    return "\n".join(
        line for event in item.get("event", ()) if event["listen"] == when for line in event["script"]["exec"]
    )


def calls_of(item: dict[str, Any], place: str = "") -> Iterator[Call]:
    """Yield the requests below a folder, in the order in which they run."""
    for inner in item["item"]:
        name = f"{place}{inner['name']}"
        if "item" in inner:
            yield from calls_of(inner, f"{name} / ")
            continue
        request = inner["request"]
        url = request["url"]
        yield Call(
            name, request["method"], url if isinstance(url, str) else url["raw"], request.get("description", ""),
            script(inner, "prerequest"), script(inner, "test"), json.dumps(request),
        )  # fmt: skip


CALLS = list(calls_of(COLLECTION))


def operation_of(call: Call) -> tuple[str, str] | None:
    """Return the documented method and path that a request reaches: a literal path goes before one with ids."""
    parts = call.path.split("/")
    fits = []
    for template, item in document()["paths"].items():
        asked = template.split("/")
        if call.method.lower() in item and len(asked) == len(parts):
            pairs = list(zip(asked, parts, strict=True))
            if all(ask == part or (ask.startswith("{") and is_id(part)) for ask, part in pairs):
                fits.append((sum(ask != part for ask, part in pairs), template))
    return (call.method, min(fits)[1]) if fits else None


def is_id(part: str) -> bool:
    return part.isdecimal() or USED.fullmatch(part) is not None


def operations() -> set[tuple[str, str]]:
    methods = ("get", "post", "put", "patch", "delete")
    return {
        (method.upper(), path)
        for path, item in document()["paths"].items()
        for method in methods
        if method in item
    }


def test_every_documented_operation_is_called() -> None:
    called = {operation_of(call) for call in CALLS}

    assert operations() - called == set()


def test_no_request_goes_to_an_operation_that_is_not_documented() -> None:
    astray = [f"{call.name}: {call.method} {call.path}" for call in CALLS if operation_of(call) is None]

    assert astray == []


def test_every_operation_is_seen_to_succeed() -> None:
    succeeding = {
        operation_of(call) for call in CALLS if set(STATUS.findall(call.test)) & {"200", "201", "202"}
    }

    assert operations() - succeeding == NEEDING_WHAT_COMES_BY_MAIL


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_request_is_tested_for_a_status_that_the_document_announces(call: Call) -> None:
    operation = operation_of(call)
    assert operation is not None
    method, path = operation

    statuses = STATUS.findall(call.test)

    assert "pm.test(" in call.test
    assert len(statuses) == 1
    assert statuses[0] in document()["paths"][path][method.lower()]["responses"]


@pytest.mark.parametrize("status", [200, 201, 304, 400, 401, 403, 404, 409, 412, 415, 422])
def test_the_collection_shows_each_kind_of_answer(status: int) -> None:
    shown = {int(found) for call in CALLS for found in STATUS.findall(call.test)}

    assert status in shown


def test_a_refusal_is_named_by_a_code_that_exists_with_its_status(app: Flask) -> None:
    known = {(status, code) for status, (code, _) in CODES.items()} | set(refusals(DomainError))

    named = {(int(STATUS.findall(call.test)[0]), code) for call in CALLS for code in CODE.findall(call.test)}

    assert len(named) > 15
    assert named - known == set()


def refusals(kind: type[DomainError]) -> Iterator[tuple[int, str]]:
    yield kind.status, kind.code
    for deeper in kind.__subclasses__():
        yield from refusals(deeper)


def test_a_key_sent_again_is_shown_to_be_replayed() -> None:
    assert any('"Idempotency-Replayed")).to.eql("true")' in call.test for call in CALLS)


def test_every_request_and_folder_says_what_it_is_for() -> None:
    def folders(item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for inner in item["item"]:
            if "item" in inner:
                yield inner
                yield from folders(inner)

    silent = [call.name for call in CALLS if not call.description]
    silent += [folder["name"] for folder in folders(COLLECTION) if not folder.get("description")]

    assert silent == []


def test_names_are_told_apart() -> None:
    names = [call.name for call in CALLS]

    assert len(names) == len(set(names))


def test_every_variable_is_set_before_it_is_used() -> None:
    known = {value["key"] for value in ENVIRONMENT["values"]} | set(
        SET.findall(script(COLLECTION, "prerequest"))
    )

    missing = []
    for call in CALLS:
        known |= set(SET.findall(call.before))
        used = set(USED.findall(call.sent)) | set(READ.findall(call.before + call.test))
        missing += [f"{call.name}: {name}" for name in sorted(used - known)]
        known |= set(SET.findall(call.test))

    assert missing == []


def test_the_environment_names_the_server_and_the_demo_people() -> None:
    values = {value["key"]: value["value"] for value in ENVIRONMENT["values"]}

    assert values["base_url"] == "http://localhost:5000"
    assert {values[f"{role}_email"] for role in ("owner", "mechanic", "customer", "admin")} == {
        "owner@example.com", "mechanic@example.com", "customer@example.com", "admin@example.com",
    }  # fmt: skip


def test_it_is_a_collection_of_version_2_1() -> None:
    assert (
        COLLECTION["info"]["schema"] == "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    )
