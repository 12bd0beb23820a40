"""How a route is served: the steps that its contract asks for, around its view, in the one right order.

    limit → access → idempotency key (POST) or cache (GET) → parse → view → dump → ETag

The limit comes before access so that refused sign-ins count; the cache comes below access so that nobody is shown what is
another's; the cached answer is complete, so a hit runs no view and no statement.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Flask, Response, current_app, g, jsonify, make_response, request
from flask_smorest import Blueprint as SmorestBlueprint
from sqlalchemy.exc import DBAPIError

from app.core import bodies, caching, idempotency, identity, keys, limits, preconditions, steps, tenancy
from app.core.caching import CachePolicy
from app.core.contract import Contract, UndeclaredRoute, View, contract_of, limited, public
from app.core.errors import NotAllowed, NotSignedIn, SecondFactorSetupRequired
from app.core.identity import KeyRefused, Principal
from app.core.scopes import FOR_PEOPLE


class Blueprint(SmorestBlueprint):  # type: ignore[misc]
    """A blueprint whose routes are documented, parsed and dumped by flask-smorest, and guarded by their contract."""

    ARGUMENTS_PARSER = bodies.Parser()

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
    try:
        principal, lookup = _admit(contract, question, brought)
    except NotSignedIn:
        if contract.cookie is None or not contract.access.recognises:
            raise
        principal, lookup = None, None  # who they are may be shown otherwise
    g.principal = principal
    if lookup is not None and (kept := lookup.answer()) is not None:
        return _private(kept)
    bodies.refuse_odd_requests(view)
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
        return idempotency.once(_as_tagged_response(view), arguments, contract_of(view).cookie)
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
