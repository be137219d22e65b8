"""Addresses out of posts, made safe to link to: only the web's, and only in a form that no platform chokes on."""

from urllib.parse import quote, urlsplit, urlunsplit

_KEPT = "/?#[]!$'()*+,;=:@&%-._~"
"""Reserved characters of RFC 3986, and "%", which is there because something is escaped already."""


def web_link(address: str | None, limit: int = 2_000) -> str | None:
    """The address as an ASCII http or https URL of at most `limit` characters, or None if it is not one.

    Addresses with a user name are refused: https://bank.example@evil.example reads like the bank's.
    """
    if not address:
        return None
    try:
        parts = urlsplit(address.strip())
        host = (parts.hostname or "").encode("idna").decode("ascii")
        port = parts.port
    except ValueError:  # brackets, ports and international host names that are none
        return None
    plain = all(letter.isalnum() or letter in "-._:" for letter in host)
    if parts.scheme not in ("http", "https") or not host or not plain or "@" in parts.netloc:
        return None
    netloc = f"[{host}]" if ":" in host else host
    if port is not None:
        netloc += f":{port}"
    escaped = (quote(part, safe=_KEPT, errors="replace") for part in (parts.path, parts.query, parts.fragment))
    link = urlunsplit((parts.scheme, netloc, *escaped))
    return link if len(link) <= limit else None
