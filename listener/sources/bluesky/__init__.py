"""Bluesky: its search, with an account's session."""

from listener.sources.bluesky.source import BlueskyOptions, BlueskySource

__all__ = ["BlueskyOptions", "BlueskySource"]
