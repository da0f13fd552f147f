"""Which person is this face? The laws of recognition, pure and in one place.

A person is represented by some of their *decided* faces. A face's score for a person is the mean of its three best
similarities to those. Names are given above the card's thresholds only, and never against a person's word.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Thresholds, Vectors

BEST = 3
"""How many of the best similarities make a score."""

EXAMPLES = 64
"""How many decided faces represent a person at most."""

Law = Literal["accepted", "below-accept", "margin", "twice-in-photo", "rejected", "no-candidate"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A face that might be a person: score at or above `Thresholds.suggest`."""

    face: int
    photo: int
    person: int
    score: float


@dataclass(frozen=True, slots=True)
class Match:
    """What follows for one face, and the law that settled it."""

    face: int
    person: int | None
    score: float | None
    suggestion: int | None
    suggestion_score: float | None
    runner_up: int | None
    runner_up_score: float | None
    law: Law


def person_scores(faces: Vectors, examples: Vectors) -> Vectors:
    """How well each face [m, d] fits a person of examples [k, d]: float32 [m], the mean of the 3 best similarities.

    With fewer than three examples it is the mean of all. Exact for vectors on the grid.
    """
    if not len(examples):
        raise ValueError("a person without examples has no score")
    scores = np.empty(len(faces), dtype=np.float32)
    best = min(BEST, len(examples))
    for start in range(0, len(faces), 8192):
        sims = examples @ faces[start : start + 8192].T
        top = np.sort(sims, axis=0)[-best:]
        scores[start : start + 8192] = top.sum(axis=0) / np.float32(best)
    return scores


def choose_examples(
    vectors: Vectors,
    qualities: Sequence[float] | NDArray[np.floating],
    order: Sequence[Any] | NDArray[Any] | None = None,
    limit: int = EXAMPLES,
    good: float = 0.0,
) -> list[int]:
    """Up to `limit` rows of `vectors` [n, d] that represent the person best.

    Faces of quality below `good` stand in only where there is no better one. Beginning with the face nearest to the
    person's centre, each next is the one farthest from those chosen. Ties go to the lower `order` key, so the choice
    depends on the faces and not on the order of the rows.
    """
    from phototag.core.neighbours import ranks

    place = ranks(len(vectors), order)
    worth = np.asarray(qualities, dtype=np.float64)
    pool = np.flatnonzero(worth >= good)
    if not len(pool):
        pool = np.arange(len(vectors))
    pool = pool[np.argsort(place[pool])]
    if len(pool) <= limit:
        return [int(row) for row in pool]
    exact = vectors[pool].astype(np.float64)
    chosen = [int(np.argmax(exact @ exact.sum(axis=0)))]
    nearest = exact @ exact[chosen[0]]
    nearest[chosen[0]] = np.inf
    while len(chosen) < limit:
        chosen.append(int(np.argmin(nearest)))
        nearest = np.maximum(nearest, exact @ exact[chosen[-1]])
        nearest[chosen[-1]] = np.inf
    return [int(pool[row]) for row in chosen]


def match(
    candidates: Iterable[Candidate],
    *,
    thresholds: Thresholds,
    taken: Mapping[int, Collection[int]],
    rejected: Collection[tuple[int, int]],
    twice_persons: Collection[int] = (),
    twice_photos: Collection[int] = (),
    order: Mapping[int, Any] | None = None,
) -> dict[int, Match]:
    """Give each undecided face a person, a suggestion or nothing, within the laws.

    `candidates` are all pairs of a face and a person with a score of at least `thresholds.suggest`. `taken` names the
    persons already decided in a photo, `rejected` the (face, person) pairs that a user refused. Two faces of one photo are
    never given (or suggested) the same person, unless the person is in `twice_persons` or the photo in `twice_photos`. The best score
    wins; the other goes to its next best. A person is accepted at `accept` or more, leading every other person that the
    face could still be by `margin`. `order` is a sort key for each face that settles ties. Faces without candidates are
    not in the answer.
    """
    by_photo: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in candidates:
        by_photo[candidate.photo].append(candidate)
    refused = rejected if isinstance(rejected, (set, frozenset)) else set(rejected)
    found: dict[int, Match] = {}
    for photo, those in by_photo.items():
        sets = _Photo(
            those,
            refused,
            set(taken.get(photo, ())),
            set(twice_persons),
            photo in twice_photos,
            order,
        )
        found.update(sets.settle(thresholds))
    return found


