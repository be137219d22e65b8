"""Which of an incident's mentions tell the most: far-reaching and clear, and not the same thing three times over."""

import math
from collections.abc import Callable, Sequence

from rapidfuzz import fuzz, utils

from alerts.mentions import ScoredMention

RELEVANCE = 0.65
"""What reach and clearness weigh; the rest is for being unlike those already chosen."""

NEARLY_ALIKE = 0.85
"""From this likeness on (0 to 1) two texts say the same thing, and one of them is enough."""

_PROMOTING_STEPS = ("1", "2")
_COMPARED = 600
"""Characters of a text that are compared: what comes later hardly makes two long texts alike."""


def most_telling(mentions: Sequence[ScoredMention], n: int = 3) -> list[ScoredMention]:
    """At most `n` of the mentions, the most telling first, whatever order they come in.

    Chosen one by one by maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): each by its reach and by how
    sure the model is, less its likeness to those chosen before. Fewer than `n` where the rest nearly repeats them.
    """
    furthest = max((mention.reach or 0 for mention in mentions), default=0)
    left = sorted(mentions, key=lambda mention: (-_relevance(mention, furthest), mention.id))
    chosen: list[ScoredMention] = []
    # How much each is like the one among the chosen that it is most like, kept up as they are chosen.
    closest = dict.fromkeys((mention.id for mention in left), 0.0)
    worth = _worth(furthest, closest)
    while left and len(chosen) < n:
        best = max(left, key=worth)
        chosen.append(best)
        rest = []
        for mention in left:
            if mention.id == best.id:
                continue
            alike = _alike(mention.text, best.text)
            if alike < NEARLY_ALIKE:
                closest[mention.id] = max(closest[mention.id], _likeness(mention, best, alike))
                rest.append(mention)
        left = rest
    return chosen


def clearness(mention: ScoredMention) -> float:
    """How sure the model is that the author speaks for or against the brand, whichever is likelier; 0 to 1."""
    if mention.stance:
        promoting = sum(mention.stance.get(step, 0.0) for step in _PROMOTING_STEPS)
    else:
        promoting = mention.polarity.get("positive", 0.0)
    sure = max(mention.probability(), promoting)
    # A broken model's NaN is no clearness at all, and sorting must not stumble over it.
    return min(sure, 1.0) if sure >= 0 else 0.0


def _worth(furthest: int, closest: dict[int, float]) -> Callable[[ScoredMention], float]:
    def worth(mention: ScoredMention) -> float:
        return RELEVANCE * _relevance(mention, furthest) - (1 - RELEVANCE) * closest[mention.id]

    return worth


def _relevance(mention: ScoredMention, furthest: int) -> float:
    """0 to 1. Reach on a logarithmic scale: from a hundred readers to a thousand is as far as on to ten thousand."""
    far = math.log1p(max(mention.reach or 0, 0)) / math.log1p(furthest) if furthest else 0.0
    return (far + clearness(mention)) / 2


def _likeness(one: ScoredMention, other: ScoredMention, texts: float) -> float:
    """0 to 1: in words, and for coming from the same person or place."""
    same_author = one.author is not None and (one.source, one.author) == (other.source, other.author)
    return 0.5 * texts + 0.3 * same_author + 0.2 * (one.source == other.source)


def _alike(one: str, other: str) -> float:
    """0 to 1, whatever the order of the words."""
    alike = fuzz.token_sort_ratio(one[:_COMPARED], other[:_COMPARED], processor=utils.default_process)
    return alike / 100 if one.strip() and other.strip() else float(one.strip() == other.strip())
