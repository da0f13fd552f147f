"""Who of the gallery is on this photo, if anybody? Rank and open-set rates over many probes."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.metrics import Identification, identification
from phototag.bench.pipeline import Detect, Embed, embed_photos
from phototag.core.matching import choose_examples, person_scores
from phototag.core.types import Thresholds, first_line
from phototag.errors import UsageError

PHOTOS = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".tif", ".tiff", ".bmp"}


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photo of one person."""

    path: Path
    person: str


@dataclass(frozen=True, slots=True)
class IdentificationReport:
    """What `phototag evaluate identification` says."""

    model: str
    people: int
    """Of the gallery."""
    gallery: int
    """Its photos with a face."""
    probes: int
    """Probes with a face."""
    figures: Identification
    not_detected: tuple[str, ...]
    at_accept: Mapping[str, float]
    """At the card's `accept`: `named` (share of the gallery's people named right), `wrong` (named
    wrong), `strangers` (strangers named)."""
    scores: NDArray[np.float32]
    """[probes, people]"""
    truth: NDArray[np.int64]
    """[probes] column of each probe's person, -1 for a stranger."""

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "model": self.model,
            "people": self.people,
            "gallery": self.gallery,
            "probes": self.probes,
            "enrolled_probes": self.figures.enrolled,
            "strangers": self.figures.strangers,
            "rank1": round(self.figures.rank1, 5),
            "rank5": round(self.figures.rank5, 5),
            "dir": {f"{k:.0e}": round(v, 5) for k, v in self.figures.dir.items()},
            "at_accept": dict(self.at_accept),
            "not_detected": list(self.not_detected),
        }


def read_portraits(path: Path) -> list[Portrait]:
    """A folder with a folder of photos for each person, or a CSV with `file,person` (files relative
    to it).

    Raises UsageError.
    """
    found = _from_table(path) if path.is_file() else _from_folders(path)
    if not found:
        raise UsageError(f"{path}: no photos in it. Expected one folder for each person.")
    lost = [str(p.path) for p in found if not p.path.is_file()]
    if lost:
        raise UsageError(f"{path}: {len(lost)} of its photos do not exist: {first_line(lost)}.")
    return found


def _from_folders(path: Path) -> list[Portrait]:
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such folder or table.")
    return [
        Portrait(photo, folder.name)
        for folder in sorted(p for p in path.iterdir() if p.is_dir() and p.name[:1] != ".")
        for photo in sorted(folder.rglob("*"))
        if photo.suffix.lower() in PHOTOS and photo.is_file()
    ]


def _from_table(path: Path) -> list[Portrait]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if not {"file", "person"} <= set(reader.fieldnames or ()):
                raise UsageError(f"{path}: its header must have file and person.")
            return [Portrait(path.parent / row["file"], row["person"]) for row in reader]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the table cannot be read ({error}).") from error


def evaluate_identification(
    gallery: Sequence[Portrait],
    probes: Sequence[Portrait],
    embed: Embed,
    detect: Detect | None,
    *,
    model: str,
    thresholds: Thresholds | None = None,
    on_photo: Callable[[], None] = lambda: None,
) -> IdentificationReport:
    """Score each probe against each person of the gallery as a scan does: mean of the three best
    similarities.

    A probe of somebody who is not in the gallery is a stranger. A probe without a face is found
    nowhere: it scores -1. Raises UsageError where a probe is a photo of the gallery, or no probe
    shows one of its people.
    """
    shared = {p.path.resolve() for p in gallery} & {p.path.resolve() for p in probes}
    if shared:
        both = first_line(sorted(map(str, shared)))
        raise UsageError(f"{len(shared)} photos are in the gallery and among the probes: {both}.")
    known = embed_photos([p.path for p in gallery], embed, detect, on_photo=on_photo)
    asked = embed_photos([p.path for p in probes], embed, detect, on_photo=on_photo)
    rows: dict[str, list[int]] = {}
    for i, portrait in enumerate(gallery):
        if known.found[i]:
            rows.setdefault(portrait.person, []).append(i)
    people = sorted(rows)
    scores = np.full((len(probes), len(people)), -1, dtype=np.float32)
    for column, person in enumerate(people):
        vectors = known.vectors[rows[person]]
        examples = vectors[choose_examples(vectors, np.ones(len(vectors)))]
        scores[asked.found, column] = person_scores(asked.vectors[asked.found], examples)
    place = {person: i for i, person in enumerate(people)}
    truth = np.array([place.get(p.person, -1) for p in probes], dtype=np.int64)
    if not (truth >= 0).any():
        raise UsageError("No probe shows a person of the gallery: are the folders named alike?")
    return IdentificationReport(
        model=model,
        people=len(people),
        gallery=int(known.found.sum()),
        probes=int(asked.found.sum()),
        figures=identification(scores, truth),
        not_detected=(*known.not_detected, *asked.not_detected),
        at_accept=_at_accept(scores, truth, thresholds),
        scores=scores,
        truth=truth,
    )


def _at_accept(
    scores: NDArray[np.float32], truth: NDArray[np.int64], thresholds: Thresholds | None
) -> dict[str, float]:
    if thresholds is None:
        return {}
    ordered = np.sort(scores, axis=1)
    best = ordered[:, -1]
    lead = best - ordered[:, -2] if scores.shape[1] > 1 else np.full(len(best), np.inf)
    named = (best >= thresholds.accept) & (lead >= thresholds.margin)
    right = named & (scores.argmax(axis=1) == truth)
    known = truth >= 0
    out = {
        "accept": thresholds.accept,
        "named": round(float(right[known].mean()), 5),
        "wrong": round(float((named & ~right)[known].mean()), 5),
    }
    if (~known).any():
        out["strangers"] = round(float(named[~known].mean()), 5)
    return out