class _Photo:
    """The candidates of one photo while they are settled."""

    def __init__(
        self,
        candidates: Sequence[Candidate],
        rejected: Collection[tuple[int, int]],
        taken: set[int],
        twice_persons: Collection[int],
        twice: bool,
        order: Mapping[int, Any] | None,
    ) -> None:
        key = order.__getitem__ if order is not None else int
        self.ranked = sorted(candidates, key=lambda c: (-c.score, key(c.face), c.person))
        self.rejected, self.taken = rejected, taken
        self.twice_persons, self.twice = twice_persons, twice
        self.of_face: dict[int, list[Candidate]] = defaultdict(list)
        for candidate in self.ranked:
            self.of_face[candidate.face].append(candidate)

    def settle(self, thresholds: Thresholds) -> dict[int, Match]:
        accepted = self._accept(thresholds)
        suggested = self._suggest(accepted, thresholds)
        return {
            face: accepted.get(face) or suggested.get(face) or self._nothing(face, thresholds)
            for face in self.of_face
        }

    def _free(self, candidate: Candidate) -> bool:
        if (candidate.face, candidate.person) in self.rejected:
            return False
        return (
            candidate.person not in self.taken
            or self.twice
            or candidate.person in self.twice_persons
        )

    def _runner_up(self, candidate: Candidate) -> Candidate | None:
        others = self.of_face[candidate.face]
        return next((o for o in others if o.person != candidate.person and self._free(o)), None)

    def _accept(self, thresholds: Thresholds) -> dict[int, Match]:
        """Best pair first. A person given to one face may clear another's margin: again until nothing moves."""
        accepted: dict[int, Match] = {}
        moving = True
        while moving:
            moving = False
            for candidate in self.ranked:
                if candidate.score < thresholds.accept:
                    break
                if candidate.face in accepted or not self._free(candidate):
                    continue
                second = self._runner_up(candidate)
                if second is not None and candidate.score - second.score < thresholds.margin:
                    continue
                accepted[candidate.face] = _match(candidate, second, "accepted")
                self.taken.add(candidate.person)
                moving = True
        return accepted

    def _suggest(self, accepted: Mapping[int, Match], thresholds: Thresholds) -> dict[int, Match]:
        suggested: dict[int, Match] = {}
        for candidate in self.ranked:
            face = candidate.face
            if face in accepted or face in suggested or not self._free(candidate):
                continue
            if candidate.score < thresholds.suggest:
                break
            second = self._runner_up(candidate)
            suggested[face] = _match(candidate, second, self._law(face, thresholds))
            self.taken.add(candidate.person)
        return suggested

    def _law(self, face: int, thresholds: Thresholds) -> Law:
        """What stood between the face and its best-scoring person."""
        best = self.of_face[face][0]
        if (best.face, best.person) in self.rejected:
            return "rejected"
        if not self._free(best):
            return "twice-in-photo"
        return "margin" if best.score >= thresholds.accept else "below-accept"

    def _nothing(self, face: int, thresholds: Thresholds) -> Match:
        return Match(face, None, None, None, None, None, None, self._law(face, thresholds))


def _match(candidate: Candidate, second: Candidate | None, law: Law) -> Match:
    named = law == "accepted"
    return Match(
        face=candidate.face,
        person=candidate.person if named else None,
        score=candidate.score if named else None,
        suggestion=None if named else candidate.person,
        suggestion_score=None if named else candidate.score,
        runner_up=second.person if second else None,
        runner_up_score=second.score if second else None,
        law=law,
    )
