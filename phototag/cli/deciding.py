"""What all decisions share: the ground they are made on, the outputs that follow, the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from phototag import errors
from phototag.cli import console
from phototag.cli.common import Session, actor, now, writing
from phototag.cli.console import say
from phototag.cli.progress import progress

if TYPE_CHECKING:
    from phototag.work.tag import Ground, Said


def ground_of(session: Session) -> Ground:
    """Raises ModelError where the library's model has no thresholds."""
    from phototag.work.models import embedder_card, thresholds_of
    from phototag.work.tag import Ground

    card = embedder_card(session.lib.folder, session.settings)
    moment = now().isoformat(timespec="seconds")
    return Ground(card.id, thresholds_of(card), moment, actor())


def decide(library: str | None, as_json: bool, verb: Callable[[Session, Ground], Said]) -> int:
    """Make one decision, tell it, and write the outputs that follow."""
    with writing(library) as session:
        ground = ground_of(session)
        if not as_json:  # said as soon as it is decided; clusters and outputs follow
            ground = replace(ground, tell=lambda said: console.say(in_words(said)))
        said = verb(session, ground)
        publish(session, ground.model, quiet=as_json)
    if as_json:
        console.document("decision", asdict(said))
    return errors.OK


PARTS = 24
"""Clusters, lists and months of the contact sheet that are written anew after a decision, besides
the people: two seconds' worth. In a library of 100,000 faces naming a hundred of them touches all
months, which is a minute's."""


def publish(session: Session, model: str, *, quiet: bool) -> None:
    """Write the outputs that are others after a decision; what it leaves of a large library's
    contact sheet is said, and written by the next scan."""
    from phototag.work.publish import Publisher

    publisher = Publisher(session.lib, session.settings, model, default_library=session.default)
    with progress(quiet or not sys.stderr.isatty()) as tell:
        report = publisher.run(lambda done, total: tell("publish", done, total, 0), most=PARTS)
    if report.sheet_waiting and not quiet:
        say(f"{report.sheet_waiting:,} more parts of the contact sheet follow with the next scan.")


def in_words(said: Said) -> str:
    """The answer to a decision."""
    more = [
        text
        for count, text in (
            (said.recognised, f"{said.recognised:,} more recognised"),
            (said.suggested, f"{said.suggested:,} new suggestions"),
            (said.withdrawn, f"{said.withdrawn:,} automatic names withdrawn"),
        )
        if count
    ]
    return said.text + (f" {', '.join(more)}." if more else "") + " (phototag undo takes it back.)"
