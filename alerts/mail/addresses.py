"""Mail addresses out of a configuration."""

import re
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import getaddresses

_LOCAL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}")
_DOMAIN = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*"
)


def read_address(written: str) -> Address:
    """`ana@example.com` or `Ana <ana@example.com>`. Raises ValueError in words.

    Domains in other letters are put into ASCII (RFC 5891); names before the @ must be ASCII, since other ones need
    every server on the way to know SMTPUTF8.
    """
    if not written.isprintable():
        raise ValueError("an address has no line ends or control characters")
    found = getaddresses([written])
    name, address = found[0] if len(found) == 1 else ("", "")
    local, _, domain = address.rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
        raise ValueError(f"an address looks like ana@example.com or Ana <ana@example.com>; got {written[:60]!r}")
    try:
        return Address(display_name=name, username=local, domain=domain)
    except (ValueError, HeaderParseError) as error:
        raise ValueError(f"{written[:60]!r} is no address: {error}") from None
