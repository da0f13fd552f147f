"""What all decisions share: the ground they are made on, the outputs that follow, the answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from phototag.cli.common import Session, actor, now
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


def publish(session: Session, model: str, *, quiet: bool) -> None:
    """Write the outputs that are others after a decision."""
    from phototag.work.publish import Publisher

    publisher = Publisher(session.lib, session.settings, model, default_library=session.default)
    with progress(quiet or not sys.stderr.isatty()) as tell:
        publisher.run(lambda done, total: tell("publish", done, total, 0))


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
