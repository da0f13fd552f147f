"""The light that falls on a portrait."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from gallery.brush import MIDDLE, Colour, Sheet, blurred


@dataclass(frozen=True, slots=True)
class Light:
    """`angle`: where it comes from, in degrees (0 right, 90 above); `strength` 0..1; colours multiply."""

    angle: float = 120.0
    strength: float = 0.25
    colour: tuple[float, float, float] = (1.0, 1.0, 1.0)
    level: float = 1.0
    rim: float = 0.0
    rim_colour: Colour = (255, 236, 205)


def light_up(sheet: Sheet, light: Light) -> None:
    x, y = (sheet.x - MIDDLE) / 46, (sheet.y - 52) / 74
    head = np.stack([x, y], 0) * np.clip((165 - sheet.y) / 30, 0, 1)
    torso = np.stack([(sheet.x - MIDDLE) / 120, 0 * y - 0.1], 0) * np.clip(
        (sheet.y - 135) / 30, 0, 1
    )
    normal = np.clip(head + torso, -1, 1)
    a = np.radians(light.angle)
    lambert = normal[0] * np.cos(a) - normal[1] * np.sin(a)
    sheet.shade(
        np.asarray(np.clip(light.level * (1 + light.strength * lambert), 0.05, 3), np.float32)
    )
    sheet.rgb = np.asarray(sheet.rgb * np.asarray(light.colour, np.float32), np.float32)
    if light.rim:
        shift = np.float32(
            [[1, 0, -np.cos(a) * 2.4 * sheet.scale], [0, 1, np.sin(a) * 2.4 * sheet.scale]]
        )
        inner = cv2.warpAffine(sheet.alpha, shift, (sheet.shape[1], sheet.shape[0]))
        glow = blurred(
            np.clip(sheet.alpha - blurred(inner, 1.2 * sheet.scale), 0, 1), 0.7 * sheet.scale
        )
        add = glow[..., None] * np.asarray(light.rim_colour, np.float32) * (0.6 * light.rim)
        sheet.rgb = np.asarray(255 - (255 - sheet.rgb) * (1 - add / 255), np.float32)
