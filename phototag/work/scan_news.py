"""What a running scan tells of itself: to `status`, by a small file beside the lock, and to a log
that programs read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from phototag.catalog.lock import owner_of
from phototag.errors import UsageError
from phototag.work.reports import Problem, Progress, ScanReport

NAME = "progress.json"
OFTEN = 1.0
"""Seconds between two notes for `status`."""
SELDOM = 30.0
"""Seconds between two lines of progress in a log."""

LISTS = ("failed", "skipped", "guarded", "unmatched", "changed_faces", "changes")


def counts(report: ScanReport) -> dict[str, Any]:
    """The report with lists counted."""
    said = asdict(report)
    for name in LISTS:
        said[name] = len(said[name])
    return said


# ---- for status


@dataclass(frozen=True, slots=True)
class Running:
    """Where a scan is that runs now."""

    stage: str
    """`walk`, `extract`, `group` or `publish`."""
    done: int
    total: int
    """Photos of this stage; 0 where it is not known."""
    faces: int
    seconds: float
    """Since the scan began."""
    seconds_left: float | None
    """Of this stage, at the speed that it had so far."""
    updated: str
    """ISO 8601."""


@dataclass(slots=True)
class Note:
    """Keeps `LIBRARY/progress.json` up to date. Readers never wait for it, nor it for them."""

    folder: Path
    now: Callable[[], datetime]
    _began: float = field(default_factory=time.monotonic)
    _stage: str = ""
    _stage_began: float = 0.0
    _last: float = 0.0

    def tell(self, progress: Progress) -> None:
        at = time.monotonic()
        if progress.stage != self._stage:
            self._stage, self._stage_began, self._last = progress.stage, at, 0.0
        if at - self._last < OFTEN:
            return
        self._last = at
        left = None
        if progress.done and progress.total:
            speed = (at - self._stage_began) / progress.done
            left = round(speed * (progress.total - progress.done), 1)
        found = Running(
            progress.stage,
            progress.done,
            progress.total,
            progress.faces,
            round(at - self._began, 1),
            left,
            self.now().isoformat(timespec="seconds"),
        )
        self._write({"pid": os.getpid(), **asdict(found)})

    def _write(self, said: dict[str, Any]) -> None:
        """A note that cannot be written is none."""
        fresh = self.folder / f"{NAME}.new"
        with suppress(OSError):
            fresh.write_text(json.dumps(said))
            fresh.replace(self.folder / NAME)

    def end(self) -> None:
        with suppress(OSError):
            (self.folder / NAME).unlink(missing_ok=True)


def running(folder: Path) -> Running | None:
    """Where the scan is that holds the library. Call when somebody does."""
    try:
        said = json.loads((folder / NAME).read_text())
        if said.pop("pid") != owner_of(folder).get("pid"):
            return None  # left by one that was killed
        return Running(**said)
    except (OSError, ValueError, KeyError, TypeError):
        return None


# ---- for a log


@dataclass(slots=True)
class ScanLog:
    """A file of JSON lines, opened anew for each, so that it can be rotated at any time."""

    path: Path
    now: Callable[[], datetime]
    report: ScanReport
    """Of the scan: problems are told as they come."""
    _began: float = field(default_factory=time.monotonic)
    _stage: str = ""
    _last: float = 0.0
    _told: int = 0

    def start(self, **content: Any) -> None:
        """Raises UsageError where the file cannot be written."""
        try:
            self._append("start", {"pid": os.getpid(), **content})
        except OSError as error:
            said = f"--log-json {self.path} cannot be written: {error.strerror}."
            raise UsageError(said) from error

    def progress(self, progress: Progress) -> None:
        self._problems(self.report.failed)
        at = time.monotonic()
        if progress.stage == self._stage and at - self._last < SELDOM:
            return
        self._stage, self._last = progress.stage, at
        self._line(
            "progress",
            {
                "stage": progress.stage,
                "done": progress.done,
                "total": progress.total,
                "faces": progress.faces,
            },
        )

    def _problems(self, problems: list[Problem]) -> None:
        for problem in problems[self._told :]:
            self._line("problem", asdict(problem))
        self._told = len(problems)

    def end(self, outcome: str, exit_code: int, message: str) -> None:
        """`outcome`: `done`, `held`, `interrupted` or an error's code."""
        self._problems(self.report.failed)
        for problem in (*self.report.skipped, *self.report.guarded):
            self._line("problem", asdict(problem))
        seconds = round(time.monotonic() - self._began, 1)
        said = {"outcome": outcome, "exit_code": exit_code, "seconds": seconds, "message": message}
        self._line("summary", {**said, **counts(self.report)})

    def _line(self, event: str, content: dict[str, Any]) -> None:
        """A disk that is full now is no reason to end a scan."""
        with suppress(OSError):
            self._append(event, content)

    def _append(self, event: str, content: dict[str, Any]) -> None:
        head = {
            "schema": "phototag/scan-log/1",
            "time": self.now().isoformat(timespec="seconds"),
            "event": event,
        }
        line = json.dumps({**head, **content}, ensure_ascii=True) + "\n"
        with self.path.open("a", encoding="ascii") as file:
            file.write(line)


def one_line(places: list[str], report: ScanReport, seconds: float, code: int) -> str:
    """The whole scan in a line: `phototag scan /archive: 12 new photos, 3 failed; 30 faces …`."""
    photos = _listed(
        (report.new, "new"),
        (report.edited, "edited"),
        (report.moved, "moved"),
        (report.missing, "missing"),
        (report.returned, "back again"),
        (len(report.failed) + len(report.skipped), "failed"),
        (report.remaining, "left for the next time"),
    )
    names = _listed(
        (report.faces, "new faces"),
        (report.recognised, "recognised"),
        (report.reassigned, "moved to somebody else"),
        (report.withdrawn, "withdrawn"),
        (report.held, "changes of names WAIT for --accept-changes"),
    )
    said = "; ".join(part for part in (photos, names) if part) or "nothing changed"
    minutes = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    return f"phototag scan {' '.join(places)}: {said} ({minutes}, exit code {code})"


def _listed(*parts: tuple[int, str]) -> str:
    return ", ".join(f"{count:,} {word}" for count, word in parts if count)
