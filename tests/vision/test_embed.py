"""Vectors that depend on their face and on nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from phototag.core.types import GRID
from phototag.errors import ModelError
from phototag.vision.embed import Embedder, make_card, shrink
from phototag.vision.models import ModelCard, card_json, load_card, shipped
from tests.vision.networks import card_of, model, projection, saved


def crops(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 112, 112, 3), np.uint8)


def small(folder: Path, name: str = "small", **values: object) -> ModelCard:
    return card_of(saved(projection(), folder / f"{name}.onnx"), size=16, **values)


def test_a_face_has_the_same_vector_whoever_is_beside_it(vgg_card: ModelCard) -> None:
    embedder = Embedder(vgg_card)
    faces = crops(32)
    whole = embedder.embed(faces)
    assert whole.shape == (32, 256)
    for size in (1, 3, 8):
        parts = [embedder.embed(faces[i : i + size]) for i in range(0, 32, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)
    backwards = embedder.embed(faces[::-1])
    np.testing.assert_array_equal(backwards[::-1], whole)


def test_the_shipped_network_gives_a_face_the_same_vector_whoever_is_beside_it() -> None:
    embedder = Embedder(shipped("face-vgg16"))
    faces = crops(9)
    whole = embedder.embed(faces)
    for size in (1, 4):
        parts = [embedder.embed(faces[i : i + size]) for i in range(0, 9, size)]
        np.testing.assert_array_equal(np.concatenate(parts), whole)


def test_vectors_are_of_unit_length_and_on_the_grid(vgg_card: ModelCard) -> None:
    vectors = Embedder(vgg_card).embed(crops(3))
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=2e-3)
    np.testing.assert_array_equal(vectors / GRID, np.rint(vectors / GRID))


def test_no_faces_give_no_vectors(tmp_path: Path) -> None:
    assert Embedder(small(tmp_path)).embed(crops(0)).shape == (0, 32)


def test_with_mirror_a_face_and_its_mirror_image_are_one(tmp_path: Path) -> None:
    faces = crops(2)
    plain = Embedder(small(tmp_path))
    both = Embedder(small(tmp_path, mirror=True))
    assert not np.array_equal(plain.embed(faces), plain.embed(faces[:, :, ::-1]))
    np.testing.assert_array_equal(both.embed(faces), both.embed(faces[:, :, ::-1]))


def test_the_network_sees_what_its_card_says(tmp_path: Path) -> None:
    """The first pixel of a face, in each order of colours and axes."""
    face = np.zeros((1, 112, 112, 3), np.uint8)
    face[0] = (50, 100, 200)
    seen = {
        ("rgb", "nchw"): (50, 100, 200),
        ("bgr", "nchw"): (200, 100, 50),
        ("rgb", "nhwc"): (50, 100, 200),
    }
    for (color, layout), values in seen.items():
        shape = (3, 16, 16) if layout == "nchw" else (16, 16, 3)
        pool = helper.make_node("Flatten", ["faces"], ["embedding"])
        network = model([pool], {}, ["n", *shape], ["n", 768])
        card = card_of(
            saved(network, tmp_path / f"{color}-{layout}.onnx"),
            size=16,
            dim=768,
            color=color,
            layout=layout,
            mean=(10.0, 20.0, 30.0),
            scale=(2.0, 4.0, 8.0),
        )
        expected = (np.array(values) - (10, 20, 30)) / (2, 4, 8)
        vector = Embedder(card).embed(face)[0]
        pixel = vector[[0, 256, 512]] if layout == "nchw" else vector[:3]
        length = np.linalg.norm(expected) * 16  # 256 pixels of that colour
        np.testing.assert_allclose(pixel, expected / length, atol=GRID)


def test_a_crop_is_shrunk_by_area() -> None:
    checks = np.indices((112, 112)).sum(axis=0) % 2 * 255
    crop = np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8)
    assert np.ptp(shrink(crop, 56).astype(int)) <= 1


def test_a_detector_is_no_embedder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a detector, not an embedder"):
        Embedder(small(tmp_path, kind="detector"))


def test_a_network_that_gives_no_numbers_is_named(tmp_path: Path) -> None:
    path = saved(projection(factor=float("nan")), tmp_path / "broken.onnx")
    with pytest.raises(ModelError, match=r"broken\.onnx: this model gives values"):
        Embedder(card_of(path, size=16)).embed(crops(1))


# ---- a user's own network


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((3, 16, 16), "nchw"),
        ((16, 16, 3), "nhwc"),
        ((3, "height", "width"), "nchw"),
        (("height", "width", 3), "nhwc"),
    ],
)
def test_a_users_network_is_understood_by_looking_at_it(
    tmp_path: Path, shape: tuple[object, ...], layout: str
) -> None:
    path = saved(projection(shape=shape), tmp_path / "arcface.onnx")
    card = make_card(path, "arcface", 16, "rgb", 127.5, 127.5)
    assert (card.layout, card.dim, card.size) == (layout, 32, 16)
    assert card.thresholds is None
    assert card.id == f"arcface-{card.digest[:12]}"
    written = tmp_path / "arcface.json"
    written.write_text(card_json(card), encoding="utf-8")
    assert load_card(written) == card
    assert Embedder(load_card(written)).embed(crops(2)).shape == (2, 32)


def test_a_network_in_half_precision_and_one_of_a_single_face_work(tmp_path: Path) -> None:
    half = saved(projection(kind=TensorProto.FLOAT16, factor=0.01), tmp_path / "half.onnx")
    single = saved(projection(batch=1), tmp_path / "single.onnx")
    for path in (half, single):
        card = make_card(path, path.stem, 16, "bgr", 127.5, 128.0)
        assert Embedder(card).embed(crops(3)).shape == (3, 32)


@pytest.mark.parametrize(
    ("network", "size", "said"),
    [
        (projection(), 112, r"no colour picture of 112x112 pixels\. Is --size right"),
        (projection(batch=4), 16, "takes 4 pictures at a time"),
        (projection(shape=(768,)), 16, "takes one picture"),
        (projection(dim=4), 16, "one vector of 8 to 4096 values"),
        (projection(factor=0.0), 16, "every picture the same vector"),
        (projection(factor=float("inf")), 16, "no numbers"),
        (projection(kind=TensorProto.DOUBLE), 16, "floating-point numbers"),
    ],
)
def test_a_network_that_is_no_embedder_is_refused_with_the_reason(
    tmp_path: Path, network: object, size: int, said: str
) -> None:
    path = saved(network, tmp_path / "mine.onnx")  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=said) as caught:
        make_card(path, "mine", size, "rgb", 127.5, 127.5)
    assert "mine.onnx" in str(caught.value)


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "photo.onnx"
    with pytest.raises(ModelError, match="no such file"):
        make_card(path, "photo", 16, "rgb", 127.5, 127.5)
    path.write_bytes(b"not a network")
    with pytest.raises(ModelError, match="cannot load this model"):
        make_card(path, "photo", 16, "rgb", 127.5, 127.5)


def test_a_scale_that_cannot_divide_is_refused(tmp_path: Path) -> None:
    path = saved(projection(), tmp_path / "mine.onnx")
    with pytest.raises(ModelError, match="above 0"):
        make_card(path, "mine", 16, "rgb", 127.5, 0.0)
    with pytest.raises(ModelError, match="one number or three"):
        make_card(path, "mine", 16, "rgb", (1.0, 2.0), 1.0)


def test_cards_of_one_network_under_other_means_are_other_models(tmp_path: Path) -> None:
    card = small(tmp_path)
    other = replace(card, mean=(0.0, 0.0, 0.0))
    assert not np.array_equal(Embedder(card).embed(crops(1)), Embedder(other).embed(crops(1)))
