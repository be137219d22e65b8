"""Every platform's stand-in, and how an installation is set up to read it: for what is held against all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_httpserver import HTTPServer

from listener.http import Http
from tests.listener.sources import fake_appstore, fake_bluesky, fake_googleplay, fake_reddit, fake_youtube
from tests.listener.sources.fake_appstore import FakeAppStore
from tests.listener.sources.fake_bluesky import FakeBluesky
from tests.listener.sources.fake_gdelt import FakeGdelt
from tests.listener.sources.fake_googleplay import FakeGooglePlay
from tests.listener.sources.fake_hackernews import FakeHackerNews
from tests.listener.sources.fake_jetstream import FakeJetstream
from tests.listener.sources.fake_mastodon import FakeMastodon
from tests.listener.sources.fake_reddit import FakeReddit
from tests.listener.sources.fake_rss import FakeFeed
from tests.listener.sources.fake_x import TOKEN, FakeX
from tests.listener.sources.fake_youtube import FakeYouTube


@dataclass(frozen=True)
class Standing:
    """A platform's stand-in.

    ``make``: the stand-in on a server. ``options``: of the source in escucha.yml; "{url}" in them becomes the server's
    address. ``settings``: environment variables, likewise. ``item_kind``: the platform that its mentions name.
    ``share``: of all posts in a soak, as a weight within what the platform's own limits let through; 0 = not soaked.
    ``poll``: how often it is read there, if not as the rest. ``burst``: how many new posts it can hand out, said one
    each ``every`` seconds.
    """

    kind: str
    make: Callable[[HTTPServer, Http], Any]
    options: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    item_kind: str = ""
    share: float = 1.0
    poll: str | None = None
    burst: int = 1500
    every: float = 1.0

    def __post_init__(self) -> None:
        if not self.item_kind:
            object.__setattr__(self, "item_kind", self.kind)

    def installed(self, platform: Any) -> tuple[dict[str, Any], dict[str, str]]:
        """The source's options and the environment for a running stand-in."""
        address = platform.server.url_for("").rstrip("/")
        options = {name: _at(value, address) for name, value in self.options.items()}
        return options, {name: _at(value, address) for name, value in self.settings.items()}


def _at(value: Any, address: str) -> Any:
    return value.replace("{url}", address) if isinstance(value, str) else value


PLATFORMS = (
    Standing("hackernews", FakeHackerNews, settings={"ESCUCHA_HACKERNEWS_URL": "{url}/api/v1"}),
    # A feed of thousands of entries is read whole each time: kept small.
    Standing("rss", FakeFeed, {"url": "{url}/feed"}, share=0.05, burst=150),
    Standing(
        "x",
        FakeX,
        {"bearer_token_from": "SOAK_X", "daily_cap": 1000},
        {"ESCUCHA_X_URL": "{url}", "SOAK_X": TOKEN},
        share=0.5,
    ),
    Standing(
        "youtube",
        FakeYouTube,
        {"api_key_from": "SOAK_YOUTUBE", "channels": [fake_youtube.CHANNEL]},
        {"ESCUCHA_YOUTUBE_URL": "{url}", "SOAK_YOUTUBE": fake_youtube.KEY},
        share=0.5,
    ),
    Standing(
        "reddit",
        FakeReddit,
        {"client_id": fake_reddit.CLIENT_ID, "client_secret_from": "SOAK_REDDIT", "subreddits": ["airlines"]},
        {
            "ESCUCHA_REDDIT_URL": "{url}/oauth",
            "ESCUCHA_REDDIT_LOGIN_URL": "{url}/www",
            "SOAK_REDDIT": fake_reddit.SECRET,
        },
        share=0.1,
    ),
    Standing(
        "bluesky",
        FakeBluesky,
        {"handle": fake_bluesky.HANDLE, "app_password_from": "SOAK_BLUESKY"},
        {"ESCUCHA_BLUESKY_URL": "{url}", "SOAK_BLUESKY": fake_bluesky.PASSWORD},
        share=0.2,
    ),
    Standing(
        "appstore",
        FakeAppStore,
        {"app": fake_appstore.APP, "countries": list(fake_appstore.COUNTRIES)},
        {"ESCUCHA_APPSTORE_URL": "{url}"},
        share=0.02,
        poll="60s",
        burst=1400,  # 500 a country are the most it shows
    ),
    Standing(
        "googleplay",
        FakeGooglePlay,
        {"package": fake_googleplay.PACKAGE, "key_from": "SOAK_PLAY"},
        {
            "ESCUCHA_GOOGLEPLAY_URL": "{url}",
            "ESCUCHA_GOOGLE_LOGIN_URL": "{url}",
            "SOAK_PLAY": fake_googleplay.key(),
        },
        share=0.05,
    ),
    Standing("jetstream", FakeJetstream, {}, {"ESCUCHA_JETSTREAM_URL": "{url}"}, item_kind="bluesky", share=2),
    Standing("mastodon", FakeMastodon, {"hashtags": ["acme"]}, {"ESCUCHA_MASTODON_URL": "{url}"}, share=0.08),
    # 250 articles a quarter of an hour are the most it tells apart.
    Standing("gdelt", FakeGdelt, settings={"ESCUCHA_GDELT_URL": "{url}"}, share=0.006, every=5.0),
)
