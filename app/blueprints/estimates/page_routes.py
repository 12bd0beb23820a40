"""The page behind the link in the letter: HTML for people, JSON for programs, without an account."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time, get_timezone_name
from babel.numbers import format_decimal
from flask import Response, make_response, render_template, request
from werkzeug.exceptions import HTTPException

from app.blueprints.estimates import deciding
from app.blueprints.estimates.models import Estimate
from app.blueprints.estimates.schemas import DecisionByLinkIn, EstimateByLinkOut, told
from app.blueprints.estimates.service import head_of, written
from app.blueprints.estimates.words import WORDS
from app.core import errors, tenancy
from app.core.contract import limited, public, shows_page, takes_forms, unversioned
from app.core.errors import DomainError, Invalid
from app.core.headers import add_headers
from app.core.letters import language_of
from app.core.serving import Blueprint

bp = Blueprint(
    "estimate_page", __name__, url_prefix="/estimates", description="An estimate, for whoever has its link."
)
# The page's own style sheet and its form, and nothing else.
POLICY = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
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
    add_headers(("Vary", "Accept"))
    with tenancy.acting_in(estimate.workshop_id):
        head = head_of(estimate)
        shown = told(estimate) | head
        return _page(shown, None, 200) if wants_page() else shown


@bp.errorhandler(DomainError)
def _refused(error: DomainError) -> Response:
    """Tell people on the page why not; programs get the problem document that they get everywhere."""
    if not wants_page():
        return errors.of_domain_error(error)
    add_headers(("Vary", "Accept"))
    token = (request.view_args or {}).get("token", "")
    try:
        estimate = deciding.opened(token)
    except DomainError:
        return _page({}, error, error.status)
    with tenancy.acting_in(estimate.workshop_id):
        shown = told(estimate) | head_of(estimate)
    return _page(shown, error, error.status)


@bp.errorhandler(HTTPException)
def _misread(error: HTTPException) -> Response:
    """Tell people on the page that their form is not whole."""
    if not wants_page():
        return errors.of_http_exception(error)
    answer: Response = _refused(Invalid())
    return answer


def _page(shown: dict[str, Any], error: DomainError | None, status: int) -> Response:
    """Return the page: of all that is `shown` of an estimate, or, where that is nothing, of why."""
    locale = shown.get("locale") or request.accept_languages.best_match(WORDS) or "en"
    language = language_of(locale)
    page = render_template(
        "estimate.html",
        say=WORDS[language],
        language=language,
        estimate=shown,
        problem=_problem(error, language),
        money=lambda amount: written(amount, shown["currency"], locale),
        number=lambda value: format_decimal(value, locale=locale.replace("-", "_"), format="#,##0.###"),
        moment=lambda when: _moment(when, shown, language),
        sent=request.form,
    )
    answer = make_response(page, status)
    answer.headers["Content-Type"] = "text/html; charset=utf-8"
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _problem(error: DomainError | None, language: str) -> str | None:
    if error is None:
        return None
    known = WORDS[language]["problems"]
    found: str = known.get(error.code) or known["other"]
    return found


def _moment(when: Any, shown: dict[str, Any], language: str) -> str:
    """Return when, to the minute, on the workshop's clock, which it names."""
    there = when.astimezone(ZoneInfo(shown["time_zone"]))
    day, time = format_date(there, "long", locale=language), format_time(there, "short", locale=language)
    return f"{day}, {time} {get_timezone_name(there, 'short', locale=language)}"
