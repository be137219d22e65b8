"""What people change of brands over the pages and the API; it outlives escucha.yml being read again."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from alerts.text import one_line, visible
from listener.brand_entries import FIELDS, apart, in_force, merged, row_of, said_in_file, said_in_row, without
from listener.configfile import BrandEntry, brand_problems
from listener.items import storable
from listener.store.audit import note
from listener.store.brands import active_brands
from listener.store.locks import alone_with_brands
from listener.store.tables import Brand

LONGEST_NAME = 200
"""Characters in the name of a brand that is added over the pages."""

LONGEST_TEXT = 10_000
MOST_VALUES = 200
"""The longest text within a brand's settings, and the most values of one of them."""


class Refused(ValueError):
    """What was asked makes no brand. ``problems``: each mistake in words, with the field that it is in ("" = none)."""

    def __init__(self, problems: Sequence[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(words for _, words in problems))


class Stale(Exception):
    """Somebody else has changed the brand since it was read; ``brand`` is how it stands."""

    def __init__(self, brand: Brand) -> None:
        self.brand = brand
        super().__init__(f"{brand.name} was changed meanwhile")


class NotNow(Exception):
    """It makes no sense for the brand as it is; the message says why and what to do."""


Check = Callable[[Brand], None]
"""Given a brand as it stands, raises where the caller means another version of it."""


def exactly(version: int) -> Check:
    """A check that raises Stale for any other version."""

    def check(brand: Brand) -> None:
        if brand.version != version:
            raise Stale(brand)

    return check


def add(
    session: Session, name: str, said: Mapping[str, Any], channels: Collection[str], actor: str, now: datetime
) -> Brand:
    """A brand that escucha.yml does not name, listened for from now on; one that was retired is taken up again.

    Raises Refused, with the field, for what makes no brand.
    """
    entry = _entry(name, said, channels)
    alone_with_brands(session)
    alike = next((one for one in active_brands(session) if one.name.strip().casefold() == name.casefold()), None)
    if alike is not None:
        raise Refused([("name", f"{alike.name!r} is listened for already; capitals and spaces do not count")])
    brand = session.exec(select(Brand).where(Brand.name == name).with_for_update(key_share=True)).first()
    if brand is None:
        brand = Brand(name=name, query="", created_at=now, version=0)
    brand.file, brand.edits, brand.active = None, said_in_file(entry), True
    _write(session, brand, entry, actor, now)
    note(session, actor, "brand.added", name, {"after": dict(brand.edits)}, now)
    return brand


def change(
    session: Session,
    brand_id: int,
    check: Check,
    wanted: Mapping[str, Any],
    channels: Collection[str],
    actor: str,
    now: datetime,
    action: str = "brand.edited",
) -> Brand:
    """Have some fields hold instead of what holds now; of ``alerts`` only the rules that are named.

    Raises KeyError for a brand that is not listened for, Refused with what is wrong, and what ``check`` does.
    """
    brand = _locked(session, brand_id, check)
    return _set(session, brand, merged(held(brand), wanted), channels, actor, now, action)


def held(brand: Brand) -> dict[str, Any]:
    """All that is said of a brand as it is in force, in the words of escucha.yml."""
    if brand.file is None and not brand.edits:
        return said_in_row(brand.model_dump())
    return merged(brand.file, brand.edits)


def back_to_file(
    session: Session, brand_id: int, check: Check, fields: Sequence[str], channels: Collection[str], actor: str,
    now: datetime,
) -> Brand:  # fmt: skip
    """Let what escucha.yml says hold again, of these fields (``query``, ``alerts.detractor``) or, without any, of all.

    Raises KeyError for an unknown brand, NotNow where the file does not name it or a field is not edited, Refused where
    what would hold then cannot, and what ``check`` does.
    """
    brand = _locked(session, brand_id, check)
    if brand.file is None:
        raise NotNow(f"escucha.yml does not name {brand.name!r}, so there is nothing to go back to")
    edits: dict[str, Any] = dict(brand.edits) if fields else {}
    for field in fields:
        try:
            edits = without(edits, field)
        except KeyError as error:
            raise NotNow(f"{field} of {brand.name!r} is as escucha.yml says") from error
    return _set(session, brand, merged(brand.file, edits), channels, actor, now, "brand.reset")


def retire(session: Session, brand_id: int, check: Check, actor: str, now: datetime) -> Brand:
    """Listen for a brand no more; nothing that is stored goes away. Raises KeyError, NotNow for one that escucha.yml
    names, and what ``check`` does."""
    brand = _locked(session, brand_id, check)
    if brand.file is not None:
        raise NotNow(f"escucha.yml names {brand.name!r}: take it out there, and start Escucha anew")
    brand.active = False
    brand.version += 1
    brand.edited_at, brand.edited_by = now, storable(actor)
    session.add(brand)
    note(session, actor, "brand.retired", brand.name, {}, now)
    return brand


def _locked(session: Session, brand_id: int, check: Check) -> Brand:
    wanted = select(Brand).where(col(Brand.id) == brand_id, col(Brand.active)).with_for_update(key_share=True)
    brand = session.exec(wanted.execution_options(populate_existing=True)).first()
    if brand is None:
        raise KeyError(brand_id)
    check(brand)
    return brand


def _set(
    session: Session, brand: Brand, wanted: Mapping[str, Any], channels: Collection[str], actor: str, now: datetime,
    action: str,
) -> Brand:  # fmt: skip
    entry = _entry(brand.name, wanted, channels)
    before, after = held(brand), said_in_file(entry)
    edits = apart(brand.file, after)
    if edits == brand.edits:
        return brand
    brand.edits = edits
    _write(session, brand, entry, actor, now)
    changed = [name for name in FIELDS if before.get(name) != after[name]]
    detail = {"before": {name: before.get(name) for name in changed}, "after": {name: after[name] for name in changed}}
    note(session, actor, action, brand.name, detail, now)
    return brand


def _write(session: Session, brand: Brand, entry: BrandEntry, actor: str, now: datetime) -> None:
    for column, value in row_of(entry).items():
        setattr(brand, column, value)
    brand.version += 1
    brand.edited_at, brand.edited_by = now, storable(actor)
    session.add(brand)
    session.flush()


def _entry(name: str, said: Mapping[str, Any], channels: Collection[str]) -> BrandEntry:
    """Raises Refused as escucha.yml would be refused, and for what only a file's author may be trusted with."""
    wrong = [("name", _NAME)] if not _is_name(name) else []
    wrong += [(field, words) for field, value in said.items() if (words := _too_much(value)) is not None]
    if not wrong:
        found = brand_problems({"name": name, **said}, channels)
        wrong = [(".".join(map(str, place)), words) for place, words in found]
    if wrong:
        raise Refused(wrong)
    return in_force(name, None, said)


_NAME = f"a name has 1 to {LONGEST_NAME} characters on one line, all of them visible"


def _is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name == visible(one_line(name)) == storable(name)


def _too_much(value: object, depth: int = 0) -> str | None:
    """What keeps a value from being stored or read, whatever field it is in; None = nothing does."""
    if depth > _DEEPEST:
        return "it is nested too deep"
    if isinstance(value, str):
        if len(value) > LONGEST_TEXT:
            return f"a text has at most {LONGEST_TEXT:,} characters"
        return None if "\x00" not in value and _is_text(value) else "it holds NUL, or half a character"
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        # Not a number (NaN) is not less than anything either.
        return None if abs(value) < _HIGHEST else "the number is too large"
    parts = [*value, *value.values()] if isinstance(value, Mapping) else value if isinstance(value, Sequence) else ()
    if len(parts) > 2 * MOST_VALUES:
        return f"at most {MOST_VALUES} values"
    return next((words for part in parts if (words := _too_much(part, depth + 1)) is not None), None)


_DEEPEST = 6
_HIGHEST = 2**53


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
