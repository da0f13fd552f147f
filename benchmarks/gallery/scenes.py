"""Backgrounds: places painted with gradients, noise and out-of-focus light, and the light that falls there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from gallery.brush import Colour, Image, blurred, noise
from gallery.light import Light

Scene = tuple[Image, Light]
Painter = Callable[[int, int, np.random.Generator], Scene]


def ramp(width: int, height: int, stops: Sequence[tuple[float, Colour]]) -> Image:
    """A vertical gradient through colours at heights 0..1."""
    at = np.linspace(0, 1, height)
    column = np.stack(
        [np.interp(at, [s for s, _ in stops], [c[k] for _, c in stops]) for k in range(3)], 1
    )
    return np.repeat(column[:, None, :], width, axis=1).astype(np.float32)


def _over(image: Image, colour: Colour | Image, alpha: Image) -> Image:
    a = alpha[..., None]
    return np.asarray(image * (1 - a) + np.asarray(colour, np.float32) * a, np.float32)


def _disc(image: Image, x: float, y: float, radius: float, colour: Colour, alpha: float) -> None:
    """One circle of confusion, a little brighter at its rim; painted into `image`."""
    r = int(radius + 2)
    top, left = max(0, int(y) - r), max(0, int(x) - r)
    part = image[top : int(y) + r + 1, left : int(x) + r + 1]
    if part.size == 0:
        return
    rows, columns = np.mgrid[0 : part.shape[0], 0 : part.shape[1]]
    d = np.hypot(columns + left - x, rows + top - y)
    a = np.clip(radius - d, 0, 1) * alpha * (0.75 + 0.35 * np.clip(d / radius, 0, 1) ** 6)
    part[:] = 255 - (255 - part) * (1 - a[..., None] * np.asarray(colour, np.float32) / 255)


def bokeh(
    image: Image,
    rng: np.random.Generator,
    count: int,
    radius: float,
    colours: Sequence[Colour],
    *,
    within: tuple[float, float] = (0, 1),
    alpha: float = 0.5,
    spread: float = 0.5,
) -> Image:
    h, w = image.shape[:2]
    for _ in range(count):
        colour = colours[rng.integers(len(colours))]
        _disc(
            image,
            rng.uniform(0, w),
            rng.uniform(*within) * h,
            radius * rng.uniform(1 - spread, 1 + spread),
            colour,
            alpha * rng.uniform(0.35, 1),
        )
    return blurred(image, radius * 0.05)


def _leaves(
    width: int, height: int, rng: np.random.Generator, colours: Sequence[Colour], grain: float
) -> Image:
    """Foliage far behind: patches of colour at three sizes, out of focus."""
    total = np.zeros((height, width, 3), np.float32)
    palette = np.asarray(colours, np.float32)
    pick = np.clip(
        0.5
        + 0.16 * noise(rng, (height, width), 5 * grain)
        + 0.13 * noise(rng, (height, width), 2 * grain)
        + 0.11 * noise(rng, (height, width), grain),
        0,
        0.999,
    ) * (len(palette) - 1)
    low = pick.astype(int)
    mix = (pick - low)[..., None]
    total[:] = palette[low] * (1 - mix) + palette[np.minimum(low + 1, len(palette) - 1)] * mix
    return blurred(total, grain * 0.25)


def _trunks(
    image: Image, rng: np.random.Generator, count: int, colour: Colour, low: float
) -> Image:
    h, w = image.shape[:2]
    mask = np.zeros((h, w), np.float32)
    for _ in range(count):
        x, wide = rng.uniform(0, w), rng.uniform(0.012, 0.04) * w
        lean = rng.uniform(-0.04, 0.04) * w
        quad = np.array(
            [
                [x - wide, low * h],
                [x + wide, low * h],
                [x + wide * 0.7 + lean, 0],
                [x - wide * 0.7 + lean, 0],
            ]
        )
        cv2.fillConvexPoly(mask, quad.astype(np.int32), float(rng.uniform(0.35, 0.7)))
    return _over(image, colour, blurred(mask, 0.008 * w))


def park(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = _leaves(
        w,
        h,
        rng,
        [(38, 66, 34), (66, 104, 46), (104, 146, 62), (158, 186, 92), (226, 232, 168)],
        w / 22,
    )
    image = _trunks(image, rng, 4, (58, 48, 38), 0.72)
    lawn = np.clip((np.linspace(0, 1, h)[:, None] - 0.66) / 0.12, 0, 1).astype(
        np.float32
    ) * np.ones((1, w), np.float32)
    grass = (
        ramp(w, h, [(0, (150, 190, 90)), (0.7, (146, 182, 86)), (1, (86, 128, 52))])
        + 9 * noise(rng, (h, w), w / 60)[..., None]
    )
    image = _over(image, np.asarray(grass, np.float32), lawn)
    image = bokeh(
        image,
        rng,
        55,
        w / 34,
        [(220, 240, 150), (255, 250, 200), (180, 220, 120)],
        within=(0, 0.6),
        alpha=0.42,
    )
    return image, Light(115, 0.22, (1.0, 1.0, 0.95), 1.03, 0.35, (255, 250, 205))


def autumn(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = _leaves(
        w,
        h,
        rng,
        [(70, 38, 22), (132, 66, 24), (190, 98, 28), (226, 148, 46), (246, 206, 116)],
        w / 20,
    )
    image = _trunks(image, rng, 5, (52, 36, 30), 0.8)
    ground = np.clip((np.linspace(0, 1, h)[:, None] - 0.74) / 0.1, 0, 1).astype(
        np.float32
    ) * np.ones((1, w), np.float32)
    floor = _leaves(w, h, rng, [(120, 66, 30), (186, 106, 40), (222, 160, 70)], w / 40)
    image = _over(image, floor, ground)
    image = bokeh(
        image,
        rng,
        50,
        w / 30,
        [(255, 190, 90), (255, 226, 150), (240, 150, 60)],
        within=(0, 0.7),
        alpha=0.42,
    )
    return image, Light(60, 0.28, (1.06, 0.99, 0.88), 1.0, 0.5, (255, 214, 150))


def beach(w: int, h: int, rng: np.random.Generator) -> Scene:
    horizon = rng.uniform(0.38, 0.5)
    image = ramp(
        w,
        h,
        [
            (0, (86, 156, 214)),
            (horizon, (206, 230, 240)),
            (horizon + 0.001, (34, 124, 158)),
            (horizon + 0.16, (74, 182, 190)),
            (horizon + 0.2, (214, 236, 228)),
            (horizon + 0.22, (220, 196, 152)),
            (1, (236, 214, 172)),
        ],
    )
    cloud = np.clip(
        noise(rng, (h, w), w / 7) * 0.5 + noise(rng, (h, w), w / 18) * 0.25 - 0.25, 0, 1
    )
    cloud *= np.clip(1 - np.linspace(0, 1, h)[:, None] / horizon, 0, 1) ** 0.4
    image = _over(image, (255, 255, 255), np.asarray(cloud * 0.9, np.float32))
    y = np.linspace(0, 1, h)[:, None]
    sea = ((y > horizon) & (y < horizon + 0.19)).astype(np.float32)
    swell = cv2.resize(noise(rng, (h, w // 6), 4), (w, h), interpolation=cv2.INTER_LINEAR)
    image = (
        image
        + (sea * swell * 7)[..., None]
        + ((y > horizon + 0.22) * noise(rng, (h, w), 5) * 3.5)[..., None]
    )
    image = blurred(np.asarray(image, np.float32), w / 320)
    glints = [(255, 255, 255), (230, 250, 255)]
    image = bokeh(
        image, rng, 46, w / 150, glints, within=(horizon + 0.01, horizon + 0.12), alpha=0.7
    )
    return image, Light(110, 0.20, (1.0, 1.0, 1.0), 1.06, 0.3, (255, 255, 245))


def sunset(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(
        w,
        h,
        [
            (0, (70, 64, 118)),
            (0.25, (176, 96, 120)),
            (0.45, (244, 148, 92)),
            (0.56, (255, 206, 128)),
            (0.565, (150, 84, 84)),
            (0.75, (104, 66, 84)),
            (1, (58, 44, 62)),
        ],
    )
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    cx, cy = w * rng.uniform(0.2, 0.8), h * 0.5
    d = np.hypot(x - cx, y - cy) / w
    image = image + np.exp(-((d / 0.22) ** 2))[..., None] * np.array([90, 66, 20], np.float32)
    image = _over(
        np.asarray(image, np.float32),
        (255, 246, 214),
        np.asarray(np.clip((0.045 - d) * w / 6, 0, 1), np.float32),
    )
    bars = cv2.resize(noise(rng, (h, w // 8), 5), (w, h), interpolation=cv2.INTER_LINEAR)
    image = (
        image
        + (bars * 6 * (y / h > 0.57))[..., None]
        + (np.clip(bars, 0, 3) * 8 * (y / h < 0.5))[..., None]
    )
    path = (
        np.exp(-(((x - cx) / (0.05 * w + 0.12 * np.maximum(y - cy, 0))) ** 2))
        * (y / h > 0.57)
        * np.clip(cv2.resize(noise(rng, (h, w // 5), 4), (w, h)) + 0.2, 0, 2)
    )
    image = image + path[..., None] * np.array([96, 66, 34], np.float32)
    image = blurred(np.clip(image, 0, 255).astype(np.float32), w / 260)
    side = 25.0 if cx > w / 2 else 155.0
    return image, Light(side, 0.38, (1.08, 0.90, 0.78), 0.84, 0.95, (255, 196, 120))


def _pines(
    image: Image,
    rng: np.random.Generator,
    count: int,
    base: float,
    size: float,
    colour: Colour,
    soft: float,
) -> Image:
    h, w = image.shape[:2]
    mask = np.zeros((h, w), np.float32)
    for _ in range(count):
        x, tall = rng.uniform(-0.05, 1.05) * w, size * h * rng.uniform(0.6, 1.2)
        for k in range(6):
            top, wide = base * h - tall * (1 - k / 7), tall * (0.05 + 0.045 * k)
            tri = np.array(
                [[x, top - tall * 0.06], [x + wide, top + tall * 0.2], [x - wide, top + tall * 0.2]]
            )
            cv2.fillConvexPoly(mask, tri.astype(np.int32), 1.0, cv2.LINE_AA)
    return _over(image, colour, blurred(mask, soft))


def snow(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(
        w,
        h,
        [
            (0, (176, 196, 218)),
            (0.5, (214, 224, 236)),
            (0.6, (234, 240, 246)),
            (1, (222, 230, 242)),
        ],
    )
    image = _pines(image, rng, 16, 0.62, 0.36, (142, 164, 184), w / 130)
    image = _pines(image, rng, 9, 0.68, 0.55, (74, 100, 112), w / 90)
    drift = np.clip(
        (np.linspace(0, 1, h)[:, None] - 0.64 - 0.03 * np.sin(np.linspace(0, 5, w))[None]) / 0.03,
        0,
        1,
    )
    ground = (
        ramp(w, h, [(0, (240, 244, 250)), (0.66, (242, 246, 250)), (1, (206, 218, 236))])
        + 3 * noise(rng, (h, w), w / 12)[..., None]
    )
    image = _over(image, np.asarray(ground, np.float32), drift.astype(np.float32))
    return blurred(image, w / 300), Light(95, 0.14, (0.97, 1.0, 1.05), 1.04, 0.3, (240, 248, 255))


def flakes(image: Image, rng: np.random.Generator) -> Image:
    """Snow that falls before everything."""
    h, w = image.shape[:2]
    for _ in range(130):
        _disc(
            image,
            rng.uniform(0, w),
            rng.uniform(0, h),
            rng.uniform(0.0012, 0.0042) * w,
            (255, 255, 255),
            rng.uniform(0.3, 0.8),
        )
    return image


def _rect(
    image: Image, box: Sequence[float], colour: Colour, soft: float, alpha: float = 1.0
) -> Image:
    h, w = image.shape[:2]
    mask = np.zeros((h, w), np.float32)
    x0, y0, x1, y1 = box
    cv2.rectangle(mask, (int(x0 * w), int(y0 * h)), (int(x1 * w), int(y1 * h)), alpha, -1)
    return _over(image, colour, blurred(mask, soft * w))


def _books(
    image: Image,
    rng: np.random.Generator,
    rows: Sequence[float],
    left: float,
    right: float,
    tall: float,
) -> Image:
    colours = [
        (146, 58, 46),
        (54, 84, 112),
        (196, 152, 72),
        (70, 104, 78),
        (222, 212, 190),
        (96, 62, 88),
        (44, 48, 60),
        (182, 98, 56),
    ]
    for y in rows:
        x = left
        while x < right:
            wide = rng.uniform(0.010, 0.026)
            c = np.asarray(colours[rng.integers(len(colours))]) * rng.uniform(0.75, 1.1)
            if rng.random() > 0.06:
                image = _rect_fast(
                    image, (x, y - tall * rng.uniform(0.7, 1.0), x + wide * 0.94, y), c
                )
            x += wide
        image = _rect_fast(image, (left - 0.01, y, right + 0.01, y + 0.022), (92, 64, 44))
    return image


def _rect_fast(image: Image, box: Sequence[float], colour: Colour) -> Image:
    h, w = image.shape[:2]
    x0, y0, x1, y1 = (max(0, int(v)) for v in (box[0] * w, box[1] * h, box[2] * w, box[3] * h))
    image[y0:y1, x0:x1] = np.asarray(colour, np.float32)
    return image


def library(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(w, h, [(0, (60, 44, 36)), (1, (50, 36, 30))])
    image = _books(image, rng, (0.14, 0.36, 0.58, 0.80, 1.02), 0.0, 1.0, 0.19)
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    lamp = np.exp(-((np.hypot(x - 0.8 * w, y - 0.1 * h) / (0.6 * w)) ** 2))
    image = image * (0.62 + 0.6 * lamp[..., None]) + lamp[..., None] * np.array(
        [40, 26, 8], np.float32
    )
    image = blurred(np.asarray(image, np.float32), w / 130)
    return image, Light(50, 0.26, (1.05, 0.98, 0.9), 0.98, 0.3, (255, 226, 180))


def room(w: int, h: int, rng: np.random.Generator) -> Scene:
    wall = [(214, 204, 188), (188, 204, 200), (222, 196, 178), (200, 206, 216)][rng.integers(4)]
    image = ramp(w, h, [(0, wall), (1, tuple(0.86 * v for v in wall))])
    left = rng.random() < 0.5
    a, b = (0.04, 0.30) if left else (0.70, 0.96)
    image = _rect(image, (a - 0.015, 0.06, b + 0.015, 0.66), (250, 248, 244), 0.003)
    image = _rect(image, (a, 0.085, b, 0.635), (206, 228, 240), 0.002)
    image = _rect(image, (a, 0.42, b, 0.635), (146, 180, 128), 0.02)
    for box in (((a + b) / 2 - 0.006, 0.085, (a + b) / 2 + 0.006, 0.635), (a, 0.345, b, 0.36)):
        image = _rect(image, box, (248, 246, 242), 0.001)
    c, d = (0.62, 0.95) if left else (0.05, 0.38)
    image = _rect(image, (c, 0.28, d, 0.30), (150, 110, 76), 0.001)
    image = _books(image, rng, (0.28,), c + 0.02, d - 0.08, 0.14)
    image = _rect(image, (c + 0.05, 0.46, c + 0.2, 0.68), (120, 90, 64), 0.001)
    image = _rect(image, (c + 0.06, 0.475, c + 0.19, 0.665), (214, 178, 120), 0.004)
    image = _rect(image, (c + 0.06, 0.59, c + 0.19, 0.665), (92, 130, 140), 0.01)
    image = blurred(image, w / 150)
    angle = 150.0 if left else 30.0
    return image, Light(angle, 0.30, (1.02, 1.0, 0.96), 1.0, 0.2)


def evening(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(w, h, [(0, (66, 52, 46)), (1, (38, 30, 30))])
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    cx = 0.84 if rng.random() < 0.5 else 0.14
    lamp = np.exp(-((np.hypot(x - cx * w, y - 0.3 * h) / (0.33 * w)) ** 2))
    image = image + lamp[..., None] * np.array([150, 96, 42], np.float32)
    image = _rect(image, (cx - 0.06, 0.2, cx + 0.06, 0.36), (255, 226, 160), 0.006)
    image = _rect(image, (cx - 0.008, 0.36, cx + 0.008, 0.9), (50, 38, 30), 0.003)
    image = _rect(image, (0.36, 0.08, 0.60, 0.34), (96, 74, 58), 0.003)
    image = blurred(np.asarray(image, np.float32), w / 130)
    return image, Light(
        20 if cx > 0.5 else 160, 0.42, (1.07, 0.93, 0.78), 0.66, 0.35, (255, 190, 110)
    )


def cafe(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(
        w, h, [(0, (58, 38, 30)), (0.6, (92, 62, 44)), (0.66, (66, 44, 34)), (1, (48, 32, 26))]
    )
    image = image + 6 * noise(rng, (h, w), w / 10)[..., None]
    for k in range(5):
        image = _rect(
            image, (0.08 + 0.19 * k, 0.36, 0.17 + 0.19 * k, 0.62), (118 + 8 * k, 84, 58), 0.012, 0.6
        )
    image = bokeh(
        np.asarray(image, np.float32),
        rng,
        40,
        w / 26,
        [(255, 190, 96), (255, 214, 140), (255, 160, 80)],
        within=(0, 0.4),
        alpha=0.62,
    )
    image = bokeh(image, rng, 16, w / 40, [(255, 226, 180)], within=(0.4, 0.7), alpha=0.4)
    return image, Light(80, 0.25, (1.06, 0.97, 0.87), 0.94, 0.35, (255, 206, 140))


def night(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = (
        ramp(w, h, [(0, (14, 18, 40)), (0.6, (34, 32, 62)), (1, (18, 18, 34))])
        + 3 * noise(rng, (h, w), w / 8)[..., None]
    )
    lights = [
        (255, 120, 90),
        (255, 200, 110),
        (110, 190, 255),
        (190, 120, 255),
        (255, 240, 210),
        (90, 255, 200),
    ]
    image = bokeh(
        np.asarray(image, np.float32), rng, 60, w / 30, lights, within=(0.1, 0.85), alpha=0.55
    )
    image = bokeh(image, rng, 26, w / 50, lights, within=(0.3, 0.8), alpha=0.6, spread=0.3)
    return image, Light(40, 0.36, (0.92, 0.93, 1.08), 0.74, 0.7, (190, 170, 255))


def garden(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = _leaves(
        w, h, rng, [(36, 70, 42), (70, 116, 64), (116, 156, 88), (176, 200, 130)], w / 24
    )
    petals = [
        (236, 120, 160),
        (250, 190, 210),
        (255, 236, 240),
        (220, 90, 110),
        (250, 214, 110),
        (190, 130, 220),
    ]
    for _ in range(110):
        x, y, r = rng.uniform(0, w), rng.uniform(0.1, 1.0) * h, rng.uniform(0.008, 0.028) * w
        colour = petals[rng.integers(len(petals))]
        for k in range(5):
            a = k * 2 * np.pi / 5 + rng.uniform(0, 1)
            cv2.circle(
                image,
                (int(x + r * 0.8 * np.cos(a)), int(y + r * 0.8 * np.sin(a))),
                int(r * 0.7),
                tuple(float(c) for c in colour),
                -1,
                cv2.LINE_AA,
            )
    image = blurred(image, w / 85)
    image = bokeh(
        image, rng, 36, w / 36, [(255, 240, 220), (255, 210, 226), (220, 250, 190)], alpha=0.35
    )
    return image, Light(125, 0.2, (1.02, 1.0, 0.98), 1.04, 0.35, (255, 250, 236))


def party(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(w, h, [(0, (242, 222, 206)), (1, (224, 196, 182))])
    colours = [
        (226, 88, 86),
        (70, 150, 190),
        (250, 196, 80),
        (120, 180, 120),
        (180, 120, 190),
        (250, 150, 110),
    ]
    x = np.linspace(0, w, 24)
    sag = 0.07 * h + 0.07 * h * (1 - (np.linspace(-1, 1, 24)) ** 2)
    for k in range(23):
        tri = np.array(
            [[x[k], sag[k]], [x[k + 1], sag[k + 1]], [(x[k] + x[k + 1]) / 2, sag[k] + 0.075 * h]]
        )
        cv2.fillConvexPoly(
            image, tri.astype(np.int32), tuple(float(c) for c in colours[k % 6]), cv2.LINE_AA
        )
    for _ in range(11):
        side = rng.random() < 0.5
        cx, cy = (
            (rng.uniform(0.0, 0.3) if side else rng.uniform(0.7, 1.0)) * w,
            rng.uniform(0.2, 0.75) * h,
        )
        r = rng.uniform(0.04, 0.065) * w
        c = np.asarray(colours[rng.integers(6)], np.float32)
        cv2.line(
            image,
            (int(cx), int(cy + r)),
            (int(cx + rng.uniform(-0.02, 0.02) * w), h),
            (190.0, 170.0, 160.0),
            2,
            cv2.LINE_AA,
        )
        cv2.ellipse(
            image,
            (int(cx), int(cy)),
            (int(r), int(r * 1.2)),
            0,
            0,
            360,
            tuple(float(v) for v in c),
            -1,
            cv2.LINE_AA,
        )
        cv2.ellipse(
            image,
            (int(cx - r * 0.35), int(cy - r * 0.45)),
            (int(r * 0.22), int(r * 0.34)),
            25,
            0,
            360,
            tuple(float(v) for v in 0.5 * c + 127),
            -1,
            cv2.LINE_AA,
        )
    image = blurred(image, w / 190)
    return image, Light(90, 0.2, (1.03, 1.0, 0.95), 1.03, 0.2)


def studio(w: int, h: int, rng: np.random.Generator) -> Scene:
    tone = np.asarray(
        [(92, 134, 138), (196, 150, 84), (128, 120, 150), (150, 92, 84)][rng.integers(4)],
        np.float32,
    )
    y, x = np.mgrid[0:h, 0:w].astype(np.float32)
    glow = np.exp(-((np.hypot((x - 0.5 * w) / 0.55, y - 0.42 * h) / (0.75 * h)) ** 2))
    image = (
        tone * (0.55 + 0.6 * glow)[..., None]
        + (4 * noise(rng, (h, w), w / 6) + 2 * noise(rng, (h, w), w / 30))[..., None]
    )
    return np.asarray(image, np.float32), Light(
        145, 0.32, (1.0, 1.0, 1.0), 1.0, 0.4, (255, 250, 240)
    )


def city(w: int, h: int, rng: np.random.Generator) -> Scene:
    image = ramp(
        w,
        h,
        [
            (0, (170, 200, 226)),
            (0.6, (226, 228, 222)),
            (0.78, (176, 172, 168)),
            (1, (140, 138, 138)),
        ],
    )
    x = -0.05
    while x < 1.05:
        wide, top = rng.uniform(0.1, 0.2), rng.uniform(0.02, 0.35)
        if 0.38 < x + wide / 2 < 0.62:
            top += 0.25
        c = np.asarray(
            [(178, 148, 126), (196, 186, 170), (148, 140, 146), (204, 170, 130), (160, 112, 96)][
                rng.integers(5)
            ]
        ) * rng.uniform(0.85, 1.05)
        image = _rect_fast(image, (x, top, x + wide, 0.8), c)
        for wy in np.arange(top + 0.04, 0.72, 0.075):
            for wx in np.arange(x + 0.02, x + wide - 0.02, 0.032):
                image = _rect_fast(
                    image,
                    (wx, wy, wx + 0.016, wy + 0.04),
                    c * 0.6 if rng.random() < 0.75 else (250, 226, 170),
                )
        x += wide
    image = blurred(image, w / 110)
    return image, Light(70, 0.22, (1.0, 1.0, 1.0), 1.0, 0.35, (255, 250, 236))


def _ridge(
    w: int, rng: np.random.Generator, base: float, height: float, rough: float
) -> np.ndarray:
    x = np.linspace(0, 1, w)
    line = np.zeros(w)
    for k in range(1, 9):
        line += np.sin(2 * np.pi * (x * 1.3 * 2 ** (k * 0.75) + rng.uniform(0, 1))) * rough**k
    return base - height * (0.5 + 0.5 * line / (np.abs(line).max() + 1e-6))


def mountains(w: int, h: int, rng: np.random.Generator) -> Scene:
    """A lake between mountains, sharp from front to back."""
    image = ramp(
        w,
        h,
        [
            (0, (84, 140, 200)),
            (0.35, (196, 218, 232)),
            (0.5, (248, 232, 212)),
            (1, (248, 232, 212)),
        ],
    )
    cloud = np.clip(
        noise(rng, (h, w), w / 6) * 0.6 + noise(rng, (h, w), w / 20) * 0.3 - 0.4, 0, 1
    ) * np.clip(1 - np.linspace(0, 1, h)[:, None] / 0.4, 0, 1)
    image = _over(image, (255, 252, 246), np.asarray(cloud, np.float32))
    rows = np.linspace(0, 1, h)[:, None]
    shore = 0.62
    for base, tall, tone, snowy in (
        (0.56, 0.36, (142, 158, 188), 0.34),
        (0.59, 0.24, (98, 122, 142), 0.42),
        (0.62, 0.13, (58, 88, 78), 9),
    ):
        line = _ridge(w, rng, base, tall, 0.62)
        mask = np.clip((rows - line[None]) * h, 0, 1).astype(np.float32)
        rock = (
            np.asarray(tone, np.float32)
            * (1 + 0.10 * noise(rng, (h, w), w / 40) + 0.06 * noise(rng, (h, w), w / 160))[
                ..., None
            ]
        )
        cap = np.clip((snowy - 0.16 - rows + 0.025 * noise(rng, (h, w), w / 60)) * 30, 0, 1) * (
            snowy < 1
        )
        rock = _over(
            np.asarray(rock, np.float32), (240, 244, 250), np.asarray(cap * 0.9, np.float32)
        )
        image = _over(image, rock, mask)
    image = _pines(image, rng, 60, shore + 0.005, 0.07, (30, 58, 46), 0.6)
    lake = int(shore * h)
    mirror = image[max(0, 2 * lake - h) : lake][::-1]
    depth = min(len(mirror), h - lake)
    ripple = (noise(rng, (depth, w), 3) * np.linspace(0.5, 5, depth)[:, None]).astype(np.float32)
    yy, xx = np.mgrid[0:depth, 0:w].astype(np.float32)
    water = cv2.remap(
        np.ascontiguousarray(mirror[:depth]),
        xx + ripple,
        yy + ripple * 0.5,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    image[lake : lake + depth] = water * np.array([0.74, 0.84, 0.9], np.float32) + np.array(
        [4, 12, 18], np.float32
    )
    image = _pines(image, rng, 4, 1.08, 0.4, (22, 40, 34), 1.0)
    return image, Light(120, 0.2)


def hike(w: int, h: int, rng: np.random.Generator) -> Scene:
    image, _ = mountains(w, h, rng)
    return blurred(image, w / 150), Light(60, 0.3, (1.05, 0.99, 0.92), 1.0, 0.55, (255, 226, 180))


SCENES: dict[str, Painter] = {
    "park": park,
    "autumn": autumn,
    "beach": beach,
    "sunset": sunset,
    "snow": snow,
    "library": library,
    "room": room,
    "evening": evening,
    "cafe": cafe,
    "night": night,
    "garden": garden,
    "party": party,
    "studio": studio,
    "city": city,
    "mountains": mountains,
    "hike": hike,
}
