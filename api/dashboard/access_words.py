"""How pages call roles and permissions."""

from collections.abc import Mapping

from api.dashboard.language import N_
from listener.access import Permission, Role

ROLES: Mapping[Role, tuple[str, str]] = {
    Role.VIEWER: (N_("Viewer"), N_("reads everything")),
    Role.AGENT: (N_("Agent"), N_("reads, takes care of incidents, silences, and corrects scores")),
    Role.MARKETER: (N_("Marketer"), N_("reads, asks promoters for permission, and exports")),
    Role.ADMINISTRATOR: (N_("Administrator"), N_("does everything")),
}
"""A role's name, and what it is for."""

PERMISSIONS: Mapping[Permission, str] = {
    Permission.READ_MENTIONS: N_("Read mentions and their scores"),
    Permission.CORRECT: N_("Correct scores"),
    Permission.READ_ALERTS: N_("Read incidents"),
    Permission.ACT: N_("Act on incidents"),
    Permission.SILENCE: N_("Add and end silences"),
    Permission.READ_FIGURES: N_("Read figures"),
    Permission.READ_PROMOTERS: N_("See promoters"),
    Permission.REUSE: N_("Keep permissions of promoters and collections"),
    Permission.EXPORT: N_("Export"),
    Permission.READ_SETUP: N_("See brands, rules, sources and channels"),
    Permission.EDIT_BRANDS: N_("Change brands"),
    Permission.EDIT_RULES: N_("Change rules"),
    Permission.OPERATE: N_("Switch channels on, send messages again"),
    Permission.USERS: N_("Manage users"),
    Permission.KEYS: N_("Manage API keys"),
    Permission.AUDIT: N_("Read the audit"),
    Permission.SETTINGS: N_("Settle how long mentions are kept"),
}
"""What each permission lets somebody do."""
