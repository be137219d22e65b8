"""Mastodon: hashtags, search, and what is heard there of deletions and edits."""

from listener.sources.mastodon.source import MastodonOptions, MastodonSource

__all__ = ["MastodonOptions", "MastodonSource"]
