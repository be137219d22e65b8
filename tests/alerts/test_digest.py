"""A digest says its figures in the team's words, and nobody's name or post breaks it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.digest import MOST_BRANDS, key_of, write
from alerts.digest_figures import (
    BrandFigures,
    Counts,
    DeclaredMarks,
    DigestFigures,
    IncidentFigures,
    OpenIncident,
    Unread,
    Voice,
)
from alerts.digest_period import Every, at
from alerts.digest_words import WORDS, Words
from alerts.expectation import share
from alerts.notice import Notice
from alerts.policy import Team
from alerts.severity import Severity

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CARE = Team.model_validate({"name": "care", "timezone": "Europe/Madrid", "language": "en"})


def written(figures: DigestFigures, language: str = "en") -> Notice:
    team = CARE.model_copy(update={"language": language})
    period = at(team, Every.DAILY, NOW)
    return write(team, period, figures, key=key_of(team.name, period), public_url="https://escucha.example")


def lines(notice: Notice, heading: str) -> tuple[str, ...]:
    return next(section.lines for section in notice.sections if section.heading == heading)


def brand(name: str = "Aeroluz", before: Counts | None = None, **counts: int) -> BrandFigures:
    return BrandFigures(name, Counts(**counts), before)


def test_changes_are_told_in_what_people_read() -> None:
    before = Counts(mentions=10, promoters=5, passives=3, detractors=2, reach=100)
    now = brand(before=before, mentions=12, promoters=6, passives=3, detractors=3, reach=2_500, copies=4)

    notice = written(DigestFigures(brands=[now]))

    assert lines(notice, "Aeroluz") == (
        "Mentions: 12 (+20%), and 4 that only repeat them",
        "Promoters: 6, 50% [25% to 75%] (as before)",
        "Passives: 3, 25% [8.9% to 53%] (−5.0 points)",
        "Detractors: 3, 25% [8.9% to 53%] (+5.0 points)",
        "Net inferred stance: +25% [−21% to +64%] (−5.0 points)",
        "Reach: 2,500 people at most (×25)",
    )


def test_what_was_never_listened_for_before_has_no_change() -> None:
    notice = written(DigestFigures(brands=[brand(mentions=3, promoters=3), brand("Nubia", Counts(), mentions=1)]))

    assert notice.facts[0] == ("Mentions", "4")
    assert lines(notice, "Aeroluz")[0] == "Mentions: 3"
    assert lines(notice, "Nubia") == ("Mentions: 1 (none before)", "Without a stance: 1")


def test_declared_marks_stand_apart_and_only_they_may_be_called_nps() -> None:
    marks = [
        DeclaredMarks("nps", 40, -12.5, 0, 10), DeclaredMarks("csat", 9, 0.667, 1, 5),
        DeclaredMarks("ces", 3, 5.33, 1, 7),
    ]  # fmt: skip

    english, spanish = (written(DigestFigures(declared=marks), language) for language in ("en", "es"))

    assert lines(english, "Declared by people themselves") == (
        "Net Promoter Score: −12 (40 answers)", "CSAT: 67% satisfied (9 answers)",
        "ces: 5.3 on average, from 1 to 7 (3 answers)",
        "Answers that people gave are never added to what was inferred.",
    )  # fmt: skip
    assert lines(spanish, "Declarado por las propias personas")[2] == "ces: 5,3 de media, de 1 a 7 (3 respuestas)"


def test_long_lists_end_with_how_many_more_there_are() -> None:
    brands = [brand(f"B{number:02}", mentions=100 - number) for number in range(12)]
    open_ones = [
        OpenIncident(number, None, "coverage", "feed", Severity.WARNING, "open", 0, NOW) for number in range(10)
    ]
    figures = DigestFigures(brands=brands, incidents=IncidentFigures(open=open_ones, open_in_all=31))

    notice = written(figures)

    headings = [section.heading for section in notice.sections]
    assert headings[:MOST_BRANDS] == [f"B{number:02}" for number in range(MOST_BRANDS)]
    assert lines(notice, "Mentions") == ("B08: 92", "B09: 91", "B10: 90", "B11: 89")
    assert lines(notice, "Open now")[-1] == "and 21 more"
    assert lines(notice, "Open now")[0].startswith(
        "#0 sources / feed: source not read, 0 mentions, warning, open, since"
    )


def test_nothing_is_one_line_and_says_whether_all_was_read() -> None:
    missing = DigestFigures(unread=[Unread("feed", timedelta(hours=3), timedelta(days=1))])

    assert written(DigestFigures(), "es").why == (
        "No pasó nada en este periodo: ni menciones ni incidencias. Se leyeron todas las fuentes."
    )
    assert written(DigestFigures()).sections == ()
    assert written(missing).why.endswith("But not everything was read, so there may have been some.")
    assert lines(written(missing), "Not read")[0] == "feed: 3h of 1d missing"


@pytest.mark.parametrize("word", sorted(WORDS))
def test_every_sentence_has_both_languages_with_the_same_blanks(word: str) -> None:
    blanks = {
        language: sorted(part.partition("}")[0] for part in text.split("{")[1:])
        for language, text in WORDS[word].items()
    }

    assert set(blanks) == {"en", "es"}
    assert blanks["en"] == blanks["es"]


COUNTS = st.integers(0, 10**9)


@given(st.text(max_size=80), COUNTS, COUNTS, COUNTS, COUNTS, st.sampled_from(["en", "es"]))
def test_no_name_and_no_number_breaks_a_digest(
    name: str, promoters: int, passives: int, detractors: int, before: int, language: str
) -> None:
    whole = promoters + passives + detractors
    counts: dict[str, Any] = {
        "mentions": whole, "promoters": promoters, "passives": passives, "detractors": detractors, "reach": before,
    }  # fmt: skip
    found = share(promoters, whole)
    figures = DigestFigures(
        brands=[brand(name, Counts(mentions=before, promoters=before), **counts)],
        voices=[Voice(name, found, None, own=True)] if found else [],
        unread=[Unread(name, timedelta(minutes=5), timedelta(days=1))],
    )

    notice = written(figures, language)

    assert Notice.from_json(notice.to_json()) == notice
    assert len(notice.title) <= 140
    for text in (notice.title, notice.why, *(line for one in notice.sections for line in (one.heading, *one.lines))):
        assert "\n" not in text
        assert "nan" not in text.lower() or "nan" in name.lower()


@given(COUNTS, COUNTS, COUNTS)
def test_net_stance_lies_within_its_interval(promoters: int, passives: int, detractors: int) -> None:
    counts = Counts(promoters=promoters, passives=passives, detractors=detractors)

    if counts.net is None:
        assert not counts.labelled
    else:
        value, low, high = counts.net
        assert -1 <= low <= value <= high <= 1


def test_numbers_are_written_as_the_language_does() -> None:
    english, spanish = Words("en", CARE.zone), Words("es", CARE.zone)

    assert (english.percent(0.0123), spanish.percent(0.0123)) == ("1.2%", "1,2\u00a0%")
    assert (english.percent(-0.25, signed=True), english.percent(0.0)) == ("\N{MINUS SIGN}25%", "0%")
    assert (english.number(12_345), spanish.number(12_345)) == ("12,345", "12\u00a0345")
