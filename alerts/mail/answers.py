"""What a mail server's answers mean for the delivery (RFC 5321, 4.2; RFC 3463 for the x.y.z codes inside).

4yz heals with time, 5yz does not. Until the message's last line is out nothing has been sent; after it only the answer
tells, and where none comes nobody can know.
"""

from alerts.channel import DeliveryError, TryLater, Undeliverable
from alerts.reasons import Reason
from alerts.text import one_line, shorten

_MENDED = "mend it, then switch the channel on again"

# (phase, what a person does about it), for refusals that no other message would escape.
ADVICE = {
    "connect": f"it takes no mail from here: {_MENDED}",
    "tls": f"it offers no TLS here: set tls: implicit (mostly port 465), or another port; {_MENDED}",
    "login": f"check user and password_from; {_MENDED}",
    "sender": f"it takes no mail from this sender address: check sender, user and password_from; {_MENDED}",
    "recipients": f"it takes mail for none of the addresses in to: check them; {_MENDED}",
}


def refused(phase: str, code: int, text: bytes | str, host: str) -> DeliveryError:
    """The failure that an answer stands for. `phase`: a key of ADVICE, or "message" where this message is refused."""
    said = f"{host} answered {code} ({in_words(text)})"
    # 421 closes the connection, in any phase; 452 and the like ask for time.
    if 400 <= code < 500:
        return TryLater(Reason.PUT_OFF, f"{said}, so nothing was sent; it is tried again later", None, False)
    # RFC 1870: the size is refused when it is announced, or when all of it is there.
    if phase == "message" or code == 552:
        message = f"{said}: it does not accept this message; read it in Escucha instead"
        return Undeliverable(Reason.REJECTED, message)
    return Undeliverable(Reason.CHANNEL_REFUSED, f"{said}: {ADVICE[phase]}", disables_channel=True)


def in_words(text: bytes | str, limit: int = 120) -> str:
    """What the server said, on one line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return shorten(one_line(text), limit) or "without a word"
