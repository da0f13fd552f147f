"""Looking: clusters, people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, reading


def mount(app: typer.Typer) -> None:
    app.command("clusters")(clusters)
    app.command("people")(people)


def clusters(
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="How many.")] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the unnamed clusters, largest first.

    Example: phototag clusters -n 10
    """
    from phototag.catalog import faces, views

    with reading(library) as session:
        rows = views.cluster_rows(session.lib, limit)
        names = faces.people(session.lib)
    if as_json:
        for row in rows:
            said = {**asdict(row), "id": f"cluster-{row.id}", "guess": names.get(row.guess or -1)}
            console.line("cluster", said)
        return errors.OK
    console.table(
        [
            (
                f"cluster-{row.id}",
                f"{row.faces:,}",
                f"{row.photos:,}",
                (row.first or "")[:10],
                (row.last or "")[:10],
                f"{names[row.guess]} {row.guess_score:.2f}" if row.guess in names else "",
            )
            for row in rows
        ],
        ("cluster", "faces", "photos", "first", "last", "maybe"),
    )
    return errors.OK


def people(library: LibraryOption = None, as_json: JsonOption = False) -> int:
    """List the people who have a name, most faces first.

    Example: phototag people
    """
    from phototag.catalog import views

    with reading(library) as session:
        rows = views.people_rows(session.lib)
    if as_json:
        for row in rows:
            console.line("person", asdict(row))
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
    )
    return errors.OK
