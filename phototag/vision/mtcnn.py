"""MTCNN: three small networks that find faces and five landmarks.

Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks", 2016. P-Net looks at a pyramid of the picture and proposes squares, R-Net
throws most of them away, O-Net refines the rest and adds the landmarks. The weights are those of
the `mtcnn` package (MIT).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Box, Detection, Landmarks, Pixels
from phototag.vision.boxes import Rows, adjust, best_first, sigmoid, square, suppress
from phototag.vision.models import session, shipped

CELL, STRIDE = 12, 2
"""P-Net's field of view and step, in pixels of the pyramid's picture."""


class Mtcnn:
    """Faces by MTCNN."""

    def __init__(self, *, min_face: int = 20, exact: bool = False, threads: int = 1) -> None:
        """`min_face`: side of the smallest face looked for, in pixels of what `detect` is given.

        `exact`: follow the `mtcnn` package step by step.
        """
        card = shipped("mtcnn")
        self.min_face = min_face
        self.exact = exact
        self._pnet = session(card, threads=threads)
        self._rnet = session(card, "rnet", threads=threads)
        self._onet = session(card, "onet", threads=threads)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of an upright RGB picture [h, w, 3], from the top left."""
        rows = self.rows(pixels)
        return detections(rows, width=pixels.shape[1], height=pixels.shape[0])

    def rows(self, pixels: Pixels) -> Rows:
        """[n, 15]: x1, y1, x2, y2, score, five x, five y.

        In pixels, counted from the centre of the first.
        """
        picture = (pixels.astype(np.float32) - np.float32(127.5)) / np.float32(128)
        rows = self._propose(picture)
        rows = self._refine(picture, rows)
        return self._output(picture, rows)

    def _propose(self, picture: NDArray[np.float32]) -> Rows:
        height, width = picture.shape[:2]
        found = [np.empty((0, 5))]
        for scale in pyramid(width, height, self.min_face, 0.709):
            size = (int(width * scale), int(height * scale))
            if min(size) < CELL:
                break
            small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
            planes = np.ascontiguousarray(small.transpose(2, 0, 1))[None]
            rows = proposals(self._pnet.run(planes)[0], 0.6)
            rows[:, :4] /= scale
            found.append(suppress(best_first(rows), 0.5))
        return square(suppress(best_first(np.concatenate(found)), 0.7))

    def _refine(self, picture: NDArray[np.float32], rows: Rows) -> Rows:
        if not len(rows):
            return rows
        out = self._rnet.run(patches(picture, rows, 24))[:, :, 0, 0]
        rows[:, 4] = sigmoid(out[:, 4])
        rows = adjust(rows, out[:, :4])
        rows = rows[rows[:, 4] > 0.7]
        return square(suppress(best_first(rows), 0.7))

    def _output(self, picture: NDArray[np.float32], rows: Rows) -> Rows:
        if not len(rows):
            return np.empty((0, 15))
        out = self._onet.run(patches(picture, rows, 48))[:, :, 0, 0]
        corner, size = rows[:, 0:2], rows[:, 2:4] - rows[:, 0:2] + 1
        across = size[:, :1] * out[:, 4:9] + corner[:, :1] - 1
        down = size[:, 1:] * out[:, 9:14] + corner[:, 1:] - 1
        rows[:, 4] = sigmoid(out[:, 14])
        rows = np.concatenate([adjust(rows, out[:, :4]), across, down], axis=1)
        rows = rows[rows[:, 4] > 0.8]
        rows = suppress(best_first(rows), 0.7, over="min")
        height, width = picture.shape[:2]
        rows[:, 0:4] = np.clip(rows[:, 0:4], 0, (width - 1, height - 1, width - 1, height - 1))
        return rows


def pyramid(width: int, height: int, min_face: int, factor: float) -> list[float]:
    """The scales at which P-Net sees the picture.

    At the first a face of `min_face` pixels fills its view.
    """
    count = round(-(np.log(min(width, height) / CELL) / np.log(factor) + 1))
    return [CELL / min_face * factor**step for step in range(count)]


def proposals(out: NDArray[np.float32], threshold: float) -> Rows:
    """Boxes [n, 5], in pixels of the scaled picture, where P-Net's map [5, h, w] says face."""
    logit = np.log(threshold / (1 - threshold))
    down, across = np.nonzero(out[4] > logit)
    values = out[:, down, across].T
    # As the package (and MATLAB's original, that counts from one) has it: from 1 to 12.
    corner = np.stack([across, down, across, down], axis=1) * STRIDE + (1, 1, CELL, CELL)
    boxes = corner + values[:, :4] * np.float64(CELL - 1)
    return np.concatenate([boxes, sigmoid(values[:, 4:])], axis=1)


def patches(picture: NDArray[np.float32], rows: Rows, size: int) -> NDArray[np.float32]:
    """Each box at `size` x `size` points, bilinear, zero outside the picture: [n, 3, size, size].

    The points are those of TensorFlow's `crop_and_resize`, as the package calls it.
    """
    height, width = picture.shape[:2]
    left, right, in_x, off_x = _points(rows[:, 0], rows[:, 2], width, size)
    top, bottom, in_y, off_y = _points(rows[:, 1], rows[:, 3], height, size)
    off_x, off_y = off_x[:, None, :, None], off_y[:, :, None, None]
    upper = picture[top[:, :, None], left[:, None]] * (1 - off_x)
    upper += picture[top[:, :, None], right[:, None]] * off_x
    lower = picture[bottom[:, :, None], left[:, None]] * (1 - off_x)
    lower += picture[bottom[:, :, None], right[:, None]] * off_x
    cut = upper + (lower - upper) * off_y
    cut *= (in_y[:, :, None] & in_x[:, None])[..., None]
    return np.ascontiguousarray(cut.transpose(0, 3, 1, 2))


def _points(
    start: NDArray[np.float64], end: NDArray[np.float64], length: int, size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_], NDArray[np.float32]]:
    """For each point: the pixels before and after it, is it inside, the way between them."""
    last = np.float32(length - 1)
    begin = (start / length).astype(np.float32)[:, None]
    step = ((end / length).astype(np.float32)[:, None] - begin) * last / np.float32(size - 1)
    at = begin * last + np.arange(size, dtype=np.float32) * step
    inside = (at >= 0) & (at <= length - 1)
    at = np.clip(at, 0, length - 1)
    before = np.floor(at).astype(np.intp)
    between = at - before.astype(np.float32)
    return before, np.minimum(before + 1, length - 1), inside, between


def detections(rows: Rows, *, width: int, height: int) -> list[Detection]:
    """Rows of `Mtcnn.rows` in fractions of the picture, from the top left."""
    found = []
    for row in rows:
        x1, y1, x2, y2 = (row[:4] + 0.5) / (width, height, width, height)
        points = (row[5:].reshape(2, 5).T + 0.5) / (width, height)
        found.append(
            Detection(
                Box(float(x1), float(y1), float(x2 - x1), float(y2 - y1)).rounded(),
                Landmarks(tuple((float(x), float(y)) for x, y in points)),
                float(row[4]),
            )
        )
    return sorted(found, key=lambda face: (face.box.y, face.box.x, face.box.width, face.box.height))
