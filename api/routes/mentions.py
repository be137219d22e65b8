"""Mentions with their scores: searched, counted, one by one, and the words that moved a score."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from sqlalchemy import RowMapping
from sqlmodel import Session

from api.access import needs
from api.asked_mentions import Asked, AskedPage
from api.problems import Fault, Refused
from api.routes.dependencies import Explained, Id, Installed, Reading, named
from api.routes.mention_models import Count, Evidence, Mention, Mentions, Thread, WholeMention, shown
from api.story import sentence
from listener.access import Caller, Permission
from listener.query import QueryError
from listener.store import mention_file, push, search
from listener.store.members import reasons

router = APIRouter(prefix="/api/v1/mentions", tags=["mentions"])

Reader = Annotated[Caller, needs(Permission.READ_MENTIONS)]

MOST_COUNTED = 10_000

NONE: dict[int | str, dict[str, Any]] = {404: {"description": "There is no such mention, or not for you."}}
NO_QUERY: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no brand of that name for you."},
    422: {"description": "`words` are no query, or a filter cannot be; `errors` says where and what to do."},
}


def unreadable(error: QueryError) -> Refused:
    """What the words of a search are refused with."""
    fault = Fault(detail=str(error), pointer=None, parameter="query:words")
    return Refused(422, f"the words are no query: {error}", errors=[fault])


@router.get("", summary="Search mentions", responses=NO_QUERY)
def list_mentions(session: Reading, asking: Reader, asked: Annotated[AskedPage, Query()]) -> Mentions:
    """Mentions with their scores, the latest said first, each once however often it was passed on."""
    brands = asked.brands(asking)
    named(session, [asked.brand], brands)
    try:
        page = search.find(
            session, brands=brands, words=asked.words, filters=asked.filters(),
            after=asked.place, limit=asked.limit,
        )  # fmt: skip
    except QueryError as error:
        raise unreadable(error) from error
    return Mentions(
        items=_items(session, page.rows, asked.alert),
        next=None if page.next is None else str(page.next),
        complete=page.complete,
        looked_back_to=None if page.next is None else page.next.created_at,
    )


@router.get("/counts", summary="Count mentions", responses=NO_QUERY)
def count_mentions(session: Reading, asking: Reader, asked: Annotated[Asked, Query()]) -> Count:
    """How many mentions a search finds: the latest 10,000 at most, and only as far back as can be looked at once.

    For shares and for longer times there are the figures.
    """
    brands = asked.brands(asking)
    named(session, [asked.brand], brands)
    try:
        number = search.count(session, brands=brands, words=asked.words, filters=asked.filters(), most=MOST_COUNTED)
    except QueryError as error:
        raise unreadable(error) from error
    return Count(count=number.found, since=number.since)


@router.get("/{mention_id}", summary="All about a mention", responses=NONE)
def one_mention(session: Reading, asking: Reader, mention_id: Id) -> WholeMention:
    """A mention with its scores, thread, author's history, copies, corrections and incidents; also one that is a copy,
    hidden, or was deleted."""
    found = mention_file.of_pair(
        session, mention_id, asking.brands(Permission.READ_MENTIONS), asking.brands(Permission.READ_ALERTS)
    )
    if found is None:
        raise HTTPException(404, f"there is no mention {mention_id}")
    row = found.mention
    verdicts = row["verdicts"] or {}
    told = {reason: sentence(reason) for reason in {*verdicts.values(), row["verdict"]} if reason}
    (mention,) = _items(session, [row], None)
    return WholeMention.model_validate(
        {
            **{name: row[name] for name in ("emotions", "irony", "offensive", "complaint", "said_by")},
            **mention.model_dump(),
            "verdicts": verdicts,
            "reasons": told,
            "thread": Thread.model_validate(found.around),
            "alike": _items(session, found.alike, None),
            "corrections": [dict(one) for one in found.corrections],
            "incidents": [dict(one) for one in found.incidents],
        }
    )


@router.get(
    "/{mention_id}/evidence",
    summary="The words behind a score",
    responses={
        **NONE,
        410: {"description": "The mention was deleted."},
        503: {
            "description": "No model can be opened here, or others are having texts explained; the detail says which."
        },
    },
)
def evidence(installed: Installed, asking: Reader, explained: Explained, mention_id: Id) -> Evidence:
    """Which words moved the score, up or down, as `escucha explain --mention` has it. The first time takes some
    seconds: the model is opened then."""
    with installed.store.reading() as session:
        row = mention_file.one(session, mention_id, asking.brands(Permission.READ_MENTIONS))
    if row is None:
        raise HTTPException(404, f"there is no mention {mention_id}")
    found = explained.of(row)
    score = found.score
    return Evidence(
        measure=found.measure, value=found.value, baseline=found.baseline, words=found.spans,
        brand=list(found.brand), read=list(found.read), label=score.label, model=score.model, revision=score.revision,
        stored=(row["model"], row["revision"]) == (score.model, score.revision),
    )  # fmt: skip


def _items(session: Session, rows: Sequence[RowMapping | dict[str, Any]], alert: int | None) -> list[Mention]:
    marks = push.declared(session, [row["mention_id"] for row in rows])
    notices = {} if alert is None else reasons(session, alert, [row["id"] for row in rows])
    return [
        Mention.model_validate(shown(row, marks.get(row["mention_id"], {}), notices.get(row["id"]))) for row in rows
    ]
