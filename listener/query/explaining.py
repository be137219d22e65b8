"""What a query means and what each platform is asked for it, for whoever shows that to people."""

from collections.abc import Iterable
from dataclasses import dataclass

from listener.query.dialects import DIALECTS, Dialect
from listener.query.hints import hints
from listener.query.outline import outline
from listener.query.parser import parse
from listener.query.translate import Plan, translate
from listener.query.tree import Query


@dataclass(frozen=True, slots=True)
class Explained:
    """A query that reads. ``outline``: its lines, each with its depth; ``hints``: what may be meant otherwise;
    ``fields``: what it asks of a text beside its words; ``plans``: a platform's name -> what it is asked."""

    query: Query
    hints: tuple[str, ...]
    fields: tuple[str, ...]
    outline: tuple[tuple[int, str], ...]
    plans: dict[str, Plan]


@dataclass(frozen=True, slots=True)
class Mistake:
    """Where a query does not read. ``before`` and ``after``: what is written around the place, cut with "…"."""

    problem: str
    column: int
    before: str
    after: str


_BEFORE, _AFTER = 60, 20


def explain(written: str, dialects: Iterable[Dialect] = tuple(DIALECTS.values())) -> Explained:
    """What is written, read and translated. Raises QueryError."""
    query = parse(written)
    return Explained(
        query, hints(written), tuple(sorted(query.fields())), tuple(outline(query)),
        {dialect.name: translate(query, dialect) for dialect in dialects},
    )  # fmt: skip


def mistake(written: str, problem: str, column: int) -> Mistake:
    """The place in a query around a column (1-based)."""
    at = column - 1
    start = max(at - _BEFORE, 0)
    before = ("…" if start else "") + written[start:at]
    after = written[at : at + _AFTER] + ("…" if at + _AFTER < len(written) else "")
    return Mistake(problem, column, before, after)
