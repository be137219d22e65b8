"""A real mail server (aiosmtpd) with STARTTLS and AUTH, and answers of its own where a test wants them."""

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "escucha", "s3cretmailpassword"

logging.getLogger("mail.log").setLevel(logging.CRITICAL)


@dataclass
class MailServer:
    """What came in, and what is answered in each phase instead of yes: "MAIL", "DATA", "AUTH", or a recipient."""

    port: int = 0
    ca_file: Path | None = None
    answers: dict[str, str] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)
    """The phases in which the connection breaks: "MAIL", or "DATA" once all of the message is there."""
    envelopes: list[Envelope] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        """As a mailbox reads them."""
        parsed = [
            message_from_bytes(bytes(one.original_content or b""), policy=policy.default) for one in self.envelopes
        ]
        return [one for one in parsed if isinstance(one, EmailMessage)]

    # aiosmtpd's hooks

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self._drop("MAIL", server)
        if "MAIL" in self.answers:
            return self.answers["MAIL"]
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.envelopes.append(envelope)
        assert server.transport is not None
        self.secured.append(server.transport.get_extra_info("sslcontext") is not None)
        self._drop("DATA", server)
        return "250 2.0.0 queued as 4F1"

    def authenticate(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.logins.append(mechanism)
        if "AUTH" in self.answers:
            return AuthResult(success=False, handled=False, message=self.answers["AUTH"])
        good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=False)

    def _drop(self, phase: str, server: SMTP) -> None:
        if phase in self.dropped:
            transport = server.transport
            assert transport is not None
            transport.abort()
            raise asyncio.CancelledError


class _AnyPort(Controller):
    """aiosmtpd asks for a port that is known before; here the system gives one."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def mail_server(folder: Path, *, tls: str = "starttls", login: bool = True) -> Iterator[MailServer]:
    """A server on a port of its own. ``tls``: "starttls", "implicit" or "none"."""
    server = MailServer()
    options: dict[str, Any] = {}
    context = None
    if tls != "none":
        server.ca_file, context = certificate(folder)
    if tls == "starttls":
        options |= {"tls_context": context, "require_starttls": True}
    if login:
        options |= {
            "authenticator": server.authenticate, "auth_required": True, "auth_require_tls": tls == "starttls",
        }  # fmt: skip
    controller = _AnyPort(
        server, hostname="127.0.0.1", port=0, ssl_context=context if tls == "implicit" else None,
        server_hostname="localhost", ready_timeout=30, **options,
    )  # fmt: skip
    controller.start()
    try:
        server.port = controller.port
        yield server
    finally:
        controller.stop()


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate for localhost that signs itself: the file to trust, and the server's side."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "server.pem", folder / "server.key"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, private)
    return public, context
