"""A face against everybody at once gives what one by one gives."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.core.examples import person_scores
from phototag.core.gallery import Gallery, nobody
from phototag.core.types import Vectors, on_grid


def crowd(seed: int, people: int, most: int) -> tuple[np.ndarray, Vectors, Vectors]:
    """(people, examples, faces): some alike, in no order."""
    chance = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people) * 7 + 3, chance.integers(1, most + 1, people))
    owners = chance.permutation(owners).astype(np.int64)
    axes = chance.normal(size=(people, 48))
    own = axes[(owners - 3) // 7]
    examples = on_grid(own + 0.8 * chance.normal(size=own.shape))
    return owners, examples, on_grid(axes[:20] + 0.9 * chance.normal(size=(20, 48)))


def one_by_one(owners: np.ndarray, examples: Vectors, face: Vectors) -> list[tuple[int, float]]:
    found = [
        (int(person), float(person_scores(face[None], examples[owners == person])[0]))
        for person in np.unique(owners)
    ]
    return sorted(found, key=lambda pair: (-pair[1], pair[0]))


@pytest.mark.parametrize(("least", "count"), [(0.3, 1), (0.5, 4), (-1.0, 1), (2.0, 3), (0.3, 500)])
def test_a_search_gives_everybody_above_the_line_and_the_best_with_exact_scores(
    least: float, count: int
) -> None:
    owners, examples, faces = crowd(seed=4, people=40, most=9)
    for face, found in zip(
        faces, Gallery.of(owners, examples).search(faces, least=least, count=count), strict=True
    ):
        expected = one_by_one(owners, examples, face)
        above = sum(score >= least for _, score in expected)
        assert found == expected[: max(above, count)]


def test_nobody_is_found_where_nobody_is() -> None:
    faces = on_grid(np.eye(3))
    assert nobody(3).search(faces, least=0.1, count=2) == [[], [], []]
    assert Gallery.of(np.array([5]), faces[:1]).search(faces[:0], least=0.1) == []
