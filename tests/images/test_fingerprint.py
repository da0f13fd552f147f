"""Copies are known by what is seen."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from phototag.images.fingerprint import BITS, NEAR, near_pairs, picture_hash
from tests.people_pictures import picture


def again(image: Image.Image, kind: str) -> Image.Image:
    if kind == "jpeg":
        out = io.BytesIO()
        image.save(out, "JPEG", quality=50)
        return Image.open(out).convert("RGB")
    if kind == "half":
        return image.resize((image.width // 2, image.height // 2))
    if kind == "dark":
        return image.point(lambda value: int(value * 0.8 + 10))
    return image.convert("L").convert("RGB")


def test_a_copy_is_near_and_another_picture_is_not() -> None:
    originals = [picture("Ann", number) for number in range(12)]
    copies = [
        again(image, kind)
        for image, kind in zip(originals, ["jpeg", "half", "dark", "grey"] * 3, strict=True)
    ]
    hashes = np.stack([picture_hash(np.asarray(image)) for image in originals + copies])
    assert hashes.shape == (24, BITS)
    assert near_pairs(hashes) == [(i, i + 12) for i in range(12)]
    assert near_pairs(hashes, block=5) == near_pairs(hashes)


def test_no_two_real_photos_are_copies(shared: Path) -> None:
    photos = sorted((shared / "lfw_dev" / "images").iterdir())[:60]
    hashes = np.stack([picture_hash(np.asarray(Image.open(p).convert("RGB"))) for p in photos])
    assert near_pairs(hashes) == []
    assert near_pairs(hashes, limit=NEAR + 60) != []
