"""What a notice shows of an incident, and what it says of what it shows."""

from datetime import timedelta

from alerts.notice import Notice, NoticeKind
from alerts.reasons import Reason
from listener.items import Author
from listener.jobs.alert import judge_batch
from listener.store import deletion, incidents, read
from listener.store.dossier import dossier
from listener.store.notices import notice_for
from listener.store.quotations import quotations
from listener.store.tables import AlertMention, Mention, MentionBrand, table
from tests.listener.conftest import Site, item

WORDS = "Aeroluz lost my bag in Vigo and nobody at the desk would say when it comes, two days without clothes"
ONLY = {"promoter": False, "reach": False, "crisis": False}


def judged(site: Site) -> None:
    """All that is not judged yet, as detractors."""
    site.score({pair.id: "detractor" for pair in site.rows(MentionBrand) if pair.scored_at is None and pair.id})
    judge_batch(site.store, site.clock())


def notice(site: Site, kind: NoticeKind = NoticeKind.OPENED) -> Notice:
    with site.store.transaction() as session:
        incident = incidents.held(session, 1)
        assert incident is not None
        return notice_for(
            session, incident, kind, key="k", reason=Reason.INCIDENT_OPENED, public_url="https://esc.example",
            now=site.clock(),
        )  # fmt: skip


def reposted(site: Site) -> None:
    """An incident whose only mention turns out to repeat an older one, which comes later."""
    site.brand(alerting=ONLY)
    site.source()
    site.take(item("repost", WORDS, minute=5, author=Author("a1", handle="ana"), reach=150))
    judged(site)
    site.take(item("original", WORDS, minute=1, author=Author("a2", handle="bea"), reach=40_000))
    repost, original = site.rows(MentionBrand)
    assert (repost.copy_of, original.copy_of) == (original.id, None)


def test_a_notice_quotes_what_opened_the_incident_when_it_turns_out_to_be_a_repost(site: Site) -> None:
    reposted(site)
    assert [one.author for one in notice(site).quotes] == ["ana"]

    judged(site)

    found = notice(site)
    # What it repeats was spoken for already, and reaches people as a part of the incident.
    assert found.about is not None
    assert (found.about.count, [one.author for one in found.quotes]) == (1, ["bea"])


def test_the_page_of_an_incident_shows_the_repost_that_opened_it(site: Site) -> None:
    reposted(site)
    with site.store.reading() as session:
        found = dossier(session, 1, site.clock())
        assert found is not None
        assert len(found.around) == 1
        assert [row["author"] for row in read.mentions(session, alert_id=1)] == ["ana"]


def test_a_repost_of_what_is_in_the_incident_is_not_quoted_beside_it(site: Site) -> None:
    site.brand(alerting=ONLY)
    site.source()
    site.take(item("original", WORDS, minute=1, author=Author("a2", handle="bea"), reach=40))
    judged(site)
    site.take(item("repost", WORDS, minute=5, author=Author("a1", handle="ana"), reach=90_000))
    judged(site)

    assert [one.author for one in notice(site).quotes] == ["bea"]
    with site.store.reading() as session:
        assert [row["author"] for row in read.mentions(session, alert_id=1)] == ["bea"]


def test_the_numbers_are_those_of_the_mention_that_is_quoted_first(site: Site) -> None:
    site.brand(alerting=ONLY)
    site.source()
    site.take(item("far", "Aeroluz lost my bag in Vigo", minute=1, author=Author("a1", handle="bea"), reach=104_000))
    judged(site)
    site.clock.advance(minutes=10)
    site.take(item("near", "The worst seats ever: Aeroluz", minute=9, author=Author("a2", handle="ana"), reach=150))
    judged(site)

    found = notice(site, NoticeKind.GREW)

    assert found.quotes[0].author == "bea"
    assert found.why.endswith("the one quoted first: 90% likely a detractor (alerts from 60%), reach 104,000.")
    assert "150" not in found.why


def test_what_is_deleted_leaves_nothing_of_what_was_found_in_it(site: Site) -> None:
    site.brand()
    site.source()
    site.take(item("1", "Aeroluz lost my bag in Vigo", minute=1, reach=10))
    judged(site)
    assert all(row.because for row in site.rows(AlertMention))

    with site.store.transaction() as session:
        deletion.blank_native(session, "rss", ["1"], "deleted", site.clock() + timedelta(hours=1))

    assert [row.because for row in site.rows(AlertMention)] == [""]


def test_a_list_quotes_the_latest_of_each_incident_that_may_be_shown(site: Site) -> None:
    site.brand(alerting=ONLY)
    site.source()
    for minute, words in enumerate(("Aeroluz lost my bag", "so rude, Aeroluz", "never again Aeroluz"), 1):
        site.take(item(str(minute), words, minute=minute, author=Author(f"a{minute}", handle=f"ana{minute}")))
    judged(site)

    def quoted() -> dict[int, tuple[str, int, str | None]]:
        with site.store.reading() as session:
            return {number: (one.text, one.at, one.author) for number, one in quotations(session, [1, 2]).items()}

    assert quoted() == {1: ("never again Aeroluz", 12, "ana3")}
    pair = table(MentionBrand)
    latest = site.rows(MentionBrand)[-1].id
    with site.store.transaction() as session:
        session.connection().execute(pair.update().values(hidden_why="x").where(pair.c.id == latest))
    assert quoted() == {1: ("so rude, Aeroluz", 9, "ana2")}
    with site.store.transaction() as session:
        session.connection().execute(table(Mention).update().values(deleted_at=site.clock()))
    assert quoted() == {}
