"""Settings from the environment. ``ESCUCHA_NAME``, or ``ESCUCHA_NAME_FILE`` naming a file that holds a secret."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from sqlalchemy import URL

from alerts.outgoing import networks
from alerts.problems import problems

PREFIX = "ESCUCHA_"


class ConfigError(Exception):
    """A setting or escucha.yml is wrong; the message says which, where, and what it may be."""


def read_secret(variable: str, environ: Mapping[str, str]) -> str | None:
    """A secret from a variable, or from the file that <variable>_FILE names, as container platforms mount them."""
    if value := environ.get(variable):
        return value
    if path := environ.get(f"{variable}_FILE"):
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{variable}_FILE names {path}, which cannot be read: {error}") from error
    return None


def with_secrets(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Options in which every ``x_from: VARIABLE`` is replaced by ``x`` with the secret that the variable holds; so are
    those under ``headers``.

    So secrets stand neither in escucha.yml nor in the database. Raises ConfigError for a variable that is not set.
    """
    resolved: dict[str, Any] = {}
    for key, value in options.items():
        if key == "headers" and isinstance(value, Mapping):
            resolved[key] = with_secrets({str(name): one for name, one in value.items()}, environ)
            continue
        if not key.endswith("_from"):
            resolved[key] = value
            continue
        secret = read_secret(str(value), environ)
        if secret is None:
            raise ConfigError(f"{key}: {value} is not set; set it, or {value}_FILE to the path of a file that holds it")
        resolved[key.removesuffix("_from")] = secret
    return resolved


