"""Recognise and cluster: bring the assignments up to date with the faces and the decisions.

What has to be looked at again is noted in the catalogue itself (`photos.grouped`), not remembered
by a scan. So a scan that was cut off anywhere is finished by the next one, and the outcome is a
function of the photos, the decisions and the model alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from phototag.catalog import arrays
from phototag.catalog import faces as face_table
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.assignments import Assignment
from phototag.catalog.recognizer import recognizer
from phototag.catalog.store import Library, meta, set_meta
from phototag.core.neighbours import NEIGHBOURS
from phototag.core.types import Thresholds
from phototag.work.cluster import cluster
from phototag.work.face_table import refreshed
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


def regroup(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    change: Change = NOTHING,
    *,
    everything: bool = False,
    decision: int | None = None,
    again: Again | None = None,
) -> Grouping:
    """Settle all photos that changed, the faces in `change`, and all that may be one of its people;
    mark the photos whose outputs are others now.

    `decision` is the one that this follows from, `again` tells an undo or redo which one it takes
    back or repeats. Runs inside the caller's transaction or its own. Raises CannotWrite.
    """
    with lib.transaction():
        used = recognizer(lib)
        signature = f"{model} {thresholds} {NEIGHBOURS}"
        if not used.is_gallery:
            signature += f" {used.id} {used.accept}"
        everything |= meta(lib, "grouped") != signature
        if decision is not None and photo_table.any_unseen(lib, model):
            return _words_only(lib, change)
        dirty = set(photo_table.ungrouped(lib))
        if not (everything or dirty or change.people or change.faces or change.photos):
            return Grouping((), 0, 0, 0)
        plain = not (everything or dirty)
        memory = remembered(lib, again) if again is not None and plain else None
        settled = _regrouped(
            lib, model, thresholds, change, dirty, everything, decision, again, memory
        )
        note_standing(lib, decision, again, plain=plain)
        photo_table.set_grouped(lib)
        set_meta(lib, "grouped", signature)
        changed = sorted(settled.before.keys() | settled.after.keys())
        photo_table.unpublish(lib, sorted(set(face_table.photos_of(lib, changed).values())))
    arrays.sweep_arrays(lib)
    return _told(settled.before, settled.after, changed)


def _words_only(lib: Library, change: Change) -> Grouping:
    """Write what a decision says and nothing that follows: another model was chosen, and the next
    scan, which shows it the faces, settles all."""
    settled = settle_words(lib, change.faces)
    changed = sorted(settled.before.keys() | settled.after.keys())
    photos = sorted(set(face_table.photos_of(lib, changed).values()))
    photo_table.unsettle(lib, photos)
    note_standing(lib, None, None, plain=False)
    return _told(settled.before, settled.after, changed)


def _regrouped(
    lib: Library,
    model: str,
    thresholds: Thresholds,
    change: Change,
    dirty: set[int],
    everything: bool,
    decision: int | None,
    again: Again | None,
    memory: Remembered | None,
) -> Settled:
    new = refreshed(lib, model, thresholds, dirty)
    people = set(verdict_table.people(lib)) if everything else set(change.people)
    people |= verdict_table.decided_people(lib, dirty)
    touched = update_scores(lib, model, thresholds, new.table, people=people, new=new.new)
    touched |= change.faces
    stirred = photo_table.photos_with_keys(lib, change.photos)
    photos = dirty | stirred | set(face_table.photos_of(lib, touched).values())
    if everything:
        photos |= photo_table.with_faces(lib)
    levels = recognizer(lib).levels(thresholds)
    settled = settle(lib, new.table, levels, photos)
    clustered = cluster(
        lib,
        thresholds,
        new,
        settled,
        twice_photos(lib),
        stirred,
        everything=everything,
        decision=decision,
        again=again,
        memory=memory,
    )
    return settled.then(clustered)


def _told(
    old: Mapping[int, Assignment], new: Mapping[int, Assignment], changed: Collection[int]
) -> Grouping:
    recognised = suggested = withdrawn = 0
    for face in changed:
        before, after = old.get(face), new.get(face)
        was = before.person if before is not None and before.state == "automatic" else None
        now = after.person if after is not None and after.state == "automatic" else None
        recognised += now is not None and now != was
        withdrawn += was is not None and now is None and (after is None or after.person != was)
        hint = after.suggestion if after is not None else None
        suggested += hint is not None and (before is None or before.suggestion != hint)
    return Grouping(tuple(changed), recognised, suggested, withdrawn)


__all__ = ["Again", "Change", "Grouping", "examples_of", "regroup"]
