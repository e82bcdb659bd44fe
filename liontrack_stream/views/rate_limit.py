"""How often one client may ask: so often on average, and a burst at once.

A client is the user of a valid token, else the address that the request comes from.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil
from time import monotonic

from aiohttp import web

from liontrack_stream.views.errors import ApiError, Handler
from liontrack_stream.views.responses import json_response
from liontrack_stream.views.site import SITE

EXEMPT = frozenset({"/health", "/ready", "/metrics"})
CLIENTS_MAX = 20_000
SLOW_S = 0.5
SLOWED_MAX = 256

Networks = tuple[IPv4Network | IPv6Network, ...]


class RateLimit:
    """Lets each client in ``rate_per_s`` times a second on average, ``burst`` times at once.

    Of a client it knows one number: the time up to which its requests are spread at that rate. It may lie ahead of
    now by as much as a burst takes. What lies in the past says nothing, and is forgotten first.
    """

    def __init__(self, rate_per_s: float, burst: int, clock: Callable[[], float] = monotonic) -> None:
        self._step_s = 1.0 / rate_per_s
        self._ahead_s = burst * self._step_s
        self._clock = clock
        self._spread_to: OrderedDict[str, float] = OrderedDict()
        self._slowed = 0

    def wait_s(self, client: str) -> float:
        """0 and the request counts, or the seconds until the client's next one is let in."""
        now = self._clock()
        spread_to = max(now, self._spread_to.get(client, now)) + self._step_s
        if spread_to - now > self._ahead_s + 1e-9:
            return spread_to - now - self._ahead_s
        self._spread_to[client] = spread_to
        self._spread_to.move_to_end(client)
        while len(self._spread_to) > CLIENTS_MAX:
            self._spread_to.popitem(last=False)
        return 0.0

    async def refuse(self, wait_s: float) -> web.Response:
        """429, half a second late, so that who asks without pause costs little; at once where many wait for theirs."""
        body = {"error": "Too many requests", "detail": f"Ask again in {max(1, ceil(wait_s))} s."}
        response = json_response(body, 429, {"Retry-After": str(max(1, ceil(wait_s)))})
        if self._slowed >= SLOWED_MAX:
            response.force_close()
            return response
        self._slowed += 1
        try:
            await asyncio.sleep(SLOW_S)
        finally:
            self._slowed -= 1
        return response


RATE_LIMIT = web.AppKey("rate_limit", RateLimit)


@web.middleware
async def rate_limited(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a client that asks too often."""
    if request.path not in EXEMPT:
        limit = request.app[RATE_LIMIT]
        wait_s = limit.wait_s(client_of(request))
        if wait_s:
            return await limit.refuse(wait_s)
    return await handler(request)


def client_of(request: web.Request) -> str:
    """The name that a request counts under."""
    site = request.app[SITE]
    try:
        user_id = site.viewer(request).user_id
    except ApiError:
        user_id = None
    if user_id is not None:
        return f"user {user_id}"
    forwarded = request.headers.getall("X-Forwarded-For", []) if site.settings.trusted_proxies else []
    return address_of(request.remote or "", tuple(forwarded), site.settings.trusted_proxies)


@lru_cache(maxsize=1_024)
def is_of(remote: str, networks: Networks) -> bool:
    """Whether an address is in one of the networks."""
    try:
        address = ip_address(remote)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


@lru_cache(maxsize=1_024)
def address_of(remote: str, forwarded: tuple[str, ...], proxies: Networks) -> str:
    """The nearest address that is not one of the proxies: what is further away may be made up.

    Of IPv6 the network: one machine has as many addresses in it as it likes.
    """
    addresses = [remote, *reversed([part.strip() for part in ",".join(forwarded).split(",")])]
    nearest = remote
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            break
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        nearest = str(IPv6Network((address, 64), strict=False)) if address.version == 6 else str(address)
        if not any(address in network for network in proxies):
            break
    return nearest
