"""The classifiers: what is frozen when, and that their export says the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.bench import classifier_networks
from phototag.bench.classifier_networks import classifier, trainable
from phototag.bench.folded import FoldedVGG16
from phototag.bench.networks import application, plain_vgg16
from phototag.bench.onnx_keras import keras_to_onnx
from phototag.bench.training_plan import Plan
from phototag.errors import UsageError
from phototag.vision.models import Session

pytestmark = pytest.mark.train
Folded = Callable[[int], FoldedVGG16]


def shown(network: Any, path: Path) -> None:
    """Keras and ONNX Runtime give the same probabilities."""
    path.write_bytes(keras_to_onnx(network, output="probabilities").SerializeToString())
    side = network.inputs[0].shape[1]
    faces = np.random.default_rng(0).uniform(-1, 1, (3, side, side, 3)).astype(np.float32)
    said = np.asarray(network.predict_on_batch(faces))
    found = Session(path).run(faces.transpose(0, 3, 1, 2))
    assert np.abs(found - said).max() < 1e-4
    assert said.shape[1] == 1 or np.allclose(said.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(
    "plan",
    [
        Plan("mobilenet", "none", size=32),
        Plan("cnn", size=32),
        Plan("cnn-binary", person="Ann", size=32),
    ],
)
def test_a_network_and_its_export_say_the_same(plan: Plan, tmp_path: Path) -> None:
    plan = plan.checked()
    made = classifier(plan, plan.input(48), 5, None)
    assert not made.trunk
    shown(made.network, tmp_path / "model.onnx")


def test_the_face_vgg16_keeps_its_trunk_and_opens_its_last_block(
    folded: Folded, tmp_path: Path
) -> None:
    plan, face = Plan(size=48).checked(), folded(48)
    made = classifier(plan, plan.input(48), 3, face)
    faces = np.random.default_rng(0).uniform(-1, 1, (1, 48, 48, 3)).astype(np.float32)
    import keras

    trunk = keras.Model(made.network.input, made.network.get_layer("block5_conv3").output)
    whole = plain_vgg16(face, outputs=["block5_conv3"])
    assert np.allclose(trunk(faces), whole(faces)[0], atol=1e-4)
    shown(made.network, tmp_path / "model.onnx")
    made.stage(0)
    heads = {"dense", "dense_bn", "probabilities"}
    assert {v.path.split("/")[0] for v in made.network.trainable_variables} == heads
    made.stage(1)
    opened = {f"block5_conv{i}" for i in (1, 2, 3)}
    assert {v.path.split("/")[0] for v in made.network.trainable_variables} == heads | opened


def test_a_trained_trunk_opens_its_last_block_without_its_normalisations(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        classifier_networks, "application", lambda trunk, px, _: application(trunk, px, None)
    )
    plan = Plan("mobilenet", "imagenet", size=32).checked()
    made = classifier(plan, plan.input(0), 3, None)
    made.stage(1)
    opened = {layer.name for layer in made.trunk if layer.trainable and layer.weights}
    assert "block_16_expand" in opened
    assert "block_15_project" not in opened
    assert not {name for name in opened if "BN" in name or name.endswith("bn")}


def test_weights_that_cannot_be_fetched_are_a_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import keras

    def offline(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure on https://…: None -- no route")  # what Keras raises

    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setattr(keras.src.utils.file_utils, "urlretrieve", offline)
    with pytest.raises(UsageError, match=r"mobilenet cannot be fetched.*--weights none"):
        application("mobilenet", 96, "imagenet")


@pytest.mark.parametrize("kind", ["light", "strong"])
def test_augmentation_changes_faces_while_training_and_only_then(kind: str) -> None:
    plan = Plan("cnn", size=32).checked()
    made = classifier(plan, plan.input(0), 2, None)
    model = trainable(made, plan.input(0), kind, seed=1)
    faces = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 3)).astype(np.float32)
    changed = faces
    for layer in model.layers[:6]:
        changed = np.asarray(layer(changed, training=True))
    assert changed.shape == faces.shape
    assert np.abs(changed - faces).mean() > 5
    assert changed.min() >= 0
    assert changed.max() <= 255
    for layer in model.layers[:6]:
        assert np.allclose(layer(faces, training=False), faces)
