"""Idempotency keys: a POST sent again with the same `Idempotency-Key` gets the first answer and does nothing.

(The header is that of draft-ietf-httpapi-idempotency-key-header.) A key is claimed in a transaction of its own, so that a
second request sees it at once; the answer is kept in the transaction that does the work, so that there is never one
without the other. A claim whose worker died is taken over after a minute, longer than any request may run. Kept answers are
encrypted: they may carry personal data or a token. What is shown once is not kept: sent again, such a request runs again.
"""

from __future__ import annotations

import hashlib
import html
from collections.abc import Callable, Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from flask import Response, current_app, g, json, request
from sqlalchemy import (
    CursorResult,
    Integer,
    LargeBinary,
    Select,
    String,
    UniqueConstraint,
    delete,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.exceptions import HTTPException

from app.core import clock, crypto, identity, limits
from app.core.bodies import FORMS
from app.core.db import Id, Instant, atomic
from app.core.errors import Conflict, DomainError, Invalid, of_domain_error
from app.core.model import Model

KEPT = timedelta(hours=24)
CLAIMED = timedelta(seconds=60)
PURGE_EVERY = 100
LOOKED_AT_ONCE = 200
READ_AT_ONCE = 256 * 1024  # bytes of a file
KEPT_HEADERS = (
    "Content-Type", "Content-Security-Policy", "ETag", "Location", "Retry-After", "Set-Cookie", "Vary",
)  # fmt: skip
NOT_KEPT = (401, 403, 412, 429)


class IdempotencyKey(Model):
    """A key that a caller sent to a route, and the answer it got. Belongs to the installation, not to a workshop."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("caller", "route", "key"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    caller: Mapped[str] = mapped_column(String(120))
    route: Mapped[str] = mapped_column(String(300))
    key: Mapped[str] = mapped_column(String(255))
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary(32))
    claimed_at: Mapped[datetime] = mapped_column(Instant)
    created_at: Mapped[datetime] = mapped_column(Instant, index=True)
    status: Mapped[int | None] = mapped_column(Integer)
    answer: Mapped[str | None] = mapped_column(crypto.EncryptedText)


class KeyReused(DomainError):
    """The key was sent before with another request."""

    status, code = 422, "idempotency_key_reused"
    title = "The Idempotency-Key was used with another request."


class StillRunning(Conflict):
    """The first request with this key has not been answered yet."""

    code, title = "request_in_progress", "The first request with this Idempotency-Key is still running."


class AnswerErased(Conflict):
    """The answer that was kept under the key told of somebody who has been erased."""

    code, title = (
        "answer_erased",
        "It was done; what was answered told of somebody who has been erased since.",
    )


class LostClaim(RuntimeError):
    """Another request took the claim over while this one ran; its work is undone."""


def once(view: Callable[..., Response], arguments: dict[str, Any], cookie: str | None = None) -> Response:
    """Run `view`, or replay the answer that the same request got before.

    `cookie`: by which its callers show who they are; without it a request is another one.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return view(**arguments)
    if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
        raise Invalid("An Idempotency-Key has 1 to 255 printable characters.")
    claim = _claim(key, cookie)
    if isinstance(claim, Response):
        return claim
    try:
        with atomic():
            try:
                answer = view(**arguments)
            except DomainError as refusal:
                if not refusal.keeps_work:
                    raise
                answer = _told(refusal)
                _settle_refusal(claim, answer)
            else:
                _settle(claim, answer)
        return answer
    except (DomainError, HTTPException) as refusal:
        answer = _told(refusal)
        _settle_refusal(claim, answer)
        return answer
    except Exception:
        _release(claim)
        raise


def _told(refusal: DomainError | HTTPException) -> Response:
    """Return a refusal as its route tells it: by a problem document, or on a page."""
    return current_app.make_response(current_app.handle_user_exception(refusal))


def show_once() -> None:
    """Let the answer to this request not be kept: a secret in it is shown to nobody a second time."""
    g.shown_once = True


def _settle(claim: tuple[int, datetime], answer: Response) -> None:
    if g.get("shown_once"):
        _release(claim)
    else:
        _keep(claim, answer)


def _claim(key: str, cookie: str | None = None) -> tuple[int, datetime] | Response:
    """Claim `key`, or return the answer that is kept under it.

    :raises KeyReused: it was sent with another request. :raises StillRunning: its first request still runs.
    """
    from app.extensions import db

    now = clock.now()
    route = f"{request.method} {request.path.rstrip('/')}"[:300]  # either spelling is routed alike
    values = {
        "caller": _caller(),
        "route": route,
        "key": key,
        "fingerprint": _fingerprint(cookie),
        "claimed_at": now,
        "created_at": now,
    }
    with atomic() as session:
        insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        statement = (
            insert(IdempotencyKey).values(**values).on_conflict_do_nothing().returning(IdempotencyKey.id)
        )
        claimed = session.execute(statement).scalar_one_or_none()
        if claimed is not None:
            if claimed % PURGE_EVERY == 0:
                session.execute(delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEPT))
            return claimed, now
        kept = session.query(IdempotencyKey).filter_by(caller=values["caller"], route=route, key=key).first()
        if kept is None:  # its first request has just been refused, and let go of it
            raise StillRunning(headers={"Retry-After": "1"})
        if kept.created_at < now - KEPT:
            return _take_over(kept, values)
        if kept.fingerprint != values["fingerprint"]:
            raise KeyReused()
        if kept.answer is not None:
            return _replay(kept)
        if kept.claimed_at > now - CLAIMED:
            raise StillRunning(headers={"Retry-After": "1"})
        return _take_over(kept, values)


