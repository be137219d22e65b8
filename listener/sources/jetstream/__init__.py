"""Jetstream: everything that is posted and deleted on Bluesky."""

from listener.sources.jetstream.options import JetstreamOptions
from listener.sources.jetstream.source import JetstreamSource

__all__ = ["JetstreamOptions", "JetstreamSource"]
