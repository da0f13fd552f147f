"""`scan --log-json` and `--summary`: how a scan is told to other programs and in a mail."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from phototag import __version__, errors
from phototag.cli.common import command_line, now

if TYPE_CHECKING:
    from phototag.work.reports import Progress, ScanReport
    from phototag.work.scan_news import ScanLog


@dataclass(slots=True)
class Logged:
    """A scan whose course is noted, if a file for it was named."""

    places: list[str]
    report: ScanReport
    log: ScanLog | None
    message: str = ""
    """How it ended, in one line."""
    _began: float = field(default_factory=time.monotonic)

    def progress(self, progress: Progress) -> None:
        if self.log is not None:
            self.log.progress(progress)

    def done(self, code: int) -> None:
        from phototag.work.scan_news import one_line

        seconds = time.monotonic() - self._began
        self.message = one_line(self.places, self.report, seconds, code)
        self.end("held" if self.report.held else "done", code, self.message)

    def end(self, outcome: str, code: int, message: str) -> None:
        if self.log is not None:
            self.log.end(outcome, code, message)


@contextmanager
def logged(file: str | None, places: list[str]) -> Iterator[Logged]:
    """Note the beginning and, however it comes, the end. Raises UsageError where the file cannot be
    written."""
    from phototag.work.reports import ScanReport
    from phototag.work.scan_news import ScanLog

    report = ScanReport()
    log = None if file is None else ScanLog(Path(file).expanduser().absolute(), now, report)
    if log is not None:
        log.start(version=__version__, command=command_line(), places=places)
    told = Logged(places, report, log)
    try:
        yield told
    except errors.PhototagError as error:
        told.end(error.code, error.exit_code, str(error))
        raise
    except KeyboardInterrupt:
        told.end("interrupted", errors.INTERRUPTED, "What was done so far is kept.")
        raise
    except Exception as error:
        told.end("error", errors.LIBRARY, f"{type(error).__name__}: {error}")
        raise
