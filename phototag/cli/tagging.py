"""Decisions: label, reject, ignore, draw, restore, rename, merge, split, undo, redo, log."""

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
    Session,
    YesOption,
    reading,
)
from phototag.cli.deciding import decide

if TYPE_CHECKING:
    from phototag.work.tag import Ground, Said

MANY = 50
"""A decision about more faces than this is asked about on a terminal."""

Targets = Annotated[
    list[str],
    typer.Argument(metavar="TARGET...", help="cluster-3, face-17 or photo.jpg#2."),
]


def mount(app: typer.Typer) -> None:
    for name, command in (
        ("label", label),
        ("reject", reject),
        ("ignore", ignore),
        ("not-a-face", not_a_face),
        ("draw", draw),
        ("restore", restore),
        ("rename", rename),
        ("merge", merge),
        ("split", split),
        ("undo", undo),
        ("redo", redo),
        ("log", log),
    ):
        app.command(name)(command)


def label(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET... NAME", help="cluster-3, face-17 or photo.jpg#2; the name."
        ),
    ],
    create: Annotated[
        bool, typer.Option("--create", help="The name must be new: never join a person.")
    ] = False,
    allow_twice: Annotated[
        bool,
        typer.Option("--allow-twice", help="The person is in a photo twice: a mirror, a collage."),
    ] = False,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say who faces are. Everybody else who looks like them is looked at again at once.

    Example: phototag label cluster-3 "Alice"
    """
    targets, name = _targets_and_name(words, 'phototag label cluster-3 "Alice"')

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        _ask_if_many(session, targets, name, yes)
        return tag.label(session.lib, ground, targets, name, create=create, allow_twice=allow_twice)

    return decide(library, as_json, verb)


def reject(
    words: Annotated[
        list[str], typer.Argument(metavar="TARGET... NAME", help="Faces, and who they are not.")
    ],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say that faces are not a person, for good.

    Example: phototag reject face-17 "Alice"
    """
    targets, name = _targets_and_name(words, 'phototag reject face-17 "Alice"')

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.reject(session.lib, ground, targets, name)

    return decide(library, as_json, verb)


def ignore(
    targets: Targets,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Leave strangers out: they are never suggested or clustered again.

    Example: phototag ignore cluster-9
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        _ask_if_many(session, targets, "ignored", yes)
        return tag.ignore(session.lib, ground, targets)

    return decide(library, as_json, verb)


def not_a_face(
    targets: Targets,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say that something is no face: it is left out of everything.

    Example: phototag not-a-face face-4
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.not_a_face(session.lib, ground, targets)

    return decide(library, as_json, verb)


def draw(
    photo: Annotated[str, typer.Argument(help="The photo, by its path.")],
    name: Annotated[str, typer.Argument(help="Who it is.")],
    box: Annotated[
        str,
        typer.Option(
            metavar="X,Y,W,H",
            help="The face: left, top, width, height in pixels of the upright photo, or in "
            "fractions of it (none above 1).",
        ),
    ],
    allow_twice: Annotated[
        bool,
        typer.Option("--allow-twice", help="The person is in a photo twice: a mirror, a collage."),
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Draw a face that was not found, and say who it is.

    Example: phototag draw photo.jpg --box 320,180,96,120 "Alice"
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work.draw import box_said, draw
        from phototag.work.eye import Eye
        from phototag.work.models import kit_of

        place = box_said(session.lib, photo, box)
        eye = Eye(kit_of(session.lib.folder, session.settings))
        return draw(session.lib, ground, photo, place, name, eye, allow_twice=allow_twice)

    return decide(library, as_json, verb)


def restore(
    targets: Targets,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make faces undecided again that were named, ignored or called no face.

    Example: phototag restore face-4
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.restore(session.lib, ground, targets)

    return decide(library, as_json, verb)


def rename(
    old: Annotated[str, typer.Argument(help="The name now.")],
    new: Annotated[str, typer.Argument(help="The name from now on.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Give a person another name.

    Example: phototag rename "Alice" "Alice Liddell"
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.rename(session.lib, ground, old, new)

    return decide(library, as_json, verb)


def merge(
    gone: Annotated[str, typer.Argument(help="The name that ends.")],
    heir: Annotated[str, typer.Argument(help="The person that both are.")],
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Make two people one.

    Example: phototag merge "Bob" "Robert"
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.merge(session.lib, ground, gone, heir)

    return decide(library, as_json, verb)


def split(
    name: Annotated[str, typer.Argument(help="The person that faces are taken from.")],
    faces: Annotated[
        str,
        typer.Option("--faces", metavar="FACE,...", help="face-3,face-9: who is somebody else."),
    ],
    into: Annotated[
        str | None, typer.Option("--into", metavar="NAME", help="Who they are; else unknown.")
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Take faces out of a person.

    Example: phototag split "Alice" --faces face-3,face-9 --into "Amy"
    """
    words = [word.strip() for word in faces.split(",") if word.strip()]

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.split(session.lib, ground, name, words, into)

    return decide(library, as_json, verb)


def undo(library: LibraryOption = None, as_json: JsonOption = False) -> int:
    """Take back the newest decision; again and again, back to the beginning.

    Example: phototag undo
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.undo(session.lib, ground)

    return decide(library, as_json, verb)


def redo(library: LibraryOption = None, as_json: JsonOption = False) -> int:
    """Bring back what was undone last.

    Example: phototag redo
    """

    def verb(session: Session, ground: Ground) -> Said:
        from phototag.work import tag

        return tag.redo(session.lib, ground)

    return decide(library, as_json, verb)


def log(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 20,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show the latest decisions, newest first.

    Example: phototag log -n 5
    """
    from phototag.catalog import journal
    from phototag.work.tag import describe

    with reading(library) as session:
        rows = journal.newest(session.lib, limit)
    if as_json:
        for row in rows:
            console.line("decision", {**asdict(row), "text": describe(row)})
        return errors.OK
    console.table(
        [
            (
                str(row.id),
                row.time,
                row.actor,
                describe(row) + (" (undone)" if row.undone_by is not None else ""),
            )
            for row in rows
        ],
        ("id", "time", "who", "what"),
    )
    return errors.OK


# ---- what all decisions share


def _targets_and_name(words: list[str], example: str) -> tuple[list[str], str]:
    if len(words) < 2:
        raise errors.UsageError(f"Say a target and a name: {example}")
    return words[:-1], words[-1]


def _ask_if_many(session: Session, targets: list[str], name: str, yes: bool) -> None:
    from phototag.work import tag

    plan = tag.count(session.lib, targets)
    if len(plan.faces) <= MANY:
        return
    text = f"{len(plan.faces):,} faces in {plan.photos:,} photos will be {name}."
    console.say(text)
    if not yes and sys.stdin.isatty():
        typer.confirm("Go on?", abort=True, err=True)
