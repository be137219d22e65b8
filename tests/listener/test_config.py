"""Settings come from the environment, secrets also from files, and what is wrong is named."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.config import SECRETS, ConfigError, Settings, load_settings, read_secret, with_secrets
from listener.store.engine import Store

VALUES = {
    "config": "other.yml",
    "data_dir": "/srv/escucha",
    "database_url": "sqlite:////srv/other.db",
    "model": "org/model",
    "model_revision": "abc",
    "threads": "3",
    "batch_size": "16",
    "cache_size": "100",
    "stored_cache_size": "1000",
    "slack_webhook_url": "https://hooks.slack.com/services/T/B/x",
    "public_url": "https://escucha.example",
    "oidc_issuer": "https://login.example",
    "oidc_client_id": "escucha",
    "oidc_client_secret": "the provider gave it",
    "oidc_name": "The house",
    "oidc_role": "agent",
    "host": "0.0.0.0",
    "port": "9000",
    "hackernews_url": "https://relay.example/hn",
    "reddit_url": "https://relay.example/reddit",
    "reddit_login_url": "https://relay.example/reddit_login",
    "x_url": "https://relay.example/x",
    "mastodon_url": "https://relay.example/mastodon",
    "bluesky_url": "https://relay.example/bluesky",
    "youtube_url": "https://relay.example/youtube",
    "appstore_url": "https://relay.example/appstore",
    "googleplay_url": "https://relay.example/googleplay",
    "google_login_url": "https://relay.example/google_login",
    "gdelt_url": "https://relay.example/gdelt",
    "slack_url": "http://127.0.0.1:9010/api",
    "jetstream_url": "ws://relay.example/jetstream",
    "allowed_networks": "10.0.0.0/8, ::1",
    "http_timeout": "7.5",
    "poll_seconds": "0.5",
    "slack_pace_seconds": "2",
    "max_attempts": "4",
    "stuck_minutes": "30",
    "log_level": "WARNING",
    "log_json": "true",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No setting from outside reaches a test."""
    for name in list(os.environ):
        if name.startswith("ESCUCHA_"):
            monkeypatch.delenv(name)
    return monkeypatch


def shown(settings: Settings, name: str) -> str:
    value = getattr(settings, name)
    return str(value.get_secret_value() if name in SECRETS else value)


def test_nothing_set_is_an_installation_that_works() -> None:
    settings = load_settings()

    assert str(settings.database()) == f"sqlite:///{settings.data_dir}/escucha.db"
    assert settings.config == Path("escucha.yml")
    assert settings.slack_webhook_url is None


def test_every_setting_has_a_value_to_try_here() -> None:
    assert VALUES.keys() == Settings.model_fields.keys()


@pytest.mark.parametrize("name", VALUES)
def test_every_setting_is_read_from_the_environment(name: str, environment: pytest.MonkeyPatch) -> None:
    before = shown(load_settings(), name) if name not in SECRETS else None
    environment.setenv(f"ESCUCHA_{name.upper()}", VALUES[name])

    after = shown(load_settings(), name)

    assert after != before
    assert after.lower() in (VALUES[name].lower(), f"{VALUES[name]}.0")


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_says_what_it_is(name: str) -> None:
    assert Settings.model_fields[name].description


def test_an_empty_variable_is_as_good_as_none(environment: pytest.MonkeyPatch) -> None:
    for name in VALUES:
        environment.setenv(f"ESCUCHA_{name.upper()}", "")

    assert load_settings() == Settings()
    assert load_settings().slack_webhook_url is None
    assert not load_settings().model_fields_set


