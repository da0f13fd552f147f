"""How a library stands: what it holds, what was done last, what works on it now."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from phototag.catalog import photos as photo_table
from phototag.catalog import store, views
from phototag.catalog.recognizer import recognizer
from phototag.catalog.store import CATALOG, Library
from phototag.errors import ModelError
from phototag.settings import Settings
from phototag.work.consent import Held, held
from phototag.work.models import embedder_card
from phototag.work.scan_news import Running, running
from phototag.work.why import Levels, levels_of

PICTURES = ("faces", "thumbs", "thumbnails", "sheet", "sidecars", "enrolled")
"""Folders of a library that hold files which phototag makes from the photos, or copies of them."""

PATIENCE = 0.25
"""Seconds that `status` spends on weighing pictures; beyond, the rest is estimated."""


@dataclass(frozen=True, slots=True)
class LastScan:
    """The latest scan."""

    started: str
    ended: str | None
    command: str
    outcome: str
    """`done`, `interrupted`, an error's code, or `unfinished`: it runs now, or it was killed."""
    summary: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes."""

    catalogue: int
    """With the journal's copy and what is worked out of the vectors."""
    pictures: int
    pictures_are_estimated: bool
    backups: int
    free: int


@dataclass(frozen=True, slots=True)
class Status:
    """How a library stands."""

    library: str
    photos: int
    files: int
    missing: int
    failed: int
    unpublished: int
    """Photos whose outputs are not written yet."""
    faces: int
    by_state: dict[str, int]
    """Faces: manual, imported, automatic, cluster, unknown, ignored, not_a_face, waiting."""
    suggested: int
    people: int
    clusters: int
    decisions: int
    last_scan: LastScan | None
    writer: dict[str, Any] | None
    """Who works on the library now: pid, host, command, started."""
    scan: Running | None
    """Where the scan is that runs now."""
    held: Held | None
    """Changes of names that wait for somebody to accept them."""
    model: Levels | None
    model_problem: str | None
    detector: str
    roots: tuple[str, ...]
    disk: Disk


STATES = ("manual", "imported", "automatic", "cluster", "unknown", "ignored", "not_a_face")


def status(lib: Library, settings: Settings) -> Status:
    """Counts only: no table is read into memory."""
    counts = photo_table.counts(lib)
    tally = views.tally(lib)
    by_state = {state: tally.get(state, 0) for state in STATES}
    by_state["waiting"] = max(0, counts["faces"] - sum(by_state.values()))
    model, problem = _model(lib, settings)
    at_work = store.in_use(lib.folder)
    return Status(
        library=str(lib.folder),
        photos=counts["photos"],
        files=counts["files"],
        missing=counts["missing"],
        failed=counts["failed"],
        unpublished=counts["unpublished"],
        faces=counts["faces"],
        by_state=by_state,
        suggested=tally["suggested"],
        people=tally["people"],
        clusters=tally["clusters"],
        decisions=counts["decisions"],
        last_scan=last_scan(lib),
        writer=store.owner_of(lib.folder) if at_work else None,
        scan=running(lib.folder) if at_work else None,
        held=held(lib),
        model=model,
        model_problem=problem,
        detector=settings.detector,
        roots=tuple(sorted(photo_table.roots(lib).values())),
        disk=_disk(lib),
    )


def _model(lib: Library, settings: Settings) -> tuple[Levels | None, str | None]:
    try:
        return levels_of(embedder_card(lib.folder, settings), recognizer(lib)), None
    except ModelError as error:
        return None, str(error)


def last_scan(lib: Library) -> LastScan | None:
    """The latest scan, if there was one."""
    row = store.last_run(lib)
    if row is None:
        return None
    return LastScan(
        row["started"],
        row["ended"],
        row["command"],
        row["outcome"] or "unfinished",
        json.loads(row["summary"] or "{}"),
    )


def _disk(lib: Library) -> Disk:
    catalogue = sum(_size(lib.folder / f"{CATALOG}{end}") for end in ("", "-wal", "-shm"))
    catalogue += _size(lib.folder / store.JOURNAL)
    for folder in _folders_in(str(lib.folder / "cache")):
        catalogue += sum(_sizes_in(folder))
    pictures, estimated = _weigh(lib)
    backups = lib.folder / "backups"
    return Disk(
        catalogue=catalogue,
        pictures=pictures,
        pictures_are_estimated=estimated,
        backups=sum(_sizes_in(str(backups))),
        free=shutil.disk_usage(lib.folder).free,
    )


def _weigh(lib: Library) -> tuple[int, bool]:
    """Bytes of all pictures and pages, and whether they are estimated from some of the folders."""
    folders: list[str] = []
    for name in PICTURES:
        top = lib.folder / name
        folders += [str(top), *_folders_in(str(top))]
    started = time.monotonic()
    total = 0
    # 7,919 is prime: steps of that length visit every folder once, spread over all of them.
    order = sorted(range(len(folders)), key=lambda i: i * 7919 % max(1, len(folders)))
    for done, place in enumerate(order, 1):
        total += sum(_sizes_in(folders[place]))
        if time.monotonic() - started > PATIENCE:
            return total * len(folders) // done, done < len(folders)
    return total, False


def _folders_in(folder: str) -> Iterator[str]:
    """All folders below, depth first."""
    try:
        with os.scandir(folder) as found:
            below = sorted(entry.path for entry in found if entry.is_dir(follow_symlinks=False))
    except OSError:
        return
    for path in below:
        yield path
        yield from _folders_in(path)


def _sizes_in(folder: str) -> Iterator[int]:
    """Sizes of the files that lie in it, not below."""
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.is_file(follow_symlinks=False):
                    yield entry.stat(follow_symlinks=False).st_size
    except OSError:
        return


def _size(path: os.PathLike[str]) -> int:
    try:
        return os.stat(path).st_size  # noqa: PTH116
    except OSError:
        return 0
