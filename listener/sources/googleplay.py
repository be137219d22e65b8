"""Google Play: reviews of one's own app through the official Reply to Reviews API
(https://developers.google.com/android-publisher/reply-to-reviews), as a service account that Play Console lets in.

It gives reviews with text that were written or changed within the last week, the latest first, 200 requests an hour and
app. There are scrapers of Play's web pages; they are against its terms and break with every change of the pages, so
this source does without. A review has one date, that of its last change. Reviews seldom name the app: set
``about_brands`` for this source.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, ClassVar, Self
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from listener.google import explained
from listener.google_login import ServiceAccount
from listener.http import Reply, shown
from listener.items import Author, Item
from listener.markup import language_of
from listener.query import Query
from listener.source import (
    Cursor,
    CursorExpired,
    FatalSourceError,
    Limit,
    Page,
    RetriableSourceError,
    Skipped,
    SourceError,
    account_name,
)
from listener.tools import Tools

LIMITS = (Limit(200, timedelta(hours=1)),)
"""https://support.google.com/googleplay/android-developer/contact/review_apiqr: for each app."""

_SCOPE = "https://www.googleapis.com/auth/androidpublisher"
_PER_PAGE = 100
_SPENT = frozenset({"RESOURCE_EXHAUSTED", "quotaExceeded", "rateLimitExceeded", "userRateLimitExceeded"})
_NOT_ALLOWED = frozenset({"PERMISSION_DENIED", "permissionDenied", "forbidden", "projectNotLinked"})
_ANSWERED = (
    HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND,
    HTTPStatus.TOO_MANY_REQUESTS,
)  # fmt: skip


