"""`phototag diff`, and what `scan --diff` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, reading

if TYPE_CHECKING:
    from phototag.catalog.store import Library
    from phototag.work.diff import NameLine
    from phototag.work.reports import ScanReport

SHOWN = 50
"""Faces that are listed; `--all` and `--json` list the rest."""


def mount(app: typer.Typer) -> None:
    app.command("diff")(diff)


def diff(
    every: Annotated[
        bool, typer.Option("--all", help="List every face, not the first 50.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say what the next scan would change of the names that were given automatically: withdrawn,
    moved to another person, new. Nothing is written.

    Example: phototag diff
    """
    from phototag.work.consent import in_words
    from phototag.work.diff import difference
    from phototag.work.models import embedder_card, thresholds_of

    with reading(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        found = difference(session.lib, card.id, thresholds_of(card))
    if as_json:
        said = asdict(found)
        if found.held is not None:
            said["held"].pop("mark")
        said["changes"] = said.pop("lines")
        console.document("diff", said)
        return errors.OK
    listed(found.lines, None if every else SHOWN)
    if found.held is not None:
        console.say(in_words(found.held), style="yellow")
    return errors.OK


def list_changes(lib: Library, report: ScanReport) -> None:
    """What a scan found to change."""
    from phototag.work.diff import in_order

    listed(in_order(lib, report.changes), None)


def listed(lines: Sequence[NameLine], limit: int | None) -> None:
    """Changes as a table on stdout, and how many there are of each kind."""
    if not lines:
        console.say("No automatic name would change.")
        return
    shown = lines if limit is None else lines[:limit]
    rows = [(c.kind, c.face, c.was or "", c.now or "", console.shown(c.path or "")) for c in shown]
    console.table(rows, ("what", "face", "was", "is", "photo"), flexible=4)
    kinds = [c.kind for c in lines]
    counts = [f"{kinds.count(k):,} {k}" for k in ("withdrawn", "moved", "named") if k in kinds]
    more = len(lines) - len(shown)
    rest = f" {more:,} more are listed by phototag diff --all." if more else ""
    console.say(f"Automatic names: {', '.join(counts)}.{rest}")
