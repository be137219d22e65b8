"""What a person says of a ``mastodon`` source in escucha.yml."""

import re

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from listener.markup import web_address

_HASHTAG = re.compile(r"#?([\w·]{1,100})")


class MastodonOptions(BaseModel):
    """Options of a ``mastodon`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    instance: str | None = Field(
        default=None, description="the server that is asked, as in fosstodon.org; without it ESCUCHA_MASTODON_URL"
    )
    hashtags: tuple[str, ...] = Field(default=(), description="hashtags whose public timelines are read")
    search: bool = Field(
        default=False, description="full-text search for the brands' queries as well; wants access_token"
    )
    access_token: SecretStr | None = Field(
        default=None,
        description="the token of an account there, with read:search and read:statuses (access_token_from: a variable)",
    )
    listen_seconds: float = Field(
        default=0,
        ge=0,
        le=300,
        description="how long a run listens to the hashtags at its end, for deletions; wants access_token",
    )
    lookback_hours: int = Field(
        default=24, ge=1, le=24 * 3660, description="how far back the first run looks, in hours"
    )

    @field_validator("instance")
    @classmethod
    def _of_the_web(cls, instance: str | None) -> str | None:
        if instance is None:
            return None
        address = web_address(instance if "://" in instance else f"https://{instance}")
        if address is None:
            raise ValueError("write the server's name, as in fosstodon.org")
        return address.rstrip("/")

    @field_validator("hashtags")
    @classmethod
    def _plain(cls, hashtags: tuple[str, ...]) -> tuple[str, ...]:
        found = [_HASHTAG.fullmatch(tag.strip()) for tag in hashtags]
        if not all(found):
            raise ValueError("write hashtags as one word each, as in AcmeCloud")
        return tuple(dict.fromkeys(tag[1].casefold() for tag in found if tag))

    @field_validator("access_token")
    @classmethod
    def _one_word(cls, token: SecretStr | None) -> SecretStr | None:
        # A client library would quote a token that no header can carry in its complaint.
        plain = token.get_secret_value().strip() if token is not None else ""
        if token is not None and not (plain and plain.isascii() and plain.isprintable() and " " not in plain):
            raise ValueError("a token is one word of plain characters; copy it from the server again")
        return token

    @model_validator(mode="after")
    def _whole(self) -> "MastodonOptions":
        if not self.hashtags and not self.search:
            raise ValueError("name hashtags to read, or set search: true")
        if (self.search or self.listen_seconds) and self.access_token is None:
            wanted = "search" if self.search else "listen_seconds"
            raise ValueError(
                f"{wanted} wants access_token: make one on the server under Preferences, Development, with the scopes "
                "read:search and read:statuses"
            )
        if self.listen_seconds and not self.hashtags:
            raise ValueError("listen_seconds wants hashtags: there is no stream of a search")
        return self
