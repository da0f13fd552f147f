"""Register a person by photos, wherever they lie: `enroll`.

A face that was enrolled is an example of its person, whether its photo belongs to the collection or
not. A photo outside of it has no path in the catalogue (it is not live): it is in no cluster, on no
page and in no search. The library keeps a copy of its file, so that the journal and the photos
rebuild everything and another model can see it (`work.enrolled`). When a scan meets the same photo
in a folder, it is a photo like any other from then on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from phototag.catalog import evidence
from phototag.catalog import photos as photo_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.faces import resolver
from phototag.catalog.store import Library
from phototag.core.decisions import Anchor, digest
from phototag.core.gallery import Gallery, Ranking
from phototag.core.quality import GOOD
from phototag.core.types import FaceRecord, PhotoRecord, Thresholds
from phototag.errors import CannotWrite, UsageError
from phototag.images.read import photo_key
from phototag.output import atomic
from phototag.work.deciding import Ground, Said, decide
from phototag.work.enrolled import copy_path
from phototag.work.looking import Look, Looked, gallery_of, look_at, not_faces
from phototag.work.names import person_named
from phototag.work.pictures import keep_pictures
from phototag.work.tag import name_wanted, not_twice

OVERRIDDEN = frozenset({"low-quality", "looks-like", "decided"})
"""Reasons that `--yes` overrides. The others leave nothing to take."""


Bytes = Callable[[str], bytes]
"""The bytes of a photo by the path that it was given with. Raises OSError."""


def from_disk(path: str) -> bytes:
    return Path(path).read_bytes()


@dataclass(frozen=True, slots=True)
class Portrait:
    """One photo that was to be enrolled."""

    path: str
    taken: bool
    reason: str | None
    """What speaks against it: `low-quality`, `looks-like`, `decided`, `several-faces`, `no-face`,
    or why it cannot be read. With `--yes` it can be taken all the same."""
    message: str
    index: int | None
    """Which face, from left to right."""
    quality: float | None
    similarity: float | None
    """To the person's faces so far; None: there are none."""
    other: str | None
    """Whom it is most like besides."""
    other_similarity: float | None

    @property
    def may_be_taken(self) -> bool:
        """Whether `--yes` takes it."""
        return self.reason in OVERRIDDEN


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What came of it."""

    person: str
    said: Said | None
    """The decision; None: nothing was taken."""
    photos: tuple[Portrait, ...]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A photo on its way: what was seen, what speaks against it, what it is like."""

    seen: Looked
    record: PhotoRecord | None = None
    face: FaceRecord | None = None
    reason: str | None = None
    message: str = ""
    own: float | None = None
    other: tuple[str, float] | None = None


def enroll(
    lib: Library,
    ground: Ground,
    look: Look,
    detector: str,
    words: Sequence[str],
    name: str,
    *,
    yes: bool = False,
    bytes_of: Bytes = from_disk,
) -> Enrolment:
    """Take the face on each photo (or `photo.jpg#2`) as the person `name`, in one decision.
    `bytes_of` reads a photo that the library will keep a copy of.

    What is of low quality, looks like somebody else by the laws of recognition, or was said to be
    somebody else is only taken with `yes`. Raises UsageError (a person twice in a photo),
    CannotWrite.
    """
    person = person_named(lib, name_wanted(name))
    shown = name_wanted(name) if person is None else verdict_table.people(lib)[person]
    gallery = gallery_of(lib, ground.model)
    leave_out = not_faces(lib)
    judge = _Judge(lib, gallery, ground.thresholds, person)
    drafts = [judge.draft(look_at(word, look, leave_out)) for word in words]
    fine = {None, *OVERRIDDEN} if yes else {None}
    taken = [draft for draft in drafts if draft.face is not None and draft.reason in fine]
    keeper = _Keeper(lib, ground.model, detector, bytes_of)
    said = _enroll(lib, ground, keeper, taken, shown, person) if taken else None
    return Enrolment(shown, said, tuple(_told(draft, draft in taken) for draft in drafts))


