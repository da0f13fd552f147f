"""What `show` tells: frozen views of a face, a photo, a cluster, a person."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from phototag.catalog.views import SeenFace
from phototag.core.decisions import Decision
from phototag.core.tracks import clocks
from phototag.work.evidence import Example, Mate
from phototag.work.tag import describe
from phototag.work.why import Case, Levels, Word

SHOWN = 10
"""Members and decisions that a view names; the rest is counted."""


@dataclass(frozen=True, slots=True)
class FaceView:
    """A face: what it is, what settled it, and what speaks for and against."""

    id: str
    kind: str
    why: tuple[str, ...]
    case: Case
    path: str | None
    """A file of its photo."""
    index: int | None
    """The 2 in `photo.jpg#2`."""
    taken: str | None
    box: tuple[int, int, int, int]
    """x, y, width, height in pixels of the upright photo."""
    seen: str | None
    """In a video: when, `00:01:12-00:01:20`; `box` is then of its best frame."""
    score: float | None
    """Of the detector; None for a face that a user drew."""
    is_good: bool
    """Whether its quality lets it start clusters and be an example."""
    examples: tuple[Example, ...]
    rejected: tuple[str, ...]
    nearest_mates: tuple[Mate, ...]
    history: tuple[Word, ...]
    thresholds: Levels


@dataclass(frozen=True, slots=True)
class FaceLine:
    """A face in a list."""

    id: str
    who: str
    """`Alice`, `Alice?`, `cluster-3`, `unknown`, `ignored`."""
    state: str
    similarity: float | None
    quality: float
    path: str | None
    index: int | None = None
    box: tuple[int, int, int, int] | None = None
    seen: str | None = None
    """In a video: when, `00:01:12-00:01:20`."""


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A photo: its files and its faces."""

    id: str
    kind: str
    why: tuple[str, ...]
    paths: tuple[str, ...]
    missing: tuple[str, ...]
    """Places where it was."""
    key: str
    width: int
    height: int
    format: str
    taken: str | None
    detector: str
    faces: tuple[FaceLine, ...]
    outputs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FailureView:
    """A file that could not be read."""

    id: str
    kind: str
    why: tuple[str, ...]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ClusterBeside:
    """Another cluster, and how alike the two are."""

    id: str
    similarity: float
    """Mean over all pairs of faces."""
    photos_shared: int


@dataclass(frozen=True, slots=True)
class ClusterView:
    """A cluster, alive or ended."""

    id: str
    kind: str
    why: tuple[str, ...]
    is_alive: bool
    heir: str | None
    """What an ended cluster became."""
    faces: int
    photos: int
    first: str | None
    last: str | None
    tightness: float | None
    """Mean similarity over all pairs of its faces."""
    guesses: tuple[tuple[str, int], ...]
    """People that its faces may be, and how many faces each."""
    members: tuple[FaceLine, ...]
    """The best of them."""
    beside: tuple[ClusterBeside, ...]
    thresholds: Levels


@dataclass(frozen=True, slots=True)
class PersonView:
    """A person."""

    id: str
    kind: str
    why: tuple[str, ...]
    name: str
    faces: int
    photos: int
    confirmed: int
    suggested: int
    rejected: int
    """Faces that a user said are not this person."""
    first: str | None
    last: str | None
    examples: int
    """Confirmed faces that stand for the person when faces are compared."""
    doubtful: tuple[FaceLine, ...]
    """The recognised faces with the lowest scores."""
    decisions: tuple[Word, ...]
    """The latest."""
    thresholds: Levels


View = FaceView | PhotoView | FailureView | ClusterView | PersonView


def line_of(
    face: SeenFace,
    names: Mapping[int, str],
    path: str | None,
    index: int | None = None,
    box: tuple[int, int, int, int] | None = None,
) -> FaceLine:
    """A face as lists show it. `names` are the people's."""
    similarity = face.similarity if face.person is not None else face.suggestion_score
    who = who_is(face, names)
    seen = None if face.span is None else clocks(face.span)
    line = (f"face-{face.id}", who, face.state, similarity, face.quality, path)
    return FaceLine(*line, index, box, seen)


def who_is(face: SeenFace, names: Mapping[int, str]) -> str:
    """`Alice`, `Alice?`, `cluster-3`, `unknown`, `ignored`."""
    if face.person is not None:
        return names.get(face.person, "?")
    if face.suggestion is not None and face.suggestion in names:
        return f"{names[face.suggestion]}?"
    if face.cluster is not None:
        return f"cluster-{face.cluster}"
    return face.state.replace("_", " ")


def word_of(decision: Decision) -> Word:
    """A decision as people read it."""
    return Word(
        decision.id,
        decision.time,
        decision.actor,
        describe(decision),
        decision.undone_by is not None,
    )
