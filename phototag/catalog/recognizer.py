"""What recognises people in this library: its gallery of named faces, or a trained classifier.

A classifier's probabilities for each face are kept among the vectors, under the classifier's id."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from phototag.catalog.store import Library, meta, set_meta
from phototag.core.types import Thresholds

KEY = "recognizer"
GALLERY = "gallery"


@dataclass(frozen=True, slots=True)
class Recognizer:
    """How the faces of a library are recognised. As it is made: by the gallery."""

    id: str = GALLERY
    """`gallery`, or the id of a classifier's card."""
    classes: tuple[str, ...] = ()
    """Names, in the order of the probabilities."""
    accept: float = 0.0
    """Probability from which on a face is recognised."""

    @property
    def is_gallery(self) -> bool:
        return self.id == GALLERY

    def levels(self, gallery: Thresholds) -> Thresholds:
        """The thresholds that names are given by, where the gallery's are `gallery`.

        A classifier has one: what is below it is not recognised, and there are no suggestions but
        those that the laws make of names which they do not allow. Its probabilities compete with
        one another already, so there is no margin.
        """
        if self.is_gallery:
            return gallery
        return Thresholds(self.accept, self.accept, gallery.cluster, 0.0)


def recognizer(lib: Library) -> Recognizer:
    """What the last scan was told to recognise with."""
    said = meta(lib, KEY)
    if said is None:
        return Recognizer()
    found = json.loads(said)
    return Recognizer(found["id"], tuple(found["classes"]), float(found["accept"]))


def set_recognizer(lib: Library, chosen: Recognizer) -> None:
    """From now on all names are given by this one; call before the faces are settled."""
    if chosen != recognizer(lib):
        set_meta(lib, KEY, json.dumps(asdict(chosen), ensure_ascii=False))


def seen_mark(lib: Library, model: str) -> str:
    """What `photos.embedded` says of a photo whose faces all that recognises has seen."""
    used = recognizer(lib)
    return model if used.is_gallery else f"{model} {used.id}"
