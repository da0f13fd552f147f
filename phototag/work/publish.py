"""Write what is known where others can read it: sidecars, annotated thumbnails, the contact sheet.

Each file is written whole or not at all, only where its content changed, and recorded, so that a
scan that was cut off here is finished by the next. A file that is not ours is never overwritten and
never removed.
"""

from __future__ import annotations

import errno
import os
import shlex
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from phototag.catalog import faces as face_table
from phototag.catalog import photos as table
from phototag.catalog import views
from phototag.catalog.store import Library, meta, set_meta
from phototag.catalog.views import SeenFace
from phototag.errors import CannotWrite
from phototag.output import atomic, sidecar
from phototag.output.sidecar import Likeness, SidecarFace, SidecarPhoto
from phototag.settings import Settings
from phototag.work.pictures import annotated_path, crop_path, thumb_path

READ_ONLY = (errno.EROFS, errno.EACCES, errno.EPERM)

LOOK = "1"
"""Version of how thumbnails and pages look: raise it to have them all drawn again."""


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
    sheet: Path | None = None


@dataclass(slots=True)
class Publisher:
    """Writes the outputs of one library."""

    lib: Library
    settings: Settings
    model: str
    default_library: bool = True
    """Whether commands on the sheet can leave `--library` out."""
    report: PublishReport = field(default_factory=PublishReport)
    _folders: set[Path] = field(default_factory=set)
    _swept: set[Path] = field(default_factory=set)
    _names: dict[int, str] = field(default_factory=dict)

    def run(self, tell: Callable[[int, int], None] = lambda done, total: None) -> PublishReport:
        """Write what is not up to date. Raises CannotWrite (disk full, a library that cannot be
        written)."""
        self._settings_changed()
        self._names = face_table.people(self.lib)
        photos = table.unpublished(self.lib)
        waiting: deque[tuple[int, str, Future[bytes | None]]] = deque()
        with ThreadPoolExecutor(2) as pool:
            for done, photo in enumerate(photos, 1):
                waiting.extend(self._photo(photo, pool))
                while len(waiting) > 32:
                    self._thumbnail(*waiting.popleft())
                table.set_published(self.lib, photo)
                if done % 500 == 0:
                    self._settle(waiting)
                tell(done, len(photos))
            self._settle(waiting)
        if photos or meta(self.lib, "sheet") != self._sheet_mark():
            self._sheet()
        return self.report

    def _settle(self, waiting: deque[tuple[int, str, Future[bytes | None]]]) -> None:
        while waiting:
            self._thumbnail(*waiting.popleft())
        for folder in sorted(self._folders):
            atomic.flush(folder)
        self._folders.clear()

    def _settings_changed(self) -> None:
        wanted = f"{self.settings.sidecars} {self.settings.thumbnails} {LOOK}"
        if meta(self.lib, "outputs") != wanted:
            with self.lib.transaction():
                table.unpublish_all(self.lib)
                set_meta(self.lib, "outputs", wanted)

    # ---- one photo

    def _photo(
        self, photo: int, pool: ThreadPoolExecutor
    ) -> Iterator[tuple[int, str, Future[bytes | None]]]:
        row = table.photo_row(self.lib, photo)
        paths = table.paths_of(self.lib, photo) if row["live"] else []
        faces = views.faces_in_photo(self.lib, photo) if paths else []
        wanted: set[str] = set()
        if faces and self.settings.sidecars != "none":
            for place in paths:
                content = sidecar.render(self._content(place.path, row, faces))
                wanted.add(self._sidecar(photo, place.path, content))
        if faces and self.settings.thumbnails:
            target = annotated_path(row["key"])
            wanted.add(target)
            marks = self._marks(faces)
            source = self.lib.folder / thumb_path(row["key"])
            yield photo, target, pool.submit(_drawn, source, marks)
        for path, (_, digest) in table.outputs_of(self.lib, photo).items():
            if path not in wanted:
                self._remove(path, digest)

    def _content(self, path: str, row: object, faces: list[SeenFace]) -> SidecarPhoto:
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
        )

    def _face(self, face: SeenFace, index: int) -> SidecarFace:
        named = face.state in ("manual", "imported")
        automatic = face.state == "automatic"
        status = "named" if named else "recognised" if automatic else "unknown"
        return SidecarFace(
            id=f"face-{face.id}",
            index=index,
            box=face.box,
            landmarks=table.landmarks_of(face.landmarks),
            score=face.score,
            quality=face.quality,
            status="ignored" if face.state == "ignored" else status,  # type: ignore[arg-type]
            person=self._names.get(face.person) if face.person is not None else None,
            how=face.state if named or automatic else None,  # type: ignore[arg-type]
            similarity=face.similarity if automatic else None,
            runner_up=self._likeness(face.runner_up, face.runner_up_score) if automatic else None,
            suggestion=self._likeness(face.suggestion, face.suggestion_score),
            cluster=f"cluster-{face.cluster}" if face.cluster is not None else None,
        )

    def _likeness(self, person: int | None, similarity: float | None) -> Likeness | None:
        if person is None or similarity is None or person not in self._names:
            return None
        return Likeness(self._names[person], similarity)

    def _sidecar(self, photo: int, path: str, content: bytes) -> str:
        """Write one sidecar; the path that is its place now."""
        name = sidecar.name_for(path)
        beside = Path(path).parent / name
        if self.settings.sidecars == "beside":
            try:
                self._write(photo, beside, "sidecar", content)
                return str(beside)
            except CannotWrite as error:
                cause = error.__cause__
                if not (isinstance(cause, OSError) and cause.errno in READ_ONLY):
                    raise
                self.report.in_library += 1
        inside = self.lib.folder / "sidecars" / str(Path(path).parent).lstrip("/") / name
        atomic.make_folder(inside.parent)
        self._write(photo, inside, "sidecar", content)
        return str(inside)

    def _write(self, photo: int, path: Path, kind: str, content: bytes) -> None:
        known = table.outputs_of(self.lib, photo).get(str(path))
        digest = atomic.digest(content)
        try:
            there = path.read_bytes()
        except FileNotFoundError:
            there = None
        except OSError:
            there = b""
        if there is not None and there != content and sidecar.ours(there) != "ours":
            self.report.kept.append(str(path))
            return
        if there != content:
            self._sweep(path.parent)
            atomic.write(path, content, flush_folder=False)
            self._folders.add(path.parent)
            self.report.sidecars += 1
        if known != (kind, digest):
            table.set_output(self.lib, photo, kind, str(path), digest)

    def _sweep(self, folder: Path) -> None:
        """Once for each folder: remove what a killed phototag left half written there."""
        if folder not in self._swept:
            self._swept.add(folder)
            atomic.sweep(folder)

    def _thumbnail(self, photo: int, target: str, drawing: Future[bytes | None]) -> None:
        content = drawing.result()
        if content is None:
            return
        path = self.lib.folder / target
        digest = atomic.digest(content)
        atomic.make_folder(path.parent)
        self._sweep(path.parent)
        if atomic.write_if_changed(path, content, flush_folder=False):
            self._folders.add(path.parent)
            self.report.thumbnails += 1
        if table.outputs_of(self.lib, photo).get(target) != ("thumbnail", digest):
            table.set_output(self.lib, photo, "thumbnail", target, digest)

    def _marks(self, faces: list[SeenFace]) -> tuple[tuple[object, str, str], ...]:
        return tuple((face.box, *self._caption(face)) for face in faces)

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

    def _sheet(self) -> None:
        if self.settings.sheet:
            self.report.sheet = write_sheet(self.lib, default_library=self.default_library)
        set_meta(self.lib, "sheet", self._sheet_mark())


def _drawn(source: Path, marks: tuple[tuple[object, str, str], ...]) -> bytes | None:
    """A thumbnail with its boxes; None where the library has no picture of the photo."""
    from phototag.images.draw import Mark, annotate
    from phototag.images.read import as_webp
    from phototag.images.thumbs import opened

    try:
        pixels = opened(source.read_bytes())
    except OSError:
        return None
    drawn = annotate(pixels, [Mark(*mark) for mark in marks])  # type: ignore[arg-type]
    return as_webp(drawn, max(drawn.shape[:2]))


def write_sheet(lib: Library, *, default_library: bool = True) -> Path:
    """Write the contact sheet; where its first page is. Raises CannotWrite."""
    from phototag.output import sheet
    from phototag.work.sheet_content import content_of

    where = "" if default_library else f" --library {shlex.quote(str(lib.folder))}"
    return sheet.write_sheet(lib.folder / "sheet", content_of(lib, where)).index


__all__ = ["PublishReport", "Publisher", "crop_path", "write_sheet"]
