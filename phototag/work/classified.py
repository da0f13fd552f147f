"""A trained classifier's probabilities as scores. Everything after them is the same as with the
gallery: the laws, the decisions, the outputs."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from phototag.catalog import assignments as table
from phototag.catalog import faces as face_table
from phototag.catalog import journal
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.recognizer import Recognizer
from phototag.catalog.store import Library
from phototag.core.decisions import same_name, standing
from phototag.work.face_table import FaceTable


def people_of(lib: Library, classes: Sequence[str]) -> dict[int, list[int]]:
    """person → the classes that are that person: by their names now, or by the name that somebody
    had who was renamed or merged."""
    numbers = {same_name(name): n for n, name in verdict_table.people(lib).items()}
    lost = [name for name in classes if same_name(name) not in numbers]
    heirs = _heirs(lib, lost) if lost else {}
    found: dict[int, list[int]] = {}
    for place, name in enumerate(classes):
        number = numbers.get(heirs.get(name, same_name(name)))
        if number is not None:
            found.setdefault(number, []).append(place)
    return found


def nameless(lib: Library, used: Recognizer) -> list[str]:
    """The classes that are nobody in this library: a machine gives no new names."""
    known = {place for places in people_of(lib, used.classes).values() for place in places}
    return [name for place, name in enumerate(used.classes) if place not in known]


def _heirs(lib: Library, names: Sequence[str]) -> dict[str, str]:
    """What people of these names are called since they were renamed or merged."""
    now = {name: same_name(name) for name in names}
    for decision in standing(journal.decisions(lib)):
        if decision.kind in ("rename", "merge"):
            new = decision.payload["name" if decision.kind == "rename" else "into"]
            for name, current in now.items():
                if current == same_name(decision.payload["person"]):
                    now[name] = same_name(new)
    return now


def rescore(
    lib: Library,
    used: Recognizer,
    faces: FaceTable,
    *,
    people: Collection[int],
    new: NDArray[np.bool_],
) -> set[int]:
    """Bring the scores up to date, the probabilities being the scores: of all faces for `people`
    and for whoever came to be a class or ceased to be one, of new faces for the others. The faces
    with another score for somebody."""
    touched: set[int] = set()
    classes = people_of(lib, used.classes)
    scored = set(table.people_scored(lib))
    for person in scored - classes.keys():
        touched |= table.drop_scores(lib, person)
    fresh = set(faces.ids[new].tolist())
    again = {person for person in classes if person in people or person not in scored}
    if not fresh and not again:
        return touched
    ids, _, chances, _ = face_table.live_vectors(lib, used.id)
    for person, places in sorted(classes.items()):
        column = chances[:, places].max(axis=1) if len(ids) else np.empty(0, np.float32)
        high = np.flatnonzero(column >= np.float32(used.accept))
        pairs = [(int(ids[row]), round(float(column[row]), 6)) for row in high]
        if person in again:
            touched |= table.replace_scores(lib, person, pairs)
        else:
            table.add_scores(lib, ((f, person, chance) for f, chance in pairs if f in fresh))
    return touched
