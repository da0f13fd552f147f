"""Clusters and people, shown: how alike their faces are, what lies beside, what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np

from phototag.catalog import assignments as assignment_table
from phototag.catalog import clusters as cluster_table
from phototag.catalog import evidence as rows
from phototag.catalog import faces as table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.store import Library
from phototag.core.lives import Life, in_words
from phototag.core.types import Vectors
from phototag.work.face_table import edges_from
from phototag.work.group import examples_of
from phototag.work.names import heir_of
from phototag.work.shown import SHOWN, ClusterBeside, ClusterView, PersonView, line_of, word_of
from phototag.work.why import Levels


def ended_cluster(lib: Library, word: str, levels: Levels) -> ClusterView | None:
    """The view of a cluster that is no more; None for everything else."""
    kind, _, digits = word.partition("-")
    if kind != "cluster" or not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        return None
    number = int(digits)
    heir = heir_of(lib, number)
    if heir is None:
        return None
    last = cluster_table.retired_members(lib, number) or []
    text = f"{word} is {heir}." if heir.startswith("no ") else f"{word} is now {heir}."
    return ClusterView(
        id=word,
        kind="cluster",
        why=(text, f"It had {len(last):,} faces when it ended."),
        is_alive=False,
        heir=None if heir.startswith("no ") else heir,
        faces=0,
        photos=0,
        first=None,
        last=None,
        tightness=None,
        guesses=(),
        members=(),
        beside=(),
        thresholds=levels,
    )


def cluster_view(lib: Library, levels: Levels, number: int, members: Sequence[int]) -> ClusterView:
    names = verdict_table.people(lib)
    (row,) = views.cluster_rows(lib, only=number)
    _, photos, vectors, _ = table.vectors(lib, levels.model, members)
    tightness = _tightness(vectors)
    guesses = Counter(
        names[a.suggestion]
        for a in assignment_table.assignments(lib, members).values()
        if a.suggestion is not None and a.suggestion in names
    )
    best = list(islice(views.faces_of_cluster(lib, number), SHOWN))
    paths = rows.first_paths(lib, [face.id for face in best])
    beside = _beside(lib, levels.model, number, vectors, set(photos.tolist()))
    return ClusterView(
        id=f"cluster-{number}",
        kind="cluster",
        why=tuple(_about_cluster(number, row, tightness, beside, guesses, levels)),
        is_alive=True,
        heir=None,
        faces=row.faces,
        photos=row.photos,
        first=row.first,
        last=row.last,
        tightness=tightness,
        guesses=tuple(guesses.most_common()),
        members=tuple(line_of(face, names, paths.get(face.id)) for face in best),
        beside=beside,
        thresholds=levels,
    )


def _tightness(vectors: Vectors) -> float | None:
    """Mean similarity over all pairs of rows [n, d]."""
    count = len(vectors)
    if count < 2:
        return None
    total = vectors.astype(np.float64).sum(axis=0)
    own = float((vectors.astype(np.float64) ** 2).sum())
    return round((float(total @ total) - own) / (count * (count - 1)), 4)


def _beside(
    lib: Library, model: str, number: int, vectors: Vectors, photos: set[int]
) -> tuple[ClusterBeside, ...]:
    """The clusters that its faces' neighbours are in, most alike first."""
    found = []
    for other in _nearest_clusters(lib, model, number)[:20]:
        _, there, theirs, _ = table.vectors(
            lib, model, assignment_table.assigned(lib, "cluster_id", other)
        )
        if not len(theirs) or not len(vectors):
            continue
        mean = float(vectors.mean(axis=0, dtype=np.float64) @ theirs.mean(axis=0, dtype=np.float64))
        shared = len(photos & set(there.tolist()))
        found.append(ClusterBeside(f"cluster-{other}", round(mean, 4), shared))
    return tuple(sorted(found, key=lambda c: -c.similarity)[:3])


def _nearest_clusters(lib: Library, model: str, number: int) -> list[int]:
    """Other clusters that the members' neighbours are in, most edges first."""
    edges = edges_from(lib, model, assignment_table.assigned(lib, "cluster_id", number))
    found: Counter[int] = Counter()
    for face, other in rows.clusters_of(lib, edges, number):
        found[other] += edges[face]
    return sorted(found, key=lambda other: (-found[other], other))


def _about_cluster(
    number: int,
    row: views.ClusterRow,
    tightness: float | None,
    beside: Sequence[ClusterBeside],
    guesses: Counter[str],
    levels: Levels,
) -> Iterable[str]:
    yield (
        f"cluster-{number} is {row.faces:,} unnamed faces in {_photos(row.photos)} that look alike"
        + (f": {tightness:.2f} on average" if tightness is not None else "")
        + (f"; groups join at {levels.cluster:.2f}." if levels.cluster is not None else ".")
    )
    for name, count in guesses.most_common(3):
        yield f"{count:,} of them may be {name}."
    for other in beside[:1]:
        text = f"The cluster most like it is {other.id}, at {other.similarity:.2f}"
        if other.photos_shared:
            text += f"; they share {_photos(other.photos_shared)}, so they are two people"
        yield text + "."
    yield f'To name it: phototag label cluster-{number} "NAME"'


# ---- a person


def person_view(lib: Library, levels: Levels, number: int) -> PersonView:
    (row,) = views.people_rows(lib, only=number)
    names = verdict_table.people(lib)
    ids, _ = examples_of(lib, levels.model, number)
    weakest = views.weakest_of_person(lib, number, SHOWN // 2)
    paths = rows.first_paths(lib, [face.id for face in weakest])
    decisions = [word_of(d) for d in rows.decisions_of_person(lib, number)]
    rejected = rows.count_refused(lib, number)
    return PersonView(
        id=f"person-{number}",
        kind="person",
        why=tuple(_about_person(row, len(ids), rejected)),
        name=row.name,
        faces=row.faces,
        photos=row.photos,
        confirmed=row.confirmed,
        suggested=row.suggested,
        rejected=rejected,
        first=row.first,
        last=row.last,
        examples=len(ids),
        doubtful=tuple(line_of(face, names, paths.get(face.id)) for face in weakest),
        decisions=tuple(decisions[-SHOWN:]),
        thresholds=levels,
    )


def _about_person(row: views.PersonRow, examples: int, rejected: int) -> Iterable[str]:
    recognised = row.faces - row.confirmed
    yield (
        f"{row.name}: {_faces(row.faces)} in {_photos(row.photos)}, {row.confirmed:,} named by you "
        f"and {recognised:,} recognised."
    )
    if row.born or row.died:
        yield (
            f"{row.name} {in_words(Life(row.born, row.died))}: photos of another time are not "
            "recognised as theirs, if EXIF dates them."
        )
    if row.enrolled:
        yield f"{_faces(row.enrolled)} of {row.name} came by phototag enroll."
    if examples < row.confirmed:
        yield (
            f"{examples:,} of the confirmed faces stand for {row.name} when faces are compared: "
            "the good ones, as different from one another as can be."
        )
    if row.suggested:
        yield f"{row.suggested:,} more may be {row.name}."
    if rejected:
        yield f"You said of {_faces(rejected)} that they are not {row.name}."
    if not row.confirmed and not row.enrolled:
        yield f"Nobody is recognised as {row.name}: no face that is here was named so."


def _faces(count: int) -> str:
    return f"{count:,} face{'' if count == 1 else 's'}"


def _photos(count: int) -> str:
    return f"{count:,} photo{'' if count == 1 else 's'}"
