"""How a scan shows itself: live on a terminal, tqdm's plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

STAGES = {
    "walk": "Looking for photos",
    "extract": "Finding faces",
    "group": "Recognising",
    "publish": "Writing sidecars and pages",
}

Tell = Callable[[str, int, int, int], None]
"""stage, done, total, faces."""


@contextmanager
def progress(quiet: bool) -> Iterator[Tell]:
    """A function that is told where the scan is."""
    if quiet:
        yield lambda stage, done, total, faces: None
    elif sys.stderr.isatty():
        with _live() as tell:
            yield tell
    else:
        with _plain() as tell:
            yield tell


@contextmanager
def _live() -> Iterator[Tell]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    display = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    tasks: dict[str, Any] = {}

    def tell(stage: str, done: int, total: int, faces: int) -> None:
        if stage not in tasks:
            for task in tasks.values():
                display.update(task, visible=False)
            tasks[stage] = display.add_task(STAGES[stage], total=total or None, note="")
        task = display.tasks[list(tasks).index(stage)]
        note = ""
        if stage == "extract":
            speed = task.speed or (done / task.elapsed if task.elapsed else 0)
            note = f"{faces:,} faces · {speed:.1f} photos/s"
        display.update(tasks[stage], completed=done, total=total or None, note=note)

    with display:
        yield tell


@contextmanager
def _plain() -> Iterator[Tell]:
    from tqdm import tqdm

    bars: dict[str, Any] = {}

    def tell(stage: str, done: int, total: int, faces: int) -> None:
        if stage not in ("extract", "publish") or not total:
            return
        if stage not in bars:
            for earlier in bars.values():
                earlier.close()
            bars[stage] = tqdm(
                total=total,
                desc=STAGES[stage],
                unit="photo",
                mininterval=10,
                file=sys.stderr,
                ascii=True,
                dynamic_ncols=False,
                ncols=90,
            )
        bar = bars[stage]
        if stage == "extract":
            bar.set_postfix_str(f"{faces} faces", refresh=False)
        bar.update(done - bar.n)

    try:
        yield tell
    finally:
        for bar in bars.values():
            bar.close()


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A function that is told how many there are so far; shown on a terminal only."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console

    with Console(stderr=True).status(what) as status:
        yield lambda count: status.update(f"{count:,} {what}")


class Bar:
    """A progress bar whose length is known when the work begins."""

    def __init__(self, quiet: bool, unit: str) -> None:
        from tqdm import tqdm

        self._bar = tqdm(unit=unit, disable=quiet or None, leave=False)

    def start(self, total: int) -> None:
        self._bar.reset(total)

    def step(self) -> None:
        self._bar.update()

    def close(self) -> None:
        self._bar.close()


@contextmanager
def photo_bar(quiet: bool, unit: str) -> Iterator[Bar]:
    """A bar on a terminal; nothing elsewhere."""
    bar = Bar(quiet, unit)
    try:
        yield bar
    finally:
        bar.close()
