"""Figures over incidents: how soon people acted, and how useful they found what each rule told them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from alerts import expectation, proposing, service
from alerts import precision as learned
from alerts.policy import Learning
from alerts.service import By, Promise
from api.access import needs
from api.routes.dependencies import BrandName, Installed, InTurn, Reading, named
from listener import clock, proposals
from listener.access import Caller, Permission
from listener.backtest import BacktestError, Told
from listener.proposals import written
from listener.store import feedback
from listener.store.engine import Store
from listener.store.service import episodes_since

router = APIRouter(prefix="/api/v1/alerts", tags=["alerts"])

Reader = Annotated[Caller, needs(Permission.READ_ALERTS)]

MOST = 50_000
"""Mentions, or windows, that are looked at for one proposal while somebody waits for the answer."""

Days = Annotated[int, Query(ge=1, le=366, description="How many days to look back.")]


class Share(BaseModel):
    """A share with its 95 % Wilson score interval, all 0 to 1."""

    part: int
    whole: int
    value: float
    low: float
    high: float

    @classmethod
    def of(cls, found: expectation.Share | None) -> "Share | None":
        """None of nothing."""
        return None if found is None else cls.model_validate(found, from_attributes=True)


class Measure(BaseModel):
    """One promise over many episodes. Times are in seconds."""

    done: int = Field(description="In how many it was done, in time or late.")
    p50_s: float | None = Field(description="Half of those done were done within this time.")
    p90_s: float | None
    within: Share | None = Field(
        description="The share done in time, of those done and those whose time is up; null = none can be judged."
    )
    late_open: int = Field(description="Open, and their time is up: they count as late.")
    waiting: int = Field(description="Open, and their time is not up.")
    ended: int = Field(description="Over by themselves before it was done and before its time was up; not counted.")
    promised: bool = Field(description="false = no level is set for any of them.")

    @classmethod
    def of(cls, found: service.Measure) -> "Measure":
        """As ``alerts.service`` gives it."""
        half, most = found.percentile(50), found.percentile(90)
        return cls(
            done=len(found.times),
            p50_s=None if half is None else half.total_seconds(),
            p90_s=None if most is None else most.total_seconds(),
            within=Share.of(found.within),
            late_open=found.late_open,
            waiting=found.waiting,
            ended=found.ended,
            promised=found.promised,
        )


class Figures(BaseModel):
    """The three promises, for all or for one value of what they are told apart by."""

    name: str | None
    episodes: int = Field(
        description="Incidents that people were told of, each counted once for every time that it was open."
    )
    by_themselves: int = Field(description="Of them those that ended without anybody resolving them.")
    untold: int = Field(description="Further ones that nobody was told of: too small, or held back.")
    acknowledge: Measure
    answer: Measure
    resolve: Measure

    @classmethod
    def of(cls, found: service.Figures) -> "Figures":
        """As ``alerts.service`` gives it."""
        by_promise = {promise.value: Measure.of(found.measures[promise]) for promise in Promise}
        return cls.model_validate(
            {
                "name": found.name, "episodes": found.episodes, "by_themselves": found.by_themselves,
                "untold": found.untold, **by_promise,
            }
        )  # fmt: skip


class Service(BaseModel):
    """How soon people acted on the incidents of some days."""

    days: int
    by: By | None
    items: list[Figures]


class Trial(BaseModel):
    """Settings tried on the incidents that people spoke of, as far as the backtest finds those again."""

    changes: dict[str, Any] = Field(description="What is other than in force; lengths of time as in escucha.yml.")
    useful: int = Field(description="Useful incidents that people would have been told of all the same.")
    not_useful: int
    precision: Share | None
    expect: str | None = Field(description="How often people would be told, from the backtest.")

    @classmethod
    def of(cls, found: proposing.Trial) -> "Trial":
        """As ``alerts.proposing`` gives it."""
        return cls(
            changes={name: written(value) for name, value in found.changes.items()},
            useful=found.useful,
            not_useful=found.not_useful,
            precision=Share.of(found.precision),
            expect=None if found.rate is None else found.rate.in_words(),
        )


class Proposal(BaseModel):
    """A stricter threshold. It is never applied by itself."""

    in_force: Trial
    tried: list[Trial] = Field(description="The mildest first.")
    chosen: Trial | None = Field(
        description="The mildest that reaches the precision and keeps half of what is useful; null = none does."
    )
    enough: bool = Field(description="The settings in force reach it already: they were others when it was rated.")
    yaml: str = Field(description="To paste into escucha.yml; empty where there is nothing to change.")

    @classmethod
    def of(cls, found: proposing.Proposal, yaml: str) -> "Proposal":
        """As ``alerts.proposing`` gives it."""
        return cls(
            in_force=Trial.of(found.in_force),
            tried=[Trial.of(one) for one in found.tried],
            chosen=None if found.chosen is None else Trial.of(found.chosen),
            enough=found.enough,
            yaml=yaml,
        )


class Precision(BaseModel):
    """How useful people found a rule's incidents."""

    brand: str | None
    rule: str
    share: Share | None = Field(description="The useful ones of the incidents that were rated, one way or the other.")
    divided: int = Field(description="Incidents of which as many said the one as the other; not counted.")
    too_low: bool = Field(description="Under `learning.precision` after `learning.least_answers` answers.")
    proposal: Proposal | None = Field(None, description="Where asked for, and the precision is too low.")


