"""Who waits for an answer, for how long, and what counts as one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerts.mentions import ScoredMention
from alerts.reasons import Reason
from alerts.rule import Assessment, Window
from alerts.rules.unanswered import UnansweredSettings, assess

FRIDAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""Noon of a working day."""


@pytest.fixture
def asked(a_mention: Callable[..., ScoredMention]) -> Callable[..., ScoredMention]:
    def make(hours_ago: float, text: str = "@Aeroluz where is my bag?", **changes: Any) -> ScoredMention:
        when = FRIDAY - timedelta(hours=hours_ago)
        return a_mention(
            text=text, created_at=when, collected_at=when, **{"label": "passive", "complaint": 0.1} | changes
        )

    return make


def judge(*mentions: ScoredMention, until: datetime = FRIDAY, options: Any = None, **window: Any) -> Assessment:
    fields = {"accounts": ("@Aeroluz", "AeroluzAyuda")} | window
    (found,) = assess(Window(until, "Aeroluz", recent=mentions, **fields), UnansweredSettings(**options or {}))
    return found


def test_a_question_that_has_waited_too_long_fires(asked: Callable[..., ScoredMention]) -> None:
    found = judge(asked(2.5, id=4))

    assert (found.fires, found.reason, found.mentions) == (True, Reason.ASKS_FOR_ANSWER, (4,))
    assert found.because == (
        "1 complaint or question without an answer for 2h of working time or longer; "
        "the oldest since 2026-11-20 09:30 UTC"
    )


def test_many_that_wait_are_one_incident_with_all_of_them(asked: Callable[..., ScoredMention]) -> None:
    found = judge(*(asked(3 - n / 10, id=n) for n in range(5)), firing_since=FRIDAY)

    assert (found.reason, found.mentions, found.group) == (Reason.WINDOW_STILL_FIRES, (0, 1, 2, 3, 4), "")
    assert found.because.startswith("5 complaints or questions without an answer")


def test_it_is_over_when_all_are_answered(asked: Callable[..., ScoredMention]) -> None:
    found = judge(asked(3, id=4), answers={4: FRIDAY - timedelta(hours=1)}, firing_since=FRIDAY)

    assert (found.fires, found.reason) == (False, Reason.ANSWERED)


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("@aeroluz you lost it again", {"label": "detractor"}),
        ("ask @AeroluzAyuda, they never reply", {"complaint": 0.9}),
        ("@Aeroluz ¿dónde está mi maleta", {}),
        ("@Aeroluz how do I change a seat", {}),
        ("@Aeroluz @friend cuándo abre el mostrador", {}),
        ("nobody at @Aeroluz. Anyone there?", {}),
    ],
)
def test_complaints_and_questions_in_english_and_spanish_want_an_answer(
    asked: Callable[..., ScoredMention], text: str, changes: dict[str, Any]
) -> None:
    assert judge(asked(3, text, **changes)).fires


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("@Aeroluz thank you for the lovely flight", {}),
        ("Aeroluz lost my bag, where is it?", {}),  # about the brand, not to it
        ("write to me@aeroluz.example?", {}),
        ("@AeroluzFans are you coming?", {}),
        ("@Aeroluz nice picture https://example.com/?id=1", {}),
        ("@Aeroluz where is my bag?", {"author": "@AEROLUZayuda"}),  # its own account
    ],
)
def test_what_is_no_complaint_or_question_to_the_brand_wants_none(
    asked: Callable[..., ScoredMention], text: str, changes: dict[str, Any]
) -> None:
    assert judge(asked(3, text, **changes)).reason is Reason.NO_ANSWER_WANTED


def test_a_reply_to_a_post_of_the_brands_is_directed_at_it_without_naming_it(
    asked: Callable[..., ScoredMention],
) -> None:
    mention = asked(3, "and what about my bag?", id=4)

    assert judge(mention, addressed=frozenset({4})).fires
    assert not judge(mention).fires


def test_questions_may_be_left_out(asked: Callable[..., ScoredMention]) -> None:
    assert not judge(asked(3), options={"questions": False}).fires


