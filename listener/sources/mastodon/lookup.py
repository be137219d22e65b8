"""Looking statuses up again at an instance: which of them it no longer shows.

An instance in trouble may answer with an empty list, so to be missing from one proves nothing. Its own status is gone
where it says so of this one alone (404, "Record not found"). Another server's is gone where it is neither found by its
address nor stands any more where it stood in a hashtag's timeline, as long as that timeline shows anything at all.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from mastodon import MastodonNotFoundError

from listener.http import shown
from listener.source import RetriableSourceError
from listener.sources.mastodon.client import Client, asked, host_of, no_statuses
from listener.sources.mastodon.statuses import id_at, time_of

GONE = "no longer shown"

Timeline = Callable[[str, int, int], Sequence[Any]]
"""The first statuses under a hashtag after one id and before another."""


class Lookup:
    """Asks one instance. ``timeline`` reads its hashtags ``tags``."""

    def __init__(self, client: Client, instance: str, tags: Sequence[str], timeline: Timeline) -> None:
        self._client = client
        self._instance = instance
        self._tags = tags
        self._timeline = timeline
        self._shows_others: bool | None = None

    def is_own(self, native_id: str) -> bool:
        """Whether it is a status of the instance itself, whose id there stands in its uri."""
        return host_of(native_id) == host_of(self._instance) and _local(native_id).isdigit()

    def own_gone(self, uris: Sequence[str]) -> dict[str, str]:
        """Which of its own statuses the instance says are not there."""
        if not uris:
            return {}
        try:
            statuses = asked(lambda: self._client.statuses([_local(uri) for uri in uris]), self._instance)
        except MastodonNotFoundError:  # before Mastodon 4.3 there is only one at a time
            return {uri: GONE for uri in uris if not self._shows(_local(uri))}
        if not isinstance(statuses, list):
            raise no_statuses(self._instance)
        found = {str(status["id"]) for status in statuses if isinstance(status, dict) and "id" in status}
        missing = [uri for uri in uris if _local(uri) not in found]
        gone = {uri: GONE for uri in missing if not self._shows(_local(uri))}
        if len(missing) == len(uris) and len(gone) < len(missing):
            raise RetriableSourceError(
                f"{shown(self._instance)} left out statuses that it shows when it is asked for one alone; looked up "
                "again later"
            )
        return gone

    def others_gone(self, uris: Sequence[str]) -> dict[str, str]:
        """Which statuses of other servers, with a time in their ids, are shown nowhere here any more."""
        return {uri: GONE for uri in uris if _second_of(uri) and not self._finds(uri)}

    def _shows(self, local: str) -> bool:
        try:
            asked(lambda: self._client.status(local), self._instance)
        except MastodonNotFoundError as error:
            if error.args[-1] == "Endpoint not found.":  # no answer of Mastodon's, which says "Record not found"
                raise no_statuses(self._instance) from error
            return False
        return True

    def _finds(self, uri: str) -> bool:
        """Whether a status of another server is still there, or cannot be told to be gone."""
        search = asked(
            lambda: self._client.search_v2(uri, resolve=True, result_type="statuses", limit=1), self._instance
        )
        if not isinstance(search, dict) or not isinstance(search.get("statuses"), list):
            raise no_statuses(self._instance)
        if _holds(search["statuses"], uri):
            return True
        second = _second_of(uri)
        assert second is not None
        # A server that does not answer just now is not found either; a timeline does not ask it.
        after, end = id_at(second - timedelta(seconds=2)), id_at(second + timedelta(seconds=3))
        pages = [self._timeline(tag, after, end) for tag in self._tags]
        if any(_holds(page, uri) for page in pages):
            return True
        if any(pages):
            return False
        if self._shows_others is None:
            self._shows_others = any(self._timeline(tag, 0, 2**63 - 1) for tag in self._tags)
        return not self._shows_others


def _holds(statuses: Sequence[Any], uri: str) -> bool:
    return any(isinstance(status, dict) and status.get("uri") == uri for status in statuses)


def _local(uri: str) -> str:
    return uri.rstrip("/").rpartition("/")[2]


def _second_of(uri: str) -> datetime | None:
    """When the status of a uri was made, where it is Mastodon's: its id stands at the end of it."""
    local = uri.rpartition("/statuses/")[2]
    if not local.isdigit() or len(local) < 17:
        return None
    try:
        return time_of(int(local))
    except OverflowError:
        return None