class _SecretFiles(PydanticBaseSettingsSource):
    """Reads ESCUCHA_<NAME>_FILE for every secret setting."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        secrets = {name: read_secret(f"{PREFIX}{name.upper()}", os.environ) for name in SECRETS}
        return {name: secret for name, secret in secrets.items() if secret is not None}


class Settings(BaseSettings):
    """Every setting there is; the README's table is held against these fields by a test."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="ignore", frozen=True)

    config: Path = Field(Path("escucha.yml"), description="The file that names brands, sources and channels.")
    data_dir: Path = Field(
        default_factory=lambda: user_data_path("escucha"), description="Where the embedded database lives."
    )
    database_url: SecretStr | None = Field(
        None,
        description="`sqlite:///path` or `postgresql+psycopg://...`; by default a SQLite file in the data directory.",
    )
    model: str | None = Field(
        None, description="A model folder, or a Hugging Face id or checkpoint; by default the bundled model."
    )
    model_revision: str | None = Field(None, description="The pinned revision of a Hugging Face model.")
    threads: int = Field(0, ge=0, description="Batches scored at once, each on one core; 0 = one per core.")
    batch_size: int = Field(32, ge=1, le=1024, description="Texts in a batch; long ones count for several.")
    cache_size: int = Field(
        20_000, ge=0, description="Texts whose scores are kept in memory for when they come again; 0 = none."
    )
    stored_cache_size: int = Field(
        100_000, ge=0, description="Repeated texts whose scores are kept in the database; 0 = none."
    )
    slack_webhook_url: SecretStr | None = Field(None, description="A Slack incoming webhook; alerts go there.")
    slack_url: str = Field("https://slack.com/api", description="Base address of Slack's Web API, for bots.")
    public_url: str | None = Field(
        None, description="How people reach this Escucha, for links in alerts; by default its host and port."
    )
    oidc_issuer: str | None = Field(
        None, description="The OpenID Connect provider that people may sign in with, as it calls itself."
    )
    oidc_client_id: str | None = Field(None, description="What the provider calls this Escucha.")
    oidc_client_secret: SecretStr | None = Field(
        None, description="The secret that the provider gave it; none for a client that has none."
    )
    oidc_name: str = Field("OpenID Connect", description="What the button to sign in with the provider calls it.")
    oidc_role: Literal["viewer", "agent", "marketer", "administrator"] | None = Field(
        None,
        description="What everybody whom the provider knows may do, for all brands: only for a provider of your own; "
        "by default people are invited first.",
    )
    host: str = Field("127.0.0.1", description="The address the API listens on.")
    port: int = Field(8765, ge=0, le=65535, description="The port the API listens on.")
    hackernews_url: str = Field(
        "https://hn.algolia.com/api/v1", description="Base address of the Hacker News search API."
    )
    reddit_url: str = Field("https://oauth.reddit.com", description="Base address of the Reddit API.")
    reddit_login_url: str = Field("https://www.reddit.com", description="Where Reddit hands out access tokens.")
    x_url: str = Field("https://api.x.com", description="Base address of the X API.")
    mastodon_url: str = Field(
        "https://mastodon.social", description="The Mastodon instance that is read where a source names none."
    )
    bluesky_url: str = Field("https://bsky.social", description="The Bluesky server that is asked.")
    jetstream_url: str = Field(
        "wss://jetstream2.us-east.bsky.network", description="Base address of Bluesky's Jetstream."
    )
    youtube_url: str = Field("https://www.googleapis.com", description="Base address of the YouTube Data API.")
    appstore_url: str = Field("https://itunes.apple.com", description="Base address of Apple's review feeds.")
    googleplay_url: str = Field(
        "https://androidpublisher.googleapis.com", description="Base address of the Google Play Developer API."
    )
    google_login_url: str = Field(
        "https://oauth2.googleapis.com", description="Where Google hands out access tokens to service accounts."
    )
    gdelt_url: str = Field("https://api.gdeltproject.org", description="Base address of GDELT.")
    allowed_networks: str = Field(
        "",
        description="Networks that feeds and channels may reach besides the public one, such as `10.0.0.0/8,::1`.",
    )
    http_timeout: float = Field(20.0, gt=0, description="Seconds before a request to a source is given up.")
    poll_seconds: float = Field(1.0, gt=0, description="Seconds an idle worker waits before it looks for work again.")
    slack_pace_seconds: float = Field(1.0, ge=0, description="Least seconds between two messages to one Slack channel.")
    max_attempts: int = Field(8, ge=1, description="Tries before a delivery is dead.")
    stuck_minutes: float = Field(10.0, gt=0, description="Work older than this makes `/healthz` answer 503.")
    log_level: str = Field("info", description="debug, info, warning or error.")
    log_json: bool = Field(False, description="Log one JSON object a line instead of text.")

    @field_validator("config", "data_dir")
    @classmethod
    def _expanded(cls, path: Path) -> Path:
        # Outside a shell (a service file, a container) nobody else expands the ~.
        return path.expanduser()

    @field_validator("allowed_networks")
    @classmethod
    def _networks(cls, value: str) -> str:
        networks(value)
        return value

    @field_validator("log_level")
    @classmethod
    def _level(cls, value: str) -> str:
        if value.lower() not in ("debug", "info", "warning", "error"):
            raise ValueError("must be debug, info, warning or error")
        return value.lower()

    @field_validator(
        "public_url", "slack_url", "hackernews_url", "reddit_url", "reddit_login_url", "x_url", "mastodon_url",
        "bluesky_url", "jetstream_url", "youtube_url", "appstore_url", "googleplay_url", "google_login_url",
        "gdelt_url", "oidc_issuer",
    )  # fmt: skip
    @classmethod
    def _address(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            return None
        schemes = ("ws", "wss") if info.field_name == "jetstream_url" else ("http", "https")
        value = value.strip().rstrip("/")
        try:
            parts = urlsplit(value)
            sound = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        except ValueError:
            sound = False
        if not sound or parts.username is not None or parts.query or parts.fragment:
            raise ValueError(
                f"must be an address such as {schemes[-1]}://escucha.example, with no user, query or fragment"
            )
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then secret files."""
        return init_settings, env_settings, _SecretFiles(settings_cls)

    def database(self) -> str | URL:
        """The database address in force."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        # Not written as text: a ? in the folder's name would begin the address's query.
        return URL.create("sqlite", database=str(self.data_dir / "escucha.db"))


SECRETS = tuple(name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation))


def load_settings(**overrides: Any) -> Settings:
    """The settings in force. Raises ConfigError naming every variable that is wrong."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        found = problems(error, Settings)
        raise ConfigError("; ".join(f"{PREFIX}{str(one.place[0]).upper()}: {one.words}" for one in found)) from error
