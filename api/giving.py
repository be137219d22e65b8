"""What a caller may give to others: never more than they hold themselves."""

from collections.abc import Collection, Mapping

from listener.access import EVERYWHERE, PERMISSIONS, Caller, Permission, Role


def may_give_roles(asking: Caller, roles: Mapping[int | None, Role]) -> bool:
    """Whether a caller who manages users may give these roles (brand id, None = all), or let in who holds them: a key
    for users alone would be a key for everything otherwise."""
    return all(PERMISSIONS[role] <= asking.everywhere for role in roles.values())


def wrong_scopes(asking: Caller, scopes: Collection[Permission], *, all_brands: bool) -> str | None:
    """Why a key may not be made with these scopes, in English; None: it may."""
    if not scopes:
        return "choose at least one scope: a key without any opens nothing"
    beyond = sorted(one.value for one in frozenset(scopes) - asking.everywhere)
    if beyond:
        return f"you cannot give what you do not have yourself: {', '.join(beyond)}"
    whole = sorted(one.value for one in frozenset(scopes) & EVERYWHERE)
    if whole and not all_brands:
        return f"this concerns no single brand, so a key for some brands cannot have it: {', '.join(whole)}"
    return None
