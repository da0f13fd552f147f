"""Brushes: smooth curves, soft shapes, strands and noise, all in numpy and OpenCV.

A sheet has its own unit: one pixel of an aligned face (112x112, eyes 35 units apart), so that a
portrait is described once and painted at any size.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]
Points = NDArray[np.float64]
Colour = Sequence[float]

LEFT, TOP, WIDTH, HEIGHT = -124.0, -74.0, 360.0, 500.0
"""The part of the plane, in units, that a portrait's sheet shows."""
MIDDLE = 56.0
"""The x of a face's middle line, in units."""


def spline(points: Sequence[Sequence[float]], *, closed: bool = False, steps: int = 10) -> Points:
    """A smooth (Catmull-Rom) curve through the points."""
    p = np.asarray(points, np.float64)
    p = np.vstack([p[-1], p, p[0], p[1]]) if closed else np.vstack([p[0], p, p[-1]])
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    out = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        cubic = -a + 3 * b - 3 * c + d
        out.append((2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + cubic * t**3) / 2)
    return np.vstack(out if closed else [*out, p[-2:-1]])


def both_sides(half: Sequence[Sequence[float]]) -> list[tuple[float, float]]:
    """A closed outline from its right half, given from top to bottom as (dx, y)."""
    right = [(MIDDLE + dx, y) for dx, y in half]
    left = [(MIDDLE - dx, y) for dx, y in reversed(half)]
    return right + left


def blurred(image: Image, sigma: float) -> Image:
    """A Gaussian blur that stays cheap when it is wide."""
    if sigma < 0.3:
        return image
    if sigma > 6:
        k = int(sigma / 3)
        size = (max(1, image.shape[1] // k), max(1, image.shape[0] // k))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        small = cv2.GaussianBlur(small, (0, 0), sigma / k)
        shape = (image.shape[1], image.shape[0])
        return np.asarray(cv2.resize(small, shape, interpolation=cv2.INTER_LINEAR), np.float32)
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], grain: float) -> Image:
    """Smooth noise of mean 0 and deviation 1 whose spots are `grain` pixels wide."""
    k = max(1.0, grain / 1.5)
    small = rng.standard_normal((int(shape[0] / k) + 3, int(shape[1] / k) + 3)).astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), 1.0)
    big = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return np.asarray((big - big.mean()) / (big.std() + 1e-6), np.float32)


@dataclass(slots=True)
class Layer:
    """Paint that lies on a sheet: colour [h,w,3] 0..255 and cover [h,w] 0..1."""

    rgb: Image
    alpha: Image


