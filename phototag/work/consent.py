"""Names that a scan would change are looked at before they stand: beyond the limits none of them
does, until somebody says so.

What waits is not kept: it is worked out anew, from the photos, the decisions and the model, by
whoever looks (`phototag diff`) and by the next scan. The catalogue remembers only that it waits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from phototag.catalog import assignments as table
from phototag.catalog import journal
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.assignments import Assignment
from phototag.catalog.store import Library, meta, set_meta
from phototag.core.consent import Limits, NameChange

HELD = "held"
"""Where `meta` keeps what waits; empty when nothing does."""

MOVED = "moved"
"""Where `meta` keeps how many names changed while a new model was still being shown the photos:
they count as one change, in however many nights it happens."""


@dataclass(frozen=True, slots=True)
class Held:
    """Changes that wait for somebody to accept them: how many, and of what."""

    since: str
    """ISO 8601."""
    moved: int
    withdrawn: int
    named: int
    names: int
    """Automatic names before."""
    limits: str
    mark: str
    """What they follow from: as long as it is the same, so are they."""


@dataclass(slots=True)
class Consent:
    """Judges what a scan would make of the names."""

    limits: Limits
    accept: bool = False
    """Whatever it is."""
    look_only: bool = False
    """Let nothing stand: somebody only wants to see it."""
    now: str = ""
    changes: tuple[NameChange, ...] = ()
    """What the scan changes, or would change."""
    exceeded: bool = False
    _earlier: int = field(default=0, repr=False)

    def judge(
        self, lib: Library, before: Mapping[int, Assignment], after: Mapping[int, Assignment]
    ) -> bool:
        """Whether these assignments may take the place of those. Call when they are written."""
        self.changes = name_changes(before, after)
        lost = sum(change.kind != "named" for change in self.changes)
        gained = sum(a.state == "automatic" for a in after.values())
        names = table.count_automatic(lib) - gained
        names += sum(a.state == "automatic" for a in before.values())
        self._earlier = int(meta(lib, MOVED) or 0)
        self.exceeded = self.limits.exceeded(self._earlier + lost, names)
        return self.accept or not (self.exceeded or self.look_only)

    def settle(self, lib: Library, model: str, *, stands: bool, mark: str) -> Held | None:
        """Remember in the catalogue what waits, if anything does."""
        kinds = [change.kind for change in self.changes]
        if stands:
            lost = len(kinds) - kinds.count("named")
            going_on = not self.accept and photo_table.any_unseen(lib, model)
            set_meta(lib, MOVED, str(self._earlier + lost if going_on else 0))
        if stands:
            clear(lib)
        elif not self.exceeded:
            set_meta(lib, HELD, "")
        if stands or not self.exceeded:
            return None
        former = held(lib)
        found = Held(
            since=self.now if former is None else former.since,
            moved=kinds.count("moved"),
            withdrawn=kinds.count("withdrawn"),
            named=kinds.count("named"),
            names=table.count_automatic(lib),
            limits=str(self.limits),
            mark=mark,
        )
        set_meta(lib, HELD, json.dumps(asdict(found)))
        return found


def clear(lib: Library) -> None:
    """Nothing waits any more."""
    set_meta(lib, HELD, "")
    verdict_table.release_people(lib)


def name_changes(
    before: Mapping[int, Assignment], after: Mapping[int, Assignment]
) -> tuple[NameChange, ...]:
    """Automatic names that come, move or go, by face. A face that was decided, or decided now, or
    whose photo is gone, is not among them."""
    found = []
    for face in sorted(before.keys() | after.keys()):
        old, new = before.get(face), after.get(face)
        if new is None or new.law == "decision" or (old is not None and old.law == "decision"):
            continue
        was = old.person if old is not None and old.state == "automatic" else None
        if was != new.person:
            found.append(NameChange(face, was, new.person))
    return tuple(found)


def held(lib: Library) -> Held | None:
    """What waits."""
    said = meta(lib, HELD)
    return Held(**json.loads(said)) if said else None


def mark_of(lib: Library, signature: str) -> str:
    """What the names follow from, as far as it may differ from one scan to the next."""
    text = f"{signature} {journal.newest_id(lib)} {photo_table.ungrouped_versions(lib)}"
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def keep_names(lib: Library, before: Mapping[int, str]) -> None:
    """Names that wait to be withdrawn are shown, though nobody is called so any more. `before`: all
    people, before that followed from the journal."""
    gone = table.people_of_automatic(lib) - verdict_table.people(lib).keys()
    verdict_table.keep_people(lib, {p: before[p] for p in gone if p in before})


def in_words(waiting: Held) -> str:
    """`12 automatic names would be withdrawn and 3 moved, of 100: …`"""
    return (
        f"{waiting.withdrawn:,} of {waiting.names:,} automatic names would be withdrawn and "
        f"{waiting.moved:,} moved to another person. That is more than {waiting.limits} "
        "(--max-changes), so no name was changed; what was found in new photos is kept and waits. "
        "Look: phototag diff. Let it stand: the same scan with --accept-changes."
    )
