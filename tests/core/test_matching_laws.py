"""The laws of recognition hold whatever the candidates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.core.matching import Candidate, Match, match
from phototag.core.types import Thresholds

LIMITS = Thresholds(accept=0.6, suggest=0.4, cluster=0.5, margin=0.1)
SOME = settings(max_examples=200, deadline=None)

PHOTOS, FACES, PEOPLE = 3, 4, 5
"""So many photos, faces in each, and people: crowded enough that the laws collide."""


@dataclass(frozen=True)
class Case:
    """Everything that `match` is given."""

    candidates: list[Candidate]
    taken: dict[int, set[int]]
    rejected: set[tuple[int, int]]
    twice_persons: set[int]
    twice_photos: set[int]

    def settled(self, candidates: list[Candidate] | None = None) -> dict[int, Match]:
        return match(
            self.candidates if candidates is None else candidates,
            thresholds=LIMITS,
            taken=self.taken,
            rejected=self.rejected,
            twice_persons=self.twice_persons,
            twice_photos=self.twice_photos,
        )

    def may_be_twice(self, photo: int, person: int) -> bool:
        return photo in self.twice_photos or person in self.twice_persons


def case(pairs: bytes, taken: bytes, twice_person: int, twice_photo: int) -> Case:
    """A case from plain bytes, one for each face and person: quick to draw and to shrink.

    Scores come in steps of 0.05, so that ties and scores on a threshold are common.
    """
    candidates, rejected = [], set()
    for number, byte in enumerate(pairs):
        face, person = divmod(number, PEOPLE)
        score = byte % 16 / 20 + 0.15
        if score >= 0.35:
            candidates.append(Candidate(face, face % PHOTOS, person, score))
        if byte // 16 == 15:
            rejected.add((face, person))
    away = {photo: {byte % 8} for photo, byte in enumerate(taken)}
    return Case(candidates, away, rejected, {twice_person}, {twice_photo})


cases = st.builds(
    case,
    st.binary(min_size=PHOTOS * FACES * PEOPLE, max_size=PHOTOS * FACES * PEOPLE),
    st.binary(max_size=PHOTOS),
    st.integers(0, 2 * PEOPLE),
    st.integers(0, 2 * PHOTOS),
)


def shown(found: Mapping[int, Match]) -> list[tuple[int, int]]:
    """(photo, person) of every person given or suggested."""
    return [
        (face % PHOTOS, person)
        for face, m in found.items()
        for person in (m.person, m.suggestion)
        if person is not None
    ]


@given(cases)
@SOME
def test_nobody_is_given_or_suggested_twice_in_a_photo(it: Case) -> None:
    pairs = [pair for pair in shown(it.settled()) if not it.may_be_twice(*pair)]
    assert len(set(pairs)) == len(pairs)
    assert all(person not in it.taken.get(photo, ()) for photo, person in pairs)


@given(cases)
@SOME
def test_a_rejected_person_is_never_offered_again(it: Case) -> None:
    for face, found in it.settled().items():
        assert (face, found.person) not in it.rejected
        assert (face, found.suggestion) not in it.rejected
        assert (face, found.runner_up) not in it.rejected


@given(cases)
@SOME
def test_a_name_is_given_only_above_accept_and_ahead_of_everyone_the_face_could_be(
    it: Case,
) -> None:
    found = it.settled()
    score = {(c.face, c.person): c.score for c in it.candidates}
    for face, m in found.items():
        if m.person is None:
            continue
        assert m.score == score[face, m.person] >= LIMITS.accept
        assert m.suggestion is None
        for person in range(PEOPLE):
            if person != m.person and (face, person) in score:
                ahead = m.score - score[face, person] >= LIMITS.margin
                assert ahead or not could_be(it, found, face, person)


def could_be(it: Case, found: Mapping[int, Match], face: int, person: int) -> bool:
    """Whether the laws let a face be a person, all names being given."""
    photo = face % PHOTOS
    if (face, person) in it.rejected:
        return False
    if it.may_be_twice(photo, person):
        return True
    others = {m.person for f, m in found.items() if f % PHOTOS == photo and f != face}
    return person not in others and person not in it.taken.get(photo, ())


@given(cases)
@SOME
def test_a_name_is_withheld_only_where_a_law_says_so(it: Case) -> None:
    found = it.settled()
    left = [
        c
        for c in sorted(it.candidates, key=lambda c: (-c.score, c.face, c.person))
        if c.score >= LIMITS.accept
        and found[c.face].person is None
        and could_be(it, found, c.face, c.person)
    ]
    score = {(c.face, c.person): c.score for c in it.candidates}
    for c in left:
        rivals = [
            score[c.face, person]
            for person in range(PEOPLE)
            if person != c.person
            and (c.face, person) in score
            and could_be(it, found, c.face, person)
        ]
        first = next(o for o in left if (o.photo, o.person) == (c.photo, c.person))
        alone = first is c or it.may_be_twice(c.photo, c.person)
        assert not alone or any(c.score - rival < LIMITS.margin for rival in rivals)


@given(cases)
@SOME
def test_nobody_gets_a_person_whom_a_better_face_may_yet_be(it: Case) -> None:
    found = it.settled()
    for c in it.candidates:
        if it.may_be_twice(c.photo, c.person) or (c.face, c.person) in it.rejected:
            continue
        for m in found.values():
            if m.face % PHOTOS == c.photo and m.person == c.person and m.score < c.score:
                assert found[c.face].person is not None


@given(cases)
@SOME
def test_whoever_is_free_is_suggested(it: Case) -> None:
    found = it.settled()
    used = set(shown(found))
    for c in it.candidates:
        m = found.get(c.face)
        if m is not None and m.person is None and m.suggestion is None:
            away = c.person in it.taken.get(c.photo, ()) or (c.photo, c.person) in used
            blocked = away and not it.may_be_twice(c.photo, c.person)
            assert blocked or (c.face, c.person) in it.rejected or c.score < LIMITS.suggest


@given(cases)
@SOME
def test_suggestions_lie_at_or_above_suggest_and_say_what_stood_in_the_way(it: Case) -> None:
    score = {(c.face, c.person): c.score for c in it.candidates}
    for face, m in it.settled().items():
        assert (m.law == "accepted") == (m.person is not None)
        if m.suggestion is not None:
            assert m.suggestion_score == score[face, m.suggestion] >= LIMITS.suggest
        if m.runner_up is not None:
            assert m.runner_up_score == score[face, m.runner_up]
            assert m.runner_up not in (m.person, m.suggestion)


@given(cases, st.randoms(use_true_random=False))
@SOME
def test_the_order_of_the_candidates_changes_nothing(it: Case, chance: object) -> None:
    mixed = list(it.candidates)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert it.settled(mixed) == it.settled()


@given(cases)
@SOME
def test_one_photo_says_nothing_about_another(it: Case) -> None:
    alone: dict[int, Match] = {}
    for photo in range(PHOTOS):
        alone |= it.settled([c for c in it.candidates if c.photo == photo])
    assert alone == it.settled()
