"""Thresholds of a model card, measured on the faces of people who were not in training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from phototag.bench.metrics import Agreement, bcubed, fold_accuracy, pairwise, roc, threshold_at
from phototag.core.clustering import ALONE, agglomerate, neighbours
from phototag.core.examples import BEST
from phototag.core.types import Thresholds, Vectors
from phototag.errors import UsageError

ACCEPT_RATE = 1e-4
SUGGEST_RATE = 1e-2

EXAMPLE_COUNTS = (1, 2, 3, 6, 12)
"""People with few examples and with many are judged by the same thresholds: the strictest of these
counts decides."""

CUTS = np.round(np.arange(0.10, 0.99, 0.02), 2)
"""Cluster thresholds that are tried."""

NEIGHBOURS = 64

WRONG_NAMES = 0.005
"""Share of wrong names among the accepted that the margin must reach."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds and what they were measured on."""

    thresholds: Thresholds
    measurements: Mapping[str, Any]


def calibrate(vectors: Vectors, labels: NDArray[np.integer]) -> Calibration:
    """Measure `accept`, `suggest`, `cluster` and `margin` on faces [n, d] (on the grid) with the
    identities `labels` [n].

    Raises UsageError where there are too few different people for a false match rate of 1e-4.
    """
    people = _people(labels)
    impostors = sum(len(labels) - len(rows) for rows in people)
    if impostors * ACCEPT_RATE < 1:
        raise UsageError(
            f"{len(people)} people with {len(labels)} faces are too few for a false match rate of "
            f"{ACCEPT_RATE}: they give {impostors} comparisons with a stranger, and "
            f"{1 / ACCEPT_RATE:.0f} are needed."
        )
    scores = _Scores(vectors, people)
    accept, suggest, rates = _score_thresholds(scores)
    margin, margin_note = _margin(scores, accept, suggest)
    cluster, cluster_note = best_cut(vectors, labels)
    thresholds = Thresholds(
        accept=_rounded_up(accept),
        suggest=_rounded_up(suggest),
        cluster=cluster,
        margin=min(margin, round(_rounded_up(accept) - _rounded_up(suggest), 3)),
    )
    notes = {
        "faces": len(labels),
        "people": len(people),
        "accept": {"false_match_rate": ACCEPT_RATE, "comparisons": impostors, **rates["accept"]},
        "suggest": {"false_match_rate": SUGGEST_RATE, "comparisons": impostors, **rates["suggest"]},
        "margin": margin_note,
        "cluster": cluster_note,
        "pairs": pair_figures(vectors, labels),
    }
    return Calibration(thresholds, notes)


def _rounded_up(value: float) -> float:
    return float(np.ceil(value * 1000) / 1000)


def _people(labels: NDArray[np.integer]) -> list[NDArray[np.intp]]:
    """Rows of each identity; faces without one are left out."""
    known = np.unique(labels[labels >= 0])
    return [np.flatnonzero(labels == person) for person in known]


class _Scores:
    """Scores of all faces for all people, as `core.matching` gives them: the mean of the three best
    similarities."""

    def __init__(self, vectors: Vectors, people: list[NDArray[np.intp]]) -> None:
        self.people = people
        self.impostor: dict[int, list[Vectors]] = {count: [] for count in EXAMPLE_COUNTS}
        self.genuine: dict[int, list[float]] = {count: [] for count in EXAMPLE_COUNTS}
        self.table = np.empty((len(vectors), len(people)), dtype=np.float32)
        """[faces, people]: with all examples but the face itself."""
        everyone = np.concatenate(people)
        for column, rows in enumerate(people):
            sims = vectors @ vectors[rows].T
            others = everyone[~np.isin(everyone, rows)]
            self.table[:, column] = _best_mean(sims)
            for count in EXAMPLE_COUNTS:
                if len(rows) >= min(count, 2):
                    self.impostor[count].append(_best_mean(sims[others, :count]))
                    self.genuine[count] += _left_out(sims[rows], count)
            self.table[rows, column] = _left_out(sims[rows], len(rows)) or -1

    def level(self, count: int, rate: float) -> float:
        return threshold_at(np.concatenate(self.impostor[count]), rate)

    def found(self, count: int, threshold: float) -> float:
        return round(float((np.array(self.genuine[count]) >= threshold).mean()), 4)


def _best_mean(sims: Vectors) -> Vectors:
    """[n]: the mean of the BEST largest of each row of [n, k], of all where there are fewer."""
    best = min(BEST, sims.shape[1])
    found: Vectors = np.sort(sims, axis=1)[:, -best:].sum(axis=1) / np.float32(best)
    return found


def _left_out(sims: Vectors, count: int) -> list[float]:
    """Each face of a person [m, m] against the first `count` other ones; nothing where it is the
    only one."""
    places = np.arange(len(sims))
    return [
        float(_best_mean(sims[i, places[places != i][:count]][None])[0])
        for i in places
        if len(sims) > 1
    ]


def _score_thresholds(scores: _Scores) -> tuple[float, float, dict[str, Any]]:
    """(accept, suggest, notes): the strictest over the numbers of examples."""
    notes, chosen = {}, []
    for name, rate in (("accept", ACCEPT_RATE), ("suggest", SUGGEST_RATE)):
        levels = {count: scores.level(count, rate) for count in EXAMPLE_COUNTS}
        chosen.append(max(levels.values()))
        notes[name] = {
            "by_examples": {str(k): round(v, 4) for k, v in levels.items()},
            "found_by_examples": {str(k): scores.found(k, chosen[-1]) for k in levels},
        }
    return chosen[0], chosen[1], notes


