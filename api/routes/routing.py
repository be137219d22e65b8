"""Who is told of what: the teams and routes of escucha.yml, and which way an incident would take."""

from typing import Annotated, Any, Self

from fastapi import APIRouter, HTTPException
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from alerts.durations import in_words
from alerts.policy import DEFAULT_INTERVAL, DEFAULT_REPEAT, DEFAULT_WAIT, Inhibition, Route, Team
from alerts.problems import hint
from alerts.registry import RULES
from alerts.routing import Destinations
from alerts.severity import Severity
from api.access import needs
from api.routes.dependencies import Installed, Reading
from api.way import Imagined, way
from listener import clock
from listener.access import Caller, Permission
from listener.store import brands

router = APIRouter(prefix="/api/v1/routes", tags=["routes"])

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]
Label = Annotated[str, Field(max_length=100)]


class Routing(BaseModel):
    """What escucha.yml says of who is told; it is changed there."""

    teams: list[Any] = Field(description="As under teams: in escucha.yml.")
    routes: list[Any] = Field(description="As under routes:; none = each team gets the incidents of its brands.")
    inhibit: list[Any] = Field(description="As under inhibit:, or what holds where it says nothing.")
    wait: str = Field(description="Before the first message, unless a route says otherwise.")
    interval: str = Field(description="Between two messages about one incident, unless a route says otherwise.")
    repeat: str = Field(description="Before people are reminded of an open one, unless a route says otherwise.")


class Asked(BaseModel):
    """What an incident is like."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"rule": "coverage"}]})

    brand: str | None = Field(None, max_length=500, description="null = it is about a source.")
    rule: str = Field("detractor", max_length=100)
    severity: Severity = Severity.WARNING
    languages: list[Label] = Field([], max_length=50)
    platforms: list[Label] = Field([], max_length=50)
    reach: int = Field(0, ge=0, le=2**53, description="People.")


class Step(BaseModel):
    """Whom to tell when nobody has acknowledged it."""

    after: str
    channels: list[str]


class Branch(BaseModel):
    """The end of a way, and what holds there."""

    way: list[str] = Field(description="The branches on the way, in words.")
    team: str | None
    channels: list[str]
    wait: str
    interval: str
    repeat: str
    escalate: list[Step]


class Way(BaseModel):
    """Where an incident would go."""

    branches: list[Branch]
    nobody: str | None = Field(description="Why it would reach nobody; null = it reaches somebody.")
    left_out: dict[str, str] = Field(description="Channels that a route names and that it does not go to: why.")

    @classmethod
    def of(cls, found: Destinations) -> Self:
        """The same as ``alerts.routing`` gives it."""
        return cls(
            branches=[
                Branch(
                    way=list(leaf.way), team=leaf.team, channels=list(leaf.channels), wait=in_words(leaf.wait),
                    interval=in_words(leaf.interval), repeat=in_words(leaf.repeat),
                    escalate=[Step(after=in_words(one.after), channels=list(one.channels)) for one in leaf.escalate],
                )
                for leaf in found.leaves
            ],
            nobody=None if found.reason is None else found.reason.sentence, left_out=dict(found.left_out or {}),
        )  # fmt: skip


@router.get("", summary="Teams and routes", responses={403: {"description": "It takes setup:read for all brands."}})
def list_routes(installed: Installed, asking: MayRead) -> Routing:
    """Who is told of what, as escucha.yml says."""
    if not asking.may(Permission.READ_SETUP):
        raise HTTPException(403, "routes name all brands: only who may see all of them may see the routes")
    policy = installed.policy

    def said(shape: Any, value: Any) -> Any:
        return TypeAdapter(shape).dump_python(value, mode="json", by_alias=True, exclude_unset=True)

    return Routing(
        teams=said(tuple[Team, ...], policy.teams), routes=said(tuple[Route, ...], policy.routes),
        inhibit=said(tuple[Inhibition, ...], policy.inhibit), wait=in_words(DEFAULT_WAIT),
        interval=in_words(DEFAULT_INTERVAL), repeat=in_words(DEFAULT_REPEAT),
    )  # fmt: skip


@router.post(
    "/test",
    summary="Show which way an incident would take",
    responses={403: {"description": "Incidents of sources take setup:read for all brands."}},
)
def test_routes(installed: Installed, session: Reading, asking: MayRead, asked: Asked) -> Way:
    """Whom it would reach, how often and whom next, before silences and quiet hours. Sends nothing."""
    visible = {row.name for row in brands.listed(session, asking.brands(Permission.READ_SETUP))}
    if asked.brand is None and not asking.may(Permission.READ_SETUP):
        raise HTTPException(403, "name one of your brands: what is about sources belongs to no single brand")
    if asked.brand is not None and asked.brand not in visible:
        raise HTTPException(422, f"no brand is called {asked.brand!r}; {hint(asked.brand, sorted(visible))}")
    if asked.rule not in RULES:
        raise HTTPException(422, f"there is no rule {asked.rule!r}; {hint(asked.rule, RULES)}")
    imagined = Imagined(
        asked.brand, asked.rule, asked.severity, asked.languages, asked.platforms, asked.reach
    ).incident(clock.now())
    return Way.of(way(session, installed.policy, imagined, installed.channel_names))
