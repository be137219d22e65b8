"""A year of invented mentions as rows: who said what about which brand, what was inferred, and what that adds up to."""

import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import seed_scores
from seed_incidents import Story
from seed_tables import at
from seed_words import Said, places, say

from alerts.reasons import Reason
from listener.copies import wording
from listener.query.index import more_words
from listener.registry import demands
from listener.relevance import Why

BRANDS = {"Lumbra": 0.45, "Velarca": 0.22, "Telmira": 0.18, "Norquix": 0.1, "Ostrea": 0.05}
OWN = 2
"""The first so many brands are one's own."""

PLATFORMS = {
    "x": 0.32, "reddit": 0.14, "youtube": 0.1, "mastodon": 0.08, "googleplay": 0.08, "bluesky": 0.07, "appstore": 0.07,
    "rss": 0.06, "gdelt": 0.04, "hackernews": 0.03, "jetstream": 0.01,
}  # fmt: skip
UNREACHED = frozenset({"googleplay", "appstore", "hackernews"})
"""Platforms that do not say how many people a mention reaches."""

LABELS = ("passive", "detractor", "promoter")
THEMES = {
    "billing": ("bill", "invoice", "refund", "factura", "devolución"),
    "network": ("connection", "coverage", "speed", "conexión", "cobertura", "velocidad"),
    "app": ("app", "aplicación", "update", "actualización"),
    "service": ("hotline", "technician", "centralita", "técnico"),
}
RULES_ON = ("detractor", "crisis", "reach")
"""The rules whose incidents there are, in turn."""

BATCH = 5_000
YEAR = timedelta(days=365)
NOT_RELEVANT = f"the model gives it 4 % ({Why.IMPROBABLE})"

_WORD = re.compile(r"\w+")
MENTION = (
    "id, kind, native_id, source_id, author_id, text, url, lang, reach, engagement, reply_to, created_at, "
    "collected_at, repost_of, digest, cluster_id, checked_at, also_words"
)
PAIR = (
    "id, mention_id, brand_id, spans, label, scored_at, judged_at, verdict, verdicts, about_brand, hidden_why, "
    "copy_of, edition, created_at, lang, polarity, emotion, themes"
)
SCORE = f"id, mention_brand_id, model, revision, label, unsure, lang, {seed_scores.COLUMNS}, created_at"
_TEXT, _CLUSTER, _ALSO = 5, 15, 17
"""Places of columns in a row of a mention."""


