"""Addresses that somebody wrote into a feed or a channel, and what may be reached under them: not our own network.

Whoever may name an address for us to ask could have us ask what only we can reach: another service on this machine, the
cloud's metadata. So the address that a name stands for is looked at in the moment in which it is connected to, and that
same address is connected to: a name that stands for another one a moment later (DNS rebinding) gains nothing. TLS still
asks for the name. Every redirect is a connection of its own and is looked at, too.

What a proxy is asked for is the proxy's to refuse. Nothing here is about addresses out of ESCUCHA_* settings.
"""

import ipaddress
import socket
from collections.abc import Iterable, Sequence
from typing import Any

import httpcore2
import httpx2

SETTING = "ESCUCHA_ALLOWED_NETWORKS"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address

_WELL_KNOWN = ipaddress.IPv6Network("64:ff9b::/96")
_LAST_FOUR = (_WELL_KNOWN, ipaddress.IPv6Network("64:ff9b:1::/48"), ipaddress.IPv6Network("::/96"))
"""NAT64 (RFC 6052, RFC 8215) and the old compatible form: an IPv4 address stands in the last four bytes."""

_allowed: tuple[Network, ...] = ()


class ForbiddenAddress(OSError):
    """Nothing there may be reached; the message says which address it is and which setting allows it."""


def networks(written: str) -> tuple[Network, ...]:
    """Networks from a list such as ``10.0.0.0/8, fd00::/8, 127.0.0.1``. Raises ValueError, in words."""
    found: list[Network] = []
    for one in (part.strip() for part in written.split(",")):
        try:
            found += [ipaddress.ip_network(one)] if one else []
        except ValueError as error:
            raise ValueError(
                f"{one[:60]!r} is no network; write networks such as 10.0.0.0/8 or 127.0.0.1, with commas between"
            ) from error
    return tuple(found)


def allow(these: Iterable[Network]) -> None:
    """Have this process reach these networks besides the public one: what the setting says."""
    global _allowed
    _allowed = tuple(these)


def refusal(address: str) -> str | None:
    """Why an IP address may not be connected to; None: it may."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    for one in (ip, *_inside(ip)):
        if any(one.version == net.version and one in net for net in _allowed):
            return None
    # The addresses of a translator to the old Internet (DNS64) are as public as what they stand for.
    for one in _inside(ip) if ip in _WELL_KNOWN else (ip, *_inside(ip)):
        if (kind := _kind(one)) is not None:
            return kind
    return None


def _kind(ip: _Ip) -> str | None:
    if ip.is_loopback or ip.is_unspecified:
        return "this machine"
    if ip.is_link_local:
        return "a link-local address"
    if ip.is_multicast:
        return "a multicast address"
    # All else that is not for the public: private, shared by carriers (RFC 6598), reserved, documentation.
    if not ip.is_global or ip.is_reserved or (ip.version == 6 and ip.is_site_local):
        return "a private or reserved address"
    return None


def _inside(ip: _Ip) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 one stands for: mapped or compatible, 6to4, Teredo, NAT64."""
    if ip.version == 4:
        return []
    found = [ip.ipv4_mapped, ip.sixtofour, *(ip.teredo or ())]
    if any(ip in net for net in _LAST_FOUR):
        found.append(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF))
    return [one for one in found if one is not None]


def reachable(host: str, port: int) -> list[str]:
    """The IP addresses of a host that may be connected to. Raises ForbiddenAddress where it has none but others, and
    OSError where the name is not known."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "not a name of a host") from error
    found = list(dict.fromkeys(str(answer[4][0]) for answer in answers))
    refused = {address: why for address in found if (why := refusal(address)) is not None}
    if len(refused) == len(found):
        address, why = next(iter(refused.items()))
        named = host if host == address else f"{host} ({address})"
        raise ForbiddenAddress(
            f"{named} is {why}, which feeds and channels may not reach; if it is meant, allow it: {SETTING}={address}"
        )
    return [address for address in found if address not in refused]


class _Looking(httpcore2.SyncBackend):
    """Connects where that is allowed, and to the very address that was looked at."""

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore2.NetworkStream:
        try:
            addresses: Sequence[str] = reachable(host, port)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        for address in addresses[:-1]:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore2.NetworkStream:
        raise httpcore2.ConnectError("no address of a feed or a channel is a socket of this machine")


def guard(client: httpx2.Client) -> httpx2.Client:
    """The client itself, connecting so from now on; through a proxy it goes on as before."""
    # The library lets nobody say how connections are made, and a transport of our own would lose the proxies that the
    # environment names. tests/alerts/test_outgoing.py fails where these names are others.
    pool = client._transport._pool  # type: ignore[attr-defined]
    pool._network_backend = _Looking()
    return client


def forbidden(error: BaseException) -> ForbiddenAddress | None:
    """The refusal that an error came of, if it did."""
    current: BaseException | None = error
    while current is not None:
        if isinstance(current, ForbiddenAddress):
            return current
        current = current.__cause__ or current.__context__
    return None
