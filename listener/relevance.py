"""Whether a mention is about the brand or only shares its name: keep or hide, each with a named reason. Pure.

What keeps a mention is stronger than what hides it, because a mention that is lost costs more than one too many. The
model's probability is a decision score, not a frequency: below its brand's threshold a mention is hidden. How the
numbers here were chosen: docs/decisions/0013.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any

from listener.query import MatchText, Query, parse, prepare
from listener.query.text import Names

THRESHOLD = 0.1
"""Below this the model hides a mention of a brand whose file entry says nothing about what it is known by."""

THRESHOLD_WITH_CONTEXT = 0.2
"""The same where there are context words: whoever writes them says that the name is ambiguous, and they keep more."""

LANGUAGES = frozenset({"en"})
"""Where the model's word counts. Its training data count whatever is not English as not about the brand: of Spanish
headlines about people and companies it would hide 28 of 100 at 0.1, of English ones none."""

SURE = 0.95
"""From here on the model is surer than words under ``unless``."""


_AT = ("@", "＠")


NO_WORDS = "it has no words to infer anything from"
HIDDEN_BY_HAND = "a person said that it is not about the brand"


class Why(StrEnum):
    """The named reason for keeping or hiding."""

    SAID = "said"
    SOURCE = "source"
    CONTEXT = "context"
    HANDLE = "handle"
    UNLESS = "unless"
    SURE = "sure"
    IMPROBABLE = "improbable"
    PROBABLE = "probable"
    UNKNOWN = "unknown"
    OFF = "off"
    WORDLESS = "wordless"


def trusted(probability: float | None, lang: str) -> float | None:
    """A probability, where the model can be believed; None elsewhere. ``lang``: the text's, as it was scored."""
    return probability if lang in LANGUAGES else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What is done with a mention. ``sentence`` is for people; it holds nothing that a stranger wrote."""

    hidden: bool
    why: Why
    sentence: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about one mention and one brand.

    ``probability``: the model's, None where it has none or is not to be believed (``trusted``). ``context`` and
    ``unless``: the written expression that is met, None = none is. ``handle``: the brand stands there as an @handle.
    ``from_source``: the source itself says that it is about the brand. ``said``: what a person said, None = nobody
    has. ``wordless``: there is no text, only a mark.
    """

    probability: float | None = None
    context: str | None = None
    unless: str | None = None
    handle: bool = False
    from_source: bool = False
    said: bool | None = None
    wordless: bool = False


def decide(evidence: Evidence, threshold: float | None, *, has_context: bool = False) -> Decision:
    """Keep or hide. ``threshold``: None = the model is not asked; ``has_context``: the brand has context words."""
    if evidence.said is not None:
        return _said(relevant=evidence.said)
    if evidence.wordless:
        # What a model makes of nothing would dilute figures that are inferred from words.
        return Decision(True, Why.WORDLESS, NO_WORDS)
    if evidence.from_source:
        return Decision(False, Why.SOURCE, "the source itself says that it is about the brand")
    if evidence.context is not None:
        return Decision(False, Why.CONTEXT, f"the text meets the context {evidence.context}")
    if evidence.handle:
        return Decision(False, Why.HANDLE, "the text addresses the brand by its @handle")
    probability = None if threshold is None else evidence.probability
    if evidence.unless is not None:
        if probability is not None and probability >= SURE:
            return Decision(
                False, Why.SURE, f"the model gives {_percent(probability)}, more than {evidence.unless} counts against"
            )
        return Decision(True, Why.UNLESS, f"the text has {evidence.unless}, which stands under unless")
    if threshold is None:
        return Decision(False, Why.OFF, "the model is not asked whether mentions are about this brand")
    if probability is None:
        return Decision(False, Why.UNKNOWN, "the model cannot tell whether it is about the brand")
    if probability < threshold:
        lacking = " and no context word stands in the text" if has_context else ""
        return Decision(True, Why.IMPROBABLE, f"the model gives {_percent(probability)}{lacking}")
    return Decision(False, Why.PROBABLE, f"the model gives {_percent(probability)}")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a mention beside its text, for words that ask for it (``lang:``, ``source:``, ``author:``): its
    language, its platform and the name of its source, and all names of its author."""

    lang: str | None = None
    source: Names = None
    author: Names = None


@dataclass(frozen=True, slots=True)
class Rules:
    """A brand's words for what it is and is not, ready to be held against texts. Make them with ``rules``."""

    context: tuple[tuple[str, Query], ...] = ()
    unless: tuple[tuple[str, Query], ...] = ()
    threshold: float | None = THRESHOLD

    def may_hide(self, probability: float | None) -> bool:
        """Whether a mention of this probability could be hidden at all, so that its text must be looked at."""
        improbable = self.threshold is not None and probability is not None and probability < self.threshold
        return improbable or bool(self.unless)

    def judge(
        self,
        text: str,
        spans: Sequence[Sequence[int]],
        probability: float | None,
        *,
        from_source: bool = False,
        said: bool | None = None,
        wordless: bool = False,
        about: About = About(),
    ) -> Decision:
        """Keep or hide a mention whose brand stands at ``spans`` of ``text``.

        Without a place the words did not bring it here (a source did, or a query of what must not be there): that is
        not for its words to take back.
        """
        if said is not None:
            return _said(relevant=said)
        from_source = from_source or not spans
        evidence = Evidence(probability, from_source=from_source, wordless=wordless)
        if not (from_source or wordless) and self.may_hide(probability):
            prepared = prepare(text, lang=about.lang, source=about.source, author=about.author)
            evidence = Evidence(
                probability,
                context=_met(self.context, prepared),
                unless=_met(self.unless, prepared),
                handle=any(_is_handle(text, span[0]) for span in spans),
            )
        return decide(evidence, self.threshold, has_context=bool(self.context))


def rules(stored: Mapping[str, Any]) -> Rules:
    """The rules as a brand's row keeps them (``context``, ``unless``, ``threshold``: a number, False = off, or not
    there). Compiled once. Raises QueryError for words that do not read as a query."""
    return _compiled(
        tuple(stored.get("context") or ()), tuple(stored.get("unless") or ()), stored.get("threshold", True)
    )


# Typed: True is the default here, False is off, and 1 and 0 are thresholds.
@lru_cache(maxsize=1_000, typed=True)
def _compiled(context: tuple[str, ...], unless: tuple[str, ...], threshold: float | bool | None) -> Rules:
    if threshold is True or threshold is None:
        threshold = THRESHOLD_WITH_CONTEXT if context else THRESHOLD
    return Rules(
        tuple((word, parse(word)) for word in context),
        tuple((word, parse(word)) for word in unless),
        None if threshold is False else float(threshold),
    )


def _said(*, relevant: bool) -> Decision:
    return Decision(not relevant, Why.SAID, "a person said that it is about the brand" if relevant else HIDDEN_BY_HAND)


def _met(queries: Sequence[tuple[str, Query]], text: MatchText) -> str | None:
    return next((written for written, query in queries if query.match(text) is not None), None)


def _is_handle(text: str, start: int) -> bool:
    """Whether the place is or follows an @. Not #: a tag is a word like others (of 151 texts with a brand's, 10 were
    not about it; of 145 with its handle, 2)."""
    if text[start : start + 1] in _AT:
        return True
    # An address has a word before its @ too.
    return start > 0 and text[start - 1] in _AT and (start < 2 or not text[start - 2].isalnum())


def _percent(probability: float) -> str:
    # Rounded down, so that what is hidden is never said to have reached its threshold.
    return f"{int(probability * 100)} %"
