"""Makers of mentions, incidents and notices; each test names only what it is about."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.incident import Incident
from alerts.mentions import ScoredMention
from alerts.notice import About, Action, Button, Link, Notice, NoticeKind, QuotedMention

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def noon() -> datetime:
    return NOON


@pytest.fixture(scope="session")
def a_mention() -> Callable[..., ScoredMention]:
    """A clear detractor of Aeroluz, collected a minute after it was written; `minute` moves both."""

    def make(minute: float = 0, **changes: Any) -> ScoredMention:
        written = NOON + timedelta(minutes=minute)
        fields: dict[str, Any] = {
            "id": 1,
            "brand": "Aeroluz",
            "text": "Aeroluz lost my bag again",
            "source": "hackernews",
            "created_at": written,
            "collected_at": written + timedelta(minutes=1),
            "label": "detractor",
            "stance": {"-2": 0.7, "-1": 0.2, "0": 0.05, "1": 0.03, "2": 0.02},
            "polarity": {"negative": 0.9, "neutral": 0.06, "positive": 0.04},
            "model": "minilm",
            "revision": "r1",
        }
        return ScoredMention(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def an_incident() -> Callable[..., Incident]:
    """An incident of one mention, opened at noon, that nobody knows of."""

    def make(**changes: Any) -> Incident:
        fields: dict[str, Any] = {
            "id": 7,
            "brand": "Aeroluz",
            "rule": "detractor",
            "opened_at": NOON,
            "last_at": NOON,
            "count": 1,
            "reach": 0,
        }
        return Incident(**{**fields, **changes})

    return make


@pytest.fixture(scope="session")
def a_notice() -> Callable[..., Notice]:
    """A first notice of an incident with one quotation and all buttons; names of the quoted mention's fields change
    that, others the notice."""

    def make(**changes: Any) -> Notice:
        quoted: dict[str, Any] = {
            "id": 1,
            "text": "Aeroluz lost my bag again",
            "url": "https://news.example/item?id=1&x=2",
            "author": "ana",
            "source": "hackernews",
            "lang": "en",
            "created_at": NOON,
            "reach": 1200,
            "label": "detractor",
            "probability": 0.91,
            "model": "minilm",
            "revision": "r1",
        }
        for name in quoted.keys() & changes.keys():
            quoted[name] = changes.pop(name)
        fields: dict[str, Any] = {
            "key": "detractor-opened-0123456789abcdef",
            "kind": NoticeKind.OPENED,
            "title": "Aeroluz: new detractor incident",
            "why": "New: 91% likely a detractor (alerts from 60%), reach 1,200.",
            "made_at": NOON,
            "about": About(
                id=7, brand="Aeroluz", rule="detractor", state="open", version=3, count=1, reach=1200, opened_at=NOON
            ),
            "facts": (("Incident", "1 mention, known reach 1,200"), ("Since", "2026-11-21 12:00 UTC")),
            "quotes": (QuotedMention(**quoted),),
            "links": (Link("Open the incident", "http://127.0.0.1:8000/incidents/7"),),
            "buttons": tuple(Button(action, action.value.replace("_", " ").capitalize()) for action in Action),
        }
        return Notice(**{**fields, **changes})

    return make
