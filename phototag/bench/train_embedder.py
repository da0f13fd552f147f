"""Train the embedder by distillation: resumable, within a time budget, with its accuracy as it
goes.

    python -m phototag.bench.train_embedder --faces ../shared/faces --out run --minutes 60

The backend is Keras's: KERAS_BACKEND=tensorflow, jax or torch. Run the same command again with
--resume to go on. RUN/best.npz is what `benchmarks/ship_embedder.py` turns into a model that ships.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.blends import Blends
from phototag.bench.distiller import PARTS, Average, Distiller, carry_over, make
from phototag.bench.faces import UNKNOWN, FaceSet
from phototag.bench.folded import load_float16
from phototag.bench.networks import reference_state
from phototag.bench.recipe import Recipe, load_recipe
from phototag.bench.restart import restart
from phototag.bench.thresholds import pair_accuracy
from phototag.errors import UsageError
from phototag.vision.embed import shrink

WHOLE = 112
"""Side of an aligned face as stored, in pixels: what the teacher is shown."""

AVERAGE_EVERY = 4
"""Steps between updates of the moving average: it costs a copy of the weights."""

FITTED = 12_000
"""Faces on which the dense layer is fitted where a run goes on from weights that ship."""

COLUMNS = ("step", "px", "seen", "seconds", *PARTS, "rate", "faces_per_second", "accuracy", "tar")


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the log."""

    step: int
    px: int
    seen: int
    """Faces shown so far."""
    seconds: float
    losses: Mapping[str, float]
    rate: float
    faces_per_second: float
    accuracy: float | None
    """On the development pairs, by the averaged weights."""
    tar: float | None
    """True accept rate at a false accept rate of 1e-2."""


@dataclass(frozen=True, slots=True)
class TrainingReport:
    """What a call of `train` did."""

    checks: tuple[Check, ...]
    best: float | None
    """The run's best accuracy on the development pairs."""
    finished: bool
    """Whether the recipe's budget is spent."""
    checkpoint: Path


Dev = tuple[FaceSet, NDArray[np.int32]]


def train(
    recipe: Recipe,
    faces: FaceSet,
    out: Path,
    *,
    dev: Dev | None = None,
    resume: bool = False,
    every: float = 300,
    stop_after: Callable[[int], bool] = lambda _: False,
    on_check: Callable[[Check], None] = lambda _: None,
) -> TrainingReport:
    """Train in the folder `out`: `recipe.json`, `log.csv`, `last.npz` (to resume), `best.npz` (best
    on `dev`).

    `every`: seconds between checks (and checkpoints). `stop_after(step)` may end this call early;
    `resume` goes on where the last one stopped, with the recipe in the folder. Raises UsageError.
    """
    out.mkdir(parents=True, exist_ok=True)
    if resume and (out / "last.npz").is_file():
        recipe = load_recipe(out / "recipe.json")
    else:
        recipe.checked().save(out / "recipe.json")
        resume = False
    if not faces.targets.shape[1]:
        raise UsageError("These faces have no teacher vectors to learn from.")
    run = _Run(recipe, faces, dev, out)
    if resume:
        run.load(out / "last.npz")
    run.ask_teacher()
    return run.go(every, stop_after, on_check)


