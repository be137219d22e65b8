"""escucha.yml is read as it is meant; every mistake comes with its place and with what to do."""

import json
from datetime import timedelta
from pathlib import Path
from textwrap import dedent

import pytest

from alerts.registry import CHANNELS
from listener.config import ConfigError
from listener.configfile import ConfigFile, ConfigFileError, load, parse_text, phrase
from listener.registry import SOURCES
from listener.rules import is_on, settings_of

WHOLE = """
    brands:
      - name: Aeroluz
      - name: Nubia
        query: nubia -wine
        role: competitor
      - name: Airfoo
        channels: [urgent]
        alerts:
          detractor:
            min_probability: 0.8
            window: 2h
    sources:
      - name: news
        kind: rss
        url: https://news.example/feed
        every: 5m
        brands: [Aeroluz]
      - name: hn
        kind: hackernews
      - name: story
        kind: replay
        path: story.jsonl
        started_at: 2026-11-21T12:00:00Z
        judge_as_new: true
    channels:
      - name: urgent
        kind: slack
        url_from: HOOK
      - name: log
        kind: log
"""
HOOK = {"HOOK": "https://hooks.slack.com/services/T0/B0/x"}


def read(text: str) -> ConfigFile:
    return parse_text(dedent(text), Path("escucha.yml"), HOOK)


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


def test_the_whole_file_is_read_as_it_is_meant() -> None:
    config = read(WHOLE)

    aeroluz, nubia, airfoo = config.brands
    assert (aeroluz.effective_query, nubia.effective_query) == ('"Aeroluz"', "nubia -wine")
    assert (aeroluz.channels, airfoo.channels) == (None, ("urgent",))
    assert airfoo.alerting["detractor"]["min_probability"] == 0.8
    assert airfoo.alerting["detractor"]["window"] == "2h"
    news, hn, story = config.sources
    assert (news.every, news.brands, news.options) == (
        timedelta(minutes=5),
        ("Aeroluz",),
        {"url": "https://news.example/feed"},
    )
    assert (hn.every, hn.brands, hn.options, hn.judge_as_new) == (timedelta(minutes=10), None, {}, False)
    assert (story.options["started_at"], story.judge_as_new) == ("2026-11-21T12:00:00Z", True)
    assert config.channels is not None
    assert [channel.options for channel in config.channels] == [{"url_from": "HOOK"}, {}]


def test_nobody_is_woken_for_a_competitor_unless_the_file_asks_for_it() -> None:
    brands = read(
        """
        brands:
          - {name: A}
          - {name: B, role: competitor}
          - {name: C, role: competitor, alerts: {detractor: {min_reach: 9}}}
          - {name: D, alerts: {detractor: false}}
        """
    ).brands

    assert [is_on("detractor", brand.role, brand.alerting) for brand in brands] == [True, False, True, False]
    assert settings_of("detractor", brands[2].alerting).min_reach == 9


def test_a_name_is_looked_for_as_it_stands() -> None:
    assert phrase('Dwayne "The Rock"') == '"Dwayne  The Rock "'


QUERY = "line 4, column 5: query: the query does not read"

KINDS = ", ".join(sorted(SOURCES))
CHANNEL_KINDS = ", ".join(sorted(CHANNELS))

