"""Invented posts that name brands with opposite feelings, for public data has hardly any.

The phrases and patterns lie in `contrasts/<language>.txt`, a section for each kind of phrase. In a pattern `{G}` and
`{H}` are brands that the post likes, `{B}` and `{C}` brands that it dislikes, `{N}` and `{M}` brands of no feeling, so
that a pattern carries its own labels. `[v+]` stands for any phrase of section `v+`, `[v+.inf]` for its infinitive,
and `[clause+:G]` for a clause whose `~` is that brand. `air|` before a phrase keeps it to posts about airlines.
"""

import argparse
import json
import random
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PHRASES = Path(__file__).parent / "contrasts"
LANGUAGES = {"en": 0.35, "es": 0.35, "fr": 0.075, "de": 0.075, "it": 0.075, "pt": 0.075}
LABELS = {"G": 1, "H": 1, "B": -1, "C": -1, "N": 0, "M": 0}
CLAUSES = {1: "+", -1: "-", 0: "0"}
# What a post is made of, by the brands in it, and how often.
CASTS = {
    "GB": 0.42,
    "GN": 0.08,
    "BN": 0.08,
    "NM": 0.06,
    "GH": 0.04,
    "BC": 0.04,
    "GBC": 0.02,
    "GBN": 0.03,
    "single": 0.26,
}
# How two clauses are joined: into one sentence, or into several, where exclamations fit too.
APART = ("beside", "apart")
JOINED = {"GB": ("join", "pile"), "GN": APART, "BN": APART, "NM": APART, "GH": ("also", ""), "BC": ("also", "")}
PARTS = (
    "heads",
    "tails",
    "never",
)  # what in the file of names is not a sector: pieces of names, and what none may hold
LONGEST = 40  # words of a post with all that stands around its core

_SLOT = re.compile(r"\[([a-z]+[+0-])(?:\.(\w+))?(?::([A-Z]))?\]")
_BRAND = re.compile(r"\{([A-Z])\}")
_WORD = re.compile(r"(?<![\w@#/.'])[^\W\d_]{5,}(?![\w:/.])")  # a long enough word, nothing of a link, handle or hashtag
_VOWELS = "aeiouyàâäéèêëíîïóôöúûüAEIOUYÀÂÄÉÈÊËÍÎÏÓÔÖÚÛÜ"

Phrase = tuple[frozenset[str], str]


