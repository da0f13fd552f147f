"""What speaks for a face being somebody: the nearest decided faces, and everybody's score."""

from __future__ import annotations

import heapq
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from phototag.catalog import evidence as rows
from phototag.catalog import faces as table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.core.examples import person_scores
from phototag.core.lives import Life
from phototag.core.types import Vectors
from phototag.work.recognise import ages_of, examples_of
from phototag.work.why import Rival

NEAREST = 5
"""Examples, rivals and mates that `show` names."""


@dataclass(frozen=True, slots=True)
class Example:
    """A face that a user named, and how alike it is."""

    face: str
    person: str
    similarity: float
    path: str | None
    """A file of its photo."""


@dataclass(frozen=True, slots=True)
class Mate:
    """Another face of the same cluster."""

    face: str
    similarity: float
    path: str | None


def vector_of(lib: Library, model: str, face: int) -> Vectors | None:
    """The face's embedding [d]; None where the model has not seen it."""
    ids, _, vectors, _ = table.vectors(lib, model, [face])
    return vectors[0] if len(ids) else None


def compare(
    lib: Library, model: str, face: int, vector: Vectors
) -> tuple[tuple[Example, ...], tuple[Rival, ...]]:
    """The nearest decided faces, and the people that the face fits best; itself is no example."""
    near: list[tuple[float, int, int]] = []
    best: dict[int, float] = {}
    for faces, persons, vectors in rows.decided_vectors(lib, model):
        sims = vectors @ vector
        listed = zip(sims.tolist(), faces.tolist(), persons.tolist(), strict=True)
        block = [entry for entry in listed if entry[1] != face]
        near = heapq.nlargest(NEAREST, [*near, *block], key=lambda e: (e[0], -e[1]))
        for sim, _, person in block:
            best[person] = max(best.get(person, -1.0), sim)
    names = verdict_table.people(lib)
    paths = rows.first_paths(lib, [number for _, number, _ in near])
    examples = tuple(
        Example(f"face-{number}", names[person], _rounded(sim), paths.get(number))
        for sim, number, person in near
    )
    return examples, _rivals(lib, model, face, vector, best)


def _rivals(
    lib: Library, model: str, face: int, vector: Vectors, best: dict[int, float]
) -> tuple[Rival, ...]:
    """The best-scoring people. A score is a mean, so it never exceeds the person's best similarity:
    people whose best is below the last place need not be scored."""
    names, refused = verdict_table.people(lib), set(rows.refused(lib, face))
    lives = verdict_table.lives(lib)
    found: list[tuple[float, int, int]] = []
    for person, most in sorted(best.items(), key=lambda kv: (-kv[1], kv[0])):
        if len(found) == NEAREST and most < found[-1][0]:
            break
        score, others = score_of(lib, model, person, face, vector, lives.get(person))
        if others:
            found = sorted([*found, (score, person, others)], key=lambda e: (-e[0], e[1]))
            found = found[:NEAREST]
    return tuple(
        Rival(names[person], _rounded(score), count, person in refused)
        for score, person, count in found
    )


def score_of(
    lib: Library, model: str, person: int, face: int, vector: Vectors, life: Life | None
) -> tuple[float, int]:
    """(how well a face fits a person, the number of examples): itself is none. -1 without any."""
    ids, examples = examples_of(lib, model, person)
    others = ids != face
    if not others.any():
        return -1.0, 0
    ages = ages_of(lib, life, np.array([face]), ids[others])
    return float(person_scores(vector[None], examples[others], ages)[0]), int(others.sum())


def mates_of(
    lib: Library, model: str, face: int, vector: Vectors, members: Collection[int]
) -> tuple[tuple[Mate, ...], float | None]:
    """The nearest faces of the same cluster, and the mean similarity to all others of it."""
    ids, _, vectors, _ = table.vectors(lib, model, [m for m in members if m != face])
    if not len(ids):
        return (), None
    sims = (vectors @ vector).tolist()
    near = heapq.nsmallest(
        NEAREST, zip(sims, ids.tolist(), strict=True), key=lambda e: (-e[0], e[1])
    )
    paths = rows.first_paths(lib, [number for _, number in near])
    mates = tuple(Mate(f"face-{n}", _rounded(sim), paths.get(n)) for sim, n in near)
    return mates, _rounded(sum(sims) / len(sims))


def _rounded(value: float) -> float:
    return round(float(value), 4)
