"""A second look at a photo: what is in a box that a user or another program drew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np

from phototag.catalog import drawings as table
from phototag.catalog import photos as photo_table
from phototag.catalog.store import Library
from phototag.core.decisions import best_meeting
from phototag.core.drawings import Drawing
from phototag.core.types import Box, Detection, Landmarks, Pixels, Vectors
from phototag.errors import UnreadableImage
from phototag.output import atomic
from phototag.work.extract import (
    THUMB,
    Detector,
    Embedder,
    Kit,
    aligned_crops,
    as_stored,
    bytes_of,
    face_record,
    make_detector,
)
from phototag.work.pictures import crop_path, thumb_path

AROUND = 0.6
"""Of the longer side of a drawn box, on each side: what the detector is shown. People draw tighter
or wider than it does, and it needs the whole head."""

LIKE = 0.2
"""Least IoU at which a face that the detector sees there is the one that was drawn. The picture
that it is shown holds little else, so this only keeps a neighbour out."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen in one box."""

    drawing: Drawing
    vector: Vectors | None
    """[d] on the grid; None where no face could be aligned."""
    crop: bytes
    """WebP for pages."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What was seen in the boxes of one photo."""

    looks: tuple[Look, ...]
    thumb: bytes
    """WebP of the upright photo."""


@dataclass(slots=True)
class Eye:
    """A detector and an embedder, made when they are first needed."""

    kit: Kit
    _detector: Detector | None = field(default=None, repr=False)
    _embedder: Embedder | None = field(default=None, repr=False)

    def look(
        self, path: str, key: str, drawings: Sequence[Drawing], *, search: bool = True
    ) -> Sight | None:
        """The boxes of a file's photo, in their order; None where the file is no longer that photo.

        `search`: have the detector find landmarks; else those of the drawings are taken as they
        are. Raises UnreadableImage, ModelError.
        """
        from phototag.images.read import as_webp, photo_key, read

        try:
            data = bytes_of(path)[0]
        except OSError as error:
            said = error.strerror or str(error)
            raise UnreadableImage(path, "unreadable-file", said) from error
        if photo_key(data) != key:
            return None
        pixels = read(data, path, longest=self.kit.size).pixels
        if search:
            drawings = [self._searched(pixels, drawing) for drawing in drawings]
        return Sight(tuple(self._seen(data, path, pixels, drawings)), as_webp(pixels, THUMB))

    def _searched(self, pixels: Pixels, drawing: Drawing) -> Drawing:
        """The drawing with the landmarks of the face in it, if the detector sees one."""
        if self._detector is None:
            self._detector = make_detector(self.kit)
        patch, where = _cut(pixels, drawing.box)
        found = [_placed(detection, where) for detection in self._detector.detect(patch)]
        best = max(found, key=lambda d: drawing.box.iou(d.box), default=None)
        if best is None or drawing.box.iou(best.box) < LIKE:
            return drawing
        best = as_stored(best)
        return replace(drawing, landmarks=best.landmarks.points, score=best.score)

    def _seen(
        self, data: bytes, path: str, pixels: Pixels, drawings: Sequence[Drawing]
    ) -> list[Look]:
        from phototag.images.thumbs import face_crop

        height, width = pixels.shape[:2]
        faces = {
            n: Detection(d.box.rounded(), Landmarks(d.landmarks), d.score)
            for n, d in enumerate(drawings)
            if d.landmarks
        }
        crops = aligned_crops(data, path, pixels, list(faces.values())) if faces else []
        vectors = dict(zip(faces, self._embedded(crops), strict=True))
        good = {
            n: face_record(face, crop, pixels, width, height).quality
            for (n, face), crop in zip(faces.items(), crops, strict=True)
        }
        return [
            Look(
                replace(d, quality=good.get(n, 0.0)), vectors.get(n), face_crop(pixels, d.box)
            )
            for n, d in enumerate(drawings)
        ]

    def _embedded(self, crops: Sequence[Pixels]) -> list[Vectors]:
        from pathlib import Path

        from phototag.vision.embed import Embedder as Network
        from phototag.vision.models import load_card

        if not crops:
            return []
        if self._embedder is None:
            self._embedder = Network(load_card(Path(self.kit.embedder_card)))
        return list(self._embedder.embed(np.stack(crops)))


def _cut(pixels: Pixels, box: Box) -> tuple[Pixels, Box]:
    """The surroundings of a box, and the place in the photo that they are."""
    height, width = pixels.shape[:2]
    margin = AROUND * max(box.width * width, box.height * height)
    left, top = max(0, round(box.x * width - margin)), max(0, round(box.y * height - margin))
    right = min(width, round((box.x + box.width) * width + margin))
    bottom = min(height, round((box.y + box.height) * height + margin))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    where = Box(left / width, top / height, (right - left) / width, (bottom - top) / height)
    return pixels[top:bottom, left:right], where


def _placed(detection: Detection, where: Box) -> Detection:
    """A detection in a part of the photo, in fractions of the whole."""

    def at(x: float, y: float) -> tuple[float, float]:
        return (where.x + x * where.width, where.y + y * where.height)

    box = detection.box
    size = (box.width * where.width, box.height * where.height)
    points = tuple(at(x, y) for x, y in detection.landmarks.points)
    return Detection(Box(*at(box.x, box.y), *size), Landmarks(points), detection.score)


# ---- into the catalogue


def keep_sights(lib: Library, model: str, sights: Mapping[str, Sight]) -> None:
    """Store what was seen of drawn faces that wait for it: vectors, small pictures. `sights` by
    photo key. Call inside a transaction. Raises CannotWrite."""
    for face in table.waiting(lib):
        sight = sights.get(face.key)
        if sight is None:
            continue
        boxes = {n: look.drawing.box for n, look in enumerate(sight.looks)}
        number = best_meeting(face.box, boxes)
        if number is None:
            continue
        look = sight.looks[number]
        if look.vector is not None:
            photo_table.set_embedding(lib, model, face.face, look.vector)
        _keep(lib, crop_path(face.key, face.face), look.crop)
        _keep(lib, thumb_path(face.key), sight.thumb)
        table.set_looked_at(lib, [face.face])


def _keep(lib: Library, name: str, data: bytes) -> None:
    target = lib.folder / name
    atomic.make_folder(target.parent)
    atomic.write_if_changed(target, data, flush_folder=False)


def look_at_waiting(lib: Library, eye: Eye, model: str) -> None:
    """Look at drawn faces that the journal brought in (the catalogue was rebuilt, a photo came
    back). Call inside a transaction. Raises CannotWrite, ModelError."""
    for (photo, key), faces in groupby(table.waiting(lib), key=lambda f: (f.photo, f.key)):
        drawings = [
            Drawing(key, f.box, photo_table.landmarks_of(f.landmarks).points) for f in faces
        ]
        for place in photo_table.paths_of(lib, photo):
            try:
                sight = eye.look(place.path, key, drawings, search=False)
            except UnreadableImage:
                continue
            if sight is not None:
                keep_sights(lib, model, {key: sight})
                break
