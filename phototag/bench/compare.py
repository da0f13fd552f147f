"""Runs side by side, on the same test faces, with the matcher of a scan as their competitor."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.classify_metrics import figures
from phototag.bench.dataset import Dataset, FaceFile, digest_of_test, load_dataset, load_pixels
from phototag.bench.evaluate_classification import both_columns, shown_classes
from phototag.bench.run_folder import dataset_of
from phototag.bench.splits import OUTSIDE_TEST, TEST, TRAIN, VALIDATION
from phototag.core.matching import choose_examples, person_scores
from phototag.errors import UsageError
from phototag.vision.classify import Classifier, ClassifierCard, load_classifier_card
from phototag.vision.embed import Embedder
from phototag.vision.models import ModelCard

TIMED = 200
"""Faces that the speed is measured on, one at a time on one thread, as a scan's worker does."""


@dataclass(frozen=True, slots=True)
class Competitor:
    """A row of the comparison."""

    name: str
    model: str
    accuracy: float
    f1_macro: float
    named_right: float
    """Share of the test faces that get the right name at the competitor's own threshold."""
    named_wrong: float
    strangers_named: float | None
    """Share of the strangers' faces that are taken for somebody there."""
    parameters: int
    bytes: int
    """Of the network's file."""
    faces_per_second: float
    training_seconds: float
    """Of the gallery: to embed the training faces."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `phototag compare` says."""

    digest: str
    faces: int
    people: int
    outsiders: int
    rows: tuple[Competitor, ...]
    """The most accurate first."""

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {
            "test": self.digest,
            "faces": self.faces,
            "people": self.people,
            "outsiders": self.outsiders,
            "competitors": [asdict(row) for row in self.rows],
        }


@dataclass(frozen=True, slots=True)
class _Asked:
    """The test faces of all competitors."""

    crops: NDArray[np.uint8]
    truth: NDArray[np.int64]
    classes: tuple[str, ...]
    strangers: NDArray[np.uint8]


def compare(
    runs: Sequence[Path], gallery: ModelCard | None, dataset: Path | None = None
) -> Comparison:
    """Ask all runs, and the matcher with an embedder's card, about the same test faces: those of
    `dataset`, or of the set where the first run found it.

    Raises UsageError where the runs were tested on different faces or people, or on others than
    the set has now.
    """
    cards = [load_classifier_card(run) for run in runs]
    digest = _same_test(runs, cards)
    faces = load_dataset(dataset or dataset_of(runs[0]))
    if digest_of_test(faces.rows, cards[0].classes) != digest:
        raise UsageError(
            f"{faces.folder} has other test faces now than {runs[0]} was tested on. Train again, "
            "or say where the set of then is: --dataset DIR."
        )
    classes = shown_classes(cards[0])
    asked = _asked(faces, classes)
    rows = [_run_row(name, card, asked) for name, card in zip(distinct(runs), cards, strict=True)]
    if gallery is not None and len(cards[0].classes) > 1:
        rows.append(_gallery_row(gallery, faces, asked))
    rows.sort(key=lambda row: (-row.accuracy, row.name))
    return Comparison(digest, len(asked.truth), len(classes), len(asked.strangers), tuple(rows))


def distinct(runs: Sequence[Path]) -> list[str]:
    """What each run is called in a table: its folder's name, with as many of the folders above as
    tell it from the others."""
    whole = [run.resolve().parts for run in runs]
    depth = 1
    while len({parts[-depth:] for parts in whole}) < len(set(whole)):
        depth += 1
    return ["/".join(parts[-depth:]) for parts in whole]


def _same_test(runs: Sequence[Path], cards: Sequence[ClassifierCard]) -> str:
    digests = [str(card.model.about.get("test", {}).get("digest")) for card in cards]
    for run, digest in zip(runs, digests, strict=True):
        if digest != digests[0]:
            raise UsageError(
                f"{run} and {runs[0]} were not tested on the same faces and people: their figures "
                "cannot be compared. Train them on one set."
            )
    return digests[0]


def _asked(dataset: Dataset, classes: tuple[str, ...]) -> _Asked:
    rows = dataset.part(TEST)
    place = {name: i for i, name in enumerate(classes)}
    return _Asked(
        load_pixels(dataset.folder, [row.file for row in rows]),
        np.array([place.get(row.person, 0) for row in rows], dtype=np.int64),
        classes,
        load_pixels(dataset.folder, [row.file for row in dataset.part(OUTSIDE_TEST)]),
    )


