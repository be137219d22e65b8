"""The registry: every kind can be built, and what is wrong is said as help."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from listener.http import Http
from listener.registry import SOURCES, build, source_kind
from listener.source import FatalSourceError
from listener.sources.hackernews import HackerNewsSource
from listener.tools import Endpoints, Tools

GOOD: dict[str, dict[str, Any]] = {
    "file": {"path": "posts.csv", "mapping": {"text": "words"}},
    "rss": {"url": "https://news.example/feed"},
    "hackernews": {},
    "replay": {"path": "story.jsonl", "speed": 60},
    "x": {"bearer_token": "AAAA"},
    "reddit": {"client_id": "abc", "client_secret": "s3cret", "subreddits": ["airlines"]},
    "youtube": {"api_key": "AIza", "channels": ["UCacme_channel-000000001"]},
    "gdelt": {},
    "mastodon": {"hashtags": ["acme"], "instance": "fosstodon.org"},
    "appstore": {"app": 1234567890},
    "googleplay": {"package": "com.example.acme", "key": "{}"},
    "bluesky": {"handle": "acme.bsky.social", "app_password": "abcd-efgh-ijkl-mnop"},
    "jetstream": {},
}


@pytest.fixture
def http() -> Iterator[Http]:
    with Http() as client:
        yield client


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_builds_what_it_says(kind: str, http: Http) -> None:
    source = build(kind, GOOD[kind], Tools(http))
    assert source.kind == kind == SOURCES[kind].kind
    assert source.lag.total_seconds() >= 0


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_and_option_is_described(kind: str) -> None:
    assert SOURCES[kind].description.endswith(".")
    for name, option in SOURCES[kind].options.model_fields.items():
        assert option.description, f"{kind}.{name}"


def test_every_source_file_is_registered() -> None:
    import listener.sources

    there = {path.stem for path in Path(listener.sources.__path__[0]).iterdir() if not path.stem.startswith("_")}
    assert there == set(SOURCES)


def test_the_endpoint_is_used(http: Http) -> None:
    source = build("hackernews", {}, Tools(http, Endpoints(hackernews="http://127.0.0.1:1/api")))
    assert isinstance(source, HackerNewsSource)
    assert source._address == "http://127.0.0.1:1/api/search_by_date"


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("hackernew", {}, "did you mean hackernews? The kinds are file, rss, hackernews, replay"),
        ("zzz", {}, "The kinds are file, rss, hackernews, replay"),
        ("rss", {}, "'url' is missing: the address of the feed"),
        ("rss", {"url": "feed.xml"}, "url: write the address of the feed with https://"),
        ("rss", {"url": "https://a.example", "max_megabyte": 1}, "did you mean max_megabytes?"),
        ("hackernews", {"lookback_hours": 0}, "lookback_hours: must be greater than or equal to 1"),
        ("replay", {"path": "x", "started_at": "2026-05-01T06:00:00"}, "started_at: must have timezone info"),
    ],
)
def test_what_is_wrong_is_said_as_help(kind: str, options: dict[str, Any], message: str, http: Http) -> None:
    with pytest.raises(FatalSourceError) as raised:
        build(kind, options, Tools(http))
    assert message in str(raised.value)


def test_values_stay_out_of_messages(http: Http) -> None:
    with pytest.raises(FatalSourceError) as raised:
        build("rss", {"url": "ftp://ana:hunter2@a.example"}, Tools(http))
    assert "hunter2" not in str(raised.value)


def test_options_cannot_be_changed_afterwards() -> None:
    assert all(kind.options.model_config.get("frozen") for kind in SOURCES.values())
    assert source_kind("rss") is SOURCES["rss"]


@pytest.mark.parametrize("kind", SOURCES)
def test_no_kind_with_a_secret_quotes_it_in_its_errors(kind: str) -> None:
    options = SOURCES[kind].options
    if any("SecretStr" in str(field.annotation) for field in options.model_fields.values()):
        assert options.model_config.get("hide_input_in_errors") is True
