"""From a file to its faces: what a worker runs. It opens photos to read, never writes, and never
touches the catalogue."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from phototag.core.quality import quality, sharpness
from phototag.core.types import (
    Box,
    Detection,
    FaceRecord,
    Landmarks,
    PhotoRecord,
    Pixels,
    Vectors,
)
from phototag.errors import UnreadableImage

CROP = 112
"""Side of the aligned crops that embedders see, in pixels."""

THUMB = 512
"""Longest side of a thumbnail, in pixels."""

LARGEST_FILE = 1 << 30
"""Bytes of the largest file that is read: no camera writes a larger photo, and a worker's memory is
bounded."""


class Detector(Protocol):
    """Finds the faces of an upright picture."""

    def detect(self, pixels: Pixels) -> list[Detection]: ...


class Embedder(Protocol):
    """Turns aligned crops [n, 112, 112, 3] into vectors [n, d] on the grid."""

    def embed(self, crops: NDArray[np.uint8]) -> Vectors: ...


@dataclass(frozen=True, slots=True)
class Kit:
    """How to make a worker's detector and embedder: plain values that travel between processes."""

    detector: str = "mtcnn"
    detector_model: str | None = None
    min_face: int = 20
    size: int = 1280
    embedder_card: str = ""
    """Path of the embedder's card."""


@dataclass(frozen=True, slots=True)
class Job:
    """One file to open."""

    path: str
    known: tuple[str, ...] = ()
    """Keys that this file may have; if it has one of them, its content is known and the key is the
    whole answer."""
    faces: tuple[tuple[int, Box, Landmarks], ...] = ()
    """Embed these known faces again, and look for no others…"""
    of: str = ""
    """…as long as the file still is the photo of this key."""
    data: bytes | None = None
    """The file's bytes, where they are in memory and on no disk: a picture that was uploaded."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: exactly one of `record`, `key`, `vectors` and `reason` says it."""

    path: str
    size: int = 0
    mtime_ns: int = 0
    record: PhotoRecord | None = None
    key: str | None = None
    vectors: tuple[tuple[int, Vectors], ...] | None = None
    reason: str | None = None
    message: str = ""


