"""The graph of neighbours, against a plain one and against itself."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from phototag.core import neighbours as module
from phototag.core.clustering import extend_neighbours, neighbours, shrink_neighbours
from phototag.core.types import Vectors, on_grid

CUT = 0.3
SOME = settings(max_examples=40, deadline=None)


def collection(count: int, seed: int = 0, people: int = 8, dim: int = 24) -> Vectors:
    """Vectors of some people, a tenth of them exact copies of others (the same photo twice)."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(people, dim))
    vectors = on_grid(
        centres[chance.integers(0, people, count)] + 0.9 * chance.normal(size=(count, dim))
    )
    copies = count // 10
    vectors[:copies] = vectors[count - copies :]
    return vectors


def plain(vectors: Vectors, order: NDArray[np.integer]) -> list[list[int]]:
    """All neighbours of each face at the cut, best first, by sorting."""
    sims = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    return [
        sorted(
            (j for j in range(len(vectors)) if j != i and sims[i, j] >= np.float32(CUT)),
            key=lambda j: (-sims[i, j], order[j]),
        )
        for i in range(len(vectors))
    ]


def as_lists(ids: NDArray[np.int32]) -> list[list[int]]:
    return [[int(i) for i in row if i >= 0] for row in ids]


def test_lists_without_a_draw_are_those_of_sorting_all_pairs() -> None:
    vectors = collection(150)
    ids, _ = neighbours(vectors, 2, CUT, block=64)
    assert as_lists(ids) == [found[:2] for found in plain(vectors, np.arange(150))]


def test_the_first_two_thirds_of_a_list_are_the_nearest_and_the_rest_is_drawn_from_the_others() -> (
    None
):
    vectors = collection(200)
    ids, _ = neighbours(vectors, 9, CUT, block=64)
    for found, everyone in zip(as_lists(ids), plain(vectors, np.arange(200)), strict=True):
        assert found[:6] == everyone[:6]
        assert len(found) == min(9, len(everyone))
        assert set(found[6:]) <= set(everyone[6:])
        assert found == sorted(found, key=everyone.index)


def test_a_face_with_few_neighbours_has_them_all() -> None:
    vectors = collection(120)
    ids, _ = neighbours(vectors, 120, CUT)
    assert as_lists(ids) == plain(vectors, np.arange(120))


def test_similarities_are_exact_and_belong_to_their_neighbours() -> None:
    vectors = collection(100)
    ids, sims = neighbours(vectors, 12, CUT)
    exact = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    for row in range(100):
        for face, sim in zip(ids[row], sims[row], strict=True):
            assert sim == (exact[row, face] if face >= 0 else 0)


def test_the_draw_reaches_all_neighbours_alike() -> None:
    """400 faces of one person, 5 nearest and 2 drawn: no face is drawn much more than others."""
    vectors = collection(400, people=1, dim=64)
    ids, _ = neighbours(vectors, 7, 0.2)
    drawn = np.bincount(ids[:, 5:].ravel(), minlength=400)
    assert drawn.sum() == 800
    assert drawn.max() <= 10
    assert (drawn == 0).mean() < 0.3


@given(st.data())
@SOME
def test_the_order_of_the_rows_and_the_size_of_the_blocks_change_nothing(
    data: st.DataObject,
) -> None:
    vectors = collection(90, seed=data.draw(st.integers(0, 5)))
    k = data.draw(st.integers(1, 20))
    ids, sims = neighbours(vectors, k, CUT)
    rows = np.array(data.draw(st.permutations(range(90))))
    shuffled, alike = neighbours(
        vectors[rows], k, CUT, order=rows, block=data.draw(st.sampled_from([7, 32, 90]))
    )
    back = np.argsort(rows)
    assert (np.where(shuffled >= 0, rows[shuffled], -1)[back] == ids).all()
    assert (alike[back] == sims).all()


@given(steps=st.lists(st.integers(0, 100), max_size=4), k=st.integers(1, 20))
@SOME
def test_lists_grown_in_steps_are_those_made_at_once(steps: list[int], k: int) -> None:
    vectors = collection(100)
    whole = neighbours(vectors, k, CUT)
    stops = [*sorted(steps), 100]
    ids, sims = neighbours(vectors[: stops[0]], k, CUT)
    for start, stop in pairwise(stops):
        before = ids.copy()
        ids, sims, changed = extend_neighbours(
            ids, sims, vectors[:start], vectors[start:stop], k, CUT, block=16
        )
        assert changed.tolist() == [i for i in range(start) if (ids[i] != before[i]).any()]
    assert (ids == whole[0]).all()
    assert (sims == whole[1]).all()


