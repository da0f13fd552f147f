"""How a decision takes effect: one row of the journal, what it means for faces, what follows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from phototag.catalog import faces as table
from phototag.catalog import journal
from phototag.catalog.clusters import AFTER, BEFORE
from phototag.catalog.store import Library
from phototag.core.decisions import Decision, same_name
from phototag.core.types import Thresholds
from phototag.work.group import Again, Begun, Grouping, begin, finish, put_off
from phototag.work.verdicts import Change, apply, catch_up, take_back


@dataclass(frozen=True, slots=True)
class Ground:
    """What every decision needs to know besides the library."""

    model: str
    """Id of the embedder's card."""
    thresholds: Thresholds
    now: str
    """ISO 8601."""
    actor: str
    tell: Callable[[Said], None] = lambda said: None
    """Hears of each decision when it is on the disk and who is who is settled; the clusters
    follow."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a decision did."""

    decision: int
    kind: str
    text: str
    """One sentence."""
    faces: int
    """Faces that the decision names."""
    photos: int
    recognised: int = 0
    """Unknown faces that are recognised now."""
    suggested: int = 0
    withdrawn: int = 0


def describe(decision: Decision) -> str:
    """A decision in words: `label 12 faces as Alice`."""
    payload = decision.payload
    faces = len(payload.get("faces", ()))
    some = f"{faces} face" + ("" if faces == 1 else "s")
    match decision.kind:
        case "label" | "enroll" | "draw":
            return f"{decision.kind} {some} as {payload['person']}"
        case "import":
            entries = (*payload.get("faces", ()), *payload.get("present", ()))
            people = len({same_name(entry["person"]) for entry in entries})
            them = f"{people} " + ("person" if people == 1 else "people")
            return f"import {them} in {some} from {payload.get('source', 'elsewhere')}"
        case "reject":
            return f"{some} not {payload['person']}"
        case "rename":
            return f"rename {payload['person']} to {payload['name']}"
        case "merge":
            return f"merge {payload['person']} into {payload['into']}"
        case "split":
            return f"split {some} from {payload['person']}" + (
                f" into {payload['into']}" if payload.get("into") else ""
            )
        case "life":
            said = {word: payload[word] for word in ("born", "died") if word in payload}
            dates = ", ".join(f"{word} {date or 'unknown'}" for word, date in said.items())
            return f"{payload['person']} {dates}"
        case "undo" | "redo":
            return f"{decision.kind} decision {payload['decision']}"
        case kind:
            return f"{kind.replace('_', ' ')} {some}"


def decide(
    lib: Library,
    ground: Ground,
    kind: str,
    payload: dict[str, Any],
    faces: Sequence[int],
    text: str,
    then: Callable[[], None] = lambda: None,
) -> Said:
    """Write a decision and let it take effect; `faces` and `text` are what it says of itself.
    `then` runs when it has taken effect and before what follows from it is worked out."""
    with _durable(lib):
        missed = catch_up(lib)
        decision = journal.append(
            lib, time=ground.now, actor=ground.actor, kind=kind, payload=payload
        )
        change = missed | apply(lib, decision)
        then()
        begun = _begun(lib, ground, change, decision.id)
    return _told_and_finished(lib, ground, begun, _said(lib, decision, text, faces, begun.grouping))


def take_back_or_repeat(lib: Library, ground: Ground, kind: str, target: Decision) -> Said:
    """Write the `undo` or `redo` of a decision and let it take effect."""
    with _durable(lib):
        missed = catch_up(lib)
        decision = journal.append(
            lib,
            time=ground.now,
            actor=ground.actor,
            kind=kind,
            payload={"decision": target.id},
        )
        change = missed | (take_back(lib, target) if kind == "undo" else apply(lib, target))
        again = Again(target.id, BEFORE if kind == "undo" else AFTER)
        begun = _begun(lib, ground, change, decision.id, again)
    text = f"{'Undone' if kind == 'undo' else 'Done again'}: {describe(target)}."
    return _told_and_finished(lib, ground, begun, _said(lib, decision, text, (), begun.grouping))


def _begun(
    lib: Library, ground: Ground, change: Change, decision: int, again: Again | None = None
) -> Begun:
    """Who is who now. The clusters are put off where the catalogue can tell later what they wait
    for: in a large library they take ten times as long (`benchmarks/library.py`)."""
    begun = begin(lib, ground.model, ground.thresholds, change, decision=decision, again=again)
    if begun.rest is None:
        return begun
    if not begun.rest.can_wait:
        return Begun(finish(lib, begun.rest))
    put_off(lib, begun.rest)
    return begun


def _told_and_finished(lib: Library, ground: Ground, begun: Begun, said: Said) -> Said:
    ground.tell(said)
    if begun.rest is not None:
        finish(lib, begun.rest)
    return said


@contextmanager
def _durable(lib: Library) -> Iterator[None]:
    """A transaction that outlives a power cut, mirrored in `journal.jsonl`."""
    lib.db.execute("PRAGMA synchronous = FULL")
    try:
        with lib.transaction():
            yield
    finally:
        lib.db.execute("PRAGMA synchronous = NORMAL")
    journal.mirror(lib)


def _said(
    lib: Library, decision: Decision, text: str, faces: Sequence[int], grouping: Grouping
) -> Said:
    return Said(
        decision=decision.id,
        kind=decision.kind,
        text=text,
        faces=len(faces),
        photos=len(set(table.photos_of(lib, faces).values())),
        recognised=grouping.recognised,
        suggested=grouping.suggested,
        withdrawn=grouping.withdrawn,
    )
