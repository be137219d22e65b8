from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.layout import ROOMS, Room, first_fit, layout
from alerts.notice import NoticeKind, Section, for_test
from alerts.severity import Severity
from alerts.text import size
from tests.alerts.conftest import NOON

ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]))


def test_what_does_not_fit_is_counted(a_notice):
    notice = a_notice(
        sections=tuple(Section(f"part {part}", tuple(f"line {line}" for line in range(9))) for part in range(4)),
    )
    notice = replace(notice, quotes=notice.quotes * 5)
    shown = layout(notice, Room(quotes=2, sections=3, lines=6))
    assert len(shown.quotes) == 2
    assert shown.more_quotes == "and 3 more mentions, in Escucha"
    assert shown.sections[0].lines[-1] == "… and 3 more, in Escucha"
    assert shown.sections[-1] == Section("… and 1 more, in Escucha", ())


def test_an_inferred_stance_is_named_as_one_in_the_notices_language(a_notice):
    [english] = layout(a_notice(), Room()).quotes
    [spanish] = layout(a_notice(language="es"), Room()).quotes
    assert english.origin == (
        "ana · hackernews · en · 2026-11-21 12:00 UTC · reach 1,200 · inferred stance: detractor · "
        "91% likely a detractor · model minilm r1"
    )
    assert "postura inferida: detractor" in spanish.origin
    assert "alcance 1 200" in spanish.origin


def test_a_quotations_time_is_written_in_the_teams_zone(a_notice):
    [quoted] = layout(a_notice(timezone="America/Bogota"), Room()).quotes
    assert "2026-11-21 07:00 America/Bogota" in quoted.origin


def test_a_test_has_no_severity_and_no_origin():
    shown = layout(for_test("team", NOON), Room())
    assert (shown.severity, shown.quotes[0].origin) == ("", "")
    assert shown.urgency == "Test message from Escucha"


@pytest.mark.parametrize(
    ("severity", "title", "language", "urgency"),
    [
        (Severity.WARNING, "New: Aeroluz", "en", "[Warning] New: Aeroluz"),
        (Severity.CRITICAL, "CRITICAL · New: Aeroluz", "en", "CRITICAL · New: Aeroluz"),
        (Severity.CRITICAL, "CRÍTICA · Nueva: Aeroluz", "es", "CRÍTICA · Nueva: Aeroluz"),
        (Severity.INFO, "Resumen", "es", "[Informativa] Resumen"),
    ],
)
def test_the_severity_stands_in_words_once(a_notice, severity, title, language, urgency):
    assert layout(a_notice(severity=severity, title=title, language=language), Room()).urgency == urgency


def test_addresses_lead_to_the_web_or_nowhere(a_notice):
    [quoted] = layout(a_notice(url="javascript:alert(1)"), Room()).quotes
    assert quoted.url is None


@settings(deadline=None, max_examples=25)
@given(
    text=ANY_TEXT,
    author=st.none() | ANY_TEXT,
    title=ANY_TEXT,
    room=st.sampled_from(ROOMS),
    kind=st.sampled_from(NoticeKind),
)
def test_whatever_a_notice_holds_keeps_to_its_room(a_notice, text, author, title, room, kind):
    shown = layout(a_notice(text=text, author=author, title=title, why=title, kind=kind), room)
    assert 0 < size(shown.title) <= room.title
    assert 0 < size(shown.why) <= room.why
    assert 0 < size(shown.quotes[0].text) <= room.quote
    for words in (shown.title, shown.why, shown.quotes[0].origin):
        assert "\n" not in words
        words.encode("utf-8")


def test_the_first_that_fits_is_taken_and_else_the_last():
    assert first_fit([9, 5, 3, 1], lambda one: one <= 5) == 5
    assert first_fit([9, 8, 7], lambda one: one <= 5) == 7
    with pytest.raises(ValueError, match="nothing to choose from"):
        first_fit([], bool)
