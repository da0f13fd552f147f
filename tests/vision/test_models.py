"""Cards, digests and sessions."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.core.types import Thresholds
from phototag.errors import ModelError
from phototag.vision.models import (
    ARCFACE,
    WEIGHTS,
    ModelCard,
    Part,
    card_json,
    digest_of,
    load_card,
    session,
    shipped,
    verify,
)
from phototag.vision.mtcnn import Mtcnn
from tests.vision.networks import projection, saved

CARD = {
    "id": "small-1",
    "name": "small",
    "kind": "embedder",
    "file": "small.onnx",
    "digest": "",
    "size": 16,
    "dim": 32,
}


def written(folder: Path, **values: Any) -> Path:
    network = saved(projection(), folder / "small.onnx")
    path = folder / "small.json"
    card = CARD | {"digest": digest_of(network)} | values
    path.write_text(json.dumps(card), encoding="utf-8")
    return path


def test_every_model_that_ships_is_the_one_its_card_describes() -> None:
    cards = [load_card(path) for path in WEIGHTS.glob("*.json")]
    assert "mtcnn" in {card.name for card in cards}
    for card in cards:
        verify(card)
        assert card.about["licence"]


def test_a_digest_is_blake2b_of_the_files_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"weights" * 100_000)
    assert digest_of(path) == hashlib.blake2b(b"weights" * 100_000, digest_size=16).hexdigest()


def test_a_card_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    card = ModelCard(
        id="face-1",
        name="face",
        kind="embedder",
        file="face.onnx",
        digest="0" * 32,
        folder=tmp_path,
        size=48,
        color="bgr",
        layout="nhwc",
        mean=(1.0, 2.0, 3.0),
        scale=(4.0, 5.0, 6.0),
        dim=256,
        mirror=True,
        thresholds=Thresholds(accept=0.5, suggest=0.4, cluster=0.3, margin=0.05),
        parts={"head": Part("head.onnx", "1" * 32)},
        measurements={"lfw": {"accuracy": 0.985}},
        about={"licence": "Apache-2.0", "limits": ["small children"]},
    )
    path = tmp_path / "face.json"
    path.write_text(card_json(card), encoding="utf-8")
    assert load_card(path) == card


def test_what_a_card_leaves_out_has_the_usual_values(tmp_path: Path) -> None:
    card = load_card(written(tmp_path, mean=127.5, scale=[128, 128, 128]))
    assert card.mean == (127.5,) * 3
    assert card.scale == (128.0,) * 3
    assert card.template == ARCFACE
    assert card.thresholds is None
    assert (card.color, card.layout, card.mirror) == ("rgb", "nchw", False)


def test_a_session_runs_the_cards_file(tmp_path: Path) -> None:
    network = session(load_card(written(tmp_path)))
    assert network.run(np.zeros((2, 3, 16, 16), np.float32)).shape == (2, 32)


def test_a_file_that_was_changed_is_not_used(tmp_path: Path) -> None:
    card = load_card(written(tmp_path))
    data = bytearray(card.path.read_bytes())
    data[len(data) // 2] ^= 1
    card.path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="not the one its card describes") as caught:
        session(card)
    assert str(card.path) in str(caught.value)
    with pytest.raises(ModelError, match="not the one its card describes"):
        verify(card)


def test_a_part_that_was_changed_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in WEIGHTS.glob("mtcnn*"):
        shutil.copy(path, tmp_path)
    onet = tmp_path / "mtcnn-onet.onnx"
    onet.chmod(0o644)
    onet.write_bytes(onet.read_bytes()[:-1])
    damaged = load_card(tmp_path / "mtcnn.json")
    monkeypatch.setattr("phototag.vision.mtcnn.shipped", lambda name: damaged)
    with pytest.raises(ModelError, match=r"mtcnn-onet\.onnx: this file is not the one"):
        Mtcnn()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    card = load_card(written(tmp_path))
    card.path.unlink()
    with pytest.raises(ModelError, match=r"small\.onnx: the model's file cannot be read"):
        session(card)


def test_a_file_that_is_no_network_is_named(tmp_path: Path) -> None:
    path = written(tmp_path)
    (tmp_path / "small.onnx").write_bytes(b"no network")
    digest = digest_of(tmp_path / "small.onnx")
    path.write_text(json.dumps(CARD | {"digest": digest}), encoding="utf-8")
    with pytest.raises(ModelError, match="cannot load this model"):
        session(load_card(path))


def test_pictures_that_do_not_fit_the_network_are_an_error_of_the_model(tmp_path: Path) -> None:
    network = session(load_card(written(tmp_path)))
    with pytest.raises(ModelError, match="cannot be run"):
        network.run(np.zeros((1, 3, 20, 20), np.float32))


@pytest.mark.parametrize(
    "values",
    [
        {"id": None},
        {"kind": "oracle"},
        {"color": "grey"},
        {"layout": "hwcn"},
        {"size": 0},
        {"dim": 0},
        {"scale": 0},
        {"mean": [1, 2]},
        {"template": [[1, 2]]},
        {"thresholds": {"accept": 0.5}},
    ],
)
def test_a_card_that_makes_no_sense_is_refused(tmp_path: Path, values: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=r"small\.json: this model card is not valid"):
        load_card(written(tmp_path, **values))


def test_a_card_that_is_missing_or_no_json_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    with pytest.raises(ModelError, match="no such model card"):
        load_card(path)
    path.write_text("{", encoding="utf-8")
    with pytest.raises(ModelError, match="not JSON"):
        load_card(path)
    path.write_text("[]", encoding="utf-8")
    with pytest.raises(ModelError, match="JSON object"):
        load_card(path)


def test_a_model_that_does_not_ship_is_said_with_those_that_do() -> None:
    with pytest.raises(ModelError, match=r"no model 'vgg-99' comes with phototag .*mtcnn"):
        shipped("vgg-99")
