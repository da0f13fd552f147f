"""Thresholds keep what they promise: on made-up vectors, and on the teacher's of real people."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.bench.faces import load_faces
from phototag.bench.thresholds import (
    all_pairs,
    balanced_accuracy,
    best_cut,
    calibrate,
    pair_accuracy,
)
from phototag.core.matching import person_scores
from phototag.core.types import Vectors, on_grid
from phototag.errors import UsageError


def people(count: int, each: int, *, spread: float, seed: int = 1) -> tuple[Vectors, NDArray]:
    """`count` people with `each` faces scattered around a centre, in 64 dimensions."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(count, 64))
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    labels = np.repeat(np.arange(count), each)
    noise = random.normal(size=(count * each, 64)) * spread / 8
    return on_grid(centres[labels] + noise), labels.astype(np.int32)


def test_a_false_match_is_as_rare_as_it_is_said_to_be() -> None:
    vectors, labels = people(60, 12, spread=0.9)
    found = calibrate(vectors, labels).thresholds
    wrong = np.concatenate(
        [
            person_scores(vectors[labels != person], vectors[labels == person])
            for person in range(60)
        ]
    )
    assert (wrong >= found.accept).mean() <= 1e-4
    assert 1e-4 < (wrong >= found.suggest).mean() <= 1e-2
    assert found.suggest < found.accept
    assert 0 <= found.margin <= found.accept - found.suggest + 1e-9


def test_people_with_one_example_are_judged_no_more_lightly() -> None:
    vectors, labels = people(60, 12, spread=0.9)
    found = calibrate(vectors, labels)
    first = np.array([np.flatnonzero(labels == person)[0] for person in range(60)])
    scores = vectors @ vectors[first].T
    wrong = scores[labels[:, None] != np.arange(60)]
    assert (wrong >= found.thresholds.accept).mean() <= 1e-4
    assert set(found.measurements["accept"]["by_examples"]) == {"1", "2", "3", "6", "12"}


def test_the_cluster_threshold_separates_people_who_can_be_separated() -> None:
    vectors, labels = people(40, 6, spread=0.7)
    cut, note = best_cut(vectors, labels)
    assert note["bcubed"]["f"] > 0.97
    assert 0.2 < cut < 0.8
    assert note["tried"]["0.84"] < note["bcubed"]["f"]


def test_too_few_people_are_refused_with_the_figures() -> None:
    vectors, labels = people(4, 5, spread=0.5)
    with pytest.raises(UsageError, match=r"4 people with 20 faces .* 60 .* 10000"):
        calibrate(vectors, labels)


def test_faces_without_identity_count_for_nothing() -> None:
    vectors, labels = people(10, 4, spread=0.5)
    known = all_pairs(vectors, labels)
    more = on_grid(np.random.default_rng(3).normal(size=(5, 64)))
    with_strangers = all_pairs(
        np.concatenate([vectors, more]), np.concatenate([labels, np.full(5, -1)])
    )
    assert np.array_equal(known[0], with_strangers[0])
    assert np.array_equal(known[1], with_strangers[1])


def test_better_vectors_have_the_higher_balanced_accuracy() -> None:
    near, labels = people(30, 6, spread=0.6)
    far, _ = people(30, 6, spread=1.6)
    assert balanced_accuracy(near, labels) > balanced_accuracy(far, labels) + 0.02


def test_the_teacher_tells_the_calibration_people_apart(face_folder: Path) -> None:
    faces = load_faces([face_folder / "calibration.npz"])
    assert (len(faces), len(set(faces.labels.tolist()))) == (2861, 395)
    found = calibrate(on_grid(faces.targets), faces.labels)
    assert 0.5 < found.thresholds.accept < 0.7
    assert 0.3 < found.thresholds.suggest < 0.5
    assert found.measurements["cluster"]["bcubed"]["f"] > 0.85
    assert found.measurements["pairs"]["eer"] < 0.06


def test_pairs_of_random_vectors_are_told_apart_by_chance_only() -> None:
    random = np.random.default_rng(8)
    vectors = on_grid(random.normal(size=(400, 64)))
    pairs = np.stack([np.arange(200), np.arange(200, 400), random.integers(0, 2, 200)], axis=1)
    accuracy, tar = pair_accuracy(vectors, pairs)
    assert 0.35 < accuracy < 0.65
    assert tar < 0.2
