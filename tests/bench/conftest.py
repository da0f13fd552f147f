"""Ground for the bench's tests: a network with random weights, real faces."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from builders import Home, painted_home
from random_network import State

from phototag.bench.checkpoint import Checkpoint
from phototag.bench.folded import WIDTHS, FoldedVGG16, fold_checkpoint, torch_positions


@pytest.fixture(scope="session")
def state() -> State:
    """Weights under the names of the reference, as after some training: nothing at its start."""
    random = np.random.default_rng(7)

    def norm(name: str, count: int) -> State:
        return {
            f"{name}.weight": random.uniform(0.7, 1.3, count).astype(np.float32),
            f"{name}.bias": random.normal(0.05, 0.1, count).astype(np.float32),
            f"{name}.running_mean": random.normal(0, 0.2, count).astype(np.float32),
            f"{name}.running_var": random.uniform(0.6, 1.5, count).astype(np.float32),
        }

    found: State = {}
    widths, before = [w for block in WIDTHS for w in block], 3
    for position, width in zip(torch_positions(), widths, strict=True):
        size = np.sqrt(2 / (9 * before))
        kernel = random.standard_normal((width, before, 3, 3), dtype=np.float32) * size
        found[f"trunk.{position}.weight"] = kernel.astype(np.float32)
        found |= norm(f"trunk.{position + 1}", width)
        before = width
    dense = random.standard_normal((256, 512 * 9), dtype=np.float32) / np.float32(60)
    found |= {"head.1.weight": dense, "head.1.bias": np.full(256, 0.1, np.float32)}
    return found | norm("head.2", 256)


@pytest.fixture(scope="session")
def folded(state: State) -> Callable[[int], FoldedVGG16]:
    """The same network folded for faces of some size."""
    made: dict[int, FoldedVGG16] = {}

    def at(px: int) -> FoldedVGG16:
        if px not in made:
            made[px] = fold_checkpoint(Checkpoint(state, px, 0))
        return made[px]

    return at


@pytest.fixture(scope="session")
def face_folder(shared: Path) -> Path:
    """The folder of aligned faces."""
    folder = shared / "faces"
    if not (folder / "shard-0.npz").is_file():
        pytest.skip("the aligned faces are not here")
    return folder


@pytest.fixture(scope="session")
def crops(face_folder: Path) -> NDArray[np.uint8]:
    """[32, 112, 112, 3] real faces."""
    from phototag.bench.faces import load_faces

    return load_faces([face_folder / "shard-0.npz"], limit=32).pixels()


@pytest.fixture(scope="session")
def painted_copy(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """The painted library, to be read."""
    return painted_home(tmp_path_factory.mktemp("painted"))
