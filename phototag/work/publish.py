"""Write what is known where others can read it: sidecars, annotated thumbnails, the contact sheet.

Each file is written whole or not at all, only where its content changed, and recorded, so that a
scan that was cut off here is finished by the next. A file that is not ours is never overwritten and
never removed.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from phototag.catalog import photos as table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.store import Library, meta, set_meta
from phototag.catalog.tracks import film_of
from phototag.catalog.views import SeenFace
from phototag.output import atomic, sidecar
from phototag.output.atomic import CannotWriteFile
from phototag.output.sheet_types import SheetReport
from phototag.output.sidecar import Likeness, SidecarFace, SidecarPhoto
from phototag.settings import Settings
from phototag.work.film import Reel, lines_of, reel_of
from phototag.work.pictures import annotated_path, crop_path, drop_pictures, thumb_path
from phototag.work.writing import Put, Writer

BATCH = 64
"""Photos whose outputs are written before the catalogue says so, in one transaction."""

LOOK = "1"
"""Version of how thumbnails and pages look: raise it to have them all drawn again."""


Marked = tuple[object, str, str]
"""Box, name and style of a face on a thumbnail."""


@dataclass(slots=True)
class PublishReport:
    """What was written."""

    sidecars: int = 0
    thumbnails: int = 0
    removed: int = 0
    in_library: int = 0
    """Sidecars that went to the library because their folder cannot be written."""
    kept: list[str] = field(default_factory=list)
    """Files in a sidecar's place that are not ours, or of a newer phototag: left as they are."""
    unwritten: list[str] = field(default_factory=list)
    """Sidecars that could not be written, and why."""
    sheet: Path | None = None
    sheet_waiting: int = 0
    """Parts of the sheet (clusters, lists, months) that are left for later."""


@dataclass(frozen=True, slots=True)
class _Piece:
    """A file on its way."""

    photo: int
    kind: str
    path: str
    """As the catalogue names it: absolute, or relative to the library."""
    put: Future[Put]
    content: bytes = b""
    elsewhere: Path | None = None
    """Where it goes if its folder cannot be written."""

    @property
    def what(self) -> tuple[int, str]:
        return self.photo, self.kind


