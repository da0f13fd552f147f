"""Hair, beards and brows: strands between guide curves, given as (dx, y) in units."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np

from gallery.brush import (
    MIDDLE,
    Colour,
    Image,
    Layer,
    Points,
    Sheet,
    between,
    blurred,
    both_sides,
    noise,
    spline,
)

Guide = Sequence[tuple[float, float]]
Palette = tuple[Colour, Colour, Colour]
"""Dark, middle and light tone of someone's hair, RGB 0..255."""


def mirrored(guides: Sequence[Guide]) -> list[list[tuple[float, float]]]:
    return [[(-dx, y) for dx, y in guide] for guide in guides]


def tones(
    palette: Palette,
    places: np.ndarray,
    rng: np.random.Generator,
    *,
    sheen: Sequence[float] = (0.3,),
) -> Callable[[int, float], Colour]:
    """A colour for each hair and place on it: tone by lock, brighter where `sheen` says (0..1)."""
    dark, middle, light = (np.asarray(c, float) for c in palette)
    locks = rng.uniform(0.25, 0.68, 24)
    own = np.interp(places, np.linspace(0, 1, 24), locks) + rng.normal(0, 0.10, len(places))
    own = np.clip(own, 0.05, 0.95)
    slip = rng.normal(0, 0.05, len(places))

    def colour(i: int, t: float) -> Colour:
        shine = max(float(np.exp(-(((t + slip[i] - s) / 0.12) ** 2))) for s in sheen)
        v = min(1.0, own[i] * (0.78 + 0.5 * shine))
        mix = (
            dark * (1 - 2 * v) + middle * 2 * v
            if v < 0.5
            else middle * (2 - 2 * v) + light * (2 * v - 1)
        )
        return list(mix * (0.74 + 0.26 * min(1.0, 4 * t)) * (1 - 0.18 * t))

    return colour


def mass(
    sheet: Sheet,
    guides: Sequence[Guide],
    palette: Palette,
    rng: np.random.Generator,
    *,
    count: int,
    width: float = 0.7,
    sheen: Sequence[float] = (0.3,),
    tip: float = 0.3,
    **how: float,
) -> Layer:
    """Hair that fills the space between the guides."""
    n = int(count * np.clip(sheet.scale / 2.6, 0.55, 1.3))
    grown = max(width, 1.5 / sheet.scale)
    curves, places = between(guides, n, rng, **how)  # type: ignore[arg-type]
    return sheet.strands(
        curves, tones(palette, places, rng, sheen=sheen), width=grown, base=palette[0], tip=tip
    )


def cast(
    sheet: Sheet, layer: Layer, *, down: float = 3.0, soft: float = 3.0, depth: float = 0.35
) -> None:
    """The shadow that a layer throws on what lies under it."""
    shift = np.float32([[1, 0, 0], [0, 1, down * sheet.scale]])
    size = (sheet.shape[1], sheet.shape[0])
    shadow = blurred(cv2.warpAffine(layer.alpha, shift, size), soft * sheet.scale)
    sheet.shade(1 - depth * shadow * sheet.alpha)


def put(sheet: Sheet, layer: Layer, *, shadow: float = 0.3) -> None:
    if shadow:
        cast(sheet, layer, depth=shadow)
    sheet.lay_layer(layer)


def backdrop(sheet: Sheet, half: Guide, palette: Palette, *, soft: float = 1.0) -> Image:
    """The dark depth of the hair behind the head."""
    mask = sheet.shape_mask(spline(both_sides(half), closed=True), soft)
    dark = np.asarray(palette[0], np.float32) * 0.62
    sheet.lay(dark, mask)
    return mask


# ------------------------------------------------------------------ long and wavy

