"""What commands share: options, opening a library, the ground of decisions."""

from __future__ import annotations

import getpass
import os
import shlex
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from phototag import settings as setup
from phototag.catalog import store
from phototag.catalog.store import Library
from phototag.settings import Settings

LibraryOption = Annotated[
    str | None,
    typer.Option(
        "--library",
        metavar="DIR",
        help="Library folder (else PHOTOTAG_LIBRARY, else your user data folder).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but errors.")]


@dataclass(frozen=True, slots=True)
class Session:
    """A library that a command works on."""

    lib: Library
    settings: Settings
    default: bool
    """Whether it is the library that commands use without an option."""


def now() -> datetime:
    return datetime.now(UTC)


def command_line() -> str:
    return shlex.join(["phototag", *(a.encode("utf-8", "replace").decode() for a in sys.argv[1:])])


def actor() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


@contextmanager
def reading(library: str | None, options: Mapping[str, Any] | None = None) -> Iterator[Session]:
    """A library to read. Raises NoLibrary and its kin."""
    from phototag.work.opening import as_written

    folder = setup.library_folder(library)
    with store.open_to_read(folder) as lib:
        settings = setup.load(folder, options or {}, before=as_written(lib))
        yield Session(lib, settings, is_default(folder))


@contextmanager
def writing(
    library: str | None, options: Mapping[str, Any] | None = None, *, create: bool = False
) -> Iterator[Session]:
    """A library to write, held against others. Raises LibraryInUse, NoLibrary and its kin."""
    from phototag.work.opening import as_written

    folder = setup.library_folder(library)
    shared = setup.load(folder, options or {}).shared  # what is wrong is said before it is made
    started = now().isoformat(timespec="seconds")
    with store.open_to_write(folder, command_line(), started, create=create, shared=shared) as lib:
        _tell_of_takeover(lib)
        _meet_mirror(lib)
        settings = setup.load(folder, options or {}, before=as_written(lib))
        yield Session(lib, settings, is_default(folder))


def _tell_of_takeover(lib: Library) -> None:
    if lib.lock is not None and lib.lock.taken_over:
        from phototag.catalog.lock import described
        from phototag.cli.console import say

        say(f"The lock of {described(lib.lock.taken_over)} gave no sign of life: taken over.")


def _meet_mirror(lib: Library) -> None:
    """Say how many decisions were taken in from `journal.jsonl`, if any."""
    from phototag.work.opening import meet_mirror

    count = meet_mirror(lib)
    if count:
        from phototag.cli.console import say

        say(f"{count:,} decisions were taken in from {lib.folder / store.JOURNAL}.")


def is_default(folder: Path) -> bool:
    return folder == setup.library_folder(None)
