"""One writer at a time: a lock on `LIBRARY/lock`, which says who holds it.

On a local disk the system's lock (flock) is the whole truth: it goes when its owner dies. On a
network share it may not reach other machines (SMB with `nobrl`, NFS with `local_lock`), and a
server may keep that of a machine that died. There the owner also gives a sign of life in the file,
and a lock without one is taken over. Clocks of two machines may differ, so no time decides alone:
a lock that looks old is watched, and only one whose sign does not change is dead.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from phototag.errors import CannotWrite, LibraryInUse, NoLibrary

NAME = "lock"
BEAT = 20.0
"""Seconds between two signs of life on a network share."""
STALE = 300.0
"""Seconds without one, by the clock of the server, after which a lock is watched. A machine that
hangs on a slow share misses many beats and lives."""
WATCH = 2.5 * BEAT
"""Seconds for which it is watched."""
SIZE = 2048
"""Bytes of the file: of one length, so that a beat is one write."""

NETWORK = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afpfs", "webdav", "davfs", "afs", "9p"}
NETWORK |= {"ceph", "glusterfs", "lustre", "gfs2", "ocfs2", "virtiofs", "vboxsf"}
NETWORK |= {"fuse.sshfs", "fuse.rclone", "fuse.glusterfs", "fuse.davfs", "fuse.s3fs", "fuse.ceph"}
"""File systems that other machines may write to."""


@dataclass(slots=True)
class Lock:
    """A lock that is held."""

    path: Path
    file: IO[str]
    said: dict[str, Any]
    network: bool
    taken_over: dict[str, Any] | None = None
    """Whose lock it was, if its owner was found dead."""
    _end: threading.Event = field(default_factory=threading.Event, repr=False)
    _writing: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def is_ours(self) -> bool:
        """Whether nobody took it over: this machine may have slept."""
        try:
            return os.stat(self.path).st_ino == os.fstat(self.file.fileno()).st_ino  # noqa: PTH116
        except OSError:
            return False

    def check(self) -> None:
        """Raises LibraryInUse where somebody took the lock over. Costs nothing on a local disk."""
        if self.network and not self.is_ours():
            now = described(owner_of(self.path.parent))
            raise LibraryInUse(
                f"{self.path.parent} was taken over by {now}, because this machine gave no sign of "
                "life for minutes. What was done so far is kept; run the command again."
            )

    def hide_command(self) -> None:
        """Have the file no longer tell the command: it may hold a name."""
        self.said["command"] = "phototag"
        self._write()

    def begin(self) -> None:
        """Say who holds it, and go on saying so on a network share."""
        self._write()
        if self.network:
            threading.Thread(target=self._beat, name="phototag-lock", daemon=True).start()

    def _beat(self) -> None:
        while not self._end.wait(BEAT):
            self.said["beat"] += 1
            with suppress(OSError):
                self._write()

    def _write(self) -> None:
        text = json.dumps(self.said).encode()
        with self._writing:
            if self._end.is_set():
                return
            os.pwrite(self.file.fileno(), text.ljust(max(SIZE, len(text))), 0)
            os.ftruncate(self.file.fileno(), max(SIZE, len(text)))
            if self.network:
                os.fsync(self.file.fileno())

    def close(self) -> None:
        """Give it back; an empty file says that nobody holds it."""
        with self._writing:
            self._end.set()
            with suppress(OSError):
                os.ftruncate(self.file.fileno(), 0)
        self.file.close()


def take(
    folder: Path,
    command: str,
    started: str,
    *,
    machine: str | None = None,
    network: bool | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Lock:
    """Hold the library against all other writers. Raises LibraryInUse, NoLibrary, CannotWrite."""
    here = machine or this_machine()
    shared = is_on_network(folder) if network is None else network
    path = folder / NAME
    file = _opened(path)
    owner = owner_of(folder)
    try:
        reached = _flocked(file)
        foreign = bool(owner) and owner.get("machine") != here
        dead = None
        if reached is False or (shared and foreign) or (reached is None and owner):
            if not (shared and foreign and _is_dead(folder, sleep)):
                raise LibraryInUse(_in_use(folder, owner, shared and foreign))
            dead = owner
        if reached is False:
            file.close()
            file = _replaced(folder, sleep)
    except BaseException:
        file.close()
        raise
    said = {"pid": os.getpid(), "host": socket.gethostname(), "machine": here}
    lock = Lock(path, file, {**said, "command": command, "started": started, "beat": 0}, shared)
    lock.taken_over = dead
    try:
        lock.begin()
    except OSError as error:
        with suppress(OSError):
            file.close()
        raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from error
    return lock


def _opened(path: Path) -> IO[str]:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o666), "r+")  # not to append
    except OSError as error:
        raise NoLibrary(f"The library folder {path.parent} cannot be written: {error}.") from error


def _flocked(file: IO[str]) -> bool | None:
    """Whether the system's lock is ours now; None where the file system has none. Tried twice:
    somebody may only be looking (`in_use`), and an owner needs a moment to write its name."""
    for pause in (0.1, 0.0):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
                return None
            time.sleep(pause)
        else:
            return True
    return False


def _is_dead(folder: Path, sleep: Callable[[float], None]) -> bool:
    """Whether the owner of the lock gives no sign of life."""
    age = _age(folder)
    if age is None or abs(age) < STALE:
        return False
    before = owner_of(folder)
    sleep(WATCH)
    return owner_of(folder) == before


def _age(folder: Path) -> float | None:
    """Seconds since the lock was written, by the clock of whoever keeps the files."""
    probe = folder / f"{NAME}.{os.getpid()}.probe"
    try:
        probe.write_bytes(b"now")
        return os.stat(probe).st_mtime - os.stat(folder / NAME).st_mtime  # noqa: PTH116
    except OSError:
        return None
    finally:
        with suppress(OSError):
            probe.unlink()


def _replaced(folder: Path, sleep: Callable[[float], None]) -> IO[str]:
    """A new file in place of one whose dead owner's lock the server keeps. Raises LibraryInUse
    where another machine was faster."""
    path = folder / NAME
    with suppress(OSError):
        path.rename(folder / f"{NAME}.dead")
    try:
        file = path.open("x+")
        if _flocked(file) is False:
            raise FileExistsError
    except FileExistsError:
        raise LibraryInUse(_in_use(folder, owner_of(folder), shared=False)) from None
    sleep(1.0)
    if os.stat(path).st_ino != os.fstat(file.fileno()).st_ino:  # noqa: PTH116
        raise LibraryInUse(_in_use(folder, owner_of(folder), shared=False))
    return file


def _in_use(folder: Path, owner: dict[str, Any], shared: bool) -> str:
    text = (
        f"{folder} is in use by {described(owner or owner_of(folder))}. Wait for it, or stop that "
        "process, and run this again."
    )
    if shared:
        text += (
            f" If that machine is dead: {STALE / 60:.0f} minutes after its last sign of life the "
            "library is taken over."
        )
    return text


def described(owner: dict[str, Any]) -> str:
    if not owner:
        return "another phototag"
    return (
        f"process {owner.get('pid')} on {owner.get('host')} "
        f"({owner.get('command')}, since {owner.get('started')})"
    )


def owner_of(folder: Path) -> dict[str, Any]:
    """What the lock says of its owner; empty where it says nothing."""
    try:
        said = json.loads((folder / NAME).read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def in_use(folder: Path) -> bool:
    """Whether a writer holds the library now, as far as that is seen without waiting."""
    try:
        file = (folder / NAME).open("a+")
    except OSError:
        return bool(owner_of(folder))  # we may only read here
    with file:
        if _flocked(file) is False:
            return True
    owner = owner_of(folder)
    if not owner or owner.get("machine") == this_machine() or not is_on_network(folder):
        return False
    age = _age(folder)
    return age is not None and abs(age) < STALE


# ---- where we are


def this_machine() -> str:
    """The name of this machine and which start of it this is: two of one name are two."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = f"{os.uname().machine}"
    return f"{socket.gethostname()}/{boot}"


def is_on_network(folder: Path) -> bool:
    """Whether a folder lies on a file system that other machines may write to, as far as the system
    says (Linux: /proc/self/mountinfo; elsewhere the answer is no)."""
    return _file_system(folder, _mounts()) in NETWORK


def _mounts() -> str:
    try:
        return Path("/proc/self/mountinfo").read_text(errors="surrogateescape")
    except OSError:
        return ""


def _file_system(folder: Path, mounts: str) -> str:
    """The type of the innermost mount that holds a folder."""
    real = os.path.realpath(folder)
    best, kind = "", ""
    for line in mounts.splitlines():
        left, _, right = line.partition(" - ")
        place = left.split(" ")[4].encode().decode("unicode_escape")
        inside = real == place or real.startswith(place.rstrip("/") + "/")
        if inside and len(place) >= len(best):
            best, kind = place, right.split(" ")[0]
    return kind
