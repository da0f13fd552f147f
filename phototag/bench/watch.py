"""How a training goes: its epochs, when a stage lowers its rate, when it ends. Pure, so that it can
be written down and taken up again."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from phototag.bench.training_plan import Plan

FACTOR = 0.5
"""What `plateau` makes of the rate."""

LEAST_RATE = 0.01
"""Share of the rate below which neither schedule goes."""


@dataclass(frozen=True, slots=True)
class Watch:
    """How a stage stands after some of its epochs."""

    epochs: int
    """Planned."""
    done: int = 0
    best: float = math.inf
    """Least validation loss, also of the stages before."""
    waited: int = 0
    """Epochs since then."""
    lowered_at: int = 0
    """Epochs waited when the rate was last lowered."""
    factor: float = 1.0
    """What `plateau` has made of the rate."""

    def after(self, loss: float, plan: Plan) -> Watch:
        """After another epoch with that validation loss."""
        done = self.done + 1
        if loss < self.best:
            return replace(self, done=done, best=loss, waited=0, lowered_at=0)
        waited = self.waited + 1
        turn = max(1, (plan.patience or 0) // 2)
        if plan.schedule == "plateau" and plan.patience and waited - self.lowered_at >= turn:
            factor = max(self.factor * FACTOR, LEAST_RATE)
            return replace(self, done=done, waited=waited, lowered_at=waited, factor=factor)
        return replace(self, done=done, waited=waited)

    def is_over(self, plan: Plan) -> bool:
        """Whether the stage ends here: all epochs done, or none better for `patience` of them."""
        return self.done >= self.epochs or bool(plan.patience and self.waited >= plan.patience)

    def rate(self, plan: Plan, stage: int, part: float = 0.0) -> float:
        """The learning rate at that part (0..1) of the next epoch."""
        rate = plan.fine_rate if stage else plan.rate
        if plan.schedule == "cosine":
            spent = min(1.0, (self.done + part) / self.epochs)
            return rate * max(LEAST_RATE, 0.5 * (1 + math.cos(math.pi * spent)))
        return rate * self.factor


@dataclass(frozen=True, slots=True)
class Epoch:
    """A row of history.csv."""

    stage: int
    """1: the trunk frozen (or everything from scratch), 2: its last block unfrozen."""
    epoch: int
    """Over all stages, from 1."""
    rate: float
    loss: float
    """Mean over the epoch's batches, augmented, with the penalties for large weights."""
    accuracy: float
    val_loss: float
    val_accuracy: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a run is, for a progress bar."""

    epoch: int
    done: int
    """Steps."""
    total: int
    """Steps if no stage ends early."""
    last: Epoch | None
