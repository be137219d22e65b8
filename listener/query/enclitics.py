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

    Two endings lose a letter, and are nothing with it: vamos + nos is vámonos, digamos + se + lo is digámoselo; sentad
    + os is sentaos, where sentados is another word. Only "id" keeps it: idos.
    """
    return frozenset((verb, *(_ending(verb, pronouns) + pronouns for pronouns in PRONOUNS)))


def _ending(verb: str, pronouns: str) -> str:
    if verb.endswith("mos") and pronouns.startswith(("nos", "se")):
        return verb[:-1]
    if verb.endswith("d") and verb != "id" and pronouns.startswith("os"):
        return verb[:-1]
    return verb
