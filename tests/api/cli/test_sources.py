"""``escucha sources`` as a person uses it, against real sockets."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from .conftest import Escucha, count

FEED = """<rss version="2.0"><channel><title>News</title>
<item><guid>1</guid><title>Lumbra \x9b lost my bag</title><pubDate>Fri, 20 Nov 2026 11:00:00 GMT</pubDate></item>
<item><guid>2</guid><title>Weather: [bold]sunny[/bold]</title>
<pubDate>Fri, 20 Nov 2026 12:30:00 GMT</pubDate></item>
</channel></rss>"""

Serve = Callable[..., None]


@pytest.fixture
def serve(tmp_path: Path, httpserver: HTTPServer) -> Serve:
    """An escucha.yml with one feed, and what the server answers."""
    url = httpserver.url_for("/feed")
    (tmp_path / "escucha.yml").write_text(
        f"brands: [{{name: Lumbra}}]\nsources:\n  - {{name: my news, kind: rss, url: '{url}', every: 5m}}\n"
    )

    def answer(response: Response | None = None) -> None:
        httpserver.clear()
        given = response or Response(FEED, content_type="application/rss+xml")
        httpserver.expect_request("/feed").respond_with_response(given)

    return answer


def test_a_source_that_works_is_listed_and_nothing_waits(escucha: Escucha, serve: Serve) -> None:
    serve()
    assert escucha("collect", "--once").status == 0
    result = escucha("sources")

    assert result.status == 0
    assert "my news" in result.out
    assert "up to date" in result.out
    (row,) = json.loads(escucha("sources", "--json").out)
    assert (row["name"], row["state"], row["found_24h"], row["new_24h"]) == ("my news", "ok", 2, 1)


def test_a_source_that_stopped_is_told_with_what_to_do_and_ends_in_1(escucha: Escucha, serve: Serve) -> None:
    serve(Response("no", status=401))
    escucha("collect", "--once")
    result = escucha("sources")

    assert result.status == 1
    assert "stopped: the platform does not accept our password or key" in result.out
    assert (
        "  to do: check the credentials of this source: they may be mistyped, expired or withdrawn; then " in result.out
    )
    assert "`escucha collect --once 'my news'`" in result.out
    assert "answered 401" in result.out
    assert "times are UTC; - = nothing was read" in result.out
    assert escucha("sources", "--json").status == 1


def test_one_that_worked_and_is_refused_is_not_stopped_for_what_may_pass(escucha: Escucha, serve: Serve) -> None:
    """As `escucha run` has it: it is tried again, an hour later at first."""
    serve()
    escucha("collect", "--once")
    serve(Response("no", status=403))
    assert escucha("collect", "--once").status == 1
    (row,) = json.loads(escucha("sources", "--json").out)
    assert (row["state"], row["trouble"]["kind"]) == ("failing", "forbidden")


@pytest.mark.parametrize("columns", [80, 140])
def test_the_table_can_be_read_in_a_narrow_terminal_too(
    escucha: Escucha, serve: Serve, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    serve(Response("no", status=401))
    escucha("collect", "--once")
    monkeypatch.setenv("COLUMNS", str(columns))
    head, row, *below = escucha("sources").out.splitlines()

    assert head.split() == ["source", "kind", "state", "read", "behind", "next", "new", "1h", "24h", "gaps"]
    assert row.split()[:5] == ["my", "news", "rss", "stopped", "never"]
    assert max(len(head), len(row)) <= columns
    assert "my news: stopped: the platform does not accept our password or key" in below


OTHERS = """
  - {name: another, kind: youtube, channels: [UC12345678901234567890ab], api_key_from: NOBODY_SET_THIS}
channels:
  - {name: slack, kind: slack, url_from: NOR_THIS}
