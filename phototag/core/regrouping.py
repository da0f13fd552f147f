"""Group again only what a change reaches, with the outcome of grouping everything.

In a large library nearly all faces hang together in one part of the graph, by chance pairs above
the threshold. So parts of the graph cannot be the unit of work when somebody is named or a night
brings photos. Groups can, because merges within a final group depend on its own faces only: a pair
of groups that never merge does nothing to either but be compared. So groups are grown apart, and
then it is made sure that they would not have met:

(1) Take the groups in which a face came, went or changed, each by itself; a face that is in none
    goes with the face that it is most like. Grow each of these parts without the others.
(2) Hold each edge that leads out of a part against how both its ends grew (`core.meeting`): the
    part as it grew now, and a group that nothing changed as it grew when it was made. Two groups
    that nothing changed need no look: they did not meet then.
(3) Where an edge leads two to one another, they are one part from now on: grow that, and look at
    its edges. When there is no such edge any more, the first merge across would have to come from
    one: so grouping everything gives the same.

How a group grew is kept from one time to the next (`History`), and made anew where it is not known.
Faces that join groups in the end (`agglomerate`'s low ones) count as parts of their group.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core import growth
from phototag.core.agglomerate import ALONE, LINKS, Grown, Labels, Mask, Spans, grown, linked
from phototag.core.meeting import Edges, Lines, meet
from phototag.core.neighbours import Each, Ids, mixed
from phototag.core.pieces import Pieces
from phototag.core.types import Vectors

Some = NDArray[np.intp]
"""Rows, rising."""

Marks = NDArray[np.uint64]

Names = NDArray[np.int64]
"""Of groups and faces (`_names`)."""

AT_ONCE = 4096
"""Faces that are grown at once, if their parts are small: so few that what they need stays near the
processor. 864,000 faces of an archive, compiled: 9.5 s for 1,024 to 16,384 at once, 21 s for 512,
some times as long for all, as each pair is of other groups then."""

FEW = 2
"""Where one face in so many is in no group yet, all are grown as one part: at a first scan. 45,000
new faces beside 321,000 are grouped in 4 s by parts, and in 12 s as one."""


@dataclass(frozen=True, slots=True)
class History:
    """How groups grew, kept for later: arrays of one length."""

    marks: Marks
    """What tells that the group of a face is still the same: a sum over its faces. 0: not known."""
    places: NDArray[np.int32]
    gaps: NDArray[np.float64]
    """As `core.agglomerate.Grown` tells."""

    @classmethod
    def empty(cls, count: int) -> History:
        return cls(
            np.zeros(count, np.uint64), np.full(count, -1, np.int32), np.zeros(count, np.float64)
        )


@dataclass(frozen=True, slots=True)
class Faces:
    """All faces, with their graph as `neighbours` makes it: arrays of one length, of which only the
    rows that a change reaches are read."""

    vectors: Pieces
    ids: Ids
    sims: Vectors
    photos: NDArray[Any]
    good: Mask
    """Whether its quality lets a face start groups."""
    order: NDArray[np.int64]
    """A distinct sort key for each face."""
    spans: Spans | None = None
    names: NDArray[np.int64] | None = None
    """A distinct number for each face that lasts (default: the row)."""
    history: History | None = None

    def edges_out(self, rows: Some, part: Labels) -> Iterator[Ends]:
        """The edges from some rows to others that are not of their part."""
        for one, columns, other, _ in linked(self.ids, rows, part):
            yield one, other.astype(np.intp), self.sims[one, columns]
        yield self._nearest_to(rows, part)

    def _nearest_to(self, rows: Some, part: Labels) -> Ends:
        """The edges to some rows from faces of other parts whose nearest they are."""
        inside = np.zeros(len(self.ids), dtype=np.bool_)
        inside[rows] = True
        nearest = np.asarray(self.ids[:, 0])
        found = np.flatnonzero((nearest >= 0) & inside[nearest])
        to = nearest[found].astype(np.intp)
        away = part[found] != part[to]
        found, to = found[away], to[away]
        return to, found, self.sims[found, 0]


Ends = tuple[Some, Some, Vectors]
"""Rows, rows of the other ends, similarities."""


def distinct(labels: Labels) -> Labels:
    """The groups among some labels, rising."""
    return np.flatnonzero(np.bincount(labels[labels > ALONE]))


def belong(labels: Labels, groups: Labels) -> Mask:
    """Which labels are of some groups."""
    wanted = np.zeros(labels.max(initial=ALONE) + 2, dtype=np.bool_)  # the last: of those below 0
    wanted[groups[groups < len(wanted) - 1]] = True
    return wanted[np.maximum(labels, ALONE)]


@dataclass(slots=True)
class Standing:
    """What is known of the faces before and after a change, read when it is asked for."""

    look: Callable[[Some], tuple[Mask, Labels]]
    """For some rows: whether each is among those to be grouped now, and its group in the grouping
    before the change (-1: alone, or not among those grouped then)."""
    members: Callable[[Labels], Some]
    """The rows that were in some groups before."""


@dataclass(frozen=True, slots=True)
class Regrouped:
    """What came out; arrays of one length each for `rows` and for `known`."""

    rows: Some
    """That were grouped again; all other faces keep their old group."""
    labels: Labels
    """Their groups, numbered by their first face in order (-1: alone, or not to be grouped)."""
    known: Some
    """Rows of which it is known now how their group grew, maybe not for the first time."""
    history: History
    """How, of these."""


NO_EDGES = Edges(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.float64))


def regroup_around(
    faces: Faces,
    threshold: float,
    free_photos: Collection[int] = (),
    *,
    standing: Standing,
    seeds: Some,
    lost: Edges = NO_EDGES,
    each: Each = map,
) -> Regrouped:
    """The groups among some faces after a change, told from the groups before it.

    `threshold` and `free_photos` as for `agglomerate`; `seeds`: the rows of faces that came, went,
    or whose list, photo, quality or neighbourhood by the old lists changed. Faces of which nothing
    changed but that they lost edges to one another need not be among them: `lost` has those edges.
    `each` maps as `map` does, by threads maybe.
    """
    work = _Work(faces, threshold, free_photos, standing, each)
    again = work.begin(seeds, lost)
    while len(again):
        again = work.unite(*work.encounters(work.grow(again)))
    return work.outcome()


UNTOUCHED = -2

GROUP, FACE, PART, GROWN = range(4)
"""What a name is the name of: a group that stands, a face, a part, a group that was grown again."""


def _names(values: NDArray[Any], of: int) -> Names:
    return values.astype(np.int64) * 4 + of


class _Work:
    """The grouping as far as it is known: what came out, and elsewhere what stood before."""

    def __init__(
        self,
        faces: Faces,
        threshold: float,
        free_photos: Collection[int],
        standing: Standing,
        each: Each = map,
    ) -> None:
        self.faces, self.threshold = faces, threshold
        self.free_photos, self.standing, self.each = free_photos, standing, each
        count = len(faces.ids)
        self.labels = np.full(count, UNTOUCHED, dtype=np.int64)
        """The group of each face that was grown again."""
        self.part = np.full(count, ALONE, dtype=np.int64)
        """The part that each of these is in; `ALONE` for all others."""
        self.places = np.full(count, -1, dtype=np.int32)
        self.gaps = np.zeros(count)
        """How the groups grew that were looked at."""
        self.number = np.full(count + 1, -1, dtype=np.int32)
        """Of faces that are grown at once; the last is where -1 lands."""
        self.learnt = np.zeros(count, dtype=np.bool_)
        """Faces of groups that stand of which it had to be worked out."""
        self.groups = self.parts = 0

    def name(self, rows: Some) -> Names:
        """What each face belongs to: the part, or else the group that stands, or itself."""
        part, (_, before) = self.part[rows], self.standing.look(rows)
        stands = np.where(before > ALONE, _names(before, GROUP), _names(rows, FACE))
        return np.where(part > ALONE, _names(part, PART), stands)

    def _rows(self, *some: NDArray[np.integer[Any]]) -> Some:
        """All of these rows, rising, each once. (Much faster than a hash or sorting.)"""
        there = np.zeros(len(self.part), dtype=np.bool_)
        for rows in some:
            there[rows] = True
        return np.flatnonzero(there)

    # ---- parts

    def begin(self, seeds: Some, lost: Edges) -> Labels:
        """Make the first parts; which those are."""
        seeds = self._rows(seeds)
        now, before = self.standing.look(seeds)
        self.labels[seeds] = ALONE
        new = seeds[now & (before == ALONE)]
        groups = _names(distinct(np.append(before, self._of_both(lost))), GROUP)
        if len(new) * FEW > len(self.faces.ids):
            names = np.append(groups, _names(new, FACE))
            return self._take(names, np.zeros(len(names), dtype=np.int64))
        one, other = self._nearest(new)
        pairs = np.append(self.name(one), groups), np.append(self.name(other), groups)
        rest = _names(new, FACE)
        return self.unite(np.append(pairs[0], rest), np.append(pairs[1], rest))

    def _of_both(self, edges: Edges) -> Labels:
        """The groups that hold both ends of an edge."""
        one, other = (self.standing.look(end)[1] for end in (edges.one, edges.other))
        both: Labels = one[one == other]
        return both

    def _nearest(self, new: Some) -> tuple[Some, Some]:
        """Pairs of each of some faces and the one that is most like it of those to be grouped."""
        lists = self.faces.ids[new]
        others = self._rows(lists[lists >= 0])
        open_ = np.append(self.standing.look(others)[0], False)
        open_ = open_[np.where(lists >= 0, np.searchsorted(others, lists), len(others))]
        some = np.flatnonzero(open_.any(axis=1))
        return new[some], lists[some, open_[some].argmax(axis=1)].astype(np.intp)

    def unite(self, one: Names, other: Names) -> Labels:
        """Let what pairs of names stand for be one part, with all that hangs together by them;
        which parts those are."""
        names, ends = np.unique(np.append(one, other), return_inverse=True)
        return self._take(names, _components(len(names), ends[: len(one)], ends[len(one) :]))

    def _take(self, names: Names, numbers: Labels) -> Labels:
        """Let what some names stand for be of new parts, by their numbers; which those are."""
        if not len(names):
            return numbers
        numbers, (values, of) = numbers + self.parts, np.divmod(names, 4)
        self.parts = int(numbers.max()) + 1
        parts = np.full(self.parts + 1, ALONE, dtype=np.int64)
        parts[values[of == PART]] = numbers[of == PART]
        again = np.flatnonzero(belong(self.part, values[of == PART]))
        self.part[again] = parts[self.part[again]]
        groups = values[of == GROUP]
        if len(groups):
            rows = self.standing.members(groups)
            at = np.searchsorted(groups, self.standing.look(rows)[1])
            self.part[rows] = numbers[of == GROUP][at]
        self.part[values[of == FACE]] = numbers[of == FACE]
        return np.unique(numbers)

    # ---- growing

    def grow(self, parts: Labels) -> Some:
        """Grow some parts, each without the others; their rows that are to be grouped."""
        rows = np.flatnonzero(belong(self.part, parts))
        self.labels[rows] = ALONE
        rows = rows[self.standing.look(rows)[0]]
        labels = self._grown(rows, self.part[rows])
        self.labels[rows] = np.where(labels > ALONE, labels + self.groups, ALONE)
        self.groups += len(rows)
        return rows

    def _grown(self, rows: Some, parts: Labels) -> Labels:
        """The groups in some parts; how they grew is noted."""
        faces = self.faces
        compiled = growth.way(len(rows)) is not growth.PLAIN  # for all of the batches, then
        each = self.each if compiled and len(rows) > AT_ONCE else map  # Python takes turns
        vectors = faces.vectors.gathered(rows)
        found = np.full(len(rows), ALONE, dtype=np.int64)
        order = np.argsort(parts, kind="stable")
        self.number[rows[order]] = np.arange(len(rows), dtype=np.int32)
        sorted_parts = parts[order]
        one = len(rows) > 0 and sorted_parts[0] == sorted_parts[-1]

        def work(batch: slice) -> None:
            those = order[batch]
            here = rows[those]
            near = self.number[faces.ids[here]]
            near[sorted_parts[near] != sorted_parts[batch, None]] = -1
            near[near >= 0] -= batch.start
            groups = self._grown_at_once(here, vectors if one else vectors[those], near)
            found[those] = np.where(groups.labels > ALONE, groups.labels + batch.start, ALONE)
            self.places[here], self.gaps[here] = groups.places, groups.gaps

        for _ in each(work, _batches(sorted_parts)):
            pass
        self.number[rows] = -1
        return found

    def _grown_at_once(self, rows: NDArray[np.intp], vectors: NDArray[Any], near: Ids) -> Grown:
        faces = self.faces
        return grown(
            vectors,
            near,
            faces.sims[rows],
            faces.photos[rows],
            faces.good[rows],
            faces.order[rows],
            self.threshold,
            self.free_photos,
            spans=None if faces.spans is None else faces.spans[rows],
        )

    # ---- meeting

    def encounters(self, rows: Some) -> tuple[Names, Names]:
        """Pairs of names that edges from some grown rows lead to one another."""
        edges, good = self._edges_out(rows), self.faces.good
        beside = self._rows(edges.other[self.part[edges.other] == ALONE])
        members, others = self._recall(beside)
        ends = self._rows(edges.one, edges.other)
        lines = self._lines(self._rows(self._mates(ends[self.part[ends] > ALONE]), members))
        strong = edges.where(good[edges.one] & good[edges.other])
        low = edges.where(~good[edges.one] & good[edges.other])
        turned = edges.where(good[edges.one] & ~good[edges.other]).turned()
        low = low.and_then(turned)
        met = meet(strong, low, lines, self.faces.vectors, self.threshold)
        pairs = strong.and_then(low).where(met)
        return np.append(self.name(pairs.one), others), np.append(self.name(pairs.other), others)

    def _mates(self, rows: Some) -> Some:
        """Some faces that were grown, and those that came out in a group with one of them."""
        groups = distinct(self.labels[rows])
        mates = np.flatnonzero(belong(self.labels, groups)) if len(groups) else groups
        return self._rows(rows, mates)

    def _lines(self, rows: Some) -> Lines:
        """How the groups of some faces grew, all of whose faces are there."""
        label, part = self.labels[rows], self.part[rows]
        grown_here = np.where(label > ALONE, _names(label, GROWN), _names(rows, FACE))
        groups = np.where(part > ALONE, grown_here, self.name(rows))
        return Lines.of(rows, groups, self.places[rows], self.gaps[rows])

    def _edges_out(self, rows: Some) -> Edges:
        """The edges from some rows to faces of other parts."""
        found = zip(*self.faces.edges_out(rows, self.part), strict=True)
        one, other, sims = (np.concatenate(values) for values in found)
        others = self._rows(other)
        open_ = self.standing.look(others)[0][np.searchsorted(others, other)]
        return Edges(one[open_], other[open_], sims[open_].astype(np.float64))

    def _recall(self, beside: Some) -> tuple[Some, Names]:
        """How the groups of some faces that stand grew: (all faces in them, and names of those that
        would not be the same if they were grown again)."""
        _, before = self.standing.look(beside)
        alone = beside[before == ALONE]
        self.places[alone] = np.where(self.faces.good[alone], 0, -1)
        groups = distinct(before)
        if not len(groups):
            return alone, _names(groups, GROUP)
        rows = self.standing.members(groups)
        _, before = self.standing.look(rows)
        known = self.learnt[rows]
        history = self.faces.history
        if history is not None:
            same = history.marks[rows] == _marks(self.faces, rows, before, self.free_photos)
            same = ~belong(before, distinct(before[~same])) & ~known
            there = rows[same]
            self.places[there], self.gaps[there] = history.places[there], history.gaps[there]
            known |= same
        asked = rows[~known]
        labels = self._grown(asked, before[~known])
        self.learnt[asked] = True
        return self._rows(rows, alone), _names(_torn(before[~known], labels), GROUP)

    def outcome(self) -> Regrouped:
        """What came out, groups numbered by their first face in order."""
        done = np.flatnonzero(self.labels != UNTOUCHED)
        labels = self.labels[done]
        there = np.flatnonzero(labels > ALONE)
        rising = there[np.argsort(self.faces.order[done[there]])]
        _, first, number = np.unique(labels[rising], return_index=True, return_inverse=True)
        place = np.empty(len(first), dtype=np.int64)
        place[np.argsort(first)] = np.arange(len(first))
        labels[rising] = place[number]
        known = np.flatnonzero(self.learnt | (self.labels != UNTOUCHED))
        stands = self.labels[known] == UNTOUCHED
        groups = self.labels[known]
        groups[stands] = self.standing.look(known[stands])[1] + self.groups
        marks = _marks(self.faces, known, groups, self.free_photos)
        return Regrouped(done, labels, known, History(marks, self.places[known], self.gaps[known]))


_RULE = np.uint64(int.from_bytes(LINKS.encode()[:8], "little"))
"""How groups grew by another rule is not known."""


def _marks(faces: Faces, rows: Some, groups: Labels, free_photos: Collection[int]) -> Marks:
    """What tells a group from any other, for each of its faces: a sum of numbers of all of them,
    by what they are. 0 for a face alone. `rows` holds groups as a whole."""
    names = rows if faces.names is None else faces.names[rows]
    free = np.isin(faces.photos[rows], np.array(sorted(free_photos), dtype=np.int64))
    what = names.astype(np.int64) * 4 + faces.good[rows] * 2 + free
    values = mixed(what.view(np.uint64) ^ _RULE)
    order = np.argsort(groups, kind="stable")
    first = np.flatnonzero(np.append(True, groups[order[1:]] != groups[order[:-1]])[: len(order)])
    found = np.zeros(len(rows), dtype=np.uint64)
    if len(order):
        sums = np.add.reduceat(values[order], first)
        found[order] = np.repeat(sums, np.diff(np.append(first, len(order))))
    found[groups == ALONE] = 0
    return found


def _torn(groups: Labels, labels: Labels) -> Labels:
    """The groups whose faces do not all have one label."""
    if not len(groups):
        return groups
    order = np.argsort(groups, kind="stable")
    groups, labels = groups[order], labels[order]
    same = (labels[1:] == labels[:-1]) | (groups[1:] != groups[:-1])
    return np.union1d(groups[labels == ALONE], groups[1:][~same])


def _batches(parts: Labels) -> Iterator[slice]:
    """Runs of faces of some parts (rising), several parts at a time, each as a whole."""
    ends = np.append(np.flatnonzero(parts[1:] != parts[:-1]) + 1, len(parts))
    start = 0
    while start < len(parts):
        last = np.searchsorted(ends, start + AT_ONCE, side="right") - 1
        first = np.searchsorted(ends, start, side="right")
        stop = int(ends[max(first, last)])
        yield slice(start, stop)
        start = stop


def _components(count: int, one: Some, other: Some) -> Labels:
    """What hangs together by some pairs of 0 to count - 1: a number for each, from 0."""
    least = np.arange(count)
    while True:
        before = least.copy()
        np.minimum.at(least, one, before[other])
        np.minimum.at(least, other, before[one])
        least = least[least]
        if (least == before).all():
            return np.unique(least, return_inverse=True)[1].astype(np.int64)
