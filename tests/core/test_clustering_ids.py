"""Clusters keep their numbers."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.core.clustering import keep_ids

Labels = list[int]
SOME = settings(max_examples=150, deadline=None)
labels = st.lists(st.integers(-1, 4), min_size=9, max_size=9)


def groups(marks: Labels) -> list[list[int]]:
    """Faces by their mark; -1 is in no group."""
    return [
        [face for face, mark in enumerate(marks) if mark == name]
        for name in sorted(set(marks) - {-1})
    ]


def named(marks: Labels) -> dict[int, set[int]]:
    return {10 + number: set(faces) for number, faces in enumerate(groups(marks))}


def test_a_scan_that_changes_nothing_changes_no_id() -> None:
    old = {3: {1, 2, 5}, 9: {4, 7}}
    assert keep_ids(old, [[4, 7], [1, 2, 5]], 12) == ([9, 3], {3: 3, 9: 9}, 12)


def test_a_cluster_that_grows_keeps_its_id_and_a_new_one_gets_the_next() -> None:
    assert keep_ids({3: {1, 2}}, [[1, 2, 8], [5, 6]], 12) == ([3, 12], {3: 3}, 13)


def test_of_two_that_merge_the_larger_part_names_the_whole_and_is_the_heir() -> None:
    assert keep_ids({3: {1, 2}, 4: {5, 6, 7}}, [[1, 2, 5, 6, 7]], 9) == ([4], {3: 4, 4: 4}, 9)


def test_of_a_cluster_that_splits_the_larger_part_keeps_the_id() -> None:
    assert keep_ids({3: {1, 2, 3, 4, 5}}, [[1, 2], [3, 4, 5]], 9) == ([9, 3], {3: 3}, 10)


def test_a_cluster_whose_faces_are_all_gone_has_no_heir() -> None:
    assert keep_ids({3: {1, 2}}, [[7, 8]], 9) == ([9], {3: None}, 10)


def test_ids_go_over_so_that_most_faces_keep_theirs() -> None:
    """Greedy would give 1 to the first group (3 faces) and leave 2 with nothing."""
    old = {1: {0, 1, 2, 3, 4}, 2: {5, 6}}
    ids, _, _ = keep_ids(old, [[0, 1, 2, 5, 6], [3, 4]], 9)
    assert ids == [2, 1]


@given(labels, labels)
@SOME
def test_no_other_way_to_hand_ids_over_keeps_more_faces(before: Labels, after: Labels) -> None:
    old, new = named(before), groups(after)
    ids, _, _ = keep_ids(old, new, 50)

    def kept(given_ids: tuple[int, ...]) -> int:
        return sum(len(old.get(i, set()) & set(g)) for i, g in zip(given_ids, new, strict=True))

    spare = range(100, 100 + len(new))
    most = max(map(kept, permutations([*old, *spare], len(new))), default=0) if len(new) < 4 else 0
    assert kept(tuple(ids)) >= most


@given(labels, labels)
@SOME
def test_ids_are_unique_never_used_again_and_lead_on(before: Labels, after: Labels) -> None:
    old, new = named(before), groups(after)
    ids, heirs, next_id = keep_ids(old, new, 50)
    assert len(set(ids)) == len(ids)
    fresh = [i for i in ids if i not in old]
    assert fresh == list(range(50, next_id))
    for cluster, heir in heirs.items():
        assert heir == cluster if cluster in ids else True
        left = any(old[cluster] & set(faces) for faces in new)
        assert (heir is not None) == left
        assert heir is None or old[cluster] & set(new[ids.index(heir)])
    assert heirs.keys() == old.keys()
