"""The ONNX files: as exact as they can be, and the same whatever the batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from random_network import cosines

from phototag.bench.folded import NAMES, FoldedVGG16
from phototag.bench.onnx_vgg import MEAN, SCALE, Ranges, float_model, int8_model, quantize_weights
from phototag.bench.ranges import best_range
from phototag.vision.embed import shrink
from phototag.vision.models import Session

Fold = Callable[[int], FoldedVGG16]
pytestmark = pytest.mark.train


def inputs(crops: NDArray[np.uint8], px: int) -> NDArray[np.float32]:
    small = np.stack([shrink(crop, px) for crop in crops]).astype(np.float32)
    return np.ascontiguousarray((small - MEAN).transpose(0, 3, 1, 2) / SCALE)


def session(model: object, path: Path) -> Session:
    path.write_bytes(model.SerializeToString())  # type: ignore[attr-defined]
    return Session(path)


@pytest.fixture(scope="module")
def quantized(
    folded: Fold, crops: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory
) -> Session:
    """The int8 model at 32 px, its ranges measured on 16 faces."""
    from phototag.bench.ranges import measure_ranges

    small = np.stack([shrink(crop, 32) for crop in crops[:16]])
    ranges = measure_ranges(folded(32), small)
    assert len(ranges.activations) == len(NAMES)
    path = tmp_path_factory.mktemp("int8") / "int8.onnx"
    return session(int8_model(folded(32), ranges), path)


@pytest.mark.parametrize("px", [48, 112])
def test_the_float_model_agrees_with_keras(
    px: int, folded: Fold, crops: NDArray[np.uint8], tmp_path: Path
) -> None:
    from phototag.bench.networks import plain_vgg16

    made = session(float_model(folded(px)), tmp_path / "float.onnx")
    given = inputs(crops[:2], px)
    found = made.run(given)
    keras_input = given.transpose(0, 2, 3, 1) + np.float32((MEAN - 127.5) / SCALE)
    expected = np.asarray(plain_vgg16(folded(px))(keras_input))
    # The edge is padded with grey 128 instead of 127.5: nothing else differs.
    assert cosines(found, expected).min() > 0.99999


def test_int8_stays_close_to_float(
    quantized: Session, folded: Fold, crops: NDArray[np.uint8], tmp_path: Path
) -> None:
    exact = session(float_model(folded(32)), tmp_path / "float.onnx")
    given = inputs(crops[16:], 32)
    found, expected = quantized.run(given), exact.run(given)
    centre = expected.mean(axis=0)
    assert cosines(found, expected).mean() > 0.98
    assert cosines(found - centre, expected - centre).mean() > 0.9  # also in what tells faces apart


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_int8_gives_the_same_bits_whatever_the_batch(
    batch: int, quantized: Session, crops: NDArray[np.uint8]
) -> None:
    given = inputs(crops[:9], 32)
    whole = quantized.run(given)
    parts = [quantized.run(given[i : i + batch]) for i in range(0, 9, batch)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_first_rounding_loses_no_grey_level() -> None:
    steps = (np.arange(256, dtype=np.float32) - MEAN) / SCALE
    whole = np.rint(steps / np.float32(1 / SCALE)) + 128
    assert np.array_equal(whole, np.arange(256))


def test_weights_stay_where_no_processor_saturates(folded: Fold) -> None:
    from onnx import numpy_helper

    model = int8_model(folded(32), Ranges((1.0,) * 13))
    found = {
        c.name: numpy_helper.to_array(c)
        for c in model.graph.initializer
        if c.name.endswith("_kernel_q")
    }
    assert len(found) == 14
    for name, whole in found.items():
        assert whole.dtype == np.int8
        assert 255 * 2 * int(np.abs(whole.astype(int)).max()) <= 32767, name


def test_quantized_weights_are_within_half_a_step() -> None:
    weight = np.random.default_rng(1).normal(size=(5, 3, 3, 3)).astype(np.float32)
    weight[3] = 0
    scales, whole = quantize_weights(weight, 64)
    error = np.abs(whole * scales.reshape(-1, 1, 1, 1) - weight)
    assert (error <= 0.5001 * scales.reshape(-1, 1, 1, 1)).all()
    assert not whole[3].any()


def test_a_range_cuts_off_what_is_rare() -> None:
    common = np.abs(np.random.default_rng(2).normal(size=1_000_000)).astype(np.float32)
    assert best_range(np.append(common, np.float32(20)), 20.0) < 12
    flat = np.linspace(0, 6, 20_000, dtype=np.float32)
    assert best_range(flat, 6.0) == pytest.approx(6.0)
    assert best_range(np.zeros(10, np.float32), 0.0) > 0


def test_the_fifth_pooling_is_there_above_64_px_only(folded: Fold) -> None:
    def poolings(px: int) -> int:
        return sum(node.op_type == "MaxPool" for node in float_model(folded(px)).graph.node)

    assert [poolings(px) for px in (48, 64, 112)] == [4, 4, 5]
