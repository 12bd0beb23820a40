"""The contract of a route: who may call it, how often, what is cached. Undeclared routes cannot be registered.

The decorators say it beside the view, and `Blueprint` puts the steps around the view in the one right order:

    limit → access → idempotency key (POST) or cache (GET) → parse → view → dump → ETag

The limit comes before access so that refused sign-ins count; the cache comes below access so that nobody is shown what is
another's; the cached answer is complete, so a hit runs no view and no statement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, TypeVar

from flask import Flask, Request, Response, current_app, g, json, jsonify, make_response, request
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import RAISE
from sqlalchemy.exc import DBAPIError
from webargs import missing
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.core import caching, idempotency, identity, keys, limits, preconditions, steps, tenancy
from app.core.caching import CachePolicy
from app.core.errors import DomainError, Invalid, NotAllowed, NotSignedIn, SecondFactorSetupRequired
from app.core.identity import KeyRefused, Principal
from app.core.scopes import FOR_PEOPLE, SCOPES

View = Callable[..., Any]
Decorated = TypeVar("Decorated", bound=View)


class UndeclaredRoute(RuntimeError):
    """A route without a declared access or limit; the application does not start with one."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call: who has one of the `scopes`; any member where `members`; else anybody.

    `recognises`: a token, if anybody sends one, is read all the same. `keys`: an API key is as good as being signed in.
    """

    scopes: tuple[str, ...] = ()
    members: bool = False
    keys: bool = False
    recognises: bool = False

    @property
    def is_public(self) -> bool:
        return not (self.scopes or self.members)


@dataclass(frozen=True, slots=True)
class Contract:
    """What a route declares."""

    access: Access | None = None
    limit: str | None = None
    cache: CachePolicy | None = None
    forms: bool = False
    longest_file: int | None = None
    serves: tuple[str, ...] = ()
    versioned: bool = True
    even: bool = False
    page: bool = False


def contract_of(view: View) -> Contract:
    """Return what `view` declares so far."""
    found: Contract = getattr(view, "contract", Contract())
    return found


def _declare(view: Decorated, **parts: Any) -> Decorated:
    view.contract = replace(contract_of(view), **parts)  # type: ignore[attr-defined]
    return view


def limited(name: str) -> Callable[[Decorated], Decorated]:
    """Declare the rate limit of a view, by its name in `config.RATE_LIMITS`."""
    return lambda view: _declare(view, limit=name)


def needs(*any_of: str) -> Callable[[Decorated], Decorated]:
    """Declare the scopes of which a caller of a view must have one; app/core/scopes.py has the table.

    :raises UndeclaredRoute: a scope that is not in it.
    """
    if unknown := [name for name in any_of if name not in SCOPES]:
        raise UndeclaredRoute(f"There is no scope {', '.join(unknown)}.")
    return lambda view: _declare(view, access=Access(any_of))


def signed_in(view: Decorated) -> Decorated:
    """Declare that whoever is signed in may call a view: it is about the caller alone, and not for API keys."""
    return _declare(view, access=Access(members=True))


def signed_in_or_by_key(view: Decorated) -> Decorated:
    """Declare that whoever is signed in may call a view, and whoever sends an API key."""
    return _declare(view, access=Access(members=True, keys=True))


def public(view: Decorated) -> Decorated:
    """Declare that anybody may call a view."""
    return _declare(view, access=Access())


def public_recognising_members(view: Decorated) -> Decorated:
    """Declare that anybody may call a view, which treats members by their role."""
    return _declare(view, access=Access(recognises=True))


def takes_forms(view: Decorated) -> Decorated:
    """Declare that a view's body may come as a form's fields too."""
    return _declare(view, forms=True)


def takes_file(longest: int) -> Callable[[Decorated], Decorated]:
    """Declare that a view's body is a form with a file (`location="files"`) of at most so many bytes."""
    return lambda view: _declare(view, longest_file=longest)


def serves_file(*types: str) -> Callable[[Decorated], Decorated]:
    """Declare that a view answers with a file of one of these media types, and with 304 to whoever has it."""
    return lambda view: _declare(view, serves=types)


def shows_page(view: Decorated) -> Decorated:
    """Declare that a view answers with a page, in HTML, whoever would rather have one."""
    return _declare(view, page=True)


def evenly_timed(view: Decorated) -> Decorated:
    """Declare that a view's answers to strangers leave at whole steps of time, which then does not tell what was found."""
    return _declare(view, even=True)


def unversioned(view: Decorated) -> Decorated:
    """Declare that what a view writes has no version: no ETag comes back, and If-Match means nothing."""
    return _declare(view, versioned=False)


