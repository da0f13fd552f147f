"""Which face is a photo about, where it shows several?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from phototag.core.types import Detection, FaceRecord

Found = TypeVar("Found", Detection, FaceRecord)


def nearest_the_centre(found: Sequence[Found], width: int, height: int) -> Found:
    """The face that a portrait is about: large and near the middle.

    The larger side of a face counts in full at the centre and falls to half at a distance of half
    the photo's diagonal (LFW's own choice is the face at the centre pixel). `width` and `height`
    of the upright photo in pixels, or in their proportion.
    """

    def weight(face: Found) -> tuple[float, float]:
        x, y = face.box.centre
        off = np.hypot((x - 0.5) * width, (y - 0.5) * height) / np.hypot(width, height)
        size = max(face.box.width * width, face.box.height * height)
        return (size * (1 - off) ** 2, face.score)

    return max(found, key=weight)
