"""Take over the names that other programs know: one import is one decision, and one undo takes it
back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from phototag.catalog import faces as face_table
from phototag.catalog import interchange as table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.interchange import PresentFile, Word
from phototag.catalog.store import Library
from phototag.core.decisions import State, best_meeting, same_name
from phototag.core.drawings import Drawing
from phototag.core.reconcile import Known, Reconciled, reconcile
from phototag.errors import UnreadableImage, UsageError
from phototag.work.deciding import Ground, Said, decide
from phototag.work.eye import Eye, Sight, look_at_waiting
from phototag.work.import_library import Other, read_other
from phototag.work.import_sources import Reader, Saying
from phototag.work.reports import Problem

SOURCES = ("xmp", "picasa", "takeout", "sidecars", "csv", "library")

_NOBODY = {"ignored": "ignored", "not_a_face": "no face"}

Tell = Callable[[int], None]
"""Photos that said something, so far."""


@dataclass(frozen=True, slots=True)
class Clash:
    """A name that was not taken over."""

    path: str
    name: str
    face: str | None
    """`face-17`, where it was about one."""
    why: str


@dataclass(slots=True)
class ImportReport:
    """What an import found, and did (or would do)."""

    source: str
    photos: int = 0
    """Photos of which the source names somebody."""
    named: int = 0
    """Faces that got a name."""
    drawn: int = 0
    """Faces that were drawn, because nothing was detected there."""
    present: int = 0
    """Names that stay with their photo."""
    agreed: int = 0
    """Names that were known already."""
    besides: int = 0
    """Of another library: faces that are nobody or not somebody, and dates of people."""
    people: list[str] = field(default_factory=list)
    """Everybody who was named, sorted."""
    new_people: list[str] = field(default_factory=list)
    conflicts: list[Clash] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    strangers: int = 0
    """Photos that the source names and the library does not know."""
    nameless: int = 0
    """Regions whose person the source itself does not name."""
    said: Said | None = None
    """What the decision did; None where there was nothing to take over, or in a rehearsal."""


def import_names(
    lib: Library,
    ground: Ground,
    source: str,
    place: str,
    eye: Eye,
    *,
    contacts: str | None = None,
    dry_run: bool = False,
    tell: Tell = lambda photos: None,
) -> ImportReport:
    """Take over what `source` (one of `SOURCES`) says at or below `place`.

    Nothing that the user decided is overruled: what does not fit is listed as a conflict. Raises
    UsageError (no such place or source), CannotWrite, ModelError.
    """
    reader = Reader(lib)
    report = ImportReport(source)
    wanted = _Wanted(lib, ground, eye, report, dry_run)
    if source == "library":
        other = read_other(lib, place, reader)
        found: Iterable[Saying] = other.sayings
    else:
        found = _sayings(reader, source, place, contacts)
    sayings = sorted(found, key=lambda s: (s.file.key, s.file.path))
    for key, copies in groupby(sayings, key=lambda s: s.file.key):
        wanted.take(key, list(copies))
        report.photos += 1
        tell(report.photos)
    if source == "library":
        wanted.take_besides(other)
    report.problems = reader.problems + report.problems
    report.strangers, report.nameless = reader.strangers, reader.nameless
    wanted.finish()
    return report


def _sayings(reader: Reader, source: str, place: str, contacts: str | None) -> Iterator[Saying]:
    where = os.path.abspath(place)  # noqa: PTH100
    if not os.path.exists(where):  # noqa: PTH110
        raise UsageError(f"{place}: there is no such file or folder.")
    if source == "picasa":
        return reader.picasa(where, contacts)
    if source not in SOURCES:
        raise UsageError(f"{source!r}: say one of {', '.join(SOURCES)}.")
    found: Iterator[Saying] = getattr(reader, source)(where)
    return found


@dataclass(slots=True)
class _Wanted:
    """The decision that an import becomes."""

    lib: Library
    ground: Ground
    eye: Eye
    report: ImportReport
    dry_run: bool
    faces: list[dict[str, Any]] = field(default_factory=list)
    present: list[dict[str, str]] = field(default_factory=list)
    nobody: list[dict[str, Any]] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    lives: list[dict[str, Any]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    def take(self, key: str, copies: list[Saying]) -> None:
        """What is said of one photo, through all of its files."""
        file = copies[0].file
        regions = list(dict.fromkeys(r for saying in copies for r in saying.regions))
        names = list(dict.fromkeys(n for saying in copies for n in saying.names))
        there = table.present_in(self.lib, [key]).get(key, [])
        done = reconcile(
            regions,
            names,
            self._known(file.photo),
            key=same_name,
            draw=all(saying.trusted for saying in copies),
        )
        known = {same_name(name) for name in there}
        fresh = [name for name in done.present if same_name(name) not in known]
        self.report.agreed += done.agreed + len(done.present) - len(fresh)
        for conflict in done.conflicts:
            face = None if conflict.face is None else f"face-{conflict.face}"
            self.report.conflicts.append(Clash(file.path, conflict.name, face, conflict.why))
        anchors = face_table.anchors(self.lib, list(done.faces), self.ground.model)
        for anchor, name in zip(anchors, done.faces.values(), strict=True):
            self.faces.append({**anchor.payload(), "person": name})
        self.numbers += done.faces
        self.present += [{"photo": key, "person": name} for name in fresh]
        self.report.named += len(done.faces)
        self.report.present += len(fresh)
        self.report.drawn += len(done.drawn)
        if done.drawn:
            self._draw(key, copies, done)

    def take_besides(self, other: Other) -> None:
        """What another library says that names nobody."""
        for each in other.besides:
            known = self._known(each.file.photo)
            boxes = {number: face.box for number, face in known.items()}
            for word in each.words:
                number = best_meeting(word.box, boxes)
                if number is not None:
                    self._beside(each.file, number, known[number], word)
        mine = {same_name(n): p for p, n in verdict_table.people(self.lib).items()}
        coming = {same_name(entry["person"]) for entry in (*self.faces, *self.present)}
        lives = verdict_table.lives(self.lib)
        for name, life in sorted(other.lives.items()):
            person = mine.get(same_name(name))
            if person in lives or (person is None and same_name(name) not in coming):
                continue
            self.lives.append({"person": name, "born": life.born, "died": life.died})

    def _beside(self, file: PresentFile, number: int, face: Known, word: Word) -> None:
        """A face that is none, or ignored, or not somebody, there."""
        (anchor,) = face_table.anchors(self.lib, [number], self.ground.model)
        said, name = anchor.payload(), word.person or ""
        if word.state == "refused":
            if same_name(name) in face.refused:
                return
            if face.person is not None and same_name(face.person) == same_name(name):
                why = f"it is {face.person} here, and is not {name} there"
                self.report.conflicts.append(Clash(file.path, name, f"face-{number}", why))
            else:
                self.refused.append({**said, "person": name})
        elif face.person is not None or number in self.numbers:
            why = f"it is {face.person or 'somebody'} here, and is {_NOBODY[word.state]} there"
            self.report.conflicts.append(Clash(file.path, "nobody", f"face-{number}", why))
        elif not face.closed:
            self.nobody.append({**said, "state": word.state})

    def _known(self, photo: int) -> dict[int, Known]:
        rows = face_table.faces_of(self.lib, photo)
        state = verdict_table.load_part(self.lib, [row.id for row in rows])
        return {row.id: _as_known(row, state) for row in rows}

    def _draw(self, key: str, copies: list[Saying], done: Reconciled) -> None:
        drawings = [Drawing(key, r.box) for r in done.drawn if r.box is not None]
        if not self.dry_run:
            sight = self._sight(copies, key, drawings)
            if sight is not None:
                drawings = [look.drawing for look in sight.looks]
        for drawing, region in zip(drawings, done.drawn, strict=True):
            self.faces.append({**drawing.payload(), "person": region.name})

    def _sight(self, copies: list[Saying], key: str, drawings: list[Drawing]) -> Sight | None:
        """None where the photo cannot be looked at now: the faces are drawn all the same."""
        for saying in copies:
            try:
                sight = self.eye.look(saying.file.path, key, drawings)
            except UnreadableImage as error:
                self.report.problems.append(Problem(error.path, error.reason, error.message))
                continue
            if sight is not None:
                return sight
        return None

    def finish(self) -> None:
        """Count, and decide unless this is a rehearsal or nothing is new."""
        report = self.report
        names = {same_name(e["person"]): e["person"] for e in (*self.faces, *self.present)}
        known = {same_name(name): name for name in verdict_table.people(self.lib).values()}
        report.people = sorted(known.get(key, name) for key, name in names.items())
        report.new_people = sorted(name for key, name in names.items() if key not in known)
        report.besides = len(self.nobody) + len(self.refused) + len(self.lives)
        if self.dry_run or not (names or report.besides):
            return
        payload: dict[str, Any] = {"source": report.source, "faces": self.faces}
        for part in ("present", "nobody", "refused", "lives"):
            if getattr(self, part):
                payload[part] = getattr(self, part)
        text = (
            f"{report.named + report.drawn:,} faces and {report.present:,} photos got names of "
            f"{len(names):,} people from {report.source}."
        )
        report.said = decide(
            self.lib,
            self.ground,
            "import",
            payload,
            self.numbers,
            text,
            then=lambda: look_at_waiting(self.lib, self.eye, self.ground.model),
        )


def _as_known(row: face_table.FaceRow, state: State) -> Known:
    verdict = state.verdicts.get(row.id)
    person = None if verdict is None or verdict.person is None else state.people[verdict.person]
    return Known(
        row.box,
        None if person is None else person.name,
        verdict is not None and verdict.person is None,
        frozenset(same_name(state.people[p].name) for f, p in state.rejected if f == row.id),
    )
