"""What a scan is asked to do and what it says it did: plain values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from phototag.core.consent import NameChange


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder that could not be used, and why."""

    path: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a scan is."""

    stage: str
    """`walk`, `extract`, `group` or `publish`."""
    done: int
    total: int
    faces: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What one scan does beyond the settings."""

    retry_errors: bool = False
    force: bool = False
    dry_run: bool = False
    accept_missing: bool = False
    seconds: float | None = None
    """Time budget."""
    accept_changes: bool = False
    """Let whatever changes of the automatic names stand."""
    diff: bool = False
    """Work out what would change of the automatic names, and change nothing of them."""


@dataclass(slots=True)
class ScanReport:
    """What a scan found and did."""

    new: int = 0
    unchanged: int = 0
    moved: int = 0
    copied: int = 0
    edited: int = 0
    returned: int = 0
    missing: int = 0
    retried: int = 0
    vanished: int = 0
    """Files that went away between the walk and the reading: the next scan says what became of
    them."""
    faces: int = 0
    """Found in this scan."""
    recognised: int = 0
    suggested: int = 0
    withdrawn: int = 0
    reassigned: int = 0
    """Faces that were given another person than before."""
    held: int = 0
    """Automatic names that would be moved or withdrawn, and wait for somebody to accept it."""
    changes: tuple[NameChange, ...] = ()
    """Of automatic names: made, or (held, `ScanOptions.diff`) not made."""
    remaining: int = 0
    """Files left undone when the time budget ended."""
    failed: list[Problem] = field(default_factory=list)
    """Of this scan."""
    skipped: list[Problem] = field(default_factory=list)
    """Folders that could not be entered."""
    guarded: list[Problem] = field(default_factory=list)
    """Places left as they are because too much of them is gone."""
    unmatched: list[str] = field(default_factory=list)
    """Edited photos of which a decided face was not found again."""
    changed_faces: list[int] = field(default_factory=list)
    planned: dict[str, int] = field(default_factory=dict)


Tell = Callable[[Progress], None]
