"""Groups of faces: against plain average linkage, and whatever the order or the steps."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from phototag.core.clustering import (
    ALONE,
    agglomerate,
    neighbours,
)
from phototag.core.types import Vectors, on_grid

CUT = 0.4
SOME = settings(max_examples=40, deadline=None)
Groups = set[frozenset[int]]


def collection(
    count: int, seed: int = 0, people: int = 8, dim: int = 16, spread: float = 0.9
) -> tuple[Vectors, NDArray[np.intp]]:
    """Vectors and who they are."""
    chance = np.random.default_rng(seed)
    who = chance.integers(0, people, count)
    centres = chance.normal(size=(people, dim))
    return on_grid(centres[who] + spread * chance.normal(size=(count, dim))), who


def partition(labels: NDArray[np.integer]) -> Groups:
    """The groups as sets of rows."""
    return {
        frozenset(np.flatnonzero(labels == label).tolist())
        for label in set(labels.tolist()) - {ALONE}
    }


def grouped(
    vectors: Vectors,
    photos: Sequence[int] | NDArray[np.integer] | None = None,
    good: NDArray[np.bool_] | None = None,
    k: int | None = None,
    free_photos: Collection[int] = (),
) -> Groups:
    """The groups, by default on the graph of all pairs."""
    count = len(vectors)
    labels = agglomerate(
        vectors,
        *neighbours(vectors, k or count, CUT),
        np.arange(count) if photos is None else np.asarray(photos),
        np.ones(count, bool) if good is None else good,
        None,
        CUT,
        free_photos,
    )
    return partition(labels)


def test_who_is_in_a_list_whose_own_is_full_of_others_is_no_edge_but_the_nearest_is() -> None:
    """All three would be one group if compared."""
    vectors = on_grid(np.array([[1, 0, 0], [0.9, 0.3, 0], [0.9, 0, 0.3]]))
    sims = np.full((3, 2), 0.9, np.float32)
    for lists, found in (
        ([[1, 2], [0, -1], [-1, -1]], {frozenset({0, 1})}),
        ([[1, 2], [0, -1], [-1, 0]], {frozenset({0, 1, 2})}),
        ([[1, -1], [0, -1], [0, -1]], {frozenset({0, 1, 2})}),
        ([[-1, 1], [-1, 2], [-1, -1]], set()),
    ):
        ids = np.array(lists, np.int32)
        labels = agglomerate(vectors, ids, sims, np.arange(3), np.ones(3, bool), None, CUT)
        assert partition(labels) == found


def plain(vectors: Vectors, photos: NDArray[np.integer]) -> Groups:
    """Constrained average linkage by looking at all pairs of groups at every step."""
    sims = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    groups = [[face] for face in range(len(vectors))]
    while True:
        best, pair = CUT, None
        for i, one in enumerate(groups):
            for j, other in enumerate(groups[:i]):
                if {photos[f] for f in one}.isdisjoint(photos[f] for f in other):
                    mean = sims[np.ix_(one, other)].mean()
                    if mean >= best:
                        best, pair = mean, (i, j)
        if pair is None:
            return {frozenset(g) for g in groups if len(g) > 1}
        groups[pair[1]] += groups.pop(pair[0])


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(
    ("count", "people", "dim", "spread", "cut"), [(150, 8, 16, 0.9, CUT), (600, 4, 24, 1.2, 0.2)]
)
def test_without_constraints_it_is_average_linkage(
    count: int, people: int, dim: int, spread: float, cut: float, seed: int
) -> None:
    """Small tight groups and large loose ones, in which a group is compared many times."""
    vectors, _ = collection(count, seed, people, dim, spread)
    distances = 1 - vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    np.fill_diagonal(distances, 0)
    tree = linkage(np.maximum(squareform(distances, checks=False), 0), "average")
    wanted = partition(fcluster(tree, 1 - cut, "distance"))
    labels = agglomerate(
        vectors,
        *neighbours(vectors, count, cut),
        np.arange(count),
        np.ones(count, bool),
        None,
        cut,
    )
    assert partition(labels) == {group for group in wanted if len(group) > 1}


@pytest.mark.parametrize("seed", range(6))
def test_with_several_faces_in_a_photo_it_is_the_best_pair_that_may_be_linked_first(
    seed: int,
) -> None:
    vectors, _ = collection(40, seed, people=4)
    photos = np.random.default_rng(seed).integers(0, 14, 40)
    found = grouped(vectors, photos)
    assert found == plain(vectors, photos)
    assert found != grouped(vectors)


@given(seed=st.integers(0, 50), photos=st.lists(st.integers(0, 20), min_size=60, max_size=60))
@SOME
def test_no_group_holds_two_faces_of_one_photo(seed: int, photos: list[int]) -> None:
    vectors, _ = collection(60, seed, people=3, spread=0.5)
    good = np.random.default_rng(seed).random(60) < 0.7
    for group in grouped(vectors, photos, good, k=12):
        assert len({photos[face] for face in group}) == len(group)


def test_a_collage_may_show_somebody_twice() -> None:
    vectors, _ = collection(4, people=1, spread=0.1)
    assert grouped(vectors, [5, 5, 6, 7]) != {frozenset(range(4))}
    assert grouped(vectors, [5, 5, 6, 7], free_photos=[5]) == {frozenset(range(4))}


@given(st.data())
@SOME
def test_the_order_of_the_faces_changes_nothing(data: st.DataObject) -> None:
    vectors, _ = collection(80, data.draw(st.integers(0, 20)))
    vectors[:10] = vectors[10:20]
    chance = np.random.default_rng(data.draw(st.integers(0, 20)))
    photos, good = chance.integers(0, 50, 80), chance.random(80) < 0.8
    rows = np.array(data.draw(st.permutations(range(80))))
    labels = agglomerate(vectors, *neighbours(vectors, 9, CUT), photos, good, None, CUT)
    again = agglomerate(
        vectors[rows],
        *neighbours(vectors[rows], 9, CUT, order=rows),
        photos[rows],
        good[rows],
        rows,
        CUT,
    )
    assert (again == labels[rows]).all()


def test_groups_are_numbered_by_their_first_face() -> None:
    vectors, _ = collection(80)
    labels = agglomerate(
        vectors, *neighbours(vectors, 9, CUT), np.arange(80), np.ones(80, bool), None, CUT
    )
    first = [int(np.flatnonzero(labels == label)[0]) for label in range(labels.max() + 1)]
    assert first == sorted(first)
    assert (labels == ALONE).any()


def test_a_face_of_low_quality_links_no_two_groups_and_starts_none() -> None:
    """Two good faces whose likeness is below the cut, and poor ones halfway between."""
    axes = np.eye(4)
    between = axes[0] + axes[1]
    vectors = on_grid(np.stack([axes[0], axes[1], between, between, axes[2], axes[2]]))
    photos = np.arange(6)
    assert grouped(vectors, photos) == {frozenset({0, 1, 2, 3}), frozenset({4, 5})}
    good = np.array([True, True, False, False, False, False])
    assert grouped(vectors, photos, good) == {frozenset({0, 2, 3})}


def test_of_two_poor_faces_in_a_photo_the_better_one_joins_and_the_other_goes_elsewhere() -> None:
    axes = np.eye(4)
    vectors = on_grid(
        np.stack([axes[0], axes[1], axes[0] + 0.5 * axes[1], axes[0] + 0.8 * axes[1]])
    )
    good = np.array([True, True, False, False])
    assert grouped(vectors, [1, 2, 3, 3], good) == {frozenset({0, 2}), frozenset({1, 3})}


def test_one_person_photographed_in_bursts_is_one_group() -> None:
    """Five bursts of sixty: the nearest neighbours of every face are of its own burst."""
    chance = np.random.default_rng(0)
    person = chance.normal(size=64)
    bursts = 0.8 * person + 0.6 * chance.normal(size=(5, 64))
    vectors = on_grid(np.repeat(bursts, 60, axis=0) + 0.1 * chance.normal(size=(300, 64)))
    ids, _ = neighbours(vectors, 24, CUT)
    assert (ids[:, :16] // 60 == np.arange(300)[:, None] // 60).all()
    assert grouped(vectors, k=24) == {frozenset(range(300))}


@pytest.mark.parametrize("seed", range(3))
def test_lists_of_24_find_the_people_that_all_pairs_find(seed: int) -> None:
    vectors, _ = collection(400, seed, people=30, dim=48, spread=0.8)
    assert grouped(vectors, k=24) == grouped(vectors)


def test_a_graph_with_weaker_edges_gives_the_same_groups() -> None:
    vectors, _ = collection(120)
    photos, good = np.arange(120), np.random.default_rng(1).random(120) < 0.8
    weak = agglomerate(vectors, *neighbours(vectors, 120, 0.1), photos, good, None, CUT)
    strong = agglomerate(vectors, *neighbours(vectors, 120, CUT), photos, good, None, CUT)
    assert (weak == strong).all()


def test_grouping_some_faces_looks_at_no_others() -> None:
    vectors, _ = collection(120)
    photos, good = np.arange(120) // 2, np.random.default_rng(1).random(120) < 0.8
    among = np.random.default_rng(2).random(120) < 0.6
    ids, sims = neighbours(vectors, 12, CUT)
    labels = agglomerate(vectors, ids, sims, photos, good, None, CUT, among=among)
    number = np.append(np.where(among, np.cumsum(among) - 1, -1), -1).astype(np.int32)
    alone = agglomerate(
        vectors[among], number[ids[among]], sims[among], photos[among], good[among], None, CUT
    )
    assert (labels[among] == alone).all()
    assert (labels[~among] == ALONE).all()
    assert labels.max() > 0


def test_nobody_makes_no_groups() -> None:
    none = np.zeros((0, 16), np.float32)
    labels = agglomerate(
        none, *neighbours(none, 8, CUT), np.arange(0), np.zeros(0, bool), None, CUT
    )
    assert labels.shape == (0,)