MISTAKES = {
    "an unknown part": (
        """
        brnds:
          - name: A
        """,
        ["line 2, column 1: nothing here is called 'brnds'; did you mean brands?"],
    ),
    "an unknown key of a brand": (
        """
        brands:
          - name: A
            querry: a
        """,
        ["line 4, column 5: nothing here is called 'querry'; did you mean query?"],
    ),
    "an unknown key of a rule": (
        """
        brands:
          - name: A
            alerts:
              detractor:
                min_probabilty: 0.5
        """,
        ["line 6, column 9: nothing here is called 'min_probabilty'; did you mean min_probability?"],
    ),
    "an unknown rule": (
        """
        brands:
          - name: A
            alerts: {detractors: false}
        """,
        ["line 4, column 14: there is no rule 'detractors'; did you mean detractor?"],
    ),
    "a rule that is neither off nor set": (
        """
        brands:
          - name: A
            alerts: {detractor: sometimes}
        """,
        ["line 4, column 14: detractor: write settings here, each on a line of its own as name: value, or false"],
    ),
    "a value that a rule cannot take": (
        """
        brands:
          - name: A
            alerts: {detractor: {min_probability: 80}}
        """,
        ["line 4, column 14: min_probability lies between 0 and 1 (0.6 means 60%); got 80.0"],
    ),
    "a brand without a name": (
        """
        brands:
          - query: a
        """,
        ["line 3, column 5: 'name' is missing"],
    ),
    "a name that cannot be looked for": (
        """
        brands:
          - name: "!!!"
        """,
        ["line 3, column 5: the name '!!!' cannot be looked for as it stands; add a query"],
    ),
    "a query that does not read": (
        """
        brands:
          - name: A
            query: (a OR b
        """,
        [f"{QUERY}: column 1: this ( is never closed: add a ) where the group ends"],
    ),
    "a role that does not exist": (
        """
        brands:
          - {name: A, role: foe}
        """,
        ["line 3, column 15: role: must be 'own' or 'competitor'"],
    ),
    "a brand named twice": (
        """
        brands:
          - name: A
          - name: B
          - name: A
        """,
        ["line 5, column 5: the name 'A' is used twice in brands"],
    ),
    "a source and a channel named twice": (
        """
        sources:
          - {name: s, kind: hackernews}
          - {name: s, kind: hackernews}
        channels:
          - {name: c, kind: log}
          - {name: c, kind: log}
        """,
        ["line 4, column 6: the name 's' is used twice in sources",
         "line 7, column 6: the name 'c' is used twice in channels"],
    ),
    "a channel that is not there": (
        """
        brands:
          - name: A
            channels: [log, urgnt]
        channels:
          - {name: log, kind: log}
          - {name: urgent, kind: slack, url_from: HOOK}
        """,
        ["line 4, column 21: no channel is called 'urgnt'; there are: log, urgent"],
    ),
    "a brand that is not there": (
        """
        brands:
          - name: A
        sources:
          - name: s
            kind: hackernews
            brands:
              - A
              - B
        """,
        ["line 9, column 9: no brand is called 'B'; there are: A"],
    ),
    "a source's secret": (
        """
        sources:
          - name: r
            kind: reddit
            client_id: abc
            client_secret: hunter2
        """,
        [("line 6, column 5: write client_secret_from: REDDIT_CLIENT_SECRET (and set REDDIT_CLIENT_SECRET, or "
         "REDDIT_CLIENT_SECRET_FILE) instead: secrets stand neither in this file nor in the database")],
    ),
    "a kind of source that is not there": (
        """
        sources:
          - name: s
            kind: rrs
        """,
        [f"line 4, column 5: no source is of the kind 'rrs'; there are: {KINDS}"],
    ),
    "a kind of channel that is not there": (
        """
        channels:
          - name: c
            kind: pigeon
        """,
        [f"line 4, column 5: no channel is of the kind 'pigeon'; there are: {CHANNEL_KINDS}"],
    ),
    "an option that a source has not": (
        """
        sources:
          - name: s
            kind: rss
            url: https://news.example/feed
            max_megabites: 3
        """,
        ["line 6, column 5: nothing here is called 'max_megabites'; did you mean max_megabytes?"],
    ),
    "an option that a source needs": (
        """
        sources:
          - name: s
            kind: rss
        """,
        ["line 3, column 5: 'url' is missing: the address of the feed, RSS or Atom"],
    ),
    "an option of a wrong value": (
        """
        sources:
          - name: s
            kind: rss
            url: news.example/feed
        """,
        ["line 5, column 5: url: write the address of the feed with https:// in front"],
    ),
    "a secret that is not set": (
        """
        channels:
          - name: c
            kind: slack
            url_from: HOOOK
        """,
        ["line 5, column 5: url_from: HOOOK is not set; set it, or HOOOK_FILE to the path of a file that holds it"],
    ),
    "a length of time that is none": (
        """
        sources:
          - name: s
            kind: hackernews
            every: five minutes
        """,
        ["line 5, column 5: every: a length of time looks like 90s, 30m, 4h, 1d or 1h30m; got 'five minutes'"],
    ),
    "a date where a length of time is meant": (
        """
        sources:
          - {name: s, kind: hackernews, every: 2026-99-99}
        """,
        ["line 3, column 33: every: a length of time looks like 90s, 30m, 4h, 1d or 1h30m; got '2026-99-99'"],
    ),
    "a source read too often": (
        """
        sources:
          - {name: s, kind: hackernews, every: 0s}
        """,
        ["line 3, column 33: every: a source can be read once a second at most"],
    ),
    "a source read too seldom": (
        """
        sources:
          - {name: s, kind: hackernews, every: 9999w}
        """,
        ["line 3, column 33: every: a source is read once in 365 days at least"],
    ),
    "a part that is no list": (
        """
        brands: Aeroluz
        sources:
        """,
        ["line 2, column 1: brands: write a list here, each entry on a line of its own after a -",
         "line 3, column 1: sources: write a list here, each entry on a line of its own after a -"],
    ),
    "a key that is a number": (
        """
        brands:
          - name: A
            1: a
        """,
        ["line 4, column 5: 1: names are text; write it in quotes if it is meant"],
    ),
    "a part that stands there twice": (
        """
        brands:
          - name: A
            role: own
            role: competitor
        sources: []
        brands:
          - name: B
        """,
        ["line 5, column 5: 'role' stands on line 4 already; write both in one place",
         "line 7, column 1: 'brands' stands on line 2 already; write both in one place"],
    ),
    "mistakes of shape and of kind together": (
        """
        brands:
          - A
          - name: B
            channels: [slak]
        sources:
          - name: s
            kind: rss
            every: often
            evry: 5m
            brands: [A, B, C]
          - name: t
            kind: rrs
          - kind: rss
        """,
        ["line 3, column 5: entry 1 of brands: write settings here, each on a line of its own as name: value",
         "line 5, column 16: no channel is called 'slak'; there are: log, slack",
         "line 7, column 5: 'url' is missing: the address of the feed, RSS or Atom",
         "line 9, column 5: every: a length of time looks like 90s, 30m, 4h, 1d or 1h30m; got 'often'",
         "line 10, column 5: nothing here is called 'evry'; did you mean every?",
         "line 11, column 14: no brand is called 'A'; there are: B",
         "line 11, column 20: no brand is called 'C'; there are: B",
         f"line 13, column 5: no source is of the kind 'rrs'; there are: {KINDS}",
         "line 14, column 5: 'name' is missing",
         "line 14, column 5: 'url' is missing: the address of the feed, RSS or Atom"],
    ),
    "a field that does not exist": (
        """
        sources:
          - name: s
            kind: file
            path: x.csv
            mapping: {txt: body}
        """,
        [("line 6, column 15: mapping: 'txt' is no name for this: it must be 'id', 'text', 'created_at', 'author', "
          "'author_name', 'followers', 'lang', 'target', 'url', 'title', 'reach', 'shares', 'likes' or 'in_reply_to'")],
    ),
    "a secret that is not set and another mistake": (
        """
        channels:
          - name: c
            kind: slack
            url_from: HOOOK
            timeout: long
        """,
        ["line 5, column 5: url_from: HOOOK is not set; set it, or HOOOK_FILE to the path of a file that holds it",
         "line 6, column 5: timeout: must be a valid number, unable to parse string as a number"],
    ),
    "no YAML": (
        """
        brands:
          - name: [A
        """,
        ["line 4, column 1: not YAML: expected ',' or ']', but got '<stream end>'"],
    ),
    "a tab": (
        "brands:\n\t- name: A\n",
        ["line 2, column 1: not YAML: found character '\\t' that cannot start any token"],
    ),
    "nothing": ("", ["line 1, column 1: the file holds no brands:, sources:, push: or channels:"]),
    "another thing": ("- name: A\n", ["line 1, column 1: the file holds no brands:, sources:, push: or channels:"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_comes_with_its_place_and_what_to_do(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


def test_a_character_that_yaml_does_not_take_is_told() -> None:
    assert problems("brands: \x00")[0].startswith("line 1, column 1: not YAML: unacceptable character")


def test_all_mistakes_come_at_once_each_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "escucha.yml"
    path.write_text("brands:\n  - name: A\n    rolle: own\n  - query: b\n")

    with pytest.raises(ConfigFileError) as caught:
        load(path, {})

    assert str(caught.value).splitlines() == [
        f"{path}: line 3, column 5: nothing here is called 'rolle'; did you mean role?",
        f"{path}: line 4, column 5: 'name' is missing",
    ]


def test_a_secret_never_stands_in_a_message() -> None:
    text = "channels:\n  - name: c\n    kind: slack\n    url: ftp://hooks.example/hunter2\n"

    assert "hunter2" not in "".join(problems(text))


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "escucha.yml"
    path.write_text("brands:\n  - name: Ñandú\n", encoding="utf-8")

    assert load(path, {}).brands[0].name == "Ñandú"


def test_a_file_that_is_not_there_says_how_to_go_on(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"there is no .*escucha.yml; write one .* or name another with ESCUCHA_CONFIG"
    ):
        load(tmp_path / "escucha.yml", {})


def test_a_file_that_is_not_utf_8_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "escucha.yml"
    path.write_bytes("brands:\n  - name: Ñandú\n".encode("latin-1"))

    with pytest.raises(ConfigError, match="is not UTF-8 text; save it as UTF-8"):
        load(path, {})


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load(tmp_path, {})


def test_without_channels_a_brand_may_name_only_the_ones_there_are_by_default() -> None:
    with pytest.raises(ConfigFileError, match="no channel is called 'slak'; there are: log, slack"):
        parse_text("brands: [{name: Lumbra, channels: [slak]}]", Path("escucha.yml"), {})


def test_a_file_that_holds_itself_is_read_no_further_than_once() -> None:
    with pytest.raises(ConfigFileError, match="nothing here is called 'zzz'"):
        parse_text("zzz: &a [*a, {b: *a}]", Path("escucha.yml"), {})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("brands: [{name: A, alerts: {coverage: false}}]\n", "coverage belongs under alerts: at the top of the file"),
        ("brands: [{name: A}]\nalerts: {spike: false}\n", "spike belongs under a brand's alerts:"),
        ("brands: [{name: A}]\nalerts: {coverage: {silent: 0s}}\n", "silent must be longer than nothing"),
    ],
)
def test_rules_of_the_installation_and_of_brands_each_have_their_place(text: str, said: str) -> None:
    with pytest.raises(ConfigFileError, match=said):
        parse_text(text, Path("escucha.yml"), {})

    config = parse_text("brands: [{name: A}]\nalerts: {coverage: {silent: 12h}}\n", Path("escucha.yml"), {})
    assert config.alerts == {"coverage": {"silent": "12h"}}


MAIL = """
channels:
  - name: mail
    kind: email
    host: mail.example.com
    tls: none
    user: me
    password_from: MAIL_PASSWORD
    sender: escucha@example.com
    to: [ana@example.com]
"""


def test_what_a_secret_decides_is_judged_where_it_is_read() -> None:
    """Without it nobody knows whether user and password go together."""
    assert parse_text(MAIL, Path("escucha.yml"), None).channels
    with pytest.raises(ConfigFileError, match="for everybody to read"):
        parse_text(MAIL, Path("escucha.yml"), {"MAIL_PASSWORD": "s3cret"})
    with pytest.raises(ConfigFileError) as caught:
        parse_text(MAIL, Path("escucha.yml"), {})
    assert [problem.message.split(";")[0] for problem in caught.value.problems] == [
        "password_from: MAIL_PASSWORD is not set"
    ]


def test_headers_of_a_webhook_may_be_secrets() -> None:
    entry = "channels: [{name: w, kind: webhook, url: 'https://example.com/x', headers: {Authorization_from: TOKEN}}]"
    for environ in (None, {"TOKEN": "Bearer s3cret"}):
        assert parse_text(entry, Path("escucha.yml"), environ).channels
    with pytest.raises(ConfigFileError, match="TOKEN is not set"):
        parse_text(entry, Path("escucha.yml"), {})


@pytest.mark.parametrize("name", ["a/b", "a?b", "a#b", "a%2Fb", "a\\b", "a\nb", "a\u202eb", " a", "n" * 201])
def test_a_channel_has_a_name_that_can_stand_in_an_address(name: str) -> None:
    """Slack's buttons go to an address with the channel's name in it."""
    with pytest.raises(
        ConfigFileError, match="at most 200 characters on one line, all of them visible and none of # %"
    ):
        parse_text(f"channels: [{{name: {json.dumps(name)}, kind: log}}]", Path("escucha.yml"), {})


def test_a_channel_may_have_a_name_as_people_write_it() -> None:
    config = parse_text("channels: [{name: 'Atención al cliente (24 h)', kind: log}]", Path("escucha.yml"), {})
    assert config.channels is not None
    assert config.channels[0].name == "Atención al cliente (24 h)"