class Extractor:
    """A worker's tools, made once."""

    def __init__(self, detector: Detector, embedder: Embedder, *, size: int = 1280) -> None:
        self._detector = detector
        self._embedder = embedder
        self._size = size

    @staticmethod
    def from_kit(kit: Kit) -> Extractor:
        """Raises ModelError when a model is missing or damaged."""
        from phototag.vision.embed import Embedder as Network
        from phototag.vision.models import load_card

        embedder = Network(load_card(Path(kit.embedder_card)))
        return Extractor(make_detector(kit), embedder, size=kit.size)

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome for each job, in their order; the faces of all photos are embedded
        together."""
        drafts = [self._draft(job) for job in jobs]
        crops = [crop for draft in drafts for crop in draft.crops]
        vectors = self._embedder.embed(np.stack(crops)) if crops else np.zeros((0, 0), np.float32)
        outcomes, start = [], 0
        for draft in drafts:
            end = start + len(draft.crops)
            outcomes.append(draft.finish(vectors[start:end]))
            start = end
        return outcomes

    def _draft(self, job: Job) -> _Draft:
        try:
            data, size, mtime_ns = (
                bytes_of(job.path) if job.data is None else (job.data, len(job.data), 0)
            )
        except OSError as error:
            reason = "vanished" if isinstance(error, FileNotFoundError) else "unreadable-file"
            said = error.strerror or str(error)
            return _Draft(Outcome(job.path, reason=reason, message=said))
        except UnreadableImage as error:
            return _Draft(Outcome(job.path, reason=error.reason, message=error.message))
        outcome = Outcome(job.path, size, mtime_ns)
        try:
            return self._faces(job, data, outcome)
        except UnreadableImage as error:
            return _Draft(replace(outcome, reason=error.reason, message=error.message))
        except MemoryError:
            return _Draft(
                replace(outcome, reason="too-large", message="there is not enough memory for it")
            )

    def _faces(self, job: Job, data: bytes, outcome: Outcome) -> _Draft:
        from phototag.images.read import photo_key, pixel_key, read

        key = photo_key(data)
        if key in job.known:
            return _Draft(replace(outcome, key=key))
        picture = read(data, job.path, longest=self._size)
        if job.faces and key == job.of:
            found = [Detection(box, points, 1.0) for _, box, points in job.faces]
            crops = aligned_crops(data, job.path, picture.pixels, found)
            numbers = tuple(number for number, _, _ in job.faces)
            return _Draft(outcome, crops=crops, numbers=numbers)
        found = [as_stored(detection) for detection in self._detector.detect(picture.pixels)]
        crops = aligned_crops(data, job.path, picture.pixels, found)
        height, width = picture.pixels.shape[:2]
        record = PhotoRecord(
            key=key,
            pixel_key=pixel_key(picture),
            width=picture.width,
            height=picture.height,
            format=picture.format,
            taken=picture.taken,
            faces=tuple(
                face_record(detection, crop, picture.pixels, width, height)
                for detection, crop in zip(found, crops, strict=True)
            ),
            thumb=_thumb(picture.pixels) if found else None,
        )
        return _Draft(replace(outcome, record=record), crops=crops)


@dataclass(frozen=True, slots=True)
class _Draft:
    """An outcome whose faces wait for their vectors."""

    outcome: Outcome
    crops: Sequence[Pixels] = ()
    numbers: tuple[int, ...] = ()

    def finish(self, vectors: Vectors) -> Outcome:
        if self.numbers:
            pairs = tuple(zip(self.numbers, vectors, strict=True))
            return replace(self.outcome, vectors=pairs)
        record = self.outcome.record
        if record is None:
            return self.outcome
        faces = tuple(
            replace(face, embedding=vector)
            for face, vector in zip(record.faces, vectors, strict=True)
        )
        return replace(self.outcome, record=replace(record, faces=faces))


def make_detector(kit: Kit) -> Detector:
    """The detector that a scan uses. Raises ModelError."""
    if kit.detector == "opencv":
        from phototag.vision.opencv_detector import OpenCVDetector

        return OpenCVDetector(Path(kit.detector_model or ""), min_face=kit.min_face)
    from phototag.vision.mtcnn import Mtcnn

    return Mtcnn(min_face=kit.min_face)


def aligned_crops(
    data: bytes, path: str, pixels: Pixels, found: Sequence[Detection]
) -> list[Pixels]:
    """Aligned crops; a face that is small in `pixels` is cut from the full decode, which has
    more of it."""
    from phototag.images.read import read
    from phototag.vision.align import align

    height, width = pixels.shape[:2]
    smallest = min(
        (min(d.box.width * width, d.box.height * height) for d in found), default=CROP
    )
    large = pixels
    if smallest < CROP:
        wanted = int(max(width, height) * min(CROP / max(smallest, 8.0), 4.0))
        large = read(data, path, longest=wanted).pixels
    crops = []
    for detection in found:
        small = min(detection.box.width * width, detection.box.height * height) < CROP
        source = large if small else pixels
        tall, wide = source.shape[:2]
        crops.append(align(source, detection.landmarks.array(wide, tall), CROP))
    return crops


def as_stored(detection: Detection) -> Detection:
    """A detection to the decimals that the catalogue keeps, so that embedding a stored face again
    gives the same vector."""
    points = tuple((round(x, 5), round(y, 5)) for x, y in detection.landmarks.points)
    return Detection(detection.box.rounded(), Landmarks(points), detection.score)


def bytes_of(path: str) -> tuple[bytes, int, int]:
    with open(path, "rb") as file:  # noqa: PTH123 (names that are not UTF-8)
        status = os.fstat(file.fileno())
        if status.st_size > LARGEST_FILE:
            raise UnreadableImage(path, "too-large", f"the file has {status.st_size:,} bytes")
        return file.read(), status.st_size, status.st_mtime_ns


def face_record(
    detection: Detection, crop: Pixels, pixels: Pixels, width: int, height: int
) -> FaceRecord:
    from phototag.images.thumbs import face_crop

    side = min(detection.box.width * width, detection.box.height * height)
    points = detection.landmarks.array(width, height)
    return FaceRecord(
        box=detection.box,
        landmarks=detection.landmarks,
        score=detection.score,
        quality=quality(face_px=side, score=detection.score, sharp=sharpness(crop), points=points),
        embedding=np.zeros(0, np.float32),
        crop=face_crop(pixels, detection.box),
    )


def _thumb(pixels: Pixels) -> bytes:
    from phototag.images.read import as_webp

    return as_webp(pixels, THUMB)


def alone(kit: Kit) -> Callable[[Sequence[Job]], list[Outcome]]:
    """An extractor in this process: for one photo, not for a scan."""
    return Extractor.from_kit(kit).run
