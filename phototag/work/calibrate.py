"""Thresholds of the library's own: measured on the faces that its user named, each with its photo
left out, and kept in `calibration/MODEL.json` beside the catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.examples import Decided, decided_faces
from phototag.catalog.store import Library
from phototag.core.calibration import (
    LEAST_PEOPLE,
    Chosen,
    Rates,
    choose,
    most_wrong,
    needed,
    rates,
    spread,
)
from phototag.core.leave_out import NONE, Stand, Trials, histogram, level, share_above, trials
from phototag.core.types import Thresholds, Vectors
from phototag.errors import UsageError
from phototag.output import atomic
from phototag.vision.models import ModelCard
from phototag.work.group import Grouping, regroup
from phototag.work.models import calibration_path, thresholds_of

MOST_FACES = 100
"""Of one person that are tried: more would let one person choose for all."""

SUGGEST_RATE = 1e-2
"""Share of comparisons with a stranger that reach `suggest`: as in the models' cards."""

PAIR_RATES = (1e-2, 1e-3, 1e-4)
"""False accept rates of single pairs (`verify`) that are measured, where ten pairs reach them."""

SCHEMA = "phototag/calibration/1"


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured, and what it would change."""

    model: str
    precision: float
    """That was asked for."""
    people: int
    """Who have named faces in two photos or more."""
    faces: int
    """That were tried."""
    needed: int
    """How many must be tried for that precision."""
    before: Thresholds
    after: Thresholds | None
    """None: the data are too few, or no threshold is good enough."""
    problem: str | None
    """Why not, and what to do."""
    named: float | None
    """Share of the faces tried that are given their own name with `after`…"""
    named_before: float
    """…and with `before`."""
    wrong_per_1000: float | None
    """Wrong names to expect in 1,000 automatic ones: of people who had no part in the choice…"""
    wrong_at_most: float | None
    """…and with 95 % confidence at most so many."""
    wrong_before: float
    """With `before`."""
    measured: Mapping[str, Any]
    """For the library's file."""


def measure(lib: Library, card: ModelCard, precision: float) -> Calibration:
    """Try all named faces; nothing is written. Raises UsageError for a precision out of range,
    ModelError where the model has no thresholds that could be replaced."""
    if not 0.5 <= precision <= 0.9999:
        raise UsageError(f"--precision is {precision:g}; it can be 0.5 to 0.9999.")
    before = thresholds_of(card)
    decided = decided_faces(lib, card.id)
    rows = spread(decided.people, MOST_FACES)
    people = decided.people[rows]
    found = trials(decided.vectors[rows], people, decided.photos[rows], stand_of(decided))
    tried = found.own > NONE
    count = len(np.unique(people[tried]))
    problem = _too_few(count, int(tried.sum()), precision)
    chosen = None if problem else choose(found, people, precision, before.margin)
    if chosen is None and problem is None:
        problem = (
            f"No threshold makes {precision:.1%} of the automatic names right. Are some faces "
            "named wrong? See phototag audit. Or ask for less: --precision 0.95."
        )
    after = None if chosen is None else _thresholds(chosen, before, found)
    measured = {} if chosen is None else _measured(chosen, precision, count, found, decided, rows)
    return _report(card.id, precision, count, found, before, after, chosen, problem, measured)


def stand_of(decided: Decided) -> Stand:
    """The faces that stand for people; of somebody whose examples were not chosen yet, all."""
    chosen = np.isin(decided.people, decided.people[decided.is_example])
    rows = decided.is_example | ~chosen
    return Stand(decided.people[rows], decided.photos[rows], decided.vectors[rows])


def _too_few(people: int, faces: int, precision: float) -> str | None:
    if people >= LEAST_PEOPLE and faces >= needed(precision):
        return None
    return (
        f"{people:,} people with {faces:,} named faces in two photos or more are too few for "
        f"{precision:.1%}: it takes {LEAST_PEOPLE} people and {needed(precision):,} faces. Name "
        "more, or ask for less: --precision 0.95."
    )


