"""Each operator of the language: what it finds, where, and what it refuses."""

from collections.abc import Callable, Iterator
from typing import SupportsIndex

import pytest

from listener.query import MatchText, QueryError, QuerySet, folding, parse, prepare, text


def found(query: str, text: str) -> list[str] | None:
    """The marked pieces of the text, or None."""
    spans = parse(query).match(text)
    return None if spans is None else [text[start:end] for start, end in spans]


@pytest.mark.parametrize(
    ("query", "text", "marked"),
    [
        # Wildcards.
        ("airlin*", "Airlines, airlínea y AIRLIN; air lin", ["Airlines", "airlínea", "AIRLIN"]),
        ("airlin*", "#BadAirlinesEver @airlines", ["Airlines", "airlines"]),
        (
            '"british airw*"',
            "British Airways, british-airwaves, airways British",
            ["British Airways", "british-airwaves"],
        ),
        ('"ai*"', "airlines ai ai*", ["ai*"]),
        ("=Air*", "Airport airport AIRPORT Air", ["Airport", "Air"]),
        ("苹果手*", "我爱苹果手机", ["苹果手"]),
        # Case.
        ("=Delta", "Delta DELTA delta Deltas", ["Delta"]),
        ("=Delta", "river deltas", None),
        ('="US Airways"', "US Airways, us airways, US-Airways", ["US Airways", "US-Airways"]),
        ("=Nestle", "Nestlé NESTLÉ", ["Nestlé"]),
        ("=Orsted", "Ørsted ørsted", ["Ørsted"]),
        ("=iPhone", "#iPhoneFail IPHONE", ["iPhone"]),
        # Tags and mentions are whole.
        ("#iberia", "#Iberia #iberia_es #iberiafail iberia @iberia", ["#Iberia"]),
        ("#telefonica", "#Telefónica", ["#Telefónica"]),
        ("#iber*", "#Iberia #IberiaFail iberia", ["#Iberia", "#IberiaFail"]),
        ("＃iberia", "＃Iberia", ["＃Iberia"]),
        ("#东京", "我在#东京 #东京塔", ["#东京"]),
        ("@iberia", "@Iberia, @iberia_es info@iberia.com #iberia", ["@Iberia"]),
        ("@iberia", "@iberia.com and @iberia@mastodon.social.", ["@iberia", "@iberia"]),
        ("@iberia.com", "@iberia @iberia.com. @iberia.com.mx", ["@iberia.com", "@iberia.com"]),
        ("#iberia,", "#iberia", ["#iberia"]),
        # Words joined in hashtags.
        ("iberia", "#IberiaFail", ["Iberia"]),
        ("iberia", "#VueloIberia #vuelo_iberia #iberia2026", ["Iberia", "iberia", "iberia"]),
        ("iberia", "#Siberia #iberiafail #SIBERIA", None),
        ("iphone", "#iPhoneFail", ["iPhone"]),
        ("youtube", "#YouTubeDown", ["YouTube"]),
        ("bbc", "#BBCNews", ["BBC"]),
        ("telefónica", "#TelefónicaEspaña", ["Telefónica"]),
        ("telefonica", "#Telefo\u0301nicaEspan\u0303a", ["Telefo\u0301nica"]),
        ('"british airways"', "#BritishAirwaysFail #britishairways", ["BritishAirways", "britishairways"]),
        ('"el país"', "#ElPaís #elpais", ["ElPaís", "elpais"]),
        ("coca-cola", "#CocaColaZero", ["CocaCola"]),
        ("H&M", "#HM #HandM", None),
        ("fail", "&#39;fail &#Fail", ["fail", "Fail"]),
        # NEAR counts words, in either order.
        ("delta NEAR/1 flight", "flight, delta", ["flight", "delta"]),
        ("delta NEAR/1 flight", "delta late flight", None),
        ("delta NEAR/2 flight", "delta late flight", ["delta", "flight"]),
        ("delta NEAR/2 (flight OR vuelo)", "vuelo con Delta, a flight", ["vuelo", "Delta", "flight"]),
        ("delta NEAR/3 delta", "delta", None),
        ("delta NEAR/3 delta", "delta delta", ["delta", "delta"]),
        (
            '"british airways" NEAR/2 #fail',
            "#fail by british airways today #fail",
            ["#fail", "british airways", "#fail"],
        ),
        ("airlin* NEAR/1 =Delta", "Delta airlines, delta airlines", ["Delta", "airlines"]),
        ("a NEAR/1 b OR c", "c", ["c"]),
        ("x NOT a NEAR/2 b", "x a y y b", ["x"]),
        ("x NOT a NEAR/2 b", "x a y b", None),
        ("苹果 NEAR/2 坏", "苹果也坏", ["苹果", "坏"]),
        # Pronouns.
        (
            "devolver~",
            "devolver devolverme devolvérmelo DEVOLVERLO devolverán devolvería",
            ["devolver", "devolverme", "devolvérmelo", "DEVOLVERLO"],
        ),
        ("devuelvan~", "¡Devuélvanmelo ya!", ["Devuélvanmelo"]),
        ("devolviendo~", "devolviéndonoslos", ["devolviéndonoslos"]),
        ("vamos~", "vámonos", ["vámonos"]),
        ("sentad~", "sentad sentaos sentados sentadlo sentáoslo", ["sentad", "sentaos", "sentadlo", "sentáoslo"]),
        ("id~", "idos ios id", ["idos", "id"]),
        ("digamos~", "digámoselo digamosnos digamoslo", ["digámoselo", "digamoslo"]),
        ("NOT~", "not notlo", ["not", "notlo"]),
        ("toma~", "tomates tomatela", ["tomatela"]),
        ("devolver", "devolverme", None),
        ("devuelvan~", "#DevuélvanmeMiDinero", ["Devuélvanme"]),
    ],
)
def test_what_matches_and_where(query: str, text: str, marked: list[str] | None) -> None:
    assert found(query, text) == marked


