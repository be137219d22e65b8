"""``escucha run`` and its parts: from a feed to Slack, and where it listens."""

import json
import os
import signal
import socket
import subprocess
import time
from contextlib import closing
from pathlib import Path
from threading import Event, Thread

import httpx2
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from api import entering
from api.cli.run import given, listening, serve_until, working
from api.wiring import Installation, install
from listener import clock
from listener.access import Role
from listener.config import load_settings
from listener.configfile import ConfigFile
from listener.store import users

from .conftest import COMMAND, Escucha

FEED = """<?xml version="1.0"?><rss version="2.0"><channel><title>News</title>
<item><guid>n1</guid><title>Lumbra outage leaves thousands offline, customers furious</title>
<link>https://example.com/n1</link><pubDate>{when}</pubDate></item>
<item><guid>n2</guid><title>Weather: sunny</title><link>https://example.com/n2</link></item></channel></rss>"""


def made_key(escucha: Escucha) -> dict[str, str]:
    """The header of a program that may read incidents."""
    made = escucha("keys", "make", "test", "--scope", "alerts:read", "--by", "ana")
    return {"Authorization": f"Bearer {made.out.strip()}"}


def test_run_brings_a_detractor_to_slack_and_stops_in_good_order(
    escucha: Escucha, tmp_path: Path, httpserver: HTTPServer
) -> None:
    when = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() - 60))
    taken: list[dict[str, object]] = []

    def slack(request: Request) -> Response:
        taken.append(request.get_json())
        return Response("ok")

    httpserver.expect_request("/feed").respond_with_data(FEED.format(when=when))
    httpserver.expect_request("/services/T0/B0/x").respond_with_handler(slack)
    feed = httpserver.url_for("/feed")
    (tmp_path / "escucha.yml").write_text(
        f"brands: [{{name: Lumbra}}]\nsources:\n  - {{name: news, kind: rss, every: 1s, url: '{feed}'}}\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    settings = os.environ | {
        "ESCUCHA_SLACK_WEBHOOK_URL": httpserver.url_for("/services/T0/B0/x"),
        "ESCUCHA_PORT": str(port),
        "ESCUCHA_PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    key = made_key(escucha)
    running = subprocess.Popen([COMMAND, "run"], env=settings, stderr=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while not taken and time.monotonic() < deadline and running.poll() is None:
            time.sleep(0.1)
        assert taken, "nothing reached Slack"
        (alert,) = httpx2.get(f"http://127.0.0.1:{port}/api/v1/alerts", headers=key).json()["items"]
        assert httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    finally:
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 0, said
    assert (alert["brand"], alert["count"]) == ("Lumbra", 1)
    assert len(taken) == 1
    assert "Lumbra outage" in json.dumps(taken[0])
    assert f"http://127.0.0.1:{port}/alerts/{alert['id']}" in json.dumps(taken[0])


def test_with_port_0_links_carry_the_port_that_was_taken() -> None:
    with listening(given(None, 0)) as (settings, (listener,)):
        assert settings.port == listener.getsockname()[1] != 0
        # Whoever connects is answered at once, not when the first half of an answer has been acknowledged.
        with socket.create_connection(listener.getsockname()), closing(listener.accept()[0]) as accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with install(settings, ConfigFile()) as made, closing(made.pipeline()) as pipeline:
            assert pipeline.public_url == f"http://127.0.0.1:{settings.port}"


@pytest.mark.parametrize("command", ["run", "demo"])
def test_an_address_in_use_is_told_before_anything_is_opened(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("ESCUCHA_PORT", str(taken.getsockname()[1]))
        result = escucha(command)
    assert result.status == 1
    assert "cannot be listened on (Address already in use); is Escucha running already?" in result.err
    assert not (tmp_path / "data").exists()


def test_listening_everywhere_without_a_public_address_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_model(_: Installation) -> object:
        raise InterruptedError

    monkeypatch.setattr(Installation, "scorer", no_model)
    for public, warned in ((None, True), ("https://escucha.example", False)):
        with (
            install(given("0.0.0.0", 8765, public_url=public), ConfigFile()) as made,
            pytest.raises(InterruptedError),
            working(made),
        ):
            pass
        assert ("links in messages lead to http://localhost:8765" in capsys.readouterr().err) == warned


def test_serve_needs_no_secrets_and_answers_only_to_its_own_names(tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text(
        "brands: [{name: Lumbra}]\nsources: [{name: feed, kind: rss, url_from: NOT_SET}]\n"
        "channels: [{name: team, kind: slack, url_from: NOT_SET_EITHER}]\n"
    )
    running = subprocess.Popen([COMMAND, "serve", "--port", "0"], stderr=subprocess.PIPE, text=True)
    try:
        assert running.stderr is not None
        url = running.stderr.readline().split()[-1]
        awaited = running.stderr.readline()
        assert awaited.startswith(f"Escucha waits for its first administrator: {url}/setup?token=")
        assert 'name="token"' in httpx2.get(awaited.split()[-1]).text
        assert httpx2.get(f"{url}/healthz").status_code == 200
        answer = httpx2.get(f"{url}/api/v1/mentions", headers={"Host": "evil.example"})
        assert answer.status_code == 400
        assert answer.headers["x-content-type-options"] == "nosniff"
    finally:
        running.send_signal(signal.SIGTERM)
        _, said = running.communicate(timeout=30)
    assert running.returncode == 0, said


def test_nobody_is_awaited_where_there_is_an_administrator() -> None:
    settings = load_settings()
    with install(settings, ConfigFile()) as installation:
        for known in (False, True):
            if known:
                with installation.store.transaction() as session:
                    roles = {None: Role.ADMINISTRATOR}
                    users.add_user(session, "ana@x.example", "Ana", roles, clock.now(), password_hash="kept")
            awaited = entering.awaited(installation.store, settings, clock.now())
            assert (awaited is None) == known


def test_a_stop_that_came_before_there_was_a_server_is_heard() -> None:
    stop = Event()
    stop.set()
    with listening(load_settings(port=0)) as (settings, sockets), install(settings, ConfigFile()) as installation:
        serving = Thread(target=serve_until, args=(installation, stop, sockets), daemon=True)
        serving.start()
        serving.join(timeout=20)
        assert not serving.is_alive()
