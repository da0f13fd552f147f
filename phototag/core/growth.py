"""Groups that grow, best pair first: the loop in which clustering spends its time.

Python runs it on lists. Where there are very many faces and numba is installed (`phototag[large]`),
the same functions are compiled and run on arrays: the outcome is the same to the last bit, since
sums of vectors on the grid are exact, and the loop takes a sixth of the time.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, MutableMapping, MutableSequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Numbers = MutableSequence[int] | NDArray[Any]
Pair = tuple[float, int, int, int]
"""(-mean similarity, group, later group, how many merges there had been): best first if sorted."""

MANY = 50_000
"""Faces from which on it is compiled: these gain two seconds. To load what was compiled before
takes 0.8 s, compiling 10 s, once."""

PIECE = 65536
"""Edges that are lists at a time."""

MERGES, USED, FREE = 0, 1, 2
"""Places in `State.counts`."""


class State(NamedTuple):
    """Groups while they grow; each goes by its first face's place in the order."""

    parent: Numbers
    size: Numbers
    joined: Numbers
    """After how many merges a face came under its parent."""
    grown: Numbers
    """After how many merges a group was last made larger."""
    slot: Numbers
    """Where in `sums` the sum of a group is; -1 for a face alone, which is its own."""
    sums: NDArray[np.float64]
    free: Numbers
    """Places in `sums` that are free again, `counts[FREE]` of them."""
    counts: Numbers
    """How many merges there were; how many places in `sums` were used so far; how many are free."""
    sets: Numbers
    """Which set of tags a group has; -1 for none. A set goes by one of its faces."""
    tags: Numbers
    """How many tags are in a set."""
    first: Numbers
    last: Numbers
    """The first and the last entry of a set."""
    follows: Numbers
    tag: Numbers
    """Of each entry: the next one (-1: none), and the tag."""
    after: Numbers
    """Of each face: the next one of its group (-1: none), the faces of a smaller group that it came
    from next to one another."""
    tail: Numbers
    """The last face of a group."""
    gaps: Any
    """Of each face: when it came together with the next one (`now`)."""
    now: Any
    """How alike the worst pair was that was looked at so far: it falls as time goes by."""


def find(parent: Numbers, joined: Numbers, face: int) -> int:
    """The group of a face."""
    root, since = face, 0
    while parent[root] != root:
        since = joined[root]
        root = parent[root]
    while parent[face] != root:
        above = parent[face]
        parent[face] = root
        joined[face] = since
        face = above
    return root


def roots(parent: Numbers, joined: Numbers, found: NDArray[np.int64]) -> None:
    """The group of each face, into `found`."""
    for face in range(len(found)):
        found[face] = find(parent, joined, face)


def lines(found: NDArray[np.int64], after: Numbers, places: Numbers) -> None:
    """The place of each face among those of its group (`found`), into `places`."""
    for face in range(len(found)):
        if found[face] == face:
            place = 0
            while face >= 0:
                places[face] = place
                place += 1
                face = after[face]


def hold(held: MutableMapping[int, int], sets: Numbers, tags: Numbers) -> None:
    """Note that each of some sets holds a tag."""
    for entry in range(len(tags)):
        held[sets[entry] * len(tags) + tags[entry]] = 1


def clash(
    sets: Numbers,
    tags: Numbers,
    first: Numbers,
    follows: Numbers,
    tag: Numbers,
    held: MutableMapping[int, int],
    one: int,
    other: int,
) -> bool:
    """Whether a tag keeps two groups apart."""
    few, many = sets[one], sets[other]
    if few < 0 or many < 0:
        return False
    if tags[few] > tags[many]:
        few, many = many, few
    entry = first[few]
    width = len(tag)
    while entry >= 0:
        if many * width + tag[entry] in held:
            return True
        entry = follows[entry]
    return False


def hand_on(state: State, held: MutableMapping[int, int], one: int, other: int) -> None:
    """The first group has the tags of both from now on."""
    few, many = state.sets[one], state.sets[other]
    if few < 0 or many < 0:
        state.sets[one] = max(few, many)
        return
    if state.tags[few] > state.tags[many]:
        few, many = many, few
    width = len(state.tag)
    entry = state.first[few]
    while entry >= 0:
        held[many * width + state.tag[entry]] = 1
        entry = state.follows[entry]
    state.follows[state.last[many]] = state.first[few]
    state.last[many] = state.last[few]
    state.tags[many] += state.tags[few]
    state.sets[one] = many


def add_up(state: State, vectors: Any, row: Numbers, one: int, other: int) -> None:
    """The first group has the sum of both from now on."""
    slot, sums, count = state.slot, state.sums, state.counts
    here, there = slot[one], slot[other]
    if here < 0 and there < 0:
        if count[FREE] > 0:
            count[FREE] -= 1
            here = state.free[count[FREE]]
        else:
            here = count[USED]
            count[USED] += 1
        sums[here] = vectors[row[one]]
        sums[here] += vectors[row[other]]
    elif here < 0:
        here = there
        sums[here] += vectors[row[one]]
    elif there < 0:
        sums[here] += vectors[row[other]]
    else:
        sums[here] += sums[there]
        state.free[count[FREE]] = there
        count[FREE] += 1
    slot[one] = here
    slot[other] = -1