def _caller() -> str:
    """Return whose key it is: the membership's, since an account may act in several workshops, else who is counted."""
    principal = identity.principal_or_none()
    if principal is None or principal.key_id is not None or not principal.membership_id:
        return limits.caller()
    return f"member:{principal.membership_id}"


def _fingerprint(cookie: str | None) -> bytes:
    """Return a digest of all that the answer depends on, apart from caller and route; keyed, for a body may hold a password."""
    workshop = request.headers.get("X-Workshop", "").encode()
    body = _form_sent() if request.mimetype in FORMS else (request.get_data(),)
    shown = _shown_by(cookie) if cookie else ()
    return crypto.keyed_digest("idempotency", b"\0".join((workshop, request.query_string, *body, *shown)))


def _shown_by(cookie: str) -> Iterator[bytes]:
    """Yield by what a browser shows that it is the same: who has but the address in common with it has neither."""
    yield b"by cookie"
    for said in (request.cookies.get(cookie, ""), request.headers.get("X-CSRF-Token", "")):
        yield hashlib.sha256(said.encode()).digest()


def _form_sent() -> Iterator[bytes]:
    """Yield what tells forms apart: one is read once, and its boundary differs each time that it is sent."""
    yield json.dumps(list(request.form.items(multi=True))).encode()
    for name, sent in request.files.items(multi=True):
        digest = hashlib.sha256()
        while part := sent.stream.read(READ_AT_ONCE):
            digest.update(part)
        sent.stream.seek(0)
        yield from (name.encode(), (sent.filename or "").encode(), digest.digest())


def _take_over(kept: IdempotencyKey, values: dict[str, Any]) -> tuple[int, datetime]:
    """Claim a key whose answer has expired or whose worker died; of several who try, one gets it."""
    statement = (
        update(IdempotencyKey)
        .where(IdempotencyKey.id == kept.id, IdempotencyKey.claimed_at == kept.claimed_at)
        .values(**values, status=None, answer=None)
        .execution_options(synchronize_session=False)
    )
    if _changed(statement) != 1:
        raise StillRunning(headers={"Retry-After": "1"})
    return kept.id, values["claimed_at"]


def _changed(statement: Any) -> int:
    with atomic() as session:
        result = session.execute(statement)
        assert isinstance(result, CursorResult)
        return result.rowcount


def _keep(claim: tuple[int, datetime], answer: Response) -> None:
    statement = (
        update(IdempotencyKey)
        .where(IdempotencyKey.id == claim[0], IdempotencyKey.claimed_at == claim[1])
        .values(status=answer.status_code, answer=_written(answer))
        .execution_options(synchronize_session=False)
    )
    if _changed(statement) != 1:
        raise LostClaim


def _written(answer: Response) -> str:
    return json.dumps(
        {
            "headers": [(name, value) for name in KEPT_HEADERS for value in answer.headers.getlist(name)],
            "body": answer.get_data(as_text=True),
        }
    )


def _replay(kept: IdempotencyKey) -> Response:
    assert kept.answer is not None
    document = json.loads(kept.answer)
    answer = Response(document["body"], status=kept.status, headers=document["headers"])
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _settle_refusal(claim: tuple[int, datetime], answer: Response) -> None:
    """Keep a refusal that the same request would meet again; let one that may pass be tried again."""
    if answer.status_code >= 500 or answer.status_code in NOT_KEPT:
        _release(claim)
    else:
        with atomic():
            _keep(claim, answer)


def _release(claim: tuple[int, datetime]) -> None:
    with atomic() as session:
        session.execute(
            delete(IdempotencyKey).where(IdempotencyKey.id == claim[0], IdempotencyKey.claimed_at == claim[1])
        )


# ---- Erasing ------------------------------------------------------------------------------------------------------


def forget_person(members: Select[Any], customer_id: int, words: Collection[str]) -> int:
    """Take a customer out of the answers that are kept; return how many told of them. Inside the erasure's `atomic()`.

    Looked at is what `members` (as the column `caller` writes them) were answered, and who is no member. The keys stay, so that
    nothing is done a second time: who sends one again is told that the answer is gone.
    """
    statement = (
        select(IdempotencyKey)
        .where(
            IdempotencyKey.answer.is_not(None),
            or_(IdempotencyKey.caller.in_(members), ~IdempotencyKey.caller.like("member:%")),
        )
        .order_by(IdempotencyKey.id)
        .limit(LOOKED_AT_ONCE)
    )
    erased, seen, more = 0, 0, True
    with atomic() as session:
        while more:
            found = session.scalars(statement.where(IdempotencyKey.id > seen)).all()
            more = len(found) == LOOKED_AT_ONCE
            for kept in found:
                assert kept.answer is not None
                if _names(json.loads(kept.answer)["body"], customer_id, words):
                    gone = of_domain_error(AnswerErased())
                    kept.status, kept.answer = gone.status_code, _written(gone)
                    erased += 1
                seen = kept.id
            session.flush()
    return erased


def _names(body: str, customer_id: int, words: Collection[str]) -> bool:
    """Tell whether what was answered names a person: in JSON as a value of its own, on a page anywhere in its text."""
    try:
        told = json.loads(body)
    except ValueError:
        text = html.unescape(body)
        return any(word in text for word in words)
    return _tells_of(told, customer_id, words)


def _tells_of(told: Any, customer_id: int, words: Collection[str]) -> bool:
    """Tell whether something in an answer is a person's number or one of the `words` that they go by."""
    if isinstance(told, dict):
        named = told.get("customer_id") == customer_id or any(
            _tells_of(inner, customer_id, words) for inner in told.values()
        )
    elif isinstance(told, list):
        named = any(_tells_of(inner, customer_id, words) for inner in told)
    else:
        named = told in words
    return named
