"""A person's word: each verb writes one decision, lets it take effect at once, and says what
follows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from phototag.catalog import assignments as assignment_table
from phototag.catalog import faces as table
from phototag.catalog import journal
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.clusters import AFTER, BEFORE
from phototag.catalog.store import Library
from phototag.core.decisions import Decision, same_name, tidy, to_redo, to_undo
from phototag.core.types import Thresholds, first_line
from phototag.errors import NotFound, NothingToUndo, UsageError
from phototag.work.group import Again, Grouping, regroup
from phototag.work.names import faces_meant, find_target, person_named, person_wanted
from phototag.work.verdicts import apply, catch_up, replay_all


@dataclass(frozen=True, slots=True)
class Ground:
    """What every decision needs to know besides the library."""

    model: str
    """Id of the embedder's card."""
    thresholds: Thresholds
    now: str
    """ISO 8601."""
    actor: str


@dataclass(frozen=True, slots=True)
class Said:
    """What a decision did."""

    decision: int
    kind: str
    text: str
    """One sentence."""
    faces: int
    """Faces that the decision names."""
    photos: int
    recognised: int = 0
    """Unknown faces that are recognised now."""
    suggested: int = 0
    withdrawn: int = 0
    changed: tuple[int, ...] = ()


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
    clean = _name(name)
    known = person_named(lib, clean)
    if create and known is not None:
        raise UsageError(f"There is a person called {verdict_table.people(lib)[known]!r} already.")
    faces, clusters = faces_meant(lib, words)
    if not allow_twice:
        _not_twice(lib, faces, known, clean)
    payload: dict[str, Any] = {"person": clean, "faces": _anchors(lib, ground, faces)}
    if clusters:
        payload["clusters"] = clusters
    if allow_twice:
        payload["allow_twice"] = True
    shown = verdict_table.people(lib)[known] if known is not None else clean
    return _decide(lib, ground, "label", payload, faces, f"{_faces(faces)} now {shown}.")


def reject(lib: Library, ground: Ground, words: Sequence[str], name: str) -> Said:
    """These faces are not that person, for good."""
    person = verdict_table.people(lib)[person_wanted(lib, name)]
    faces, _ = faces_meant(lib, words)
    payload = {"person": person, "faces": _anchors(lib, ground, faces)}
    return _decide(
        lib, ground, "reject", payload, faces, f"{_faces(faces)} not {person}, for good."
    )


def ignore(lib: Library, ground: Ground, words: Sequence[str]) -> Said:
    faces, clusters = faces_meant(lib, words)
    payload: dict[str, Any] = {"faces": _anchors(lib, ground, faces)}
    if clusters:
        payload["clusters"] = clusters
    return _decide(lib, ground, "ignore", payload, faces, f"{_faces(faces)} ignored from now on.")


def not_a_face(lib: Library, ground: Ground, words: Sequence[str]) -> Said:
    faces, _ = faces_meant(lib, words)
    payload = {"faces": _anchors(lib, ground, faces)}
    return _decide(lib, ground, "not_a_face", payload, faces, f"{_faces(faces)} no face.")


def restore(lib: Library, ground: Ground, words: Sequence[str]) -> Said:
    """Take back what was said about faces: they are undecided again."""
    faces, _ = faces_meant(lib, words)
    payload = {"faces": _anchors(lib, ground, faces)}
    return _decide(lib, ground, "restore", payload, faces, f"{_faces(faces)} undecided again.")


def rename(lib: Library, ground: Ground, old: str, new: str) -> Said:
    person = person_wanted(lib, old)
    shown, clean = verdict_table.people(lib)[person], _name(new)
    other = person_named(lib, clean)
    if other is not None and other != person:
        raise UsageError(
            f"There is a person called {verdict_table.people(lib)[other]!r} already. "
            f'To make the two one: phototag merge "{shown}" "{verdict_table.people(lib)[other]}".'
        )
    payload = {"person": shown, "name": clean}
    faces = assignment_table.assigned(lib, "person_id", person)
    text = f"{shown} is called {clean} now, in {len(faces)} faces."
    return _decide(lib, ground, "rename", payload, faces, text)


def merge(lib: Library, ground: Ground, gone: str, heir: str) -> Said:
    """Two people are one: `gone` becomes `heir`."""
    one, other = person_wanted(lib, gone), person_wanted(lib, heir)
    if one == other:
        raise UsageError(f"{gone!r} and {heir!r} are one person already.")
    names = verdict_table.people(lib)
    faces = assignment_table.assigned(lib, "person_id", one)
    payload = {"person": names[one], "into": names[other]}
    text = f"{names[one]} is {names[other]} now: {len(faces)} faces."
    return _decide(lib, ground, "merge", payload, faces, text)


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
    clean = _name(into) if into is not None else None
    if clean is not None and same_name(clean) == same_name(shown):
        raise UsageError(f"{clean!r} is the person that the faces are taken from.")
    payload = {"person": shown, "faces": _anchors(lib, ground, faces), "into": clean}
    became = clean or "unknown"
    text = f"{_faces(faces)} not {shown} but {became}."
    return _decide(lib, ground, "split", payload, faces, text)


