"""How a message leaves: by SMTP, by Brevo's HTTP API with SMTP behind it, as a file, or into memory for tests.

A transport returns when the other side has taken the message, and raises otherwise; what that means for the message is the
outbox's business. The words of a server stay out of errors: they may repeat an address, a link or a code.
"""

from __future__ import annotations

import base64
import os
import re
import smtplib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

import structlog
from flask import Flask, current_app

from app.core.letters import Letter, one_line

log = structlog.get_logger(__name__)

BREVO_ADDRESS = "https://api.brevo.com/v3/smtp/email"
NOBODY_AT_HOME = "no-reply@localhost"
_ENHANCED = re.compile(rb"[245]\.\d{1,3}\.\d{1,3}")


class NotSent(Exception):
    """The message was not taken now, and may be later. The text is short and holds nothing of the message."""


class Unreachable(NotSent):
    """Nobody takes any message now: the next one would fare no better."""


class Refused(Exception):
    """The message will never be taken: its recipient is refused for good."""


def new_message_id() -> str:
    """Return a Message-ID (RFC 5322, 3.6.4) that no other message has."""
    return f"<{uuid4()}@{sender_address().rpartition('@')[2]}>"


def sender_address() -> str:
    """Return the address that mail is sent from."""
    return current_app.config["MAIL_FROM"] or NOBODY_AT_HOME


class Transport(Protocol):
    """Takes messages away."""

    @property
    def name(self) -> str: ...

    def send(self, letter: Letter) -> str:
        """Hand `letter` over, and return the name of the way it took.

        :raises NotSent: not now. :raises Refused: never.
        """
        ...


# ---- SMTP -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SmtpTransport:
    """A mail server (RFC 5321), a connection for each message; its certificate is checked against the system's CAs."""

    host: str
    port: int
    security: str
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 15.0
    name: str = "smtp"

    def send(self, letter: Letter) -> str:
        try:
            server = self._connect()
        except ssl.SSLError as error:
            raise Unreachable(f"TLS failed: {_reason(error)}") from error
        except smtplib.SMTPResponseException as error:
            raise Unreachable(
                f"sign-in or greeting refused: {_codes(error.smtp_code, error.smtp_error)}"
            ) from error
        except (OSError, smtplib.SMTPException) as error:
            raise Unreachable(f"no connection: {type(error).__name__}") from error
        try:
            _hand_over(server, letter)
        finally:
            _hang_up(server)
        return self.name

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        server: smtplib.SMTP
        if self.security == "tls":
            server = smtplib.SMTP_SSL(self.host, self.port, timeout=self.timeout, context=context)
        else:
            server = smtplib.SMTP(self.host, self.port, timeout=self.timeout)
        try:
            if self.security == "starttls":
                server.starttls(context=context)  # raises where the server has none: never on in the clear
            if self.username:
                server.login(self.username, self.password)
        except BaseException:
            server.close()
            raise
        return server


