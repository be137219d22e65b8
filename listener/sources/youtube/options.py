"""What can be set for a ``youtube`` source."""

import re
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from listener.secret import one_word


class YouTubeOptions(BaseModel):
    """Options of a ``youtube`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: SecretStr = Field(description="a key of the YouTube Data API (api_key_from: the variable that holds it)")
    channels: tuple[str, ...] = Field(
        default=(), description="ids of channels (UC...): comments on them and on all their videos"
    )
    videos: tuple[str, ...] = Field(default=(), description="ids of videos: the comments below them")
    search: bool = Field(default=False, description="search for videos by the brands' queries and read their comments")
    searches_a_day: int = Field(
        default=4, ge=1, le=90, description="how many searches a day may cost 100 of the day's 10,000 units each"
    )
    search_videos: int = Field(
        default=25, ge=1, le=200, description="how many of the videos found, the newest, are read for comments"
    )
    search_days: int = Field(default=30, ge=1, le=3660, description="how old a video found may be, in days")
    replies: bool = Field(default=True, description="replies as well as the comments they answer")
    replies_hours: int = Field(
        default=48, ge=1, le=24 * 90,
        description="how old a comment may be when it is looked at again for new replies and edits, in hours",
    )  # fmt: skip
    lookback_hours: int = Field(
        default=24, ge=1, le=24 * 3660, description="how far back the first visit of a channel or video looks, in hours"
    )

    @field_validator("api_key")
    @classmethod
    def _one_word(cls, key: SecretStr) -> SecretStr:
        return one_word(key, "copy the API key from the Google Cloud console again")

    @field_validator("channels")
    @classmethod
    def _channel_ids(cls, channels: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"UC[A-Za-z0-9_-]{22}", channel) for channel in channels):
            raise ValueError("give the channel's id, which begins with UC (on its page under Share), not its @name")
        return tuple(dict.fromkeys(channels))

    @field_validator("videos")
    @classmethod
    def _video_ids(cls, videos: tuple[str, ...]) -> tuple[str, ...]:
        if not all(re.fullmatch(r"[A-Za-z0-9_-]{11}", video) for video in videos):
            raise ValueError("give the video's id, the 11 characters after v= in its address")
        return tuple(dict.fromkeys(videos))

    @model_validator(mode="after")
    def _something_to_read(self) -> Self:
        if not (self.channels or self.videos or self.search):
            raise ValueError("name channels or videos, or set search: true")
        return self
