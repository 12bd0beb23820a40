"""The OpenAPI document: what the code says, whole, and valid."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import wraps
from typing import Any, ClassVar

import pytest
import yaml
from flask import Flask
from marshmallow import Schema
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.routing import Rule

from app.core.contract import Access, contract_of
from app.core.errors import CODES
from app.core.openapi import api, examples
from app.core.openapi import document as drawing
from tests import document

pytestmark = [pytest.mark.one_database, pytest.mark.no_cover]

METHODS = ("get", "post", "put", "patch", "delete")
OPERATIONS = [
    (path, method, operation)
    for path, item in document.document()["paths"].items()
    for method, operation in item.items()
    if method in METHODS
]
Operation = dict[str, Any]
NEEDED = (
    "name",
    "lat",
    "lng",
    "code",
    "reason",
    "items",
    "VIN",
)  # parameters of a query without which there is no answer


def resolved(part: Any) -> Any:
    """Return what a reference stands for; what is none is returned as it is."""
    while isinstance(part, dict) and "$ref" in part:
        found: Any = document.document()
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
        part = found
    return part


def parameters_of(path: str, operation: Operation) -> list[dict[str, Any]]:
    shared = document.document()["paths"][path].get("parameters", [])
    return [resolved(parameter) for parameter in [*shared, *operation.get("parameters", [])]]


def rules(app: Flask) -> Iterator[tuple[str, str, Rule]]:
    """Yield path, method and rule of every route that the document must have."""
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule).rstrip("/") or "/"
        if not path.startswith(document.UNDOCUMENTED):
            for method in sorted(rule.methods or set()):
                if method not in ("HEAD", "OPTIONS"):
                    yield path, method.lower(), rule


class TestTheWhole:
    def test_is_what_the_code_says(self, app: Flask) -> None:
        with app.app_context():
            drawn = drawing.as_yaml()

        assert document.PATH.read_text(encoding="utf-8") == drawn, (
            "swagger.yaml is behind the code: make swagger"
        )

    def test_is_valid(self) -> None:
        assert [error.message for error in OpenAPIV31SpecValidator(document.document()).iter_errors()] == []

    def test_is_of_version_3_1_and_says_what_it_is(self, app: Flask) -> None:
        drawn = document.document()

        assert drawn["openapi"] == "3.1.0"
        assert drawn["info"]["title"] == app.config["API_TITLE"]
        assert drawn["info"]["version"] == app.config["API_VERSION"]
        assert drawn["info"]["license"]["identifier"] == "MIT"
        assert len(drawn["info"]["description"]) > 300
        assert drawn["servers"] == [{"url": "/", "description": "This server."}]

    def test_is_read_by_any_yaml_reader(self) -> None:
        text = document.PATH.read_text(encoding="utf-8")

        assert "!!" not in text
        assert re.search(r"[:-] [&*]\w+$", text, re.MULTILINE) is None
        assert yaml.safe_load(text) == document.document()

    def test_has_every_route_and_no_other(self, app: Flask) -> None:
        routed = {(path, method) for path, method, _ in rules(app)}
        documented = {
            (path, method)
            for path, item in document.document()["paths"].items()
            for method in item
            if method in METHODS
        }

        assert documented == routed

    def test_names_each_operation_once_after_its_view(self, app: Flask) -> None:
        names = {
            (path, method): document.document()["paths"][path][method]["operationId"]
            for path, method, _ in rules(app)
        }

        assert len(set(names.values())) == len(names)
        for path, method, rule in rules(app):
            assert names[(path, method)] == rule.endpoint.rpartition(".")[2]

    def test_describes_every_tag_it_uses(self) -> None:
        described = {tag["name"] for tag in document.document()["tags"] if tag["description"]}
        used = {tag for _, _, operation in OPERATIONS for tag in operation["tags"]}

        assert used == described

    def test_keeps_nothing_that_is_not_used(self) -> None:
        text = document.PATH.read_text(encoding="utf-8")
        unused = [
            f"{kind}/{name}"
            for kind, components in document.document()["components"].items()
            if kind != "securitySchemes"
            for name in components
            if f"#/components/{kind}/{name}" not in text
        ]

        assert unused == []

    def test_describes_every_field_of_every_schema_by_type(self) -> None:
        schemas = document.document()["components"]["schemas"]
        known = {"type", "$ref", "oneOf", "allOf", "anyOf", "enum", "const"}

        untyped = [
            f"{name}.{field}"
            for name, schema in schemas.items()
            for field, described in schema.get("properties", {}).items()
            if not known & set(described)
        ]

        assert untyped == []
        assert [name for name, schema in schemas.items() if not schema.get("description")] == []

    def test_lets_no_unknown_field_into_a_request(self) -> None:
        schemas = document.document()["components"]["schemas"]

        open_ended = [
            name
            for name, schema in schemas.items()
            if name.endswith(("In", "Patch"))
            and "properties" in schema
            and schema.get("additionalProperties") is not False
        ]

        assert open_ended == []

    def test_knows_the_token_as_its_only_way_to_sign_in(self) -> None:
        (scheme,) = document.document()["components"]["securitySchemes"].values()

        assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")


FORM = "application/x-www-form-urlencoded"
TAKING_FORMS = ("/estimates/{token}", "/auth/login", "/customers/login", "/mechanics/login")
WITHOUT_A_BODY = ("/auth/refresh", "/auth/logout")  # the token may be in a cookie
UNVERSIONED = (
    "/auth/sessions/{session_id}",
    "/members/{member_id}",
    "/members/{member_id}/role",
    "/members/{member_id}/phone",
    "/members/{member_id}/second_factor",
    "/admins/{admin_id}",
    "/customers/{customer_id}/photo",
    "/customers/{customer_id}/second_factor",
    "/mechanics/{mechanic_id}/second_factor",
)
TAKING_FILES = (
    "/customers/{customer_id}/photo",
    "/service_tickets/{ticket_id}/attachments",
    *(f"/inventory/imports/{of}" for of in ("parts", "suppliers", "stock")),
)
TELLING_EVENTS = "/service_tickets/{ticket_id}/events"  # which go on, and have no version as a whole
SERVING_FILES = {
    "/files/{token}": ["application/pdf", "application/zip", "image/jpeg"],
    TELLING_EVENTS: ["text/event-stream"],
    "/inventory/labels": ["application/pdf"],
    "/vehicles/{vehicle_id}/history/pdf": ["application/pdf"],
    "/inventory/purchase_orders/{order_id}/pdf": ["application/pdf"],
    "/inventory/stocktakes/{stocktake_id}/sheet": ["application/pdf"],
    **{f"/inventory/exports/{of}": ["text/csv"] for of in ("parts", "suppliers", "stock")},
}
NOTHING_TO_SAY = (
    "/resend", "/verification", "/invitation", "/reinstate", "/unlock", "/export", "/send", "/withdraw", "/reserve", "/restore",
    "/validate", "{stocktake_id}/cancel", "{ticket_id}/recommendations/{recommendation_id}",
)  # fmt: skip
LATER = ("/customers/{customer_id}/export",)  # 202, until it is there


def needs_a_token(operation: Operation) -> bool:
    return bool(operation["security"]) and {} not in operation["security"]


def of_each(check: Callable[[Any, str, str, Operation], None]) -> Callable[[Any], None]:
    """Let a check of one operation be one test of them all, which names each that fails it and with what."""

    @wraps(check, assigned=("__name__", "__doc__"))
    def test(self: Any) -> None:
        failed = {}
        for path, method, operation in OPERATIONS:
            try:
                check(self, path, method, operation)
            except AssertionError as error:
                failed[f"{method.upper()} {path}"] = str(error)
        assert failed == {}

    del test.__wrapped__  # type: ignore[attr-defined]  # pytest would ask it for fixtures
    return test


def test_a_check_of_each_operation_names_those_that_fail_it() -> None:
    """The control of what follows."""

    def check(self: Any, path: str, method: str, operation: Operation) -> None:
        assert path != "/livez", "it is this one"

    with pytest.raises(AssertionError, match=r"GET /livez.*it is this one"):
        of_each(check)(None)


class TestEveryOperation:
    accesses: ClassVar[dict[tuple[str, str], Access | None]]

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def routes(cls, app: Flask) -> None:
        """What each route asks of who comes."""
        cls.accesses = {
            (method, path): contract_of(app.view_functions[rule.endpoint]).access
            for path, method, rule in rules(app)
        }

    @of_each
    def test_says_what_it_does(self, path: str, method: str, operation: Operation) -> None:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", operation["operationId"])
        assert re.fullmatch(r"[A-Z][^\n]*\.|[A-Z][^\n]*[a-z]", operation["summary"]), operation["summary"]
        assert operation["description"]
        assert len(operation["tags"]) == 1
        assert len(operation["summary"]) <= 120

    @of_each
    def test_asks_for_the_token_that_its_route_asks_for(
        self, path: str, method: str, operation: Operation
    ) -> None:
        access = self.accesses[method, path]

        assert access is not None
        expected = [{"token": [scope]} for scope in access.scopes] or [{"token": []}] * access.members
        assert operation["security"] == ([{"token": []}, {}] if access.recognises else expected)

    @of_each
    def test_describes_its_parameters_with_examples(
        self, path: str, method: str, operation: Operation
    ) -> None:
        parameters = parameters_of(path, operation)

        assert {parameter["name"] for parameter in parameters if parameter["in"] == "path"} == set(
            re.findall(r"{(\w+)}", path)
        )
        for parameter in parameters:
            assert parameter.get("description"), parameter["name"]
            assert parameter["schema"], parameter["name"]
            assert (
                parameter.get("required", False) == (parameter["in"] == "path") or parameter["name"] in NEEDED
            )
            if "example" in parameter:
                assert document.error_in(parameter["schema"], parameter["example"]) is None, parameter["name"]

    @of_each
    def test_has_an_example_of_its_request_that_fits(
        self, path: str, method: str, operation: Operation
    ) -> None:
        body = operation.get("requestBody")
        if body is None:
            assert (
                method in ("get", "delete")
                or "{mechanic_id}" in path
                or "{canned_job_id}" in path
                or path.endswith(NOTHING_TO_SAY)
            )
            return

        assert body["required"] is (path not in WITHOUT_A_BODY)
        if path in TAKING_FILES:
            assert list(body["content"]) == ["multipart/form-data"]
            return
        assert list(body["content"]) == ["application/json", *([FORM] if path in TAKING_FORMS else [])]
        content = body["content"]["application/json"]
        assert document.error_in(content["schema"], content["example"]) is None

    @of_each
    def test_has_an_example_of_its_answer_that_fits(
        self, path: str, method: str, operation: Operation
    ) -> None:
        successes = {
            status: reply for status, reply in operation["responses"].items() if status.startswith("2")
        }

        if path in SERVING_FILES:
            told = [sorted(reply["content"]) for reply in successes.values()]
            assert told == [SERVING_FILES[path]]
            return
        if path in LATER:
            assert list(successes) == (["202"] if method == "post" else ["200", "202"])
        else:
            assert list(successes) == (["201"] if "Location" in str(successes) else ["200"])
        for reply in successes.values():
            assert reply["description"]
            (kind, content), *_ = reply["content"].items()
            assert kind == "application/json"
            assert document.error_in(content["schema"], content["example"]) is None

    @of_each
    def test_answers_refusals_as_problems(self, path: str, method: str, operation: Operation) -> None:
        refusals = {
            status: resolved(reply) for status, reply in operation["responses"].items() if int(status) >= 400
        }

        for status, reply in refusals.items():
            (kind, content), *_ = reply["content"].items()
            assert kind == "application/problem+json"
            assert content["schema"] == {"$ref": "#/components/schemas/Problem"}
            assert document.error_in(content["schema"], content["example"]) is None
            assert content["example"]["status"] == int(status)
            assert "X-Request-Id" in reply["headers"]
            assert ("WWW-Authenticate" in reply["headers"]) == (status == "401")
            assert ("Retry-After" in reply["headers"]) == (status in ("409", "429", "503"))

    @of_each
    def test_names_every_status_that_its_kind_can_answer(
        self, path: str, method: str, operation: Operation
    ) -> None:
        statuses = set(operation["responses"])
        expected = {"400", "429", "500"}
        if needs_a_token(operation):
            expected |= {"401", "403", "503"}
            if method == "get" and path != TELLING_EVENTS:
                expected.add("304")
        if "{" in path:
            expected.add("404")
        if "requestBody" in operation:
            expected |= {"413", "415"}
        if method == "post":
            expected |= {"409", "422", "503"}
        if method in ("put", "patch", "delete"):
            expected |= {"404"} if path in UNVERSIONED else {"404", "409", "412"}

        assert expected <= statuses
        assert {int(status) for status in statuses if int(status) >= 400} <= set(CODES) - {428}
        assert "405" not in statuses  # an operation is a method that is allowed

    @of_each
    def test_describes_the_headers_of_the_contract(
        self, path: str, method: str, operation: Operation
    ) -> None:
        headers = set(next(iter(operation["responses"].values()))["headers"])
        parameters = {parameter["name"] for parameter in parameters_of(path, operation)}

        assert {"X-Request-Id", "X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= headers
        if "per_page" in parameters:
            assert {"Link", "X-Total-Count", "X-Pagination"} <= headers
            assert {"page", "cursor", "sort"} <= parameters
        if method == "post":
            assert "Idempotency-Key" in parameters
            assert "Idempotency-Replayed" in headers
        if method in ("put", "patch", "delete"):
            assert ("If-Match" in parameters) == (path not in UNVERSIONED)
        if method == "get" and needs_a_token(operation) and path != TELLING_EVENTS:
            assert "If-None-Match" in parameters
            assert "ETag" in headers
        assert ("X-Workshop" in parameters) == (method == "post" and not needs_a_token(operation))


PART = "#/components/schemas/Part"


class TestDrawing:
    """Small parts of how the document is drawn."""

    def test_a_schema_is_called_like_its_class(self) -> None:
        class Named(Schema):
            pass

        assert [api._name_of(schema) for schema in (Named, Named(), "Named")] == ["Named"] * 3

    @pytest.mark.parametrize(
        ("schema", "example"),
        [
            ({"type": "string"}, "text"), ({"type": "integer"}, 1), ({"type": "boolean"}, True), ({"type": "object"}, {}),
            ({"type": "string", "example": "own"}, "own"), ({"type": "array", "items": {"type": "integer"}}, [1]),
            ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 1), ({"allOf": [{"$ref": PART}]}, {"id": 1}),
            ({"properties": {"name": {"type": "string"}}}, {"name": "text"}), ({"$ref": PART}, {"id": 1}),
        ],
    )  # fmt: skip
    def test_an_example_is_made_of_the_fields_own(self, schema: dict[str, Any], example: Any) -> None:
        schemas = {"Part": {"properties": {"id": {"type": "integer"}}}}

        assert examples._example(schema, schemas) == example

    @pytest.mark.parametrize(("number", "text"), [("19.99", "19.99"), ("7", "7"), ("7.00", "7"), ("0", "0")])
    def test_decimals_are_plain_numbers(self, number: str, text: str) -> None:
        assert yaml.dump(Decimal(number), Dumper=drawing._Dumper).split("\n")[0] == text
