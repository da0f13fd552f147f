"""How good are the groups of a scanned library, against a table that says who is where?"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from phototag.bench.metrics import (
    Agreement,
    bcubed,
    clicks_to_name,
    pairwise,
    same_photo_violations,
)
from phototag.catalog.photos import paths_named, photo_row
from phototag.catalog.store import Library
from phototag.catalog.views import SeenFace, faces_in_photo
from phototag.core.types import Box, first_line
from phototag.errors import UsageError

OVERLAP = 0.3
"""Least intersection over union of a found face and a face of the table."""


@dataclass(frozen=True, slots=True)
class TrueFace:
    """One row of the table: pixels of the upright photo, from its top left corner."""

    file: str
    x: float
    y: float
    w: float
    h: float
    person: str


@dataclass(frozen=True, slots=True)
class ClusteringReport:
    """What `phototag evaluate clustering` says."""

    photos: int
    faces: int
    """Rows of the table whose photo is in the library."""
    found: int
    """Of them, faces that were found."""
    missed: tuple[str, ...]
    """`file: person` of those that were not."""
    absent: tuple[str, ...]
    """Files of the table that the library does not know."""
    others: int
    """Faces found in those photos that the table does not list."""
    people: int
    groups: int
    """Groups of two faces or more among the found faces of the table."""
    bcubed: Agreement
    pairwise: Agreement
    bcubed_with_missed: Agreement
    """The same with each missed face as a group of its own."""
    same_photo_violations: int
    clicks: int
    """Decisions until 90 % of the found faces bear the right name: see `metrics.clicks_to_name`."""
    largest: tuple[Mapping[str, int], ...]
    """People by number of faces in each of the 40 largest groups."""

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "photos": self.photos,
            "faces": self.faces,
            "found": self.found,
            "missed": list(self.missed),
            "absent": list(self.absent),
            "others": self.others,
            "people": self.people,
            "groups": self.groups,
            "bcubed": _figures(self.bcubed),
            "pairwise": _figures(self.pairwise),
            "bcubed_with_missed": _figures(self.bcubed_with_missed),
            "same_photo_violations": self.same_photo_violations,
            "clicks_to_name_90_percent": self.clicks,
        }


def _figures(found: Agreement) -> dict[str, float]:
    return {
        "precision": round(found.precision, 5),
        "recall": round(found.recall, 5),
        "f": round(found.f, 5),
    }


def read_truth(path: Path) -> list[TrueFace]:
    """A CSV with `file,x,y,w,h,person`. Raises UsageError, with the line."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = {"file", "x", "y", "w", "h", "person"} - set(reader.fieldnames or ())
            if lacking:
                raise UsageError(f"{path}: its header lacks {first_line(sorted(lacking))}.")
            return [_true_face(row, f"{path}, line {i}") for i, row in enumerate(reader, 2)]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the table cannot be read ({error}).") from error


def _true_face(row: Mapping[str, str], where: str) -> TrueFace:
    try:
        x, y, w, h = (float(row[name]) for name in "xywh")
    except (TypeError, ValueError) as error:
        raise UsageError(f"{where}: x, y, w and h must be numbers.") from error
    return TrueFace(row["file"], x, y, w, h, row["person"])


def evaluate_clustering(lib: Library, truth: Sequence[TrueFace]) -> ClusteringReport:
    """Compare the library's groups with the truth. A named person is a group, too; a face alone is
    one by itself.

    A photo is the one whose path ends like the table's `file`. Raises UsageError where none of them
    was scanned.
    """
    tally = _Tally()
    by_file: dict[str, list[TrueFace]] = defaultdict(list)
    for face in truth:
        by_file[face.file].append(face)
    for file, rows in sorted(by_file.items()):
        paths = [p for p in paths_named(lib, file) if p.photo is not None]
        if not paths:
            tally.absent.append(file)
            continue
        photo = paths[0].photo
        assert photo is not None
        sizes = photo_row(lib, photo)
        size = (int(sizes["width"]), int(sizes["height"]))
        tally.add(file, photo, rows, faces_in_photo(lib, photo), size)
    if not tally.people:
        raise UsageError(
            "None of the table's faces is in the library. "
            "Scan its photos first: phototag scan FOLDER."
        )
    return tally.report()


class _Tally:
    """Faces of the table that were found, photo by photo."""

    def __init__(self) -> None:
        self.people: list[str] = []
        self.groups: list[str] = []
        self.photos: list[int] = []
        self.missed: list[tuple[str, str]] = []
        self.absent: list[str] = []
        self.others = 0
        self.violations = 0

    def add(
        self,
        file: str,
        photo: int,
        rows: Sequence[TrueFace],
        found: Sequence[SeenFace],
        size: tuple[int, int],
    ) -> None:
        partners = matched(rows, found, size)
        for i, row in enumerate(rows):
            if i not in partners:
                self.missed.append((file, row.person))
                continue
            self.people.append(row.person)
            self.groups.append(group_of(found[partners[i]]))
            self.photos.append(photo)
        self.others += len(found) - len(partners)
        groups = [group_of(face) for face in found]
        self.violations += same_photo_violations([photo] * len(groups), groups)

    def report(self) -> ClusteringReport:
        members: dict[str, Counter[str]] = defaultdict(Counter)
        for person, group in zip(self.people, self.groups, strict=True):
            members[group][person] += 1
        largest = sorted(members.values(), key=lambda c: (-c.total(), c.most_common(1)))[:40]
        lost = [person for _, person in self.missed]
        alone = [f"missed-{i}" for i in range(len(lost))]
        return ClusteringReport(
            photos=len(set(self.photos)),
            faces=len(self.people) + len(lost),
            found=len(self.people),
            missed=tuple(f"{file}: {person}" for file, person in self.missed),
            absent=tuple(self.absent),
            others=self.others,
            people=len(set(self.people)),
            groups=sum(c.total() > 1 for c in members.values()),
            bcubed=bcubed(self.people, self.groups),
            pairwise=pairwise(self.people, self.groups),
            bcubed_with_missed=bcubed(self.people + lost, self.groups + alone),
            same_photo_violations=self.violations,
            clicks=clicks_to_name(self.people, self.groups),
            largest=tuple(dict(c.most_common()) for c in largest),
        )


def group_of(face: SeenFace) -> str:
    """The person or cluster that a face is in, or the face itself where it is alone."""
    if face.person is not None:
        return f"person-{face.person}"
    return f"face-{face.id}" if face.cluster is None else f"cluster-{face.cluster}"


def matched(
    rows: Sequence[TrueFace], found: Sequence[SeenFace], size: tuple[int, int]
) -> dict[int, int]:
    """Which found face is which row: one to one, greatest total overlap, each at least OVERLAP."""
    width, height = size
    if not rows or not found:
        return {}
    boxes = [Box(r.x / width, r.y / height, r.w / width, r.h / height) for r in rows]
    overlaps = np.array([[box.iou(face.box) for face in found] for box in boxes])
    overlaps[overlaps < OVERLAP] = 0
    pairs = zip(*linear_sum_assignment(-overlaps), strict=True)
    return {int(i): int(j) for i, j in pairs if overlaps[i, j] > 0}
