"""Pictures of people who are a colour: quick to learn, each different in what is seen of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

COLOURS = {"Ann": (200, 60, 50), "Bob": (50, 160, 70), "Cleo": (60, 80, 200), "Dan": (190, 180, 40)}


def picture(person: str, number: int, side: int = 112) -> Image.Image:
    """Smooth shapes that no other picture has, in the person's colour."""
    random = np.random.default_rng([*person.encode(), number])
    shapes = Image.fromarray(random.integers(0, 255, (20, 20), dtype=np.uint8))
    grey = np.asarray(shapes.resize((side, side), Image.Resampling.BICUBIC), dtype=np.float32)
    colour = np.array(COLOURS.get(person, (128, 128, 128)), dtype=np.float32)
    pixels = 0.6 * colour + 0.4 * grey[..., None] + random.normal(0, 4, (side, side, 3))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def people_folder(folder: Path, counts: Mapping[str, int]) -> Path:
    """A folder of PNG pictures for each person."""
    for person, count in counts.items():
        (folder / person).mkdir(parents=True)
        for number in range(count):
            picture(person, number).save(folder / person / f"{number:02d}.png")
    return folder
