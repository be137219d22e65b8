"""What the API says of itself (OpenAPI 3.1): names that stay, one form of problem for every operation, what is what."""

import re
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from alerts.durations import in_words
from api.examples import BODIES
from api.idempotency import concerns
from api.problems import MEDIA_TYPE, Problem
from listener.store.request_receipts import KEPT_FOR

ADDRESS = "/api/v1/openapi.json"

DESCRIPTION = """
Everything that the pages show and do. Ask with an API key from the settings page
(`Authorization: Bearer ...`); it sees what belongs to its brands, and what is of others is not there for it (404).

Lists answer `items` and `next`: send `next` back as the parameter that the list names (`before` or `after`) for the
page after. Times are ISO 8601 with an offset. Errors are problem details (RFC 9457). What is edited carries an `ETag`,
which a change sends back as `If-Match`. A write may carry an `Idempotency-Key`: sent again with the same key it is
answered as before and not done again.
""".strip()

TAGS = {
    "brands": "Brands, what is searched for each, and which rules watch them.",
    "queries": "The query language: tried on stored mentions, explained, translated for a platform.",
    "sources": "Where mentions come from, and for which hours they are all there.",
    "mentions": "Mentions with their scores; search, evidence, relevance.",
    "corrections": "What people say a mention is, where the model was wrong.",
    "figures": "Numbers over time, each with its interval.",
    "exports": "Mentions and promoters as CSV or JSON lines.",
    "promoters": "What can be quoted, and the permission to.",
    "collections": "Chosen promoters under a name.",
    "alerts": "Incidents: how they came about, who was told, what people do with them.",
    "silences": "What nobody is told of, and until when.",
    "rules": "The rules' settings, and what they would have told.",
    "routes": "Who is told of what.",
    "channels": "Ways to reach people.",
    "deliveries": "Every message that was to reach somebody.",
    "digests": "Summaries of a day or a week.",
    "ingest": "Where other systems send what they hear; signed, without an API key.",
    "slack": "Where Slack says that a button was pressed; signed.",
    "views": "What people ask of a page again and again.",
    "users": "People who sign in, and their roles.",
    "settings": "What is settled for everything here.",
    "keys": "Keys of other programs.",
    "audit": "Who changed or took what.",
    "events": "What moves, as it moves (server-sent events).",
    "health": "Whether work moves.",
}

_PARAMETER = re.compile(r"[{}]")
_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
_METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")

KEY_HEADER = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "description": "1 to 255 visible ASCII characters of your choice. The same request again with the same key within "
    f"{in_words(KEPT_FOR)} is answered as before (`Idempotent-Replayed: true`) and not done again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}  # fmt: skip


def operation_id(route: APIRoute) -> str:
    """A name that stays while method and address do: ``get_alerts_alert_id_timeline``."""
    method = min(route.methods or {"get"}).lower()
    path = _PARAMETER.sub("", route.path.removeprefix("/api/v1"))
    words = "_".join(part for part in re.split(r"\W+", path) if part)
    return f"{method}_{words}" if words else method


def describe(app: FastAPI) -> dict[str, Any]:
    """The description, made once for an application."""
    if app.openapi_schema is None:
        found = get_openapi(
            title=app.title, version=app.version, summary=app.summary, description=DESCRIPTION, routes=app.routes,
        )  # fmt: skip
        app.openapi_schema = _completed(found)
    return app.openapi_schema


def _completed(found: dict[str, Any]) -> dict[str, Any]:
    schemas = found.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    shape = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= shape.pop("$defs")
    schemas["Problem"] = shape
    used = set()
    for path, operations in found["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                if "slack" not in operation.get("tags", ()):
                    _with_problems(operation)
                else:
                    # Slack reads plain text, if anything; but what has the wrong shape is refused as everywhere.
                    operation["responses"]["422"]["content"] = {MEDIA_TYPE: _PROBLEM}
                _with_key(path, method, operation)
                _with_example(operation, schemas)
                used |= set(operation.get("tags", ()))
    found["tags"] = [{"name": name, "description": said} for name, said in TAGS.items() if name in used]
    return found


def _with_problems(operation: dict[str, Any]) -> None:
    """Every refusal is a problem, whichever it is; a route may have said of some when they occur."""
    answers = operation.setdefault("responses", {})
    for status, answer in answers.items():
        if status.startswith(("4", "5")) and _ours(answer):
            answer["content"] = {MEDIA_TYPE: _PROBLEM}
    if (wrong := answers.get("422")) is not None and wrong["description"] == "Validation Error":
        wrong["description"] = "Something in the request is not as it should be; `errors` says what and where."
    answers.setdefault("default", {"description": "Why it was not done.", "content": {MEDIA_TYPE: _PROBLEM}})


def _ours(answer: dict[str, Any]) -> bool:
    """Whether nothing else is said of what a refusal looks like."""
    return "content" not in answer or "HTTPValidationError" in str(answer["content"])


def _with_key(path: str, method: str, operation: dict[str, Any]) -> None:
    if concerns(method.upper(), path):
        operation.setdefault("parameters", []).append(KEY_HEADER)


def _with_example(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """An example of what is sent: the model's own, or that of ``api.examples``."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is None:
        return
    shape = schemas.get(str(body.get("schema", {}).get("$ref", "")).rpartition("/")[2], {})
    name = operation["operationId"]
    # A model's own lose what is null on their way into the description.
    examples = [BODIES[name]] if name in BODIES else shape.get("examples", [])
    if examples:
        body["examples"] = {f"example {number}": {"value": one} for number, one in enumerate(examples, start=1)}
