"""The walk: which files of a folder are photos, without opening one.

One `os.scandir` for each folder and one `stat` for each photo. Only regular files with a suffix that `images.read` knows are
yielded, so FIFOs, sockets and devices are never opened.
"""

from __future__ import annotations

import os
import re
import stat as modes
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import translate
from pathlib import Path

RAW_SUFFIXES = frozenset(
    ".3fr .arw .cr2 .cr3 .dcr .dng .erf .fff .iiq .kdc .mef .mos .mrw .nef .nrw .orf .pef .raf .raw"
    " .rw2 .rwl .sr2 .srf .srw .x3f".split()
)
SUFFIXES = RAW_SUFFIXES | frozenset(
    ".apng .avif .bmp .dib .gif .heic .heif .hif .j2c .j2k .jfif .jif .jp2 .jpc .jpe .jpeg .jpf .jpg"
    " .jpx .mpo .png .tif .tiff .webp".split()
)
"""Suffixes, in lower case, of the files that are taken for photos. What is inside decides how they are read."""

NO_MEDIA = (".nomedia", ".noimage")
"""A folder that holds a file of one of these names is skipped with all that is below it."""

LIBRARY_MARK = "catalog.sqlite"
"""A folder that holds this file is a phototag library, whose thumbnails are not photos."""


@dataclass(frozen=True, slots=True)
class Found:
    """A photo file, by its name and its stat only."""

    path: str
    """Absolute; `os.fsencode` gives back the bytes of a name that is not UTF-8."""
    dir: str
    """Folder below the root, with `/`; '' for the root itself."""
    name: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """A place that the walk could not enter."""

    path: str
    reason: str
    """`missing`, `unreadable-folder`, `unreadable-file` or `symlink-loop`."""
    message: str


@dataclass(frozen=True, slots=True)
class _Rules:
    exclude: Callable[[str, str], bool]
    skip: frozenset[str]
    follow_symlinks: bool
    on_trouble: Callable[[Trouble], None]


def walk(
    root: str | Path,
    *,
    exclude: Sequence[str] = (),
    follow_symlinks: bool = False,
    skip: Collection[str] = (),
    on_trouble: Callable[[Trouble], None],
) -> Iterator[tuple[str, list[Found]]]:
    """Yield (folder below `root`, its photos sorted by name), folder by folder in sorted order.

    `exclude` holds globs: one without `/` is held against every name of a file or folder, one with `/` against the path below
    the root (`*` also matches `/`; a leading `/` or a trailing one changes nothing); an excluded folder is not entered. `skip`
    names absolute folders to leave out. Hidden files and folders, folders with a `.nomedia` file and phototag libraries are left
    out as well. Linked files are photos like others, linked folders are entered only with `follow_symlinks`, each real folder
    once. What cannot be entered is told to `on_trouble` and the walk goes on. A root that is a file yields that file alone.
    """
    top = os.path.abspath(os.fspath(root))  # noqa: PTH100 - surrogates and speed
    rules = _Rules(
        _excluder(exclude),
        frozenset(os.path.normpath(os.fspath(folder)) for folder in skip),
        follow_symlinks,
        on_trouble,
    )
    try:
        status = os.stat(top)  # noqa: PTH116
    except OSError as error:
        on_trouble(Trouble(top, "missing", f"{top}: {error.strerror}."))
        return
    if modes.S_ISDIR(status.st_mode):
        yield from _folder(top, "", rules, {(status.st_dev, status.st_ino)})
    elif modes.S_ISREG(status.st_mode):
        folder, name = os.path.split(top)
        yield "", [Found(top, "", name, status.st_size, status.st_mtime_ns)]
    else:
        on_trouble(Trouble(top, "unreadable-file", f"{top} is neither a file nor a folder."))


def _folder(
    path: str, below: str, rules: _Rules, seen: set[tuple[int, int]]
) -> Iterator[tuple[str, list[Found]]]:
    pending = [(path, below)]
    while pending:
        path, below = pending.pop()
        listed = _listed(path, below, rules, seen)
        if listed is None:
            continue
        photos, folders = listed
        if photos:
            yield below, photos
        pending.extend(reversed(folders))


def _listed(
    path: str, below: str, rules: _Rules, seen: set[tuple[int, int]]
) -> tuple[list[Found], list[tuple[str, str]]] | None:
    photos: list[Found] = []
    folders: list[tuple[str, str]] = []
    try:
        with os.scandir(path) as entries:
            listing = sorted(entries, key=_name)
    except OSError as error:
        rules.on_trouble(
            Trouble(path, "unreadable-folder", f"{path} cannot be listed: {error.strerror}.")
        )
        return None
    for entry in listing:
        name = entry.name
        if name in NO_MEDIA or name == LIBRARY_MARK:
            return None
        if name[0] == ".":
            continue
        inner = f"{below}/{name}" if below else name
        suffix = name[name.rfind(".") :].lower()
        if suffix in SUFFIXES and not entry.is_dir():
            photo = _photo(entry, below, inner, rules)
            if photo is not None:
                photos.append(photo)
        elif _enters(entry, inner, rules, seen):
            folders.append((entry.path, inner))
    return photos, folders


def _photo(entry: os.DirEntry[str], below: str, inner: str, rules: _Rules) -> Found | None:
    if rules.exclude(entry.name, inner):
        return None
    try:
        status = entry.stat()
    except OSError as error:
        message = f"{entry.path} cannot be looked at: {error.strerror}."
        rules.on_trouble(Trouble(entry.path, "unreadable-file", message))
        return None
    if not modes.S_ISREG(status.st_mode):
        return None
    return Found(entry.path, below, entry.name, status.st_size, status.st_mtime_ns)


def _enters(
    entry: os.DirEntry[str], inner: str, rules: _Rules, seen: set[tuple[int, int]]
) -> bool:
    if not entry.is_dir(follow_symlinks=rules.follow_symlinks):
        return False
    if entry.path in rules.skip or rules.exclude(entry.name, inner):
        return False
    if rules.follow_symlinks:
        status = entry.stat()
        identity = (status.st_dev, status.st_ino)
        if identity in seen:
            message = f"{entry.path} leads to a folder that the scan has seen already."
            rules.on_trouble(Trouble(entry.path, "symlink-loop", message))
            return False
        seen.add(identity)
    return True


def _excluder(globs: Sequence[str]) -> Callable[[str, str], bool]:
    by_name = [re.compile(translate(glob.strip("/"))) for glob in globs if "/" not in glob.strip("/")]
    by_path = [re.compile(translate(glob.strip("/"))) for glob in globs if "/" in glob.strip("/")]

    def excluded(name: str, inner: str) -> bool:
        return any(p.match(name) for p in by_name) or any(p.match(inner) for p in by_path)

    return excluded


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name
