"""What each platform's search understands, as data: ``listener.query.translate`` reads nothing else about a platform.

Facts from the platforms' own documentation, November 2026. Where that is silent or people measured otherwise, the
narrower assumption stands here: what is not sent is filtered afterwards, what is sent in vain is lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Either = Literal["nested", "flat", "alone", "none"]
"""How a search may hold alternatives: in nested parentheses; in flat ones between other words; only as the whole
search; not at all, so that every alternative is a search of its own."""


@dataclass(frozen=True)
class Dialect:
    """One platform's search syntax.

    ``name`` is the source kind, ``title`` what people call it. ``max_length`` counts characters, or UTF-8 bytes where
    ``in_bytes``. The templates hold one ``{}`` for the value; None = the platform has no such operator.
    """

    name: str
    title: str
    max_length: int
    either: Either
    in_bytes: bool = False
    both: str = " "
    """Between words that must all be there."""
    one_of: str = " OR "
    """Between alternatives."""
    beyond: str = ""
    """What it searches besides the text that it hands out and that is matched here, in words; empty = nothing. A word
    that stands only there must not leave a text out, so NOT is sent for authors and languages alone."""
    minus: str | None = "-{}"
    hashtag: str | None = None
    handle: str | None = None
    handles_are_domains: bool = False
    names: str = r"\w+"
    """A pattern of the names that accounts there can have; some platforms refuse a search with another."""
    author: str | None = None
    lang: str | None = None
    languages: Mapping[str, str] | None = None
    """How languages are written; None = as two-letter codes. One that is not in it cannot be asked for."""
    near: str | None = None
    """Two words within so many: ``{n}``, ``{a}`` and ``{b}``. ``near_letters``: shorter words find nothing there.
    ``near_more``: what has to be added to the words apart, so that it finds them in either order."""
    near_more: int = 0
    near_letters: int = 1
    min_letters: int = 1
    """A shorter word is refused."""
    most_searches: int = 10
    """Where alternatives multiply: as many searches are made to ask for less, more than that and we filter here."""
    remark: str = ""
    """What holds for every search there, in words for the person who reads the plan."""
    lang_remark: str = ""
    """What holds for every search there with a language."""

    def length(self, search: str) -> int:
        """The search's length as the platform counts it."""
        return len(search.encode("utf-8", "surrogatepass")) if self.in_bytes else len(search)


_LANGUAGES = MappingProxyType(
    {
        "ar": "arabic", "bg": "bulgarian", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german",
        "el": "greek", "en": "english", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian",
        "fi": "finnish", "fr": "french", "gl": "galician", "he": "hebrew", "hi": "hindi", "hr": "croatian",
        "hu": "hungarian", "id": "indonesian", "it": "italian", "ja": "japanese", "ko": "korean", "lt": "lithuanian",
        "lv": "latvian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese", "ro": "romanian",
        "ru": "russian", "sk": "slovak", "sl": "slovenian", "sr": "serbian", "sv": "swedish", "th": "thai",
        "tr": "turkish", "uk": "ukrainian", "ur": "urdu", "vi": "vietnamese", "zh": "chinese",
    }
)  # fmt: skip

# https://docs.x.com/x-api/posts/search/integrate/operators: words are matched as tokens of the post's body, accents
# folded. Links are held against the text as what they lead to, which is how they come in, too; every post that is sent
# is paid for, so NOT is sent here.
X = Dialect(
    "x", "X", 512, "nested", hashtag="#{}", handle="@{}", author="from:{}", lang="lang:{}",
    names=r"[A-Za-z0-9_]{1,15}",
    remark="X looks back seven days.", lang_remark="X's own idea of a post's language decides lang:.",
)  # fmt: skip

# Reddit's help page on search ("manual filters"): AND, OR and NOT in capitals, parentheses, quotes, author:. A search
# without a field takes in title, selftext, author and subreddit (paperlined.org/apps/reddit/technical, of its text:).
REDDIT = Dialect(
    "reddit", "Reddit", 512, "nested", both=" AND ", minus="NOT {}", author="author:{}", names=r"[A-Za-z0-9_-]{3,20}",
    beyond="the names of authors and subreddits",
    remark="Reddit's search finds submissions; comments come from the subreddits that are read.",
)  # fmt: skip

# mastodon/mastodon, app/lib/search_query_parser.rb and search_query_transformer.rb: all parts must be there, no OR; a
# phrase is held against the words themselves, a word also against its stem. What is searched: searchable_text in
# app/models/concerns/status_search_concern.rb; a post's tags need not stand in its text where it comes from elsewhere.
MASTODON = Dialect(
    "mastodon", "Mastodon", 256, "none", hashtag="#{}", author="from:{}", lang="language:{}",
    names=r"[A-Za-z0-9_.-]+(@[A-Za-z0-9.-]+)?",
    beyond="polls, descriptions of pictures and words of the same stem",
    remark=(
        "Mastodon searches posts whose authors agreed to be found, on servers with full-text search."
    ),
    lang_remark="Mastodon's language: is what the author's app declared.",
)  # fmt: skip

# https://bsky.social/about/blog/05-31-2024-search; OR finds nothing (bluesky-social/atproto issue 3751), and people
# disagree on whether "-" works. Descriptions of pictures are searched (bluesky-social/indigo,
# search/post_schema.json).
BLUESKY = Dialect(
    "bluesky", "Bluesky", 256, "none", minus=None, hashtag="#{}", handle="@{}", handles_are_domains=True,
    author="from:{}", lang="lang:{}", names=r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+",
    beyond="descriptions of pictures",
    lang_remark="Bluesky's lang: is what the author's app declared.",
)  # fmt: skip

# https://www.algolia.com/doc/api-reference/api-parameters/advancedSyntax: quotes and "-" before a word, no OR. The
# index (algolia/hn-search, README) has url and author too, and every word may be the beginning of one ("prefixAll").
HACKERNEWS = Dialect(
    "hackernews", "Hacker News", 512, "none", in_bytes=True, minus=None,
    beyond="links, authors and words that begin alike",
)  # fmt: skip

# https://developers.google.com/youtube/v3/docs/search/list: "|" and "-". How "|" binds is not said, so it stands alone;
# "-" would leave out a video and all comments below it, most of which say nothing of what is to be left out.
YOUTUBE = Dialect(
    "youtube", "YouTube", 256, "alone", one_of="|", most_searches=4, minus=None,
    beyond="what is only like the words",
    remark=(
        "YouTube searches videos; the comments below them are matched here. A search costs 100 of the day's 10,000 "
        "units."
    ),
)  # fmt: skip

# https://blog.gdeltproject.org/gdelt-doc-2-0-api-debuts/: OR only within parentheses, and those do not nest. How long a
# search may be is not said ("too short or too long"); 250 characters go through. Whole articles are searched, and their
# titles are all that is handed out. near counts a word more where the two stand the other way round.
GDELT = Dialect(
    "gdelt", "GDELT", 250, "flat", lang="sourcelang:{}", languages=_LANGUAGES, near='near{n}:"{a} {b}"', near_letters=5,
    near_more=1,
    min_letters=3, beyond="whole articles, of which only the title comes in",
    remark=(
        "GDELT searches the articles' machine translation into English where they are in another language: give names "
        "as English news writes them."
    ),
)  # fmt: skip

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {dialect.name: dialect for dialect in (X, REDDIT, MASTODON, BLUESKY, HACKERNEWS, YOUTUBE, GDELT)}
)
"""By source kind."""
