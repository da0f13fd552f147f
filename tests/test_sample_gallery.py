"""The sample gallery as it is shipped: its photos, and the table of who is where."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

import pillow_heif
import pytest
from PIL import Image, ImageOps

GALLERY = Path(__file__).resolve().parent.parent / "sample_gallery"
SUFFIXES = {".jpg", ".webp", ".heic"}
EXIF, ORIENTATION, TAKEN, OFFSET = 0x8769, 0x0112, 0x9003, 0x9011

pillow_heif.register_heif_opener()


@cache
def photos() -> list[Path]:
    return sorted(p for p in GALLERY.rglob("*") if p.suffix.lower() in SUFFIXES)


@cache
def truth() -> list[dict[str, str]]:
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def upright_size(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return ImageOps.exif_transpose(picture).size


def name(path: Path) -> str:
    return path.relative_to(GALLERY).as_posix()


def test_there_are_at_least_thirty_photos_of_eight_people_each_in_at_least_four():
    photos_of = Counter(row["person"] for row in truth())
    assert len(photos()) >= 30
    assert len(photos_of) == 8
    assert min(photos_of.values()) >= 4


def test_the_table_and_the_folder_know_the_same_files():
    with_faces = {row["file"] for row in truth()}
    there = {name(path) for path in photos()}
    assert with_faces <= there
    assert len(there - with_faces) == 1, "exactly one photo shows nobody"


def test_people_are_alone_and_in_groups_of_up_to_four_and_never_twice_in_a_photo():
    rows = [(row["file"], row["person"]) for row in truth()]
    assert len(rows) == len(set(rows))
    groups = Counter(Counter(file for file, _ in rows).values())
    assert set(groups) == {1, 2, 3, 4}


def test_every_face_lies_inside_its_upright_photo():
    for row in truth():
        width, height = upright_size(GALLERY / row["file"])
        x, y, w, h = (int(row[k]) for k in ("x", "y", "w", "h"))
        assert w >= 60, row
        assert h >= 60, row
        assert x >= 0, row
        assert y >= 0, row
        assert x + w <= width, row
        assert y + h <= height, row


def test_every_photo_is_at_least_800_pixels_wide_and_all_are_below_8_mb():
    assert all(upright_size(path)[0] >= 800 for path in photos())
    assert sum(path.stat().st_size for path in GALLERY.rglob("*") if path.is_file()) < 8_000_000


def test_one_photo_is_heic_and_one_is_stored_turned():
    assert sum(path.suffix == ".HEIC" for path in photos()) == 1
    turned = []
    for path in photos():
        with Image.open(path) as picture:
            if picture.getexif().get(ORIENTATION, 1) != 1:
                turned.append((picture.size, upright_size(path)))
    assert len(turned) == 1
    stored, upright = turned[0]
    assert stored == upright[::-1]


def test_every_photo_says_when_it_was_taken_and_how_far_from_utc():
    taken = []
    for path in photos():
        with Image.open(path) as picture:
            part = picture.getexif().get_ifd(EXIF)
        taken.append(datetime.strptime(part[TAKEN] + part[OFFSET], "%Y:%m:%d %H:%M:%S%z"))
    assert len(set(taken)) == len(taken)
    assert max(taken) - min(taken) > timedelta(days=5 * 365)
    assert len({moment.utcoffset() for moment in taken}) > 1


@pytest.mark.parametrize("mark", [" ", "#", "&", "%", "é", "ñ", "’", "'", "“", "東", "🎂", ".JPG"])
def test_names_are_as_awkward_as_in_life(mark):
    assert any(
        mark.casefold() in name(p).casefold() for p in photos() if mark != ".JPG" or mark in name(p)
    )


def test_some_photos_lie_deep():
    assert max(len(path.relative_to(GALLERY).parts) for path in photos()) >= 6


def test_names_can_be_stored_on_every_system():
    assert not any(set(name(path)) & set('<>:"\\|?*') for path in photos())


def test_the_readme_says_that_nobody_here_exists():
    text = (GALLERY / "README.md").read_text(encoding="utf-8")
    assert "do not exist" in text
    assert "make_sample_gallery.py" in text
    assert all(person in text for person in {row["person"] for row in truth()})
