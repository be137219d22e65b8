"""What the promoters' page is asked for, in its address: everything may be empty, as forms without script send it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends, Query

from api.dashboard.language import N_
from api.routes.dependencies import HIGHEST_ID
from listener.reuse import Standing
from listener.store.promoters import Wanted
from listener.store.search import Cursor, Filters

STANDINGS: Mapping[Standing, str] = {
    Standing.NOT_ASKED: N_("Not asked"),
    Standing.ASKED: N_("Asked, no answer yet"),
    Standing.GRANTED: N_("Allowed"),
    Standing.REFUSED: N_("Not allowed"),
    Standing.EXPIRED: N_("Permission over"),
    Standing.CHANGED: N_("Words changed since"),
}
"""How permissions stand, in words."""

CHANCES = ("0.6", "0.8", "0.9")
"""The least probabilities to choose from; the first unless another, or "0", is chosen."""

Word = Annotated[str, Query(max_length=500)]


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields as they were filled in."""

    brand: str = ""
    words: str = ""
    permission: str = ""
    collection: str = ""
    source: str = ""
    lang: str = ""
    author: str = ""
    reach: str = ""
    probability: str = ""
    since: str = ""
    until: str = ""

    @property
    def filled(self) -> dict[str, str]:
        """Those that say something."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name))}

    @property
    def narrowed(self) -> bool:
        """Whether they say more than is said for whoever says nothing."""
        return self.filled != {"probability": CHANCES[0]}

    @property
    def more(self) -> bool:
        """Whether one of those is filled in that are not always shown."""
        chosen = self.probability != CHANCES[0]
        return any((self.source, self.lang, self.author, self.reach, chosen, self.since, self.until))

    def address(self, path: str, **others: str) -> str:
        """An address that asks for the same; ``others``: in place of some, or besides ("" = not)."""
        asked = {name: value for name, value in (self.filled | others).items() if value}
        return f"{path}?{urlencode(asked)}" if asked else path

    def but(self, **others: str) -> "Fields":
        """The same with others filled in."""
        return replace(self, **others)

    def wanted(self) -> Wanted:
        """What they ask for. Raises ValueError (the field's name) for one that cannot be read."""
        return Wanted(
            words=self.words,
            filters=Filters(
                brand=self.brand or None, source=self.source or None, lang=self.lang.strip() or None,
                author=self.author.strip() or None, min_reach=_number("reach", self.reach),
                since=_day("since", self.since), until=_day("until", self.until, whole=True),
            ),
            permission=_standing(self.permission),
            collection=_number("collection", self.collection) or None,
            chance=_share("probability", self.probability) or None,
        )  # fmt: skip


def fields(
    brand: Word = "", words: Annotated[str, Query(max_length=2_000)] = "", permission: Word = "", collection: Word = "",
    source: Word = "", lang: Word = "", author: Word = "", reach: Word = "", probability: Word = "", since: Word = "",
    until: Word = "",
) -> Fields:  # fmt: skip
    """The fields in an address."""
    chance = probability or CHANCES[0]
    return Fields(brand, words, permission, collection, source, lang, author, reach, chance, since, until)


Filled = Annotated[Fields, Depends(fields)]


def place(after: str) -> Cursor | None:
    """Where a page begins; at the beginning for what is no place."""
    try:
        return Cursor.parse(after) if after else None
    except ValueError:
        return None


def day(text: str, *, whole: bool = False) -> datetime | None:
    """A day as a form's field has it, its beginning in UTC; ``whole``: its end. None for an empty field. Raises
    ValueError for what is none."""
    if not text:
        return None
    begins = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    try:
        return begins + timedelta(days=1) if whole else begins
    except OverflowError as error:
        raise ValueError("no day of any calendar") from error


def _day(name: str, text: str, *, whole: bool = False) -> datetime | None:
    try:
        return day(text, whole=whole)
    except ValueError as error:
        raise ValueError(name) from error


def _standing(text: str) -> Standing | None:
    try:
        return Standing(text) if text else None
    except ValueError as error:
        raise ValueError("permission") from error


def _number(name: str, text: str) -> int | None:
    if not text.strip():
        return None
    if not text.strip().isascii() or not text.strip().isdigit() or len(text) > 19 or int(text) > HIGHEST_ID:
        raise ValueError(name)
    return int(text)


def _share(name: str, text: str) -> float | None:
    if not text.strip():
        return None
    try:
        found = float(text)
    except ValueError as error:
        raise ValueError(name) from error
    if math.isnan(found) or not 0 <= found <= 1:
        raise ValueError(name)
    return found
