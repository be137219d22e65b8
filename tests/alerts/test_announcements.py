"""A summary of what was held back, and the news that a channel is off."""

from datetime import datetime
from typing import Any

import pytest

from alerts.announcements import SHOWN, channel_off, summary
from alerts.notice import Notice, NoticeKind
from alerts.severity import Severity


def test_a_summary_tells_how_many_how_bad_and_which_the_worst_first(a_notice: Any, noon: datetime) -> None:
    held = [
        a_notice(key="a", title="New: Aeroluz, detractors"),
        a_notice(key="b", title="New: Nimbus, crisis", severity=Severity.CRITICAL),
    ]
    told = summary("team", held, "https://esc.example", noon)

    assert (told.kind, told.severity) == (NoticeKind.SUMMARY, Severity.CRITICAL)
    assert told.title == "Many incidents at once: 2 held back"
    assert "team has had its messages for this hour" in told.why
    assert [(one.heading, one.lines) for one in told.sections] == [
        ("Critical", ("New: Nimbus, crisis",)),
        ("Warning", ("New: Aeroluz, detractors",)),
    ]
    assert dict(told.facts)["Mentions"] == "2"
    assert told.links[0].url == "https://esc.example/alerts"
    assert told.quotes == ()
    assert Notice.from_json(told.to_json()) == told


def test_its_key_follows_from_what_it_tells_in_whatever_order(a_notice: Any, noon: datetime) -> None:
    one, other = a_notice(key="a"), a_notice(key="b")
    key = summary("team", [one, other], "", noon).key
    assert summary("team", [other, one], "", noon).key == key
    assert summary("desk", [one, other], "", noon).key != key
    assert summary("team", [one], "", noon).key != key


def test_a_long_one_names_the_worst_and_counts_the_rest(a_notice: Any, noon: datetime) -> None:
    held = [a_notice(key=f"{number}", title=f"New: {number}") for number in range(SHOWN + 5)]
    held.append(a_notice(key="worst", title="New: worst", severity=Severity.CRITICAL))
    told = summary("team", held, "", noon)

    assert told.sections[0].lines == ("New: worst",)
    assert len(told.sections[1].lines) == SHOWN
    assert told.sections[1].lines[-1] == "and 6 more"


def test_it_speaks_the_language_of_most_of_them(a_notice: Any, noon: datetime) -> None:
    held = [a_notice(key="a", language="es"), a_notice(key="b", language="es"), a_notice(key="c")]
    told = summary("equipo", held, "", noon)
    assert told.language == "es"
    assert told.title == "Muchas incidencias a la vez: 3 retenidas"


def test_of_nothing_there_is_no_summary(noon: datetime) -> None:
    with pytest.raises(ValueError, match="nothing was held back"):
        summary("team", [], "", noon)


@pytest.mark.parametrize("language", ["en", "es"])
def test_that_a_channel_is_off_is_critical_and_says_what_to_do(noon: datetime, language: Any) -> None:
    told = channel_off("team\n{x}", "no_service:\n<!channel> {said}.", 3, "https://esc.example", noon, language)
    assert (told.kind, told.severity) == (NoticeKind.CHANNEL_OFF, Severity.CRITICAL)
    assert "no_service: <!channel> {said}" in told.why
    assert "escucha channels enable team {x}" in told.why
    assert told.facts[0][1] == "3"
    assert "\n" not in told.title + told.why
