"""What can be set for a source of Reddit."""

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

What = Literal["submissions", "comments"]

_SUBREDDIT = re.compile(r"(?:u_)?[A-Za-z0-9_-]{2,30}")


class RedditOptions(BaseModel):
    """Options of a ``reddit`` source. Access must be asked for: https://www.reddit.com/prefs/apps, type "script"."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    client_id: str = Field(description="the app's id, below its name on reddit.com/prefs/apps")
    client_secret: SecretStr = Field(description="the app's secret (client_secret_from: the variable that holds it)")
    username: str | None = Field(
        default=None, description="the app owner's user name; without it Reddit is read as nobody in particular"
    )
    password: SecretStr | None = Field(
        default=None, description="the app owner's password (password_from: the variable that holds it)"
    )
    user_agent: str | None = Field(
        default=None,
        min_length=7,
        description="how the app calls itself; Reddit wants it unique, so by default it is made of client_id",
    )
    subreddits: tuple[str, ...] = Field(
        default=(), description="the subreddits to read, without r/; each costs a request a kind and poll"
    )
    what: tuple[What, ...] = Field(
        default=(),
        description="submissions, comments or both (the default); comments only ever come from named subreddits, "
        "because Reddit has no search for comments",
    )
    search: bool = Field(
        default=False,
        description="search for submissions: within the subreddits, or all over Reddit where none are named",
    )
    lookback_hours: int = Field(
        default=24,
        ge=1,
        le=24 * 365,
        description="how far back the first run looks, in hours; Reddit lists the last 1,000 things",
    )

    @field_validator("client_id", "username", "user_agent")
    @classmethod
    def _plain(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.strip()
        if not value or not value.isascii() or not value.isprintable():
            raise ValueError("write it in plain characters, on one line")
        return value

    @field_validator("subreddits")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        plain = [re.sub(r"^/?r/", "", name.strip()).rstrip("/") for name in names]
        for name in plain:
            if not _SUBREDDIT.fullmatch(name):
                raise ValueError(f"{name[:40]!r} is no name of a subreddit; write it as in its address, without r/")
        return tuple({name.lower(): name for name in reversed(plain)}.values())[::-1]

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not self.subreddits and not self.search:
            raise ValueError("subreddits: name at least one, or set search: true to search all over Reddit")
        if not self.subreddits and "comments" in self.what:
            raise ValueError("what: Reddit has no search for comments; name the subreddits to read them from")
        if self.search and self.what == ("comments",):
            raise ValueError("search: it finds submissions, and what names comments only; set one or the other")
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together; leave both out to read as nobody in particular")
        return self

    @property
    def kinds(self) -> frozenset[What]:
        """What is read in the end."""
        return frozenset(self.what) or frozenset(("submissions", "comments") if self.subreddits else ("submissions",))

    @property
    def calls_itself(self) -> str:
        """The User-Agent, in Reddit's form: platform:app:version (by /u/owner)."""
        owner = f"by /u/{self.username}" if self.username else "by the owner of this client id"
        return self.user_agent or f"server:escucha.{self.client_id}:v0.1 ({owner})"
