"""One word, phrase, tag or field of a query, as one platform asks for it."""

import re

from listener.query.clauses import Ask, Note
from listener.query.dialects import Dialect
from listener.query.terms import Field, Tag, Term, letters
from listener.query.text import is_punctuation, prepare
from listener.query.tree import Node

_OPERATORS = frozenset({"and", "or", "not", "near"})


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
        written = term.written
        if term.cased:
            self._note(f"{self._dialect.title} does not tell upper from lower case; filtered afterwards", str(term))
        if term.verb:
            return self._verb(term)
        if term.open:
            return (self._beginning(term),)
        if letters(written) < self._dialect.min_letters and written.isascii():
            missed = f"{term} is shorter than the {self._dialect.min_letters} letters that {self._dialect.title} takes"
            return (Ask("", str(term), missed),)
        return (Ask(self._word(written), str(term)),)

    def _verb(self, term: Term) -> tuple[Ask, ...]:
        if self._dialect.either != "none":
            return tuple(Ask(form, str(term)) for form in sorted(term.forms, key=lambda form: (len(form), form)))
        missed = f"of {term} only {term.written} itself, not the forms with pronouns; write out those that matter"
        return (Ask(term.written, str(term), missed),)

    def _beginning(self, term: Term) -> Ask:
        """For a term with *: the words before that one, if there are any."""
        chunks = term.written.split()
        whole = [chunk for chunk in chunks if "*" not in chunk]
        if whole and "*" in chunks[-1] and len(whole) == len(chunks) - 1:
            self._note(f"{self._dialect.title} takes no *; filtered afterwards", str(term))
            return Ask(self._word(" ".join(whole)), str(term))
        if term.rarest:
            self._note(f"{self._dialect.title} takes no *; filtered afterwards", str(term))
            return Ask(self._word(term.rarest), str(term))
        stem = chunks[0].rstrip("*")
        missed = (
            f"{self._dialect.title} takes no *, so of {term} only {stem} itself is asked for and every longer word is "
            "missed; write out those that matter, or add a word that must be there too"
        )
        return Ask(self._word(stem), str(term), missed)

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
            return Ask(self._word(tag.name), str(tag), missed)
        self._note(f"{self._dialect.title} is asked for the words, and the signs are filtered afterwards", str(tag))
        return Ask(self._word(tag.name), str(tag))

    def _operator(self, tag: Tag) -> str | None:
        """The tag in the platform's own operator."""
        if tag.sign == "#":
            # Numbers alone are a hashtag nowhere.
            template, known = self._dialect.hashtag, not tag.name.isdecimal()
        else:
            template, known = self._dialect.handle, re.fullmatch(self._dialect.names, tag.name) is not None
        return template.format(tag.name) if template and known else None

    def _author(self, field: Field) -> Ask:
        if self._dialect.author and re.fullmatch(self._dialect.names, field.value):
            return Ask(self._dialect.author.format(field.value), str(field))
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
        words = [term.written for term in (left, right)]
        plain = all(word.isascii() and word.isalnum() and letters(word) >= self._dialect.near_letters for word in words)
        if not plain or any(term.cased or term.verb for term in (left, right)):
            return None
        written = self._dialect.near.format(n=distance, a=words[0], b=words[1])
        return Ask(written, f"{left} NEAR/{distance} {right}")

    def excludable(self, atom: Term | Tag | Field) -> str | None:
        """The atom as the platform may leave it out; None where that would leave out more than the query does."""
        if self._dialect.minus is None:
            return None
        match atom:
            case Term():
                return self._excludable_term(atom)
            case Tag():
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
        if len(term.pieces) > 1 and not self._dialect.minus_phrases:
            return None
        written = self._word(term.written, cut=False)
        return f'"{written}"' if self._dialect.minus_quoted and written[0] != '"' else written

    def _word(self, written: str, *, cut: bool = True) -> str:
        """A word or phrase in quotes where it needs them, a phrase that is too long without its last words."""
        plain = " ".join(written.replace('"', " ").replace("\\", " ").split())
        while cut and self._dialect.length(plain) + 2 > self._dialect.max_length and " " in plain:
            plain = plain.rpartition(" ")[0]
        bare = plain.isalnum() and plain.casefold() not in _OPERATORS and len(prepare(plain).tokens) == 1
        return plain if bare else f'"{plain}"'
