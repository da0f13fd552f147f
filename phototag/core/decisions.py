"""Decisions: what a user said, and what follows from it when the journal is replayed.

A decision names faces by *anchor* (photo key, box, embedding digest), never by the catalogue's
numbers, so that the journal and the photos alone rebuild everything. Replaying is a fold:
`State.apply` for each decision that stands, in order. Because `undo` always takes back the newest
standing decision, a name in a payload means what it meant when it was written.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from phototag.core.lives import Life
from phototag.core.types import Box, Vectors

MEETS = 0.5
"""Least IoU at which an anchor's box is a face of its photo: the usual bar for "the same object"
(PASCAL VOC); two faces of one photo never overlap that much after non-maximum suppression at 0.5
and below."""

KINDS = (
    "label",
    "reject",
    "rename",
    "merge",
    "split",
    "ignore",
    "not_a_face",
    "draw",
    "restore",
    "import",
    "enroll",
    "life",
)


@dataclass(frozen=True, slots=True)
class Anchor:
    """A face as the journal names it."""

    photo: str
    """Key of the photo."""
    box: Box
    digest: str = ""
    """BLAKE2b-64 of the embedding when the decision was made; tells which model saw it."""
    at: int | None = None
    """In a video: the moment at which the face is there, in milliseconds."""

    def payload(self) -> dict[str, Any]:
        box = self.box.rounded()
        when = {} if self.at is None else {"at": self.at}
        return {
            "photo": self.photo,
            "box": [box.x, box.y, box.width, box.height],
            **when,
            "digest": self.digest,
        }

    @staticmethod
    def parse(payload: Mapping[str, Any]) -> Anchor:
        place = (payload["photo"], Box(*payload["box"]), payload.get("digest", ""))
        return Anchor(*place, payload.get("at"))


def digest(embedding: Vectors) -> str:
    """BLAKE2b-64 of an embedding [d] as float16, 16 hexadecimal digits."""
    return hashlib.blake2b(embedding.astype(np.float16).tobytes(), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of the journal."""

    id: int
    time: str
    actor: str
    kind: str
    payload: Mapping[str, Any]
    undone_by: int | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a user decided about one face."""

    state: str
    """`person`, `ignored` or `not_a_face`."""
    person: int | None
    how: str
    """`manual` or `imported`."""
    decision: int


@dataclass(frozen=True, slots=True)
class Person:
    """A name that a user gave. Its id is the id of the decision that first gave it."""

    id: int
    name: str


def tidy(name: str) -> str:
    """A person's name as it is stored: NFC, single spaces, no control characters."""
    kept = "".join(
        " " if c.isspace() else c
        for c in unicodedata.normalize("NFC", name)
        if c.isspace() or unicodedata.category(c) not in {"Cc", "Cs"}
    )
    return " ".join(kept.split())


def same_name(name: str) -> str:
    """Names with equal keys are one name ("alice" joins "Alice")."""
    return tidy(name).casefold()


PARTS = ("faces", "present", "nobody", "refused")
"""Parts of a payload whose entries are about a photo, or a face in it."""


