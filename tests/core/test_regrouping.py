"""Grouping what a change reaches equals grouping everything."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.core.agglomerate import ALONE, agglomerate
from phototag.core.neighbours import extend_neighbours, neighbours
from phototag.core.pieces import Pieces
from phototag.core.regrouping import Faces, Standing, regroup_around
from phototag.core.types import Vectors, on_grid

K, CUT = 9, 0.45


def crowd(seed: int, faces: int, people: int, spread: float, size: int = 12) -> Vectors:
    """Faces of people who look much alike, so that all hang together in one part of the graph."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, size)) + 1.2 * rng.normal(size=size)
    noise = spread * rng.normal(size=(faces, size))
    return on_grid(centres[rng.integers(people, size=faces)] + noise)


def whole(vectors: Vectors, photos: NDArray, good: NDArray, among: NDArray) -> NDArray[np.int64]:
    ids, sims = neighbours(vectors, K, CUT)
    return agglomerate(vectors, ids, sims, photos, good, np.arange(len(vectors)), CUT, among=among)


def groups(labels: NDArray[np.int64], among: NDArray) -> set[frozenset[int]]:
    rows = np.flatnonzero(among & (labels != ALONE))
    return {frozenset(rows[labels[rows] == n].tolist()) for n in np.unique(labels[rows])}


def regrouped(
    vectors: Vectors,
    graph: tuple[NDArray, NDArray],
    photos: NDArray,
    good: NDArray,
    *,
    among: NDArray,
    before: NDArray,
    seeds: NDArray,
) -> tuple[NDArray, NDArray[np.int64]]:
    """`regroup_around`, with all rows at hand: (which were looked at again, their groups)."""
    faces = Faces(Pieces.of(vectors), *graph, photos, good, np.arange(len(vectors)))
    standing = Standing(
        lambda rows: (among[rows], before[rows]),
        lambda those: np.flatnonzero(np.isin(before, those)),
    )
    done = regroup_around(faces, CUT, standing=standing, seeds=np.flatnonzero(seeds))
    again, found = np.zeros(len(vectors), bool), np.full(len(vectors), ALONE)
    again[done.rows], found[done.rows] = True, done.labels
    return again, found


def merged(
    before: NDArray[np.int64], again: NDArray, found: NDArray[np.int64], among: NDArray
) -> NDArray[np.int64]:
    """The old groups where they stand, the new ones where they were made again."""
    labels = np.where(again, np.where(found == ALONE, ALONE, found + before.max() + 1), before)
    return np.where(among, labels, ALONE)


@pytest.mark.parametrize("seed", range(40))
def test_when_faces_leave_and_enter_the_groups_around_them_are_those_of_a_full_run(
    seed: int,
) -> None:
    rng = np.random.default_rng(seed)
    count = int(rng.integers(60, 400))
    vectors = crowd(seed, count, int(rng.integers(3, 40)), float(rng.uniform(0.4, 1.2)))
    photos = rng.integers(count // 2, size=count)
    good = rng.random(count) > 0.2
    was, now = rng.random(count) > 0.2, rng.random(count) > 0.2
    few = rng.random(count) < 0.05
    now = np.where(few, now, was)
    ids, sims = neighbours(vectors, K, CUT)
    before = whole(vectors, photos, good, was)
    again, found = regrouped(
        vectors, (ids, sims), photos, good,
        among=now, before=before, seeds=was != now,
    )  # fmt: skip
    labels = merged(before, again, found, now)
    assert groups(labels, now) == groups(whole(vectors, photos, good, now), now)


@pytest.mark.parametrize("seed", range(40))
def test_when_the_graph_grows_the_groups_around_its_changes_are_those_of_a_full_run(
    seed: int,
) -> None:
    rng = np.random.default_rng(1000 + seed)
    count = int(rng.integers(80, 400))
    vectors = crowd(seed, count, int(rng.integers(3, 40)), float(rng.uniform(0.4, 1.2)))
    photos = rng.integers(count // 2, size=count)
    good = rng.random(count) > 0.2
    old = count - int(rng.integers(1, 15))
    among = rng.random(count) > 0.1
    ids, sims = neighbours(vectors[:old], K, CUT)
    before = np.full(count, ALONE)
    before[:old] = whole(vectors[:old], photos[:old], good[:old], among[:old])
    more, alike, changed = extend_neighbours(ids, sims, vectors[:old], vectors[old:], K, CUT)
    seeds = np.zeros(count, dtype=bool)
    seeds[changed] = seeds[old:] = True
    again, found = regrouped(
        vectors, (more, alike), photos, good,
        among=among, before=before, seeds=seeds,
    )  # fmt: skip
    labels = merged(before, again, found, among)
    assert groups(labels, among) == groups(whole(vectors, photos, good, among), among)


def test_naming_a_whole_group_leaves_all_others_without_a_look() -> None:
    vectors = crowd(3, 600, 30, 0.7)
    photos, good = np.arange(600), np.ones(600, bool)
    everybody = np.ones(600, bool)
    before = whole(vectors, photos, good, everybody)
    named = before == np.bincount(before[before != ALONE]).argmax()
    ids, sims = neighbours(vectors, K, CUT)
    again, _ = regrouped(
        vectors, (ids, sims), photos, good,
        among=~named, before=before, seeds=named,
    )  # fmt: skip
    assert (again == named).all()
    assert groups(before, ~named) == groups(whole(vectors, photos, good, ~named), ~named)
