"""A real mail server for tests (aiosmtpd), with certificates of a CA that the tests make themselves."""

from __future__ import annotations

import email
import ipaddress
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.resilience.services import free_port

Key = ec.EllipticCurvePrivateKey
LOGIN = ("shop", "correct-horse-battery")


class Authority:
    """A certificate authority, and a certificate of this machine made by it; both as files in a folder."""

    def __init__(self, folder: Path) -> None:
        key, name = ec.generate_private_key(ec.SECP256R1()), _name("Tests' own authority")
        made = _certificate(name, name, key, key, ca=True)
        self.file = folder / "authority.pem"
        self.file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
        own = ec.generate_private_key(ec.SECP256R1())
        certificate = _certificate(_name("localhost"), name, own, key, ca=False)
        self._pair = folder / "localhost.pem"
        self._pair.write_bytes(
            own.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )

    @property
    def server_context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._pair)
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: Key, signer: Key, *, ca: bool
) -> x509.Certificate:
    now = datetime.now(UTC)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    theirs = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(own, critical=False)
        .add_extension(theirs, critical=False)
    )
    if not ca:
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


Reply = Callable[[Envelope], str | None]


class MailServer:
    """A mail server on this machine that keeps what it took; `at_recipient` and `at_message` may answer otherwise."""

    def __init__(
        self,
        security: str = "none",
        authority: Authority | None = None,
        *,
        port: int = 0,
        login: bool = False,
        utf8: bool = False,
    ) -> None:
        self.port = port or free_port()
        self.taken: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.login = login
        self.at_recipient: str | None = None
        self.at_message: Reply = lambda envelope: None
        context = authority.server_context if authority else None
        options: dict[str, Any] = {
            "hostname": "127.0.0.1",
            "port": self.port,
            "ready_timeout": 10,
            "enable_SMTPUTF8": utf8,
        }
        if security == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        if login:
            options |= {"authenticator": self._check, "auth_require_tls": security != "tls"}
        if security == "tls":
            options["ssl_context"] = context
        self._controller: Controller | None = Controller(self, **options)
        self._controller.start()

    def _check(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        right = isinstance(given, LoginPassword) and (given.login, given.password) == tuple(
            word.encode() for word in LOGIN
        )
        return AuthResult(success=right, handled=False)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.login and not session.authenticated:
            return "530 5.7.0 Sign in first"
        if self.at_recipient is not None:
            return self.at_recipient
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = self.at_message(envelope)
        if answer is None or answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            taken = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(taken, EmailMessage)
            self.taken.append(taken)
            self.recipients += envelope.rcpt_tos
        return answer or "250 OK"

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what was taken, in order."""
        return [str(message["Message-ID"]) for message in self.taken]

    def close(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None
