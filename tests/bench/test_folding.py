"""The network that ships is the network that was trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from random_network import State, cosines

from phototag.bench.checkpoint import Checkpoint
from phototag.bench.folded import (
    NAMES,
    FoldedVGG16,
    fold_checkpoint,
    load_float16,
    map_side,
    save_float16,
)
from phototag.errors import ModelError

Fold = Callable[[int], FoldedVGG16]
pytestmark = pytest.mark.train


def values(crops: NDArray[np.uint8], px: int) -> NDArray[np.float32]:
    from phototag.vision.embed import shrink

    small = np.stack([shrink(crop, px) for crop in crops])
    return (small.astype(np.float32) - 127.5) / 127.5


@pytest.mark.parametrize("px", [48, 64, 112])
def test_the_folded_network_gives_what_the_trained_one_gives(
    px: int, state: State, folded: Fold, crops: NDArray[np.uint8]
) -> None:
    from phototag.bench.networks import embedder, load_reference, plain_vgg16

    trained = embedder("vgg16", px)
    load_reference(trained, state)
    faces = values(crops[:2], px)
    expected = np.asarray(trained(faces, training=False))
    found = np.asarray(plain_vgg16(folded(px))(faces))
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()


def test_the_folded_trunk_loads_into_the_vgg16_of_keras(
    folded: Fold, crops: NDArray[np.uint8]
) -> None:
    import keras

    from phototag.bench.networks import load_trunk, plain_vgg16

    network = folded(112)
    theirs = keras.applications.VGG16(include_top=False, weights=None, input_shape=(112, 112, 3))
    load_trunk(theirs, network)
    faces = values(crops[:2], 112)
    ours = plain_vgg16(network, outputs=NAMES[-1:])(faces)[0]
    pooled = np.asarray(keras.ops.max_pool(ours, 2))
    assert pooled.shape == (2, 3, 3, 512)
    assert pooled.max() > 0
    np.testing.assert_allclose(np.asarray(theirs(faces)), pooled, atol=1e-4)


def test_keras_weights_keep_their_names_and_values_on_the_way_to_the_reference_and_back(
    state: State,
) -> None:
    from phototag.bench.networks import embedder, fold, load_reference, reference_state

    network = embedder("vgg16", 48)
    load_reference(network, state)
    back = reference_state(network)
    assert back.keys() == state.keys()
    assert all(np.array_equal(back[name], state[name]) for name in state)
    again = fold(network, 48)
    once = fold_checkpoint(Checkpoint(state, 48, 0))
    assert all(np.array_equal(a, b) for a, b in zip(again.kernels, once.kernels, strict=True))


def test_what_ships_can_be_trained_further(folded: Fold, crops: NDArray[np.uint8]) -> None:
    from phototag.bench.networks import embedder, plain_vgg16, start_from

    faces = values(crops[:2], 48)
    again = embedder("vgg16", 48)
    start_from(again, folded(48))
    expected = np.asarray(plain_vgg16(folded(48))(faces))
    found = np.asarray(again(faces, training=False))
    assert np.abs(found - expected).max() < 1e-3 * np.abs(expected).max()


def test_float16_weights_come_back_from_their_file(folded: Fold, tmp_path: Path) -> None:
    save_float16(folded(48), tmp_path / "weights.npz")
    back = load_float16(tmp_path / "weights.npz")
    assert (back.px, back.dim, back.dense.shape) == (48, 256, (3, 3, 512, 256))
    for name, kernel, found in zip(NAMES, folded(48).kernels, back.kernels, strict=True):
        assert np.abs(kernel - found).max() < 1e-3, name
    assert (tmp_path / "weights.npz").stat().st_size < 32e6


def test_a_diverged_run_is_not_written_as_float16(state: State, tmp_path: Path) -> None:
    broken = dict(state) | {"trunk.0.weight": state["trunk.0.weight"] * 1e6}
    with pytest.raises(ModelError, match="float16"):
        save_float16(fold_checkpoint(Checkpoint(broken, 48, 0)), tmp_path / "weights.npz")


def test_a_checkpoint_of_another_network_is_refused(state: State) -> None:
    less = {k: v for k, v in state.items() if k != "head.1.weight"}
    with pytest.raises(ModelError, match=r"head\.1\.weight"):
        fold_checkpoint(Checkpoint(less, 48, 0))


@pytest.mark.parametrize(("px", "side"), [(32, 2), (48, 3), (64, 4), (96, 3), (112, 3)])
def test_the_last_map_is_as_large_as_the_head_expects(px: int, side: int, folded: Fold) -> None:
    assert map_side(px) == side
    assert folded(px).dense.shape == (side, side, 512, 256)


@pytest.mark.parametrize("trunk", ["mobilenet", "inception"])
def test_other_trunks_wear_the_same_head(trunk: str, crops: NDArray[np.uint8]) -> None:
    from phototag.bench.networks import embedder

    network = embedder(trunk, 80)  # type: ignore[arg-type]
    vectors = np.asarray(network(values(crops[:2], 80), training=False))
    assert vectors.shape == (2, 256)
    assert cosines(vectors[:1], vectors[1:])[0] < 1


def test_a_trunk_says_which_faces_are_too_small_for_it() -> None:
    from phototag.bench.networks import embedder
    from phototag.errors import UsageError

    with pytest.raises(UsageError, match="75 px"):
        embedder("inception", 64)
