"""Recognise and cluster: bring the assignments up to date with the faces and the decisions.

What has to be looked at again is found from the catalogue itself: live faces without an assignment
are new, assignments of faces that are not live are past. So a scan that was cut off anywhere is
finished by the next one, and the outcome is a function of the photos, the decisions and the model
alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import faces as table
from phototag.catalog import photos as photo_table
from phototag.catalog.faces import Assignment
from phototag.catalog.store import Library, meta, set_meta
from phototag.core.clustering import (
    agglomerate,
    components,
    extend_neighbours,
    keep_ids,
    neighbours,
)
from phototag.core.decisions import State
from phototag.core.matching import Candidate, Match, choose_examples, match, person_scores
from phototag.core.quality import GOOD
from phototag.core.types import Thresholds, Vectors

NEAREST = 48
"""Neighbours kept for each face: see `benchmarks/clustering.py` for what fewer cost."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a regrouping changed."""

    changed: tuple[int, ...]
    """Faces whose assignment is another one now."""
    recognised: int
    """Of them, faces that were given a person automatically."""
    suggested: int
    """Of them, faces that have a suggestion that they had not."""
    withdrawn: int
    """Of them, faces that lost an automatic person."""


@dataclass(slots=True)
class _Table:
    """Live faces with vectors, by id."""

    ids: NDArray[np.int64]
    photos: NDArray[np.int64]
    vectors: Vectors
    qualities: NDArray[np.float32]

    def rows(self, faces: Iterable[int]) -> NDArray[np.int64]:
        wanted = np.array(sorted(faces), dtype=np.int64)
        if not len(wanted) or not len(self.ids):
            return np.zeros(0, np.int64)
        at = np.searchsorted(self.ids, wanted)
        at[at == len(self.ids)] = 0
        found: NDArray[np.int64] = at[self.ids[at] == wanted]
        return found


def regroup(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    *,
    people: Collection[int] = (),
    faces: Collection[int] = (),
    everything: bool = False,
) -> Grouping:
    """Settle new and past faces, those in `faces`, and all that may be one of `people` (whose
    examples changed).

    Runs inside the caller's transaction or its own; marks the photos whose outputs change.
    """
    with lib.transaction():
        signature = f"{model} {thresholds} {NEAREST}"
        everything = everything or meta(lib, "grouped") != signature
        old = table.assignments(lib)
        all_faces = _Table(*table.live_vectors(lib, model))
        live = set(all_faces.ids.tolist())
        new_faces = live - old.keys()
        past = _past(lib, old, live)
        if not (everything or people or faces or new_faces or past):
            return Grouping((), 0, 0, 0)
        _update_neighbours(lib, model, all_faces, thresholds)
        state = table.load_state(lib)
        wanted = set(state.people) if everything else set(people)
        touched = _update_scores(lib, model, thresholds, all_faces, state, wanted, new_faces)
        touched |= set(faces) | new_faces | past
        if everything:
            touched |= live | old.keys()
        settled = _settle(lib, all_faces, state, thresholds, touched, old)
        for face in past:
            settled.pop(face, None)
        merged = {f: a for f, a in old.items() if f not in past} | settled
        final = _cluster(lib, model, thresholds, all_faces, state, old, merged, everything)
        changed = table.save_assignments(lib, old, final)
        set_meta(lib, "grouped", signature)
        photos = table.photos_of(lib, changed)
        photo_table.unpublish(lib, sorted(set(photos.values())))
        return _told(old, final, changed)


def _past(lib: Library, old: Mapping[int, Assignment], live: set[int]) -> set[int]:
    """Assigned faces that are not live any more (faces that only lack a vector stay)."""
    absent = [face for face in old if face not in live]
    found = set(absent)
    for block in table.in_blocks(absent):
        marks = ",".join("?" * len(block))
        rows = lib.db.execute(
            "SELECT f.id FROM faces f JOIN photos ph ON ph.id = f.photo_id"
            f" WHERE ph.live = 1 AND f.id IN ({marks})",
            tuple(block),
        )
        found -= {int(row[0]) for row in rows}
    return found


def _told(
    old: Mapping[int, Assignment], new: Mapping[int, Assignment], changed: list[int]
) -> Grouping:
    recognised = suggested = withdrawn = 0
    for face in changed:
        before, after = old.get(face), new.get(face)
        was = before.person if before is not None and before.state == "automatic" else None
        now = after.person if after is not None and after.state == "automatic" else None
        recognised += now is not None and now != was
        withdrawn += was is not None and now is None and (after is None or after.person != was)
        hint = after.suggestion if after is not None else None
        suggested += hint is not None and (before is None or before.suggestion != hint)
    return Grouping(tuple(changed), recognised, suggested, withdrawn)


