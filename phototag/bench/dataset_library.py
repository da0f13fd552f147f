"""Make a set of aligned faces from what a library's user decided."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

from phototag.bench.dataset import Skipped
from phototag.bench.dataset_build import BuildReport, Choices, Cut, check_out, write_set
from phototag.bench.pipeline import CROP, cut
from phototag.catalog.decided import DecidedFace, decided_faces
from phototag.catalog.store import Library
from phototag.errors import UnreadableImage, UsageError
from phototag.images.find import is_video


def build_from_library(
    lib: Library,
    out: Path,
    choices: Choices,
    *,
    on_start: Callable[[int], None] = lambda _: None,
    on_photo: Callable[[], None] = lambda: None,
) -> BuildReport:
    """Cut every named face out of its photo, as a scan does. Automatic names are no decisions:
    their faces are left out.

    Raises UsageError where nobody was named, or `out` holds something already.
    """
    check_out(out)
    faces = list(decided_faces(lib))
    if not faces:
        raise UsageError(
            f"{lib.folder}: nobody has been named here whose photos are there. "
            'First: phototag label cluster-1 "Alice".'
        )
    photos = [list(inside) for _, inside in groupby(faces, key=lambda face: face.photo)]
    on_start(len(photos))
    skipped: list[Skipped] = []
    found: list[Cut] = []
    for inside in photos:
        found += _cut_all(inside, skipped)
        on_photo()
    return write_set(out, found, skipped, choices, source=str(lib.folder))


def _cut_all(inside: list[DecidedFace], skipped: list[Skipped]) -> Iterator[Cut]:
    """The named faces of one photo."""
    from phototag.images.fingerprint import picture_hash
    from phototag.images.read import photo_key, read

    path = inside[0].path
    if is_video(path):
        skipped.append(Skipped(path, "video", "faces of videos are left out"))
        return
    try:
        data = Path(path).read_bytes()
        if photo_key(data) != inside[0].photo:
            raise UnreadableImage(path, "changed", "the file has changed: scan it first")
        picture = read(data, path, longest=_longest(inside))
    except OSError as error:
        skipped.append(Skipped(path, "missing", error.strerror or str(error)))
        return
    except UnreadableImage as error:
        skipped.append(Skipped(path, "unreadable", error.message))
        return
    seen = picture_hash(picture.pixels)
    for face in inside:
        crop, _ = cut(picture.pixels, face.detection, 0.0)
        name = f"face-{face.face}"
        yield Cut(face.person, name, crop, face.photo, path, seen, len(inside), face.quality)


def _longest(inside: list[DecidedFace]) -> int:
    """Longest side at which the smallest of the faces still fills a crop."""
    whole = max(inside[0].width, inside[0].height)
    least = min(
        min(f.detection.box.width * f.width, f.detection.box.height * f.height) for f in inside
    )
    return min(whole, int(whole * CROP / max(least, 1.0)) + 1)
