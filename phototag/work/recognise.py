"""Who is it? Examples of people, scores of faces, and what follows for the faces of a photo."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import assignments as table
from phototag.catalog import examples as example_table
from phototag.catalog import faces as face_table
from phototag.catalog import tracks as track_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.assignments import Assignment
from phototag.catalog.photos import photo_with_key
from phototag.catalog.recognizer import recognizer
from phototag.catalog.store import Library
from phototag.core.decisions import State
from phototag.core.lives import Life, more_margin
from phototag.core.matching import (
    Candidate,
    Match,
    choose_examples,
    likely,
    match,
    person_scores,
)
from phototag.core.pieces import PIECE
from phototag.core.quality import GOOD
from phototag.core.tracks import ALWAYS, meet
from phototag.core.types import Span, Thresholds, Vectors
from phototag.work.classified import rescore
from phototag.work.face_table import FaceTable
from phototag.work.threads import by_threads

Ages = tuple[NDArray[np.float64], NDArray[np.float64]]

SIFTED = 2048
"""Faces that are held against examples at once: 3,000,000 against 64 take 1.0 s, by 512 1.3 s."""

FRESH = 65536
"""New faces that are held against everybody at once: 64 MB of vectors. With an eighth of that two
fifths more time, since the catalogue keeps scores by person."""

BLOCK = 4096
"""Photos that are settled at once: memory stays flat whatever the size of the library."""


# ---- examples and scores


def examples_of(lib: Library, model: str, person: int) -> tuple[NDArray[np.int64], Vectors]:
    """The decided faces that stand for a person: (face ids [k], vectors [k, d])."""
    known = example_table.examples(lib, model, person)
    if known is None:
        return _chosen(lib, model, person)
    ids, _, vectors, _ = face_table.vectors(lib, model, known)
    return ids, vectors


def _chosen(lib: Library, model: str, person: int) -> tuple[NDArray[np.int64], Vectors]:
    decided = verdict_table.decided_faces(lib, person)
    ids, _, vectors, qualities = face_table.vectors(lib, model, decided)
    if not len(ids):
        return ids, vectors
    order = face_table.anchor_order(lib, ids.tolist())
    keys = [order[face] for face in ids.tolist()]
    chosen = sorted(choose_examples(vectors, qualities, keys, good=GOOD))
    return ids[chosen], vectors[chosen]


def update_scores(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    faces: FaceTable,
    *,
    people: Collection[int],
    new: NDArray[np.bool_],
) -> set[int]:
    """Bring the scores up to date for people whose examples changed and for new faces; the faces
    with another score for somebody."""
    touched: set[int] = set()
    known = verdict_table.people(lib)
    for person in table.people_scored(lib):
        if person not in known:
            touched |= table.drop_scores(lib, person)
    example_table.drop_strangers(lib)
    fresh = np.flatnonzero(new)
    table.drop_scores_of_faces(lib, faces.ids[fresh].tolist())
    used = recognizer(lib)
    if not used.is_gallery:
        for person in sorted(known.keys() & set(people)):
            _choose(lib, model, person)
        return touched | rescore(lib, used, faces, people=people, new=new)
    _score_new(lib, model, thresholds, faces, known.keys() - set(people), fresh)
    return touched | _score_all(lib, model, thresholds, faces, known.keys() & set(people))


def _score_new(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    faces: FaceTable,
    people: Collection[int],
    fresh: NDArray[np.intp],
) -> None:
    """Scores of new faces for people whose examples are what they were."""
    if not len(fresh):
        return
    lives = verdict_table.lives(lib)
    for part in (fresh[at : at + FRESH] for at in range(0, len(fresh), FRESH)):
        ids, vectors = faces.ids[part], faces.steps.vectors(part)
        for person in sorted(people):
            stand = _Stand(person, lives.get(person), *examples_of(lib, model, person))
            pairs = stand.scores(lib, ids, vectors, thresholds.suggest)
            table.add_scores(lib, ((face, person, score) for face, score in pairs))


def _score_all(
    lib: Library, model: str, thresholds: Thresholds, faces: FaceTable, people: Collection[int]
) -> set[int]:
    """Choose the examples of some people anew, and score all faces; those with another score."""
    if not people:
        return set()
    lives = verdict_table.lives(lib)
    for person in sorted(people):
        _choose(lib, model, person)
    stands = [_Stand(p, lives.get(p), *examples_of(lib, model, p)) for p in sorted(people)]
    sifted: list[list[NDArray[np.intp]]] = [[np.empty(0, np.intp)] for _ in stands]

    def sift(part: slice) -> list[NDArray[np.intp]]:
        steps = faces.steps.read(part)
        return [likely(steps, stand.vectors, thresholds.suggest) + part.start for stand in stands]

    for those in by_threads(sift, faces.steps.runs(SIFTED)):
        for rows, more in zip(sifted, those, strict=True):
            rows.append(more)
    found: dict[int, list[tuple[int, float]]] = {stand.person: [] for stand in stands}
    for stand, parts in zip(stands, sifted, strict=True):
        some = np.concatenate(parts)
        for part in (some[at : at + PIECE] for at in range(0, len(some), PIECE)):
            vectors = faces.steps.vectors(part)
            found[stand.person] += stand.scores(lib, faces.ids[part], vectors, thresholds.suggest)
    touched: set[int] = set()
    for person, pairs in found.items():
        touched |= table.replace_scores(lib, person, pairs)
    return touched


@dataclass(frozen=True, slots=True)
class _Stand:
    """The faces that stand for a person."""

    person: int
    life: Life | None
    faces: NDArray[np.int64]
    vectors: Vectors

    def scores(
        self, lib: Library, ids: NDArray[np.int64], vectors: Vectors, least: float
    ) -> list[tuple[int, float]]:
        """Those of some faces that score `least` or more."""
        rows = likely(vectors, self.vectors, least)
        if not len(rows):
            return []
        ages = ages_of(lib, self.life, ids[rows], self.faces)
        scores = person_scores(vectors[rows], self.vectors, ages)
        high = np.flatnonzero(scores >= least)
        return [(int(ids[rows[i]]), round(float(scores[i]), 6)) for i in high]


def ages_of(
    lib: Library, life: Life | None, faces: NDArray[np.int64], examples: NDArray[np.int64]
) -> Ages | None:
    """How old somebody was in the photos of faces and of examples, as far as EXIF says; None where
    their birth is not known."""
    if life is None or life.born is None:
        return None
    one, other = (life.ages(face_table.days(lib, those)) for those in (faces, examples))
    return one, other


def _choose(lib: Library, model: str, person: int) -> None:
    """Choose a person's examples anew."""
    ids, _ = _chosen(lib, model, person)
    example_table.set_examples(lib, model, person, ids.tolist())


