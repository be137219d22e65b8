"""Jetstream's events, and what a page gathers of them.

https://github.com/bluesky-social/jetstream-legacy: commits, identities and accounts. An account that is no longer
``active`` says why in ``status`` (com.atproto.sync.subscribeRepos#account): what is "deleted" or "takendown" is gone;
who is "deactivated" or "suspended" may come back with all that was said.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from listener import clock
from listener.bluesky import KIND, POSTS, author_of, is_address, may_match, post_of
from listener.items import Item
from listener.query import Query
from listener.source import Page, Skipped

MICROSECOND = timedelta(microseconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NONSENSE_AHEAD = timedelta(days=1)
_GONE_FOR_GOOD = ("deleted", "takendown")
_EVENTS_A_PAGE = 5000
_KEPT_A_PAGE = 500
_SECONDS_A_PAGE = 2.0


@dataclass
class Batch:
    """What is gathered for a page. ``last``: the time of the last event, in microseconds."""

    last: int
    begun: float
    items: dict[str, Item] = field(default_factory=dict)
    deleted: dict[str, None] = field(default_factory=dict)
    deleted_authors: dict[str, None] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    gap: tuple[datetime, datetime] | None = None
    events: int = 0

    @property
    def full(self) -> bool:
        if len(self.items) + len(self.deleted) + len(self.skipped) >= _KEPT_A_PAGE or self.events >= _EVENTS_A_PAGE:
            return True
        return clock.monotonic() - self.begun >= _SECONDS_A_PAGE

    def page(self, start: int, end: int) -> Page:
        """The page, its cursor true as soon as it is stored."""
        return Page(
            tuple(self.items.values()),
            {"time_us": self.last},
            tuple(self.skipped),
            capped=self.gap is not None,
            progress=min(1.0, max(0.0, (self.last - start) / max(1, end - start))),
            gap=self.gap,
            deleted=tuple(self.deleted),
            deleted_authors=tuple(self.deleted_authors),
            platform=KIND,
        )

    def take(self, event: Mapping[str, Any], query: Query | None) -> None:
        """Keep what an event tells, if it is a post created or deleted, or an account that is gone. Bluesky ignores
        changed posts, so do we."""
        self.last = max(self.last, event["time_us"])
        if event.get("kind") == "account":
            self._take_account(event)
            return
        commit = event.get("commit")
        if not isinstance(commit, dict) or commit.get("collection") != POSTS:
            return
        did, rkey = event.get("did"), commit.get("rkey")
        uri = f"at://{did}/{POSTS}/{rkey}"
        if not (isinstance(did, str) and did and isinstance(rkey, str) and rkey and is_address(uri)):
            self.skipped.append(Skipped(f"event {event['time_us']}", "it does not say which post it is about"))
            return
        if commit.get("operation") == "delete":
            self.items.pop(uri, None)
            self.deleted[uri] = None
        elif commit.get("operation") == "create":
            try:
                item = post_of(uri, commit["record"], author_of(did), moment(event["time_us"]))
            except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as error:
                if isinstance(commit.get("record"), dict) and commit["record"].get("text") == "":
                    return  # a picture without words
                why = f"it is not as documented: {type(error).__name__} {error}"
                self.skipped.append(Skipped(f"post {uri}", why))
                return
            if may_match(query, item):
                self.items[uri] = item
                self.deleted.pop(uri, None)

    def _take_account(self, event: Mapping[str, Any]) -> None:
        did, account = event.get("did"), event.get("account")
        if not isinstance(account, Mapping) or account.get("active") is not False:
            return
        if account.get("status") in _GONE_FOR_GOOD and isinstance(did, str) and did:
            self.items = {uri: item for uri, item in self.items.items() if not uri.startswith(f"at://{did}/")}
            self.deleted_authors[did] = None


def event_of(message: str | bytes, end: int) -> dict[str, Any] | None:
    """An event with a time that can be; None for anything else. ``end``: the run's moment, in microseconds."""
    try:
        event = json.loads(message)
        time_us = event["time_us"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    possible = isinstance(time_us, int) and 0 < time_us < end + _NONSENSE_AHEAD // MICROSECOND
    return event if possible else None


def microseconds(moment: datetime) -> int:
    """A moment as Jetstream writes it."""
    return (moment - _EPOCH) // MICROSECOND


def moment(microseconds: int) -> datetime:
    """The moment that Jetstream means, in UTC."""
    return _EPOCH + microseconds * MICROSECOND
