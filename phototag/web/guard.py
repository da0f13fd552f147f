"""Who may talk to the page: checks on every request before anything of ours runs.

Other pages in the same browser, other users of the machine and names that point to it (DNS
rebinding) are all strangers. A request passes when its `Host` is ours, when it comes from our own
page, and when it carries the session's cookie, which the token in the opened URL or the password
gives.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
import time
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from threading import Lock
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from phototag.web.render import page

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "x-frame-options": "DENY",
}
SAFE = ("GET", "HEAD")
OPEN = ("/static/", "/login")
"""Paths that need no session: they tell nothing of the library."""

PAUSE = 1.0
"""Seconds between two attempts at the password: a million guesses take eleven days."""


@dataclass(slots=True)
class Keys:
    """What opens the page."""

    port: int
    token: str | None = field(default_factory=lambda: secrets.token_urlsafe(32))
    """In the URL that the terminal shows; None where a password is asked instead."""
    password: str | None = None
    hosts: frozenset[str] = frozenset()
    """Names of this machine, besides addresses and localhost."""
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))
    _lock: Lock = field(default_factory=Lock)
    _free_at: float = 0.0

    @property
    def cookie(self) -> str:
        """Cookies know no ports: two libraries on one machine need two names."""
        return f"phototag-{self.port}"

    def is_token(self, said: str) -> bool:
        return self.token is not None and _equal(said, self.token)

    def is_password(self, said: str) -> bool:
        """Waits for its turn, so that nobody can try many."""
        with self._lock:
            time.sleep(max(0.0, self._free_at - time.monotonic()))
            self._free_at = time.monotonic() + PAUSE
        return self.password is not None and _equal(said, self.password)

    def is_session(self, headers: Headers) -> bool:
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self.cookie)
        except CookieError:
            return False
        return found is not None and _equal(found.value, self.session)

    def is_host(self, said: str) -> bool:
        """Whether a `Host` header names this machine by an address or a name of its own: only a
        foreign name can be made to point here."""
        try:
            parts = urlsplit(f"//{said}")
            name, port = parts.hostname or "", parts.port or 80
        except ValueError:
            return False
        return port == self.port and (_is_address(name, not self.hosts) or name in self.hosts)

    def cookie_header(self) -> str:
        return f"{self.cookie}={self.session}; Path=/; HttpOnly; SameSite=Strict"


def _equal(one: str, other: str) -> bool:
    digests = (hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in (one, other))
    return hmac.compare_digest(*digests)


def _is_address(name: str, loopback_only: bool) -> bool:
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback or not loopback_only


def names_of_machine(host: str) -> frozenset[str]:
    """Names under which others may reach a page that is served to them."""
    own = {host.lower(), socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset({*own, *(f"{name}.local" for name in own if "." not in name)})


@dataclass(slots=True)
class Guard:
    """The outermost layer of the application."""

    app: ASGIApp
    keys: Keys

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        answer = self._refusal(scope) or self._entrance(scope)

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await (answer or self.app)(scope, receive, dressed)

    def _refusal(self, scope: Scope) -> Response | None:
        """What no page of ours would send."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self.keys.is_host(host):
            return PlainTextResponse("This is not an address of phototag.", 421)
        origin = headers.get("origin")
        ours = f"http://{host}"
        if scope["method"] not in SAFE and origin != ours:
            return PlainTextResponse("This did not come from phototag's own page.", 403)
        if origin is not None and origin != ours:
            return PlainTextResponse("Other pages may not read this.", 403)
        site = headers.get("sec-fetch-site", "same-origin")
        visit = headers.get("sec-fetch-mode") == "navigate" and scope["method"] in SAFE
        if site not in ("same-origin", "none") and not visit:
            return PlainTextResponse("Other pages may not use this.", 403)
        return None

    def _entrance(self, scope: Scope) -> Response | None:
        """The way in for who has no session yet."""
        headers = Headers(scope=scope)
        query = parse_qs(scope["query_string"].decode("latin-1"))
        said = query.get("token", [""])[0]
        if said and scope["method"] == "GET" and self.keys.is_token(said):
            return self._admitted(scope["path"], query)
        if self.keys.is_session(headers) or scope["path"].startswith(OPEN):
            return None
        if scope["method"] in SAFE and "text/html" in headers.get("accept", ""):
            if self.keys.password is not None:
                return Response(status_code=303, headers={"location": "/login"})
            return HTMLResponse(page("closed.html", title="Open phototag"), 403)
        return PlainTextResponse("Open the address that phototag serve shows.", 403)

    def _admitted(self, path: str, query: dict[str, list[str]]) -> Response:
        """Set the cookie and go on without the token in the address. By a page and not a redirect:
        a cookie for our own pages only is not sent along redirects from elsewhere."""
        rest = urlencode([(k, v) for k, values in query.items() if k != "token" for v in values])
        place = "/" + path.lstrip("/")
        goal = f"{place}?{rest}" if rest else place
        return HTMLResponse(
            page("enter.html", title="phototag", goal=goal),
            headers={"set-cookie": self.keys.cookie_header()},
        )


async def form(request: Request) -> dict[str, str]:
    """The fields of a small form, without the machinery for large ones."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > 4096:
            return {}
    fields = parse_qs(bytes(body).decode("utf-8", "replace"), keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}