def entries_of(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """All entries of a payload that are about a photo."""
    return [entry for part in PARTS for entry in payload.get(part, ())]


Resolve = Callable[[Anchor], Sequence[int]]
"""From an anchor to the faces that it means: the face and what it became in edited photos."""


NEXT_NAME = 1 << 32
"""An import may name many people for the first time. The n-th name of it gets the decision's id and
n - 1 times this."""


@dataclass(slots=True)
class State:
    """All that follows from a journal. Machine steps read it and never write it."""

    people: dict[int, Person] = field(default_factory=dict)
    verdicts: dict[int, Verdict] = field(default_factory=dict)
    rejected: set[tuple[int, int]] = field(default_factory=set)
    """(face, person) pairs that were refused for good."""
    twice: set[str] = field(default_factory=set)
    """Keys of photos in which a person may appear more than once (mirrors, collages)."""
    present: set[tuple[str, int]] = field(default_factory=set)
    """(key of a photo, person): somebody is in it, and which face is theirs was not said."""
    lives: dict[int, Life] = field(default_factory=dict)
    """When people lived, as far as a user said."""
    _named: dict[str, int] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        self._named = {same_name(p.name): p.id for p in self.people.values()}

    def copy(self) -> State:
        """Another of the same content: what one is told, the other does not hear."""
        return State(
            dict(self.people),
            dict(self.verdicts),
            set(self.rejected),
            set(self.twice),
            set(self.present),
            dict(self.lives),
        )

    def person_named(self, name: str) -> Person | None:
        number = self._named.get(same_name(name))
        return None if number is None else self.people[number]

    def apply(self, decision: Decision, resolve: Resolve) -> None:
        """Let one standing decision take effect."""
        payload = decision.payload
        if decision.kind == "import":
            self._import(decision, resolve)
            return
        faces: list[int] = []
        for entry in payload.get("faces", ()):
            faces.extend(resolve(Anchor.parse(entry)))
        _EFFECTS[decision.kind](self, decision, faces)
        if payload.get("allow_twice"):
            self.twice.update(entry["photo"] for entry in payload["faces"])

    def _person(self, name: str, decision: Decision, place: int = 0) -> Person:
        known = self.person_named(name)
        if known is None:
            number = decision.id + place * NEXT_NAME
            known = self.people[number] = Person(number, tidy(name))
            self._named[same_name(name)] = known.id
        return known

    def _import(self, decision: Decision, resolve: Resolve) -> None:
        """Names from another program, each with its face or only with a photo. They yield to what
        the user said."""
        payload = decision.payload
        entries = [*payload.get("faces", ()), *payload.get("present", ())]
        names = list(dict.fromkeys(same_name(entry["person"]) for entry in entries))
        for entry in entries:
            name = entry["person"]
            person = self._person(name, decision, names.index(same_name(name)))
            if "box" not in entry:
                self.present.add((entry["photo"], person.id))
                continue
            for face in resolve(Anchor.parse(entry)):
                known = self.verdicts.get(face)
                said = known is not None and known.how == "manual"
                if not said and (face, person.id) not in self.rejected:
                    self.verdicts[face] = Verdict("person", person.id, "imported", decision.id)
        self._import_besides(decision, resolve)

    def _import_besides(self, decision: Decision, resolve: Resolve) -> None:
        """What another library said that names nobody; where something is known here, that
        stays."""
        for entry in decision.payload.get("nobody", ()):
            for face in resolve(Anchor.parse(entry)):
                self.verdicts.setdefault(
                    face, Verdict(entry["state"], None, "imported", decision.id)
                )
        for entry in decision.payload.get("refused", ()):
            person = self.person_named(entry["person"])
            for face in resolve(Anchor.parse(entry)) if person is not None else ():
                known = self.verdicts.get(face)
                if person is not None and (known is None or known.person != person.id):
                    self.rejected.add((face, person.id))
        for entry in decision.payload.get("lives", ()):
            person = self.person_named(entry["person"])
            if person is not None:
                self.lives.setdefault(person.id, Life(entry["born"], entry["died"]))

    def _label(self, decision: Decision, faces: list[int]) -> None:
        person = self._person(decision.payload["person"], decision)
        for face in faces:
            self.verdicts[face] = Verdict("person", person.id, "manual", decision.id)
            self.rejected.discard((face, person.id))

    def _reject(self, decision: Decision, faces: list[int]) -> None:
        person = self.person_named(decision.payload["person"])
        if person is None:
            return
        for face in faces:
            self.rejected.add((face, person.id))
            known = self.verdicts.get(face)
            if known is not None and known.person == person.id:
                del self.verdicts[face]

    def _split(self, decision: Decision, faces: list[int]) -> None:
        self._reject(decision, faces)
        into = decision.payload.get("into")
        if into:
            person = self._person(into, decision)
            for face in faces:
                self.verdicts[face] = Verdict("person", person.id, "manual", decision.id)
                self.rejected.discard((face, person.id))

    def _rename(self, decision: Decision, faces: list[int]) -> None:
        person = self.person_named(decision.payload["person"])
        if person is not None:
            name = decision.payload["name"]
            del self._named[same_name(person.name)]
            self.people[person.id] = Person(person.id, tidy(name))
            self._named[same_name(name)] = person.id

    def _merge(self, decision: Decision, faces: list[int]) -> None:
        gone = self.person_named(decision.payload["person"])
        heir = self.person_named(decision.payload["into"])
        if gone is None or heir is None or gone.id == heir.id:
            return
        for face, verdict in list(self.verdicts.items()):
            if verdict.person == gone.id:
                self.verdicts[face] = Verdict("person", heir.id, verdict.how, verdict.decision)
                self.rejected.discard((face, heir.id))
        for face, person in list(self.rejected):
            if person == gone.id:
                self.rejected.discard((face, gone.id))
                known = self.verdicts.get(face)
                if known is None or known.person != heir.id:
                    self.rejected.add((face, heir.id))
        for photo, person in list(self.present):
            if person == gone.id:
                self.present.discard((photo, person))
                self.present.add((photo, heir.id))
        mine, theirs = self.lives.pop(gone.id, Life()), self.lives.get(heir.id, Life())
        self._set_life(heir, Life(theirs.born or mine.born, theirs.died or mine.died))
        del self.people[gone.id]
        del self._named[same_name(gone.name)]

    def _life(self, decision: Decision, faces: list[int]) -> None:
        person = self.person_named(decision.payload["person"])
        if person is not None:
            known = self.lives.get(person.id, Life())
            said = decision.payload
            born, died = said.get("born", known.born), said.get("died", known.died)
            self._set_life(person, Life(born, died))

    def _set_life(self, person: Person, life: Life) -> None:
        """A life of which nothing is known is none."""
        self.lives.pop(person.id, None)
        if life != Life():
            self.lives[person.id] = life

    def _ignore(self, decision: Decision, faces: list[int]) -> None:
        for face in faces:
            self.verdicts[face] = Verdict("ignored", None, "manual", decision.id)

    def _not_a_face(self, decision: Decision, faces: list[int]) -> None:
        for face in faces:
            self.verdicts[face] = Verdict("not_a_face", None, "manual", decision.id)

    def _restore(self, decision: Decision, faces: list[int]) -> None:
        for face in faces:
            self.verdicts.pop(face, None)


_EFFECTS: dict[str, Callable[[State, Decision, list[int]], None]] = {
    "label": State._label,
    "draw": State._label,
    "enroll": State._label,
    "reject": State._reject,
    "split": State._split,
    "rename": State._rename,
    "merge": State._merge,
    "ignore": State._ignore,
    "not_a_face": State._not_a_face,
    "restore": State._restore,
    "life": State._life,
}


def standing(decisions: Iterable[Decision]) -> list[Decision]:
    """Decisions that count: not undone, and not the undoing itself."""
    return [d for d in decisions if d.undone_by is None and d.kind in KINDS]


def replay(decisions: Iterable[Decision], resolve: Resolve) -> State:
    """The state after all standing decisions, from nothing."""
    state = State()
    for decision in sorted(standing(decisions), key=lambda d: d.id):
        state.apply(decision, resolve)
    return state


def to_undo(decisions: Sequence[Decision]) -> Decision | None:
    """The newest standing decision."""
    return max(standing(decisions), key=lambda d: d.id, default=None)


def to_redo(decisions: Sequence[Decision]) -> Decision | None:
    """The decision that was undone last, unless something was decided since."""
    undone = [d for d in decisions if d.undone_by is not None and d.kind in KINDS]
    last = max(undone, key=lambda d: d.undone_by or 0, default=None)
    if last is None:
        return None
    newer = any(d.id > (last.undone_by or 0) for d in decisions if d.kind in KINDS)
    return None if newer else last


def best_meeting(box: Box, boxes: Mapping[int, Box]) -> int | None:
    """The face whose box overlaps `box` most, if by IoU of at least `MEETS`."""
    best = max(boxes.items(), key=lambda kv: (box.iou(kv[1]), -kv[0]), default=None)
    return best[0] if best is not None and box.iou(best[1]) >= MEETS else None
