"""Every kind of source there is: the only module that imports them all. A new source is a file and a line here."""

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel, ValidationError

from alerts.problems import in_words
from listener.source import FatalSourceError, Source
from listener.sources.appstore import AppStoreOptions, AppStoreSource
from listener.sources.bluesky import BlueskyOptions, BlueskySource
from listener.sources.file import FileOptions, FileSource
from listener.sources.gdelt import GdeltOptions, GdeltSource
from listener.sources.googleplay import GooglePlayOptions, GooglePlaySource
from listener.sources.hackernews import HackerNewsOptions, HackerNewsSource
from listener.sources.jetstream import JetstreamOptions, JetstreamSource
from listener.sources.mastodon import MastodonOptions, MastodonSource
from listener.sources.reddit import RedditOptions, RedditSource
from listener.sources.replay import ReplayOptions, ReplaySource
from listener.sources.rss import RssOptions, RssSource
from listener.sources.x import XOptions, XSource
from listener.sources.youtube import KEEP_FOR as YOUTUBE_KEEPS_FOR
from listener.sources.youtube import YouTubeOptions, YouTubeSource
from listener.tools import Tools


@dataclass(frozen=True, slots=True)
class SourceKind:
    """A kind of source: what it is in one sentence, what can be set, and how one is made of that.

    ``keep_for``: how long its platform's terms let us keep what it says; None = as long as we like.
    ``look_up_within``: how soon its terms want us to have noticed that a post was deleted; None = they do not say.
    """

    kind: str
    description: str
    options: type[BaseModel]
    make: Callable[[Any, Tools], Source]
    keep_for: timedelta | None = None
    look_up_within: timedelta | None = None


_ALL = (
    SourceKind(
        "file",
        "Mentions from a file: JSON lines or CSV, with any column names.",
        FileOptions,
        lambda options, tools: FileSource(options),  # noqa: ARG005
    ),
    SourceKind(
        "rss",
        "The entries of one RSS or Atom feed: news, blogs, forums.",
        RssOptions,
        lambda options, tools: RssSource(options, tools.http),
    ),
    SourceKind(
        "hackernews",
        "Stories and comments on Hacker News, through Algolia's search; no key needed.",
        HackerNewsOptions,
        HackerNewsSource,
    ),
    SourceKind(
        "replay",
        "A recorded story told again as if it happened now, for demonstrations.",
        ReplayOptions,
        lambda options, tools: ReplaySource(options),  # noqa: ARG005
    ),
    SourceKind(
        "youtube",
        "Comments below YouTube videos: of channels, of single videos, of videos found by search.",
        YouTubeOptions,
        YouTubeSource,
        keep_for=YOUTUBE_KEEPS_FOR,
    ),
    SourceKind(
        "x",
        "Posts on X through its recent search, paid by the post within a daily cap in US dollars.",
        XOptions,
        XSource,
        look_up_within=timedelta(hours=24),
    ),
    SourceKind(
        "gdelt",
        "News articles by their titles, from GDELT's index of the world's press; three months back, no key needed.",
        GdeltOptions,
        GdeltSource,
    ),
    SourceKind(
        "mastodon",
        "Public posts under hashtags on a Mastodon server, and with an account's token its full-text search.",
        MastodonOptions,
        MastodonSource,
    ),
    SourceKind(
        "appstore",
        "Reviews of one app in Apple's App Store, country by country; no key needed.",
        AppStoreOptions,
        AppStoreSource,
    ),
    SourceKind(
        "reddit",
        "Submissions and comments of subreddits on Reddit, and searches for submissions.",
        RedditOptions,
        RedditSource,
        look_up_within=timedelta(hours=24),
    ),
    SourceKind(
        "googleplay",
        "Reviews of one's own app on Google Play, by the official API with a service account; the last week's.",
        GooglePlayOptions,
        GooglePlaySource,
    ),
    SourceKind(
        "bluesky",
        "Posts on Bluesky through its search, asked by an account with an app password.",
        BlueskyOptions,
        BlueskySource,
    ),
    SourceKind(
        "jetstream",
        "Everything posted and deleted on Bluesky, from its firehose; no account needed.",
        JetstreamOptions,
        JetstreamSource,
    ),
)

SOURCES: Mapping[str, SourceKind] = MappingProxyType({source.kind: source for source in _ALL})


def source_kind(kind: str) -> SourceKind:
    """The kind of that name. Raises FatalSourceError listing the known ones, with the nearest as a suggestion."""
    if kind in SOURCES:
        return SOURCES[kind]
    near = difflib.get_close_matches(kind.lower(), SOURCES, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise FatalSourceError(f"there is no source of the kind {kind!r}: {hint}The kinds are {', '.join(SOURCES)}")


def demands() -> dict[str, timedelta]:
    """How soon posts must be looked up again, of the kinds whose platforms' terms say so."""
    return {name: kind.look_up_within for name, kind in SOURCES.items() if kind.look_up_within is not None}


def build(kind: str, options: Mapping[str, Any], tools: Tools) -> Source:
    """A source ready to fetch. Raises FatalSourceError for an unknown kind and for options that do not fit it."""
    known = source_kind(kind)
    try:
        checked = known.options.model_validate(dict(options))
    except ValidationError as error:
        raise FatalSourceError(f"source {kind}: {in_words(error, known.options)}") from error
    return known.make(checked, tools)
