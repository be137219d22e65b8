"""The items that other systems send, in our own form: what may be in one, and what is wrong with it and where."""

import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from listener.items import Author, Item, storable, wordless
from listener.markup import web_address

LONGEST_TEXT = 100_000
"""Characters; a post or a ticket's comment is a hundredth of it."""

LARGEST = 2**53
"""Of counts: what JSON carries exactly, and far within a database's integers."""

EARLY = timedelta(minutes=5)
"""How far ahead of ours a sender's clock may be."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")

SCALES: Mapping[str, tuple[float, float]] = {"nps": (0, 10), "csat": (1, 5), "ces": (1, 7)}
"""The usual ends of the scales that have a name of their own."""


def _as_id(value: object) -> object:
    # Most systems count their tickets, so their ids are numbers.
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _moment(value: object) -> object:
    if value is None or isinstance(value, datetime):
        return value
    # Numbers may be seconds or milliseconds; guessing wrong moves mentions by decades.
    if not isinstance(value, str) or not _DATE.match(value):
        raise ValueError("must be a date and time in ISO 8601, such as 2026-11-21T12:00:00Z")
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"is no date and time: {error}") from error
    if moment.tzinfo is None:
        raise ValueError("needs a time zone: Z, or an offset such as +02:00")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment)]
Id = Annotated[str, BeforeValidator(_as_id), Field(min_length=1, max_length=500)]
Short = Annotated[str, Field(max_length=500)]
Address = Annotated[str, Field(max_length=2_000)]
Count = Annotated[int, Field(ge=0, le=LARGEST, strict=True)]
Mark = Annotated[float, Field(strict=True)]
Name = Annotated[str, Field(min_length=1, max_length=50)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PushedAuthor(_Strict):
    """Who said it. `id` never changes where `handle` and `name` may; without one the handle is taken."""

    id: Id | None = Field(None, description="The system's own id for the person.")
    handle: Short | None = None
    name: Short | None = None
    url: Address | None = None
    followers: Count | None = None


class Declared(_Strict):
    """A mark that the person gave, and the ends of its scale."""

    value: Mark
    lowest: Mark
    highest: Mark


class PushedItem(_Strict):
    """One message, ticket, answer or review."""

    id: Id = Field(description="The system's own id; the same one sent again is the same item.")
    text: str | None = Field(None, max_length=LONGEST_TEXT, description="What was said, as plain text.")
    created_at: Moment | None = Field(None, description="When it was said: ISO 8601 with a time zone.")
    kind: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]{0,49}$")] | None = Field(
        None, description="The platform; by default what escucha.yml names for this sender."
    )
    title: Annotated[str, Field(max_length=2_000)] | None = None
    url: Address | None = Field(None, description="Where a person can see it: http or https.")
    author: PushedAuthor | None = None
    lang: Annotated[str, Field(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9-]{1,30})?$")] | None = None
    reach: Count | None = Field(None, description="People it may have reached.")
    reply_to: Id | None = Field(None, description="The id of what it answers.")
    repost_of: Id | None = Field(None, description="The id of what it passes on unchanged.")
    quote_of: Id | None = Field(None, description="The id of what it passes on with words of its own.")
    target: Short | None = Field(None, description="The brand it is about, whatever its words.")
    engagement: Annotated[dict[Name, Count], Field(max_length=30)] = {}
    edited_at: Moment | None = None
    deleted: Annotated[bool, Field(strict=True)] = Field(
        False, description="It is gone there: it is blanked here. Needs only the id."
    )
    declared: Annotated[dict[Name, Mark | Declared], Field(max_length=30)] = Field(
        {}, description="Marks that people gave: nps (0 to 10), csat (1 to 5), ces (1 to 7), or with their own scale."
    )

    @field_validator("declared", mode="after")
    @classmethod
    def _on_scale(cls, given: dict[str, float | Declared]) -> dict[str, float | Declared]:
        found: dict[str, float | Declared] = {}
        for name, mark in given.items():
            if not isinstance(mark, Declared):
                if name not in SCALES:
                    raise ValueError(
                        f"{name} has no scale of its own: write {{value, lowest, highest}}; with a usual scale are "
                        f"{', '.join(SCALES)}"
                    )
                mark = Declared(value=mark, lowest=SCALES[name][0], highest=SCALES[name][1])
            ends = (mark.lowest, mark.value, mark.highest)
            if not all(map(math.isfinite, ends)) or not mark.lowest <= mark.value <= mark.highest:
                raise ValueError(f"{name} must lie on its scale, from {mark.lowest:g} to {mark.highest:g}")
            if mark.lowest == mark.highest:
                raise ValueError(f"{name} has a scale without length")
            if name == "nps" and (ends[::2] != SCALES["nps"] or not mark.value.is_integer()):
                raise ValueError("nps must be a whole number from 0 to 10")
            found[name] = mark
        return found


@dataclass(frozen=True, slots=True)
class Refused:
    """An item that is not taken: which (from 0), where in the request (a JSON pointer, RFC 6901) and why."""

    number: int
    pointer: str
    why: str
    id: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An item that can be taken. ``declared``: name -> (value, lowest, highest). ``deleted``: it is gone there."""

    number: int
    item: Item
    declared: Mapping[str, tuple[float, float, float]]
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """An item that the settings leave out (``only``)."""

    number: int


