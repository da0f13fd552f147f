"""The faces of a training run, divided: who is learnt from, who is asked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from phototag.bench.dataset import Dataset, digest_of_test
from phototag.bench.splits import TEST, TRAIN, VALIDATION, split
from phototag.bench.training_plan import Input, Plan
from phototag.core.types import first_line
from phototag.errors import UsageError

VALIDATION_SHARE = 0.12
"""Of a training part, where the set has no validation part of its own."""


@dataclass(frozen=True, slots=True)
class Ground:
    """The faces of a run, divided."""

    dataset: Dataset
    plan: Plan
    parts: tuple[str, ...]
    """Of each row: with a validation part, whether the set has one or not."""
    classes: tuple[str, ...]
    """Of the card."""

    @property
    def digest(self) -> str:
        return digest_of_test(self.dataset.rows, self.classes)

    def rows(self, part: str) -> list[int]:
        return [i for i, name in enumerate(self.parts) if name == part]

    def label(self, person: str) -> int:
        """Column of the probabilities (of both, for a binary network: others, person)."""
        if len(self.classes) == 1:
            return int(person == self.classes[0])
        return self.classes.index(person)


def prepare(dataset: Dataset, plan: Plan) -> Ground:
    """Say who is learnt from and who is asked. Raises UsageError where that makes no sense."""
    people = dataset.classes
    if len(people) < 2:
        raise UsageError(
            f"{dataset.folder}: a classifier needs two people to tell apart; there are "
            f"{len(people)} ({', '.join(people) or 'nobody'})."
        )
    if plan.person is not None and plan.person not in people:
        raise UsageError(f"There is no {plan.person!r} in the set: {first_line(people, 10)}.")
    tested = Counter(row.person for row in dataset.part(TEST))
    lost = [person for person in people if not tested[person]]
    if lost:
        raise UsageError(
            f"{dataset.folder}: the test part has no face of {first_line(lost)}, so nobody could "
            "say how well they are known. Add photos, or build the set with a higher --min-photos."
        )
    classes = people if plan.person is None else (plan.person,)
    return Ground(dataset, plan, _with_validation(dataset, plan.seed), classes)


def _with_validation(dataset: Dataset, seed: int) -> tuple[str, ...]:
    """The parts; some groups of the training part are taken for validation where there is none."""
    parts = [row.part for row in dataset.rows]
    if VALIDATION not in parts:
        at = [i for i, part in enumerate(parts) if part == TRAIN]
        shares = {TRAIN: 1 - VALIDATION_SHARE, VALIDATION: VALIDATION_SHARE}
        rows = [dataset.rows[i] for i in at]
        drawn = split([row.person for row in rows], [row.group for row in rows], shares, seed)
        for i, part in zip(at, drawn, strict=True):
            parts[i] = part
    if VALIDATION not in parts:
        raise UsageError(
            f"{dataset.folder}: its {len(dataset.part(TRAIN))} training faces are too few to "
            "choose the best epoch by. Add photos."
        )
    return tuple(parts)


def as_seen(crops: NDArray[np.uint8], seen: Input) -> NDArray[np.uint8]:
    """Aligned crops at the network's size and in its order of colours."""
    from phototag.vision.embed import shrink

    if not len(crops):
        return np.empty((0, seen.size, seen.size, 3), np.uint8)
    small = np.stack([shrink(crop, seen.size) for crop in crops])
    return np.ascontiguousarray(small[..., ::-1]) if seen.color == "bgr" else small