def test_arguments_go_before_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCUCHA_PORT", "9000")

    assert load_settings(port=9001).port == 9001


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_stand_in_a_file(name: str, environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text("from the file\n")
    environment.setenv(f"ESCUCHA_{name.upper()}_FILE", str(path))
    assert shown(load_settings(), name) == "from the file"

    environment.setenv(f"ESCUCHA_{name.upper()}", "from the variable")
    assert shown(load_settings(), name) == "from the variable"


def test_an_empty_variable_does_not_hide_the_file(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from the file")
    environment.setenv("ESCUCHA_DATABASE_URL", "")
    environment.setenv("ESCUCHA_DATABASE_URL_FILE", str(tmp_path / "secret"))

    assert load_settings().database() == "from the file"


def test_a_secrets_file_that_cannot_be_read_is_named(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    environment.setenv("ESCUCHA_DATABASE_URL_FILE", str(tmp_path / "missing"))

    with pytest.raises(ConfigError, match=r"ESCUCHA_DATABASE_URL_FILE names .*missing, which cannot be read"):
        load_settings()


def test_secrets_do_not_show(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCUCHA_DATABASE_URL", "postgresql+psycopg://ana:hunter2@host/db")

    assert "hunter2" not in repr(load_settings())


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("PORT", "eighty", "valid integer"),
        ("PORT", "70000", "less than or equal to 65535"),
        ("BATCH_SIZE", "0", "greater than or equal to 1"),
        ("THREADS", "-1", "greater than or equal to 0"),
        ("POLL_SECONDS", "0", "greater than 0"),
        ("MAX_ATTEMPTS", "0", "greater than or equal to 1"),
        ("LOG_LEVEL", "loud", "must be debug, info, warning or error"),
        ("LOG_JSON", "maybe", "valid boolean"),
        ("PUBLIC_URL", "escucha.example", "must be an address such as https://escucha.example"),
    ],
)
def test_a_wrong_value_is_named_with_what_it_may_be(
    name: str, value: str, words: str, environment: pytest.MonkeyPatch
) -> None:
    environment.setenv(f"ESCUCHA_{name}", value)

    with pytest.raises(ConfigError, match=f"ESCUCHA_{name}: .*{words}"):
        load_settings()


def test_all_wrong_values_are_named_at_once(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCUCHA_PORT", "eighty")
    environment.setenv("ESCUCHA_LOG_LEVEL", "loud")

    with pytest.raises(ConfigError, match=r"ESCUCHA_PORT: .*; ESCUCHA_LOG_LEVEL: "):
        load_settings()


def test_addresses_are_kept_without_a_slash_at_the_end() -> None:
    assert load_settings(public_url="https://escucha.example/").public_url == "https://escucha.example"


def test_a_secret_is_looked_up_in_a_variable_then_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_text(" s3cret\n")

    assert read_secret("TOKEN", {"TOKEN": "from here", "TOKEN_FILE": str(path)}) == "from here"
    assert read_secret("TOKEN", {"TOKEN_FILE": str(path)}) == "s3cret"
    assert read_secret("TOKEN", {}) is None


def test_a_secrets_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match=r"TOKEN_FILE names .*secret, which cannot be read"):
        read_secret("TOKEN", {"TOKEN_FILE": str(path)})


def test_options_get_the_secrets_they_name() -> None:
    options = {"url_from": "HOOK", "timeout": 3}

    assert with_secrets(options, {"HOOK": "https://hook"}) == {"url": "https://hook", "timeout": 3}
    assert options == {"url_from": "HOOK", "timeout": 3}


def test_headers_may_be_secrets_each() -> None:
    options = {"headers": {"X-Team": "social", "Authorization_from": "TOKEN"}}
    assert with_secrets(options, {"TOKEN": "s3cret"}) == {"headers": {"X-Team": "social", "Authorization": "s3cret"}}
    with pytest.raises(ConfigError, match="Authorization_from: TOKEN is not set"):
        with_secrets(options, {})


def test_a_secret_that_is_not_set_says_both_ways_to_set_it() -> None:
    with pytest.raises(ConfigError, match="url_from: HOOK is not set; set it, or HOOK_FILE"):
        with_secrets({"url_from": "HOOK"}, {})


def test_a_tilde_is_the_home_folder(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ESCUCHA_DATA_DIR", "~/kept")
    environment.setenv("ESCUCHA_CONFIG", "~/mine.yml")

    settings = load_settings()

    assert (settings.data_dir, settings.config) == (Path.home() / "kept", Path.home() / "mine.yml")


def test_the_data_folder_may_have_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "what? 100% #1"
    store = Store(load_settings(data_dir=folder).database())
    store.check()
    store.close()

    assert [path.name for path in folder.iterdir()] == ["escucha.db"]


@pytest.mark.parametrize(
    "address", ["http://[bad", "https://", "http://host:abc", "http://h?x=1", "ftp://h", "http://me:pw@h", "h.example"]
)
def test_a_public_address_that_no_link_could_begin_with_is_refused(
    monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("ESCUCHA_PUBLIC_URL", address)
    with pytest.raises(ConfigError, match="ESCUCHA_PUBLIC_URL: must be an address such as"):
        load_settings()
