"""Refusals: every status is one problem document, and nothing in it that is not the caller's business."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import (
    BadRequest,
    HTTPException,
    ImATeapot,
    RequestEntityTooLarge,
    TooManyRequests,
    UnprocessableEntity,
)
from werkzeug.test import TestResponse

from app.blueprints.inventory import service as inventory
from app.core import errors
from app.core.errors import CODES, DomainError, Unavailable
from tests.factories import Shop, unique
from tests.watching import log_lines

SECRET = "SELECT password_hash FROM accounts"  # what a driver's error says, and no answer may
TELLTALE = re.compile(
    r"SELECT|INSERT|password_hash|accounts|sqlalchemy|sqlite|pg8000|Traceback|<html|<!doctype", re.IGNORECASE
)


def fail_with(error: Exception) -> Callable[..., Any]:
    def failing(*args: Any, **kwargs: Any) -> Any:
        raise error

    return failing


def refused_400(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.post("/inventory", json={"price": "cheap"})


def refused_400_by_malformed_json(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.open("POST", "/inventory", data=b'{"name": ', content_type="application/json")


def refused_401(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.nobody.get("/inventory")


def refused_403(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.customer.get("/inventory")


def refused_404(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.get("/inventory/999999999")


def refused_404_without_a_route(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.get("/nowhere")


def refused_405(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.delete("/inventory")


def refused_409(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.post(
        "/inventory", json={"name": "Belt", "price": 1, "sku": shop.make_part(sku="B-1").sku}
    )


def refused_412(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.patch(
        f"/inventory/{shop.make_part().id}", json={"price": 2}, headers={"If-Match": '"7-00"'}
    )


def refused_413(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.open("POST", "/inventory", data=b" " * 1_000_001, content_type="application/json")


def refused_415(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    return shop.owner.open(
        "POST", "/inventory", data=b"name=Belt", content_type="application/x-www-form-urlencoded"
    )


def refused_422(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    key = {"Idempotency-Key": unique("key")}
    shop.owner.post("/inventory", json={"name": "Belt", "price": 1}, headers=key)
    return shop.owner.post("/inventory", json={"name": "Belt", "price": 2}, headers=key)


def refused_429(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    patch.setitem(shop.app.config["RATE_LIMITS"], "read", "1/minute")
    path = f"/inventory/{shop.make_part().id}"
    shop.owner.get(path)
    return shop.owner.get(path)


def refused_500(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    patch.setattr(inventory, "get", fail_with(RuntimeError(SECRET)))
    return shop.owner.get("/inventory/1")


def refused_500_by_the_database(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    patch.setattr(
        inventory, "get", fail_with(IntegrityError(SECRET, {}, Exception("UNIQUE constraint failed")))
    )
    return shop.owner.get("/inventory/1")


def refused_503(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    patch.setattr(inventory, "get", fail_with(OperationalError(SECRET, {}, Exception("connection refused"))))
    return shop.owner.get("/inventory/1")


def refused_503_by_a_full_pool(shop: Shop, patch: pytest.MonkeyPatch) -> TestResponse:
    patch.setattr(inventory, "get", fail_with(PoolTimeout(SECRET)))
    return shop.owner.get("/inventory/1")


REFUSALS = [
    (refused_400, 400, "invalid_request"),
    (refused_400_by_malformed_json, 400, "invalid_request"),
    (refused_401, 401, "not_signed_in"),
    (refused_403, 403, "not_allowed"),
    (refused_404, 404, "item_not_found"),
    (refused_404_without_a_route, 404, "not_found"),
    (refused_405, 405, "method_not_allowed"),
    (refused_409, 409, "sku_taken"),
    (refused_412, 412, "stale"),
    (refused_413, 413, "too_large"),
    (refused_415, 415, "unsupported_media_type"),
    (refused_422, 422, "idempotency_key_reused"),
    (refused_429, 429, "too_many_requests"),
    (refused_500, 500, "internal_error"),
    (refused_500_by_the_database, 500, "internal_error"),
    (refused_503, 503, "unavailable"),
    (refused_503_by_a_full_pool, 503, "unavailable"),
]


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(("refused", "status", "code"), REFUSALS, ids=[case[0].__name__ for case in REFUSALS])
def test_every_refusal_is_a_problem_document(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, refused: Callable[..., TestResponse], status: int, code: str
) -> None:
    with log_lines() as log:
        answer = refused(shop, monkeypatch)

    assert bool(log.events("database.away")) == (status == 503)
    problem = answer.json
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert set(problem) - {"errors"} == {"type", "title", "status", "detail", "code", "request_id"}
    assert (problem["type"], problem["status"], problem["code"]) == (f"/problems/{code}", status, code)
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    assert not TELLTALE.search(answer.text)


def test_every_status_of_the_contract_has_a_case_here_but_the_one_no_route_uses() -> None:
    assert {status for _, status, _ in REFUSALS} == set(CODES) - {428}


def test_wrong_fields_are_named_with_their_messages(shop: Shop) -> None:
    answer = shop.owner.post("/inventory", json={"price": "cheap", "colour": "red"})

    assert answer.json["errors"] == {
        "name": ["Missing data for required field."], "price": ["Not a valid number."], "colour": ["Unknown field."],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (b'{"name": "A", "name": "B", "price": 1}', {"name": ["Given more than once."]}),
        (b'{"name": "A", "price": 1, "nam\\u0065": "A"}', {"name": ["Given more than once."]}),
        (b'{"name": "A", "price": 1, "more": [{"x": 1, "x": 1}]}', {"x": ["Given more than once."]}),
    ],
)
def test_a_name_that_comes_twice_in_one_object_is_refused(
    shop: Shop, body: bytes, errors: dict[str, list[str]]
) -> None:
    answer = shop.owner.open("POST", "/inventory", data=body, content_type="application/json")

    assert (answer.status_code, answer.json["errors"]) == (400, errors)
    assert shop.owner.get("/inventory").json == []


@pytest.mark.parametrize("query", ["q=%ff%fe", "q=%C3", "sku=%ED%A0%80"])
def test_a_query_that_is_no_text_is_refused(shop: Shop, query: str) -> None:
    answer = shop.owner.get(f"/inventory?{query}")

    assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
    assert answer.json["detail"] == "The query is not UTF-8."


@pytest.mark.parametrize(
    "body",
    [
        b'{"name": ',
        b"\xff",
        b'{"name": "\\ud800", "price": 1}',
        b"[" * 50_000,
        b'{"price": NaN}',
        b'{"price": 1e999}',
        b"{}}",
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_what_is_not_json_is_refused(shop: Shop, method: str, body: bytes) -> None:
    path = "/inventory" if method == "POST" else f"/inventory/{shop.make_part().id}"

    answer = shop.owner.open(method, path, data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json["errors"] == {"_schema": ["Invalid JSON body."]}


@pytest.mark.parametrize("body", ["null", "[]", '"name"', "7", "true"])
def test_json_of_another_kind_is_refused(shop: Shop, body: str) -> None:
    answer = shop.owner.open("POST", "/inventory", data=body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json["errors"] == {"_schema": ["Invalid input type."]}


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "application/merge-patch+json"])
def test_the_types_of_json_are_taken(shop: Shop, content_type: str) -> None:
    path = f"/inventory/{shop.make_part().id}"

    answer = shop.owner.open("PATCH", path, data=b'{"name": "Belt"}', content_type=content_type)

    assert (answer.status_code, answer.json["name"]) == (200, "Belt")


def test_a_refused_method_names_those_that_are_known(shop: Shop) -> None:
    with_slash, without = shop.owner.delete("/inventory/"), shop.owner.delete("/inventory")

    assert with_slash.status_code == without.status_code == 405
    for answer in (with_slash, without):
        assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "POST"}


@pytest.mark.usefixtures("limits")
def test_an_absent_database_says_when_to_come_back_and_not_when_the_limit_ends(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    with log_lines():
        answer = refused_503(shop, monkeypatch)

    assert answer.headers["Retry-After"] == errors.RETRY_SECONDS
    assert "X-RateLimit-Limit" in answer.headers


@pytest.mark.usefixtures("limits")
def test_other_answers_say_nothing_of_coming_back(shop: Shop) -> None:
    assert "Retry-After" not in shop.owner.get("/inventory").headers
    assert "Retry-After" not in shop.customer.get("/inventory").headers


def test_what_the_answer_conceals_the_log_tells(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    with log_lines() as log:
        unexpected = refused_500(shop, monkeypatch)
        of_the_database = refused_500_by_the_database(shop, monkeypatch)
        away = refused_503(shop, monkeypatch)

    (line,) = log.events("unexpected")
    assert line["request_id"] == unexpected.json["request_id"]
    assert SECRET in line["exception"]
    assert [line["request_id"] for line in log.events("database.error")] == [
        of_the_database.json["request_id"]
    ]
    assert [line["request_id"] for line in log.events("database.away")] == [away.json["request_id"]]


def known_refusals(kind: type[DomainError] = DomainError) -> list[type[DomainError]]:
    return [kind, *(deeper for child in kind.__subclasses__() for deeper in known_refusals(child))]


def test_codes_are_stable_words_and_each_means_one_status() -> None:
    statuses: dict[str, set[int]] = {}
    for status, (code, _) in CODES.items():
        statuses.setdefault(code, set()).add(status)
    for refusal in known_refusals():
        statuses.setdefault(refusal.code, set()).add(refusal.status)

    assert [code for code in statuses if not re.fullmatch(r"[a-z]+(_[a-z]+)*", code)] == []
    assert {code: found for code, found in statuses.items() if len(found) > 1} == {}
    assert [
        refusal
        for refusal in known_refusals()
        if refusal.status not in CODES or not refusal.title.endswith(".")
    ] == []


def test_a_refusal_says_its_title_where_it_has_no_more_to_say(app: Flask) -> None:
    with app.test_request_context():
        plain, detailed = (
            errors.of_domain_error(Unavailable()),
            errors.of_domain_error(Unavailable("Redis is away.")),
        )

    assert plain.json["detail"] == plain.json["title"] == Unavailable.title
    assert detailed.json["detail"] == "Redis is away."


def test_outside_a_request_a_problem_has_no_request_id(app: Flask) -> None:
    with app.app_context():
        answer = errors.problem(400, "invalid_request", "Title.", "Detail.")

    assert "request_id" not in answer.json


class TestWhatTheFrameworkRaises:
    @pytest.mark.parametrize(
        ("error", "status", "code"),
        [
            (BadRequest(), 400, "invalid_request"),
            (UnprocessableEntity(), 400, "invalid_request"),
            (RequestEntityTooLarge(), 413, "too_large"),
            (ImATeapot(), 418, "error"),
            (HTTPException(), 500, "internal_error"),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
    )
    def test_is_told_by_its_status(self, app: Flask, error: HTTPException, status: int, code: str) -> None:
        with app.test_request_context():
            answer = errors.of_http_exception(error)

        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert answer.content_type == "application/problem+json"

    @pytest.mark.parametrize(
        ("messages", "shown"),
        [
            ({"json": {"name": ["Too long."]}}, {"name": ["Too long."]}),
            ({"query": {"page": ["Too small."]}}, {"page": ["Too small."]}),
            ({"json": ["Invalid JSON body."]}, {"_schema": ["Invalid JSON body."]}),
            ({"name": ["Too long."]}, {"name": ["Too long."]}),
            ({"json": {"a": ["x"]}, "query": {"b": ["y"]}}, {"json.a": ["x"], "query.b": ["y"]}),
            (
                {"json": {"ids": {0: ["Not a number."], 7: ["Too small."]}}},
                {"ids.0": ["Not a number."], "ids.7": ["Too small."]},
            ),
            (
                {"json": {"shop": {"_schema": ["Not an object."], "name": ["Too long."]}}},
                {"shop": ["Not an object."], "shop.name": ["Too long."]},
            ),
            ({"json": {"lines": {"2": {"bin": "Too long."}}}}, {"lines.2.bin": ["Too long."]}),
        ],
    )
    def test_messages_are_told_by_field(self, app: Flask, messages: Any, shown: Any) -> None:
        error = UnprocessableEntity()
        error.data = {"messages": messages, "headers": {"X-Hint": "see the document"}}  # type: ignore[attr-defined]

        with app.test_request_context():
            answer = errors.of_http_exception(error)

        assert answer.json["errors"] == shown
        assert answer.headers["X-Hint"] == "see the document"

    def test_a_ready_answer_is_passed_on(self, app: Flask) -> None:
        ready = Response("ready")

        with app.test_request_context():
            assert errors.of_http_exception(HTTPException(response=ready)) is ready


def test_a_driver_error_is_judged_by_what_it_says(app: Flask) -> None:
    away, wrong = Exception({"C": "57P01"}), Exception({"C": "42P01"})

    with app.test_request_context(), log_lines():
        assert errors.of_database_error(DBAPIError("", {}, away)).status_code == 503
        assert errors.of_database_error(DBAPIError("", {}, wrong)).status_code == 500


def test_a_limit_is_told_in_words(app: Flask) -> None:
    with app.test_request_context():
        answer = errors.of_http_exception(TooManyRequests("1 per 1 minute"))

    assert answer.json["detail"] == "The limit is 1 per 1 minute."
