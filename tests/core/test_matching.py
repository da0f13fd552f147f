"""Which person is this face? One law at a time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import pytest

from phototag.core.matching import Candidate, Match, match
from phototag.core.types import Thresholds

LIMITS = Thresholds(accept=0.6, suggest=0.4, cluster=0.5, margin=0.1)
ALICE, BOB, CAROL = 1, 2, 3
PHOTO = 9


def settle(
    scores: Mapping[tuple[int, int], float],
    taken: Collection[int] = (),
    **options: Any,
) -> dict[int, Match]:
    """The faces of one photo, from {(face, person): score}."""
    candidates = [Candidate(face, PHOTO, person, s) for (face, person), s in scores.items()]
    laws: dict[str, Any] = {"taken": {PHOTO: taken}, "rejected": set()} | options
    return match(candidates, thresholds=LIMITS, **laws)


def test_a_clear_likeness_is_a_name() -> None:
    assert settle({(17, ALICE): 0.8, (17, BOB): 0.45}) == {
        17: Match(17, ALICE, 0.8, None, None, BOB, 0.45, "accepted")
    }


def test_between_the_thresholds_it_is_a_suggestion() -> None:
    assert settle({(17, ALICE): 0.5}) == {
        17: Match(17, None, None, ALICE, 0.5, None, None, "below-accept")
    }


def test_two_people_alike_make_a_suggestion_not_a_name() -> None:
    found = settle({(17, ALICE): 0.72, (17, BOB): 0.68})[17]
    assert (found.person, found.suggestion, found.runner_up) == (None, ALICE, BOB)
    assert found.law == "margin"


@pytest.mark.parametrize(("score", "law"), [(0.6, "accepted"), (0.5999, "below-accept")])
def test_a_score_on_the_threshold_counts(score: float, law: str) -> None:
    assert settle({(17, ALICE): score})[17].law == law


def test_of_two_faces_in_a_photo_the_better_one_is_the_person_and_the_other_goes_to_its_next() -> (
    None
):
    found = settle({(1, ALICE): 0.9, (2, ALICE): 0.85, (2, BOB): 0.65})
    assert found[1].person == ALICE
    assert found[2].person == BOB
    assert found[2].runner_up is None


def test_the_other_face_stays_unknown_when_it_could_be_nobody_else() -> None:
    found = settle({(1, ALICE): 0.9, (2, ALICE): 0.85})
    assert found[2] == Match(2, None, None, None, None, None, None, "twice-in-photo")


def test_a_person_whom_a_decided_face_shows_is_not_there_again() -> None:
    found = settle({(2, ALICE): 0.9, (2, BOB): 0.5}, taken=[ALICE])
    assert found[2].person is None
    assert found[2].suggestion == BOB
    assert found[2].law == "twice-in-photo"


@pytest.mark.parametrize("option", [{"twice_persons": [ALICE]}, {"twice_photos": [PHOTO]}])
def test_in_a_mirror_a_person_may_be_twice(option: dict[str, list[int]]) -> None:
    found = settle({(1, ALICE): 0.9, (2, ALICE): 0.85}, taken=[ALICE], **option)
    assert (found[1].person, found[2].person) == (ALICE, ALICE)


def test_a_rejected_face_is_never_offered_as_that_person_again() -> None:
    found = settle({(17, ALICE): 0.95}, rejected={(17, ALICE)})
    assert found[17] == Match(17, None, None, None, None, None, None, "rejected")


def test_a_rejected_person_does_not_stand_in_the_way_of_another() -> None:
    found = settle({(17, ALICE): 0.95, (17, BOB): 0.7}, rejected=[(17, ALICE)])
    assert (found[17].person, found[17].runner_up) == (BOB, None)


def test_a_person_given_to_one_face_clears_the_margin_of_another() -> None:
    """Face 2 is Alice or Bob; once face 1 is Alice, it can only be Bob."""
    found = settle({(1, ALICE): 0.85, (2, BOB): 0.8, (2, ALICE): 0.75})
    assert (found[1].person, found[2].person) == (ALICE, BOB)
    later = settle({(1, ALICE): 0.76, (2, BOB): 0.8, (2, ALICE): 0.75})
    assert (later[1].person, later[2].person) == (ALICE, BOB)


def test_nobody_gets_a_person_whom_a_better_face_may_yet_be() -> None:
    """Face 2 is Alice or Bob, and better at being Alice than face 1."""
    found = settle({(1, ALICE): 0.65, (2, ALICE): 0.8, (2, BOB): 0.75})
    assert (found[1].person, found[2].person) == (None, None)
    assert (found[1].suggestion, found[2].suggestion) == (None, ALICE)
    assert (found[1].law, found[2].law) == ("twice-in-photo", "margin")


def test_a_person_is_suggested_once_in_a_photo_for_the_best_face() -> None:
    found = settle({(1, ALICE): 0.5, (2, ALICE): 0.55, (1, BOB): 0.45})
    assert (found[1].suggestion, found[2].suggestion) == (BOB, ALICE)


def test_names_come_before_suggestions() -> None:
    """Face 1 would be suggested Alice, whom face 2 is named at a lower score."""
    found = settle({(1, ALICE): 0.59, (1, BOB): 0.5, (2, ALICE): 0.6})
    assert found[2].person == ALICE
    assert found[1].suggestion == BOB


def test_ties_go_by_the_order_that_the_caller_gives() -> None:
    scores = {(1, ALICE): 0.8, (2, ALICE): 0.8}
    assert settle(scores)[1].person == ALICE
    assert settle(scores, order={1: "b", 2: "a"})[2].person == ALICE


def test_the_same_person_in_two_photos_is_no_clash() -> None:
    candidates = [Candidate(1, 10, ALICE, 0.9), Candidate(2, 11, ALICE, 0.7)]
    found = match(candidates, thresholds=LIMITS, taken={}, rejected=set())
    assert [m.person for m in found.values()] == [ALICE, ALICE]


def test_faces_without_candidates_are_not_in_the_answer() -> None:
    assert settle({}) == {}
    assert settle({(17, CAROL): 0.39}) == {}
