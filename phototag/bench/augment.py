"""Faces changed at random, each in its own way, on the device that trains: any Keras backend."""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np
from keras import ops

from phototag.bench.recipe import Augmentation

BLOCK = 8
"""JPEG's blocks, in pixels."""


class Augmenter:
    """Mirror, similarity jitter, blur, low resolution, light, colour, JPEG, noise, erasing."""

    def __init__(self, how: Augmentation, px: int, seed: int) -> None:
        self.how = how
        self.px = px
        self.random = keras.random.SeedGenerator(seed)

    def __call__(self, faces: Any) -> Any:
        """[n, px, px, 3] in 0..1 → the same, changed."""
        moved = self.moved(faces)
        return self._some(self.how.share, self.degraded(moved), moved)

    def moved(self, faces: Any) -> Any:
        """Mirrored or not, turned, sized and shifted a little: what a detector's landmarks get
        wrong."""
        how, n = self.how, ops.shape(faces)[0]
        mirror = ops.where(self._uniform((n,)) < 0.5, -1.0, 1.0)
        angle = self._spread((n,)) * math.radians(how.turn)
        angle = angle * ops.cast(self._uniform((n,)) < 0.6, "float32")
        size = 1.0 + self._spread((n,)) * how.scale
        c, s = ops.cos(angle) * size, ops.sin(angle) * size
        middle = (self.px - 1) / 2
        x, y = (middle + self._spread((n,)) * how.shift * self.px for _ in range(2))
        # Output pixel (u, v) is taken from (a u + b v + c, d u + e v + f): turned about the centre,
        # then shifted.
        a, b, d, e = c * mirror, -s, s * mirror, c
        rows = [a, b, x - a * middle - b * middle, d, e, y - d * middle - e * middle]
        matrix = ops.stack([*rows, ops.zeros_like(a), ops.zeros_like(a)], axis=1)
        return ops.image.affine_transform(
            faces,
            matrix,
            interpolation="bilinear",
            fill_mode="nearest",
            data_format="channels_last",
        )

    def degraded(self, faces: Any) -> Any:
        """Far away, blurred, badly lit, grey, compressed, noisy, partly hidden."""
        how = self.how
        faces = self._some(how.blur, blurred(faces), faces)
        faces = self._low(faces)
        faces = self._lit(faces)
        if self.px % BLOCK == 0:
            faces = self._some(how.jpeg, compressed(faces, self._each(4.0, 30.0, faces)), faces)
        strength = 0.04 * self._uniform((ops.shape(faces)[0], 1, 1, 1))
        noisy = faces + strength * keras.random.normal(ops.shape(faces), seed=self.random)
        faces = self._some(how.noise, noisy, faces)
        return ops.clip(self._erased(faces), 0.0, 1.0)

    def _low(self, faces: Any) -> Any:
        """Shrunk to a quarter, two fifths or two thirds, and grown again."""
        for part in (0.25, 0.4, 0.65):
            side = max(6, round(self.px * part))
            small = ops.image.resize(
                faces, (side, side), antialias=True, data_format="channels_last"
            )
            big = ops.image.resize(small, (self.px, self.px), data_format="channels_last")
            faces = self._some(self.how.low / 3, big, faces)
        return faces

    def _lit(self, faces: Any) -> Any:
        how, n = self.how, ops.shape(faces)[0]
        one, colours = (n, 1, 1, 1), (n, 1, 1, 3)
        faces = faces * (1 + how.contrast * self._spread(one)) + how.brightness * self._spread(one)
        grey = ops.mean(faces, axis=-1, keepdims=True)
        colour = 1 + how.saturation * self._spread(one)
        colour = ops.where(self._uniform(one) < how.grey, 0.0, colour)
        faces = (grey + (faces - grey) * colour) * (1 + how.white * self._spread(colours))
        return ops.clip(faces, 1e-4, 1.0) ** ops.exp(how.gamma * self._spread(one))

    def _erased(self, faces: Any) -> Any:
        """A rectangle of one colour: hands, glasses, hair."""
        n = ops.shape(faces)[0]
        line = ops.arange(self.px, dtype="float32")[None]
        inside = [
            ops.abs(line - self._uniform((n, 1)) * self.px)
            < (0.05 + 0.125 * self._uniform((n, 1))) * self.px
            for _ in range(2)
        ]
        hidden = ops.logical_and(inside[0][:, :, None, None], inside[1][:, None, :, None])
        covered = ops.where(hidden, self._uniform((n, 1, 1, 3)), faces)
        return self._some(self.how.erase, covered, faces)

    def _some(self, share: float, changed: Any, faces: Any) -> Any:
        """`changed` for that share of the faces."""
        return ops.where(self._uniform((ops.shape(faces)[0], 1, 1, 1)) < share, changed, faces)

    def _uniform(self, shape: Any) -> Any:
        return keras.random.uniform(shape, seed=self.random)

    def _spread(self, shape: Any) -> Any:
        return 2.0 * self._uniform(shape) - 1.0

    def _each(self, low: float, high: float, faces: Any) -> Any:
        return low + (high - low) * self._uniform((ops.shape(faces)[0], 1, 1, 1))


