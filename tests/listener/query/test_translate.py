"""Plans: what each platform is asked, and that nothing a complete plan covers is lost."""

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from listener.query import QueryError, parse, prepare
from listener.query.dialects import BLUESKY, DIALECTS, GDELT, HACKERNEWS, MASTODON, REDDIT, YOUTUBE, Dialect, X
from listener.query.translate import translate

from .searching import Post, Search
from .strategies import LANGS, asked, unseen

EVERY = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=list(DIALECTS))
MANY = " OR ".join(f'"palabra número {number}"' for number in range(60))


@EVERY
@settings(max_examples=25, deadline=None)
@given(
    asked=asked(),
    lang=st.none() | st.sampled_from(LANGS),
    author=st.none() | st.sampled_from(["iberia", "@Iberia", "delta.com"]),
    unseen=unseen,
)
@example(('(iberia OR "C++") NEAR/3 delta -(vuelo OR "H&M" OR @iberia)', "iberia delta"), None, None, "")
@example(("iberia lang:es-mx", "iberia"), "es-mx", None, "")
@example(("(iber* OR delta) (vuelo OR niño)", "Iberian vuelo"), None, None, "")
@example(("delta -vuelo", "delta"), None, None, "vuelo")
@example(('delta -"coca-cola" -#iberia', "delta"), None, None, "coca cola #iberia")
@example(("delta -vuelo", "delta vuelos"), None, None, "")
@example(("delta NEAR/1 iberia", "iberia delta"), None, None, "")
def test_what_a_complete_plan_covers_is_found(
    dialect: Dialect, asked: tuple[str, str], lang: str | None, author: str | None, unseen: str
) -> None:
    query, text = asked
    try:
        parsed = parse(query)
    except QueryError:
        assume(False)
    plan = translate(parsed, dialect)
    found = [Search(dialect, search).finds(Post(text, lang, author, unseen)) for search in plan.searches]
    matches = parsed.match(prepare(text, lang=lang, source=dialect.name, author=author)) is not None
    if matches and plan.complete:
        assert any(found), plan
    if plan.exact:
        assert plan.complete
        assert matches or not any(found), plan
    if not plan.complete:
        assert any(note.startswith("Not everything can be found: ") for note in plan.notes)


@EVERY
@pytest.mark.parametrize(
    "query",
    [
        MANY,
        f"iberia ({MANY})",
        f"iberia -({MANY})",
        f"({MANY}) ({MANY.replace('número', 'other')})",
        f"iberia ({MANY}) -({MANY.replace('número', 'other')}) (a OR b OR c)",
        " OR ".join(f"(eins{n} zwei{n} -drei{n})" for n in range(40)),
        " ".join(f"(eins{n} OR zwei{n})" for n in range(30)),
        "devolver~ (devuelvan~ OR pagar~) (cobrar~ OR dar~)",
        '"' + "muy " * 300 + '"',
    ],
)
def test_whatever_is_long_is_split_into_what_fits(dialect: Dialect, query: str) -> None:
    parsed = parse(query)
    plan = translate(parsed, dialect)
    searches = [Search(dialect, search) for search in plan.searches]
    assert plan.complete or not any(word in query for word in ("palabra", "eins"))
    for number in (0, 29, 39):
        text = f"iberia palabra número {number} palabra other {number} a"
        text += f" eins{number} zwei{number}" if "drei" in query else "".join(f" eins{n}" for n in range(30))
        assert any(search.finds(Post(text, None, None)) for search in searches) or parsed.match(text) is None


@EVERY
def test_a_phrase_cut_to_the_length_is_said_to_be_filtered_afterwards(dialect: Dialect) -> None:
    plan = translate(parse('"' + "muy largo " * 60 + '"'), dialect)
    assert (len(plan.searches), plan.complete, plan.exact) == (1, True, False)
    (said,) = [note for note in plan.notes if note.startswith("Longer than the ")]
    assert f"{dialect.max_length} " in said
    assert len(said) < 200


@EVERY
def test_what_is_searched_beyond_the_text_is_said(dialect: Dialect) -> None:
    notes = translate(parse("iberia"), dialect).notes
    assert any(note.startswith(f"{dialect.title} also searches ") for note in notes) == (dialect is not X)


def test_a_word_longer_than_a_search_is_said_to_be_lost() -> None:
    plan = translate(parse("iberia OR " + "x" * 600), X)
    assert (plan.searches, plan.complete) == (("iberia",), False)
    assert "Not everything can be found: a word is longer than a search on X may be." in plan.notes


