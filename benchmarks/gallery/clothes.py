"""Clothes: a body's outline cut by a neckline, with collars, lapels, hoods and folds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gallery.brush import MIDDLE, Colour, Image, Sheet, blurred, both_sides, noise, spline

Half = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Clothes:
    kind: str = "crew"
    colour: Colour = (90, 110, 140)
    second: Colour = (240, 238, 232)
    stripes: bool = False


_NECKLINES: dict[str, list[tuple[float, float]]] = {
    "crew": [(0, 157), (14, 155), (25, 148), (33, 137)],
    "vneck": [(0, 190), (9, 176), (20, 158), (32, 138)],
    "scoop": [(0, 184), (22, 180), (40, 166), (50, 148), (54, 138)],
    "shirt": [(0, 176), (7, 164), (18, 150), (31, 136)],
    "hoodie": [(0, 163), (13, 159), (25, 148), (34, 134)],
    "turtle": [(0, 124), (14, 124), (24, 120), (30, 114)],
    "blazer": [(0, 176), (7, 164), (18, 150), (31, 136)],
}


def _folds(sheet: Sheet, rng: np.random.Generator, strength: float, build: float) -> Image:
    """Soft folds that fall from the shoulders, the weave, and the roundness of the body."""
    x, y = sheet.x - MIDDLE, sheet.y
    bend = blurred(noise(rng, sheet.shape, 26 * sheet.scale), 0)
    lines = np.sin((np.abs(x) * 0.16 + y * 0.035) + 2.2 * bend)
    fold = strength * (0.5 * lines + 0.7 * noise(rng, sheet.shape, 15 * sheet.scale))
    weave = 0.022 * noise(rng, sheet.shape, max(1.0, 0.6 * sheet.scale))
    crease = np.abs(x) - 84 * build - 0.03 * (y - 200)
    fold = fold - 0.22 * np.exp(-np.abs(crease) / 2.2) * np.clip((y - 205) / 50, 0, 1)
    fold = fold - 0.10 * np.exp(-np.abs(crease - 4) / 9) * np.clip((y - 190) / 50, 0, 1)
    away = (
        1.03 - 0.20 * np.clip(np.abs(x) / 118, 0, 1.2) ** 2 - 0.10 * np.clip((y - 170) / 250, 0, 1)
    )
    return np.asarray((1 + fold + weave) * away, np.float32)


def _panel(
    sheet: Sheet,
    points: Sequence[tuple[float, float]],
    colour: Image,
    *,
    shadow: float = 0.4,
    within: Image | None = None,
) -> None:
    """A piece of cloth (both sides) that throws a little shadow."""
    for sign in (1, -1):
        outline = spline([(MIDDLE + sign * dx, y) for dx, y in points], closed=True, steps=6)
        mask = sheet.shape_mask(outline, 0.15)
        if within is not None:
            mask = np.asarray(mask * within, np.float32)
        drop = blurred(np.roll(mask, round(1.5 * sheet.scale), 0), 1.6 * sheet.scale)
        sheet.shade(1 - shadow * drop * (1 - mask) * sheet.alpha)
        sheet.lay(colour, mask)


_TUBE: Half = (
    *((0, 124), (24, 120), (29, 114), (30.5, 126)),
    *((32, 140), (40, 150), (30, 164), (0, 170)),
)
_JACKET: Half = (
    *((33, 132), (36, 150), (20, 192), (2, 258), (0, 480)),
    *((180, 480), (150, 220), (110, 160), (60, 146)),
)
_LAPEL: Half = (
    *((33, 131), (46, 150), (47, 176), (37, 180)),
    *((41, 190), (3, 256), (18, 196), (25, 160)),
)
_COLLAR: Half = ((32, 128), (35, 140), (27, 166), (17, 174), (3, 178), (14, 154), (27, 138))
_HOOD: Half = (
    *((30, 122), (44, 132), (52, 150), (38, 168)),
    *((16, 178), (2, 176), (16, 162), (28, 146)),
)


@dataclass(slots=True)
class _Cut:
    """What a garment is made of: two cloths [h,w,3], the body's outline and what it covers of it."""

    cloth: Image
    second: Image
    button: Colour
    body: Image
    cover: Image
    hole: Image


