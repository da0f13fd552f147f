"""What the bench's tests share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

State = dict[str, NDArray[np.float32]]
"""Weights by name."""


def cosines(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Row by row."""
    found: NDArray[np.float32] = (a * b).sum(axis=1) / (
        np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    )
    return found
