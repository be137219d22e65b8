"""Reddit: new submissions and comments of subreddits, searches, and what is gone."""

from listener.sources.reddit.options import RedditOptions
from listener.sources.reddit.source import RedditSource

__all__ = ["RedditOptions", "RedditSource"]
