"""The page behind the link in the letter: HTML for people, JSON for programs, without an account."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_decimal
from flask import Response, make_response, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import HTTPException

from app.blueprints.estimates import deciding
from app.blueprints.estimates.errors import EstimateDecided
from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.schemas import DecisionByLinkIn, EstimateByLinkOut, told
from app.blueprints.estimates.service import head_of
from app.blueprints.estimates.words import WORDS
from app.core import errors, tenancy
from app.core.contract import limited, public, shows_page, takes_forms, unversioned
from app.core.errors import DomainError
from app.core.letters import language_of, locale_of
from app.core.money import written
from app.core.serving import Blueprint

bp = Blueprint(
    "estimate_page", __name__, url_prefix="/estimates", description="An estimate, for whoever has its link."
)
# The page's own style sheet and its form, and nothing else.
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
VARY = {"Vary": "Accept"}
FIELDS = frozenset(DecisionByLinkIn._declared_fields)
TOKEN = {
    "in": "path",
    "name": "token",
    "required": True,
    "description": "What the link in the letter ends with.",
    "example": "AAAAAAAAAAEAAAAAAAAAAQ",
}


@bp.get("/<string:token>", parameters=[TOKEN], tags=["estimates"])
@limited("estimate_page")
@public
@shows_page
@bp.response(200, EstimateByLinkOut)
@bp.alt_response(403, description="The workshop is suspended.")
def get_estimate_by_link(token: str) -> Any:
    """Show an estimate to whoever has its link: as a page to a browser, as JSON to who asks for it."""
    return _answer(deciding.opened(token))


@bp.post("/<string:token>", parameters=[TOKEN], tags=["estimates"])
@limited("estimate_decision")
@public
@takes_forms
@shows_page
@unversioned
@bp.arguments(DecisionByLinkIn)
@bp.response(200, EstimateByLinkOut)
@bp.alt_response(403, description="The workshop is suspended.")
def decide_estimate_by_link(decision: dict[str, Any], token: str) -> Any:
    """Decide an estimate line by line, as whoever has its link; what is not accepted is declined."""
    return _answer(
        deciding.decide_by_link(
            token,
            decision["accepted_line_ids"],
            decision["name"],
            request.remote_addr,
            request.user_agent.string or None,
        )
    )


def wants_page() -> bool:
    """Tell whether who asks would rather look at a page than read JSON."""
    found = request.accept_mimetypes
    return found["text/html"] > found["application/json"]


def _answer(estimate: Estimate) -> Any:
    with tenancy.acting_in(estimate.workshop_id):
        shown = told(estimate) | head_of(estimate)
        return _page(shown, None, 200) if wants_page() else (shown, VARY)


@bp.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    """Tell people on the page why not; programs get the problem document that they get everywhere."""
    return _as_wanted(errors.of_domain_error(error))


@bp.errorhandler(HTTPException)
def _not_taken(error: HTTPException) -> Response:
    """Tell people on the page that what they sent was not even looked at, and why."""
    return _as_wanted(errors.of_http_exception(error))


def _as_wanted(problem: Response) -> Response:
    """Return a problem document, or for people the page that says the same, with its status and headers."""
    problem.headers.update(VARY)
    if not wants_page():
        return problem
    status = problem.status_code
    page = _page({} if status == 429 else _still_shown(), problem.get_json(), status)
    page.headers.extend((name, value) for name, value in problem.headers if name not in page.headers)
    return page


def _still_shown() -> dict[str, Any]:
    """Return what is shown of the estimate though something was refused; nothing, where that is the estimate itself."""
    try:
        estimate = deciding.opened((request.view_args or {}).get("token", ""))
    except DomainError:
        return {}
    with tenancy.acting_in(estimate.workshop_id):
        return told(estimate) | head_of(estimate)


def _page(shown: dict[str, Any], problem: dict[str, Any] | None, status: int) -> Response:
    """Return the page: of all that is `shown` of an estimate, or, where that is nothing, of why."""
    locale = locale_of(shown.get("locale") or request.accept_languages.best_match(WORDS) or "en")
    language = language_of(locale)
    page = render_template(
        "estimate.html",
        say=WORDS[language],
        language=language,
        estimate=shown,
        problem=_in_words(problem, language),
        was_decided=bool(shown) and problem is not None and problem["code"] == EstimateDecided.code,
        money=lambda amount: written(amount, shown["currency"], locale),
        number=lambda value: format_decimal(value, locale=locale, format="#,##0.###"),
        dialled=lambda phone: re.sub(r"[^0-9+]", "", phone),
        moment=lambda when: _moment(when, shown, locale),
        sent=_sent(),
    )
    answer = make_response(page, status)
    answer.headers["Content-Type"] = "text/html; charset=utf-8"
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers.update(VARY)
    return answer


def _sent() -> MultiDict[str, str]:
    """Return the fields of the form that came, to be filled in again; none, where it could not be read."""
    try:
        return request.form
    except HTTPException:
        return MultiDict()


def _in_words(problem: dict[str, Any] | None, language: str) -> str | None:
    """Return what people are told of a problem: of one with their form, what to do about it."""
    if problem is None:
        return None
    known = WORDS[language]["problems"]
    code = problem["code"]
    if code == "invalid_request" and not FIELDS.issuperset(
        field.partition(".")[0] for field in problem.get("errors", ())
    ):
        code = "unreadable"
    found: str = known.get(code) or known["other"]
    return found


def _moment(when: Any, shown: dict[str, Any], locale: str) -> str:
    """Return when, to the minute, on the workshop's clock, which it names."""
    there = when.astimezone(ZoneInfo(shown["time_zone"]))
    day, time = format_date(there, "long", locale=locale), format_time(there, "short", locale=locale)
    return f"{day}, {time} {get_timezone_name(there, 'short', locale=locale)}"
