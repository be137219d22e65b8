"""What people read about an incident: why, how much and since when, in their language and their time."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts import phrases
from alerts.incident import Incident, State
from alerts.notice import Action, Notice, NoticeKind
from alerts.policy import Team
from alerts.reasons import Reason
from alerts.severity import Severity
from alerts.writing import TITLE_LIMIT, buttons, refreshed, write

MADRID = Team(name="social", language="es", timezone="Europe/Madrid")
INCIDENT_KINDS = [
    kind for kind in NoticeKind
    if kind not in (NoticeKind.SUMMARY, NoticeKind.DIGEST, NoticeKind.CHANNEL_OFF, NoticeKind.TEST)
]  # fmt: skip
BECAUSE = "90% likely a detractor (alerts from 60%), reach 1,200"


@pytest.fixture
def grown(an_incident: Any, noon: datetime) -> Incident:
    """1,234 mentions within an hour."""
    incident = an_incident(
        count=1234, reach=120_000, because=BECAUSE, last_at=noon + timedelta(hours=1),
        platforms=frozenset({"x", "reddit"}),
    )  # fmt: skip
    assert isinstance(incident, Incident)
    return incident


def written(
    incident: Incident, kind: NoticeKind = NoticeKind.OPENED, *shown: Any, team: Team | None = None, **changes: Any
) -> Notice:
    given: dict[str, Any] = {
        "key": "k", "reason": Reason.INCIDENT_OPENED, "detail": "", "team": team, "public_url": "https://esc.example",
        "now": incident.last_at + timedelta(minutes=90),
    }  # fmt: skip
    return write(incident, kind, shown, **{**given, **changes})


def test_a_notice_says_what_it_is_why_and_where_to_look(grown: Incident, a_mention: Any) -> None:
    mention = a_mention()
    notice = written(grown, NoticeKind.OPENED, mention)

    assert notice.title == "New: Aeroluz, detractors (1,234 mentions)"
    assert notice.why == (
        "1,234 mentions since 2026-11-21 12:00 UTC; the latest: 90% likely a detractor (alerts from 60%), reach 1,200."
    )
    assert dict(notice.facts) == {
        "State": "Open", "Severity": "warning", "Mentions": "1,234", "Reach": "120,000",
        "Since": "2026-11-21 12:00 UTC", "Latest": "2026-11-21 13:00 UTC", "Platforms": "reddit, x",
        "Why this message": Reason.INCIDENT_OPENED.sentence,
    }  # fmt: skip
    assert [quoted.id for quoted in notice.quotes] == [mention.id]
    assert notice.links[0].url == "https://esc.example/alerts/7"
    assert notice.about is not None
    assert (notice.about.count, notice.about.state) == (1234, "open")


def test_where_it_is_known_what_was_found_in_the_quoted_mention_that_is_what_is_said(grown: Incident) -> None:
    assert written(grown, found="97% likely").why.endswith("; the one quoted first: 97% likely.")
    assert written(grown, team=MADRID, found="97% likely").why.endswith("; la primera que se cita: 97% likely.")


def test_a_spanish_team_reads_spanish_in_its_own_time(grown: Incident) -> None:
    notice = written(grown, team=MADRID)

    assert notice.language == "es"
    assert notice.title == "Nueva: Aeroluz, detractores (1 234 menciones)"
    assert notice.why.startswith("1 234 menciones desde 2026-11-21 13:00 CET; la última: ")
    assert dict(notice.facts)["Por qué este mensaje"] == phrases.because(Reason.INCIDENT_OPENED, "es")
    assert notice.buttons[0].label == "Me doy por enterado"


@pytest.mark.parametrize("team", [None, MADRID], ids=["en", "es"])
@pytest.mark.parametrize("kind", INCIDENT_KINDS)
def test_every_kind_is_whole_and_can_be_stored(grown: Incident, kind: NoticeKind, team: Team | None) -> None:
    incident = grown
    if kind is NoticeKind.RESOLVED:
        incident = replace(grown, state=State.RESOLVED, resolved_at=grown.last_at, resolved_why="window_ended")
    notice = written(incident, kind, team=team)

    assert Notice.from_json(notice.to_json()) == notice
    assert notice.title
    assert notice.why.endswith(".")
    assert len(notice.facts) <= 10


def test_kinds_are_told_apart_by_their_titles(grown: Incident) -> None:
    titles = [written(grown, kind).title for kind in INCIDENT_KINDS if kind is not NoticeKind.RESOLVED]
    assert len(set(titles)) == len(titles)


def test_what_is_critical_says_so_first_until_it_is_over(grown: Incident) -> None:
    critical = replace(grown, severity=Severity.CRITICAL)
    assert written(critical).title.startswith("CRITICAL · New: ")
    assert written(critical, NoticeKind.UPDATED).title.startswith("CRITICAL · Open: ")
    over = replace(critical, state=State.RESOLVED, resolved_at=critical.last_at)
    assert written(over, NoticeKind.RESOLVED).title.startswith("Resolved: ")


def test_what_is_over_says_how_long_it_took_and_who_ended_it(grown: Incident, noon: datetime) -> None:
    over = replace(
        grown, state=State.RESOLVED, resolved_at=noon + timedelta(hours=3, minutes=20), resolved_by="ana",
        resolved_why="refunded {all}",
    )  # fmt: skip
    why = written(over, NoticeKind.RESOLVED).why
    assert why == "It lasted 3h20m, with 1,234 mentions. Resolved by ana. Refunded {all}."


def test_an_end_by_itself_is_named_in_words(grown: Incident) -> None:
    over = replace(grown, state=State.RESOLVED, resolved_at=grown.last_at, resolved_why="window_ended")
    assert written(over, NoticeKind.RESOLVED).why.endswith(Reason.WINDOW_ENDED.sentence)
    assert written(over, NoticeKind.RESOLVED, team=MADRID).why.endswith("así que la incidencia ha terminado.")


def test_an_escalation_says_how_long_nobody_has_looked(grown: Incident) -> None:
    assert written(grown, NoticeKind.ESCALATED).why.startswith("Open for 2h30m. 1,234 mentions since ")


def test_the_first_mention_alone_speaks_for_itself(an_incident: Any) -> None:
    assert written(an_incident(because=BECAUSE)).why == f"{BECAUSE}."


def test_a_windows_numbers_go_before_its_mentions(grown: Incident) -> None:
    spike = replace(grown, rule="spike", because="40 mentions, 6 are usual", evidence={"expected": 6})
    assert written(spike).why == "40 mentions, 6 are usual. 1,234 mentions since 2026-11-21 12:00 UTC."


def test_what_is_of_no_brand_says_what_it_is_about(an_incident: Any) -> None:
    silent = an_incident(brand=None, rule="coverage", group="hackernews", count=0)
    assert written(silent).title == "New: Sources / hackernews, source not read"


def test_who_is_at_work_on_it_is_said(grown: Incident) -> None:
    at_work = replace(grown, state=State.ACKNOWLEDGED, acknowledged_by="ana", assigned_to="ben")
    facts = dict(written(at_work, NoticeKind.UPDATED).facts)
    assert (facts["State"], facts["Acknowledged by"], facts["Assigned to"]) == ("Acknowledged", "ana", "ben")


def test_a_snooze_says_until_when_in_the_teams_time_on_both_sides_of_a_change_of_clocks(grown: Incident) -> None:
    for hour, said in ((0, "02:30 CEST"), (1, "02:30 CET")):
        asleep = replace(grown, state=State.SNOOZED, snoozed_until=datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
        state = dict(written(asleep, NoticeKind.UPDATED, team=MADRID).facts)["Estado"]
        assert state == f"Pospuesta hasta 2026-10-25 {said}"


def test_a_zone_without_letters_is_named_by_its_place(grown: Incident) -> None:
    team = Team(name="sur", language="es", timezone="America/Sao_Paulo")
    assert dict(written(grown, team=team).facts)["Desde"] == "2026-11-21 09:00 America/Sao_Paulo"


def test_buttons_are_those_that_can_do_something() -> None:
    of = {state: [button.action for button in buttons(state, "en")] for state in State}
    assert of[State.OPEN] == list(Action)
    assert Action.ACKNOWLEDGE not in of[State.ACKNOWLEDGED]
    assert of[State.RESOLVED] == [Action.USEFUL, Action.NOT_USEFUL]


def test_a_notice_is_of_a_stored_incident(an_incident: Any) -> None:
    with pytest.raises(ValueError, match="stored"):
        written(an_incident(id=None))


def test_an_opening_that_has_not_gone_out_tells_the_newest_as_news(an_incident: Any, grown: Incident) -> None:
    older = written(an_incident(because="first"), key="first")
    update = written(grown, NoticeKind.UPDATED, key="second", reason=Reason.INCIDENT_CHANGED)
    both = refreshed(older, update)

    assert (both.key, both.kind) == ("first", NoticeKind.OPENED)
    assert both.title == "New: Aeroluz, detractors (1,234 mentions)"
    assert both.about == update.about
    assert both.facts[-1] == older.facts[-1]
    assert both.facts[:-1] == update.facts[:-1]


def test_an_opening_that_has_not_gone_out_is_told_to_be_over_or_seen(an_incident: Any, grown: Incident) -> None:
    older = written(an_incident(), key="first")
    over = replace(grown, state=State.RESOLVED, resolved_at=grown.last_at)
    assert refreshed(older, written(over, NoticeKind.RESOLVED)).title.startswith("Resolved: ")
    seen = replace(grown, state=State.ACKNOWLEDGED, acknowledged_by="ana")
    assert refreshed(older, written(seen, NoticeKind.UPDATED)).title.startswith("Acknowledged: ")


def test_growth_that_becomes_critical_before_it_is_told_is_critical(an_incident: Any, grown: Incident) -> None:
    worse = written(replace(grown, severity=Severity.CRITICAL), NoticeKind.UPDATED)
    assert refreshed(written(an_incident()), worse).title.startswith("CRITICAL · New: Aeroluz")


@settings(deadline=None, max_examples=25)
@given(
    brand=st.text(max_size=300), group=st.text(max_size=300), because=st.text(max_size=900), who=st.text(max_size=90)
)
def test_whatever_strangers_are_called_a_title_is_one_short_line(
    an_incident: Any, brand: str, group: str, because: str, who: str
) -> None:
    incident = an_incident(brand=brand, group=group, because=because, assigned_to=who, count=12)
    for team in (None, MADRID):
        notice = written(incident, team=team)
        assert len(notice.title) <= TITLE_LIMIT
        for line in (notice.title, notice.why, *(value for _, value in notice.facts)):
            assert not re.search(r"[\x00-\x1f\u202a-\u202e]", line)
        assert Notice.from_json(notice.to_json()) == notice
