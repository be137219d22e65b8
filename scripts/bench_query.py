#!/usr/bin/env python3
"""How long 10,000 mentions take against 50 queries, beside the obvious way: a compiled regular expression per query.

    scripts/bench_query.py                      made-up mentions the size of tweets, English and Spanish, with accents
    scripts/bench_query.py --data FILE.jsonl    the "text" of your own rows, repeated or cut to --mentions
    scripts/bench_query.py --mentions 50000

Both begin with the text as it came (``prepare`` is counted) and take turns, round by round, on one core: a shared
machine's speed swings, so their ratio means more than the seconds. The regular expressions know neither AND nor NEAR,
accents nor tags: they only look for any of a query's words, so the obvious way is let off lightly. The last line is
JSON.
"""

import argparse
import json
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from listener.query import Query, QuerySet, parse, prepare
from listener.query.terms import Field, Tag, Term
from listener.query.tree import walk

BRANDS = (
    "Iberia", "Vueling", "Telefónica", "Movistar", "Orange", "Delta", "Apple", "Mango", "Visa", "Santander", "Zara",
    "Renfe", "Endesa", "Repsol", "Mapfre", "Bankinter", "Correos", "Mercadona", "Lidl", "Ikea",
)  # fmt: skip
ENGLISH = re.findall(
    r"\S+",
    "the flight was late again and nobody told us why i waited three hours at the gate for my bag customer service is "
    "awful great app works fine love this new phone battery lasts all day worst airline ever never again thanks for "
    "the quick refund store closed card declined price went up can't believe it don't buy",
)
SPANISH = re.findall(
    r"\S+",
    "el vuelo salió tarde otra vez y nadie nos dijo por qué llevo tres horas esperando la maleta la atención al "
    "cliente es pésima no quieren devolverme el dinero mañana pongo una reclamación qué vergüenza señores gracias por "
    "la devolución rápida la tienda cerrada tarjeta rechazada subió el precio jamás volveré ojalá contesten pronto",
)
EXTRAS = ("😡", "❤️", "…", "¿en serio?", "https://t.co/abc123", "#fail", "#Qué", "@soporte", "100€", "“ya”", "👍🏽")


def made_up(count: int) -> list[str]:
    """Texts of 15 to 40 words; every third names a brand, some as a tag, a mention or a joined hashtag."""
    chance = random.Random(1)
    texts = []
    for number in range(count):
        words = chance.choices(ENGLISH if number % 2 else SPANISH, k=chance.randint(15, 40))
        if number % 3 == 0:
            brand = chance.choice(BRANDS)
            shown = chance.choice((brand, brand, brand.upper(), f"#{brand}", f"@{brand.lower()}", f"#{brand}Fail"))
            words.insert(chance.randrange(len(words)), shown)
        if chance.random() < 0.4:
            words.append(chance.choice(EXTRAS))
        texts.append(" ".join(words))
    return texts


def fifty() -> list[str]:
    """Queries as brands write them: alternatives, phrases, NEAR, wildcards, fields, what to leave out."""
    queries: list[str] = []
    for brand in BRANDS:
        tag = brand.lower()
        queries.append(f'{brand} OR #{tag} OR @{tag} OR "grupo {brand}" OR "{brand} customer service" -empleo -jobs')
        queries.append(f"{brand} NEAR/8 (flight OR vuelo OR tienda OR store OR card OR tarjeta) -from:{tag} -lang:de")
    return [
        *queries,
        "devolver~ (dinero OR maleta OR euros)", "reclamaci* -lang:en", "airlin* (late OR worst OR refund)",
        '"customer service" awful', '"atención al cliente" (pésima OR horrible)', "=Apple (iphone OR phone OR app)",
        "author:soporte OR @soporte", "#fail (vuelo OR flight)", '"worst airline ever" OR "never again"',
        "lang:es vergüenza señores",
    ]  # fmt: skip


def by_index(queries: list[Query]) -> Callable[[Iterable[str]], int]:
    """Ours: prepare each text, ask all queries."""
    several = QuerySet(dict(enumerate(queries)))
    languages = ("en", "es")

    def run(texts: Iterable[str]) -> int:
        return sum(
            len(several.match(prepare(text, lang=languages[number % 2], source="x", author=f"user{number}")))
            for number, text in enumerate(texts)
        )

    return run


def by_regex(queries: list[Query]) -> Callable[[Iterable[str]], int]:
    """The obvious way: any word of the query, case aside."""
    patterns = [re.compile(r"(?<!\w)(?:" + "|".join(_alternatives(query)) + ")", re.IGNORECASE) for query in queries]

    def run(texts: Iterable[str]) -> int:
        return sum(pattern.search(text) is not None for text in texts for pattern in patterns)

    return run


def _alternatives(query: Query) -> list[str]:
    found = []
    for atom in walk(query.root):
        match atom:
            case Term(written):
                found.append(re.escape(written.rstrip("*")) + ("" if atom.open or atom.verb else r"(?!\w)"))
            case Tag(sign, name):
                found.append(re.escape(sign + name))
            case Field():
                pass
    return found


def main() -> None:
    """Run both ways in turns and print what they took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="JSONL with a text in each row")
    parser.add_argument("--mentions", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    texts = _read(given.data, given.mentions) if given.data else made_up(given.mentions)
    queries = [parse(query) for query in fifty()]
    ours, obvious = by_index(queries), by_regex(queries)
    seconds: dict[str, list[float]] = {"index": [], "regex": []}
    found = 0
    for _ in range(given.rounds):
        for name, run in (("index", ours), ("regex", obvious)):
            begun = time.process_time()
            count = run(texts)
            seconds[name].append(time.process_time() - begun)
            found = count if name == "index" else found
    index, regex = (statistics.median(seconds[name]) for name in ("index", "regex"))
    print(f"{len(texts):,} mentions, {len(queries)} queries, {found:,} matches; medians of {given.rounds} rounds")
    print(f"index  {index:.2f} s   best {min(seconds['index']):.2f} s   {len(texts) / index:,.0f} mentions a second")
    print(f"regex  {regex:.2f} s   best {min(seconds['regex']):.2f} s   {regex / index:.1f} times as long")
    summary = {"mentions": len(texts), "queries": len(queries), "matches": found, "index_seconds": round(index, 3)}
    print(json.dumps({**summary, "regex_seconds": round(regex, 3), "ratio": round(regex / index, 2)}))


def _read(path: Path, count: int) -> list[str]:
    with path.open(encoding="utf-8") as lines:
        given = [str(json.loads(line)["text"]) for _, line in zip(range(count), lines, strict=False)]
    if not given:
        sys.exit(f"{path} is empty")
    return [given[number % len(given)] for number in range(count)]


if __name__ == "__main__":
    main()
