"""Named faces ranked by how much speaks against their name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.core.leave_out import NONE, Trials
from phototag.core.quality import GOOD
from phototag.core.types import Vectors

FIRST_PHOTO = 1826
"""No photo is older: Niépce's view from his window."""

LONGEST_LIFE = 100
"""Years between a face and the middle one of its person beyond which a date is not believed."""

BY_DATE = 2.0
"""What a date that cannot be adds to the suspicion: more than any likeness can."""

BY_QUALITY = 0.1
"""What a face of no quality adds; one as good as it gets adds nothing."""


@dataclass(frozen=True, slots=True)
class Suspicions:
    """What speaks against each of some faces [n]."""

    suspicion: Vectors
    """0 and below: the face fits its person at least as well as anybody else."""
    dates: tuple[str | None, ...]
    """What is wrong with the date, in words."""

    def order(self) -> NDArray[np.intp]:
        """Rows, the most suspicious first; of equals the earlier row."""
        return np.argsort(-self.suspicion, kind="stable")


def suspect(
    found: Trials,
    people: NDArray[np.int64],
    qualities: NDArray[np.float32],
    taken: Sequence[str | None],
    *,
    alone: float,
    today: str,
) -> Suspicions:
    """How much better each face fits the best other person than its own, the photo left out.

    A face that is the only one of its person is held to fit with `alone` (the threshold of
    suggestions): so it is suspicious when it would be suggested to be somebody else. `taken` are
    ISO 8601, as is `today`.
    """
    own = np.where(found.own > NONE, found.own, np.float32(alone))
    suspicion = found.rival_score - own
    suspicion = suspicion + np.float32(BY_QUALITY) * (1 - np.clip(qualities / GOOD, 0, 1))
    dates = _dates(people, taken, today)
    wrong = np.array([date is not None for date in dates], dtype=np.float32)
    total: Vectors = (suspicion + np.float32(BY_DATE) * wrong).astype(np.float32)
    return Suspicions(total, dates)


def _dates(
    people: NDArray[np.int64], taken: Sequence[str | None], today: str
) -> tuple[str | None, ...]:
    years = np.array([_year(text) for text in taken])
    middle = {
        int(person): float(np.median(years[(people == person) & (years > 0)]))
        for person in np.unique(people[years > 0])
    }
    return tuple(
        _impossible(text, int(year), middle.get(int(person)), today)
        for text, year, person in zip(taken, years, people, strict=True)
    )


def _year(taken: str | None) -> int:
    """0: unknown."""
    return int(taken[:4]) if taken and taken[:4].isdigit() else 0


def _impossible(taken: str | None, year: int, middle: float | None, today: str) -> str | None:
    if not taken or not year or middle is None:
        return None
    if taken[:10] > today[:10]:
        return f"taken on {taken[:10]}, which is still to come"
    if year < FIRST_PHOTO:
        return f"taken in {year}, before there were photos"
    if abs(year - middle) > LONGEST_LIFE:
        return f"taken in {year}, and most others about {middle:.0f}"
    return None
