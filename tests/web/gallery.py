"""A part of the sample gallery with all its eight people, and who is who in it."""

from __future__ import annotations

import csv
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from builders import Home

from phototag.catalog import store

GALLERY = Path(__file__).resolve().parents[2] / "sample_gallery"
FACES = 3
"""Of each person, at least."""


@dataclass(frozen=True, slots=True)
class Truth:
    """A face that was drawn into a photo: its middle, in pixels."""

    file: str
    x: float
    y: float
    person: str


def truth() -> list[Truth]:
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as lines:
        return [
            Truth(
                row["file"],
                float(row["x"]) + float(row["w"]) / 2,
                float(row["y"]) + float(row["h"]) / 2,
                row["person"],
            )
            for row in csv.DictReader(lines)
        ]


def chosen() -> list[str]:
    """As few photos as show everybody `FACES` times: those with most who are still wanted."""
    faces = truth()
    files = {face.file: {f.person for f in faces if f.file == face.file} for face in faces}
    missing = Counter({face.person: FACES for face in faces})
    found: list[str] = []
    while missing.total():
        best = max(
            (name for name in sorted(files) if name not in found),
            key=lambda name: sum(missing[person] > 0 for person in files[name]),
        )
        found.append(best)
        missing -= Counter(files[best])
    return found


def unscanned_gallery(folder: Path) -> Home:
    """That part, and a library that knows nothing yet."""
    home = Home(folder / "library", folder / "photos")
    for name in chosen():
        (home.photos / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(GALLERY / name, home.photos / name)
    with store.open_to_write(home.library, "phototag scan", "2026-01-02", create=True):
        pass
    return home


def who(home: Home, face: int) -> str:
    """The person that a face of the library truly is."""
    sql = (
        "SELECT p.dir, p.name, (f.x + f.width / 2) * ph.width, (f.y + f.height / 2) * ph.height"
        " FROM faces f JOIN photos ph ON ph.id = f.photo_id JOIN paths p ON p.photo_id = ph.id"
        " WHERE f.id = ?"
    )
    folder, name, x, y = home.sql(sql, face)[0]
    file = f"{folder}/{name}" if folder else str(name)
    there = [each for each in truth() if each.file == file]
    return min(there, key=lambda t: abs(t.x - float(x)) + abs(t.y - float(y))).person
