"""The brand's own replies are noted at the incidents that they answer."""

from datetime import timedelta

import pytest

from alerts.life import EventKind
from listener.items import Author
from listener.jobs.alert import judge_batch
from listener.jobs.answers import EVERY, Noticing, notice_answers
from listener.store.life import act
from listener.store.tables import Alert, AlertEvent, MentionBrand
from tests.listener.conftest import Site, item

TEAM = Author("b1", handle="@AeroluzHelp")


@pytest.fixture
def complaint(site: Site) -> Site:
    """A brand that answers as @aeroluzhelp, and an incident of one mention."""
    site.brand(accounts=["aeroluzhelp"], alerting={"promoter": False, "reach": False, "crisis": False})
    site.source()
    site.take(item("1"))
    judge(site)
    return site


def judge(site: Site) -> None:
    site.score({pair.id: "detractor" for pair in site.rows(MentionBrand) if pair.scored_at is None and pair.id})
    judge_batch(site.store, site.clock())


def answered(site: Site) -> list[object]:
    return [row.detail["at"] for row in site.rows(AlertEvent) if row.kind == EventKind.ANSWERED]


def test_the_first_reply_of_the_brand_is_the_answer_at_its_own_time(complaint: Site) -> None:
    complaint.take(
        item("2", "Aeroluz here, again", minute=9, author=TEAM, reply_to="1"),
        item("3", "Aeroluz here, we look into it", minute=4, author=TEAM, reply_to="1"),
        item("4", "Aeroluz lost mine too", minute=1, author=Author("a9", handle="ana"), reply_to="1"),
    )
    complaint.clock.advance(minutes=10)
    assert notice_answers(complaint.store, complaint.clock()) == 1
    row = complaint.one(Alert)
    assert row.answered_at == complaint.clock() - timedelta(minutes=6)
    assert notice_answers(complaint.store, complaint.clock()) == 0
    assert len(answered(complaint)) == 1


def test_a_post_of_the_brand_that_answers_nothing_is_no_answer(complaint: Site) -> None:
    complaint.take(item("2", "Aeroluz flies to Lima", author=TEAM), item("3", "Aeroluz", author=TEAM, reply_to="77"))
    assert notice_answers(complaint.store, complaint.clock()) == 0


def test_what_came_back_is_not_answered_by_what_was_said_before(complaint: Site) -> None:
    complaint.take(item("2", "Aeroluz here", minute=1, author=TEAM, reply_to="1"))
    complaint.clock.advance(minutes=5)
    notice_answers(complaint.store, complaint.clock())
    for step in ("resolve", "reopen"):
        complaint.clock.advance(minutes=5)
        with complaint.store.transaction() as session:
            act(session, 1, step, "ana", complaint.clock())
    assert notice_answers(complaint.store, complaint.clock()) == 0
    complaint.take(item("3", "Aeroluz here once more", minute=20, author=TEAM, reply_to="1"))
    complaint.clock.advance(minutes=15)
    assert notice_answers(complaint.store, complaint.clock()) == 1
    assert len(answered(complaint)) == 2


def test_the_stage_looks_once_a_minute(complaint: Site) -> None:
    noticing = Noticing(complaint.store)
    assert noticing(complaint.clock()) == 0
    complaint.take(item("2", "Aeroluz here", author=TEAM, reply_to="1"))
    assert noticing(complaint.clock()) == 0
    assert noticing(complaint.clock() + EVERY) == 1
