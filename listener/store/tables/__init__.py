"""The tables. One stage's output is the next one's input, so every stage finds its unfinished rows here.

    source -> mention -> mention_brand -> score -> alert -> delivery
                          (scored_at)  (judged_at)        (state)

Migrations in ``migrations/versions`` build exactly these; a test compares the two on every database.
"""

from listener.store.tables.access import (
    ApiKey,
    OneTimeToken,
    RequestReceipt,
    SavedView,
    SignInFailure,
    UserAccount,
    UserRole,
    WebSession,
)
from listener.store.tables.alerts import Alert, AlertEvent, AlertMention, Evaluated, Evaluation, Feedback
from listener.store.tables.base import UTCDateTime, table
from listener.store.tables.coverage import Covered, Gap, SourceHour
from listener.store.tables.mentions import Author, Mention, MentionBand, MentionBrand, Tombstone
from listener.store.tables.notices import (
    Audit,
    ChannelState,
    DecisionLog,
    Delivery,
    DeliveryAttempt,
    Interaction,
    Notification,
    Quotation,
    Silence,
)
from listener.store.tables.push import DeclaredScore, PushReceipt
from listener.store.tables.quota import Backfill, Money, QuotaAccount, QuotaUse, SourceBreaker, Spend, SpendHeld
from listener.store.tables.reuse import Collection, CollectionItem, Correction, ReusePermission
from listener.store.tables.scores import RollupFacet, RollupHour, Score, ScoreCache
from listener.store.tables.sources import Brand, Source
from listener.store.tables.work import Firing, Setting, Task

__all__ = [
    "Alert",
    "AlertEvent",
    "AlertMention",
    "ApiKey",
    "Audit",
    "Author",
    "Backfill",
    "Brand",
    "ChannelState",
    "Collection",
    "CollectionItem",
    "Correction",
    "Covered",
    "DecisionLog",
    "DeclaredScore",
    "Delivery",
    "DeliveryAttempt",
    "Evaluated",
    "Evaluation",
    "Feedback",
    "Firing",
    "Gap",
    "Interaction",
    "Mention",
    "MentionBand",
    "MentionBrand",
    "Money",
    "Notification",
    "OneTimeToken",
    "PushReceipt",
    "QuotaAccount",
    "QuotaUse",
    "Quotation",
    "RequestReceipt",
    "ReusePermission",
    "RollupFacet",
    "RollupHour",
    "SavedView",
    "Score",
    "ScoreCache",
    "Setting",
    "SignInFailure",
    "Silence",
    "Source",
    "SourceBreaker",
    "SourceHour",
    "Spend",
    "SpendHeld",
    "Task",
    "Tombstone",
    "UTCDateTime",
    "UserAccount",
    "UserRole",
    "WebSession",
    "table",
]
