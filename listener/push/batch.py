"""A request's body read: JSON, its items, each checked by itself."""

import json
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from listener.items import storable
from listener.push.mapping import Mapping, Unreadable
from listener.push.schema import Passed, Read, Refused, pointed, read_item

MOST_ITEMS = 500
_HALVES = re.compile(rb"\\u[dD][89a-fA-F]")


class Malformed(ValueError):
    """The body is not JSON; the message says where."""


class Unusable(ValueError):
    """The body is JSON without items that could be taken; ``pointer`` says where."""

    def __init__(self, pointer: str, why: str) -> None:
        super().__init__(why)
        self.pointer = pointer


class Stopping(Exception):
    """The process ends before the request was done: nothing is stored, and the sender must come again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What a body holds: each item in its order, taken, refused or passed over."""

    entries: tuple[Read, ...]


def parse_body(body: bytes) -> Any:
    """The JSON in a body. Raises Malformed."""
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed(f"not UTF-8 at byte {error.start + 1}; send the body as UTF-8") from error
    try:
        document = json.loads(text, parse_constant=_refuse, parse_int=_whole)
        return _mended(document) if _HALVES.search(body) else document
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise Malformed("nested too deeply to be read") from error


def read_own(document: Any, kinds: Collection[str], now: datetime, keep_on: Callable[[], bool] = lambda: True) -> Batch:
    """A body in our own form: {"items": [...]}. Raises Unusable, and Stopping where it is not to be kept on with."""
    if not isinstance(document, dict):
        raise Unusable("", 'must be an object: {"items": [...]}')
    for name in document:
        if name != "items":
            raise Unusable("/" + pointed(name), "nothing is called so here; there is: items")
    items = document.get("items")
    if not isinstance(items, list):
        raise Unusable("/items", "must be a list of items")
    _few_enough(len(items))
    entries = [read_item(number, fields, kinds, now) for number, fields in _while(keep_on, items)]
    return Batch(tuple(entries))


def read_mapped(
    document: Any, mapping: Mapping, kinds: Collection[str], now: datetime, keep_on: Callable[[], bool] = lambda: True
) -> Batch:
    """Another system's body. Raises Unusable and Stopping.

    Pointers of what is refused name our field and, in words, the place in the sender's JSON that it is taken from.
    """
    if not mapping.meant(document):
        # Systems send their tests and other events to the same address, and give up where those are refused.
        return Batch(())
    items = mapping.items(document)
    if items is None:
        raise Unusable("", "the place that items: names is not there")
    _few_enough(len(items))
    entries: list[Read] = []
    for number, item in _while(keep_on, items):
        if not mapping.wanted(item, document):
            entries.append(Passed(number))
            continue
        mapped = mapping.read(item, document)
        if isinstance(mapped, Unreadable):
            pointer = f"/items/{number}/{mapped.field.replace('.', '/')}"
            entries.append(Refused(number, pointer, f"{mapped.why} (taken from {mapped.source})"))
            continue
        read = read_item(number, mapped.fields, kinds, now)
        if isinstance(read, Refused):
            field = read.pointer.removeprefix(f"/items/{number}").strip("/").replace("/", ".")
            source = mapped.where.get(field)
            origin = f"taken from {source}" if source else "the mapping names no place for it"
            read = Refused(number, read.pointer, f"{read.why} ({origin})", read.id)
        entries.append(read)
    return Batch(tuple(entries))


def _while(keep_on: Callable[[], bool], items: Sequence[Any]) -> Iterator[tuple[int, Any]]:
    """Items with their numbers. Markup takes its time, and a process that ends does not have it."""
    for number, item in enumerate(items):
        if not keep_on():
            raise Stopping
        yield number, item


def _mended(value: Any) -> Any:
    """The same without halves of characters (an emoji cut in two, written as an escape), which nothing can store."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(name): _mended(one) for name, one in value.items()}
    return [_mended(one) for one in value] if isinstance(value, list) else value


def _few_enough(count: int) -> None:
    if count > MOST_ITEMS:
        raise Unusable("/items", f"{count:,} items are too many for one request; send at most {MOST_ITEMS}")


def _whole(digits: str) -> int:
    if len(digits) > 4_000:
        raise Malformed(f"it holds a number of {len(digits):,} digits")
    return int(digits)


def _refuse(constant: str) -> NoReturn:
    raise Malformed(f"{constant} is not JSON; write null")