class Precisions(BaseModel):
    """By brand and rule."""

    precision: float = Field(description="`learning.precision`: what is looked for.")
    least_answers: int
    items: list[Precision]

    @classmethod
    def of(
        cls,
        found: Sequence[learned.Precision],
        learning: Learning,
        proposed: Mapping[learned.Precision, Proposal | None] | None = None,
    ) -> "Precisions":
        """As ``alerts.precision`` gives them."""
        items = [
            Precision(
                brand=one.brand, rule=one.rule, share=Share.of(one.share), divided=one.divided,
                too_low=one.too_low(learning), proposal=(proposed or {}).get(one),
            )
            for one in found
        ]  # fmt: skip
        return cls(precision=learning.precision, least_answers=learning.least_answers, items=items)


NO_BRAND: dict[int | str, dict[str, Any]] = {404: {"description": "There is no brand of that name for you."}}


@router.get("/service", summary="Service levels", responses=NO_BRAND)
def service_levels(
    asking: Reader,
    installed: Installed,
    session: Reading,
    days: Days = 30,
    brand: BrandName = None,
    by: Annotated[By | None, Query(description="What to tell the figures apart by.")] = None,
) -> Service:
    """Times to acknowledge, to answer and to resolve, held against each team's service level."""
    now, brands = clock.now(), asking.brands(Permission.READ_ALERTS)
    named(session, [brand], brands)
    found = episodes_since(session, now - timedelta(days=days), brand=brand, brands=brands)
    rows = service.figures(found, installed.policy, now, by)
    return Service(days=days, by=by, items=[Figures.of(row) for row in rows])


@router.get(
    "/precision",
    summary="Precision of the rules",
    responses={**NO_BRAND, 503: {"description": "Others have rules tried this moment (`propose`); see Retry-After."}},
)
def precision_of_rules(
    asking: Reader,
    installed: Installed,
    turns: InTurn,
    session: Reading,
    days: Days = 90,
    brand: BrandName = None,
    rule: Annotated[str | None, Query(max_length=100, description="Only of this rule.")] = None,
    propose: Annotated[
        bool, Query(description="Also look for a stricter threshold where it is too low; may take seconds.")
    ] = False,
) -> Precisions:
    """The share of incidents that people found useful, by brand and rule, with its interval."""
    now, learning = clock.now(), installed.policy.learning
    since, brands = now - timedelta(days=days), asking.brands(Permission.READ_ALERTS)
    named(session, [brand], brands)
    found = learned.precisions(feedback.rated(session, since, brand=brand, rule=rule, brands=brands))
    low = [one for one in found if propose and one.too_low(learning)]
    if not low:
        return Precisions.of(found, learning)
    with turns.take():
        stricter = {one: proposed(installed.store, one, learning, now, most=MOST) for one in low}
    return Precisions.of(found, learning, stricter)


def proposed(
    store: Store,
    low: learned.Precision,
    learning: Learning,
    now: datetime,
    told: Told | None = None,
    *,
    most: int | None = None,
) -> Proposal | None:
    """A stricter threshold for a rule; None where none can be tried."""
    try:
        found = proposals.proposal(store, low.brand, low.rule, learning, now, told, most=most)
    except BacktestError:
        return None
    return None if found is None else Proposal.of(found, proposals.as_yaml(store, found))
