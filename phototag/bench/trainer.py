"""The loop that trains a classifier: two stages, seeded, resumable after every epoch."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from phototag.bench.classifier_networks import Staged, trainable
from phototag.bench.training_plan import Input, Plan
from phototag.bench.watch import Epoch, Moment, Watch
from phototag.errors import UsageError
from phototag.output import atomic

Faces = NDArray[np.uint8]
Labels = NDArray[np.int64]

STATE, WEIGHTS = "state.json", "weights.npz"
PREDICTED = 64
"""Faces in one run of the network when nothing is learnt."""


@dataclass(frozen=True, slots=True)
class Part:
    """Faces [n, px, px, 3] of 0..255, in the network's order of colours, and their classes [n]."""

    faces: Faces
    labels: Labels


Tell = Callable[[Moment], None]


class Trainer:
    """A run in the folder `state`."""

    def __init__(
        self,
        plan: Plan,
        made: Staged,
        seen: Input,
        train: Part,
        validation: Part,
        state: Path,
    ) -> None:
        self.plan, self.made, self.seen = plan, made, seen
        self.train, self.validation, self.folder = train, validation, state
        self.history: list[Epoch] = []
        self.model = trainable(made, seen, plan.augmentation, plan.seed)
        self.batches = -(-len(train.labels) // plan.batch)
        self._weights = sample_weights(train.labels) if plan.class_weights else None
        self._best: Sequence[NDArray[Any]] = made.network.get_weights()
        self._enter(0, Watch(plan.epochs or 1))

    @property
    def total(self) -> int:
        """Steps if no stage ends early."""
        epochs = (self.plan.epochs or 1) + self.plan.two_stages * self.plan.fine_epochs
        return epochs * self.batches

    def _enter(self, stage: int, watch: Watch) -> None:
        """Begin a stage, with an optimizer of its own."""
        self.stage, self.watch = stage, watch
        self.made.stage(stage)
        rate = watch.rate(self.plan, stage)
        if self.plan.optimizer == "adam":
            optimizer: Any = keras.optimizers.Adam(rate)
        else:
            optimizer = keras.optimizers.SGD(rate, momentum=0.9, nesterov=True)
        binary = self.plan.model == "cnn-binary"
        # Made here, not by name: one that is made while TensorFlow traces makes it trace twice.
        count = keras.metrics.BinaryAccuracy if binary else keras.metrics.SparseCategoricalAccuracy
        self.model.compile(
            optimizer,
            loss="binary_crossentropy" if binary else "sparse_categorical_crossentropy",
            metrics=[count(name="accuracy")],
            jit_compile=False,
        )
        self.model.optimizer.build(self.model.trainable_variables)

    def run(self, tell: Tell = lambda _: None) -> list[Epoch]:
        """Train to the end; the network then has the weights of its best epoch. Raises
        UsageError where the numbers run away."""
        while True:
            while not self.watch.is_over(self.plan):
                self._epoch(tell)
                self.save()
            self.made.network.set_weights(self._best)
            if self.stage == 1 or not self.plan.two_stages:
                return self.history
            self._enter(1, Watch(self.plan.fine_epochs, best=self.watch.best))
            self.save()

    def _epoch(self, tell: Tell) -> None:
        started, number = time.monotonic(), len(self.history) + 1
        rate = self.watch.rate(self.plan, self.stage)
        order = np.random.default_rng([self.plan.seed, number]).permutation(len(self.train.labels))
        self._reseed(number)
        sums = np.zeros(2)
        last = self.history[-1] if self.history else None
        for step, rows in enumerate(np.array_split(order, self.batches)):
            part = step / self.batches
            self.model.optimizer.learning_rate.assign(self.watch.rate(self.plan, self.stage, part))
            sums += np.array(self._step(rows)) * len(rows)
            done = (number - 1) * self.batches + step + 1
            tell(Moment(number, done, self.total, last))
        loss, accuracy = self.judged(self.validation)
        if not np.isfinite(loss):
            raise UsageError("The loss is no number any more: try a lower --rate.")
        if loss < self.watch.best:
            self._best = self.made.network.get_weights()
        self.watch = self.watch.after(loss, self.plan)
        learnt = sums / len(order)
        self.history.append(
            Epoch(
                stage=self.stage + 1,
                epoch=number,
                rate=rate,
                loss=round(float(learnt[0]), 6),
                accuracy=round(float(learnt[1]), 6),
                val_loss=round(loss, 6),
                val_accuracy=round(accuracy, 6),
                seconds=round(time.monotonic() - started, 2),
            )
        )

    def _step(self, rows: NDArray[np.int64]) -> tuple[float, float]:
        """Learn from these faces; the mean loss and accuracy on them."""
        weights = None if self._weights is None else self._weights[rows]
        labels: NDArray[Any] = self.train.labels[rows]
        if self.plan.model == "cnn-binary":
            labels = labels.astype(np.float32).reshape(-1, 1)
        faces = self.train.faces[rows].astype(np.float32)
        self.model.reset_metrics()
        found = self.model.train_on_batch(faces, labels, sample_weight=weights, return_dict=True)
        return float(found["loss"]), float(found["accuracy"])

    def _reseed(self, epoch: int) -> None:
        """Draw the epoch's chance from its number, so that a resumed run draws the same."""
        for place, layer in enumerate(self.model._flatten_layers()):
            generator = getattr(layer, "seed_generator", None) or getattr(layer, "generator", None)
            if generator is not None:
                generator.state.assign(np.array([self.plan.seed + place, epoch], "uint32"))

    def judged(self, part: Part) -> tuple[float, float]:
        """(loss, accuracy) on faces as they are."""
        return judge(predicted(self.made.network, part.faces, self.seen), part.labels)

    def save(self) -> None:
        """Write all that a resumed run needs. Raises CannotWrite."""
        atomic.make_folder(self.folder)
        arrays: dict[str, Any] = {}
        for name, values in (
            ("now", self.made.network.get_weights()),
            ("best", self._best),
            ("optimizer", [v.numpy() for v in self.model.optimizer.variables]),
        ):
            arrays |= {f"{name}/{i}": value for i, value in enumerate(values)}
        temporary = self.folder / f".{WEIGHTS}"
        np.savez(temporary, **arrays)
        temporary.with_name(f".{WEIGHTS}").replace(self.folder / WEIGHTS)
        state = {
            "stage": self.stage,
            "watch": asdict(self.watch),
            "history": [asdict(epoch) for epoch in self.history],
        }
        atomic.write(self.folder / STATE, json.dumps(state, indent=2).encode())

    def load(self) -> None:
        """Go on where `save` was. Raises UsageError where the state does not fit."""
        try:
            state = json.loads((self.folder / STATE).read_text(encoding="utf-8"))
            self.history = [Epoch(**epoch) for epoch in state["history"]]
            self._enter(int(state["stage"]), Watch(**state["watch"]))
            with np.load(self.folder / WEIGHTS, allow_pickle=False) as stored:
                self.made.network.set_weights(_listed(stored, "now"))
                self._best = _listed(stored, "best")
                kept = _listed(stored, "optimizer")
            for variable, value in zip(self.model.optimizer.variables, kept, strict=True):
                variable.assign(value)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise UsageError(
                f"{self.folder}: this run cannot be taken up again ({error}). "
                "Train again without --resume."
            ) from error


def _listed(stored: Any, name: str) -> list[NDArray[Any]]:
    count = sum(key.startswith(f"{name}/") for key in stored.files)
    return [stored[f"{name}/{i}"] for i in range(count)]


def sample_weights(labels: Labels) -> NDArray[np.float32]:
    """[n] weights that add up to n, the same for each class."""
    counts = np.bincount(labels)
    shares = np.divide(len(labels), counts * (counts > 0).sum(), where=counts > 0, out=1.0 * counts)
    weights: NDArray[np.float32] = shares[labels].astype(np.float32)
    return weights


def prepared(faces: Faces, seen: Input) -> NDArray[np.float32]:
    """What the network sees of faces in its order of colours."""
    mean, scale = np.asarray(seen.mean, np.float32), np.asarray(seen.scale, np.float32)
    found: NDArray[np.float32] = (faces.astype(np.float32) - mean) / scale
    return found


def predicted(network: Any, faces: Faces, seen: Input) -> NDArray[np.float64]:
    """[n, classes] probabilities; both columns of a binary network: others, person."""
    parts = [
        np.asarray(network.predict_on_batch(prepared(faces[i : i + PREDICTED], seen)))
        for i in range(0, len(faces), PREDICTED)
    ]
    found = np.concatenate(parts).astype(np.float64)
    return np.hstack([1 - found, found]) if found.shape[1] == 1 else found


def judge(probabilities: NDArray[np.float64], labels: Labels) -> tuple[float, float]:
    """(cross-entropy, accuracy)."""
    own = probabilities[np.arange(len(labels)), labels]
    accuracy = float((probabilities.argmax(axis=1) == labels).mean())
    return float(-np.log(np.maximum(own, 1e-7)).mean()), accuracy
