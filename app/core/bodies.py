"""What a request may bring: how a body is read, and what is refused before any schema sees it."""

from __future__ import annotations

import json as plain_json
import re
from collections import Counter
from typing import Any
from unicodedata import category
from urllib.parse import unquote_to_bytes

from flask import Request, current_app, json, request
from marshmallow import RAISE
from webargs import missing
from webargs.flaskparser import FlaskParser
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge, UnsupportedMediaType

from app.core.contract import View, contract_of
from app.core.errors import DomainError, Invalid

JSON, MERGE_PATCH = "application/json", "application/merge-patch+json"  # RFC 8259, RFC 7396
MULTIPART = "multipart/form-data"
FORMS = ("application/x-www-form-urlencoded", MULTIPART)
ENVELOPE = 10_000  # bytes of a form around the file in it
_BACKSLASH = re.compile(r'\\(?!")')  # but one that escapes a quotation mark
NO_NAME = "Send the file under its name alone: no path, no control characters."


class NotAForm(DomainError):
    """A file was to come as a form's field, and something else came."""

    status, code = 415, "unsupported_media_type"
    title = "The body must be multipart/form-data."


class FileTooLarge(DomainError):
    """A file of more bytes than its route takes."""

    status, code, title = 413, "too_large", "The request is too large."


class Parser(FlaskParser):
    DEFAULT_VALIDATION_STATUS = 400
    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION, "query": RAISE, "files": RAISE,
    }  # fmt: skip

    def _raw_load_json(self, req: Request) -> Any:
        # The application's own reader: webargs' would take lone surrogates and give up on deep nesting.
        if req.is_json:
            text = req.get_data().decode()
            read = json.loads(text)
            _refuse_repeated_names(text)
            return read
        if req.mimetype not in FORMS:
            return missing
        # Which _refuse_odd_bodies has let through. What is sent once is one value, what is sent twice is a list.
        return {name: sent if len(sent) > 1 else sent[0] for name, sent in req.form.lists()}


def _refuse_repeated_names(text: str) -> None:
    """Refuse an object that has a name twice (RFC 8259, 4): who reads the last, and who looks at the first, differ.

    What is read here is JSON already; only its names are looked at.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        named = dict(pairs)
        if len(named) < len(pairs):
            times = Counter(name for name, _ in pairs)
            repeated = {name: ["Given more than once."] for name in named if times[name] > 1}
            raise Invalid("See `errors`.", errors=repeated)
        return named

    try:
        plain_json.loads(text, object_pairs_hook=once, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise Invalid("The body is nested too deeply.") from error


def refuse_odd_requests(view: View) -> None:
    """Refuse what no schema sees: query parameters that the route has not or that come twice, and a body that is not JSON."""
    locations, body_needed = _what_it_takes(view)
    if request.query_string and "query" not in locations:
        unknown = {name: ["Unknown parameter."] for name in request.args}
        raise Invalid("This route has no query parameters.", errors=unknown)
    if not _is_utf8(request.query_string):
        raise Invalid("The query is not UTF-8.")
    if repeated := [name for name, values in request.args.lists() if len(values) > 1]:
        errors = {name: ["Given more than once."] for name in repeated}
        raise Invalid("Each query parameter is taken once.", errors=errors)
    if "json" in locations:
        _refuse_odd_bodies(body_needed, FORMS if contract_of(view).forms else ())
    if (longest := contract_of(view).longest_file) is not None:
        _refuse_odd_files(longest)


def _is_utf8(query: bytes) -> bool:
    """Tell whether a query is text (RFC 3987, 3.1); what is none would be read as marks in its place, and looked for."""
    try:
        unquote_to_bytes(query).decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_odd_bodies(needed: bool, forms: tuple[str, ...]) -> None:
    is_form = request.mimetype in forms
    if not (is_form or _is_json()) and (request.mimetype or request.content_length):
        raise UnsupportedMediaType()
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("Send the body as it is, without a Content-Encoding.")
    body = request.form if is_form else request.get_data()
    if not body and needed:
        raise Invalid("A body is needed.")
    if is_form:
        return
    if request.content_length is None and len(body) >= current_app.config["MAX_CONTENT_LENGTH"]:
        raise RequestEntityTooLarge()  # sent in chunks, and cut there without a word


def _is_json() -> bool:
    """Tell whether the body is JSON; other types that are written in it, such as JSON Patch, mean something else by it."""
    return request.mimetype == JSON or (request.method == "PATCH" and request.mimetype == MERGE_PATCH)


def _refuse_odd_files(longest: int) -> None:
    """Refuse what is no form, a file that is too large or is called by a path, and fields beside it.

    Nothing is read before the caller is admitted.
    """
    if request.mimetype != MULTIPART:
        raise NotAForm("Send multipart/form-data, with the file as a field.")
    request.max_content_length = longest + ENVELOPE
    if request.content_length is not None and request.content_length > longest + ENVELOPE:
        raise FileTooLarge(f"A file has at most {longest // 1_000_000} MB.")
    if request.form:
        raise Invalid("See `errors`.", errors={name: ["Unknown field."] for name in request.form})
    if repeated := [name for name, sent in request.files.lists() if len(sent) > 1]:
        raise Invalid("See `errors`.", errors={name: ["Given more than once."] for name in repeated})
    if paths := [name for name, sent in request.files.items() if not _is_a_name(sent)]:
        raise Invalid("See `errors`.", errors={name: [NO_NAME] for name in paths})


def _is_a_name(sent: FileStorage) -> bool:
    """Tell whether a file is called as files are: by no path, and without control characters.

    Reading takes a backslash for an escape and leaves it out, so that it is looked for as it was sent: browsers escape none.
    """
    called = sent.filename or ""
    is_odd = any(letter == "/" or category(letter) == "Cc" for letter in called)
    has_backslash = _BACKSLASH.search(sent.headers.get("Content-Disposition", "")) is not None
    return not is_odd and not has_backslash and called not in (".", "..")


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
