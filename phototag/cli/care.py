"""Taking care of a library: sheet."""

from __future__ import annotations

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, writing


def mount(app: typer.Typer) -> None:
    app.command("sheet")(sheet)


def sheet(library: LibraryOption = None, as_json: JsonOption = False) -> int:
    """Write all sidecars, thumbnails and pages that are not up to date.

    Example: phototag sheet
    """
    from phototag.work.models import embedder_card
    from phototag.work.publish import Publisher, write_sheet

    with writing(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        with session.lib.transaction():
            session.lib.db.execute("UPDATE photos SET published = 0")
        report = Publisher(
            session.lib, session.settings, card.id, default_library=session.default
        ).run()
        page = write_sheet(session.lib, default_library=session.default)
    if as_json:
        console.document(
            "sheet",
            {
                "sheet": str(page),
                "sidecars": report.sidecars,
                "thumbnails": report.thumbnails,
                "removed": report.removed,
            },
        )
        return errors.OK
    console.say(f"{report.sidecars:,} sidecars and {report.thumbnails:,} thumbnails written.")
    console.out(str(page))
    return errors.OK
