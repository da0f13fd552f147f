"""Photos that were enrolled and lie in no scanned folder: the library's own copies of them.

A copy is `enrolled/KEY.suffix`, in folders by the key's first two digits; that it is there is all
that says so. Every scan looks after them: after the catalogue was lost their faces come back from
the copies as those of the collection come back from its folders, and a new model sees them too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from phototag.catalog import faces as face_table
from phototag.catalog import journal
from phototag.catalog import photos as photo_table
from phototag.catalog.store import Library
from phototag.core.decisions import standing
from phototag.work.extract import Job

FOLDER = "enrolled"

_COPY = re.compile(r"([0-9a-f]{32})(\.[^./]{1,10})?\Z")


def copy_path(key: str, suffix: str) -> str:
    """Of an enrolled photo, relative to the library, with `/`."""
    kept = suffix.lower() if _COPY.match(key + suffix) else ""
    return f"{FOLDER}/{key[:2]}/{key}{kept}"


def copy_of(library: Path, key: str) -> Path | None:
    """The library's copy of an enrolled photo; None where it keeps none."""
    found = sorted((library / copy_path(key, "")).parent.glob(f"{key}*"))
    return found[0] if found else None


def lacking(lib: Library) -> list[str]:
    """Keys of enrolled photos that lie in no folder of the library and of which it has no copy: no
    other model can see them."""
    wanted = {
        face["photo"]
        for decision in standing(journal.decisions(lib))
        if decision.kind == "enroll"
        for face in decision.payload["faces"]
    }
    there = {key for key, _ in copies(lib.folder)}
    return sorted(key for key in wanted - there if not _is_live(lib, key))


def _is_live(lib: Library, key: str) -> bool:
    photo = photo_table.photo_with_key(lib, key)
    return photo is not None and bool(photo_table.photo_row(lib, photo)["live"])


def copies(library: Path) -> Iterator[tuple[str, Path]]:
    """(photo key, copy) of every enrolled photo that the library keeps, by key."""
    for folder, below, names in os.walk(library / FOLDER):
        below.sort()
        for name in sorted(names):
            said = _COPY.match(name)
            if said is not None:
                yield said[1], Path(folder) / name


def unseen(lib: Library, model: str) -> list[tuple[str, Job]]:
    """(photo key, job) of each copy that the catalogue lacks or the model has not seen. Copies that
    the journal does not name (a command was cut off) are left alone."""
    found = []
    for key, path in copies(lib.folder):
        if not journal.names(lib, key):
            continue
        photo = photo_table.photo_with_key(lib, key)
        if photo is None:
            found.append((key, Job(str(path))))
            continue
        faces = face_table.faces_of(lib, photo)
        known, _, _, _ = face_table.vectors(lib, model, [face.id for face in faces])
        if len(known) < len(faces):
            lacking = tuple((f.id, f.box, photo_table.landmarks_of(f.landmarks)) for f in faces)
            found.append((key, Job(str(path), faces=lacking, of=key)))
    return found
