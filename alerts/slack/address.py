"""Addresses of Slack's incoming webhooks, checked before they are used."""

import re
from urllib.parse import urlsplit

from alerts.web.address import Address, checked, wrong

EXAMPLE = "https://hooks.slack.com/services/T000/B000/XXXX"

_WHAT = "a Slack webhook address"
_SLACK_HOSTS = frozenset({"hooks.slack.com", "hooks.slack-gov.com"})
_SLACK_PATH = re.compile(r"/services/[^/]+/[^/]+/[^/]+")
_TOKEN = re.compile(r"xox[a-z]-|xapp-", re.IGNORECASE)


def checked_address(address: str) -> Address:
    """The address, if a webhook can be there.

    Slack's own hosts must have Slack's form; any other http or https address may be a relay or a test server.
    Raises ChannelSetupError saying what is wrong, with the host at most.
    """
    if _TOKEN.match(address.strip()):
        raise wrong(_WHAT, EXAMPLE, "got a Slack token, which belongs to a bot; a webhook has an address")
    found = checked(address, _WHAT, EXAMPLE, plain_http=True)
    parts = urlsplit(found.url)
    host = parts.hostname or ""
    if host in _SLACK_HOSTS:
        if parts.scheme != "https":
            raise wrong(_WHAT, EXAMPLE, f"got http:// and {host}, which takes https:// only")
        if not _SLACK_PATH.fullmatch(parts.path):
            raise wrong(_WHAT, EXAMPLE, f"got {host} with another path, so it is incomplete or not an incoming webhook")
    elif host == "slack.com" or host.endswith(".slack.com"):
        raise wrong(_WHAT, EXAMPLE, f"got {host}, where no webhooks are")
    return found
