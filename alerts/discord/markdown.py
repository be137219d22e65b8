"""Discord's Markdown, defused: text from outside shows as it was written, pings nobody and links nowhere.

Every character that can begin something (formatting, a heading, a list, a quotation, a code block, a masked link, an
emoji, a mention, a bare address) gets a backslash, which Discord does not show
(support.discord.com, "Markdown Text 101"). Mentions are switched off in the message as well (`allowed_mentions`).
"""

import re
from collections.abc import Callable

from alerts.text import shorten, size

# "@" is no Markdown, so a backslash before it would show; a character of no width parts it from the name instead.
_SPECIAL = re.compile(r"[\\*_~`|<>\[\]()#:]")
_AT = re.compile(r"@")
_LIST = re.compile(r"^(\s*)([-+])", re.MULTILINE)
_NUMBERED = re.compile(r"^(\s*\d+)\.", re.MULTILINE)
_WORD_JOINER = "\u2060"


def escaped(text: str) -> str:
    """Defused."""
    text = _SPECIAL.sub(r"\\\g<0>", text)
    text = _AT.sub("@" + _WORD_JOINER, text)
    text = _LIST.sub(r"\1\\\2", text)
    return _NUMBERED.sub(r"\1\\.", text)


def within(text: str, limit: int, written: Callable[[str], str] = escaped) -> str:
    """The text as `written`, cut so that this has at most `limit` UTF-16 units; never half an escape."""
    if limit <= 0:
        return ""
    room = limit
    while size(done := written(shorten(text, room))) > limit:
        # What it grew by says how much less would have fitted; at least one less, so that it ends.
        room = min(room - 1, room * limit // size(done))
        if room <= 0:
            return ""
    return done


def quotation(text: str) -> str:
    """Defused, each line behind Discord's quotation bar."""
    return "\n".join("> " + line for line in escaped(text).split("\n"))


def link(label: str, url: str) -> str:
    """A link with our own label; `url` comes from `alerts.links.web_link`."""
    return f"[{escaped(label)}]({url.replace('(', '%28').replace(')', '%29')})"
