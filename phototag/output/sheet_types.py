"""What a contact sheet is made of: plain values, and callables that give faces and photos one page
at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from phototag.core.types import Box

MarkStatus = Literal["named", "recognised", "suggested", "unknown", "ignored"]


@dataclass(frozen=True, slots=True)
class SheetMark:
    """A face in a photo, as the photo's overlay shows it."""

    face: str
    """`face-17`."""
    box: Box
    status: MarkStatus
    name: str | None = None
    """Of the person, or of the suggested person where the status is `suggested`."""
    target: str | None = None
    """The person or cluster that it belongs to: the mark leads to its page, if it has one."""
    similarity: float | None = None
    times: str | None = None
    """In a video: when it is seen, `00:01:12-00:01:20`."""


@dataclass(frozen=True, slots=True)
class SheetPhoto:
    """A photo. Image paths are relative to the library folder, with `/`."""

    key: str
    name: str
    """File name, as `os.fsdecode` gives it."""
    width: int
    height: int
    taken: str | None
    """ISO 8601."""
    thumb: str | None
    """Nothing drawn in it: the sheet draws boxes itself."""
    annotated: str | None = None
    original: str | None = None
    """A link to the photo: see `link_to`."""
    marks: tuple[SheetMark, ...] = ()
    length: str | None = None
    """Of a video, `01:20`; its picture is then its strip."""


@dataclass(frozen=True, slots=True)
class SheetFace:
    """A face on the page of a person or cluster, with the photo that it is in."""

    id: str
    crop: str
    """Path of its picture, relative to the library folder."""
    photo: SheetPhoto
    how: Literal["manual", "imported", "automatic"] | None = None
    similarity: float | None = None
    """To the person, where phototag recognised or suggests them."""


@dataclass(frozen=True, slots=True)
class SheetCommand:
    """A command to copy for chosen faces: `phototag label {faces} ""`.

    `{faces}` becomes the ids with spaces between, `{faces,}` with commas. A pair of double quotes
    at the end is filled with the name that the reader types.
    """

    text: str
    """What the button says: `Not Alice`."""
    template: str


@dataclass(frozen=True, slots=True)
class SheetGuess:
    """`may be Alice, 0.41`."""

    name: str
    similarity: float
    person: str | None = None
    """`SheetPerson.id`."""


@dataclass(frozen=True, slots=True)
class SheetPerson:
    id: str
    """`person-12`: of letters, digits and dashes; stable, for it is the name of the page."""
    name: str
    crop: str | None
    """The best face."""
    faces: int
    photos: int
    first: str | None
    """ISO 8601, of the earliest photo."""
    last: str | None
    suggested: int = 0
    """How many faces may be this person too: those that `SheetContent.suggested_for` gives."""
    actions: tuple[SheetCommand, ...] = ()
    """For chosen faces of this person."""
    suggested_actions: tuple[SheetCommand, ...] = ()
    """For chosen faces that may be this person."""


@dataclass(frozen=True, slots=True)
class SheetCluster:
    id: str
    """`cluster-3`."""
    faces: int
    photos: int
    first: str | None
    last: str | None
    crops: tuple[str, ...]
    """A few of its faces, best first; six are shown."""
    command: str
    """`phototag label cluster-3 ""`."""
    guess: SheetGuess | None = None
    actions: tuple[SheetCommand, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetMonth:
    """How many photos `SheetContent.photos_in` gives for a month."""

    month: str
    """`2019-07`, or the empty text for photos without a date."""
    photos: int


@dataclass(frozen=True, slots=True)
class SheetContent:
    """All that a sheet shows. The callables are asked for one page at a time, so no collection is
    too large."""

    people: Sequence[SheetPerson]
    clusters: Sequence[SheetCluster]
    months: Sequence[SheetMonth]
    photos_in: Callable[[str], Iterable[SheetPhoto]]
    """The photos of a month, earliest first; must not change between two calls."""
    faces_of: Callable[[str], Iterable[SheetFace]]
    """The faces of a person (latest photo first) or of a cluster (best first)."""
    suggested_for: Callable[[str], Iterable[SheetFace]] = field(default=lambda person: ())
    """Faces that may be that person, most similar first."""
    stamp: Callable[[str], str | None] | None = None
    """For a month, person or cluster id: any short text that differs whenever `photos_in`,
    `faces_of` or `suggested_for` would give anything else for it (a digest over the rows, a
    counter). Pages with the stamp of last time are neither asked for nor made. None: make them."""
    title: str = "Our people"


@dataclass(frozen=True, slots=True)
class SheetReport:
    """What `write_sheet` did: pages and other files of the sheet."""

    index: Path
    written: int
    unchanged: int
    removed: int
    waiting: int = 0
    """Clusters, lists and months whose pages are not up to date yet."""
