"""Spanish pronouns written onto a verb: devolver, devolverme, devuélvanmelo.

Only the pronouns that Spanish allows, in the order that it allows, and only for a verb that the query marks with ~:
done for every word, "toma" would find "tomate" and the name Armando would find "armándolo".
"""

_SECOND = ("lo", "la", "los", "las")
_ONE = ("me", "te", "se", "nos", "os", "le", "les", *_SECOND)
_TWO = (
    *(first + second for first in ("me", "te", "se", "nos", "os") for second in _SECOND),
    *("se" + second for second in ("me", "te", "nos", "os", "le", "les")),
    *("te" + second for second in ("me", "nos", "le", "les")),
    *(first + second for first in ("me", "nos") for second in ("le", "les")),
)
PRONOUNS = frozenset((*_ONE, *_TWO))


def forms(verb: str) -> frozenset[str]:
    """A folded infinitive, gerund or imperative with nothing and with every pronoun or pair written onto it.

    Two endings lose a letter: vamos + nos is vámonos, sentad + os is sentaos.
    """
    found = {verb, *(verb + pronouns for pronouns in PRONOUNS)}
    if verb.endswith("mos"):
        found |= {verb[:-1] + pronouns for pronouns in PRONOUNS if pronouns.startswith(("nos", "se"))}
    if verb.endswith("d"):
        found |= {verb[:-1] + pronouns for pronouns in PRONOUNS if pronouns.startswith("os")}
    return frozenset(found)
