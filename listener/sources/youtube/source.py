"""Reads channels and videos, target by target; see the package's docstring for what the API can do."""

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from listener.items import Item
from listener.query import Query
from listener.query.dialects import YOUTUBE
from listener.query.translate import translate
from listener.source import Cursor, CursorExpired, Estimate, FatalSourceError, Page, RetriableSourceError, Skipped
from listener.sources.youtube.api import Api, BadToken, NotThere
from listener.sources.youtube.comments import add_replies, moment_of, not_as_documented, read_comment
from listener.sources.youtube.options import YouTubeOptions
from listener.sources.youtube.place import Run, State
from listener.tools import Tools

KEEP_FOR = timedelta(days=30)
"""https://developers.google.com/youtube/terms/developer-policies, III.E.4: stored data goes or is fetched anew."""

_SEARCH_COST = 100
_PER_PAGE = 100
_INLINED = 5
"""So many replies stand in their thread at most."""
_REMEMBERED_THREADS = 2000
_WELL_KNOWN = "jNQXAc9IVRw"
"""The first video on YouTube: if any has comments, it has."""


class YouTubeSource:
    """Comments and replies, target by target (a channel or a video), each newest first down to where it was left."""

    kind: ClassVar[str] = "youtube"
    ordered: ClassVar[bool] = False
    lag: ClassVar[timedelta] = timedelta(hours=1)
    history: ClassVar[timedelta | None] = None  # in principle: each 100 threads gone past cost a unit
    recheck_every: ClassVar[timedelta] = timedelta(days=7)
    recheck_batch: ClassVar[int] = 50

    def __init__(self, options: YouTubeOptions, tools: Tools) -> None:
        self._options = options
        self._api = Api(options.api_key.get_secret_value(), tools)

    def fetch(
        self, query: Query | None, cursor: Cursor | None, until: datetime, since: datetime | None = None
    ) -> Iterator[Page]:
        """Comments after each target's own lower bound. A target that is gone or closed for comments is unread; of
        those that a search found it is a Skipped, and not read again before a search finds it again.

        Searches happen at most ``searches_a_day`` times a day, and once for every window of the past.
        """
        state = State.of(cursor)
        if state.run is None:
            state.run = Run(until.isoformat(), searches=self._searches_due(state, query, until, since))
        run = state.run
        end = min(datetime.fromisoformat(run.until), until)
        while run.searches:
            self._search(state, run.searches[0], end, since)
            del run.searches[0]
            yield Page((), state.cursor(), progress=0.0)
        targets = self._targets(state)
        for number, target in enumerate(targets):
            if target in run.failed:
                continue
            if target != run.at:
                if target in state.done and datetime.fromisoformat(state.done[target]) >= end:
                    run.read += 1
                    continue
                run.begin(target)
            for page in self._read(state, run, target, end, since):
                progress = number / len(targets)
                yield replace(page, cursor=state.cursor(), progress=progress)
        if run.troubles and not run.read:
            troubles = "; ".join(list(dict.fromkeys(run.troubles))[:5])
            raise FatalSourceError(f"none of the channels and videos could be read: {troubles}")
        state.run = None
        state.replies = dict(list(run.replies.items())[:_REMEMBERED_THREADS])
        known = set(targets)
        state.done = {target: moment for target, moment in state.done.items() if target in known}
        yield Page((), state.cursor(), progress=1.0)

    def estimate(self, query: Query | None, since: datetime, until: datetime) -> Estimate:  # noqa: ARG002
        """How many requests and units, going by how far back the latest 100 threads of each target reach; 1 unit each
        to find out. Pages are counted from now, because there is no way past the newer ones."""
        searches = len(translate(query, YOUTUBE).searches) if self._options.search and query is not None else 0
        found = self._options.search_videos if searches else 0
        requests = searches + found
        for target in self._targets(State()):
            try:
                answer = self._api.ask("commentThreads", self._thread_params(target))
            except NotThere:
                requests += 1
                continue
            requests += _expected(answer, since - timedelta(hours=self._options.replies_hours), self._options.replies)
        return Estimate(requests=requests, weight=requests + searches * (_SEARCH_COST - 1))

    def gone(self, native_ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these comments YouTube no longer shows, for 1 unit.

        Where it shows none of them without saying that they are gone, it may be YouTube that has nothing to show: they
        are looked up again together with a comment that is there, for 2 units more. Raises RetriableSourceError where
        that one is not shown either, or none can be had.
        """
        try:
            answer = self._api.ask("comments", {"part": "id", "id": ",".join(native_ids)})
        except NotThere as error:
            if not error.deleted:
                raise FatalSourceError(f"YouTube does not let these comments be looked up: {error}") from error
            # The whole request is refused where one id is unknown to it: which one, halves tell.
            if len(native_ids) == 1:
                return {native_ids[0]: "deleted"}
            middle = len(native_ids) // 2
            return {**self.gone(native_ids[:middle]), **self.gone(native_ids[middle:])}
        there = _ids(answer)
        if native_ids and not there.intersection(native_ids):
            there = self._beside_another(native_ids)
        return {native_id: "deleted" for native_id in native_ids if native_id not in there}

    def _beside_another(self, native_ids: Sequence[str]) -> set[str]:
        """What is there of these, by an answer that also shows a comment known to be there."""
        control = self._a_comment()
        if control is not None:
            wanted = [*native_ids[: self.recheck_batch - 1], control]
            try:
                there = _ids(self._api.ask("comments", {"part": "id", "id": ",".join(wanted)}))
            except NotThere:
                there = set()
            if control in there:
                # Those that did not fit in beside it are looked up another time.
                return there.union(native_ids[self.recheck_batch - 1 :])
        raise RetriableSourceError(
            f"YouTube shows none of {len(native_ids)} comments and does not say that they are gone; looked up again "
            "later"
        )

    def _a_comment(self) -> str | None:
        """The id of some comment that YouTube shows just now."""
        for target in [*self._targets(State())[:3], f"video:{_WELL_KNOWN}"]:
            try:
                threads = self._api.ask("commentThreads", self._thread_params(target) | {"maxResults": "1"})["items"]
            except NotThere:
                continue
            for thread in threads:
                if isinstance(thread, dict) and isinstance(thread.get("id"), str):
                    return str(thread["id"])
        return None

    def _targets(self, state: State) -> list[str]:
        named = [f"channel:{channel}" for channel in self._options.channels]
        videos = (*self._options.videos, *(state.videos if self._options.search else ()))
        return named + [f"video:{video}" for video in dict.fromkeys(videos)]

    def _searches_due(self, state: State, query: Query | None, until: datetime, since: datetime | None) -> list[str]:
        if not self._options.search or query is None:
            return []
        searches = list(translate(query, YOUTUBE).searches)
        plan = hashlib.sha256("\n".join(searches).encode()).hexdigest()[:16]
        if since is None and state.searched is not None and state.plan == plan:
            pause = timedelta(days=1) * len(searches) / self._options.searches_a_day
            if until < datetime.fromisoformat(state.searched) + pause:
                return []
        state.plan, state.searched = plan, until.isoformat()
        return searches

    def _search(self, state: State, words: str, end: datetime, since: datetime | None) -> None:
        """One search for videos; of all that were ever found the newest are kept."""
        begin = (since or end) - timedelta(days=self._options.search_days)
        params = {
            "part": "snippet", "type": "video", "order": "date", "maxResults": "50", "q": words,
            "publishedAfter": _zulu(begin), "publishedBefore": _zulu(end),
        }  # fmt: skip
        try:
            answer = self._api.ask("search", params, _SEARCH_COST)
        except NotThere as error:
            raise FatalSourceError(f"YouTube does not let this key search: {error}") from error
        for entry in answer["items"]:
            try:
                state.videos[str(entry["id"]["videoId"])] = moment_of(entry["snippet"]["publishedAt"]).isoformat()
            except (KeyError, TypeError, ValueError):
                continue  # a channel or playlist, which was not asked for
        newest = sorted(state.videos.items(), key=lambda found: found[1], reverse=True)
        state.videos = dict(newest[: self._options.search_videos])

    def _read(self, state: State, run: Run, target: str, end: datetime, since: datetime | None) -> Iterator[Page]:
        """The pages of one target; ``state`` and ``run`` are already beyond each when it is handed out."""
        visited = state.done.get(target)
        if since is not None:
            low, window = since, timedelta(hours=self._options.replies_hours)
        elif visited is not None:
            low, window = datetime.fromisoformat(visited) - self.lag, timedelta(hours=self._options.replies_hours)
        else:
            low, window = end - timedelta(hours=self._options.lookback_hours), timedelta(0)
        oldest = low - window
        bounds = (low if since is not None else oldest, end)
        resumed = run.page is not None or run.reply_page is not None
        while run.more or run.threads:
            try:
                if run.threads:
                    page = self._reply_page(run, bounds)
                else:
                    page = self._thread_page(state, run, target, oldest, bounds)
            except NotThere as error:
                where = target.replace(":", " ")
                video = target.removeprefix("video:")
                run.failed.append(target)
                if target.startswith("channel:") or video in self._options.videos:
                    run.troubles.append(f"{where}: {error}")
                    to_do = "leave it out" if error.deleted else "have its comments opened, or leave it out"
                    yield Page((), {}, unread=(f"{run.troubles[-1].rstrip('.')}: {to_do}",))
                else:
                    state.videos.pop(video, None)
                    yield Page((), {}, (Skipped(where, str(error)),))
                return  # its lower bound stays, so that nothing is lost should it come back
            except BadToken as error:
                if resumed:
                    raise CursorExpired(
                        f"YouTube no longer knows the place where reading broke off: {error}"
                    ) from error
                raise RetriableSourceError(str(error)) from error
            resumed = False
            if not run.more and not run.threads:
                state.done[target] = end.isoformat()
                run.read += 1
            yield page

    def _thread_params(self, target: str) -> dict[str, str]:
        what, _, native_id = target.partition(":")
        return {
            "allThreadsRelatedToChannelId" if what == "channel" else "videoId": native_id,
            "part": "snippet,replies" if self._options.replies else "snippet",
            "order": "time", "textFormat": "plainText", "maxResults": str(_PER_PAGE),
        }  # fmt: skip

    def _thread_page(
        self, state: State, run: Run, target: str, oldest: datetime, bounds: tuple[datetime, datetime]
    ) -> Page:
        params = self._thread_params(target)
        answer = self._api.ask("commentThreads", params | ({"pageToken": run.page} if run.page else {}))
        items: list[Item] = []
        skipped: list[Skipped] = []
        newest: datetime | None = None
        for number, thread in enumerate(answer["items"], start=1):
            try:
                snippet = thread["snippet"]
                video = str(snippet.get("videoId") or "")
                total = int(snippet.get("totalReplyCount") or 0)
                top = read_comment(snippet["topLevelComment"], video, None, total)
                inlined = ((thread.get("replies") or {}).get("comments") or []) if self._options.replies else []
                items.append(top)
                newest = top.created_at if newest is None else max(newest, top.created_at)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                skipped.append(not_as_documented(thread, f"thread {number}", error))
                continue
            add_replies(items, skipped, inlined, video, top.native_id)
            if self._options.replies and total > len(inlined):
                run.replies[top.native_id] = _tally(total, inlined)
                if state.replies.get(top.native_id) != run.replies[top.native_id]:
                    run.threads.append([top.native_id, video])
        run.page = _token(answer)
        # Past the bound as a whole: a single old one may stand out of line.
        run.more = run.page is not None and (newest is None or newest >= oldest)
        return Page(_within(items, bounds), {}, tuple(skipped), token=run.page and f"{target} {run.page}")

    def _reply_page(self, run: Run, bounds: tuple[datetime, datetime]) -> Page:
        thread, video = run.threads[0]
        params = {"part": "snippet", "parentId": thread, "textFormat": "plainText", "maxResults": str(_PER_PAGE)}
        items: list[Item] = []
        skipped: list[Skipped] = []
        try:
            answer = self._api.ask("comments", params | ({"pageToken": run.reply_page} if run.reply_page else {}))
        except NotThere as error:  # deleted since it was listed
            run.reply_page = None
            skipped.append(Skipped(f"replies to {thread}", str(error)))
        else:
            add_replies(items, skipped, answer["items"], video, thread)
            run.reply_page = _token(answer)
        token = run.reply_page and f"{thread} {run.reply_page}"
        if run.reply_page is None:
            del run.threads[0]
        return Page(_within(items, bounds), {}, tuple(skipped), token=token)


def _expected(answer: Mapping[str, Any], oldest: datetime, replies: bool) -> int:
    """Requests down to ``oldest``, if it goes on as on this first page."""
    times: list[datetime] = []
    long = 0
    for thread in answer["items"]:
        try:
            times.append(moment_of(thread["snippet"]["topLevelComment"]["snippet"]["publishedAt"]))
            total = int(thread["snippet"].get("totalReplyCount") or 0)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
        long += math.ceil(total / _PER_PAGE) if replies and total > _INLINED else 0
    pages = 1.0
    if _token(answer) is not None and times and min(times) > oldest:
        # A page within a single second still says that it is at least one.
        pages = (max(times) - oldest) / max(max(times) - min(times), timedelta(seconds=1))
    return math.ceil(pages) + math.ceil(pages * long)


def _ids(answer: Mapping[str, Any]) -> set[str]:
    return {str(entry.get("id")) for entry in answer["items"] if isinstance(entry, dict)}


def _tally(total: int, inlined: Sequence[Any]) -> str:
    """How many replies there are and when the latest of those shown was written: one may go as another comes."""
    said = (reply.get("snippet") for reply in inlined if isinstance(reply, dict))
    times = (str(snippet.get("publishedAt") or "") for snippet in said if isinstance(snippet, dict))
    return f"{total} {max(times, default='')}"


def _within(items: list[Item], bounds: tuple[datetime, datetime]) -> tuple[Item, ...]:
    return tuple(item for item in items if bounds[0] <= item.created_at <= bounds[1])


def _token(answer: Mapping[str, Any]) -> str | None:
    token = answer.get("nextPageToken")
    return str(token) if token else None


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
