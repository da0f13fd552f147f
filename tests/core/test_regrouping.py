"""Grouping what a change reaches equals grouping everything."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.core import regrouping
from phototag.core.agglomerate import ALONE, agglomerate
from phototag.core.meeting import Edges
from phototag.core.neighbours import extend_neighbours, lengthened, lost_edges, neighbours
from phototag.core.pieces import Pieces
from phototag.core.regrouping import NO_EDGES, Faces, History, Regrouped, Standing, regroup_around
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


class Archive:
    """A library that changes again and again, and remembers how its groups grew."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(2000 + seed)
        count = self.count = int(self.chance.integers(80, 400))
        spread = float(self.chance.uniform(0.4, 1.2))
        self.vectors = crowd(seed, count, int(self.chance.integers(3, 60)), spread)
        self.photos = self.chance.integers(count // 2, size=count)
        self.good = self.chance.random(count) > 0.2
        begins = self.chance.integers(4, size=count)
        self.spans = np.stack([begins, begins + 1], axis=1)
        self.spans[self.photos > 5] = 0
        self.among = self.chance.random(count) > 0.15
        self.free: set[int] = {3}
        self.here = int(count * self.chance.uniform(0.5, 0.9))
        self.graph = neighbours(self.vectors[: self.here], K, CUT)
        self.groups = self.whole()
        self.history = History.empty(count)

    def whole(self) -> NDArray[np.int64]:
        """The groups of all who are here, made from nothing."""
        n = self.here
        return agglomerate(
            self.vectors[:n], *self.graph, self.photos[:n], self.good[:n], np.arange(n), CUT,
            self.free, among=self.among[:n], spans=self.spans[:n],
        )  # fmt: skip

    def more(self, new: int) -> tuple[NDArray[np.bool_], Edges]:
        """Faces come: (who is new, the edges that are lost)."""
        before, self.here = self.here, min(self.count, self.here + new)
        new = self.here - before
        ids, sims, changed = extend_neighbours(
            *self.graph, self.vectors[:before], self.vectors[before : self.here], K, CUT
        )
        old = lengthened(self.graph[0], new, -1), lengthened(self.graph[1], new, 0)
        self.graph = ids, sims
        self.groups = np.append(self.groups, np.full(new, ALONE))
        lost = Edges(*lost_edges(old, ids, changed))
        self.history.marks[lost.one] = self.history.marks[lost.other] = 0
        return np.arange(self.here) >= before, lost

    def regrouped(self, was: NDArray, seeds: NDArray, lost: Edges = NO_EDGES) -> Regrouped:
        """Group around a change, `was` being those who took part before."""
        n, rest = self.here, self.history
        before = np.where(was[:n], self.groups, ALONE)
        kept = History(rest.marks[:n], rest.places[:n], rest.gaps[:n])
        faces = Faces(
            Pieces.of(self.vectors[:n]), *self.graph, self.photos[:n], self.good[:n],
            np.arange(n), self.spans[:n], 7 * np.arange(n), kept,
        )  # fmt: skip
        standing = Standing(
            lambda rows: (self.among[rows], before[rows]),
            lambda those: np.flatnonzero(np.isin(before, those)),
        )
        seeds = np.flatnonzero(seeds[:n])
        found = regroup_around(faces, CUT, self.free, standing=standing, seeds=seeds, lost=lost)
        again, labels = np.zeros(n, bool), np.full(n, ALONE)
        again[found.rows], labels[found.rows] = True, found.labels
        self.groups = merged(before, again, labels, self.among[:n])
        return found

    def remember(self, found: Regrouped) -> None:
        for name in History.__slots__:
            getattr(self.history, name)[found.known] = getattr(found.history, name)


@pytest.mark.parametrize("at_once", [5, 4096])
@pytest.mark.parametrize("seed", range(15))
def test_after_nights_and_decisions_in_turn_the_groups_are_those_of_a_full_run(
    seed: int, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(regrouping, "AT_ONCE", at_once)
    archive = Archive(seed)
    for step in range(6):
        was, free = archive.among.copy(), archive.free
        seeds, lost = np.zeros(archive.here, bool), NO_EDGES
        if night := step % 2 == 0:
            seeds, lost = archive.more(int(archive.chance.integers(1, 12)))
        if step % 3:
            few = archive.chance.random(archive.count) < 0.03
            archive.among = was ^ few
            archive.free = set(archive.chance.integers(archive.photos.max(), size=2).tolist())
            other = np.isin(archive.photos, sorted(free ^ archive.free))
            seeds |= (few | other)[: archive.here]
        found = archive.regrouped(was, seeds, lost)
        among = archive.among[: archive.here]
        assert groups(archive.groups, among) == groups(archive.whole(), among)
        if night:  # as it is kept beside the catalogue
            archive.remember(found)


@pytest.mark.parametrize("remembers", [True, False])
def test_the_groups_beside_a_change_are_grown_only_where_it_is_not_known_how_they_grew(
    remembers: bool,
) -> None:
    archive = Archive(7)
    found = archive.regrouped(archive.among, np.ones(archive.here, bool))
    assert len(found.known) == len(found.rows) == archive.here
    if remembers:
        archive.remember(found)
    was = archive.among.copy()
    names, sizes = np.unique(archive.groups[archive.groups != ALONE], return_counts=True)
    archive.among[np.flatnonzero(archive.groups == names[sizes.argmin()])[0]] = False
    found = archive.regrouped(was, archive.among != was)
    assert groups(archive.groups, archive.among[: archive.here]) == groups(
        archive.whole(), archive.among[: archive.here]
    )
    assert (len(found.known) == len(found.rows)) == remembers


def test_how_a_group_grew_is_told_only_of_the_very_same_faces() -> None:
    archive = Archive(5)
    everybody = np.ones(archive.here, bool)
    archive.remember(archive.regrouped(archive.among, everybody))
    marks = archive.history.marks[: archive.here]
    together = archive.groups != ALONE
    assert (marks[together] != 0).all()
    pairs = {*zip(archive.groups[together].tolist(), marks[together].tolist(), strict=True)}
    assert len(pairs) == len({group for group, _ in pairs}) == len({mark for _, mark in pairs})
