"""What sources are made with besides their options: the way to the web, the platforms' addresses, and the quotas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from listener.http import Http
from listener.source import Limit, Meter, Unmetered


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the platforms are; other than these in tests and behind relays.

    Each has its setting, ``ESCUCHA_<NAME>_URL``. Mastodon's is the instance read where a source names none.
    """

    hackernews: str = "https://hn.algolia.com/api/v1"
    reddit: str = "https://oauth.reddit.com"
    reddit_login: str = "https://www.reddit.com"
    x: str = "https://api.x.com"
    mastodon: str = "https://mastodon.social"
    bluesky: str = "https://bsky.social"
    jetstream: str = "wss://jetstream2.us-east.bsky.network"
    youtube: str = "https://www.googleapis.com"
    appstore: str = "https://itunes.apple.com"
    googleplay: str = "https://androidpublisher.googleapis.com"
    google_login: str = "https://oauth2.googleapis.com"
    gdelt: str = "https://api.gdeltproject.org"


def unmetered(account: str, limits: Sequence[Limit], day_cap: Decimal | None) -> Meter:  # noqa: ARG001
    """No quota at all: for tests, and for hosts that keep none."""
    return Unmetered()


@dataclass(frozen=True, slots=True)
class Tools:
    """What a source is made with besides its options.

    ``meter`` gives the quota of an account: its name (platform and credentials, never a secret itself), its documented
    limits, and the most it may cost in a day in US dollars (None = nothing it does costs money). ``timeout``: seconds,
    for libraries that do not speak through ``http``.
    """

    http: Http
    endpoints: Endpoints = Endpoints()
    meter: Callable[[str, Sequence[Limit], Decimal | None], Meter] = unmetered
    timeout: float = 20.0
