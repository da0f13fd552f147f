"""Groups grown apart, and laid side by side afterwards."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.core.agglomerate import ALONE, Grown, agglomerate, grown, linked
from phototag.core.meeting import Edges, Lines, meet
from phototag.core.neighbours import neighbours
from phototag.core.pieces import Pieces
from phototag.core.types import Vectors, on_grid

K, CUT = 9, 0.45

Graph = tuple[NDArray[np.int32], NDArray[np.float32]]


def crowd(seed: int, count: int) -> Vectors:
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(count // 6, 12)) + 1.2 * chance.normal(size=12)
    who = chance.integers(len(centres), size=count)
    return on_grid(centres[who] + 0.8 * chance.normal(size=(count, 12)))


def grown_among(vectors: Vectors, graph: Graph, good: NDArray[np.bool_]) -> Grown:
    """Every face in a photo of its own."""
    return grown(vectors, *graph, np.arange(len(vectors)), good, None, CUT)


def as_sets(labels: NDArray[np.int64]) -> set[frozenset[int]]:
    return {
        frozenset(np.flatnonzero(labels == n).tolist()) for n in np.unique(labels) if n != ALONE
    }


def none(edges: Edges) -> Edges:
    return edges.where(np.zeros(len(edges), dtype=bool))


@pytest.mark.parametrize("seed", range(5))
def test_the_faces_that_came_together_by_a_time_stand_side_by_side(seed: int) -> None:
    vectors, good = crowd(seed, 250), np.ones(250, bool)
    graph = neighbours(vectors, K, CUT)
    found = grown_among(vectors, graph, good)
    for time in (0.5, 0.6, 0.7, 0.8):
        runs = []
        for group in as_sets(found.labels):
            line = sorted(group, key=lambda face: found.places[face])
            assert [found.places[face] for face in line] == list(range(len(line)))
            ends = [n + 1 for n, face in enumerate(line[:-1]) if found.gaps[face] < time]
            runs += [line[a:b] for a, b in pairwise([0, *ends, len(line)])]
        then = agglomerate(vectors, *graph, np.arange(250), good, None, time)
        assert {frozenset(run) for run in runs if len(run) > 1} == as_sets(then)


def apart(
    seed: int, share_good: float = 1.0
) -> tuple[Vectors, Graph, NDArray[np.bool_], NDArray[np.int64], Grown, Edges]:
    """A crowd in two parts, each grown without the other, and the edges from part to part: part by
    part if there is a good chance that they meet, else by the groups of all."""
    chance = np.random.default_rng(100 + seed)
    vectors = crowd(seed, 240)
    good = chance.random(240) < share_good
    ids, sims = neighbours(vectors, K, CUT)
    groups = grown_among(vectors, (ids, sims), good).labels
    side = np.where(groups == ALONE, np.arange(240), groups) % 2
    if seed % 2:
        side[chance.integers(240, size=4)] ^= 1
    inner = np.where((ids >= 0) & (side[ids] == side[:, None]), ids, -1)
    found = grown_among(vectors, (inner.astype(np.int32), sims), good)
    pairs = [(a, b, sims[a, c]) for a, c, b, _ in linked(ids, np.arange(240))]
    one, other, alike = (np.concatenate(part) for part in zip(*pairs, strict=True))
    across = side[one] != side[other]
    return vectors, (ids, sims), good, side, found, Edges(one, other, alike).where(across)


def lines_of(found: Grown) -> Lines:
    alone = found.labels == ALONE
    names = np.where(alone, 1000 + np.arange(len(alone)), found.labels)
    return Lines.of(np.arange(len(alone)), names, found.places, found.gaps)


@pytest.mark.parametrize("seed", range(30))
def test_where_no_edge_leads_two_parts_to_one_another_both_grow_as_they_did_apart(
    seed: int,
) -> None:
    vectors, graph, good, _, found, edges = apart(seed)
    met = meet(edges, none(edges), lines_of(found), Pieces.of(vectors), CUT)
    together = grown_among(vectors, graph, good)
    if not met.any():
        assert as_sets(found.labels) == as_sets(together.labels)
    if seed % 2 == 0:  # the parts are those of the groups of all
        assert met.sum() <= len(met) / 10
    elif as_sets(found.labels) != as_sets(together.labels):
        assert met.any()


@pytest.mark.parametrize("seed", range(20))
def test_a_face_that_only_joins_groups_meets_those_that_it_could_join(seed: int) -> None:
    vectors, graph, good, _, found, edges = apart(seed, share_good=0.7)
    strong = edges.where(good[edges.one] & good[edges.other])
    low = edges.where(~good[edges.one] & good[edges.other])
    met = meet(strong, low, lines_of(found), Pieces.of(vectors), CUT)
    assert len(met) == len(strong) + len(low)
    for face, other, leads in zip(low.one, low.other, met[len(strong) :], strict=True):
        mates = [other]
        if found.labels[other] != ALONE:
            mates = np.flatnonzero((found.labels == found.labels[other]) & good)
        mean = float(np.mean(vectors[mates].astype(np.float64) @ vectors[face]))
        assert leads == (mean >= CUT) or abs(mean - CUT) < 1e-9
    if not met.any():
        assert as_sets(found.labels) == as_sets(grown_among(vectors, graph, good).labels)


def test_two_faces_alone_meet_by_their_edge_and_groups_of_strangers_do_not() -> None:
    around = np.array([[1, 0, 0.1], [1, 0.2, 0], [1, -0.2, 0]])
    vectors = on_grid(np.concatenate([around, around[:, [1, 0, 2]] * [1, 1, -6]]))
    vectors = np.concatenate([vectors, on_grid(np.array([[0.0, 0, 1], [0.0, 0.3, 1]]))])
    one, other = np.array([0, 6]), np.array([4, 7])
    sims = np.sum(vectors[one] * vectors[other], axis=1).astype(np.float64)
    names = np.array([0, 0, 0, 1, 1, 1, 2, 3])
    places = np.array([0, 1, 2, 0, 1, 2, 0, 0], dtype=np.int32)
    gaps = np.array([0.97, 0.9, 0, 0.9, 0.8, 0, 0, 0])
    edges = Edges(one, other, np.maximum(sims, 0.5))
    lines = Lines.of(np.arange(8), names, places, gaps)
    assert meet(edges, none(edges), lines, Pieces.of(vectors), CUT).tolist() == [False, True]


def test_what_came_together_at_the_very_moment_of_an_edge_counts_as_a_meeting() -> None:
    vectors = on_grid(np.array([[1.0, 0, 0], [0.8, 0.6, 0], [0.2, -0.98, 0.0]]))
    edges = Edges(np.array([0]), np.array([2]), np.array([0.8]))
    for gap, expected in ((0.8, True), (0.7, False)):
        lines = Lines.of(
            np.arange(3), np.array([0, 0, 1]), np.array([0, 1, 0], np.int32), np.array([gap, 0, 0])
        )
        assert meet(edges, none(edges), lines, Pieces.of(vectors), CUT).tolist() == [expected]
