"""``escucha check``: what is wrong where, before anything runs."""

from pathlib import Path

import pytest

from .conftest import Escucha

HOOK = "https://hooks.slack.com/services/T0/B0/x"


def test_check_names_every_mistake_with_its_place(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text(
        "brands:\n  - name: Lumbra\n    qeury: x\nsources:\n  - {name: a, kind: rss}\n"
        "  - {name: b, kind: twitter}\nchannels: []\n"
    )
    result = escucha("check")
    assert result.status == 2
    assert "escucha.yml: line 3, column 5: nothing here is called 'qeury'" in result.err
    (tmp_path / "escucha.yml").write_text(
        "brands: [{name: Lumbra}]\nsources:\n  - {name: a, kind: rss}\n  - {name: b, kind: twitter}\n"
    )
    result = escucha("check")
    assert "line 3, column 5: 'url' is missing" in result.err
    assert "line 4, column 15: no source is of the kind 'twitter'" in result.err


def test_check_is_content_with_a_sound_file_and_warns_of_a_misspelt_setting(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    monkeypatch.setenv("ESCUCHA_SLACK_WEBHOK_URL", "x")
    result = escucha("check")
    assert result.status == 0
    assert "1 brand, 0 sources; alerts go to log" in result.err
    assert "ESCUCHA_SLACK_WEBHOK_URL is no setting of Escucha; did you mean ESCUCHA_SLACK_WEBHOOK_URL?" in result.err


def test_db_upgrade_tells_the_revision(escucha: Escucha) -> None:
    assert "(was empty)" in escucha("db", "upgrade").err
    assert "already" in escucha("db", "upgrade").err


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("ESCUCHA_SLACK_WEBHOOK_URL", "garbage", "ESCUCHA_SLACK_WEBHOOK_URL: channel slack"),
        ("ESCUCHA_MODEL", "/nope", "model '/nope' not found"),
        ("ESCUCHA_MODEL", "not a hub id", "not found"),
        ("ESCUCHA_MODEL_REVISION", "0123456789ab", "but 0123456789ab is asked for"),
        ("ESCUCHA_DATABASE_URL", "mysql://x", "ESCUCHA_DATABASE_URL begins with 'mysql'"),
        ("ESCUCHA_DATABASE_URL", "rubbish", "ESCUCHA_DATABASE_URL is no database address"),
        ("ESCUCHA_DATABASE_URL", "sqlite:///escucha.yml/x.db", "cannot be made"),
    ],
)
def test_check_finds_a_broken_installation(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    monkeypatch.setenv(variable, value)
    result = escucha("check")
    assert result.status == 2
    assert says in result.err
    assert "garbage" not in result.err
    assert "is sound" not in result.err


def test_check_tells_of_everything_that_is_broken_and_changes_nothing(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra, qeury: x}]\n")
    monkeypatch.setenv("ESCUCHA_MODEL", "/nope")
    monkeypatch.setenv("ESCUCHA_DATABASE_URL", "mysql://x")
    result = escucha("check")
    assert result.status == 2
    assert ("/nope" in result.err, "mysql" in result.err, "qeury" in result.err) == (True, True, True)
    assert [path.name for path in tmp_path.iterdir()] == ["escucha.yml"]


