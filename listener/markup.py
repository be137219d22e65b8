"""What platforms wrap text in, taken off: HTML to plain text, languages' tags, and which addresses may be links."""

import html as entities
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

_UNSEEN = {"script", "style", "template", "noscript", "iframe", "object", "svg", "head", "title"}
_BLOCKS = {"p", "div", "li", "ul", "ol", "tr", "table", "blockquote", "pre", "section", "article", "header", "footer"}
_BLOCKS |= {"h1", "h2", "h3", "h4", "h5", "h6", "hr", "figure", "figcaption", "dt", "dd"}

# Not html.parser: up to Python 3.11.12 its time grows with the square of what a stranger leaves unclosed, and 100 KB
# of "<a " took half a minute. Here nothing is read twice: possessive repeats, bounded quotes, no "<" inside a tag.
_MARK = re.compile(
    r"""<(?:(?P<comment>!--)|(?P<other>[!?])|(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9:-]*+)"""
    r"""(?P<attributes>(?:[^<>"']|"[^"]{0,5000}"|'[^']{0,5000}')*+)>)"""
)
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]++)\s*+=\s*+(?:"([^"]*+)"|'([^']*+)'|([^\s"'>]++))""")


def _pieces(html: str) -> Iterator[tuple[str, str, str]]:
    """(text, "", ""), ("", tag, attributes) and ("", /tag, "") in order, without what no reader sees."""
    position = 0
    missing: set[str] = set()  # ends that were looked for and are not there, so that they are not looked for again
    lower = html.lower() if len(html.lower()) == len(html) else html

    def after(end: str) -> int | None:
        found = -1 if end in missing else lower.find(end, position)
        if found < 0:
            missing.add(end)
            return None
        return found + len(end)

    start = 0
    while mark := _MARK.search(html, position):
        position = mark.end()
        tag = (mark["tag"] or "").lower()
        rest: int | None = position
        if mark["comment"]:
            rest = after("-->") or len(html)  # as browsers do: never closed, it hides the rest
        elif mark["other"]:
            rest = after(">")
        elif tag in _UNSEEN and not mark["close"] and not mark["attributes"].endswith("/"):
            rest = after(f"</{tag}")
            if rest is not None:
                rest = html.find(">", rest) + 1 or rest
            elif tag in ("script", "style"):
                rest = len(html)
        if rest is None and not tag:
            continue  # a lone "<!" is text
        yield entities.unescape(html[start : mark.start()]), "", ""
        if tag:
            yield "", mark["close"] + tag, mark["attributes"]
        start = position = position if rest is None else rest
    yield entities.unescape(html[start:]), "", ""


def _attributes(text: str) -> dict[str, str]:
    return {
        found[1].lower(): entities.unescape(found[2] or found[3] or found[4] or "")
        for found in _ATTRIBUTE.finditer(text)
    }


def plain_text(html: str) -> str:
    """The words of a piece of HTML: entities decoded, paragraphs as empty lines, no scripts, styles or comments.

    Never fails: broken markup comes out as text.
    """
    if "<" not in html and "&" not in html:
        return html.strip()
    parts: list[str] = []
    for text, tag, attributes in _pieces(html):
        if text:
            parts.append(text)
        elif tag == "br":
            parts.append("\n")
        elif tag.lstrip("/") in _BLOCKS:
            parts.append("\n\n")
        elif tag == "img":
            parts.append(_attributes(attributes).get("alt", ""))
    lines = (" ".join(line.split()) for line in "".join(parts).replace("\xa0", " ").split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def web_address(value: object) -> str | None:
    """The address if it is one of the web (http or https); None for anything else, ``javascript:`` above all."""
    if not isinstance(value, str):
        return None
    address = value.strip()
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return address if parts.scheme in ("http", "https") and parts.netloc else None


def language_of(tag: object) -> str | None:
    """The language of a tag as platforms write it, "pt-BR" -> "pt"; None where it names none."""
    language = str(tag or "").replace("_", "-").partition("-")[0].strip().lower()
    return language if 2 <= len(language) <= 3 and language.isalpha() else None


def looks_like_html(body: bytes) -> bool:
    """True for a web page where data was expected, judged by how it begins."""
    start = body[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    start = re.sub(rb"^(<\?xml[^>]*>|<!--.*?-->|\s)+", b"", start, flags=re.DOTALL)
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<body"))


def feed_links(html: str) -> list[str]:
    """The feeds a web page names in its head, as written there."""
    kinds = ("application/rss+xml", "application/atom+xml")
    # The head is what plain text leaves out, so its tags are looked at one by one.
    links = (_attributes(mark["attributes"]) for mark in _MARK.finditer(html) if (mark["tag"] or "").lower() == "link")
    return [link["href"] for link in links if link.get("type") in kinds and link.get("href")]
