"""The stand-in for Slack answers as it is told to, and keeps what it took."""

import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"

Receive = Callable[..., Any]


@pytest.fixture
def receive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Receive]:
    """Starts a receiver that behaves as told, in turn."""
    monkeypatch.syspath_prepend(SCRIPTS)
    import receive_slack  # type: ignore[import-not-found]

    running = []

    def start(*behave: str) -> Any:
        receiver = receive_slack.Receiver(0, tmp_path / "slack.jsonl", list(behave), 0.05, 7)
        thread = threading.Thread(target=receiver.serve_forever)
        thread.start()
        running.append((receiver, thread))
        return receiver

    yield start
    for receiver, thread in running:
        receiver.shutdown()
        thread.join()
        receiver.server_close()
    del sys.modules["receive_slack"]


def test_what_is_taken_is_kept(receive: Receive, tmp_path: Path) -> None:
    receiver = receive("ok")
    answer = httpx2.post(receiver.url, json={"text": "¡hola!"})
    assert (answer.status_code, answer.text) == (200, "ok")
    assert receiver.taken == [{"text": "¡hola!"}]
    assert [json.loads(line) for line in (tmp_path / "slack.jsonl").read_text().splitlines()] == receiver.taken


def test_behaviours_take_turns_and_only_what_is_taken_is_kept(receive: Receive) -> None:
    receiver = receive("429", "500", "silence", "lost", "ok")
    limited = httpx2.post(receiver.url, json={"n": 1})
    assert (limited.status_code, limited.headers["Retry-After"]) == (429, "7")
    assert httpx2.post(receiver.url, json={"n": 2}).status_code == 500
    for number in (3, 4):
        with pytest.raises(httpx2.RemoteProtocolError):
            httpx2.post(receiver.url, json={"n": number})
    assert httpx2.post(receiver.url, json={"n": 5}).status_code == 200
    assert receiver.taken == [{"n": 4}, {"n": 5}]
    assert set(receiver.answered.values()) == {1}


def test_another_path_and_no_json_are_refused_as_slack_does(receive: Receive) -> None:
    receiver = receive("ok")
    assert httpx2.post(receiver.url.replace("services", "nowhere"), json={}).text == "no_service"
    assert httpx2.post(receiver.url, content=b"{").text == "invalid_payload"
    assert receiver.taken == []
