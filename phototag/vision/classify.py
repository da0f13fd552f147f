"""Faces to people: the network of a training run on aligned crops, without Keras.

What is read is the run's `card.json` and `model.onnx`; `bench.run_folder` describes the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.errors import ModelError
from phototag.vision.embed import prepared
from phototag.vision.models import ModelCard, load_card, session

FORMAT = 1
"""Of the run folder. Another number is another phototag's, and is not guessed at."""

CARD = "card.json"


@dataclass(frozen=True, slots=True)
class ClassifierCard:
    """Whom a trained classifier knows, and when it knows nobody."""

    model: ModelCard
    """Kind `classifier`; its `dim` is the number of classes."""
    classes: tuple[str, ...]
    """People, in the order of the probabilities. One alone: a network that says her or not her."""
    not_recognised: float
    """A face is nobody of `classes` where its highest probability is below this."""
    measured: Mapping[str, Any]
    """How that threshold came about: on which faces, with which errors."""

    @property
    def id(self) -> str:
        return self.model.id


def load_classifier_card(run: Path) -> ClassifierCard:
    """The card of a run folder. Raises ModelError: no run folder, one of another version, or a
    damaged one."""
    path = run / CARD
    if not path.is_file():
        raise ModelError(
            f"{run}: this is no finished training run (it has no {CARD}). "
            "Make one: phototag train DATASET --out RUN."
        )
    found = _format(path)
    if found != FORMAT:
        raise ModelError(
            f"{run}: this run folder has format {found}, this phototag reads {FORMAT}. "
            "Train again, or use the phototag that made it."
        )
    model = load_card(path)
    if model.kind != "classifier":
        raise ModelError(f"{path}: {model.name} is a {model.kind}, not a classifier.")
    return _card(model, path)


def _format(path: Path) -> Any:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"{path}: this card cannot be read ({error}).") from error
    return data.get("format") if isinstance(data, dict) else None


def _card(model: ModelCard, path: Path) -> ClassifierCard:
    try:
        classes = tuple(str(name) for name in model.about["classes"])
        measured = dict(model.about["not_recognised"])
        threshold = float(measured["threshold"])
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: this classifier's card is not valid: {error!r}") from error
    if not classes or len(classes) != model.dim or len(set(classes)) != len(classes):
        raise ModelError(f"{path}: its classes do not fit its {model.dim} probabilities.")
    return ClassifierCard(model, classes, threshold, measured)


class Classifier:
    """Probabilities by the network of a run folder."""

    def __init__(self, card: ClassifierCard, *, threads: int = 1) -> None:
        """Raises ModelError when the model's file is missing or not the card's."""
        self.card = card
        self._session = session(card.model, threads=threads)

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """[n, classes] for aligned RGB crops [n, 112, 112, 3], each face alone: its row is the same
        whoever is beside it. Raises ModelError when the network gives no probabilities."""
        if not len(crops):
            return np.empty((0, len(self.card.classes)), np.float32)
        inputs = prepared(crops, self.card.model)
        rows = [self._session.run(inputs[i : i + 1]) for i in range(len(inputs))]
        found = np.concatenate(rows).reshape(len(crops), -1)
        if found.shape[1] != len(self.card.classes) or not np.isfinite(found).all():
            raise ModelError(f"{self.card.model.path}: this network gives no probabilities.")
        return found
