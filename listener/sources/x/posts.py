"""X's posts as items, and its ids, which carry their time.

https://docs.x.com/x-api/fundamentals/data-dictionary and .../edit-posts: every edit is a post with a new id, and all of
them name the whole chain, oldest first; the first id names the mention for ever. A repost's own text is cut after 140
characters, so the original's is taken, which comes along as an expansion.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from listener.items import Author, Item
from listener.markup import web_address
from listener.source import Skipped

_EPOCH_MS = 1_288_834_974_657
"""https://docs.x.com/resources/fundamentals/x-ids: an id counts milliseconds from here, times 2 to the 22."""
_ENGAGEMENT = {
    "like_count": "likes",
    "retweet_count": "reposts",
    "reply_count": "replies",
    "quote_count": "quotes",
    "bookmark_count": "bookmarks",
    "impression_count": "views",
}


def id_at(moment: datetime) -> int:
    """The smallest id that a post of this moment can have."""
    return max(int(moment.timestamp() * 1000) - _EPOCH_MS, 0) << 22


def time_of(post_id: int) -> datetime:
    """When the post of that id was written, to the millisecond."""
    return datetime.fromtimestamp(((post_id >> 22) + _EPOCH_MS) / 1000, UTC)


@dataclass(frozen=True, slots=True)
class Included:
    """What came along with a page: posts and users by id."""

    posts: Mapping[str, Mapping[str, Any]]
    users: Mapping[str, Mapping[str, Any]]

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Included":
        """Out of an answer of the API; what has no id is left out."""
        included = answer.get("includes")
        both = included if isinstance(included, Mapping) else {}
        return cls(_by_id(both.get("tweets")), _by_id(both.get("users")))


def objects(value: object) -> list[Mapping[str, Any]]:
    """The objects in a list of the API; nothing where it is none."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, Sequence) else []


def items(posts: Sequence[Mapping[str, Any]], included: Included) -> tuple[list[Item], list[Skipped]]:
    """Posts as items, oldest first, and those that are not as documented."""
    good: list[Item] = []
    bad: list[Skipped] = []
    for post in posts:
        try:
            good.append(_item(post, included))
        except (KeyError, TypeError, ValueError, OverflowError, OSError) as error:
            why = f"it is not as documented: {type(error).__name__} {error}"
            bad.append(Skipped(f"post {post.get('id')}", why[:300]))
    # An edit after what it changes.
    return sorted(good, key=lambda item: (item.created_at, item.edited_at or item.created_at)), bad


def _item(post: Mapping[str, Any], included: Included) -> Item:
    own_id = str(int(post["id"]))
    first = _first_id(post)
    refers = {str(one.get("type")): str(one.get("id")) for one in objects(post.get("referenced_tweets"))}
    reposted, quoted, replied = refers.get("retweeted"), refers.get("quoted"), refers.get("replied_to")
    words = included.posts.get(reposted, post) if reposted else post
    text = _text(words, quoted)
    if not text:
        raise ValueError("it has no text")
    author = _author(included.users.get(str(post.get("author_id"))), post.get("author_id"))
    edited = own_id != first
    return Item(
        kind="x",
        native_id=first,
        text=text,
        created_at=time_of(int(first)).replace(microsecond=0) if edited else _moment(post["created_at"]),
        url=f"https://x.com/{quote(author.handle if author and author.handle else 'i', safe='')}/status/{own_id}",
        author=author,
        lang=_language(words.get("lang")),
        reach=author.followers if author else None,
        reply_to=_chain(replied, included),
        repost_of=_chain(reposted, included),
        quote_of=_chain(quoted, included),
        edited_at=time_of(int(own_id)) if edited else None,
        # A repost shows the original's figures; counted at every repost they would be counted many times over.
        engagement={} if reposted else _engagement(post.get("public_metrics")),
    )


def _first_id(post: Mapping[str, Any]) -> str:
    chain = post.get("edit_history_tweet_ids")
    ids = [int(one) for one in chain] if isinstance(chain, list) and chain else [int(post["id"])]
    return str(min(ids))


def _chain(post_id: str | None, included: Included) -> str | None:
    """The id by which a post is known here: the first of its chain, where that came along."""
    if post_id is None:
        return None
    try:
        return _first_id(included.posts.get(post_id, {"id": post_id}))
    except (TypeError, ValueError):
        return post_id


def _moment(value: object) -> datetime:
    moment = datetime.fromisoformat(str(value))
    if moment.tzinfo is None:
        raise ValueError(f"{str(value)[:40]!r} has no time zone")
    return moment


def _text(post: Mapping[str, Any], quoted: str | None) -> str:
    """The whole text as a reader sees it: links as what they lead to, without those to the post's own pictures."""
    note = post.get("note_tweet")
    long = note if isinstance(note, Mapping) and isinstance(note.get("text"), str) else None
    source = long or post
    text = str(source["text"])
    # X escapes these three and nothing else; what somebody typed as "&copy;" must stay that.
    text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    entities = source.get("entities")
    links: dict[str, str] = {}
    for link in objects(entities.get("urls") if isinstance(entities, Mapping) else None):
        short = link.get("url")
        leads_to = web_address(link.get("unwound_url")) or web_address(link.get("expanded_url"))
        if isinstance(short, str) and short and leads_to:
            own = "media_key" in link or (quoted is not None and leads_to.endswith(f"/status/{quoted}"))
            links[short] = "" if own else leads_to
    if not links:
        return text
    shorts = "|".join(re.escape(short) for short in sorted(links, key=len, reverse=True))
    shown = re.sub(rf"(?:{shorts})(?![A-Za-z0-9])", lambda found: links[found[0]], text).strip()
    return shown or text


def _author(user: Mapping[str, Any] | None, author_id: object) -> Author | None:
    if user is None:
        return Author(str(author_id)) if author_id else None
    handle, name = user.get("username"), user.get("name")
    metrics = user.get("public_metrics")
    followers = metrics.get("followers_count") if isinstance(metrics, Mapping) else None
    return Author(
        str(user["id"]),
        handle=handle if isinstance(handle, str) else None,
        name=name if isinstance(name, str) else None,
        url=f"https://x.com/{quote(handle, safe='')}" if isinstance(handle, str) and handle else None,
        followers=followers if isinstance(followers, int) else None,
    )


def _language(value: object) -> str | None:
    """X's codes are BCP 47's; its own for "no words" and the like ("qme", "zxx", "und") say nothing."""
    if not isinstance(value, str) or value in ("und", "zxx") or re.fullmatch(r"q[a-t][a-z]", value):
        return None
    return {"in": "id", "iw": "he"}.get(value, value)


def _engagement(metrics: object) -> dict[str, int]:
    if not isinstance(metrics, Mapping):
        return {}
    return {ours: count for theirs, ours in _ENGAGEMENT.items() if isinstance(count := metrics.get(theirs), int)}


def _by_id(value: object) -> dict[str, Mapping[str, Any]]:
    return {str(one["id"]): one for one in objects(value) if "id" in one}
