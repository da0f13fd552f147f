"""Made-up vectors with the structure of a real collection: what the benchmarks of `core` run on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Vectors, on_grid

DIM = 256
LARGEST = 1500
BLOCK = 8192
FAMILIES = 150
COMMON, FAMILY = np.float32(0.004), np.float32(0.48)
"""How much of a person is everybody's, and how much their family's."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """Faces, who they are, and their photos (two faces in each)."""

    vectors: Vectors
    people: NDArray[np.int64]
    photos: NDArray[np.int64]


def directions(count: int, chance: np.random.Generator) -> Vectors:
    """Unit vectors [count, 256] with the falling spectrum of face embeddings."""
    scale = np.float32(1 + np.arange(DIM) / 30) ** np.float32(-0.75)
    found = chance.standard_normal((count, DIM), dtype=np.float32) * scale
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def crowd(count: int, seed: int = 0, burst: float = 0) -> Crowd:
    """People of 1 to 1,500 faces: most of them once, a few in a large part of all photos.

    As alike as the calibration people are to the embedder that ships (measured: in brackets):
    similarity 0.52 +- 0.18 (0.19) within a person and 0.006 +- 0.097 (0.004 +- 0.091) between
    people, 0.15 % (0.19 %) of these pairs at 0.36 and more, 0.007 % (0.008 %) at 0.515. People come
    in families, in which they are 0.25 alike. Of all strangers 0.5 % (0.5 %) are suggested as a
    person of ten examples, 2.2 % (2.0 %) as one of 64. With `burst`, every person was photographed
    in series of that length on average, of similarity 0.92.
    """
    chance = np.random.default_rng(seed)
    sizes: list[int] = []
    while sum(sizes) < count:
        sizes.append(min(LARGEST, int(chance.pareto(0.95)) + 1))
    people = np.repeat(np.arange(len(sizes)), sizes)[:count]
    common = directions(1, chance)
    families = directions(FAMILIES, chance)[chance.integers(0, FAMILIES, len(sizes))]
    own = np.sqrt(1 - COMMON - FAMILY) * directions(len(sizes), chance)
    centres = np.sqrt(COMMON) * common + np.sqrt(FAMILY) * families + own
    series = _series(people, burst, chance) if burst else np.arange(count)
    likeness = np.clip(chance.normal(0.73, 0.18, series[-1] + 1), 0.15, 0.97).astype(np.float32)
    moments = directions(series[-1] + 1, chance)
    vectors = np.empty((count, DIM), dtype=np.float32)
    for start in range(0, count, BLOCK):
        part = slice(start, start + BLOCK)
        moment = moments[series[part]]
        if burst:
            own = directions(len(moment), chance)
            moment = np.sqrt(np.float32(0.8)) * moment + np.sqrt(np.float32(0.2)) * own
        share = likeness[series[part], None]
        vectors[part] = on_grid(share * centres[people[part]] + np.sqrt(1 - share**2) * moment)
    rows = chance.permutation(count)
    return Crowd(vectors[rows], people[rows], np.arange(count) // 2)


def _series(
    people: NDArray[np.int64], mean: float, chance: np.random.Generator
) -> NDArray[np.int64]:
    """Which series of photos each face comes from; faces of one person follow one another."""
    begins = chance.random(len(people)) < 1 / mean
    begins[0] = True
    begins[1:] |= people[1:] != people[:-1]
    return np.cumsum(begins) - 1


def bcubed(found: NDArray[np.int64], truth: NDArray[np.int64]) -> tuple[float, float, float]:
    """BCubed precision, recall and F (Amigó and others, 2009); a label of -1 is a face alone."""
    alone = found < 0
    labels = np.where(alone, found.max() + 1 + np.cumsum(alone), found)
    size = np.bincount(labels)[labels]
    people = np.bincount(truth)[truth]
    _, pair, both = np.unique(
        labels * (truth.max() + 1) + truth, return_inverse=True, return_counts=True
    )
    shared = both[pair]
    precision, recall = float((shared / size).mean()), float((shared / people).mean())
    return precision, recall, 2 * precision * recall / (precision + recall)
