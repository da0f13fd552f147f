"""A set of aligned faces on the disk: `<person>/<face>.jpg`, and the manifest that says what they
are.

    DIR/
      dataset.json       how it was made: schema, source, seed, shares, counts, what was skipped
      manifest.csv       one row a face (the fields of `FaceFile`)
      Alice/face-17.jpg  112x112, the five landmarks at `vision.models.ARCFACE`
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.splits import PARTS, TEST, TRAIN
from phototag.core.types import first_line
from phototag.errors import UsageError
from phototag.output import atomic

SCHEMA = "phototag/dataset/1"
ABOUT, MANIFEST = "dataset.json", "manifest.csv"
SIDE = 112
"""Pixels of an aligned face: what a scan cuts."""


@dataclass(frozen=True, slots=True)
class FaceFile:
    """A row of the manifest."""

    file: str
    """Relative to the dataset, with `/`."""
    person: str
    part: str
    """One of `splits.PARTS`."""
    group: int
    """Equal for faces that must not be on two sides: one photo, or copies of one."""
    digest: str
    """BLAKE2b-128 of the file."""
    photo: str
    """Key of the photo it was cut from: BLAKE2b-128 of its bytes."""
    source: str
    """The photo's path when the set was made."""
    faces: int
    """How many faces the photo shows."""
    quality: float
    """0..1, see `core.quality`."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A photo or face that is not in the set."""

    source: str
    reason: str
    """`unreadable`, `no-face`, `copy`, `two-people`, `missing` or `outside-photo`."""
    message: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """A set that was read."""

    folder: Path
    rows: tuple[FaceFile, ...]
    about: Mapping[str, Any]

    def part(self, *names: str) -> tuple[FaceFile, ...]:
        """The rows of some parts."""
        return tuple(row for row in self.rows if row.part in names)

    @property
    def classes(self) -> tuple[str, ...]:
        """The people of the training part, sorted."""
        return tuple(sorted({row.person for row in self.part(TRAIN)}))


def load_dataset(folder: Path) -> Dataset:
    """The set in a folder. Raises UsageError: none, another version, damaged."""
    path = folder / ABOUT
    if not path.is_file():
        raise UsageError(
            f"{folder}: this is no dataset (it has no {ABOUT}). Make one of a folder with a folder "
            f"of photos for each person: phototag dataset build {folder} --out DATASET."
        )
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        found = about["schema"]
        with (folder / MANIFEST).open(encoding="utf-8", newline="") as file:
            rows = tuple(_row(values) for values in csv.DictReader(file)) if found == SCHEMA else ()
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder}: this dataset is damaged ({error!r}). Build it again."
        ) from error
    if found != SCHEMA:
        raise UsageError(
            f"{folder}: this dataset is {found}, this phototag reads {SCHEMA}. Build it again."
        )
    return Dataset(folder, rows, about)


def _row(values: Mapping[str, str]) -> FaceFile:
    if values["part"] not in PARTS:
        raise ValueError(f"part {values['part']!r}")
    typed: dict[str, Any] = {field.name: values[field.name] for field in fields(FaceFile)}
    for name in ("group", "faces"):
        typed[name] = int(typed[name])
    return FaceFile(**typed | {"quality": float(typed["quality"])})


def save_dataset(
    folder: Path, rows: Sequence[FaceFile], skipped: Sequence[Skipped], about: Mapping[str, Any]
) -> Dataset:
    """Write the manifest, then `dataset.json`: a set without it is not finished. Raises
    CannotWrite."""
    atomic.write(folder / MANIFEST, as_csv([asdict(row) for row in rows]))
    counts = Counter(row.part for row in rows)
    said = {
        "schema": SCHEMA,
        **about,
        "size": SIDE,
        "people": len({row.person for row in rows}),
        "faces": {part: counts[part] for part in PARTS if counts[part]},
        "skipped": [asdict(one) for one in skipped],
    }
    atomic.write(folder / ABOUT, as_json(said))
    return Dataset(folder, tuple(rows), said)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A table with the keys of its first row as heads. What is no UTF-8 in a name becomes `?`."""
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode("utf-8", "replace")


def as_json(content: Mapping[str, Any]) -> bytes:
    text = json.dumps(content, indent=2, ensure_ascii=False, default=str) + "\n"
    return text.encode("utf-8", "replace")


def load_pixels(
    folder: Path, files: Iterable[str], *, on_face: Callable[[], None] = lambda: None
) -> NDArray[np.uint8]:
    """[n, 112, 112, 3] RGB. Raises UsageError with the files that are missing or unreadable."""
    from phototag.bench.pipeline import aligned_crop
    from phototag.errors import UnreadableImage

    crops, lost = [], []
    for name in files:
        try:
            crops.append(aligned_crop(folder / name))
        except UnreadableImage as error:
            lost.append(str(error))
        on_face()
    if lost:
        raise UsageError(
            f"{len(lost)} faces of the dataset cannot be read: {first_line(lost)} "
            "Build the dataset again."
        )
    return np.stack(crops) if crops else np.empty((0, SIDE, SIDE, 3), np.uint8)


def digest_of_test(rows: Iterable[FaceFile], classes: Sequence[str]) -> str:
    """What makes two test parts the same: their faces, by content, and which of the classes each
    shows. 32 hexadecimal digits."""
    known = set(classes)
    shown = sorted(
        f"{row.digest} {row.person if row.person in known else ''}"
        for row in rows
        if row.part == TEST
    )
    return hashlib.blake2b("\n".join(shown).encode(), digest_size=16).hexdigest()
