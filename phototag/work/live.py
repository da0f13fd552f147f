"""Who is before the camera now: faces found on every n-th frame, carried by flow between, named by
the laws of a scan. Nothing is written into the library."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from phototag.catalog import verdicts as verdict_table
from phototag.catalog.store import Library
from phototag.core.gallery import Gallery
from phototag.core.matching import Candidate, Match, match
from phototag.core.tracking import Tracker, mean_vector
from phototag.core.types import Box, Moment, Pixels, Thresholds, Vectors
from phototag.work.crops import CROP, quality_of
from phototag.work.extract import Detector, Embedder, Kit
from phototag.work.looking import gallery_of

EVERY = 5
"""Frames from one detection to the next: six times a second at 30 frames a second."""

MIN_FACE = 40
"""Side of the smallest face looked for, in pixels of a frame of 640: somebody two metres away. With
20 detection takes twice the time (30 ms and 15 ms of one core)."""

KEPT = 5
"""Looks at a face that its vector comes from, best first."""

STILL, AGAIN = 0.5, 1000
"""A face that lies where flow carried a track that was embedded `KEPT` times (IoU of at least so
much, and no other track beside it) is embedded again after so many milliseconds only: it takes 21
ms, more than to find it."""

SHOWN: Moment = 700
"""Milliseconds for which a face is shown after it was last detected: three detections at 15 frames
a second."""

GONE: Moment = 2000
"""Milliseconds after which somebody has left: to turn round is not to leave."""

UNKNOWN: Moment = 1000
"""Milliseconds for which a face may stay without a name before it is told as unknown: five looks at
it."""


@dataclass(frozen=True, slots=True)
class LiveFace:
    """A face in the frame that is shown."""

    track: int
    box: Box
    person: str | None = None
    similarity: float | None = None
    """To `person`, or to the one suggested."""
    suggestion: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Somebody came into view, or left."""

    event: str
    """`seen` or `left`."""
    at: Moment
    """Of the frame in which it was noticed: that somebody left, `GONE` later."""
    person: str | None
    """None: somebody whom the library does not know."""
    suggestion: str | None
    similarity: float | None
    track: int
    box: tuple[int, int, int, int] | None
    """x, y, width, height in pixels of the frame; None where somebody left."""
    first: Moment
    """When they came into view."""
    last: Moment
    """When they were seen last."""


@dataclass(frozen=True, slots=True)
class View:
    """One frame and what is known of it."""

    at: Moment
    pixels: Pixels
    faces: tuple[LiveFace, ...]
    events: tuple[Event, ...]


@dataclass(slots=True)
class _Follow:
    """A face while it is in view."""

    first: Moment
    last: Moment
    looks: list[tuple[float, Vectors]] = field(default_factory=list)
    """(quality, vector), best first."""
    looked: Moment = 0
    """When it was embedded last."""
    shown: LiveFace | None = None

    def look(self, at: Moment, quality: float, vector: Vectors) -> None:
        self.looked = at
        self.looks.append((quality, vector))
        self.looks.sort(key=lambda known: -known[0])
        del self.looks[KEPT:]

    def vector(self) -> Vectors:
        vectors = np.stack([vector for _, vector in self.looks])
        return mean_vector(vectors, [quality for quality, _ in self.looks])


@dataclass(slots=True)
class _Present:
    """Somebody who is there: a person, or a face without a name."""

    since: Moment
    last: Moment
    face: LiveFace


