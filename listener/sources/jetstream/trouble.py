"""What goes wrong with a websocket, in the host's words."""

import socket
import ssl

from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI, SecurityError

from listener.http import causes, refusal, shown
from listener.markup import looks_like_html
from listener.source import FatalSourceError, RetriableSourceError, SourceError


def no_jetstream(address: str) -> SourceError:
    return RetriableSourceError(
        f"{shown(address)} answered with something that is no Jetstream; if this goes on, check the address "
        "in ESCUCHA_JETSTREAM_URL"
    )


def in_words(error: Exception, address: str, largest: int) -> SourceError:
    """A failure of the connection or of opening it. ``largest``: bytes of a message that were let through."""
    where = shown(address)
    roots = tuple(causes(error))
    for root in roots:
        match root:
            case InvalidStatus(response=response):
                if response.status_code < 300:
                    what = "a web page" if looks_like_html(bytes(response.body or b"")) else "plain HTTP"
                    return RetriableSourceError(
                        f"{where} answered with {what} where a websocket was expected; if this goes on, check the "
                        "address in ESCUCHA_JETSTREAM_URL"
                    )
                return refusal(response.status_code, response.reason_phrase, address, response.headers)
            case InvalidURI() | SecurityError():
                return FatalSourceError(f"{where} is, or leads to, no address of a websocket: write it as wss://...")
            case ssl.SSLCertVerificationError():
                return FatalSourceError(
                    f"the certificate of {where} does not hold ({root.verify_message}): check the address"
                )
            case socket.gaierror():
                return RetriableSourceError(
                    f"no server of the name in {where} was found: check the address or the network; it is tried "
                    "again later"
                )
            case ConnectionRefusedError():
                return RetriableSourceError(f"no connection to {where}; it is tried again later")
    if isinstance(error, ConnectionClosed) and error.sent is not None and error.sent.code == 1009:
        return RetriableSourceError(
            f"{where} sent more than {largest // 1024} KB at once, although it was asked for less; it is tried "
            "again later"
        )
    if isinstance(error, TimeoutError):
        return RetriableSourceError(f"{where} did not answer in time; it is tried again later")
    if isinstance(error, InvalidHandshake):
        return RetriableSourceError(f"{where} answered with something that is no websocket; it is tried again later")
    return RetriableSourceError(f"{where} broke off in the middle; it is tried again later")