def undo(lib: Library, ground: Ground) -> Said:
    """Take back the newest decision."""
    target = to_undo(journal.decisions(lib))
    if target is None:
        raise NothingToUndo("There is no decision to undo.")
    return _again(lib, ground, "undo", target)


def redo(lib: Library, ground: Ground) -> Said:
    """Bring back the decision that was undone last."""
    target = to_redo(journal.decisions(lib))
    if target is None:
        raise NothingToUndo("There is nothing to redo.")
    return _again(lib, ground, "redo", target)


def describe(decision: Decision) -> str:
    """A decision in words: `label 12 faces as Alice`."""
    payload = decision.payload
    faces = len(payload.get("faces", ()))
    some = f"{faces} face" + ("" if faces == 1 else "s")
    match decision.kind:
        case "label" | "import" | "enroll":
            return f"{decision.kind} {some} as {payload['person']}"
        case "reject":
            return f"{some} not {payload['person']}"
        case "rename":
            return f"rename {payload['person']} to {payload['name']}"
        case "merge":
            return f"merge {payload['person']} into {payload['into']}"
        case "split":
            return f"split {some} from {payload['person']}" + (
                f" into {payload['into']}" if payload.get("into") else ""
            )
        case "undo" | "redo":
            return f"{decision.kind} decision {payload['decision']}"
        case kind:
            return f"{kind.replace('_', ' ')} {some}"


# ---- how a decision takes effect


def _decide(
    lib: Library,
    ground: Ground,
    kind: str,
    payload: dict[str, Any],
    faces: Sequence[int],
    text: str,
) -> Said:
    with _durable(lib):
        missed = catch_up(lib)
        decision = journal.append(
            lib, time=ground.now, actor=ground.actor, kind=kind, payload=payload
        )
        change = missed | apply(lib, decision)
        grouping = regroup(lib, ground.model, ground.thresholds, change, decision=decision.id)
    return _said(lib, decision, text, faces, grouping)


def _again(lib: Library, ground: Ground, kind: str, target: Decision) -> Said:
    with _durable(lib):
        decision = journal.append(
            lib,
            time=ground.now,
            actor=ground.actor,
            kind=kind,
            payload={"decision": target.id},
        )
        change = replay_all(lib)
        grouping = regroup(
            lib,
            ground.model,
            ground.thresholds,
            change,
            decision=decision.id,
            again=Again(target.id, BEFORE if kind == "undo" else AFTER),
        )
    verb = "Undone" if kind == "undo" else "Done again"
    return _said(lib, decision, f"{verb}: {describe(target)}.", (), grouping)


@contextmanager
def _durable(lib: Library) -> Iterator[None]:
    """A transaction that outlives a power cut, mirrored in `journal.jsonl`."""
    lib.db.execute("PRAGMA synchronous = FULL")
    try:
        with lib.transaction():
            yield
    finally:
        lib.db.execute("PRAGMA synchronous = NORMAL")
    journal.mirror(lib)


def _said(
    lib: Library, decision: Decision, text: str, faces: Sequence[int], grouping: Grouping
) -> Said:
    return Said(
        decision=decision.id,
        kind=decision.kind,
        text=text,
        faces=len(faces),
        photos=len(set(table.photos_of(lib, faces).values())),
        recognised=grouping.recognised,
        suggested=grouping.suggested,
        withdrawn=grouping.withdrawn,
        changed=grouping.changed,
    )


def _anchors(lib: Library, ground: Ground, faces: Sequence[int]) -> list[dict[str, Any]]:
    return [anchor.payload() for anchor in table.anchors(lib, faces, ground.model)]


def _not_twice(lib: Library, faces: Sequence[int], person: int | None, name: str) -> None:
    """A person is in a photo once: refuse before the decision, not silently after."""
    photos = table.photos_of(lib, faces)
    seen: dict[int, int] = {}
    decided = (
        set(verdict_table.decided_faces(lib, person)) - set(faces) if person is not None else set()
    )
    there = {photo: face for face, photo in table.photos_of(lib, sorted(decided)).items()}
    for face, photo in photos.items():
        other = seen.get(photo) or there.get(photo)
        if other is not None:
            where = photo_table.paths_of(lib, photo, missing=True)
            raise UsageError(
                f"face-{other} and face-{face} are in one photo"
                f"{' (' + where[0].path + ')' if where else ''} and cannot both be {name}. "
                "If it is a mirror or a collage, say --allow-twice."
            )
        seen[photo] = face


def _name(name: str) -> str:
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
    "not_a_face",
    "redo",
    "reject",
    "rename",
    "restore",
    "split",
    "undo",
]
