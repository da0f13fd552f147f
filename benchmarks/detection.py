"""Detection measured: agreement with the `mtcnn` package, time, and what is found.

    python benchmarks/detection.py [agreement] [time] [recall] [--shared FOLDER] [--photos N]

`agreement`: the exact mode against the package's `detect_faces` on every photo of `photos/people`,
at the same size and thresholds, and once more with a stable sort in the package. `time`: the
package as it comes, the exact mode and the default one (with one thread each) by turns on photos of
1280 px. `recall`: faces found, lost against the exact mode, and false, on the photos that come with
truth. Without a word: all three. TensorFlow is only needed for the first two.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Pixels
from phototag.errors import UnreadableImage
from phototag.images.read import read
from phototag.vision.mtcnn import Mtcnn

SIZE = 1280
Rows = NDArray[np.float64]
"""[n, 15]: x1, y1, x2, y2, score, five x, five y."""
Find = Callable[[Pixels], Rows]

TURNS = 3
"""Rounds of the timing; the fastest counts, which a busy machine disturbs least."""


def overlaps(a: Rows, b: Rows) -> Rows:
    """Intersection over union [len(a), len(b)]."""
    low = np.maximum(a[:, None, 0:2], b[None, :, 0:2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    shared = np.prod(np.maximum(0, high - low), axis=2)
    area_a, area_b = (np.prod(rows[:, 2:4] - rows[:, 0:2], axis=1) for rows in (a, b))
    whole: Rows = shared / (area_a[:, None] + area_b[None] - shared)
    return whole


def pairs(weights: Rows, least: float) -> list[tuple[int, int]]:
    """One to one, the best first."""
    left = weights.copy()
    chosen = []
    while left.size and left.max() >= least:
        i, j = np.unravel_index(left.argmax(), left.shape)
        chosen.append((int(i), int(j)))
        left[i], left[:, j] = -1, -1
    return chosen


def photos_of(folder: Path) -> Iterator[tuple[Path, Pixels]]:
    """Every readable photo at 1280 px at most, in an order without sense."""
    mixed = sorted(folder.rglob("*"), key=lambda path: blake2b(path.name.encode()).digest())
    for path in mixed:
        if path.suffix.lower() in (".jpg", ".jpeg", ".png"):
            try:
                yield path, read(path.read_bytes(), str(path), longest=SIZE).pixels
            except UnreadableImage as error:
                print(f"left out: {error}")


def package() -> Find:
    """`detect_faces` of the mtcnn package as it comes: TensorFlow takes all cores."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from mtcnn import MTCNN

    detector = MTCNN()

    def find(pixels: Pixels) -> Rows:
        found = detector.detect_faces(pixels, box_format="xyxy", output_type="numpy")
        rows: Rows = np.asarray(found, np.float64).reshape(-1, 16)[:, 1:]
        return rows

    return find


# ---- agreement


def agreement(shared: Path, limit: int) -> None:
    """As the package comes, the order of equal scores (near 1 they often are, in float32) hangs on
    how NumPy sorts on this processor; so once more with the later box first."""
    theirs, ours = package(), Mtcnn(exact=True).rows
    from mtcnn.utils import bboxes

    def best_first(rows: Rows, scores: Rows, ascending: bool) -> Rows:
        rising = np.argsort(scores, kind="stable")
        return rows[rising if ascending else rising[::-1]]

    print("The exact mode and the package's detect_faces:")
    _agreement(theirs, ours, shared, limit)
    print("The same, with a stable sort in the package:")
    with patch.object(bboxes, "sort_by_scores", best_first):
        _agreement(theirs, ours, shared, limit)


def _agreement(theirs: Find, ours: Find, shared: Path, limit: int) -> None:
    ious, gaps = [], []
    counts = [0, 0, 0]
    for number, (path, pixels) in enumerate(photos_of(shared / "photos" / "people")):
        if number == limit:
            break
        a, b = theirs(pixels), ours(pixels)
        matched = pairs(overlaps(a, b), 0.5)
        counts = [
            old + new for old, new in zip(counts, (len(a), len(b), len(matched)), strict=True)
        ]
        for i, j in matched:
            ious.append(overlaps(a[[i]], b[[j]])[0, 0])
            apart = np.hypot(*(a[i, 5:] - b[j, 5:]).reshape(2, 5)).max()
            gaps.append(apart / (a[i, 2] - a[i, 0]))
        if len(a) != len(b):
            print(f"{path}: the package finds {len(a)}, the exact mode {len(b)}")
    print(f"  faces of the package {counts[0]}, ours {counts[1]}, matched {counts[2]}")
    print(f"  mean IoU {np.mean(ious):.4f}, lowest {np.min(ious):.3f}")
    near = np.mean(np.array(gaps) <= 0.01)
    print(f"  farthest landmark within 1 % of the face's width: {near:.1%} of faces,")
    print(f"  on average {np.mean(gaps):.4%} of it apart")


# ---- time


def timing(shared: Path, limit: int) -> None:
    finds = {"package": package(), "exact": Mtcnn(exact=True).rows, "default": Mtcnn().rows}
    pictures = []
    for _, pixels in photos_of(shared / "photos" / "people"):
        if max(pixels.shape) == SIZE:
            pictures.append(pixels)
    pictures = pictures[:limit]
    wall: dict[str, list[float]] = defaultdict(list)
    busy: dict[str, list[float]] = defaultdict(list)
    for pixels in pictures:
        for find in finds.values():
            find(pixels)  # for caches and TensorFlow's tracing of a new size
        rounds = [
            {name: _timed(find, pixels) for name, find in finds.items()} for _ in range(TURNS)
        ]
        for name in finds:
            wall[name].append(min(one[name][0] for one in rounds))
            busy[name].append(min(one[name][1] for one in rounds))
    print(f"Time per photo of {SIZE} px, {len(pictures)} photos, by turns:")
    for kind, spent in (("wall", wall), ("processor", busy)):
        for name, values in spent.items():
            ratios = [a / b for a, b in zip(spent["package"], values, strict=True)]
            print(
                f"  {kind:9} {name:8} {statistics.median(values) * 1000:6.0f} ms; the package "
                f"takes {statistics.median(ratios):.1f} times that ({min(ratios):.1f} to "
                f"{max(ratios):.1f})"
            )


