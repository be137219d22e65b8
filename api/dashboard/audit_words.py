"""What the audit keeps, as people say it: what was done, and the particulars of it."""

from collections.abc import Mapping
from typing import Any

from api.dashboard import rule_fields
from api.dashboard.language import N_

ACTIONS: Mapping[str, str] = {
    "brand.added": N_("added a brand"),
    "brand.edited": N_("changed a brand"),
    "brand.reset": N_("had escucha.yml hold again"),
    "brand.retired": N_("stopped listening for a brand"),
    "channel.enabled": N_("switched a channel on"),
    "channel.tested": N_("sent a test message"),
    "collection.added": N_("put promoters into a collection"),
    "collection.deleted": N_("deleted a collection"),
    "collection.made": N_("made a collection"),
    "collection.removed": N_("took promoters out of a collection"),
    "collection.renamed": N_("renamed a collection"),
    "delivery_given_up": N_("gave a message up"),
    "delivery_resent": N_("sent a message again"),
    "digest_left_out": N_("left a digest out"),
    "export.alerts": N_("began to export incidents"),
    "export.audit": N_("began to export the audit"),
    "export.ended": N_("export ended"),
    "export.mentions": N_("began to export mentions"),
    "export.promoters": N_("began to export promoters"),
    "key.made": N_("made an API key"),
    "key.revoked": N_("revoked an API key"),
    "mention.corrected": N_("corrected a mention"),
    "promoter.permission": N_("kept a promoter's permission"),
    "retention.settled": N_("settled how long mentions are kept"),
    "rule.edited": N_("changed a rule"),
    "user.added": N_("added a user"),
    "user.edited": N_("changed a user"),
    "user.link": N_("made a link to set a password"),
    "user.password": N_("changed a password"),
    "user.set_up": N_("became the first administrator"),
    "view.removed": N_("removed a saved view"),
    "view.saved": N_("saved a view"),
}
"""What was done; what is not here goes by its own name."""


def particulars(detail: Mapping[str, Any]) -> str:
    """The particulars on one line, without the marks that programs need."""
    return rule_fields.shown(detail) if detail else ""
