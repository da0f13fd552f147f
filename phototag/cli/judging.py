"""Is what the library says to be trusted? calibrate, audit."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, Session, now, reading, writing
from phototag.cli.deciding import publish

if TYPE_CHECKING:
    from phototag.work.audit import Audit
    from phototag.work.calibrate import Calibration
    from phototag.work.group import Grouping


def mount(app: typer.Typer) -> None:
    app.command("calibrate")(calibrate)
    app.command("audit")(audit)


# ---- calibrate


def calibrate(
    precision: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Share of the automatic names that are to be right."),
    ] = 0.99,
    reset: Annotated[
        bool, typer.Option("--reset", help="Go back to the thresholds of the model's card.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what was measured, and change nothing.")
    ] = False,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Measure the thresholds of recognition on the faces that you named, and use them.

    Each face is compared with everybody as if its photo were not there, once as one of its
    person's and once as a stranger's. Exit code 1 when the data are too few.

    Example: phototag calibrate --precision 0.99
    """
    from phototag.work.calibrate import measure, use
    from phototag.work.models import embedder_card

    with writing(library) as session:
        if reset:
            return _reset(session, as_json)
        card = embedder_card(session.lib.folder, session.settings)
        found = measure(session.lib, card, precision)
        grouping = None
        if found.after is not None and not dry_run:
            made = now().isoformat(timespec="seconds")
            grouping = use(session.lib, card, found, made)
            publish(session, card.id, quiet=as_json)
    if as_json:
        console.document("calibration", _as_json(found, grouping))
    else:
        _tell(found, grouping)
    return errors.OK if found.after is not None else errors.NO


def _reset(session: Session, as_json: bool) -> int:
    from phototag.work.calibrate import reset
    from phototag.work.models import plain_card

    card = plain_card(session.lib.folder, session.settings)
    grouping = reset(session.lib, card)
    publish(session, card.id, quiet=as_json)
    if as_json:
        console.document("calibration", {"model": card.id, "reset": grouping is not None})
    elif grouping is None:
        console.say(f"The thresholds of {card.name}'s card are in use already.")
    else:
        console.say(f"The thresholds of {card.name}'s card are in use again.{_changes(grouping)}")
    return errors.OK


def _as_json(found: Calibration, grouping: Grouping | None) -> dict[str, Any]:
    said = asdict(found)
    said["in_use"] = grouping is not None
    if grouping is not None:
        for name in ("recognised", "suggested", "withdrawn"):
            said[name] = getattr(grouping, name)
    return said


def _tell(found: Calibration, grouping: Grouping | None) -> None:
    console.say(
        f"Tried {found.faces:,} faces of {found.people:,} people, each with its photo left out, "
        "and once more as strangers."
    )
    if found.problem is not None:
        console.say(found.problem, style="yellow")
        return
    assert found.after is not None
    rows = [
        (name, f"{getattr(found.before, name):.3f}", f"{getattr(found.after, name):.3f}")
        for name in ("accept", "suggest", "margin", "cluster")
    ]
    rows += [
        ("named right", f"{found.named_before:.1%}", f"{found.named:.1%}"),
        ("wrong in 1,000 names", f"{found.wrong_before:.0f}", f"{found.wrong_per_1000:.0f}"),
    ]
    console.table(rows, ("", "before", "now" if grouping is not None else "proposed"))
    console.say(
        f"Expect {found.wrong_per_1000:.0f} wrong names in 1,000 automatic ones (with 95 % "
        f"confidence at most {found.wrong_at_most:.0f}), half of the faces being strangers'."
    )
    if grouping is not None:
        console.say(f"In use from now on.{_changes(grouping)} (phototag calibrate --reset)")


def _changes(grouping: Grouping) -> str:
    """` 12 more recognised, 3 automatic names withdrawn.`, or nothing."""
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (grouping.recognised, "more recognised"),
            (grouping.suggested, "new suggestions"),
            (grouping.withdrawn, "automatic names withdrawn"),
        )
        if count
    ]
    return f" {', '.join(parts)}." if parts else ""


# ---- audit


def audit(
    person: Annotated[
        str | None, typer.Argument(help="Whose faces; else everybody's.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many faces.")] = 20,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """List the faces that you named in the order in which they may be named wrong, and the commands
    that put them right.

    Each face is compared with everybody as if its photo were not there: suspicious is what fits
    somebody else better, or has a date that cannot be. Nothing is changed.

    Example: phototag audit "Alice"
    """
    from phototag.work.audit import audit as look
    from phototag.work.models import embedder_card, thresholds_of

    with reading(library) as session:
        card = embedder_card(session.lib.folder, session.settings)
        today = now().isoformat()
        found = look(session.lib, card.id, thresholds_of(card), today, person, limit)
        where = "" if session.default else f" --library {shlex.quote(str(session.lib.folder))}"
    if as_json:
        console.document("audit", asdict(found))
    else:
        _tell_audit(found, where)
    return errors.OK


def _tell_audit(found: Audit, where: str) -> None:
    console.table(
        [
            (
                doubt.face,
                doubt.person,
                f"{doubt.suspicion:+.2f}",
                "" if doubt.own is None else f"{doubt.own:.2f}",
                f"{doubt.rival} {doubt.rival_score:.2f}" if doubt.rival else "",
                "; ".join(doubt.why),
                console.shown(doubt.path or ""),
            )
            for doubt in found.doubts
        ],
        ("face", "named", "suspicion", "fit", "best other", "why", "photo"),
        flexible=6,
    )
    whose = "" if found.person is None else f" of {found.person}"
    said = f"{found.suspicious:,} of {found.faces:,} named faces{whose} are suspicious."
    console.say(f"\n{said}" if found.doubts else f"No face{whose} was named yet.")
    if found.fixes:
        console.say("Look at them (phototag show FACE), and where you agree:")
        for fix in found.fixes:
            console.say(f"  {fix}{where}")
