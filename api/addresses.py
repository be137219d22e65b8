"""Under which addresses this installation is reached."""

import ipaddress
from urllib.parse import urlsplit

from fastapi import Request

from listener.config import Settings

LOCAL = ("localhost", "127.0.0.1", "[::1]")


def in_url(host: str) -> str:
    """A host as it stands in an address: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def listens_everywhere(settings: Settings) -> bool:
    """Whether the host is a wildcard, which is no address that a person could open."""
    try:
        return ipaddress.ip_address(settings.host).is_unspecified
    except ValueError:
        return False


def public_url(settings: Settings) -> str:
    """How people reach this installation, without a slash at the end.

    Where it listens everywhere and ESCUCHA_PUBLIC_URL is not set, that is true on this machine alone.
    """
    host = "localhost" if listens_everywhere(settings) else in_url(settings.host)
    return settings.public_url or f"http://{host}:{settings.port}"


def secure(settings: Settings) -> bool:
    """Whether people reach us by HTTPS, so that a browser may be told to send cookies over nothing else."""
    return public_url(settings).startswith("https://")


def cookie_name(name: str, settings: Settings) -> str:
    """What one of our cookies is called. By HTTPS so that a browser takes it from this very host alone: another host of
    the same site could have somebody work under a session of its own otherwise (RFC 6265bis, 4.1.3.2)."""
    return f"__Host-{name}" if secure(settings) else name


def trusted_hosts(settings: Settings) -> list[str]:
    """Whose requests are answered, by their Host header: a page elsewhere must not reach us under a name of its own.

    ``["*"]`` where nobody said under which names an installation that listens everywhere is reached.
    """
    if settings.public_url is None and listens_everywhere(settings):
        return ["*"]
    public = urlsplit(settings.public_url or "").hostname or ""
    if not public.isascii():
        # As browsers send it.
        public = public.encode("idna").decode("ascii")
    return [*LOCAL, in_url(settings.host), *([in_url(public)] if public else [])]


def local(path: str) -> str:
    """The same if it is a path of ours, else "/": whoever follows it must not be led to another site.

    Browsers read a backslash as a slash and drop tabs and line breaks, so none may stand in it (WHATWG URL).
    """
    sound = path.startswith("/") and not path.startswith("//") and "\\" not in path
    return path if sound and path.isprintable() and " " not in path else "/"


def came_from(request: Request) -> str:
    """The page of ours that a form was sent from, as far as its browser says; "/" otherwise."""
    page = urlsplit(request.headers.get("referer", "")[:2000])
    return local(page.path + (f"?{page.query}" if page.query else "")) if page.netloc == request.url.netloc else "/"
