"""How good is a trained classifier? On the held-out part of its set, or on another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.classify_metrics import (
    Figures,
    OpenSet,
    Reliability,
    figures,
    open_set,
    reliability,
)
from phototag.bench.dataset import ABOUT, FaceFile, digest_of_test, load_dataset, load_pixels
from phototag.bench.evaluate_identification import read_portraits
from phototag.bench.pipeline import Detect, face_of_portrait
from phototag.bench.run_folder import dataset_of, trained_on
from phototag.bench.splits import OUTSIDE_TEST, TEST
from phototag.bench.training_plan import OTHERS
from phototag.core.types import first_line
from phototag.errors import UnreadableImage, UsageError
from phototag.vision.classify import Classifier, ClassifierCard, load_classifier_card


@dataclass(frozen=True, slots=True)
class Judged:
    """Faces that the classifier is asked about."""

    files: tuple[str, ...]
    crops: NDArray[np.uint8]
    """[n, 112, 112, 3]"""
    people: tuple[str, ...]

    def take(self, rows: NDArray[np.bool_]) -> Judged:
        at = np.flatnonzero(rows).tolist()
        files, people = (tuple(names[i] for i in at) for names in (self.files, self.people))
        return Judged(files, self.crops[at], people)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was said of one face."""

    file: str
    person: str
    named: str
    probability: float
    right: bool
    recognised: bool
    """Whether the probability reaches the run's threshold."""


@dataclass(frozen=True, slots=True)
class ClassificationReport:
    """What `phototag evaluate classification` says."""

    model: str
    run: Path
    data: str
    digest: str
    """Of the test part; '' for other photos."""
    classes: tuple[str, ...]
    figures: Figures
    reliability: Reliability
    open_set: OpenSet
    answers: tuple[Answer, ...]
    """Of the known people's faces."""
    outsiders: tuple[Answer, ...]
    left_out: tuple[tuple[str, str], ...]
    """(file, reason) of faces that were not asked about."""
    crops: NDArray[np.uint8]
    """Of `answers`, for pictures."""

    @property
    def mistakes(self) -> tuple[int, ...]:
        """Rows of `answers` that are wrong, the surest first."""
        wrong = [i for i, answer in enumerate(self.answers) if not answer.right]
        return tuple(sorted(wrong, key=lambda i: (-self.answers[i].probability, i)))

    def as_json(self) -> dict[str, Any]:
        """What `--json` prints and `report.json` holds."""
        return {
            "model": self.model,
            "run": str(self.run),
            "data": self.data,
            "test": self.digest,
            "faces": len(self.answers),
            "people": len(self.classes),
            "accuracy": round(self.figures.accuracy, 5),
            "macro": dict(self.figures.macro),
            "weighted": dict(self.figures.weighted),
            "per_person": {name: dict(v) for name, v in self.figures.per_person.items()},
            "confusion": {
                "classes": list(self.classes),
                "counts": self.figures.confusion.tolist(),
            },
            "reliability": asdict(self.reliability),
            "open_set": asdict(self.open_set),
            "mistakes": [asdict(self.answers[i]) for i in self.mistakes],
            "left_out": [{"file": file, "reason": reason} for file, reason in self.left_out],
        }


def evaluate_classification(
    run: Path,
    folder: Path | None,
    detect: Callable[[], Detect | None],
    *,
    on_start: Callable[[int], None] = lambda _: None,
    on_photo: Callable[[], None] = lambda: None,
) -> ClassificationReport:
    """On the test part of the run's own set, of another set, or on a folder with a folder of photos
    for each person; people who are no class are outsiders.

    A face that the run was trained on is left out. Raises ModelError for a folder that is no run,
    UsageError where no face of its people is left.
    """
    card = load_classifier_card(run)
    data = folder or dataset_of(run)
    left: list[tuple[str, str]] = []
    if (data / ABOUT).is_file() or folder is None:
        rows = load_dataset(data).part(TEST, OUTSIDE_TEST)
        known = trained_on(run)
        digest = digest_of_test(rows, card.classes)
        left += [(row.file, "it was trained on") for row in rows if row.digest in known]
        rows = tuple(row for row in rows if row.digest not in known)
        on_start(len(rows))
        asked = _of_rows(data, rows, on_photo)
    else:
        digest = ""
        asked = _of_photos(data, detect(), left, on_start, on_photo)
    return judge(card, run, asked, data=str(data), digest=digest, left_out=left)


def _of_rows(folder: Path, rows: Sequence[FaceFile], on_photo: Callable[[], None]) -> Judged:
    files = tuple(row.file for row in rows)
    crops = load_pixels(folder, files, on_face=on_photo)
    return Judged(files, crops, tuple(row.person for row in rows))


