"""Real photos as pixels, and networks that are made on the spot."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from phototag.core.types import Pixels
from phototag.vision.models import ModelCard
from phototag.vision.mtcnn import Mtcnn
from tests.vision.networks import card_of, vgg16


def decoded(path: Path, longest: int = 1280) -> Pixels:
    """An upright JPEG or PNG as RGB, its longest side at most `longest` px."""
    pixels = cv2.imread(str(path))
    assert pixels is not None, path
    height, width = pixels.shape[:2]
    scale = longest / max(height, width)
    if scale < 1:
        size = (round(width * scale), round(height * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(pixels[:, :, ::-1])


@pytest.fixture(scope="session")
def people(shared: Path) -> Path:
    """Photos with faces, each folder with its truth."""
    return shared / "photos" / "people"


@pytest.fixture(scope="session")
def mtcnn() -> Mtcnn:
    return Mtcnn()


@pytest.fixture(scope="session")
def vgg_card(tmp_path_factory: pytest.TempPathFactory) -> ModelCard:
    """A VGG16 for faces of 48 px with random weights: the shipped one's shape, not its skill."""
    path = tmp_path_factory.mktemp("weights") / "random-vgg16.onnx"
    path.write_bytes(vgg16().SerializeToString())
    return card_of(path, size=48, dim=256)
