"""Figures for comparing faces: verification, clustering, identification. Pure: numpy in, frozen
values out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.floating]
Truth = NDArray[np.bool_]

RATES = (1e-2, 1e-3, 1e-4)
"""False accept rates at which the true accept rate is given."""


@dataclass(frozen=True, slots=True)
class Roc:
    """Error rates by threshold: a pair is accepted at or above it."""

    thresholds: NDArray[np.float64]
    """Falling; the first is above every score."""
    false_accepts: NDArray[np.float64]
    true_accepts: NDArray[np.float64]

    @property
    def auc(self) -> float:
        """Area under the curve of true over false accepts."""
        return float(np.trapezoid(self.true_accepts, self.false_accepts))

    @property
    def eer(self) -> float:
        """Equal error rate: where false accepts equal false rejects (linear between two
        thresholds)."""
        gap = self.false_accepts - (1 - self.true_accepts)
        after = int(np.argmax(gap >= 0))
        if gap[after] == 0 or after == 0:
            return float(self.false_accepts[after])
        share = -gap[after - 1] / (gap[after] - gap[after - 1])
        step = self.false_accepts[after] - self.false_accepts[after - 1]
        return float(self.false_accepts[after - 1] + share * step)

    def tar(self, rate: float) -> float:
        """True accept rate at the lowest threshold whose false accept rate is at most `rate`."""
        return float(self.true_accepts[self.false_accepts <= rate].max())


def roc(scores: Scores, same: Truth) -> Roc:
    """The curve of all thresholds. Raises ValueError unless there are pairs of both kinds."""
    if same.all() or not same.any():
        raise ValueError("both pairs of the same and of different people are needed")
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    ordered, truth = values[order], same[order]
    last = np.append(ordered[1:] != ordered[:-1], True)  # equal scores are accepted together
    accepted = np.cumsum(truth)[last]
    false = np.cumsum(~truth)[last]
    return Roc(
        thresholds=np.concatenate([[np.inf], ordered[last]]),
        false_accepts=np.concatenate([[0.0], false / (~same).sum()]),
        true_accepts=np.concatenate([[0.0], accepted / same.sum()]),
    )


def best_threshold(scores: Scores, same: Truth) -> float:
    """The threshold of the highest accuracy: midway between two scores, the lowest of equals."""
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    ordered, truth = values[order], same[order]
    right = np.concatenate([[truth.sum()], truth.sum() - np.cumsum(truth) + np.cumsum(~truth)])
    may_cut = np.concatenate([[True], ordered[1:] != ordered[:-1], [True]])
    cut = int(np.argmax(np.where(may_cut, right, -1)))
    ends = np.concatenate([[ordered[0] - 1e-3], ordered, [ordered[-1] + 1e-3]])
    return float((ends[cut] + ends[cut + 1]) / 2)


@dataclass(frozen=True, slots=True)
class FoldAccuracy:
    """Accuracy when each fold is judged at the threshold that the others chose."""

    mean: float
    standard_error: float
    thresholds: tuple[float, ...]


def fold_accuracy(scores: Scores, same: Truth, folds: NDArray[np.integer]) -> FoldAccuracy:
    """LFW's protocol (Huang, Ramesh, Berg, Learned-Miller 2007): `folds` [n] numbers each pair's
    fold."""
    found, chosen = [], []
    for fold in np.unique(folds):
        held = folds == fold
        threshold = best_threshold(scores[~held], same[~held])
        found.append(float(((scores[held] >= threshold) == same[held]).mean()))
        chosen.append(threshold)
    spread = float(np.std(found, ddof=1) / np.sqrt(len(found)))
    return FoldAccuracy(float(np.mean(found)), spread, tuple(chosen))


def threshold_at(impostors: Scores, rate: float) -> float:
    """The lowest score that at most the share `rate` of the impostors' scores reaches."""
    ordered = np.sort(np.asarray(impostors, dtype=np.float64))
    allowed = int(np.floor(rate * len(ordered)))
    return float(np.nextafter(ordered[len(ordered) - 1 - allowed], np.inf))


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean."""

    precision: float
    recall: float

    @property
    def f(self) -> float:
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def _table(
    truth: Sequence[Hashable], groups: Sequence[Hashable]
) -> tuple[Counter[tuple[Hashable, Hashable]], Counter[Hashable], Counter[Hashable]]:
    if len(truth) != len(groups) or not len(truth):
        raise ValueError("truth and groups must have one entry for each face")
    return Counter(zip(truth, groups, strict=True)), Counter(truth), Counter(groups)


def bcubed(truth: Sequence[Hashable], groups: Sequence[Hashable]) -> Agreement:
    """BCubed (Bagga and Baldwin 1998): over the faces, the share of a face's group that is its
    person, and the share of its person that is in its group. A face alone has a group of its
    own: give it a label of its own."""
    cells, people, sizes = _table(truth, groups)
    precision = sum(n * n / sizes[g] for (_, g), n in cells.items()) / len(truth)
    recall = sum(n * n / people[p] for (p, _), n in cells.items()) / len(truth)
    return Agreement(precision, recall)


def pairwise(truth: Sequence[Hashable], groups: Sequence[Hashable]) -> Agreement:
    """The same over pairs of faces. Without a pair in one group the precision is 1."""
    cells, people, sizes = _table(truth, groups)

    def pairs(counts: Counter[Hashable]) -> int:
        return sum(n * (n - 1) // 2 for n in counts.values())

    right = sum(n * (n - 1) // 2 for n in cells.values())
    made, true = pairs(sizes), pairs(people)
    return Agreement(right / made if made else 1.0, right / true if true else 1.0)


def clicks_to_name(
    truth: Sequence[Hashable], groups: Sequence[Hashable], share: float = 0.9
) -> int:
    """Decisions until `share` of the faces bear the right name: groups from the largest on are
    named after most of their faces (one click), then each face that does not belong is put right
    (one click each)."""
    _table(truth, groups)
    members: dict[Hashable, Counter[Hashable]] = {}
    for person, group in zip(truth, groups, strict=True):
        members.setdefault(group, Counter())[person] += 1
    clicks = named = 0
    needed = int(np.ceil(share * len(truth) - 1e-9))
    for people in sorted(members.values(), key=lambda c: (-c.total(), -max(c.values()))):
        majority = max(people.values())
        clicks, named = clicks + 1, named + majority
        repairs = people.total() - majority
        if named + repairs >= needed:
            return clicks + max(0, needed - named)
        clicks, named = clicks + repairs, named + repairs
    return clicks


def same_photo_violations(photos: Sequence[Hashable], groups: Sequence[Hashable]) -> int:
    """Pairs of faces of one photo that are in one group."""
    together = Counter(zip(photos, groups, strict=True))
    return sum(n * (n - 1) // 2 for n in together.values())


@dataclass(frozen=True, slots=True)
class Identification:
    """How well probes find their people in a gallery."""

    rank1: float
    """Share of the probes of enrolled people whose best person is right."""
    rank5: float
    dir: Mapping[float, float]
    """By false alarm rate: the share of those probes whose best person is right and above the
    threshold that this share of the strangers reaches (detection and identification rate). Empty
    without strangers."""
    thresholds: Mapping[float, float]
    enrolled: int
    strangers: int


def identification(
    scores: Scores, truth: NDArray[np.integer], rates: Sequence[float] = RATES
) -> Identification:
    """`scores` [probes, people] and the column of each probe's person, -1 for a stranger. Raises
    ValueError."""
    known = truth >= 0
    if not known.any():
        raise ValueError("no probe shows a person of the gallery")
    own = scores[known, truth[known]]
    rank = (scores[known] >= own[:, None]).sum(axis=1) - 1  # a tie counts against
    alarms = scores[~known].max(axis=1) if (~known).any() else np.empty(0)
    thresholds = {r: threshold_at(alarms, r) for r in rates} if len(alarms) else {}
    return Identification(
        rank1=float((rank == 0).mean()),
        rank5=float((rank < 5).mean()),
        dir={r: float(((rank == 0) & (own >= t)).mean()) for r, t in thresholds.items()},
        thresholds=thresholds,
        enrolled=int(known.sum()),
        strangers=int((~known).sum()),
    )
