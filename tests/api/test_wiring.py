"""Settings and escucha.yml become an installation: a store up to date, channels, brands and sources."""

import os
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import BaseModel
from sqlmodel import select

from alerts.channels.slack import SlackWebhook
from api.wiring import Installation, apply_config, build_channels, install, open_scorer, read_config
from listener import registry
from listener.config import ConfigError, Settings, load_settings
from listener.configfile import ConfigFile, parse_text
from listener.open_source import OpenSource
from listener.registry import SourceKind
from listener.source import Limit, RetriableSourceError
from listener.store import migrate
from listener.store.engine import Store, StoreError
from listener.store.tables import Brand, ScoreCache, Source
from listener.tools import Tools
from sentiment.scorer import Text

HOOK = "https://hooks.slack.com/services/T0/B0/x"


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting from outside reaches a test, and relative paths lead into its own folder."""
    for name in list(os.environ):
        if name.startswith("ESCUCHA_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data_dir=tmp_path / "data")


def parsed(text: str) -> ConfigFile:
    return parse_text(text, Path("escucha.yml"), os.environ)


@pytest.fixture
def installation(settings: Settings) -> Iterator[Installation]:
    made = install(settings, ConfigFile())
    yield made
    made.store.close()


def brands(store: Store) -> dict[str, Brand]:
    with store.reading() as session:
        return {row.name: row for row in session.exec(select(Brand)).all()}


def sources(store: Store) -> dict[str, Source]:
    with store.reading() as session:
        return {row.name: row for row in session.exec(select(Source)).all()}


def test_without_a_file_the_configuration_is_empty(settings: Settings) -> None:
    assert read_config(settings) == ConfigFile()


def test_a_file_in_the_usual_place_is_read(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text("brands:\n  - name: Aeroluz\n")

    assert [brand.name for brand in read_config(settings).brands] == ["Aeroluz"]


def test_a_file_that_was_asked_for_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there is no other\.yml"):
        read_config(load_settings(config=Path("other.yml")))


def test_installing_makes_a_database_that_is_up_to_date(installation: Installation, settings: Settings) -> None:
    assert (settings.data_dir / "escucha.db").exists()
    assert migrate.current(installation.store) == migrate.head()


def test_a_wrong_database_address_is_told() -> None:
    with pytest.raises(StoreError, match="ESCUCHA_DATABASE_URL"):
        install(load_settings(database_url="mysql://host/db"), ConfigFile())


def test_without_channels_in_the_file_there_is_the_log(installation: Installation) -> None:
    assert installation.channel_names == ("log",)


def test_a_webhook_in_the_settings_is_a_channel_called_slack(tmp_path: Path) -> None:
    made = install(load_settings(data_dir=tmp_path, slack_webhook_url=HOOK), ConfigFile())

    assert made.channel_names == ("log", "slack")
    assert isinstance(made.channels["slack"], SlackWebhook)
    made.store.close()


def test_channels_in_the_file_are_all_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", HOOK)
    config = parsed("channels:\n  - {name: urgent, kind: slack, url_from: HOOK}\n")
    made = install(load_settings(data_dir=tmp_path, slack_webhook_url=HOOK), config)

    assert made.channel_names == ("urgent",)
    made.store.close()


def test_a_channel_keeps_the_pace_that_its_platform_lets_through(tmp_path: Path) -> None:
    config = parsed(
        "channels:\n  - {name: ops, kind: discord, url: 'https://discord.com/api/webhooks/1/x'}\n"
        "  - {name: hook, kind: webhook, url: 'https://example.com/x'}\n"
    )
    with install(load_settings(data_dir=tmp_path), config) as made:
        pacing = made.pipeline().pacing
    assert (pacing["ops"].pace, pacing["hook"].pace) == (timedelta(seconds=2), timedelta(0))


def test_one_channel_is_built_without_the_others_secrets(tmp_path: Path) -> None:
    text = "channels:\n  - {name: urgent, kind: slack, url_from: UNSET}\n  - {name: log, kind: log}\n"
    config = parse_text(text, Path("escucha.yml"), None)
    assert list(build_channels(load_settings(data_dir=tmp_path), config, only="log")) == ["log"]
    with pytest.raises(ConfigError, match="UNSET is not set"):
        build_channels(load_settings(data_dir=tmp_path), config, only="urgent")


def test_a_wrong_webhook_address_names_where_it_stands(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path, slack_webhook_url="hooks.slack.com/hunter2")

    with pytest.raises(ConfigError, match="ESCUCHA_SLACK_WEBHOOK_URL: channel slack: ") as caught:
        install(settings, ConfigFile())
    assert "hunter2" not in str(caught.value)


def test_a_process_that_sends_nothing_needs_no_secrets(tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text(
        "sources: [{name: feed, kind: rss, url_from: UNSET}]\n"
        "channels: [{name: urgent, kind: slack, url_from: UNSET}]\n"
    )
    settings = load_settings(data_dir=tmp_path)
    with pytest.raises(ConfigError, match="UNSET is not set"):
        read_config(settings)
    with install(settings, read_config(settings, secrets=False), sending=False) as made:
        assert (made.channel_names, dict(made.channels)) == (("urgent",), {})


def test_what_needs_no_secret_is_checked_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text("channels: [{name: urgent, kind: slack, url_from: UNSET, colour: red}]\n")
    with pytest.raises(ConfigError, match="colour") as caught:
        read_config(load_settings(data_dir=tmp_path), secrets=False)
    assert "missing" not in str(caught.value)


@pytest.mark.parametrize(("revision", "warned"), [(None, True), ("abc", False)])
def test_a_hub_model_that_is_not_pinned_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], revision: str | None, warned: bool
) -> None:
    class Loaded:
        revision = "0123456789ab"

    monkeypatch.setattr("api.wiring.Scorer.open", lambda *_, **__: Loaded())
    open_scorer(load_settings(model="some/model", model_revision=revision))
    said = capsys.readouterr().out
    assert ("model_not_pinned" in said) == ("0123456789ab" in said) == ("ESCUCHA_MODEL_REVISION" in said) == warned


@pytest.mark.parametrize(("size", "kept"), [(100, 1), (0, 0)])
def test_what_comes_again_is_kept_in_the_database_unless_switched_off(tmp_path: Path, size: int, kept: int) -> None:
    settings = load_settings(data_dir=tmp_path, threads=1, stored_cache_size=size)
    with install(settings, ConfigFile()) as made:
        scorer = made.scorer()
        again, once = Text("Lumbra is down", "Lumbra"), Text("Lumbra is up", "Lumbra")
        fresh = scorer.score([again, once])
        assert scorer.score([again]) == fresh[:1]
        with made.store.reading() as session:
            assert len(session.exec(select(ScoreCache)).all()) == kept
        assert made.scorer().score([again, once]) == fresh


def test_the_pipeline_keeps_to_the_settings(tmp_path: Path) -> None:
    settings = load_settings(
        data_dir=tmp_path, slack_webhook_url=HOOK, slack_pace_seconds=2.5, max_attempts=3,
        public_url="https://escucha.example/", hackernews_url="https://relay.example",
    )  # fmt: skip
    made = install(settings, ConfigFile())
    pipeline = made.pipeline()

    assert {name: (pacing.pace, pacing.max_attempts) for name, pacing in pipeline.pacing.items()} == {
        "log": (timedelta(0), 3),
        "slack": (timedelta(seconds=2.5), 3),
    }
    assert pipeline.public_url == "https://escucha.example"
    assert pipeline.tools.endpoints.hackernews == "https://relay.example"
    pipeline.tools.http.close()
    made.store.close()


def test_what_can_wait_leaves_half_of_a_quota_to_what_cannot(tmp_path: Path) -> None:
    made = install(load_settings(data_dir=tmp_path), ConfigFile())
    pipeline = made.pipeline()
    assert pipeline.sparing is not None
    limits = (Limit(10, timedelta(hours=1)),)

    def leaves(tools: Tools) -> int:
        for number in range(20):
            try:
                tools.meter("somebody", limits, None).ask()
            except RetriableSourceError:
                return number
        raise AssertionError("no end")

    assert leaves(pipeline.sparing) == 5
    assert leaves(pipeline.tools) == 5
    pipeline.close()
    made.store.close()


class Nothing(BaseModel):
    """No options."""


class Asking:
    """A source that asks its meter, as often as it may."""

    def __init__(self, tools: Tools) -> None:
        self._meter = tools.meter("somebody", (Limit(100, timedelta(hours=1)),), Decimal(10))

    def may(self) -> tuple[int, Decimal]:
        """How many requests it gets, and how much money."""
        given, spent = 0, Decimal(0)
        with suppress(RetriableSourceError):
            for given in range(200):  # noqa: B007
                self._meter.ask()
        with suppress(RetriableSourceError):
            while True:
                self._meter.ask(0, cost=Decimal("0.50"))
                self._meter.paid(Decimal("0.50"))
                spent += Decimal("0.50")
        return given, spent


@pytest.mark.parametrize(
    ("demanded", "share", "first", "then"),
    [
        (timedelta(hours=24), 1.0, (90, Decimal(9)), (10, Decimal(1))),
        (None, 1.0, (100, Decimal(10)), (0, Decimal(0))),
        (timedelta(hours=24), 0.8, (80, Decimal(8)), (0, Decimal(0))),
    ],
)
def test_a_tenth_is_left_for_look_ups_that_press_where_they_are_demanded(
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    demanded: timedelta | None,
    share: float,
    first: tuple[int, Decimal],
    then: tuple[int, Decimal],
) -> None:
    kind = SourceKind("odd", "Asks.", Nothing, lambda _options, tools: Asking(tools), look_up_within=demanded)  # type: ignore[arg-type,return-value]
    monkeypatch.setattr(registry, "SOURCES", {"odd": kind})
    with install(settings, ConfigFile()) as made, closing(made.pipeline(share=share)) as pipeline:

        def may(opened: OpenSource) -> tuple[int, Decimal]:
            assert isinstance(opened.source, Asking)
            return opened.source.may()

        assert may(pipeline._look_up("odd", {}, urgent=False)) == (int(50 * share), Decimal(5) * Decimal(str(share)))
        given, spent = may(pipeline.opened("odd", {}))
        assert (given + int(50 * share), spent + Decimal(5) * Decimal(str(share))) == first
        assert may(pipeline._look_up("odd", {}, urgent=True)) == then


def test_brands_and_sources_become_those_of_the_file(installation: Installation) -> None:
    config = parsed(
        """
