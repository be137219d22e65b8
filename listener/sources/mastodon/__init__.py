"""Mastodon: hashtags, search, and what is heard there of deletions and edits."""

from listener.sources.mastodon.options import MastodonOptions
from listener.sources.mastodon.source import MastodonSource

__all__ = ["MastodonOptions", "MastodonSource"]
