"""A rule tried on what is stored, as it stands and with other settings, before anybody saves them."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import yaml
from fastapi import APIRouter, HTTPException, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from alerts.backtest import Backtest, Comparison, Found, compare
from alerts.expectation import Rate
from alerts.registry import RULES
from alerts.severity import Severity
from api.access import needs
from api.routes.dependencies import Installed, InTurn
from api.turns import Turns
from api.wiring import Installation
from listener import clock
from listener.access import Caller, Permission
from listener.backtest import Backtester, BacktestError, Told
from listener.rules_in_force import about_none

router = APIRouter(prefix="/api/v1/alerts/backtest", tags=["alerts"])

MayRead = Annotated[Caller, needs(Permission.READ_ALERTS)]

MOST = 200_000
"""Mentions, or windows, that one request may have looked at."""

LISTED = 200
"""Incidents that are listed of each lot, the latest."""

LIMITS = (
    "Incidents are counted before inhibition, silences and quiet hours hold any of them back.",
    "Scores, reach and answers are as they are now, not as they were then; what was deleted since is not in it.",
    "A window is seen whole, with what was collected only after its end; the jobs fire somewhat later and less often.",
    "The range is the exact 95% interval for a Poisson count (Garwood 1936); where incidents cluster it is too narrow.",
)

Days = Annotated[int, Query(ge=1, le=366, description="How many days before `until`.")]


class Expected(BaseModel):
    """How often to expect an incident that people are told of."""

    count: int = Field(description="Incidents in the time that was read.")
    per_week: float
    low: float = Field(description="The lower end of the exact 95% Poisson interval, per week.")
    high: float
    in_words: str

    @classmethod
    def of(cls, found: Rate) -> "Expected":
        """As ``alerts.expectation`` gives it."""
        return cls(
            count=found.count, per_week=found.per_week, low=found.low, high=found.high, in_words=found.in_words()
        )


class Example(BaseModel):
    """The mention of an incident that reached furthest, as somebody wrote it."""

    id: int
    text: str
    author: str | None
    source: str
    url: str | None
    created_at: datetime
    reach: int | None
    label: str | None = Field(description="The inferred stance.")
    probability: float = Field(description="Of being a detractor, 0 to 1.")


class Imagined(BaseModel):
    """An incident that the rule would have opened."""

    opened_at: datetime
    last_at: datetime
    group: str
    severity: Severity
    count: int
    reach: int
    because: str
    told: bool = Field(description="It came to the size from which people are told.")
    covered: bool = Field(description="It began in time that was read; others are not in the rate.")
    example: Example | None

    @classmethod
    def of(cls, found: Found) -> "Imagined":
        """As ``alerts.backtest`` gives it."""
        incident, one = found.incident, found.example
        example = one and Example(
            id=one.id, text=one.text, author=one.author, source=one.source, url=one.url, created_at=one.created_at,
            reach=one.reach, label=one.standing, probability=one.probability(),
        )  # fmt: skip
        return cls(
            opened_at=incident.opened_at, last_at=incident.last_at, group=incident.group, severity=incident.severity,
            count=incident.count, reach=incident.reach, because=incident.because, told=found.told,
            covered=found.covered, example=example,
        )  # fmt: skip


class Tried(BaseModel):
    """What came of one lot of settings."""

    settings: dict[str, Any]
    expected: Expected | None = Field(description="null = none of the time was read, so nobody can say.")
    told: int = Field(description="Incidents that people would have been told of.")
    too_small: int = Field(description="Incidents too small for that.")
    outside: int = Field(description="Of those told, how many began in time that was not read throughout.")
    reasons: dict[str, int] = Field(description="How often the rule said what.")
    incidents: list[Imagined] = Field(description=f"Those that people would have been told of, the latest {LISTED}.")

    @classmethod
    def of(cls, found: Backtest) -> "Tried":
        """As ``alerts.backtest`` gives it."""
        told = found.told
        return cls(
            settings=TypeAdapter(type(found.settings)).dump_python(found.settings, mode="json"),
            expected=None if found.rate is None else Expected.of(found.rate),
            told=len(told), too_small=len(found.found) - len(told), outside=sum(not one.covered for one in told),
            reasons={reason.value: number for reason, number in sorted(found.reasons.items(), key=lambda one: -one[1])},
            incidents=[Imagined.of(one) for one in told[-LISTED:]],
        )  # fmt: skip


class Difference(BaseModel):
    """What the proposed settings change. A staying incident shares a mention with one of the settings in force."""

    new: int
    gone: int
    staying: int = Field(description="Proposed ones with a counterpart in force.")
    kept: int = Field(description="Those in force with a proposed counterpart: more, where several become one.")
    new_incidents: list[Imagined] = Field(description=f"The latest {LISTED}.")
    gone_incidents: list[Imagined] = Field(description=f"The latest {LISTED}.")

    @classmethod
    def of(cls, found: Comparison) -> "Difference":
        """As ``alerts.backtest`` gives it."""
        return cls(
            new=len(found.new), gone=len(found.gone), staying=len(found.staying), kept=found.kept,
            new_incidents=[Imagined.of(one) for one in found.new[-LISTED:]],
            gone_incidents=[Imagined.of(one) for one in found.gone[-LISTED:]],
        )  # fmt: skip


class Answer(BaseModel):
    """A backtest. `proposed`, `difference` and `yaml` are null where no settings were proposed."""

    brand: str | None
    rule: str
    since: datetime
    until: datetime
    read_s: float = Field(description="How much of the time was read, in seconds; the rate is of that alone.")
    in_force: Tried
    proposed: Tried | None
    difference: Difference | None
    yaml: str | None = Field(description="What to write into escucha.yml for the proposed settings.")
    limits: list[str] = Field(description="What a backtest cannot know, in words.")


class Asked(BaseModel):
    """What to try."""

    model_config = ConfigDict(extra="forbid")

    brand: str | None = Field(None, max_length=500, description="null for rules about no brand.")
    rule: str = Field(max_length=100)
    days: int = Field(30, ge=1, le=366)
    until: AwareDatetime | None = Field(None, description="Up to when; by default now.")
    settings: dict[str, Any] = Field({}, max_length=50, description="Settings to change, as in escucha.yml.")


REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"description": "What was asked cannot be tried; `detail` says why."},
    503: {"description": "Others try rules or queries this moment; see Retry-After."},
}


@router.get("", summary="Try a rule on what is stored", responses=REFUSED)
def try_rule(
    installed: Installed,
    turns: InTurn,
    asking: MayRead,
    rule: Annotated[str, Query(max_length=100)],
    brand: Annotated[str | None, Query(max_length=500)] = None,
    days: Days = 30,
    until: Annotated[AwareDatetime | None, Query(description="Up to when; by default now.")] = None,
    changes: Annotated[
        Sequence[str], Query(alias="set", max_length=50, description="A setting to change: min_probability=0.8.")
    ] = (),
) -> Answer:
    """How often a rule would have fired, and at what; with `set`, what other settings would change. Saves nothing."""
    try:
        settings = dict(setting(one) for one in changes)
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    return try_settings(
        installed, turns, asking, Asked(brand=brand, rule=rule, days=days, until=until, settings=settings)
    )


@router.post("", summary="Try settings of a rule on what is stored", responses=REFUSED)
def try_settings(installed: Installed, turns: InTurn, asking: MayRead, asked: Asked) -> Answer:
    """The same with the settings as an object. Saves nothing."""
    _check_text(asked)
    try:
        return tried(installed, turns, asking, asked)
    except BacktestError as error:
        raise HTTPException(422, str(error)) from error


def tried(installed: Installation, turns: Turns, asking: Caller, asked: Asked) -> Answer:
    """Try it in turn, on what whoever asks may see. Raises BacktestError, and HTTPException where it is nobody's turn
    or they may not."""
    mine = asking.brands(Permission.READ_ALERTS)
    if asked.brand is None and mine is not None and asked.rule in RULES and about_none(asked.rule):
        raise HTTPException(403, f"the rule {asked.rule} is about sources, which belong to no single brand")
    with turns.take():
        tester = Backtester.over_days(
            installed.store, asked.brand, asked.rule, asked.days, asked.until or clock.now(),
            everywhere=installed.policy.alerts, most=MOST, among=mine,
        )  # fmt: skip
        return answer(tester, asked.settings)


def _check_text(asked: Asked) -> None:
    """The brand is looked for in the database, and settings may be anything and stand in the answer."""
    try:
        json.dumps([asked.brand, asked.settings], ensure_ascii=False, default=str, skipkeys=True).encode()
    except (ValueError, RecursionError) as error:
        raise HTTPException(422, "settings: they hold themselves, or half a character (a lone surrogate)") from error
    if asked.brand is not None and "\x00" in asked.brand:
        raise HTTPException(422, "brand: no name has NUL in it")


def answer(tester: Backtester, changes: Mapping[str, Any], told: Told | None = None) -> Answer:
    """Run it, with changes side by side with what is in force. Raises BacktestError."""
    lots = [tester.in_force, *([tester.proposed(changes)] if changes else [])]
    in_force, *proposed = tester.run(lots, told)
    compared = compare(in_force, proposed[0]) if proposed else None
    return Answer(
        brand=in_force.brand, rule=in_force.rule, since=in_force.since, until=in_force.until,
        read_s=in_force.exposure.total_seconds(), in_force=Tried.of(in_force),
        proposed=Tried.of(proposed[0]) if proposed else None,
        difference=None if compared is None else Difference.of(compared),
        yaml=written(in_force.brand, in_force.rule, {**tester.said, **changes}) if changes else None,
        limits=list(LIMITS),
    )  # fmt: skip


def setting(text: str) -> tuple[str, Any]:
    """A setting and its value from `min_probability=0.8`, read as escucha.yml is. Raises ValueError in words."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ValueError(f"a setting is written as min_probability=0.8; got {text[:60]!r}")
    name = name.strip()
    if name == "when":
        # An expression is text however it begins: YAML would take "-late" for a list and "#late" for nothing.
        return name, value.strip() or None
    try:
        return name, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise ValueError(f"the value of {name} is no YAML: {value[:60]!r}") from error


def written(brand: str | None, rule: str, settings: Mapping[str, Any]) -> str:
    """The part of escucha.yml that makes these the rule's settings."""
    rules = {"alerts": {rule: dict(settings)}}
    whole: dict[str, Any] = rules if brand is None else {"brands": [{"name": brand, **rules}]}
    text: str = yaml.safe_dump(whole, sort_keys=False, allow_unicode=True)
    return text
