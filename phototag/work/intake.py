"""Workers' outcomes into the catalogue: each photo whole, in the order of the walk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from phototag.catalog import edits as edit_table
from phototag.catalog import faces as face_table
from phototag.catalog import journal
from phototag.catalog import paths as path_table
from phototag.catalog import photos as photo_table
from phototag.catalog import plan as plan_table
from phototag.catalog import tracks as track_table
from phototag.catalog.faces import FaceRow
from phototag.catalog.plan import Todo
from phototag.catalog.store import Library
from phototag.core.decisions import MEETS
from phototag.core.tracks import SLACK, box_at, meet
from phototag.core.types import FaceRecord, PhotoRecord, Track
from phototag.images.find import is_video
from phototag.work.extract import Job, Outcome
from phototag.work.pictures import pictures_of
from phototag.work.reports import Problem, ScanReport
from phototag.work.writing import Put, Writer


@dataclass(slots=True)
class Intake:
    """Asks workers for files and takes in what they found."""

    lib: Library
    detector: str
    model: str
    report: ScanReport
    writer: Writer
    replay: bool = False
    """Whether the journal names a face that came in: what it says has to be worked out again."""
    _pictures: list[Future[Put]] = field(default_factory=list)
    """Small pictures that are being written."""

    def job(self, todo: Todo) -> Job:
        """What a worker is told about a file."""
        film = is_video(todo.name)
        if todo.kind == "embed":
            photo = path_table.photo_at(self.lib, todo.root, todo.dir, todo.name)
            if photo is not None and film:
                tracks = track_table.tracks_of(self.lib, photo)
                key = photo_table.photo_row(self.lib, photo)["key"]
                best = tuple((face, track.best) for face, track in sorted(tracks.items()))
                return Job(todo.path, of=key, video=True, tracks=best)
            if photo is not None:
                found = face_table.faces_of(self.lib, photo)
                faces = tuple(
                    (f.id, f.box, photo_table.landmarks_of(f.landmarks))
                    for f in found
                    if f.landmarks != "[]"
                )
                return Job(todo.path, faces=faces, of=photo_table.photo_row(self.lib, photo)["key"])
        known = () if todo.kind == "force" else photo_table.keys_of_size(self.lib, todo.size)
        return Job(todo.path, known=known, video=film)

    def take(self, todos: Sequence[Todo], outcomes: Sequence[Outcome]) -> None:
        """Write what became of some files, all or none of it. Raises CannotWrite."""
        with self.lib.transaction():
            for todo, outcome in zip(todos, outcomes, strict=True):
                self._take(todo, outcome)
            self._wait_for_pictures()

    def take_enrolled(self, key: str, outcome: Outcome) -> None:
        """The same for the library's own copy of an enrolled photo, which has no path. A copy that
        is not that photo any more counts as unreadable. Raises CannotWrite."""
        record, photo = outcome.record, photo_table.photo_with_key(self.lib, key)
        with self.lib.transaction():
            if outcome.vectors is not None and photo is not None:
                self._set_vectors(photo, outcome)
            elif record is not None and record.key == key and photo is None:
                photo, faces = photo_table.add_photo(
                    self.lib, record, outcome.size, self.detector, self.model
                )
                photo_table.refresh_live(self.lib, [photo])
                self._keep_pictures(record, faces)
                self._wait_for_pictures()
                self.replay = True
            else:
                reason = outcome.reason or "changed"
                said = outcome.message or "this copy is not the photo that was enrolled any more"
                self.report.failed.append(Problem(outcome.path, reason, said))

    def _take(self, todo: Todo, outcome: Outcome) -> None:
        if outcome.reason == "vanished":
            self.report.vanished += 1
        elif outcome.reason is not None:
            self._fail(todo, outcome)
        elif outcome.vectors is not None:
            self._embed(todo, outcome)
        elif outcome.key is not None:
            photo = photo_table.photo_with_key(self.lib, outcome.key)
            if photo is None:
                raise RuntimeError(f"{todo.path}: its photo left the catalogue meanwhile")
            self._place(todo, outcome, photo, fresh=False)
        elif outcome.record is not None:
            self._record(todo, outcome, outcome.record)

    def _keep_pictures(self, record: PhotoRecord, faces: Sequence[int]) -> None:
        for name, data in pictures_of(record, faces).items():
            self._pictures.append(self.writer.put(self.lib.folder / name, data))

    def _wait_for_pictures(self) -> None:
        for picture in self._pictures:
            picture.result()
        self._pictures.clear()

    def _fail(self, todo: Todo, outcome: Outcome) -> None:
        before = path_table.photo_at(self.lib, todo.root, todo.dir, todo.name)
        size = outcome.size or todo.size
        mtime_ns = outcome.mtime_ns or todo.mtime_ns
        reason = outcome.reason or "unreadable"
        path_table.set_failed(
            self.lib, todo.root, todo.dir, todo.name, size, mtime_ns, reason, outcome.message
        )
        if before is not None:
            photo_table.refresh_live(self.lib, [before])
        self.report.failed.append(Problem(todo.path, reason, outcome.message))

    def _embed(self, todo: Todo, outcome: Outcome) -> None:
        """Vectors of known faces by a model that had not seen them."""
        photo = path_table.photo_at(self.lib, todo.root, todo.dir, todo.name)
        if photo is not None:
            self._set_vectors(photo, outcome)

    def _set_vectors(self, photo: int, outcome: Outcome) -> None:
        for number, vector in outcome.vectors or ():
            photo_table.set_embedding(self.lib, self.model, number, vector)
        for number, seen in outcome.classified:
            photo_table.set_embedding(self.lib, seen.classifier, number, seen.probabilities)
        photo_table.set_embedded(self.lib, photo, self.model)

    def _record(self, todo: Todo, outcome: Outcome, record: PhotoRecord) -> None:
        """A new photo, or one that another file brought in meanwhile, or one seen anew."""
        photo = photo_table.photo_with_key(self.lib, record.key)
        fresh = photo is None
        if photo is None:
            photo, faces = photo_table.add_photo(
                self.lib, record, outcome.size, self.detector, self.model
            )
            self._keep_pictures(record, faces)
            self.replay |= journal.names(self.lib, record.key)
            self.report.faces += len(faces)
        elif todo.kind == "force":
            self._see_anew(photo, record)
        self._place(todo, outcome, photo, fresh=fresh, pixel_key=record.pixel_key)

    def _place(
        self, todo: Todo, outcome: Outcome, photo: int, *, fresh: bool, pixel_key: str = ""
    ) -> None:
        """Write which photo a file holds, and say what became of the file."""
        before = path_table.photo_at(self.lib, todo.root, todo.dir, todo.name)
        path_table.set_path(
            self.lib, todo.root, todo.dir, todo.name, outcome.size, outcome.mtime_ns, photo
        )
        if before is None and fresh:
            before = self._renamed_twin(photo, pixel_key)
        if before is None:
            self._count_new(todo, photo)
        elif before != photo:
            self.report.edited += 1
            edit_table.add_edit(self.lib, before, photo, fresh=fresh, path=todo.path)
        elif todo.kind == "retry":
            self.report.retried += 1
        else:
            self.report.unchanged += 1
        photo_table.refresh_live(self.lib, {photo, before or photo})
        photo_table.unpublish(self.lib, [photo])

    def _renamed_twin(self, photo: int, pixel_key: str) -> int | None:
        """A gone photo of the same pixels: its metadata was rewritten, and it was renamed."""
        twin = photo_table.gone_twin(self.lib, pixel_key, photo)
        if twin is not None:
            self._forget_old_place(twin)
        return twin

    def _forget_old_place(self, photo: int) -> bool:
        """Drop a path of the photo that is gone (now or since earlier): the file moved."""
        place = plan_table.take_gone(self.lib, photo)
        if place is None:
            place = next(iter(path_table.missing_of(self.lib, photo)), None)
        if place is None:
            return False
        path_table.forget_path(self.lib, place)
        return True

    def _count_new(self, todo: Todo, photo: int) -> None:
        if self._forget_old_place(photo):
            self.report.moved += 1
        elif len(path_table.paths_of(self.lib, photo)) > 1:
            self.report.copied += 1
        elif todo.kind == "retry":
            self.report.retried += 1
        else:
            self.report.new += 1

    def _see_anew(self, photo: int, record: PhotoRecord) -> None:
        """Faces found again keep their ids; others are new; a face not found again stays only if
        the journal names its photo, or if it was drawn."""
        named = journal.names(self.lib, record.key)
        old = face_table.faces_of(self.lib, photo)
        same = _found_again(old, record.faces, track_table.tracks_of(self.lib, photo))
        ids = []
        for index, face in enumerate(record.faces):
            if index in same:
                photo_table.renew_face(self.lib, same[index], face, self.model, place=not named)
                ids.append(same[index])
            else:
                ids.append(photo_table.add_face(self.lib, photo, face, self.model))
        lost = [face.id for face in old if face.id not in ids and not face.drawn]
        if named:
            self.replay = True
            lost = [number for number in lost if not face_table.has_word(self.lib, number)]
        for number in lost:
            photo_table.drop_face(self.lib, number)
        photo_table.renew_photo(self.lib, photo, record, self.detector, self.model)
        self._keep_pictures(record, ids)


def _found_again(
    old: list[FaceRow], new: tuple[FaceRecord, ...], tracks: Mapping[int, Track]
) -> dict[int, int]:
    """Index of a new face → id of the old face that it is: most overlap first, one to one."""

    def overlap(face: FaceRow, again: FaceRecord) -> float:
        track = tracks.get(face.id)
        if track is None or again.track is None:
            return face.box.iou(again.box)
        at = again.track.best[0].at
        near = meet((at - SLACK, at + SLACK), track.span)
        return again.box.iou(box_at(track.path, at)) if near else 0.0

    pairs = sorted(
        (-overlap(face, again), face.id, index)
        for index, again in enumerate(new)
        for face in old
        if overlap(face, again) >= MEETS
    )
    found: dict[int, int] = {}
    for _, face, index in pairs:
        if index not in found and face not in found.values():
            found[index] = face
    return found
