"""A scan from the page: one at a time, in a thread of its own, watched by as many pages as like."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from phototag.catalog import grids, store
from phototag.catalog import photos as photo_table
from phototag.catalog.store import Library
from phototag.core.types import number
from phototag.errors import LibraryInUse, PhototagError, UsageError
from phototag.output.sidecar import shown
from phototag.web.decisions import spoken
from phototag.web.desk import Desk, now
from phototag.web.pages import html
from phototag.work.review import backlog
from phototag.work.scan import Progress, ScanOptions, ScanReport
from phototag.work.status import last_scan
from phototag.work.whole_scan import Errand, scan_and_publish

TICK = 0.25
"""Seconds between two looks at a running scan."""

SHOWN = 50
"""Files that could not be read, on the page."""

STAGES = {
    "walk": "Looking for photos",
    "extract": "Finding faces",
    "group": "Recognising",
    "publish": "Writing sidecars and pages",
}


class _Stopped(Exception):
    """The user stopped the scan: what was done is kept."""


@dataclass(slots=True)
class News:
    """Where a scan is, as pages are told."""

    state: str = "idle"
    """`idle`, `running`, `stopping`, `done`, `stopped` or `failed`."""
    place: str = ""
    stage: str = ""
    done: int = 0
    total: int = 0
    faces: int = 0
    file: str = ""
    text: str = ""
    """How it ended, in words."""
    failed: int = 0


@dataclass(slots=True)
class ScanJob:
    """The scan of this server."""

    desk: Desk
    news: News = field(default_factory=News)
    is_over: Callable[[], bool] = lambda: False
    """Whether the server ends: pages need not listen any more."""
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: bool = False
    _started: float = 0.0

    @property
    def is_running(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def start(self, places: list[str], *, accept: bool = False) -> None:
        """Begin; `accept` lets all changes of names stand. Raises LibraryInUse where a scan runs
        already, here or elsewhere."""
        with self._lock:
            if self.is_running:
                raise LibraryInUse("A scan is running already. Stop it, or wait for its end.")
            self._stop = False
            self._started = time.monotonic()
            name = shown(places[0]) if len(places) == 1 else f"{len(places)} folders"
            stage = STAGES["group" if accept else "walk"]
            self.news = News(state="running", place="" if accept else name, stage=stage)
            self._thread = threading.Thread(
                target=self._run, args=(places, accept), name="phototag-scan", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Ask it to stop; it does within the next few photos."""
        if self.is_running:
            self._stop = True
            self.news.state = "stopping"

    def end(self) -> None:
        """Stop it and wait: the server ends."""
        self.stop()
        if self._thread is not None:
            self._thread.join()

    def _run(self, places: list[str], accept: bool) -> None:
        command = f"{self.desk.command} ({'accept changes' if accept else 'scan'})"
        options = ScanOptions(accept_changes=accept)
        try:
            with self.desk.writing(command) as lib:
                errand = Errand(places, command, options, default_library=self.desk.default)
                settings = self.desk.settings(lib)
                report, _ = scan_and_publish(lib, settings, errand, self._tell, now)
            self.news.state, self.news.text = "done", in_words(report)
            self.news.failed = len(report.failed)
        except _Stopped:
            self.news.state = "stopped"
            self.news.text = "Stopped. What was done is kept; the next scan goes on from there."
        except PhototagError as error:
            self.news.state, self.news.text = "failed", str(error)
        except Exception as error:  # said on the page: nobody sees what a thread raises
            self.news.state, self.news.text = "failed", f"{type(error).__name__}: {error}"

    def _tell(self, progress: Progress) -> None:
        if self._stop:
            raise _Stopped
        self.news.stage = STAGES[progress.stage]
        self.news.done, self.news.total = progress.done, progress.total
        self.news.faces = progress.faces or self.news.faces
        self.news.file = shown(progress.path.rpartition("/")[2])


