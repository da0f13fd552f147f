"""A person's word: each verb writes one decision, lets it take effect at once, and says what
follows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phototag.catalog import assignments as assignment_table
from phototag.catalog import faces as table
from phototag.catalog import journal
from phototag.catalog import photos as photo_table
from phototag.catalog import tracks as track_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.core.decisions import Decision, same_name, tidy, to_redo, to_undo
from phototag.core.lives import Life, checked, day_of, in_words
from phototag.core.tracks import ALWAYS, meet
from phototag.core.types import first_line
from phototag.errors import NotFound, NothingToUndo, TwiceInPhoto, UsageError
from phototag.work.deciding import Ground, Said, decide, describe, take_back_or_repeat
from phototag.work.names import faces_meant, find_target, person_named, person_wanted


@dataclass(frozen=True, slots=True)
class Plan:
    """What a decision would name, before it is made."""

    faces: tuple[int, ...]
    photos: int


def count(lib: Library, words: Sequence[str]) -> Plan:
    """How much a decision about these targets would change. Raises NotFound, UsageError."""
    faces, _ = faces_meant(lib, words)
    return Plan(tuple(faces), len(set(table.photos_of(lib, faces).values())))


def label(
    lib: Library,
    ground: Ground,
    words: Sequence[str],
    name: str,
    *,
    create: bool = False,
    allow_twice: bool = False,
) -> Said:
    """Say who faces are. `create` demands that the name is new."""
    clean = name_wanted(name)
    known = person_named(lib, clean)
    if create and known is not None:
        raise UsageError(f"There is a person called {verdict_table.people(lib)[known]!r} already.")
    faces, clusters = faces_meant(lib, words)
    if not allow_twice:
        not_twice(lib, faces, known, clean, "If it is a mirror or a collage, say --allow-twice.")
    payload: dict[str, Any] = {"person": clean, "faces": _anchors(lib, ground, faces)}
    if clusters:
        payload["clusters"] = clusters
    if allow_twice:
        payload["allow_twice"] = True
    shown = verdict_table.people(lib)[known] if known is not None else clean
    return decide(lib, ground, "label", payload, faces, f"{_faces(faces)} now {shown}.")


def reject(lib: Library, ground: Ground, words: Sequence[str], name: str) -> Said:
    """These faces are not that person, for good."""
    person = verdict_table.people(lib)[person_wanted(lib, name)]
    faces, _ = faces_meant(lib, words)
    payload = {"person": person, "faces": _anchors(lib, ground, faces)}
    return decide(lib, ground, "reject", payload, faces, f"{_faces(faces)} not {person}, for good.")


def ignore(lib: Library, ground: Ground, words: Sequence[str]) -> Said:
    faces, clusters = faces_meant(lib, words)
    payload: dict[str, Any] = {"faces": _anchors(lib, ground, faces)}
    if clusters:
        payload["clusters"] = clusters
    return decide(lib, ground, "ignore", payload, faces, f"{_faces(faces)} ignored from now on.")


def not_a_face(lib: Library, ground: Ground, words: Sequence[str]) -> Said:
    faces, _ = faces_meant(lib, words)
    payload = {"faces": _anchors(lib, ground, faces)}
    return decide(lib, ground, "not_a_face", payload, faces, f"{_faces(faces)} no face.")


def restore(lib: Library, ground: Ground, words: Sequence[str]) -> Said:
    """Take back what was said about faces: they are undecided again."""
    faces, _ = faces_meant(lib, words)
    payload = {"faces": _anchors(lib, ground, faces)}
    return decide(lib, ground, "restore", payload, faces, f"{_faces(faces)} undecided again.")


def rename(lib: Library, ground: Ground, old: str, new: str) -> Said:
    person = person_wanted(lib, old)
    shown, clean = verdict_table.people(lib)[person], name_wanted(new)
    other = person_named(lib, clean)
    if other is not None and other != person:
        raise UsageError(
            f"There is a person called {verdict_table.people(lib)[other]!r} already. "
            f'To make the two one: phototag merge "{shown}" "{verdict_table.people(lib)[other]}".'
        )
    payload = {"person": shown, "name": clean}
    faces = assignment_table.assigned(lib, "person_id", person)
    text = f"{shown} is called {clean} now, in {len(faces)} faces."
    return decide(lib, ground, "rename", payload, faces, text)


def merge(lib: Library, ground: Ground, gone: str, heir: str) -> Said:
    """Two people are one: `gone` becomes `heir`."""
    one, other = person_wanted(lib, gone), person_wanted(lib, heir)
    if one == other:
        raise UsageError(f"{gone!r} and {heir!r} are one person already.")
    names = verdict_table.people(lib)
    faces = assignment_table.assigned(lib, "person_id", one)
    decided = verdict_table.decided_faces(lib, one)
    not_twice(lib, decided, other, names[other], "Reject one of them first, then merge.")
    payload = {"person": names[one], "into": names[other]}
    text = f"{names[one]} is {names[other]} now: {len(faces)} faces."
    return decide(lib, ground, "merge", payload, faces, text)


def split(
    lib: Library, ground: Ground, name: str, words: Sequence[str], into: str | None = None
) -> Said:
    """Take faces out of a person; they become `into`, or unknown."""
    person = person_wanted(lib, name)
    shown = verdict_table.people(lib)[person]
    faces, _ = faces_meant(lib, words)
    others = [
        f"face-{f}"
        for f, a in assignment_table.assignments(lib, faces).items()
        if a.person != person
    ]
    if others:
        raise UsageError(f"{first_line(others)}: not {shown}. See phototag show {others[0]}.")
    clean = name_wanted(into) if into is not None else None
    if clean is not None and same_name(clean) == same_name(shown):
        raise UsageError(f"{clean!r} is the person that the faces are taken from.")
    if clean is not None:
        not_twice(lib, faces, person_named(lib, clean), clean, "Split one of them off alone.")
    payload = {"person": shown, "faces": _anchors(lib, ground, faces), "into": clean}
    became = clean or "unknown"
    text = f"{_faces(faces)} not {shown} but {became}."
    return decide(lib, ground, "split", payload, faces, text)


def set_life(lib: Library, ground: Ground, name: str, dates: Mapping[str, str]) -> Said:
    """Say when somebody was born or died: `dates` has `born`, `died` or both; empty takes what was
    said back. Raises NotFound, UsageError."""
    person = person_wanted(lib, name)
    shown = verdict_table.people(lib)[person]
    said = {word: checked(word, text) if text else None for word, text in dates.items()}
    if not said:
        raise UsageError(f'Say when: phototag people set "{shown}" --born 2019-04-02.')
    known = verdict_table.lives(lib).get(person, Life())
    life = Life(said.get("born", known.born), said.get("died", known.died))
    if life.born and life.died and day_of(life.born) > day_of(life.died, end=True):
        raise UsageError(f"{shown} cannot have been born {life.born} and have died {life.died}.")
    text = f"{shown} {in_words(life)}."
    return decide(lib, ground, "life", {"person": shown, **said}, (), text)


def undone_next(lib: Library) -> Decision | None:
    """The decision that `undo` would take back."""
    found = to_undo(journal.outline(lib))
    return None if found is None else journal.decision(lib, found.id)


def redone_next(lib: Library) -> Decision | None:
    """The decision that `redo` would bring back."""
    found = to_redo(journal.outline(lib))
    return None if found is None else journal.decision(lib, found.id)


def undo(lib: Library, ground: Ground) -> Said:
    """Take back the newest decision."""
    target = undone_next(lib)
    if target is None:
        raise NothingToUndo("There is no decision to undo.")
    return take_back_or_repeat(lib, ground, "undo", target)


def redo(lib: Library, ground: Ground) -> Said:
    """Bring back the decision that was undone last."""
    target = redone_next(lib)
    if target is None:
        raise NothingToUndo("There is nothing to redo.")
    return take_back_or_repeat(lib, ground, "redo", target)


def _anchors(lib: Library, ground: Ground, faces: Sequence[int]) -> list[dict[str, Any]]:
    return [anchor.payload() for anchor in table.anchors(lib, faces, ground.model)]


def not_twice(
    lib: Library, faces: Sequence[int], person: int | None, name: str, advice: str
) -> None:
    """A person is in a photo once: refuse before the decision, not silently after. Photos that may
    show somebody twice are passed over."""
    meant = {heir for face in faces for heir in table.heirs(lib, face)}
    decided = set() if person is None else set(verdict_table.decided_faces(lib, person))
    there: dict[int, list[int]] = defaultdict(list)
    free = photo_table.photos_with_keys(lib, verdict_table.twice_keys(lib))
    photos = table.photos_of(lib, meant | decided)
    spans = track_table.spans(lib, photos)
    for face in [*sorted(decided - meant), *sorted(meant)]:
        photo, span = photos[face], spans.get(face, ALWAYS)
        beside = [f for f in there[photo] if meet(span, spans.get(f, ALWAYS))]
        if beside and photo not in free:
            where = photo_table.paths_of(lib, photo, missing=True)
            place = f" ({where[0].path})" if where else ""
            raise TwiceInPhoto(
                f"face-{beside[-1]} and face-{face} are in one photo{place} and cannot both be "
                f"{name}. {advice}"
            )
        there[photo].append(face)


def name_wanted(name: str) -> str:
    """A name as it is stored. Raises UsageError where there is too little or too much of it."""
    clean = tidy(name)
    if not clean:
        raise UsageError('A name needs at least one letter: phototag label cluster-3 "Alice".')
    if len(clean) > 200:
        raise UsageError("A name can have 200 characters at most.")
    return clean


def _faces(faces: Sequence[int]) -> str:
    return "1 face is" if len(faces) == 1 else f"{len(faces):,} faces are"


__all__ = [
    "Ground",
    "NotFound",
    "Plan",
    "Said",
    "count",
    "describe",
    "find_target",
    "ignore",
    "label",
    "merge",
    "name_wanted",
    "not_a_face",
    "not_twice",
    "redo",
    "redone_next",
    "reject",
    "rename",
    "restore",
    "set_life",
    "split",
    "undo",
    "undone_next",
]
