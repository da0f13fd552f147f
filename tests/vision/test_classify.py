"""A run folder is read without Keras, and one that does not fit is refused."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.errors import ModelError
from phototag.vision.classify import FORMAT, Classifier, load_classifier_card
from phototag.vision.models import digest_of


def run_folder(folder: Path, **changed: Any) -> Path:
    """A network that says a face's mean red, green and blue, as a run's."""
    import onnx
    from onnx import TensorProto, helper

    folder.mkdir(exist_ok=True)
    graph = helper.make_graph(
        [
            helper.make_node("GlobalAveragePool", ["faces"], ["mean"]),
            helper.make_node("Flatten", ["mean"], ["flat"]),
            helper.make_node("Softmax", ["flat"], ["probabilities"], axis=-1),
        ],
        "colours",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 16, 16])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    card = {
        "id": "classifier-colours-1",
        "name": "classifier-colours",
        "kind": "classifier",
        "file": "model.onnx",
        "digest": digest_of(folder / "model.onnx"),
        "size": 16,
        "mean": [0, 0, 0],
        "scale": [25.5, 25.5, 25.5],
        "dim": 3,
        "format": FORMAT,
        "classes": ["Red", "Green", "Blue"],
        "not_recognised": {"threshold": 0.6, "outsiders": 12},
    }
    (folder / "card.json").write_text(json.dumps(card | changed))
    return folder


def test_a_run_says_who_a_face_is_and_when_it_is_nobody(tmp_path: Path) -> None:
    card = load_classifier_card(run_folder(tmp_path / "run"))
    assert card.classes == ("Red", "Green", "Blue")
    assert card.not_recognised == 0.6
    assert card.measured["outsiders"] == 12
    crops = np.zeros((3, 112, 112, 3), np.uint8)
    crops[0, ..., 0] = crops[1, ..., 2] = 200
    found = Classifier(card).probabilities(crops)
    assert found.argmax(axis=1)[:2].tolist() == [0, 2]
    assert found[2] == pytest.approx(1 / 3)
    assert (found.max(axis=1) < card.not_recognised).tolist() == [False, False, True]
    assert Classifier(card).probabilities(crops[:0]).shape == (0, 3)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"format": 9}, "format 9.*reads 1"),
        ({"format": None}, "format None"),
        ({"kind": "embedder"}, "an? embedder, not a classifier"),
        ({"classes": ["Red"]}, "do not fit"),
        ({"classes": ["Red", "Red", "Blue"]}, "do not fit"),
        ({"not_recognised": {}}, "not valid"),
        ({"size": "big"}, "not valid"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(ModelError, match=said):
        load_classifier_card(run_folder(tmp_path / "run", **changed))


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no finished training run.*phototag train"):
        load_classifier_card(tmp_path)
    (tmp_path / "card.json").write_text("{")
    with pytest.raises(ModelError, match="cannot be read"):
        load_classifier_card(tmp_path)


def test_a_network_that_is_not_the_cards_is_refused(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", digest="0" * 32)
    with pytest.raises(ModelError, match="not the one its card describes"):
        Classifier(load_classifier_card(folder))


def test_a_run_is_read_without_keras(tmp_path: Path) -> None:
    run_folder(tmp_path / "run")
    script = (
        "import sys; from pathlib import Path; import numpy as np;"
        "from phototag.vision.classify import *;"
        f"card = load_classifier_card(Path({str(tmp_path / 'run')!r}));"
        "Classifier(card).probabilities(np.zeros((1, 112, 112, 3), np.uint8));"
        "print([m for m in ('keras', 'tensorflow') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
