"""Every named face held against everybody as if its photo had not been there: what calibration and
audit are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.core.examples import BEST, highest
from phototag.core.types import Vectors

NONE = -1.0
"""The score for a person of whom nothing is left: no similarity is lower."""

BLOCK = 1024

STEPS = 4096
"""Bins of a histogram for each unit of similarity: as fine as a threshold is ever told."""


@dataclass(frozen=True, slots=True)
class Stand:
    """The examples of people: arrays of one length, the people rising."""

    people: NDArray[np.int64]
    photos: NDArray[np.int64]
    vectors: Vectors
    """[k, d], on the grid."""


@dataclass(frozen=True, slots=True)
class Trials:
    """Scores of faces [n], each without the examples from its own photo."""

    own: Vectors
    """For its person; NONE where the person has no other photo."""
    rival: NDArray[np.int64]
    """The best other person; -1 where there is none."""
    rival_score: Vectors
    second_score: Vectors
    """Of the next best other person."""
    others: NDArray[np.int64]
    """[2 * STEPS + 1]: how many scores for other people than its own lie in each step from -1."""


def trials(
    vectors: Vectors, people: NDArray[np.int64], photos: NDArray[np.int64], stand: Stand
) -> Trials:
    """Hold faces [n, d] of `people` in `photos` against everybody in `stand`."""
    if not len(vectors):
        none = np.empty(0, np.float32)
        return Trials(none, np.empty(0, np.int64), none, none, histogram(none))
    known, starts = np.unique(stand.people, return_index=True)
    ends = np.append(starts[1:], len(stand.people))
    parts = []
    for start in range(0, len(vectors), BLOCK):
        rows = slice(start, start + BLOCK)
        sims = vectors[rows] @ stand.vectors.T
        sims[photos[rows, None] == stand.photos[None]] = -np.inf
        scores = np.stack(
            [_scores(sims[:, a:b]) for a, b in zip(starts, ends, strict=True)], axis=1
        )
        parts.append(_ranked(scores, known, people[rows]))
    own, rival, first, second, others = zip(*parts, strict=True)
    return Trials(
        np.concatenate(own),
        np.concatenate(rival),
        np.concatenate(first),
        np.concatenate(second),
        np.sum(others, axis=0),
    )


def _scores(sims: Vectors) -> Vectors:
    """[n] from the similarities [n, k] to a person's examples, -inf where one does not count."""
    best = highest(np.ascontiguousarray(sims.T), min(BEST, sims.shape[1]))
    there = best > -np.inf
    counts = there.sum(axis=0)
    sums = np.where(there, best, np.float32(0)).sum(axis=0)
    found: Vectors = np.where(counts > 0, sums / np.maximum(counts, 1), NONE).astype(np.float32)
    return found


def _ranked(
    scores: Vectors, known: NDArray[np.int64], people: NDArray[np.int64]
) -> tuple[Vectors, NDArray[np.int64], Vectors, Vectors, NDArray[np.int64]]:
    """(own, rival, its score, the next score, histogram of others) of scores [n, p]."""
    rows = np.arange(len(scores))
    places = np.searchsorted(known, people)
    mine = (places < len(known)) & (known[np.minimum(places, len(known) - 1)] == people)
    own = np.full(len(scores), NONE, dtype=np.float32)
    own[mine] = scores[rows[mine], places[mine]]
    others = scores.copy()
    others[rows[mine], places[mine]] = -np.inf
    counted = others[others > NONE]
    others[others == NONE] = -np.inf
    first = others.argmax(axis=1)
    best = others[rows, first].copy()
    others[rows, first] = -np.inf
    second = others.max(axis=1)
    rival = np.where(best > -np.inf, known[first], -1)
    floor = np.float32(NONE)
    return own, rival, np.maximum(best, floor), np.maximum(second, floor), histogram(counted)


def histogram(values: Vectors) -> NDArray[np.int64]:
    """[2 * STEPS + 1]: how many values lie in each step from -1 to 1."""
    places = np.floor((values.astype(np.float64) + 1) * STEPS).astype(np.int64)
    counts: NDArray[np.int64] = np.bincount(
        np.clip(places, 0, 2 * STEPS), minlength=2 * STEPS + 1
    ).astype(np.int64)
    return counts


def level(counts: NDArray[np.int64], rate: float) -> float:
    """The lowest edge of a step at or above which at most `rate` of the counted values lie."""
    above = np.cumsum(counts[::-1])[::-1]
    places = np.flatnonzero(above <= rate * counts.sum())
    place = int(places[0]) if len(places) else len(counts)
    return place / STEPS - 1


def share_above(counts: NDArray[np.int64], threshold: float) -> float:
    """The share of the counted values that reach an edge of a step."""
    place = round((threshold + 1) * STEPS)
    return float(counts[place:].sum() / max(1, counts.sum()))
