"""Recognise and cluster: bring the assignments up to date with the faces and the decisions.

What has to be looked at again is noted in the catalogue itself (`photos.grouped`), not remembered
by a scan. So a scan that was cut off anywhere is finished by the next one, and the outcome is a
function of the photos, the decisions and the model alone.

What changes names in masse (another model, other thresholds) takes effect in a scan, which looks at
it first (`work.consent`). A decision made meanwhile says what it says, and the rest waits.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from phototag.catalog import arrays, journal
from phototag.catalog import assignments as table
from phototag.catalog import clusters as cluster_table
from phototag.catalog import faces as face_table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.recognizer import recognizer
from phototag.catalog.store import Library, meta, set_meta
from phototag.core.agglomerate import LINKS
from phototag.core.neighbours import NEIGHBOURS
from phototag.core.types import Thresholds
from phototag.work.cluster import cluster, stood_before
from phototag.work.consent import Consent, Held, clear, held, mark_of
from phototag.work.face_table import Refreshed, refreshed
from phototag.work.recognise import (
    Settled,
    examples_of,
    settle,
    settle_words,
    twice_photos,
    update_scores,
)
from phototag.work.remembered import Again, Remembered, note_standing, remembered
from phototag.work.verdicts import Change

NOTHING = Change()

Stood = Mapping[int, int]
"""By face: its cluster before it was settled anew, or `ALONE` or `ABSENT` (`work.cluster`)."""


@dataclass(frozen=True, slots=True)
class Grouping:
    """What a regrouping changed."""

    changed: tuple[int, ...]
    """Faces whose assignment is another one now."""
    recognised: int
    """Of them, faces that were given a person automatically."""
    suggested: int
    """Of them, faces that have a suggestion that they had not."""
    withdrawn: int
    """Of them, faces that lost an automatic person."""
    moved: int = 0
    """Of them, faces that were given another person automatically."""
    held: Held | None = None
    """What was not applied, because it is more than a scan may change by itself."""


@dataclass(frozen=True, slots=True)
class Rest:
    """What the second half of a regrouping needs of the first."""

    thresholds: Thresholds
    found: Refreshed
    settled: Settled
    stirred: Stood
    """The faces that were settled anew, and those that nobody grouped again around since."""
    beside: Collection[int]
    """Photos that may show somebody twice from now on, or no more."""
    everything: bool
    decision: int | None
    again: Again | None
    memory: Remembered | None
    plain: bool
    """Whether one decision is all that changed since all was grouped."""

    @property
    def can_wait(self) -> bool:
        """Whether `stirred` tells all around which is to be grouped."""
        return self.plain and not self.beside


@dataclass(frozen=True, slots=True)
class Begun:
    """The first half of a regrouping."""

    grouping: Grouping
    rest: Rest | None = None
    """None where nothing is left to do."""


def regroup(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    change: Change = NOTHING,
    *,
    everything: bool = False,
    decision: int | None = None,
    consent: Consent | None = None,
) -> Grouping:
    """Settle all photos that changed, the faces in `change`, and all that may be one of its people;
    mark the photos whose outputs are others now.

    `consent` judges what comes out: where it may not stand, only what was decided is written, and
    the rest waits. `decision` as for `begin`. Runs inside the caller's transaction or its own.
    Raises CannotWrite.
    """
    with lib.transaction():
        begun = begin(
            lib,
            model,
            thresholds,
            change,
            everything=everything,
            decision=decision,
            consent=consent,
        )
        return begun.grouping if begun.rest is None else finish(lib, begun.rest)


def begin(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    change: Change = NOTHING,
    *,
    everything: bool = False,
    decision: int | None = None,
    again: Again | None = None,
    consent: Consent | None = None,
) -> Begun:
    """The first half of `regroup`: say who is who. `finish` is the second, in the same transaction,
    or after it where `put_off` was called.

    `decision` is the one that this follows from, `again` tells an undo or redo which one it takes
    back or repeats. Call inside a transaction.
    """
    wanted = signature(lib, model, thresholds)
    others = meta(lib, "grouped") != wanted
    unsettled = others or photo_table.any_unseen(lib, model)
    waits = consent is None and not everything and held(lib) is not None
    if waits or (decision is not None and unsettled):
        return Begun(_words_only(lib, change, decision))
    dirty = set(photo_table.ungrouped(lib))
    stirred = cluster_table.stirred(lib)
    everything = everything or others
    plain = not (everything or dirty or stirred)
    if plain and not (change.people or change.faces or change.photos):
        return Begun(Grouping((), 0, 0, 0))
    memory = remembered(lib, again) if again is not None and plain else None
    with lib.attempt() as take_back:
        found, settled, beside = _named(lib, model, thresholds, change, dirty, everything)
        stands = consent is None or consent.judge(lib, settled.before, settled.after)
        if not stands:
            take_back()
    if not stands and consent is not None:
        return Begun(_wait(lib, model, change, consent, wanted))
    photo_table.set_grouped(lib)
    set_meta(lib, "grouped", wanted)
    if consent is None:
        clear(lib)
    else:
        consent.settle(lib, model, stands=True, mark="")
    stirred = stood_before(settled) | stirred
    rest = Rest(
        thresholds, found, settled, stirred, beside, everything, decision, again, memory, plain
    )
    return Begun(_told(settled), rest)


def put_off(lib: Library, rest: Rest) -> None:
    """Let the transaction end before the second half: until then the catalogue says around which
    faces it is still to be done, and in whose photos outputs are others now. If nobody does it, the
    next that groups will."""
    if not rest.can_wait:
        raise ValueError("more changed than the faces that were settled tell")
    cluster_table.stir(lib, rest.stirred)


def finish(lib: Library, rest: Rest) -> Grouping:
    """The second half: group again around all that changed, and tell both halves as one. Runs
    inside the caller's transaction or its own. Raises CannotWrite."""
    with lib.transaction():
        clustered = cluster(
            lib,
            rest.thresholds,
            rest.found,
            rest.stirred,
            twice_photos(lib),
            rest.beside,
            everything=rest.everything,
            decision=rest.decision,
            again=rest.again,
            memory=rest.memory,
        )
        cluster_table.clear_stirred(lib)
        note_standing(lib, rest.decision, rest.again, plain=rest.plain)
        both = rest.settled.then(clustered)
        _unpublish(lib, both.faces | rest.stirred.keys())
    arrays.sweep_arrays(lib)
    return _told(both)