class _Judge:
    """What speaks against taking a face as the person."""

    def __init__(
        self, lib: Library, gallery: Gallery, thresholds: Thresholds, person: int | None
    ) -> None:
        self.lib, self.gallery, self.thresholds, self.person = lib, gallery, thresholds, person
        self.names = verdict_table.people(lib)

    def draft(self, seen: Looked) -> _Draft:
        face, record = seen.face, seen.record
        if face is None or record is None:
            return _Draft(seen, reason=seen.reason, message=seen.message)
        if seen.index is None and len(seen.faces) > 1:
            words = ", ".join(f"{seen.path}#{n}" for n in range(1, min(4, len(seen.faces)) + 1))
            said = f"it has {len(seen.faces)} faces; say which one: {words}"
            return _Draft(seen, reason="several-faces", message=said)
        (ranking,) = self.gallery.search(face.embedding[None], least=0.0, count=2)
        draft = self._compared(_Draft(seen, record, face), ranking)
        reason, message = self._objection(draft)
        return replace(draft, reason=reason, message=message)

    def _compared(self, draft: _Draft, ranking: Ranking) -> _Draft:
        own = next((score for who, score in ranking if who == self.person), None)
        best = next(((who, score) for who, score in ranking if who != self.person), None)
        other = None if best is None else (self.names[best[0]], best[1])
        return replace(draft, own=own, other=other)

    def _objection(self, draft: _Draft) -> tuple[str | None, str]:
        assert draft.record is not None
        assert draft.face is not None
        decided = self._decided(draft.record, draft.face)
        if decided is not None:
            return "decided", f"you said that this face is {decided}"
        if draft.other is not None and self._is_like(draft.own, draft.other[1]):
            name, score = draft.other
            than = "" if draft.own is None else f" (and {draft.own:.2f} like the one named)"
            return "looks-like", f"it looks like {name}: {score:.2f}{than}"
        if draft.face.quality < GOOD:
            return "low-quality", (
                f"its quality is {draft.face.quality:.2f}, and below {GOOD:.2f} a face is a poor "
                "example: larger, sharper and from the front is better"
            )
        return None, ""

    def _is_like(self, own: float | None, other: float) -> bool:
        """Whether a scan would name it as somebody else, or suggest that before the person."""
        levels = self.thresholds
        if own is None:
            return other >= levels.accept
        return other >= levels.suggest and other - own >= levels.margin

    def _decided(self, record: PhotoRecord, face: FaceRecord) -> str | None:
        """Who a user said the face is, if somebody else."""
        for number in resolver(self.lib)(Anchor(record.key, face.box)):
            verdict = evidence.verdict(self.lib, number)
            if verdict is not None and verdict.person is not None:
                if verdict.person != self.person:
                    return self.names[verdict.person]
            elif verdict is not None:
                return verdict.state
        return None


def _enroll(
    lib: Library,
    ground: Ground,
    keeper: _Keeper,
    taken: Sequence[_Draft],
    name: str,
    person: int | None,
) -> Said:
    anchors = []
    for draft in taken:
        assert draft.record is not None
        assert draft.face is not None
        seen = digest(draft.face.embedding)
        anchors.append(Anchor(draft.record.key, draft.face.box.rounded(), seen))
    keys = [anchor.photo for anchor in anchors]
    twice = next((d.seen.path for n, d in enumerate(taken) if keys[n] in keys[:n]), None)
    if twice is not None:
        raise UsageError(f"{twice} was given twice, and nobody is in a photo twice.")
    not_twice(lib, _faces(lib, anchors), person, name, "Reject the other one first.")
    for draft in taken:
        keeper.keep(draft)
    faces = _faces(lib, anchors)
    payload = {"person": name, "faces": [anchor.payload() for anchor in anchors]}
    count = f"{len(anchors)} face" + ("" if len(anchors) == 1 else "s")
    return decide(lib, ground, "enroll", payload, faces, f"{count} enrolled as {name}.")


def _faces(lib: Library, anchors: Sequence[Anchor]) -> list[int]:
    resolve = resolver(lib, [anchor.photo for anchor in anchors])
    return [number for anchor in anchors for number in resolve(anchor)]


@dataclass(frozen=True, slots=True)
class _Keeper:
    """Brings photos that the library does not know into it."""

    lib: Library
    model: str
    detector: str
    bytes_of: Bytes

    def keep(self, draft: _Draft) -> None:
        """File first; a photo that the journal does not come to name is dropped again by the next
        command. Raises CannotWrite."""
        lib, record = self.lib, draft.record
        assert record is not None
        photo = photo_table.photo_with_key(lib, record.key)
        if photo is None or not photo_table.photo_row(lib, photo)["live"]:
            self._keep_copy(record.key, draft.seen.path)
        if photo is not None:
            return
        with lib.transaction():
            size = draft.seen.size
            photo, faces = photo_table.add_photo(lib, record, size, self.detector, self.model)
            photo_table.refresh_live(lib, [photo])
        keep_pictures(lib.folder, record, faces)

    def _keep_copy(self, key: str, path: str) -> None:
        try:
            data = self.bytes_of(path)
        except OSError as error:
            raise CannotWrite(f"{path} cannot be copied: {error.strerror}.") from error
        if photo_key(data) != key:
            raise UsageError(f"{path} was changed while it was looked at. Run the command again.")
        target = self.lib.folder / copy_path(key, Path(path).suffix)
        atomic.make_folder(target.parent)
        atomic.write_if_changed(target, data)


def _told(draft: _Draft, taken: bool) -> Portrait:
    other, face = draft.other, draft.face
    return Portrait(
        path=draft.seen.path,
        taken=taken,
        reason=draft.reason,
        message=draft.message,
        index=draft.seen.number if face is not None else None,
        quality=None if face is None else face.quality,
        similarity=None if draft.own is None else round(draft.own, 4),
        other=None if other is None else other[0],
        other_similarity=None if other is None else round(other[1], 4),
    )
