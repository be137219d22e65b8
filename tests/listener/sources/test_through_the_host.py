"""Every platform through the real collect job, database and ledger, with everything going wrong that can.

The sources' own files hold them against the suite's small host; here it is the real one. After each trouble: nothing
lost, nothing twice, the cursor right, and the ledger tells it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from listener.http import Http
from listener.jobs.collect import Collected, collect
from listener.source import FatalSourceError, RetriableSourceError
from listener.store.tables import Author, Covered, Gap, Mention, MentionBrand, Source, SourceHour
from tests.listener.conftest import Site
from tests.listener.sources.conformance import (
    QUERY,
    UNTIL,
    Fault,
    Post,
    burst,
    connection_lost,
    half_body,
    html_page,
    status,
)
from tests.listener.sources.platforms import PLATFORMS, Standing

HALF_AN_HOUR = timedelta(minutes=30)


class Installed:
    """One platform, and an Escucha that reads it."""

    def __init__(self, standing: Standing, server: HTTPServer, http: Http, site: Site) -> None:
        self.standing = standing
        self.platform: Any = standing.make(server, http)
        self.site = site
        self.site.clock.now = UNTIL
        site.brand("Acme", query="acme")
        self.source_id = site.source("it", kind=standing.kind, options={}, every_s=600)

    def run(self) -> Collected:
        """Read it as `escucha run` does, in a process of its own as far as the source can tell."""
        return collect(self.site.store, self.source_id, self.platform.source(), self.site.clock)

    def later(self, by: timedelta = HALF_AN_HOUR) -> None:
        self.site.clock.now += by
        if hasattr(self.platform, "now"):
            self.platform.now = max(self.platform.now, self.site.clock.now + timedelta(hours=1))

    def stored(self) -> Counter[str]:
        """The texts stored, without titles, and how often."""
        return Counter(row.text.removeprefix(f"{row.title}\n") for row in self.site.rows(Mention))

    def holds(self, posts: list[Post]) -> None:
        """Nothing lost, nothing twice, everything about the brand."""
        assert self.stored() == Counter(post.text for post in posts)
        assert len(self.site.rows(MentionBrand)) == len(posts)

    def row(self) -> Source:
        return next(row for row in self.site.rows(Source) if row.id == self.source_id)

    def troubles(self) -> tuple[int, int, str]:
        """Rate-limited runs, failed runs, and the last reason."""
        hours = self.site.rows(SourceHour)
        return sum(h.rate_limited for h in hours), sum(h.failed for h in hours), " ".join(h.why or "" for h in hours)

    def covered_now(self) -> bool:
        """Whether the ledger says that everything up to now has been read, and that nothing is missing."""
        reached = max((row.until for row in self.site.rows(Covered)), default=None)
        return reached == self.site.clock.now and not [gap for gap in self.site.rows(Gap) if gap.state != "filled"]

    def mended(self) -> None:
        """The trouble is over. The first run may only end the interrupted one; the next has read all up to its now."""
        getattr(self.platform, "_faults", {}).clear()
        for _ in range(2):
            self.later(timedelta(minutes=1))
            self.run()
        assert self.covered_now()
        assert self.row().last_error is None


@pytest.fixture(params=PLATFORMS, ids=lambda standing: standing.kind)
def installed(
    request: pytest.FixtureRequest, httpserver: HTTPServer, http: Http, sqlite_site: Site
) -> Iterator[Installed]:
    there = Installed(request.param, httpserver, http, sqlite_site)
    yield there
    if hasattr(there.platform, "close"):
        there.platform.close()


def where(fits: Callable[[Standing], bool]) -> pytest.MarkDecorator:
    """Only on the platforms that fit: what cannot happen on a platform is no test of it."""
    fitting = [standing for standing in PLATFORMS if fits(standing)]
    return pytest.mark.parametrize("installed", fitting, indirect=True, ids=lambda standing: standing.kind)


def where_they(can: str) -> pytest.MarkDecorator:
    """Only on the platforms whose stand-in has this."""
    return where(lambda standing: hasattr(standing.make, can))


ONE_BY_ONE = where_they("fail")
"""A stream answers once; its troubles are in its own tests."""
BY_TOKENS = where(lambda standing: standing.kind in {"x", "youtube", "reddit", "mastodon", "bluesky", "googleplay"})
TELLS_OF_DELETIONS = where(lambda standing: standing.kind == "jetstream")


@pytest.fixture
def sqlite_site(sqlite_store: Any, clock: Any) -> Site:
    """The sources do not know which database there is; that the host keeps both alike is shown elsewhere."""
    return Site(sqlite_store, clock)


def test_a_burst_between_two_polls(installed: Installed) -> None:
    before = burst(3, start=UNTIL - timedelta(minutes=20))
    installed.platform.publish(before)
    installed.run()
    standing = installed.standing
    rush = burst(standing.burst, first=1001, start=UNTIL + timedelta(minutes=1), every=standing.every)
    installed.later(timedelta(minutes=15, seconds=standing.burst * standing.every))
    installed.platform.publish(rush)
    result = installed.run()

    installed.holds([*before, *rush])
    assert result.finished
    assert installed.covered_now()
    assert sum(hour.found for hour in installed.site.rows(SourceHour)) >= len(before) + len(rush)
    assert sum(hour.stored for hour in installed.site.rows(SourceHour)) == len(before) + len(rush)
    installed.later()
    assert installed.run().stored == 0
    installed.holds([*before, *rush])


@ONE_BY_ONE
@pytest.mark.parametrize("at", ["first", "last"])
@pytest.mark.parametrize(
    ("fault", "slowed"),
    [
        (connection_lost, False), (half_body, False), (status(429), True), (status(429, "17"), True),
        (status(500), False), (html_page, False),
    ],
    ids=["connection lost", "half a body", "429", "429 with delay", "500", "web page"],
)  # fmt: skip
def test_trouble_that_passes(installed: Installed, fault: Fault, slowed: bool, at: str) -> None:
    posts = burst(130, start=UNTIL - timedelta(minutes=25), every=10)
    installed.platform.publish(posts)
    needed = _requests(installed)
    installed.platform.fail(fault, request=1 if at == "first" else needed)
    with pytest.raises((RetriableSourceError, FatalSourceError)):
        installed.run()

    assert not installed.covered_now()
    limited, failed, why = installed.troubles()
    assert (limited, failed) == ((1, 0) if slowed else (0, 1))
    assert installed.platform.server.host in why
    assert all(times == 1 for times in installed.stored().values())

    installed.mended()
    installed.holds(posts)
    _goes_on(installed, posts)


@ONE_BY_ONE
@pytest.mark.parametrize("code", [401, 403])
def test_refused_until_a_person_acts(installed: Installed, code: int) -> None:
    posts = burst(20, start=UNTIL - timedelta(minutes=25))
    installed.platform.publish(posts)
    needed = _requests(installed)
    # A library may renew its token and ask once more before it gives up.
    for request in range(1, needed + 4):
        installed.platform.fail(status(code), request=request)
    with pytest.raises(FatalSourceError, match=str(code)):
        installed.run()

    assert installed.stored() == Counter()
    assert installed.row().stopped
    assert installed.row().cursor is None
    limited, failed, why = installed.troubles()
    assert (limited, failed) == (0, 1)
    assert str(code) in why
    assert not installed.covered_now()
    installed.mended()
    installed.holds(posts)


@BY_TOKENS
def test_a_repeated_token(installed: Installed) -> None:
    posts = burst(300, start=UNTIL - timedelta(minutes=55), every=10)
    installed.platform.publish(posts)
    installed.platform.repeat_token = True
    with pytest.raises(RetriableSourceError, match="twice"):
        installed.run()
    assert installed.row().cursor is None or installed.platform.source().ordered
    assert not installed.covered_now()
    installed.platform.repeat_token = False
    for _ in range(3):  # a place in the circle may be one that the platform has forgotten
        installed.later(timedelta(minutes=1))
        try:
            installed.run()
        except RetriableSourceError:
            continue
        break
    installed.mended()
    installed.holds(posts)


def test_out_of_order_and_a_clock_five_minutes_off(installed: Installed) -> None:
    posts = burst(60, start=UNTIL - timedelta(minutes=25), every=10)
    ahead = Post("900", "acme from a clock five minutes off", UNTIL + timedelta(minutes=5))
    installed.platform.publish([*posts[1::2], *posts[0::2][::-1], ahead])
    installed.run()
    assert all(mention.created_at <= UNTIL for mention in installed.site.rows(Mention))
    installed.later()
    installed.run()
    installed.holds([*posts, ahead])
    assert installed.covered_now()


@where_they("edit")
def test_an_edit(installed: Installed) -> None:
    posts = burst(10, start=UNTIL - timedelta(seconds=60), every=1)
    installed.platform.publish(posts)
    installed.run()
    installed.platform.edit("10", "acme said otherwise", UNTIL + timedelta(seconds=10))
    installed.later(timedelta(seconds=40))
    installed.run()
    texts = installed.stored()
    assert texts["acme said otherwise"] == 1
    assert texts[posts[-1].text] == 0
    assert sum(texts.values()) == 10


@where_they("vanish")
def test_a_post_gone_between_listing_and_reading(installed: Installed) -> None:
    posts = burst(20, start=UNTIL - timedelta(minutes=25))
    installed.platform.publish(posts)
    installed.platform.vanish("7")
    installed.run()
    installed.mended()
    installed.holds([post for post in posts if post.id != "7"])


def test_a_process_that_dies_after_each_page(installed: Installed) -> None:
    posts = burst(260, start=UNTIL - timedelta(minutes=50), every=10)
    installed.platform.publish(posts)

    class Died(BaseException):
        """As a killed process: nobody catches it and nothing is noted."""

    def die(_page: object) -> None:
        raise Died

    for _ in range(8):
        with suppress(Died):
            collect(installed.site.store, installed.source_id, installed.platform.source(), installed.site.clock, die)
        installed.later(timedelta(seconds=1))
    installed.mended()
    installed.holds(posts)


def _requests(installed: Installed) -> int:
    """How many requests a whole first run takes of somebody who is logged in; nothing of it is stored."""
    for _ in range(2):
        many = len(installed.platform.requests)
        for _page in installed.platform.source().fetch(QUERY, None, UNTIL):
            pass
    return len(installed.platform.requests) - many


def _goes_on(installed: Installed, posts: list[Post]) -> None:
    """The cursor is right: the next run brings just what is new."""
    new = burst(7, first=5001, start=installed.site.clock.now + timedelta(minutes=3), every=5)
    installed.later()
    installed.platform.publish(new)
    result = installed.run()
    assert result.stored == len(new)
    installed.holds([*posts, *new])


@TELLS_OF_DELETIONS
def test_what_a_platform_says_is_gone_is_blanked(installed: Installed) -> None:
    """What was found by one source may be reported gone by another of the same platform."""
    installed.platform.publish(burst(3, start=UNTIL - timedelta(minutes=5)))
    installed.run()
    installed.platform.delete("2", UNTIL + timedelta(seconds=10))
    installed.later(timedelta(minutes=1))
    installed.run()
    gone = [row for row in installed.site.rows(Mention) if row.deleted_at is not None]
    assert [row.text for row in gone] == [""]
    assert installed.stored()["acme post number 2"] == 0
    assert len(installed.site.rows(Mention)) == 3


@TELLS_OF_DELETIONS
def test_what_an_account_that_is_gone_has_said_is_blanked(installed: Installed) -> None:
    before = [Post(str(number), f"acme {number}", UNTIL - timedelta(minutes=5), "ana") for number in range(3)]
    others = [Post("8", "acme from bea", UNTIL, "bea"), Post("9", "acme from cem", UNTIL, "cem")]
    installed.platform.publish([*before, *others])
    installed.run()
    installed.holds([*before, *others])
    for name, why in (("ana", "deleted"), ("bea", "deactivated")):
        account = {"active": False, "did": f"did:plc:{name}", "seq": 1, "status": why}
        event = {"did": f"did:plc:{name}", "kind": "account", "account": account}
        installed.platform.add(UNTIL + timedelta(seconds=30), event)
    # Of one page with its author's end.
    installed.platform.publish([Post("10", "acme, a last word", UNTIL + timedelta(seconds=20), "ana")])
    installed.later(timedelta(minutes=1))
    installed.run()
    mentions = installed.site.rows(Mention)
    assert sorted(row.text for row in mentions if row.text) == ["acme from bea", "acme from cem"]
    assert {row.deleted_why for row in mentions if not row.text} == {"account deleted on the platform"}
    assert not [author for author in installed.site.rows(Author) if author.native_id == "did:plc:ana"]


@where_they("spoil_part")
def test_one_of_several_parts_fails_for_good(installed: Installed) -> None:
    """The others go on, and the ledger tells it, in one gap however long that lasts."""
    platform, site = installed.platform, installed.site
    make = getattr(platform, "source_of_parts", platform.source)
    for name, query in getattr(platform, "part_brands", {}).items():
        site.brand(name, query=query)

    def read() -> None:
        installed.later(timedelta(hours=2))
        with suppress(RetriableSourceError):  # at first it may be a mood
            collect(site.store, installed.source_id, make(), site.clock)

    posts = burst(9, start=UNTIL - timedelta(minutes=25))
    platform.publish(posts)
    read()
    platform.spoil_part()
    assert installed.stored() == Counter(post.text for post in posts)
    for number in range(1, 5):
        new = burst(9, first=100 * number, start=site.clock.now + timedelta(minutes=100))
        posts += new
        platform.publish(new)
        before = installed.stored().total()
        read()
        assert installed.stored().total() > before
    row = installed.row()
    assert (row.last_error, row.stopped) == (None, False)
    assert len(row.unread or ()) == 1
    assert not installed.covered_now()
    assert [gap.state for gap in site.rows(Gap) if gap.cause == "unread"] == ["growing"]

    if not hasattr(platform, "mend_part"):
        return
    platform.mend_part()
    read()
    installed.holds(posts)
    assert installed.row().unread is None
    assert all(gap.state != "growing" for gap in site.rows(Gap))


def test_every_remote_kind_is_here() -> None:
    from listener.registry import SOURCES

    local: set[str] = {"file", "replay"}
    assert {standing.kind for standing in PLATFORMS} == set(SOURCES) - local