@cache
def read(name: str) -> dict[str, tuple[Phrase, ...]]:
    """The sections of a phrase file: each phrase with the sectors that it is kept to."""
    sections: dict[str, list[Phrase]] = {}
    for line in (PHRASES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            current = sections.setdefault(line[2:], [])
        elif line:
            sectors, bar, text = line.partition("|")
            current.append((frozenset(sectors.split()), text.strip()) if bar else (frozenset(), line))
    return {section: tuple(phrases) for section, phrases in sections.items()}


@cache
def table(lang: str, section: str) -> dict[str, str]:
    """A section whose lines are `key=value`."""
    return dict(text.split("=", 1) for _, text in read(lang).get(section, ()))


@cache
def patterns(lang: str, cast: str, sector: str) -> dict[str, tuple[str, ...]]:
    """The whole-post patterns of a cast that fit the sector, by the brand that stands first in them."""
    found: dict[str, list[str]] = {}
    for sectors, text in [
        phrase for name in (("single",) if cast == "single" else ("contrast", "other")) for phrase in read(lang)[name]
    ]:
        if sectors and sector not in sectors:
            continue
        letters = list(dict.fromkeys(_BRAND.findall(text) + re.findall(r"\[[^\]]*:([A-Z])\]", text)))
        if cast == "single" or sorted(letters) == sorted(cast):
            found.setdefault(letters[0], []).append(text)
    return {first: tuple(texts) for first, texts in found.items()}


def english(phrase: str, form: str) -> str:
    """A phrase that begins with a base form, in the past or as `part`iciple, `ing` or `base`."""
    adverb, verb, rest = re.fullmatch(r"((?:never|finally|even) )?(\w+)(.*)", phrase).groups(default="")
    if form == "base":
        return phrase
    if verb in table("en", "verbs"):
        past, part, ing = table("en", "verbs")[verb].split(",")
    else:
        stem = verb[:-1] if verb.endswith("e") else verb
        past = part = stem[:-1] + "ied" if re.search(r"[^aeiou]y$", stem) else stem + "ed"
        ing = stem + "ing"
    return adverb + {"past": past, "part": part, "ing": ing}[form] + rest


def spanish(phrase: str, form: str) -> str:
    """A phrase in the preterite, or as `inf`initive with its pronoun behind."""
    if form != "inf":
        return phrase
    no, pronoun, verb, rest = re.fullmatch(r"(no )?((?:me|nos|se|lo|la) )?(\w+)(.*)", phrase).groups(default="")
    infinitive = table("es", "verbs").get(verb) or re.sub(r"(?<!i)ó$", "ar", verb)
    if not infinitive.endswith("r"):
        raise ValueError(f"no infinitive is known for {verb!r}")
    return no + infinitive + pronoun.strip() + rest


def portuguese(phrase: str, form: str) -> str:
    """A phrase in the preterite, or as `inf`initive."""
    if form != "inf":
        return phrase
    before, verb, rest = re.fullmatch(r"((?:(?:não|nunca|me|nos|se) )*)(\w+)(.*)", phrase).groups(default="")
    infinitive = table("pt", "verbs").get(verb) or re.sub("ou$", "ar", re.sub("eu$", "er", re.sub("iu$", "ir", verb)))
    if not infinitive.endswith("r"):
        raise ValueError(f"no infinitive is known for {verb!r}")
    return before + infinitive + rest


def french(phrase: str, form: str) -> str:
    """A phrase with `a` and a participle, or as `inf`initive with `avoir`."""
    return re.sub(r"(?<!\w)a(?= )", "avoir", phrase, count=1) if form == "inf" else phrase


def italian(phrase: str, form: str) -> str:
    """A phrase with `ha` and a participle, or as `inf`initive with `aver`."""
    if form != "inf":
        return phrase
    no, pronoun, rest = re.fullmatch(r"(non )?((?:mi|ci|lo|la) )?(?:ha) (.*)", phrase).groups(default="")
    return f"{no}aver{pronoun.strip()} {rest}"


FORMS: dict[str, Callable[[str, str], str]] = {
    "en": lambda phrase, form: english(phrase, form or "past"),
    "es": spanish,
    "pt": portuguese,
    "fr": french,
    "it": italian,
    "de": lambda phrase, _: phrase,
}


@dataclass
class Writer:
    """Fills the patterns of one post: one sector, no phrase twice."""

    rng: random.Random
    lang: str
    sector: str
    used: set[str] = field(default_factory=set)

    def phrase(self, section: str) -> str:
        """A phrase of the section: of the sector as often as a general one."""
        fitting = [text for sectors, text in read(self.lang)[section] if not sectors and text not in self.used]
        special = [
            text for sectors, text in read(self.lang)[section] if self.sector in sectors and text not in self.used
        ]
        chosen = self.rng.choice(special if special and self.rng.random() < 0.5 else fitting)
        if "[" not in chosen:
            self.used.add(chosen)
        return chosen

    def fill(self, pattern: str) -> str:
        """The pattern with every `[slot]` filled; brands stay letters."""
        while slot := _SLOT.search(pattern):
            section, form, letter = slot.groups(default="")
            phrase = self.phrase(section)
            if section[0] == "v":
                phrase = FORMS[self.lang](phrase, form)
            if letter:
                phrase = re.sub(r"\[([a-z]+[+0-])\]", rf"[\1:{letter}]", phrase).replace("~", f"{{{letter}}}")
            pattern = pattern[: slot.start()] + phrase + pattern[slot.end() :]
        return pattern

    def clause(self, letter: str, *, loose: bool) -> str:
        """A clause about the brand, or, where a sentence begins anyway, perhaps an exclamation; perhaps a picture."""
        sign = CLAUSES[LABELS[letter]]
        kind = "shout" if loose and sign != "0" and self.rng.random() < 0.3 else "clause"
        text = self.fill(f"[{kind}{sign}:{letter}]")
        if loose and sign != "0":
            text = self.followed(text, sign, 0.12)
            if self.rng.random() < 0.1:
                text += " " + self.phrase(f"emoji{sign}")
        return text

    def followed(self, text: str, sign: str, chance: float) -> str:
        """What was said of one brand, perhaps with a sentence more about it."""
        return f"{ended(text)} {self.fill(f'[then{sign}]')}" if self.rng.random() < chance else text

    def core(self, cast: str) -> str:
        """What is said of the brands: a pattern for the whole, or two clauses joined."""
        by_first = patterns(self.lang, cast, self.sector)
        if cast in JOINED and self.rng.random() < 0.5:
            letters = self.rng.sample(cast, 2)
            tight, apart = JOINED[cast]
            loose = bool(apart) and self.rng.random() < 0.6
            first, second = (self.clause(letter, loose=loose) for letter in letters)
            return self.phrase(apart if loose else tight).replace("{1}", first).replace("{2}", second)
        if cast != "single":
            return self.fill(self.rng.choice(by_first[self.rng.choice(sorted(by_first))]))
        letter = self.rng.choices("GBN", (4, 4, 2))[0]
        text = self.fill(self.rng.choice(by_first[letter]))
        return self.followed(text, CLAUSES[LABELS[letter]], 0.2) if letter != "N" else text

    def around(self, core: str) -> str:
        """The core with an opener, a closer, or a sentence about something else."""
        rng = self.rng
        text = core
        if rng.random() < 0.2:
            text = f"{self.phrase('open')} {text}"
        if rng.random() < 0.18:
            aside = self.phrase("aside")
            text = f"{aside}. {text}" if rng.random() < 0.5 else f"{ended(text)} {aside}"
        if rng.random() < 0.15:
            text = f"{ended(text)} {self.phrase('close')}"
        if rng.random() < 0.1:
            text = f"{text} {self.phrase('emoji0')}"
        return core if len(text.split()) > LONGEST else text


def ended(text: str) -> str:
    """The text with a full stop, unless it ends otherwise."""
    return text if text[-1] in ".!?" else text + "."


def plain(text: str) -> str:
    """Without accents."""
    return "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))


def fold(text: str) -> str:
    """Lower case letters and digits only: how two names are compared."""
    return "".join(char for char in plain(text).casefold() if char.isalnum())


def punctuate(text: str, lang: str, rng: random.Random) -> str:
    """Capitals where sentences begin, a stop at the end; in Spanish sometimes the opening marks too."""
    if lang == "es" and rng.random() < 0.35:
        text = re.sub(r"(^|[.!?:] )([^.!?:¿]+\?)", r"\1¿\2", text)
    text = re.sub(r"((?:^|[.!?] )[¿¡]?)(?!https|rt )([^\W\d_])", lambda match: match[1] + match[2].upper(), text)
    bare = (text[-1].isalnum() or text[-1] == "}") and text.split()[-1][0] not in "#@" and "://" not in text
    return text + rng.choice(("", ".", ".", "!")) if bare else text


def typo(word: str, rng: random.Random) -> str:
    """A word with two letters swapped, one lost or one doubled."""
    at = rng.randrange(1, len(word) - 1)
    kind = rng.randrange(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]


def in_words(text: str, change: Callable[[str], str]) -> str:
    """The text with `change` applied to what is not a brand."""
    return "".join(part if _BRAND.fullmatch(part) else change(part) for part in re.split(r"(\{[A-Z]\})", text))


def roughen(text: str, lang: str, rng: random.Random) -> str:
    """The text as people type: without accents, with slang, slips, stretched or shouted words. Brands stay."""
    if rng.random() < 0.12:
        slang = table(lang, "slang")
        for word in rng.sample(sorted(slang), len(slang)):
            text = in_words(text, lambda part, word=word: re.sub(rf"\b{word}\b", slang[word], part))
    if rng.random() < 0.1:
        stretch = "|".join(word for _, word in read(lang)["stretch"])
        text = in_words(
            text,
            lambda part: re.sub(
                rf"\b((?:{stretch})\b)", lambda m: re.sub(r"([aeiou])([^aeiou]*)$", r"\1\1\1\2", m[1]), part
            ),
        )
    if rng.random() < 0.12:
        words = _WORD.findall(text)
        for word in rng.sample(words, min(len(words), rng.choice((1, 1, 2)))):
            text = text.replace(word, typo(word, rng), 1)
    if lang in ("es", "fr", "it", "pt") and rng.random() < 0.2:
        text = in_words(text, plain)
    if rng.random() < 0.05:
        words = _WORD.findall(text)
        text = text.replace(word, word.upper(), 1) if words and (word := rng.choice(words)) else text
    return text


@dataclass
class Names:
    """Gives brands to posts so that each is liked as often as disliked."""

    rng: random.Random
    balance: Counter[str] = field(default_factory=Counter)

    def draw(self, sector: str) -> str:
        """A real company, of the sector more often than not, or an invented one."""
        rng = self.rng
        if rng.random() < 0.45:
            lists = read("names")
            sectors = [name for name in lists if name not in PARTS]
            return rng.choice(lists[sector if rng.random() < 0.8 else rng.choice(sectors)][0][1].split(", "))
        kind = rng.random()
        if kind < 0.12:
            return "".join(rng.choices("BCDFGHJKLMNPQRSTVWXZ", k=rng.choice((3, 3, 4))))
        word = invented(rng)
        if kind < 0.3:
            heads, tails = (read("names")[part][0][1].split(", ") for part in ("heads", "tails"))
            return rng.choice((f"{rng.choice(heads)} {word}", f"{word} {rng.choice(tails)}", word + rng.choice(tails)))
        return word

    def cast(self, letters: str, sector: str) -> dict[str, str]:
        """A brand for each letter; of the names drawn the least liked so far are liked now, and the other way round."""
        drawn: list[str] = []
        while len(drawn) < len(letters) + 1:
            name = self.draw(sector)
            if not any(fold(name) in fold(other) or fold(other) in fold(name) for other in drawn):
                drawn.append(name)
        drawn.sort(key=lambda name: self.balance[name])
        given = {}
        for letter in sorted(letters, key=lambda one: -abs(LABELS[one])):
            given[letter] = drawn.pop(0 if LABELS[letter] > 0 else -1)
            self.balance[given[letter]] += LABELS[letter]
        return given


def invented(rng: random.Random) -> str:
    """A name that means nothing: two or three syllables."""
    heads = ("b", "br", "c", "cl", "d", "dr", "f", "fl", "g", "gr", "h", "j", "k", "kr", "l", "m", "n", "p", "pl", "qu")
    heads += ("r", "s", "sk", "st", "t", "tr", "v", "w", "x", "z", "")
    vowels = ("a", "e", "i", "o", "u", "a", "e", "o", "ia", "io", "ea", "y")
    ends = ("", "", "n", "r", "x", "l", "s", "k", "ra", "to", "va", "ly", "zo", "tec", "nor", "dis", "via")
    syllables = rng.choice((1, 2, 2, 3))
    middle = "".join(rng.choice(heads) + rng.choice(vowels) for _ in range(syllables))
    word = middle + rng.choice(ends if syllables > 1 else ends[6:])
    telling = any(part in word for part in read("names")["never"][0][1].split(", "))
    return word.capitalize() if 4 <= len(word) <= 9 and not telling else invented(rng)


def shown(name: str, lang: str, style: str, rng: random.Random) -> str:
    """A brand as a post writes it: as it is, as a handle or hashtag, small or in capitals."""
    bare = re.sub(r"\W", "", plain(name))
    if style == "handle":
        helps = ("", "", "", "_" + lang.upper(), "Help", "Support", "Cares", "Official")
        return f"@{bare}{rng.choice(helps) if len(bare) >= 4 else ''}"
    if style == "hashtag":
        return f"#{bare}"
    return {"lower": name.lower(), "upper": name.upper()}.get(style, name)


def vary_articles(text: str, rng: random.Random) -> str:
    """Portuguese brands made masculine, each perhaps, unless another word agrees with them."""
    if re.search(r"\b(?:ela|dela|lenta|boa|honesta|rápida|primeira|segunda|outras|duas|mesma|uma)\b", text):
        return text
    for letter in sorted(set(_BRAND.findall(text))):
        if rng.random() < 0.35:
            for old, new in (("a", "o"), ("da", "do"), ("na", "no"), ("à", "ao"), ("pela", "pelo")):
                text = re.sub(rf"\b{old} \{{{letter}\}}", f"{new} {{{letter}}}", text)
                text = re.sub(rf"\b{old.capitalize()} \{{{letter}\}}", f"{new.capitalize()} {{{letter}}}", text)
    return text


def elide(text: str, lang: str) -> str:
    """What a neighbouring letter changes: French de and que, Spanish y and o, the English genitive."""
    if lang == "fr":
        return re.sub(rf"\b(d|qu|D|Qu)e (?=[{_VOWELS}])(?![yY][{_VOWELS}])", r"\1'", text)
    if lang == "es":
        return re.sub(r"\bo (?=[oO])", "u ", re.sub(r"\by (?=[iI](?![aeo]))", "e ", text))
    if lang == "en":
        return re.sub(r"(?<=s)'s\b", "'", re.sub(r"('s)'s\b", r"\1", text, flags=re.I), flags=re.I)
    return text


def post(rng: random.Random, names: Names, lang: str, cast: str) -> tuple[str, dict[str, str]]:
    """One post and the brand of each letter in it."""
    sector = rng.choice([name for name in read("names") if name not in PARTS])
    writer = Writer(rng, lang, sector)
    pattern = writer.core(cast)
    if lang == "pt":
        pattern = vary_articles(pattern, rng)
    letters = "".join(dict.fromkeys(_BRAND.findall(pattern)))
    text = roughen(punctuate(writer.around(pattern), lang, rng), lang, rng)
    given = names.cast(letters, sector)
    lower, upper = rng.random() < 0.2, rng.random() < 0.04
    text = in_words(text, str.lower if lower else str.upper) if lower or upper else text
    for letter, name in given.items():
        style = rng.choices(("", "handle", "hashtag", "lower", "upper"), (70, 18, 6, 3, 3))[0]
        if (lower or upper) and style in ("", "lower", "upper"):
            style = "lower" if lower else "upper"
        text = text.replace(f"{{{letter}}}", shown(name, lang, style, rng))
    return elide(text, lang), given


def generate(seed: int, many: int) -> list[dict[str, Any]]:
    """`many` rows in a reproducible order: one row for each brand of a post, posts with two brands twice in a row."""
    rng = random.Random(seed)
    names = Names(rng)
    seen: set[str] = set()
    rows: list[dict[str, Any]] = []
    while len(rows) < many:
        lang, cast = (rng.choices(list(shares), list(shares.values()))[0] for shares in (LANGUAGES, CASTS))
        text, given = post(rng, names, lang, cast)
        if text in seen:
            continue
        seen.add(text)
        for letter, name in given.items():
            row = {"text": text, "target": name, "lang": lang, "label": LABELS[letter], "scale": 3}
            rows.append({**row, "source": "contrasts"})
    return rows[:many]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print rows, to be read or, as JSON lines, kept."""
    parser = argparse.ArgumentParser(description="Write invented posts that name brands with opposite feelings.")
    parser.add_argument("--many", type=int, default=40, help="rows to write (default: 40)")
    parser.add_argument("--seed", type=int, default=1, help="rows of the same seed are the same (default: 1)")
    parser.add_argument("--lang", choices=LANGUAGES, help="print only rows of this language")
    parser.add_argument("--json", action="store_true", help="print JSON lines instead of a table")
    options = parser.parse_args(arguments)
    for row in generate(options.seed, options.many):
        if options.lang in (None, row["lang"]):
            shown_row = f"{row['label']:+d}  {row['lang']}  {row['target']:<18}  {row['text']}"
            print(json.dumps(row, ensure_ascii=False) if options.json else shown_row)


if __name__ == "__main__":
    main()
