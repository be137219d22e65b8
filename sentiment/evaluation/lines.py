"""The lines of a labelled file, as bytes, a bounded piece at a time; which of them are taken; what it all hashes to."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sentiment.errors import SentimentError
from sentiment.evaluation.parsing import shown

LONGEST = 4 * 1024 * 1024
"""Bytes of a line. A text is a few hundred; megabytes without a line end are no labelled text."""

BOM = b"\xef\xbb\xbf"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


class DataUnusable(SentimentError):
    """What is wrong with the data given, and what to do."""


@dataclass(frozen=True, slots=True)
class Sample:
    """So many of a file's rows, evenly spread over it; of rows that come in pairs, whole pairs."""

    rows: int
    limit: int | None = None
    together: int = 1

    @property
    def whole(self) -> bool:
        """Whether every row is taken."""
        return self.limit is None or self.limit >= self.rows

    def takes(self, place: int) -> bool:
        """Whether the row at this place, from 0, is one of them."""
        if self.limit is None or self.whole:
            return True
        together = self.together if self.limit >= self.together else 1
        groups, wanted = -(-self.rows // together), self.limit // together
        group = place // together
        return (group + 1) * wanted // groups > group * wanted // groups

    @property
    def notes(self) -> tuple[str, ...]:
        """What a report has to say of it."""
        if self.whole:
            return ()
        taken = sum(map(self.takes, range(self.rows)))
        return (f"{taken:,} of {self.rows:,} rows, evenly taken",)


def lines(path: Path) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number from 1 and its line end, without a byte order mark; None for one that is too long.

    Raises DataUnusable where the file cannot be read or is saved as UTF-16.
    """
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(LONGEST + 1):
                number += 1
                if number == 1:
                    if raw.startswith(UTF_16):
                        raise DataUnusable(f"{named(path)} is saved as UTF-16; save it as UTF-8 (CSV UTF-8 in Excel)")
                    raw = raw.removeprefix(BOM)
                too_long = len(raw) > LONGEST
                while too_long and not raw.endswith(b"\n") and (rest := file.readline(LONGEST)):
                    raw = rest
                yield number, None if too_long else raw
    except OSError as error:
        raise DataUnusable(f"{named(path)} cannot be read: {error.strerror or error}") from error


def sha256(path: Path) -> str:
    """Of the file's bytes. Raises DataUnusable."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataUnusable(f"{named(path)} cannot be read: {error.strerror or error}") from error


def named(path: Path | str) -> str:
    """A path as it may stand in a message."""
    said = str(path)
    return said if said.isprintable() else ascii(said)


def listed(names: list[str], most: int = 30) -> str:
    """Names as they may stand in a message, not too many of them."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (
        ", ".join(name if name.isprintable() and len(name) <= 40 else shown(name) for name in names[:most]) or "none"
    ) + more
