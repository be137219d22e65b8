"""What must hold for any query and any text."""

from itertools import pairwise

from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from listener.query import Query, QueryError, QuerySet, parse, prepare
from listener.query.enclitics import PRONOUNS, forms
from listener.query.folding import fold
from listener.query.outline import outline

from .strategies import about, asked, joined_texts, queries, texts

MORE = settings(max_examples=25, deadline=None)
FEWER = settings(max_examples=25, deadline=None)
ALPHABET = st.sampled_from(
    [*'()"“-=*~#@$:/. ', "a", "B", "é", "ß", "日", "🍎", "\u0301", "\x00", "AND", "OR", "NEAR/2", "from:"]
)


def read(query: str) -> Query:
    """The query, if it is one."""
    try:
        return parse(query)
    except QueryError:
        assume(False)
        raise


@MORE
@given(query=queries)
def test_a_query_written_down_is_the_same_query(query: str) -> None:
    parsed = read(query)
    assert parse(str(parsed)) == parsed


@MORE
@given(query=st.lists(ALPHABET, max_size=25).map("".join) | st.text(max_size=40))
@example("=$a")
@example('"#a" -from:"b c" #a* "a*"')
@example("@a. #a:! =-a")
def test_any_query_is_read_or_refused_with_a_place(query: str) -> None:
    refused: QueryError | None = None
    try:
        parsed = parse(query)
    except QueryError as error:
        refused = error
    if refused is None:
        assert parse(str(parsed)) == parsed
        assert outline(parsed)[0][0] == 0
    else:
        assert 1 <= refused.column <= len(query) + 1
        assert str(refused).startswith(f"column {refused.column}: ")


@MORE
@given(asked=asked(), more=joined_texts, about=about)
def test_places_are_sorted_and_apart(asked: tuple[str, str], more: str, about: dict[str, str]) -> None:
    query, text = asked[0], asked[1] + more
    parsed = read(query)
    spans = parsed.match(prepare(text, **about))  # type: ignore[arg-type]
    for start, end in spans or ():
        assert 0 <= start < end <= len(text)
        assert not text[start].isspace()
        assert not text[end - 1].isspace()
    assert all(left.end <= right.start for left, right in pairwise(spans or ()))


@MORE
@given(word=st.sampled_from(["iberia", "niño", "日本", "H&M", "coca-cola", "🍎"]), text=joined_texts)
def test_the_place_of_a_word_holds_that_word(word: str, text: str) -> None:
    query = parse(f'"{word}"')
    for start, end in query.match(text) or ():
        shown = text[start:end]
        assert query.match(shown) is not None or query.match(f"#{shown}") is not None


@MORE
@given(query=st.lists(queries, max_size=6), text=texts | joined_texts, about=about)
def test_many_queries_at_once_find_what_each_finds(query: list[str], text: str, about: dict[str, str]) -> None:
    parsed = {}
    for one in query:
        try:
            parsed[one] = parse(one)
        except QueryError:
            continue
    prepared = prepare(text, **about)  # type: ignore[arg-type]
    alone = {key: spans for key, one in parsed.items() if (spans := one.match(prepared)) is not None}
    several = QuerySet(parsed)
    assert several.match(prepared) == alone
    assert list(several.match(prepared)) == list(alone)
    # What the quick ways out rule out does not match without them either.
    assert alone.keys() == {key for key, one in parsed.items() if one.places(prepared) is not None}


@FEWER
@given(asked=asked(), about=about)
def test_not_is_the_opposite(asked: tuple[str, str], about: dict[str, str]) -> None:
    query, text = asked
    parsed = read(query)
    prepared = prepare(f"{text} always", **about)  # type: ignore[arg-type]
    opposite = parse(f"always -({parsed})")
    assert (opposite.match(prepared) is None) == (parsed.match(prepared) is not None)


@FEWER
@given(text=st.text(max_size=60))
@example("ﬁ½™ǅＩİıẞΣς")
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert prepare(text).folded.split() == fold(text).split()


@FEWER
@given(
    verb=st.sampled_from(["devolver", "pagar", "decir", "diciendo", "devuelvan", "dame"]),
    more=st.sampled_from(sorted(PRONOUNS)),
)
def test_a_verb_is_found_with_pronouns(verb: str, more: str) -> None:
    text = f"¿Pueden {verb.upper()}{more}?"
    spans = parse(f"{verb}~").match(text)
    assert spans == ((8, 8 + len(verb) + len(more)),)
    assert parse(verb).match(text) is None


@FEWER
@given(verb=st.sampled_from(["devolver", "pagando"]), more=st.text("aeilmnorst", min_size=1, max_size=7))
def test_a_verb_is_not_found_with_anything_else(verb: str, more: str) -> None:
    assert (parse(f"{verb}~").match(verb + more) is not None) == (verb + more in forms(verb))
    assert (more in PRONOUNS) == (verb + more in forms(verb))


@FEWER
@given(
    words=st.lists(st.sampled_from(["Iberia", "Vuelo", "Niño", "Año", "Delta"]), min_size=1, max_size=4),
    number=st.sampled_from(["", "2026"]),
)
def test_each_word_of_a_joined_hashtag_is_found_where_it_stands(words: list[str], number: str) -> None:
    text = f"hoy #{''.join(words)}{number}!"
    for word in words:
        spans = parse(word).match(text)
        assert spans is not None
        assert all(text[start:end] == word for start, end in spans)
    whole = parse("#" + "".join(words) + number)
    assert whole.match(text) == ((4, len(text) - 1),)


@MORE
@given(
    words=st.lists(st.sampled_from(["a", "b", "c"]), max_size=10),
    distance=st.integers(1, 4),
    glue=st.sampled_from([" ", ", ", "! "]),
)
def test_near_is_what_counting_words_gives(words: list[str], distance: int, glue: str) -> None:
    text = glue.join(words)
    pairs = [
        (first, second)
        for first, one in enumerate(words)
        for second, other in enumerate(words)
        if {one, other} == {"a", "b"} and abs(first - second) <= distance
    ]
    wanted = sorted({place for pair in pairs for place in pair})
    spans = parse(f"a NEAR/{distance} b").match(text)
    assert [start // (1 + len(glue)) for start, _ in spans or ()] == wanted