def in_words(report: ScanReport) -> str:
    """`12 new photos, 30 faces, 4 recognised.`"""
    parts = (
        (report.new, "new photos" if report.new != 1 else "new photo"),
        (report.edited, "edited"),
        (report.moved, "moved"),
        (report.returned, "back again"),
        (report.missing, "missing"),
        (report.faces, "faces" if report.faces != 1 else "face"),
        (report.recognised, "recognised"),
        (report.suggested, "suggested"),
        (report.withdrawn, "no longer named"),
        (report.reassigned, "named otherwise"),
        (len(report.failed), "could not be read"),
    )
    said = ", ".join(f"{count:,} {word}" for count, word in parts if count)
    text = f"{said}." if said else "Nothing changed."
    for problem in report.guarded:
        if problem.reason == "held":
            text += f" {number(report.held, 'name')} would change and wait for you."
            continue
        text += f" {shown(problem.path)}: {problem.message}"
    return text


# ---- the page


def scan_page(request: Request) -> Response:
    # The news first: a scan that ends meanwhile is then news to the page, which looks again.
    news, desk = asdict(request.app.state.scan.news), request.app.state.desk
    with desk.reading() as lib:
        return _scan_page(lib, news, may_add=request.app.state.may_add)


def _scan_page(lib: Library, news: dict[str, Any], *, may_add: bool) -> Response:
    waiting = backlog(lib)
    broken = photo_table.failures(lib)
    return html(
        lib,
        "scan.html",
        "scan",
        title="Scan",
        roots=sorted(photo_table.roots(lib).items(), key=lambda root: root[1]),
        known=photo_table.counts(lib),
        people=grids.count_people(lib),
        waiting=waiting,
        writer=store.owner_of(lib.folder) if store.in_use(lib.folder) else None,
        last=last_scan(lib),
        broken=[(shown(path), message) for path, _, message in broken[:SHOWN]],
        broken_total=len(broken),
        may_add=may_add,
        news=news,
    )


async def begin(request: Request) -> Response:
    """`POST /scan`: one known folder by its number, all of them, or (where that is allowed) a new
    one by its path."""
    words = await spoken(request)
    places = await run_in_threadpool(_places, request, words)
    job: ScanJob = request.app.state.scan
    await run_in_threadpool(job.start, places)
    return JSONResponse(asdict(job.news))


def _places(request: Request, words: dict[str, Any]) -> list[str]:
    desk: Desk = request.app.state.desk
    with desk.reading() as lib:
        roots = photo_table.roots(lib)
    path = words.get("path")
    if isinstance(path, str) and path.strip():
        if not request.app.state.may_add:
            raise UsageError("New folders are added on the machine itself: phototag scan FOLDER.")
        place = os.path.expanduser(path.strip())  # noqa: PTH111 (as the shell does)
        if not os.path.isdir(place):  # noqa: PTH112
            raise UsageError(f"There is no folder {place}.")
        return [os.path.abspath(place)]  # noqa: PTH100
    if words.get("root") is None:
        if not roots:
            raise UsageError("Say which folder.")
        return sorted(roots.values())
    if words["root"] not in roots:
        raise UsageError("There is no such folder in the library.")
    return [roots[words["root"]]]


def stop(request: Request) -> Response:
    job: ScanJob = request.app.state.scan
    job.stop()
    return JSONResponse(asdict(job.news))


async def events(request: Request) -> Response:
    """`GET /scan/events`: news of the scan, whenever there is some."""
    return StreamingResponse(_stream(request.app.state.scan), media_type="text/event-stream")


async def _stream(job: ScanJob) -> AsyncIterator[str]:
    last, quiet = "", 0.0
    while not job.is_over():
        text = json.dumps(asdict(job.news), ensure_ascii=False)
        if text != last:
            last, quiet = text, 0.0
            yield f"data: {text}\n\n"
        elif quiet > 15:
            quiet = 0.0
            yield ": still here\n\n"
        await asyncio.sleep(TICK)
        quiet += TICK
