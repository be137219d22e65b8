"""What open pages follow, over real sockets: everybody is told, at the cost of one reader, and nothing stays behind."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest

from api.dashboard.live import Live
from api.routes import events
from listener.access import Permission, Role
from listener.store import life, users, versions

from .conftest import Served

READERS = 20


def told(lines: Any) -> dict[str, str]:
    """The topics of the next event of a stream."""
    data = next(line for line in lines if line.startswith("data: "))
    found: dict[str, str] = json.loads(data.removeprefix("data: "))["topics"]
    return found


def until(true: Callable[[], bool], seconds: float = 10) -> bool:
    """Whether it comes true in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
    return true()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
class TestStreams:
    def test_one_change_is_told_to_all_by_one_reader_that_ends_with_the_last(
        self, served: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reads = []
        original = Live._read
        monkeypatch.setattr(Live, "_read", lambda self: reads.append(None) or original(self))  # type: ignore[func-returns-value]
        live = served.app.state.live
        limits = httpx2.Limits(max_connections=None)
        with httpx2.Client(base_url=served.url, headers=served.headers, timeout=20, limits=limits) as client:
            with ExitStack() as open_ones:
                streams = [open_ones.enter_context(client.stream("GET", "/api/v1/events")) for _ in range(READERS)]
                lines = [stream.iter_lines() for stream in streams]
                before = [told(one) for one in lines]
                assert live.followers == READERS
                with served.house.store.transaction() as session:
                    life.act(session, 1, "acknowledge", "ana", served.house.clock())
                so_far = len(reads)
                after = [told(one) for one in lines]
                assert len(reads) - so_far <= 3
            assert all(one == before[0] for one in before)
            assert all(one == after[0] for one in after)
            assert {topic for topic in after[0] if after[0][topic] != before[0][topic]} == {"alerts"}
        assert until(lambda: live.followers == 0 and live.versions is None)

    def test_a_stream_ends_when_its_session_does(self, served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(events, "KNOWN_FOR_S", 0.2)
        monkeypatch.setattr(events, "KEEPALIVE_S", 0.3)
        cookie = served.sign_in(Role.VIEWER, "Lumbra")
        with httpx2.stream(
            "GET", f"{served.url}/api/v1/events", cookies={cookie["name"]: cookie["value"]}, timeout=20
        ) as stream:
            lines = stream.iter_lines()
            told(lines)
            assert next(line for line in lines if line) == ": still here"
            with served.house.store.transaction() as session:
                users.close_session(session, cookie["value"])
            assert not any(line.startswith("data") for line in lines)

    def test_only_what_somebody_may_read_is_told_and_it_cannot_be_guessed(self, served: Served) -> None:
        assert events.TOPICS.keys() == versions.TOPICS.keys()
        headers = served.house.key(Permission.READ_ALERTS, brand="Lumbra")
        with httpx2.stream("GET", f"{served.url}/api/v1/events", headers=headers, timeout=20) as stream:
            assert told(stream.iter_lines()).keys() == {"alerts", "deliveries", "silences"}
        others = Live(served.house.installation, threading.Event())
        assert served.app.state.live._short((1, 1)) == served.app.state.live._short((1, 1)) != others._short((1, 1))

    def test_they_end_with_the_process(self, served: Served) -> None:
        with httpx2.stream("GET", f"{served.url}/api/v1/events", headers=served.headers, timeout=20) as stream:
            lines = stream.iter_lines()
            told(lines)
            threading.Thread(target=served.stop).start()
            assert list(lines) is not None
        assert until(lambda: served.app.state.live.followers == 0)

    def test_nobody_follows_without_being_known(self, served: Served) -> None:
        assert httpx2.get(f"{served.url}/api/v1/events").status_code == 401
