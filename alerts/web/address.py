"""Addresses that messages are posted to, checked before they are used. The path is a secret: no message shows it."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from alerts.channel import ChannelSetupError

_LOCAL_ENDINGS = (".localhost", ".local", ".internal", ".lan", ".home.arpa")


@dataclass(frozen=True, slots=True, repr=False)
class Address:
    """A checked address. Only `host` may be shown."""

    url: str

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Address({self.host!r})"

    @property
    def host(self) -> str:
        """The host and, unless it is the usual one, the port."""
        return urlsplit(self.url).netloc

    def redacted(self, text: str) -> str:
        """The text without the secret parts of the address: some servers repeat the path in their error pages."""
        parts = urlsplit(self.url)
        values = (piece.partition("=")[2] for piece in parts.query.split("&"))
        secrets = {parts.path, parts.query, *parts.path.split("/"), *parts.query.split("&"), *values}
        for secret in sorted(secrets, key=len, reverse=True):
            # Shorter pieces, such as "webhooks", are no secret and may be words of the answer.
            if len(secret) > len("workflows"):
                text = text.replace(secret, "[hidden]")
        return text


def checked(address: str, what: str, example: str, *, plain_http: bool = False) -> Address:
    """The address without surrounding white space, if something can be posted there.

    `what` names it in messages ("a Discord webhook address"). http:// is taken on this machine or network only, unless
    `plain_http`. Raises ChannelSetupError saying what is wrong, with the host at most.
    """
    address = address.strip()
    if not address:
        raise wrong(what, example, "got nothing")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise wrong(what, example, "got an address with spaces or characters that no address has")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise wrong(what, example, "got something whose host or port makes no sense") from None
    if parts.scheme not in ("http", "https") or not host:
        raise wrong(what, example, "got something that does not start with https:// and a host")
    if "@" in parts.netloc:
        raise wrong(what, example, f"got an address on {host} with a user name in it")
    if parts.scheme == "http" and not plain_http and not is_local(host):
        raise wrong(what, example, f"got http:// and {host}: beyond one's own network it takes https://")
    if parts.fragment:
        raise wrong(what, example, f"got an address on {host} with a # in it")
    return Address(address)


def wrong(what: str, example: str, got: str) -> ChannelSetupError:
    """The error for an address that cannot be used."""
    return ChannelSetupError(f"{what} looks like {example}; {got}")


def is_local(host: str) -> bool:
    """Whether a host is this machine or on this network, by its name alone: nothing is looked up."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = host.lower().rstrip(".")
        # Names without a dot are those of containers and of machines in the same network.
        return "." not in name or name.endswith(_LOCAL_ENDINGS)
    return address.is_private or address.is_loopback or address.is_link_local
