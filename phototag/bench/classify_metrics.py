"""Figures of a classifier: scikit-learn computes. Pure: numpy in, frozen values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.floating]
Labels = NDArray[np.integer]

BINS = 10
"""Of the reliability diagram."""

FALSE_NAMES = 0.05
"""Share of strangers who may be taken for somebody where the threshold is chosen. The faces of
strangers in a validation part are some dozens: a smaller share cannot be measured on them."""

PRECISION = 0.99
"""Share of the names given that must be right there."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How well faces of known people are told apart."""

    accuracy: float
    per_person: Mapping[str, Mapping[str, float]]
    """precision, recall, f1, faces of each."""
    macro: Mapping[str, float]
    """Mean over the people."""
    weighted: Mapping[str, float]
    """Mean over the faces."""
    confusion: NDArray[np.int64]
    """[true, named]"""
    report: str
    """scikit-learn's table of it."""


def figures(truth: Labels, named: Labels, classes: Sequence[str]) -> Figures:
    """Precision without a name given, and recall without a face, count as 0."""
    from sklearn.metrics import classification_report, confusion_matrix

    labels = list(range(len(classes)))
    options: dict[str, Any] = {"labels": labels, "target_names": classes, "zero_division": 0}
    told = classification_report(truth, named, output_dict=True, **options)
    return Figures(
        accuracy=float(np.mean(truth == named)),
        per_person={name: _plain(told[name]) for name in classes},
        macro=_plain(told["macro avg"]),
        weighted=_plain(told["weighted avg"]),
        confusion=confusion_matrix(truth, named, labels=labels).astype(np.int64),
        report=classification_report(truth, named, digits=3, **options),
    )


def _plain(found: Mapping[str, float]) -> dict[str, float]:
    names = {"precision": "precision", "recall": "recall", "f1-score": "f1", "support": "faces"}
    return {ours: round(float(found[theirs]), 5) for theirs, ours in names.items()}


@dataclass(frozen=True, slots=True)
class Reliability:
    """Whether a probability means what it says."""

    said: tuple[float, ...]
    """Mean probability of each bin that has faces."""
    right: tuple[float, ...]
    """Share of them that were right."""
    faces: tuple[int, ...]
    error: float
    """Expected calibration error: mean distance of the two, over the faces."""


def reliability(highest: Probabilities, right: NDArray[np.bool_]) -> Reliability:
    """By bins of equal width of the highest probability."""
    bins = np.minimum((np.asarray(highest) * BINS).astype(int), BINS - 1)
    rows = [bins == number for number in range(BINS) if (bins == number).any()]
    said = [float(highest[row].mean()) for row in rows]
    share = [float(right[row].mean()) for row in rows]
    faces = [int(row.sum()) for row in rows]
    gaps = np.abs(np.array(said) - np.array(share))
    return Reliability(
        tuple(round(value, 5) for value in said),
        tuple(round(value, 5) for value in share),
        tuple(faces),
        round(float(gaps @ np.array(faces) / max(1, sum(faces))), 5),
    )


@dataclass(frozen=True, slots=True)
class OpenSet:
    """What becomes of faces at a threshold below which a face is nobody."""

    threshold: float
    named_right: float
    """Of the known people's faces."""
    named_wrong: float
    not_recognised: float
    outsiders: int
    """Faces of people who are no class."""
    outsiders_named: float | None
    """Share of those that are taken for somebody; None without any."""


def open_set(
    probabilities: Probabilities, truth: Labels, outsiders: Probabilities, threshold: float
) -> OpenSet:
    """`probabilities` [n, classes] of known people's faces, `outsiders` [m, classes]."""
    named = probabilities.max(axis=1) >= threshold
    right = named & (probabilities.argmax(axis=1) == truth)
    return OpenSet(
        threshold=round(float(threshold), 5),
        named_right=round(float(right.mean()), 5),
        named_wrong=round(float((named & ~right).mean()), 5),
        not_recognised=round(float((~named).mean()), 5),
        outsiders=len(outsiders),
        outsiders_named=_share(outsiders, threshold),
    )


def _share(outsiders: Probabilities, threshold: float) -> float | None:
    if not len(outsiders):
        return None
    return round(float((outsiders.max(axis=1) >= threshold).mean()), 5)


def threshold_for(probabilities: Probabilities, truth: Labels, outsiders: Probabilities) -> float:
    """The lowest probability at which at most `FALSE_NAMES` of the outsiders are named and at least
    `PRECISION` of the names given to known people are right; where no probability does, it lies
    above that of every wrong name."""
    highest, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    order = np.argsort(-highest, kind="stable")
    precision = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(precision >= PRECISION)
    wrong = highest[~right]
    if len(enough):
        least = float(highest[order][enough[-1]])
    else:
        least = float(np.nextafter(wrong.max(), np.inf)) if len(wrong) else 0.0
    if len(outsiders):
        ordered = np.sort(outsiders.max(axis=1))
        allowed = int(FALSE_NAMES * len(ordered))
        least = max(least, float(np.nextafter(ordered[len(ordered) - 1 - allowed], np.inf)))
    return min(least, 1.0)