_LONG_IN = [
    (-6, -8),
    (5, 4),
    (20, 15),
    (32, 28),
    (38, 45),
    (39.5, 66),
    (43, 90),
    (50, 116),
    (48, 144),
    (54, 172),
]
_LONG_MID = [
    (-6, -19),
    (15, -16),
    (34, -4),
    (44, 16),
    (48, 42),
    (49, 68),
    (52, 96),
    (60, 126),
    (55, 152),
    (61, 180),
]
_LONG_OUT = [
    (-6, -24),
    (18, -26),
    (42, -15),
    (55, 10),
    (58, 42),
    (59, 72),
    (64, 102),
    (71, 132),
    (64, 160),
    (68, 186),
]
_LONG_IN_L = [
    (-6, -8),
    (-12, 3),
    (-24, 14),
    (-34, 28),
    (-38.5, 46),
    (-40, 66),
    (-44, 90),
    (-51, 116),
    (-49, 144),
    (-55, 170),
]
_LONG_MID_L = [
    (-6, -19),
    (-20, -17),
    (-37, -5),
    (-46, 16),
    (-49, 42),
    (-50, 68),
    (-53, 96),
    (-61, 126),
    (-56, 152),
    (-62, 178),
]
_LONG_OUT_L = [
    (-6, -24),
    (-24, -25),
    (-45, -13),
    (-56, 12),
    (-59, 44),
    (-60, 74),
    (-65, 102),
    (-72, 132),
    (-65, 160),
    (-69, 184),
]


