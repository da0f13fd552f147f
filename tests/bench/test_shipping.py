"""From a checkpoint to what ships, on a handful of real faces."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from random_network import State

from phototag.errors import ModelError
from phototag.vision.embed import Embedder
from phototag.vision.models import ModelCard, load_card, verify

pytestmark = pytest.mark.train


def part_of(source: Path, target: Path, rows: NDArray[np.integer]) -> None:
    """The same file of faces with these rows only; pairs keep those whose faces are all there."""
    with np.load(source) as stored:
        data, offsets = stored["data"], stored["offsets"]
        parts = [data[offsets[i] : offsets[i + 1]] for i in rows]
        arrays = {"data": np.concatenate(parts)}
        arrays["offsets"] = np.cumsum([0, *(len(part) for part in parts)])
        arrays |= {k: stored[k][rows] for k in ("label", "source", "target") if k in stored}
        if "pairs" in stored:
            place = {int(row): i for i, row in enumerate(rows)}
            kept = [
                (a, b, same) for a, b, same in stored["pairs"].tolist() if {a, b} <= place.keys()
            ]
            arrays["pairs"] = np.array([(place[a], place[b], s) for a, b, s in kept])
    np.savez(target, **arrays)


@pytest.fixture(scope="module")
def few(face_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of faces like the whole one, with fifty people and forty pairs."""
    folder = tmp_path_factory.mktemp("faces")
    part_of(face_folder / "shard-0.npz", folder / "shard-0.npz", np.arange(24))
    with np.load(face_folder / "calibration.npz") as stored:
        rows = np.flatnonzero(stored["label"] < 40)
    part_of(face_folder / "calibration.npz", folder / "calibration.npz", rows)
    with np.load(face_folder / "lfw_dev_aligned.npz") as stored:
        rows = np.unique(stored["pairs"][np.r_[0:20, 500:520], :2])
    part_of(face_folder / "lfw_dev_aligned.npz", folder / "lfw_dev_aligned.npz", rows)
    return folder


@pytest.fixture(scope="module")
def checkpoint(state: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "best.npz"
    np.savez(path, px=32, step=5, **{f"ema/{name}": values for name, values in state.items()})
    return path


def test_a_checkpoint_becomes_a_model_with_a_card_that_says_everything(
    checkpoint: Path, few: Path, tmp_path: Path
) -> None:
    from phototag.bench.ship import ship

    out = tmp_path / "out"
    result = ship(checkpoint, few, out, check=False)
    assert sorted(path.name for path in out.iterdir()) == [
        "face-vgg16.int8.onnx",
        "face-vgg16.json",
        "face-vgg16.npz",
    ]
    card = load_card(result.card)
    verify(card)
    assert (card.size, card.dim, card.color, card.mirror) == (32, 256, "rgb", True)
    assert card.id == result.id == f"face-vgg16-{card.digest[:12]}"
    assert card.thresholds is not None
    assert card.thresholds.suggest < card.thresholds.accept
    assert card.parts["float16"].file == "face-vgg16.npz"
    assert (
        result.cosine > 0.8
    )  # random weights tell faces apart by little, and whitening enlarges it

    said = json.loads(result.card.read_text())
    assert "Apache-2.0" in said["training"]["teacher"]["licence"]
    assert said["training_data"]["terms"]
    assert said["limits"]
    assert (said["fifth_pooling"], said["whitened"]) == (False, True)
    measured = said["measurements"]
    for threshold in ("accept", "suggest", "cluster", "margin"):
        assert measured["calibration"][threshold], threshold
    assert any(name.startswith("calibration: ") for name in measured["slices"])
    assert measured["development_pairs"]["accuracy"] == pytest.approx(result.accuracy, abs=1e-4)

    crops = np.random.default_rng(0).integers(0, 255, (3, 112, 112, 3)).astype(np.uint8)
    vectors = Embedder(card).embed(crops)
    assert np.array_equal(Embedder(card).embed(crops[1:2]), vectors[1:2])
    turned = Embedder(card).embed(np.ascontiguousarray(crops[:, :, ::-1]))
    assert np.abs(turned - vectors).max() < 2e-3  # a face and its mirror image are one face


def test_a_model_that_loses_too_much_is_not_written(
    checkpoint: Path, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from phototag.bench import ship as shipping

    def poor(card: ModelCard, _: ModelCard, __: Path) -> tuple[ModelCard, shipping.Shipped]:
        return card, shipping.Shipped(card.path, card.id, 0.9, 0.95, 0.5, 0.99, 0.004, {})

    monkeypatch.setattr(shipping, "measure", poor)
    out = tmp_path / "out"
    with pytest.raises(ModelError, match=r"0\.0040 of the accuracy .* Nothing was written"):
        shipping.ship(checkpoint, few, out)
    assert list(out.iterdir()) == []
