"""One mention: what it says, what was read out of it and by what words, and what stands around it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from alerts.text import tame
from api.access import needs
from api.dashboard.mention_words import BESIDES, CORRECTED, POLARITIES, SAID, STANCES
from api.dashboard.rendering import show
from api.routes.dependencies import Explained, Id, Installed
from listener.access import Caller, Permission
from listener.store import mention_file
from sentiment.explain import Explanation

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

Reader = Annotated[Caller, needs(Permission.READ_MENTIONS)]

LONGEST = 20_000
"""Characters of a text that the page shows."""

STRONGEST = 8
"""Words that have their effect written beside them."""

LEAST_SHARE = 0.02
"""Of all effects: what is weaker is not marked."""

STRONG_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Run:
    """A run of text. ``kind``: "up", "down", "brand" or "" (nothing of note); ``effect``: what is written beside it."""

    text: str
    kind: str = ""
    strong: bool = False
    effect: float | None = None


@router.get("/mentions/{mention_id}")
def mention(request: Request, asking: Reader, installed: Installed, mention_id: Id) -> HTMLResponse:
    """The page; the words behind the score come after it, for they may take seconds."""
    return _page(request, asking, installed, mention_id)


@router.get("/mentions/{mention_id}/words")
def words(request: Request, asking: Reader, installed: Installed, explained: Explained, mention_id: Id) -> HTMLResponse:
    """The words behind its score: the part of the page, or the page with it for those without script."""
    with installed.store.reading() as session:
        row = mention_file.one(session, mention_id, asking.brands(Permission.READ_MENTIONS))
    if row is None:
        raise HTTPException(404, f"there is no mention {mention_id}")
    context: dict[str, Any]
    try:
        found = explained.of(row)
    except HTTPException as error:
        # It is a part of a page whose other parts stand.
        context = {"explained": None, "why": tame(str(error.detail))}
    else:
        by_same = (row["model"], row["revision"]) == (found.score.model, found.score.revision)
        context = {"explained": found, "runs": list(runs(found)), "by_same": by_same, "cut": len(found.text) > LONGEST}
    if "x-fragment" in request.headers:
        return show(request, "mentions/words.html", asking, context)
    return _page(request, asking, installed, mention_id, context)


def _page(
    request: Request, asking: Caller, installed: Installed, mention_id: int, more: dict[str, Any] | None = None
) -> HTMLResponse:
    with installed.store.reading() as session:
        found = mention_file.of_pair(
            session, mention_id, asking.brands(Permission.READ_MENTIONS), asking.brands(Permission.READ_ALERTS)
        )
    if found is None:
        raise HTTPException(404, f"there is no mention {mention_id}")
    context: dict[str, Any] = {
        "file": found, "row": found.mention, "stances": STANCES, "polarities": POLARITIES, "corrected": CORRECTED,
        "said": SAID, "longest": LONGEST, "chances": list(_chances(found.mention)),
    }  # fmt: skip
    return show(request, "mentions/one.html", asking, context | (more or {}))


def _chances(row: dict[str, Any]) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """What the model gave, head by head; the likeliest emotions first."""
    if row["stance"]:
        yield "stance", [(step, row["stance"].get(step, 0.0)) for step in STANCES]
    if row["polarity"]:
        yield "polarity", [(name, row["polarity"].get(name, 0.0)) for name in POLARITIES]
    if row["emotions"]:
        yield "emotions", sorted(row["emotions"].items(), key=lambda one: -one[1])
    rest = [(name, row[name]) for name in BESIDES if row[name] is not None]
    if rest:
        yield "rest", rest


def runs(found: Explanation) -> Iterator[Run]:
    """The text in runs: words with their effects, the brand, and what lies between."""
    text = found.text[:LONGEST]
    strongest = {span.start for span in found.strongest(STRONGEST) if span.share >= LEAST_SHARE}
    marked: list[tuple[int, int, str, bool, float | None]] = [
        (span.start, span.end, "up" if span.effect > 0 else "down", span.share >= STRONG_SHARE,
         span.effect if span.start in strongest else None)
        for span in found.spans if span.share >= LEAST_SHARE
    ]  # fmt: skip
    marked += [(start, end, "brand", False, None) for start, end in found.brand]
    done = 0
    for start, end, kind, strong, effect in sorted(marked):
        if end > len(text):
            break
        if start > done:
            yield Run(tame(text[done:start]))
        yield Run(tame(text[start:end]), kind, strong, effect)
        done = end
    if done < len(text):
        yield Run(tame(text[done:]))
