"""Random queries and texts that have something to do with each other, and a fresh eye on what they say."""

import re

from hypothesis import strategies as st

WORDS = [
    "iberia",
    "delta",
    "vuelo",
    "niño",
    "Straße",
    "C++",
    "H&M",
    "🍎",
    "coca-cola",
    "苹果",
    "日",
    "İx",
    "e\u0301a",
    "🇪🇸",
]
VERBS = ["devolver", "devuelvan", "devolviendo", "vamos"]
PRONOUNS = ["me", "lo", "nos", "melo", "selos", "oslas"]
TAGS = ["#iberia", "#año", "@iberia", "@iberia_es", "@delta.com"]
LANGS = ["es", "es-mx", "en"]
SOURCES = ["x", "reddit", "mine"]
AUTHORS = ["iberia", "delta.com", "El País"]

phrases = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(lambda words: f'"{" ".join(words)}"')
placed = st.one_of(
    st.sampled_from(WORDS),
    phrases,
    phrases.map(lambda phrase: f"={phrase}"),
    st.sampled_from(["=Delta", "=iberia", "iber*", "vue*", "=Del*", '"delta vue*"', "#ibe*", "devolver~", "vamos~"]),
    st.sampled_from(TAGS),
)
fields = st.one_of(
    st.sampled_from(LANGS).map(lambda lang: f"lang:{lang}"),
    st.sampled_from(SOURCES).map(lambda source: f"source:{source}"),
    st.sampled_from(AUTHORS).map(lambda author: f'author:"{author}"'),
)
groups = st.one_of(placed, st.tuples(placed, placed).map(lambda two: f"({two[0]} OR {two[1]})"))
near = st.tuples(groups, st.integers(1, 4), groups).map(lambda near: f"{near[0]} NEAR/{near[1]} {near[2]}")

queries = st.recursive(
    st.one_of(placed, placed, placed, near, fields),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} OR {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} NOT {two[1]})"),
    ),
    max_leaves=6,
)
"""Not all of them are valid: some only say what to leave out."""

_SHOWN = [
    *WORDS, *TAGS, *(word.upper() for word in WORDS), "Delta", "Iberian", "vuelos", "vuela", "#Iberian", "ninõ", "-",
    "!", ",", "\u200b", "…", "devolverme", "DEVUÉLVANMELO", "devolviéndolos", "vámonos", "ß", "x",
]  # fmt: skip
texts = st.lists(st.sampled_from(_SHOWN), max_size=12).map(" ".join)

joined_texts = st.lists(
    st.sampled_from([*_SHOWN, "#IberiaFail", "#elDelta2026", "#iberia_vuelo", "#CocaCola", "#ÎBERIANiño", " "]),
    max_size=12,
).map("".join)
"""Texts in which things stand against each other, and joined hashtags."""

about = st.fixed_dictionaries(
    {
        "lang": st.none() | st.sampled_from(LANGS),
        "source": st.none() | st.sampled_from(SOURCES),
        "author": st.none() | st.sampled_from([*AUTHORS, "@Iberia"]),
    }
)


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, str]:
    """A query and a text that has words of it, so that they often match."""
    query = draw(queries)
    words = [word.strip("=~*") for word in re.findall(r'[^\s()"]+', query) if not re.match("OR$|NOT$|NEAR/|.*:", word)]
    text = draw(st.lists(st.sampled_from(words * 3 + _SHOWN) if words else st.just("x"), min_size=2, max_size=14))
    return query, " ".join(text)


unseen = st.lists(st.sampled_from([*WORDS, *TAGS, "Iberian", "deltas", "vuelos"]), max_size=8).map(" ".join)
"""What a platform searches and we do not see: the body of an article, the description of a picture."""
