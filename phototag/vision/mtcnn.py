"""MTCNN: three small networks that find faces and five landmarks.

Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment using Multi-task Cascaded
Convolutional Networks", 2016. P-Net looks at a pyramid of the picture and proposes squares, R-Net
throws most of them away, O-Net refines the rest and adds the landmarks. The weights are those of
the `mtcnn` package (MIT).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Box, Detection, Landmarks, Pixels
from phototag.vision.boxes import (
    Rows,
    adjust,
    best_first,
    logit,
    overlapping_removed,
    sigmoid,
    square,
)
from phototag.vision.models import Session, session, shipped
from phototag.vision.turned import Levels, upright_or_turned
from phototag.vision.views import Inputs, PackageView, SharpView, View

CELL, STRIDE = 12, 2
"""P-Net's field of view and step, in pixels of the scaled picture."""

TOGETHER = 64
"""Squares in one run of R-Net or O-Net: the maps of more no longer fit the processor's cache (R-Net
on one core: 0.055 ms a square at 64, 0.07 at 256)."""

STRIP = 60_000
"""Pixels that P-Net sees in one run: its first maps then fit the cache. 21 ms instead of 26 for
768x512 on one core, and a tenth of the memory."""

MOST = 10_000
"""Proposals kept at each scale, and squares that R-Net sees: bounds the time that noise can cost. A
photo of 200 faces has 2,000."""


MIRRORED = [1, 0, 2, 4, 3]
"""Which landmark takes whose place in a mirror."""


@dataclass(frozen=True, slots=True)
class Steps:
    """The numbers of a cascade."""

    factor: float
    """From one scale of the pyramid to the next."""
    propose: float
    """Least score of P-Net."""
    refine: float
    """Least score of R-Net."""
    accept: float
    """Least score of O-Net."""


PACKAGE = Steps(factor=0.709, propose=0.6, refine=0.7, accept=0.8)
"""Those of the `mtcnn` package."""

FAST = Steps(factor=0.6, propose=0.7, refine=0.6, accept=0.8)
"""Measured on the album, dlib's and compreface's photos (434 faces in 298 photos), one core. Of the
factors 0.709, 0.65, 0.6, 0.55 and 0.5 the smallest that loses no face at accept 0.8 with room left
(lowest true score 0.839; at 0.5 it is 0.832 and more lie below 0.95). Propose 0.7 instead of 0.6
saves a quarter of R-Net's time and changes no score. Refine 0.6 keeps a face of 37 px that 0.7
loses. Accept 0.8: 4 false faces (0.835 to 0.95); 0.85 would lose a true one and save one."""

WAY_UP = Levels(upright=0.97, turned=0.99, alone=0.95)
"""Measured on 385 upright photos and 100 of them turned by 90, 180 or 270 degrees: 90 of these come
out right, the other ten show upright faces above 0.97 or no turned one above 0.99; of the upright
ones none is turned wrongly (with 0.95 for `turned` two are)."""


