"""What other programs say of the people in photos that the catalogue knows: for each file that
they say something of, regions in the frame of the upright photo, and names without a place."""

from __future__ import annotations

import csv
import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from phototag.catalog import interchange as table
from phototag.catalog import photos as photo_table
from phototag.catalog.interchange import PresentFile
from phototag.catalog.store import Library
from phototag.core.decisions import tidy
from phototag.core.regions import Region, fits, upright, usable
from phototag.core.types import Box
from phototag.core.xmp import Told
from phototag.errors import UnreadableImage, UsageError
from phototag.images import packets, picasa, takeout
from phototag.images.find import is_video
from phototag.images.markup import NotReadable
from phototag.output import sidecar
from phototag.work.reports import Problem

PLAIN = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "HEIF", "AVIF", "JPEG2000")
"""Formats that are no RAW: Picasa draws in them as they are seen."""

LONGEST_NAME = 200

OTHER_SHAPE = "other-shape"
"""A remark and no failure: what could be taken over was."""

_OTHER_SHAPE = (
    "its regions were drawn in a picture of another shape (cropped since?), so they name faces "
    "where they meet one, and are not drawn where they do not"
)


@dataclass(frozen=True, slots=True)
class Saying:
    """What is said of one file."""

    file: PresentFile
    regions: tuple[Region, ...]
    """In fractions of the upright photo."""
    names: tuple[str, ...]
    trusted: bool = True
    """Whether the boxes are of this photo as it is: else they may name a face and draw none."""


