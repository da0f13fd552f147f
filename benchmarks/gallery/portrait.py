"""A portrait of someone who does not exist: an averaged face on a painted head, with hair and clothes."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from gallery import hair
from gallery.brush import (
    HEIGHT,
    LEFT,
    MIDDLE,
    TOP,
    WIDTH,
    Colour,
    Image,
    Sheet,
    blurred,
    both_sides,
    noise,
    spline,
)
from gallery.clothes import Clothes, dress
from gallery.hair import Palette
from gallery.light import Light, light_up
from gallery.pose import Pose, Shape, pose_head


@dataclass(frozen=True, slots=True)
class Look:
    """What stays the same of a person from photo to photo."""

    name: str
    sources: tuple[tuple[int, int], ...]
    weights: tuple[float, ...]
    hair: str
    palette: Palette
    beard: str = ""
    beard_palette: Palette | None = None
    glasses: Colour | None = None
    earrings: Colour | None = None
    jaw: float = 1.0
    chin: float = 0.0
    build: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    shape: Shape = field(default_factory=lambda: Shape())


def _head_half(look: Look) -> list[tuple[float, float]]:
    j, c = look.jaw, look.chin
    return [
        (0, -17),
        (20, -14.5),
        (34, -4),
        (40, 15),
        (40.5, 38),
        (39.3 * (1 + (j - 1) * 0.4), 58),
        (37.2 * j, 76),
        (33.4 * j, 92),
        (26.5 * j, 106 + 0.6 * c),
        (15 * j, 116.5 + c),
        (6, 119.6 + c),
        (0, 120 + c),
    ]


def _skin(face: Image) -> Image:
    """The face's own skin colour, spread smoothly over the whole sheet [HEIGHT,WIDTH,3] (a pixel a unit)."""
    y, x = np.mgrid[0:112, 0:112].astype(np.float32)
    weight = np.clip(1.2 - np.hypot((x - 56) / 31, (y - 68) / 29.5), 0, 0.2) / 0.2
    for cx, cy, a, b in ((38.3, 48, 13, 11), (73.5, 48, 13, 11), (56, 93, 22, 14), (56, 76, 13, 5)):
        weight *= np.clip(np.hypot((x - cx) / a, (y - cy) / b) - 0.8, 0, 0.3) / 0.3
    top, left = round(-TOP), round(-LEFT)
    colour = np.zeros((round(HEIGHT), round(WIDTH), 3), np.float32)
    cover = np.zeros(colour.shape[:2], np.float32)
    colour[top : top + 112, left : left + 112] = face * weight[..., None]
    cover[top : top + 112, left : left + 112] = weight
    total, norm = np.zeros_like(colour), np.zeros_like(cover)
    for sigma, share in ((3, 1.0), (7, 0.1), (16, 0.02), (45, 0.002)):
        total += blurred(colour, sigma) * share
        norm += blurred(cover, sigma) * share
    skin = np.asarray(total / (norm[..., None] + 1e-7), np.float32)
    brow = round(-TOP) + 35
    skin[:brow] = 0.3 * skin[:brow] + 0.7 * blurred(skin[brow - 2 : brow + 3], 5).mean(0)
    return blurred(skin, 2.0)


def _crisp(image: Image, rounds: int) -> Image:
    """Edges made steep by a shock filter: what a painter does, and what enlarging took away."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (3, 3))
    for _ in range(rounds):
        grey = cv2.GaussianBlur(image.mean(2), (0, 0), 1.2)
        gx, gy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
        gxx, gyy = cv2.Sobel(grey, cv2.CV_32F, 2, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 2)
        steep = gx * gx + gy * gy + 1e-3
        second = (
            gx * gx * gxx + 2 * gx * gy * cv2.Sobel(grey, cv2.CV_32F, 1, 1) + gy * gy * gyy
        ) / steep
        push = np.tanh(1.2 * second / (np.abs(second).std() + 1e-3))
        amount = np.abs(push) * np.clip(np.sqrt(steep) / 12, 0, 1) * 0.22
        goal = np.where((push > 0)[..., None], cv2.erode(image, kernel), cv2.dilate(image, kernel))
        image = image + (goal - image) * amount[..., None]
    return np.asarray(image, np.float32)


def _face(sheet: Sheet, face: Image, rng: np.random.Generator) -> Image:
    """The face at the sheet's size: enlarged, sharpened with care, with the grain of skin."""
    col, row = (int(v) for v in sheet.pixels(np.array([[0.0, 0.0]]))[0])
    side = int(111 * sheet.scale)
    part = np.s_[row : row + side, col : col + side]
    big = cv2.remap(
        face, sheet.x[part], sheet.y[part], cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE
    )
    for sigma, amount in ((1.1, 0.35), (0.5, 0.6)):
        soft = cv2.GaussianBlur(big, (0, 0), sigma * sheet.scale)
        big = big + np.clip((big - soft) * amount, -18, 15)
    big = 0.4 * big + 0.6 * _crisp(np.asarray(big, np.float32), round(1.9 * sheet.scale))
    shape = big.shape[:2]
    grain = noise(rng, shape, 0.5 * sheet.scale) * 1.6 + noise(rng, shape, 1.1 * sheet.scale) * 1.1
    out = np.zeros((*sheet.shape, 3), np.float32)
    out[part] = big + grain[..., None] * (big.mean(2, keepdims=True) / 150)
    return out


