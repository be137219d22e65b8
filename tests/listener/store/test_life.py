"""People act on incidents: once each, one after the other however many press at once, with a timeline."""

from datetime import timedelta

import pytest

from alerts.incident import Incident, State
from alerts.life import EventKind, NotPossible
from listener.store import incidents
from listener.store.life import Act, Done, act, perform
from listener.store.tables import Alert, AlertEvent, Brand, Feedback
from tests.listener.conftest import Site, broken_off, together


@pytest.fixture
def open_one(feed: Site) -> Site:
    """One open incident, decided upon."""
    return opened(feed)


def opened(feed: Site) -> Site:
    now = feed.clock()
    found = Incident(None, "Aeroluz", "detractor", now, now, 1, 900, because="91% likely a detractor")
    with feed.store.transaction() as session:
        incidents.open_new(session, feed.id_of(Brand, "Aeroluz"), found, now)
    return feed


def do(site: Site, action: Act, actor: str = "ana", **what: object) -> Done:
    with site.store.transaction() as session:
        return perform(session, 1, action, actor, site.clock(), **what)


def test_an_act_changes_the_incident_its_timeline_and_when_it_is_decided_upon(open_one: Site) -> None:
    now = open_one.clock.advance(minutes=5)
    with open_one.store.transaction() as session:
        incident = act(session, 1, "acknowledge", "  ana\u202e \n", now)
    row, event = open_one.one(Alert), open_one.one(AlertEvent)
    assert (incident.state, incident.acknowledged_by) == (State.ACKNOWLEDGED, "ana")
    assert (row.state, row.acknowledged_by, row.acknowledged_at, row.version) == ("acknowledged", "ana", now, 2)
    assert row.decide_at is not None
    assert row.decide_at <= now
    assert (event.kind, event.actor, event.at) == ("acknowledged", "ana", now)


def test_the_same_again_changes_nothing(open_one: Site) -> None:
    assert do(open_one, Act.ACKNOWLEDGE).event is not None
    before = open_one.one(Alert)
    open_one.clock.advance(minutes=1)
    again = do(open_one, Act.ACKNOWLEDGE, "luis")
    assert (again.event, again.incident.acknowledged_by) == (None, "ana")
    assert open_one.one(Alert) == before
    assert len(open_one.rows(AlertEvent)) == 1


def test_every_act_leaves_its_line(open_one: Site) -> None:
    do(open_one, Act.ASSIGN, to="luis")
    do(open_one, Act.SNOOZE, length=timedelta(hours=4))
    do(open_one, Act.WAKE)
    do(open_one, Act.ANSWER, at=open_one.clock())
    do(open_one, Act.NOTE, text="called them")
    do(open_one, Act.RESOLVE, why="refunded")
    do(open_one, Act.REOPEN, why="not yet")
    do(open_one, Act.FEEDBACK, useful=True, via="cli")
    kinds = [row.kind for row in open_one.rows(AlertEvent)]
    assert kinds == ["assigned", "snoozed", "woken", "answered", "note", "resolved", "reopened", "feedback"]


def test_a_note_is_kept_once_and_one_of_another_person_beside_it(open_one: Site) -> None:
    for actor in ("ana", "ana", "luis"):
        do(open_one, Act.NOTE, actor, text="called\x00 them\u202e")
    assert [(row.actor, row.detail["text"]) for row in open_one.rows(AlertEvent)] == [
        ("ana", "called them"), ("luis", "called them"),
    ]  # fmt: skip


def test_a_persons_last_word_on_usefulness_counts(open_one: Site) -> None:
    assert do(open_one, Act.FEEDBACK, useful=True).event is not None
    assert do(open_one, Act.FEEDBACK, useful=True).event is None
    assert do(open_one, Act.FEEDBACK, useful=False).event is not None
    assert [(row.actor, row.useful) for row in open_one.rows(Feedback)] == [("ana", False)]
    # What is said of an incident changes no message about it.
    assert open_one.one(Alert).version == 1


@pytest.mark.parametrize(
    ("action", "what", "error", "says"),
    [
        (Act.SNOOZE, {"length": timedelta(0)}, NotPossible, "say for instance 1h"),
        (Act.SNOOZE, {"length": timedelta(days=99)}, NotPossible, "30 days"),
        (Act.NOTE, {"text": " \u202e\n"}, ValueError, "needs words"),
        (Act.ASSIGN, {"to": "\x00"}, ValueError, "say who"),
    ],
)
def test_what_makes_no_sense_is_refused_in_words_and_changes_nothing(
    open_one: Site, action: Act, what: dict[str, object], error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        do(open_one, action, **what)
    assert open_one.rows(AlertEvent) == []
    assert open_one.one(Alert).version == 1


def test_there_is_nobody_without_a_name_and_nothing_without_a_row(open_one: Site) -> None:
    with pytest.raises(ValueError, match="say who"):
        do(open_one, Act.ACKNOWLEDGE, " \t")
    with pytest.raises(KeyError, match="no incident 9"), open_one.store.transaction() as session:
        act(session, 9, "acknowledge", "ana", open_one.clock())


def test_a_process_that_dies_in_the_middle_has_done_nothing(open_one: Site) -> None:
    with broken_off(open_one.store) as session:
        act(session, 1, "resolve", "ana", open_one.clock())
    assert open_one.one(Alert).state == "open"
    assert open_one.rows(AlertEvent) == []


def test_of_many_who_acknowledge_at_once_one_is_first(open_one: Site) -> None:
    people = [f"person {number}" for number in range(8)]
    found = together(*(lambda name=name: do(open_one, Act.ACKNOWLEDGE, name) for name in people))
    (first,) = [done for done in found if done.event is not None]
    assert {done.incident.acknowledged_by for done in found} == {first.incident.acknowledged_by}
    assert len(open_one.rows(AlertEvent)) == 1


def test_of_many_who_take_it_at_once_one_has_it_and_the_others_are_told_who(open_one: Site) -> None:
    def take(name: str) -> str:
        try:
            return f"has it: {do(open_one, Act.ASSIGN, name).incident.assigned_to}"
        except NotPossible as error:
            return str(error)

    found = together(*(lambda name=name: take(name) for name in ("ana", "luis", "eva", "tom")))
    owner = open_one.one(Alert).assigned_to
    assert sorted(said.startswith("has it") for said in found) == [False, False, False, True]
    assert all(f"{owner} has it already" in said for said in found if not said.startswith("has it"))


def test_acts_at_once_are_all_kept(open_one: Site) -> None:
    together(
        lambda: do(open_one, Act.ACKNOWLEDGE, "ana"),
        lambda: do(open_one, Act.ANSWER, "luis"),
        lambda: do(open_one, Act.NOTE, "eva", text="on it"),
        lambda: do(open_one, Act.FEEDBACK, "tom", useful=True),
    )
    row = open_one.one(Alert)
    assert (row.acknowledged_by, row.answered_at is not None, row.version) == ("ana", True, 3)
    assert {event.kind for event in open_one.rows(AlertEvent)} == {
        EventKind.ACKNOWLEDGED, EventKind.ANSWERED, EventKind.NOTE, EventKind.FEEDBACK,
    }  # fmt: skip
