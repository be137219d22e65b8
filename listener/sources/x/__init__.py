"""X through its API v2: recent search, what it costs, and what is gone."""

from listener.sources.x.options import XOptions
from listener.sources.x.source import XSource

__all__ = ["XOptions", "XSource"]