@pytest.mark.parametrize(
    ("query", "column", "says"),
    [
        ("iberia *", 8, "at least 3 letters"),
        ("ai*", 1, "at least 3 letters"),
        ("#ai*", 1, "at least 3 letters"),
        ("abc-*", 1, "at least 3 letters"),
        ("x *air", 3, "at the end of a word"),
        ("M*A*S*H", 1, "quotes"),
        ("air**", 1, "at the end of a word"),
        ('="Air* France"', 1, "at the end only"),
        ("x = y", 3, "directly before"),
        ("=#tag", 1, "case never counts"),
        ("a NEAR b", 3, "from 1 to 100"),
        ("a NEAR/0 b", 3, "from 1 to 100"),
        ("a NEAR/101 b", 3, "from 1 to 100"),
        ("NEAR/3 b", 1, "needs a term before"),
        ("a NEAR/3", 9, "missing after NEAR/3"),
        ("a NEAR/3 (b c)", 3, "stands between words"),
        ("a NEAR/3 lang:es", 3, "stands between words"),
        ("a NEAR/3 -b", 10, "needs a term before"),
        ("a NEAR/1 b NEAR/2 c", 12, "joins two"),
        ("iberia lang:spanish", 8, "code of a language"),
        ('iberia lang:""', 8, "code of a language"),
        ("iberia lang:", 8, "code of a language"),
        ("author:", 1, "needs a name"),
        ("from:@", 1, "needs a name"),
        ('x from:"y', 8, "never closed"),
        ("iberia to:delta", 8, "there is no to: here"),
        ("lang:es", 1, "which language or source"),
        ("iberia OR source:x", 1, "one side of an OR"),
        ("-from:iberia", 1, "leave out"),
        ("x1~", 1, "Spanish verb"),
        ("~", 1, "Spanish verb"),
        ("x İ~", 3, "Spanish verb"),
        ("x I\u0307~", 3, "Spanish verb"),
        ("x =devolver~", 3, "do not go together"),
        ("#tag~", 1, "Spanish verb"),
    ],
)
def test_errors_say_where_and_what_to_do(query: str, column: int, says: str) -> None:
    with pytest.raises(QueryError) as raised:
        parse(query)
    assert raised.value.column == column
    assert str(raised.value) == f"column {column}: {raised.value.problem}"
    assert says in raised.value.problem


