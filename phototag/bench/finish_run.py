"""What a trained network becomes: files, a card, a threshold, an evaluation, pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench import run_folder
from phototag.bench.classification_report import write_report
from phototag.bench.classify_metrics import FALSE_NAMES, PRECISION, open_set, threshold_for
from phototag.bench.dataset import as_csv, as_json
from phototag.bench.evaluate_classification import ClassificationReport, Judged, judge
from phototag.bench.onnx_keras import keras_to_onnx
from phototag.bench.pages import write_figure
from phototag.bench.splits import OUTSIDE_TEST, OUTSIDE_VALIDATION, TEST, VALIDATION
from phototag.bench.trainer import predicted
from phototag.bench.training_ground import Ground, as_seen
from phototag.bench.training_plan import Input, Plan
from phototag.bench.watch import Epoch
from phototag.errors import ModelError
from phototag.output import atomic
from phototag.vision.classify import Classifier, ClassifierCard
from phototag.vision.models import ModelCard, digest_of

PARITY = 1e-3
"""Largest difference of a probability that the export may have. Float32 sums in another order moved
it by up to 2e-6 on our networks; a wrong layer moves it by tenths."""


@dataclass(frozen=True, slots=True)
class TrainingDone:
    """What `phototag train` says."""

    run: Path
    plan: Plan
    report: ClassificationReport
    card: ClassifierCard
    epochs: int
    seconds: float
    """Of training, over all its calls."""
    parity: float
    """Largest difference of a probability between Keras and ONNX Runtime on the test faces."""
    parameters: int

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        figures = self.report.figures
        return {
            "run": str(self.run),
            "model": self.card.id,
            "classes": list(self.card.classes),
            "epochs": self.epochs,
            "seconds": round(self.seconds, 1),
            "parameters": self.parameters,
            "parity": self.parity,
            "test": {
                "faces": len(self.report.answers),
                "accuracy": round(figures.accuracy, 5),
                "f1_macro": figures.macro["f1"],
            },
            "open_set": asdict(self.report.open_set),
        }


def finish(
    run: Path,
    ground: Ground,
    seen: Input,
    network: Any,
    crops: NDArray[np.uint8],
    history: Sequence[Epoch],
) -> TrainingDone:
    """Write everything of the run into its candidate folder. Raises ModelError where the export
    differs from Keras."""
    folder = run / run_folder.CANDIDATE
    network.save(folder / run_folder.KERAS)
    exported = keras_to_onnx(network, output="probabilities").SerializeToString()
    atomic.write(folder / run_folder.ONNX, exported)
    atomic.write(folder / run_folder.CLASSES, as_json({"classes": list(ground.classes)}))
    atomic.write(folder / run_folder.HISTORY, as_csv([asdict(epoch) for epoch in history]))
    bare = _bare(folder, ground, seen)
    asked = Classifier(bare, threads=2)
    parity = _parity(network, asked, crops[ground.rows(TEST)], seen)
    measured = _threshold(ground, asked, crops)
    more = {
        "classes": list(ground.classes),
        "not_recognised": measured,
        "parameters": int(network.count_params()),
        "parity": {"faces": len(ground.rows(TEST)), "largest_difference": parity},
        "training": _told(ground, history),
    }
    card = run_folder.write_card(folder, bare.model, more)
    report = _judged(run, ground, card, crops)
    test = {
        "digest": ground.digest,
        "faces": len(report.answers),
        "accuracy": round(report.figures.accuracy, 6),
        "f1_macro": report.figures.macro["f1"],
        "open_set": asdict(report.open_set),
    }
    card = run_folder.write_card(folder, bare.model, {**more, "test": test})
    write_report(report, folder / run_folder.EVALUATION)
    _draw_curves(folder, history, ground)
    return TrainingDone(
        run=run,
        plan=ground.plan,
        report=report,
        card=card,
        epochs=len(history),
        seconds=sum(epoch.seconds for epoch in history),
        parity=parity,
        parameters=int(network.count_params()),
    )


def _bare(folder: Path, ground: Ground, seen: Input) -> ClassifierCard:
    """The card as far as it is known before anything was measured."""
    model = ModelCard(
        id="",
        name=f"classifier-{ground.plan.model}",
        kind="classifier",
        file=run_folder.ONNX,
        digest=digest_of(folder / run_folder.ONNX),
        folder=folder,
        size=seen.size,
        color=seen.color,  # type: ignore[arg-type]
        layout="nchw",
        mean=seen.mean,
        scale=seen.scale,
        dim=len(ground.classes),
    )
    return ClassifierCard(model, ground.classes, 0.0, {})


def _parity(network: Any, asked: Classifier, crops: NDArray[np.uint8], seen: Input) -> float:
    keras = predicted(network, as_seen(crops, seen), seen)[:, -len(asked.card.classes) :]
    largest = float(np.abs(keras - asked.probabilities(crops)).max())
    if not largest <= PARITY:
        raise ModelError(
            f"{asked.card.model.path}: the exported network differs from Keras by {largest:.2g} in "
            "a probability. Please report this."
        )
    return largest


def _threshold(ground: Ground, asked: Classifier, crops: NDArray[np.uint8]) -> dict[str, Any]:
    """The probability under which a face is nobody, from the validation faces and outsiders."""
    found = asked.probabilities(crops[ground.rows(VALIDATION)])
    people = [ground.dataset.rows[i].person for i in ground.rows(VALIDATION)]
    truth = np.array([ground.label(person) for person in people])
    outside = asked.probabilities(crops[ground.rows(OUTSIDE_VALIDATION)])
    if len(ground.classes) == 1:  # all others are outsiders
        outside = np.concatenate([outside, found[truth == 0]])
        found, truth = found[truth == 1], np.zeros(int((truth == 1).sum()), np.int64)
    threshold = threshold_for(found, truth, outside) if len(found) else 0.5
    measured = open_set(found, truth, outside, threshold) if len(found) else None
    return {
        **(asdict(measured) if measured else {}),
        "threshold": threshold,
        "set": "validation part; outsiders: people set aside who are no class",
        "faces": len(found),
        "rule": f"lowest probability at which at most {FALSE_NAMES:.0%} of the outsiders are named "
        f"and {PRECISION:.0%} of the names given are right",
    }


def _told(ground: Ground, history: Sequence[Epoch]) -> Mapping[str, Any]:
    plan = ground.plan
    return {
        "model": plan.model,
        "weights": plan.weights,
        "seed": plan.seed,
        "epochs": len(history),
        "seconds": round(sum(epoch.seconds for epoch in history), 1),
        "faces": {part: len(ground.rows(part)) for part in dict.fromkeys(ground.parts)},
    }


def _judged(
    run: Path, ground: Ground, card: ClassifierCard, crops: NDArray[np.uint8]
) -> ClassificationReport:
    rows = sorted(ground.rows(TEST) + ground.rows(OUTSIDE_TEST))
    picked = [ground.dataset.rows[i] for i in rows]
    asked = Judged(
        tuple(row.file for row in picked), crops[rows], tuple(row.person for row in picked)
    )
    data = str(ground.dataset.folder)
    return judge(card, run, asked, data=data, digest=ground.digest)


def _draw_curves(folder: Path, history: Sequence[Epoch], ground: Ground) -> None:
    from phototag.bench.classification_plots import curves

    title = f"{ground.plan.model}: {len(history)} epochs"
    write_figure(folder / run_folder.CURVES, curves(history, title))
