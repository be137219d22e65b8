"""Comments as the API writes them (https://developers.google.com/youtube/v3/docs/comments), read as items."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from listener.items import Author, Item
from listener.markup import web_address
from listener.source import Skipped


def add_replies(items: list[Item], skipped: list[Skipped], comments: Sequence[Any], video: str, parent: str) -> None:
    """Replies as items, the broken ones by name."""
    for number, comment in enumerate(comments, start=1):
        try:
            items.append(read_comment(comment, video, parent, None))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            skipped.append(not_as_documented(comment, f"reply {number} to {parent}", error))


def read_comment(comment: Mapping[str, Any], video: str, parent: str | None, replies: int | None) -> Item:
    native_id = str(comment["id"])
    said = comment["snippet"]
    text = said.get("textDisplay") or said.get("textOriginal")
    if not isinstance(text, str) or not text.strip():
        raise ValueError("it has no text")
    published = moment_of(said["publishedAt"])
    updated = moment_of(said.get("updatedAt") or said["publishedAt"])
    video = str(said.get("videoId") or video)
    address = f"https://www.youtube.com/watch?v={video}&lc={native_id}"
    if not video:  # said on the channel's own page
        address = f"https://www.youtube.com/channel/{said.get('channelId')}/community?lc={native_id}"
    engagement = {"likes": said.get("likeCount"), "replies": replies}
    counts = {name: value for name, value in engagement.items() if isinstance(value, int)}
    return Item(
        kind="youtube",
        native_id=native_id,
        text=text,
        created_at=published,
        edited_at=updated if updated > published else None,
        url=web_address(address),
        author=_author(said),
        reach=counts.get("likes"),  # how many people an author has is not told; so many at least have read it
        reply_to=parent,
        engagement=counts,
    )


def _author(said: Mapping[str, Any]) -> Author | None:
    name = said.get("authorDisplayName")
    channel = said.get("authorChannelId")
    native_id = channel.get("value") if isinstance(channel, dict) else None
    if not native_id and not name:
        return None  # a closed account
    handle = str(name).removeprefix("@") if name else None
    return Author(str(native_id or name), handle=handle, name=name, url=web_address(said.get("authorChannelUrl")))


def not_as_documented(entry: Any, place: str, error: Exception) -> Skipped:
    named = entry.get("id") if isinstance(entry, dict) else None
    where = f"comment {named}" if isinstance(named, str) else place
    return Skipped(where, f"it is not as documented: {type(error).__name__} {error}")


def moment_of(text: str) -> datetime:
    """RFC 3339, as the API writes times."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone")
    return moment.astimezone(UTC)
