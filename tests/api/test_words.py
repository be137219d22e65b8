"""Every word that the pages say is there in every language, once, and fits."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir, extract_from_file
from babel.messages.pofile import read_po

from alerts.reasons import Reason
from api.dashboard import language
from api.dashboard.language import LANGUAGES, WORDS

API = Path(language.__file__).parent.parent
TEMPLATES = {"trimmed": "true", "newstyle_gettext": "true", "encoding": "utf-8"}
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}

Words = str | tuple[str, ...]

TRANSLATIONS = tuple(name for name in LANGUAGES if name != "en")


def said() -> dict[Words, str]:
    """Everything that is marked for translation, and a place where it stands. What holds numbers comes twice from
    ``{% trans %}``: as itself and as its plural."""
    found: dict[Words, str] = {}
    for path in sorted(API.rglob("*.py")):
        for line, words, _, _ in extract_from_file("python", path, keywords=KEYWORDS):
            found[words] = f"{path.relative_to(API)}:{line}"
    templates = [("**.html", "jinja2.ext:babel_extract")]
    for name, line, words, _, _ in extract_from_dir(
        API / "dashboard" / "templates", templates, {"**.html": TEMPLATES}, keywords=KEYWORDS
    ):
        found[words] = f"{name}:{line}"
    # Named reasons are told in the pages' languages, too.
    found |= {reason.sentence: f"alerts/reasons.py: {reason}" for reason in Reason}
    return found


def entries(name: str) -> Iterator[tuple[str, Message]]:
    """The translations of a language, each with its file."""
    for path in sorted((WORDS / name).glob("*.po")):
        with path.open("rb") as file:
            for entry in read_po(file, locale=name, abort_invalid=True):
                if entry.id:
                    yield path.name, entry


def fields(words: str) -> Counter[str]:
    """What stands for something else in them: %(name)s and {name}."""
    return Counter(re.findall(r"%\(\w+\)[a-z]|\{[^{}]*\}", words))


def test_something_is_said_at_all() -> None:
    found = said()
    assert "Sign out" in found
    assert ("%(n)s day", "%(n)s days") in found
    assert (
        "Nobody would be left who may do everything. Make somebody else an administrator of all brands first." in found
    )
    assert len(found) > 150


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_everything_is_translated(name: str) -> None:
    there = {entry.id for _, entry in entries(name) if all(_forms(entry.string))}
    missing = {where: words for words, where in said().items() if words not in there}
    assert missing == {}


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_nothing_is_translated_that_is_not_said_or_twice(name: str) -> None:
    times = Counter(entry.id if isinstance(entry.id, str) else entry.id[0] for _, entry in entries(name))
    assert [words for words, count in times.items() if count > 1] == []
    known = said()
    unused = [(file, entry.id) for file, entry in entries(name) if entry.id not in known]
    assert unused == []


@pytest.mark.parametrize("name", TRANSLATIONS)
def test_what_is_filled_in_fits(name: str) -> None:
    for file, entry in entries(name):
        originals = _forms(entry.id)
        for number, translation in enumerate(_forms(entry.string)):
            original = originals[min(number, len(originals) - 1)]
            # A number may be written out where there is one thing.
            optional = {"%(n)s"} if len(originals) > 1 and number == 0 else set[str]()
            wrong = set(fields(original)) ^ set(fields(translation))
            assert wrong <= optional, (file, entry.id)
        assert "fuzzy" not in entry.flags, (file, entry.id)


def test_spanish_speaks_to_people_in_one_way_and_has_one_word_for_a_thing() -> None:
    """Tú or nobody; a role is a rol, acknowledging is marcar como visto, messages are not dead."""
    other = re.compile(
        r"\b(elija|copie|inténtelo|vuelva|quite|pida|pruebe|espere|cargue|usted|déjelo|papel(es)?|muertos"
        r"|reconoce)\b",
        re.IGNORECASE,
    )
    wrong = [(file, found[0]) for file, entry in entries("es") for said in _forms(entry.string)
             if (found := other.search(said))]  # fmt: skip
    assert wrong == []


def _forms(words: object) -> tuple[str, ...]:
    return words if isinstance(words, tuple) else (str(words),)