class World:
    """A year of mentions, made as it goes by. Ids count from 1, in the order of time."""

    def __init__(self, mentions: int, until: datetime, seed: int) -> None:
        self.random = Random(seed)
        self.mentions, self.pairs, self.copies = mentions, 0, 0
        self.hours: Counter[tuple[int, str, str, str]] = Counter()
        self.hour_copies: Counter[tuple[int, str, str, str]] = Counter()
        self.hour_reach: Counter[tuple[int, str, str, str]] = Counter()
        self.facets: Counter[tuple[int, str, str, str, str]] = Counter()
        self.stories: list[Story] = []
        self.promoters: list[tuple[int, int, datetime]] = []
        self.corrected: list[tuple[int, str, datetime]] = []
        self.until = until.replace(minute=0, second=0, microsecond=0)
        self._numbers = np.random.default_rng(seed)
        self._scores = seed_scores.kinds(self.random)
        self._open: dict[int, Story] = {}
        self._due = 1
        share = max(mentions // 6, 1000)
        self.authors = {kind: max(int(share * part), 5) for kind, part in PLATFORMS.items()}
        self._first: dict[str, int] = {}
        first = 1
        for kind, number in self.authors.items():
            self._first[kind] = first
            first += number

    def author_rows(self) -> Iterator[tuple[Any, ...]]:
        """Everybody who speaks."""
        for kind, number in self.authors.items():
            for place in range(number):
                one = self._first[kind] + place
                followers = None if kind in UNREACHED else int(self.random.lognormvariate(6, 1.8))
                name = f"{kind}_{one}"
                yield one, kind, f"a{one}", name, f"Person {one}", f"https://example.com/{kind}/{name}", followers

    def batches(self) -> Iterator[tuple[list[Any], list[Any], list[Any]]]:
        """Rows of mentions, pairs and scores."""
        batch: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
        kinds, kind_chances = list(PLATFORMS), list(PLATFORMS.values())
        picks = iter(self._numbers.choice(len(kinds), self.mentions, p=kind_chances).tolist())
        brand_picks = iter(self._numbers.choice(len(BRANDS), self.mentions, p=list(BRANDS.values())).tolist())
        recent: deque[tuple[Any, list[Any]]] = deque(maxlen=40)
        for number, when in enumerate(self._times(), 1):
            kind = kinds[next(picks)]
            mention, pairs = self._mention(number, when, kind, next(brand_picks), recent, batch[2])
            batch[0].append(mention)
            batch[1].extend(pairs)
            if len(batch[0]) == BATCH or number == self.mentions:
                yield batch
                batch = ([], [], [])
                # A mention that is written already can be the first of no cluster any more.
                recent.clear()

    def _times(self) -> Iterator[datetime]:
        """When things are said: more by day and on weekdays, more towards the end, with a dozen storms."""
        hours = int(YEAR / timedelta(hours=1))
        start = self.until - YEAR
        numbers = np.arange(hours)
        weight = (1.1 + np.sin((numbers % 24 - 9) / 24 * 2 * np.pi)) * (1 + numbers / hours)
        weight *= np.where((numbers // 24 + start.weekday()) % 7 < 5, 1.0, 0.7)
        for storm in self._numbers.integers(0, hours - 8, 12):
            weight[storm : storm + 8] *= 6
        counts = self._numbers.multinomial(self.mentions, weight / weight.sum())
        for hour, count in enumerate(counts.tolist()):
            for second in sorted(self._numbers.integers(0, 3_600_000, count).tolist()):
                yield start + timedelta(hours=hour, milliseconds=second)

    def _mention(
        self,
        number: int,
        when: datetime,
        kind: str,
        brand: int,
        recent: "deque[tuple[Any, list[Any]]]",
        scores: list[Any],
    ) -> tuple[list[Any], list[list[Any]]]:
        chance = self.random.random
        lang = "es" if chance() < 0.6 else "en"
        author = self._first[kind] + int(self.authors[kind] * chance() ** 2.5)
        reach = None if kind in UNREACHED else int(self.random.lognormvariate(6, 1.8))
        likes = int(chance() ** 8 * 5_000)
        row = [
            number, kind, f"m{number}", list(PLATFORMS).index(kind) + 1, author, "",
            f"https://example.com/{kind}/m{number}", lang, reach, json.dumps({"likes": likes}), None, at(when),
            at(when + timedelta(seconds=60 + int(chance() * 900))), None, None, None, None, None,
        ]  # fmt: skip
        # Where a platform's terms want that, what it still has is looked up again every day.
        row[16] = at(self.until) if kind in demands() else row[12]
        if recent and chance() < 0.06:
            return row, self._copy(row, when, recent, scores)
        if recent and chance() < 0.1:
            answered = recent[int(chance() * len(recent))][0]
            if answered[1] == kind:
                row[10] = answered[2]
        label = LABELS[0 if (roll := chance()) < 0.55 else 1 if roll < 0.82 else 2]
        name = list(BRANDS)[brand]
        said = say(self.random, lang, label, name)
        about = [(brand, said.spans, label)]
        if chance() < 0.08:
            other = int(chance() * len(BRANDS))
            if other != brand:
                rival = list(BRANDS)[other]
                said = Said(
                    f"{said.text} {rival} {'is no better' if lang == 'en' else 'tampoco es mejor'}.", said.spans
                )
                about.append((other, places(said.text, rival), "passive"))
        row[_TEXT], row[_ALSO] = said.text, more_words(said.text)
        found = wording(said.text)
        row[14] = found.digest if found else None
        spoken = set(_WORD.findall(said.text.lower()))
        themes = [theme for theme, words in THEMES.items() if not spoken.isdisjoint(words)]
        pairs = [self._pair(row, when, one, spans, its, themes, None, scores) for one, spans, its in about]
        if found:
            recent.append((row, pairs))
        return row, pairs

    def _copy(
        self, row: list[Any], when: datetime, recent: "deque[tuple[Any, list[Any]]]", scores: list[Any]
    ) -> list[Any]:
        """The same words again, by somebody else: counted among the copies of the first."""
        first, pairs = recent[int(self.random.random() * len(recent))]
        for place in (_TEXT, 7, 14, _ALSO):
            row[place] = first[place]
        row[_CLUSTER] = first[_CLUSTER] = first[0]
        if row[1] == first[1] and self.random.random() < 0.5:
            row[13] = first[2]
        self.copies += 1
        return [
            self._pair(row, when, one[2] - 1, json.loads(one[3]), one[4], json.loads(one[17]), one, scores)
            for one in pairs
        ]

    def _pair(
        self, row: list[Any], when: datetime, brand: int, spans: list[list[int]], label: str, themes: list[str],
        copy_of: list[Any] | None, scores: list[Any],
    ) -> list[Any]:  # fmt: skip
        self.pairs += 1
        lang, kind, reach, brand_id = row[7], row[1], row[8], brand + 1
        scored = self._scores[label][int(self.random.random() * len(self._scores[label]))]
        hidden = copy_of[10] if copy_of is not None else NOT_RELEVANT if self.random.random() < 0.03 else None
        reason, verdict = self._judged(brand, label, when, row, copy=copy_of is not None, hidden=hidden is not None)
        scored_at = row[12]
        scores.append((
            self.pairs, self.pairs, seed_scores.MODEL, seed_scores.REVISION, label, scored.unsure, lang,
            *scored.columns, scored_at,
        ))  # fmt: skip
        if hidden is None:
            self._count(brand_id, kind, label, row[11][:13], reach, copy=copy_of is not None, values=(
                ("lang", lang), ("polarity", scored.polarity), ("emotion", scored.emotion),
                *(("theme", theme) for theme in themes),
            ))  # fmt: skip
            if copy_of is None and brand < OWN:
                if label == "promoter":
                    self.promoters.append((self.pairs, brand_id, when))
                if self.random.random() < 0.002:
                    self.corrected.append((self.pairs, label, when))
        return [
            self.pairs, row[0], brand_id, json.dumps(spans), label, scored_at, scored_at, reason, verdict, False,
            hidden, copy_of[0] if copy_of is not None else None, 0, row[11], lang, scored.polarity, scored.emotion,
            json.dumps(themes),
        ]  # fmt: skip

    def _judged(
        self, brand: int, label: str, when: datetime, row: list[Any], *, copy: bool, hidden: bool
    ) -> tuple[str, str]:
        """The verdict that is shown, and that of each rule. An own brand has an incident every thousand mentions."""
        if hidden or brand >= OWN or copy:
            reason = Reason.NOT_RELEVANT if hidden else Reason.RULE_OFF if brand >= OWN else Reason.COPY
            return reason.value, json.dumps(dict.fromkeys(RULES_ON, reason.value))
        by_rule = dict.fromkeys(RULES_ON, Reason.NOT_A_DETRACTOR.value)
        shown = Reason.NOT_A_DETRACTOR
        if label == "detractor":
            by_rule["detractor"] = (shown := Reason.BELOW_REACH).value
            story = self._open.get(brand)
            if (story is None or story.full) and row[0] >= self._due:
                self._due += 1000
                rule = RULES_ON[len(self.stories) % len(RULES_ON)]
                size = 1 + int(self.random.random() ** 2 * 60)
                story = Story(brand + 1, list(BRANDS)[brand], rule, size, when, when)
                self._open[brand] = story
                self.stories.append(story)
            if story is not None and not story.full:
                shown = story.join(self.pairs, when, row[8], row[1], row[7])
                by_rule[story.rule] = shown.value
        return shown.value, json.dumps(by_rule)

    def _count(
        self, brand_id: int, kind: str, label: str, hour: str, reach: int | None, *, copy: bool,
        values: tuple[tuple[str, str | None], ...],
    ) -> None:  # fmt: skip
        key = (brand_id, kind, label, hour)
        self.hour_reach[key] += reach or 0
        (self.hour_copies if copy else self.hours)[key] += 1
        if not copy:
            for facet, value in values:
                if value is not None:
                    self.facets[brand_id, facet, value, label, hour] += 1
