"""The loop in which groups grow: by pieces or at once, by Python or compiled, the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.core import growth
from phototag.core.agglomerate import ALONE, agglomerate
from phototag.core.neighbours import neighbours
from phototag.core.pieces import in_steps
from phototag.core.types import on_grid

K, CUT = 9, 0.45


@pytest.fixture(autouse=True)
def _as_started() -> Iterator[None]:
    """Nothing is compiled before a test, or after it."""
    growth.compiled.cache_clear()
    yield
    growth.compiled.cache_clear()


def groups(seed: int, count: int = 600) -> NDArray[np.int64]:
    """The groups of some faces: several in a photo, some in videos, some of poor quality."""
    chance = np.random.default_rng(seed)
    centres = chance.normal(size=(20, 16)) + chance.normal(size=16)
    vectors = on_grid(centres[chance.integers(20, size=count)] + chance.normal(size=(count, 16)))
    photos = chance.integers(count // 3, size=count)
    begins = chance.integers(4, size=count)
    spans = np.stack([begins, begins + chance.integers(1, 3, size=count)], axis=1)
    spans[photos > 20] = 0
    good = chance.random(count) < 0.8
    ids, sims = neighbours(vectors, K, CUT)
    order = chance.permutation(count)
    return agglomerate(
        in_steps(vectors), ids, sims, photos, good, order, CUT, {3, 30}, spans=spans
    )  # fmt: skip


def test_edges_by_the_piece_are_the_same_as_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = groups(1)
    assert len(set(whole.tolist()) - {ALONE}) > 20
    monkeypatch.setattr(growth, "PIECE", 7)
    assert (groups(1) == whole).all()


@pytest.mark.slow
def test_what_is_compiled_makes_the_same_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numba", reason="phototag[large] is not installed")
    plain = [groups(seed) for seed in range(30)]
    monkeypatch.setattr(growth, "MANY", 0)
    assert growth.way(1) is not growth.PLAIN
    for seed, expected in enumerate(plain):
        assert (groups(seed) == expected).all(), seed


def test_few_faces_are_not_worth_to_be_compiled() -> None:
    assert growth.way(growth.MANY - 1) is growth.PLAIN


def test_without_numba_many_faces_are_grouped_by_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "numba", None)
    assert growth.way(10**6) is growth.PLAIN