class GooglePlayOptions(BaseModel):
    """Options of a ``googleplay`` source."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    package: str = Field(
        pattern=r"^[A-Za-z]\w*(\.[A-Za-z]\w*)+$", description="the app's package name, such as com.example.app"
    )
    key: SecretStr | None = Field(
        default=None, description="the service account's key, a JSON text (key_from: the variable that holds it)"
    )
    key_file: Path | None = Field(default=None, description="or the path of the file that holds that key")

    @model_validator(mode="after")
    def _one_key(self) -> Self:
        if (self.key is None) == (self.key_file is None):
            raise ValueError("give the service account's key: either key_from or key_file")
        return self


class GooglePlaySource:
    """Reviews, the latest first, down to where they were left the last time."""

    kind: ClassVar[str] = "googleplay"
    ordered: ClassVar[bool] = False
    lag: ClassVar[timedelta] = timedelta(days=1)
    history: ClassVar[timedelta | None] = timedelta(days=7)

    def __init__(self, options: GooglePlayOptions, tools: Tools) -> None:
        self._options = options
        self._http = tools.http
        self._login = tools.endpoints.google_login
        base = tools.endpoints.googleplay.rstrip("/")
        self._address = f"{base}/androidpublisher/v3/applications/{options.package}/reviews"
        self._meter = tools.meter(account_name("googleplay", options.package), LIMITS, None)

    def fetch(
        self,
        query: Query | None,  # noqa: ARG002 - there is nobody to ask for less
        cursor: Cursor | None,
        until: datetime,
        since: datetime | None = None,
    ) -> Iterator[Page]:
        """Pages of reviews down to the lower bound, which stays where it is until the run has ended."""
        before = cursor if cursor and cursor.get("package") == self._options.package else {}
        token: str | None = before.get("token")
        if token is not None:
            # An interrupted run goes on with its own window; what was said since is the next one's.
            end, low = min(datetime.fromisoformat(before["until"]), until), _moment_or_none(before["low"])
        else:
            end = until
            low = since or (datetime.fromisoformat(before["until"]) - self.lag if "until" in before else None)
        after = {"package": self._options.package, "until": end.isoformat()}
        bounds = {"low": low.isoformat() if low else None}
        account = ServiceAccount(self._key(), _SCOPE, self._http, self._login, self._meter)
        access = account.token()
        resumed = token is not None
        while True:
            reply = self._ask(access, token)
            if reply.status == HTTPStatus.UNAUTHORIZED:
                access = account.token()
                reply = self._ask(access, token)
            if reply.status >= HTTPStatus.BAD_REQUEST:
                raise self._refused(reply, account.email, resumed=resumed)
            resumed = False
            reviews, token = _page(reply)
            items, skipped, newest = _items(reviews, self._options.package)
            wanted = tuple(item for item in items if item.created_at <= end and (low is None or item.created_at >= low))
            if token is None or (low is not None and newest is not None and newest < low):
                yield Page(wanted, after, skipped, progress=1.0)
                return
            yield Page(wanted, after | bounds | {"token": token}, skipped, token=token)

    def _key(self) -> str:
        if self._options.key is not None:
            return self._options.key.get_secret_value()
        path = self._options.key_file
        assert path is not None
        try:
            return path.expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "it is no text"
            raise FatalSourceError(f"the service account's key in {path} cannot be read ({why})") from error

    def _ask(self, access: str, token: str | None) -> Reply:
        self._meter.ask()
        return self._http.get(
            self._address,
            params={"maxResults": str(_PER_PAGE), **({"token": token} if token else {})},
            headers={"Authorization": f"Bearer {access}"},
            passed=_ANSWERED,
            follow=False,
        )

    def _refused(self, reply: Reply, email: str, *, resumed: bool) -> SourceError:
        why = explained(reply)
        where = shown(reply.address.partition("?")[0])
        if why.reasons & _SPENT and reply.status != HTTPStatus.TOO_MANY_REQUESTS:
            return RetriableSourceError(
                f"{where}: the app's 200 requests an hour are used up ({why.message}); it is tried again later"
            )
        if why.of_the_project:
            return FatalSourceError(
                f"{where} answered {reply.status} ({why.message}): enable the Google Play Android Developer API in the "
                f"Google Cloud project of the service account {email}"
            )
        if why.reasons & _NOT_ALLOWED:
            return FatalSourceError(
                f"{where} answered {reply.status} ({why.message}): in Play Console, under Users and permissions, "
                f"invite the service account {email} and let it see app information and reply to reviews of "
                f"{self._options.package}; that may take a day to work"
            )
        if reply.status == HTTPStatus.BAD_REQUEST and resumed:
            return CursorExpired(f"{where} no longer knows the place where reading broke off ({why.message})")
        return reply.refused(why.message)


def _page(reply: Reply) -> tuple[list[Any], str | None]:
    answer = reply.json()
    reviews = answer.get("reviews", []) if isinstance(answer, dict) else None
    if not isinstance(reviews, list) or (answer and not set(answer) & {"reviews", "tokenPagination", "pageInfo"}):
        raise RetriableSourceError(
            f"{shown(reply.address)} answered with JSON that holds no reviews; if this goes on, check the address in "
            "ESCUCHA_GOOGLEPLAY_URL"
        )
    paging = answer.get("tokenPagination")
    token = paging.get("nextPageToken") if isinstance(paging, dict) else None
    return reviews, str(token) if token else None


def _items(reviews: list[Any], package: str) -> tuple[list[Item], tuple[Skipped, ...], datetime | None]:
    """The reviews as items, and when the newest of them was written."""
    items: list[Item] = []
    skipped: list[Skipped] = []
    for number, review in enumerate(reviews, start=1):
        try:
            items.append(_item(review, package))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, StopIteration) as error:
            named = review.get("reviewId") if isinstance(review, dict) else None
            where = f"review {named}" if isinstance(named, str) else f"review {number} of its page"
            skipped.append(Skipped(where, f"it is not as documented: {type(error).__name__} {error}"))
    return items, tuple(skipped), max((item.created_at for item in items), default=None)


def _item(review: Mapping[str, Any], package: str) -> Item:
    native_id = str(review["reviewId"])
    # Beside it may stand a developerComment: that is us, and not said about us.
    said = next(comment["userComment"] for comment in review["comments"] if "userComment" in comment)
    # "In some cases ... title and body are concatenated and separated by a tab character."
    title, tab, body = str(said.get("text") or "").partition("\t")
    title, text = (title.strip(), body.strip()) if tab else ("", title.strip())
    if not title and not text:
        raise ValueError("it has no text")
    changed = said["lastModified"]
    moment = datetime.fromtimestamp(int(changed["seconds"]), UTC) + timedelta(
        microseconds=int(changed.get("nanos") or 0) // 1000
    )
    name = str(review.get("authorName") or "").strip()
    numbers = {
        "rating": said.get("starRating"),
        "thumbs_up": said.get("thumbsUpCount"),
        "thumbs_down": said.get("thumbsDownCount"),
    }
    return Item(
        kind="googleplay",
        native_id=native_id,
        text=text or title,
        title=title or None,
        created_at=moment,
        edited_at=moment,
        url=f"https://play.google.com/store/apps/details?id={package}&reviewId={quote(native_id, safe='')}",
        # Names are not unique and reviewers have no number; each review is somebody of its own.
        author=Author(native_id, name=name) if name else None,
        lang=language_of(said.get("reviewerLanguage")),
        engagement={name: value for name, value in numbers.items() if isinstance(value, int)},
    )


def _moment_or_none(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
