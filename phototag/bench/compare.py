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
from phototag.bench.dataset import Dataset, FaceFile, as_csv, as_json, load_dataset, load_pixels
from phototag.bench.evaluate_classification import both_columns, shown_classes
from phototag.bench.pages import write_figure
from phototag.bench.plots import INK, OTHER, SAME, figure_of, fitted
from phototag.bench.run_folder import dataset_of
from phototag.bench.splits import OUTSIDE_TEST, TEST, TRAIN, VALIDATION
from phototag.core.matching import choose_examples, person_scores
from phototag.errors import UsageError
from phototag.output import atomic
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


def compare(runs: Sequence[Path], gallery: ModelCard | None) -> Comparison:
    """Ask all runs, and the matcher with an embedder's card, about the same test faces.

    Raises UsageError where the runs were tested on different faces or people.
    """
    cards = [load_classifier_card(run) for run in runs]
    digest = _same_test(runs, cards)
    dataset = load_dataset(dataset_of(runs[0]))
    classes = shown_classes(cards[0])
    asked = _asked(dataset, classes)
    rows = [_run_row(run, card, asked) for run, card in zip(runs, cards, strict=True)]
    if gallery is not None and len(cards[0].classes) > 1:
        rows.append(_gallery_row(gallery, dataset, asked))
    rows.sort(key=lambda row: (-row.accuracy, row.name))
    return Comparison(digest, len(asked.truth), len(classes), len(asked.strangers), tuple(rows))


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


def _run_row(run: Path, card: ClassifierCard, asked: _Asked) -> Competitor:
    network = Classifier(card)
    found, speed = _timed(network.probabilities, asked.crops)
    scores = both_columns(found)
    strangers = network.probabilities(asked.strangers)
    told = card.model.about.get("training", {})
    return Competitor(
        name=run.name,
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


# ---- telling

HEADS = (
    "name", "accuracy", "F1", "named right", "wrong", "strangers named", "parameters", "file",
    "faces/s", "training",
)  # fmt: skip


def cells(row: Competitor) -> tuple[str, ...]:
    """A row of the table, as text."""
    away = "not measured" if row.strangers_named is None else f"{row.strangers_named:.1%}"
    seconds = row.training_seconds
    return (
        row.name,
        f"{row.accuracy:.1%}",
        f"{row.f1_macro:.3f}",
        f"{row.named_right:.1%}",
        f"{row.named_wrong:.1%}",
        away,
        f"{row.parameters / 1e6:.2f} M",
        f"{row.bytes / 1e6:.1f} MB",
        f"{row.faces_per_second:.0f}",
        f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min",
    )


def write_comparison(found: Comparison, folder: Path) -> None:
    """`comparison.json`, `.csv`, `.md` and `.png` in `folder`. Raises CannotWrite."""
    atomic.make_folder(folder)
    atomic.write(folder / "comparison.json", as_json(found.as_json()))
    atomic.write(folder / "comparison.csv", as_csv([asdict(row) for row in found.rows]))
    lines = [HEADS, ("---",) * len(HEADS), *(cells(row) for row in found.rows)]
    text = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    atomic.write(folder / "comparison.md", text.encode("utf-8", "replace"))
    write_figure(folder / "comparison.png", chart(found))


def chart(found: Comparison) -> Any:
    """Accuracy and F1; what is named at the threshold; speed."""
    figure, (left, middle, right) = figure_of(
        3, f"{found.faces} test faces of {found.people} people"
    )
    names = [fitted(row.name) for row in found.rows]
    at = np.arange(len(names))
    for axes, kinds in (
        (left, {"accuracy": SAME, "f1_macro": INK}),
        (middle, {"named_right": SAME, "named_wrong": OTHER, "strangers_named": INK}),
        (right, {"faces_per_second": SAME}),
    ):
        wide = 0.8 / len(kinds)
        for place, (kind, colour) in enumerate(kinds.items()):
            values = [getattr(row, kind) or 0.0 for row in found.rows]
            shift = at + (place - (len(kinds) - 1) / 2) * wide
            label = {"f1_macro": "F1, mean of people"}.get(kind, kind.replace("_", " "))
            axes.bar(shift, values, wide * 0.92, color=colour, label=label)
        axes.set_xticks(at, names, rotation=30, ha="right")
        axes.grid(axis="x", visible=False)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.18)
        axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=len(kinds))
    right.set_ylabel("faces per second of one core")
    return figure
