"""The log as a channel: what stands in a line cannot forge, hide or break one."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from alerts.channels.log import LogChannel, LogOptions

from .conformance import ChannelContract


class Log:
    secrets = ()

    def __init__(self, lines: list[Any]) -> None:
        self.lines = lines

    def channel(self) -> LogChannel:
        return LogChannel.from_options("team", LogOptions())

    def received(self) -> list[Any]:
        return self.lines

    def words(self, message: Any) -> str:
        return "\n".join(map(str, message.values()))

    def assert_inert(self, message: Any) -> None:
        for value in message.values():
            assert not re.search("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", value)
            value.encode("utf-8")

    def assert_within_limits(self, message: Any) -> None:
        assert all(len(value) <= 600 * 6 for value in message.values())


class TestLog(ChannelContract):
    @pytest.fixture
    def far_end(self) -> Iterator[Log]:
        with capture_logs() as lines:
            yield Log(lines)


def test_one_line_with_everything_dangerous_made_visible(a_notice):
    notice = a_notice(text="red \x1b[31mline\nforged level=error\u202e", author="a\rb", url=None)
    with capture_logs() as lines:
        assert LogChannel("console").send(notice).detail == "logged"
    [line] = lines
    assert (line["event"], line["log_level"], line["channel"]) == ("notice", "warning", "console")
    assert line["text"] == r"red \x1b[31mline\nforged level=error\u202e"
    assert (line["author"], line["url"], line["severity"]) == (r"a\rb", "", "warning")
    assert (line["key"], line["kind"]) == (notice.key, "opened")


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
