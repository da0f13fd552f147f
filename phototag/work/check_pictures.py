"""Are the pictures and sidecars there, and nothing that belongs to nobody?"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from phototag.catalog import checks, drawings
from phototag.catalog import photos as photo_table
from phototag.catalog.store import Library
from phototag.output import atomic, sidecar
from phototag.work.check import Check, Patient, listed, ok, problem, unsettled
from phototag.work.pictures import crop_path, thumb_path

AREA = "library"

_KEPT = re.compile(r"([0-9a-f]{32})(?:-(\d+))?\.webp\Z")
FOLDERS = ("faces", "thumbs", "thumbnails")


@dataclass(slots=True)
class Pictures:
    """What the picture folders of a library hold, against the catalogue."""

    kept: int = 0
    orphans: list[str] = field(default_factory=list)
    """Absolute paths of pictures of photos or faces that there are not."""
    lacking: list[str] = field(default_factory=list)
    """Keys of live photos of which a picture is not there."""


def pictures(lib: Library) -> Pictures:
    """Look at one 256th of the photos at a time."""
    found = Pictures()
    for number in range(256):
        prefix = f"{number:02x}"
        photos = checks.keys_with_faces(lib, prefix)
        aside = drawings.past_faces(lib, prefix)
        there: set[str] = set()
        for folder in FOLDERS:
            for path in _files(lib.folder / folder / prefix):
                if _belongs(path, folder, photos, aside):
                    there.add(os.path.relpath(path, lib.folder))
                    found.kept += 1
                elif not atomic.is_temporary(os.path.basename(path)):  # noqa: PTH119
                    found.orphans.append(path)
        for key, (wanted, faces) in photos.items():
            needed = [thumb_path(key), *(crop_path(key, face) for face in faces)]
            if wanted and not there.issuperset(needed):
                found.lacking.append(key)
    found.orphans += _lost_sidecars(lib)
    return found


def _lost_sidecars(lib: Library) -> Iterator[str]:
    """Sidecars in the library that no photo has (any more)."""
    for folder, _, names in os.walk(lib.folder / "sidecars"):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118 (not UTF-8 safe)
            if name.endswith(sidecar.SUFFIX) and not checks.is_output(lib, path):
                yield path


def _belongs(
    path: str, folder: str, photos: dict[str, tuple[bool, set[int]]], aside: set[int]
) -> bool:
    said = _KEPT.match(os.path.basename(path))  # noqa: PTH119
    if said is None or said[1] not in photos:
        return False
    if folder == "faces":
        return said[2] is not None and int(said[2]) in photos[said[1]][1] | aside
    return said[2] is None


def _files(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            for entry in found:
                if entry.is_file(follow_symlinks=False):
                    yield entry.path
    except OSError:
        return


def _pictures(patient: Patient) -> Iterator[Check]:
    found = pictures(patient.lib)
    if found.orphans:
        count = len(found.orphans)
        shown = listed(tuple(os.path.basename(p) for p in found.orphans[:3]), count)  # noqa: PTH119
        said = f"{count:,} pictures belong to no photo or face: {shown}"
        yield unsettled(
            problem(AREA, "leftovers", said, "--repair removes them.", "orphans"), patient
        )
    if found.lacking:
        said = f"pictures of {len(found.lacking):,} photos are not there"
        advice = "--repair cuts them again from the photos."
        yield unsettled(problem(AREA, "pictures", said, advice, "pictures"), patient)
    if not found.orphans and not found.lacking:
        yield ok(AREA, "pictures", f"{found.kept:,} pictures, each of a photo or face")


def _temporary(patient: Patient) -> Iterator[Check]:
    found = leftovers(patient.lib)
    if not found:
        yield ok(AREA, "half written", "no file was left half written")
        return
    said = f"{len(found):,} files were left half written by a crash: {found[0]}"
    yield unsettled(problem(AREA, "half written", said, "--repair removes them.", "sweep"), patient)


def leftovers(lib: Library) -> list[str]:
    """Temporary files in the library and beside the photos."""
    found = []
    for folder, _, names in os.walk(lib.folder):
        found += [os.path.join(folder, name) for name in names if atomic.is_temporary(name)]  # noqa: PTH118
    for folder in checks.photo_folders(lib):
        found += [p for p in _files(Path(folder)) if atomic.is_temporary(os.path.basename(p))]  # noqa: PTH119
    return sorted(set(found))


def _outputs(patient: Patient) -> Iterator[Check]:
    count = 0
    lost: list[tuple[int, str]] = []
    for photo, path in lacking_outputs(patient.lib):
        lost.append((photo, path))
        count += 1
    if not lost:
        yield ok(AREA, "outputs", "every sidecar and thumbnail that was written is there")
    else:
        said = f"{count:,} sidecars or thumbnails are not there any more: {lost[0][1]}"
        advice = "--repair writes them again, and so does phototag sheet."
        yield problem(AREA, "outputs", said, advice, "publish")
    waiting = photo_table.counts(patient.lib)["unpublished"]
    if waiting:
        said = f"the outputs of {waiting:,} photos are not up to date"
        advice = "--repair writes them, and so does phototag sheet."
        yield unsettled(problem(AREA, "outputs", said, advice, "publish"), patient)


def lacking_outputs(lib: Library) -> Iterator[tuple[int, str]]:
    """(photo, absolute path) of what was written and is gone; disks that are away do not count."""
    away = [path for path in photo_table.roots(lib).values() if not os.path.isdir(path)]  # noqa: PTH112
    for photo, path in checks.outputs(lib):
        place = path if os.path.isabs(path) else os.path.join(str(lib.folder), path)  # noqa: PTH117, PTH118
        if any(place.startswith(root.rstrip("/") + "/") for root in away):
            continue
        if not os.path.lexists(place):
            yield photo, place


LOOKS = (_pictures, _temporary, _outputs)
