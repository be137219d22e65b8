"""Addresses of incoming webhooks, checked before they are used. The path is the secret: no message shows it."""

import re
from urllib.parse import urlsplit

from alerts.channel import ChannelSetupError

EXAMPLE = "https://hooks.slack.com/services/T000/B000/XXXX"

_SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_SLACK_PATH = re.compile(r"/services/[^/]+/[^/]+/[^/]+")
_TOKEN = re.compile(r"xox[a-z]-|xapp-", re.IGNORECASE)


def checked_address(address: str) -> str:
    """The address without surrounding white space, if a webhook can be there.

    Slack's own hosts must have Slack's form; any other http or https address may be a relay or a test server.
    Raises ChannelSetupError saying what is wrong, with the host at most.
    """
    address = address.strip()
    if not address:
        raise _wrong("got nothing")
    if _TOKEN.match(address):
        raise _wrong("got a Slack token, which belongs to a bot; a webhook has an address")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise _wrong("got an address with spaces or characters that no address has")
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise _wrong("got something whose host or port makes no sense") from None
    if parts.scheme not in ("http", "https") or not host:
        raise _wrong("got something that does not start with https:// and a host")
    if "@" in parts.netloc:
        raise _wrong(f"got an address on {host} with a user name in it")
    if host in _SLACK_HOSTS:
        if parts.scheme != "https":
            raise _wrong(f"got http:// and {host}, which takes https:// only")
        if not _SLACK_PATH.fullmatch(parts.path):
            raise _wrong(f"got {host} with another path, so it is incomplete or not an incoming webhook")
    elif host == "slack.com" or host.endswith(".slack.com"):
        raise _wrong(f"got {host}, where no webhooks are")
    return address


def shown(address: str) -> str:
    """What of a checked address may be shown: the host and, unless it is the usual one, the port."""
    return urlsplit(address).netloc


def redacted(text: str, address: str) -> str:
    """The text without the parts of the address that are secret: some servers repeat the path in their error pages."""
    parts = urlsplit(address)
    secrets = {parts.path, parts.query, *parts.path.split("/"), *parts.query.split("&")}
    for secret in sorted(secrets, key=len, reverse=True):
        # Shorter pieces, such as "services", are no secret and may be words of the answer.
        if len(secret) > len("services"):
            text = text.replace(secret, "[hidden]")
    return text


def _wrong(got: str) -> ChannelSetupError:
    return ChannelSetupError(f"a Slack webhook address looks like {EXAMPLE}; {got}")
