"""Everything known about a face, cluster, person or photo, and why."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from sqlite3 import Row

import numpy as np

from phototag.catalog import assignments as assignment_table
from phototag.catalog import evidence as rows
from phototag.catalog import faces as table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.recognizer import recognizer
from phototag.catalog.store import Library
from phototag.core.decisions import Anchor
from phototag.core.quality import GOOD
from phototag.core.tracks import clocks
from phototag.errors import NotFound
from phototag.vision.models import ModelCard
from phototag.work.enrolled import copy_of
from phototag.work.evidence import compare, mates_of, vector_of
from phototag.work.names import faces_by_index, find_target
from phototag.work.show_groups import cluster_view, ended_cluster, person_view
from phototag.work.shown import FaceLine, FaceView, FailureView, PhotoView, View, line_of, word_of
from phototag.work.why import Case, Levels, Rival, Word, levels_of, why


def show(lib: Library, card: ModelCard, word: str) -> View:
    """What a word names, with all that is known of it. Raises NotFound, UsageError (ambiguous)."""
    levels = levels_of(card, recognizer(lib))
    ended = ended_cluster(lib, word, levels)
    if ended is not None:
        return ended
    try:
        target = find_target(lib, word)
    except NotFound:
        failed = _failure(lib, word)
        if failed is None:
            raise
        return failed
    match target.kind:
        case "face":
            return _face(lib, levels, target.number)
        case "cluster":
            return cluster_view(lib, levels, target.number, target.faces)
        case "person":
            return person_view(lib, levels, target.number)
        case _:
            return _photo(lib, target.number)


# ---- a face


def _face(lib: Library, levels: Levels, number: int) -> FaceView:
    seen = views.seen_face(lib, number)
    assert seen is not None
    photo = photo_table.photo_row(lib, seen.photo)
    vector = vector_of(lib, levels.model, number)
    examples, rivals = ((), ()) if vector is None else compare(lib, levels.model, number, vector)
    members = (
        assignment_table.assigned(lib, "cluster_id", seen.cluster)
        if seen.cluster is not None
        else []
    )
    mates, fit = (
        ((), None) if vector is None else mates_of(lib, levels.model, number, vector, members)
    )
    history = _history(lib, number)
    copy = None if photo["live"] else copy_of(lib.folder, photo["key"])
    case = replace(
        _case(lib, seen, rivals, history),
        missing=not photo["live"],
        kept=copy is not None,
        embedded=vector is not None,
        mates=len(members),
        fit=fit,
    )
    index = faces_by_index(lib, seen.photo)
    names = verdict_table.people(lib)
    return FaceView(
        id=case.face,
        kind="face",
        why=tuple(why(case, levels)),
        case=case,
        path=rows.first_paths(lib, [number]).get(number, str(copy) if copy else None),
        index=index.index(number) + 1 if number in index else None,
        taken=_taken(lib, photo),
        box=seen.box.pixels(*_size(photo)),
        seen=None if seen.span is None else clocks(seen.span),
        score=None if seen.drawn else seen.score,
        is_good=seen.quality >= GOOD,
        examples=examples,
        rejected=tuple(names[p] for p in rows.refused(lib, number) if p in names),
        nearest_mates=mates,
        history=history,
        thresholds=levels,
    )


def _case(
    lib: Library, seen: views.SeenFace, rivals: tuple[Rival, ...], history: Sequence[Word]
) -> Case:
    names = verdict_table.people(lib)
    known = rows.verdict(lib, seen.id)
    state, person = seen.state, seen.person
    if (
        assignment_table.assignment(lib, seen.id) is None
    ):  # its photo is missing, or a scan was cut off
        state, person = ("waiting", None)
        if known is not None:
            state = known.how if known.state == "person" else known.state
            person = known.person
    return Case(
        face=f"face-{seen.id}",
        state=state,
        person=names.get(person or 0),
        cluster=None if seen.cluster is None else f"cluster-{seen.cluster}",
        law=seen.law,
        similarity=seen.similarity,
        suggestion=names.get(seen.suggestion or 0),
        suggestion_similarity=seen.suggestion_score,
        runner_up=names.get(seen.runner_up or 0),
        runner_up_similarity=seen.runner_up_score,
        quality=seen.quality,
        rivals=rivals,
        decision=next((w for w in history if known and w.decision == known.decision), None),
        elsewhere=_elsewhere(lib, seen, rivals, names),
        age=_age(lib, seen, rivals, names),
    )


def _age(
    lib: Library, seen: views.SeenFace, rivals: Sequence[Rival], names: dict[int, str]
) -> float | None:
    """How old the person that a face is, may be, or is most like was in its photo."""
    likest = [p for p, name in names.items() if rivals and name == rivals[0].person]
    person = seen.person or seen.suggestion or next(iter(likest), None)
    life = None if person is None else verdict_table.lives(lib).get(person)
    if life is None:
        return None
    day = table.days(lib, np.array([seen.id]))
    age = float(life.ages(day)[0])
    return None if np.isnan(age) or not life.holds(float(day[0])) else round(age, 2)


def _elsewhere(
    lib: Library, seen: views.SeenFace, rivals: Sequence[Rival], names: dict[int, str]
) -> str | None:
    """The other face of the photo that is the best rival."""
    if not rivals:
        return None
    person = next(number for number, name in names.items() if name == rivals[0].person)
    found = rows.holders(lib, seen.photo, person, seen.id)
    return f"face-{found[0]}" if found else None


def _history(lib: Library, face: int) -> tuple[Word, ...]:
    """All decisions about a face, oldest first."""
    resolve = table.resolver(lib)
    found: dict[int, Word] = {}
    for key in rows.keys_of(lib, rows.with_forebears(lib, face)):
        for decision in rows.decisions_naming(lib, key):
            anchors = (Anchor.parse(entry) for entry in decision.payload.get("faces", ()))
            if any(face in resolve(a) for a in anchors if a.photo == key):
                found[decision.id] = word_of(decision)
    return tuple(found[number] for number in sorted(found))


# ---- a photo


def _photo(lib: Library, number: int) -> PhotoView:
    row = photo_table.photo_row(lib, number)
    paths = photo_table.paths_of(lib, number, missing=True)
    here = tuple(p.path for p in paths if p.missing_since is None)
    gone = tuple(p.path for p in paths if p.missing_since is not None)
    names = verdict_table.people(lib)
    faces = tuple(
        line_of(_decided(lib, face), names, None, index, face.box.pixels(*_size(row)))
        for index, face in enumerate(views.faces_in_photo(lib, number), 1)
    )
    outputs = tuple(
        path if os.path.isabs(path) else str(lib.folder / path)  # noqa: PTH117 (not UTF-8 safe)
        for path in sorted(photo_table.outputs_of(lib, number))
    )
    return PhotoView(
        id=(here or gone or (row["key"],))[0],
        kind="photo",
        why=tuple(_about_photo(here, paths, faces)),
        paths=here,
        missing=gone,
        key=row["key"],
        width=row["width"],
        height=row["height"],
        format=row["format"],
        taken=_taken(lib, row),
        detector=row["detector"],
        faces=faces,
        outputs=outputs,
    )


def _size(row: Row) -> tuple[int, int]:
    return row["width"], row["height"]


def _taken(lib: Library, row: Row) -> str | None:
    """From EXIF, else the file's time where it is there."""
    found = views.photo(lib, row["id"])
    return found.taken if found is not None else row["taken"]