"""


def test_another_sources_secret_is_not_needed_to_try_this_one(escucha: Escucha, serve: Serve, tmp_path: Path) -> None:
    serve()
    path = tmp_path / "escucha.yml"
    path.write_text(path.read_text().rstrip() + OTHERS)
    assert "my news: it works" in escucha("sources", "test", "my news").out
    result = escucha("sources", "test", "another")
    assert result.status == 1
    assert "NOBODY_SET_THIS is not set; set it" in result.err


def test_without_sources_it_says_how_to_have_one(escucha: Escucha) -> None:
    result = escucha("sources")
    assert (result.status, "name some in escucha.yml" in result.out) == (0, True)


def test_one_source_shows_its_hours_its_trouble_and_its_gaps(escucha: Escucha, serve: Serve) -> None:
    serve(Response("busy", status=503))
    escucha("collect", "--once")
    result = escucha("sources", "show", "my news")

    assert result.status == 0
    assert "my news (rss): the platform has trouble of its own; tried again at" in result.out
    assert "message: http://localhost" in result.out
    assert "F failed (1 hour)" in result.out
    assert ". before it was listened to (23 hours)" in result.out
    assert "nobody knows: nothing of these hours was read" in result.out

    serve()
    escucha("collect", "--once")
    quiet = escucha("sources", "show", "my news", "--hours", "3").out
    assert "nothing of these hours was to be read yet" in quiet
    assert "~ not due yet (1 hour)" in quiet
    told = json.loads(escucha("sources", "show", "my news", "--json").out)
    assert (told["name"], len(told["coverage"]["hours"])) == ("my news", 24)


def test_a_source_that_is_not_there_is_told_with_those_that_are(escucha: Escucha, serve: Serve) -> None:
    serve()
    escucha("collect", "--once")
    for command in ("show", "test"):
        result = escucha("sources", command, "my nws")
        assert result.status == 1
        assert "my news" in result.err


def test_a_test_makes_one_request_stores_nothing_and_shows_what_came_back(
    escucha: Escucha, serve: Serve, httpserver: HTTPServer, tmp_path: Path
) -> None:
    serve()
    result = escucha("sources", "test", "my news")

    assert result.status == 0, result.err
    assert "my news: it works; 2 items came back in 0" in result.out
    assert "1 about a brand" in result.out
    assert "the oldest of 2026-11-20 11:00 UTC, the newest of 2026-11-20 12:30 UTC" in result.out
    assert "for example: Weather: [bold]sunny[/bold]" in result.out
    assert len(httpserver.log) == 1
    assert count(tmp_path, "SELECT count(*) FROM mention") == 0
    assert count(tmp_path, "SELECT count(*) FROM source WHERE cursor IS NOT NULL OR last_run_at IS NOT NULL") == 0
    assert count(tmp_path, "SELECT count(*) FROM source_hour") == 0


@pytest.mark.parametrize(
    ("response", "words", "to_do"),
    [
        (Response("no", 401), "does not accept our password or key", "check the credentials"),
        (Response("slow", 429, {"Retry-After": "77"}), "asks us to slow down", "it is tried again by itself"),
        (Response("<html><body>Sign in</body></html>", content_type="text/html"), "nothing at the address",
         "check the address"),
        (Response("", 500), "trouble of its own", "it is tried again by itself"),
        (Response("", 200), "is not what this platform sends", "if it lasts, check the address"),
    ],
)  # fmt: skip
def test_a_test_that_fails_says_what_is_wrong_and_what_to_do(
    escucha: Escucha, serve: Serve, response: Response, words: str, to_do: str
) -> None:
    serve(response)
    result = escucha("sources", "test", "my news")

    assert result.status == 1
    assert words in result.err
    assert to_do in result.err
    assert "message: http://localhost" in result.err
    assert "Traceback" not in result.err


def test_a_test_of_a_paged_source_breaks_off_after_its_first_page(
    escucha: Escucha, tmp_path: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(request: Request) -> Response:
        hits = [
            {"objectID": str(number), "created_at_i": 1_795_000_000 + number, "author": "ana",
             "comment_text": "Lumbra", "_tags": ["comment"]}
            for number in range(int(request.args["hitsPerPage"]))
        ]  # fmt: skip
        return Response(json.dumps({"hits": hits, "nbHits": len(hits)}), content_type="application/json")

    httpserver.expect_request("/search_by_date").respond_with_handler(busy)
    monkeypatch.setenv("ESCUCHA_HACKERNEWS_URL", httpserver.url_for(""))
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\nsources: [{name: hn, kind: hackernews}]\n")
    result = escucha("sources", "test", "hn")

    assert result.status == 0, result.err
    assert "1,000 items came back" in result.out
    assert len(httpserver.log) == 1


def test_a_secret_is_neither_taken_from_the_file_nor_shown(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = "UC12345678901234567890ab"
    text = f"brands: [{{name: Lumbra}}]\nsources:\n  - name: yt\n    kind: youtube\n    channels: [{channel}]\n"
    (tmp_path / "escucha.yml").write_text(text + "    api_key: hunter2hunter2\n")
    result = escucha("sources", "test", "yt")
    assert result.status == 2
    assert "line 6, column 5: write api_key_from: YOUTUBE_API_KEY" in result.err
    assert "hunter2" not in result.err

    (tmp_path / "escucha.yml").write_text(text + "    api_key_from: MY_KEY\n")
    monkeypatch.setenv("MY_KEY", "hunter2hunter2")
    monkeypatch.setenv("ESCUCHA_YOUTUBE_URL", "http://127.0.0.1:1")
    result = escucha("sources", "test", "yt")
    assert result.status == 1
    assert "cannot be reached" in result.err
    assert "hunter2" not in result.err + result.out


def test_where_no_brand_is_named_the_test_says_that_runs_would_read_nothing(
    escucha: Escucha, serve: Serve, tmp_path: Path
) -> None:
    serve()
    path = tmp_path / "escucha.yml"
    path.write_text(path.read_text().replace("brands: [{name: Lumbra}]\n", ""))
    assert "no brand is listened for here" in escucha("sources", "test", "my news").out
