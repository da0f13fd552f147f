"""Vectors read a piece at a time are the vectors."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.core.examples import likely, person_scores
from phototag.core.neighbours import extend_neighbours, neighbours, shrink_neighbours
from phototag.core.pieces import Pieces, in_steps, of_steps
from phototag.core.types import Vectors, on_grid

K, CUT = 9, 0.3


def some(count: int, seed: int = 0) -> Vectors:
    rng = np.random.default_rng(seed)
    return on_grid(rng.normal(size=(count, 12)) + rng.normal(size=12))


def test_steps_hold_a_vector_on_the_grid_without_loss_and_refuse_any_other() -> None:
    vectors = some(50)
    assert (of_steps(in_steps(vectors)) == vectors).all()
    with pytest.raises(ValueError, match="not on the grid"):
        in_steps(vectors + np.float32(1e-4))


def test_a_table_with_rows_chosen_and_rows_added_reads_as_if_it_were_in_one_piece() -> None:
    first, more = some(40), some(7, seed=1)
    chosen = np.array([1, 2, 5, 30, 39])
    table = Pieces.of(in_steps(first)).chosen(chosen).and_then(in_steps(more))
    whole = np.concatenate([first[chosen], more])
    assert len(table) == len(whole)
    assert (np.concatenate([table.vectors(part) for part in table.runs(4)]) == whole).all()
    any_rows = np.array([11, 0, 4, 5, 11])
    assert (table.vectors(any_rows) == whole[any_rows]).all()


@pytest.mark.parametrize("share", [0.001, 0.01, 0.5, 1.0])
def test_many_rows_or_few_are_gathered_alike(share: float) -> None:
    whole = in_steps(some(20_000))
    rows = np.flatnonzero(np.random.default_rng(5).random(len(whole)) < share)
    assert (Pieces.of(whole).gathered(rows) == whole[rows]).all()
    assert Pieces.of(whole).gathered(rows[:0]).shape == (0, 12)


def test_neighbours_of_pieces_are_those_of_the_vectors_when_faces_come_and_go() -> None:
    old, new = some(300), some(20, seed=2)
    gone = np.random.default_rng(3).random(300) < 0.1
    ids, sims = neighbours(Pieces.of(in_steps(old)), K, CUT)
    assert (ids == neighbours(old, K, CUT)[0]).all()
    for kind in (Pieces.of(in_steps(old)), old):
        *left, _ = shrink_neighbours(ids, sims, kind, gone, K, CUT, block=64)
        *grown, _ = extend_neighbours(ids, sims, kind, new, K, CUT, block=64)
        for found, vectors in ((left, old[~gone]), (grown, np.concatenate([old, new]))):
            for mine, theirs in zip(found, neighbours(vectors, K, CUT), strict=True):
                assert (mine == theirs).all()


def test_no_face_that_reaches_a_score_is_missed_by_the_first_look() -> None:
    faces, examples = some(500), some(8, seed=4)
    scores = person_scores(faces, examples)
    for least in np.quantile(scores, (0.5, 0.9, 0.99)):
        rows = likely(faces, examples, float(least))
        assert np.isin(np.flatnonzero(scores >= least), rows).all()
        assert (likely(in_steps(faces), examples, float(least)) == rows).all()
        assert len(rows) < len(faces)
