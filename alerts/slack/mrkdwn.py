"""Slack's mrkdwn, defused: text from outside shows as it was written and does nothing.

Three things make text act in Slack. `&`, `<` and `>` start links, mentions and pages to everyone (`<!channel>`); they
are escaped as Slack asks (docs.slack.dev/messaging/formatting-message-text). `*`, `_`, `~`, backquotes and `:name:`
format; Slack has no escape for these, so they are swapped for characters that look the same. Bare addresses and
channel names become links unless the text object is `verbatim`, which `alerts.slack.message` sets.
"""

import re

from alerts.text import ELLIPSIS, shorten, size, tame

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})

_LOOKALIKES = str.maketrans(
    {
        "*": "\u2217",  # asterisk operator
        "~": "\u223c",  # tilde operator
        "`": "\u02cb",  # modifier letter grave accent
    }
)
_LOW_LINE = "\u02cd"  # modifier letter low macron
_RATIO = "\u2236"
_SINGLE_ANGLE = "\u203a"

# Slack formats only at the edges of words, so handles like my_name keep their own underscores.
_FORMATTING_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI_COLON = re.compile(r":(?=[\w+'-]+:)")
_PARTIAL_ENTITY = re.compile(r"&[a-z]*\Z")
_BLANK_LINES = re.compile(r"\n\s*\n")


def inline(text: str, limit: int) -> str:
    """For the middle of a line: defused, on one line, at most `limit` characters, cut with "…"."""
    # Most of what is too long goes before the costly parts; `cut` then does it exactly.
    some = text[: 4 * limit]
    line = " ".join(tame(some).split()) + (ELLIPSIS if len(some) < len(text) else "")
    line = _defused(line[: limit + 1])
    # A leading ">" would make a quotation, escaped or not.
    if line.startswith("&gt;"):
        line = _SINGLE_ANGLE + line.removeprefix("&gt;")
    return cut(line, limit)


def quotation(text: str, limit: int) -> str:
    """Defused, each line behind Slack's quotation bar, at most `limit` characters, cut with "…".

    The bar on every line is what keeps a post from passing for a part of our message. Text without any visible
    character becomes a remark that there is none.
    """
    body = _BLANK_LINES.sub("\n\n", tame(text[: 2 * limit])).strip()
    if len(text) > 2 * limit:
        body += ELLIPSIS
    if not body:
        return "> _no text_"
    return cut("\n".join("> " + line.rstrip() for line in _defused(body).split("\n")), limit)


def cut(escaped: str, limit: int) -> str:
    """Escaped text in at most `limit` UTF-16 units, with "…" where cut, and never half an entity."""
    if size(escaped) <= limit:
        return escaped
    return _PARTIAL_ENTITY.sub("", shorten(escaped, limit).removesuffix(ELLIPSIS)).rstrip() + ELLIPSIS


def link(url: str, label: str) -> str:
    """A link with our own label; `url` must come from `alerts.links.web_link`."""
    # "|" and ">" would end the address early; web_link has percent-escaped them already, as it does "<".
    return f"<{url.replace('&', '&amp;')}|{label}>"


def _defused(text: str) -> str:
    text = text.translate(_LOOKALIKES).translate(_ENTITIES)
    text = _FORMATTING_UNDERSCORE.sub(_LOW_LINE, text)
    return _EMOJI_COLON.sub(_RATIO, text)