def signature(lib: Library, model: str, thresholds: Thresholds) -> str:
    """What the assignments depend on besides the photos and the decisions."""
    used = recognizer(lib)
    text = f"{model} {thresholds} {NEIGHBOURS} {LINKS}"
    return text if used.is_gallery else f"{text} {used.id} {used.accept}"


def still_held(lib: Library, model: str, thresholds: Thresholds, limits: str) -> Held | None:
    """What waits, if nothing came since that could make it something else."""
    waiting = held(lib)
    if waiting is None or waiting.limits != limits:
        return None
    return waiting if waiting.mark == mark_of(lib, signature(lib, model, thresholds)) else None


def _wait(lib: Library, model: str, change: Change, consent: Consent, wanted: str) -> Grouping:
    """Write what was decided; all else stays until a scan may settle everything."""
    grouping = _words_only(lib, change)
    table.drop_automatic_of_past(lib)
    set_meta(lib, "grouped", "waits")
    waiting = consent.settle(lib, model, stands=False, mark=mark_of(lib, wanted))
    arrays.sweep_arrays(lib)
    return replace(grouping, held=waiting)


def _words_only(lib: Library, change: Change, decision: int | None = None) -> Grouping:
    """Write what a decision says and nothing that follows: the next scan settles all."""
    faces = set(change.faces) | table.rivals(lib, change.faces)
    if decision is not None:
        faces |= _uprooted(lib, change, decision)
    settled = settle_words(lib, faces)
    photo_table.unsettle(lib, _photos(lib, settled.faces))
    _unpublish(lib, cluster_table.stirred(lib))
    cluster_table.stir(lib, stood_before(settled))
    note_standing(lib, None, None, plain=False)
    return _told(settled)


def _uprooted(lib: Library, change: Change, decision: int) -> set[int]:
    """Faces whose automatic name cannot stay after a decision: its person is no more, or was two
    people before a merge that was undone. A merge hands its names on."""
    row = journal.decision(lib, decision)
    assert row is not None
    orphans = table.automatic_of_nobody(lib)
    if row.kind == "merge":
        heir = verdict_table.load_part(lib, ()).person_named(row.payload["into"])
        assert heir is not None
        kept = verdict_table.may_be(lib, orphans, heir.id)
        table.give_to(lib, kept, heir.id)
        _unpublish(lib, kept)
        return orphans - kept
    undone = journal.decision(lib, row.payload["decision"]) if "decision" in row.payload else None
    if undone is not None and undone.kind == "merge":
        orphans |= table.automatic_of(lib, change.people - verdict_table.kept_people(lib))
    return orphans


def _named(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    change: Change,
    dirty: set[int],
    everything: bool,
) -> tuple[Refreshed, Settled, set[int]]:
    """Settle who is who: (the faces, what came out, photos that may show somebody twice now, or no
    more)."""
    new = refreshed(lib, model, thresholds, dirty)
    people = set(verdict_table.people(lib)) if everything else set(change.people)
    people |= verdict_table.decided_people(lib, dirty)
    touched = update_scores(lib, model, thresholds, new.table, people=people, new=new.new)
    touched |= change.faces | table.faces_scored(lib, change.lives)
    beside = photo_table.photos_with_keys(lib, change.photos)
    photos = dirty | beside | set(face_table.photos_of(lib, touched).values())
    if everything:
        photos |= photo_table.with_faces(lib)
    levels = recognizer(lib).levels(thresholds)
    return new, settle(lib, new.table, levels, photos), beside


def _photos(lib: Library, faces: Iterable[int]) -> list[int]:
    return sorted(set(face_table.photos_of(lib, faces).values()))


def _unpublish(lib: Library, faces: Iterable[int]) -> None:
    """Have the outputs of the faces' photos written again."""
    photo_table.unpublish(lib, _photos(lib, faces))


def _told(settled: Settled) -> Grouping:
    """What came out, in numbers."""
    old, new = settled.before, settled.after
    changed = sorted(settled.faces)
    recognised = suggested = withdrawn = moved = 0
    for face in changed:
        before, after = old.get(face), new.get(face)
        was = before.person if before is not None and before.state == "automatic" else None
        now = after.person if after is not None and after.state == "automatic" else None
        recognised += now is not None and now != was
        moved += was is not None and now is not None and now != was
        withdrawn += was is not None and now is None and (after is None or after.person != was)
        hint = after.suggestion if after is not None else None
        suggested += hint is not None and (before is None or before.suggestion != hint)
    return Grouping(tuple(changed), recognised, suggested, withdrawn, moved)


__all__ = ["Again", "Change", "Grouping", "begin", "examples_of", "finish", "put_off", "regroup"]