class _Run:
    """The state of a run and the loop over it."""

    def __init__(self, recipe: Recipe, faces: FaceSet, dev: Dev | None, out: Path) -> None:
        if len(faces) < recipe.batch:
            raise UsageError(f"{len(faces)} faces are fewer than a batch of {recipe.batch}.")
        self.recipe, self.faces, self.dev, self.out = recipe, faces, dev, out
        self.people = int(faces.labels.max()) + 1
        self.step = self.seen = 0
        self.spent = 0.0
        self.best: float | None = None
        self.checks: list[Check] = []
        self._enter(0)
        if recipe.start is not None:
            self._start_from(Path(recipe.start))
        self.average = Average(self.model.network)
        self.blends: Blends | None = None

    def _enter(self, stage: int, old: Distiller | None = None) -> None:
        """Go on at one of the recipe's sizes."""
        self.stage, self.px = stage, self.recipe.sizes[stage]
        self.model = make(self.recipe, stage, self.people, self.faces.targets.shape[1])
        if old is not None:
            carry_over(old, self.model)
        self.pixels = self.faces.pixels(self.px, threads=4)
        self.dev_pixels = None if self.dev is None else self.dev[0].pixels(self.px, threads=4)

    def _start_from(self, weights: Path) -> None:
        """Begin with a network that ships. Raises ModelError, UsageError."""
        if self.recipe.trunk != "vgg16":
            raise UsageError("Only a VGG16 can go on from weights that ship.")
        chosen = np.random.default_rng(self.recipe.seed).permutation(len(self.faces))[:FITTED]
        restart(
            self.model.network,
            load_float16(weights),
            self.pixels[chosen],
            self.faces.targets[chosen],
        )

    def ask_teacher(self) -> None:
        """From here on, show blends too, if the recipe wants them. Raises UsageError."""
        if self.recipe.teacher is None:
            return
        from phototag.bench.teacher import Teacher

        teacher = Teacher(Path(self.recipe.teacher))
        whole = self.pixels if self.px == WHOLE else self.faces.pixels(threads=4)
        seed = (self.recipe.seed, self.step)
        self.blends = Blends(whole, teacher, reuse=self.recipe.reuse, seed=seed)

    def go(
        self, every: float, stop_after: Callable[[int], bool], on_check: Callable[[Check], None]
    ) -> TrainingReport:
        begin = last = time.monotonic()
        before, shown = self.spent, 0
        while True:
            progress = self.recipe.progress(self.step, self.spent)
            stage = self.recipe.stage(progress)
            if stage != self.stage and progress < 1:
                self._enter(stage, self.model)
            finished = progress >= 1
            now = time.monotonic()
            if finished or stop_after(self.step) or now - last > every:
                if shown:
                    on_check(self._check(shown / max(now - last, 1e-9), progress))
                if finished or stop_after(self.step):
                    break
                last, shown = time.monotonic(), 0
            self._train_step(progress)
            shown += self.recipe.batch
            self.spent = before + time.monotonic() - begin
        return TrainingReport(tuple(self.checks), self.best, finished, self.out / "last.npz")

    def _train_step(self, progress: float) -> None:
        rows = self._batch()
        self.model.optimizer.learning_rate = self.recipe.rate_at(self.step, progress)
        shown, targets, labels = (
            self.pixels[rows],
            self.faces.targets[rows],
            self.faces.labels[rows],
        )
        if self.blends is not None:
            new, answers = self.blends.draw(self.recipe.blended)
            shown = np.concatenate([shown, np.stack([shrink(face, self.px) for face in new])])
            targets = np.concatenate([targets, answers])
            labels = np.concatenate([labels, np.full(len(new), UNKNOWN, labels.dtype)])
        self.model.train_on_batch(shown, {"target": targets, "label": labels})
        self.step += 1
        self.seen += self.recipe.batch
        if self.step % AVERAGE_EVERY == 0:
            keep = self.recipe.average_at(self.step) ** AVERAGE_EVERY
            self.average.update(self.model.network, keep)

    def _batch(self) -> NDArray[np.intp]:
        """Rows of the next batch's own faces: each epoch has its own order, given by the seed."""
        batch = self.recipe.batch - self.recipe.blended
        in_epoch = len(self.faces) // batch
        epoch, place = divmod(self.step, in_epoch)
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(len(self.faces))
        return order[place * batch : (place + 1) * batch]

    def _check(self, speed: float, progress: float) -> Check:
        accuracy = tar = None
        if self.dev is not None and self.dev_pixels is not None:
            vectors = self.average.embed(self.model.network, self.dev_pixels, self.recipe.batch)
            accuracy, tar = pair_accuracy(vectors, self.dev[1])
        losses = {part.name: float(part.result()) for part in self.model.parts}
        self.model.reset_metrics()
        check = Check(
            step=self.step,
            px=self.px,
            seen=self.seen,
            seconds=self.spent,
            losses=losses,
            rate=self.recipe.rate_at(self.step, progress),
            faces_per_second=speed,
            accuracy=accuracy,
            tar=tar,
        )
        self.checks.append(check)
        if accuracy is not None and (self.best is None or accuracy >= self.best):
            self.best = accuracy
            _save(self.out / "best.npz", self._shippable())
        self._save_all()
        _log(self.out / "log.csv", check)
        return check

    def _shippable(self) -> dict[str, Any]:
        """The averaged network: under the reference's names for VGG16, else under Keras's."""
        network = self.model.network
        own = network.get_weights()
        network.set_weights(self.average.values)
        try:
            if self.recipe.trunk == "vgg16":
                state = reference_state(network)
            else:
                state = {w.path: np.asarray(w) for w in network.weights}
        finally:
            network.set_weights(own)
        return {"px": self.px, "step": self.step} | {f"ema/{k}": v for k, v in state.items()}

    def _save_all(self) -> None:
        state: dict[str, Any] = {
            "px": self.px,
            "step": self.step,
            "stage": self.stage,
            "seen": self.seen,
            "spent": self.spent,
            "best": np.nan if self.best is None else self.best,
        }
        for name, values in (
            ("model", [np.asarray(v) for v in self.model.variables]),
            ("optimizer", [np.asarray(v) for v in self.model.optimizer.variables]),
            ("average", self.average.values),
        ):
            state |= {f"{name}/{i}": v for i, v in enumerate(values)}
        _save(self.out / "last.npz", state)

    def load(self, path: Path) -> None:
        """Go on from what `_save_all` wrote. Raises UsageError when it is of another network."""
        with np.load(path, allow_pickle=False) as state:
            if int(state["stage"]) != self.stage:
                self._enter(int(state["stage"]))
            try:
                for name, targets in (
                    ("model", self.model.variables),
                    ("optimizer", self.model.optimizer.variables),
                ):
                    for i, variable in enumerate(targets):
                        variable.assign(state[f"{name}/{i}"])
            except (KeyError, ValueError) as error:
                raise UsageError(f"{path} is not of this run ({error}).") from error
            self.average.values = [state[f"average/{i}"] for i in range(len(self.average.values))]
            self.step, self.seen = int(state["step"]), int(state["seen"])
            self.spent = float(state["spent"])
            self.best = None if np.isnan(state["best"]) else float(state["best"])


def _save(path: Path, arrays: Mapping[str, Any]) -> None:
    """Whole or not at all: a run may be killed at any moment."""
    part = path.with_name(f"{path.stem}.part.npz")
    np.savez(part, **arrays)
    part.replace(path)


def _log(path: Path, check: Check) -> None:
    new = not path.is_file()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(COLUMNS)
        losses = [round(check.losses[name], 5) for name in PARTS]
        measured = ["" if v is None else round(v, 4) for v in (check.accuracy, check.tar)]
        speed = [round(check.rate, 7), round(check.faces_per_second, 1)]
        head = [check.step, check.px, check.seen, round(check.seconds, 1)]
        writer.writerow([*head, *losses, *speed, *measured])


if __name__ == "__main__":
    from phototag.bench.train_command import main

    main()
