"""What rules found, in Spanish: whatever they write comes out whole, with its numbers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.baseline import HOUR
from alerts.mentions import Reading, ScoredMention
from alerts.points import Situation, suggested
from alerts.rule import Bucket, Judge, MentionSettings, SourceState, Window
from alerts.rules import coverage, crisis, detractor, promoter, reach, spike, unanswered
from api import findings
from api.dashboard.language import words
from api.voice import ENGLISH
from tests.conftest import NOON

SPANISH = words("es")
DAY = timedelta(days=1)
Make = Callable[..., ScoredMention]


def a_mention(**changes: Any) -> ScoredMention:
    """A clear detractor of Aeroluz."""
    fields: dict[str, Any] = {
        "id": 1, "brand": "Aeroluz", "text": "Aeroluz lost my bag again", "source": "x", "created_at": NOON,
        "collected_at": NOON + timedelta(minutes=1), "label": "detractor", "stance": {"-2": 0.7, "-1": 0.2, "2": 0.02},
        "polarity": {"negative": 0.9}, "model": "minilm", "revision": "r1",
    }  # fmt: skip
    return ScoredMention(**fields | changes)


def of_mentions(make: Make) -> Iterator[str]:
    old = {"created_at": NOON - 3 * DAY, "collected_at": NOON}
    unscored: dict[str, Any] = {"stance": None, "polarity": {}, "label": None}
    glad = {"label": "promoter", "stance": {"2": 0.9}}
    cases: Sequence[tuple[Judge, MentionSettings, Sequence[dict[str, Any]]]] = (
        (detractor.judge, detractor.DetractorSettings(), ({}, {"reach": 2_384}, old, unscored, glad)),
        (detractor.judge, detractor.DetractorSettings(min_reach=1_000), ({"reach": 2_384}, {"reach": 5}, {})),
        (detractor.judge, detractor.DetractorSettings(min_probability=0.955), ({},)),
        (promoter.judge, promoter.PromoterSettings(), (glad, glad | {"reach": None}, {}, glad | old, unscored)),
        (promoter.judge, promoter.PromoterSettings(min_probability=0.95), (glad, {"label": None})),
        (reach.judge, reach.ReachSettings(), (
            {"followers": 142_000}, {"reach": 250_000, "label": "passive"}, {"reach": None}, old, unscored,
            {"followers": 7, "readings": (Reading(NOON + HOUR, 20),)}, {"readings": (Reading(NOON + HOUR, 20_000),)},
        )),
        (crisis.judge, crisis.CrisisSettings(), (unscored, *(
            {"text": text} | more
            for text in (
                "The battery exploded", "see you in court", "a data breach", "they were racist", "lovely",
                ", ".join(crisis.shipped()["en"]["legal"][:12]),
            )
            for more in ({}, {"complaint": 0.97}, glad, old, {"stance": {"-2": 0.2}, "reach": None})
        ))),
    )  # fmt: skip
    for judge, settings, changes in cases:
        yield from (judge(make(**one), settings).because for one in changes)


def of_windows(make: Make) -> Iterator[str]:
    def said(
        history: list[Bucket], count: int = 1, until: datetime = NOON, lookback: timedelta = HOUR, **more: Any
    ) -> str:
        recent = [make(id=n, created_at=NOON) for n in range(count)]
        window = Window(until, "Aeroluz", recent=recent, history=history, **more)
        return spike.assess(window, spike.SpikeSettings(lookback=lookback))[0].because

    calm = [Bucket(NOON - n * HOUR, 5, 2) for n in range(600, 0, -1)]
    yield from (said(calm, until=NOON + day * DAY) for day in range(7))
    yield from (said(calm, count, lookback=3 * HOUR) for count in (0, 1_200))
    # At an hour that was never read, and in the first days.
    yield said([replace(one, covered=one.hour.hour != 11) for one in calm])
    yield from (said(calm[-hours:]) for hours in (30, 100))
    yield said(calm, whole=False, firing_since=NOON - DAY, evidence={"peak": 70, "unread_since": f"{NOON - DAY}"})
    few = [Bucket(NOON - n * HOUR, 1 if n in (67, 82) else 0 if n > 30 else 45) for n in range(82, 0, -1)]
    yield said(few)


def of_answers(make: Make) -> Iterator[str]:
    noon = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def asked(hours: float, number: int = 1) -> ScoredMention:
        when = noon - timedelta(hours=hours)
        return make(id=number, text="@Aeroluz where is my bag?", created_at=when, collected_at=when, label="passive")

    late, settings = asked(3), unanswered.UnansweredSettings()
    given_up = {"firing_since": noon - DAY, "evidence": {"given_up": 2}}
    for recent, more in (
        ((late,), {}), ((late, asked(4, 2)), given_up), ((late,), {"answers": {1: noon}}), ((asked(1),), {}), ((), {}),
        ((), given_up), ((late,), {"accounts": ()}), ((late,), {"posted": False}),
    ):  # fmt: skip
        fields: dict[str, Any] = {"accounts": ("@Aeroluz",)} | more
        yield unanswered.assess(Window(noon, "Aeroluz", recent=recent, **fields), settings)[0].because


def of_sources() -> Iterator[str]:
    usual: dict[str, Any] = {
        "name": "las noticias, y más", "kind": "rss", "every": HOUR, "listened_from": None, "last_success_at": None,
        "silent": 20 * HOUR, "usual_gap": 4 * HOUR, "failing_since": None, "stopped": False, "error": None,
    }  # fmt: skip
    failing = {"failing_since": NOON - 3 * HOUR}
    for more in (
        {}, {"stopped": True}, {"stopped": True, "error": "401; sign in"}, failing, failing | {"error": "503: no"},
        {"usual_gap": timedelta(seconds=5)},
    ):  # fmt: skip
        yield coverage.assess(Window(NOON, sources=[SourceState(**usual | more)]), coverage.CoverageSettings())[
            0
        ].because


def of_suggestions() -> Iterator[str]:
    for more in (
        {"irony": 0.7, "emotions": {"anger": 0.9}}, {"waiting": 30 * HOUR, "earlier": 12, "earlier_detractors": 3},
        {"label": "passive"}, {"label": None},
    ):  # fmt: skip
        situation = Situation("Awful", "es", **{"label": "detractor"} | more)
        yield from (point.evidence for point in suggested(situation) if not point.quoted)


def test_whatever_the_rules_write_comes_out_in_spanish_and_every_clause_is_written_by_one() -> None:
    used: set[str] = set()

    class Listening:
        number, percent, ngettext = SPANISH.number, SPANISH.percent, SPANISH.ngettext

        def gettext(self, one: str) -> str:
            used.add(one)
            return SPANISH.gettext(one)

    texts = {*of_mentions(a_mention), *of_windows(a_mention), *of_answers(a_mention), *of_sources(), *of_suggestions()}
    same = {text for text in texts if findings.said(text, Listening()) == text}
    assert {text for text in same if not text.startswith("legal: ")} == set()
    assert set(findings.CLAUSES) - used == set()
    assert {
        text for text in texts if findings.said(text, ENGLISH) != text or findings.said(text, words("en")) != text
    } == set()


@pytest.mark.parametrize(
    ("text", "spanish"),
    [
        (
            "safety: fire, unsafe; legal: court and 3 more; 88.5% likely a complaint (alerts from 50%), reach 12,202",
            (
                "seguridad: fire, unsafe; legal: court y 3 más; probable queja: 88,5\u00a0% (alerta desde 50\u00a0%), "
                "alcance 12.202"
            ),
        ),
        (
            "1 mention in the last hour, usually 0.5 (up to 2) at this hour of the day; 100% detractors, usually 3%",
            (
                "1 mención en la última hora, lo habitual es 0,5 (hasta 2) a esta hora del día; "
                "100\u00a0% de detractores, lo habitual es 3\u00a0%"
            ),
        ),
        ("an older release wrote 3 of it otherwise", "an older release wrote 3 of it otherwise"),
        ("reach 900 and more", "reach 900 and more"),
        ("", ""),
    ],
)
def test_numbers_are_the_readers_and_what_is_unknown_stays_whole(text: str, spanish: str) -> None:
    assert findings.said(text, SPANISH) == spanish
