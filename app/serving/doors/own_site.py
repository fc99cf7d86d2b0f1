"""Own site: the app answers its own pages alone; another site can neither read it, nor drive it, nor frame it.

A page of any other address that is open in the same browser can send requests here, as can one whose name was made to
mean this machine (DNS rebinding). Host, Origin and Sec-Fetch-Site are headers that no script can set.
"""

import os
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SITES = "HEADSCOPE_SITES"  # the variable that hands what --site says to the server's process
NAMES = ("localhost", "127.0.0.1")
FRAMES = ("iframe", "frame", "embed", "object", "fencedframe")
POLICY = {
    "Content-Security-Policy": "frame-ancestors 'self'",
    "X-Frame-Options": "SAMEORIGIN",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",  # an address holds folders' names
    "X-Content-Type-Options": "nosniff",
}


class OwnSite:
    """Lets through what comes from the app's own pages, and forbids other sites to frame what is sent."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request or socket."""
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        reason = refusal_of(Headers(scope=scope), own_hosts(scope), is_socket=scope["type"] == "websocket")
        if not reason:
            return await self.app(scope, receive, with_policy(send))
        if scope["type"] == "websocket":
            return await send({"type": "websocket.close", "code": 1008, "reason": reason})
        return await PlainTextResponse(f"{reason}\n", 403)(scope, receive, with_policy(send))


def own_hosts(scope: Scope) -> set[str]:
    """What the Host header says of this server, by its names here and by those that a proxy before it has."""
    port = (scope.get("server") or ("", None))[1]
    return {f"{name}:{port}" for name in NAMES} | {site for site in os.environ.get(SITES, "").split(",") if site}


def refusal_of(headers: Mapping[str, str], hosts: set[str], is_socket: bool) -> str:
    """Why a request is not answered, in one sentence; empty for one of the app's own pages, or of a link to one.

    A socket names its origin; any other request may come without, as a link that is followed does.
    """
    host, origin = headers.get("host", ""), headers.get("origin")
    if host.lower() not in hosts:
        return f"This server is {' or '.join(sorted(hosts))}, and was asked for {host[:80]!r}."
    if (origin is not None or is_socket) and urlsplit(origin or "").netloc.lower() != host.lower():
        return f"Only pages of {host} may use it, and this request is from {(origin or 'no page')[:80]!r}."
    followed = headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") not in FRAMES
    if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not followed:
        return f"Only pages of {host} may use it, and this request is from another site."
    return ""


def with_policy(send: Send) -> Send:
    """Sends the same, with headers that say what other sites may not do with it."""

    async def send_with_policy(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(POLICY)
        await send(message)

    return send_with_policy