def _of_photos(
    folder: Path,
    detect: Detect | None,
    left: list[tuple[str, str]],
    on_start: Callable[[int], None],
    on_photo: Callable[[], None],
) -> Judged:
    """The main faces of a folder of photos by person."""
    portraits = read_portraits(folder)
    on_start(len(portraits))
    files, crops, people = [], [], []
    for portrait in portraits:
        name = str(portrait.path)
        try:
            face = face_of_portrait(portrait.path.read_bytes(), name, detect) if detect else None
            if face is None:
                left.append((name, "no face was found in it"))
            else:
                files.append(name)
                crops.append(face.crop)
                people.append(portrait.person)
        except (OSError, UnreadableImage) as error:
            left.append((name, str(error)))
        on_photo()
    stacked = np.stack(crops) if crops else np.empty((0, 112, 112, 3), np.uint8)
    return Judged(tuple(files), stacked, tuple(people))


def judge(
    card: ClassifierCard,
    run: Path,
    asked: Judged,
    *,
    data: str,
    digest: str,
    left_out: Sequence[tuple[str, str]] = (),
) -> ClassificationReport:
    """Ask the run's network about faces, and count. Raises UsageError where none shows one of its
    people."""
    classes, is_known = shown_classes(card), known_to(card, asked.people)
    if not is_known.any():
        gone = [f"{file} ({reason})" for file, reason in left_out]
        more = f" Left out: {first_line(gone)}." if gone else ""
        raise UsageError(f"{data}: none of its faces shows one of the run's people.{more}")
    found = both_columns(Classifier(card, threads=2).probabilities(asked.crops))
    known, place = asked.take(is_known), {name: i for i, name in enumerate(classes)}
    truth = np.array([place.get(person, 0) for person in known.people])
    mine, others = found[is_known], found[~is_known]
    highest, named = mine.max(axis=1), mine.argmax(axis=1)
    threshold = card.not_recognised
    opened = _open_set(card, mine, truth, others)
    return ClassificationReport(
        model=card.id,
        run=run,
        data=data,
        digest=digest,
        classes=classes,
        figures=figures(truth, named, classes),
        reliability=reliability(highest, named == truth),
        open_set=opened,
        answers=_answers(known, mine, truth, classes, threshold),
        outsiders=_answers(asked.take(~is_known), others, None, classes, threshold),
        left_out=tuple(left_out),
        crops=known.crops,
    )


def shown_classes(card: ClassifierCard) -> tuple[str, ...]:
    """The names of the columns of `both_columns`."""
    return card.classes if len(card.classes) > 1 else (OTHERS, *card.classes)


def both_columns(found: NDArray[np.float32]) -> NDArray[np.float64]:
    """Probabilities [n, classes]; the one column of a binary network as two: others, person."""
    wide = found.astype(np.float64)
    return np.hstack([1 - wide, wide]) if wide.shape[1] == 1 else wide


def known_to(card: ClassifierCard, people: Sequence[str]) -> NDArray[np.bool_]:
    """[n] whether each is a class; to a binary network everybody is: the person or another."""
    if len(card.classes) == 1:
        return np.ones(len(people), dtype=bool)
    return np.isin(np.array(people, dtype=object), list(card.classes))


def _open_set(
    card: ClassifierCard,
    mine: NDArray[np.float64],
    truth: NDArray[np.int64],
    others: NDArray[np.float64],
) -> OpenSet:
    """To a binary network, everybody but its person is an outsider."""
    if len(card.classes) > 1:
        return open_set(mine, truth, others, card.not_recognised)
    person = mine[:, 1:]
    return open_set(
        person[truth == 1],
        np.zeros(int((truth == 1).sum()), np.int64),
        person[truth == 0],
        card.not_recognised,
    )


def _answers(
    asked: Judged,
    found: NDArray[np.float64],
    truth: NDArray[np.int64] | None,
    classes: Sequence[str],
    threshold: float,
) -> tuple[Answer, ...]:
    best = found.argmax(axis=1) if len(found) else np.empty(0, int)
    return tuple(
        Answer(
            file=file,
            person=person,
            named=classes[column],
            probability=round(float(row[column]), 5),
            right=truth is not None and bool(truth[i] == column),
            recognised=bool(row[column] >= threshold) and classes[column] != OTHERS,
        )
        for i, (file, person, row, column) in enumerate(
            zip(asked.files, asked.people, found, best.tolist(), strict=True)
        )
    )
