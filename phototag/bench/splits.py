"""Who is trained on and who is tested on: parts of a set that share no photo. Pure."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

import numpy as np

from phototag.errors import UsageError

TRAIN, VALIDATION, TEST = "train", "validation", "test"
OUTSIDE_VALIDATION, OUTSIDE_TEST = "outside-validation", "outside-test"
PARTS = (TRAIN, VALIDATION, TEST, OUTSIDE_VALIDATION, OUTSIDE_TEST)
"""The last two: people who are no class, to see whether they are taken for one."""

Shares = Mapping[str, float]


def read_shares(text: str) -> dict[str, float]:
    """`80/20` (train, test) or `70/15/15` (train, validation, test), in percent. Raises
    UsageError."""
    if not re.fullmatch(r"\d+(/\d+){1,2}", text):
        raise UsageError(f"{text!r} is no split. Say 80/20 (train/test) or 70/15/15.")
    numbers = [int(part) for part in text.split("/")]
    if sum(numbers) != 100 or min(numbers) == 0:
        raise UsageError(f"The parts of {text!r} must add up to 100, and none may be empty.")
    names = (TRAIN, TEST) if len(numbers) == 2 else (TRAIN, VALIDATION, TEST)
    return {name: number / 100 for name, number in zip(names, numbers, strict=True)}


def groups_of(count: int, same: Iterable[tuple[int, int]]) -> list[int]:
    """A number for each of `count` faces, equal for those that `same` ties together, also by way of
    others."""
    root = list(range(count))

    def find(face: int) -> int:
        while root[face] != face:
            root[face] = root[root[face]]
            face = root[face]
        return face

    for one, other in same:
        low, high = sorted((find(one), find(other)))
        root[high] = low
    return [find(face) for face in range(count)]


def tied(keys: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Pairs of rows that have the same key, enough to tie them all; None ties nothing."""
    first: dict[Hashable, int] = {}
    return [
        (first.setdefault(key, row), row)
        for row, key in enumerate(keys)
        if key is not None and first.setdefault(key, row) != row
    ]


def split(people: Sequence[str], groups: Sequence[int], shares: Shares, seed: int) -> list[str]:
    """The part of each face: every group in one part, every person in every part by `shares` as
    near as the groups allow.

    The largest groups are placed first, each where its people lack most; equal ones in an order
    that `seed` draws. A person's last group is for `test`, where that has none of them.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for row, group in enumerate(groups):
        members[group].append(row)
    drawn = np.random.default_rng(seed).permutation(len(members)).tolist()
    order = sorted(zip(drawn, members.values(), strict=True), key=lambda g: (-len(g[1]), g[0]))
    room = _Room(Counter(people), independent(people, groups), shares)
    parts = [""] * len(people)
    for _, rows in order:
        part = room.place(Counter(people[row] for row in rows))
        for row in rows:
            parts[row] = part
    return parts


class _Room:
    """What the parts still lack of each person."""

    def __init__(self, faces: Mapping[str, int], groups: Mapping[str, int], shares: Shares) -> None:
        self._lack = {
            part: {p: share * n for p, n in faces.items()} for part, share in shares.items()
        }
        self._left = dict(groups)
        self._seen: set[tuple[str, str]] = set()

    def place(self, inside: Mapping[str, int]) -> str:
        """The part for a group with so many faces of each person."""
        part = max(
            self._lack, key=lambda name: sum(n * self._need(p, name) for p, n in inside.items())
        )
        for person, count in inside.items():
            self._lack[part][person] -= count
            self._left[person] -= 1
            self._seen.add((person, part))
        return part

    def _need(self, person: str, part: str) -> float:
        """The faces that the part lacks; very many where it is the last chance to be tested."""
        untested = (person, TEST) not in self._seen and (person, TRAIN) in self._seen
        if part == TEST and untested and self._left[person] == 1:
            return 1e9
        return self._lack[part][person]


def independent(people: Sequence[str], groups: Sequence[int]) -> dict[str, int]:
    """How many groups each person is in: photos that are no copies of one another."""
    found = Counter(person for person, _ in set(zip(people, groups, strict=True)))
    return {person: found[person] for person in sorted(found)}


def set_aside(counts: Mapping[str, int], least: int, more: int, seed: int) -> dict[str, str]:
    """The people who become no class, with their part: those of fewer than `least` photos, and
    `more` of the others, drawn by `seed` among those with the fewest photos (twice as many as are
    wanted). Halves: one to choose the threshold with, one to test it."""
    few = [person for person, count in counts.items() if count < least]
    rest = sorted((p for p in counts if p not in set(few)), key=lambda p: (counts[p], p))
    random = np.random.default_rng(seed)
    pool = rest[: 2 * more]
    drawn = sorted(pool[i] for i in random.permutation(len(pool))[:more].tolist())
    outside = [(few + drawn)[i] for i in random.permutation(len(few) + len(drawn)).tolist()]
    halves = (OUTSIDE_TEST, OUTSIDE_VALIDATION)
    return {person: halves[i % 2] for i, person in enumerate(outside)}