@dataclass(slots=True)
class Reader:
    """Reads one source; what cannot be read is a problem, and the next file follows."""

    lib: Library
    problems: list[Problem] = field(default_factory=list)
    strangers: int = 0
    """Photos that the source names and the catalogue does not know."""
    nameless: int = 0
    """Regions whose person the source itself does not name."""

    def problem(self, path: str, message: str) -> None:
        self.problems.append(Problem(path, "not-readable", message))

    # ---- XMP

    def xmp(self, place: str) -> Iterator[Saying]:
        """Files beside photos (`x.jpg.xmp` before `x.xmp`), else what is in the photo: the first
        that says anything of people."""
        for file in table.files_below(self.lib, place):
            for path in (*packets.sidecars_of(file.path), None):
                documents = self._inside(file) if path is None else self._beside(path)
                saying = self._said_in_xmp(file, documents)
                if saying is not None:
                    yield saying
                    break

    def _beside(self, path: str) -> list[packets.Document]:
        try:
            found = packets.read_sidecar(path)
        except NotReadable as error:
            self.problem(path, str(error))
            return []
        return [] if found is None else [found]

    def _inside(self, file: PresentFile) -> list[packets.Document]:
        try:
            return packets.embedded(packets.read_head(file.path))
        except OSError as error:
            self.problem(file.path, error.strerror or str(error))
        except NotReadable as error:
            self.problem(file.path, f"its XMP: {error}")
        return []

    def _said_in_xmp(self, file: PresentFile, documents: list[packets.Document]) -> Saying | None:
        from phototag.core.xmp import told

        said = [told(document.root) for document in documents]
        if not any(said):
            return None
        if is_video(file.path):  # its regions have no time
            named = (name for t in said for name in (*t.names, *(r.name for r in t.regions)))
            return _saying(file, [], list(named))
        try:
            data = Path(file.path).read_bytes()
            frame = _Frame.of(data, file.path)
        except (OSError, UnreadableImage) as error:
            self.problem(file.path, str(error))
            return None
        again = [told(document.root, frame.size) for document in documents]
        regions = [r for t in again for r in frame.upright(t)]
        names = [name for t in again for name in t.names]
        trusted = all(t.applied_to is None or fits(t.applied_to, frame.size) for t in again)
        if not trusted and regions:
            self.problems.append(Problem(file.path, OTHER_SHAPE, _OTHER_SHAPE))
        return _saying(file, regions, names, trusted)

    # ---- Picasa

    def picasa(self, place: str, contacts: str | None = None) -> Iterator[Saying]:
        """Every `.picasa.ini` at or below a place."""
        inis, books = _picasa_files(place)
        if contacts is not None:
            books.append(contacts)
        known: dict[str, str] = {}
        for path in books:
            try:
                known |= picasa.read_contacts(path)
            except NotReadable as error:
                self.problem(path, str(error))
        for path in inis:
            try:
                ini = picasa.sections(picasa.read_text(path))
            except NotReadable as error:
                self.problem(path, str(error))
                continue
            everybody = known | picasa.contacts_in(ini)
            for name, lines in ini.items():
                if "faces" in lines:
                    photo = os.path.join(os.path.dirname(path), name)  # noqa: PTH118, PTH120
                    yield from self._picasa_photo(photo, lines, everybody)

    def _picasa_photo(
        self, path: str, lines: dict[str, str], contacts: dict[str, str]
    ) -> Iterator[Saying]:
        regions, nameless = picasa.faces_of(lines, contacts)
        self.nameless += nameless
        file = self._known(path)
        if file is None or not regions:
            return
        if file.format not in PLAIN:
            try:
                orientation = _Frame.of(Path(path).read_bytes(), path).orientation
            except (OSError, UnreadableImage) as error:
                self.problem(path, str(error))
                return
            regions = [
                Region(r.name, upright(r.box, orientation)) for r in regions if r.box is not None
            ]
        yield _saying(file, regions, [])

    # ---- Google, phototag itself, tables

    def takeout(self, place: str) -> Iterator[Saying]:
        for file in table.files_below(self.lib, place):
            for path in takeout.documents_of(file.path):
                try:
                    names = takeout.read_people(path)
                except NotReadable as error:
                    self.problem(path, str(error))
                    continue
                if names is not None:
                    if names:
                        yield _saying(file, [], names)
                    break

    def sidecars(self, place: str) -> Iterator[Saying]:
        """phototag's own, written by another library: what its user said, not what it guessed."""
        for file in table.files_below(self.lib, place):
            path = str(Path(file.path).parent / sidecar.name_for(file.path))
            try:
                data = Path(path).read_bytes()
            except OSError:
                continue
            people = sidecar.people_in(data)
            if people is None:
                self.problem(path, "it is no sidecar of this phototag")
                continue
            if people.named:
                regions = [Region(name, box) for name, box in people.named]
                trusted = people.key == file.key or people.size == (file.width, file.height)
                yield _saying(file, regions, [], trusted)

    def csv(self, place: str) -> Iterator[Saying]:
        """A table with a head: `file`, `person`, and where the face is known `x,y,w,h` in pixels of
        the upright photo or in fractions of it. Raises UsageError for another head."""
        rows: dict[str, list[tuple[int, dict[str, str]]]] = defaultdict(list)
        try:
            with open(place, encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:  # noqa: PTH123
                table_ = csv.DictReader(lines)
                _check_head(place, table_.fieldnames or ())
                for number, row in enumerate(table_, 2):
                    rows[row.get("file") or ""].append((number, row))
        except (csv.Error, IsADirectoryError) as error:
            raise UsageError(f"{place}: {error}") from error
        for name, those in rows.items():
            folder = os.path.dirname(place)  # noqa: PTH120
            file = self._known(os.path.normpath(os.path.join(folder, name)))  # noqa: PTH118
            if file is not None:
                yield self._rows(place, file, those)

    def _rows(
        self, place: str, file: PresentFile, rows: list[tuple[int, dict[str, str]]]
    ) -> Saying:
        regions, names = [], []
        for number, row in rows:
            person = row.get("person") or ""
            sides = [row.get(side) or "" for side in "xywh"]
            if not any(sides):
                names.append(person)
                continue
            try:
                regions.append(Region(person, _box(sides, file)))
            except ValueError:
                self.problem(place, f"line {number}: {','.join(sides)} is no box")
        return _saying(file, regions, names)

    def _known(self, path: str) -> PresentFile | None:
        """The catalogue's file at a path; else it is counted as a stranger."""
        row = photo_table.path_at(self.lib, path)
        found = None
        if row is not None and row.photo is not None and row.missing_since is None:
            found = next(iter(table.files_below(self.lib, path)), None)
        self.strangers += found is None
        return found


@dataclass(frozen=True, slots=True)
class _Frame:
    """The stored photo that regions refer to."""

    size: tuple[int, int]
    orientation: int
    turn: int
    """Of a HEIC file: what makes its stored picture the one that libheif shows, which `size` is
    of."""

    @staticmethod
    def of(data: bytes, path: str) -> _Frame:
        from phototag.images.read import stored_frame

        width, height, orientation = stored_frame(data, path)
        turn = packets.turn_of_heic(data) if data[4:8] == b"ftyp" else 1
        return _Frame((width, height), orientation, turn)

    def upright(self, said: Told) -> list[Region]:
        orientation = self.orientation
        if self.turn > 4 and said.applied_to is not None:
            wide, high = said.applied_to
            if (wide > high) != (self.size[0] > self.size[1]):
                orientation = self.turn
        return [
            Region(r.name, upright(r.box, orientation)) for r in said.regions if r.box is not None
        ]


def _saying(
    file: PresentFile, regions: list[Region], names: list[str], trusted: bool = True
) -> Saying:
    """With tidy names; a region that lies nowhere is a name."""
    placed, loose = [], [_name(name) for name in names]
    for region in regions:
        box = None if region.box is None else usable(region.box)
        name = _name(region.name)
        if name and box is not None:
            placed.append(Region(name, box.rounded()))
        else:
            loose.append(name)
    return Saying(file, tuple(placed), tuple(n for n in dict.fromkeys(loose) if n), trusted)


def _name(text: str) -> str:
    name = tidy(text)
    return name if len(name) <= LONGEST_NAME else ""


def _picasa_files(place: str) -> tuple[list[str], list[str]]:
    """(ini files, contact lists) at or below a place."""
    if os.path.isfile(place):  # noqa: PTH113
        return [place], []
    inis, books = [], []
    for folder, inner, names in os.walk(place):
        inner.sort()
        path = Path(folder)
        inis += [str(path / name) for name in picasa.NAMES[:2] if name in names][:1]
        books += [str(path / name) for name in names if name == "contacts.xml"]
    return inis, books


def _check_head(place: str, head: object) -> None:
    if not {"file", "person"} <= set(head or ()):  # type: ignore[call-overload]
        raise UsageError(
            f"{place}: the first line must name the columns: file,person or file,x,y,w,h,person."
        )


def _box(sides: list[str], file: PresentFile) -> Box:
    """Raises ValueError."""
    x, y, w, h = (float(side) for side in sides)
    if max(x, y, w, h) <= 1:
        return Box(x, y, w, h)
    return Box(x / file.width, y / file.height, w / file.width, h / file.height)
