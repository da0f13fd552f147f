"""Thresholds from a user's own named faces: the lowest at which automatic names are right as often
as wanted.

Each face is tried twice with its photo left out: as one of its person's, and as a stranger's, the
person being unknown. So half of the faces that are tried belong to nobody in the library, as in
most collections; where strangers are rarer, names are right more often than is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.core.leave_out import NONE, Trials

LEVELS = np.arange(1, 1000) / 1000
"""Values of `accept` that are tried."""

STRICTER = (1.0, 0.7, 0.5, 0.35, 0.25, 0.15, 0.1, 0.0)
"""Shares of the errors allowed that are tried, until the thresholds hold for people who had no part
in the choice."""

FOLDS = 10
"""Parts of the people, each judged by the choice of the nine others."""

NOBODY = 2.0
"""An accept at which nobody is named."""

LEAST_PEOPLE = 5
"""With fewer there is hardly anybody to be mistaken for."""

RULE_OF_THREE = 3.0
"""After n trials without an error the error rate is below 3 / n, with 95 % confidence (Hanley and
Lippman-Hand 1983): that many trials for each unit of the error rate that is wanted."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What a pair of thresholds does to faces that are tried."""

    right: int
    """Faces given their own name."""
    wrong: int
    """Faces given another's name, as their person's or as a stranger's."""
    faces: int
    """Faces that could be given their own name."""

    @property
    def precision(self) -> float:
        named = self.right + self.wrong
        return self.right / named if named else 1.0

    def __add__(self, other: Rates) -> Rates:
        return Rates(self.right + other.right, self.wrong + other.wrong, self.faces + other.faces)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Thresholds and what they do."""

    accept: float
    margin: float
    rates: Rates
    """On the faces that they were chosen on."""
    checked: Rates
    """On faces of people other than those they were chosen on: nine tenths of the people choose for
    the last tenth, ten times."""


def needed(precision: float) -> int:
    """How many faces must be tried before `precision` can be told apart from less; each counts
    twice."""
    return int(np.ceil(RULE_OF_THREE / (1 - precision) / 2))


def choose(
    found: Trials, people: NDArray[np.int64], precision: float, margin: float
) -> Chosen | None:
    """The `accept` that gives most faces [n] of `people` their names, of those whose names are
    right at least that often: on the faces that chose it, and on people who had no part in the
    choice. None where no threshold is good enough.

    What is best on the faces that chose it is worse on others, so the choice is made stricter until
    it holds for them. For the same reason the lead over the runner-up is the caller's: chosen too,
    it made 33 instead of 21 names in 1,000 wrong where 10 were allowed (the album's 307 faces of 30
    people, halves of the people choosing for each other).
    """
    fold = np.searchsorted(np.unique(people), people) % FOLDS
    for strictness in STRICTER:
        wanted = 1 - (1 - precision) * strictness
        checked = Rates(0, 0, 0)
        for number in range(FOLDS):
            accept = _lowest(_part(found, fold != number), wanted, margin)
            checked = checked + rates(_part(found, fold == number), accept, margin)
        accept = _lowest(found, wanted, margin)
        if checked.right and checked.precision >= precision:
            return Chosen(accept, margin, rates(found, accept, margin), checked)
    return None


def rates(found: Trials, accept: float, margin: float) -> Rates:
    """What thresholds do to faces that are tried."""
    events = _Events(found, margin)
    right, wrong = (int((scores >= accept).sum()) for scores in (events.right, events.wrong))
    return Rates(right, wrong, int((found.own > NONE).sum()))


class _Events:
    """At which `accept` each face is named right or wrong, the margin being given."""

    def __init__(self, found: Trials, margin: float) -> None:
        known = found.own > NONE
        own, rival, second = found.own, found.rival_score, found.second_score
        self.right = own[known & (own > rival) & (own - rival >= margin)]
        mistaken = known & (rival >= own) & (rival - np.maximum(own, second) >= margin)
        strange = rival - second >= margin
        self.wrong = np.concatenate([rival[mistaken], rival[strange]])


def _lowest(found: Trials, precision: float, margin: float) -> float:
    """The lowest accept that is good enough; NOBODY where there is none."""
    events = _Events(found, margin)
    right, wrong = (
        len(scores) - np.searchsorted(np.sort(scores), LEVELS)
        for scores in (events.right, events.wrong)
    )
    good = np.flatnonzero((right > 0) & (right >= precision * (right + wrong)))
    return float(LEVELS[good[0]]) if len(good) else NOBODY


def _part(found: Trials, rows: NDArray[np.bool_]) -> Trials:
    return Trials(
        found.own[rows],
        found.rival[rows],
        found.rival_score[rows],
        found.second_score[rows],
        found.others,
    )


def most_wrong(checked: Rates, confidence: float = 0.95) -> float:
    """Upper limit of the share of wrong names (Clopper and Pearson)."""
    from scipy.special import betaincinv

    named = checked.right + checked.wrong
    if checked.wrong >= named:
        return 1.0
    return float(betaincinv(checked.wrong + 1, named - checked.wrong, confidence))


def spread(people: Sequence[int] | NDArray[np.int64], limit: int) -> NDArray[np.intp]:
    """Rows of faces such that nobody has more than `limit` of them, evenly spread; `people`
    rises."""
    known, starts, counts = np.unique(people, return_index=True, return_counts=True)
    rows = [
        start + np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(np.intp))
        for start, count in zip(starts, counts, strict=True)
    ]
    return np.concatenate(rows) if len(known) else np.empty(0, np.intp)