brands:
  - {name: Aeroluz, channels: [log]}
  - {name: Nubia, query: nubia -wine, role: competitor}
sources:
  - {name: news, kind: rss, url: 'https://news.example/feed', every: 5m, brands: [Aeroluz], judge_as_new: true}
  - {name: story, kind: replay, path: story.jsonl, started_at: 2026-11-21T12:00:00Z}
channels:
  - {name: log, kind: log}
"""
    )
    for _ in range(2):
        apply_config(installation.store, config)

    kept = brands(installation.store)
    assert {name: (row.query, row.role, row.channels, row.active) for name, row in kept.items()} == {
        "Aeroluz": ('"Aeroluz"', "own", ["log"], True),
        "Nubia": ("nubia -wine", "competitor", None, True),
    }
    # What a competitor has without a word in the file is listener.rules' to say.
    assert kept["Nubia"].alerting == {}
    news, story = (sources(installation.store)[name] for name in ("news", "story"))
    assert (news.kind, news.every_s, news.brands, news.judge_as_new) == ("rss", 300, ["Aeroluz"], True)
    assert (news.options, story.brands) == ({"url": "https://news.example/feed"}, None)
    assert story.options["started_at"] == "2026-11-21T12:00:00Z"


def test_a_source_may_be_about_its_brands_whatever_it_says(installation: Installation) -> None:
    text = "brands: [{name: A}, {name: B}]\nsources: [{name: ios, kind: appstore, app: 1, brands: [A], %s}]\n"
    apply_config(installation.store, parsed(text % "about_brands: true"))
    assert sources(installation.store)["ios"].about_brands
    apply_config(installation.store, parsed(text % "every: 1h"))
    assert not sources(installation.store)["ios"].about_brands
    with pytest.raises(ConfigError, match="about_brands: goes with brands:, which names them"):
        parsed("brands: [{name: A}]\nsources: [{name: ios, kind: appstore, app: 1, about_brands: true}]\n")


def test_a_secret_is_not_stored(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEED", "https://news.example/hunter2")
    apply_config(installation.store, parsed("sources:\n  - {name: news, kind: rss, url_from: FEED}\n"))

    assert sources(installation.store)["news"].options == {"url_from": "FEED"}


def test_what_the_file_names_no_more_is_switched_off(installation: Installation) -> None:
    apply_config(
        installation.store, parsed("brands: [{name: A}, {name: B}]\nsources: [{name: hn, kind: hackernews}]\n")
    )
    apply_config(installation.store, parsed("brands: [{name: A}]\n"))

    assert {name: row.active for name, row in brands(installation.store).items()} == {"A": True, "B": False}
    assert not sources(installation.store)["hn"].active


def test_an_empty_configuration_leaves_all_as_it_is(installation: Installation) -> None:
    apply_config(installation.store, parsed("brands: [{name: A}]\n"))
    apply_config(installation.store, ConfigFile())

    assert brands(installation.store)["A"].active
