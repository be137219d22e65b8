"""Who speaks to people of what happened: English, or the language of a page."""

from typing import Protocol


class Voice(Protocol):
    """What ``api.dashboard.language.Words`` gives of a language."""

    def gettext(self, words: str) -> str:
        """The same in that language."""

    def ngettext(self, one: str, many: str, count: int) -> str:
        """The same for a number of things."""

    def number(self, value: float, digits: int = 1) -> str:
        """A number as that language writes it, with at most so many decimals."""

    def percent(self, part: float, whole: float = 1, digits: int = 0) -> str:
        """A share as that language writes it, with so many decimals."""


class _English:
    """The words as they stand in the code."""

    def gettext(self, words: str) -> str:
        return words

    def ngettext(self, one: str, many: str, count: int) -> str:
        return one if count == 1 else many

    def number(self, value: float, digits: int = 1) -> str:
        return f"{value:,.{digits}f}"

    def percent(self, part: float, whole: float = 1, digits: int = 0) -> str:
        return f"{part / whole:.{digits}%}"


ENGLISH: Voice = _English()
