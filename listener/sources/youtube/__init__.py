"""YouTube comments through the Data API v3 (https://developers.google.com/youtube/v3/docs): channels, videos, search.

A project has 10,000 units a day, renewed at midnight Pacific time; a page of comments costs 1, a search 100
(https://developers.google.com/youtube/v3/determine_quota_cost). Threads come newest first; of a thread's replies some
stand in it, the others are asked for where their number has grown (``snippet.totalReplyCount``). The API has no feed of
new replies, so a reply below a thread older than ``replies_hours`` is not seen.
"""

from listener.sources.youtube.api import LIMITS
from listener.sources.youtube.options import YouTubeOptions
from listener.sources.youtube.source import KEEP_FOR, YouTubeSource

__all__ = ["KEEP_FOR", "LIMITS", "YouTubeOptions", "YouTubeSource"]