def test_nights_and_weekends_do_not_count(asked: Callable[..., ScoredMention]) -> None:
    monday = FRIDAY + timedelta(days=3)
    late_on_friday = asked(-5.5, id=4)  # half an hour before closing

    assert judge(late_on_friday, until=monday.replace(hour=8)).reason is Reason.OUTSIDE_HOURS
    assert judge(late_on_friday, until=monday.replace(hour=10)).reason is Reason.NOT_LATE
    assert judge(late_on_friday, until=monday.replace(hour=10, minute=30)).fires
    assert judge(late_on_friday, until=monday.replace(hour=0), options={"hours": ()}).fires


def test_hours_are_those_of_the_teams_own_zone(asked: Callable[..., ScoredMention]) -> None:
    options = {"timezone": "America/New_York"}  # there it is seven in the morning

    assert judge(asked(3), options=options).reason is Reason.OUTSIDE_HOURS


def test_a_brand_without_accounts_is_told_that_answers_cannot_be_seen(asked: Callable[..., ScoredMention]) -> None:
    found = judge(asked(30), accounts=())

    assert (found.fires, found.reason) == (False, Reason.NO_ACCOUNTS)
    assert "names no accounts" in found.because


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"after": timedelta(0)}, "after"),
        ({"lookback": timedelta(hours=1)}, "lookback"),
        ({"min_complaint": 1.5}, "min_complaint"),
        ({"timezone": "Europe/Nowhere"}, "time zone"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        UnansweredSettings(**options)


@pytest.mark.parametrize("text", ["@" * 50_000, "@a " * 20_000 + "x", "\N{RIGHT-TO-LEFT OVERRIDE}" * 10_000])
def test_hostile_text_takes_no_time_to_speak_of(asked: Callable[..., ScoredMention], text: str) -> None:
    assert judge(asked(3, f"@Aeroluz {text}")).reason is Reason.NO_ANSWER_WANTED


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("@Aeroluz is the best airline", "promoter"),
        ("Can't wait to fly @Aeroluz", "passive"),
        ("@Aeroluz will you marry me", "passive"),
        ("@Aeroluz como siempre un diez", "passive"),
        ("What a crew @Aeroluz", "promoter"),
    ],
)
def test_praise_that_begins_like_a_question_is_none(asked: Callable[..., ScoredMention], text: str, label: str) -> None:
    assert judge(asked(3, text, label=label)).reason is Reason.NO_ANSWER_WANTED


def test_without_a_post_of_the_brand_nobody_can_see_answers_unless_they_are_noted_by_hand(
    asked: Callable[..., ScoredMention],
) -> None:
    found = judge(asked(3), posted=False)

    assert (found.fires, found.reason) == (False, Reason.NO_OWN_POSTS)
    assert judge(asked(3), posted=False, options={"by_hand": True}).fires


def test_what_nobody_answered_in_time_is_not_said_to_be_settled(asked: Callable[..., ScoredMention]) -> None:
    firing = {"firing_since": FRIDAY - timedelta(days=2)}
    leaving, later = asked(72 - 1 / 30, id=1), asked(71, id=2)
    found = judge(leaving, later, **firing, evidence={"given_up": 2})
    assert (found.fires, found.mentions, found.evidence["given_up"]) == (True, (2,), 3)
    assert found.because.endswith("; 3 never answered and too old by now")

    ended = judge(leaving, **firing)
    assert (ended.fires, ended.reason) == (False, Reason.TOO_OLD_TO_ANSWER)
    assert ended.because == "1 complaint or question never answered, and too old for it after 3d"
    answered = judge(leaving, answers={1: FRIDAY}, **firing)
    assert answered.reason is Reason.ANSWERED


def test_a_wait_that_a_weekend_makes_too_old_is_refused() -> None:
    with pytest.raises(ValueError, match="3d may hold only 9h: shorten after, or lengthen lookback"):
        UnansweredSettings(after=timedelta(hours=10))
    UnansweredSettings(after=timedelta(hours=10), lookback=timedelta(days=7))
