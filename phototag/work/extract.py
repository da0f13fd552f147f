"""From a file to its faces: what a worker runs. It opens photos to read, never writes, and never
touches the catalogue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import (
    Box,
    Classified,
    Detection,
    Glimpse,
    Landmarks,
    PhotoRecord,
    Pixels,
    Thresholds,
    Vectors,
)
from phototag.errors import ModelError, UnreadableImage
from phototag.work.crops import THUMB, aligned_crops, as_stored, bytes_of, face_record, signature

if TYPE_CHECKING:
    from phototag.vision.classify import Classifier


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
    classifier: str = ""
    """Folder of a trained classifier that looks at the faces too; '': none does."""
    every: int = 1000
    """Milliseconds between the frames of a video that are looked at."""


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
    video: bool = False
    """Whether it is a video; `faces` are then named by `tracks`."""
    tracks: tuple[tuple[int, tuple[Glimpse, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: exactly one of `record`, `key`, `vectors` and `reason` says it."""

    path: str
    size: int = 0
    mtime_ns: int = 0
    record: PhotoRecord | None = None
    key: str | None = None
    vectors: tuple[tuple[int, Vectors], ...] | None = None
    classified: tuple[tuple[int, Classified], ...] = ()
    """Beside `vectors`, where a classifier is in use."""
    reason: str | None = None
    message: str = ""


class Extractor:
    """A worker's tools, made once."""

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        *,
        size: int = 1280,
        classifier: Classifier | None = None,
        thresholds: Thresholds | None = None,
        every: int = 1000,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        """`thresholds`, `every` and `alive` are for videos: see `work.video.Tools`."""
        self._thresholds, self._every, self._alive = thresholds, every, alive
        self._detector = detector
        self._embedder = embedder
        self._classifier = classifier
        self._size = size

    @staticmethod
    def from_kit(kit: Kit, alive: Callable[[], None] = lambda: None) -> Extractor:
        """Raises ModelError when a model is missing or damaged."""
        from phototag.vision.embed import Embedder as Network
        from phototag.vision.models import load_card

        card = load_card(Path(kit.embedder_card))
        return Extractor(
            make_detector(kit),
            Network(card),
            size=kit.size,
            classifier=make_classifier(kit),
            thresholds=card.thresholds,
            every=kit.every,
            alive=alive,
        )

    def run(self, jobs: Sequence[Job]) -> list[Outcome]:
        """One outcome for each job, in their order; the faces of all photos are embedded
        together."""
        drafts = [self._draft(job) for job in jobs]
        crops = [crop for draft in drafts for crop in draft.crops]
        vectors = self._embedder.embed(np.stack(crops)) if crops else np.zeros((0, 0), np.float32)
        classified = self._classified(crops)
        outcomes, start = [], 0
        for draft in drafts:
            end = start + len(draft.crops)
            outcomes.append(draft.finish(vectors[start:end], classified[start:end]))
            start = end
        return outcomes

    def _classified(self, crops: Sequence[Pixels]) -> list[Classified | None]:
        if self._classifier is None or not crops:
            return [None] * len(crops)
        found = self._classifier.probabilities(np.stack(crops))
        return [Classified(self._classifier.card.id, row) for row in found]

    def _draft(self, job: Job) -> _Draft:
        data = b""
        try:
            if job.video:
                size, mtime_ns = signature(job.path)
            else:
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
            return self._film(job, outcome) if job.video else self._faces(job, data, outcome)
        except UnreadableImage as error:
            return _Draft(replace(outcome, reason=error.reason, message=error.message))
        except OSError as error:
            said = error.strerror or str(error)
            return _Draft(replace(outcome, reason="unreadable-file", message=said))
        except MemoryError:
            return _Draft(
                replace(outcome, reason="too-large", message="there is not enough memory for it")
            )

    def _film(self, job: Job, outcome: Outcome) -> _Draft:
        from phototag.images.video import video_key
        from phototag.work import video

        if self._thresholds is None:
            raise ModelError("The embedder has no thresholds, so no face can be followed.")
        key = video_key(job.path, outcome.size)
        if key in job.known:
            return _Draft(replace(outcome, key=key))
        tools = video.Tools(
            self._detector, self._embedder, self._classified, self._thresholds,
            self._size, self._every, self._alive,
        )  # fmt: skip
        if job.tracks and key == job.of:
            return _Draft(_seen_again(outcome, video.embedded_again(job.path, job.tracks, tools)))
        record = video.recorded(job.path, key, tools)
        return _Draft(replace(outcome, record=record), whole=True)

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
    whole: bool = False
    """Whether its faces have their vectors: those of a video."""

    def finish(self, vectors: Vectors, classified: Sequence[Classified | None]) -> Outcome:
        if self.numbers:
            pairs = tuple(zip(self.numbers, vectors, strict=True))
            more = tuple(
                (n, seen) for n, seen in zip(self.numbers, classified, strict=True) if seen
            )
            return replace(self.outcome, vectors=pairs, classified=more)
        record = self.outcome.record
        if record is None or self.whole:
            return self.outcome
        faces = tuple(
            replace(face, embedding=vector, classified=seen)
            for face, vector, seen in zip(record.faces, vectors, classified, strict=True)
        )
        return replace(self.outcome, record=replace(record, faces=faces))


def _seen_again(
    outcome: Outcome, found: Sequence[tuple[int, Vectors, Classified | None]]
) -> Outcome:
    vectors = tuple((number, vector) for number, vector, _ in found)
    more = tuple((number, seen) for number, _, seen in found if seen is not None)
    return replace(outcome, vectors=vectors, classified=more)


def make_detector(kit: Kit) -> Detector:
    """The detector that a scan uses. Raises ModelError."""
    if kit.detector == "opencv":
        from phototag.vision.opencv_detector import OpenCVDetector

        return OpenCVDetector(Path(kit.detector_model or ""), min_face=kit.min_face)
    from phototag.vision.mtcnn import Mtcnn

    return Mtcnn(min_face=kit.min_face)


def make_classifier(kit: Kit) -> Classifier | None:
    """The trained classifier that a scan uses besides; None: none. Raises ModelError."""
    if not kit.classifier:
        return None
    from phototag.vision.classify import Classifier as Network
    from phototag.vision.classify import load_classifier_card

    return Network(load_classifier_card(Path(kit.classifier)))


def _thumb(pixels: Pixels) -> bytes:
    from phototag.images.read import as_webp

    return as_webp(pixels, THUMB)


def alone(kit: Kit) -> Callable[[Sequence[Job]], list[Outcome]]:
    """An extractor in this process: for one photo, not for a scan."""
    return Extractor.from_kit(kit).run
