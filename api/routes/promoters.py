"""Promoters: who recommends a brand, and whether their words may be used again."""

from datetime import datetime
from typing import Annotated, Any, Self

from fastapi import APIRouter, Depends, HTTPException, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from api import etags
from api.access import needs
from api.routes.dependencies import HIGHEST_ID, BrandName, Id, Installed, Limit, Moment, Reading, named
from api.routes.mentions import unreadable
from listener import clock, reuse
from listener.access import Caller, Permission
from listener.query import QueryError
from listener.reuse import STEPS, Standing, State, Step
from listener.reuse_request import LANGUAGES, request_words
from listener.store import promoters
from listener.store import reuse as permissions
from listener.store.promoters import Promoter as Found
from listener.store.promoters import Wanted, Whose
from listener.store.search import Cursor, Filters

router = APIRouter(prefix="/api/v1/promoters", tags=["promoters"])

ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"description": "There is no such mention of a promoter, or no longer."},
    409: {"description": "This does not follow from how the permission stands; `detail` says what does."},
    412: {"description": "Somebody has changed the permission, or the author the words, since; read it again."},
    422: {"description": "`detail` says what is missing."},
    428: {"description": "Say with If-Match which version you change."},
}


class Leave(BaseModel):
    """Whether the author lets the brand use their words."""

    state: Standing = Field(
        description="`expired`: it was granted, for a time that is over. `changed`: it was granted for words that the "
        "author has changed since."
    )
    asked_at: datetime | None
    asked_by: str | None
    answered_at: datetime | None
    proof: str | None = Field(description="Where the author allowed it: an address, or who said what.")
    terms: str = Field(description="For what the words may be used.")
    expires_at: datetime | None = Field(description="When it is over; null = no end was agreed.")
    changed_at: datetime | None
    changed_by: str | None
    steps: list[State] = Field(description="What may follow.")

    @classmethod
    def of(cls, found: Found) -> Self:
        """The same as it is stored."""
        known = found.permission
        return cls(
            state=found.standing, asked_at=known.asked_at, asked_by=known.asked_by, answered_at=known.answered_at,
            proof=known.proof, terms=known.terms, expires_at=known.expires_at, changed_at=known.changed_at,
            changed_by=known.changed_by, steps=sorted(STEPS[found.standing]),
        )  # fmt: skip


class Promoter(BaseModel):
    """A mention whose author recommends the brand: as a model inferred, or a person said."""

    id: int = Field(description="That of the mention.")
    brand: str
    source: str = Field(description="The platform.")
    native_id: str = Field(description="The platform's own id.")
    text: str
    url: str | None
    author: str | None
    lang: str | None
    reach: int | None = Field(description="People it may have reached; null = unknown.")
    created_at: datetime
    probability: float | None = Field(description="How likely the model finds its author a promoter (inferred).")
    confirmed: bool = Field(description="A person said so.")
    model: str | None
    revision: str | None
    permission: Leave

    @classmethod
    def of(cls, found: Found) -> Self:
        """The same as it is stored."""
        row = found.row
        return cls(
            id=row["id"], brand=row["brand"], source=row["source"], native_id=row["native_id"], text=row["text"],
            url=row["url"], author=row["author"], lang=row["lang"], reach=row["reach"], created_at=row["created_at"],
            probability=found.chance, confirmed=found.confirmed, model=row["model"], revision=row["revision"],
            permission=Leave.of(found),
        )  # fmt: skip


class Promoters(BaseModel):
    """A page of promoters, the latest said first."""

    items: list[Promoter]
    next: str | None = Field(description="`after` of the next page; null = there is none.")
    complete: bool = Field(
        description="false: the page may be short because it took too long to look further back; go on with `next`."
    )


class Whole(Promoter):
    """A promoter with what has happened to the permission, and words to ask for it."""

    history: list[dict[str, Any]] = Field(description="Every step: when, by whom, which state, and what was kept.")
    request: dict[str, str] = Field(
        description="A language -> words to ask the author with, for a person to send. Nothing is sent by itself."
    )

    @classmethod
    def whole(cls, found: Found) -> Self:
        """The same as it is stored."""
        words = {language: request_words(language, dict(found.row)) for language in LANGUAGES}
        history = [dict(one) for one in found.permission.history]
        return cls(**Promoter.of(found).model_dump(), history=history, request=words)


class Kept(BaseModel):
    """The same for a key that may keep steps and not read promoters."""

    id: int
    state: Standing = Field(description="How the permission stands now.")


