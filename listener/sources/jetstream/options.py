"""What a person says of a ``jetstream`` source in escucha.yml."""

from pydantic import BaseModel, ConfigDict, Field, field_validator


class JetstreamOptions(BaseModel):
    """Options of a ``jetstream`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    listen_seconds: float = Field(
        default=50,
        gt=0,
        le=3600,
        description="how long a run waits for what is new; what was missed it reads however long that takes",
    )
    lookback_hours: float = Field(
        default=1, gt=0, le=24, description="how far back the first run looks, in hours; servers keep about a day"
    )
    wanted_dids: tuple[str, ...] = Field(
        default=(), max_length=200, description="only these accounts (did:plc:...), all of what they say"
    )

    @field_validator("wanted_dids")
    @classmethod
    def _dids(cls, dids: tuple[str, ...]) -> tuple[str, ...]:
        plain = tuple(dict.fromkeys(did.strip() for did in dids))
        if not all(did.startswith("did:") for did in plain):
            raise ValueError("write accounts as their DIDs, as in did:plc:ewvi7nxzyoun6zhxrhs64oiz")
        return plain
