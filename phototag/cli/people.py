"""`phototag people`: who has a name, and when they lived."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, Session, reading
from phototag.cli.deciding import decide

if TYPE_CHECKING:
    from phototag.work.tag import Ground, Said

people = typer.Typer(invoke_without_command=True)


def mount(app: typer.Typer) -> None:
    app.add_typer(people, name="people")


@people.callback()
def list_people(
    context: typer.Context,
    least: Annotated[
        int, typer.Option("--min", metavar="N", min=0, help="Only those with N faces or more.")
    ] = 0,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the people who have a name, most faces first.

    Example: phototag people
    """
    from phototag.catalog import views

    if context.invoked_subcommand is not None:
        if least or library is not None or as_json:
            raise errors.UsageError("Options go behind the word: phototag people set NAME --json.")
        return errors.OK
    with reading(library) as session:
        rows = [row for row in views.people_rows(session.lib) if row.faces >= least]
    if as_json:
        for row in rows:
            console.line("person", {**asdict(row), "id": f"person-{row.id}"})
        return errors.OK
    console.table(
        [
            (
                row.name,
                f"{row.faces:,}",
                f"{row.photos:,}",
                f"{row.confirmed:,}",
                f"{row.suggested:,}",
                (row.first or "")[:10],
                (row.last or "")[:10],
            )
            for row in rows
        ],
        ("person", "faces", "photos", "confirmed", "suggested", "first", "last"),
        flexible=0,
    )
    return errors.OK


@people.command("set")
def set_(
    name: Annotated[str, typer.Argument(help="The person.")],
    born: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="2019-04-02, 2019-04 or 2019; '' for unknown."),
    ] = None,
    died: Annotated[str | None, typer.Option(metavar="DATE", help="The same.")] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say when a person was born or died. Photos that EXIF dates before or after are not recognised
    as theirs, and a child's faces are compared with those of about its age first.

    Example: phototag people set "Mia" --born 2019-04-02
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        given = {"born": born, "died": died}
        dates = {word: text for word, text in given.items() if text is not None}
        return tag.set_life(session.lib, ground, name, dates)

    return decide(library, as_json, verb)
