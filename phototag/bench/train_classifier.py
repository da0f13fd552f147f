"""Train a classifier on a set of faces, and put it into a run folder with all that tells of it."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from phototag import __version__
from phototag.bench import run_folder
from phototag.bench.classifier_networks import Staged, classifier
from phototag.bench.dataset import Dataset, load_pixels
from phototag.bench.finish_run import TrainingDone, finish
from phototag.bench.folded import FoldedVGG16, load_float16
from phototag.bench.half_precision import policy_for, processor_flags
from phototag.bench.splits import TRAIN, VALIDATION
from phototag.bench.trainer import Part, Tell, Trainer
from phototag.bench.training_ground import Ground, as_seen, prepare
from phototag.bench.training_plan import Input, Plan, plan_of
from phototag.bench.watch import Epoch
from phototag.errors import UsageError
from phototag.output import atomic
from phototag.vision.models import digest_of, shipped


def train(
    dataset: Dataset,
    plan: Plan,
    run: Path,
    *,
    resume: bool = False,
    replace_better: bool = False,
    tell: Tell = lambda _: None,
) -> TrainingDone:
    """Train in `run`/candidate, evaluate there, and put the result into `run`.

    Raises UsageError for a plan or a set that makes no sense, Guarded where the folder's model is
    better on the same test faces, ModelError where the export says something else than Keras.
    """
    state = run / run_folder.CANDIDATE / run_folder.STATE
    if resume:
        plan = _resumed(run, dataset)
    plan = plan.checked()
    ground = prepare(dataset, plan)
    old = None if replace_better else run_folder.former(run)
    run_folder.check_same_test(run, old, ground.digest)
    with determined(plan) as policy:
        face = _face_weights(plan)
        seen = plan.input(face.px if face else 0)
        made = classifier(plan, seen, len(ground.classes), face)
        atomic.make_folder(state)
        _write_begun(run, ground, seen, policy)
        crops = load_pixels(dataset.folder, [row.file for row in dataset.rows])
        history = _fit(ground, made, seen, crops, state, resume, tell)
    network = made.network
    if policy != "float32":  # what is kept and exported computes in full precision
        network = classifier(plan, seen, len(ground.classes), face).network
        network.set_weights(made.network.get_weights())
    done = finish(run, ground, seen, network, crops, history)
    run_folder.settle(run, done.report.figures.accuracy, old)
    return done


def _resumed(run: Path, dataset: Dataset) -> Plan:
    candidate = run / run_folder.CANDIDATE
    if not (candidate / run_folder.STATE / "state.json").is_file():
        raise UsageError(f"{run}: there is no run to go on with. Train without --resume.")
    begun = run_folder.read_config(candidate)
    if begun.get("manifest") != digest_of(dataset.folder / "manifest.csv"):
        raise UsageError(
            f"{run} was begun on another set than {dataset.folder} is now. Train without --resume."
        )
    return plan_of(begun.get("plan", {}))


@contextmanager
def determined(plan: Plan) -> Iterator[str]:
    """Chance that follows from the seed alone, and the precision of the plan (its name is given);
    what was set before is set again. Raises UsageError where the hardware has no half precision."""
    import keras
    import tensorflow as tf

    gpus = bool(tf.config.list_physical_devices("GPU"))
    policy = policy_for(
        plan.precision,
        pretrained=plan.weights != "none",
        gpus=gpus,
        flags=processor_flags(),
    )
    before = keras.config.dtype_policy()
    keras.utils.set_random_seed(plan.seed)
    tf.config.experimental.enable_op_determinism()
    keras.config.set_dtype_policy(policy)
    try:
        yield policy
    finally:
        keras.config.set_dtype_policy(before)


def _face_weights(plan: Plan) -> FoldedVGG16 | None:
    if plan.weights != "face":
        return None
    card = shipped("face-vgg16")
    return load_float16(card.folder / card.parts["float16"].file)


def _fit(
    ground: Ground,
    made: Staged,
    seen: Input,
    crops: NDArray[np.uint8],
    state: Path,
    resume: bool,
    tell: Tell,
) -> list[Epoch]:
    def part(name: str) -> Part:
        rows = ground.rows(name)
        labels = [ground.label(ground.dataset.rows[i].person) for i in rows]
        return Part(as_seen(crops[rows], seen), np.array(labels, dtype=np.int64))

    trainer = Trainer(ground.plan, made, seen, part(TRAIN), part(VALIDATION), state)
    if resume:
        trainer.load()
    return trainer.run(tell)


def _write_begun(run: Path, ground: Ground, seen: Input, policy: str) -> None:
    """The configuration, before anything is computed. The set's folder is kept as an absolute
    path, so that the run can be evaluated from anywhere."""
    candidate = run / run_folder.CANDIDATE
    dataset = ground.dataset
    run_folder.write_split(candidate, dataset.rows, ground.parts)
    run_folder.write_config(
        candidate,
        {
            "plan": ground.plan.as_json(),
            "input": asdict(seen),
            "precision": policy,
            "dataset": str(dataset.folder.resolve()),
            "manifest": digest_of(dataset.folder / "manifest.csv"),
            "faces": dict(Counter(ground.parts)),
            "phototag": __version__,
            **_versions(),
            "machine": f"{platform.system()} {platform.machine()}",
        },
    )


def _versions() -> dict[str, str]:
    import keras
    import tensorflow as tf

    return {"keras": keras.__version__, "tensorflow": tf.__version__}
