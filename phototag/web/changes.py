"""Names that wait for consent: what a scan would change of those that it gave, and the button that
lets it stand. Accepting is a scan of no folder with `--accept-changes`: no decision of the journal,
on the command line neither."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from phototag.catalog import views
from phototag.catalog.store import Library
from phototag.core.types import Thresholds
from phototag.errors import UsageError
from phototag.web.decisions import spoken
from phototag.web.desk import Desk
from phototag.web.pages import html, shows
from phototag.web.shown import changed_tile
from phototag.work.consent import held
from phototag.work.diff import Difference, NameLine, difference, mark
from phototag.work.models import thresholds_of

SHOWN = 240
"""Faces on the page: the gravest changes, as `phototag diff --all` lists them."""


@dataclass(slots=True)
class Looks:
    """What would change, as it was worked out last: for a large library that takes seconds."""

    _found: tuple[str, Difference] | None = None
    _lock: Lock = field(default_factory=Lock)

    def look(self, lib: Library, model: str, thresholds: Thresholds) -> tuple[str, Difference]:
        """(what it follows from, what would change). Raises CannotWrite."""
        now = mark(lib, model, thresholds)
        with self._lock:
            if self._found is None or self._found[0] != now:
                self._found = now, difference(lib, model, thresholds)
            return self._found


@shows
def changes_page(desk: Desk, lib: Library, request: Request) -> Response:
    waiting = held(lib)
    words: dict[str, Any] = {"held": waiting, "groups": [], "more": 0, "mark": ""}
    if waiting is not None:
        card = desk.card(lib)
        looks: Looks = request.app.state.looks
        words["mark"], found = looks.look(lib, card.id, thresholds_of(card))
        words["counts"] = _counts(found)
        words["groups"] = [_group(lib, lines) for lines in _alike(found.lines[:SHOWN])]
        words["more"] = max(0, len(found.lines) - SHOWN)
    return html(lib, "changes.html", "changes", title="Names that wait", **words)


def _counts(found: Difference) -> str:
    """`6 withdrawn, 2 moved to another person, 1 new.`"""
    parts = (
        (found.withdrawn, "withdrawn"),
        (found.moved, "moved to another person"),
        (found.named, "new"),
    )
    said = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    return f"{said}." if said else "By now nothing would change any more."


def _alike(lines: Sequence[NameLine]) -> list[list[NameLine]]:
    """Changes from one name to another, together."""
    return [list(each) for _, each in groupby(lines, lambda c: (c.kind, c.was, c.now))]


def _group(lib: Library, lines: Sequence[NameLine]) -> dict[str, Any]:
    first = lines[0]
    seen = [views.seen_face(lib, int(line.face.partition("-")[2])) for line in lines]
    tiles = [changed_tile(face, line.now) for face, line in zip(seen, lines, strict=True) if face]
    return {"kind": first.kind, "was": first.was, "now": first.now, "tiles": tiles}


async def accept(request: Request) -> Response:
    """`POST /changes/accept`: let what the page shows stand. Raises UsageError where it would be
    something else by now."""
    words = await spoken(request)
    await run_in_threadpool(_still, request.app.state.desk, words.get("mark"))
    job = request.app.state.scan
    await run_in_threadpool(lambda: job.start([], accept=True))
    return JSONResponse({"state": job.news.state})


def _still(desk: Desk, shown: object) -> None:
    with desk.reading() as lib:
        card = desk.card(lib)
        if held(lib) is None:
            raise UsageError("No name waits any more.")
        if mark(lib, card.id, thresholds_of(card)) != shown:
            raise UsageError("Something changed since this page was made. Look again, then accept.")
