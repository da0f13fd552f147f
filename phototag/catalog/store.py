"""The library's catalogue as a file: open, lock, migrate, back up, check.

One writer at a time (`catalog.lock`); readers never wait (WAL).
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phototag.catalog.lock import Lock, is_on_network, take
from phototag.catalog.lock import in_use as in_use
from phototag.catalog.lock import owner_of as owner_of
from phototag.catalog.schema import MIGRATIONS, VERSION
from phototag.errors import CannotWrite, DamagedLibrary, LibraryTooNew, NoLibrary

CATALOG = "catalog.sqlite"
JOURNAL = "journal.jsonl"


_TROUBLES = {
    sqlite3.SQLITE_FULL: "the disk is full. Free some space and run the command again.",
    sqlite3.SQLITE_READONLY: "it is read-only. Make it writable, or name another --library.",
    sqlite3.SQLITE_IOERR: "the disk does not answer as it should. Is it full, or unmounted?",
    sqlite3.SQLITE_BUSY: "another program reads it for long. Let it end, and run this again.",
    sqlite3.SQLITE_CANTOPEN: "its folder cannot be used. Is the disk still mounted?",
}


@dataclass(slots=True)
class Library:
    """An open library: its folder and its catalogue."""

    folder: Path
    db: sqlite3.Connection
    writable: bool
    lock: Lock | None = field(default=None, repr=False)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All or nothing; nested use joins the outer transaction. Raises CannotWrite, and
        LibraryInUse where another machine took the library over."""
        if self.db.in_transaction:
            yield self.db
            return
        if self.lock is not None:
            self.lock.check()
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
        if self.lock is not None:
            self.lock.close()

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
    if is_on_network(folder) and _is_wal(folder / CATALOG):
        raise NoLibrary(
            f"{folder} lies on another machine, where phototag writes it as on a disk of its own: "
            "it cannot be read safely from here. Put shared = true into its phototag.toml, and run "
            "any command that writes (phototag scan) there once."
        )
    with ExitStack() as failed:
        db = failed.enter_context(closing(_connect(folder / CATALOG)))
        if _version(db, folder) < VERSION:
            raise NoLibrary(
                f"{folder} was made by an older phototag and is not upgraded yet. "
                "Run any command that writes (phototag scan) once."
            )
        db.execute("PRAGMA query_only = ON")
        failed.pop_all()
    return Library(folder, db, writable=False)


def open_to_write(
    folder: Path, command: str, started: str, *, create: bool = False, shared: bool = False
) -> Library:
    """Open a library as its one writer; `create` makes it where there is none; `shared`: machines
    read it that see it over a network.

    SQLite's WAL needs memory that all readers share: it is for one machine (sqlite.org/wal.html). A
    library on a network share, or a `shared` one, has a rollback journal instead: others read it
    between two commits, as far as the share hands on SQLite's locks.

    Raises NoLibrary, LibraryTooNew, DamagedLibrary.
    """
    if not create and not (folder / CATALOG).is_file():
        open_to_read(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise NoLibrary(f"The library folder {folder} cannot be made: {error}.") from error
    with ExitStack() as failed:
        lock = failed.enter_context(closing(take(folder, command, started)))
        path, over_network = folder / CATALOG, shared or lock.network
        db = failed.enter_context(closing(_connect(path, shared=over_network)))
        _migrate(db, folder)
        failed.pop_all()
    return Library(folder, db, writable=True, lock=lock)


def copied(lib: Library, folder: Path) -> Library:
    """A private copy of the catalogue in `folder`, open to try something out. Raises OSError."""
    target = sqlite3.connect(folder / CATALOG)
    try:
        lib.db.backup(target)
    except sqlite3.OperationalError as error:
        raise OSError(f"the catalogue cannot be copied to {folder}: {error}") from error
    finally:
        target.close()
    return Library(folder, _connect(folder / CATALOG, shared=False), writable=True)


def _connect(path: Path, *, shared: bool | None = None) -> sqlite3.Connection:
    """A connection; `shared`: whether it writes for readers on other machines, too. None: it only
    reads, and takes the catalogue as it is."""
    try:
        db = sqlite3.connect(path, isolation_level=None, timeout=30, check_same_thread=False)
    except sqlite3.DatabaseError as error:
        raise _in_words(path, error) from error
    try:
        db.row_factory = sqlite3.Row
        if shared is not None:
            db.execute(f"PRAGMA journal_mode = {'TRUNCATE' if shared else 'WAL'}")
        if shared:
            # Readers wait for nothing but a commit, and a commit for a reader that takes its time.
            db.execute("PRAGMA cache_spill = OFF")
            db.execute("PRAGMA busy_timeout = 300000")
        db.execute("PRAGMA synchronous = NORMAL")
        db.execute("PRAGMA foreign_keys = ON")
        db.execute("PRAGMA cache_size = -65536")
        db.execute("PRAGMA temp_store = FILE")
    except sqlite3.DatabaseError as error:
        db.close()
        raise _in_words(path, error) from error
    return db


def _is_wal(path: Path) -> bool:
    """Whether the file is in WAL mode (bytes 18 and 19 of its head: SQLite's file format, 1.3)."""
    with suppress(OSError), path.open("rb") as file:
        return file.read(20)[18:] == b"\x02\x02"
    return False


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


def hide_command(lib: Library) -> None:
    """Have the lock no longer tell the command that holds it: it may hold a name."""
    if lib.lock is not None:
        lib.lock.hide_command()


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
