"""Looking: status, show, find, clusters."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, reading

if TYPE_CHECKING:
    from phototag.work.search import Hit


def mount(app: typer.Typer) -> None:
    app.command("status")(status)
    app.command("clusters")(clusters)
    app.command("show")(show)
    app.command("find")(find)


def _known_names(typed: str) -> list[str]:
    """People whose name begins so: for completion, which says nothing where there is no library."""
    from phototag.catalog import verdicts as verdict_table

    try:
        with reading(os.environ.get("PHOTOTAG_LIBRARY")) as session:
            names = verdict_table.people(session.lib).values()
            return sorted(name for name in names if name.startswith(typed))
    except errors.PhototagError:
        return []


def status(
    failed: Annotated[
        bool, typer.Option("--failed", help="List the files that could not be read, and why.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say how the library stands: what it holds, the last scan, who works on it now.

    Example: phototag status
    """
    from phototag.catalog import photos
    from phototag.cli import telling
    from phototag.work.status import status as stand

    with reading(library) as session:
        if failed:
            rows = photos.failures(session.lib)
        else:
            found, default = stand(session.lib, session.settings), session.default
    if failed and as_json:
        for path, reason, message in rows:
            console.line("failure", {"path": path, "reason": reason, "message": message})
    elif failed:
        table = [(reason, console.shown(path), message) for path, reason, message in rows]
        console.table(table, ("reason", "file", "what happened"))
    elif as_json:
        console.document("status", asdict(found))
    else:
        telling.status(found, default)
    return errors.OK


def clusters(
    limit: Annotated[int | None, typer.Option("--limit", "-n", min=1, help="How many.")] = None,
    least: Annotated[
        int, typer.Option("--min", metavar="N", min=1, help="Only those of N faces or more.")
    ] = 1,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the unnamed clusters, largest first.

    Example: phototag clusters -n 10
    """
    from phototag.catalog import verdicts as verdict_table
    from phototag.catalog import views

    with reading(library) as session:
        rows = views.cluster_rows(session.lib, limit, least)
        names = verdict_table.people(session.lib)
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
        flexible=5,
    )
    return errors.OK


def show(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="face-17, cluster-3, a person's name, a photo's path, or photo.jpg#2.",
            autocompletion=_known_names,
        ),
    ],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say all that is known about a face, cluster, person or photo, and why it is so.

    Example: phototag show face-17
    """
    from phototag.cli import telling
    from phototag.work.models import embedder_card
    from phototag.work.show import show as look

    with reading(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        view = look(session.lib, card, target)
    if as_json:
        console.document("show", telling.as_json(view))
    else:
        telling.view(view)
    return errors.OK


def find(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAME...",
            help="People who are in the photo, all of them.",
            autocompletion=_known_names,
        ),
    ] = None,
    together_with: Annotated[
        list[str] | None,
        typer.Option(
            "--with", metavar="NAME", help="Who is in it too.", autocompletion=_known_names
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option("--without", metavar="NAME", help="Who is not.", autocompletion=_known_names),
    ] = None,
    any_of: Annotated[
        bool, typer.Option("--any", help="One of the NAMEs is enough (--with still holds).")
    ] = False,
    only: Annotated[bool, typer.Option("--only", help="Nobody else is in it.")] = False,
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Somebody without a name is in it.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Taken in or after 2019, 2019-07 or 2019-07-14."),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Taken before the end of that time.")
    ] = None,
    suggested: Annotated[
        bool, typer.Option("--suggested", help="Faces that may be the person count too.")
    ] = False,
    null: Annotated[
        bool, typer.Option("--null", "-0", help="End each path with a zero byte (xargs -0).")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Print the paths of the photos with these people, earliest first.

    Example: phototag find "Alice" --with "Bob" --since 2019-07
    """
    from phototag.work.search import Wanted, search

    wanted = Wanted(
        people=tuple(names or ()),
        together_with=tuple(together_with or ()),
        without=tuple(without or ()),
        any_of=any_of,
        only=only,
        unknown=unknown,
        since=since,
        until=until,
        suggested=suggested,
    )
    with reading(library) as session:
        hits = search(session.lib, wanted)
        if as_json:
            count = console.stream(console.as_line("found", _hit(hit)) for hit in hits)
        else:
            count = console.stream(_paths(hits), end="\0" if null else "\n")
    if not count:
        console.say("Nobody: no photo fits.")
        return errors.NO
    return errors.OK


def _paths(hits: Iterator[Hit]) -> Iterator[str]:
    return (hit.file.path for hit in hits)


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "path": hit.file.path,
        "photo": hit.file.key,
        "taken": hit.file.taken,
        "people": list(hit.people),
        **({"timeline": list(hit.timeline)} if hit.timeline else {}),
    }
