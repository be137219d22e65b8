"""One message to a mail server, over one connection, each phase with failures of its own."""

import smtplib
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from alerts.channel import TryLater, Undeliverable
from alerts.deadline import Deadline
from alerts.mail.answers import ADVICE, in_words, refused
from alerts.reasons import Reason
from alerts.text import one_line, shorten

Tls = Literal["starttls", "implicit", "none"]

BEFORE_S = 50.0
"""Seconds until the message itself may begin. Nothing is out until then: what takes longer is given up and tried again,
before anybody else may send it too."""

AFTER_S = 25.0
"""Seconds for the message, the server's word for it, and good-bye."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where mail is handed in. `trust` is None without TLS. `timeout` is in seconds, for each wait.

    `hello` is how we name ourselves. `user` and `password` are None where nobody logs in.
    """

    host: str
    port: int
    tls: Tls
    trust: ssl.SSLContext | None
    hello: str
    timeout: float
    user: str | None
    password: str | None
    patience: float = BEFORE_S
    """Seconds, of all that comes before the message."""

    def __repr__(self) -> str:
        """Without the password."""
        return f"Server({self.host!r}, {self.port}, {self.tls!r})"


def send(server: Server, sender: str, to: Sequence[str], content: bytes) -> str:
    """Hand the message in for all recipients that are taken; what the server said, and who was not taken.

    Raises TryLater or Undeliverable, after BEFORE_S and AFTER_S at the latest, however slowly the server answers. Where
    some recipients are taken and others are not, it goes to those: held back for one wrong address it would reach
    nobody.
    """
    with Deadline(server.patience) as deadline:
        smtp, wrong = _ready(server, sender, to, len(content), deadline)
    with Deadline(AFTER_S) as deadline:
        _watched(smtp, deadline)
        try:
            said = _handed_in(server, smtp, content, deadline)
        finally:
            _leave(smtp)
    return said if not wrong else f"{said}; not taken: {'; '.join(wrong)}"


def _ready(
    server: Server, sender: str, to: Sequence[str], size: int, deadline: Deadline
) -> tuple[smtplib.SMTP, list[str]]:
    """A connection that waits for the message, and who is not taken. Until then nothing is sent."""
    try:
        smtp = _connected(server)
    except smtplib.SMTPConnectError as error:
        raise refused("connect", error.smtp_code, error.smtp_error, server.host) from None
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise _not_sent(server, error) from None
    try:
        _watched(smtp, deadline)
        _secured(server, smtp)
        # TLS has put another socket in the place of the first.
        _watched(smtp, deadline)
        wrong = _addressed(server, smtp, sender, to, size)
        code, said = smtp.docmd("DATA")
        if code != 354:
            raise refused("message", code, said, server.host)
        if deadline.passed:
            raise TimeoutError
    except (TryLater, Undeliverable):
        _leave(smtp)
        raise
    except (OSError, smtplib.SMTPException, ValueError) as error:
        smtp.close()
        # No "from": the library's errors repeat what was sent to the server, the password among it.
        raise (_too_slow(server, deadline) if deadline.passed else _not_sent(server, error)) from None
    return smtp, wrong


def _watched(smtp: smtplib.SMTP, deadline: Deadline) -> None:
    if smtp.sock is not None:
        deadline.watch(smtp.sock)


def _connected(server: Server) -> smtplib.SMTP:
    if server.tls == "implicit":
        return smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=server.hello, timeout=server.timeout, context=server.trust
        )
    return smtplib.SMTP(server.host, server.port, local_hostname=server.hello, timeout=server.timeout)


def _secured(server: Server, smtp: smtplib.SMTP) -> None:
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.tls == "starttls":
            if not smtp.has_extn("starttls"):
                raise Undeliverable(Reason.CHANNEL_REFUSED, f"{server.host}: {ADVICE['tls']}", disables_channel=True)
            code, said = smtp.starttls(context=server.trust)
            if code != 220:
                raise refused("tls", code, said, server.host)
            smtp.ehlo()
    except smtplib.SMTPResponseException as error:
        raise refused("connect", error.smtp_code, error.smtp_error, server.host) from None
    if server.user is None or server.password is None:
        return
    try:
        smtp.login(server.user, server.password)
    except smtplib.SMTPResponseException as error:
        raise refused("login", error.smtp_code, error.smtp_error, server.host) from None
    except smtplib.SMTPNotSupportedError:
        words = f"{server.host} lets nobody log in here: check port and tls, or leave out user and password_from"
        raise Undeliverable(Reason.CHANNEL_REFUSED, words, disables_channel=True) from None


def _addressed(server: Server, smtp: smtplib.SMTP, sender: str, to: Sequence[str], size: int) -> list[str]:
    """Who is not taken, with the server's words; raises where that is everybody."""
    options = [f"SIZE={size}"] if smtp.has_extn("size") else []
    code, said = smtp.mail(sender, options)
    if code != 250:
        raise refused("sender", code, said, server.host)
    answers = {address: smtp.rcpt(address) for address in to}
    wrong = {address: answer for address, answer in answers.items() if answer[0] not in (250, 251)}
    if len(wrong) == len(answers):
        # Time may heal some of them: then none is given up.
        code, said = min(wrong.values(), key=lambda answer: answer[0])
        raise refused("recipients", code, said, server.host)
    return [f"{address} ({code} {in_words(said, 60)})" for address, (code, said) in wrong.items()]


def _handed_in(server: Server, smtp: smtplib.SMTP, content: bytes, deadline: Deadline) -> str:
    try:
        smtp.send(_dotted(content))
        code, said = smtp.getreply()
    except (OSError, smtplib.SMTPException) as error:
        # smtplib makes every failure to read a lost connection.
        late = isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError)
        if late or deadline.passed:
            within = deadline.seconds if deadline.passed else server.timeout
            words = f"{server.host} did not answer within {within:g} s and may have taken the message"
            raise TryLater(Reason.TIMED_OUT, words, after=None, ambiguous=True) from None
        words = f"the connection to {server.host} broke before its answer ({_cause(error)})"
        raise TryLater(Reason.CONNECTION_LOST, words, after=None, ambiguous=True) from None
    if code != 250:
        raise refused("message", code, said, server.host)
    return f"{code} {in_words(said)}"


def _dotted(content: bytes) -> bytes:
    """With line ends as the protocol wants them, lines that begin with a dot given another, and the last line."""
    lines = content.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def _leave(smtp: smtplib.SMTP) -> None:
    """Say good-bye. What is sent is sent, whatever becomes of that."""
    try:
        smtp.quit()
    except (OSError, smtplib.SMTPException):
        smtp.close()


def _too_slow(server: Server, deadline: Deadline) -> TryLater:
    words = (
        f"{server.host} took longer than {deadline.seconds:g} s to take the addresses, so nothing was sent: where that"
        " happens again, put fewer into to; a mailing list's counts as one"
    )
    return TryLater(Reason.CONNECTION_FAILED, words, after=None, ambiguous=False)


def _not_sent(server: Server, error: Exception) -> TryLater:
    said = f"{server.host} could not be talked to, so nothing was sent ({_cause(error)})"
    return TryLater(Reason.CONNECTION_FAILED, said, after=None, ambiguous=False)


def _cause(error: Exception) -> str:
    """The system's words for it, such as "Connection refused"; never more than a line."""
    words = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return shorten(one_line(words), 120) or type(error).__name__
