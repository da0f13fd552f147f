"""Photos that a command was given, library or not: their faces, seen as a scan sees them. Nothing
is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from phototag.catalog import examples as example_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.core.gallery import Gallery, nobody
from phototag.core.portrait import nearest_the_centre
from phototag.core.types import FaceRecord, PhotoRecord
from phototag.work.extract import Job, Outcome
from phototag.work.recognise import examples_of

Look = Callable[[Sequence[Job]], list[Outcome]]
"""A worker's work in this process: `extract.alone(kit)`."""

_INDEXED = re.compile(r"(.+)#(\d+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen in one photo."""

    word: str
    """As it was given."""
    path: str
    record: PhotoRecord | None
    faces: tuple[FaceRecord, ...]
    """From left to right: `#1`, `#2`, …"""
    index: int | None
    """The 2 of `photo.jpg#2`."""
    size: int = 0
    """Bytes of the file."""
    reason: str | None = None
    """A stable word, where there is nothing to go on with: `no-face`, `no-such-face`, or why the
    file cannot be read."""
    message: str = ""

    @property
    def face(self) -> FaceRecord | None:
        """The face that was named, or else the one that the photo is about."""
        if self.reason is not None or self.record is None:
            return None
        if self.index is not None:
            return self.faces[self.index - 1]
        return nearest_the_centre(self.faces, self.record.width, self.record.height)

    @property
    def number(self) -> int | None:
        """The `#` of that face."""
        face = self.face
        return None if face is None else next(
            n for n, other in enumerate(self.faces, 1) if other is face
        )


def look_at(word: str, look: Look) -> Looked:
    """See the faces of a photo, named by its path or as `photo.jpg#2`."""
    path, index = _parsed(word)
    (outcome,) = look([Job(path)])
    record = outcome.record
    if record is None:
        reason, message = outcome.reason or "unreadable", outcome.message
        if reason == "vanished":
            reason, message = "no-such-file", "there is no such file"
        return Looked(word, path, None, (), index, reason=reason, message=message)
    faces = tuple(sorted(record.faces, key=lambda face: face.box.centre[0]))
    seen = Looked(word, path, record, faces, index, outcome.size)
    if not faces:
        return _refused(seen, "no-face", "no face was found in it")
    if index is not None and not 1 <= index <= len(faces):
        said = f"it has {len(faces)} face{'s' if len(faces) > 1 else ''}; there is no #{index}"
        return _refused(seen, "no-such-face", said)
    return seen


def _refused(seen: Looked, reason: str, message: str) -> Looked:
    return Looked(
        seen.word, seen.path, seen.record, seen.faces, seen.index, seen.size, reason, message
    )


def _parsed(word: str) -> tuple[str, int | None]:
    """(path, index): a file may be called `a#2` itself."""
    said = _INDEXED.match(word)
    if said is None or Path(word).exists():
        return word, None
    return said[1], int(said[2])


def gallery_of(lib: Library, model: str) -> Gallery:
    """Everybody whom the library knows. People whose examples were not chosen yet (the model was
    changed since) stand with what it has seen of them."""
    people, _, vectors = example_table.all_examples(lib, model)
    known = set(people.tolist())
    owners, parts = [people], [vectors] if len(people) else []
    for person in sorted(verdict_table.people(lib).keys() - known):
        ids, more = examples_of(lib, model, person)
        if len(ids):
            owners.append(np.full(len(ids), person, dtype=np.int64))
            parts.append(more)
    return Gallery.of(np.concatenate(owners), np.concatenate(parts)) if parts else nobody()