def _timed(find: Find, pixels: Pixels) -> tuple[float, float]:
    """Seconds on the wall and of the processor: on a busy machine the second is steadier."""
    wall, busy = time.perf_counter(), time.process_time()
    find(pixels)
    return time.perf_counter() - wall, time.process_time() - busy


# ---- recall


@dataclass
class Truth:
    """A photo and the faces that people saw in it."""

    pixels: Pixels
    boxes: Rows
    """[n, 4] corners, or [n, 2] tips of noses; in pixels of `pixels`."""


@dataclass
class Tally:
    """What a detector made of a set of photos."""

    true: int = 0
    found: int = 0
    false: int = 0
    scores: list[float] = field(default_factory=list)
    false_scores: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def truths(table: Path, photos: Path) -> Iterator[tuple[str, Truth]]:
    """Photos with the rows of a CSV file: file, x, y, w, h or file, nose_x, nose_y."""
    rows: dict[str, list[list[float]]] = defaultdict(list)
    with table.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            names = ("x", "y", "w", "h") if "w" in row else ("nose_x", "nose_y")
            values = [float(row[name]) for name in names if row[name]]
            rows[row["file"]] += [values] if values else []
    for name, known in rows.items():
        path = photos / name
        picture = read(path.read_bytes(), str(path), longest=SIZE)
        boxes = np.array(known).reshape(-1, len(known[0]) if known else 2)
        boxes *= picture.pixels.shape[1] / picture.width
        if boxes.shape[1] == 4:
            boxes[:, 2:] += boxes[:, :2]
        yield name, Truth(picture.pixels, boxes)


def matches(truth: Truth, rows: Rows) -> list[tuple[int, int]]:
    """Which of the true faces is which row."""
    if not len(rows) or not len(truth.boxes):
        return []
    if truth.boxes.shape[1] == 4:
        return pairs(overlaps(truth.boxes, rows), 0.3)
    nose = np.hypot(*(truth.boxes[:, None] - rows[None][:, :, [7, 12]]).transpose(2, 0, 1))
    inside = (truth.boxes[:, None] >= rows[None, :, 0:2]) & (
        truth.boxes[:, None] <= rows[None, :, 2:4]
    )
    return pairs(inside.all(axis=2) / (1 + nose), 1e-6)


def tally(find: Find, photos: list[tuple[str, Truth]]) -> Tally:
    total = Tally()
    for name, truth in photos:
        rows = find(truth.pixels)
        pairing = matches(truth, rows)
        hit = {j for _, j in pairing}
        total.true += len(truth.boxes)
        total.found += len(pairing)
        total.false += len(rows) - len(pairing)
        total.scores += [float(rows[j, 4]) for j in hit]
        total.false_scores += [float(row[4]) for j, row in enumerate(rows) if j not in hit]
        missed = set(range(len(truth.boxes))) - {i for i, _ in pairing}
        total.lost += [f"{name} {np.round(truth.boxes[i]).tolist()}" for i in sorted(missed)]
    return total


def recall(shared: Path, limit: int) -> None:
    people, album = shared / "photos" / "people", shared / "album"
    sets = {
        "album": (album / "truth.csv", album / "photos"),
        "dlib": (people / "dlib" / "boxes.csv", people / "dlib"),
        "compreface": (people / "compreface" / "noses.csv", people / "compreface"),
        "facemask_kaggle": (people / "facemask_kaggle" / "boxes.csv", people / "facemask_kaggle"),
    }
    finds: dict[str, Any] = {"exact": Mtcnn(exact=True).rows, "default": Mtcnn().rows}
    for name, (table, folder) in sets.items():
        photos = list(truths(table, folder))[:limit]
        tallies = {mode: tally(find, photos) for mode, find in finds.items()}
        print(f"{name}: {len(photos)} photos, {tallies['exact'].true} faces")
        for mode, found in tallies.items():
            share = found.found / max(found.found + found.false, 1)
            print(
                f"  {mode:8} recall {found.found / found.true:.4f} ({found.found}), precision "
                f"{share:.4f} ({found.false} false), lowest true score "
                f"{min(found.scores):.3f}, highest false {max(found.false_scores, default=0):.3f}"
            )
        lost = set(tallies["default"].lost) - set(tallies["exact"].lost)
        print(f"  found by the exact mode and lost by the default one: {len(lost)}")
        for face in sorted(lost)[:5]:
            print(f"    {face}")


def main() -> None:
    parts = {"agreement": agreement, "time": timing, "recall": recall}
    ask = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ask.add_argument("parts", nargs="*", choices=[*parts, []], metavar="PART")
    default = os.environ.get("PHOTOTAG_TEST_DATA") or Path(__file__).resolve().parents[2] / "shared"
    ask.add_argument("--shared", type=Path, default=Path(default))
    ask.add_argument("--photos", type=int, default=10_000, help="at most so many of each set")
    given = ask.parse_args()
    cv2.setNumThreads(1)
    for name in given.parts or parts:
        parts[name](given.shared, given.photos)


if __name__ == "__main__":
    main()
