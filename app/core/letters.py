"""What mail says: the topics with the values that each takes, and their templates in every language.

One template a topic and language makes both the text and the HTML of a letter, so that the two never tell different things. A
value that is missing, unknown or of the wrong kind is an error where the letter is queued, not where it is sent.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.policy import SMTPUTF8
from email.utils import format_datetime as rfc5322_date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal
from uuid import UUID
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime
from babel.units import format_unit
from flask import json
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from app.core import clock
from config import is_address

Kind = Literal["text", "number", "link", "instant", "day", "lines"]

LANGUAGES = ("en", "pl", "de")
DEFAULT_LANGUAGE = "en"
LONGEST_TEXT = 300
MOST_LINES = 50
LINE = 76
TEMPLATES = Path(__file__).parent.parent / "templates" / "mail"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LINK = re.compile(r"https?://[^\s<>\"]+")

TOPICS: dict[str, dict[str, Kind]] = {
    "recovery_code": {"code": "text", "minutes": "number"},
    "password_changed": {},
    "verify_email": {"link": "link", "code": "text"},
    "email_change_old": {"new_address_masked": "text", "link": "link", "code": "text"},
    "email_change_new": {"link": "link", "code": "text"},
    "account_locked": {"minutes": "number", "address": "text"},
    "invitation_staff": {"workshop": "text", "role": "text", "link": "link", "hours": "number"},
    "invitation_customer": {"workshop": "text", "link": "link", "hours": "number"},
    "second_factor_on": {},
    "second_factor_off": {},
    "second_factor_removed": {},
    "second_factor_recovery_code": {"left": "number"},
    "second_factor_locked": {"minutes": "number", "address": "text"},
    "export_ready": {"number": "number", "until": "instant"},
    "estimate": {"number": "number", "total": "text", "until": "instant", "link": "link"},
    "estimate_decided": {
        "number": "number",
        "accepted": "number",
        "declined": "number",
        "total": "text",
        "link": "link",
    },
    "account_opened": {"link": "link", "hours": "number"},
    "admin_added": {},
    "workshop_opened": {},
    "workshop_suspended": {"workshop": "text", "reason": "text"},
    "workshop_reinstated": {"workshop": "text"},
    "progress_update": {"number": "number", "words": "text"},
    "ticket_completed": {"number": "number"},
    "maintenance_due": {"title": "text", "car": "text", "on": "day"},
    "stock_digest": {"number": "number", "more": "number", "items": "lines"},
    "purchase_order": {"order": "text", "contact": "text"},
}


class WrongValues(ValueError):
    """A topic that does not exist, or values that are not what it takes: a fault of ours."""


@dataclass(frozen=True, slots=True)
class Letterhead:
    """In whose name a letter is written: a workshop's name, its locale and its time zone, and where it is called."""

    name: str
    locale: str = DEFAULT_LANGUAGE
    time_zone: str = "UTC"
    phone: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that goes with a letter."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Letter:
    """One message, ready to leave."""

    message_id: str
    sender_name: str
    sender: str
    recipient: str
    subject: str
    text: str
    html: str
    language: str
    attachments: tuple[Attachment, ...] = ()

    @property
    def key(self) -> str:
        """What makes two copies one: the unique part of the Message-ID, a UUID."""
        return str(UUID(self.message_id.strip("<>").partition("@")[0]))

    @property
    def envelope(self) -> str:
        """The recipient as a server is told: the domain in ASCII (RFC 5891)."""
        local, _, domain = self.recipient.rpartition("@")
        return f"{local}@{domain.encode('idna').decode()}"

    def as_mime(self) -> EmailMessage:
        """Return the message as it travels (RFC 5322), text and HTML side by side.

        Names lose their control characters here.
        :raises ValueError: the recipient is no address.
        """
        if not is_address(self.recipient):
            raise ValueError("The recipient is not an address.")
        local, _, domain = self.envelope.rpartition("@")
        made = EmailMessage(policy=SMTP_POLICY if local.isascii() else SMTPUTF8)
        made["From"] = Address(one_line(self.sender_name), addr_spec=self.sender)
        made["To"] = Address(username=local, domain=domain)
        made["Subject"] = one_line(self.subject)
        made["Date"] = rfc5322_date(clock.now())
        made["Message-ID"] = self.message_id
        made["X-Outbox-Id"] = self.key
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no "I am on holiday" to a machine
        made.set_content(self.text, cte="quoted-printable")
        made.add_alternative(self.html, subtype="html", cte="quoted-printable")
        for one in self.attachments:
            kind, _, subkind = one.content_type.partition("/")
            made.add_attachment(one.content, maintype=kind, subtype=subkind, filename=one_line(one.name))
        made["Content-Language"] = self.language  # last, or it would move into the text's part
        return made


def one_line(text: str) -> str:
    """Return `text` on one line: what a header is made of."""
    return " ".join(_CONTROL.sub(" ", text).split())


