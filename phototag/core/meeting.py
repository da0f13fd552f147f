"""Whether groups that grew without one another would have met.

Grouping goes by pairs, best first, and time is told by how alike the worst pair was so far. So two
groups can be grown apart and laid side by side afterwards: what each face was part of at any time
is a run of faces in its group, between two gaps that closed later (`core.agglomerate.Grown`). An
edge between the two groups comes up at its similarity. What its ends are part of then is compared;
if that reaches the threshold, the pair is looked at again when nothing better is left, that is when
time has come down to their mean similarity, and so on while one of them has grown in between. If
neither has, they would have merged. Where no edge leads that far, both grow just as they did apart.

This may find more than there is: it leaves out what keeps faces apart (two of a photo), and that a
pair which was compared for one edge is not compared for another. It never finds less.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.pieces import Pieces, in_steps
from phototag.core.types import GRID

Mask = NDArray[np.bool_]
Some = NDArray[np.intp]

AT_ONCE = 4096
"""Pairs that are compared at once: 16 MB of sums."""

NEVER = -np.inf
"""When faces of two groups come together."""


@dataclass(frozen=True, slots=True)
class Edges:
    """Pairs of faces that are alike, none within a group; arrays of one length."""

    one: Some
    other: Some
    sims: NDArray[np.float64]

    def where(self, those: Mask | Some) -> Edges:
        return Edges(self.one[those], self.other[those], self.sims[those])

    def and_then(self, more: Edges) -> Edges:
        pairs = zip(self._arrays(), more._arrays(), strict=True)
        return Edges(*(np.append(here, there) for here, there in pairs))

    def turned(self) -> Edges:
        """The same, told from their other ends."""
        return Edges(self.other, self.one, self.sims)

    def _arrays(self) -> tuple[Some, Some, NDArray[np.float64]]:
        return self.one, self.other, self.sims

    def __len__(self) -> int:
        return len(self.one)


@dataclass(frozen=True, slots=True)
class Lines:
    """Good faces of some groups, group by group, each in the order of its places; arrays of one
    length."""

    rows: Some
    groups: NDArray[np.int64]
    """A number for the group of each, rising from 0."""
    gaps: NDArray[np.float64]
    """When each came together with the next one; `NEVER` for the last of its group."""

    @classmethod
    def of(
        cls,
        rows: Some,
        groups: NDArray[np.int64],
        places: NDArray[np.int32],
        gaps: NDArray[np.float64],
    ) -> Lines:
        """From faces in any order; those without a place are left out."""
        there = np.flatnonzero(places >= 0)
        there = there[np.lexsort((places[there], groups[there]))]
        rows, groups, gaps = rows[there], groups[there], gaps[there].copy()
        ends = np.append(groups[1:] != groups[:-1], True)[: len(groups)]
        gaps[ends] = NEVER
        return cls(rows, np.append(0, np.cumsum(ends)[:-1])[: len(rows)], gaps)

    def at(self, rows: Some) -> Some:
        """Where some of these faces are."""
        order = np.argsort(self.rows)
        found: Some = order[np.searchsorted(self.rows, rows, sorter=order)]
        return found


def meet(edges: Edges, low: Edges, lines: Lines, vectors: Pieces, threshold: float) -> Mask:
    """Which of some edges lead groups to one another, first `edges`, whose ends are all in `lines`,
    then `low` ones, of which the first end is a face that only joins groups in the end.

    `lines` holds all good faces of the groups of those ends.
    """
    here, there = lines.at(edges.one), lines.at(edges.other)
    ends = lines.at(low.other)
    cut = np.full(lines.groups[-1] + 1 if len(lines.groups) else 0, NEVER)
    for end in (here, there):
        np.maximum.at(cut, lines.groups[end], edges.sims)
    parts = _Parts.of(lines, cut, vectors)
    found = _lead(parts, parts.number[here], parts.number[there], edges.sims, threshold)
    return np.append(found, _join(parts, low.one, parts.number[ends], vectors, threshold))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Faces that come together before any edge between two groups matters, as one."""

    number: Some
    """The part of each face in the lines."""
    closed: NDArray[np.float64]
    """[parts + 1]: when each came together with the one before it."""
    sums: NDArray[np.int32]
    """[parts + 1, d]: the sum of all faces before each, in steps. It may run over: differences are
    right all the same, as those of clocks are."""
    counts: NDArray[np.int64]
    """[parts + 1]: how many those are."""

    @classmethod
    def of(cls, lines: Lines, cut: NDArray[np.float64], vectors: Pieces) -> _Parts:
        ends = lines.gaps <= cut[lines.groups]
        number = np.append(0, np.cumsum(ends)[:-1])[: len(ends)]
        count = int(ends.sum())
        sums = np.zeros((count + 1, vectors.width), dtype=np.int32)
        rising = np.argsort(lines.rows)
        for part, values in steps_of(vectors, lines.rows[rising]):
            _add(sums[1:], number[rising[part]], values)
        np.cumsum(sums, axis=0, out=sums)
        counts = np.append(0, np.cumsum(np.bincount(number, minlength=count)))
        return cls(number, np.append(NEVER, lines.gaps[ends]), sums, counts)

    def reach(self, low: Some, high: Some, time: NDArray[np.float64]) -> None:
        """Widen runs of parts, [low, high) each, in place: what they are part of at a time."""
        for ends, step in ((low, -1), (high, 1)):
            some = np.flatnonzero(self.closed[ends] > time)
            while len(some):
                ends[some] += step
                some = some[self.closed[ends[some]] > time[some]]

    def means(self, one: tuple[Some, Some], other: tuple[Some, Some]) -> NDArray[np.float64]:
        """The mean similarities of the faces of pairs of runs."""
        found = np.empty(len(one[0]))
        for start in range(0, len(found), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            a, b = (self.sums[high[part]] - self.sums[low[part]] for low, high in (one, other))
            products = np.einsum("ij,ij->i", a.astype(np.float64), b.astype(np.float64))
            found[part] = products * (GRID * GRID)
        return found / (self.size(*one) * self.size(*other))

    def size(self, low: Some, high: Some) -> NDArray[np.int64]:
        return self.counts[high] - self.counts[low]


def _lead(
    parts: _Parts, here: Some, there: Some, time: NDArray[np.float64], threshold: float
) -> Mask:
    """Which pairs come together, of which an edge comes up at a time."""
    found = np.zeros(len(here), dtype=np.bool_)
    left, time = np.arange(len(here)), time.copy()
    one, other = (here.copy(), here + 1), (there.copy(), there + 1)
    while len(left):
        parts.reach(*one, time)
        parts.reach(*other, time)
        mean = parts.means(one, other)
        # Either it is compared for the first time and better than all that is left, or neither has
        # grown since: then the mean is what it was.
        ripe = (mean >= threshold) & (mean >= time)
        for ends in (*one, *other):  # what came together at this very moment: before it, or after?
            ripe |= parts.closed[ends] == time
        found[left[ripe]] = True
        stay = ~ripe & (mean >= threshold)
        left, time = left[stay], mean[stay]
        one, other = ((low[stay], high[stay]) for low, high in (one, other))
    return found


def _join(parts: _Parts, faces: Some, ends: Some, vectors: Pieces, threshold: float) -> Mask:
    """Which faces are alike enough to whole groups, each told by one of its parts."""
    low, high = ends.copy(), ends + 1
    parts.reach(low, high, np.full(len(ends), np.finfo(np.float64).min))
    found = np.zeros(len(faces), dtype=np.bool_)
    rising = np.argsort(faces, kind="stable")
    for part, values in steps_of(vectors, faces[rising]):
        some = rising[part]
        sums = (parts.sums[high[some]] - parts.sums[low[some]]).astype(np.float64)
        products = np.einsum("ij,ij->i", sums, values.astype(np.float64))
        found[some] = products * (GRID * GRID) / parts.size(low[some], high[some]) >= threshold
    return found


def steps_of(vectors: Pieces, rows: Some) -> Iterator[tuple[slice, NDArray[Any]]]:
    """Some rows (rising) of a table, in steps, a piece at a time."""
    for part, values in vectors.some(rows):
        yield part, values if values.dtype == np.int16 else in_steps(values)


def _add(sums: NDArray[np.int32], numbers: Some, steps: NDArray[Any]) -> None:
    """Add each row of steps to its sum: of each sum the first row, then the second, and so on, for
    most get no more than one. (A sixth of the time of `np.add.reduceat`.)"""
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    first = np.flatnonzero(np.append(True, numbers[1:] != numbers[:-1])[: len(numbers)])
    sizes = np.diff(np.append(first, len(numbers)))
    for turn in range(int(sizes.max(initial=0))):
        some = first[sizes > turn] + turn
        sums[numbers[some]] += steps[order[some]]
