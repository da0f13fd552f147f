"""When people lived: what the date of a photo says for and against somebody being in it.

Days are whole days since 1970-01-01; ages are years. A photo's day is NaN where its EXIF does not
tell it: then time is no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Vectors
from phototag.errors import UsageError

Days = NDArray[np.float64]

YEAR = 365.2425
"""Days."""

SLACK = 1
"""Days before a birth or after a death that a photo may still be of: cameras know no time zones."""

GROWN = 18.0
"""Years from which on a face is compared with all examples alike."""

YOUNG = 6.0
"""Years below which a child must lead its runner-up by more."""

FADE = 0.02
"""What a difference in age takes from a similarity, for each doubling of the age (plus one).

By simulation (`benchmarks/ages.py`; faces of growing children were not to be had): at 1 wrong name
in 1,000 faces it gives 68.6 % of the children their name instead of 66.7 % where infants are told
apart as others are, and 67.8 instead of 68.2 where they are mistaken for one another ten times as
often; at 10 wrong 85.9 for 85.5, and 83.7 for 84.3; about 2 points are noise. With `accept` as it
is it costs 1 point of 21. So it is small: who looks alike is mostly of like age already. 0.06 and
more lose more than they gain.
"""

MORE_MARGIN = 0.06
"""How much more, in similarity. By the same simulation, of children under six at 1 wrong name in
1,000: 53.1 % get their name instead of 47.2 where infants are mistaken for one another (51.6
instead of 52.4 where they are not); at 10 wrong it costs 9 to 10 points of 71 to 76. Names are
given far below 1 wrong in 1,000."""

LENGTHS = (10, 7, 4)
"""Of `2019-04-02`, `2019-04` and `2019`."""


@dataclass(frozen=True, slots=True)
class Life:
    """What a user said of when somebody lived: ISO dates, or only a year or a month."""

    born: str | None = None
    died: str | None = None

    def holds(self, day: float) -> bool:
        """Whether a photo of that day can show the person alive.

        What it gains and costs, by simulation (`benchmarks/ages.py --spans`): of children under six
        at 1 wrong name in 1,000, 53.0 % get their name instead of 46.4 where infants are mistaken
        for one another, as many as before where they are not; at 10 wrong 74.8 for 68.9 and 78.0
        for 76.4. One wrong date in 20 costs 1 to 2 points of that; those faces are suggested.
        """
        if np.isnan(day):
            return True
        first, last = day_of(self.born), day_of(self.died, end=True)
        return not (day < first - SLACK or day > last + SLACK)

    def ages(self, days: Days) -> NDArray[np.float64]:
        """Ages [n] on those days [n]; NaN where the day, or the birth, is not known."""
        return np.maximum((days - day_of(self.born)) / YEAR, 0.0)


def day_of(date: str | None, *, end: bool = False) -> float:
    """The day of an ISO date, of a month or a year the first (or last); what follows it does not
    count. NaN for none, and for what is no date."""
    text = date or ""
    size = next((n for n in LENGTHS if _is_date(text[:n], n)), 0)
    if not size:
        return float("nan")
    try:
        moment = np.datetime64(text[:size])  # of a unit that the text tells
    except ValueError:
        return float("nan")
    if end:
        unit: Any = np.datetime_data(moment.dtype)[0]
        following = moment + np.timedelta64(1, unit)
        return float(following.astype("datetime64[D]").astype(np.int64)) - 1
    return float(moment.astype("datetime64[D]").astype(np.int64))


def _is_date(text: str, size: int) -> bool:
    """Whether it looks like one of that length."""
    parts = text.split("-")
    return (
        len(text) == size
        and [len(part) for part in parts] == [4, 2, 2][: len(parts)]
        and all(part.isascii() and part.isdigit() for part in parts)
    )


def checked(word: str, text: str) -> str:
    """A date that a user typed (`2019-04-02`, `2019-04`, `2019`). Raises UsageError."""
    if len(text.strip()) not in LENGTHS or np.isnan(day_of(text.strip())):
        raise UsageError(f"--{word} {text!r} is no date: say it like 2019-04-02, 2019-04 or 2019.")
    return text.strip()


def faded(faces: NDArray[np.float64], examples: NDArray[np.float64]) -> Vectors:
    """What age takes from the similarities of faces [m] to examples [k], both of known or unknown
    (NaN) age: float32 [k, m].

    The examples nearest in age lose nothing, the others by how much farther they are: whoever has
    no example of that age is as likely as without dates. Grown-ups are of one age, and what is not
    known counts as near.
    """
    one, other = np.log2(1 + np.minimum(faces, GROWN)), np.log2(1 + np.minimum(examples, GROWN))
    gap = np.nan_to_num(np.abs(other[:, None] - one[None]), nan=0.0)
    lost: Vectors = (FADE * (gap - gap.min(axis=0))).astype(np.float32)
    return lost


def more_margin(age: float) -> float:
    """What the lead over the runner-up has to be more, for a face of that age."""
    return MORE_MARGIN if age < YOUNG else 0.0


def in_words(life: Life) -> str:
    """`was born 2019-04-02 and died 2020`."""
    parts = [f"was born {life.born}"] if life.born else []
    parts += [f"died {life.died}"] if life.died else []
    return " and ".join(parts) or "has no dates"