Read = Entry | Refused | Passed


def read_item(number: int, fields: Any, kinds: Collection[str], now: datetime) -> Entry | Refused:
    """One item as it was sent, checked. ``kinds``: the platforms that its sender may name; the first is for items that
    name none."""
    base = f"/items/{number}"
    known_id = _id_of(fields)
    try:
        pushed = PushedItem.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return Refused(
            number, base + _pointer(fields, first["loc"]), _words(first["type"], first["msg"], first["loc"]), known_id
        )
    named = pushed.kind or next(iter(kinds))
    if named not in kinds:
        why = f"this sender may send {', '.join(kinds)}; others are named under kinds: in escucha.yml"
        return Refused(number, f"{base}/kind", why, known_id)
    if pushed.deleted:
        said = pushed.created_at or now
        return Entry(number, Item(named, pushed.id, "", said), {}, deleted=True)
    if wordless(pushed.text) and wordless(pushed.title) and not pushed.declared:
        return Refused(number, f"{base}/text", "is missing; only a mark or what is deleted needs none", known_id)
    if pushed.created_at is None:
        return Refused(number, f"{base}/created_at", "is missing", known_id)
    for name, moment in (("created_at", pushed.created_at), ("edited_at", pushed.edited_at)):
        if moment is not None and (late := _out_of_time(moment, now)):
            return Refused(number, f"{base}/{name}", late, known_id)
    try:
        return Entry(number, _item(pushed, named), _marks(pushed))
    except (ValueError, OverflowError) as error:
        return Refused(number, base, str(error), known_id)


def _item(pushed: PushedItem, kind: str) -> Item:
    assert pushed.created_at is not None
    who = pushed.author
    native = who and (who.id or who.handle or who.name)
    return Item(
        kind=kind,
        native_id=pushed.id,
        text="" if wordless(pushed.text) else pushed.text or "",
        created_at=pushed.created_at,
        url=web_address(pushed.url),
        title=None if wordless(pushed.title) else pushed.title,
        author=Author(native, who.handle, who.name, web_address(who.url), who.followers) if who and native else None,
        lang=pushed.lang,
        reach=pushed.reach,
        reply_to=pushed.reply_to,
        repost_of=pushed.repost_of,
        quote_of=pushed.quote_of,
        edited_at=pushed.edited_at,
        target=pushed.target,
        engagement=pushed.engagement,
    )


def _out_of_time(moment: datetime, now: datetime) -> str | None:
    try:
        ahead = moment.astimezone(UTC) > now + EARLY
    except OverflowError:
        return "lies outside the calendar"
    return "lies in the future; check the sender's clock and time zone" if ahead else None


def _marks(pushed: PushedItem) -> dict[str, tuple[float, float, float]]:
    return {
        storable(name): (mark.value, mark.lowest, mark.highest)
        for name, mark in pushed.declared.items()
        if isinstance(mark, Declared)
    }


def _id_of(fields: object) -> str | None:
    found = fields.get("id") if isinstance(fields, Mapping) else None
    return storable(str(found))[:500] if isinstance(found, str | int) else None


_TRIED = ("float", "Declared")


def pointed(name: object) -> str:
    """A name as it stands in a JSON pointer (RFC 6901); of an endless one only the beginning."""
    return str(name).replace("~", "~0").replace("/", "~1")[:200]


def _pointer(fields: object, loc: Sequence[str | int]) -> str:
    """The part of ``loc`` that the document has, as a pointer, with the last name even where it is missing."""
    pointer, value = "", fields
    for depth, step in enumerate(loc):
        if depth == 2 and (step == "[key]" or (loc[0] == "declared" and step in _TRIED)):
            # What pydantic adds to say which of several shapes it tried is no place in the document.
            continue
        if isinstance(value, Mapping):
            pointer += f"/{pointed(step)}"
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            pointer += f"/{step}"
            value = value[step]
        else:
            break
    return pointer


def _names(loc: Sequence[str | int]) -> Iterable[str]:
    shapes: Mapping[object, type[BaseModel]] = {"author": PushedAuthor, "declared": Declared}
    return shapes[loc[0]].model_fields if len(loc) > 1 else PushedItem.model_fields


def _words(kind: str, message: str, loc: Sequence[str | int]) -> str:
    match kind:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            return f"nothing is called so here; there are: {', '.join(_names(loc))}"
        case "model_type" | "dict_type":
            return "must be an object"
        case "too_short" | "string_too_short":
            return "must not be empty"
        case "value_error":
            return message.removeprefix("Value error, ")
    return message.replace("Input should", "must").replace("String should", "must").replace("Value should", "must")
