"""Are these two photos of the same person? Accuracy and error rates over many pairs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.faces import load_faces
from phototag.bench.metrics import RATES, Roc, fold_accuracy, roc
from phototag.bench.pairs import Pair
from phototag.bench.pipeline import Detect, Embed, embed_photos
from phototag.core.types import Thresholds, Vectors
from phototag.errors import UsageError

NOT_FOUND = -1.0
"""Score of a pair in which a face was not found: such a pair counts as two different people."""


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """What `phototag evaluate verification` says."""

    model: str
    pairs: int
    images: int
    accuracy: float
    """Mean over the folds, each judged at the threshold that the others chose."""
    accuracy_error: float
    """Its standard error."""
    threshold: float
    """Mean of the folds' thresholds."""
    auc: float
    eer: float
    tar: Mapping[str, float]
    """True accept rate by false accept rate (`1e-02` …)."""
    limited: tuple[str, ...]
    """False accept rates that so few pairs of different people cannot show: their value is at no
    false accept at all."""
    not_detected: tuple[str, ...]
    """Photos without a face (or unreadable)."""
    pairs_not_detected: int
    at_thresholds: Mapping[str, Mapping[str, float]]
    """For the card's `accept` and `suggest`: `tar` and `far` of these pairs."""
    curve: Roc
    scores: NDArray[np.float64]
    same: NDArray[np.bool_]
    vectors: Vectors
    """[images, d], for calibration."""
    labels: NDArray[np.int32]
    """[images] identities, -1 where the pairs do not name them."""

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "model": self.model,
            "pairs": self.pairs,
            "images": self.images,
            "accuracy": round(self.accuracy, 5),
            "accuracy_standard_error": round(self.accuracy_error, 5),
            "threshold": round(self.threshold, 4),
            "auc": round(self.auc, 5),
            "eer": round(self.eer, 5),
            "tar": {k: round(v, 5) for k, v in self.tar.items()},
            "tar_limited_by_few_pairs": list(self.limited),
            "not_detected": list(self.not_detected),
            "pairs_not_detected": self.pairs_not_detected,
            "at_thresholds": {k: dict(v) for k, v in self.at_thresholds.items()},
        }


def verify_photos(
    pairs: Sequence[Pair],
    embed: Embed,
    detect: Detect | None,
    *,
    model: str,
    thresholds: Thresholds | None = None,
    on_photo: Callable[[], None] = lambda: None,
) -> VerificationReport:
    """Judge pairs of photos through the whole pipeline; without `detect` they are aligned crops.

    Raises UsageError where the pairs are all of one kind, or no face is found at all.
    """
    photos = photos_of(pairs)
    row = {path: i for i, path in enumerate(photos)}
    embedded = embed_photos(photos, embed, detect, on_photo=on_photo)
    table = np.array([(row[p.first], row[p.second], p.same) for p in pairs], dtype=np.int64)
    return _report(
        table,
        np.array([p.fold for p in pairs]),
        embedded.vectors,
        embedded.found,
        model=model,
        thresholds=thresholds,
        not_detected=(*embedded.not_detected, *embedded.unreadable),
        labels=_labels(pairs, row, embedded.found),
    )


def photos_of(pairs: Sequence[Pair]) -> list[Path]:
    """Each photo once."""
    return sorted({path for pair in pairs for path in (pair.first, pair.second)})


def verify_shard(
    path: Path, embed: Embed, *, model: str, thresholds: Thresholds | None = None
) -> VerificationReport:
    """Judge the `pairs` of a file of aligned faces (npz), or all pairs of its labelled ones. Raises
    UsageError."""
    faces = load_faces([path])
    crops = faces.pixels()
    vectors = np.concatenate([embed(crops[i : i + 256]) for i in range(0, len(crops), 256)])
    with np.load(path, allow_pickle=False) as stored:
        pairs = stored["pairs"].astype(np.int64) if "pairs" in stored else _every_pair(faces.labels)
    return _report(
        pairs,
        np.arange(len(pairs)) % 10,
        vectors,
        np.ones(len(vectors), dtype=bool),
        model=model,
        thresholds=thresholds,
        not_detected=(),
        labels=faces.labels,
    )


def _every_pair(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    known = np.flatnonzero(labels >= 0)
    one, other = (known[i] for i in np.triu_indices(len(known), 1))
    return np.stack([one, other, labels[one] == labels[other]], axis=1)


def _labels(
    pairs: Sequence[Pair], row: Mapping[Path, int], found: NDArray[np.bool_]
) -> NDArray[np.int32]:
    labels = np.full(len(row), -1, dtype=np.int32)
    numbers: dict[str, int] = {}
    for pair in pairs:
        for path, name in zip((pair.first, pair.second), pair.names or (), strict=False):
            if found[row[path]]:
                labels[row[path]] = numbers.setdefault(name, len(numbers))
    return labels


def _report(
    pairs: NDArray[np.int64],
    folds: NDArray[np.integer],
    vectors: Vectors,
    found: NDArray[np.bool_],
    *,
    model: str,
    thresholds: Thresholds | None,
    not_detected: tuple[str, ...],
    labels: NDArray[np.int32],
) -> VerificationReport:
    one, other, same = pairs[:, 0], pairs[:, 1], pairs[:, 2].astype(bool)
    both = found[one] & found[other]
    if same.all() or not same.any():
        raise UsageError("Pairs of the same person and of different people are both needed.")
    scores = np.where(both, _similarities(vectors, one, other), NOT_FOUND)
    curve = roc(scores, same)
    folded = fold_accuracy(scores, same, folds)
    return VerificationReport(
        model=model,
        pairs=len(pairs),
        images=len(vectors),
        accuracy=folded.mean,
        accuracy_error=folded.standard_error,
        threshold=float(np.mean(folded.thresholds)),
        auc=curve.auc,
        eer=curve.eer,
        tar={f"{rate:.0e}": curve.tar(rate) for rate in RATES},
        limited=tuple(f"{rate:.0e}" for rate in RATES if rate * (~same).sum() < 1),
        not_detected=not_detected,
        pairs_not_detected=int((~both).sum()),
        at_thresholds=_rates_at(scores, same, thresholds),
        curve=curve,
        scores=scores,
        same=same,
        vectors=vectors,
        labels=labels,
    )


def _similarities(
    vectors: Vectors, one: NDArray[np.int64], other: NDArray[np.int64]
) -> NDArray[np.float64]:
    """In blocks: all pairs of a few thousand faces are millions."""
    out = np.empty(len(one), dtype=np.float64)
    for start in range(0, len(one), 100_000):
        block = slice(start, start + 100_000)
        out[block] = np.einsum("ij,ij->i", vectors[one[block]], vectors[other[block]])
    return out


def _rates_at(
    scores: NDArray[np.float64], same: NDArray[np.bool_], thresholds: Thresholds | None
) -> dict[str, dict[str, float]]:
    if thresholds is None:
        return {}
    return {
        name: {
            "threshold": level,
            "tar": round(float((scores[same] >= level).mean()), 5),
            "far": round(float((scores[~same] >= level).mean()), 5),
        }
        for name, level in (("accept", thresholds.accept), ("suggest", thresholds.suggest))
    }