def _decided(lib: Library, face: views.SeenFace) -> views.SeenFace:
    """A face of a missing photo has no assignment: what a user said of it still stands."""
    known = rows.verdict(lib, face.id)
    if known is None or face.law:
        return face
    state = known.how if known.state == "person" else known.state
    return replace(face, state=state, person=known.person)


def _about_photo(
    here: Sequence[str], paths: Sequence[photo_table.PathRow], faces: Sequence[FaceLine]
) -> Iterable[str]:
    if not here:
        since = max((p.missing_since or "" for p in paths), default="")
        yield f"No file of this photo is there since {since[:10]}: it is left out of everything."
    if len(here) > 1:
        yield f"The same photo lies in {len(here)} places."
    if not faces:
        yield "No face was found in it."
        return
    who = Counter(face.who for face in faces)
    listed = ", ".join(name if n == 1 else f"{name} ({n})" for name, n in who.items())
    yield f"{len(faces)} face{'s' if len(faces) > 1 else ''}: {listed}."


def _failure(lib: Library, word: str) -> FailureView | None:
    exact = photo_table.path_at(lib, os.path.abspath(word))  # noqa: PTH100 (not UTF-8 safe)
    found = [exact] if exact is not None else photo_table.paths_named(lib, word)
    for row in found:
        failure = rows.failure_at(lib, row.id)
        if failure is not None:
            reason, message = failure
            said = f"It could not be read: {message.rstrip('.')}."
            again = "It is tried again when it changes, or with phototag scan --retry-errors."
            return FailureView(row.path, "failure", (said, again), reason, message)
    return None