class NewStep(BaseModel):
    """What to keep of a permission."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "state": "granted", "proof": "https://social.example/@ana/3", "terms": "Quoted on our web page.",
                    "expires_at": "2028-01-01T00:00:00Z",
                }
            ]
        },
    )  # fmt: skip

    state: State = Field(description="`not_asked` takes a wrong `asked` back; `refused` is also a grant taken back.")
    proof: str = Field(
        "", max_length=reuse.LONGEST_PROOF,
        description="With `granted`: the https address where the author allowed it, or their words.",
    )  # fmt: skip
    said_by: str = Field("", max_length=reuse.LONGEST_NAME, description="Who said those words; an address needs none.")
    terms: str = Field("", max_length=reuse.LONGEST_TERMS, description="With `granted`: for what they may be used.")
    expires_at: Moment | None = Field(None, description="With `granted`: when it is over; null = no end was agreed.")
    reason: str = Field("", max_length=reuse.LONGEST_REASON, description="Why; needed to ask again who has refused.")


def wanted(
    brand: BrandName = None,
    words: Annotated[str, Query(max_length=2_000, description="A query that the words must match.")] = "",
    source: Annotated[str | None, Query(max_length=100, description="Only from this platform.")] = None,
    lang: Annotated[str | None, Query(max_length=35, description="Only in this language, such as es.")] = None,
    since: Annotated[Moment | None, Query(description="Said then or later.")] = None,
    until: Annotated[Moment | None, Query(description="Said before.")] = None,
    author: Annotated[str | None, Query(max_length=200, description="Only by this account or name.")] = None,
    reach: Annotated[int | None, Query(ge=0, le=HIGHEST_ID, description="Only with at least this reach.")] = None,
    permission: Annotated[Standing | None, Query(description="Only where the permission stands like that.")] = None,
    collection: Annotated[int | None, Query(ge=1, le=HIGHEST_ID, description="Only of this collection.")] = None,
    probability: Annotated[
        float | None, Query(ge=0, le=1, description="Only where the model finds it as likely, or a person said so.")
    ] = None,
    whose: Annotated[Whose | None, Query(description="Only of our own brands, or of competitors.")] = None,
) -> Wanted:
    """Which promoters."""
    filters = Filters(
        brand=brand, source=source, lang=lang, since=since, until=until, author=author, min_reach=reach
    )  # fmt: skip
    return Wanted(words, filters, permission, collection, probability, whose)


Asked = Annotated[Wanted, Depends(wanted)]


def cursor(
    after: Annotated[str | None, Query(max_length=60, description="`next` of the page before this one.")] = None,
) -> Cursor | None:
    """Where a page begins. Raises HTTPException 422 for what is no cursor of ours."""
    try:
        return None if after is None else Cursor.parse(after)
    except ValueError as error:
        raise HTTPException(422, "after: send what the page before gave as `next`") from error


After = Annotated[Cursor | None, Depends(cursor)]


@router.get(
    "", summary="List promoters",
    responses={
        404: {"description": "There is no brand of that name for you."}, 422: {"description": "The words are no query."}
    },
)  # fmt: skip
def list_promoters(
    session: Reading,
    asking: Annotated[Caller, needs(Permission.READ_PROMOTERS)],
    asked: Asked,
    after: After,
    limit: Limit = 50,
) -> Promoters:
    """Mentions of promoters with the permission to use them, the latest said first."""
    brands = asking.brands(Permission.READ_PROMOTERS)
    named(session, [asked.filters.brand], brands)
    try:
        found = promoters.find(session, asked, clock.now(), brands=brands, after=after, limit=limit)
    except QueryError as error:
        raise unreadable(error) from error
    items = [Promoter.of(one) for one in found.items]
    return Promoters(items=items, next=str(found.next) if found.next else None, complete=found.complete)


@router.get("/{mention_id}", summary="One promoter", responses={404: ANSWERS[404]})
def one_promoter(
    session: Reading, asking: Annotated[Caller, needs(Permission.READ_PROMOTERS)], mention_id: Id, response: Response
) -> Whole:
    """One with the permission's history, and words to ask for it. The ETag is for changing the permission."""
    found = _one(session, mention_id, asking.brands(Permission.READ_PROMOTERS))
    response.headers["ETag"] = etags.etag(found.version)
    return Whole.whole(found)


@router.put("/{mention_id}/permission", summary="Keep a step of a permission", responses=ANSWERS)
def keep_step(
    installed: Installed,
    asking: Annotated[Caller, needs(Permission.REUSE)],
    mention_id: Id,
    step: NewStep,
    response: Response,
    if_match: etags.IfMatch = None,
) -> Whole | Kept:
    """Keep that the author was asked, allowed it (with a proof), or did not. Escucha asks nobody by itself."""
    now, brands = clock.now(), asking.brands(Permission.REUSE)
    with installed.store.transaction() as session:
        seen = _one(session, mention_id, brands).version
        etags.check(if_match, seen)
        taken = Step(step.state, step.proof, step.said_by, step.terms, step.expires_at, step.reason)
        try:
            permissions.take_step(session, mention_id, taken, asking.actor, now, brands=brands, seen=seen)
        except KeyError as error:
            raise not_there(mention_id) from error
        except permissions.ReadAgain as error:
            raise HTTPException(412, etags.STALE) from error
        except reuse.TakeAnotherStep as error:
            raise HTTPException(409, str(error)) from error
        except reuse.StepRefused as error:
            raise HTTPException(422, str(error)) from error
        found = _one(session, mention_id, brands)
    response.headers["ETag"] = etags.etag(found.version)
    if not asking.may(Permission.READ_PROMOTERS, found.row["brand_id"]):
        return Kept(id=mention_id, state=found.standing)
    return Whole.whole(found)


def not_there(mention_id: int) -> HTTPException:
    """What is answered where these brands have no such promoter."""
    return HTTPException(404, f"there is no promoter {mention_id}; /api/v1/promoters lists those there are")


def _one(session: Session, mention_id: int, brands: frozenset[int] | None) -> Found:
    try:
        return promoters.one(session, mention_id, clock.now(), brands=brands)
    except KeyError as error:
        raise not_there(mention_id) from error
