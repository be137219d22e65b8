"""What can be set for a source of X, and what that comes to in money.

https://docs.x.com/x-api/getting-started/pricing (2026): a post read $0.005, a user read $0.010, each once per UTC day;
a request for counts $0.005. Whether the authors and originals that come along with a search are charged is told
differently by those who looked at their bills, so the careful reading is the default.
"""

from decimal import Decimal
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

SMALLEST_PAGE, LARGEST_PAGE = 10, 100
"""Posts a page that recent search takes (https://docs.x.com/x-api/posts/recent-search)."""

PRICE_PER_COUNT = Decimal("0.005")
_PAGES_A_DAY = 10
"""A page must be asked for at the most it can cost; the smaller the pages, the less of a day's money stays unused."""


class XOptions(BaseModel):
    """Options of an ``x`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    bearer_token: SecretStr = Field(
        description="the app's bearer token from the developer console (bearer_token_from: the variable that holds it)"
    )
    daily_cap: Decimal = Field(
        default=Decimal(5),
        gt=0,
        max_digits=10,
        description="the most to spend in a day (UTC), in US dollars; reading goes on the next day where it stopped",
    )
    price_per_post: Decimal = Field(
        default=Decimal("0.005"), ge=0, max_digits=10, description="what X charges for a post read, in US dollars"
    )
    price_per_user: Decimal = Field(
        default=Decimal("0.010"),
        ge=0,
        max_digits=10,
        description="what X charges for the author of a post; 0 if your bill shows that it charges nothing",
    )
    lookback_hours: int = Field(
        default=24, ge=1, le=167, description="how far back the first run looks, in hours; X keeps seven days"
    )
    reposts: bool = Field(
        default=True,
        description="reposts as well, each with the original's full text, which is a post read of its own",
    )

    @field_validator("bearer_token")
    @classmethod
    def _one_word(cls, token: SecretStr) -> SecretStr:
        # A client library would quote the whole of a token that no header can carry in its complaint.
        plain = token.get_secret_value().strip()
        if not plain or not plain.isascii() or not plain.isprintable() or " " in plain:
            raise ValueError("a bearer token is one word of plain characters; copy it from the developer console again")
        return SecretStr(plain)

    @model_validator(mode="after")
    def _one_page(self) -> Self:
        least = self.most_per_post * SMALLEST_PAGE
        if self.daily_cap < least:
            raise ValueError(
                f"daily_cap: ${self.daily_cap} is less than the smallest page of {SMALLEST_PAGE} posts can cost "
                f"(${least}); set at least that"
            )
        return self

    @property
    def most_per_post(self) -> Decimal:
        """US dollars: a post, its author, and the originals that come along: a reply that quotes brings two, the post
        it answers and the one it quotes."""
        posts = 3 if self.reposts else 1
        return self.price_per_post * posts + self.price_per_user

    @property
    def page_size(self) -> int:
        """Posts asked for at once."""
        if not self.most_per_post:
            return LARGEST_PAGE
        affordable = int(self.daily_cap / _PAGES_A_DAY / self.most_per_post)
        return min(max(affordable, SMALLEST_PAGE), LARGEST_PAGE)
