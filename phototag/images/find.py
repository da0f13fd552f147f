"""The walk: which files of a folder are photos, without opening one.

One `os.scandir` for each folder and one `stat` for each photo. Only regular files with a suffix
that `images.read` knows are yielded, so FIFOs, sockets and devices are never opened.
"""

from __future__ import annotations

import os
import re
import stat as modes
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

# fmt: off
RAW_SUFFIXES = frozenset({
    ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff", ".iiq", ".kdc", ".mef",
    ".mos", ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".rwl", ".sr2", ".srf", ".srw",
    ".x3f",
})
SUFFIXES = RAW_SUFFIXES | {
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".j2c", ".j2k", ".jfif",
    ".jif", ".jp2", ".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".png", ".tif",
    ".tiff", ".webp",
}
"""Suffixes, in lower case, of files that are taken for photos. How they are read, their bytes say.
"""
VIDEO_SUFFIXES = frozenset({
    ".3g2", ".3gp", ".asf", ".avi", ".divx", ".flv", ".m2ts", ".m2v", ".m4v", ".mkv", ".mov",
    ".mp4", ".mpeg", ".mpg", ".mts", ".ogv", ".vob", ".webm", ".wmv",
})
"""The same of files that are taken for videos. Not `.ts`, which is more often TypeScript."""
# fmt: on

NO_MEDIA = frozenset({".nomedia", ".noimage"})
"""A folder that holds a file of one of these names is skipped with all that is below it."""

LIBRARY_MARK = "catalog.sqlite"
"""A folder that holds this file is a phototag library, whose thumbnails are not photos."""


def is_video(name: str) -> bool:
    """Whether a file of that name is taken for a video."""
    return name[name.rfind(".") :].lower() in VIDEO_SUFFIXES