@dataclass(slots=True)
class Publisher:
    """Writes the outputs of one library."""

    lib: Library
    settings: Settings
    model: str
    default_library: bool = True
    """Whether commands on the sheet can leave `--library` out."""
    report: PublishReport = field(default_factory=PublishReport)
    _names: dict[int, str] = field(default_factory=dict)

    def run(
        self,
        tell: Callable[[int, int], None] = lambda done, total: None,
        *,
        most: int | None = None,
    ) -> PublishReport:
        """Write what is not up to date; of the sheet, `most` bounds what is not about the people
        (see `sheet.write_sheet`), and the next run writes the rest. Raises CannotWrite (disk full,
        a library that cannot be written)."""
        self._settings_changed()
        self._names = verdict_table.people(self.lib)
        photos = table.unpublished(self.lib)
        if photos:
            with self.lib.transaction():
                set_meta(self.lib, "sheet", "to be written")
        done = 0
        with Writer() as writer:
            for start in range(0, len(photos), BATCH):
                batch = photos[start : start + BATCH]
                with self.lib.transaction():
                    self._batch(batch, writer)
                done += len(batch)
                tell(done, len(photos))
        self._forget_past()
        if meta(self.lib, "sheet") != self._sheet_mark():
            self._sheet(most)
        return self.report

    def _batch(self, photos: list[int], writer: Writer) -> None:
        """Write the outputs of some photos, then say in the catalogue that they are written."""
        pieces = [piece for photo in photos for piece in self._pieces(photo, writer)]
        wanted: dict[int, set[str]] = {photo: set() for photo in photos}
        for piece in pieces:
            wanted[piece.photo].add(self._settle(piece, writer))
        writer.flush()
        for photo in photos:
            for path, (_, digest) in table.outputs_of(self.lib, photo).items():
                if path not in wanted[photo]:
                    self._remove(path, digest)
            table.set_published(self.lib, photo)

    def _forget_past(self) -> None:
        """Drop what is left of photos that are no more, now that their outputs are gone."""
        with self.lib.transaction():
            dropped = table.drop_past_photos(self.lib)
        for key, faces in dropped:
            drop_pictures(self.lib.folder, key, faces)

    def _settings_changed(self) -> None:
        wanted = f"{self.settings.sidecars} {self.settings.thumbnails} {LOOK}"
        if meta(self.lib, "outputs") != wanted:
            with self.lib.transaction():
                table.unpublish_all(self.lib)
                set_meta(self.lib, "outputs", wanted)

    # ---- one photo

    def _pieces(self, photo: int, writer: Writer) -> Iterator[_Piece]:
        """Begin to write all that is wanted of a photo."""
        row = table.photo_row(self.lib, photo)
        paths = table.paths_of(self.lib, photo) if row["live"] else []
        faces = views.faces_in_photo(self.lib, photo) if paths else []
        reel = reel_of(self.lib, photo) if faces else None
        if faces and self.settings.sidecars != "none":
            for place in paths:
                content = sidecar.render(self._content(place.path, row, faces))
                yield self._sidecar(photo, place.path, content, writer)
        if faces and self.settings.thumbnails:
            target = annotated_path(row["key"])
            source, marks = self.lib.folder / thumb_path(row["key"]), self._marks(faces, reel)
            scale = None if reel is None else max(reel.strip.tile)
            put = writer.put(self.lib.folder / target, partial(_drawn, source, marks, scale))
            yield _Piece(photo, "thumbnail", target, put)

    def _sidecar(self, photo: int, path: str, content: bytes, writer: Writer) -> _Piece:
        name = sidecar.name_for(path)
        inside = self.lib.folder / "sidecars" / str(Path(path).parent).lstrip("/") / name
        if self.settings.sidecars == "library":
            put = writer.put(inside, content, ours=_is_ours)
            return _Piece(photo, "sidecar", str(inside), put)
        beside = Path(path).parent / name
        put = writer.put(beside, content, make_folder=False, ours=_is_ours)
        return _Piece(photo, "sidecar", str(beside), put, content, inside)

    def _settle(self, piece: _Piece, writer: Writer) -> str:
        """Wait for a file, and say in the catalogue that it is there; its path."""
        try:
            put = piece.put.result()
        except CannotWriteFile as error:
            if piece.elsewhere is not None and error.reason in ("read-only", "denied"):
                self.report.in_library += 1
                again = writer.put(piece.elsewhere, piece.content, ours=_is_ours)
                return self._settle(_Piece(*piece.what, str(piece.elsewhere), again), writer)
            if error.reason == "disk-full" or piece.kind != "sidecar":
                raise
            self.report.unwritten.append(str(error))
            return piece.path
        if put.state == "kept":
            self.report.kept.append(piece.path)
        elif put.state != "nothing":
            self._record(piece, put)
        return piece.path

    def _record(self, piece: _Piece, put: Put) -> None:
        if put.state == "written":
            self.report.sidecars += piece.kind == "sidecar"
            self.report.thumbnails += piece.kind == "thumbnail"
        known = table.outputs_of(self.lib, piece.photo).get(piece.path)
        if known != (piece.kind, put.digest):
            table.set_output(self.lib, piece.photo, piece.kind, piece.path, put.digest)

    def _content(self, path: str, row: object, faces: list[SeenFace]) -> SidecarPhoto:
        film = film_of(self.lib, row["id"])  # type: ignore[index]
        return SidecarPhoto(
            file=os.path.basename(path),  # noqa: PTH119
            key=row["key"],  # type: ignore[index]
            width=row["width"],  # type: ignore[index]
            height=row["height"],  # type: ignore[index]
            format=row["format"],  # type: ignore[index]
            taken=row["taken"],  # type: ignore[index]
            detector=row["detector"],  # type: ignore[index]
            embedder=self.model,
            faces=[self._face(face, index) for index, face in enumerate(faces, 1)],
            duration=None if film is None else film.duration,
            timeline=lines_of(faces, self._names),
        )

    def _face(self, face: SeenFace, index: int) -> SidecarFace:
        named = face.state in ("manual", "imported")
        automatic = face.state == "automatic"
        status = "named" if named else "recognised" if automatic else "unknown"
        return SidecarFace(
            id=f"face-{face.id}",
            index=index,
            box=face.box,
            landmarks=table.landmarks_of(face.landmarks) if face.landmarks != "[]" else None,
            score=None if face.drawn else face.score,
            quality=face.quality,
            status="ignored" if face.state == "ignored" else status,  # type: ignore[arg-type]
            person=self._names.get(face.person) if face.person is not None else None,
            how=face.state if named or automatic else None,  # type: ignore[arg-type]
            similarity=face.similarity if automatic else None,
            runner_up=self._likeness(face.runner_up, face.runner_up_score) if automatic else None,
            suggestion=self._likeness(face.suggestion, face.suggestion_score),
            cluster=f"cluster-{face.cluster}" if face.cluster is not None else None,
            span=face.span,
        )

    def _likeness(self, person: int | None, similarity: float | None) -> Likeness | None:
        if person is None or similarity is None or person not in self._names:
            return None
        return Likeness(self._names[person], similarity)

    def _marks(self, faces: list[SeenFace], reel: Reel | None) -> tuple[Marked, ...]:
        boxes = {face.id: face.box for face in faces} if reel is None else reel.boxes
        return tuple((boxes[face.id], *self._caption(face)) for face in faces if face.id in boxes)

    def _caption(self, face: SeenFace) -> tuple[str, str]:
        if face.person is not None:
            return self._names.get(face.person, ""), "person"
        if face.state == "ignored":
            return "", "ignored"
        if face.suggestion is not None and face.suggestion in self._names:
            return f"{self._names[face.suggestion]}?", "suggested"
        return "", "unknown"

    def _remove(self, path: str, digest: str) -> None:
        """Take away a file that we wrote and nobody changed since."""
        place = self.lib.folder / path if not os.path.isabs(path) else Path(path)  # noqa: PTH117
        try:
            if atomic.digest(place.read_bytes()) == digest:
                place.unlink()
                self.report.removed += 1
        except OSError:
            pass  # gone already, or on a disk that is not there: the record ends either way
        table.drop_output(self.lib, path)

    # ---- the sheet

    def _sheet_mark(self) -> str:
        return f"{LOOK} {self.settings.sheet}"

    def _sheet(self, most: int | None) -> None:
        if self.settings.sheet:
            made = write_sheet(self.lib, default_library=self.default_library, most=most)
            self.report.sheet, self.report.sheet_waiting = made.index, made.waiting
            if made.waiting:
                return
        with self.lib.transaction():
            set_meta(self.lib, "sheet", self._sheet_mark())


def _is_ours(there: bytes) -> bool:
    return sidecar.ours(there) == "ours"


def _drawn(source: Path, marks: tuple[Marked, ...], scale: int | None) -> bytes | None:
    """A thumbnail with its boxes; None where the library has no picture of the photo. `scale`: the
    longest side of a frame on the strip of a video."""
    from phototag.images.draw import Mark, annotate
    from phototag.images.read import as_webp
    from phototag.images.thumbs import opened

    try:
        pixels = opened(source.read_bytes())
    except OSError:
        return None
    drawn = annotate(pixels, [Mark(*mark) for mark in marks], scale)  # type: ignore[arg-type]
    return as_webp(drawn, max(drawn.shape[:2]))


def write_sheet(
    lib: Library, *, default_library: bool = True, most: int | None = None
) -> SheetReport:
    """Write the contact sheet, as far as `most` goes. Raises CannotWrite."""
    from phototag.output import sheet
    from phototag.work.sheet_content import content_of

    where = "" if default_library else f" --library {shlex.quote(str(lib.folder))}"
    return sheet.write_sheet(lib.folder / "sheet", content_of(lib, where), most=most)


__all__ = ["PublishReport", "Publisher", "crop_path", "write_sheet"]
