"""Who may ask: a Host allow-list against DNS rebinding, and same-origin checks against forged forms.

Both matter on loopback too: any page open in the same browser can send requests to 127.0.0.1.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from celeriac.api.problem import problem

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SAME_ORIGIN = frozenset({"same-origin", "none"})
"""`none` is a person's own act: an address typed, a bookmark (Fetch Metadata, W3C)."""


class Guard:
    """ASGI middleware that refuses what a foreign page could have caused, before any handler runs."""

    def __init__(self, app: ASGIApp, allowed_hosts: Iterable[str]) -> None:
        self._app = app
        self._allowed = frozenset(host.lower() for host in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            refusal = self._refusal(scope["method"], Headers(scope=scope))
            if refusal:
                await problem(403, refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)

    def _refusal(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if hostname(host) not in self._allowed:
            return f"the host {host!r} is not served here. Add it to server.allowed_hosts if it should be"
        if method in SAFE or same_origin(headers, host):
            return None
        return (
            "this request does not come from this site. Send it from the dashboard, or with an Origin that is this host"
        )


def hostname(host: str) -> str:
    """A Host header without its port, lower case; brackets of an IPv6 address stay."""
    name, separator, port = host.lower().rpartition(":")
    return name if separator and (port.isdigit() or not port) else host.lower()


def same_origin(headers: Headers, host: str) -> bool:
    """True when the browser says so, or its Origin is this host: over plain HTTP names it sends no Sec-Fetch-Site."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in SAME_ORIGIN
    return urlsplit(headers.get("origin", "")).netloc.lower() == host.lower() != ""
