"""Keras networks as ONNX give what Keras gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.errors import UsageError
from phototag.vision.embed import Embedder, shrink
from phototag.vision.models import load_card

pytestmark = pytest.mark.train


@pytest.mark.parametrize(("trunk", "px"), [("mobilenet", 64), ("inception", 80), ("vgg16", 32)])
def test_a_trunk_gives_the_same_vectors_in_both(
    trunk: str, px: int, crops: NDArray[np.uint8], tmp_path: Path
) -> None:
    import keras

    from phototag.bench.networks import embedder
    from phototag.bench.onnx_keras import export_embedder

    keras.utils.set_random_seed(3)  # some weights come from Keras's own
    network = embedder(trunk, px)  # type: ignore[arg-type]
    random = np.random.default_rng(3)
    for weight in network.weights:  # batch normalisations that do something
        if "moving_variance" in weight.path:
            weight.assign(random.uniform(0.5, 1.5, weight.shape))
        elif "moving_mean" in weight.path or "beta" in weight.path:
            weight.assign(random.normal(0, 0.1, weight.shape))
    card = export_embedder(network, px, tmp_path, "own")
    assert (card.size, card.dim, card.thresholds) == (px, 256, None)
    found = Embedder(load_card(tmp_path / "own.json")).embed(crops[:3])
    faces = np.stack([shrink(crop, px) for crop in crops[:3]]).astype(np.float32)
    expected = np.asarray(network((faces - 127.5) / 127.5, training=False))
    expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
    assert np.abs(found - expected).max() < 1e-3


def test_a_classifier_keeps_its_activations(tmp_path: Path) -> None:
    import keras

    from phototag.bench.onnx_keras import keras_to_onnx
    from phototag.vision.models import Session

    network = keras.Sequential(
        [
            keras.Input((12, 12, 3)),
            keras.layers.Conv2D(4, 3, activation="relu6", padding="same", strides=2),
            keras.layers.AveragePooling2D(2, padding="same"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(5, activation="softmax"),
        ]
    )
    path = tmp_path / "classifier.onnx"
    path.write_bytes(keras_to_onnx(network, output="people").SerializeToString())
    faces = np.random.default_rng(1).normal(0, 9, size=(4, 12, 12, 3)).astype(np.float32)
    found = Session(path).run(np.ascontiguousarray(faces.transpose(0, 3, 1, 2)))
    np.testing.assert_allclose(found, np.asarray(network(faces)), atol=1e-5)


def test_a_layer_that_is_not_known_is_named() -> None:
    import keras

    from phototag.bench.onnx_keras import keras_to_onnx

    network = keras.Sequential(
        [keras.Input((4, 4, 3)), keras.layers.LayerNormalization(name="odd")]
    )
    with pytest.raises(UsageError, match="odd is a LayerNormalization"):
        keras_to_onnx(network)