def cached(lifetime: str, *, reads: tuple[str, ...]) -> Callable[[Decorated], Decorated]:
    """Declare that a view's answer is kept until one of the tables it `reads` is written to."""
    return lambda view: _declare(view, cache=CachePolicy(lifetime, reads))


MULTIPART = "multipart/form-data"
FORMS = ("application/x-www-form-urlencoded", MULTIPART)
ENVELOPE = 10_000  # bytes of a form around the file in it


class NotAForm(DomainError):
    """A file was to come as a form's field, and something else came."""

    status, code = 415, "unsupported_media_type"
    title = "The body must be multipart/form-data."


class FileTooLarge(DomainError):
    """A file of more bytes than its route takes."""

    status, code, title = 413, "too_large", "The request is too large."


class _Parser(FlaskParser):
    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE, "files": RAISE,
    }  # fmt: skip

    def _raw_load_json(self, req: Request) -> Any:
        # The application's own reader: webargs' would take lone surrogates and give up on deep nesting.
        if req.is_json:
            return json.loads(req.get_data().decode())
        if req.mimetype not in FORMS:
            return missing
        # Which _refuse_odd_bodies has let through. What is sent once is one value, what is sent twice is a list.
        return {name: sent if len(sent) > 1 else sent[0] for name, sent in req.form.lists()}


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """A blueprint whose routes are documented, parsed and dumped by flask-smorest, and guarded by their contract."""

    ARGUMENTS_PARSER = _Parser()

    def add_url_rule(
        self, rule: str, endpoint: str | None = None, view_func: View | None = None, **options: Any
    ) -> None:
        """Register `view_func` behind the steps that its contract asks for.

        :raises UndeclaredRoute: it declares no access or no limit.
        """
        assert view_func is not None
        name = endpoint or view_func.__name__
        # Registered without its last slash, either form is routed alike: werkzeug would answer a wrong method 404 on the other.
        rule = rule.rstrip("/") or ("" if self.url_prefix else "/")
        super().add_url_rule(rule, name, guarded(view_func), **options)
        for operation in self._docs[name].values():
            if isinstance(operation, dict):  # the completion of the document finds the contract by this
                operation.setdefault("manual_doc", {})["x-endpoint"] = f"{self.name}.{name}"

    def arguments(self, schema: Any, **options: Any) -> Callable[[View], View]:
        """Parse what the caller sends with `schema`, made once: given a class, webargs makes one at each request."""
        parse: Callable[[View], View] = super().arguments(
            schema() if isinstance(schema, type) else schema, **options
        )
        return parse

    def response(
        self, status_code: int, schema: Any = None, *, ready: bool = False, **options: Any
    ) -> Callable[[View], View]:
        """Dump what the view returns with `schema`; the version of a single resource is noted for its ETag.

        `ready`: the view returns what is answered, already in the form of `schema`, which then only documents it.
        """
        dump = super().response(status_code, schema, **options)

        def decorator(view: View) -> View:
            @wraps(view)
            def noting(*args: Any, **kwargs: Any) -> Any:
                result = view(*args, **kwargs)
                preconditions.note_version(result)
                return _ready_answer(result, status_code) if ready else result

            wrapped: View = dump(noting)
            return wrapped

        return decorator


def _ready_answer(result: Any, status_code: int) -> Response:
    """Return `result` as it is, without the version that its ETag tells."""
    body, headers = result if isinstance(result, tuple) else (result, {})
    if isinstance(body, dict):
        body.pop("version", None)
    answer: Response = jsonify(body)
    answer.status_code = status_code
    answer.headers.update(headers)
    return answer


def guarded(view: View) -> View:
    """Return `view` behind its limit, access, idempotency and cache; the same guard each time it is asked for.

    :raises UndeclaredRoute: `view` declares no access or no limit.
    """
    from app.extensions import limiter

    known: View | None = getattr(view, "guard", None)
    if known is not None:
        return known
    contract = contract_of(view)
    if contract.access is None or contract.limit is None:
        raise UndeclaredRoute(f"{view.__module__}.{view.__name__} declares no access or no limit.")
    name = contract.limit

    @wraps(view)
    def guard(**arguments: Any) -> Response:
        question = _question(contract)
        brought = limiter.count(name, question.shared_keys() if question else ())
        if contract.even and question is None:
            steps.leave_at_a_step()
        return _serve(view, contract, arguments, question, brought)

    view.guard = guard  # type: ignore[attr-defined]
    return guard