def _run_row(name: str, card: ClassifierCard, asked: _Asked) -> Competitor:
    network = Classifier(card)
    found, speed = _timed(network.probabilities, asked.crops)
    scores = both_columns(found)
    strangers = network.probabilities(asked.strangers)
    told = card.model.about.get("training", {})
    return Competitor(
        name=name,
        model=card.id,
        parameters=int(card.model.about.get("parameters", 0)),
        bytes=card.model.path.stat().st_size,
        faces_per_second=speed,
        training_seconds=float(told.get("seconds", 0.0)),
        **_judged(scores, strangers, asked, card.not_recognised, 0.0),
    )


def _judged(
    scores: NDArray[np.floating],
    strangers: NDArray[np.floating],
    asked: _Asked,
    threshold: float,
    margin: float,
) -> dict[str, Any]:
    """The figures of scores [n, classes] and of strangers' [m, classes]."""
    named = scores.argmax(axis=1)
    told = figures(asked.truth, named, asked.classes)
    sure, right = _sure(scores, threshold, margin), named == asked.truth
    away = round(float(_sure(strangers, threshold, margin).mean()), 5) if len(strangers) else None
    return {
        "accuracy": round(told.accuracy, 5),
        "f1_macro": told.macro["f1"],
        "named_right": round(float((sure & right).mean()), 5),
        "named_wrong": round(float((sure & ~right).mean()), 5),
        "strangers_named": away,
    }


def _sure(scores: NDArray[np.floating], threshold: float, margin: float) -> NDArray[np.bool_]:
    """[n] whether the best reaches the threshold, ahead of the second by the margin."""
    ordered = np.sort(scores, axis=1)
    lead = ordered[:, -1] - ordered[:, -2] if scores.shape[1] > 1 else np.inf
    sure: NDArray[np.bool_] = (ordered[:, -1] >= threshold) & (lead >= margin)
    return sure


def _timed(
    ask: Callable[[NDArray[np.uint8]], NDArray[np.float32]], crops: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], float]:
    """What is said of the crops, and the faces per second of the processor's time: the clock on the
    wall would count what else runs."""
    ask(crops[:2])  # the first run prepares
    started = time.process_time()
    first = ask(crops[:TIMED])
    speed = len(first) / max(time.process_time() - started, 1e-6)
    rest = ask(crops[TIMED:])
    return np.concatenate([first, rest]), round(speed, 1)


def _gallery_row(card: ModelCard, dataset: Dataset, asked: _Asked) -> Competitor:
    """What a scan would say: the mean of the three best similarities to a person's examples."""
    embedder = Embedder(card)
    started = time.process_time()
    known = dataset.part(TRAIN, VALIDATION)
    examples = _examples(embedder, dataset.folder, known, asked.classes)
    spent = time.process_time() - started

    def ask(crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        vectors = embedder.embed(crops)
        if not len(vectors):
            return np.empty((0, len(examples)), np.float32)
        return np.stack([person_scores(vectors, mine) for mine in examples], axis=1)

    scores, speed = _timed(ask, asked.crops)
    levels = card.thresholds
    accept, margin = (levels.accept, levels.margin) if levels else (np.inf, 0.0)
    return Competitor(
        name="gallery",
        model=card.id,
        parameters=_parameters(card),
        bytes=card.path.stat().st_size,
        faces_per_second=speed,
        training_seconds=round(spent, 1),
        **_judged(scores, ask(asked.strangers), asked, accept, margin),
    )


def _examples(
    embedder: Embedder, folder: Path, known: Sequence[FaceFile], classes: Sequence[str]
) -> list[NDArray[np.float32]]:
    vectors = embedder.embed(load_pixels(folder, [row.file for row in known]))
    people = np.array([row.person for row in known], dtype=object)
    worth = np.array([row.quality for row in known])
    out = []
    for person in classes:
        mine = vectors[people == person]
        out.append(mine[choose_examples(mine, worth[people == person])])
    return out


def _parameters(card: ModelCard) -> int:
    """Of an embedder: of its weights before they were rounded, or of its ONNX file."""
    if "float16" in card.parts:
        from phototag.bench.folded import load_float16

        arrays = load_float16(card.folder / card.parts["float16"].file).arrays()
        return int(sum(values.size for values in arrays.values()))
    import onnx

    stored = onnx.load(card.path).graph.initializer
    return int(sum(np.prod(one.dims) for one in stored))