@pytest.mark.parametrize("k", [3, 8, 20])
def test_lost_edges_are_those_that_a_graph_had_before_faces_came_and_has_no_more(k: int) -> None:
    def edges(ids: NDArray[np.int32]) -> set[tuple[int, int]]:
        lists = [{int(n) for n in row if n >= 0} for row in ids[:70]]
        mutual = {(a, b) for a in range(70) for b in lists[a] if b < 70 and a in lists[b]}
        nearest = {(a, int(ids[a, 0])) for a in range(70) if 0 <= ids[a, 0] < 70}
        return {(min(pair), max(pair)) for pair in mutual | nearest}

    vectors = collection(100)
    old = neighbours(vectors[:70], k, CUT)
    ids, _, changed = extend_neighbours(*old, vectors[:70], vectors[70:], k, CUT)
    longer = module.lengthened(old[0], 30, -1), module.lengthened(old[1], 30, 0)
    one, other, sims = module.lost_edges(longer, ids, changed)
    found = {(min(pair), max(pair)) for pair in zip(one.tolist(), other.tolist(), strict=True)}
    assert found == edges(old[0]) - edges(ids)
    assert found
    assert (sims == np.sum(vectors[one] * vectors[other], axis=1)).all()


@given(gone=st.lists(st.booleans(), min_size=100, max_size=100), k=st.integers(1, 20))
@SOME
def test_lists_after_photos_left_are_those_of_the_faces_that_stayed(
    gone: list[bool], k: int
) -> None:
    vectors, away = collection(100), np.array(gone)
    order = np.random.default_rng(3).permutation(100)
    ids, sims = neighbours(vectors, k, CUT, order=order)
    left, alike, changed = shrink_neighbours(
        ids, sims, vectors, away, k, CUT, order=order, block=16
    )
    wanted = neighbours(vectors[~away], k, CUT, order=order[~away])
    assert (left == wanted[0]).all()
    assert (alike == wanted[1]).all()
    lost = np.isin(ids, np.flatnonzero(away)).any(axis=1)
    assert changed.tolist() == np.flatnonzero(lost[~away]).tolist()


@pytest.mark.parametrize(("name", "value"), [("_SPAN", 50), ("_AMPLE", 0.2)])
def test_dropping_hits_early_loses_none(
    monkeypatch: pytest.MonkeyPatch, name: str, value: float
) -> None:
    vectors = collection(300, people=2)
    ids, sims = neighbours(vectors, 12, CUT)
    monkeypatch.setattr(module, name, value)
    again, alike = neighbours(vectors, 12, CUT, block=40)
    assert (again == ids).all()
    assert (alike == sims).all()


def test_order_keys_may_be_any_values_that_sort() -> None:
    vectors = collection(60)
    keys = [(f"photo-{i % 7}", float(i)) for i in range(60)]
    places = sorted(range(60), key=keys.__getitem__)
    by_keys, _ = neighbours(vectors, 6, CUT, order=keys)
    by_place, _ = neighbours(vectors, 6, CUT, order=np.argsort(places))
    assert (by_keys == by_place).all()


def test_nobody_is_no_trouble() -> None:
    none = np.zeros((0, 24), np.float32)
    ids, sims = neighbours(none, 8, CUT)
    assert ids.shape == sims.shape == (0, 8)
    vectors = collection(20)
    grown, _, changed = extend_neighbours(ids, sims, none, vectors, 8, CUT)
    assert (grown == neighbours(vectors, 8, CUT)[0]).all()
    assert not len(changed)


def test_vectors_off_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="on_grid"):
        neighbours(np.full((3, 24), 0.2041, np.float32), 8, CUT)


def test_lists_of_another_length_are_refused() -> None:
    vectors = collection(20)
    ids, sims = neighbours(vectors, 8, CUT)
    with pytest.raises(ValueError, match="lists"):
        extend_neighbours(ids, sims, vectors, vectors, 9, CUT)


def test_order_keys_for_other_faces_are_refused() -> None:
    with pytest.raises(ValueError, match="order keys"):
        neighbours(collection(20), 8, CUT, order=range(19))