def _question(contract: Contract) -> caching.Question | None:
    """Return what is to be asked of the cache; None where it does not matter who calls, or nobody can be made out.

    Who an API key is shows only when it is looked up, which is a question of its own.
    """
    named = identity.principal_or_none() if _must_be_known(contract) else None
    if named is None or named.key_id is not None:
        return None
    policy = contract.cache if request.method == "GET" else None
    return caching.question(named, policy, request.endpoint or "")


def _must_be_known(contract: Contract) -> bool:
    access = contract.access
    assert access is not None
    return not access.is_public or (access.recognises and "Authorization" in request.headers)


def _serve(
    view: View,
    contract: Contract,
    arguments: dict[str, Any],
    question: caching.Question | None,
    brought: limits.Brought,
) -> Response:
    assert contract.access is not None
    principal, lookup = _admit(contract, question, brought)
    g.principal = principal
    if lookup is not None and (kept := lookup.answer()) is not None:
        return _private(kept)
    _refuse_odd_requests(view)
    if principal is None:
        answer = _soon(_run(view, arguments))
        if contract.access.recognises and request.method in ("GET", "HEAD"):
            return _private(_finish_reading(answer, contract, None))
        return answer
    with tenancy.acting_in(principal.workshop_id):
        if lookup is not None:
            lookup.complete_versions()
        answer = _soon(_run(view, arguments))
    if request.method in ("GET", "HEAD"):
        return _private(_finish_reading(answer, contract, lookup))
    return answer


def _admit(
    contract: Contract, question: caching.Question | None, brought: limits.Brought
) -> tuple[Principal | None, caching.Lookup | None]:
    """Return the caller, admitted, and what the cache has for them.

    :raises NotSignedIn: no valid token or key, or the membership has ended. :raises NotAllowed: none of the scopes.
    :raises NotForKeys: an API key, where only people may act.
    :raises SecondFactorSetupRequired: their workshop asks for a second factor, and they have none.
    """
    access = contract.access
    assert access is not None
    if not _must_be_known(contract):
        return None, None
    digest = identity.key_sent()
    if digest is None:
        identity.authenticate()
        assert question is not None
        principal, lookup = _standing(question, brought)
    else:
        principal, lookup = _key_standing(digest, contract.cache if request.method == "GET" else None)
        if (access.members and not access.keys) or (access.scopes and FOR_PEOPLE.issuperset(access.scopes)):
            identity.require_person(principal)
    if access.scopes and principal.second_factor_due:
        raise SecondFactorSetupRequired("Set yours up first: POST /auth/second_factor.")
    if access.scopes and not principal.may(*access.scopes):
        raise NotAllowed(f"This needs the scope {' or '.join(f'`{name}`' for name in access.scopes)}.")
    return principal, lookup


def _standing(question: caching.Question, brought: limits.Brought) -> tuple[Principal, caching.Lookup | None]:
    """Return the caller as they stand now, and what the cache has for them; the database is asked if the cache cannot say.

    :raises NotSignedIn: the session or the membership has ended.
    """
    named = question.principal
    known, standing, lookup = question.answered(brought)
    if not known:
        standing = identity.still_stands(named)
    if standing is None:
        raise NotSignedIn("The token is invalid: the session, the account or its membership has ended.")
    if not known:
        caching.remember(named, standing)
    principal = standing.of(named)
    # What is kept is kept by what the token says; one whose owner may do less by now is answered afresh.
    return principal, lookup if principal.scopes == named.scopes else None


def _key_standing(digest: bytes, policy: CachePolicy | None) -> tuple[Principal, caching.Lookup | None]:
    """Return by whom an API key acts now, and what the cache has for them; the database is asked if the cache cannot say.

    :raises KeyRefused: unknown, expired or revoked, or its membership has ended.
    """
    guess: Principal | None = keys.last_seen(digest)
    standing, lookup = caching.look_up_key(digest, guess, policy, request.endpoint or "")
    if standing is None:
        standing = identity.key_stands(digest)
        if standing is not None:
            caching.remember_key(digest, standing)
    if standing is None or standing.has_expired:
        keys.forget(digest)
        raise KeyRefused()
    principal = g.identity = standing.principal
    keys.see(digest, principal)
    guessed_well = guess == principal and guess.scopes == principal.scopes
    return principal, lookup if guessed_well else None


def _run(view: View, arguments: dict[str, Any]) -> Response:
    if request.method == "POST":
        return idempotency.once(_as_tagged_response(view), arguments)
    if request.method not in ("GET", "HEAD"):
        return _as_tagged_response(view)(**arguments)
    try:
        return _as_response(view)(**arguments)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        from app.extensions import db

        db.session.rollback()  # the connection died with the server's restart; a read is asked once more
        return _as_response(view)(**arguments)


