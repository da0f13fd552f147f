"""What a scan would change of the names that it gave earlier, worked out in a copy."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phototag.catalog import store
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.arrays import lend_arrays
from phototag.catalog.evidence import first_paths
from phototag.catalog.store import Library
from phototag.core.consent import Kind, Limits, NameChange
from phototag.core.types import Thresholds
from phototag.errors import CannotWrite
from phototag.work.consent import Consent, Held, held, mark_of
from phototag.work.group import regroup, signature


@dataclass(frozen=True, slots=True)
class NameLine:
    """A face whose automatic name becomes another, as people read it."""

    kind: Kind
    face: str
    was: str | None
    now: str | None
    path: str | None
    """A file of its photo."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What would change."""

    named: int
    moved: int
    withdrawn: int
    held: Held | None
    """What the last scan left for somebody to accept."""
    lines: tuple[NameLine, ...]
    """Withdrawn ones first, then the moved, then the named."""


def mark(lib: Library, model: str, thresholds: Thresholds) -> str:
    """What a difference follows from: as long as this is the same, so is that."""
    return mark_of(lib, signature(lib, model, thresholds))


def difference(lib: Library, model: str, thresholds: Thresholds) -> Difference:
    """What the next scan changes if no photo changes; nothing is written. Raises CannotWrite where
    there is no room for a copy of the catalogue."""
    consent = Consent(Limits(), look_only=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="phototag-") as folder,
            store.copied(lib, Path(folder)) as copy,
        ):
            lend_arrays(lib, copy)
            regroup(copy, model, thresholds, everything=True, consent=consent)
            names = verdict_table.people(copy)
    except OSError as error:
        raise CannotWrite(f"{error}. phototag diff needs room for a copy in TMPDIR.") from error
    lines = in_order(lib, consent.changes, names)
    kinds = [line.kind for line in lines]
    return Difference(
        kinds.count("named"), kinds.count("moved"), kinds.count("withdrawn"), held(lib), lines
    )


def in_order(
    lib: Library, changes: Sequence[NameChange], names: dict[int, str] | None = None
) -> tuple[NameLine, ...]:
    """Changes with names (the library's) and files, the gravest first."""
    called = verdict_table.people(lib) if names is None else names
    paths = first_paths(lib, [change.face for change in changes])

    def name(person: int | None) -> str | None:
        return None if person is None else called.get(person, "?")

    order = ("withdrawn", "moved", "named")
    lines = (
        NameLine(c.kind, f"face-{c.face}", name(c.was), name(c.now), paths.get(c.face))
        for c in changes
    )
    return tuple(
        sorted(lines, key=lambda c: (order.index(c.kind), c.was or "", c.now or "", c.path or ""))
    )