@pytest.mark.parametrize(
    ("query", "dialect", "searches"),
    [
        ("Delta (flight OR vuelo) -river", X, ["Delta (flight OR vuelo) -river"]),
        ("Delta (flight OR vuelo) -river", REDDIT, ["Delta AND (flight OR vuelo)"]),
        ("Delta (flight OR vuelo) -river", MASTODON, ["Delta flight", "Delta vuelo"]),
        ("Delta (flight OR vuelo) -river", BLUESKY, ["Delta flight", "Delta vuelo"]),
        ("Delta (flight OR vuelo) -river", HACKERNEWS, ["Delta flight", "Delta vuelo"]),
        ("Delta (flight OR vuelo) -river", YOUTUBE, ["Delta flight", "Delta vuelo"]),
        ("Delta (flight OR vuelo) -river", GDELT, ["Delta (flight OR vuelo)"]),
        ("Iberia OR #iberia OR @iberia OR from:iberia", X, ["Iberia OR #iberia OR @iberia OR from:iberia"]),
        ("Iberia OR #iberia OR @iberia OR from:iberia", REDDIT, ["Iberia OR author:iberia"]),
        ("=Delta OR delta OR @delta OR #DELTA", HACKERNEWS, ["Delta"]),
        ("Visa OR Mango OR Zara", YOUTUBE, ["Visa|Mango|Zara"]),
        ("Visa OR Mango OR Zara", GDELT, ["(Visa OR Mango OR Zara)"]),
        ("Visa OR (Mango ropa) OR Zara", X, ["Visa OR Zara OR (Mango ropa)"]),
        ("Visa OR (Mango ropa) OR Zara", MASTODON, ["Visa", "Zara", "Mango ropa"]),
        ('"El País" lang:es', X, ['"El País" lang:es']),
        ('"El País" lang:es', MASTODON, ['"El País" language:es']),
        ('"El País" lang:es', GDELT, ['"El País" sourcelang:spanish']),
        ('"El País" (lang:es OR lang:ca)', X, ['("El País" lang:es) OR ("El País" lang:ca)']),
        ('"El País" -lang:pt', X, ['"El País" -lang:pt']),
        ("Iberia -from:iberia -@iberia -#iberia", X, ["Iberia -from:iberia -@iberia -#iberia"]),
        ("Iberia -lang:pt -from:iberia -#iberia -jobs", MASTODON, ["Iberia -language:pt -from:iberia"]),
        ("Iberia -lang:pt -from:iberia -jobs", GDELT, ["Iberia -sourcelang:portuguese"]),
        ("Iberia -lang:pt -from:iberia -jobs", REDDIT, ["Iberia AND NOT author:iberia"]),
        ("Iberia -lang:pt -from:iberia.com -jobs", BLUESKY, ["Iberia"]),
        ("ＤＥＬＴＡ OR 𝐀𝐜𝐦𝐞 OR #ｉｂｅｒｉａ OR from:ｉｂｅｒｉａ", X, ["DELTA OR Acme OR #iberia OR from:iberia"]),
        ('"ﬁn de ｳﾞｨﾀﾞ" -ｊｏｂｓ', X, ['"fin de ヴィダ" -jobs']),
        ("ＤＥＬＴＡ NEAR/5 flight", GDELT, ['near6:"DELTA flight"']),
        ("ＨＰ printer", GDELT, ["printer"]),
        ("delta NEAR/5 flight", GDELT, ['near6:"delta flight"']),
        ("delta NEAR/5 bag", GDELT, ["delta bag"]),
        ("delta NEAR/5 (flight OR vuelo)", X, ["delta (flight OR vuelo)"]),
        ("airlin* iberia", X, ["iberia"]),
        ('"british airw*"', X, ["british"]),
        ("coca-cola OR H&M OR and", X, ['"coca-cola" OR "H&M" OR "and"']),
        ("=Apple (iphone OR ipad)", X, ["Apple (iphone OR ipad)"]),
        ("@iberia.com -@elal.com", BLUESKY, ["@iberia.com"]),
        ("from:el-pais OR visa", X, ["visa"]),
        ("(flight OR vuelo OR airlin*) (Delta OR author:delta)", BLUESKY, ["Delta"]),
        ("#2026 visa", X, ["2026 visa"]),
        ("iberia -(a b)", X, ["iberia"]),
        ("iberia -(a OR (b c))", X, ["iberia -a"]),
        ("hola source:x OR (adios source:reddit lang:es)", X, ["hola"]),
        ("hola source:x OR (adios source:reddit lang:es)", REDDIT, ["adios"]),
        ("hola -source:reddit", REDDIT, []),
        ("hola -source:reddit", X, ["hola"]),
        ("hola source:mine", X, ["hola"]),
        ("hola NOT (source:x OR adios)", X, []),
        ("hola NOT (source:reddit OR adios)", X, ["hola -adios"]),
    ],
)
def test_searches(query: str, dialect: Dialect, searches: list[str]) -> None:
    assert list(translate(parse(query), dialect).searches) == searches