# ---- what follows


@dataclass(slots=True)
class Settled:
    """What came out for the photos that were settled."""

    before: dict[int, Assignment] = field(default_factory=dict)
    """Assignments that changed or ended, as they were."""
    after: dict[int, Assignment] = field(default_factory=dict)
    """Those that changed or began, as they are."""

    @property
    def faces(self) -> set[int]:
        """Whose assignment is another one."""
        return self.before.keys() | self.after.keys()

    def add(self, old: Mapping[int, Assignment], new: Mapping[int, Assignment]) -> None:
        for face in old.keys() | new.keys():
            if old.get(face) != new.get(face):
                if face in old:
                    self.before[face] = old[face]
                if face in new:
                    self.after[face] = new[face]

    def then(self, later: Settled) -> Settled:
        """This and what came after it, as one change."""
        both = Settled()
        for face in self.faces | later.faces:
            first = self if face in self.before or face in self.after else later
            last = later if face in later.before or face in later.after else self
            old, new = first.before.get(face), last.after.get(face)
            both.add({face: old} if old else {}, {face: new} if new else {})
        return both


def settle(
    lib: Library, faces: FaceTable, thresholds: Thresholds, photos: Collection[int]
) -> Settled:
    """Verdict, automatic person, suggestion or nothing for every face of these photos; written.

    Faces of photos that are not live lose their assignment.
    """
    settled = Settled()
    ordered = sorted(photos)
    free_photos = twice_photos(lib)
    for start in range(0, len(ordered), BLOCK):
        block = ordered[start : start + BLOCK]
        old = table.assignments_in(lib, block)
        new = _follow(lib, faces, thresholds, block, old, free_photos)
        table.save_assignments(lib, old, new)
        settled.add(old, new)
    return settled


def settle_words(lib: Library, faces: Collection[int]) -> Settled:
    """What was decided about some faces, and nothing else; written."""
    state = verdict_table.load_part(lib, faces)
    old = table.assignments(lib, faces)
    photos = set(face_table.photos_of(lib, faces).values())
    live = face_table.live_faces(lib, photos).keys() & set(faces)
    new = {
        f: _assignment(f, state, None, old.get(f), seen=f not in state.verdicts)
        for f in old.keys() | live
    }
    table.save_assignments(lib, old, new)
    settled = Settled()
    settled.add(old, new)
    return settled