@dataclass(frozen=True, slots=True)
class Found:
    """A photo file, by its name and its stat only."""

    path: str
    """Absolute; `os.fsencode` gives back the bytes of a name that is not UTF-8."""
    dir: str
    """Its folder below the root, with `/`; '' for the root itself."""
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A place that the walk could not enter, or a file that it could not look at."""

    path: str
    reason: str
    """`missing` (the root), `unreadable-folder`, `unreadable-file` or `symlink-loop`."""
    message: str


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the caller asked for."""

    excluded: Callable[[str, str], bool]
    """By (name, path below the root)."""
    skip: frozenset[str]
    follow_symlinks: bool
    suffixes: frozenset[str]
    tell: Callable[[Trouble], None]


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to be listed."""

    path: str
    below: str
    above: tuple[tuple[int, int], ...]
    """(device, inode) of itself and the folders above it; kept only where links are followed."""


def walk(
    root: str | Path,
    *,
    exclude: Sequence[str] = (),
    follow_symlinks: bool = False,
    skip: Collection[str] = (),
    videos: bool = False,
    on_trouble: Callable[[Trouble], None],
) -> Iterator[tuple[str, list[Found]]]:
    """Yield (folder below `root`, its photos sorted by name), folder by folder in sorted order.

    `videos`: those too. `exclude` holds globs as in a .gitignore, case-sensitive: one without `/`
    is held against the name of every file and folder, one with `/` against the path below the
    root, where `*` also matches `/`. An excluded folder is not entered. `skip` names absolute
    folders to leave out. Hidden files and folders, folders with a `.nomedia` file, and phototag
    libraries are left out too. Linked files are photos like others; linked folders are entered only
    with `follow_symlinks`, each real folder once.

    What cannot be entered is told to `on_trouble` and the walk goes on; a file that vanished
    meanwhile is left out. A root that is a file yields that file, whatever its name.
    """
    top = os.path.abspath(os.fspath(root))  # noqa: PTH100 - Path would not keep odd bytes' order
    leave = frozenset(os.path.normpath(os.fspath(folder)) for folder in skip)
    suffixes = SUFFIXES | VIDEO_SUFFIXES if videos else SUFFIXES
    rules = _Rules(_excluder(exclude), leave, follow_symlinks, suffixes, on_trouble)
    try:
        status = os.stat(top)  # noqa: PTH116
    except OSError as error:
        on_trouble(Trouble(top, "missing", f"{top} cannot be reached: {error.strerror}."))
        return
    if modes.S_ISDIR(status.st_mode):
        yield from _walk(_Folder(top, "", ((status.st_dev, status.st_ino),)), rules)
    elif modes.S_ISREG(status.st_mode):
        name = os.path.basename(top)  # noqa: PTH119
        yield "", [Found(top, "", name, status.st_size, status.st_mtime_ns)]
    else:
        message = f"{top} is neither a file nor a folder."
        on_trouble(Trouble(top, "unreadable-file", message))


def _walk(top: _Folder, rules: _Rules) -> Iterator[tuple[str, list[Found]]]:
    waiting = [top]
    entered = set(top.above)
    while waiting:
        folder = waiting.pop()
        photos, inner = _listed(folder, rules, entered)
        if photos:
            yield folder.below, photos
        waiting.extend(reversed(inner))


def _listed(
    folder: _Folder, rules: _Rules, entered: set[tuple[int, int]]
) -> tuple[list[Found], list[_Folder]]:
    """The photos of one folder and the folders in it that are to be entered."""
    photos: list[Found] = []
    inner: list[_Folder] = []
    try:
        with os.scandir(folder.path) as listing:
            entries = sorted(listing, key=_name)
    except OSError as error:
        message = f"{folder.path} cannot be listed: {error.strerror}."
        rules.tell(Trouble(folder.path, "unreadable-folder", message))
        return photos, inner
    for entry in entries:
        if entry.name in NO_MEDIA or entry.name == LIBRARY_MARK:
            return [], []
        if entry.name[0] == ".":
            continue
        below = f"{folder.below}/{entry.name}" if folder.below else entry.name
        try:
            if entry.is_dir():
                inner.extend(_entered(entry, below, folder, rules, entered))
            elif entry.name[entry.name.rfind(".") :].lower() in rules.suffixes:
                photos.extend(_photo(entry, below, folder, rules))
        except OSError as error:
            message = f"{entry.path} cannot be looked at: {error.strerror}."
            rules.tell(Trouble(entry.path, "unreadable-file", message))
    return photos, inner


def _photo(
    entry: os.DirEntry[str], below: str, folder: _Folder, rules: _Rules
) -> tuple[Found] | tuple[()]:
    if rules.excluded(entry.name, below):
        return ()
    try:
        status = entry.stat()
    except FileNotFoundError:
        if entry.is_symlink():
            raise
        return ()
    if not modes.S_ISREG(status.st_mode):
        return ()
    return (Found(entry.path, folder.below, entry.name, status.st_size, status.st_mtime_ns),)


def _entered(
    entry: os.DirEntry[str],
    below: str,
    folder: _Folder,
    rules: _Rules,
    entered: set[tuple[int, int]],
) -> tuple[_Folder] | tuple[()]:
    if entry.path in rules.skip or rules.excluded(entry.name, below):
        return ()
    if not rules.follow_symlinks:
        return () if entry.is_symlink() else (_Folder(entry.path, below, ()),)
    status = entry.stat()
    identity = (status.st_dev, status.st_ino)
    if identity in folder.above:
        message = f"{entry.path} leads back to a folder that it is in; it is not entered again."
        rules.tell(Trouble(entry.path, "symlink-loop", message))
        return ()
    if identity in entered:
        return ()
    entered.add(identity)
    return (_Folder(entry.path, below, (*folder.above, identity)),)


def _excluder(globs: Sequence[str]) -> Callable[[str, str], bool]:
    if not globs:
        return lambda name, below: False
    cleaned = [glob.removeprefix("**/").strip("/") for glob in globs]
    names = [re.compile(translate(glob)) for glob in cleaned if "/" not in glob]
    anywhere = [glob for glob in globs if glob.startswith("**/")]
    paths = [re.compile(translate(glob)) for glob in [*cleaned, *anywhere] if "/" in glob]

    def excluded(name: str, below: str) -> bool:
        return any(p.match(name) for p in names) or any(p.match(below) for p in paths)

    return excluded


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
