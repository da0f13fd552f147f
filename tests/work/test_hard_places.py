"""Scans where it is hard: eight ways to store a photo, full disks, folders that cannot be written,
and a tree of everything that is broken."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from phototag import errors
from phototag.cli import app
from phototag.core.types import Box
from phototag.images.find import walk

from .conftest import GALLERY, Place

ORIENTATION = 0x0112
STORED: dict[int, Image.Transpose | None] = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""How to store an upright picture so that a reader of that orientation sees it upright."""


def test_a_photo_in_eight_orientations_has_the_same_faces(tmp_path: Path) -> None:
    place = Place(tmp_path / "photos", tmp_path / "library")
    place.photos.mkdir()
    with Image.open(GALLERY / "2020/at home/two of us.jpg") as opened:
        upright = opened.convert("RGB")
    for number, turn in STORED.items():
        exif = Image.Exif()
        exif[ORIENTATION] = number
        stored = upright if turn is None else upright.transpose(turn)
        stored.save(place.photos / f"{number}.jpg", quality=95, exif=exif)
    assert place.scan() == 0
    faces = place.ask(
        "SELECT p.name, f.x, f.y, f.width, f.height, a.cluster_id FROM faces f"
        " JOIN paths p ON p.photo_id = f.photo_id JOIN assignments a ON a.face_id = f.id"
        " ORDER BY p.name, f.x"
    )
    first = faces[:2]
    assert len(faces) == 16
    for photo in range(8):
        for one, same in zip(first, faces[2 * photo : 2 * photo + 2], strict=True):
            assert Box(*one[1:5]).iou(Box(*same[1:5])) > 0.95, same[0]
            assert one[5] == same[5] is not None, same[0]  # the same person
    sizes = place.ask("SELECT DISTINCT width, height FROM photos")
    assert sizes == [upright.size]


@contextmanager
def mounted(point: Path, *words: str) -> Iterator[Path]:
    """A file system at `point`; skips where this user may not mount."""
    point.mkdir(exist_ok=True)
    done = subprocess.run(["mount", *words, str(point)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("only who may mount can try a small disk and a read-only one")
    try:
        yield point
    finally:
        subprocess.run(["umount", str(point)], check=False)


def test_a_full_disk_is_a_clear_error_and_the_next_scan_goes_on(
    place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = place.like(tmp_path / "whole")
    assert whole.scan() == 0
    size = sum(p.stat().st_size for p in whole.library.rglob("*") if p.is_file())
    with mounted(place.library, "-t", "tmpfs", "-o", f"size={size // 2}", "tmpfs"):
        assert place.scan("--sidecars", "library") == errors.LIBRARY
        said = capfd.readouterr().err
        assert "full" in said
        assert "space" in said
        assert "Traceback" not in said
        assert half_written(place) == []
        subprocess.run(["mount", "-o", "remount,size=4g", str(place.library)], check=True)
        assert place.scan("--sidecars", "library") == 0
        assert place.groups() == whole.groups()
        assert app.run(place.command("doctor")) == 0


def half_written(place: Place) -> list[Path]:
    """Files in the library that are empty, or temporary ones that somebody left."""
    return [
        path
        for path in place.library.rglob("*")
        if path.is_file()
        and path.name != "lock"
        and not path.name.startswith("catalog.sqlite")
        and (path.stat().st_size == 0 or path.name.startswith("."))
    ]


def test_sidecars_of_a_folder_that_cannot_be_written_go_to_the_library(
    place: Place, tmp_path: Path
) -> None:
    archive = tmp_path / "archive"
    with mounted(archive, "--bind", "-o", "ro", str(place.photos)):
        where = Place(archive, place.library)
        before = sorted(p.name for p in archive.iterdir())
        assert where.scan() == 0
        assert sorted(p.name for p in archive.iterdir()) == before
        inside = place.library / "sidecars" / str(archive).lstrip("/")
        assert sorted(p.name for p in inside.iterdir()) == [
            f"{n}.jpg.phototag.json" for n in range(6)
        ]
        assert where.scan() == 0


def test_everything_broken_and_every_format_in_one_scan(
    shared: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    place = Place(shared / "photos", tmp_path / "library")
    folders = [shared / "photos" / name for name in ("broken", "formats")]
    words = [*folders, "--sidecars", "library", "--thumbnails", "none", "--size", 160, "--quiet"]
    assert app.run(place.command("scan", *words)) == errors.SOME_FAILED
    found = {
        photo.path
        for folder in folders
        for _, photos in walk(folder, on_trouble=lambda trouble: None)
        for photo in photos
    }
    roots = dict(place.ask("SELECT id, path FROM roots"))
    read, failed = (
        {
            os.path.join(roots[root], os.fsdecode(folder), os.fsdecode(name))
            for root, folder, name in place.ask(
                f"SELECT root_id, dir, name FROM paths WHERE photo_id IS {which} NULL"
            )
        }
        for which in ("NOT", "")
    )
    assert read | failed == found
    assert not read & failed
    assert len(read) > 300
    assert len(failed) > 150
    said = capfd.readouterr().err
    assert "Traceback" not in said
    for path in failed:
        assert os.path.basename(path) in said


def test_a_gallery_in_any_order_by_any_workers_in_any_number_of_scans_is_the_same_eight_people(
    tmp_path: Path,
) -> None:
    photos = sorted(
        p for p in GALLERY.rglob("*") if p.is_file() and p.suffix not in (".md", ".csv")
    )
    found = []
    for turn, (jobs, goes) in enumerate(((1, 1), (2, 3), (2, 1))):
        place = Place(tmp_path / f"{turn}", tmp_path / f"library{turn}")
        order = np.random.default_rng(turn).permutation(len(photos))
        for number, row in enumerate(order):
            folder = place.photos / f"go{number % goes}"
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(photos[row], folder / f"{number:03}{photos[row].suffix}")
        for go in range(goes):
            words = ("scan", place.photos / f"go{go}", "--quiet", "--jobs", jobs)
            assert app.run(place.command(*words)) == 0
        found.append(place.groups())
    assert found[0] == found[1] == found[2]
    assert sorted(len(group) for group in found[0]) == sizes_of_the_people()


def sizes_of_the_people() -> list[int]:
    """Faces of each of the gallery's people, from its table."""
    rows = (GALLERY / "truth.csv").read_text(encoding="utf-8").splitlines()[1:]
    names = [row.rsplit(",", 1)[1] for row in rows]
    return sorted(names.count(name) for name in set(names))
