"""What was deleted is not taken in again, and the commands say so instead of calling it known."""

from datetime import UTC, datetime
from pathlib import Path

from pytest_httpserver import HTTPServer

from listener.store.deletion import blank
from listener.store.engine import Store

from .conftest import ROWS, Escucha, count, write_rows

FEED = """<rss version="2.0"><channel><title>News</title>
<item><guid>1</guid><title>Lumbra lost my bag</title><pubDate>Fri, 20 Nov 2026 11:00:00 GMT</pubDate></item>
</channel></rss>"""


def delete(tmp_path: Path, *mentions: int) -> None:
    store = Store(f"sqlite:///{tmp_path}/data/escucha.db")
    with store.transaction() as session:
        assert blank(session, mentions, "deleted", datetime(2026, 11, 21, tzinfo=UTC)) == len(mentions)
    store.close()


def test_an_import_says_what_stays_out(escucha: Escucha, tmp_path: Path) -> None:
    write_rows(tmp_path / "m.jsonl", ROWS)
    first = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira")
    assert "kept out" not in first.err
    delete(tmp_path, 1, 2)

    again = escucha("import", "m.jsonl", "--brand", "Lumbra", "--brand", "Telmira")

    assert "0 mentions stored, 1 known already, 2 deleted before and kept out, 0 about no brand here" in again.err
    assert count(tmp_path, "SELECT count(*) FROM mention WHERE text <> ''") == 1


def test_a_run_says_what_stays_out(escucha: Escucha, httpserver: HTTPServer, tmp_path: Path) -> None:
    httpserver.expect_request("/feed").respond_with_data(FEED, content_type="application/rss+xml")
    (tmp_path / "escucha.yml").write_text(
        f"brands: [{{name: Lumbra}}]\nsources: [{{name: news, kind: rss, url: '{httpserver.url_for('/feed')}'}}]\n"
    )
    assert "news: 1 seen, 1 new, 0 known already\n" in escucha("collect", "--once").err
    delete(tmp_path, 1)

    again = escucha("collect", "--once")

    assert "news: 1 seen, 0 new, 0 known already, 1 deleted before and kept out" in again.err
