"""A brand's fields as its form calls them, and what escucha.yml says of one, in words."""

from collections.abc import Callable, Mapping
from typing import Any

from api.dashboard import rule_fields
from api.dashboard.language import N_

FIELDS: Mapping[str, str] = {
    "query": N_("Query"),
    "context": N_("Words that make sure that the brand is meant"),
    "unless": N_("Words that mean something else"),
    "relevance": N_("Hide below this probability"),
    "role": N_("Whose brand"),
    "accounts": N_("Its own accounts"),
    "themes": N_("Themes"),
    "channels": N_("Channels"),
}
"""A field in escucha.yml -> its label on the form; a rule's is its own."""

_ROLES = {"own": N_("our own"), "competitor": N_("a competitor's")}


def value(field: str, said: Any, _: Callable[[str], str]) -> str:
    """A value of one of them as people read it."""
    if field == "role":
        return _(_ROLES.get(str(said), str(said)))
    if field == "channels" and said is None:
        return _("All channels")
    if field == "relevance" and said is not None:
        return "never" if said is False else f"{100 * said:g} %"
    return rule_fields.shown(said)
