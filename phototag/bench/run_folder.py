"""A training run's folder: what `phototag train` leaves, and others read.

    RUN/
      card.json        the model's card: all that is needed to use model.onnx (below)
      model.onnx       input `faces`, float32 [n, c, h, w]; output `probabilities`, float32
                       [n, classes]; n is free
      model.keras      the same network for Keras: pictures last ([n, h, w, c]), no augmentation
      classes.json     the people, in the order of the probabilities
      config.json      every choice of the run (`bench.training_plan.Plan`), versions, hardware
      history.csv      one row an epoch: stage, epoch, rate, losses, accuracies, seconds
      split.csv        which face of the dataset was in which part: file,person,part,digest
      curves.png       loss and accuracy
      evaluation/      what `phototag evaluate classification RUN` says of the held-out part
      candidate/       a run in progress (with `state/`, to resume), or one that was not better

`card.json` is a model card (`vision.models.ModelCard`) of kind `classifier` with more in it:

    id               "classifier-NAME-DIGEST": changes with the weights
    kind             "classifier"
    file, digest     "model.onnx" and its BLAKE2b-128
    size             side of the square input in pixels; aligned 112x112 crops are brought to it by
                     `vision.embed.shrink`
    color, layout    "rgb" or "bgr"; "nchw"
    mean, scale      the network sees (value 0..255 - mean) / scale, channel by channel
    template         five landmarks in a crop of 112x112: how faces are aligned
    dim              number of probabilities
    format           1: of this folder (`vision.classify.FORMAT`)
    classes          people, in the order of the probabilities. Softmax: they add up to 1. One class
                     only (cnn-binary): a sigmoid, the probability that it is this person
    not_recognised   {"threshold": t, …}: a face is nobody where its highest probability is below t;
                     beside it the measurement that t came from
    test             {"digest": …, "faces": n, "accuracy": …, "f1_macro": …}: the held-out part and
                     how the model did on it. Equal digests: the same test faces and people
    parameters, training   for `phototag compare`

`vision.classify` reads the card and runs the network without Keras:

    card = load_classifier_card(Path("RUN"))         # ModelError: none, another version, damaged
    found = Classifier(card).probabilities(crops)    # uint8 [n, 112, 112, 3] → [n, classes]
    best = found.argmax(axis=1); nobody = found.max(axis=1) < card.not_recognised
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from phototag.bench.dataset import FaceFile, as_csv, as_json
from phototag.bench.splits import OUTSIDE_VALIDATION, TRAIN, VALIDATION
from phototag.errors import Guarded, ModelError, UsageError
from phototag.output import atomic
from phototag.vision.classify import CARD, FORMAT, ClassifierCard, load_classifier_card
from phototag.vision.models import ModelCard, card_json, digest_of

CANDIDATE, STATE = "candidate", "state"
ONNX, KERAS = "model.onnx", "model.keras"
CONFIG, CLASSES, HISTORY, SPLIT = "config.json", "classes.json", "history.csv", "split.csv"
CURVES, EVALUATION = "curves.png", "evaluation"
LEARNT = (TRAIN, VALIDATION, OUTSIDE_VALIDATION)


@dataclass(frozen=True, slots=True)
class Former:
    """The model that a run folder holds already."""

    id: str
    digest: str
    """Of its test part."""
    accuracy: float
    faces: int


def former(run: Path) -> Former | None:
    """What a run folder holds; None where there is no finished run. Raises ModelError for one of
    another version, UsageError where something else is in the way."""
    if not (run / CARD).is_file():
        if run.exists() and (not run.is_dir() or any(p.name != CANDIDATE for p in run.iterdir())):
            raise UsageError(f"{run}: this is no run folder. Choose another --out.")
        return None
    card = load_classifier_card(run)
    try:
        test = card.model.about["test"]
        return Former(card.id, str(test["digest"]), float(test["accuracy"]), int(test["faces"]))
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{run / CARD}: it does not say how good it is ({error!r}).") from error


def check_same_test(run: Path, old: Former | None, digest: str) -> None:
    """Raises UsageError where the old model was tested on other faces: they cannot be compared."""
    if old is not None and old.digest != digest:
        raise UsageError(
            f"{run} holds a model that was tested on other faces, so nobody can say which is "
            "better. Choose another --out, or --replace it."
        )


def settle(run: Path, accuracy: float, old: Former | None) -> None:
    """Put the candidate in the place of the old model. Raises Guarded, with the figures, where that
    one was better on the same test faces: the candidate then stays where it is."""
    if old is not None and old.accuracy > accuracy:
        raise Guarded(
            f"{run} keeps its model {old.id}: {old.accuracy:.2%} of the {old.faces} test faces are "
            f"right, {accuracy:.2%} by the new one. That one is in {run / CANDIDATE}; the same "
            "command with --resume --replace puts it in place."
        )
    candidate = run / CANDIDATE
    shutil.rmtree(candidate / STATE, ignore_errors=True)
    if (run / EVALUATION).is_dir():
        shutil.rmtree(run / EVALUATION)
    # The card last: until it is there, the old card's digest tells that the model is another.
    for path in sorted(candidate.iterdir(), key=lambda p: p.name == CARD):
        path.replace(run / path.name)
    candidate.rmdir()


def write_card(folder: Path, model: ModelCard, more: Mapping[str, Any]) -> ClassifierCard:
    """Write `card.json` for the network in the folder, with its id and digest. Raises
    CannotWrite."""
    digest = digest_of(folder / ONNX)
    about = {"format": FORMAT, **more}
    card = replace(model, id=f"{model.name}-{digest[:12]}", digest=digest, about=about)
    atomic.write(folder / CARD, card_json(card).encode("utf-8", "replace"))
    return load_classifier_card(folder)


def write_split(folder: Path, rows: Sequence[FaceFile], parts: Sequence[str]) -> None:
    """Which face was in which part of the run."""
    table = [
        {"file": row.file, "person": row.person, "part": part, "digest": row.digest}
        for row, part in zip(rows, parts, strict=True)
    ]
    atomic.write(folder / SPLIT, as_csv(table))


def write_config(folder: Path, content: Mapping[str, Any]) -> None:
    atomic.write(folder / CONFIG, as_json(content))


def read_config(folder: Path) -> dict[str, Any]:
    """Raises UsageError."""
    try:
        found: dict[str, Any] = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        return found
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / CONFIG} cannot be read ({error}).") from error


def dataset_of(run: Path) -> Path:
    """The set that a run was trained on. Raises UsageError where it is not there any more."""
    folder = Path(str(read_config(run).get("dataset", "")))
    if not folder.is_dir():
        raise UsageError(
            f"{run} was trained on {folder}, which is not there. Say where that set is: evaluate "
            "classification RUN DIR, compare RUN... --dataset DIR."
        )
    return folder


def trained_on(run: Path) -> set[str]:
    """Digests of the faces that a run learnt from or chose by. Raises UsageError."""
    try:
        with (run / SPLIT).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        return {row["digest"] for row in rows if row["part"] in LEARNT}
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(f"{run / SPLIT} cannot be read ({error!r}).") from error
