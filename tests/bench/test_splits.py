"""Training and test never share a photo."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.bench.splits import (
    OUTSIDE_TEST,
    OUTSIDE_VALIDATION,
    TEST,
    TRAIN,
    groups_of,
    independent,
    read_shares,
    set_aside,
    split,
    tied,
)
from phototag.errors import UsageError

SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
FACES = st.lists(st.tuples(st.sampled_from("ABCDE"), st.integers(0, 30)), min_size=1, max_size=80)


@given(FACES, st.integers(0, 3))
@settings(max_examples=60, deadline=None)
def test_no_group_is_on_two_sides_and_the_seed_decides(
    faces: list[tuple[str, int]], seed: int
) -> None:
    people, groups = [p for p, _ in faces], [g for _, g in faces]
    parts = split(people, groups, SHARES, seed)
    assert len({(group, part) for group, part in zip(groups, parts, strict=True)}) == len(
        set(groups)
    )
    assert parts == split(people, groups, SHARES, seed)
    assert set(parts) <= set(SHARES)


def test_every_person_is_divided_by_the_shares() -> None:
    people = ["Ann"] * 40 + ["Bob"] * 100
    parts = split(people, list(range(140)), SHARES, 1)
    found = Counter(zip(people, parts, strict=True))
    assert [found["Ann", part] for part in SHARES] == [28, 6, 6]
    assert [found["Bob", part] for part in SHARES] == [70, 15, 15]
    assert parts != split(people, list(range(140)), SHARES, 2)


@pytest.mark.parametrize("count", [2, 3, 4, 5])
@pytest.mark.parametrize("text", ["80/20", "70/15/15"])
def test_whoever_has_two_photos_is_tested(count: int, text: str) -> None:
    parts = split(["Ann"] * count, list(range(count)), read_shares(text), 7)
    assert TEST in parts
    assert TRAIN in parts


def test_ties_reach_over_several_faces() -> None:
    assert groups_of(5, [(0, 3), (4, 3)]) == [0, 1, 2, 0, 0]
    assert groups_of(5, tied(["a", None, "b", "a", None])) == [0, 1, 2, 0, 4]


def test_people_of_few_photos_are_strangers() -> None:
    counts = independent(["Ann", "Ann", "Ann", "Bob", "Bob", "Cleo"], [1, 1, 2, 3, 4, 5])
    assert counts == {"Ann": 2, "Bob": 2, "Cleo": 1}
    assert set(set_aside(counts, 2, 0, 1)) == {"Cleo"}
    more = set_aside(dict.fromkeys("ABCDEFGH", 9) | {"Z": 1}, 2, 3, 1)
    assert "Z" in more
    assert sorted(Counter(more.values()).values()) == [2, 2]
    assert set(more.values()) == {OUTSIDE_TEST, OUTSIDE_VALIDATION}


@pytest.mark.parametrize("text", ["80", "80/30", "a/b", "50/50/0", "40/30/20/10"])
def test_a_split_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"split|add up"):
        read_shares(text)
