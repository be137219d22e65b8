"""Examples of what is sent, by operation, where the model itself names none; held against the models by a test."""

from collections.abc import Mapping
from typing import Any

BODIES: Mapping[str, Any] = {
    "post_mentions_mention_id_corrections": {"what": "stance", "value": "-1"},
    "post_alerts_backtest": {"brand": "Lumbra", "rule": "detractor", "days": 14, "settings": {"min_probability": 0.8}},
    "post_alerts_alert_id_assign": {"to": "bea"},
    "post_alerts_alert_id_snooze": {"for": "2h"},
    "post_alerts_alert_id_answer": {},
    "post_alerts_alert_id_resolve": {"why": "They were called, and the line works again."},
    "post_alerts_alert_id_reopen": {"why": "It is down once more."},
    "post_alerts_alert_id_note": {"text": "Asked the network team; they look at it now."},
    "post_alerts_alert_id_feedback": {"useful": True},
    "post_silences": {"matchers": {"brand": ["Lumbra"]}, "for": "2h", "comment": "Planned work until noon."},
    "patch_brands_brand_id_rules_rule": {"settings": {}},
    "post_ingest": {
        "items": [{"id": "t-1", "kind": "crm", "text": "Lumbra is down again", "created_at": "2026-11-21T10:00:00Z"}]
    },
    "post_ingest_name": {"ticket": {"id": 1, "text": "Lumbra is down again"}},
    "post_users": {"email": "ana@example.com", "name": "Ana", "roles": [{"role": "agent", "brand": "Lumbra"}]},
    "patch_users_user_id": {"active": False},
    "post_keys": {"name": "reports", "scopes": ["figures:read"], "brands": ["Lumbra"]},
}
