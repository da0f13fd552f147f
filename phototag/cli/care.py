"""Taking care of a library: sheet, relocate, doctor."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag import settings as setup
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, YesOption, now, writing

if TYPE_CHECKING:
    from phototag.settings import Settings
    from phototag.work.check import Check

STYLES = {"ok": "green", "note": "yellow", "problem": "red"}


def mount(app: typer.Typer) -> None:
    app.command("sheet")(sheet)
    app.command("relocate")(relocate)
    app.command("doctor")(doctor)


def sheet(
    open_it: Annotated[
        bool, typer.Option("--open", help="Show it in the browser when it is written.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Write all sidecars, thumbnails and pages that are not up to date.

    Example: phototag sheet --open
    """
    from phototag.catalog.photos import unpublish_all
    from phototag.work.models import embedder_card
    from phototag.work.publish import Publisher, write_sheet

    with writing(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        with session.lib.transaction():
            unpublish_all(session.lib)
        report = Publisher(
            session.lib, session.settings, card.id, default_library=session.default
        ).run()
        page = write_sheet(session.lib, default_library=session.default).index
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
    else:
        console.say(f"{report.sidecars:,} sidecars and {report.thumbnails:,} thumbnails written.")
        console.out(str(page))
    if open_it:
        typer.launch(page.as_uri())
    return errors.OK


def relocate(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Where the photos were.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Where they are now.")],
    force: Annotated[
        bool, typer.Option("--force", help="Do not look whether the photos are there.")
    ] = False,
    yes: YesOption = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Say that a folder of photos moved as a whole: nothing is read again.

    Example: phototag relocate /media/old-disk/Photos /media/new-disk/Photos
    """
    from phototag.work.models import embedder_card
    from phototag.work.publish import Publisher
    from phototag.work.relocate import relocate as move

    with writing(library) as session:
        moved = move(session.lib, old, new, force=force or yes)
        card = embedder_card(session.lib.folder, session.settings)
        Publisher(session.lib, session.settings, card.id, default_library=session.default).run()
    if as_json:
        console.document("relocate", asdict(moved))
        return errors.OK
    console.say(
        f"{moved.files:,} files in {moved.roots:,} scanned folder{'s' if moved.roots > 1 else ''} "
        f"are now in {console.shown(moved.new)}. Nothing was read again."
    )
    if moved.touched:
        console.say(
            f"{moved.touched:,} of {moved.checked:,} sample files have another time: the next scan "
            "looks at such files once more."
        )
    return errors.OK


def doctor(
    repair: Annotated[
        bool, typer.Option("--repair", help="Mend what can be mended without loss.")
    ] = False,
    thorough: Annotated[
        bool, typer.Option("--thorough", help="Group all faces anew to compare, however many.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Look whether phototag and its library are in order, and say what to do where they are not.

    Example: phototag doctor --repair
    """
    from phototag.work.check import is_sound

    found = list(_told(_examine(library, thorough), as_json))
    done: list[str] = []
    tried: set[str] = set()
    # What is mended may have hidden more: a broken index hides everything.
    while repair and (remedies := _remedies(found) - tried):
        tried |= remedies
        news = _repair(library, remedies)
        if not as_json:
            console.out("\nrepair")
            for sentence in news:
                console.out(f"  {console.shown(sentence)}")
            console.out("")
        done += news
        found = list(_told(_examine(library, thorough), as_json))
    sound = is_sound(found)
    if as_json:
        rows = [{k: v for k, v in asdict(check).items() if k != "remedy"} for check in found]
        console.document("doctor", {"sound": sound, "checks": rows, "repaired": done})
    elif not sound:
        mend = _remedies(found) and not repair
        console.say("Something is wrong." + (" phototag doctor --repair mends it." if mend else ""))
    return errors.OK if sound else errors.LIBRARY


def _remedies(checks: list[Check]) -> set[str]:
    return {c.remedy for c in checks if c.state == "problem" and c.remedy is not None}


def _examine(library: str | None, thorough: bool) -> Iterator[Check]:
    from phototag.work.check import library_checks, problem
    from phototag.work.check_installation import installation_checks

    folder = setup.library_folder(library)
    settings: Settings | None = None
    trouble: Check | None = None
    try:
        settings = setup.load(folder, {})
    except errors.UsageError as error:
        trouble = problem("library", "settings", str(error), "Mend the setting that is named.")
    yield from installation_checks(folder, settings)
    if trouble is not None:
        yield trouble
    if settings is not None:
        expected = library is not None or "PHOTOTAG_LIBRARY" in os.environ
        yield from library_checks(folder, settings, expected=expected, thorough=thorough)


def _told(checks: Iterator[Check], quiet: bool) -> Iterator[Check]:
    """Print each check as it comes in."""
    area = ""
    for check in checks:
        if not quiet:
            if check.area != area:
                console.out(f"{'' if not area else chr(10)}{check.area}")
                area = check.area
            state = console.painted(f"{check.state:<7}", STYLES[check.state], sys.stdout)
            console.out(f"  {state}  {check.name}: {console.shown(check.said)}")
            if check.advice and check.state != "ok":
                console.out(f"           {console.shown(check.advice)}")
        yield check


def _repair(library: str | None, remedies: set[str]) -> list[str]:
    from phototag.work.models import embedder_card
    from phototag.work.repair import Repair

    with writing(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        stamp = now().isoformat(timespec="seconds")
        return Repair(session.lib, session.settings, card, stamp, session.default).run(remedies)