def test_check_names_the_model_and_takes_a_hub_id_at_its_word(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    assert "the model is escucha-minilm, revision " in escucha("check").err
    monkeypatch.setenv("ESCUCHA_MODEL", "some/model")
    result = escucha("check")
    assert result.status == 0
    assert "the model is some/model from the local cache or the hub, not pinned" in result.err


def test_a_model_folder_that_lacks_a_part_is_told(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    (tmp_path / "model").mkdir()
    monkeypatch.setenv("ESCUCHA_MODEL", "model")
    assert "holds neither model.json (ours) nor config.json" in escucha("check").err


def test_a_database_server_that_does_not_answer_is_a_warning(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    monkeypatch.setenv("ESCUCHA_DATABASE_URL", "postgresql+psycopg://u:hunter2@127.0.0.1:1/x")
    result = escucha("check")
    assert result.status == 0
    assert "warning: the database postgresql+psycopg://u:***@127.0.0.1:1/x does not answer" in result.err


def test_check_says_that_without_channels_alerts_go_nowhere(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\nchannels: []\n")
    result = escucha("check")
    assert result.status == 0
    assert "warning: escucha.yml: channels: is empty, so alerts go nowhere" in result.err
    assert "alerts go to nobody" in result.err


def test_a_variable_that_the_file_names_is_known_and_an_unused_webhook_is_not(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hook").write_text(HOOK)
    (tmp_path / "escucha.yml").write_text(
        "brands: [{name: Lumbra, query: 'lumbra OR author:lumbra', accounts: [lumbra]}]\n"
        "channels:\n  - {name: team, kind: slack, url_from: ESCUCHA_TEAM_HOOK}\n"
        "  - {name: boss, kind: slack, url_from: ESCUCHA_BOSS_HOOK}\n"
    )
    monkeypatch.setenv("ESCUCHA_TEAM_HOOK", HOOK)
    monkeypatch.setenv("ESCUCHA_BOSS_HOOK_FILE", str(tmp_path / "hook"))
    assert "warning" not in escucha("check").err
    monkeypatch.setenv("ESCUCHA_SLACK_WEBHOOK_URL", HOOK)
    result = escucha("check")
    assert result.status == 0
    assert "warning: ESCUCHA_SLACK_WEBHOOK_URL is set, but escucha.yml has channels: and none of them" in result.err


def test_a_query_that_is_probably_meant_otherwise_is_pointed_out(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Acme, query: acme or bolt}]\n")
    result = escucha("check")
    assert result.status == 0
    assert "warning: brand Acme: column 6:" in result.err


def test_a_brand_without_accounts_is_pointed_out_unless_nobody_asks_for_answers(
    escucha: Escucha, tmp_path: Path
) -> None:
    brands = "[{name: Lumbra}, {name: Nubia, alerts: {unanswered: false}}, {name: Rival, role: competitor}]"
    (tmp_path / "escucha.yml").write_text(f"brands: {brands}\n")
    said = escucha("check").err

    assert "brand Lumbra: names no accounts, so nobody can see what was answered" in said
    assert "Nubia" not in said
    assert "Rival" not in said


def test_a_query_that_misses_the_brands_own_answers_is_pointed_out(escucha: Escucha, tmp_path: Path) -> None:
    brands = (
        "[{name: Lumbra, accounts: ['@lumbra']}, {name: Nubia, accounts: [nubia], query: 'Nubia OR author:@Nubia'}]"
    )
    (tmp_path / "escucha.yml").write_text(f"brands: {brands}\n")
    said = escucha("check").err

    assert "brand Lumbra: its query finds none of its own accounts' posts" in said
    assert "add `OR author:lumbra` to the query" in said
    assert "Nubia" not in said


@pytest.mark.parametrize(
    ("issuer", "anybody"),
    [
        ("https://accounts.google.com", True), ("https://login.microsoftonline.com/common/v2.0", True),
        ("https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0", False),
        ("https://login.lumbra.example", False),
    ],
)  # fmt: skip
def test_a_role_for_everybody_there_is_is_a_warning(
    escucha: Escucha, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, issuer: str, anybody: bool
) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Lumbra}]\n")
    monkeypatch.setenv("ESCUCHA_OIDC_ISSUER", issuer)
    monkeypatch.setenv("ESCUCHA_OIDC_CLIENT_ID", "escucha")
    assert "lets in everybody" not in escucha("check").err
    monkeypatch.setenv("ESCUCHA_OIDC_ROLE", "viewer")
    assert ("lets in everybody who has an account" in escucha("check").err) == anybody