def join(state: State, one: int, other: int, merges: int, now: float) -> None:
    """The first group has the faces of both from now on."""
    state.parent[other] = one
    state.size[one] += state.size[other]
    state.joined[other] = state.grown[one] = merges
    last = state.tail[one]
    state.after[last], state.gaps[last] = other, now
    state.tail[one] = state.tail[other]


def grow(
    one: Numbers,
    other: Numbers,
    sims: Any,
    heap: list[Pair],
    compared: MutableMapping[int, int],
    is_last: bool,
    state: State,
    held: MutableMapping[int, int],
    vectors: Any,
    row: Numbers,
    threshold: float,
    scale: float,
) -> None:
    """Merge the best pair until none is left at the threshold, or all of these edges are looked at
    (more will follow, unless this is the last call).

    The next pair comes from the edges (`one` before `other`, best first) or from the heap of groups
    that were compared, whichever is better. A pair that is not up to date is compared anew and put
    back, unless the two groups were compared since both its faces are in them: that covers it.
    """
    parent, size, joined, grown = state.parent, state.size, state.joined, state.grown
    slot, sums, merges = state.slot, state.sums, state.counts[MERGES]
    sets, tags, first, follows, tag = state.sets, state.tags, state.first, state.follows, state.tag
    count, at, width, now = len(sims), 0, len(parent), state.now[0]
    fresh = (-1.0, 0, 0, -1)
    if count:
        fresh = (-sims[0], one[0], other[0], -1)
    while at < count or (is_last and len(heap) > 0):
        if at < count and (len(heap) == 0 or fresh < heap[0]):
            pair = fresh
            at += 1
            if at < count:
                fresh = (-sims[at], one[at], other[at], -1)
        else:
            pair = heapq.heappop(heap)
        best, a, b, when = pair
        now = min(now, -best)
        x, y = find(parent, joined, a), find(parent, joined, b)
        if x == y:
            continue
        together = max(joined[a], joined[b])
        if x > y:
            x, y = y, x
        if a == x and b == y and max(grown[a], grown[b]) <= max(when, 0):
            # The pair is of these groups, and neither has grown since it was compared.
            if not clash(sets, tags, first, follows, tag, held, x, y):
                add_up(state, vectors, row, x, y)
                hand_on(state, held, x, y)
                merges += 1
                join(state, x, y, merges, now)
            continue
        key = x * width + y
        last = compared.get(key, -1)
        if last < together or last <= when:
            compared[key] = merges
            mean = product(vectors, row, slot, sums, x, y) * scale / (size[x] * size[y])
            if mean >= threshold and not clash(sets, tags, first, follows, tag, held, x, y):
                heapq.heappush(heap, (-mean, x, y, merges))
    state.counts[MERGES] = merges
    state.now[0] = now


def grow_by_pieces(
    one: NDArray[np.int64], other: NDArray[np.int64], sims: NDArray[np.float64], *rest: Any
) -> None:
    """`grow`, with all edges as arrays: as lists they would be a hundred bytes each."""
    heap: list[Pair] = []
    compared: dict[int, int] = {}
    for start in range(0, max(1, len(sims)), PIECE):
        part, is_last = slice(start, start + PIECE), start + PIECE >= len(sims)
        lists = one[part].tolist(), other[part].tolist(), sims[part].tolist()
        grow(*lists, heap, compared, is_last, *rest)


def grow_at_once(
    one: NDArray[np.int64], other: NDArray[np.int64], sims: NDArray[np.float64], *rest: Any
) -> None:
    """The same, for a compiler, which knows the types of what is empty by what was in it."""
    heap = [(0.0, 0, 0, 0)]
    heap.pop()
    compared = {0: 0}
    compared.pop(0)
    grow(one, other, sims, heap, compared, True, *rest)


def product(
    vectors: Any, row: Numbers, slot: Numbers, sums: NDArray[np.float64], one: int, other: int
) -> float:
    """The dot product of the sums of two groups."""
    a = sums[slot[one]] if slot[one] >= 0 else vectors[row[one]].astype(np.float64)
    b = sums[slot[other]] if slot[other] >= 0 else vectors[row[other]].astype(np.float64)
    return float(np.dot(a, b))


class Way(NamedTuple):
    """How it is run."""

    numbers: Callable[[NDArray[Any]], Any]
    """What holds whole numbers."""
    table: Callable[[], Any]
    grow: Callable[..., None]
    roots: Callable[..., None]
    lines: Callable[..., None]
    hold: Callable[..., None]


PLAIN = Way(np.ndarray.tolist, dict, grow_by_pieces, roots, lines, hold)


def way(count: int) -> Way:
    """The faster one for so many faces: what is compiled is used for few, too."""
    if count >= MANY or compiled.cache_info().currsize:
        return compiled() or PLAIN
    return PLAIN


@cache
def compiled() -> Way | None:
    """Compiled by numba; None where that is not installed."""
    try:
        import numba
        from numba import types
        from numba.extending import register_jitable
    except ImportError:
        return None
    for function in (find, clash, hand_on, add_up, join, product, grow):
        register_jitable(function)

    def kept(function: Any) -> Any:
        try:
            return numba.njit(cache=True, nogil=True)(function)
        except RuntimeError:  # nowhere to keep what was compiled
            return numba.njit(nogil=True)(function)

    return Way(
        np.ascontiguousarray,
        lambda: numba.typed.Dict.empty(types.int64, types.int64),
        kept(grow_at_once),
        kept(roots),
        kept(lines),
        kept(hold),
    )
