"""The faces that stand for a person, and the scores they give."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.core.examples import POOL, choose_examples, person_scores
from phototag.core.types import Vectors, on_grid

SOME = settings(max_examples=40, deadline=None)


def faces(count: int, seed: int = 0, looks: int = 4, dim: int = 32) -> Vectors:
    """One person with several looks (glasses, age)."""
    chance = np.random.default_rng(seed)
    person = chance.normal(size=dim)
    look = person + 0.7 * chance.normal(size=(looks, dim))
    which = chance.integers(0, looks, count)
    return on_grid(look[which] + 0.3 * chance.normal(size=(count, dim)))


@pytest.mark.parametrize("count", [1, 2, 3, 4, 64])
def test_a_score_is_the_mean_of_the_three_best_similarities_or_of_all(count: int) -> None:
    probes, examples = faces(5000, 1), faces(count)
    sims = np.sort(probes.astype(np.float64) @ examples.T.astype(np.float64), axis=1)
    wanted = sims[:, -3:].mean(axis=1)
    assert np.abs(person_scores(probes, examples) - wanted).max() < 1e-7


@given(st.data())
@SOME
def test_a_score_is_the_same_bit_for_bit_in_any_company(data: st.DataObject) -> None:
    probes, examples = faces(60, 1), faces(20)
    alone = person_scores(probes[7:8], examples)[0]
    rows = data.draw(st.permutations(range(20)))
    assert person_scores(probes, examples[list(rows)])[7] == alone


def test_a_person_without_examples_has_no_score() -> None:
    with pytest.raises(ValueError, match="examples"):
        person_scores(faces(3), faces(0))


def test_scoring_nobody_gives_nothing() -> None:
    assert person_scores(faces(0), faces(3)).shape == (0,)


def test_few_faces_are_all_examples_best_first() -> None:
    assert choose_examples(faces(3), [0.5, 0.9, 0.7]) == [1, 2, 0]


def test_a_poor_face_is_an_example_only_where_there_is_no_better() -> None:
    vectors = faces(4)
    assert choose_examples(vectors, [0.1, 0.9, 0.2, 0.8], good=0.4) == [1, 3]
    assert sorted(choose_examples(vectors, [0.1, 0.2, 0.2, 0.1], good=0.4)) == [0, 1, 2, 3]


def test_nobody_has_no_examples() -> None:
    assert choose_examples(faces(0), []) == []


def test_every_look_is_among_the_examples_and_the_outlier_is_not() -> None:
    """Three looks of 40, 30 and 20 faces and one face that is somebody else's."""
    axes = np.eye(8)
    chance = np.random.default_rng(0)
    looks = np.repeat(axes[:3] + 0.4, [40, 30, 20], axis=0)
    vectors = on_grid(np.vstack([looks + 0.05 * chance.normal(size=(90, 8)), -axes[7:]]))
    chosen = choose_examples(vectors, np.ones(91), limit=9)
    assert {np.searchsorted([40, 70], row, side="right") for row in chosen} == {0, 1, 2}
    assert 90 not in chosen


def test_each_next_example_is_the_one_that_raises_the_scores_of_the_faces_most() -> None:
    vectors = faces(60)
    sims = np.maximum(vectors @ vectors.T, 0).astype(np.float64)
    np.fill_diagonal(sims, 0)

    def worth(chosen: list[int]) -> float:
        return float(np.sort(sims[chosen], axis=0)[-3:].sum())

    chosen = choose_examples(vectors, np.ones(60), limit=8)
    for count in range(8):
        before = chosen[:count]
        best = max(worth([*before, row]) for row in range(60) if row not in before)
        assert worth(chosen[: count + 1]) == best


@given(seed=st.integers(0, 20), rows=st.permutations(range(50)))
@SOME
def test_the_choice_depends_on_the_faces_and_not_on_their_order(seed: int, rows: list[int]) -> None:
    vectors = faces(50, seed)
    vectors[:10] = vectors[10:20]
    worth = np.random.default_rng(seed).integers(1, 4, 50) / 4
    chosen = choose_examples(vectors, worth, range(50), limit=12)
    mixed = choose_examples(vectors[rows], worth[rows], rows, limit=12)
    assert [rows[row] for row in mixed] == chosen


def test_of_very_many_faces_the_best_by_quality_are_looked_at() -> None:
    count = POOL + 200
    vectors = faces(count)
    worth = np.where(np.arange(count) < 200, 0.5, 0.9)
    assert min(choose_examples(vectors, worth, limit=8)) >= 200
