"""The way out to sources: only where a source may lie, decided on the address that is really connected to.

A source is set up by a data officer of one agency, so its address can't be trusted: it could name this machine, a
neighbour in the city's own network, or a cloud's metadata service. Public addresses are open; inner ones only when
the operator names the host (`CITYBRAIN_SOURCE_HOSTS`), files only in the folders named (`CITYBRAIN_SOURCE_FOLDERS`).
"""

import ipaddress
import logging
import socket
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import httpcore
import httpx
from django.conf import settings

log = logging.getLogger("citybrain.exchange")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
NAT64: Final = ipaddress.ip_network("64:ff9b::/96")
PUBLIC_BUT_INNER: Final = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
"""Networks of clouds' own services that look public."""


class Shut(OSError):
    """A source's host or file lies where none may be read from; the message says what the operator can do."""


def is_inner(address: Address) -> bool:
    """Whether an address isn't on the public internet, also when it is wrapped in an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        wrapped = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if wrapped is None and address in NAT64:
            wrapped = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_inner(wrapped)
    return not address.is_global or address.is_multicast or any(address in one for one in PUBLIC_BUT_INNER)


def is_named(host: str, port: int, address: Address, allowed: Iterable[str]) -> bool:
    """Whether the operator named this host: by name, `*.domain`, address or network, each with `:port` or for all.

    A name opens whatever it resolves to but link-local addresses, where clouds keep their metadata.
    """
    bare = host.strip("[]").rstrip(".").lower()
    for entry in allowed:
        name, wanted = _parted(entry.lower())
        if wanted not in (None, port):
            continue
        try:
            if address in ipaddress.ip_network(name.strip("[]"), strict=False):
                return True
        except ValueError:
            fits = bare.endswith(name[1:]) if name.startswith("*.") else bare == name.rstrip(".")
            if fits and not address.is_link_local:
                return True
    return False


def _parted(entry: str) -> tuple[str, int | None]:
    """Return (host or network, port); an IPv6 address with a port stands in brackets."""
    name, colon, port = entry.rpartition(":")
    if colon and port.isdigit() and (":" not in name or name.endswith("]")):
        return name, int(port)
    return entry, None


def resolved(host: str, port: int, allowed: Iterable[str] | None = None) -> list[str]:
    """Return the addresses of a host, each of which may be connected to. Raises Shut, OSError for an unknown name."""
    names = list(settings.SOURCE_HOSTS if allowed is None else allowed)
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    except UnicodeError as bad:
        raise OSError(f"{host!r} is no host name") from bad
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    for text in addresses:
        address = ipaddress.ip_address(text.partition("%")[0])
        if is_inner(address) and not is_named(host, port, address, names):
            log.warning("source host %s:%s is shut: %s is an inner address", host, port, address)
            raise Shut(
                f"{host}:{port} lies in an inner network; the operator opens it with CITYBRAIN_SOURCE_HOSTS={host}"
            )
    return addresses


def checked_path(path: Path) -> Path:
    """Return where a file or folder really lies, links followed. Raises Shut outside the operator's folders."""
    real = path.resolve()
    folders = [Path(one).resolve() for one in settings.SOURCE_FOLDERS]
    if path.is_absolute() and any(real.is_relative_to(folder) for folder in folders):
        return real
    told = ", ".join(map(str, folders)) or "none"
    raise Shut(
        f"{path} is in none of the folders that sources may be read from ({told}); CITYBRAIN_SOURCE_FOLDERS opens one"
    )


class GuardedNetwork(httpcore.NetworkBackend):
    """Connects to addresses that were looked up and checked here: what a name says a moment later doesn't count."""

    def __init__(self, allowed: Iterable[str] | None = None) -> None:
        self.allowed = None if allowed is None else list(allowed)
        self.real = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect to the first address that answers. Raises httpcore.ConnectError, also for one that is shut."""
        try:
            addresses = resolved(host, port, self.allowed)
        except OSError as bad:
            raise httpcore.ConnectError(str(bad)) from bad
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return self.real.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as bad:
                last = bad
        raise last

    def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.NetworkStream:
        """Refuse: a source is never a local socket."""
        raise httpcore.ConnectError("a source can't be a local socket")

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self.real.sleep(seconds)


class GuardedTransport(httpx.HTTPTransport):
    """httpx's own transport over the guarded network, without proxies: one would look names up for us."""

    def __init__(self, allowed: Iterable[str] | None = None) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore.ConnectionPool(
            ssl_context=httpx.create_ssl_context(trust_env=False),
            max_connections=2,
            network_backend=GuardedNetwork(allowed),
        )


def client(timeout_seconds: float = 30.0) -> httpx.Client:
    """Return a client that goes only where sources may lie, follows nothing by itself and reads no environment."""
    return httpx.Client(
        transport=GuardedTransport(),
        timeout=timeout_seconds,
        follow_redirects=False,
        trust_env=False,
        headers={
            "Accept": "application/json, */*;q=0.5",
            "Accept-Encoding": "gzip",
            "User-Agent": "citybrain",
        },
    )
