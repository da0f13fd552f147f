"""A real server on a free port, and a visitor who says every header himself."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from builders import Home

from phototag.web.desk import Desk
from phototag.web.serve import Address, prepared


@dataclass(frozen=True, slots=True)
class Heard:
    """An answer."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.body)


@dataclass(slots=True)
class Visitor:
    """Somebody who talks to the server; as our own page, unless told otherwise."""

    home: Home
    url: str
    desk: Desk
    cookie: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return self.url.split("/")[2]

    @property
    def path(self) -> str:
        return self.url.partition(self.address)[2]

    def ask(self, method: str, path: str, body: bytes | None = None, **said: str | None) -> Heard:
        """Headers by name with `_` for `-`; None leaves one out that would be sent."""
        words: dict[str, str | None] = {"Host": self.address, "Cookie": self.cookie}
        if method == "POST":
            words["Origin"] = f"http://{self.address}"
        words |= {name.replace("_", "-").title(): value for name, value in said.items()}
        host, _, port = self.address.rpartition(":")
        line = http.client.HTTPConnection(host.strip("[]"), int(port), timeout=30)
        line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in words.items():
            if value:
                line.putheader(name, value)
        if body is not None:
            line.putheader("Content-Length", str(len(body)))
        line.endheaders(body)
        answer = line.getresponse()
        found = Heard(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        line.close()
        return found

    def get(self, path: str, **said: str | None) -> Heard:
        return self.ask("GET", path, **said)

    def look(self, path: str) -> Heard:
        """As a browser asks for a page."""
        return self.get(path, accept="text/html")

    def post(self, path: str, words: object = None, **said: str | None) -> Heard:
        return self.ask("POST", path, json.dumps(words or {}).encode(), **said)

    def enter(self) -> Visitor:
        """Open the address that the terminal shows."""
        self.cookie = self.get(self.path).headers["set-cookie"].partition(";")[0]
        return self


def news(visitor: Visitor) -> Generator[dict, None, None]:
    """What a page is told of the scan, as it is told."""
    host, _, port = visitor.address.rpartition(":")
    line = http.client.HTTPConnection(host, int(port), timeout=60)
    line.request("GET", "/scan/events", headers={"Cookie": visitor.cookie})
    answer = line.getresponse()
    assert answer.headers["content-type"].startswith("text/event-stream")
    try:
        for row in answer:
            if row.startswith(b"data: "):
                yield json.loads(row[6:])
    finally:
        answer.close()
        line.close()


def scan_from_page(visitor: Visitor, path: str = "/scan", words: object = None) -> dict[str, Any]:
    """Run a scan to its end; the last that pages are told of it."""
    assert visitor.post(path, words).code == 200
    told = news(visitor)
    while (last := next(told))["state"] in ("running", "stopping"):
        pass
    told.close()
    return last


@contextmanager
def served(
    home: Home, address: Address | None = None, password: str | None = None
) -> Iterator[Visitor]:
    """The library behind a server in a thread of this process."""
    desk = Desk(home.library, "phototag serve", "tester", default=False)
    service = prepared(desk, address or Address(port=0), password)
    thread = threading.Thread(target=service.server.run, args=([service.place],), daemon=True)
    thread.start()
    while not service.server.started:
        time.sleep(0.01)
    try:
        yield Visitor(home, service.url, desk)
    finally:
        service.server.should_exit = True
        thread.join(30)
        service.place.close()
        assert not thread.is_alive()
