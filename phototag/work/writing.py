"""Many small files, each whole and on the disk: written by threads, because a write waits for the
disk and not for the processor."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from phototag.output import atomic

THREADS = 4
"""Writers at once. Files of 5 kB on a solid state disk: 150 a second with one, 380 with two, 590
with four, 430 with eight or sixteen (medians of three turns)."""

Content = bytes | Callable[[], bytes | None]


@dataclass(frozen=True, slots=True)
class Put:
    """What became of a file."""

    state: Literal["written", "same", "kept", "nothing"]
    """`kept`: what is there is not ours. `nothing`: there was nothing to write."""
    digest: str = ""


class Writer:
    """Writes files where their content differs. Use as a context; leaving it waits for all."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="phototag-write")
        self._ready: set[Path] = set()
        self._written: set[Path] = set()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown(cancel_futures=True)

    def put(
        self,
        path: Path,
        content: Content,
        *,
        make_folder: bool = True,
        ours: Callable[[bytes], bool] = lambda there: True,
    ) -> Future[Put]:
        """Write a file; `content` may be a function, for what is made in the thread. A file of
        other bytes that is not `ours` is left alone.

        Raises CannotWriteFile here (the folder) or from the future.
        """
        if path.parent not in self._ready:
            if make_folder:
                atomic.make_folder(path.parent)
            atomic.sweep(path.parent)  # what a crash left there
            self._ready.add(path.parent)
        self._written.add(path.parent)
        return self._pool.submit(_put, path, content, ours)

    def flush(self) -> None:
        """Bring the names of all that was put to the disk. Call when the futures are done."""
        for folder in sorted(self._written):
            atomic.flush(folder)
        self._written.clear()


def _put(path: Path, content: Content, ours: Callable[[bytes], bool]) -> Put:
    data = content() if callable(content) else content
    if data is None:
        return Put("nothing")
    try:
        there = path.read_bytes()
    except FileNotFoundError:
        there = None
    except OSError:
        there = b""
    if there == data:
        return Put("same", atomic.digest(data))
    if there is not None and not ours(there):
        return Put("kept")
    atomic.write(path, data, flush_folder=False)
    return Put("written", atomic.digest(data))
