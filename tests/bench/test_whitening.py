"""Whitening moves people apart, and is part of the network afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.bench.faces import FaceSet, load_faces
from phototag.bench.folded import FoldedVGG16
from phototag.bench.thresholds import balanced_accuracy
from phototag.bench.whiten import LABELLED, OTHERS, chosen, whitened, whitening
from phototag.core.types import on_grid


def lopsided(seed: int, people: int, each: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Outputs as of a network that has not learned for long: a strong mean, a few loud directions
    in which a person's own faces differ as much as people do."""
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(people), each).astype(np.int32)
    loud = np.full(32, 0.5)
    loud[:4] = 4.0
    faces = random.normal(size=(people, 32))[labels] + random.normal(size=(len(labels), 32)) * loud
    return (faces + 3.0).astype(np.float32), labels


def test_people_are_easier_to_tell_apart_after_it() -> None:
    vectors, labels = lopsided(1, 60, 8)
    centre, matrix = whitening(vectors, labels)
    others, their = lopsided(2, 40, 8)  # people on whom nothing was measured
    before = balanced_accuracy(on_grid(others), their)
    after = balanced_accuracy(on_grid((others - centre) @ matrix), their)
    assert after > before + 0.05


def test_it_keeps_the_mean_squared_length_and_takes_the_centre_off() -> None:
    vectors, labels = lopsided(3, 50, 6)
    centre, matrix = whitening(vectors, labels)
    out = (vectors - centre) @ matrix
    assert np.abs(out.mean(axis=0)).max() < 1e-4
    assert np.square(out).sum() == pytest.approx(np.square(vectors - centre).sum(), rel=1e-6)
    assert np.allclose(matrix, matrix.T)
    before, after = (np.linalg.eigvalsh(np.cov(v.T)) for v in (vectors, out))
    assert after[-1] / after[0] < 0.5 * before[-1] / before[0]


def test_faces_of_unknown_people_are_enough() -> None:
    vectors, _ = lopsided(4, 50, 4)
    _, matrix = whitening(vectors, np.full(len(vectors), -1, np.int32))
    assert np.isfinite(matrix).all()


def test_the_folded_network_gives_the_whitened_output(
    folded: Callable[[int], FoldedVGG16],
) -> None:
    network = folded(48)
    random = np.random.default_rng(5)
    outputs = random.normal(size=(700, network.dim)).astype(np.float32) + 1
    changed = whitened(network, outputs, np.full(700, -1, np.int32))
    centre, matrix = whitening(outputs, np.full(700, -1, np.int32))
    flat = random.normal(size=(3, 3 * 3 * 512)).astype(np.float32)

    def head(of: FoldedVGG16) -> NDArray[np.float64]:
        found: NDArray[np.float64] = flat.astype(np.float64) @ of.dense.reshape(-1, of.dim)
        return found + of.dense_bias

    expected = (head(network) - centre) @ matrix
    assert np.abs(head(changed) - expected).max() < 1e-3 * np.abs(expected).max()
    assert changed.kernels is network.kernels


def test_its_faces_are_of_people_with_several_and_of_strangers(face_folder: Path) -> None:
    faces: FaceSet = load_faces(sorted(face_folder.glob("shard-*.npz")))
    rows = chosen(faces)
    assert len(set(rows.tolist())) == len(rows)
    labels = faces.labels[rows]
    assert (labels == -1).sum() == OTHERS
    _, counts = np.unique(labels[labels >= 0], return_counts=True)
    assert LABELLED <= counts.sum() < LABELLED + 12
    assert counts.min() >= 3
    assert counts.max() <= 12
    assert np.array_equal(rows, chosen(faces))
