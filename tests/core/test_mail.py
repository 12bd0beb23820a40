"""How mail leaves: against a real mail server, with and without TLS; Brevo's API; files; and what each failure means."""

from __future__ import annotations

import email
import smtplib
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from dataclasses import replace
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask

from app.core import mail
from app.core.letters import Letter
from app.core.mail import BrevoTransport, FileTransport, NotSent, Refused, SmtpTransport, Unreachable
from config import configuration
from tests.applications import AnotherApp
from tests.factories import Shop
from tests.mailing import Clock, deliver, empty_the_outbox, post, row
from tests.mailserver import LOGIN, Authority, MailServer
from tests.resilience.services import free_port
from tests.watching import log_lines

pytestmark = pytest.mark.one_database

LETTER = Letter(
    "<12345678-1234-5678-1234-567812345678@example.com>", "Obi's Garage", "shop@example.com", "ada@example.com",
    "Zażółć gęślą jaźń", "Text żółw\n", "<p>HTML żółw</p>", "pl",
)  # fmt: skip

MakeServer = Callable[..., MailServer]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def trusted(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The tests' authority among those that this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@pytest.fixture
def make_server() -> Iterator[MakeServer]:
    made: list[MailServer] = []

    def make(*arguments: Any, **options: Any) -> MailServer:
        made.append(MailServer(*arguments, **options))
        return made[-1]

    yield make
    for server in made:
        server.close()


def smtp(port: int, security: str = "none", **options: Any) -> SmtpTransport:
    return SmtpTransport("localhost", port, security, **{"timeout": 5.0, **options})


class TestSmtp:
    @pytest.mark.parametrize("security", ["none", "starttls", "tls"])
    def test_takes_a_letter_whole(self, make_server: MakeServer, trusted: Authority, security: str) -> None:
        server = make_server(security, trusted)

        way = smtp(server.port, security).send(LETTER)

        (taken,) = server.taken
        text, html = taken.iter_parts()
        assert way == "smtp"
        assert server.recipients == ["ada@example.com"]
        assert (taken["Subject"], taken["To"], taken["Message-ID"]) == (
            LETTER.subject,
            LETTER.recipient,
            LETTER.message_id,
        )
        assert text.get_content().replace("\r\n", "\n") == LETTER.text  # type: ignore[attr-defined]
        assert html.get_content().strip() == LETTER.html  # type: ignore[attr-defined]

    @pytest.mark.parametrize(
        ("recipient", "told"),
        [("ada@żółw.example", "ada@xn--w-uga1v8h.example"), ("żółw@example.com", "żółw@example.com")],
    )
    def test_takes_an_address_with_other_letters(
        self, make_server: MakeServer, recipient: str, told: str
    ) -> None:
        server = make_server(utf8=True)

        smtp(server.port).send(replace(LETTER, recipient=recipient))

        assert server.recipients == [told]

    def test_a_server_that_knows_no_other_letters_is_final(self, make_server: MakeServer) -> None:
        with pytest.raises(Refused, match="SMTPUTF8"):
            smtp(make_server().port).send(replace(LETTER, recipient="żółw@example.com"))

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_signs_in_behind_tls(self, make_server: MakeServer, trusted: Authority, security: str) -> None:
        server = make_server(security, trusted, login=True)

        smtp(server.port, security, username=LOGIN[0], password=LOGIN[1]).send(LETTER)

        assert server.ids == [LETTER.message_id]

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_certificate_of_an_unknown_authority_gets_nothing(
        self, make_server: MakeServer, authority: Authority, security: str
    ) -> None:
        server = make_server(security, authority)

        with pytest.raises(Unreachable, match=r"TLS failed: .*certificate"):
            smtp(server.port, security).send(LETTER)

        assert server.taken == []

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_certificate_of_another_name_gets_nothing(
        self, make_server: MakeServer, trusted: Authority, security: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = make_server(security, trusted)
        monkeypatch.setattr(socket, "getaddrinfo", pointing_to(server.port))

        with pytest.raises(Unreachable, match="TLS failed: Hostname mismatch"):
            SmtpTransport("mail.example.com", server.port, security, timeout=5).send(LETTER)

        assert server.taken == []

    def test_never_goes_on_in_the_clear_where_starttls_is_not_offered(self, make_server: MakeServer) -> None:
        server = make_server()

        with pytest.raises(Unreachable, match="SMTPNotSupportedError"):
            smtp(server.port, "starttls").send(LETTER)

        assert server.taken == []

    def test_a_wrong_password_is_no_fault_of_the_message(
        self, make_server: MakeServer, trusted: Authority
    ) -> None:
        server = make_server("starttls", trusted, login=True)

        with pytest.raises(Unreachable) as failure:
            smtp(server.port, "starttls", username="shop", password="the-wrong-one").send(LETTER)

        assert str(failure.value) == "sign-in or greeting refused: 535 5.7.8"
        assert "the-wrong-one" not in repr(smtp(1, password="the-wrong-one"))

    def test_nobody_at_the_port_is_no_fault_of_the_message(self) -> None:
        with pytest.raises(Unreachable, match="no connection: ConnectionRefusedError"):
            smtp(free_port()).send(LETTER)

    def test_a_server_that_says_nothing_is_left(self) -> None:
        with (
            socket.create_server(("127.0.0.1", 0)) as silent,
            pytest.raises(Unreachable, match="SMTPServerDisconnected"),
        ):
            smtp(silent.getsockname()[1], timeout=0.2).send(LETTER)

    @pytest.mark.parametrize(
        ("reply", "kind", "told"),
        [
            ("550 5.1.1 <ada@example.com> is unknown here", Refused, "recipient refused: 550 5.1.1"),
            ("553 no such mailbox: ada@example.com", Refused, "recipient refused: 553"),
            ("450 4.2.1 try again", NotSent, "recipient refused: 450 4.2.1"),
            ("554 5.7.1 relay access denied", NotSent, "recipient refused: 554 5.7.1"),
        ],
    )
    def test_a_refused_recipient_is_final_where_it_is_about_the_address(
        self, make_server: MakeServer, reply: str, kind: type[Exception], told: str
    ) -> None:
        server = make_server()
        server.at_recipient = reply

        with pytest.raises((Refused, NotSent)) as failure:
            smtp(server.port).send(LETTER)

        assert type(failure.value) is kind
        assert str(failure.value) == told

    @pytest.mark.parametrize(
        ("reply", "kind", "told"),
        [
            ("554 5.6.0 blocked: https://shop.example.com/secret", Refused, "message refused: 554 5.6.0"),
            ("451 4.3.0 later", NotSent, "message refused: 451 4.3.0"),
        ],
    )
    def test_a_refused_message_is_final_where_the_server_says_so(
        self, make_server: MakeServer, reply: str, kind: type[Exception], told: str
    ) -> None:
        server = make_server()
        server.at_message = lambda envelope: reply

        with pytest.raises((Refused, NotSent)) as failure:
            smtp(server.port).send(LETTER)

        assert type(failure.value) is kind
        assert str(failure.value) == told

    @pytest.mark.parametrize(
        ("error", "kind", "told"),
        [
            (smtplib.SMTPSenderRefused(550, b"5.1.8 who?", "s"), Unreachable, "sender refused: 550 5.1.8"),
            (smtplib.SMTPServerDisconnected("gone"), Unreachable, "connection lost: SMTPServerDisconnected"),
            (ConnectionResetError(), Unreachable, "connection lost: ConnectionResetError"),
            (smtplib.SMTPNotSupportedError("x"), Refused, "the server takes no such address (SMTPUTF8)"),
        ],
    )
    def test_what_breaks_in_the_middle_says_whose_fault_it_is(
        self,
        make_server: MakeServer,
        monkeypatch: pytest.MonkeyPatch,
        error: Exception,
        kind: type[Exception],
        told: str,
    ) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise error

        monkeypatch.setattr(smtplib.SMTP, "send_message", fail)

        with pytest.raises((Refused, NotSent)) as failure:
            smtp(make_server().port).send(LETTER)

        assert type(failure.value) is kind
        assert str(failure.value) == told

    def test_a_goodbye_that_fails_changes_nothing(
        self, make_server: MakeServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server = make_server()
        monkeypatch.setattr(smtplib.SMTP, "quit", lambda self: (_ for _ in ()).throw(ConnectionResetError()))

        assert smtp(server.port).send(LETTER) == "smtp"
        assert server.ids == [LETTER.message_id]

    def test_codes_come_without_words(self) -> None:
        assert mail._codes(550, "5.1.1 ada@example.com") == "550 5.1.1"
        assert mail._codes(421, b"bye") == "421"
        assert mail._reason(ssl.SSLError()) == "SSLError"


def pointing_to(port: int) -> Callable[..., Any]:
    """Return what resolves every name to this machine."""
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]


class TestTheOutboxBeforeARealServer:
    @pytest.fixture
    def server(self, make_server: MakeServer, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> MailServer:
        empty_the_outbox(shop)
        server = make_server()
        monkeypatch.setitem(shop.app.extensions, "mail", smtp(server.port))
        return server

    def test_each_message_arrives_once(self, server: MailServer, shop: Shop) -> None:
        ids = [post(shop) for _ in range(5)]

        deliver(shop)

        assert server.ids == [row(shop, id_).message_id for id_ in ids]

    def test_a_server_that_refuses_and_comes_back_gets_each_message_once(
        self, server: MailServer, shop: Shop, clock_set: Clock
    ) -> None:
        server.at_recipient = "450 4.3.2 not now"
        ids = [post(shop) for _ in range(4)]
        deliver(shop)
        refused = list(server.taken)
        server.at_recipient = None
        deliver(shop)
        too_early = list(server.taken)
        clock_set.pass_(minutes=1)
        deliver(shop)

        assert (refused, too_early) == ([], [])
        assert server.ids == [row(shop, id_).message_id for id_ in ids]
        assert {row(shop, id_).attempts for id_ in ids} == {2}

    def test_a_server_that_is_gone_and_comes_back_gets_each_message_once(
        self, server: MailServer, make_server: MakeServer, shop: Shop, clock_set: Clock
    ) -> None:
        server.close()
        ids = [post(shop) for _ in range(4)]
        looks = [deliver(shop) for _ in range(4)]
        back = make_server(port=server.port)
        clock_set.pass_(minutes=1)
        deliver(shop)

        assert looks == [1, 1, 1, 1]
        assert sorted(back.ids) == sorted(row(shop, id_).message_id for id_ in ids)

    def test_an_answer_that_is_lost_leaves_a_double_under_the_same_message_id(
        self, server: MailServer, shop: Shop, clock_set: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The server has taken the message, and its 250 never comes: nobody here can know."""
        message_id = post(shop)
        with monkeypatch.context() as patch:
            taking = smtplib.SMTP.data

            def lose_the_answer(connection: smtplib.SMTP, message: bytes) -> Any:
                taking(connection, message)
                raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

            patch.setattr(smtplib.SMTP, "data", lose_the_answer)
            deliver(shop)
        clock_set.pass_(minutes=1)
        deliver(shop)

        assert server.ids == [row(shop, message_id).message_id] * 2
        assert row(shop, message_id).state == "sent"


class TestBrevo:
    @pytest.fixture
    def posted(self, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
        """What was sent to the API; `answers` in its first element's place says what came back."""
        seen: list[dict[str, Any]] = []

        def post_it(address: str, **options: Any) -> httpx.Response:
            seen.append({"address": address, **options})
            answer = self.answer
            if isinstance(answer, Exception):
                raise answer
            return httpx.Response(answer)

        monkeypatch.setattr(httpx, "post", post_it)
        return seen

    answer: int | Exception = 201

    def test_takes_a_letter_by_its_api(self, posted: list[dict[str, Any]]) -> None:
        way = BrevoTransport("xkeysib-1").send(LETTER)

        (call,) = posted
        assert way == "brevo"
        assert call["address"] == "https://api.brevo.com/v3/smtp/email"
        assert call["headers"] == {"api-key": "xkeysib-1"}
        assert call["timeout"] == 15.0
        assert call["json"] == {
            "sender": {"name": "Obi's Garage", "email": "shop@example.com"},
            "to": [{"email": "ada@example.com"}],
            "subject": LETTER.subject,
            "textContent": LETTER.text,
            "htmlContent": LETTER.html,
            "headers": {"X-Outbox-Id": LETTER.key, "idempotencyKey": LETTER.key},
        }

    @pytest.mark.parametrize(
        "answer", [400, 401, 402, 429, 500, httpx.ConnectTimeout("x"), httpx.ReadError("x")]
    )
    def test_fails_over_to_smtp(
        self,
        posted: list[dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
        make_server: MakeServer,
        answer: int | Exception,
    ) -> None:
        monkeypatch.setattr(TestBrevo, "answer", answer)
        server = make_server()

        with log_lines() as log:
            way = BrevoTransport("xkeysib-1", smtp(server.port)).send(LETTER)

        (taken,) = server.taken
        assert way == "smtp"
        assert len(posted) == 1
        assert taken["X-Outbox-Id"] == LETTER.key
        assert [line["instead"] for line in log.events("mail.brevo_failed")] == ["smtp"]
        assert "xkeysib-1" not in log.text

    @pytest.mark.parametrize(
        ("answer", "kind", "told"),
        [
            (400, NotSent, "Brevo refused: 400"),
            (401, Unreachable, "Brevo refused: 401"),
            (503, Unreachable, "Brevo refused: 503"),
            (httpx.ReadTimeout("x"), Unreachable, "Brevo: no answer: ReadTimeout"),
        ],
    )
    def test_alone_says_what_failed(
        self,
        posted: list[dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
        answer: int | Exception,
        kind: type[Exception],
        told: str,
    ) -> None:
        monkeypatch.setattr(TestBrevo, "answer", answer)

        with pytest.raises(NotSent) as failure:
            BrevoTransport("xkeysib-1").send(LETTER)

        assert type(failure.value) is kind
        assert str(failure.value) == told
        assert "xkeysib-1" not in repr(BrevoTransport("xkeysib-1"))

    def test_and_smtp_both_away_is_as_if_nobody_were_there(
        self, posted: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(TestBrevo, "answer", 503)

        with pytest.raises(Unreachable, match="no connection"):
            BrevoTransport("xkeysib-1", smtp(free_port())).send(LETTER)


class TestFiles:
    def test_are_messages_that_any_mail_program_opens(self, tmp_path: Path) -> None:
        folder = tmp_path / "new" / "mail"

        ways = [FileTransport(folder).send(LETTER) for _ in range(2)]

        (file,) = folder.iterdir()
        read = email.message_from_bytes(file.read_bytes(), policy=default)
        assert ways == ["file", "file"]
        assert file.name == f"{LETTER.key}.eml"
        assert (read["Subject"], read["Message-ID"]) == (LETTER.subject, LETTER.message_id)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    def test_that_cannot_be_written_are_tried_again(self, tmp_path: Path) -> None:
        (tmp_path / "mail").write_text("in the way")

        with pytest.raises(Unreachable, match="no file: "):
            FileTransport(tmp_path / "mail").send(LETTER)


class TestTheTransport:
    @pytest.mark.parametrize(
        ("settings", "kind"),
        [
            ({"MAIL_TRANSPORT": "file"}, FileTransport),
            ({"MAIL_TRANSPORT": "memory"}, mail.MemoryTransport),
            ({"MAIL_TRANSPORT": "none"}, mail.NoTransport),
            ({"MAIL_TRANSPORT": "smtp", "SMTP_HOST": "localhost", "MAIL_FROM": "a@b.example"}, SmtpTransport),
            ({"MAIL_TRANSPORT": "brevo", "BREVO_API_KEY": "x", "MAIL_FROM": "a@b.example"}, BrevoTransport),
        ],
    )
    def test_is_the_one_that_the_settings_name(
        self, another_app: AnotherApp, settings: dict[str, str], kind: type[Any]
    ) -> None:
        made = another_app(**settings)

        with made.app_context():
            assert type(mail.transport()) is kind

    def test_of_brevo_has_smtp_behind_it_where_there_is_a_server(self, another_app: AnotherApp) -> None:
        common = {"MAIL_TRANSPORT": "brevo", "BREVO_API_KEY": "x", "MAIL_FROM": "a@b.example"}
        alone, backed = (
            another_app(**common),
            another_app(**common, SMTP_HOST="mail.example.com", SMTP_USERNAME="shop"),
        )

        assert alone.extensions["mail"].fallback is None
        assert backed.extensions["mail"].fallback == SmtpTransport(
            "mail.example.com", 587, "starttls", "shop", "", 15
        )

    def test_that_is_missing_in_production_is_told_at_the_start(
        self, app: Flask, another_app: AnotherApp
    ) -> None:
        made = another_app()
        made.config["MAIL_TRANSPORT"] = "none"

        with log_lines() as log:
            mail.init_app(made)

        assert [line["level"] for line in log.events("mail.no_transport")] == ["warning"]

    def test_of_the_suite_is_never_what_this_machine_sends_with(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SMTP_HOST", "localhost")
        monkeypatch.setenv("MAIL_FROM", "shop@example.com")

        assert configuration("testing").MAIL_TRANSPORT == "memory"


def test_the_sender_is_the_setting_or_nobody(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context():
        unset = mail.sender_address()
        monkeypatch.setitem(app.config, "MAIL_FROM", "shop@example.com")

        assert (unset, mail.sender_address()) == ("no-reply@localhost", "shop@example.com")