def twice_photos(lib: Library) -> set[int]:
    """Photos that may show a person more than once."""
    found = (photo_with_key(lib, key) for key in verdict_table.twice_keys(lib))
    return {photo for photo in found if photo is not None}


def _follow(
    lib: Library,
    faces: FaceTable,
    thresholds: Thresholds,
    photos: Collection[int],
    old: Mapping[int, Assignment],
    free_photos: Collection[int],
) -> dict[int, Assignment]:
    live = face_table.live_faces(lib, photos)
    state = verdict_table.load_part(lib, live)
    rows = faces.rows(live)
    order = faces.order(rows)
    spans = track_table.spans(lib, live)
    taken: dict[int, list[tuple[int, Span]]] = defaultdict(list)
    for face, photo in live.items():
        verdict = state.verdicts.get(face)
        if verdict is not None and verdict.person is not None:
            taken[photo].append((verdict.person, spans.get(face, ALWAYS)))
    kept = _kept(live, order, state, old, taken, spans)
    for face, assignment in kept.items():
        taken[live[face]].append((assignment.person or 0, spans.get(face, ALWAYS)))
    candidates = _candidates(lib, state, order, photos)
    matches = match(
        candidates,
        thresholds=thresholds,
        taken={},
        taken_in=taken,
        spans=spans,
        rejected=state.rejected,
        twice_photos=free_photos,
        order=order,
    )
    return {
        face: kept.get(face)
        or _assignment(face, state, matches.get(face), old.get(face), seen=face in order)
        for face in live
    }


def _candidates(
    lib: Library, state: State, order: Mapping[int, int], photos: Collection[int]
) -> list[Candidate]:
    """Every undecided face with everybody it may be, and what its photo's date says of that."""
    rows = [
        row
        for row in table.scores_of_photos(lib, photos)
        if row[0] in order and row[0] not in state.verdicts
    ]
    dated = [face for face, _, person, _ in rows if person in state.lives]
    days = dict(zip(dated, face_table.days(lib, np.array(dated, dtype=np.int64)), strict=True))
    found = []
    for face, photo, person, score in rows:
        life = state.lives.get(person)
        if life is None:
            found.append(Candidate(face, photo, person, score))
            continue
        day = float(days[face])
        age = float(life.ages(np.array([day]))[0])
        found.append(Candidate(face, photo, person, score, life.holds(day), more_margin(age)))
    return found


def _kept(
    live: Mapping[int, int],
    seen: Collection[int],
    state: State,
    old: Mapping[int, Assignment],
    taken: Mapping[int, Sequence[tuple[int, Span]]],
    spans: Mapping[int, Span],
) -> dict[int, Assignment]:
    """Names that an earlier model gave to faces that the present one has not seen yet: they stay
    until it has, as long as the decisions allow it."""
    kept: dict[int, Assignment] = {}
    for face, photo in live.items():
        before = old.get(face)
        if before is None or face in seen or face in state.verdicts:
            continue
        person = before.person
        if before.state != "automatic" or person not in state.people:
            continue
        span = spans.get(face, ALWAYS)
        shown = any(who == person and meet(span, when) for who, when in taken.get(photo, ()))
        if (face, person) not in state.rejected and not shown:
            kept[face] = before
    return kept


def _assignment(
    face: int, state: State, matched: Match | None, old: Assignment | None, *, seen: bool
) -> Assignment:
    verdict = state.verdicts.get(face)
    if verdict is not None:
        name = verdict.how if verdict.state == "person" else verdict.state
        return Assignment(face, name, person=verdict.person, law="decision")
    cluster = old.cluster if old is not None and seen else None
    state_now = "unknown" if cluster is None else "cluster"
    if matched is None:
        return Assignment(face, state_now, cluster=cluster, law="no-candidate")
    is_named = matched.person is not None
    return Assignment(
        face,
        "automatic" if is_named else state_now,
        person=matched.person,
        cluster=None if is_named else cluster,
        score=_rounded(matched.score),
        runner_up=matched.runner_up,
        runner_up_score=_rounded(matched.runner_up_score),
        suggestion=None if is_named else matched.suggestion,
        suggestion_score=None if is_named else _rounded(matched.suggestion_score),
        law=matched.law,
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(float(score), 6)
