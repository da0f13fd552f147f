"""The library's catalogue as a file: open, lock, migrate, back up, check.

One writer at a time, held by a lock on `LIBRARY/lock` that the system drops when its owner dies;
readers never wait (WAL).
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from phototag.catalog.schema import MIGRATIONS, VERSION
from phototag.errors import CannotWrite, DamagedLibrary, LibraryInUse, LibraryTooNew, NoLibrary

CATALOG = "catalog.sqlite"
JOURNAL = "journal.jsonl"


_TROUBLES = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space and run the command again.",
    sqlite3.SQLITE_READONLY: "it is read-only. Make it writable, or name another --library.",
    sqlite3.SQLITE_IOERR: "the disk does not answer as it should. Is it full, or unmounted?",
    sqlite3.SQLITE_CANTOPEN: "its folder cannot be used. Is the disk still mounted?",
}


@dataclass(slots=True)
class Library:
    """An open library: its folder and its catalogue."""

    folder: Path
    db: sqlite3.Connection
    writable: bool
    _lock: IO[str] | None = field(default=None, repr=False)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; nested use joins the outer transaction. Raises CannotWrite."""
        if self.db.in_transaction:
            yield self.db
            return
        try:
            self.db.execute("BEGIN IMMEDIATE")
            yield self.db
            self.db.execute("COMMIT")
        except BaseException as error:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError):
                raise _in_words(self.folder / CATALOG, error) from error
            raise

    @contextmanager
    def rehearsal(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is always taken back."""
        self.db.execute("BEGIN")
        try:
            yield self.db
        finally:
            self.db.execute("ROLLBACK")

    @contextmanager
    def attempt(self) -> Iterator[Callable[[], None]]:
        """A part of a transaction that can be taken back by calling what is given."""

        def take_back() -> None:
            self.db.execute("ROLLBACK TO attempt")

        self.db.execute("SAVEPOINT attempt")
        yield take_back
        self.db.execute("RELEASE attempt")

    def close(self) -> None:
        self.db.close()
        if self._lock is not None:
            self._lock.close()

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _in_words(path: Path, error: sqlite3.DatabaseError) -> Exception:
    """What a user is told: the disk is to blame, or the catalogue is damaged, or it is our
    fault."""
    said = _TROUBLES.get(error.sqlite_errorcode & 0xFF)
    if said is not None:
        return CannotWrite(f"{path} cannot be written: {said}")
    if isinstance(error, sqlite3.OperationalError):
        return error
    return _damaged(path, error)


def storable(text: str) -> str | bytes:
    """A path as SQLite takes it: text, or bytes where its name is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return os.fsencode(text)
    return text


def restored(value: str | bytes) -> str:
    """The inverse of `storable`."""
    return value if isinstance(value, str) else os.fsdecode(value)


def open_to_read(folder: Path) -> Library:
    """Open a library that exists. Raises NoLibrary, LibraryTooNew, DamagedLibrary."""
    if not (folder / CATALOG).is_file():
        raise NoLibrary(
            f"There is no library in {folder}. Make one with: phototag scan FOLDER"
            " (or name another with --library)."
        )
    db = _connect(folder / CATALOG)
    version = _version(db, folder)
    if version < VERSION:
        db.close()
        raise NoLibrary(
            f"{folder} was made by an older phototag and is not upgraded yet. "
            "Run any command that writes (phototag scan) once."
        )
    db.execute("PRAGMA query_only = ON")
    return Library(folder, db, writable=False)


def open_to_write(folder: Path, command: str, started: str, *, create: bool = False) -> Library:
    """Open a library as its one writer; `create` makes it where there is none.

    Raises LibraryInUse, NoLibrary, LibraryTooNew, DamagedLibrary.
    """
    if not create and not (folder / CATALOG).is_file():
        open_to_read(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoLibrary(f"The library folder {folder} cannot be made: {error}.") from error
    lock = _take_lock(folder, command, started)
    try:
        db = _connect(folder / CATALOG)
        _migrate(db, folder)
    except BaseException:
        lock.close()
        raise
    return Library(folder, db, writable=True, _lock=lock)


def copied(lib: Library, folder: Path) -> Library:
    """A private copy of the catalogue in `folder`, open to try something out. Raises OSError."""
    target = sqlite3.connect(folder / CATALOG)
    try:
        lib.db.backup(target)
    except sqlite3.OperationalError as error:
        raise OSError(f"the catalogue cannot be copied to {folder}: {error}") from error
    finally:
        target.close()
    return Library(folder, _connect(folder / CATALOG), writable=True)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
        db.row_factory = sqlite3.Row
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -65536")
        db.execute("PRAGMA temp_store = FILE")
    except sqlite3.DatabaseError as error:
        raise _in_words(path, error) from error
    return db


def _damaged(path: Path, error: object) -> DamagedLibrary:
    return DamagedLibrary(
        f"The catalogue {path} cannot be read: {error}. Put a copy from {path.parent / 'backups'} "
        "in its place, or move it away and scan again: your decisions are kept in journal.jsonl."
    )


def _version(db: sqlite3.Connection, folder: Path) -> int:
    try:
        found = int(db.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise _damaged(folder / CATALOG, error) from error
    if found > VERSION:
        raise LibraryTooNew(
            f"{folder} was made by a newer phototag (schema {found}, this one reads {VERSION}). "
            "Upgrade phototag."
        )
    return found


def _migrate(db: sqlite3.Connection, folder: Path) -> None:
    version = _version(db, folder)
    if 0 < version < VERSION:
        back_up(db, folder, f"schema-{version}")
    for number in range(version, VERSION):
        db.execute("BEGIN IMMEDIATE")
        try:
            MIGRATIONS[number](db)
            db.execute(f"PRAGMA user_version = {number + 1}")
            db.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise _in_words(folder / CATALOG, error) from error


def back_up(db: sqlite3.Connection, folder: Path, name: str) -> Path:
    """Copy the catalogue to `backups/`, consistent while in use."""
    target = folder / "backups" / f"{name}.sqlite"
    target.parent.mkdir(exist_ok=True)
    copy = sqlite3.connect(target)
    with copy:
        db.backup(copy)
    copy.close()
    return target


def save_copy(lib: Library, target: Path) -> bool:
    """Write a compact copy of the catalogue to `target`; False where it is too damaged for that."""
    target.unlink(missing_ok=True)
    try:
        lib.db.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.DatabaseError:
        target.unlink(missing_ok=True)
        return False
    return True


def reindex(lib: Library) -> None:
    """Make all indexes anew. Raises DamagedLibrary where the tables themselves are damaged."""
    try:
        lib.db.execute("REINDEX")
    except sqlite3.DatabaseError as error:
        raise _damaged(lib.folder / CATALOG, error) from error


def _take_lock(folder: Path, command: str, started: str) -> IO[str]:
    try:
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise NoLibrary(f"The library folder {folder} cannot be written: {error}.") from error
    if not _flocked(lock):
        lock.close()
        raise LibraryInUse(
            f"{folder} is in use by {_described(owner_of(folder))}. Wait for it, or stop that "
            "process, and run this again."
        )
    said = {"pid": os.getpid(), "host": socket.gethostname()}
    try:
        lock.seek(0)
        lock.truncate()
        json.dump({**said, "command": command, "started": started}, lock)
        lock.flush()
    except OSError as error:
        with suppress(OSError):
            lock.close()
        raise CannotWrite(f"{folder / 'lock'} cannot be written: {error.strerror}.") from error
    return lock


def _flocked(lock: IO[str]) -> bool:
    """Whether the lock is ours now. Tried twice: somebody may only be looking (`in_use`), and an
    owner needs a moment to write its name."""
    for pause in (0.1, 0.0):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(pause)
        else:
            return True
    return False


def _described(owner: dict[str, Any]) -> str:
    if not owner:
        return "another phototag"
    return (
        f"process {owner.get('pid')} on {owner.get('host')} "
        f"({owner.get('command')}, since {owner.get('started')})"
    )


def owner_of(folder: Path) -> dict[str, Any]:
    """What the lock says of its owner; empty where it says nothing."""
    try:
        said = json.loads((folder / "lock").read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def blank_lock(lib: Library) -> None:
    """Have the lock no longer tell the command that holds it: it may hold a name."""
    if lib._lock is not None:
        lib._lock.seek(0)
        lib._lock.truncate()
        lib._lock.flush()


def in_use(folder: Path) -> bool:
    """Whether a writer holds the library now."""
    try:
        lock = (folder / "lock").open("a+")
    except OSError:
        return False
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def meta(lib: Library, key: str) -> str | None:
    row = lib.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else str(row[0])


def set_meta(lib: Library, key: str, value: str) -> None:
    lib.db.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
        " WHERE value != excluded.value",
        (key, value),
    )


def integrity(lib: Library) -> list[str]:
    """What SQLite itself finds wrong; empty when sound."""
    try:
        rows = lib.db.execute("PRAGMA integrity_check(20)").fetchall()
        broken = lib.db.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    said = [str(row[0]) for row in rows if row[0] != "ok"]
    return said + [f"a row of {row[0]} names a {row[2]} that is not there" for row in broken]


def begin_run(lib: Library, started: str, command: str) -> int:
    """Note that a scan begins; the number of its note. Raises CannotWrite."""
    with lib.transaction() as db:
        cursor = db.execute("INSERT INTO runs (started, command) VALUES (?, ?)", (started, command))
    return int(cursor.lastrowid or 0)


def end_run(lib: Library, run: int, ended: str, outcome: str, summary: dict[str, Any]) -> None:
    """Note how a scan ended; on a full disk it goes without a note."""
    with suppress(CannotWrite), lib.transaction() as db:
        db.execute(
            "UPDATE runs SET ended = ?, outcome = ?, summary = ? WHERE id = ?",
            (ended, outcome, json.dumps(summary), run),
        )


def last_run(lib: Library) -> sqlite3.Row | None:
    row: sqlite3.Row | None = lib.db.execute(
        "SELECT * FROM runs ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return row