def _inner(sheet: Sheet) -> Image:
    """How much of the averaged face shows, place by place: all in the middle, nothing at its edge."""
    x, y = sheet.x - MIDDLE, sheet.y
    reach = np.where(y > 64, np.hypot(x / 36, (y - 64) / 46), np.hypot(x / 37, (y - 64) / 31.5))
    t = np.clip((1.0 - reach) / 0.24, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def _modelled(sheet: Sheet, outline: Image, skin: Image, rng: np.random.Generator) -> Image:
    """Skin with the roundness of a head: darker towards the edge, a light forehead and chin."""
    x, y = sheet.x - MIDDLE, sheet.y
    round_edge = 1 - 0.34 * np.clip(2 - 2 * blurred(outline, 5.5 * sheet.scale), 0, 1)
    round_edge *= 1 - 0.10 * np.clip((y - 96) / 26, 0, 1)
    gloss = 0.07 * np.exp(-(((x + 6) / 20) ** 2) - ((y - 16) / 13) ** 2)
    gloss += 0.05 * np.exp(-((x / 9) ** 2) - ((y - 110.5) / 5) ** 2)
    dent = 0.07 * np.exp(-((x / 11) ** 2) - ((y - 102) / 3.2) ** 2)
    grain = (
        noise(rng, sheet.shape, 0.7 * sheet.scale) * 0.011
        + noise(rng, sheet.shape, 2.5 * sheet.scale) * 0.008
    )
    factor = np.clip(round_edge + gloss - dent + grain, 0.05, 2)
    warm = np.stack([factor**k for k in (0.85, 1.05, 1.12)], -1)
    return np.asarray(skin * warm, np.float32)


def _body(sheet: Sheet, look: Look, skin: Image, rng: np.random.Generator) -> Image:
    """Neck, chest and shoulders in skin. Returns the outline of the body below the neck."""
    w = 0.9 + 0.1 * look.build
    neck = sheet.shape_mask(
        spline(
            both_sides(
                [
                    (0, 60),
                    (26 * w, 78),
                    (27.5 * w, 108),
                    (28.5 * w, 130),
                    (31 * w, 142),
                    (30, 152),
                    (0, 156),
                ]
            ),
            closed=True,
        ),
        0.4,
    )
    b = look.build
    body = sheet.shape_mask(
        spline(
            both_sides(
                [
                    (0, 136),
                    (24 * w, 137),
                    (40 * w, 145),
                    (70 * b, 156),
                    (96 * b, 167),
                    (112 * b, 190),
                    (119 * b, 230),
                    (124 * b, 300),
                    (128 * b, 440),
                    (60, 470),
                    (0, 470),
                ]
            ),
            closed=True,
        ),
        0.4,
    )
    x, y = sheet.x - MIDDLE, sheet.y
    shape = 1 - 0.30 * np.clip(np.abs(x) / (30 * w), 0, 1.1) ** 2.5 * np.clip((150 - y) / 20, 0, 1)
    chin = np.exp(-((x / 36) ** 2)) * np.clip(1 - (y - 112 - look.chin) / 26, 0, 1)
    shape *= 1 - 0.46 * np.clip(chin, 0, 1) ** 0.8
    shape *= 1 - 0.10 * np.exp(-(((np.abs(x) - 20 - (y - 150) * 0.1) / 5) ** 2)) * np.clip(
        (y - 146) / 8, 0, 1
    )
    grain = 1 + noise(rng, sheet.shape, 0.8 * sheet.scale) * 0.012
    warm = np.stack([np.clip(shape, 0.02, 2) ** k for k in (0.82, 1.05, 1.16)], -1)
    colour = np.asarray(skin * warm * (0.94 * grain)[..., None], np.float32)
    sheet.lay(colour, neck)
    sheet.lay(colour, body)
    return body


def _ears(sheet: Sheet, skin: Image) -> None:
    for sign in (1, -1):
        half = [
            (39.5, 44),
            (45.5, 43),
            (48.6, 50),
            (47.4, 60),
            (44.6, 69),
            (41.6, 75),
            (38.5, 74),
            (37, 60),
        ]
        ear = sheet.shape_mask(
            spline([(MIDDLE + sign * dx, y) for dx, y in half], closed=True), 0.4
        )
        u, v = sign * (sheet.x - MIDDLE), sheet.y
        hollow = 0.30 * np.exp(-(((u - 42.6) / 1.9) ** 2) - ((v - 58) / 8) ** 2)
        tone = np.asarray(
            skin * np.array([0.95, 0.84, 0.82], np.float32) * (1 - hollow)[..., None], np.float32
        )
        sheet.lay(tone, ear)


def _glasses(sheet: Sheet, colour: Colour) -> None:
    eyes = ((37.6, 53.0, -1), (74.2, 53.0, 1))
    x, y = sheet.x, sheet.y
    frame, lens = np.zeros(sheet.shape, np.float32), np.zeros(sheet.shape, np.float32)
    for cx, cy, _ in eyes:
        r = (np.abs((x - cx) / 16.2) ** 2.5 + np.abs((y - cy) / 13.6) ** 2.5) ** (1 / 2.5)
        width = 0.062
        frame = np.maximum(
            frame, np.clip((width - np.abs(r - 1)) * 14 * sheet.scale / 2 + 0.5, 0, 1)
        )
        lens = np.maximum(lens, np.clip((1 - r) * 10, 0, 1))
    bridge = np.clip(
        (0.95 - np.abs(y - 49.5 + 0.06 * (x - MIDDLE) ** 2 * 0.5)) * sheet.scale + 0.5, 0, 1
    ) * (np.abs(x - MIDDLE) < 2.9)
    arms = (
        np.clip((0.9 - np.abs(y - 48.5)) * sheet.scale + 0.5, 0, 1)
        * (np.abs(x - MIDDLE) > 34.2)
        * (np.abs(x - MIDDLE) < 42)
    )
    frame = np.maximum(frame, np.maximum(bridge, arms)).astype(np.float32)
    sheet.shade(1 - 0.22 * blurred(np.roll(frame, round(1.4 * sheet.scale), 0), 1.0 * sheet.scale))
    glare = lens * np.clip(np.sin((x + y) * 0.11 + 1.2) - 0.72, 0, 1) * 0.35
    sheet.lay((255, 255, 255), np.asarray(glare, np.float32))
    sheet.lay(np.asarray(colour, np.float32), frame)
    sheet.lay(
        (255, 255, 255), np.asarray(frame * 0.18 * (np.sin(x * 0.3 - y * 0.5) > 0.6), np.float32)
    )


def _earrings(sheet: Sheet, colour: Colour) -> None:
    for sign in (1, -1):
        d = np.hypot(sheet.x - MIDDLE - sign * 42.2, sheet.y - 78.5)
        pearl = np.clip((2.9 - d) * sheet.scale, 0, 1)
        shine = (
            1.12
            - 0.13 * d
            + 0.5
            * np.exp(
                -(((sheet.x - MIDDLE - sign * 42.2 + 0.9) / 0.9) ** 2)
                - ((sheet.y - 77.5) / 0.9) ** 2
            )
        )
        sheet.lay(
            np.asarray(np.asarray(colour, np.float32) * shine[..., None], np.float32),
            np.asarray(pearl, np.float32),
        )


def _eyes(sheet: Sheet) -> None:
    """The light that a dark iris catches: without it a face sleeps."""
    grey = sheet.rgb.mean(2)
    cheek = float(grey[(np.abs(sheet.x - MIDDLE) < 20) & (np.abs(sheet.y - 68) < 4)].mean())
    dark = np.clip(2.4 - 4.0 * grey / cheek, 0, 1)
    for cx in (38.6, 73.6):
        spot = np.exp(-((np.hypot(sheet.x - cx - 1.1, sheet.y - 50.3) / 0.62) ** 2)) * 0.6
        sheet.lay((255, 255, 250), np.asarray(spot * dark, np.float32))


def paint(
    look: Look, face: Image, clothes: Clothes, pose: Pose, light: Light, scale: float, seed: int
) -> Sheet:
    """The portrait at `scale` pixels a unit: colour and cover, the face where the template puts it."""
    rng = np.random.default_rng(seed)
    still = np.random.default_rng([sum(map(ord, look.name)), 5])
    face = np.asarray(face * np.asarray(look.tint, np.float32), np.float32)
    sheet = Sheet(scale)
    skin = cv2.resize(_skin(face), (sheet.shape[1], sheet.shape[0]), interpolation=cv2.INTER_LINEAR)
    if look.hair in hair.BACK:
        hair.BACK[look.hair](sheet, look.palette, still)
    sheet.lower(-12.0)
    body = _body(sheet, look, skin, rng)
    dress(sheet, clothes, body, look.build, rng)
    sheet.lower(0.0)
    _ears(sheet, skin)
    outline = sheet.shape_mask(spline(both_sides(_head_half(look)), closed=True), 0.35)
    inner = _inner(sheet)[..., None]
    head = _modelled(sheet, outline, skin, rng) * (1 - inner) + _face(sheet, face, rng) * inner
    sheet.lay(np.asarray(head, np.float32), outline)
    _eyes(sheet)
    if look.beard:
        hair.BEARD[look.beard](sheet, look.beard_palette or look.palette, still)
    if look.glasses is not None:
        _glasses(sheet, look.glasses)
    if look.earrings is not None:
        _earrings(sheet, look.earrings)
    hair.FRONT[look.hair](sheet, look.palette, still)
    pose_head(sheet, look.shape, pose)
    light_up(sheet, light)
    sheet.rgb = np.clip(sheet.rgb, 0, 255).astype(np.float32)
    return sheet
