"""Exchange with other programs: import, export."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, actor, now, reading, writing

if TYPE_CHECKING:
    from phototag.work.export_xmp import XmpReport
    from phototag.work.import_names import ImportReport

SHOWN = 20
"""Conflicts and problems that are listed; `--json` has all."""


export = typer.Typer(help="Write names where other programs read them.", no_args_is_help=True)


def mount(app: typer.Typer) -> None:
    app.command("import")(import_)
    app.add_typer(export, name="export")


def import_(
    source: Annotated[
        str,
        typer.Argument(
            metavar="xmp|picasa|takeout|sidecars|csv|library", help="Who wrote the names."
        ),
    ],
    path: Annotated[
        str,
        typer.Argument(
            help="A folder of scanned photos, or one file; the table; the other library."
        ),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be taken over, and do nothing.")
    ] = False,
    contacts: Annotated[
        str | None, typer.Option(metavar="FILE", help="Picasa's contacts.xml, if elsewhere.")
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take over names that other programs know: from XMP (digiKam, Lightroom, Windows, IPTC),
    Picasa, Google Takeout, another library or its sidecars, or a table.

    Your own decisions are never overruled; what does not fit is listed. One undo takes all of an
    import back.

    Example: phototag import xmp ~/Pictures --dry-run
    """
    from phototag.cli.progress import counting
    from phototag.work.deciding import Ground
    from phototag.work.eye import Eye
    from phototag.work.import_names import import_names
    from phototag.work.import_sources import OTHER_SHAPE
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
            Publisher(session.lib, session.settings, card.id, default_library=session.default).run()
    if as_json:
        console.document("import", asdict(report))
    else:
        _told(report, dry_run)
    failed = any(problem.reason != OTHER_SHAPE for problem in report.problems)
    return errors.SOME_FAILED if failed else errors.OK


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
            (report.besides, f"{report.besides:,} other decisions"),
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


# ---- export


@export.command("xmp")
def export_xmp(
    embed: Annotated[
        bool,
        typer.Option(
            "--embed",
            help="Into the photos themselves (JPEG, PNG), not beside them. The picture stays bit "
            "for bit; the file does not.",
        ),
    ] = False,
    people_tags: Annotated[
        bool,
        typer.Option(
            "--people-tags", help="Also the tags People/NAME of digiKam, Lightroom and Windows."
        ),
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write names and faces to photo.jpg.xmp, as digiKam, Lightroom and Windows read them.

    What other programs wrote there stays byte for byte; where they say something else, nothing is
    written, and it is listed.

    Example: phototag export xmp --people-tags
    """
    from phototag.work.export_xmp import XmpWriter

    with writing(library) as session:
        report = XmpWriter(session.lib, embed=embed, people_tags=people_tags).run()
    if as_json:
        console.document("export-xmp", asdict(report))
    else:
        told_of_xmp(report)
    return errors.SOME_FAILED if report.problems else errors.OK


def told_of_xmp(report: XmpReport | None, *, quiet: bool = False) -> None:
    """Say what was written into XMP, if anything was to be."""
    if report is None:
        return
    for problem in report.problems[:SHOWN]:
        console.say(f"{console.shown(problem.path)}: {problem.message}", style="yellow")
    _more(len(report.problems), "more problems")
    for clash in report.conflicts[:SHOWN]:
        console.say(f"{console.shown(clash.path)}: {clash.message}: left as it is.")
    _more(len(report.conflicts), "more conflicts")
    if quiet:
        return
    parts = [
        text
        for count, text in (
            (report.written, f"{report.written:,} written beside photos"),
            (report.embedded, f"{report.embedded:,} written into photos"),
            (report.removed, f"{report.removed:,} removed, empty now"),
            (report.unchanged, f"{report.unchanged:,} unchanged"),
            (len(report.conflicts), f"{len(report.conflicts):,} conflicts"),
        )
        if count
    ]
    console.say("XMP: " + (", ".join(parts) or "nothing to write") + ".")
    if report.embedded:
        console.say("The photos' bytes are others now: the next scan notes that they were edited.")


@export.command("csv")
def export_csv(library: LibraryOption = None) -> int:
    """Print who is where as a table: file,x,y,w,h,person,how,face; boxes in pixels of the upright
    photo.

    Example: phototag export csv > faces.csv
    """
    from phototag.work.export_table import as_csv

    with reading(library) as session:
        console.stream(as_csv(session.lib), end="")
    return errors.OK


@export.command("json")
def export_json(library: LibraryOption = None) -> int:
    """Print a JSON line for each photo with somebody in it.

    Example: phototag export json > photos.jsonl
    """
    from phototag.work.export_table import as_rows

    with reading(library) as session:
        console.stream(console.as_line("photo", row) for row in as_rows(session.lib))
    return errors.OK


@export.command("photos")
def export_photos(
    people: Annotated[list[str], typer.Argument(metavar="NAME...", help="All of them are in it.")],
    to: Annotated[str, typer.Option(metavar="DIR", help="Where the photos go.")],
    link: Annotated[bool, typer.Option("--link", help="As links to the photos.")] = False,
    copy: Annotated[bool, typer.Option("--copy", help="As copies.")] = False,
    strip: Annotated[
        bool, typer.Option("--strip", help="Copies without anybody's name or region in them.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Gather the photos of people in a folder. What is there already stays, and is not written
    again.

    Example: phototag export photos "Alice" --to ~/alice --link
    """
    from phototag.work.export_photos import export_photos as gather

    if link == copy:
        raise errors.UsageError("Say --link or --copy.")
    with reading(library) as session:
        report = gather(session.lib, people, to, link=link, strip=strip)
    if as_json:
        console.document("export-photos", asdict(report))
    else:
        for problem in report.problems[:SHOWN]:
            console.say(f"{console.shown(problem.path)}: {problem.message}", style="yellow")
        _more(len(report.problems), "more problems")
        word = "linked" if link else "copied"
        console.say(f"{report.written:,} photos {word}, {report.unchanged:,} were there.")
    return errors.SOME_FAILED if report.problems else errors.OK