def _thresholds(chosen: Chosen, before: Thresholds, found: Trials) -> Thresholds:
    """`margin` stays, and so does `cluster`: it parts strangers, and named faces say little about
    them. `suggest` lies a margin below `accept` at least, since only whom a face may be counts as a
    runner-up."""
    suggest = min(_up(level(found.others, SUGGEST_RATE)), chosen.accept - chosen.margin)
    return replace(before, accept=chosen.accept, suggest=round(suggest, 3))


def _up(value: float) -> float:
    return float(np.ceil(value * 1000) / 1000)


def _measured(
    chosen: Chosen,
    precision: float,
    people: int,
    found: Trials,
    decided: Decided,
    rows: NDArray[np.intp],
) -> dict[str, Any]:
    return {
        "precision": precision,
        "people": people,
        "faces": chosen.rates.faces,
        "right": chosen.rates.right,
        "wrong": chosen.rates.wrong,
        "checked": asdict(chosen.checked),
        "suggest": {"false_match_rate": SUGGEST_RATE, "comparisons": int(found.others.sum())},
        "pairs": pair_figures(decided.vectors[rows], decided.people[rows], decided.photos[rows]),
    }


def pair_figures(
    vectors: Vectors, people: NDArray[np.int64], photos: NDArray[np.int64]
) -> dict[str, Any]:
    """Every pair of faces of two photos: thresholds by false accept rate, and the share of pairs of
    one person that reach each."""
    same, different = histogram(vectors[:0, 0]), histogram(vectors[:0, 0])
    for start in range(0, len(vectors), 512):
        stop = min(start + 512, len(vectors))
        sims = vectors[start:stop] @ vectors.T
        counted = photos[start:stop, None] != photos[None]
        counted &= np.arange(start, stop)[:, None] < np.arange(len(vectors))[None]
        alike = people[start:stop, None] == people[None]
        same = same + histogram(sims[counted & alike])
        different = different + histogram(sims[counted & ~alike])
    known = [rate for rate in PAIR_RATES if different.sum() * rate >= 10]
    edges = {rate: level(different, rate) for rate in known}
    return {
        "pairs": int(same.sum() + different.sum()),
        "thresholds": {f"{rate:.0e}": round(edge, 4) for rate, edge in edges.items()},
        "tar": {f"{rate:.0e}": round(share_above(same, edge), 4) for rate, edge in edges.items()},
    }


def _report(
    model: str,
    precision: float,
    people: int,
    found: Trials,
    before: Thresholds,
    after: Thresholds | None,
    chosen: Chosen | None,
    problem: str | None,
    measured: Mapping[str, Any],
) -> Calibration:
    old = rates(found, before.accept, before.margin)
    faces = int((found.own > NONE).sum())
    return Calibration(
        model=model,
        precision=precision,
        people=people,
        faces=faces,
        needed=needed(precision),
        before=before,
        after=after,
        problem=problem,
        named=None if chosen is None else round(chosen.rates.right / max(1, faces), 4),
        named_before=round(old.right / max(1, faces), 4),
        wrong_per_1000=None if chosen is None else _per_1000(chosen.checked),
        wrong_at_most=None if chosen is None else round(1000 * most_wrong(chosen.checked), 1),
        wrong_before=_per_1000(old),
        measured=measured,
    )


def _per_1000(found: Rates) -> float:
    return round(1000 * (1 - found.precision), 1)


# ---- taking it into use


def use(lib: Library, card: ModelCard, found: Calibration, now: str) -> Grouping:
    """Keep the thresholds in the library, and look at all faces again by them. Raises
    CannotWrite."""
    assert found.after is not None
    path = calibration_path(lib.folder, card.id)
    said = {
        "schema": SCHEMA,
        "model": card.id,
        "made": now,
        "thresholds": asdict(found.after),
        "measured": dict(found.measured),
    }
    atomic.make_folder(path.parent)
    atomic.write(path, (json.dumps(said, indent=2) + "\n").encode())
    return regroup(lib, card.id, found.after)


def reset(lib: Library, card: ModelCard) -> Grouping | None:
    """Go back to the card's own thresholds (`card` as it came); None where they are in use."""
    path: Path = calibration_path(lib.folder, card.id)
    if not path.is_file():
        return None
    path.unlink()
    return regroup(lib, card.id, thresholds_of(card))
