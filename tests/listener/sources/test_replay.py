"""The replay source: a story comes to light as fast as it is told to."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from listener.query import Query
from listener.source import Cursor, FatalSourceError, Page
from listener.sources.replay import ReplayOptions, ReplaySource
from tests.listener.sources.conformance import START, UNTIL, FixedContract, Host, Post


class FakeStory:
    """Posts as a story. Its times end when its telling begins, so that is set to the last post's once it is known."""

    kind, ordered, lag = ReplaySource.kind, ReplaySource.ordered, ReplaySource.lag

    def __init__(self, path: Path) -> None:
        self._path = path
        self._posts: list[Post] = []

    def source(self) -> "FakeStory":
        return self

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        last = max(post.said_at for post in self._posts)
        return ReplaySource(ReplayOptions(path=self._path, started_at=last)).fetch(query, cursor, until)

    def publish(self, posts: Iterable[Post]) -> None:
        self._posts += posts
        self._path.write_text("".join(self._line(post) for post in self._posts), encoding="utf-8")

    @staticmethod
    def _line(post: Post) -> str:
        at = (post.said_at - START).total_seconds()
        return json.dumps({"at": at, "platform": "x", "id": post.id, "text": post.text}) + "\n"


STORY = [
    {"at": 0, "platform": "x", "id": "1", "text": "acme begins", "lang": "en", "url": "https://x.example/1"},
    {
        "at": 600, "platform": "reddit", "id": "2", "text": "acme goes on", "reply_to": "1", "reach": 50,
        "author": {"id": "a1", "handle": "ana", "name": "Ana", "followers": 10},
    },
    {"at": 3600, "platform": "x", "id": "3", "text": "acme ends", "author": {"handle": "bob", "followers": 9}},
]  # fmt: skip


@pytest.fixture
def story(tmp_path: Path) -> Path:
    path = tmp_path / "story.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in STORY), encoding="utf-8")
    return path


def test_everything_at_once(story: Path) -> None:
    host = Host(ReplaySource(ReplayOptions(path=story, started_at=START)))
    host.run()
    first, second, third = host.stored.values()
    assert (first.kind, first.native_id, first.created_at) == ("x", "1", START - timedelta(hours=1))
    assert first.url == "https://x.example/1"
    assert first.lang == "en"
    assert (second.kind, second.reach, second.reply_to) == ("reddit", 50, "1")
    assert second.author is not None
    assert (second.author.native_id, second.author.followers) == ("a1", 10)
    assert (third.created_at, third.reach) == (START, 9)


def test_the_story_comes_to_light_with_the_clock(story: Path) -> None:
    host = Host(ReplaySource(ReplayOptions(path=story, speed=60, started_at=START)))
    told = []
    for seconds in (0, 9, 10, 59, 60, 90):
        host.run(START + timedelta(seconds=seconds))
        told.append(len(host.stored))
    assert told == [1, 1, 2, 2, 3, 3]


def test_without_a_start_the_first_run_is_it_and_stays_it(story: Path) -> None:
    host = Host(ReplaySource(ReplayOptions(path=story, speed=1)))
    host.run(START)
    host.run(START + timedelta(seconds=600))
    assert [item.created_at for item in host.stored.values()] == [
        START - timedelta(hours=1),
        START - timedelta(minutes=50),
    ]


def test_long_stories_come_in_pages(tmp_path: Path) -> None:
    path = tmp_path / "long.jsonl"
    lines = [{"at": n, "platform": "x", "id": str(n), "text": f"acme {n}"} for n in range(1000)]
    path.write_text("\n".join(json.dumps(line) for line in lines[::-1]), encoding="utf-8")
    whole = Host(ReplaySource(ReplayOptions(path=path, started_at=START)))
    whole.run()
    assert whole.pages == 5
    times = [item.created_at for item in whole.stored.values()]
    assert times == sorted(times)
    host = Host(ReplaySource(ReplayOptions(path=path, started_at=START)))
    host.run(stop_after=2)
    assert len(host.stored) == 400
    host.run()
    assert host.texts == whole.texts


def test_a_bad_line_is_skipped_and_named(story: Path) -> None:
    story.write_text(story.read_text() + '\n{"at": 5}\nnonsense\n"text"\n', encoding="utf-8")
    host = Host(ReplaySource(ReplayOptions(path=story, started_at=START)))
    host.run()
    assert len(host.stored) == 3
    assert sorted(skip.where for skip in host.skipped) == ["line 4", "line 5", "line 6"]


def test_no_story(tmp_path: Path) -> None:
    with pytest.raises(FatalSourceError, match="check the path"):
        Host(ReplaySource(ReplayOptions(path=tmp_path / "none.jsonl"))).run()
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(FatalSourceError, match="empty"):
        Host(ReplaySource(ReplayOptions(path=tmp_path / "empty.jsonl"))).run(UNTIL)


class TestContract(FixedContract):
    @pytest.fixture
    def platform(self, tmp_path: Path) -> FakeStory:
        return FakeStory(tmp_path / "story.jsonl")
