"""Who may do what: permissions, the roles that hold them, and what a caller may do with which brands. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Permission(StrEnum):
    """One kind of thing that somebody may do. These are also the scopes of API keys."""

    READ_MENTIONS = "mentions:read"
    CORRECT = "mentions:correct"
    READ_ALERTS = "alerts:read"
    ACT = "alerts:act"
    SILENCE = "silences:write"
    READ_FIGURES = "figures:read"
    READ_PROMOTERS = "promoters:read"
    REUSE = "promoters:write"
    EXPORT = "exports:read"
    READ_SETUP = "setup:read"
    EDIT_BRANDS = "brands:write"
    EDIT_RULES = "rules:write"
    OPERATE = "deliveries:write"
    USERS = "users:admin"
    KEYS = "keys:admin"
    AUDIT = "audit:read"
    SETTINGS = "settings:admin"


_READING = frozenset(
    {
        Permission.READ_MENTIONS, Permission.READ_ALERTS, Permission.READ_FIGURES, Permission.READ_PROMOTERS,
        Permission.READ_SETUP,
    }
)  # fmt: skip


class Role(StrEnum):
    """What a user is for a brand, or for all of them."""

    VIEWER = "viewer"
    AGENT = "agent"
    MARKETER = "marketer"
    ADMINISTRATOR = "administrator"


PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    Role.VIEWER: _READING,
    Role.AGENT: _READING | {Permission.CORRECT, Permission.ACT, Permission.SILENCE},
    Role.MARKETER: _READING | {Permission.REUSE, Permission.EXPORT},
    Role.ADMINISTRATOR: frozenset(Permission),
}
"""What each role may do with its brand's things."""

EVERYWHERE = frozenset({Permission.OPERATE, Permission.USERS, Permission.KEYS, Permission.AUDIT, Permission.SETTINGS})
"""Permissions about what belongs to no single brand: they count only where they are held for everything."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks. ``name``: what the others call them.

    ``everywhere``: permissions held for all brands, those to come included; ``by_brand``: brand id -> more of them.
    ``user_id`` or ``key_id`` says which of the two it is; ``csrf``: what this user's forms must carry.
    """

    name: str
    everywhere: frozenset[Permission] = frozenset()
    by_brand: Mapping[int, frozenset[Permission]] = field(default_factory=dict)
    user_id: int | None = None
    key_id: int | None = None
    csrf: str | None = None
    email: str | None = None
    language: str | None = None

    @property
    def actor(self) -> str:
        """What is kept of who did something. People may be called anything and alike; an address is one's own."""
        return self.name if self.email is None else signed(self.name, self.email)

    def brands(self, permission: Permission) -> frozenset[int] | None:
        """The ids of the brands with whose things they may do this; None = all, an empty set = none."""
        if permission in self.everywhere:
            return None
        if permission in EVERYWHERE:
            return frozenset()
        return frozenset(brand for brand, held in self.by_brand.items() if permission in held)

    def may(self, permission: Permission, brand_id: int | None = None) -> bool:
        """Whether they may do this with a brand's things; ``brand_id`` None: with what concerns no single brand."""
        found = self.brands(permission)
        return found is None or (brand_id is not None and brand_id in found)

    def ever(self, permission: Permission) -> bool:
        """Whether they may do this with any brand's things at all."""
        found = self.brands(permission)
        return found is None or bool(found)


def signed(name: str, email: str) -> str:
    """A person in the audit."""
    return f"{name} <{email}>"


def of_roles(roles: Mapping[int | None, Role]) -> tuple[frozenset[Permission], dict[int, frozenset[Permission]]]:
    """What roles (brand id, None = everything -> role) come to: ``Caller.everywhere`` and ``Caller.by_brand``."""
    everywhere = PERMISSIONS[roles[None]] if None in roles else frozenset[Permission]()
    return everywhere, {brand: PERMISSIONS[role] for brand, role in roles.items() if brand is not None}


def of_scopes(
    scopes: frozenset[Permission], brands: frozenset[int] | None
) -> tuple[frozenset[Permission], dict[int, frozenset[Permission]]]:
    """The same of a key's scopes and the only brands that it is for (None = all)."""
    if brands is None:
        return scopes, {}
    return frozenset(), dict.fromkeys(brands, scopes - EVERYWHERE)
