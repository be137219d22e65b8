"""push: and a brand's words in escucha.yml: what is taken, and what is said where it is wrong."""

from pathlib import Path
from typing import Any

import pytest

from listener.configfile import ConfigFile, ConfigFileError, parse_text
from listener.push.options import PushEntry, sender
from listener.push.signature import ForeignSignature, OwnSignature, Token

ENVIRON = {"S": "0123456789abcdef", "OLD": "fedcba9876543210"}
HEAD = "brands:\n  - name: Lumbra\nsources:\n  - {name: news, kind: hackernews}\n"


def read(text: str, environ: dict[str, str] | None = ENVIRON) -> ConfigFile:
    return parse_text(text, Path("x.yml"), environ)


def mistakes(text: str, environ: dict[str, str] | None = ENVIRON) -> list[str]:
    with pytest.raises(ConfigFileError) as error:
        read(text, environ)
    return [str(problem) for problem in error.value.problems]


MISTAKES = {
    "an inline secret": (
        "  - name: crm\n    secret: abc\n",
        ["line 7, column 5: nothing here is called 'secret'; did you mean secret_from?"],
    ),
    "a source's name": ("  - {name: news, secret_from: S}\n", ["line 6, column 6: a source is called 'news' already"]),
    "the same name twice": (
        "  - {name: crm, secret_from: S}\n  - {name: crm, secret_from: S}\n",
        ["line 7, column 6: the name 'crm' is used twice in push"],
    ),
    "no proof": (
        "  - name: crm\n",
        [
            (
                "line 6, column 5: name the variable that holds its secret (secret_from:) or its token (token_from:), "
                "one of the two"
            ),
        ],
    ),
    "a secret that is not set": (
        "  - name: crm\n    secret_from: NOPE\n",
        [
            "line 7, column 5: secret_from: NOPE is not set; set it, or NOPE_FILE to the path of a file that holds it",
        ],
    ),
    "a name that is no address": (
        "  - name: my crm\n    secret_from: S\n",
        ["line 6, column 5: name: must match pattern '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'"],
    ),
    "an unknown brand": (
        "  - name: crm\n    secret_from: S\n    brands: [Nope]\n",
        ["line 8, column 14: no brand is called 'Nope'; there are: Lumbra"],
    ),
    "about whom": (
        "  - {name: crm, secret_from: S, about_brands: true}\n",
        ["line 6, column 5: about_brands: goes with brands:, which names them"],
    ),
    "an old secret without a new one": (
        "  - {name: crm, token_from: S, old_secret_from: OLD}\n",
        ["line 6, column 5: old_secret_from: goes with secret_from:"],
    ),
    "a path that does not read": (
        "  - name: crm\n    secret_from: S\n    mapping:\n      id: a\n      text: 'b[x'\n",
        ['line 10, column 7: text: column 2: after [ write a number, *, a "name" in quotes, or path=value, and then ]'],
    ),
    "a mapping without an id": (
        "  - {name: crm, secret_from: S, mapping: {text: a}}\n",
        ["line 6, column 5: mapping: must say where the id is: without one an item could not be stored once only"],
    ),
    "what goes with a mapping": (
        "  - {name: crm, secret_from: S, html: true}\n",
        ["line 6, column 5: html: goes with mapping:"],
    ),
    "a condition that does not read": (
        "  - {name: crm, secret_from: S, mapping: {id: a}, only: {'a[': x}}\n",
        ['line 6, column 51: only: column 2: after [ write a number, *, a "name" in quotes, or path=value, and then ]'],
    ),
    "a scale of nothing": (
        "  - {name: crm, secret_from: S, mapping: {id: a}, scales: {csat: [0, 9]}}\n",
        ["line 6, column 5: scales: names csat, but mapping: has no declared.csat"],
    ),
    "times": (
        "  - name: crm\n    secret_from: S\n    mapping: {id: a}\n    time_format: unix\n    timezone: Mars/Base\n",
        [
            "line 9, column 5: time_format: must be iso, epoch_s, epoch_ms, or a pattern such as %d/%m/%Y %H:%M",
            "line 10, column 5: timezone: 'Mars/Base' is no time zone; write one such as Europe/Madrid",
        ],
    ),
    "a pattern that reads no day": (
        "  - {name: crm, secret_from: S, mapping: {id: a}, time_format: '%Q'}\n",
        ["line 6, column 51: time_format: must be iso, epoch_s, epoch_ms, or a pattern such as %d/%m/%Y %H:%M"],
    ),
    "a pattern of hours": (
        "  - {name: crm, secret_from: S, mapping: {id: a}, time_format: '%H:%M'}\n",
        ["line 6, column 51: time_format: must be iso, epoch_s, epoch_ms, or a pattern such as %d/%m/%Y %H:%M"],
    ),
    "a scale of nps": (
        "  - {name: crm, secret_from: S, mapping: {id: a, declared.nps: b}, scales: {nps: [0, 100]}}\n",
        ["line 6, column 68: scales: nps is always from 0 to 10; give a mark on another scale another name"],
    ),
    "a scale upside down": (
        "  - {name: crm, secret_from: S, mapping: {id: a, declared.csat: b}, scales: {csat: [100, 0]}}\n",
        ["line 6, column 69: scales: csat: write the lowest mark and then the highest, as in [1, 5]"],
    ),
    "a scale without an end": (
        "  - {name: crm, secret_from: S, mapping: {id: a, declared.csat: b}, scales: {csat: [0, .inf]}}\n",
        ["line 6, column 69: scales: csat: write the lowest mark and then the highest, as in [1, 5]"],
    ),
    "a scale of a number": (
        "  - {name: crm, secret_from: S, mapping: {id: a, engagement.votes: b}, scales: {votes: [0, 9]}}\n",
        ["line 6, column 5: scales: names votes, but mapping: has no declared.votes"],
    ),
    "a header that is none": (
        "  - name: crm\n    secret_from: S\n    signature: {header: 'X Sig'}\n",
        [("line 8, column 17: header: must be the name of a header: letters, digits and hyphens, as in "
         "X-Hub-Signature")],
    ),
    "a header with a line's end": (
        '  - name: crm\n    secret_from: S\n    signature: {header: "X-Sig\\n"}\n',
        [("line 8, column 17: header: must be the name of a header: letters, digits and hyphens, as in "
         "X-Hub-Signature")],
    ),
    "a time in no header": (
        "  - name: crm\n    secret_from: S\n    signature: {header: X, timestamp_header: ''}\n",
        [("line 8, column 28: timestamp_header: must be the name of a header: letters, digits and hyphens, as in "
         "X-Hub-Signature")],
    ),
    "a platform by its name": (
        "  - {name: Reddit, secret_from: S}\n",
        [("line 6, column 6: reddit is what sources of that kind find; write kind: with a name of its own, or kind: "
          "reddit if that is meant")],
    ),
    "the same platform by name": (
        "  - {name: crm, secret_from: S}\n  - {name: CRM, secret_from: S}\n",
        [("line 7, column 6: 'crm' has the kind crm already; write kind: with a name of its own, or kind: crm if that "
          "is meant")],
    ),
    "a time that nobody signed": (
        "  - name: crm\n    secret_from: S\n    signature: {header: X, timestamp_header: Y}\n",
        ["line 8, column 5: signature: {timestamp} in signed: and timestamp_header: go together"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("entry", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_comes_with_its_place_and_what_to_do(entry: str, expected: list[str]) -> None:
    assert mistakes(f"{HEAD}push:\n{entry}") == expected


@pytest.mark.parametrize(
    "entries",
    [
        "  - {name: reddit, kind: reddit, secret_from: S}\n",
        "  - {name: reddit, kinds: [reddit], secret_from: S}\n",
        "  - {name: reddit, kind: forum, secret_from: S}\n",
        "  - {name: crm, secret_from: S}\n  - {name: CRM, secret_from: S, kind: crm}\n",
        "  - {name: crm, secret_from: S, mapping: {id: a}, time_format: '%d.%m.%y'}\n",
        "  - {name: crm, secret_from: S, mapping: {id: a}, time_format: '%Y-%m-%dT%H:%M:%S.%f%z'}\n",
        "  - {name: crm, secret_from: S, mapping: {id: a, declared.nps: b}, scales: {nps: [0, 10]}}\n",
    ],
)
def test_what_is_said_in_so_many_words_is_meant(entries: str) -> None:
    assert read(f"{HEAD}push:\n{entries}").push


def test_brands_that_nobody_could_tell_apart_are_refused() -> None:
    assert mistakes("brands:\n  - name: Lumbra\n  - name: lumbra\n") == [
        "line 3, column 5: 'lumbra' and 'Lumbra' are one name: capitals and spaces do not count"
    ]


def test_without_secrets_at_hand_nobody_asks_for_them() -> None:
    assert read(f"{HEAD}push:\n  - {{name: crm, secret_from: NOPE}}\n", None).push[0].variables == {
        "secret_from": "NOPE"
    }


def entry(**options: Any) -> PushEntry:
    return PushEntry.model_validate({"name": "My.CRM"} | options)


def test_a_sender_is_what_its_entry_says() -> None:
    own = sender(entry(secret_from="S", old_secret_from="OLD"), {"secret_from": "a" * 16, "old_secret_from": "b" * 16})
    assert (own.name, own.kinds, own.signs, own.mapping) == ("My.CRM", ("my.crm",), True, None)
    assert own.proof == OwnSignature((b"a" * 16, b"b" * 16))
    token = sender(entry(token_from="S", kind="crm", kinds=["crm", "mail"]), {"token_from": "a" * 16})
    assert (token.proof, token.kinds, token.signs) == (Token(("a" * 16,)), ("crm", "mail"), False)
    foreign = sender(entry(secret_from="S", signature={"header": "X"}, mapping={"id": "a"}), {"secret_from": "kurz"})
    assert (foreign.proof, foreign.mapping is not None) == (ForeignSignature((b"kurz",), "X"), True)


def test_short_secrets_are_refused_without_being_told() -> None:
    with pytest.raises(ValueError, match=r"^secret_from: what S holds is shorter than 16 characters$"):
        sender(entry(secret_from="S"), {"secret_from": "hunter2"})
    with pytest.raises(ValueError, match="is empty"):
        sender(entry(secret_from="S", signature={"header": "X"}), {"secret_from": ""})


@pytest.mark.parametrize(
    ("words", "stored"),
    [
        ("", {"context": [], "unless": []}),
        ("    relevance: false\n", {"context": [], "unless": [], "threshold": False}),
        ("    relevance: 0.4\n", {"context": [], "unless": [], "threshold": 0.4}),
        ("    context: [flight, 'bag* OR airport']\n    unless: [river]\n",
         {"context": ["flight", "bag* OR airport"], "unless": ["river"]}),
    ],
)  # fmt: skip
def test_a_brands_words_are_kept_as_they_are_written(words: str, stored: dict[str, Any]) -> None:
    assert read(f"brands:\n  - name: Delta\n{words}").brands[0].relevance_rules == stored


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("    relevance: true\n", "relevance: must be a number from 0 to 1, or false to let the model hide nothing"),
        ("    relevance: 1.5\n", "relevance: must be a number from 0 to 1, or false to let the model hide nothing"),
        ("    context: flight\n", "context: write a list here, each entry on a line of its own after a -"),
        ("    unless: ['(river']\n", "it does not read: column 1: "),
    ],
)
def test_words_that_are_wrong_have_their_place(words: str, expected: str) -> None:
    (found,) = mistakes(f"brands:\n  - name: Delta\n{words}")
    assert found.startswith("line 3, column ")
    assert expected in found
