"""YAML with places: what a file says, and on which line it says it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml


class NotYamlError(Exception):
    """The text is not YAML; where it stops being so (1-based) and why."""

    def __init__(self, line: int, column: int, why: str) -> None:
        super().__init__(why)
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Document:
    """What a text says: ``data`` as plain values, dates left as text."""

    data: Any
    named_twice: tuple[tuple[int, int, str, int], ...]
    """Names that a mapping has already: line, column, the name, and the line of the first. YAML keeps the last."""
    _root: yaml.Node | None

    def place(self, path: tuple[int | str, ...]) -> tuple[int, int]:
        """Line and column (1-based) of the deepest part of ``path`` that the text really has."""
        node, mark = self._root, getattr(self._root, "start_mark", None)
        for step in path:
            if isinstance(node, yaml.MappingNode):
                found = {getattr(key, "value", None): (key, value) for key, value in node.value}.get(str(step))
                if found is None:
                    break
                mark, node = found[0].start_mark, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                mark = node.start_mark
            else:
                break
        return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _named_twice(root: yaml.Node | None) -> Iterator[tuple[int, int, str, int]]:
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        # An alias leads back to a node that was there before, perhaps to one around it.
        if not isinstance(node, yaml.CollectionNode) or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        first: dict[str, yaml.Mark] = {}
        for key, value in node.value:
            waiting.append(value)
            if isinstance(key, yaml.ScalarNode):
                before = first.setdefault(key.value, key.start_mark)
                if before is not key.start_mark:
                    yield key.start_mark.line + 1, key.start_mark.column + 1, key.value, before.line + 1


class _Loader(yaml.SafeLoader):
    """Leaves dates as text: whatever wants one reads it, and text can be stored."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, shape) for tag, shape in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read(text: str) -> Document:
    """Raises NotYamlError."""
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        # Before the data are made: that folds what "<<" merges into the nodes, where it would look named twice.
        twice = tuple(_named_twice(root))
        return Document(loader.construct_document(root) if root is not None else None, twice, root)
    except (ValueError, RecursionError) as error:
        raise NotYamlError(1, 1, f"a value in it cannot be read ({error})") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise NotYamlError(line, column, str(getattr(error, "problem", error))) from error
