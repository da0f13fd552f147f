"""Names from elsewhere, brought to the faces of a photo: what is taken over, and what is not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, field

from phototag.core.regions import Region, meets, pairs
from phototag.core.types import Box


@dataclass(frozen=True, slots=True)
class Known:
    """A face of the catalogue, as the reconciliation sees it."""

    box: Box
    person: str | None = None
    """By the user's word or by an earlier import."""
    closed: bool = False
    """The user said that it is nobody: ignored, not a face."""
    refused: frozenset[str] = frozenset()
    """Keys of names that the user refused."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """A name that was not taken over."""

    name: str
    face: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Reconciled:
    """What follows from the names of one photo."""

    faces: Mapping[int, str]
    """Face → name: to be imported."""
    drawn: tuple[Region, ...]
    """Regions that meet no face."""
    present: tuple[str, ...]
    """Names that stay with the photo."""
    agreed: int
    """Names that were known already."""
    conflicts: tuple[Conflict, ...]


def reconcile(
    regions: Sequence[Region],
    names: Sequence[str],
    faces: Mapping[int, Known],
    *,
    key: Callable[[str], str],
    draw: bool = True,
) -> Reconciled:
    """Bring the names of one photo (regions in the upright frame) to its faces.

    A region names the face that it meets, one to one; a region that meets none is a new face. A
    name without a place goes to the face that alone has nobody yet, else to the photo. Nothing that
    was decided is overruled, nobody is in the photo twice, and the order of nothing matters. `key`
    tells which names are one. `draw`: whether the boxes can be trusted.
    """
    placed = sorted(
        (r for r in regions if r.box is not None),
        key=lambda r: (astuple(r.box), r.name) if r.box is not None else (),
    )
    met = pairs([r.box for r in placed if r.box is not None], {n: f.box for n, f in faces.items()})
    work = _Work(faces, key)
    for index, region in sorted(enumerate(placed), key=lambda e: e[0] not in met):
        if index in met:
            work.name(met[index], region.name)
        elif draw:
            work.draw(region)
        else:
            names = [*names, region.name]
    work.place([*names, *(r.name for r in regions if r.box is None)])
    return work.outcome()


@dataclass(slots=True)
class _Work:
    """A reconciliation under way."""

    known: Mapping[int, Known]
    key: Callable[[str], str]
    faces: dict[int, str] = field(default_factory=dict)
    drawn: list[Region] = field(default_factory=list)
    present: list[str] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    agreed: int = 0
    _taken: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._taken = {self.key(f.person) for f in self.known.values() if f.person is not None}

    def has(self, name: str) -> bool:
        """Whether somebody is in the photo already, with a face; counted."""
        there = self.key(name) in self._taken
        self.agreed += there
        return there

    def name(self, number: int, name: str) -> None:
        face = self.known[number]
        if face.person is not None and self.key(face.person) == self.key(name):
            self.agreed += 1
        elif face.person is not None:
            self._refuse(name, number, f"it is {face.person} here")
        elif face.closed:
            self._refuse(name, number, "you said that it is nobody")
        elif self.key(name) in face.refused:
            self._refuse(name, number, f"you said that it is not {name}")
        elif self.key(name) in self._taken:
            self._refuse(name, number, f"{name} is in this photo already")
        else:
            self.faces[number] = name
            self._taken.add(self.key(name))

    def _refuse(self, name: str, number: int, why: str) -> None:
        self.conflicts.append(Conflict(name, number, why))

    def draw(self, region: Region) -> None:
        """A region that meets no face."""
        if any(self.key(r.name) == self.key(region.name) and _near(region, r) for r in self.drawn):
            self.agreed += 1
            return
        if self.key(region.name) in self._taken:
            why = f"{region.name} is in this photo already, in another place"
            self.conflicts.append(Conflict(region.name, None, why))
            return
        for other in self.drawn:
            if _near(region, other):
                why = f"{other.name} has the same place"
                self.conflicts.append(Conflict(region.name, None, why))
                return
        self.drawn.append(region)
        self._taken.add(self.key(region.name))

    def place(self, names: Sequence[str]) -> None:
        """Names without a place."""
        fresh = {self.key(name): name for name in reversed(names)}
        waiting = [name for name in reversed(fresh.values()) if not self.has(name)]
        open_faces = [
            number
            for number, face in self.known.items()
            if face.person is None and not face.closed and number not in self.faces
        ]
        if len(waiting) == 1 and len(open_faces) == 1:
            face = self.known[open_faces[0]]
            if self.key(waiting[0]) not in face.refused:
                self.faces[open_faces[0]] = waiting[0]
                return
        self.present += waiting

    def outcome(self) -> Reconciled:
        return Reconciled(
            self.faces,
            tuple(self.drawn),
            tuple(self.present),
            self.agreed,
            tuple(self.conflicts),
        )


def _near(region: Region, other: Region) -> bool:
    return region.box is not None and other.box is not None and meets(region.box, other.box)