# ---- the graph of nearest neighbours: a function of the live faces and the model alone


def _update_neighbours(
    lib: Library, model: str, faces: _Table, thresholds: Thresholds
) -> None:
    signature = f"{model} {thresholds.cluster} {NEAREST}"
    if meta(lib, "neighbours") != signature:
        table.drop_neighbours(lib, model)
    known, near, sims = table.load_neighbours(lib, model, NEAREST)
    known_set = set(known.tolist())
    live = set(faces.ids.tolist())
    if known_set == live:
        set_meta(lib, "neighbours", signature)
        return
    order = _order(lib, faces.ids)
    if known_set - live or not len(known):
        table.drop_neighbours(lib, model)
        found, alike = neighbours(
            faces.vectors, NEAREST, thresholds.cluster, order=[order[f] for f in faces.ids]
        )
        table.save_neighbours(lib, model, faces.ids, _as_ids(found, faces.ids), alike)
    else:
        _extend(lib, model, faces, thresholds, order, (known, near, sims))
    set_meta(lib, "neighbours", signature)


def _extend(
    lib: Library,
    model: str,
    faces: _Table,
    thresholds: Thresholds,
    order: Mapping[int, Any],
    old: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]],
) -> None:
    known, near, sims = old
    is_old = np.isin(faces.ids, known)
    arranged = np.concatenate([faces.ids[is_old], faces.ids[~is_old]])
    found, alike, changed = extend_neighbours(
        _as_rows(near, known).astype(np.int32),
        sims,
        faces.vectors[is_old],
        faces.vectors[~is_old],
        NEAREST,
        thresholds.cluster,
        order=[order[f] for f in arranged],
    )
    rows = np.concatenate([changed, np.arange(len(known), len(arranged))])
    named = _as_ids(found[rows], arranged)
    table.save_neighbours(lib, model, arranged[rows], named, alike[rows])