class Watch:
    """Follows faces through frames."""

    def __init__(
        self,
        detector: Detector,
        embedder: Embedder,
        gallery: Gallery,
        names: dict[int, str],
        thresholds: Thresholds,
        *,
        every: int = EVERY,
    ) -> None:
        self._detector, self._embedder = detector, embedder
        self._gallery, self._names, self._levels = gallery, names, thresholds
        self._every = every
        self._tracker = Tracker(thresholds, GONE)
        self._count = 0
        self._grey: Pixels | None = None
        self._follows: dict[int, _Follow] = {}
        self._present: dict[str, _Present] = {}
        self._lost: set[int] = set()
        """Tracks that flow lost since the last detection."""
        self._now: Moment = 0

    def see(self, at: Moment, pixels: Pixels) -> View:
        """The next frame [h, w, 3] RGB. After the last one comes `leave`."""
        from phototag.vision.flow import carried, grey_of

        grey = grey_of(pixels)
        if self._grey is not None and self._grey.shape == grey.shape:
            trails = self._tracker.open
            moved = carried(self._grey, grey, [trail.box for trail in trails])
            for trail, box in zip(trails, moved, strict=True):
                trail.box = box or trail.box
                if box is None:
                    self._lost.add(trail.number)
        if self._count % self._every == 0:
            self._detect(at, pixels)
        self._count += 1
        self._grey, self._now = grey, at
        faces = tuple(self._shown(at))
        return View(at, pixels, faces, tuple(self._events(at, faces, pixels)))

    def leave(self) -> tuple[Event, ...]:
        """Nobody is there any more: the last events."""
        return tuple(self._left(key, self._now) for key in list(self._present))

    # ---- faces

    def _detect(self, at: Moment, pixels: Pixels) -> None:
        from phototag.vision.align import align

        found = self._detector.detect(pixels)
        high, wide = pixels.shape[:2]
        known = [self._well_known(at, face.box) for face in found]
        crops = {
            place: align(pixels, face.landmarks.array(wide, high), CROP)
            for place, face in enumerate(found)
            if known[place] is None
        }
        fresh = self._embedder.embed(np.stack(list(crops.values()))) if crops else ()
        vectors = [*known]
        for place, vector in zip(crops, fresh, strict=True):
            vectors[place] = vector
        numbers = self._tracker.follow(
            at, [face.box for face in found], np.array(vectors, dtype=np.float32)
        )
        self._lost -= set(numbers)
        for place, number in enumerate(numbers):
            follow = self._follows.setdefault(number, _Follow(at, at))
            follow.last = at
            vector = vectors[place]
            if vector is not None and (place in crops or not follow.looks):
                crop = crops.get(place)
                good = 0.0 if crop is None else quality_of(found[place], crop, wide, high)
                follow.look(at, good, vector)
        self._follows = {n: f for n, f in self._follows.items() if at - f.last <= GONE}
        self._name([number for number in numbers if number in self._follows])

    def _well_known(self, at: Moment, box: Box) -> Vectors | None:
        """The last vector of the one track that is there, if it was looked at often and lately: it
        need not be embedded again. None for all others."""
        near = [trail for trail in self._tracker.open if trail.box.iou(box) > 0]
        follow = self._follows.get(near[0].number) if len(near) == 1 else None
        if follow is None or near[0].number in self._lost or near[0].box.iou(box) < STILL:
            return None
        rested = len(follow.looks) == KEPT and at - follow.looked < AGAIN
        return near[0].recent[-1] if rested else None

    def _name(self, numbers: Sequence[int]) -> None:
        """Say who the faces of one frame are, by the laws: nobody twice."""
        if not numbers:
            return
        vectors = np.stack([self._follows[number].vector() for number in numbers])
        rankings = self._gallery.search(vectors, least=self._levels.suggest)
        candidates = [
            Candidate(number, 0, person, score)
            for number, ranking in zip(numbers, rankings, strict=True)
            for person, score in ranking
        ]
        found = match(candidates, thresholds=self._levels, taken={}, rejected=())
        for number in numbers:
            self._follows[number].shown = self._said(number, found.get(number))

    def _said(self, number: int, found: Match | None) -> LiveFace:
        face = LiveFace(number, Box(0, 0, 0, 0))
        if found is None:
            return face
        if found.person is not None:
            return replace(face, person=self._names[found.person], similarity=found.score)
        if found.suggestion is None:
            return face
        maybe, likeness = self._names[found.suggestion], found.suggestion_score
        return replace(face, suggestion=maybe, similarity=likeness)

    def _shown(self, at: Moment) -> Iterator[LiveFace]:
        for trail in self._tracker.open:
            follow = self._follows.get(trail.number)
            if follow is None or follow.shown is None or trail.number in self._lost:
                continue
            if at - follow.last <= SHOWN:
                yield replace(follow.shown, box=trail.box)

    # ---- who came and left

    def _events(self, at: Moment, faces: Sequence[LiveFace], frame: Pixels) -> Iterator[Event]:
        for face in faces:
            key = f"person {face.person}" if face.person else f"track {face.track}"
            follow = self._follows[face.track]
            if key in self._present:
                self._present[key].last, self._present[key].face = at, face
            elif face.person is not None or follow.last - follow.first >= UNKNOWN:
                known = _Present(self._take_over(face, follow.first), at, face)
                self._present[key] = known
                place = face.box.pixels(frame.shape[1], frame.shape[0])
                yield _event("seen", at, known, place)
        for key, known in list(self._present.items()):
            if at - known.last > GONE:
                yield self._left(key, at)

    def _take_over(self, face: LiveFace, first: Moment) -> Moment:
        """Somebody who was told as unknown has a name now: the same visit."""
        unknown = self._present.pop(f"track {face.track}", None)
        return first if unknown is None else unknown.since

    def _left(self, key: str, at: Moment) -> Event:
        return _event("left", at, self._present.pop(key), None)


def _event(what: str, at: Moment, known: _Present, box: tuple[int, int, int, int] | None) -> Event:
    face = known.face
    score = None if face.similarity is None else round(face.similarity, 4)
    who = (face.person, face.suggestion, score, face.track)
    return Event(what, at, *who, box, known.since, known.last)


def watch_of(lib: Library, model: str, thresholds: Thresholds, kit: Kit, every: int) -> Watch:
    """A watch for everybody whom the library knows. Raises ModelError."""
    from pathlib import Path

    from phototag.vision.embed import Embedder as Network
    from phototag.vision.models import load_card
    from phototag.vision.mtcnn import Mtcnn
    from phototag.work.extract import make_detector

    quick = Mtcnn(min_face=MIN_FACE, turned=False) if kit.detector == "mtcnn" else None
    return Watch(
        quick or make_detector(kit),
        Network(load_card(Path(kit.embedder_card))),
        gallery_of(lib, model),
        verdict_table.people(lib),
        thresholds,
        every=every,
    )


def drawn(view: View) -> Pixels:
    """The frame with its boxes, names and similarities."""
    from phototag.images.draw import Mark, annotate

    marks = []
    for face in view.faces:
        likeness = "" if face.similarity is None else f" {face.similarity:.2f}"
        if face.person is not None:
            marks.append(Mark(face.box, face.person + likeness, "person"))
        elif face.suggestion is not None:
            marks.append(Mark(face.box, f"{face.suggestion}?{likeness}", "suggested"))
        else:
            marks.append(Mark(face.box, "", "unknown"))
    return annotate(view.pixels, marks)
