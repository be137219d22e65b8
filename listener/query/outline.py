"""A query as an indented outline, for a person to see what belongs together."""

from collections.abc import Iterator

from listener.query.tree import And, Near, Node, Not, Or, Query


def outline(query: Query) -> list[tuple[int, str]]:
    """Its lines from the top, each with its depth: operators above what they join, terms as they are written."""
    return list(_lines(query.root, 0))


def _lines(node: Node, depth: int) -> Iterator[tuple[int, str]]:
    match node:
        case And(parts):
            below, name = parts, "AND"
        case Or(parts):
            below, name = parts, "OR"
        case Not(part):
            below, name = (part,), "NOT"
        case Near(left, right, distance):
            below, name = (left, right), f"NEAR/{distance}"
        case _:
            below, name = (), str(node)
    yield depth, name
    for part in below:
        yield from _lines(part, depth + 1)