def _as_ids(rows: NDArray[Any], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Row numbers [n, k] (-1 for none) to face ids."""
    if not len(ids):
        return np.zeros(rows.shape, np.int64)
    return np.where(rows >= 0, ids[np.maximum(rows, 0)], -1)


def _as_rows(near: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Face ids [n, k] to row numbers in the sorted `ids`; -1 for none and for faces that are not
    there."""
    if not len(ids):
        return np.full(near.shape, -1, np.int64)
    at = np.minimum(np.searchsorted(ids, near), len(ids) - 1)
    return np.where((near >= 0) & (ids[at] == near), at, -1)


def _order(lib: Library, faces: Iterable[int]) -> dict[int, tuple[str, float, float]]:
    return table.anchor_order(lib, [int(f) for f in faces])


# ---- recognition


def examples_of(lib: Library, model: str, person: int) -> tuple[NDArray[np.int64], Vectors]:
    """The decided faces that stand for a person: (face ids [k], vectors [k, d])."""
    ids, _, vectors, qualities = table.vectors(lib, model, table.decided_faces(lib, person))
    if not len(ids):
        return ids, vectors
    order = _order(lib, ids)
    chosen = choose_examples(vectors, qualities, [order[f] for f in ids.tolist()], good=GOOD)
    return ids[chosen], vectors[chosen]


def _update_scores(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    faces: _Table,
    state: State,
    people: set[int],
    new_faces: set[int],
) -> set[int]:
    """Bring the scores up to date; the faces with another score for somebody."""
    touched: set[int] = set()
    for row in lib.db.execute("SELECT DISTINCT person_id FROM scores").fetchall():
        if row[0] not in state.people:
            touched |= table.drop_scores(lib, int(row[0]))
    fresh = faces.rows(new_faces)
    for person in sorted(state.people):
        if person not in people and not len(fresh):
            continue
        _, examples = examples_of(lib, model, person)
        if person in people:
            pairs = _scores(faces, None, examples, thresholds.suggest)
            touched |= table.replace_scores(lib, person, pairs)
        else:
            pairs = _scores(faces, fresh, examples, thresholds.suggest)
            table.add_scores(lib, ((face, person, score) for face, score in pairs))
    return touched


def _scores(
    faces: _Table, rows: NDArray[np.int64] | None, examples: Vectors, least: float
) -> list[tuple[int, float]]:
    if not len(examples) or not len(faces.ids):
        return []
    vectors = faces.vectors if rows is None else faces.vectors[rows]
    ids = faces.ids if rows is None else faces.ids[rows]
    scores = person_scores(vectors, examples)
    high = np.flatnonzero(scores >= least)
    return [(int(ids[i]), round(float(scores[i]), 6)) for i in high]


def _settle(
    lib: Library,
    faces: _Table,
    state: State,
    thresholds: Thresholds,
    touched: set[int],
    old: Mapping[int, Assignment],
) -> dict[int, Assignment]:
    """Verdict, automatic person, suggestion or nothing for every live face of every photo with a
    touched face."""
    photos = sorted(set(table.photos_of(lib, sorted(touched)).values()))
    if not photos:
        return {}
    in_photos = np.isin(faces.photos, np.array(photos))
    ids = faces.ids[in_photos].tolist()
    where = dict(zip(ids, faces.photos[in_photos].tolist(), strict=True))
    unseen = [f for f in _live_faces(lib, photos) if f not in where]
    taken: dict[int, set[int]] = defaultdict(set)
    for face, photo in where.items():
        verdict = state.verdicts.get(face)
        if verdict is not None and verdict.person is not None:
            taken[photo].add(verdict.person)
    free = {f for f in where if f not in state.verdicts}
    candidates = [
        Candidate(face, photo, person, score)
        for face, photo, person, score in table.scores_of_photos(lib, photos)
        if face in free
    ]
    rejected = {pair for pair in state.rejected if pair[0] in free}
    matches = match(
        candidates,
        thresholds=thresholds,
        taken=taken,
        rejected=rejected,
        twice_photos=_twice(lib, state),
        order=_order(lib, sorted({c.face for c in candidates})),
    )
    settled: dict[int, Assignment] = {}
    for face in [*ids, *unseen]:
        settled[face] = _assignment(face, state, matches.get(face), old.get(face))
    return settled


def _live_faces(lib: Library, photos: list[int]) -> list[int]:
    found: list[int] = []
    for block in table.in_blocks(photos):
        marks = ",".join("?" * len(block))
        rows = lib.db.execute(
            "SELECT f.id FROM faces f JOIN photos ph ON ph.id = f.photo_id"
            f" WHERE ph.live = 1 AND f.photo_id IN ({marks})",
            tuple(block),
        )
        found += [int(row[0]) for row in rows]
    return found


def _twice(lib: Library, state: State) -> set[int]:
    found = (photo_table.photo_with_key(lib, key) for key in state.twice)
    return {photo for photo in found if photo is not None}


def _assignment(
    face: int, state: State, matched: Match | None, old: Assignment | None
) -> Assignment:
    verdict = state.verdicts.get(face)
    if verdict is not None:
        name = verdict.how if verdict.state == "person" else verdict.state
        return Assignment(face, name, person=verdict.person, law="decision")
    cluster = old.cluster if old is not None else None
    if matched is None:
        return Assignment(face, "unknown", cluster=cluster, law="no-candidate")
    plain = Assignment(
        face,
        "unknown",
        cluster=cluster,
        score=_rounded(matched.score),
        runner_up=matched.runner_up,
        runner_up_score=_rounded(matched.runner_up_score),
        law=matched.law,
    )
    if matched.person is not None:
        return replace(plain, state="automatic", person=matched.person, cluster=None)
    return replace(
        plain,
        suggestion=matched.suggestion,
        suggestion_score=_rounded(matched.suggestion_score),
    )


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(float(score), 6)


# ---- clusters


def _open(assignment: Assignment | None) -> bool:
    """Whether a face takes part in clusters."""
    return assignment is not None and assignment.state in ("unknown", "cluster")


def _cluster(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    faces: _Table,
    state: State,
    old: Mapping[int, Assignment],
    new: dict[int, Assignment],
    everything: bool,
) -> dict[int, Assignment]:
    """Group the open faces again wherever one came or went, and keep the clusters' numbers."""
    ids = faces.ids
    known, near, sims = table.load_neighbours(lib, model, NEAREST)
    if len(known) != len(ids) or not (known == ids).all():
        raise RuntimeError("the graph of neighbours does not fit the faces")
    rows = _as_rows(near, ids)
    listed = ids.tolist()
    now = np.array([_open(new.get(f)) for f in listed], dtype=bool)
    before = np.array([_open(old.get(f)) for f in listed], dtype=bool)
    parts = components(rows.astype(np.int32), now | before)
    moved = np.ones(len(ids), bool) if everything else now != before
    redo = np.isin(parts, np.unique(parts[moved & (parts >= 0)])) & (parts >= 0)
    members = table.cluster_members(lib)
    redone = set(ids[redo].tolist())
    past = {f for f in old if _open(old[f]) and not _open(new.get(f))}
    touched = {
        number: set(those)
        for number, those in members.items()
        if not redone.isdisjoint(those) or not past.isdisjoint(those)
    }
    if not redone and not touched:
        return _with_clusters(new, {})
    labels = _agglomerated(lib, thresholds, faces, state, rows, sims, redo & now)
    groups: dict[int, list[int]] = defaultdict(list)
    for face, label in zip(listed, labels.tolist(), strict=True):
        if label >= 0:
            groups[label].append(face)
    ordered = sorted(groups.items(), key=lambda kv: (-len(kv[1]), kv[0]))
    numbers = _numbered(lib, touched, [those for _, those in ordered])
    given = {
        face: number
        for number, (_, those) in zip(numbers, ordered, strict=True)
        for face in those
    }
    stale = redone | {f for those in touched.values() for f in those}
    for face in stale:
        if face in new and new[face].cluster is not None and face not in given:
            new[face] = replace(new[face], cluster=None)
    return _with_clusters(new, given)


def _agglomerated(
    lib: Library,
    thresholds: Thresholds,
    faces: _Table,
    state: State,
    rows: NDArray[np.int64],
    sims: NDArray[np.float32],
    among: NDArray[np.bool_],
) -> NDArray[Any]:
    """Groups among some faces, -1 elsewhere; only their rows of the graph are handed on."""
    chosen = np.flatnonzero(among)
    labels = np.full(len(faces.ids), -1, np.int64)
    if not len(chosen):
        return labels
    place = np.full(len(faces.ids) + 1, -1, np.int64)
    place[chosen] = np.arange(len(chosen))
    part = place[rows[chosen]]
    order = _order(lib, faces.ids[chosen].tolist())
    labels[chosen] = agglomerate(
        faces.vectors[chosen],
        part.astype(np.int32),
        sims[chosen],
        faces.photos[chosen],
        faces.qualities[chosen] >= GOOD,
        [order[f] for f in faces.ids[chosen].tolist()],
        thresholds.cluster,
        free_photos=_twice(lib, state),
    )
    return labels


def _numbered(
    lib: Library, touched: Mapping[int, set[int]], groups: list[list[int]]
) -> list[int]:
    """Numbers for new groups: an unchanged group keeps its own, one that existed before gets its
    old one back, the others take over by overlap or are new. Clusters that end keep their last
    faces, so that their names still lead somewhere."""
    numbers: dict[int, int] = {}
    by_faces = {frozenset(those): number for number, those in touched.items()}
    claimed: set[int] = set()
    for place, those in enumerate(groups):
        number = by_faces.get(frozenset(those))
        if number is not None:
            numbers[place] = number
            claimed.add(number)
    for place, those in enumerate(groups):
        if place in numbers:
            continue
        number = table.cluster_of_membership(lib, those)
        if number is not None and number not in claimed and _is_free(lib, number, touched):
            numbers[place] = number
            claimed.add(number)
    rest = [place for place in range(len(groups)) if place not in numbers]
    left = {number: those for number, those in touched.items() if number not in claimed}
    given, _, _ = keep_ids(left, [groups[place] for place in rest], table.next_cluster(lib))
    numbers.update(zip(rest, given, strict=True))
    for place, number in sorted(numbers.items()):
        if by_faces.get(frozenset(groups[place])) != number:
            table.write_cluster(lib, number, groups[place])
    for number in sorted(set(touched) - set(numbers.values())):
        table.retire_cluster(lib, number, touched[number])
    return [numbers[place] for place in range(len(groups))]


def _is_free(lib: Library, number: int, touched: Mapping[int, set[int]]) -> bool:
    return number in touched or table.retired_members(lib, number) is not None


def _with_clusters(
    new: dict[int, Assignment], given: Mapping[int, int]
) -> dict[int, Assignment]:
    """Assignments whose state says whether the face is in a cluster."""
    for face, number in given.items():
        if new[face].cluster != number:
            new[face] = replace(new[face], cluster=number)
    for face, assignment in new.items():
        if _open(assignment):
            name = "cluster" if assignment.cluster is not None else "unknown"
            if assignment.state != name:
                new[face] = replace(assignment, state=name)
    return new