@pytest.mark.parametrize(
    ("query", "about", "matches"),
    [
        ("hola lang:es", {"lang": "es"}, True),
        ("hola lang:es", {"lang": "es-MX"}, True),
        ("hola lang:es-mx", {"lang": "es_MX"}, True),
        ("hola lang:es-mx", {"lang": "es"}, False),
        ("hola lang:es", {"lang": "est"}, False),
        ("hola lang:es", {}, False),
        ("hola -lang:es", {}, True),
        ("hola -lang:es", {"lang": "es"}, False),
        ("hola (lang:es OR lang:ca)", {"lang": "ca"}, True),
        ("hola source:x", {"source": "x"}, True),
        ("hola source:X", {"source": ("x", "our account")}, True),
        ('hola source:"Our account"', {"source": ("x", "our account")}, True),
        ("hola source:x", {"source": "reddit"}, False),
        ("hola source:x", {}, False),
        ("author:iberia", {"author": "@Iberia"}, True),
        ("from:@iberia", {"author": ("Iberia", "Líneas Aéreas")}, True),
        ('author:"lineas aereas"', {"author": ("Iberia", "Líneas  Aéreas")}, True),
        ("author:iberia", {"author": "iberia_es"}, False),
        ("author:iberia", {}, False),
        ("hola -from:iberia", {"author": "iberia"}, False),
        ("hola -from:iberia", {"author": "delta"}, True),
        ("hola -from:iberia", {}, True),
    ],
)
def test_fields(query: str, about: dict[str, str], matches: bool) -> None:
    spans = parse(query).match(prepare("hola", **about))  # type: ignore[arg-type]
    assert (spans is not None) == matches
    assert spans in (None, (), ((0, 4),))


def test_a_match_by_its_author_has_no_place() -> None:
    assert parse("author:iberia").match(prepare("hola", author="iberia")) == ()
    assert parse("author:iberia").match("hola iberia") is None


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("iberia", set()),
        ("iberia lang:es -from:iberia", {"lang", "author"}),
        ("iberia NOT (a (b OR source:x))", {"source"}),
    ],
)
def test_which_fields_a_query_reads(query: str, fields: set[str]) -> None:
    assert parse(query).fields() == fields


@pytest.mark.parametrize(
    ("query", "written"),
    [
        ("=Delta near", "=Delta AND near"),
        ('="US Airways"', '="US Airways"'),
        ('"NEAR" x', '"NEAR" AND x'),
        ("airlin* OR “air france*”", 'airlin* OR "air france*"'),
        ("#Tag @who.is from:@me FROM:“El País”", '#Tag AND @who.is AND author:me AND author:"El País"'),
        ('"#tag" "devolver~" "from:me"', '"#tag" AND "devolver~" AND "from:me"'),
        ("x LANG:ES_mx", "x AND lang:es-mx"),
        ("devolver~ -(a NEAR/5 (b OR c))", "devolver~ AND NOT a NEAR/5 (b OR c)"),
        ("=$TSLA", "=$TSLA"),
        ("NOT~ AND~ -OR~", "NOT~ AND AND~ AND NOT OR~"),
        ("DİGA~ 𝐝𝐞𝐯𝐨𝐥𝐯𝐞𝐫~", "DİGA~ AND 𝐝𝐞𝐯𝐨𝐥𝐯𝐞𝐫~"),
        ("«british airways» OR ‹a b› OR »c d« OR ＂e f＂", '"british airways" OR "a b" OR "c d" OR "e f"'),
    ],
)
def test_written_down(query: str, written: str) -> None:
    assert str(parse(query)) == written


@pytest.mark.parametrize(
    ("query", "anchors"),
    [
        ("airlin* lang:es", ("airlin",)),
        ("devolver~", ("devolver",)),
        ("#iberia OR @iberia", ("#iberia", "@iberia")),
        ("author:iberia delta", ("delta",)),
        ("author:iberia", ("iberia",)),
        ("delta NEAR/3 (flight OR vuelo)", ("delta",)),
        ("=Delta OR delta", ("Delta", "delta")),
    ],
)
def test_anchors(query: str, anchors: tuple[str, ...]) -> None:
    assert parse(query).anchors() == anchors


class Counted(list[str]):
    """A text's tokens, counting how often one is looked at from Python."""

    looks = 0

    def __getitem__(self, at: SupportsIndex | slice) -> str:  # type: ignore[override]
        self.looks += 1
        return super().__getitem__(at)  # type: ignore[return-value]

    def __iter__(self) -> Iterator[str]:
        self.looks += len(self)
        return super().__iter__()


def looked(query: str, prepared: MatchText) -> int:
    """How many tokens are looked at to match a query."""
    prepared.tokens = tokens = Counted(prepared.tokens)
    parse(query).places(prepared)
    return tokens.looks


SIZE = 20_000


