"""`phototag evaluate`, as it is typed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from phototag.cli.evaluate import app
from phototag.errors import UsageError
from phototag.vision.embed import make_card
from phototag.vision.models import card_json, load_card


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library whose embedder shrinks the crop to 8x8: an ONNX file of two nodes."""
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["faces"], ["small"], kernel_shape=[14, 14], strides=[14, 14]
            ),
            helper.make_node("Flatten", ["small"], ["embedding"]),
        ],
        "pixels",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 112, 112])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 192])],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    made.ir_version = 8
    folder = tmp_path_factory.mktemp("library")
    (folder / "models").mkdir()
    (folder / "models" / "pixels.onnx").write_bytes(made.SerializeToString())
    card = make_card(folder / "models" / "pixels.onnx", "pixels", 112, "rgb", 127.5, 127.5)
    (folder / "models" / "pixels.json").write_text(card_json(card))
    (folder / "phototag.toml").write_text('embedder = "pixels"\n')
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)


def said(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def few_pairs(shared: Path, folder: Path, count: int) -> Path:
    lines = (shared / "lfw_dev" / "pairs.txt").read_text().splitlines()
    chosen = [str(count), *lines[1 : 1 + count], *lines[501 : 501 + count]]
    (folder / "pairs.txt").write_text("\n".join(chosen) + "\n")
    return folder / "pairs.txt"


def test_pairs_go_through_the_whole_pipeline(shared: Path, model: Path, tmp_path: Path) -> None:
    pairs = few_pairs(shared, tmp_path, 10)
    images = shared / "lfw_dev" / "images"
    found = said(
        run("verification", pairs, "--images", images, "--library", model, "--quiet", "--json")
    )
    assert found["schema"] == "phototag/verification/1"
    assert found["pairs"] == 20
    assert found["model"].startswith("pixels-")
    assert found["not_detected"] == []
    assert 0.3 < found["accuracy"] <= 1
    assert set(found["tar"]) == {"1e-02", "1e-03", "1e-04"}


def test_calibration_writes_thresholds_into_the_card(
    face_shards: Path, model: Path, tmp_path: Path
) -> None:
    before = load_card(model / "models" / "pixels.json")
    assert before.thresholds is None
    found = said(
        run("verification", face_shards, "--library", model, "--calibrate", "--quiet", "--json")
    )
    card = load_card(model / "models" / "pixels.json")
    assert card.thresholds is not None
    assert found["calibrated"]["accept"] == card.thresholds.accept > card.thresholds.suggest
    assert card.measurements["calibration"]["set"] == face_shards.name
    assert (card.id, card.digest) == (before.id, before.digest)
    again = said(run("verification", face_shards, "--library", model, "--quiet", "--json"))
    assert again["at_thresholds"]["accept"]["far"] < 1e-3


@pytest.fixture(scope="module")
def face_shards(model: Path, tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Path:
    """Fifty of the calibration people."""
    with np.load(shared / "faces" / "calibration.npz") as stored:
        rows = np.flatnonzero(stored["label"] < 50)
        data, offsets = stored["data"], stored["offsets"]
        parts = [data[offsets[i] : offsets[i + 1]] for i in rows]
        path = tmp_path_factory.mktemp("faces") / "fifty.npz"
        np.savez(
            path,
            data=np.concatenate(parts),
            offsets=np.cumsum([0, *(len(part) for part in parts)]),
            label=stored["label"][rows],
        )
    return path


def test_figures_are_told_in_words_and_drawn(
    face_shards: Path, model: Path, tmp_path: Path
) -> None:
    result = run(
        "verification", face_shards, "--library", model, "--plot", tmp_path / "p.png", "--quiet"
    )
    assert result.exit_code == 0
    assert "equal error rate" in result.stdout
    assert (tmp_path / "p.png").read_bytes()[:4] == b"\x89PNG"


def test_pairs_without_their_folder_are_an_error(tmp_path: Path, model: Path) -> None:
    (tmp_path / "pairs.txt").write_text("1\nAnn\t1\t2\n")
    with pytest.raises(UsageError, match="--images"):
        run("verification", tmp_path / "pairs.txt", "--library", model)


def test_pairs_without_names_cannot_calibrate(shared: Path, model: Path, tmp_path: Path) -> None:
    images = shared / "lfw_dev" / "images"
    some = sorted(p.name for p in images.iterdir())[:4]
    (tmp_path / "pairs.csv").write_text(
        f"first,second,same\n{some[0]},{some[1]},1\n{some[2]},{some[3]},0\n"
    )
    with pytest.raises(UsageError, match="names"):
        run(
            "verification",
            tmp_path / "pairs.csv",
            *("--images", images, "--aligned", "--library", model, "--calibrate", "--quiet"),
        )


def test_every_command_shows_an_example() -> None:
    for command in ("verification", "clustering", "identification"):
        assert f"Example: phototag evaluate {command}" in run(command, "--help").stdout
