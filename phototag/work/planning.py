"""What changed since the last scan: the walk held against the catalogue, and the guard.

Only the plan (temporary tables) is written. A place whose photos are largely gone is taken off it:
an unmounted disk is not a deleted collection.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from phototag.catalog import paths as path_table
from phototag.catalog import photos as photo_table
from phototag.catalog import plan as table
from phototag.catalog.paths import Known
from phototag.catalog.plan import File, Lost
from phototag.catalog.roots import absolute, adopt_root, inside, roots
from phototag.catalog.store import Library
from phototag.errors import UsageError
from phototag.images.find import Found, Trouble, is_video, walk
from phototag.settings import Settings
from phototag.work.reports import Problem, ScanOptions, ScanReport

GUARD_SHARE = 0.2
GUARD_COUNT = 20
"""A scan that finds more than this share *and* more than this number of a place's photos gone, or
all of them, changes nothing there."""


@dataclass(slots=True)
class Place:
    """One of the paths that a scan was given."""

    number: int
    word: str
    """As it was given."""
    top: str
    """Absolute."""
    is_file: bool
    root: int = 0
    base: str = ""
    """Absolute folder of the root."""
    scope: str = ""
    """Its folder in the root."""
    held: int = 0
    """Files with a photo that the catalogue knew here."""
    found: bool = False
    """Whether the walk found a photo."""
    seen: set[str] = field(default_factory=set)
    """Folders of the root in which it did (not for a single file)."""
    unclear: set[str] = field(default_factory=set)
    """Absolute paths that could not be looked at: nothing there counts as gone."""


@dataclass(slots=True)
class Planner:
    """Works out what one scan has to do."""

    lib: Library
    settings: Settings
    model: str
    options: ScanOptions
    report: ScanReport
    tell: Callable[[int, str], None]
    """Called with the number of files seen and a folder."""
    places: list[Place] = field(default_factory=list)
    _files: int = 0

    def run(self, words: Sequence[str]) -> None:
        """Fill the plan. Raises UsageError for a place that is neither there nor known."""
        table.begin_plan(self.lib)
        self.places = self._placed(words)
        for place in self.places:
            self._walk(place)
        for place in self.places:
            self._find_unseen(place)
            self._guard(place)
        photo_table.settle_embedded(self.lib, self.model)
        for root in sorted({place.root for place in self.places}):
            table.plan_embedding(
                self.lib, root, self.model, retry=self.options.retry_errors or self.options.force
            )
        self.report.planned = table.planned(self.lib)

    def _placed(self, words: Sequence[str]) -> list[Place]:
        places = []
        known = roots(self.lib).values()
        for number, word in enumerate(words):
            top = os.path.abspath(word)  # noqa: PTH100 (names that are not UTF-8)
            if not os.path.lexists(top) and all(inside(root, top) is None for root in known):
                raise UsageError(f"{word}: there is no such file or folder.")
            is_file = path_table.path_at(self.lib, top) is not None or os.path.isfile(top)  # noqa: PTH113
            places.append(Place(number, word, top, is_file and not os.path.isdir(top)))  # noqa: PTH112
        for place in places:
            adopt_root(self.lib, place.top, is_file=place.is_file)
        folders = roots(self.lib)
        for place in places:  # again: a later place may have taken over an earlier one's root
            place.root, place.scope = adopt_root(self.lib, place.top, is_file=place.is_file)
            place.base = folders[place.root]
        return places

    # ---- the walk

    def _walk(self, place: Place) -> None:
        def on_trouble(trouble: Trouble) -> None:
            if trouble.reason != "missing":  # a place that is gone is the guard's business
                place.unclear.add(trouble.path)
                self.report.skipped.append(Problem(trouble.path, trouble.reason, trouble.message))

        found = walk(
            place.top,
            exclude=self.settings.exclude,
            follow_symlinks=self.settings.follow_symlinks,
            skip=(str(self.lib.folder),),
            videos=True,
            on_trouble=on_trouble,
        )
        done = self._seen(place.root)
        for below, files in found:
            place.found = True
            folder = "/".join(part for part in (place.scope, below) if part)
            known = path_table.known_files(self.lib, place.root, folder)
            place.held += sum(k.photo is not None and not k.missing for k in known.values())
            if folder in done:
                continue
            self._compare(place, folder, files, known)
            if not place.is_file:
                place.seen.add(folder)
                self._lose(place, folder, known)
            self._files += len(files)
            self.tell(self._files, folder)
        if place.is_file and not place.found:
            self._find_single(place)

    def _seen(self, root: int) -> set[str]:
        return {folder for place in self.places if place.root == root for folder in place.seen}

    def _compare(
        self, place: Place, folder: str, files: Sequence[Found], known: dict[str, Known]
    ) -> None:
        """Plan what is to be opened; takes out of `known` what was found."""
        todo: list[File] = []
        back: list[Lost] = []
        for file in files:
            name, size, mtime_ns = file.name, file.size, file.mtime_ns
            before = known.pop(name, None)
            if before is None and not self._wanted(place, name):
                continue
            kind = self._kind(before, size, mtime_ns)
            if kind is not None:
                todo.append((folder, name, size, mtime_ns, kind))
            elif before is not None and before.missing:
                back.append((before.id, before.photo))
            elif before is not None and not before.failed:
                self.report.unchanged += 1
        if todo:
            table.plan_files(self.lib, place.number, place.root, todo)
        if back:
            table.plan_back(self.lib, place.number, back)

    def _wanted(self, place: Place, name: str) -> bool:
        """Whether a new file is taken in: a photo, or a video where videos are asked for or it was
        named itself. Those that are known are looked after like any photo."""
        return self.settings.video or place.is_file or not is_video(name)

    def _kind(self, known: Known | None, size: int, mtime_ns: int) -> str | None:
        """Why a file has to be opened; None when it has not."""
        if known is None:
            return "new"
        if known.size != size or known.mtime_ns != mtime_ns:
            return "changed"
        if known.failed:
            return "retry" if self.options.retry_errors or self.options.force else None
        return "force" if self.options.force else None

    # ---- what is gone

    def _lose(self, place: Place, folder: str, left: dict[str, Known]) -> None:
        """Known files of a folder that were not found there."""
        gone: list[Lost] = []
        for name, known in left.items():
            path = absolute(place.base, folder, name)
            if not known.missing and not _is_below(path, place.unclear):
                gone.append((known.id, known.photo))
        if gone:
            table.plan_gone(self.lib, place.number, gone)

    def _find_unseen(self, place: Place) -> None:
        """Known folders in which no photo was found by any place of this scan."""
        if place.is_file:
            return
        seen = self._seen(place.root)
        for folder in path_table.known_folders(self.lib, place.root, place.scope):
            if folder not in seen:
                left = path_table.known_files(self.lib, place.root, folder)
                place.held += sum(k.photo is not None and not k.missing for k in left.values())
                self._lose(place, folder, left)

    def _find_single(self, place: Place) -> None:
        """A file that was named itself and is not there: gone if its folder still is."""
        folder, name = os.path.split(place.top)
        known = path_table.known_files(self.lib, place.root, place.scope).get(name)
        if known is None or known.missing or _is_below(place.top, place.unclear):
            return
        place.held = 1
        table.plan_gone(self.lib, place.number, [(known.id, known.photo)])
        if not os.path.isdir(folder):  # noqa: PTH112
            self._stop(place, f"its folder {folder} is not there. Is its disk mounted?")

    # ---- the guard

    def _guard(self, place: Place) -> None:
        """Take a place off the plan when too much of it is gone and did not move."""
        if not place.held and not os.path.lexists(place.top):
            raise UsageError(f"{place.word}: there is no such file or folder.")
        lost = table.count_gone(self.lib, place.number)
        if place.is_file or not lost or self.options.accept_missing:
            return
        lost -= table.count_moved(self.lib, place.number)
        if is_too_much(lost, place.held):
            self._stop(place, told(lost, place.held))

    def _stop(self, place: Place, message: str) -> None:
        table.drop_place(self.lib, place.number)
        self.report.guarded.append(Problem(place.word, "guard", message))


def _is_below(path: str, places: set[str]) -> bool:
    return any(inside(place, path) is not None for place in places)


def is_too_much(lost: int, held: int) -> bool:
    """Whether so many lost photos of so many look like a disk that is not there."""
    return lost > 0 and (lost == held or (lost > GUARD_COUNT and lost > GUARD_SHARE * held))


def told(lost: int, held: int) -> str:
    return (
        f"{lost:,} of {held:,} known photos are not there any more, so nothing was changed for "
        "this folder. Is its disk mounted? If they are gone for good, run the scan again with "
        "--accept-missing; if the folder moved, run phototag relocate OLD NEW."
    )
