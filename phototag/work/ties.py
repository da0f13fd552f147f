"""Edited photos: tie the faces of a photo's new self to those of the old one, so that what a user
said of a face still holds.

By place when the pixels are the same (only the metadata was rewritten), else by the nearest
embedding at `accept` or above, one to one. The journal keeps naming the old photo; its anchors
reach the new faces through the ties.
"""

from __future__ import annotations

from collections.abc import Sequence

from phototag.catalog import drawings as drawing_table
from phototag.catalog import edits as table
from phototag.catalog import faces as face_table
from phototag.catalog import photos as photo_table
from phototag.catalog.edits import Edit
from phototag.catalog.faces import FaceRow
from phototag.catalog.store import Library
from phototag.catalog.tracks import spans
from phototag.core.decisions import MEETS
from phototag.core.tracks import ALWAYS, meet
from phototag.core.types import Thresholds

Pair = tuple[float, int, int]
"""(how alike, old face, new face)."""


def tie_edits(lib: Library, model: str, thresholds: Thresholds) -> tuple[bool, list[str]]:
    """Settle the edits that wait: (whether faces were tied, paths of edited photos of which a
    decided face was not found again). Call inside a transaction."""
    tied = False
    unmatched: list[str] = []
    for edit in table.edits(lib):
        if photo_table.photo_row(lib, edit.old)["live"]:
            continue  # it was moved, not edited: another file holds it
        pairs = _pairs(lib, model, thresholds, edit)
        for one, other in pairs:
            face_table.add_successor(lib, one, other)
        tied |= bool(pairs)
        found = {one for one, _ in pairs}
        faces = face_table.faces_of(lib, edit.old)
        if _same_pixels(lib, edit):
            drawing_table.set_same_pixels(lib, edit.old, edit.new)
            tied = True
            faces = [f for f in faces if not f.drawn]  # they follow when the journal is replayed
        if any(f.id not in found and face_table.has_word(lib, f.id) for f in faces):
            unmatched.append(edit.path)
    table.drop_edits(lib)
    return tied, unmatched


def _pairs(lib: Library, model: str, thresholds: Thresholds, edit: Edit) -> list[tuple[int, int]]:
    """(old face, new face) of faces that are one."""
    back = [(tie.heir, tie.face) for tie in face_table.ties(lib, edit.new, edit.old)]
    if back or not edit.fresh:
        return back  # a former self came back, or the file holds another known photo now
    before = face_table.faces_of(lib, edit.old)
    after = face_table.faces_of(lib, edit.new)
    alike = _by_likeness(lib, model, before, after)
    if _same_pixels(lib, edit) or alike is None:
        return _one_to_one(_by_place(lib, before, after), MEETS)
    return _one_to_one(alike, thresholds.accept)


def _same_pixels(lib: Library, edit: Edit) -> bool:
    """Whether only the metadata was rewritten."""
    one, other = photo_table.photo_row(lib, edit.old), photo_table.photo_row(lib, edit.new)
    return bool(one["pixel_key"] == other["pixel_key"])


def _by_place(lib: Library, before: Sequence[FaceRow], after: Sequence[FaceRow]) -> list[Pair]:
    """Overlap, of faces of a video only where they are seen at one moment."""
    when = spans(lib, [f.id for f in (*before, *after)])
    return [
        (a.box.iou(b.box), a.id, b.id)
        for a in before
        for b in after
        if meet(when.get(a.id, ALWAYS), when.get(b.id, ALWAYS))
    ]


def _by_likeness(
    lib: Library, model: str, before: Sequence[FaceRow], after: Sequence[FaceRow]
) -> list[Pair] | None:
    """None where the model has not seen the old faces (it was changed since)."""
    a_ids, _, a, _ = face_table.vectors(lib, model, [f.id for f in before])
    b_ids, _, b, _ = face_table.vectors(lib, model, [f.id for f in after])
    if len(a_ids) < sum(f.landmarks != "[]" for f in before):
        return None
    if not len(a_ids) or not len(b_ids):
        return []
    alike = a @ b.T
    return [
        (float(alike[i, j]), int(one), int(other))
        for i, one in enumerate(a_ids)
        for j, other in enumerate(b_ids)
    ]


def _one_to_one(pairs: list[Pair], least: float) -> list[tuple[int, int]]:
    """The best pairs first, each face once."""
    found: list[tuple[int, int]] = []
    taken: set[tuple[str, int]] = set()
    for score, one, other in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
        if score >= least and taken.isdisjoint({("old", one), ("new", other)}):
            taken |= {("old", one), ("new", other)}
            found.append((one, other))
    return found
