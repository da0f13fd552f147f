"""What a user types for a face, cluster, person or photo, and which faces it means."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from phototag.catalog import assignments as assignment_table
from phototag.catalog import clusters as cluster_table
from phototag.catalog import faces as table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.catalog.tracks import spans
from phototag.core.decisions import same_name
from phototag.core.types import first_line
from phototag.errors import NotFound, UsageError

_FACE = re.compile(r"face-(\d+)\Z")
_CLUSTER = re.compile(r"cluster-(\d+)\Z")
_INDEXED = re.compile(r"(.+)#(\d+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """What a word means: one of the four, and its faces."""

    kind: str
    """`face`, `cluster`, `person` or `photo`."""
    number: int
    faces: tuple[int, ...]
    word: str


def find_target(lib: Library, word: str) -> Target:
    """The face, cluster, photo or person that a word names. Raises NotFound, UsageError
    (ambiguous)."""
    found = _face(lib, word) or _cluster(lib, word) or _indexed(lib, word)
    if found is not None:
        return found
    person = person_named(lib, word)
    photo = _photo(lib, word)
    if person is not None and photo is None:
        return Target(
            "person", person, tuple(assignment_table.assigned(lib, "person_id", person)), word
        )
    if photo is not None:
        return photo
    hint = _near(lib, word) or (
        " See phototag clusters, phototag people, or name a photo by its path."
    )
    raise NotFound(f"There is no face, cluster, person or photo called {word!r}.{hint}")


def faces_meant(lib: Library, words: Sequence[str]) -> tuple[list[int], list[int]]:
    """(faces, clusters) that words for faces and clusters mean. Raises NotFound, UsageError."""
    faces: list[int] = []
    clusters: list[int] = []
    for word in words:
        target = find_target(lib, word)
        if target.kind == "person":
            raise UsageError(
                f"{word!r} is a person. Name a cluster, a face or photo.jpg#2; "
                "to bring two people together use phototag merge."
            )
        if target.kind == "photo" and len(target.faces) != 1:
            raise UsageError(
                f"{word} has {len(target.faces)} faces; say which one: "
                + first_line([f"{word}#{n + 1}" for n in range(len(target.faces))])
                if target.faces
                else f"{word} has no face."
            )
        if target.kind == "cluster":
            clusters.append(target.number)
        faces += [f for f in target.faces if f not in faces]
    return faces, clusters


def person_named(lib: Library, name: str) -> int | None:
    wanted = same_name(name)
    return next(
        (n for n, known in verdict_table.people(lib).items() if same_name(known) == wanted), None
    )


def person_wanted(lib: Library, name: str) -> int:
    """The person of that name. Raises NotFound with the nearest names."""
    found = person_named(lib, name)
    if found is None:
        hint = _near(lib, name) or " See phototag people."
        raise NotFound(f"There is no person called {name!r}.{hint}")
    return found


def _near(lib: Library, name: str) -> str:
    """The people whose names are like that one, as a question; '' where there are none."""
    import difflib

    names = {same_name(known): known for known in sorted(verdict_table.people(lib).values())}
    near = difflib.get_close_matches(same_name(name), list(names), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(names[key] for key in near)}?" if near else ""


def _face(lib: Library, word: str) -> Target | None:
    said = _FACE.match(word)
    if said is None:
        return None
    number = int(said[1])
    if number >= 2**63 or table.face(lib, number) is None:
        raise NotFound(f"There is no {word}.")
    return Target("face", number, (number,), word)


def _cluster(lib: Library, word: str) -> Target | None:
    said = _CLUSTER.match(word)
    if said is None:
        return None
    number = int(said[1])
    if number < 2**63:
        faces = assignment_table.assigned(lib, "cluster_id", number)
        if faces:
            return Target("cluster", number, tuple(faces), word)
        heir = heir_of(lib, number)
        if heir is not None:
            raise NotFound(f"{word} is now {heir}.")
    raise NotFound(f"There is no {word}. See phototag clusters.")


def heir_of(lib: Library, number: int) -> str | None:
    """What a cluster that is no more became: most of its last faces are there. None when it never
    was."""
    last = cluster_table.retired_members(lib, number)
    if last is None:
        return None
    names = verdict_table.people(lib)
    now: Counter[str] = Counter()
    for assignment in assignment_table.assignments(lib, last).values():
        if assignment.person is not None:
            now[names[assignment.person]] += 1
        elif assignment.cluster is not None:
            now[f"cluster-{assignment.cluster}"] += 1
        elif assignment.state in ("ignored", "not_a_face"):
            now[assignment.state.replace("_", " ")] += 1
    if not now:
        return "no cluster any more"
    return min(now.items(), key=lambda kv: (-kv[1], kv[0]))[0]


def _indexed(lib: Library, word: str) -> Target | None:
    said = _INDEXED.match(word)
    if said is None:
        return None
    photo = _photo(lib, said[1])
    if photo is None:
        return None
    faces = faces_by_index(lib, photo.number)
    index = int(said[2])
    if not 1 <= index <= len(faces):
        raise NotFound(f"{said[1]} has {len(faces)} faces; there is no #{index}.")
    number = faces[index - 1]
    return Target("face", number, (number,), word)


def faces_by_index(lib: Library, photo: int) -> list[int]:
    """The faces of a photo in the order of `#1`, `#2`, …: from left to right, of a video as they
    come into view; without what is not a face."""
    faces = table.faces_of(lib, photo)
    found = assignment_table.assignments(lib, [f.id for f in faces])
    kept = [f for f in faces if f.id not in found or found[f.id].state != "not_a_face"]
    first = {face: span[0] for face, span in spans(lib, [f.id for f in kept]).items()}
    return [f.id for f in sorted(kept, key=lambda f: (first.get(f.id, 0), f.box.centre[0], f.id))]


def _photo(lib: Library, word: str) -> Target | None:
    exact = photo_table.path_at(lib, os.path.abspath(word))  # noqa: PTH100
    rows = [exact] if exact is not None else photo_table.paths_named(lib, word)
    photos = sorted({row.photo for row in rows if row.photo is not None})
    if len(photos) > 1:
        raise UsageError(
            f"{len(photos)} photos are called {word!r}: {first_line([r.path for r in rows])}. "
            "Give more of the path."
        )
    if not photos:
        return None
    return Target("photo", photos[0], tuple(faces_by_index(lib, photos[0])), word)
