"""Figures of a classifier, against ones counted by hand."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.bench.classify_metrics import figures, open_set, reliability, threshold_for


def test_precision_and_recall_are_those_of_the_hand() -> None:
    truth, named = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 0, 1, 1, 1, 0])
    found = figures(truth, named, ("Ann", "Bob", "Cleo"))
    assert found.accuracy == pytest.approx(4 / 6)
    assert found.confusion.tolist() == [[2, 1, 0], [0, 2, 0], [1, 0, 0]]
    assert found.per_person["Ann"] == {
        "precision": 0.66667,
        "recall": 0.66667,
        "f1": 0.66667,
        "faces": 3,
    }
    assert found.per_person["Cleo"]["f1"] == 0
    assert found.macro["recall"] == pytest.approx((2 / 3 + 1 + 0) / 3, abs=1e-5)
    assert found.weighted["recall"] == pytest.approx(4 / 6, abs=1e-5)
    assert "Cleo" in found.report


def test_reliability_is_the_gap_between_word_and_deed() -> None:
    found = reliability(np.array([0.95, 0.97, 0.55, 0.55]), np.array([True, True, True, False]))
    assert found.said == (0.55, 0.96)
    assert found.right == (0.5, 1.0)
    assert found.faces == (2, 2)
    assert found.error == pytest.approx((0.05 + 0.04) / 2)


def known(*rows: tuple[float, int]) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of two people by that of the first, and the truth."""
    return np.array([[p, 1 - p] for p, _ in rows]), np.array([t for _, t in rows])


def test_the_threshold_keeps_strangers_and_wrong_names_out() -> None:
    found, truth = known((0.9, 0), (0.8, 0), (0.7, 0), (0.65, 1), (0.1, 1))
    alone = threshold_for(found, truth, np.empty((0, 2)))
    assert alone == 0.7  # below it comes a wrong name
    strangers = np.array([[p, 1 - p] for p in np.linspace(0.5, 0.88, 20)])
    strict = threshold_for(found, truth, strangers)
    told = open_set(found, truth, strangers, strict)
    assert told.outsiders_named == 0.05
    assert (told.named_right, told.named_wrong) == (0.4, 0.0)
    assert told.not_recognised == pytest.approx(0.6)
    assert open_set(found, truth, np.empty((0, 2)), alone).outsiders_named is None


def test_a_network_that_is_always_wrong_names_nobody() -> None:
    found, truth = known((0.9, 1), (0.8, 1))
    assert open_set(found, truth, found, threshold_for(found, truth, found)).named_wrong == 0
