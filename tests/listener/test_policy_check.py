"""Who is told of what, held against the rest of escucha.yml."""

from pathlib import Path

import pytest

from listener.configfile import ConfigFileError, parse_text
from listener.policy_check import doubts

HEAD = """
brands:
  - name: Aeroluz
channels:
  - {name: log, kind: log}
"""


def wrong(text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        parse_text(HEAD + text, Path("escucha.yml"), {})
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "teams:\n  - name: care\n    channels: [log, phone]",
            "line 8, column 21: no channel is called 'phone'; there are: log",
        ),
        ("teams:\n  - {name: care, brands: [Aero]}", "no brand is called 'Aero'; there are: Aeroluz"),
        ("teams:\n  - {name: care}\n  - {name: care}", "line 8, column 6: the name 'care' is used twice in teams"),
        ("teams:\n  - name: care\n    digest: {daily: '08:00', channels: [mail]}", "no channel is called 'mail'"),
        ("routes:\n  - team: pr", "line 7, column 5: no team is called 'pr'; there are: none"),
        ("routes:\n  - match: {brand: Aero}", "line 7, column 13: no brand is called 'Aero'"),
        ("routes:\n  - match: {brand: [Aeroluz, Aero]}", "line 7, column 30: no brand is called 'Aero'"),
        ("routes:\n  - match: {rule: spikes}", "no rule is called 'spikes'; there are: "),
        ("routes:\n  - routes:\n      - channels: [mail]", "line 8, column 20: no channel is called 'mail'"),
        ("routes:\n  - escalate:\n      - {after: 15m, channels: [boss]}", "no channel is called 'boss'"),
        ("routes:\n  - escalate:\n      - {after: 0s, channels: [log]}", "after: lies after the first message"),
        ("inhibit:\n  - {by: spike, of: [detractor, crises]}", "no rule is called 'crises'"),
        (
            "inhibit:\n  - {by: spike, of: detractor}\n  - {by: detractor, of: spike}",
            "line 8, column 5: detractor would hold itself back by way of others",
        ),
        (
            "inhibit:\n  - {by: [spike, crisis], of: [crisis, reach]}\n  - {by: crisis, of: spike}",
            "line 8, column 5: crisis would hold itself back by way of others",
        ),
        ("routes:\n  - {team: [care]}", "team: must be a valid string"),
        ("routes:\n  - wait: soon", "wait: a length of time looks like 90s, 30m, 4h, 1d or 1h30m; got 'soon'"),
        ("routes:\n  - {mach: {}}", "nothing here is called 'mach'; did you mean match?"),
        ("teams:\n  - {name: care, timezone: Madrid}", "there is no time zone 'Madrid'; they look like Europe/Madrid"),
        ("teams:\n  - name: care\n    quiet: [{form: '22:00', to: '07:00'}]", "called 'form'; did you mean from?"),
        ("teams:\n  - name: care\n    quiet: [{from: '22:00'}]", "'to' is missing"),
        ("teams:\n  - name: care\n    quiet: [{from: late, to: '07:00'}]", "a time of day looks like 08:30"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_where_it_stands(text: str, says: str) -> None:
    assert [problem for problem in wrong(text) if says in problem], wrong(text)


def test_one_mistake_hides_no_other() -> None:
    found = wrong("teams: 3\nroutes:\n  - {team: pr, channels: [mail]}\ninhibit: [1]")
    assert len(found) >= 4


def test_what_mutes_itself_in_one_entry_is_no_circle() -> None:
    text = "inhibit:\n  - {by: [spike, crisis], of: [spike, detractor]}"
    config = parse_text(HEAD + text, Path("escucha.yml"), {})
    assert len(config.inhibit) == 1


@pytest.mark.parametrize("said", ["22", "0", "59", "79200", "22.5", "yes", "'22:00+01:00'", "'22:00Z'"])
def test_what_is_no_time_of_day_on_a_clock_is_refused(said: str) -> None:
    text = f"teams:\n  - name: care\n    quiet: [{{from: {said}, to: '07:00'}}]\n    digest: {{at: {said}}}"
    found = [problem for problem in wrong(text) if "a time of day" in problem]
    assert len(found) == 2, wrong(text)


def test_times_of_day_without_quotes_are_read_as_they_look() -> None:
    text = "teams:\n  - name: care\n    quiet: [{days: [sat], from: 22:30, to: 7:00}]\n    digest: {daily: 8:00}"
    team = parse_text(HEAD + text, Path("escucha.yml"), {}).teams[0]
    assert (str(team.quiet[0].since), str(team.quiet[0].until), str(team.digest.daily)) == (
        "22:30:00", "07:00:00", "08:00:00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", []),
        ("routes:\n  - {channels: [log]}", []),
        (
            "routes:\n  - {channels: [log]}\n  - {match: {rule: spike}, channels: [log]}",
            ["route rule spike: nothing comes to it, because any above takes everything; add go_on: true there"],
        ),
        ("routes:\n  - {channels: [log], go_on: true}\n  - {match: {rule: spike}, channels: [log]}", []),
        (
            "teams:\n  - {name: care}\nroutes:\n  - {match: {rule: spike}, channels: [log]}",
            ["team care: no route names it, so it is told of nothing but its digests"],
        ),
        ("routes:\n  - {channels: []}", []),
    ],
)
def test_what_is_probably_not_meant_is_a_warning(text: str, says: list[str]) -> None:
    config = parse_text(HEAD + text, Path("escucha.yml"), {})
    assert list(doubts(config, ["log"])) == says


def test_a_channel_that_nothing_reaches_is_a_warning() -> None:
    config = parse_text(HEAD + "routes:\n  - {channels: [log]}", Path("escucha.yml"), {})
    assert list(doubts(config, ["log", "bot"])) == ["channel bot: no route leads to it, so it gets no alert"]
