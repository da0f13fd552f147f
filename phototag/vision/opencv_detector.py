"""OpenCV's deep-learning detector (YuNet), with a model file that the user gives."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Box, Detection, Landmarks, Pixels
from phototag.errors import ModelError
from phototag.vision.turned import Levels, upright_or_turned

SCORE = 0.7
"""Measured with YuNet of May 2026 on the album, dlib's and compreface's photos: all 434 faces and 4
false ones; at 0.6 11 false ones, at 0.85 one face is lost, at 0.9 13."""

OVERLAP = 0.3
"""Share of a box that a better one may cover: OpenCV's own default."""

WAY_UP = Levels(upright=SCORE, turned=1.0, alone=0.85)
"""Turns are tried where nothing was found upright."""


class OpenCVDetector:
    """Faces by `cv2.FaceDetectorYN` (Wu, Peng and Yu, "YuNet: A Tiny Millisecond-level Face
    Detector", 2023)."""

    def __init__(self, model: Path, *, min_face: int = 20) -> None:
        """`model`: YuNet's ONNX file. `min_face`: side of the smallest face, in pixels of what
        `detect` is given. Raises ModelError when the file is missing or no such model."""
        if not model.is_file():
            raise ModelError(
                f"{model}: the model of OpenCV's detector is not there. It is one file of the "
                "OpenCV Zoo (github.com/opencv/opencv_zoo, folder models/face_detection_yunet): "
                "face_detection_yunet_2023mar.onnx or a later one. Give it with --detector-model, "
                "or put it into the folder models/ of the library."
            )
        self.min_face = min_face
        try:
            with _silence():
                self._network = cv2.FaceDetectorYN.create(str(model), "", (64, 64), SCORE, OVERLAP)
                self._rows(np.zeros((64, 64, 3), np.uint8))
        except cv2.error as error:
            raise ModelError(
                f"{model}: OpenCV {cv2.__version__} cannot use this file as a face detector "
                f"({' '.join(str(error).split())})."
            ) from error

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of an RGB picture [h, w, 3], from the top left.

        A picture in which no face stands upright is tried turned.
        """
        return upright_or_turned(pixels, self._upright, WAY_UP)

    def _upright(self, pixels: Pixels) -> list[Detection]:
        height, width = pixels.shape[:2]
        rows = self._rows(pixels)
        large = rows[rows[:, 2:4].max(axis=1) >= self.min_face]
        faces = [_detection(row, width, height) for row in large]
        return sorted(faces, key=lambda face: (face.box.y, face.box.x, -face.score))

    def _rows(self, pixels: Pixels) -> NDArray[np.float64]:
        """[n, 15]: x, y, width, height, five points (x, y) as the viewer sees them, score."""
        height, width = pixels.shape[:2]
        self._network.setInputSize((width, height))
        _, rows = self._network.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        return np.empty((0, 15)) if rows is None else np.asarray(rows, np.float64)


@contextmanager
def _silence() -> Iterator[None]:
    """OpenCV prints nothing: its engine of 2025 warns about a setting that its own detector makes,
    and what it says of a bad file is in the exception too."""
    log = getattr(cv2.utils, "logging", cv2)  # in cv2 itself before OpenCV 5
    before = log.getLogLevel()
    log.setLogLevel(0)
    try:
        yield
    finally:
        log.setLogLevel(before)


def _detection(row: NDArray[np.float64], width: int, height: int) -> Detection:
    x, y, wide, high = (float(v) for v in row[:4] / (width, height, width, height))
    points = row[4:14].reshape(5, 2) / (width, height)
    return Detection(
        Box(x, y, wide, high).rounded(),
        Landmarks(tuple((float(px), float(py)) for px, py in points)),
        float(row[14]),
    )
