"""``escucha query explain``: what a person sees, and what a program gets."""

import json
from pathlib import Path

import pytest

from .conftest import Escucha

QUERY = 'Delta (flight OR airlin*) -"river delta"'


def test_the_query_its_searches_and_what_is_left(escucha: Escucha) -> None:
    result = escucha("query", "explain", QUERY)
    assert (result.status, result.err) == (0, "")
    tree, *platforms = result.out.split("\n\n")
    assert tree == 'AND\n  Delta\n  OR\n    flight\n    airlin*\n  NOT\n    "river delta"'
    tip = "(write the words out to be sent less)"
    assert platforms[0].splitlines() == [
        "X: 1 search, asks for everything",
        '    20 of 512 characters  Delta -"river delta"',
        f"  - X cannot be asked for all of this, so it is filtered afterwards {tip}: flight OR airlin*.",
        "  - X looks back seven days.",
    ]
    titles = [part.partition(":")[0] for part in platforms]
    assert titles[:-1] == ["X", "Reddit", "Mastodon", "Bluesky", "Hacker News", "YouTube", "GDELT"]
    assert "#IberiaFail" in titles[-1]


def test_what_a_platform_cannot_find_is_said_where_it_is_seen(escucha: Escucha) -> None:
    out = escucha("query", "explain", "airlin* OR Iberia", "-p", "mastodon").out
    assert "Mastodon: 2 searches, cannot ask for everything" in out
    assert "Not everything can be found: Mastodon takes no *" in out
    assert "of 512 bytes" in escucha("query", "explain", "Iberia", "-p", "hackernews").out


def test_what_a_platform_sees_and_we_do_not_leaves_nothing_out(escucha: Escucha) -> None:
    query = ("query", "explain", "delta -river -jobs lang:en")
    for name in ("reddit", "mastodon", "bluesky", "hackernews", "youtube", "gdelt"):
        row = json.loads(escucha(*query, "-p", name, "--json").out)["platforms"][name]
        assert not row["exact"]
        assert not any("river" in search["search"] for search in row["searches"])
        assert any("NOT is filtered afterwards here: river, jobs." in note for note in row["notes"])
    out = escucha(*query, "-p", "gdelt").out
    assert "delta sourcelang:english" in out
    assert "GDELT also searches whole articles, of which only the title comes in" in out


def test_an_operator_in_small_letters_is_pointed_out(escucha: Escucha) -> None:
    query = ("query", "explain", "iberia or (a near/5 b) not c", "-p", "x")
    out = escucha(*query).out
    assert 'column 8: or is looked for as a word; for the operator write OR, for the word "or" in quotes.' in out
    assert [hint.split(" is ")[0] for hint in json.loads(escucha(*query, "--json").out)["hints"]] == [
        "column 8: or",
        "column 14: near/5",
        "column 24: not",
    ]
    for fine in ('iberia "or" b', "and iberia or", "iberia OR b", "iberia -or", "=or iberia =and b"):
        assert json.loads(escucha("query", "explain", fine, "--json").out)["hints"] == []


def test_only_the_platforms_asked_for(escucha: Escucha) -> None:
    out = escucha("query", "explain", "Iberia source:x", "--platform", "gdelt", "--platform", "x").out
    assert out.index("GDELT: not asked") < out.index("X: 1 search")
    assert "Reddit" not in out


@pytest.mark.parametrize(
    ("text", "about", "says"),
    [
        (
            "Bad [red]Delta[/red] flight",
            (),
            ["matches", "  Bad [red]Delta[/red] flight", "9-14  Delta", "21-27  flight"],
        ),
        ("The river delta", (), ["does not match", "  The river delta"]),
        ("Delta\x1b[2J\nflight \u202e", (), ["matches", r"  Delta\x1b[2J\nflight \u202e"]),
    ],
)
def test_a_text_with_its_places(escucha: Escucha, text: str, about: tuple[str, ...], says: list[str]) -> None:
    out = escucha("query", "explain", QUERY, "--text", text, *about).out
    assert "\x1b" not in out
    for one in says:
        assert one in out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--lang", "es", "--author", "@Iberia"), "The query does not match (author iberia, lang es)"),
        (("--lang", "es", "--author", "pepe"), "The query matches (author pepe, lang es)"),
        (
            (
                "--lang",
                "en",
            ),
            "The query does not match (author unknown, lang en)",
        ),
        ((), "The query matches (author unknown, lang es)"),
    ],
)
def test_a_text_with_what_is_known_about_it(escucha: Escucha, options: tuple[str, ...], says: str) -> None:
    text = "La atención de Iberia es pésima y no me devuelven el dinero"
    assert says in escucha("query", "explain", "iberia lang:es -from:iberia", "--text", text, *options).out


def test_json(escucha: Escucha) -> None:
    result = escucha(
        "query", "explain", "Delta NEAR/3 vuelo", "--json", "-p", "x", "-p", "gdelt", "--text", "vuelo Delta"
    )
    row = json.loads(result.out)
    assert row["query"] == "Delta NEAR/3 vuelo"
    assert [line["part"] for line in row["outline"]] == ["NEAR/3", "Delta", "vuelo"]
    assert row["text"] == {"matches": True, "spans": [[0, 5], [6, 11]], "lang": None}
    assert row["platforms"]["x"]["searches"] == [{"search": "Delta vuelo", "length": 11}]
    assert (row["platforms"]["x"]["complete"], row["platforms"]["x"]["exact"]) == (True, False)
    assert row["platforms"]["gdelt"]["searches"][0]["search"] == 'near4:"Delta vuelo"'
    assert json.loads(escucha("query", "explain", '"a \ud800"', "--json").out)["query"] == '"a \ud800"'


@pytest.mark.parametrize(
    ("query", "caret", "says"),
    [
        ('iberia AND ("vuelo', 'iberia AND ("vuelo\n              ^', "column 13: this quote is never closed"),
        ("苹果 (a", "苹果 (a\n       ^", "column 4: this ( is never closed"),
        ("iberia AND", "iberia AND\n            ^", "column 11: a term is missing"),
        ("a\x1b[2J *", "a\\x1b[2J *\n           ^", "column 7: "),
        (
            "x " * 200 + "* y " + "z " * 100,
            "…" + "x " * 30 + "* y z z z z z z z z …\n" + " " * 63 + "^",
            "column 401: ",
        ),
    ],
)
def test_a_mistake_is_shown_in_its_place(escucha: Escucha, query: str, caret: str, says: str) -> None:
    result = escucha("query", "explain", query)
    assert (result.status, result.out) == (2, "")
    assert says in result.err
    assert f"\n  {caret}\n" in result.err


def test_a_brand_of_the_file(escucha: Escucha, tmp_path: Path) -> None:
    (tmp_path / "escucha.yml").write_text("brands: [{name: Delta, query: Delta flight}, {name: El País}]\n")
    assert escucha("query", "explain", "--brand", "Delta").out.startswith("AND\n  Delta\n  flight\n")
    assert escucha("query", "explain", "--brand", "El País").out.startswith('"El País"\n')
    unknown = escucha("query", "explain", "--brand", "Dleta")
    assert (unknown.status, "there are: Delta, El País" in unknown.err) == (2, True)
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "--brand"), (("a", "--brand", "b"), "--brand"), (("a", "-p", "myspace"), "there are: x, reddit")],
)
def test_wrong_use(escucha: Escucha, arguments: tuple[str, ...], says: str) -> None:
    result = escucha("query", "explain", *arguments)
    assert result.status == 2
    assert says in result.err
