"""Fetch the page of an article from its URL, safe from SSRF. Off unless QA_FETCH_URLS is on.

A host name is resolved once for each hop, all of its addresses must be public, and the connection goes to the address
that was checked, so that DNS rebinding has no effect. Redirects are hops like the first.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from qa.errors import BadArticle
from qa.readers.html_process import declared_charset
from qa.text.normalise import decode

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Collection[str]]]

LIMIT_S = 20.0  # for all hops together, from the first DNS look-up to the last byte
_HOPS = 5
_PORTS = frozenset({80, 443})
_REDIRECTS = (301, 302, 303, 307, 308)
_KINDS = {"text/html": "html", "application/xhtml+xml": "html", "text/plain": "text"}
_NUMBER = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
_CHARSET = re.compile(r"""charset\s*=\s*["']?([\w.:-]{1,40})""", re.IGNORECASE)
_NAME = re.compile(r"[a-z0-9._-]{1,253}")
# Addresses that embed another one: NAT64, 6to4, Teredo, IPv4-compatible; and what only newer Pythons call private.
_EMBEDDING = ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/23", "::/96", "192.0.0.0/24", "192.88.99.0/24")
_REFUSED = tuple(map(ip_network, _EMBEDDING))
_HEADERS = {"User-Agent": "news-qa", "Accept": "text/html, text/plain", "Accept-Encoding": "identity"}


async def _look_up(host: str, port: int) -> list[str]:
    entries = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in entries]


def is_public(address: Address) -> bool:
    """Tell whether an address is on the public internet: not this machine, not its network, not multicast."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address.is_site_local:
            return False
    if any(address in network for network in _REFUSED):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


class Fetcher:
    """Fetch pages, each within a time limit and a size limit."""

    def __init__(
        self,
        *,
        limit_s: float = LIMIT_S,
        ports: Collection[int] = _PORTS,
        resolve: Resolve = _look_up,
        is_allowed: Callable[[Address], bool] = is_public,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._limit_s = limit_s
        self._ports = ports
        self._resolve = resolve
        self._is_allowed = is_allowed
        self._trust = trust

    def fetch(self, url: str, max_bytes: int) -> Mapping[str, str]:
        """Return the `html` or the `text` at a URL, as a field of an article row. Raises BadArticle."""
        try:
            return asyncio.run(self._fetch(url, max_bytes))
        except TimeoutError as exc:
            raise BadArticle(f"url: nothing whole came within {self._limit_s:g} s", "url") from exc
        except (httpx.InvalidURL, UnicodeError) as exc:
            raise BadArticle("url: is not an address that can be fetched", "url") from exc
        except (httpx.HTTPError, OSError) as exc:
            raise BadArticle(f"url: cannot be fetched: {type(exc).__name__}", "url") from exc

    async def _fetch(self, url: str, max_bytes: int) -> dict[str, str]:
        # No proxy from the environment: it would resolve the name again, unchecked.
        client = httpx.AsyncClient(verify=self._trust or ssl.create_default_context(), trust_env=False)
        async with asyncio.timeout(self._limit_s), client:
            target = httpx.URL(url)
            for _ in range(_HOPS + 1):
                response = await client.send(await self._checked_request(target), stream=True)
                if response.status_code not in _REDIRECTS:
                    return await _read(response, max_bytes)
                await response.aclose()
                target = target.join(response.headers.get("location", ""))
        raise BadArticle(f"url: redirects more than {_HOPS} times", "url")

    async def _checked_request(self, url: httpx.URL) -> httpx.Request:
        """Return a request that connects to a checked address and asks there for the host name."""
        name = url.raw_host.decode("ascii")
        port = url.port or {"http": 80, "https": 443}.get(url.scheme, 0)
        if url.scheme not in ("http", "https"):
            raise BadArticle("url: only http and https are fetched", "url")
        if url.userinfo or not name:
            raise BadArticle("url: must name a host, and no user", "url")
        if port not in self._ports:
            raise BadArticle(f"url: port {port} is not fetched from", "url")
        addresses = await self._addresses(name, port)
        # One bad address refuses the name: which of several is used would be the resolver's choice, not ours.
        if not addresses or not all(map(self._is_allowed, addresses)):
            raise BadArticle("url: leads to an address that is not public", "url")
        headers = {**_HEADERS, "Host": url.netloc.decode("ascii")}
        pinned = url.copy_with(host=str(addresses[0]))
        return httpx.Request("GET", pinned, headers=headers, extensions={"sni_hostname": name})

    async def _addresses(self, name: str, port: int) -> list[Address]:
        """Return the address that the host is, or all addresses of the name."""
        with suppress(ValueError):
            return [ip_address(name)]
        # Resolvers read such a number as an address, and people do not recognise it as one.
        if _NUMBER.fullmatch(name.rstrip(".").rpartition(".")[2]):
            raise BadArticle("url: an address is written as four decimal numbers", "url")
        if not _NAME.fullmatch(name):
            raise BadArticle("url: its host is no name", "url")
        return [ip_address(address) for address in await self._resolve(name, port)]


async def _read(response: httpx.Response, max_bytes: int) -> dict[str, str]:
    """Return the body of a response as a field of a row."""
    if response.status_code != 200:
        raise BadArticle(f"url: the server answered {response.status_code}", "url")
    media, _, rest = response.headers.get("content-type", "").partition(";")
    kind = _KINDS.get(media.strip().lower())
    if kind is None:
        raise BadArticle("url: is neither HTML nor plain text", "url")
    if response.headers.get("content-encoding", "identity") != "identity":  # as we asked: a bomb is not unpacked
        raise BadArticle("url: the server packs what was asked for unpacked", "url")
    data = bytearray()
    async for piece in response.aiter_raw():
        data += piece
        if len(data) > max_bytes:
            raise BadArticle(f"url: more than {max_bytes} bytes", "url")
    charset = _CHARSET.search(rest)
    return {kind: decode(bytes(data), charset[1] if charset else declared_charset(data) if kind == "html" else None)}
