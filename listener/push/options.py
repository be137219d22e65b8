"""What escucha.yml says of a system that sends: its name, how it proves who it is, and how its JSON is read."""

import math
import re
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator, model_validator

from listener.push.mapping import Mapping, check_field, parse_conditions, parse_expression
from listener.push.paths import parse_path
from listener.push.schema import SCALES
from listener.push.signature import ForeignSignature, OwnSignature, Proof, Token

SHORTEST_SECRET = 16
"""Characters of a secret or token that we choose; other systems choose their own."""

_TIME_WORDS = ("iso", "epoch_s", "epoch_ms")


def _checked(check: Any) -> AfterValidator:
    def run(value: Any) -> Any:
        check(value)
        return value

    return AfterValidator(run)


Expression = Annotated[Any, _checked(parse_expression)]
Path = Annotated[str, _checked(parse_path)]
Conditions = Annotated[dict[str, Any], _checked(parse_conditions)]
Field_ = Annotated[str, _checked(check_field)]
Variable = Annotated[str, Field(min_length=1)]


def _name(value: str) -> None:
    # RFC 9110, 5.6.2.
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", value):
        raise ValueError("must be the name of a header: letters, digits and hyphens, as in X-Hub-Signature")


Header = Annotated[str, _checked(_name)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SignatureEntry(_Strict):
    """Another system's own signature (see ``ForeignSignature``)."""

    header: Header = Field(description="the header that holds the signature")
    algorithm: Literal["sha256", "sha1", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    prefix: str = ""
    signed: str = "{body}"
    timestamp_header: Header | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.signed.count("{body}") != 1:
            raise ValueError("signed: must hold {body} once, and may hold {timestamp}")
        if ("{timestamp}" in self.signed) != (self.timestamp_header is not None):
            # A time that is not signed proves nothing.
            raise ValueError("{timestamp} in signed: and timestamp_header: go together")
        return self


class PushEntry(_Strict):
    """A system that sends. Its platform is ``kind``, by default its name."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$", description="a name that can stand in an address")
    kind: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,49}$")] | None = None
    kinds: tuple[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,49}$")], ...] = ()
    brands: tuple[str, ...] | None = None
    about_brands: bool = False
    judge_as_new: bool = False
    secret_from: Variable | None = None
    old_secret_from: Variable | None = None
    token_from: Variable | None = None
    old_token_from: Variable | None = None
    signature: SignatureEntry | None = None
    mapping: dict[Field_, Expression] | None = None
    items: Path | None = None
    only: Conditions = {}
    deleted_when: Conditions = {}
    scales: dict[str, tuple[float, float]] = {}
    time_format: str = "iso"
    timezone: str | None = None
    html: bool = False

    @field_validator("time_format")
    @classmethod
    def _format(cls, value: str) -> str:
        if value not in _TIME_WORDS and not _reads_days(value):
            raise ValueError(f"must be {', '.join(_TIME_WORDS)}, or a pattern such as %d/%m/%Y %H:%M")
        return value

    @field_validator("scales")
    @classmethod
    def _ends(cls, value: dict[str, tuple[float, float]]) -> dict[str, tuple[float, float]]:
        for name, ends in value.items():
            if not all(map(math.isfinite, ends)) or ends[0] >= ends[1]:
                raise ValueError(f"{name}: write the lowest mark and then the highest, as in [1, 5]")
            if name == "nps" and ends != SCALES["nps"]:
                raise ValueError("nps is always from 0 to 10; give a mark on another scale another name")
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        try:
            return value and ZoneInfo(value).key
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{value!r} is no time zone; write one such as Europe/Madrid") from error

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.secret_from is None) == (self.token_from is None):
            raise ValueError(
                "name the variable that holds its secret (secret_from:) or its token (token_from:), one of the two"
            )
        for old, new in (
            ("old_secret_from", "secret_from"),
            ("old_token_from", "token_from"),
            ("signature", "secret_from"),
        ):
            if getattr(self, old) is not None and getattr(self, new) is None:
                raise ValueError(f"{old}: goes with {new}:")
        if self.about_brands and not self.brands:
            raise ValueError("about_brands: goes with brands:, which names them")
        if self.mapping is None:
            unused = [name for name in _OF_MAPPING if name in self.model_fields_set]
            if unused:
                raise ValueError(f"{unused[0]}: goes with mapping:")
        else:
            lacking = [name for name in ("id",) if name not in self.mapping]
            if lacking:
                raise ValueError("mapping: must say where the id is: without one an item could not be stored once only")
            marks = {name.removeprefix("declared.") for name in self.mapping if name.startswith("declared.")}
            stray = sorted(set(self.scales) - marks)
            if stray:
                raise ValueError(f"scales: names {stray[0]}, but mapping: has no declared.{stray[0]}")
        return self

    @property
    def platforms(self) -> tuple[str, ...]:
        """The platforms it may name; the first is for items that name none."""
        return tuple(dict.fromkeys((self.kind or default_kind(self.name), *self.kinds)))

    @property
    def variables(self) -> dict[str, str]:
        """The variables that hold its secrets, by the option that names them."""
        names = ("secret_from", "old_secret_from", "token_from", "old_token_from")
        return {name: value for name in names if (value := getattr(self, name)) is not None}

    def compiled(self) -> Mapping | None:
        """Its mapping, ready for use; None = it sends our own form."""
        if self.mapping is None:
            return None
        return Mapping(
            self.mapping,
            items=self.items,
            only=self.only,
            deleted_when=self.deleted_when,
            scales=self.scales,
            time_format=self.time_format,
            timezone=ZoneInfo(self.timezone) if self.timezone else None,
            html=self.html,
        )


def default_kind(name: str) -> str:
    """The platform of a sender that names none."""
    return re.sub(r"[^a-z0-9_.-]", "-", name.lower())[:50]


def _reads_days(pattern: str) -> bool:
    """Whether a pattern of strptime reads what it writes, and knows one day from another."""
    moment = datetime(2026, 11, 21, 23, 45, tzinfo=UTC)
    try:
        return datetime.strptime(moment.strftime(pattern), pattern).date() == moment.date()  # noqa: DTZ007
    except (ValueError, re.error):
        return False


_OF_MAPPING = ("items", "only", "deleted_when", "scales", "time_format", "timezone", "html")


@dataclass(frozen=True, slots=True)
class Sender:
    """A system that sends, ready: what it may send, how it proves who it is, how its JSON is read."""

    name: str
    kinds: tuple[str, ...]
    proof: Proof
    signs: bool
    """Whether it signs as we do, which ``POST /api/v1/ingest`` asks for."""
    mapping: Mapping | None


def sender(entry: PushEntry, secrets: AnyMapping[str, str]) -> Sender:
    """``secrets``: what the variables hold, by option (see ``PushEntry.variables``). Raises ValueError, without the
    secret in it, for one that is too short to be one."""
    held = [secrets[name] for name in entry.variables]
    proof: Proof
    if entry.signature is not None:
        proof = ForeignSignature(tuple(one.encode() for one in held), **entry.signature.model_dump())
    else:
        for name, secret in zip(entry.variables, held, strict=True):
            if len(secret) < SHORTEST_SECRET:
                raise ValueError(
                    f"{name}: what {entry.variables[name]} holds is shorter than {SHORTEST_SECRET} characters"
                )
        proof = Token(tuple(held)) if entry.token_from else OwnSignature(tuple(one.encode() for one in held))
    if not all(held):
        raise ValueError(f"the secret of {entry.name} is empty")
    return Sender(entry.name, entry.platforms, proof, isinstance(proof, OwnSignature), entry.compiled())
