"""Problem details (RFC 9457): the one form in which the API says that something cannot be done."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from alerts.text import tame

MEDIA_TYPE = "application/problem+json"

BLANK = "about:blank"
"""The type of a problem that is no more than its status (RFC 9457, 4.2.1)."""

VALIDATION = "/problems/validation"
UNFORESEEN = "/problems/unforeseen"
DATABASE_BUSY = "/problems/database-busy"
KEY_REUSED = "/problems/idempotency-key-reused"
AT_WORK = "/problems/request-at-work"
ANSWER_GONE = "/problems/answer-not-kept"
"""Types: names that stay as they are. There is nothing to be read under them."""

_LONGEST = 2_000
"""Characters of a detail: what was sent may come back in it, and nobody reads more."""


class Fault(BaseModel):
    """One thing that is wrong with what was sent."""

    detail: str = Field(description="What is wrong, in words.")
    pointer: str | None = Field(None, description="Where in the body, as a JSON pointer (RFC 6901).")
    parameter: str | None = Field(None, description="Or where else: `query:name`, `path:name`, `header:name`.")


class Problem(BaseModel):
    """Why something was not done, and what to do about it (RFC 9457)."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {
                    "type": VALIDATION, "title": "Unprocessable Content", "status": 422,
                    "detail": "one thing in the request is not as it should be", "instance": "/api/v1/silences",
                    "errors": [{"detail": "Field required", "pointer": "/matchers"}],
                }
            ]
        },
    )  # fmt: skip

    type: str = Field(description=f"What kind of problem it is; `{BLANK}`: no more than the status says.")
    title: str = Field(description="The status in words; the same for every problem of this type.")
    status: int = Field(description="The HTTP status.")
    detail: str | None = Field(None, description="What is wrong here, and what to do about it.")
    instance: str | None = Field(None, description="The path that was asked.")
    errors: list[Fault] | None = Field(None, description="Everything that is wrong with what was sent.")
    reference: str | None = Field(None, description="Under which the log tells more of an unforeseen error.")


class Refused(HTTPException):
    """A refusal that says more than a status and a sentence: its type, and every single fault."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = BLANK,
        errors: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail, dict(headers) if headers else None)
        self.kind = kind
        self.errors = tuple(errors)


def phrase(status: int) -> str:
    """A status in words, for titles."""
    try:
        found = HTTPStatus(status)
    except ValueError:
        return "Refused"
    # Python 3.13 has the newer names of RFC 9110; the answer is not to depend on which Python runs here.
    return {413: "Content Too Large", 422: "Unprocessable Content"}.get(status, found.phrase)


def response(
    status: int,
    detail: str | None,
    path: str,
    *,
    kind: str = BLANK,
    errors: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    """The answer. Whatever was sent, it can be written: what no UTF-8 can hold is spelt out in it."""
    said: dict[str, Any] = {"type": kind, "title": phrase(status), "status": status}
    if detail:
        said["detail"] = tame(detail)[:_LONGEST]
    said["instance"] = tame(path)[:_LONGEST]
    if errors:
        said["errors"] = [one.model_dump(exclude_none=True) for one in errors]
    return JSONResponse(said | more, status, dict(headers) if headers else None, MEDIA_TYPE)
