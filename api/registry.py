"""Every resource of the API and every page, in the order in which addresses are matched."""

from api.dashboard.pages import (
    alert_views,
    entrance,
    joining,
    me,
    mention,
    now,
    promoter_collections,
    settings,
    settings_audit,
    settings_keys,
    settings_users,
    sign_in_oidc,
    trends,
)
from api.dashboard.pages import alerts as alerts_page
from api.dashboard.pages import brands as brands_page
from api.dashboard.pages import channels as channels_page
from api.dashboard.pages import mentions as mentions_page
from api.dashboard.pages import promoters as promoters_page
from api.dashboard.pages import rules as rules_page
from api.dashboard.pages import sources as sources_page
from api.routes import (
    alert_acts,
    alert_figures,
    alerts,
    audit,
    backtest,
    brands,
    channels,
    collections,
    corrections,
    deliveries,
    digests,
    events,
    exports,
    figures,
    health,
    ingest,
    keys,
    mentions,
    metrics,
    promoters,
    queries,
    retention,
    routing,
    rules,
    silences,
    slack,
    sources,
    users,
    views,
)

RESOURCES = (
    health, metrics, brands, queries, sources, mentions, corrections, figures, exports, promoters,
    collections, alert_figures, backtest, alerts, alert_acts, silences, rules, routing, channels, deliveries, digests,
    ingest, slack, views, users, keys, audit,
    retention, events,
)  # fmt: skip
"""Modules with a ``router`` each."""

PAGES = (
    entrance, joining, sign_in_oidc, me, now, alert_views, alerts_page, mentions_page, mention, trends,
    promoter_collections,
    promoters_page, sources_page, rules_page, brands_page, channels_page, settings, settings_users, settings_keys,
    settings_audit,
)  # fmt: skip
"""The same, of what people see."""