def _margin(scores: _Scores, accept: float, suggest: float) -> tuple[float, dict[str, Any]]:
    """The smallest lead over the runner-up with at most WRONG_NAMES wrong names, each face judged
    without itself."""
    faces = np.concatenate(scores.people)
    own = np.repeat(np.arange(len(scores.people)), [len(rows) for rows in scores.people])
    table = scores.table[faces]
    ordered = np.sort(table, axis=1)
    first, lead = ordered[:, -1], ordered[:, -1] - ordered[:, -2]
    right = (table[np.arange(len(faces)), own] == first) & (lead > 0)
    sure = first >= accept
    steps = np.round(np.arange(0, accept - suggest + 5e-4, 0.005), 3)
    wrong = [
        float((~right[sure & (lead >= m)]).mean()) if (sure & (lead >= m)).any() else 0.0
        for m in steps
    ]
    good = [i for i, share in enumerate(wrong) if share <= WRONG_NAMES]
    chosen = good[0] if good else len(steps) - 1
    return float(steps[chosen]), {
        "wrong_names_without": round(wrong[0], 5),
        "wrong_names": round(wrong[chosen], 5),
        "named": round(float((sure & (lead >= steps[chosen])).mean()), 4),
        "rule": f"smallest lead with at most {WRONG_NAMES:.1%} wrong names among the accepted",
    }


def best_cut(vectors: Vectors, labels: NDArray[np.integer]) -> tuple[float, dict[str, Any]]:
    """The average-link threshold with the best BCubed F (the strictest of equals), every face in a
    photo of its own.

    The candidates come from scipy's average linkage, whose one tree holds every cut; the figures
    are those of `core.clustering` at the chosen one.
    """
    truth = labels.tolist()
    distances = 1 - (vectors @ vectors.T)[np.triu_indices(len(vectors), 1)]
    tree = linkage(np.maximum(distances, 0), method="average")
    tried = {
        float(cut): bcubed(truth, fcluster(tree, 1 - cut, criterion="distance").tolist()).f
        for cut in CUTS
    }
    cut = max(tried, key=lambda c: (round(tried[c], 6), c))
    count = len(vectors)
    groups = agglomerate(
        vectors,
        *neighbours(vectors, NEIGHBOURS, cut),
        np.arange(count),
        np.ones(count, dtype=bool),
        np.arange(count),
        cut,
    )
    named = singles_apart(groups)
    return cut, {
        "bcubed": _agreement(bcubed(truth, named)),
        "pairwise": _agreement(pairwise(truth, named)),
        "tried": {f"{c:.2f}": round(f, 4) for c, f in tried.items()},
        "rule": "average-link cut with the best BCubed F",
    }


def _agreement(found: Agreement) -> dict[str, float]:
    return {
        "precision": round(found.precision, 4),
        "recall": round(found.recall, 4),
        "f": round(found.f, 4),
    }


def singles_apart(groups: NDArray[np.integer]) -> list[int]:
    """Group numbers in which each face that is alone has a negative number of its own."""
    return [int(g) if g != ALONE else -1 - i for i, g in enumerate(groups)]


def pair_figures(vectors: Vectors, labels: NDArray[np.integer]) -> dict[str, Any]:
    """Verification of every pair of faces with known identities."""
    scores, same = all_pairs(vectors, labels)
    curve = roc(scores, same)
    impostors = scores[~same]
    return {
        "pairs": len(scores),
        "auc": round(curve.auc, 5),
        "eer": round(curve.eer, 5),
        "tar": {f"{r:.0e}": round(curve.tar(r), 4) for r in (1e-2, 1e-3, 1e-4)},
        "thresholds": {
            f"{r:.0e}": round(threshold_at(impostors, r), 4) for r in (1e-2, 1e-3, 1e-4)
        },
    }


def all_pairs(
    vectors: Vectors, labels: NDArray[np.integer]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Similarities of all pairs of faces of known identity, and whether they are of one person."""
    rows = np.flatnonzero(labels >= 0)
    known, faces = labels[rows], vectors[rows]
    upper = np.triu_indices(len(rows), 1)
    return (faces @ faces.T)[upper], (known[:, None] == known[None])[upper]


def pair_accuracy(vectors: Vectors, pairs: NDArray[np.integer]) -> tuple[float, float]:
    """(accuracy over ten folds, TAR at FAR 1e-2) of `pairs` [n, 3]: row, row, 1 for the same
    person."""
    scores = (vectors[pairs[:, 0]] * vectors[pairs[:, 1]]).sum(axis=1)
    same = pairs[:, 2].astype(bool)
    folds = np.arange(len(pairs)) % 10
    return fold_accuracy(scores, same, folds).mean, roc(scores, same).tar(1e-2)


def balanced_accuracy(vectors: Vectors, labels: NDArray[np.integer]) -> float:
    """Mean of the true accept and true reject rates of all pairs, at the threshold where it is
    highest."""
    curve = roc(*all_pairs(vectors, labels))
    return float(((curve.true_accepts + 1 - curve.false_accepts) / 2).max())