def blurred(faces: Any) -> Any:
    """Softened by a binomial kernel of 5x5."""
    line = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
    kernel = np.repeat(np.outer(line, line)[:, :, None, None], 3, axis=2)
    wide = ops.pad(faces, [[0, 0], [2, 2], [2, 2], [0, 0]], mode="reflect")
    kernel = ops.convert_to_tensor(kernel)
    return ops.depthwise_conv(wide, kernel, padding="valid", data_format="channels_last")


LUMINANCE = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
"""Steps of the luminance in JPEG's annex K, table K.1."""

TO_YCC = np.array(
    [[0.299, -0.168736, 0.5], [0.587, -0.331264, -0.418688], [0.114, 0.5, -0.081312]],
    dtype=np.float32,
)


def compressed(faces: Any, coarseness: Any) -> Any:
    """What JPEG keeps: each block's cosine transform rounded to `coarseness` / 16 times the
    standard's steps (16: quality 50; 4: about 87). The colours get the same steps.

    `coarseness` is [n, 1, 1, 1].
    """
    n, px = ops.shape(faces)[0], faces.shape[1]
    cells = px // BLOCK
    ycc = ops.matmul(faces * 255.0 - 128.0, ops.convert_to_tensor(TO_YCC))
    blocks = ops.reshape(ycc, (n, cells, BLOCK, cells, BLOCK, 3))
    basis = ops.convert_to_tensor(_cosines())
    found = ops.einsum("ui,vj,naibjc->nabuvc", basis, basis, blocks)
    found = ops.reshape(found, (n, cells * cells, BLOCK * BLOCK, 3))
    table = np.array(LUMINANCE, dtype=np.float32).reshape(1, 1, -1, 1) / 16
    steps = ops.convert_to_tensor(table) * coarseness
    rounded = ops.reshape(ops.round(found / steps) * steps, (n, cells, cells, BLOCK, BLOCK, 3))
    back = ops.einsum("ui,vj,nabuvc->naibjc", basis, basis, rounded)
    to_rgb = ops.convert_to_tensor(np.linalg.inv(TO_YCC).astype(np.float32))
    pixels = ops.matmul(ops.reshape(back, (n, px, px, 3)), to_rgb)
    return ops.clip((pixels + 128.0) / 255.0, 0.0, 1.0)


def _cosines() -> Any:
    """[8, 8] orthonormal cosine transform."""
    k, i = np.meshgrid(np.arange(BLOCK), np.arange(BLOCK), indexing="ij")
    basis = np.cos((2 * i + 1) * k * np.pi / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    basis[0] /= np.sqrt(2)
    return basis.astype(np.float32)
