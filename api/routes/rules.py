"""Rules: what each brand's are, and with what settings. To try settings before they are saved: alerts/backtest."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from alerts.problems import hint
from alerts.registry import RULES
from alerts.rule import MentionRule
from api import etags
from api.access import needs
from api.dashboard.rule_words import SETTINGS
from api.routes.brands import ANSWERS, changed, edits_of, matching, visible_brand
from api.routes.dependencies import Id, Installed, Reading
from listener import rules_in_force
from listener.access import Caller, Permission
from listener.brand_entries import RULES as FIELD
from listener.rules_in_force import InForce
from listener.store.tables import Brand as BrandRow

router = APIRouter(prefix="/api/v1", tags=["rules"])

Name = Annotated[str, Path(max_length=100, description="The rule, as in escucha.yml.")]

MayRead = Annotated[Caller, needs(Permission.READ_SETUP)]


class Setting(BaseModel):
    """A setting that a rule has."""

    name: str
    default: Any
    meaning: str = Field(description="What it does, in words.")


class RuleKind(BaseModel):
    """A rule that there is."""

    rule: str
    summary: str = Field(description="When it fires.")
    looks_at: str = Field(description="`mentions`, one by one; or `windows` of time of a brand or of all sources.")
    about: str = Field(description="`brand`, or `sources`: escucha.yml alone says how that one is set.")
    roles: list[str] = Field(description="For which brands it is on unless they say otherwise: own, competitor.")
    settings: list[Setting]
    in_force: dict[str, Any] | None = Field(description="Of a rule about sources: its settings; else null.")


class Kinds(BaseModel):
    """All rules."""

    items: list[RuleKind]


class Rule(BaseModel):
    """A rule as a brand has it."""

    brand_id: int
    brand: str
    rule: str
    summary: str
    on: bool
    settings: dict[str, Any] | None = Field(description="As in escucha.yml; null = what is stored no longer reads.")
    changed: list[str] = Field(description="Those that are not the rule's own defaults.")
    error: str | None = Field(description="Why its settings do not read: nothing is judged until they are mended.")
    edited: bool = Field(description="It was changed over the pages since escucha.yml was written.")
    in_file: Any = Field(description="What escucha.yml says, where it was changed since; null = nothing.")

    @classmethod
    def of(cls, brand: BrandRow, found: InForce) -> "Rule":
        """The same as it is in force."""
        edits = {edit.field: edit for edit in edits_of(brand)}
        edit = edits.get(f"{FIELD}.{found.name}")
        return cls(
            brand_id=brand.id or 0, brand=brand.name, rule=found.name, summary=RULES[found.name].summary, on=found.on,
            settings=None if found.settings is None else dict(found.settings), changed=list(found.changed),
            error=found.error, edited=edit is not None, in_file=edit and edit.in_file,
        )  # fmt: skip


class BrandRules(BaseModel):
    """All rules of a brand."""

    items: list[Rule]


class Change(BaseModel):
    """What to change of a rule; what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"on": True, "settings": {"min_probability": 0.8}}]}
    )

    on: bool | None = Field(None, description="Whether it is asked at all. Off, it keeps no settings.")
    settings: dict[str, Any] | None = Field(
        None, max_length=50, description="All its settings, as in escucha.yml; those left out are the rule's defaults."
    )


@router.get("/rules", summary="List the rules that there are")
def list_kinds(installed: Installed, asking: MayRead) -> Kinds:
    """Every rule, what it does, and what each of its settings does. What a brand has: `brands/{id}/rules`."""
    everywhere = asking.may(Permission.READ_SETUP)
    of_all = {one.name: one.settings for one in rules_in_force.of_installation(installed.policy.alerts)}
    return Kinds(items=[_kind(name, of_all.get(name) if everywhere else None) for name in RULES])


@router.get("/brands/{brand_id}/rules", summary="List a brand's rules", responses={404: ANSWERS[404]})
def list_rules(session: Reading, asking: MayRead, brand_id: Id, response: Response) -> BrandRules:
    """Every rule as a brand has it; the ETag is the brand's."""
    brand = visible_brand(session, brand_id, asking.brands(Permission.READ_SETUP))
    response.headers["ETag"] = etags.etag(brand.version)
    found = rules_in_force.of_brand(brand.role, brand.alerting)
    return BrandRules(items=[Rule.of(brand, one) for one in found])


@router.get(
    "/brands/{brand_id}/rules/{rule}",
    summary="One rule of a brand",
    responses={404: {"description": "There is no such brand or rule."}},
)
def one_rule(session: Reading, asking: MayRead, brand_id: Id, rule: Name, response: Response) -> Rule:
    """A rule as a brand has it; the ETag is the brand's."""
    brand = visible_brand(session, brand_id, asking.brands(Permission.READ_SETUP))
    known(rule)
    return _answer(brand, rule, response)


@router.patch("/brands/{brand_id}/rules/{rule}", summary="Change a rule of a brand", responses=ANSWERS)
def change_rule(
    installed: Installed, asking: Annotated[Caller, needs(Permission.EDIT_RULES)], brand_id: Id, rule: Name,
    change: Change, response: Response, if_match: etags.IfMatch = None,
) -> Rule:  # fmt: skip
    """Switch a rule on or off, or set it: the jobs go by it from their next piece of work on. `DELETE
    brands/{id}/edits?field=alerts.{rule}` lets escucha.yml say again."""
    with installed.store.reading() as session:
        brand = visible_brand(session, brand_id, asking.brands(Permission.EDIT_RULES))
    known(rule)
    said = wanted(brand, rule, change.on, change.settings)
    row = changed(
        installed, asking, brand_id, matching(if_match), {FIELD: {rule: said}}, Permission.EDIT_RULES, "rule.edited"
    )
    return _answer(row, rule, response)


def wanted(brand: BrandRow, rule: str, on: bool | None, settings: Mapping[str, Any] | None) -> Any:
    """What a brand's ``alerts:`` would say of a rule after a change."""
    before = brand.alerting.get(rule)
    if on is None:
        on = rules_in_force.one(rule, brand.role, brand.alerting).on
    if not on:
        return False
    if settings is not None:
        return dict(settings)
    return before if isinstance(before, Mapping) else True


def known(rule: str) -> None:
    """Raises HTTPException 404 for what is no rule about a brand."""
    if rule not in RULES:
        raise HTTPException(404, f"there is no rule {rule!r}; {hint(rule, RULES)}")
    if rules_in_force.about_none(rule):
        raise HTTPException(404, f"{rule} is about sources: alerts: in escucha.yml, beside brands:, says how it is set")


def _answer(brand: BrandRow, rule: str, response: Response) -> Rule:
    response.headers["ETag"] = etags.etag(brand.version)
    return Rule.of(brand, rules_in_force.one(rule, brand.role, brand.alerting))


def _kind(name: str, in_force: Mapping[str, Any] | None) -> RuleKind:
    kind = RULES[name]
    defaults = rules_in_force.written(name, kind.settings())
    return RuleKind(
        rule=name, summary=kind.summary, looks_at="mentions" if isinstance(kind, MentionRule) else "windows",
        about="sources" if rules_in_force.about_none(name) else "brand", roles=sorted(kind.roles),
        settings=[
            Setting(name=setting, default=value, meaning=SETTINGS[setting].meaning)
            for setting, value in defaults.items()
        ],
        in_force=None if in_force is None else dict(in_force),
    )  # fmt: skip
