"""What a hostile or a careless client sends: fields it has no business with, odd bodies, odd headers, odd paths."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from tests import document
from tests.factories import Caller, Shop, unique, unique_vin
from tests.security.matrix import Row, rows
from tests.security.situation import BODIES, SKU, Situation

pytestmark = [pytest.mark.no_cover, pytest.mark.one_database]  # counting lines would take as long again

# ---- Fields that were not meant to be set -------------------------------------------------------------------------

# Names of columns, and what other programs take: nothing here does where the document does not name it.
OTHERS_FIELDS: dict[str, Any] = {
    "id": 1, "workshop_id": 1, "account_id": 1, "customer": {"id": 1}, "vehicle_id": 1, "mechanic_id": 1, "number": 1,
    "role": "owner", "is_admin": True, "permissions": ["*"], "password_hash": "x", "version": 99, "status": "delivered",
    "salary": 1, "tracked": True, "unit_price": 0, "created_at": "2020-01-01T00:00:00Z", "erased_at": None,
    "updated_at": "2020-01-01T00:00:00Z", "left_at": None, "archived_at": None, "closed_at": None, "constructor": {},
    "__class__": "x", "$where": "1",
}  # fmt: skip
OTHERS_PARAMETERS = (
    "workshop_id",
    "role",
    "_method",
    "fields",
    "include",
    "sort[]",
    "page[size]",
    "__proto__",
)


def names_taken(row: Row) -> set[str]:
    """Return the fields that the document names for the body of a route."""
    described = document.document()
    schemas = described["components"]["schemas"]
    content = described["paths"][row.path][row.method.lower()]["requestBody"]["content"]["application/json"]
    schema = schemas[content["schema"]["$ref"].rpartition("/")[2]]
    forms = [schemas[form["$ref"].rpartition("/")[2]] for form in schema.get("oneOf", ()) if "$ref" in form]
    return {field for form in (schema, *forms) for field in form.get("properties", ())}


def who_may(situation: Situation, row: Row) -> Caller:
    """Return the mightiest caller that a route is open to."""
    able = (name for name in ("owner", "mechanic", "customer", "admin") if row.opens_to(name))
    return situation.callers[next(able, "nobody")]


@pytest.mark.parametrize("row", [row for row in rows() if str(row) in BODIES], ids=str)
def test_fields_that_a_route_does_not_take_are_refused_and_change_nothing(
    situation: Situation, row: Row
) -> None:
    foreign = sorted(set(OTHERS_FIELDS) - names_taken(row))
    before = situation.everything()

    refused = {}
    for field in foreign:
        body = BODIES[str(row)](situation) | {field: OTHERS_FIELDS[field]}
        answer = situation.send(who_may(situation, row), row.method, row.path, json=body)
        refused[field] = (answer.status_code, field in str(answer.json.get("errors")))

    assert refused == dict.fromkeys(foreign, (400, True))
    assert situation.everything() == before


@pytest.mark.parametrize(
    "row",
    [row for row in rows() if row.method == "GET" and not row.path.startswith(document.UNDOCUMENTED)],
    ids=str,
)
def test_parameters_that_a_route_does_not_take_are_refused(situation: Situation, row: Row) -> None:
    needed = NEEDED.get(row.path, {})

    refused = {}
    for name in OTHERS_PARAMETERS:
        answer = who_may(situation, row).get(
            row.path.format(**situation.ids), query_string={**needed, name: "1"}
        )
        refused[name] = (answer.status_code, list(answer.json.get("errors", ())))

    assert refused == {name: (400, [name]) for name in OTHERS_PARAMETERS}


NEEDED = {
    "/mechanics/search": {"name": "mel"},
    "/vehicles/hints": {"VIN": "1HGCM82633A004352"},
    "/workshops/nearby": {"lat": "1", "lng": "1"},
    "/inventory/lookup": {"code": SKU},
    "/inventory/labels": {"items": "1"},
}


# ---- SQL, patterns and templates as plain text --------------------------------------------------------------------

METACHARACTERS = [
    "'; DROP TABLE customers; --", '" OR ""="', "x' OR '1'='1", "1) UNION SELECT password_hash FROM accounts --",
    "1; SELECT pg_sleep(10)", "100%", "a_c", "back\\slash", "%s %(name)s :name ?", "{{7*7}} ${7*7} #{7*7}",
    "<script>alert(1)</script>", "$1 $2", "/* */", "\u202etxt.exe", "Ω≈ç√ 𝄞 👩‍🔧", "a\tb",
]  # fmt: skip


def parameters() -> list[tuple[str, str]]:
    """Return each path of the document with each of its query parameters."""
    return [
        (path, parameter["name"])
        for path, item in document.document()["paths"].items()
        for parameter in item.get("get", {}).get("parameters", ())
        if parameter.get("in") == "query"
    ]


@pytest.mark.parametrize("words", METACHARACTERS)
class TestMetacharacters:
    def test_are_kept_as_they_came(self, shop: Shop, words: str) -> None:
        ticket = {
            "VIN": unique_vin(),
            "service_date": "2026-03-02",
            "customer_id": shop.customer_id,
            "service_desc": words,
        }
        mechanic = {
            "name": words,
            "email": f"{unique('m')}@example.com",
            "phone": "555-987-6543",
            "salary": 1,
        }

        made = [
            shop.owner.post("/customers", json={"name": words}),
            shop.owner.post("/mechanics", json=mechanic),
            shop.owner.post("/inventory", json={"name": words, "price": 1, "sku": words}),
            shop.owner.post("/service_tickets", json=ticket),
        ]

        kept = [shop.owner.get(answer.headers["Location"]).json for answer in made]
        assert [row.get("name", row.get("service_desc")) for row in kept] == [words] * 4
        assert kept[2]["sku"] == words

    def test_find_what_has_them_and_nothing_else(self, shop: Shop, words: str) -> None:
        shop.make_ticket()
        shop.make_part()
        searches = {
            ("/customers", "q"): shop.make_customer(name=f"Has {words}").id,
            ("/inventory", "q"): shop.make_part(name=f"Has {words}").id,
            ("/mechanics", "name"): (mechanic := shop.make_mechanic(name=f"Has {words}").id),
            ("/mechanics/search", "name"): mechanic,
            ("/service_tickets", "q"): shop.make_ticket(service_desc=f"Has {words}")["id"],
        }

        found = {
            search: shop.owner.get(search[0], query_string={search[1]: words}).json for search in searches
        }

        assert {search: [row["id"] for row in rows] for search, rows in found.items()} == {
            search: [id_] for search, id_ in searches.items()
        }

    def test_in_any_parameter_are_words_or_a_fault(self, situation: Situation, words: str) -> None:
        before = situation.everything()

        statuses = {}
        for path, name in parameters():
            needed = NEEDED.get(path, {})
            answer = situation.shop.owner.get(
                path.format(**situation.ids), query_string={**needed, name: words}
            )
            statuses[path, name] = answer.status_code

        assert statuses.pop(("/inventory/lookup", "code")) in (400, 404)  # which no item has
        assert set(statuses.values()) <= {200, 400, 403}
        assert situation.everything() == before


# ---- Bodies -------------------------------------------------------------------------------------------------------

JSON = "application/json"
LONG = "9" * 5000
WRITING = [("POST", "/inventory"), ("PATCH", "/inventory/{item_id}"), ("POST", "/customers/login")]
NO_OBJECTS = {
    "nothing": b"", "blanks": b"   ", "a word": b"name", "cut off": b'{"name": "A', "single quotes": b"{'name': 'A'}",
    "a comma too many": b'{"name": "A",}', "a comment": b'{"name": "A"} // x', "two": b'{"name": "A"}{"name": "B"}',
    "a byte-order mark": b'\xef\xbb\xbf{"name": "A"}', "UTF-16": '{"name": "A"}'.encode("utf-16"),
    "not UTF-8": b'{"name": "\xff\xfe"}', "a lone surrogate": b'{"name": "\\ud800"}',
    "a lone low surrogate": b'{"name": "a\\udc00b"}', "NaN": b'{"name": "A", "price": NaN}',
    "Infinity": b'{"name": "A", "price": Infinity}', "deep arrays": b"[" * 100_000, "deep objects": b'{"a":' * 100_000,
    "deep and closed": b'{"name":' + b"[" * 5000 + b"]" * 5000 + b"}", "an array": b"[]", "a text": b'"name"',
    "a number": b"1", "true": b"true", "null": b"null", "a number beyond a double": b'{"name": "A", "price": 1e400}',
    "a number of 5000 digits": f'{{"name": "A", "price": {LONG}}}'.encode(),
}  # fmt: skip
NO_VALUES = {
    "true for a price": '"price": true', "words for a price": '"price": "1 OR 1=1"', "other digits": '"price": "٣"',
    "underscores in a price": '"price": "1_000"', "a negative price": '"price": -0.01',
    "a count beyond 64 bits": '"on_hand": 1e30', "a price beyond a million millions": '"price": 1e15',
    "a negative count": '"on_hand": -1', "a fraction of a count": '"on_hand": 1.5', "a text for a count": '"on_hand": "1"',
    "a NUL": '"name": "A\\u0000B"', "an escape": '"name": "\\u001b[31mred"', "a NUL in a SKU": '"sku": "\\u0000"',
    "an object for a name": '"name": {"$ne": null}', "a list for a name": '"name": ["A"]', "null for a name": '"name": null',
    "blanks for a name": '"name": " \\t "', "a name too long": f'"name": "{"A" * 201}"',
}  # fmt: skip
OTHER_KINDS = {
    "a form": ("application/x-www-form-urlencoded", b"name=A&price=1"),
    "a form in parts": (
        "multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\nA\r\n--x--\r\n'
    ),
    "plain text": ("text/plain", b'{"name": "A", "price": 1}'),
    "XML that reads a file": ("application/xml", b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><name>&e;</name>'),
    "YAML that runs a command": ("application/x-yaml", b"!!python/object/apply:os.system [id]"),
    "no kind at all": ("", b'{"name": "A", "price": 1}'),
}  # fmt: skip


class TestABody:
    @pytest.mark.parametrize("body", NO_OBJECTS.values(), ids=NO_OBJECTS)
    @pytest.mark.parametrize(("method", "path"), WRITING)
    def test_that_is_no_object_is_refused(
        self, situation: Situation, method: str, path: str, body: bytes
    ) -> None:
        answer = situation.shop.owner.open(method, path.format(**situation.ids), data=body, content_type=JSON)

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")

    @pytest.mark.parametrize("field", NO_VALUES.values(), ids=NO_VALUES)
    def test_with_a_value_that_is_none_is_refused(self, situation: Situation, field: str) -> None:
        others = [
            other for other in ('"name": "A"', '"price": 1') if not field.startswith(other.split(":")[0])
        ]
        whole = "{" + ", ".join([field, *others]) + "}"

        made = situation.shop.owner.post("/inventory", data=whole.encode(), content_type=JSON)
        path = f"/inventory/{situation.item_id}"
        patched = situation.shop.owner.patch(path, data=f"{{{field}}}".encode(), content_type=JSON)

        assert (made.status_code, patched.status_code) == (400, 400)
        assert list(made.json["errors"]) == list(patched.json["errors"]) == [field.split('"')[1]]

    @pytest.mark.parametrize("field", ["name", "email", "phone"])
    def test_of_a_registration_with_a_nul_is_refused(self, situation: Situation, field: str) -> None:
        person = {
            "name": "Ada",
            "email": "ada@example.com",
            "phone": "555-400-0006",
            "password": "long-enough",
        }

        answer = situation.shop.nobody.post("/customers", json={**person, field: person[field] + "\0"})

        assert (answer.status_code, list(answer.json["errors"])) == (400, [field])

    @pytest.mark.parametrize(
        "email",
        ["\0", "a\0@example.com", "a@example.com\n", "x" * 254, "' OR 1=1 --", "%", "\u202e@example.com"],
    )
    def test_of_a_sign_in_with_an_odd_address_lets_nobody_in(self, situation: Situation, email: str) -> None:
        answer = situation.shop.nobody.post(
            "/customers/login", json={"email": email, "password": "\0 or anything"}
        )

        assert answer.status_code in (400, 401)

    def test_that_names_a_field_twice_is_refused(self, shop: Shop) -> None:
        """A proxy may look at the first, and what is done would be the last."""
        body = b'{"name": "First", "price": 1, "name": "Last"}'

        made = shop.owner.post("/inventory", data=body, content_type=JSON)

        assert (made.status_code, made.json["errors"]) == (400, {"name": ["Given more than once."]})

    @pytest.mark.parametrize(("kind", "body"), OTHER_KINDS.values(), ids=OTHER_KINDS)
    @pytest.mark.parametrize(("method", "path"), WRITING)
    def test_of_another_kind_is_not_read(
        self, situation: Situation, method: str, path: str, kind: str, body: bytes
    ) -> None:
        answer = situation.shop.owner.open(method, path.format(**situation.ids), data=body, content_type=kind)

        taken = (
            path.endswith("/login") and "form" in kind
        )  # the doors take forms, and these say nothing that they need
        assert answer.status_code == (400 if taken else 415)
        assert answer.json["code"] == ("invalid_request" if taken else "unsupported_media_type")

    @pytest.mark.parametrize("path", ["/inventory", "/customers", "/customers/login"])
    @pytest.mark.parametrize("in_chunks", [False, True])
    def test_that_is_too_large_is_refused(
        self, app: Flask, situation: Situation, path: str, in_chunks: bool
    ) -> None:
        body = json.dumps({"name": "A" * app.config["MAX_CONTENT_LENGTH"]}).encode()
        chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True}

        answer = situation.shop.owner.post(
            path, data=body, content_type=JSON, environ_overrides=chunked if in_chunks else {}
        )

        assert (answer.status_code, answer.json["code"]) == (413, "too_large")


# ---- Headers, methods and paths -----------------------------------------------------------------------------------


class TestAHeader:
    @pytest.mark.parametrize(
        "sent",
        [
            "abcdefgh\r\nSet-Cookie: a=b",
            "abcdefgh\nX-Evil: 1",
            "abcdefgh\0",
            "<script>alert(1)</script>",
            "a" * 129,
        ],
    )
    def test_for_the_request_id_is_not_given_back_unless_it_is_one(
        self, situation: Situation, sent: str
    ) -> None:
        answer = situation.shop.owner.get("/livez", environ_overrides={"HTTP_X_REQUEST_ID": sent})

        assert answer.headers["X-Request-Id"] != sent
        assert answer.headers["X-Request-Id"].isalnum()
        assert not {"Set-Cookie", "X-Evil"} & set(answer.headers.keys())

    @pytest.mark.parametrize(
        "headers",
        [
            {"Host": "evil.example"},
            {"Host": "evil.example:80\\@shop.example"},
            {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "javascript"},
            {"X-Forwarded-Prefix": "//evil.example"},
            {"X-Original-URL": "//evil.example/", "Forwarded": "host=evil.example"},
        ],
    )
    def test_for_the_host_does_not_reach_where_we_point_to(self, shop: Shop, headers: dict[str, str]) -> None:
        made = shop.owner.post("/inventory", json={"name": "Wiper", "price": 9}, headers=headers)
        listed = shop.owner.get("/inventory?per_page=1&page=1", headers=headers)

        assert made.headers["Location"] == f"/inventory/{made.json['id']}"
        assert listed.headers["Link"].startswith("</inventory?")
        assert "evil" not in str(listed.headers) + listed.get_data(as_text=True)

    def test_of_links_quotes_what_was_asked_for(self, shop: Shop) -> None:
        words = 'x>; rel="next", <https://evil.example/>'
        shop.make_part(name=words)
        shop.make_part(name=words)

        answer = shop.owner.get("/inventory", query_string={"q": words, "per_page": 1})

        link = answer.headers["Link"]
        assert link.startswith("</inventory?q=x%3E%3B+rel%3D%22next%22%2C+%3Chttps")
        assert (link.count("<"), link.count(">"), link.count("rel=")) == (1, 1, 1)

    @pytest.mark.parametrize(
        "value", ["1e99", "'", '"\'"', 'W/"1-ab"', "*, *", '"9999999999999999999999-0"', ",,,,", "é"]
    )
    @pytest.mark.parametrize(
        "name",
        [
            "If-Match",
            "If-None-Match",
            "Idempotency-Key",
            "X-Workshop",
            "Authorization",
            "Accept",
            "Range",
            "Origin",
        ],
    )
    def test_of_any_value_breaks_nothing(self, situation: Situation, name: str, value: str) -> None:
        path, headers = f"/inventory/{situation.item_id}", {name: value}

        read = situation.shop.owner.get(path, headers=headers)
        patched = situation.shop.owner.patch(path, json={}, headers=headers)
        signed_in = situation.shop.nobody.post(
            "/customers/login", json={"email": f"{unique('a')}@b.example", "password": "x"}, headers=headers
        )

        assert read.status_code in (200, 304, 401)
        assert patched.status_code in (200, 401, 412)
        assert signed_in.status_code in (400, 401, 422)

    @pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_does_not_change_the_method(self, situation: Situation, name: str) -> None:
        path, delete = f"/inventory/{situation.item_id}", {name: "DELETE"}

        read = situation.shop.owner.get(path, headers=delete)
        patched = situation.shop.owner.patch(path, json={}, headers=delete)
        posted = situation.shop.owner.post(path, json={}, headers=delete)
        by_a_reader = situation.shop.mechanic.get(path, headers=delete)

        statuses = [answer.status_code for answer in (read, patched, posted, by_a_reader)]
        assert statuses == [200, 200, 405, 200]
        assert situation.shop.owner.get(path).status_code == 200


class TestAPath:
    @pytest.mark.parametrize(
        "path",
        [
            "../../config.py", "..%2f..%2fconfig.py", "%2e%2e/%2e%2e/config.py", "%2e%2e%2f%2e%2e%2fconfig.py",
            "..%5c..%5cconfig.py", "..%255c..%255cconfig.py", "....//....//config.py", "redoc/../../__init__.py",
            "redoc/..%2f..%2f__init__.py", "/etc/passwd", "//etc/passwd", "%2fetc%2fpasswd", "file:///etc/passwd",
            "swagger.yaml%00.py", "%00", ".", "..", "redoc", "redoc/", "~root/.profile", "C:\\windows\\win.ini",
            "swagger.yaml/..", ".git/config", "../../instance/mechanic_shop.db", "../templates/redoc.html",
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("folder", ["/static/", "/api/docs/"])
    def test_leads_out_of_no_folder(self, situation: Situation, folder: str, path: str) -> None:
        answer = situation.shop.nobody.get(folder + path)

        page = answer.status_code == 200 and answer.mimetype == "text/html" and b"swagger-ui" in answer.data
        assert answer.status_code == 404 or (folder == "/api/docs/" and page)
        for told in (b"root:", b"SECRET_KEY", b"def create_app", b"SQLite format", b"{{"):
            assert told not in answer.data

    @pytest.mark.parametrize(
        "path",
        [
            "/customers/1%00", "/customers/%00", "/customers/1;drop", "/customers/1'", "/customers/-1", "/customers/1.0",
            "/customers/+1", "/customers/٣", "/customers/0x1", f"/customers/{LONG}", "/customers/1/..", "/customers//1",
            "/customers/%2e%2e/health", "/CUSTOMERS", "/customers/1/service_tickets", "/%F0%9F%94%A7", "/%ff%fe",
            "/" + "a" * 20_000,
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    def test_that_is_none_of_ours_is_a_plain_problem(
        self, situation: Situation, path: str, method: str
    ) -> None:
        answer = situation.shop.owner.open(method, path)

        assert (answer.status_code, answer.mimetype) == (404, "application/problem+json")
        assert answer.json["code"] == "not_found"