@pytest.mark.parametrize(
    ("one", "made"),
    [
        ('"iberia air"', f"air iberia {'!' * SIZE}"),
        ('"iberia - air"', f"air iberia {'- ' * SIZE}"),
        ('="Iberia Air"', f"Iberia {'!' * SIZE} Air"),
        ("iberi*", "other " * SIZE + "iberia"),
        ('"iberi* air"', "air " * SIZE + "iberia"),
        ("#iberi*", "#other " * SIZE + "#iberia"),
        ("iberia NEAR/100 air", f"iberia {'! ' * SIZE} air"),
    ],
)
def test_the_second_term_of_a_kind_costs_next_to_nothing(one: str, made: str) -> None:
    """Were the text read again for each, a hundred would cost a hundred times as much."""
    alone = looked(one, prepare(made))
    several = looked(" OR ".join([one] * 100), prepare(made))
    assert several < alone + SIZE / 2


def test_a_place_is_brought_to_plain_letters_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    bare = text.without_accents
    monkeypatch.setattr(text, "without_accents", lambda there: asked.append(len(there)) or bare(there))
    assert parse(" OR ".join(['="Iberia Air"'] * 50)).match(prepare(f"Iberia{' ' * SIZE}Air")) == ((0, SIZE + 9),)
    assert asked == [SIZE + 9]


def test_what_finishes_a_word_is_looked_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ends: list[int] = []
    tail = MatchText._tail
    monkeypatch.setattr(MatchText, "_tail", lambda self, end: ends.append(end) or tail(self, end))
    made = "un vuelo con iberia" + "\u00ad" * SIZE
    assert parse(" OR ".join(["iberia", '"con iberia"', '"vuelo con iberia"'] * 20)).match(made) == ((3, 19 + SIZE),)
    assert sorted(ends) == [19]


@pytest.mark.parametrize(
    "made",
    [
        " ".join("#" + "A1bC" * 45 + f"{n}" for n in range(500)),
        " ".join(f"#A1bCA1bCA1bCA1bC{n}" for n in range(4_000)),
        "#aB " * 25_000,
        "@" + "a." * 50_000,
        " ".join(f"@{'a.' * 12}{n}" for n in range(3_000)),
    ],
)
def test_tags_with_many_seams_give_no_more_words_than_their_text_has_letters(made: str) -> None:
    prepared = prepare(made)
    taken = sum(map(len, prepared.joined.values())) + sum(map(len, prepared.named.values()))
    assert taken <= 0.6 * len(made)
    assert sum(map(len, prepared.joined)) <= 2 * len(made)


def test_a_hashtag_of_many_seams_stays_whole() -> None:
    assert found("iberia", "#Iberia" + "Ab" * 6) == ["Iberia"]
    assert found("iberia", "#Iberia" + "Ab" * 20) is None
    assert found("#iberia*", "#Iberia" + "Ab" * 20) == ["#Iberia" + "Ab" * 20]


def test_after_thousands_of_words_in_hashtags_the_others_stay_whole() -> None:
    made = "#IberiaFail " * 5_000
    spans = parse("iberia").match(made)
    assert spans is not None
    assert 1_500 < len(spans) < 2_000
    assert len(parse("#iberiafail").match(made) or ()) == 5_000


def test_marks_on_one_letter_are_put_in_order_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """That takes the square of their number: 80,000 on one letter took eight seconds."""
    longest = 0
    fold_cluster: Callable[[str], str] = folding._fold_cluster

    def measured(cluster: str) -> str:
        nonlocal longest
        longest = max(longest, len(cluster))
        return fold_cluster(cluster)

    monkeypatch.setattr(folding, "_fold_cluster", measured)
    folding.FOLDS.clear()
    made = "ib" + "\u0301\u0323" * SIZE + "eria"
    assert parse("=iberia").match(made) == ((0, len(made)),)
    assert 0 < longest <= 40


def test_a_text_made_to_be_a_nuisance() -> None:
    made = "a b " * 5_000 + "#" + "aB" * 20_000 + " #aB" * 1_000 + " @" + "a." * 20_000
    assert len(parse("a NEAR/100 b").match(made) or ()) == 12_100
    nothing = parse("nothing OR #nothing OR @nothing OR nothing*")
    assert nothing.match(made) is None
    assert QuerySet({1: nothing}).match(made) == {}
    # Each of the two words is met at each of its places, not once for every place of the other.
    prepared = prepare("a b " * SIZE)
    assert looked("a NEAR/100 b", prepared) < 12 * SIZE