def locale_of(locale: str) -> str:
    """Return the CLDR's name of a locale in which days and amounts are written: `pl_PL` for `pl-PL`."""
    return locale.replace("-", "_")


def language_of(locale: str) -> str:
    """Return the language in which mail is written for a locale such as `pl-PL`; English where there is none."""
    language = re.split(r"[-_]", locale)[0].lower()
    return language if language in LANGUAGES else DEFAULT_LANGUAGE


# ---- Values -----------------------------------------------------------------------------------------------------


def pack(topic: str, values: dict[str, Any]) -> str:
    """Return the values of a letter as JSON, checked against what its topic takes.

    :raises WrongValues: an unknown topic, a value missing, unknown or of the wrong kind.
    """
    if topic not in TOPICS:
        raise WrongValues(f"There is no topic {topic!r}.")
    if values.keys() != TOPICS[topic].keys():
        raise WrongValues(
            f"{topic} takes {', '.join(TOPICS[topic]) or 'nothing'}; given: {', '.join(values)}."
        )
    return json.dumps({name: _packed(kind, name, values[name]) for name, kind in TOPICS[topic].items()})


def _packed(kind: Kind, name: str, value: Any) -> Any:
    match kind, value:
        case "text", str():
            return _short(value)
        case "number", int() if not isinstance(value, bool):
            return value
        case "link", str() if _LINK.fullmatch(value):
            return value
        case "lines", list() if len(value) <= MOST_LINES and all(isinstance(one, str) for one in value):
            return [_short(one) for one in value]
        case "instant", datetime() if value.tzinfo is not None:
            return value.isoformat()
        case "day", date() if not isinstance(value, datetime):
            return value.isoformat()
    raise WrongValues(f"{name} is not a {kind}.")


def _short(text: str) -> str:
    """Return `text` on one line; of a long one the beginning, with a sign that it goes on."""
    line = one_line(text)
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"


def _unpacked(topic: str, packed: str) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(packed)
    return {name: _READERS.get(TOPICS[topic][name], _as_it_is)(value) for name, value in values.items()}


def _as_it_is(value: Any) -> Any:
    return value


_READERS: dict[Kind, Callable[[Any], Any]] = {
    "instant": datetime.fromisoformat,
    "day": date.fromisoformat,
}


# ---- Templates --------------------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _environment(form: Literal["html", "txt"]) -> Environment:
    """Return the environment that makes letters of one form; the parts of the layout are functions in it."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=form == "html",  # noqa: S701 - plain text has nothing to escape # nosec B701
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["flow"] = _flow
    parts: Any = made.get_template(f"parts.{form}").module
    made.globals.update(layout=f"layout.{form}", say=parts.say, show=parts.show, go=parts.go)
    return made


def _flow(text: str) -> str:
    """Return a paragraph of plain text in lines of at most 76 characters; a long link is left whole."""
    return textwrap.fill(" ".join(text.split()), LINE, break_long_words=False, break_on_hyphens=False)


def render(
    topic: str,
    packed: str,
    *,
    head: Letterhead,
    language: str,
    sender: str,
    recipient: str,
    message_id: str,
    attachments: tuple[Attachment, ...] = (),
) -> Letter:
    """Return the letter on `topic` with the values that `pack` made.

    Days and times are written as where the workshop is, in a letter in its language.

    :raises jinja2.UndefinedError: the template names a value that the topic has not.
    """
    written = locale_of(head.locale) if language_of(head.locale) == language else language
    context = {
        **_unpacked(topic, packed),
        "shop": head.name,
        "language": language,
        "duration": partial(_duration, language=language),
        "moment": partial(_moment, zone=head.time_zone, locale=written),
        "day": partial(_day, locale=written),
    }
    name = f"{language}/{topic}.jinja"
    subject = one_line(_subject(name, context))
    made = {
        form: _environment(form).get_template(name).render(context, subject=subject)
        for form in ("html", "txt")
    }
    text = re.sub(r"\n{3,}", "\n\n", made["txt"].strip()) + "\n"
    return Letter(
        message_id, head.name, sender, recipient, subject, text, made["html"], language, attachments
    )


def _subject(name: str, context: dict[str, Any]) -> str:
    template = _environment("txt").get_template(name)
    block: Callable[..., Any] = template.blocks["subject"]
    return "".join(block(template.new_context(context)))


def _duration(number: int, unit: Literal["minute", "hour"], language: str) -> str:
    """Return `15 minutes` in a language; whole days where hours make some, as people count."""
    span = timedelta(**{f"{unit}s": int(number)})
    days, rest = divmod(span, timedelta(days=1))
    if days and not rest:
        return format_unit(days, "duration-day", locale=language)
    return format_unit(number, f"duration-{unit}", locale=language)


def _day(on: date, locale: str) -> str:
    return format_date(
        on.replace(), "long", locale=locale
    )  # asked of itself, or a missing one would go unnoticed


def _moment(when: datetime, zone: str, locale: str) -> str:
    return format_datetime(when, "long", tzinfo=ZoneInfo(zone), locale=locale)