def _knitted(sheet: Sheet, cut: _Cut) -> None:
    sheet.lay(cut.cloth, cut.cover)
    rim = np.clip(blurred(cut.hole, 2.0 * sheet.scale) * 2.2, 0, 1) * cut.cover
    sheet.shade(np.asarray(1 - 0.16 * np.clip(rim, 0, 1) * (sheet.y > 120), np.float32))


def _shirt(sheet: Sheet, cut: _Cut) -> None:
    sheet.lay(cut.cloth, cut.cover)
    _panel(sheet, _COLLAR, np.asarray(cut.cloth * 1.05, np.float32))
    seam = np.exp(-(((sheet.x - MIDDLE) / 0.5) ** 2)) * (sheet.y > 178)
    sheet.shade(np.asarray(1 - 0.25 * seam, np.float32))
    for y in range(196, 460, 30):
        button = np.clip(2.4 - np.hypot(sheet.x - MIDDLE - 4, sheet.y - y), 0, 1) * cut.cover
        tone = np.asarray(cut.button, np.float32) * 0.9
        sheet.lay(tone, np.asarray(button * 0.9, np.float32))


def _blazer(sheet: Sheet, cut: _Cut) -> None:
    sheet.lay(cut.second, cut.cover)
    _panel(sheet, _JACKET, cut.cloth, shadow=0.5, within=cut.body)
    _panel(sheet, _LAPEL, np.asarray(cut.cloth * 1.10, np.float32), shadow=0.45)
    _panel(sheet, _COLLAR, np.asarray(cut.second * 1.05, np.float32))


def _hoodie(sheet: Sheet, cut: _Cut) -> None:
    sheet.lay(cut.cloth, cut.cover)
    _panel(sheet, _HOOD, np.asarray(cut.cloth * 0.9, np.float32), shadow=0.5)
    length = (sheet.y > 172) * (sheet.y < 222)
    for side in (1, -1):
        way = side * (11 + 0.6 * np.sin(sheet.y / 9))
        cord = np.clip(1.6 - np.abs(sheet.x - MIDDLE - way), 0, 1) * length
        sheet.lay(cut.button, np.asarray(cord, np.float32))


def _turtleneck(sheet: Sheet, cut: _Cut) -> None:
    sheet.lay(cut.cloth, cut.body)
    ribs = np.sin((sheet.x - MIDDLE) * 1.9) * np.clip((152 - sheet.y) / 10, 0, 1) * cut.body
    sheet.shade(np.asarray(1 + 0.045 * ribs, np.float32))


_GARMENTS: dict[str, Callable[[Sheet, _Cut], None]] = {
    "crew": _knitted,
    "vneck": _knitted,
    "scoop": _knitted,
    "shirt": _shirt,
    "blazer": _blazer,
    "hoodie": _hoodie,
    "turtle": _turtleneck,
}


def dress(
    sheet: Sheet, clothes: Clothes, body: Image, build: float, rng: np.random.Generator
) -> None:
    """Clothe the painted body, whose outline below the neck is `body`."""
    cloth = _folds(sheet, rng, 0.05, build)[..., None] * np.asarray(clothes.colour, np.float32)
    second = _folds(sheet, rng, 0.04, build)[..., None] * np.asarray(clothes.second, np.float32)
    if clothes.stripes:
        bend = sheet.y + 0.0016 * (sheet.x - MIDDLE) ** 2
        band = np.clip(np.sin(bend * 2 * np.pi / 13) * 4 + 0.5, 0, 1)[..., None]
        cloth = np.asarray(cloth * (1 - band) + second * band, np.float32)
    line = _NECKLINES[clothes.kind]
    edge = [(MIDDLE + dx, y) for dx, y in reversed(line)] + [(MIDDLE - dx, y) for dx, y in line[1:]]
    opening = np.vstack([spline(edge), [(MIDDLE - 34, 20), (MIDDLE + 34, 20)]])
    hole = sheet.shape_mask(opening, 0.2)
    if clothes.kind == "turtle":
        body = np.maximum(body, sheet.shape_mask(spline(both_sides(_TUBE), closed=True), 0.3))
        hole = np.zeros_like(hole)
    cover = np.asarray(body * (1 - hole), np.float32)
    drop = blurred(np.roll(cover, -round(0.8 * sheet.scale), 0), 1.2 * sheet.scale)
    sheet.shade(1 - 0.28 * drop * (1 - cover))
    _GARMENTS[clothes.kind](sheet, _Cut(cloth, second, clothes.second, body, cover, hole))
