"""One word, phrase, tag or field of a query, as one platform asks for it."""

import re

from listener.query.clauses import Ask, Note
from listener.query.dialects import Dialect
from listener.query.folding import plain_letters
from listener.query.terms import Field, Tag, Term, letters
from listener.query.text import is_punctuation, prepare
from listener.query.tree import Node

_OPERATORS = frozenset({"and", "or", "not", "near"})
_SHOWN = 60
"""Characters of a phrase that a note names."""


class Asking:
    """Writes atoms in one platform's syntax; ``note`` is told what has to be filtered afterwards."""

    def __init__(self, dialect: Dialect, note: Note) -> None:
        self._dialect = dialect
        self._note = note

    def asks(self, atom: Term | Tag | Field) -> tuple[Ask, ...]:
        """Things to ask for of which every text that the atom matches has one."""
        match atom:
            case Term():
                return self._term(atom)
            case Tag():
                return (self._tag(atom),)
            case Field():
                return (self._author(atom),)

    def _term(self, term: Term) -> tuple[Ask, ...]:
        written = plain_letters(term.written)
        if term.cased:
            self._note(f"{self._dialect.title} does not tell upper from lower case; filtered afterwards", str(term))
        if any(is_punctuation(piece.norm) for piece in term.pieces):
            self._note(f"{self._dialect.title} looks at no punctuation; filtered afterwards", str(term))
        if term.verb:
            return self._verb(term)
        if term.open:
            return (self._beginning(term),)
        if letters(written) < self._dialect.min_letters and written.isascii():
            missed = f"{term} is shorter than the {self._dialect.min_letters} letters that {self._dialect.title} takes"
            return (Ask("", str(term), missed),)
        return (Ask(self._word(written, term), str(term)),)

    def _verb(self, term: Term) -> tuple[Ask, ...]:
        if self._dialect.either != "none":
            return tuple(Ask(form, str(term)) for form in sorted(term.forms, key=lambda form: (len(form), form)))
        written = plain_letters(term.written)
        missed = f"of {term} only {written} itself, not the forms with pronouns; write out those that matter"
        return (Ask(self._word(written, term), str(term), missed),)

    def _beginning(self, term: Term) -> Ask:
        """For a term with *: the words before that one, if there are any."""
        chunks = plain_letters(term.written).split()
        whole = [chunk for chunk in chunks if "*" not in chunk]
        if whole and "*" in chunks[-1] and len(whole) == len(chunks) - 1:
            self._note(f"{self._dialect.title} takes no *; filtered afterwards", str(term))
            return Ask(self._word(" ".join(whole), term), str(term))
        if term.rarest:
            self._note(f"{self._dialect.title} takes no *; filtered afterwards", str(term))
            return Ask(self._word(term.rarest, term), str(term))
        stem = chunks[0].rstrip("*")
        missed = (
            f"{self._dialect.title} takes no *, so of {term} only {stem} itself is asked for and every longer word is "
            "missed; write out those that matter, or add a word that must be there too"
        )
        return Ask(self._word(stem, term), str(term), missed)

    def _tag(self, tag: Tag) -> Ask:
        if tag.open:
            shut = Tag(tag.sign, tag.name)
            missed = f"{self._dialect.title} takes no *, so of {tag} only {shut} itself is asked for"
            return Ask(self._tag(shut).written, str(tag), missed)
        if (operator := self._operator(tag)) is not None:
            return Ask(operator, str(tag))
        if tag.sign == "@" and self._dialect.handles_are_domains and "." not in tag.name:
            missed = (
                f"{self._dialect.title} knows mentions by their whole handle only; write @{tag.name}.bsky.social or "
                f"what it is, beside {tag}"
            )
            return Ask(self._word(plain_letters(tag.name), tag), str(tag), missed)
        self._note(f"{self._dialect.title} is asked for the words, and the signs are filtered afterwards", str(tag))
        return Ask(self._word(plain_letters(tag.name), tag), str(tag))

    def _operator(self, tag: Tag) -> str | None:
        """The tag in the platform's own operator."""
        name = plain_letters(tag.name)
        if tag.sign == "#":
            # Numbers alone are a hashtag nowhere.
            template, known = self._dialect.hashtag, not name.isdecimal()
        else:
            template, known = self._dialect.handle, re.fullmatch(self._dialect.names, name) is not None
        return template.format(name) if template and known else None

    def _author(self, field: Field) -> Ask:
        name = plain_letters(field.value)
        if self._dialect.author and re.fullmatch(self._dialect.names, name):
            return Ask(self._dialect.author.format(name), str(field))
        return Ask("", str(field), f"{self._dialect.title}'s search cannot ask for {field}")

    def filters(self, field: Field) -> tuple[str, ...]:
        """What narrows a search down to a language."""
        base, _, region = field.key.partition("-")
        written = self._lang(base) if field.name == "lang" else None
        if written is None or region:
            self._note("Filtered afterwards", str(field))
        return () if written is None else (written,)

    def _lang(self, code: str) -> str | None:
        known = code if self._dialect.languages is None else self._dialect.languages.get(code)
        return self._dialect.lang.format(known) if self._dialect.lang and known else None

    def near(self, left: Node, right: Node, distance: int) -> Ask | None:
        """Two single words close to each other, where the platform has that."""
        if self._dialect.near is None or not (isinstance(left, Term) and isinstance(right, Term)):
            return None
        words = [plain_letters(term.written) for term in (left, right)]
        plain = all(word.isascii() and word.isalnum() and letters(word) >= self._dialect.near_letters for word in words)
        if not plain or any(term.cased or term.verb for term in (left, right)):
            return None
        written = self._dialect.near.format(n=distance + self._dialect.near_more, a=words[0], b=words[1])
        return Ask(written, f"{left} NEAR/{distance} {right}")

    def excludable(self, atom: Term | Tag | Field) -> str | None:
        """The atom as the platform may leave it out; None where that would leave out more than the query does."""
        if self._dialect.minus is None:
            return None
        match atom:
            case Term() if not self._dialect.beyond:
                return self._excludable_term(atom)
            case Tag() if not self._dialect.beyond:
                return None if atom.open else self._operator(atom)
            case Field("author"):
                return self._author(atom).written or None
            case Field("lang") if "-" not in atom.key:
                return self._lang(atom.key)
        return None

    def _excludable_term(self, term: Term) -> str | None:
        if term.cased or term.verb or term.open or any(is_punctuation(piece.norm) for piece in term.pieces):
            return None
        if letters(term.written) < self._dialect.min_letters:
            return None
        return self._quoted(plain_letters(term.written))

    def _word(self, written: str, of: Term | Tag) -> str:
        """A word or phrase in quotes where it needs them, a phrase that is too long without its last words."""
        short = written
        while self._dialect.length(self._quoted(short)) > self._dialect.max_length and " " in short:
            short = short.rpartition(" ")[0]
        if short != written:
            most = f"{self._dialect.max_length} {'bytes' if self._dialect.in_bytes else 'characters'}"
            name = str(of)
            self._note(
                f"Longer than the {most} that {self._dialect.title} takes, so its end is filtered afterwards",
                name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…",
            )
        return self._quoted(short)

    def _quoted(self, written: str) -> str:
        plain = " ".join(written.replace('"', " ").replace("\\", " ").split())
        bare = plain.isalnum() and plain.casefold() not in _OPERATORS and len(prepare(plain).tokens) == 1
        return plain if bare else f'"{plain}"'
