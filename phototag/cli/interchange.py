"""Exchange with other programs: import, export."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, actor, now, writing

if TYPE_CHECKING:
    from phototag.work.import_names import ImportReport

SHOWN = 20
"""Conflicts and problems that are listed; `--json` has all."""


def mount(app: typer.Typer) -> None:
    app.command("import")(import_)


def import_(
    source: Annotated[
        str, typer.Argument(metavar="xmp|picasa|takeout|sidecars|csv", help="Who wrote the names.")
    ],
    path: Annotated[
        str, typer.Argument(help="A folder of scanned photos, or one file; for csv the table.")
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be taken over, and do nothing.")
    ] = False,
    contacts: Annotated[
        str | None, typer.Option(metavar="FILE", help="Picasa's contacts.xml, if it lies elsewhere.")
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take over names that other programs know: from XMP (digiKam, Lightroom, Windows, IPTC),
    Picasa, Google Takeout, another library's sidecars, or a table.

    Your own decisions are never overruled; what does not fit is listed. One undo takes all of an
    import back.

    Example: phototag import xmp ~/Pictures --dry-run
    """
    from phototag.cli.progress import counting
    from phototag.work.deciding import Ground
    from phototag.work.eye import Eye
    from phototag.work.import_names import import_names
    from phototag.work.models import embedder_card, kit_of, thresholds_of
    from phototag.work.publish import Publisher

    with writing(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        ground = Ground(card.id, thresholds_of(card), now().isoformat(timespec="seconds"), actor())
        eye = Eye(kit_of(session.lib.folder, session.settings))
        with counting("photos with names") as tell:
            report = import_names(
                session.lib,
                ground,
                source,
                path,
                eye,
                contacts=contacts,
                dry_run=dry_run,
                tell=tell,
            )
        if report.said is not None:
            Publisher(
                session.lib, session.settings, card.id, default_library=session.default
            ).run()
    if as_json:
        said = asdict(report)
        if report.said is not None:
            said["said"].pop("changed")
        console.document("import", said)
    else:
        _told(report, dry_run)
    return errors.SOME_FAILED if report.problems else errors.OK


def _told(report: ImportReport, dry_run: bool) -> None:
    for problem in report.problems[:SHOWN]:
        console.say(f"{console.shown(problem.path)}: {problem.message}.", style="yellow")
    _more(len(report.problems), "more problems")
    for clash in report.conflicts[:SHOWN]:
        face = f" ({clash.face})" if clash.face else ""
        console.say(
            f"{console.shown(clash.path)}{face}: {clash.name} was not taken over: {clash.why}."
        )
    _more(len(report.conflicts), "more conflicts")
    if report.strangers:
        console.say(f"{report.strangers:,} photos are not in the library: scan them first.")
    if report.nameless:
        console.say(f"{report.nameless:,} faces have a person whom the source does not name.")
    console.say(_in_words(report, dry_run))


def _more(count: int, what: str) -> None:
    if count > SHOWN:
        console.say(f"… and {count - SHOWN:,} {what}; --json lists all.")


def _in_words(report: ImportReport, dry_run: bool) -> str:
    parts = [
        text
        for count, text in (
            (report.named, f"{report.named:,} faces named"),
            (report.drawn, f"{report.drawn:,} faces drawn"),
            (report.present, f"{report.present:,} names for photos without a face for them"),
            (report.agreed, f"{report.agreed:,} known already"),
            (len(report.conflicts), f"{len(report.conflicts):,} conflicts"),
        )
        if count
    ]
    found = f"{report.photos:,} photos with names; " + (", ".join(parts) or "nothing to take over")
    if report.new_people:
        found += f"; {len(report.new_people):,} new people"
    if dry_run:
        return f"Would be: {found}. Nothing was done."
    if report.said is None:
        return f"{found}."
    more = [
        text
        for count, text in (
            (report.said.recognised, f"{report.said.recognised:,} more recognised"),
            (report.said.suggested, f"{report.said.suggested:,} new suggestions"),
        )
        if count
    ]
    return f"{found}.{' ' + ', '.join(more) + '.' if more else ''} (phototag undo takes it back.)"
