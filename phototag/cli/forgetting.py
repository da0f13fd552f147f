"""`phototag forget`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import (
    JsonOption,
    LibraryOption,
    YesOption,
    actor,
    now,
    reading,
    writing,
)

if TYPE_CHECKING:
    from phototag.work.forget import ForgetReport

SHOWN = 20


def mount(app: typer.Typer) -> None:
    app.command("forget")(forget)


def forget(
    name: Annotated[str, typer.Argument(help="The person.")],
    faces: Annotated[
        bool, typer.Option("--faces", help="Also their faces: vectors, pictures, boxes.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing: search all stores for the name.")
    ] = False,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Forget a person: in the catalogue, the journal, all outputs, phototag's XMP and backups.

    It cannot be undone. Photos stay as they are, but for XMP that phototag put into them. Ends with
    1 where the name is still found.

    Example: phototag forget "Alice" --faces
    """
    report = _checked(name, library) if check else _forgotten(name, faces, yes, library)
    if as_json:
        console.document("forget", asdict(report))
    else:
        _told(report, check)
    return errors.NO if report.traces or report.problems else errors.OK


def _checked(name: str, library: str | None) -> ForgetReport:
    from phototag.work import forget as verb

    with reading(library) as session:
        return verb.check(session.lib, name)


def _forgotten(name: str, faces: bool, yes: bool, library: str | None) -> ForgetReport:
    from phototag.work import forget as verb
    from phototag.work.deciding import Ground
    from phototag.work.models import embedder_card, thresholds_of

    with writing(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        ground = Ground(card.id, thresholds_of(card), now().isoformat(timespec="seconds"), actor())
        if not yes and sys.stdin.isatty():
            typer.confirm(f"Forget {name} for good? This cannot be undone.", abort=True, err=True)
        return verb.forget(
            session.lib,
            session.settings,
            ground,
            name,
            faces=faces,
            default_library=session.default,
        )


def _told(report: ForgetReport, check: bool) -> None:
    for problem in report.problems[:SHOWN]:
        console.say(f"{console.shown(problem.path)}: {problem.message}", style="yellow")
    if not check:
        console.say(
            f"{report.person} is forgotten: {report.decisions:,} decisions, "
            f"{report.faces:,} faces, {len(report.backups):,} backups."
        )
    for trace in report.traces[:SHOWN]:
        console.say(f"{trace.store}: {console.shown(trace.where)}: {trace.count:,} times")
    if report.in_paths:
        console.say("The name is part of photos' own paths: where files are named, it shows.")
    found = sum(trace.count for trace in report.traces)
    console.say(f"Searched the catalogue and {report.searched:,} files: found {found:,} times.")
