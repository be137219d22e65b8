"""Which mentions are asked for: the same names in the API's addresses, in the pages' and in saved views."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from api.routes.dependencies import HIGHEST_ID, Moment
from listener.access import Caller, Permission
from listener.items import storable
from listener.store.search import Cursor, Filters

MOST_WORDS = 2_000
"""Characters of a query."""

Text = Annotated[str, AfterValidator(storable)]
Number = Annotated[int, Field(ge=1, le=HIGHEST_ID)]


class Asked(BaseModel):
    """Words and filters; what is not given does not matter."""

    model_config = ConfigDict(extra="forbid")

    words: Text = Field("", max_length=MOST_WORDS, description="A query that the words must match; see docs/query.md.")
    brand: Text | None = Field(None, max_length=500, description="Only of this brand.")
    label: Literal["promoter", "passive", "detractor", "none", "unscored"] | None = Field(
        None, description="Only with this one; `none`: the model gives none, `unscored`: no model has read it yet."
    )
    polarity: Literal["negative", "neutral", "positive"] | None = Field(
        None, description="Only where this one is the likeliest, or was said by a person."
    )
    emotion: Text | None = Field(None, max_length=40, description="Only where this one is the likeliest.")
    source: Text | None = Field(None, max_length=100, description="Only from this platform.")
    feed: Text | None = Field(None, max_length=200, description="Only from the source of this name.")
    lang: Text | None = Field(None, max_length=35, description="Only in this language, such as `es`.")
    theme: Text | None = Field(None, max_length=200, description="Only on this theme of the brand.")
    since: Moment | None = Field(None, description="Said then or later.")
    until: Moment | None = Field(None, description="Said before.")
    author: Text | None = Field(None, max_length=200, description="Only by this account or name, with or without @.")
    reach: int | None = Field(None, ge=0, le=HIGHEST_ID, description="Only with at least this reach.")
    alert: Number | None = Field(None, description="Only those of this incident.")
    cluster: Number | None = Field(
        None, description="All that says the same as a mention or quotes it, and what was deleted of it."
    )
    hidden: bool = Field(False, description="Those that only share the brand's name instead.")
    unsure: bool | None = Field(None, description="Only where the model was unsure of the label, or only where not.")
    copies: bool = Field(False, description="Also what only repeats another mention.")

    def brands(self, asking: Caller) -> frozenset[int] | None:
        """The brands whose mentions whoever asks may see so; None = all. Which mentions an incident has is for those
        who may read incidents."""
        mentions, alerts = asking.brands(Permission.READ_MENTIONS), asking.brands(Permission.READ_ALERTS)
        if self.alert is None or alerts is None:
            return mentions
        return alerts if mentions is None else mentions & alerts

    def filters(self) -> Filters:
        """What the store is asked by."""
        asked: dict[str, Any] = {name: getattr(self, name) for name in Asked.model_fields}
        del asked["words"]
        return Filters(min_reach=asked.pop("reach"), **asked)


def of_page(params: Mapping[str, str]) -> dict[str, str]:
    """What a page's address says, for ``AskedPage.model_validate``: forms send empty fields, and moments without a
    zone, which are UTC's. What else stands in the address is none of ours."""
    given = {name: value for name, value in params.items() if name in AskedPage.model_fields and value.strip()}
    for name in {"since", "until"} & given.keys():
        if re.fullmatch(r"\d{4}-\d\d-\d\d", given[name]):
            given[name] += "T00:00Z"
        elif re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", given[name]):
            given[name] += "Z"
    return given


class AskedPage(Asked):
    """A page of them."""

    after: str | None = Field(None, max_length=60, description="`next` of the page before this one.")
    limit: int = Field(50, ge=1, le=200, description="Rows on a page.")

    @field_validator("after")
    @classmethod
    def _cursor(cls, after: str | None) -> str | None:
        if after is not None:
            try:
                Cursor.parse(after)
            except ValueError as error:
                raise ValueError("send `next` of the page before as it came") from error
        return after

    @property
    def place(self) -> Cursor | None:
        """Where to go on."""
        return None if self.after is None else Cursor.parse(self.after)
