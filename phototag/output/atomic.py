"""Writing files whole or not at all.

Each write goes to a hidden temporary file in the same folder, is brought to the disk and renamed
over its target. A reader sees the old bytes or the new ones; a crash leaves at most a hidden
`.phototag-….tmp`, which `sweep` removes.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import secrets
import socket
import stat
import time
from pathlib import Path

from phototag.errors import CannotWrite

PREFIX = ".phototag-"
SUFFIX = ".tmp"

STALE_SECONDS = 24 * 3600
"""A temporary file of another machine counts as left behind after this long: no single write takes
a day."""

_ADVICE = {
    errno.ENOSPC: ("disk-full", "the disk is full", "Free some space and run the command again."),
    errno.EDQUOT: ("disk-full", "your disk quota is used up", "Free some space and run again."),
    errno.EFBIG: ("disk-full", "the file system takes no file of that size", "Use another disk."),
    errno.EROFS: ("read-only", "the disk is read-only", "Mount it writable, or write elsewhere."),
    errno.EACCES: ("denied", "permission denied", "Make the folder writable, or write elsewhere."),
    errno.EPERM: ("denied", "not permitted", "Make the folder writable, or write elsewhere."),
    errno.ENOENT: ("no-folder", "its folder is not there", "Is the disk still mounted?"),
    errno.ENOTDIR: ("no-folder", "a file stands where its folder should be", "Move that file."),
    errno.EISDIR: ("in-the-way", "a folder of that name is in the way", "Move that folder."),
    errno.ENAMETOOLONG: ("name-too-long", "the name is too long for this disk", "Shorten it."),
}


class CannotWriteFile(CannotWrite):
    """One file that cannot be written: which, why, and what to do.

    `reason` is a stable word: `disk-full`, `read-only`, `denied`, `no-folder`, `in-the-way`,
    `name-too-long`, `failed`.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        unknown = ("failed", (error.strerror or str(error)).lower(), "Is the disk sound?")
        self.reason, what, advice = _ADVICE.get(error.errno or 0, unknown)
        self.path = path
        shown = os.fsencode(path).decode("utf-8", "replace")
        super().__init__(f"{shown}: cannot be written: {what}. {advice}")


def digest(data: bytes) -> str:
    """BLAKE2b-128 of `data`, 32 hexadecimal digits."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def write(path: Path, data: bytes, *, flush_folder: bool = True) -> None:
    """Put `data` at `path`, whole or not at all. The folder must exist; a former file's permissions
    are kept.

    `flush_folder=False` leaves the rename itself to a later `flush` of the folder: for many files
    in one folder.

    Raises:
        CannotWriteFile: nothing was changed and no temporary file is left.
    """
    path = Path(path)
    temporary = path.with_name(temporary_name())
    try:
        try:
            _fill(temporary, data, _mode_of(path))
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        if flush_folder:
            flush(path.parent)
    except OSError as error:
        raise CannotWriteFile(path, error) from error


def write_if_changed(path: Path, data: bytes, *, flush_folder: bool = True) -> bool:
    """Like `write`, but only if `path` does not hold exactly `data` yet. True if it was written."""
    if holds(path, data):
        return False
    write(path, data, flush_folder=flush_folder)
    return True


def holds(path: Path, data: bytes) -> bool:
    """Whether the file at `path` is exactly `data`. False if it cannot be read."""
    path = Path(path)
    try:
        found = path.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size != len(data):
            return False
        return path.read_bytes() == data
    except OSError:
        return False


def make_folder(path: Path) -> None:
    """Create a folder and those above it.

    Raises:
        CannotWriteFile: with the folder's path.
    """
    try:
        Path(path).mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise CannotWriteFile(Path(path), NotADirectoryError(errno.ENOTDIR, "")) from error
    except OSError as error:
        raise CannotWriteFile(Path(path), error) from error


def flush(folder: Path) -> None:
    """Bring a folder's renames to the disk, where the system knows how (not on Windows, not on some
    network shares)."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_temporary(name: str) -> bool:
    """Whether a file of that name is one of ours, half written."""
    return name.startswith(PREFIX) and name.endswith(SUFFIX)


def sweep(folder: Path) -> int:
    """Remove what a crash left in `folder`; how many files. Call it before the first write to a
    folder.

    A temporary file goes if the process that wrote it, by the number in its name, runs no more on
    this machine, or if it is a day old. Those of a running phototag (another library may write
    beside the same photos) stay.
    """
    removed = 0
    try:
        with os.scandir(folder) as found:
            names = [entry.name for entry in found if is_temporary(entry.name)]
    except OSError:
        return 0
    for name in names:
        path = Path(folder) / name
        if _is_left_behind(path):
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
    return removed


def temporary_name() -> str:
    return f"{PREFIX}{_host()}-{os.getpid()}-{secrets.token_hex(4)}{SUFFIX}"


def _host() -> str:
    return digest(socket.gethostname().encode("utf-8", "surrogateescape"))[:8]


def _is_left_behind(path: Path) -> bool:
    parts = path.name.removeprefix(PREFIX).removesuffix(SUFFIX).split("-")
    if len(parts) == 3 and parts[0] == _host() and parts[1].isdigit():
        # A write of this very process is over by the time that it sweeps: the parent alone writes.
        pid = int(parts[1])
        if pid == os.getpid() or not _runs(pid):
            return True
    try:
        return time.time() - path.lstat().st_mtime > STALE_SECONDS
    except OSError:
        return False


def _runs(pid: int) -> bool:
    if os.name == "nt":  # os.kill would end the process there
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _mode_of(path: Path) -> int | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a directory")
    return stat.S_IMODE(found.st_mode) if stat.S_ISREG(found.st_mode) else None


def _fill(temporary: Path, data: bytes, mode: int | None) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    handle = os.open(temporary, flags, 0o666)  # the umask decides, as for any file of the user
    with os.fdopen(handle, "wb") as file:
        if mode is not None and os.name != "nt":
            with contextlib.suppress(OSError):  # vfat and some shares know no permissions
                os.fchmod(handle, mode)
        file.write(data)
        file.flush()
        os.fsync(handle)