class Mtcnn:
    """Faces by MTCNN."""

    def __init__(
        self, *, min_face: int = 20, exact: bool = False, turned: bool = True, threads: int = 1
    ) -> None:
        """`min_face`: side of the smallest face looked for, in pixels of what `detect` is given
        (P-Net's view is loose: now and then a face of two thirds of that is found too).

        `exact`: follow the `mtcnn` package step by step, upright only. `turned`: try a picture in
        which nobody stands upright on its sides, too. `threads`: of ONNX Runtime.
        Raises ModelError when the networks are missing or damaged.
        """
        card = shipped("mtcnn")
        self.min_face = min_face
        self.exact = exact
        self.turned = turned and not exact
        self._steps = PACKAGE if exact else FAST
        self._pnet = session(card, threads=threads)
        self._rnet = session(card, "rnet", threads=threads)
        self._onet = session(card, "onet", threads=threads)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of an RGB picture [h, w, 3], from the top left.

        A picture in which no face stands upright is tried turned; its landmarks keep the names that
        they have when the face is upright. Equal pixels give an equal answer.
        """
        if not self.turned:
            return self._upright(pixels)
        return upright_or_turned(pixels, self._upright, WAY_UP)

    def _upright(self, pixels: Pixels) -> list[Detection]:
        height, width = pixels.shape[:2]
        rows = self.rows(pixels)
        offset = PackageView.offset if self.exact else SharpView.offset
        faces = [_detection(row, offset, width, height) for row in rows]
        return sorted(faces, key=lambda face: (face.box.y, face.box.x, -face.score))

    def rows(self, pixels: Pixels) -> Rows:
        """[n, 15]: x1, y1, x2, y2, score, five x, five y; in pixels as the package counts them."""
        pixels = np.ascontiguousarray(pixels)
        view = PackageView(pixels) if self.exact else SharpView(pixels)
        height, width = pixels.shape[:2]
        rows = self._propose(view, width, height)
        if len(rows):
            rows = self._refine(view, rows)
        if not len(rows):
            return np.empty((0, 15))
        rows = self._output(view, rows)
        rows[:, :4] = np.clip(rows[:, :4], 0, np.tile((width - 1, height - 1), 2))
        return rows

    def _propose(self, view: View, width: int, height: int) -> Rows:
        found = [np.empty((0, 5))]
        for scale in pyramid(width, height, self.min_face, self._steps.factor):
            planes, across, down = view.scaled(scale)
            rows = proposals(_in_strips(self._pnet, planes), self._steps.propose)
            rows[:, :4] /= (across, down, across, down)
            found.append(overlapping_removed(self._best(rows), 0.5))
        rows = self._best(np.concatenate(found))
        return square(overlapping_removed(rows, 0.7))

    def _best(self, rows: Rows) -> Rows:
        return best_first(rows) if self.exact else best_first(rows)[:MOST]

    def _refine(self, view: View, rows: Rows) -> Rows:
        out = _in_parts(self._rnet, view.squares(rows, 24))
        rows[:, 4] = sigmoid(out[:, 4])
        rows = adjust(rows, out[:, :4])
        rows = rows[rows[:, 4] > self._steps.refine]
        return square(overlapping_removed(best_first(rows), 0.7))

    def _output(self, view: View, rows: Rows) -> Rows:
        out = _in_parts(self._onet, view.squares(rows, 48))
        points = _points_of(out, rows)
        rows[:, 4] = sigmoid(out[:, 14])
        rows = np.concatenate([adjust(rows, out[:, :4]), points], axis=1)
        rows = rows[rows[:, 4] > self._steps.accept]
        rows = overlapping_removed(best_first(rows), 0.7, over="smaller")
        return rows if self.exact else self._with_steadier_points(view, rows)

    def _with_steadier_points(self, view: View, rows: Rows) -> Rows:
        """The landmarks seen again, in the final box and in its mirror image: the mean of the two.

        On 250 pairs of LFW's development set, embedded by the teacher of our embedder, this brings
        mean similarity of strangers from 0.017 to 0.012 and that of the same person from 0.711 to
        0.713; eight views more add little (0.012, 0.713).
        """
        if not len(rows):
            return rows
        boxes = square(rows[:, :5])
        squares = view.squares(boxes, 48)
        seen = _points_of(_in_parts(self._onet, squares), boxes)
        out = _in_parts(self._onet, np.ascontiguousarray(squares[..., ::-1]))
        out[:, 4:9] = 1 - out[:, 4:9][:, MIRRORED]
        out[:, 9:14] = out[:, 9:14][:, MIRRORED]
        rows[:, 5:] = (seen + _points_of(out, boxes)) / 2
        return rows


def pyramid(width: int, height: int, min_face: int, factor: float) -> list[float]:
    """The scales at which P-Net sees the picture, never smaller than its field of view.

    At the first a face of `min_face` pixels fills that.
    """
    smallest = min(width, height)
    count = round(-(np.log(smallest / CELL) / np.log(factor) + 1)) if smallest >= CELL else 0
    scales = [CELL / min_face * factor**step for step in range(count)]
    return [scale for scale in scales if int(smallest * scale) >= CELL]


def proposals(out: NDArray[np.float32], threshold: float) -> Rows:
    """Boxes [n, 5], in pixels of the scaled picture, where P-Net's map [5, h, w] says face."""
    down, across = np.nonzero(out[4] > logit(threshold))
    values = out[:, down, across].T
    # As the package (and MATLAB's original, that counts from one) has it: from 1 to 12.
    corner = np.stack([across, down, across, down], axis=1) * STRIDE + (1, 1, CELL, CELL)
    boxes = corner + values[:, :4] * np.float64(CELL - 1)
    return np.concatenate([boxes, sigmoid(values[:, 4:])], axis=1)


def _in_strips(pnet: Session, planes: Inputs) -> NDArray[np.float32]:
    """P-Net's map [5, h, w] of a picture [1, 3, height, width], the same as in one piece."""
    height, width = planes.shape[2:]
    rows = (height - 1) // STRIDE - 4  # its pooling fills up an odd last row
    step = max(STRIP // width - CELL, CELL) // STRIDE
    strips = [
        pnet.run(planes[:, :, STRIDE * top : STRIDE * (min(top + step, rows) - 1) + CELL])[0]
        for top in range(0, rows, step)
    ]
    return np.concatenate(strips, axis=1)


def _points_of(out: NDArray[np.float32], rows: Rows) -> Rows:
    """[n, 10]: five x, five y from O-Net's answers for the boxes `rows`."""
    corner, size = rows[:, 0:2], rows[:, 2:4] - rows[:, 0:2] + 1
    across = size[:, :1] * out[:, 4:9] + corner[:, :1] - 1
    down = size[:, 1:] * out[:, 9:14] + corner[:, 1:] - 1
    return np.concatenate([across, down], axis=1)


def _in_parts(network: Session, squares: Inputs) -> NDArray[np.float32]:
    """The network's answers [n, values]."""
    starts = range(0, len(squares), TOGETHER)
    parts = [network.run(squares[start : start + TOGETHER]) for start in starts]
    return np.concatenate(parts)[:, :, 0, 0]


def _detection(row: NDArray[np.float64], offset: float, width: int, height: int) -> Detection:
    """A row of `Mtcnn.rows` in fractions of the picture."""
    x1, y1, x2, y2 = (row[:4] + offset) / (width, height, width, height)
    points = (row[5:].reshape(2, 5).T + offset) / (width, height)
    return Detection(
        Box(float(x1), float(y1), float(x2 - x1), float(y2 - y1)).rounded(),
        Landmarks(tuple((float(x), float(y)) for x, y in points)),
        float(row[4]),
    )
