"""A folder of photos moved as a whole: say so, and nothing is read again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from phototag.catalog import photos as table
from phototag.catalog import relocation
from phototag.catalog.store import Library, set_meta
from phototag.errors import Guarded, UsageError
from phototag.output import atomic

SAMPLE = 100
"""Files that are looked for in the new place, spread over all of the folder."""


@dataclass(frozen=True, slots=True)
class Relocated:
    """What moved."""

    old: str
    new: str
    roots: int
    files: int
    outputs: int
    """Sidecars whose records moved along."""
    checked: int
    """Sample files that were found in the new place."""
    touched: int
    """Of them, files whose time differs: they are hashed again by the next scan, no more."""


def relocate(lib: Library, old: str, new: str, *, force: bool = False) -> Relocated:
    """Say that the folder `old` is now `new`.

    Raises UsageError where that cannot be, Guarded where the files of the old place are not in the
    new one (`force` skips that look).
    """
    old, new = (os.path.abspath(os.path.expanduser(p)) for p in (old, new))  # noqa: PTH100, PTH111
    roots = _roots(lib, old, new)
    checked = touched = 0
    if not force:
        checked, touched = _look(lib, roots, old, new)
    inside = _inside_library(lib, old), _inside_library(lib, new)
    with lib.transaction():
        files = table.relocate_root(lib, old, new)
        outputs = relocation.move_outputs(lib, old, new)
        outputs += relocation.move_outputs(lib, *inside)
        set_meta(lib, "sheet", "")  # its links lead to the photos
        _move_folder(*inside)
    return Relocated(old, new, len(roots), files, outputs, checked, touched)


def _roots(lib: Library, old: str, new: str) -> dict[int, str]:
    """The scanned folders at or below `old`. Raises UsageError."""
    known = table.roots(lib)
    moving = {number: path for number, path in known.items() if _is_inside(old, path)}
    if old == new:
        raise UsageError(f"{old} is where it was.")
    if not moving:
        listed = ", ".join(sorted(known.values())) or "none yet"
        above = next((path for path in known.values() if _is_inside(path, old)), None)
        more = (
            f" It lies in {above}: scan that, and moved photos are known again by their content."
            if above
            else ""
        )
        raise UsageError(f"{old} is no folder that was scanned ({listed}).{more}")
    for number, path in known.items():
        for mover in moving.values():
            target = new + mover[len(old) :]
            if number not in moving and (_is_inside(path, target) or _is_inside(target, path)):
                raise UsageError(
                    f"{target} overlaps {path}, which was scanned too. Scan {new}: moved photos "
                    "are known again by their content, and keep their names."
                )
    return moving


def _is_inside(folder: str, path: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _look(lib: Library, roots: dict[int, str], old: str, new: str) -> tuple[int, int]:
    """Sample files in the new place: (found, of another time). Raises Guarded and UsageError."""
    if not os.path.isdir(new):  # noqa: PTH112 (not UTF-8 safe)
        raise UsageError(f"{new} is no folder. Is its disk mounted?")
    found = touched = 0
    lost: list[str] = []
    for row in relocation.sample(lib, sorted(roots), SAMPLE):
        place = new + row.path[len(old) :]
        try:
            status = os.stat(place)  # noqa: PTH116
        except OSError:
            lost.append(place)
            continue
        if status.st_size != row.size:
            lost.append(place)
            continue
        found += 1
        touched += status.st_mtime_ns != row.mtime_ns
    # A few may have been deleted or edited on the way; most of them must be there.
    if lost and len(lost) * 5 > found + len(lost):
        raise Guarded(
            f"{len(lost)} of {found + len(lost)} sample files are not in {new}, or have another "
            f"size: {lost[0]} is the first. Nothing was changed. If this is right all the same, "
            "say --force."
        )
    return found, touched


def _inside_library(lib: Library, folder: str) -> str:
    """Where sidecars of photos in that folder lie when they are kept in the library."""
    return str(lib.folder / "sidecars" / folder.lstrip("/"))


def _move_folder(old: str, new: str) -> None:
    """Move sidecars that the library keeps to where those of the new folder belong. What is there
    already is newer and stays; what remains is swept as leftovers by `doctor`."""
    if not os.path.isdir(old):  # noqa: PTH112 (not UTF-8 safe)
        return
    try:
        os.makedirs(os.path.dirname(new), exist_ok=True)  # noqa: PTH103, PTH120
        if not os.path.lexists(new):
            os.rename(old, new)  # noqa: PTH104
            return
        for folder, _, names in os.walk(old):
            target = new + folder[len(old) :]
            os.makedirs(target, exist_ok=True)  # noqa: PTH103
            for name in names:
                place = os.path.join(target, name)  # noqa: PTH118
                if not os.path.lexists(place):
                    os.rename(os.path.join(folder, name), place)  # noqa: PTH104, PTH118
    except OSError as error:
        raise atomic.CannotWriteFile(Path(new), error) from error