def _soon(answer: Response) -> Response:
    """Let an answer that is not there yet say when to come back, as it does itself."""
    if answer.status_code == 202 and "Retry-After" in answer.headers:
        g.retry_after = answer.headers["Retry-After"]
    return answer


def _as_response(view: View) -> Callable[..., Response]:
    @wraps(view)
    def answering(**arguments: Any) -> Response:
        return make_response(current_app.ensure_sync(view)(**arguments))

    return answering


def _as_tagged_response(view: View) -> Callable[..., Response]:
    def tagging(**arguments: Any) -> Response:
        answer = _as_response(view)(**arguments)
        version = g.get("row_version")
        if version is not None and answer.status_code in (200, 201) and "ETag" not in answer.headers:
            preconditions.tag(answer, version)
        return answer

    return tagging


def _finish_reading(answer: Response, contract: Contract, lookup: caching.Lookup | None) -> Response:
    if answer.status_code != 200 or answer.is_streamed:
        return answer
    preconditions.tag(answer, g.get("row_version"))
    if lookup is not None and contract.cache is not None:
        lookup.keep(answer, current_app.config["CACHE_SECONDS"][contract.cache.lifetime])
    return preconditions.answer_conditionally(answer)


def _private(answer: Response) -> Response:
    answer.headers["Cache-Control"] = "private, no-cache"
    return answer


def _refuse_odd_requests(view: View) -> None:
    """Refuse what no schema sees: query parameters that the route has not or that come twice, and a body that is not JSON."""
    locations, body_needed = _what_it_takes(view)
    if request.query_string and "query" not in locations:
        unknown = {name: ["Unknown parameter."] for name in request.args}
        raise Invalid("This route has no query parameters.", errors=unknown)
    if repeated := [name for name, values in request.args.lists() if len(values) > 1]:
        errors = {name: ["Given more than once."] for name in repeated}
        raise Invalid("Each query parameter is taken once.", errors=errors)
    if "json" in locations:
        _refuse_odd_bodies(body_needed, FORMS if contract_of(view).forms else ())
    if (longest := contract_of(view).longest_file) is not None:
        _refuse_odd_files(longest)


def _refuse_odd_bodies(needed: bool, forms: tuple[str, ...]) -> None:
    is_form = request.mimetype in forms
    if not (request.is_json or is_form) and (request.mimetype or request.content_length):
        raise UnsupportedMediaType()
    body = request.form if is_form else request.get_data()
    if not body and needed:
        raise Invalid("A body is needed.")
    if is_form:
        return
    if request.content_length is None and len(body) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge()  # sent in chunks, and cut there without a word


def _refuse_odd_files(longest: int) -> None:
    """Refuse what is no form, a file that is too large, and fields beside it. Nothing is read before the caller is admitted."""
    if request.mimetype != MULTIPART:
        raise NotAForm("Send multipart/form-data, with the file as a field.")
    request.max_content_length = longest + ENVELOPE
    if request.content_length is not None and request.content_length > longest + ENVELOPE:
        raise FileTooLarge(f"A file has at most {longest // 1_000_000} MB.")
    if request.form:
        raise Invalid("See `errors`.", errors={name: ["Unknown field."] for name in request.form})
    if repeated := [name for name, sent in request.files.lists() if len(sent) > 1]:
        raise Invalid("See `errors`.", errors={name: ["Given more than once."] for name in repeated})


def _what_it_takes(view: View) -> tuple[frozenset[str], bool]:
    """Return the places in a request where a view's arguments come from, and whether it needs a body."""
    known: tuple[frozenset[str], bool] | None = getattr(view, "takes", None)
    if known is None:
        parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
        needed = any(
            parameter["in"] == "json" and parameter.get("required", True) for parameter in parameters
        )
        known = frozenset(parameter["in"] for parameter in parameters), needed
        view.takes = known  # type: ignore[attr-defined]
    return known


def adopt(app: Flask, endpoint: str, *, limit: str) -> None:
    """Declare a library's `endpoint` public, under the limit named `limit`."""

    view = app.view_functions[endpoint]

    @wraps(view)
    def adopted(**arguments: Any) -> Any:
        return view(**arguments)

    adopted.__qualname__ = adopted.__name__ = endpoint.replace(".", "_")
    app.view_functions[endpoint] = guarded(public(limited(limit)(adopted)))


def require_declared_routes(app: Flask) -> None:
    """Refuse to start with a route that went round the contract.

    :raises UndeclaredRoute: naming the routes.
    """
    stray = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if contract_of(app.view_functions[rule.endpoint]).access is None
    ]
    if stray:
        raise UndeclaredRoute(f"No access is declared for {', '.join(stray)}.")
