"""Who is before the camera: frames that are painted, a detector and an embedder that are told."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from phototag.core.gallery import Gallery
from phototag.core.types import Box, Detection, Landmarks, Pixels, Thresholds, Vectors, on_grid
from phototag.work.live import GONE, KEPT, UNKNOWN, Watch

LEVELS = Thresholds(accept=0.6, suggest=0.3, cluster=0.4, margin=0.1)
POINTS = ((0.3, 0.35), (0.7, 0.35), (0.5, 0.55), (0.35, 0.75), (0.65, 0.75))
LEFT, RIGHT = Box(0.1, 0.2, 0.25, 0.4), Box(0.6, 0.2, 0.25, 0.4)
RANDOM = np.random.default_rng(5)
FRAME = np.kron(RANDOM.integers(0, 255, (24, 32, 3)), np.ones((10, 10, 1))).astype(np.uint8)


def looks(*likeness: float) -> Vectors:
    vector = np.zeros(8)
    vector[: len(likeness)] = likeness
    vector[-1] = np.sqrt(max(0.0, 1 - (vector**2).sum()))
    return on_grid(vector)


ALICE, BOB, STRANGER = looks(0.95), looks(0.0, 0.95), looks(0.0, 0.0, 0.95)


class Stage:
    """A detector and an embedder that see what they are told, and count how often."""

    def __init__(self) -> None:
        self.seen: list[tuple[Box, Vectors]] = []
        self.embedded = 0

    def detect(self, pixels: Pixels) -> list[Detection]:
        return [
            Detection(
                box,
                Landmarks(
                    tuple((box.x + x * box.width, box.y + y * box.height) for x, y in POINTS)
                ),
                0.99,
            )
            for box, _ in self.seen
        ]

    def embed(self, crops: NDArray[np.uint8]) -> Vectors:
        self.embedded += len(crops)
        return np.stack([vector for _, vector in self.seen][-len(crops) :])


def watch_on(stage: Stage) -> Watch:
    gallery = Gallery.of(np.array([1, 2]), np.stack([ALICE, BOB]))
    return Watch(stage, stage, gallery, {1: "Alice", 2: "Bob"}, LEVELS, every=1)


def told(watch: Watch, times: range) -> list[tuple[str, str | None, int]]:
    return [
        (event.event, event.person, event.at)
        for at in times
        for event in watch.see(at, FRAME).events
    ]


def test_people_are_told_once_when_they_come_and_once_when_they_have_gone() -> None:
    stage = Stage()
    watch = watch_on(stage)
    stage.seen = [(LEFT, ALICE), (RIGHT, BOB)]
    assert told(watch, range(0, 3000, 200)) == [("seen", "Alice", 0), ("seen", "Bob", 0)]
    stage.seen = [(LEFT, ALICE)]
    after = told(watch, range(3000, 7000, 200))
    assert [(what, who) for what, who, _ in after] == [("left", "Bob")]
    assert after[0][2] > 2800 + GONE
    assert [(e.event, e.person, e.last) for e in watch.leave()] == [("left", "Alice", 6800)]


def test_somebody_unknown_is_told_after_a_while_and_never_as_two() -> None:
    stage = Stage()
    watch = watch_on(stage)
    stage.seen = [(LEFT, STRANGER)]
    assert told(watch, range(0, 3000, 200)) == [("seen", None, UNKNOWN)]


def test_a_face_that_keeps_still_is_not_embedded_every_time() -> None:
    stage = Stage()
    watch = watch_on(stage)
    stage.seen = [(LEFT, ALICE)]
    told(watch, range(0, 4000, 100))  # forty frames
    assert KEPT <= stage.embedded <= KEPT + 5


def test_nobody_is_two_faces_at_once_and_a_face_found_twice_is_no_trouble() -> None:
    stage = Stage()
    watch = watch_on(stage)
    stage.seen = [(LEFT, ALICE)]
    told(watch, range(0, 1000, 100))
    twin = Box(0.12, 0.2, 0.25, 0.4)
    stage.seen = [(LEFT, ALICE), (twin, ALICE), (RIGHT, ALICE)]
    view = watch.see(1000, FRAME)
    assert [face.person for face in view.faces].count("Alice") == 1