@pytest.mark.parametrize(
    ("query", "dialect", "complete", "says"),
    [
        ("airlin*", X, False, "airlin* only airlin itself is asked for"),
        ("airlin* OR iberia", X, False, "airlin* only airlin itself is asked for"),
        ("#iber*", X, False, "#iber* only #iber itself"),
        ("devolver~", MASTODON, False, "not the forms with pronouns"),
        ("devolver~ iberia", MASTODON, True, "sent less): devolver~"),
        ("hp", GDELT, False, "shorter than the 3 letters"),
        ("hp printer", GDELT, True, "filtered afterwards: hp"),
        ("author:iberia", HACKERNEWS, False, "cannot ask for author:iberia"),
        ("author:iberia visa", HACKERNEWS, True, "filtered afterwards: author:iberia"),
        ('from:"El País"', X, False, "cannot ask for"),
        ("@iberia", BLUESKY, False, "write @iberia.bsky.social"),
        ("#iberia", REDDIT, True, "signs are filtered afterwards: #iberia."),
        ("=Delta OR =ACME", X, True, "upper from lower case; filtered afterwards: =Delta, =ACME."),
        ("iberia -{x} -{y}", YOUTUBE, True, 'NOT is filtered afterwards here: "{x}", "{y}".'),
        ("@delta OR delta", BLUESKY, False, "write @delta.bsky.social"),
        ("a NEAR/2 b", X, True, "How near the words stand"),
        ("iberia lang:es", REDDIT, True, "Filtered afterwards: lang:es."),
        ("iberia lang:es-mx", X, True, "Filtered afterwards: lang:es-mx."),
        ("iberia lang:qu", GDELT, True, "Filtered afterwards: lang:qu."),
        ("iberia -H&M", X, True, "NOT is filtered afterwards"),
        ('iberia -"a b"', HACKERNEWS, True, "NOT is filtered afterwards"),
        ("iberia source:mine", X, True, "Filtered afterwards: source:mine."),
        ("iberia source:x", REDDIT, True, "other sources than Reddit"),
        ("iberia lang:es", X, True, "X's own idea"),
    ],
)
def test_notes_say_what_is_filtered_or_missed(query: str, dialect: Dialect, complete: bool, says: str) -> None:
    plan = translate(parse(query), dialect)
    assert plan.complete == complete
    assert any(says in note for note in plan.notes), plan.notes
    assert complete or not plan.exact


@pytest.mark.parametrize(
    ("query", "dialect", "exact"),
    [
        ("iberia (a OR b) -c", X, True),
        ("iberia lang:es", X, True),
        ("iberia -from:iberia", X, True),
        ("iberia -c", YOUTUBE, False),
        ("iberia H&M", X, False),
        *(("iberia", dialect, dialect is X) for dialect in DIALECTS.values()),
        ("delta NEAR/5 flight", GDELT, False),
        ("iberia lang:es", GDELT, False),
        ("iberia source:x", GDELT, True),
        ("=iberia", X, False),
    ],
)
def test_only_exact_plans_leave_nothing_to_filter(query: str, dialect: Dialect, exact: bool) -> None:
    assert translate(parse(query), dialect).exact == exact


def test_many_alternatives_on_a_platform_without_or_stay_few_searches() -> None:
    query = "(a OR b) (c OR d OR e) (f OR g OR h OR i)"
    plan = translate(parse(query), MASTODON)
    assert len(plan.searches) == 6
    assert "Too much for the searches, so filtered afterwards: f OR g OR h and others." in plan.notes


def test_dialects_are_found_by_the_kind_of_their_source() -> None:
    assert list(DIALECTS) == ["x", "reddit", "mastodon", "bluesky", "hackernews", "youtube", "gdelt"]
    assert all(dialect.name == kind for kind, dialect in DIALECTS.items())