def _hand_over(server: smtplib.SMTP, letter: Letter) -> None:
    try:
        server.send_message(letter.as_mime(), letter.sender, [letter.envelope])
    except smtplib.SMTPRecipientsRefused as error:
        raise _of_recipient(*error.recipients[letter.envelope]) from error
    except smtplib.SMTPDataError as error:
        code = _codes(error.smtp_code, error.smtp_error)
        raise (Refused if error.smtp_code >= 500 else NotSent)(f"message refused: {code}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused("the server takes no such address (SMTPUTF8)") from error
    except smtplib.SMTPResponseException as error:  # the sender's address, which is ours to mend
        raise Unreachable(f"sender refused: {_codes(error.smtp_code, error.smtp_error)}") from error
    except (OSError, smtplib.SMTPException) as error:
        raise Unreachable(f"connection lost: {type(error).__name__}") from error


def _of_recipient(code: int, words: bytes) -> Exception:
    """Return what a refused recipient means. 5.7.x is policy, such as a sign-in that is missing: nobody's address is wrong."""
    told = _codes(code, words)
    if code >= 500 and " 5.7." not in told:
        return Refused(f"recipient refused: {told}")
    return NotSent(f"recipient refused: {told}")


def _codes(code: int, words: bytes | str) -> str:
    """Return a reply's code and enhanced code (RFC 3463), without its words."""
    raw = words.encode(errors="replace") if isinstance(words, str) else words
    enhanced = _ENHANCED.match(raw)
    return f"{code} {enhanced[0].decode()}" if enhanced else str(code)


def _reason(error: ssl.SSLError) -> str:
    told = getattr(error, "verify_message", "") or getattr(error, "reason", "") or type(error).__name__
    return str(told)[:100]


def _hang_up(server: smtplib.SMTP) -> None:
    """Say goodbye; what goes wrong now changes nothing about the message."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


# ---- Brevo ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BrevoTransport:
    """Brevo's HTTP API; whatever it fails with, the message goes by SMTP where that is configured.

    Brevo makes its own Message-ID. It takes a key once within half an hour, so a message sent again soon is not doubled, and
    `X-Outbox-Id` marks the copies of one that is sent again later.
    """

    api_key: str = field(repr=False)
    fallback: Transport | None = None
    timeout: float = 15.0
    address: str = BREVO_ADDRESS
    name: str = "brevo"

    def send(self, letter: Letter) -> str:
        try:
            self._post(letter)
        except NotSent as failed:
            if self.fallback is None:
                raise
            log.warning("mail.brevo_failed", reason=str(failed), instead=self.fallback.name)
            return self.fallback.send(letter)
        return self.name

    def _post(self, letter: Letter) -> None:
        import httpx  # 5 MB, which a process that sends nothing this way does without

        body: dict[str, Any] = {
            "sender": {"name": one_line(letter.sender_name), "email": letter.sender},
            "to": [{"email": letter.envelope}],
            "subject": one_line(letter.subject),
            "textContent": letter.text,
            "htmlContent": letter.html,
            "headers": {"X-Outbox-Id": letter.key, "idempotencyKey": letter.key},
        }
        if letter.attachments:
            body["attachment"] = [
                {"name": one_line(one.name), "content": base64.b64encode(one.content).decode()}
                for one in letter.attachments
            ]
        try:
            answer = httpx.post(
                self.address, json=body, headers={"api-key": self.api_key}, timeout=self.timeout
            )
        except httpx.HTTPError as error:
            raise Unreachable(f"Brevo: no answer: {type(error).__name__}") from error
        if answer.status_code >= 300:
            kind = NotSent if answer.status_code == 400 else Unreachable
            raise kind(f"Brevo refused: {answer.status_code}")


# ---- Without a server -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FileTransport:
    """Each message as a file that any mail program opens. Sent again, it replaces its file."""

    folder: Path
    name: str = "file"

    def send(self, letter: Letter) -> str:
        place = self.folder / f"{letter.key}.eml"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft = place.with_suffix(f".{os.getpid()}.draft")
            draft.write_bytes(letter.as_mime().as_bytes())
            draft.replace(place)
        except OSError as error:
            raise Unreachable(f"no file: {type(error).__name__}") from error
        log.info("mail.written", file=str(place))
        return self.name


@dataclass(frozen=True, slots=True)
class MemoryTransport:
    """Keeps what it is given: for tests."""

    letters: list[Letter] = field(default_factory=list)
    name: str = "memory"

    def send(self, letter: Letter) -> str:
        letter.as_mime()  # fails where a server's would
        self.letters.append(letter)
        return self.name


@dataclass(frozen=True, slots=True)
class NoTransport:
    """Stands where production has no way to send: nothing is lost, and the owner sees why nothing left."""

    name: str = "none"

    def send(self, letter: Letter) -> str:
        raise Unreachable("no transport is configured")


def _smtp(app: Flask) -> Transport:
    config = app.config
    return SmtpTransport(
        config["SMTP_HOST"],
        config["SMTP_PORT"],
        config["SMTP_SECURITY"],
        config["SMTP_USERNAME"],
        config["SMTP_PASSWORD"],
        config["MAIL_TIMEOUT_SECONDS"],
    )


def _brevo(app: Flask) -> Transport:
    fallback = _smtp(app) if app.config["SMTP_HOST"] else None
    return BrevoTransport(app.config["BREVO_API_KEY"], fallback, app.config["MAIL_TIMEOUT_SECONDS"])


MAKERS: dict[str, Callable[[Flask], Transport]] = {
    "brevo": _brevo,
    "smtp": _smtp,
    "file": lambda app: FileTransport(Path(app.config["MAIL_FOLDER"])),
    "memory": lambda app: MemoryTransport(),
    "none": lambda app: NoTransport(),
}


def init_app(app: Flask) -> None:
    """Give `app` the transport that its settings name."""
    app.extensions["mail"] = MAKERS[app.config["MAIL_TRANSPORT"]](app)
    if app.config["MAIL_TRANSPORT"] == "none":
        # Not this module's logger, which would keep the settings of the first application that a process makes.
        structlog.get_logger(__name__).warning(
            "mail.no_transport", needed="MAIL_FROM with SMTP_HOST or BREVO_API_KEY"
        )


def transport() -> Transport:
    """Return the current application's transport."""
    found: Transport = current_app.extensions["mail"]
    return found
