"""Faces → groups with lasting numbers: the parts under one name."""

from phototag.core.agglomerate import ALONE, agglomerate
from phototag.core.cluster_ids import keep_ids
from phototag.core.neighbours import (
    NEIGHBOURS,
    extend_neighbours,
    neighbours,
    shrink_neighbours,
)

__all__ = [
    "ALONE",
    "NEIGHBOURS",
    "agglomerate",
    "extend_neighbours",
    "keep_ids",
    "neighbours",
    "shrink_neighbours",
]
