"""Whole words of another language for an English WordPiece vocabulary, each started from its English glosses.

A Spanish word breaks into pieces that mean nothing in English. Added whole, with the embedding of what a dictionary
says it means, it is understood before any training (see the model card for what that gives).
"""

import json
import math
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor

from training.spanish import ENDINGS, IRREGULAR

_NOTE = re.compile(r"\b(form|plural|singular|person|obsolete|abbreviation|participle|misspelling|initialism|used)\b")
_EMPTY = frozenset(("to", "the", "a", "an", "of", "be", "one", "s", "someone", "something"))


def count_words(tokenizer: Tokenizer, texts: Iterable[str]) -> Counter[str]:
    """How often each word occurs, split and stripped of accents exactly as the tokenizer does it."""
    counts: Counter[str] = Counter()
    for text in texts:
        normal = tokenizer.normalizer.normalize_str(text)
        counts.update(word for word, _ in tokenizer.pre_tokenizer.pre_tokenize_str(normal))
    return counts


def choose(theirs: Counter[str], english: Counter[str], known: frozenset[str], most: int) -> list[str]:
    """The commonest words of the language that are new and not (a third as) common in English."""
    scale = english.total() / max(1, theirs.total())
    fresh = (
        word
        for word, count in theirs.most_common()
        if count >= 2 and len(word) >= 3 and word.isalpha() and word not in known and english[word] < count * scale / 3
    )
    return [word for word, _ in zip(fresh, range(most), strict=False)]


class Glosses:
    """What words mean in English: from a dictionary file, and from what stands opposite them in parallel sentences.

    The dictionary knows few irregular forms and lists rare senses first; the sentences know which sense is meant, but
    only for common words. So a word's clear counterpart in the sentences comes first, then the dictionary's glosses,
    of which those that stand opposite, are short and are common in English win. Inflected forms are led to a lemma.
    """

    def __init__(self, path: Path, tokenizer: Tokenizer, english: Counter[str], pairs: list[tuple[str, str]]) -> None:
        self.english, self.entries, self.lemmas = english, dict[str, Counter[str]](), dict[str, str]()
        self.opposite = _opposites(tokenizer, pairs)
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                word, _, glosses, lemma = (*line.rstrip("\n").split("\t"), "", "", "")[:4]
                key = tokenizer.normalizer.normalize_str(word)
                kept = [gloss.strip() for gloss in glosses.lower().split("|") if gloss and not _NOTE.search(gloss)]
                self.entries.setdefault(key, Counter()).update(gloss for gloss in kept if len(gloss.split()) <= 4)
                if lemma:
                    self.lemmas.setdefault(key, tokenizer.normalizer.normalize_str(lemma))

    def of(self, word: str, best: int = 2) -> list[str]:
        """The `best` likeliest English glosses of a word, empty when none is known."""
        if word in IRREGULAR:
            return [IRREGULAR[word]]
        likely = self.opposite.get(word, {})
        chosen = [other for other, dice in sorted(likely.items(), key=lambda item: -item[1])[:1] if dice >= 0.25]
        for form in self._forms(word):
            if found := self.entries.get(form):
                ranked = sorted(found, key=lambda gloss: self._likeliness(gloss, found[gloss], likely), reverse=True)
                chosen += [gloss for gloss in ranked if gloss not in chosen]
                break
        return chosen[:best]

    def _forms(self, word: str) -> Iterable[str]:
        yield word
        if lemma := self.lemmas.get(word):
            yield lemma
        for ending, others in ENDINGS:
            if word.endswith(ending) and len(word) - len(ending) >= 2:
                for other in others:
                    yield word[: -len(ending)] + other

    def _likeliness(self, gloss: str, times: int, likely: dict[str, float]) -> float:
        words = [word for word in re.findall(r"[a-z]+", gloss) if word not in _EMPTY]
        if not words:
            return -1.0
        common = sum(math.log1p(self.english[word]) for word in words) / len(words)
        opposite = max(likely.get(word, 0.0) for word in words)
        return common + 1.5 * math.log(times) + 12 * opposite - 1.5 * (len(words) - 1)


def _opposites(tokenizer: Tokenizer, pairs: list[tuple[str, str]]) -> dict[str, dict[str, float]]:
    """Per foreign word the English words of its sentences' translations, by Dice coefficient (0..1), those over 0.1."""
    ours: Counter[str] = Counter()
    theirs: Counter[str] = Counter()
    both: Counter[tuple[str, str]] = Counter()
    for first, second in pairs:
        here, there = (set(count_words(tokenizer, [side])) for side in (first, second))
        ours.update(here)
        theirs.update(there)
        both.update((there_word, word) for there_word in there for word in here)
    found: dict[str, dict[str, float]] = {}
    for (foreign, word), times in both.items():
        dice = 2 * times / (ours[word] + theirs[foreign])
        if dice > 0.1 and times >= 3 and word.isalpha():
            found.setdefault(foreign, {})[word] = dice
    return found


def extend(tokenizer: Tokenizer, words: list[str]) -> Tokenizer:
    """The tokenizer with `words` as whole words at the end of its vocabulary."""
    parts = json.loads(tokenizer.to_str())
    vocabulary = parts["model"]["vocab"]
    for word in words:
        vocabulary[word] = len(vocabulary)
    parts["truncation"] = parts["padding"] = None
    return Tokenizer.from_str(json.dumps(parts, ensure_ascii=False))


def first_values(table: Tensor, tokenizer: Tokenizer, words: list[str], glosses: Glosses) -> tuple[Tensor, int]:
    """Embeddings for `words` (many, width) from an English `table` and its tokenizer; and how many had a gloss."""
    tokenizer.no_padding()  # the backbone's file pads to 128, and a mean over padding says nothing
    tokenizer.no_truncation()
    norm = table.norm(dim=1).mean()
    values, glossed = [], 0

    def mean_of(text: str) -> Tensor:
        return table[tokenizer.encode(text, add_special_tokens=False).ids].mean(0)

    for word in words:
        found = [" ".join(part for part in gloss.split() if part not in _EMPTY) or gloss for gloss in glosses.of(word)]
        glossed += bool(found)
        value = torch.stack([mean_of(gloss) for gloss in found or [word]]).mean(0)
        values.append(value / value.norm() * norm)
    return torch.stack(values), glossed
