"""The library on the desk of a server: opened for each look, and held only while something is
written.

Reads never wait. A decision waits a moment for the writer's lock, then says who has it, so that the
page can tell and try again. What follows from decisions on the disk (sidecars, thumbnails, the
contact sheet) is written when nothing was decided for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from phototag import settings as setup
from phototag.catalog import store
from phototag.catalog.store import Library
from phototag.errors import CannotWrite, LibraryInUse, PhototagError
from phototag.settings import Settings
from phototag.vision.models import ModelCard
from phototag.work.deciding import Ground, Said
from phototag.work.models import embedder_card, thresholds_of
from phototag.work.opening import as_written, meet_mirror
from phototag.work.publish import Publisher
from phototag.work.review import Doubts, Queue

PATIENCE = 1.0
"""Seconds that a decision waits for the writer's lock before it says so."""

QUIET = 3.0
"""Seconds without a decision after which sidecars and thumbnails are written: the pause of somebody
who answers one question after the other is shorter."""

SHEET = 12.0
"""Seconds more until the contact sheet is written: it is not interrupted by a decision."""

AGAIN = 5.0
"""Seconds until outputs are tried again while another writer is at work."""

Verb = Callable[[Library, Ground], Said]


class _Yielded(Exception):
    """Outputs make way for a decision; what is unwritten stays marked."""


@dataclass(slots=True)
class Desk:
    """One library, for all requests."""

    folder: Path
    command: str
    actor: str
    default: bool = True
    """Whether it is the library that commands use without an option."""
    options: Mapping[str, Any] = field(default_factory=dict)
    doubts: Doubts = field(default_factory=Doubts)
    """Named faces that are suspicious, as they were found last."""
    _turn: threading.Lock = field(default_factory=threading.Lock)
    _publishing: threading.Lock = field(default_factory=threading.Lock)
    """Held by outputs as long as they hold the library: others of this process wait for them
    without a word."""
    _waiting: list[str] = field(default_factory=list)
    """One entry for each that waits so (a list, because its changes are atomic)."""
    _due: float | None = None
    _sheet_due: bool = False
    _wake: threading.Event = field(default_factory=threading.Event)
    _ended: bool = False
    _thread: threading.Thread | None = None

    def check(self, *, create: bool = False) -> bool:
        """Say now, and not on the first page, what is wrong with the library; one of an older
        phototag is upgraded. With `create` a new one is begun where there is none: whether that
        was so. Raises NoLibrary and its kin."""
        new = not (self.folder / store.CATALOG).is_file()
        with suppress(LibraryInUse), self.writing(create=create):
            pass
        with self.reading():
            pass
        return new

    # ---- looking

    @contextmanager
    def reading(self) -> Iterator[Library]:
        """The library as it is at one moment, also while another process writes. Raises NoLibrary
        and its kin."""
        with store.open_to_read(self.folder) as lib, lib.rehearsal():
            yield lib

    def settings(self, lib: Library) -> Settings:
        return setup.load(self.folder, self.options, before=as_written(lib))

    def card(self, lib: Library) -> ModelCard:
        """The embedder's card. Raises ModelError."""
        return embedder_card(self.folder, self.settings(lib))

    def queue(self, lib: Library) -> Queue:
        """What is asked. Raises ModelError."""
        card = self.card(lib)
        return Queue(lib, card.id, thresholds_of(card), now().isoformat("T"), self.doubts)

    # ---- deciding

    @contextmanager
    def writing(self, command: str = "", *, create: bool = False) -> Iterator[Library]:
        """The library, held. Raises LibraryInUse after `PATIENCE`, NoLibrary and its kin."""
        self._waiting.append(command)
        try:
            with self._publishing:
                lib = self._opened(command or self.command, create=create)
        finally:
            self._waiting.pop()
        with lib:
            meet_mirror(lib)
            yield lib

    def _opened(self, command: str, *, create: bool = False) -> Library:
        deadline = time.monotonic() + PATIENCE
        while True:
            started = now().isoformat("T", "seconds")
            try:
                return store.open_to_write(
                    self.folder,
                    command,
                    started,
                    create=create,
                    shared=setup.load(self.folder, self.options).shared,
                )
            except LibraryInUse:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def decide(self, verb: Verb) -> Said:
        """Make one decision; its outputs follow. One at a time, in the order in which they came.
        Raises what the verb raises, LibraryInUse."""
        with self._turn, self.writing() as lib:
            card = self.card(lib)
            ground = Ground(
                card.id, thresholds_of(card), now().isoformat("T", "seconds"), self.actor
            )
            said = verb(lib, ground)
        self.publish_soon()
        return said

    # ---- what follows on the disk

    def publish_soon(self) -> None:
        self._due, self._sheet_due = time.monotonic() + QUIET, False
        self._wake.set()

    def start(self) -> None:
        self._thread = threading.Thread(target=self._publish, name="phototag-publish", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what is due, and end."""
        self._ended = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()

    def _publish(self) -> None:
        """What the thread does: sidecars and thumbnails after a pause, the sheet after a longer
        one, both at the end."""
        while not self._ended:
            due = self._due
            if due is None:
                self._wake.wait()
            elif due > time.monotonic():
                self._wake.wait(due - time.monotonic())
            else:
                self._write_due(due)
            self._wake.clear()
        if self._due is not None:
            self.publish()

    def _write_due(self, due: float) -> None:
        done = self.publish(sheet=self._sheet_due)
        if self._due != due:
            return  # something was decided meanwhile: that has its own time
        if not done:
            self._due = time.monotonic() + AGAIN
        elif self._sheet_due:
            self._due = None
        else:
            self._due, self._sheet_due = time.monotonic() + SHEET, True

    def publish(self, *, sheet: bool = True) -> bool:
        """Write outputs that are not up to date; False where another writer is at work, a decision
        came in between, or the disk refuses: it is to be tried again."""
        try:
            with self._publishing, self._opened(self.command) as lib:
                self._waiting_first()
                settings = self.settings(lib)
                settings = replace(settings, sheet=settings.sheet and sheet)
                publisher = Publisher(
                    lib, settings, self.card(lib).id, default_library=self.default
                )
                publisher.run(lambda done, total: self._waiting_first())
        except (_Yielded, LibraryInUse, CannotWrite):
            return False
        except PhototagError:
            return True  # a model that is gone: nothing that waiting would mend
        return True

    def _waiting_first(self) -> None:
        if self._waiting:
            raise _Yielded


def now() -> datetime:
    return datetime.now(UTC)
