"""The contract of a route: undeclared routes cannot be registered, and the steps around a view have one order."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Response, g
from gunicorn.http.body import Body, ChunkedReader
from gunicorn.http.unreader import IterUnreader
from sqlalchemy.exc import OperationalError

from app.blueprints.inventory import service as inventory
from app.core import bodies, caching, idempotency, identity, serving, steps
from app.core.contract import (
    Access,
    Contract,
    UndeclaredRoute,
    cached,
    contract_of,
    limited,
    needs,
    public,
    public_recognising_members,
    signed_in,
)
from app.core.errors import NotAllowed, NotSignedIn
from app.core.identity import Principal, Standing
from app.core.serving import Blueprint, adopt, guarded, require_declared_routes
from tests.factories import Shop, unique
from tests.watching import log_lines

OWNER = Principal(account_id=1, workshop_id=2, membership_id=3, role="owner", person_id=None)


def view(**arguments: Any) -> str:
    """Show something."""
    return "shown"


def declared(*decorators: Callable[[Any], Any]) -> Callable[..., Any]:
    """Return a view of its own with `decorators` put on it, the innermost first."""

    def made(**arguments: Any) -> str:
        return "shown"

    for decorate in decorators:
        made = decorate(made)
    return made


class TestDeclaring:
    def test_says_who_how_often_and_what_is_kept(self) -> None:
        found = contract_of(
            declared(
                cached("inventory", reads=("parts",)), needs("tickets:read", "own:read"), limited("read")
            )
        )

        assert found.access == Access(("tickets:read", "own:read"))
        assert found.limit == "read"
        assert found.cache == caching.CachePolicy("inventory", ("parts",))

    def test_reads_the_same_in_any_order(self) -> None:
        parts = [needs("inventory:write"), limited("read"), cached("inventory", reads=("parts",))]

        assert contract_of(declared(*parts)) == contract_of(declared(*reversed(parts)))

    @pytest.mark.parametrize(
        ("decorate", "access"),
        [
            (public, Access()),
            (public_recognising_members, Access(recognises=True)),
            (needs("own:read"), Access(("own:read",))),
            (signed_in, Access(members=True)),
        ],
    )
    def test_of_access(self, decorate: Callable[[Any], Any], access: Access) -> None:
        assert contract_of(declared(decorate)).access == access

    def test_nothing_is_nothing(self) -> None:
        assert contract_of(view) == Contract()


class TestRegistering:
    @pytest.mark.parametrize(
        "decorators",
        [
            [],
            [limited("read")],
            [public],
            [needs("inventory:write")],
            [cached("inventory", reads=("parts",)), needs("inventory:write")],
        ],
    )
    def test_an_undeclared_view_is_refused(self, decorators: list[Callable[[Any], Any]]) -> None:
        bp = Blueprint("undeclared", __name__)

        with pytest.raises(UndeclaredRoute, match="declares no access or no limit"):
            bp.get("/undeclared")(declared(*decorators))

    def test_a_declared_view_is_taken(self) -> None:
        bp = Blueprint("declared", __name__)

        bp.get("/declared", endpoint="declared")(declared(public, limited("read")))

    def test_a_view_has_one_guard_however_often_it_is_asked_for(self) -> None:
        made = declared(public, limited("read"))

        assert guarded(made) is guarded(made)

    def test_a_route_that_went_round_the_contract_stops_the_start(self) -> None:
        stray = Flask("stray", static_folder=None)
        stray.add_url_rule("/stray", view_func=view)

        with pytest.raises(UndeclaredRoute, match=r"No access is declared for /stray \(view\)"):
            require_declared_routes(stray)

    def test_a_librarys_route_can_be_adopted(self, app: Flask) -> None:
        adopting = Flask("adopting", static_folder=None)
        adopting.add_url_rule("/page", "library.page", view)

        adopt(adopting, "library.page", limit="documentation")

        require_declared_routes(adopting)
        assert contract_of(adopting.view_functions["library.page"]).limit == "documentation"
        with app.test_request_context("/page"):
            assert adopting.view_functions["library.page"]().get_data() == b"shown"

    def test_every_route_of_the_application_is_declared(self, app: Flask) -> None:
        require_declared_routes(app)

        for rule in app.url_map.iter_rules():
            found = contract_of(app.view_functions[rule.endpoint])
            assert found.access is not None, rule
            assert found.limit in app.config["RATE_LIMITS"], rule

    def test_only_reads_are_cached_and_only_behind_a_role(self, app: Flask) -> None:
        for rule in app.url_map.iter_rules():
            found = contract_of(app.view_functions[rule.endpoint])
            if found.cache is not None:
                assert found.access is not None
                assert not found.access.is_public, rule
                assert (rule.methods or set()) <= {"GET", "HEAD", "OPTIONS"}, rule

    @pytest.mark.parametrize("slash", ["", "/"])
    @pytest.mark.parametrize(
        "path",
        [
            "/customers",
            "/mechanics",
            "/inventory",
            "/service_tickets",
            "/mechanics/usage",
            "/livez",
            "/customers/my-tickets",
        ],
    )
    def test_with_and_without_a_slash_answer_alike_without_a_redirect(
        self, shop: Shop, path: str, slash: str
    ) -> None:
        caller = shop.customer if path == "/customers/my-tickets" else shop.owner

        got, wrong = caller.get(path + slash), shop.owner.open("PROPFIND", path + slash)

        assert got.status_code == 200
        assert (wrong.status_code, wrong.json["code"]) == (405, "method_not_allowed")
        assert "GET" in wrong.headers["Allow"]

    @pytest.mark.parametrize(
        "path",
        ["/customers//1", "/customers//", "/customers/1//", "/./customers", "/customers/../customers"],
    )
    def test_other_slashes_and_dots_are_not_redirected_either(self, shop: Shop, path: str) -> None:
        answer = shop.owner.open("GET", "http://localhost" + path)

        assert (answer.status_code, answer.json["code"]) == (404, "not_found")


class TestOrder:
    """limit → access → idempotency key (POST) or cache (GET) → parse → view → dump → ETag"""

    @pytest.fixture
    def steps(self, monkeypatch: pytest.MonkeyPatch, app: Flask) -> list[str]:
        taken: list[str] = []

        def noting(owner: Any, name: str, word: str) -> None:
            original = getattr(owner, name)

            def call(*args: Any, **kwargs: Any) -> Any:
                if taken[-1:] != [word]:
                    taken.append(word)
                return original(*args, **kwargs)

            monkeypatch.setattr(owner, name, call)

        noting(serving.limits, "figure", "limit")
        noting(identity, "authenticate", "access")
        noting(caching.Question, "answered", "cache")
        noting(idempotency, "once", "key")
        noting(bodies.Parser, "load_json", "parse")
        noting(bodies.Parser, "load_querystring", "parse")
        noting(inventory, "add", "view")
        noting(inventory, "find", "view")
        noting(serving.preconditions, "tag", "tag")
        return taken

    @pytest.mark.usefixtures("limits", "cold_cache")
    def test_of_a_read(self, shop: Shop, steps: list[str]) -> None:
        steps.clear()
        shop.owner.get("/inventory")
        missed = list(steps)
        steps.clear()
        shop.owner.get("/inventory")

        assert missed == ["limit", "access", "cache", "parse", "view", "tag"]
        assert steps == ["limit", "access", "cache"]

    @pytest.mark.usefixtures("limits")
    def test_of_a_creation(self, shop: Shop, steps: list[str]) -> None:
        steps.clear()
        shop.owner.post("/inventory", json={"name": "Belt", "price": 1})

        assert steps == ["limit", "access", "cache", "key", "parse", "view", "tag"]

    @pytest.mark.usefixtures("limits")
    def test_of_what_is_refused_stops_there(self, shop: Shop, steps: list[str]) -> None:
        steps.clear()
        shop.nobody.get("/inventory")
        unknown = list(steps)
        steps.clear()
        shop.customer.get("/inventory")

        assert unknown == ["limit", "access"]
        assert steps == ["limit", "access", "cache"]


class TestAccess:
    def admit(
        self,
        app: Flask,
        *decorators: Callable[[Any], Any],
        token: bool,
        stands: bool = True,
        role: Any = "owner",
        ceiling: frozenset[str] | None = None,
    ) -> Any:
        """Ask for admission as `role`; the session is said to stand or not, with the scopes of `ceiling` at most."""
        principal = Principal(1, 2, 3, role, None)
        with (
            app.test_request_context("/", headers={"Authorization": "Bearer x"} if token else {}),
            pytest.MonkeyPatch.context() as m,
        ):
            g.identity = principal if token else NotSignedIn()
            m.setattr(caching.Question, "answered", lambda *args: (False, None, None))
            m.setattr(identity, "still_stands", lambda principal: Standing(ceiling) if stands else None)
            m.setattr(caching, "remember", lambda principal, standing: None)
            found = contract_of(declared(*decorators))
            return serving._admit(found, serving._question(found), None)[0]

    def test_is_everybodys_on_a_public_route(self, app: Flask) -> None:
        assert self.admit(app, public, token=False) is None
        assert self.admit(app, public, token=True) is None

    def test_knows_members_on_a_public_route_that_recognises_them(self, app: Flask) -> None:
        assert self.admit(app, public_recognising_members, token=False) is None
        assert self.admit(app, public_recognising_members, token=True) == OWNER

    def test_is_for_who_has_one_of_the_scopes_declared(self, app: Flask) -> None:
        assert self.admit(app, needs("inventory:write"), token=True) == OWNER
        assert self.admit(app, needs("tickets:read", "own:read"), token=True, role="customer")
        with pytest.raises(NotAllowed, match="needs the scope `tickets:read` or `tickets:write`"):
            self.admit(app, needs("tickets:read", "tickets:write"), token=True, role="customer")

    def test_is_no_wider_than_the_membership_stands_now(self, app: Flask) -> None:
        narrowed = frozenset({"tickets:read"})

        caller = self.admit(app, needs("tickets:read"), token=True, ceiling=narrowed)

        assert caller.scopes == narrowed
        with pytest.raises(NotAllowed):
            self.admit(app, needs("tickets:write"), token=True, ceiling=narrowed)

    def test_is_for_everybody_signed_in_where_it_is_about_themselves(self, app: Flask) -> None:
        assert self.admit(app, signed_in, token=True, role="customer", ceiling=frozenset())
        with pytest.raises(NotSignedIn):
            self.admit(app, signed_in, token=False)

    def test_by_a_scope_that_nobody_knows_cannot_be_declared(self) -> None:
        with pytest.raises(UndeclaredRoute, match="no scope tickets:eat"):
            needs("tickets:read", "tickets:eat")

    def test_needs_a_token_and_a_membership_that_stands(self, app: Flask) -> None:
        with pytest.raises(NotSignedIn):
            self.admit(app, needs("inventory:write"), token=False)
        with pytest.raises(NotSignedIn, match="has ended"):
            self.admit(app, needs("inventory:write"), token=True, stands=False)


class TestOddRequests:
    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/livez?verbose=1"),
            ("GET", "/?x=1"),
            ("POST", "/customers?x=1"),
            ("POST", "/customers/login?next=/"),
        ],
    )
    def test_a_query_where_none_is_taken_is_refused_by_name(self, shop: Shop, method: str, path: str) -> None:
        answer = shop.nobody.open(method, path, json={} if method == "POST" else None)

        assert answer.status_code == 400
        assert list(answer.json["errors"].values()) == [["Unknown parameter."]]

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            ("GET", "/inventory/{part}?x=1"),
            ("PATCH", "/inventory/{part}?x=1"),
            ("DELETE", "/inventory/{part}?x=1"),
        ],
    )
    def test_on_a_single_resource_too(self, shop: Shop, method: str, path: str) -> None:
        part = shop.make_part()

        answer = shop.owner.open(method, path.format(part=part.id), json={} if method == "PATCH" else None)

        assert answer.json["errors"] == {"x": ["Unknown parameter."]}
        assert shop.owner.get(f"/inventory/{part.id}").status_code == 200

    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            ("application/json", 201), ("application/json; charset=utf-8", 201), ("application/vnd.api+json", 415),
            ("application/merge-patch+json", 415),
            ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("multipart/form-data; boundary=x", 415),
            ("application/xml", 415), ("", 415),
        ],
    )  # fmt: skip
    def test_a_body_is_json(self, shop: Shop, content_type: str, status: int) -> None:
        answer = shop.owner.open(
            "POST", "/inventory", data=b'{"name": "Belt", "price": 1}', headers={"Content-Type": content_type}
        )

        assert answer.status_code == status

    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            ("application/json", 200),
            ("application/merge-patch+json", 200),
            ("application/json-patch+json", 415),
        ],
    )
    def test_a_patch_is_merged_and_says_so(self, shop: Shop, content_type: str, status: int) -> None:
        path = f"/inventory/{shop.make_part(name='Belt').id}"

        answer = shop.owner.open(
            "PATCH", path, data=b'{"name": "V-belt"}', headers={"Content-Type": content_type}
        )

        assert answer.status_code == status
        assert shop.owner.get(path).json["name"] == ("V-belt" if status == 200 else "Belt")

    @pytest.mark.parametrize(
        ("encoding", "status"), [("identity", 201), ("gzip", 415), ("br, gzip", 415), ("aws-chunked", 415)]
    )
    def test_a_body_comes_as_it_is(self, shop: Shop, encoding: str, status: int) -> None:
        sent = {"Content-Type": "application/json", "Content-Encoding": encoding}

        answer = shop.owner.open("POST", "/inventory", data=b'{"name": "Belt", "price": 1}', headers=sent)

        assert answer.status_code == status

    @pytest.mark.parametrize(
        "path", ["/inventory?page=1&page=2", "/inventory?sort=id&q=oil&sort=name", "/inventory?q=&q="]
    )
    def test_a_parameter_is_given_once(self, shop: Shop, path: str) -> None:
        answer = shop.owner.get(path)

        assert answer.status_code == 400
        assert list(answer.json["errors"].values()) == [["Given more than once."]]

    @pytest.mark.parametrize("method", ["POST", "PATCH", "PUT"])
    def test_a_body_is_there(self, shop: Shop, method: str) -> None:
        path = "/inventory" if method == "POST" else f"/inventory/{shop.make_part().id}"

        for options in ({}, {"data": b""}, {"data": b"", "content_type": "application/json"}):
            answer = shop.owner.open(method, path, **options)

            assert (answer.status_code, answer.json["detail"]) == (400, "A body is needed.")

    @pytest.mark.parametrize(("blanks", "status"), [(0, 201), (2_000_000, 413)])
    def test_a_body_in_chunks_is_bounded_too(self, shop: Shop, blanks: int, status: int) -> None:
        body = b'{"name": "Belt", "price": 1}' + b" " * blanks

        answer = shop.owner.open(
            "POST",
            "/inventory",
            input_stream=io.BytesIO(body),
            content_type="application/json",
            headers={"Transfer-Encoding": "chunked"},
            environ_overrides={"wsgi.input_terminated": True},
        )

        assert answer.status_code == status

    @pytest.mark.parametrize("body", [b"zz\r\n{}", b"2\r\n{}zz", b"2;\x01\r\n{}\r\n0\r\n\r\n"])
    def test_a_body_in_chunks_that_are_none_is_the_callers_fault(self, shop: Shop, body: bytes) -> None:
        sent = Body(ChunkedReader(object(), IterUnreader([body])))

        with log_lines() as log:
            answer = shop.owner.open(
                "POST",
                "/inventory",
                content_type="application/json",
                headers={"Transfer-Encoding": "chunked"},
                environ_overrides={"wsgi.input": sent, "wsgi.input_terminated": True},
            )

        assert (answer.status_code, answer.json["code"]) == (400, "invalid_request")
        assert log.events("unexpected") == []


class TestALostConnection:
    def lose(self, patch: pytest.MonkeyPatch, name: str, times: int, *, gone: bool = True) -> list[int]:
        """Let the connection break in a function of the inventory's service, `times` times."""
        original, calls = getattr(inventory, name), []

        def breaking(*args: Any, **kwargs: Any) -> Any:
            calls.append(1)
            if len(calls) <= times:
                raise OperationalError("SELECT", {}, Exception("gone"), connection_invalidated=gone)
            return original(*args, **kwargs)

        patch.setattr(inventory, name, breaking)
        return calls

    def test_costs_a_read_one_more_try(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        part, calls = shop.make_part(), self.lose(monkeypatch, "get", 1)

        answer = shop.owner.get(f"/inventory/{part.id}")

        assert (answer.status_code, len(calls)) == (200, 2)

    def test_twice_is_a_503(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        part, calls = shop.make_part(), self.lose(monkeypatch, "get", 2)

        with log_lines():
            answer = shop.owner.get(f"/inventory/{part.id}")

        assert (answer.status_code, len(calls)) == (503, 2)

    def test_is_not_suspected_behind_every_error(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        part, calls = shop.make_part(), self.lose(monkeypatch, "get", 1, gone=False)

        with log_lines():
            answer = shop.owner.get(f"/inventory/{part.id}")

        assert (answer.status_code, len(calls)) == (503, 1)

    def test_costs_a_write_its_answer_since_it_may_have_been_done(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = self.lose(monkeypatch, "add", 1)

        with log_lines():
            answer = shop.owner.post("/inventory", json={"name": "Belt", "price": 1})

        assert (answer.status_code, len(calls)) == (503, 1)


class TestAnswers:
    def test_of_a_view_may_be_anything_that_flask_takes(self, app: Flask) -> None:
        for made, status, body in [
            ("text", 200, b"text"),
            (("gone", 410), 410, b"gone"),
            (Response("r", 202), 202, b"r"),
        ]:
            with app.test_request_context("/"):
                answer = serving._as_response(lambda made=made: made)()

            assert (answer.status_code, answer.get_data()) == (status, body)

    def test_that_stream_are_not_read_for_a_tag(self, app: Flask) -> None:
        streamed = Response(iter([b"a", b"b"]))

        with app.test_request_context("/"):
            answer = serving._finish_reading(streamed, contract_of(declared(public, limited("read"))), None)

        assert answer is streamed
        assert "ETag" not in answer.headers


class TestEvenTiming:
    """Answers whose time could tell something leave at whole steps of it."""

    @pytest.fixture
    def pauses(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[float]:
        """What was waited for, with a step that no request reaches; nothing is really waited for."""
        waited: list[float] = []
        monkeypatch.setitem(app.config, "REGISTRATION_STEP_MS", 1_000_000)
        monkeypatch.setattr(steps.time, "sleep", waited.append)
        return waited

    @staticmethod
    def person(**overrides: str) -> dict[str, str]:
        return {
            "name": "Ada Obi", "email": f"{unique('ada')}@example.com", "phone": "555-0123", "password": "securepassword",
            **overrides,
        }  # fmt: skip

    def test_a_stranger_who_registers_is_answered_at_a_step_whatever_is_found(
        self, shop: Shop, pauses: list[float]
    ) -> None:
        new = self.person()

        statuses = [
            shop.nobody.post("/customers", json=sent).status_code
            for sent in (new, {**new, "password": "anotherpassword"})
        ]

        assert statuses == [201, 409]
        assert [900 < pause < 1000 for pause in pauses] == [True, True]

    def test_so_is_who_opens_a_workshop(self, shop: Shop, pauses: list[float]) -> None:
        sent = {
            "workshop": {"name": "Again", "slug": shop.slug},
            "email": "a@example.com",
            "password": "securepassword",
        }

        assert shop.nobody.post("/auth/register", json=sent).status_code == 409
        assert len(pauses) == 1

    def test_so_is_who_tries_a_code_for_recovery(self, shop: Shop, pauses: list[float]) -> None:
        for email in (shop.owner.email, "nobody@example.com"):
            shop.nobody.post("/auth/recovery", json={"email": email})
            sent = {"email": email, "code": "000000"}
            assert shop.nobody.post("/auth/recovery/code", json=sent).status_code == 400

        assert [900 < pause < 1000 for pause in pauses] == [True, True]

    def test_so_is_who_tries_a_code_for_an_address(self, shop: Shop, pauses: list[float]) -> None:
        assert shop.owner.post("/auth/email/verification").status_code == 200
        for email in (shop.owner.email, "nobody@example.com"):
            sent = {"email": email, "code": "000000"}
            assert shop.nobody.post("/auth/email/confirmation", json=sent).status_code == 400

        assert [900 < pause < 1000 for pause in pauses] == [True, True]

    def test_staff_do_not_wait(self, shop: Shop, pauses: list[float]) -> None:
        assert shop.owner.post("/customers", json={"name": "Walk-in"}).status_code == 201
        assert pauses == []

    def test_nor_does_anybody_where_there_is_no_step(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waited: list[float] = []
        monkeypatch.setattr(steps.time, "sleep", waited.append)

        shop.nobody.post("/customers", json=self.person())

        assert waited == []
