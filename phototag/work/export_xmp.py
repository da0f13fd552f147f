"""Write names and faces into XMP: beside the photos, or (only when asked) into them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

from phototag.catalog import interchange as table
from phototag.catalog import paths as path_table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog import views
from phototag.catalog.interchange import XmpFile
from phototag.catalog.store import Library
from phototag.core.regions import Region, stored
from phototag.errors import UnreadableImage
from phototag.images import packets
from phototag.images.find import is_video
from phototag.images.markup import NotReadable, parse
from phototag.output import atomic
from phototag.output.atomic import CannotWriteFile
from phototag.output.embed import CannotEmbed, can_embed, with_packet
from phototag.output.xmp import CannotMerge, merge
from phototag.output.xmp_arrays import Wanted, Written, legal
from phototag.work.reports import Problem

BESIDE, EMBEDDED = "beside", "embedded"

Tell = Callable[[int, int], None]
"""Files done, of how many."""

BATCH = 64
"""Files between two commits of what was written."""


@dataclass(slots=True)
class XmpReport:
    """What was written."""

    written: int = 0
    """XMP files beside photos."""
    embedded: int = 0
    """Photos whose XMP was rewritten."""
    unchanged: int = 0
    removed: int = 0
    """XMP files that held nothing any more."""
    conflicts: list[Problem] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


@dataclass(slots=True)
class XmpWriter:
    """Brings the XMP of a library's photos up to date."""

    lib: Library
    embed: bool = False
    people_tags: bool = False
    changed_only: bool = False
    """Only photos that changed since their XMP was written: what follows a scan."""
    known_only: bool = False
    """Only where phototag wrote before."""
    report: XmpReport = field(default_factory=XmpReport)
    _names: dict[int, str] = field(default_factory=dict)

    def run(self, tell: Tell = lambda done, total: None) -> XmpReport:
        """Raises CannotWriteFile for a full disk; all else is a problem of one file."""
        self._names = verdict_table.people(self.lib)
        place = EMBEDDED if self.embed else BESIDE
        files = list(table.xmp_files(self.lib, place, changed_only=self.changed_only))
        if self.known_only:
            files = [file for file in files if file.content is not None]
        for start in range(0, len(files), BATCH):
            with self.lib.transaction():
                for file in files[start : start + BATCH]:
                    self._file(file)
            tell(min(start + BATCH, len(files)), len(files))
        return self.report

    def _file(self, file: XmpFile) -> None:
        path = path_table.path_of(self.lib, file.path_id).path
        try:
            film = is_video(path)
            data = b"" if film else Path(path).read_bytes()
            wanted = self._names_of(file) if film else self._wanted(file, data, path)
            if not self.embed:
                self._beside(file, path, wanted)
            elif can_embed(data):
                self._embed(file, path, data, wanted)
            else:
                self._problem(
                    path, "XMP is embedded in JPEG and PNG only; without --embed it goes beside"
                )
        except CannotWriteFile as error:
            if error.reason == "disk-full":
                raise
            self._problem(path, str(error))
        except OSError as error:
            self._problem(path, error.strerror or str(error))
        except (UnreadableImage, CannotEmbed, CannotMerge, NotReadable) as error:
            self._problem(path, str(error))

    def _problem(self, path: str, said: str) -> None:
        self.report.problems.append(Problem(path, "not-written", said))

    def _wanted(self, file: XmpFile, data: bytes, path: str) -> Wanted:
        """Who is in a photo, in the frame of its stored picture. Raises UnreadableImage."""
        from phototag.images.read import photo_key, stored_frame

        key = photo_table.photo_row(self.lib, file.photo)["key"]
        if photo_key(data) != key:
            raise UnreadableImage(path, "changed", "it changed since the last scan: scan it first.")
        named = [
            (legal(self._names[face.person]), face.box)
            for face in views.faces_in_photo(self.lib, file.photo)
            if face.person is not None
        ]
        here = [legal(n) for n in table.present_in(self.lib, [key]).get(key, [])]
        width, height, orientation = stored_frame(data, path) if named else (1, 1, 1)
        return Wanted(
            [Region(name, stored(box, orientation)) for name, box in named],
            list(dict.fromkeys([*(name for name, _ in named), *here])),
            (width, height),
            self.people_tags,
        )

    def _names_of(self, file: XmpFile) -> Wanted:
        """Who is in a video: names without regions, which have no time."""
        faces = views.faces_in_photo(self.lib, file.photo)
        names = [legal(self._names[f.person]) for f in faces if f.person is not None]
        return Wanted([], list(dict.fromkeys(names)), (1, 1), self.people_tags)

    # ---- beside

    def _beside(self, file: XmpFile, path: str, wanted: Wanted) -> None:
        """Raises OSError, NotReadable, CannotMerge."""
        target = packets.sidecars_of(path)[0]
        there = packets.read_sidecar(target)
        theirs = None if there is None else there.data
        last = Written.parse(file.content)
        merged = merge(theirs, parse, last, wanted)
        self._conflicts(target, merged.conflicts)
        if merged.data == theirs:
            self.report.unchanged += theirs is not None
        elif merged.data is not None:
            atomic.write(Path(target), merged.data)
            self.report.written += 1
        else:
            os.unlink(target)  # noqa: PTH108 (names not UTF-8)
            self.report.removed += 1
        table.set_xmp_written(self.lib, file, BESIDE, merged.written.text())

    def _conflicts(self, path: str, said: tuple[str, ...]) -> None:
        self.report.conflicts += [Problem(path, "conflict", text) for text in said]

    # ---- embedded

    def _embed(self, file: XmpFile, path: str, data: bytes, wanted: Wanted) -> None:
        documents = packets.embedded(data)
        theirs = documents[0].data if documents else None
        merged = merge(theirs, parse, Written.parse(file.content), wanted)
        self._conflicts(path, merged.conflicts)
        if merged.data == theirs:
            self.report.unchanged += 1
        else:
            new = with_packet(data, merged.data)
            _prove(data, new, path)
            atomic.write(Path(path), new)
            self.report.embedded += 1
        table.set_xmp_written(self.lib, file, EMBEDDED, merged.written.text())


def _prove(before: bytes, after: bytes, path: str) -> None:
    """The pixels are the same, by a hash of each. Raises CannotEmbed."""
    if pixels_hash(before, path) != pixels_hash(after, path):
        raise CannotEmbed("its picture would not have stayed the same; nothing was written")


def pixels_hash(data: bytes, path: str) -> str:
    """BLAKE2b-128 of the decoded picture. Raises UnreadableImage."""
    from phototag.images.read import read

    pixels = read(data, path).pixels
    return blake2b(pixels.tobytes() + str(pixels.shape).encode(), digest_size=16).hexdigest()
