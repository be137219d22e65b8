"""Numbers, times and reasons in both languages."""

import inspect
import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import alerts.news
from alerts import phrases
from alerts.incident import State
from alerts.notice import Action
from alerts.reasons import Reason
from alerts.registry import RULES
from alerts.severity import Severity


def test_every_rule_state_severity_and_button_has_a_name_in_both_languages() -> None:
    for words, names in (
        (phrases.RULES, RULES),
        (phrases.STATES, State),
        (phrases.SEVERITIES, Severity),
        (phrases.ACTIONS, Action),
    ):
        assert words.keys() == set(names)
        assert all(word.keys() == {"en", "es"} for word in words.values())


def test_a_rule_that_has_no_name_here_goes_by_its_own() -> None:
    assert phrases.named(phrases.RULES, "weather", "es") == "weather"


HOLDS = {Reason.NOT_YET_TOLD, Reason.IS_RESOLVED, Reason.ALREADY_NOTIFIED, Reason.IS_ACKNOWLEDGED}
ENDS = {Reason.WINDOW_ENDED, Reason.QUIET, Reason.SOURCE_WELL, Reason.RULE_OFF, Reason.ANSWERED}


def test_every_reason_that_people_read_in_a_message_is_said_in_spanish() -> None:
    news = {Reason[name] for name in re.findall(r"Reason\.([A-Z_]+)", inspect.getsource(alerts.news))} - HOLDS
    assert news
    of_messages = {Reason.STATE_CHANGED, Reason.INCIDENT_CHANGED, Reason.CHANNEL_SWITCHED_OFF, Reason.SUMMARISED}
    for reason in news | of_messages | ENDS:
        assert phrases.because(reason, "es") != reason.sentence, reason
        assert phrases.because(reason, "en") == reason.sentence


def test_numbers_are_grouped_as_the_language_does() -> None:
    assert (phrases.number(1_234_567, "en"), phrases.number(1_234_567, "es")) == ("1,234,567", "1\u00a0234\u00a0567")
    assert [phrases.mentions(1, "es"), phrases.mentions(2, "es")] == ["1 mención", "2 menciones"]
    assert [phrases.mentions(1, "en"), phrases.mentions(2, "en")] == ["1 mention", "2 mentions"]


def test_a_time_is_the_teams_own_and_names_its_zone() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert phrases.moment(noon, ZoneInfo("Europe/Madrid")) == "2026-07-01 14:00 CEST"
    assert phrases.moment(noon, ZoneInfo("America/Bogota")) == "2026-07-01 07:00 America/Bogota"


def test_lengths_are_to_the_minute() -> None:
    assert phrases.lasted(timedelta(hours=3, minutes=20, seconds=59)) == "3h20m"
    assert phrases.lasted(timedelta(seconds=45)) == "45s"