def long_back(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    backdrop(
        sheet, [(0, -24), (34, -20), (54, 6), (59, 50), (62, 100), (68, 140), (58, 182)], palette
    )
    dark = tuple(tuple(0.7 * v for v in c) for c in palette)
    guides = [
        [(-58, 60), (-60, 100), (-66, 140), (-58, 184)],
        [(-20, 60), (-22, 100), (-24, 140), (-22, 180)],
        [(20, 60), (22, 100), (24, 140), (22, 180)],
        [(58, 60), (60, 100), (66, 140), (58, 184)],
    ]
    sheet.lay_layer(mass(sheet, guides, dark, rng, count=600, wave=2.0, length=44, stray=2))


def long_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    for guides in ([_LONG_IN, _LONG_MID, _LONG_OUT], [_LONG_IN_L, _LONG_MID_L, _LONG_OUT_L]):
        put(
            sheet,
            mass(
                sheet,
                guides,
                palette,
                rng,
                count=900,
                wave=2.4,
                length=48,
                stray=0.9,
                sheen=(0.22, 0.5, 0.78),
            ),
        )


# ------------------------------------------------------------------ a bob with a fringe


def bob_back(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    backdrop(
        sheet,
        [(0, -24), (34, -20), (52, 6), (56, 48), (56, 84), (49, 110), (30, 114)],
        palette,
        soft=0.5,
    )


def bob_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    inner = [(10, -20), (32, -8), (39, 14), (40, 40), (39, 68), (38, 94), (33, 116)]
    outer = [(10, -26), (40, -19), (54, 8), (58, 44), (59, 78), (55, 104), (42, 122)]
    for guides in ([inner, outer], mirrored([inner, outer])):
        put(
            sheet,
            mass(sheet, guides, palette, rng, count=760, stray=0.6, short=0.05, sheen=(0.25, 0.62)),
        )
    fringe = [
        [(0.35 * d, -25), (0.75 * d, -10), (0.98 * d, 9), (1.0 * d, 33.0)]
        for d in (-40, -26, -13, 0, 13, 26, 40)
    ]
    put(
        sheet,
        mass(sheet, fringe, palette, rng, count=700, stray=0.7, short=0.06, sheen=(0.5,)),
        shadow=0.4,
    )


# ------------------------------------------------------------------ a cloud of curls


def _coils(
    sheet: Sheet,
    outline: Points,
    palette: Palette,
    rng: np.random.Generator,
    count: int,
    size: float,
    *,
    width: float = 0.8,
    turns: tuple[float, float] = (4.0, 8.0),
) -> Layer:
    inside = sheet.shape_mask(outline, 0.5)
    low, high = outline.min(0), outline.max(0)
    curves, lights = [], []
    turn = np.linspace(0, 1, 19)
    while len(curves) < count:
        at = rng.uniform(low, high)
        col, row = (int(v) for v in sheet.pixels(at[None])[0])
        if not (0 <= row < sheet.shape[0] and 0 <= col < sheet.shape[1]) or inside[row, col] < 0.5:
            continue
        radius = size * rng.uniform(0.55, 1.25) * (0.35 + 0.65 * turn)
        angle = rng.uniform(0, 6.28) + rng.choice([-1, 1]) * turn * rng.uniform(*turns)
        curves.append(at + np.stack([np.cos(angle), 0.85 * np.sin(angle)], 1) * radius[:, None])
        up = 1 - (at[1] - low[1]) / (high[1] - low[1])
        lights.append(0.15 + 0.55 * up + 0.12 * (MIDDLE - at[0]) / 60 + rng.normal(0, 0.16))
    order = np.argsort(np.asarray(lights) + rng.normal(0, 0.15, count))
    curves = [curves[k] for k in order]
    value = np.clip(np.asarray(lights)[order], 0, 1)
    dark, middle, light = (np.asarray(c, float) for c in palette)

    def colour(i: int, t: float) -> Colour:
        v = value[i] * (0.75 + 0.35 * np.sin(3.1 * t))
        return list(
            dark * (1 - 2 * v) + middle * 2 * v
            if v < 0.5
            else middle * (2 - 2 * v) + light * (2 * v - 1)
        )

    layer = sheet.strands(
        curves, colour, width=max(width, 1.5 / sheet.scale), base=palette[0], tip=0.5
    )
    core = sheet.shape_mask(outline, 2.5)
    layer.alpha = np.maximum(layer.alpha, np.clip(core * 4 - 3, 0, 1))
    return layer


def curls_back(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    lobes = [
        (0, -44),
        (26, -42),
        (48, -28),
        (64, -6),
        (72, 22),
        (72, 52),
        (66, 80),
        (56, 102),
        (44, 112),
        (30, 100),
    ]
    bumpy = [(dx * (1 + rng.normal(0, 0.02)), y) for dx, y in lobes]
    n = int(1500 * np.clip(sheet.scale / 2.6, 0.6, 1.1))
    sheet.lay_layer(_coils(sheet, spline(both_sides(bumpy), closed=True), palette, rng, n, 5.0))


def curls_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    rim = [
        (0, -34),
        (30, -30),
        (52, -12),
        (60, 16),
        (61, 44),
        (58, 74),
        (50, 92),
        (43, 80),
        (41, 50),
        (38, 26),
        (29, 10),
        (15, 3),
        (0, 1),
    ]
    outline = spline(
        [(MIDDLE + dx, y) for dx, y in rim] + [(MIDDLE - dx, y) for dx, y in rim[-2:0:-1]],
        closed=True,
    )
    n = int(1000 * np.clip(sheet.scale / 2.6, 0.6, 1.1))
    put(sheet, _coils(sheet, outline, palette, rng, n, 3.9), shadow=0.35)


# ------------------------------------------------------------------ short hair


def cropped_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    """Hair of a few millimetres: a velvet that fades out at the sides."""
    cap = [
        (0, -18),
        (18, -16),
        (32, -8),
        (40, 6),
        (43, 24),
        (43, 44),
        (41.5, 58),
        (39, 52),
        (38, 32),
        (33, 19),
        (22, 14),
        (0, 12.5),
    ]
    outline = spline(
        [(MIDDLE + dx, y) for dx, y in cap] + [(MIDDLE - dx, y) for dx, y in cap[-2:0:-1]],
        closed=True,
    )
    fade = np.clip((60 - sheet.y) / 55, 0.0, 1) ** 0.8
    grain = np.clip(0.92 + 0.10 * noise(rng, sheet.shape, 0.45 * sheet.scale), 0, 1)
    alpha = sheet.shape_mask(outline, 1.3) * np.clip(fade, 0, 1) * grain
    lift = 1 + 0.5 * np.exp(-(((sheet.x - MIDDLE + 12) / 22) ** 2 + ((sheet.y + 8) / 12) ** 2))
    rgb = (
        np.asarray(palette[1], np.float32)
        * (lift * (1 + 0.16 * noise(rng, sheet.shape, 0.5 * sheet.scale)))[..., None]
    )
    sheet.lay(np.asarray(rgb, np.float32), np.asarray(alpha, np.float32))


def _sides(
    sheet: Sheet, palette: Palette, rng: np.random.Generator, *, low: float = 58, fall: float = 1.0
) -> None:
    """Short hair before the ears, on both sides."""
    guides = [
        [(38.0, 14), (40.5, 26), (40.5, 42), (38.5, low)],
        [(42, 6), (46, 20), (45.5, 38), (42.5, low - 6)],
        [(41, -4), (48.5, 12), (48.5, 30), (45, 46)],
    ]
    for side in (guides, mirrored(guides)):
        put(
            sheet,
            mass(
                sheet,
                side,
                palette,
                rng,
                count=int(300 * fall),
                width=0.6,
                stray=0.7,
                short=0.4,
                sheen=(0.3,),
            ),
            shadow=0.2,
        )


def swept_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    """A side parting, combed over."""
    _sides(sheet, palette, rng)
    over = [
        [(-27, -2), (-20, -14), (-3, -22), (16, -24), (36, -15), (45, 4)],
        [(-26, 2), (-17, -8), (0, -15), (18, -17), (36, -8), (44, 10)],
        [(-25, 6), (-14, -1), (4, -5), (20, -6), (34, 3), (42, 18)],
        [(-24, 11), (-12, 9), (4, 7), (18, 7), (30, 12), (39, 26)],
    ]
    left = [
        [(-24, 9), (-31, 9), (-38, 16), (-42, 28)],
        [(-26, 2), (-36, -2), (-43, 10), (-45, 26)],
        [(-20, -10), (-35, -12), (-45, 0), (-47.5, 20)],
    ]
    put(sheet, mass(sheet, left, palette, rng, count=330, stray=0.8, sheen=(0.35,)))
    put(
        sheet,
        mass(sheet, over[::-1], palette, rng, count=950, stray=0.9, short=0.2, sheen=(0.3, 0.7)),
        shadow=0.35,
    )


def back_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    """Thick hair combed up and back."""
    _sides(sheet, palette, rng, low=62, fall=1.2)
    line = [
        (-40, 34),
        (-39, 23),
        (-34, 15),
        (-22, 10.5),
        (-8, 9),
        (8, 9),
        (22, 10.5),
        (34, 15),
        (39, 23),
        (40, 34),
    ]
    crown = [
        (-46, 10),
        (-45, 2),
        (-39, -12),
        (-27, -23),
        (-10, -28.5),
        (8, -29),
        (26, -24),
        (39, -13),
        (46, 1),
        (47, 10),
    ]
    guides = [
        [
            (dx, y),
            (0.75 * dx + 0.25 * cx, y * 0.72 + cy * 0.28 - 1),
            (0.4 * dx + 0.6 * cx, y * 0.35 + cy * 0.65 - 1),
            (cx, cy),
            (0.8 * cx, cy - 1.5),
        ]
        for (dx, y), (cx, cy) in zip(line, crown, strict=True)
    ]
    put(
        sheet,
        mass(
            sheet,
            guides,
            palette,
            rng,
            count=1100,
            stray=1.0,
            short=0.25,
            wave=0.7,
            length=30,
            sheen=(0.25, 0.6),
        ),
        shadow=0.3,
    )


def wreath_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    """What is left to an old man: hair round the sides of a bald head."""
    guides = [
        [(39.5, 20), (41, 32), (41.5, 44), (40, 56)],
        [(40, 12), (44, 26), (45.5, 42), (43, 57)],
        [(38, 6), (45.5, 18), (48.5, 36), (46, 54)],
        [(37, 3), (45, 10), (50, 28), (48, 48)],
    ]
    for side in (guides, mirrored(guides)):
        put(
            sheet,
            mass(
                sheet,
                side,
                palette,
                rng,
                count=420,
                width=0.6,
                stray=1.0,
                short=0.4,
                wave=0.8,
                length=16,
                sheen=(0.3, 0.7),
            ),
            shadow=0.2,
        )


def perm_back(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    grey = (palette[1], palette[1], palette[2])
    backdrop(
        sheet,
        [(0, -26), (26, -23), (45, -10), (54, 14), (55, 44), (49, 70), (36, 74)],
        grey,
        soft=1.0,
    )


def perm_front(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    """Short soft curls round the face, some of them on the forehead."""
    rim = [
        (0, -31),
        (24, -29),
        (45, -18),
        (58, 4),
        (61, 30),
        (58, 58),
        (49, 80),
        (41, 78),
        (40, 54),
        (38.5, 36),
        (33, 22),
        (20, 15),
        (0, 13),
    ]
    outline = spline(
        [(MIDDLE + dx, y) for dx, y in rim] + [(MIDDLE - dx, y) for dx, y in rim[-2:0:-1]],
        closed=True,
    )
    n = int(1000 * np.clip(sheet.scale / 2.6, 0.7, 1.1))
    put(
        sheet,
        _coils(sheet, outline, palette, rng, n, 6.5, width=0.9, turns=(3.0, 5.5)),
        shadow=0.35,
    )


# ------------------------------------------------------------------ beards


def stubble(
    sheet: Sheet, palette: Palette, rng: np.random.Generator, *, strength: float = 0.6
) -> None:
    """A short beard along the jaw: cover without single hairs."""
    outer = [(41, 62), (40, 80), (35, 98), (27, 112), (14, 121.5), (0, 124)]
    inner = [(36.5, 64), (33, 82), (26, 94), (19, 100), (10, 103), (0, 104)]
    outline = spline(
        [(MIDDLE + dx, y) for dx, y in outer]
        + [(MIDDLE - dx, y) for dx, y in outer[-2::-1]]
        + [(MIDDLE - dx, y) for dx, y in inner]
        + [(MIDDLE + dx, y) for dx, y in inner[-2::-1]],
        closed=True,
    )
    grain = np.clip(0.8 + 0.22 * noise(rng, sheet.shape, 0.8 * sheet.scale), 0, 1)
    rise = np.clip((sheet.y - 60) / 22, 0, 1)
    alpha = sheet.shape_mask(outline, 3.4) * grain * rise * strength
    sheet.lay(np.asarray(palette[1], np.float32), np.asarray(alpha, np.float32))


def beard(
    sheet: Sheet,
    palette: Palette,
    rng: np.random.Generator,
    *,
    long: float = 8.0,
    count: int = 1500,
) -> None:
    """A full beard: hairs growing down and out along the jaw, and a moustache."""
    stubble(sheet, palette, rng, strength=0.75)
    guides = []
    for dx, y in [
        (-38, 64),
        (-36, 78),
        (-30, 92),
        (-22, 101),
        (-12, 105),
        (0, 106),
        (12, 105),
        (22, 101),
        (30, 92),
        (36, 78),
        (38, 64),
    ]:
        out = dx * 0.14
        guides.append(
            [
                (dx, y),
                (dx + out * 0.5, y + long * 0.8),
                (dx + out * 0.4, y + long * 1.6),
                (dx - out * 0.2, y + long * 2.3),
            ]
        )
    layer = mass(
        sheet,
        guides,
        palette,
        rng,
        count=count,
        width=0.5,
        stray=1.5,
        short=0.5,
        wave=0.5,
        length=12,
        sheen=(0.4,),
    )
    layer.alpha *= np.clip((sheet.y - 60) / 16, 0, 1)
    put(sheet, layer, shadow=0.15)
    whiskers(sheet, palette, rng)


def whiskers(sheet: Sheet, palette: Palette, rng: np.random.Generator) -> None:
    """A moustache that lets the lip, and the face's own moustache, be seen."""
    x, y = np.abs(sheet.x - MIDDLE), sheet.y
    arch = 84.6 + 0.012 * x * x + 0.0008 * x**3
    tint = np.exp(-(((y - arch) / 2.6) ** 2)) * np.clip((20 - x) / 6, 0, 1)
    sheet.lay(np.asarray(palette[1], np.float32) * 0.92, np.asarray(tint * 0.40, np.float32))
    lip = [
        [(1.0, 82.5), (6, 83.2), (12, 85.5), (18, 90)],
        [(0.5, 86), (6, 86.5), (12, 88.5), (18.5, 94)],
    ]
    for side in (lip, mirrored(lip)):
        layer = mass(
            sheet, side, palette, rng, count=90, width=0.3, stray=0.9, short=0.7, sheen=(0.4,)
        )
        layer.alpha *= 0.5
        put(sheet, layer, shadow=0.0)


BACK: dict[str, Callable[[Sheet, Palette, np.random.Generator], None]] = {
    "long": long_back,
    "bob": bob_back,
    "curls": curls_back,
    "perm": perm_back,
}
FRONT: dict[str, Callable[[Sheet, Palette, np.random.Generator], None]] = {
    "long": long_front,
    "bob": bob_front,
    "curls": curls_front,
    "cropped": cropped_front,
    "swept": swept_front,
    "back": back_front,
    "wreath": wreath_front,
    "perm": perm_front,
}
BEARD: dict[str, Callable[[Sheet, Palette, np.random.Generator], None]] = {
    "stubble": stubble,
    "full": beard,
}
