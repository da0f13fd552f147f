"""A library as large as one likes, through the program's own intake: files, catalogue, pictures,
groups, sheet. Only the looking is made up."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from crowd import crowd

from phototag.catalog import store
from phototag.core.types import Box, FaceRecord, Landmarks, PhotoRecord, Vectors
from phototag.settings import Settings
from phototag.work.extract import Job, Kit, Outcome
from phototag.work.models import embedder_card, thresholds_of
from phototag.work.publish import Publisher
from phototag.work.reports import ScanOptions
from phototag.work.scan import Scan

IN_FOLDER = 500
"""Files in a folder."""
FIRST = datetime(2004, 1, 1, 12, tzinfo=UTC)
BOXES = (Box(0.15, 0.2, 0.2, 0.3), Box(0.6, 0.2, 0.2, 0.3))


@dataclass(frozen=True, slots=True)
class Made:
    """A folder of files and the library over them."""

    photos: Path
    library: Path
    count: int
    """Files."""

    @classmethod
    def at(cls, top: Path, files: int) -> Made:
        return cls(top / "photos", top / "library", files)


def make(top: Path, faces: int, files: int) -> Made:
    """`files` photos, the first of them with two faces each until there are `faces`, of the people
    of `crowd`, in the library `top/library`: with sidecars, thumbnails and the sheet.

    Nothing waits for the disk while it is made, and nothing is drawn on the thumbnails.
    """
    picture = cv2.imencode(".webp", np.full((384, 512, 3), 128, np.uint8))[1].tobytes()
    drawn = patch("phototag.work.publish._drawn", lambda *_: picture)
    with patch("os.fsync"), drawn:
        return _made(top, faces, files, picture)


def _made(top: Path, faces: int, files: int, picture: bytes) -> Made:
    made = Made.at(top, files)
    for number in range(made.count):
        path = path_of(made.photos, number)
        if number % IN_FOLDER == 0:
            path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    settings = Settings(sidecars="library")
    with store.open_to_write(made.library, "benchmark", FIRST.isoformat(), create=True) as lib:
        card = embedder_card(lib.folder, settings)
        looker = Looker(crowd(faces).vectors, picture)
        Scan(
            lib=lib,
            settings=settings,
            kit=Kit(),
            model=card.id,
            thresholds=thresholds_of(card),
            options=ScanOptions(),
            tell=lambda progress: None,
            now=datetime.now(UTC),
            workers=lambda kit, jobs: looker,
        ).run([str(made.photos)])
        Publisher(lib, settings, card.id).run()
    return made


def path_of(photos: Path, number: int) -> Path:
    return photos / f"{number // IN_FOLDER:05}" / f"{number % IN_FOLDER:03}.jpg"


@dataclass(slots=True)
class Looker:
    """Workers that find in each file, from the one numbered `first` on, as many of the faces as
    there are boxes."""

    vectors: Vectors
    picture: bytes
    boxes: tuple[Box, ...] = BOXES
    first: int = 0

    def __enter__(self) -> Looker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, chunks: Iterable[Sequence[Job]]) -> Iterator[list[Outcome]]:
        for jobs in chunks:
            yield [self._seen(job.path) for job in jobs]

    def _seen(self, path: str) -> Outcome:
        file = Path(path)
        number = int(file.parent.name) * IN_FOLDER + int(file.stem)
        status = file.stat()
        begin = len(self.boxes) * (number - self.first)
        rows = range(begin, min(begin + len(self.boxes), len(self.vectors)))
        points = tuple((0.2 + 0.05 * i, 0.3) for i in range(5))
        found = tuple(
            FaceRecord(box, Landmarks(points), 0.99, 0.9, self.vectors[row], self.picture)
            for row, box in zip(rows, self.boxes, strict=False)
        )
        key = hashlib.blake2b(str(number).encode(), digest_size=16).hexdigest()
        taken = (FIRST + timedelta(hours=3 * number)).isoformat(timespec="seconds")
        thumb = self.picture if found and self.picture else None
        record = PhotoRecord(key, key, 4000, 3000, "JPEG", taken, found, thumb)
        return Outcome(path, size=status.st_size, mtime_ns=status.st_mtime_ns, record=record)
