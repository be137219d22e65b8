import pytest
import structlog
from structlog.testing import capture_logs

from alerts.channels.log import LogChannel


def test_one_line_with_everything_dangerous_made_visible(a_notice):
    notice = a_notice(text="red \x1b[31mline\nforged level=error\u202e", author="a\rb", url=None)
    with capture_logs() as lines:
        assert LogChannel("console").send(notice).detail == "logged"
    [line] = lines
    assert (line["event"], line["log_level"], line["channel"]) == ("notice", "warning", "console")
    assert line["text"] == r"red \x1b[31mline\nforged level=error\u202e"
    assert (line["author"], line["url"], line["count"]) == (r"a\rb", "", 1)
    assert (line["key"], line["kind"]) == (notice.key, "opened")


@pytest.mark.parametrize("text", ["x" * 10_000, "\ud800" * 10_000, "\x00" * 10_000])
def test_long_text_is_cut(a_notice, text):
    with capture_logs() as lines:
        LogChannel("console").send(a_notice(text=text))
    lines[0]["text"].encode("utf-8")
    assert len(lines[0]["text"]) <= 300 * 6


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error", "critical"])
def test_a_notice_stands_in_the_log_whatever_else_does(a_notice, level):
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(level))
    try:
        with capture_logs() as lines:
            LogChannel("console").send(a_notice())
    finally:
        structlog.configure(**before)
    assert [line["event"] for line in lines] == ["notice"]
