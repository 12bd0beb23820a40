"""What every request and answer carries: request ids, CORS, security headers, JSON, the log line."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask, json
from werkzeug.test import TestResponse

from app.blueprints.inventory import service as inventory
from app.core import headers
from tests import document
from tests.applications import AnotherApp
from tests.factories import PASSWORD, Caller, Shop, unique
from tests.watching import log_lines

pytestmark = pytest.mark.one_database

SHOP, OFFICE = "https://shop.example.com", "https://office.example.com:8443"


class TestRequestId:
    @pytest.mark.parametrize("sent", ["12345678", "a.b_c-D0", "x" * 128, "4f1c0a9be2d34c5f8a7b6c5d"])
    def test_a_well_formed_one_is_taken(self, shop: Shop, sent: str) -> None:
        assert shop.nobody.get("/livez", headers={"X-Request-Id": sent}).headers["X-Request-Id"] == sent

    @pytest.mark.parametrize(
        "sent", ["", "1234567", "x" * 129, "with blanks in it", "semi;colon=1", "<script>", "żółć1234"]
    )
    def test_another_is_replaced(self, shop: Shop, sent: str) -> None:
        answered = shop.nobody.get("/livez", headers={"X-Request-Id": sent}).headers["X-Request-Id"]

        assert re.fullmatch("[0-9a-f]{24}", answered)

    def test_without_one_each_request_gets_its_own(self, shop: Shop) -> None:
        first, second = (shop.nobody.get("/livez").headers["X-Request-Id"] for _ in range(2))

        assert first != second

    def test_it_is_in_the_answer_the_problem_and_the_log(self, shop: Shop) -> None:
        with log_lines() as log:
            answer = shop.nobody.get("/inventory", headers={"X-Request-Id": "my-request-1"})

        assert answer.headers["X-Request-Id"] == "my-request-1"
        assert answer.json["request_id"] == "my-request-1"
        assert [line["request_id"] for line in log.lines] == ["my-request-1"]


class TestCors:
    @pytest.fixture
    def caller(self, another_app: AnotherApp) -> Caller:
        return Caller(another_app(CORS_ORIGINS=[SHOP, OFFICE]))

    @pytest.mark.parametrize("headers", [{}, {"Origin": SHOP}, {"Origin": "https://evil.example.com"}])
    @pytest.mark.parametrize("path", ["/livez", "/static/swagger.yaml", "/nowhere"])
    def test_every_answer_says_that_it_depends_on_who_asks(
        self, caller: Caller, path: str, headers: dict[str, str]
    ) -> None:
        said = caller.get(path, headers=headers).headers.getlist("Vary")

        assert ", ".join(said).split(", ").count("Origin") == 1

    @pytest.mark.parametrize("origin", [SHOP, OFFICE])
    def test_an_origin_of_the_configuration_may_read(self, caller: Caller, origin: str) -> None:
        answer = caller.get("/livez", headers={"Origin": origin})

        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in answer.headers["Vary"]
        exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
        assert {
            "ETag",
            "Link",
            "Location",
            "X-Total-Count",
            "X-Pagination",
            "X-Request-Id",
            "Retry-After",
        } < set(exposed)

    @pytest.mark.parametrize(
        "origin",
        [
            "https://evil.example.com", f"{SHOP}.evil.example.com", "https://shop_example.com", "http://shop.example.com",
            f"{SHOP}:8080", "null", "https://evilshop.example.com",
        ],
    )  # fmt: skip
    def test_another_may_not(self, caller: Caller, origin: str) -> None:
        plain = caller.get("/livez", headers={"Origin": origin})
        preflight = caller.open(
            "OPTIONS", "/customers", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
        )

        assert "Access-Control-Allow-Origin" not in plain.headers
        assert "Access-Control-Allow-Origin" not in preflight.headers

    def test_refusals_are_readable_too(self, caller: Caller) -> None:
        for path in ("/inventory", "/nowhere"):
            answer = caller.get(path, headers={"Origin": SHOP})

            assert answer.status_code in (401, 404)
            assert answer.headers["Access-Control-Allow-Origin"] == SHOP

    @pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
    def test_a_preflight_allows_the_methods_and_headers_of_the_contract(
        self, caller: Caller, method: str
    ) -> None:
        asked = (
            "authorization, content-type, if-match, if-none-match, idempotency-key, x-workshop, x-request-id"
        )

        answer = caller.open(
            "OPTIONS",
            "/customers",
            headers={
                "Origin": SHOP,
                "Access-Control-Request-Method": method,
                "Access-Control-Request-Headers": asked,
            },
        )

        assert answer.status_code == 200
        assert method in answer.headers["Access-Control-Allow-Methods"].split(", ")
        assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == set(asked.split(", "))
        assert answer.headers["Access-Control-Max-Age"] == "600"

    def test_a_page_may_send_every_header_of_the_document(self, caller: Caller) -> None:
        described = {
            parameter["name"].lower()
            for path in document.document()["paths"].values()
            for part in (path, *operations_of(path))
            for parameter in map(document.resolved, part.get("parameters", []))
            if parameter["in"] == "header"
        }

        answer = caller.open(
            "OPTIONS",
            "/customers",
            headers={
                "Origin": SHOP,
                "Access-Control-Request-Method": "GET",
                "Access-Control-Request-Headers": ", ".join(described),
            },
        )

        assert {"if-match", "last-event-id"} < described
        assert set(answer.headers["Access-Control-Allow-Headers"].split(", ")) == described

    def test_a_page_may_read_every_header_of_the_document_and_a_files_name(self, caller: Caller) -> None:
        described = {
            name
            for path in document.document()["paths"].values()
            for operation in operations_of(path)
            for answered in operation["responses"].values()
            for name in document.resolved(answered).get("headers", {})
        }

        answer = caller.get("/livez", headers={"Origin": SHOP})

        exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
        assert "Link" in described
        assert described | {"Content-Disposition"} <= exposed

    def test_a_header_outside_the_contract_is_not_allowed(self, caller: Caller) -> None:
        answer = caller.open(
            "OPTIONS",
            "/customers",
            headers={
                "Origin": SHOP, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-secret",
            },
        )  # fmt: skip

        assert "x-secret" not in answer.headers.get("Access-Control-Allow-Headers", "")

    @pytest.mark.parametrize(
        ("origins", "asking", "allowed"),
        [
            ([SHOP, OFFICE], SHOP, "true"),
            ([OFFICE], SHOP, None),
            (["*"], SHOP, None),
            ([SHOP, "*"], SHOP, None),
        ],
    )
    def test_credentials_are_for_named_origins_and_never_for_a_wildcard(
        self, another_app: AnotherApp, origins: list[str], asking: str, allowed: str | None
    ) -> None:
        answer = Caller(another_app(CORS_ORIGINS=origins)).get("/livez", headers={"Origin": asking})

        assert answer.headers.get("Access-Control-Allow-Credentials") == allowed

    def test_without_origins_in_the_configuration_no_browser_elsewhere_may_read(self, shop: Shop) -> None:
        assert shop.app.config["CORS_ORIGINS"] == []

        answer = shop.nobody.get("/livez", headers={"Origin": SHOP})

        assert [name for name, _ in answer.headers if name.startswith("Access-Control-")] == []


def operations_of(path: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for method, operation in path.items() if method != "parameters"]


def ok(shop: Shop) -> TestResponse:
    return shop.owner.get("/inventory")


def created(shop: Shop) -> TestResponse:
    return shop.owner.post("/inventory", json={"name": "Belt", "price": 1})


def not_modified(shop: Shop) -> TestResponse:
    path = f"/inventory/{shop.make_part().id}"
    return shop.owner.get(path, headers={"If-None-Match": shop.owner.get(path).headers["ETag"]})


def not_modified_from_cache(shop: Shop) -> TestResponse:
    not_modified(shop)
    return not_modified(shop)


def invalid(shop: Shop) -> TestResponse:
    return shop.owner.post("/inventory", json={})


def not_signed_in(shop: Shop) -> TestResponse:
    return shop.nobody.get("/inventory")


def not_routed(shop: Shop) -> TestResponse:
    return shop.nobody.get("/nowhere")


def wrong_method(shop: Shop) -> TestResponse:
    return shop.nobody.delete("/livez")


def broken(shop: Shop) -> TestResponse:
    def failing(*args: Any) -> None:
        raise RuntimeError("boom")

    with pytest.MonkeyPatch.context() as patch, log_lines():
        patch.setattr(inventory, "get", failing)
        return shop.owner.get("/inventory/1")


def preflight(shop: Shop) -> TestResponse:
    return shop.nobody.open("OPTIONS", "/customers")


def head(shop: Shop) -> TestResponse:
    return shop.owner.open("HEAD", "/inventory")


def swagger_ui(shop: Shop) -> TestResponse:
    return shop.nobody.get("/api/docs")


def redoc(shop: Shop) -> TestResponse:
    return shop.nobody.get("/api/redoc")


def static(shop: Shop) -> TestResponse:
    return shop.nobody.get("/static/swagger.yaml")


ANSWERS: list[tuple[Callable[[Shop], TestResponse], int]] = [
    (ok, 200), (created, 201), (not_modified, 304), (not_modified_from_cache, 304), (invalid, 400), (not_signed_in, 401),
    (not_routed, 404), (wrong_method, 405), (broken, 500), (preflight, 200), (head, 200),
    (swagger_ui, 200), (redoc, 200), (static, 200),
]  # fmt: skip


class TestSecurityHeaders:
    @pytest.mark.parametrize(("answered", "status"), ANSWERS, ids=[case[0].__name__ for case in ANSWERS])
    def test_are_on_every_answer(
        self, shop: Shop, answered: Callable[[Shop], TestResponse], status: int
    ) -> None:
        answer = answered(shop)

        assert answer.status_code == status
        assert {name: answer.headers.get(name) for name in headers.SECURITY_HEADERS if "Policy" not in name} == {
            "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
        }  # fmt: skip
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert re.fullmatch("[0-9a-f]{24}", answer.headers["X-Request-Id"])
        assert "Server" not in answer.headers
        answer.close()

    @pytest.mark.parametrize("answered", [ok, invalid, not_routed, static])
    def test_the_policy_allows_nothing_but_on_the_two_documentation_pages(
        self, shop: Shop, answered: Callable[[Shop], TestResponse]
    ) -> None:
        answer = answered(shop)

        assert answer.headers["Content-Security-Policy"] == (
            "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
        )
        answer.close()

    @pytest.mark.parametrize("path", ["/api/docs", "/api/docs/", "/api/redoc", "/api/redoc/"])
    def test_the_documentation_pages_load_from_this_server_alone(self, shop: Shop, path: str) -> None:
        page = shop.nobody.get(path)

        directives = [part.split() for part in page.headers["Content-Security-Policy"].split("; ")]
        sources = {source for _, *allowed in directives for source in allowed}
        assert page.status_code == 200
        assert page.mimetype == "text/html"
        assert sources == {"'none'", "'self'", "'unsafe-inline'", "data:", "blob:"}
        loaded = re.findall(r'<(?:script|link|img)[^>]*?(?:src|href)="([^"]+)"', page.text)
        assert loaded
        assert [address for address in loaded if "//" in address and not address.startswith("data:")] == []

    def test_https_is_remembered_where_it_is_spoken(self, shop: Shop) -> None:
        plain = shop.nobody.get("/livez")
        secure = shop.nobody.get("/livez", base_url="https://localhost")

        assert "Strict-Transport-Security" not in plain.headers
        assert secure.headers["Strict-Transport-Security"] == "max-age=31536000; includeSubDomains"

    @pytest.mark.parametrize(
        ("answered", "directive"),
        [(ok, "private, no-cache"), (not_modified, "private, no-cache"), (head, "private, no-cache")]
        + [(answered, "no-store") for answered in (created, invalid, not_signed_in, not_routed, broken)],
        ids=lambda value: getattr(value, "__name__", value),
    )
    def test_nothing_personal_is_kept_on_the_way(
        self, shop: Shop, answered: Callable[[Shop], TestResponse], directive: str
    ) -> None:
        assert answered(shop).headers["Cache-Control"] == directive


class TestJson:
    def test_a_decimal_is_a_number_with_its_places(self, app: Flask) -> None:
        with app.app_context():
            assert json.dumps({"price": Decimal("19.90")}) == '{"price":19.90}'

    def test_keys_keep_their_order(self, app: Flask) -> None:
        with app.app_context():
            assert json.dumps({"b": 1, "a": 2}) == '{"b":1,"a":2}'

    def test_what_has_no_json_form_is_refused(self, app: Flask) -> None:
        with app.app_context(), pytest.raises(TypeError, match="not JSON serializable: object"):
            json.dumps(object())

    @pytest.mark.parametrize("text", ["NaN", "Infinity", "{'a': 1}", ""])
    def test_what_is_not_json_is_not_read(self, app: Flask, text: str) -> None:
        with app.app_context(), pytest.raises(ValueError, match="line 1 column"):
            json.loads(text)

    def test_a_response_is_made_of_an_object(self, app: Flask) -> None:
        with app.test_request_context():
            answer = json.jsonify(price=Decimal("5.10"))

        assert (answer.mimetype, answer.get_data()) == ("application/json", b'{"price":5.10}')

    def test_money_is_a_number_with_two_places_on_the_wire(self, shop: Shop) -> None:
        sent = shop.owner.post("/inventory", json={"name": "Belt", "price": "5.1"})

        assert b'"price":5.10,' in sent.data


@pytest.mark.parametrize("id_", [2**63, 10**30])
def test_an_id_beyond_what_the_database_holds_is_not_found(shop: Shop, id_: int) -> None:
    assert shop.owner.get(f"/inventory/{id_}").json["code"] == "not_found"
    assert shop.owner.get(f"/inventory/{2**63 - 1}").json["code"] == "item_not_found"


class TestLog:
    def test_a_request_is_one_line(self, shop: Shop) -> None:
        with log_lines() as log:
            answer = shop.owner.get("/inventory/999999999?")

        (line,) = log.lines
        assert shop.owner.principal is not None
        assert line.pop("milliseconds") > 0
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", line.pop("timestamp"))
        assert line == {
            "event": "request", "level": "info", "method": "GET", "path": "/inventory/999999999", "status": 404,
            "address": "127.0.0.1", "account": shop.owner.principal.account_id, "workshop": shop.id,
            "request_id": answer.headers["X-Request-Id"],
        }  # fmt: skip

    def test_a_stranger_has_no_account_in_it(self, shop: Shop) -> None:
        with log_lines() as log:
            shop.nobody.get("/nowhere")
            shop.nobody.get("/inventory")

        assert [(line["account"], line["workshop"]) for line in log.lines] == [(None, None)] * 2

    def test_one_request_leaves_nothing_to_the_next(self, shop: Shop) -> None:
        with log_lines() as log:
            shop.nobody.get("/livez", headers={"X-Request-Id": "the-first-one"})
            shop.nobody.get("/livez", headers={"X-Request-Id": "the-second-one"})

        assert [line["request_id"] for line in log.lines] == ["the-first-one", "the-second-one"]

    def test_no_password_token_or_address_gets_in(self, shop: Shop) -> None:
        email, national = f"{unique('ada')}@example.com", "555-123-9876"
        person = {"name": "Ada Lovelace", "email": email, "phone": national, "password": PASSWORD}

        with log_lines() as log:
            shop.nobody.post("/customers", json=person)
            shop.nobody.post("/customers", json=person)
            login = shop.nobody.post("/customers/login", json={"email": email, "password": PASSWORD})
            shop.nobody.post("/customers/login", json={"email": email, "password": "wrong-password"})
            shop.nobody.get(
                "/customers/my-tickets", headers={"Authorization": f"Bearer {login.json['auth_token']}x"}
            )
            shop.nobody.get(
                "/customers/my-tickets", headers={"Authorization": f"Bearer {login.json['auth_token']}"}
            )
            shop.owner.get("/customers", query_string={"email": email})
            shop.owner.get("/customers", query_string={"q": "Lovelace"})

        assert [line["status"] for line in log.lines] == [201, 409, 200, 401, 401, 200, 200, 200]
        for secret in (
            PASSWORD,
            "wrong-password",
            login.json["auth_token"],
            email,
            national,
            "Lovelace",
            "Bearer",
        ):
            assert secret not in log.text

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("/estimates/SECRET", "/estimates/<token>"),
            ("/estimates/SECRET/", "/estimates/<token>"),
            ("/estimates/SECRET/more", "/estimates/<token>"),
            ("/Estimates//SECRET%0Amore", "/Estimates//<token>"),
            ("/files/SECRET", "/files/<token>"),
            ("/service_tickets/1/estimates/2", "/service_tickets/1/estimates/2"),
        ],
    )
    def test_what_opens_something_does_not_get_in_by_its_path_either(
        self, shop: Shop, method: str, path: str, told: str
    ) -> None:
        with log_lines() as log:
            shop.nobody.open(method, path)

        assert [line["path"] for line in log.lines] == [told]
        assert "SECRET" not in log.text

    def test_it_goes_to_standard_output_as_one_json_object_a_line(
        self, another_app: AnotherApp, capsysbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        another_app(LOG_LEVEL=20).test_client().get("/livez")

        (line,) = capsysbinary.readouterr().out.splitlines()
        assert json.loads(line)["event"] == "request"

    def test_its_level_is_a_setting(
        self, another_app: AnotherApp, capsysbinary: pytest.CaptureFixture[bytes]
    ) -> None:
        another_app(LOG_LEVEL=30).test_client().get("/livez")

        assert capsysbinary.readouterr().out == b""


@pytest.mark.parametrize(("proxies", "address"), [(0, "127.0.0.1"), (1, "203.0.113.9"), (2, "198.51.100.1")])
def test_a_forwarded_address_is_believed_of_as_many_proxies_as_are_trusted(
    another_app: AnotherApp, proxies: int, address: str
) -> None:
    caller = Caller(another_app(TRUSTED_PROXIES=proxies))
    forwarded = {"X-Forwarded-For": "192.0.2.66, 198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "https"}

    with log_lines() as log:
        answer = caller.get("/livez", headers=forwarded)

    assert log.lines[0]["address"] == address
    assert ("Strict-Transport-Security" in answer.headers) == (proxies == 1)