class Sheet:
    """A portrait's canvas: colour and cover, with shapes given in units."""

    def __init__(self, scale: float) -> None:
        self.scale = scale
        self.shape = (round(HEIGHT * scale), round(WIDTH * scale))
        self.rgb = np.zeros((*self.shape, 3), np.float32)
        self.alpha = np.zeros(self.shape, np.float32)
        rows, columns = np.mgrid[0 : self.shape[0], 0 : self.shape[1]].astype(np.float32)
        self.x = (columns + 0.5) / scale + LEFT
        self.y = (rows + 0.5) / scale + TOP
        self.lowered = 0.0

    def lower(self, units: float) -> None:
        """From here on, paint so many units further down (less than 0: up)."""
        self.y = self.y + (self.lowered - units)
        self.lowered = units

    def pixels(self, points: Points) -> Points:
        return (np.asarray(points) - (LEFT, TOP - self.lowered)) * self.scale - 0.5

    def shape_mask(self, outline: Points, soft: float = 0.0) -> Image:
        """The cover [h,w] 0..1 of a closed outline (units), its edge softened by `soft` units."""
        mask = np.zeros(self.shape, np.uint8)
        corners = np.round(self.pixels(outline) * 16).astype(np.int32)
        cv2.fillPoly(mask, [corners], 255, cv2.LINE_AA, 4)
        return blurred(mask.astype(np.float32) / 255, soft * self.scale)

    def lay(self, rgb: Image | Colour, alpha: Image) -> None:
        """Lay paint over what is there."""
        a = alpha[..., None]
        self.rgb = np.asarray(self.rgb * (1 - a) + np.asarray(rgb, np.float32) * a, np.float32)
        self.alpha = np.maximum(self.alpha, alpha + self.alpha * (1 - alpha))

    def lay_layer(self, layer: Layer) -> None:
        self.lay(layer.rgb, layer.alpha)

    def shade(self, factor: Image) -> None:
        """Make what is there darker or brighter, place by place."""
        self.rgb = np.asarray(self.rgb * factor[..., None], np.float32)

    def strands(
        self,
        curves: Sequence[Points],
        colour: Callable[[int, float], Colour],
        *,
        width: float,
        base: Colour,
        tip: float = 0.35,
    ) -> Layer:
        """Hairs: tapering ribbons along curves (units). `colour(i, t)` along hair i, t 0..1."""
        rgb = np.empty((*self.shape, 3), np.uint8)
        rgb[:] = np.clip(base, 0, 255)
        mask = np.zeros(self.shape, np.uint8)
        half = max(width * self.scale, 1.0) / 2
        for i, curve in enumerate(curves):
            p = self.pixels(curve)
            d = np.gradient(p, axis=0)
            d /= np.maximum(np.hypot(d[:, :1], d[:, 1:]), 1e-6)
            t = np.linspace(0, 1, len(p))
            w = half * np.minimum(1, 0.45 + 4 * t) * np.minimum(1, tip + 2.2 * (1 - t))
            side = np.stack([-d[:, 1], d[:, 0]], 1) * w[:, None]
            a = np.round((p + side) * 16).astype(np.int32)
            b = np.round((p - side) * 16).astype(np.int32)
            cv2.fillPoly(mask, [np.vstack([a, b[::-1]])], 255, cv2.LINE_AA, 4)
            for j in range(-(i % 3), len(p) - 1, 3):
                j, k = max(j, 0), min(j + 4, len(p))
                piece = np.vstack([a[j:k], b[j:k][::-1]])
                tone = tuple(float(c) for c in np.clip(colour(i, float(t[j])), 0, 255))
                cv2.fillPoly(rgb, [piece], tone, cv2.LINE_AA, 4)
        soft = blurred(rgb.astype(np.float32), 0.16 * self.scale)
        return Layer(soft, mask.astype(np.float32) / 255)


def between(
    guides: Sequence[Sequence[Sequence[float]]],
    count: int,
    rng: np.random.Generator,
    *,
    stray: float = 1.0,
    wave: float = 0.0,
    length: float = 60.0,
    short: float = 0.15,
    steps: int = 7,
) -> tuple[list[Points], NDArray[np.float64]]:
    """`count` strands between neighbouring guide curves ((dx, y) each, equally many points).

    `stray` bends each hair at random (units), `wave` adds a wave of that height every `length`
    units, `short` ends some hairs early. Also returns where each hair is among the guides, 0..1.
    """
    g = np.asarray(guides, np.float64)
    g[..., 0] += MIDDLE
    last = max(len(g) - 1, 1)
    places = rng.uniform(0, len(g) - 1, count) if len(g) > 1 else np.zeros(count)
    phase = rng.uniform(0, 2 * np.pi)
    out = []
    for at in places:
        k = min(int(at), max(len(g) - 2, 0))
        control = g[k] * (1 - at + k) + g[min(k + 1, len(g) - 1)] * (at - k)
        loose = np.linspace(0.3, 1, len(control))[:, None]
        control = control + rng.normal(0, stray, control.shape) * loose
        curve = spline(control, steps=steps)
        curve = curve[: max(6, int(len(curve) * (1 - short * rng.random() ** 2)))]
        if wave:
            run = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
            own = phase + 1.6 * at / last + rng.normal(0, 0.2)
            sway = np.sin(run / length * 2 * np.pi + own) * wave * np.clip(run / 45, 0, 1)
            curve = curve + np.stack([sway, 0 * run], 1)
        out.append(curve)
    return out, places / last
