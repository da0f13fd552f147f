"""Who is where, as rows for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from phototag.catalog import interchange as table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.store import Library

COLUMNS = ("file", "x", "y", "w", "h", "person", "how", "face")


def as_rows(lib: Library) -> Iterator[dict[str, Any]]:
    """Each present file with somebody in it, by path: faces from left to right, with their boxes in
    pixels of the upright photo, and people without a face."""
    names = verdict_table.people(lib)
    for file in table.files_below(lib):
        faces = [
            {
                "face": f"face-{face.id}",
                "person": names[face.person],
                "how": face.state,
                "similarity": face.similarity if face.state == "automatic" else None,
                "box": list(face.box.pixels(file.width, file.height)),
            }
            for face in views.faces_in_photo(lib, file.photo)
            if face.person in names
        ]
        there = {face["person"] for face in faces}
        present = [n for n in table.present_in(lib, [file.key]).get(file.key, []) if n not in there]
        if faces or present:
            yield {
                "file": file.path,
                "key": file.key,
                "width": file.width,
                "height": file.height,
                "taken": photo_table.photo_row(lib, file.photo)["taken"],
                "faces": faces,
                "present": present,
            }


def as_csv(lib: Library) -> Iterator[str]:
    """The same as lines of CSV with a head: what `import csv` reads."""
    yield _line(COLUMNS)
    for row in as_rows(lib):
        for face in row["faces"]:
            yield _line((row["file"], *face["box"], face["person"], face["how"], face["face"]))
        for name in row["present"]:
            yield _line((row["file"], "", "", "", "", name, "imported", ""))


def _line(cells: tuple[Any, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue()
