"""Five landmarks brought to their places."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from phototag.core.types import Pixels
from phototag.vision.align import TEMPLATE, align, similarity
from phototag.vision.opencv_detector import OpenCVDetector
from tests.vision.conftest import decoded


def landmarks(scale: float, turn: float, at: tuple[float, float]) -> np.ndarray:
    """The template enlarged, turned by `turn` degrees and moved; in pixels from the corner."""
    angle = np.radians(turn)
    rotation = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centred = TEMPLATE + 0.5 - 56
    return scale * centred @ rotation.T + at


def test_the_template_is_the_issues() -> None:
    expected = [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ]
    np.testing.assert_array_equal(TEMPLATE, expected)


@pytest.mark.parametrize("turn", [0.0, 33.0, 120.0, 180.0, -77.0])
def test_a_similar_face_is_brought_to_the_template_exactly(turn: float) -> None:
    points = landmarks(2.7, turn, (400, 300))
    matrix = similarity(points)
    np.testing.assert_allclose(points @ matrix[:, :2].T + matrix[:, 2], TEMPLATE, atol=1e-9)


def test_no_other_similarity_comes_nearer_in_least_squares() -> None:
    random = np.random.default_rng(3)
    for _ in range(20):
        points = landmarks(1.5, random.uniform(-40, 40), (200, 200))
        points += random.normal(0, 6, (5, 2))
        rows, aims = [], []
        for (x, y), (u, v) in zip(points, TEMPLATE, strict=True):
            rows += [[x, -y, 1, 0], [y, x, 0, 1]]
            aims += [u, v]
        a, b, tx, ty = np.linalg.lstsq(np.array(rows), np.array(aims), rcond=None)[0]
        np.testing.assert_allclose(similarity(points), [[a, -b, tx], [b, a, ty]], atol=1e-8)


def test_a_mirrored_face_is_not_mirrored_back() -> None:
    points = landmarks(2.0, 0, (300, 300)) * (-1, 1) + (600, 0)
    assert np.linalg.det(similarity(points)[:, :2]) > 0


def test_landmarks_that_coincide_give_a_crop_and_no_error() -> None:
    pixels = np.full((50, 50, 3), 77, np.uint8)
    crop = align(pixels, np.full((5, 2), 25.0))
    assert crop.shape == (112, 112, 3)
    assert (crop == 77).all()


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0, 3.3, 9.5])
def test_what_lies_at_a_landmark_comes_to_lie_at_its_place(scale: float) -> None:
    points = landmarks(scale, 20, (700, 650))
    pixels = np.zeros((1300, 1400, 3), np.uint8)
    y, x = np.mgrid[:1300, :1400]
    for px, py in points:
        away = ((x + 0.5 - px) ** 2 + (y + 0.5 - py) ** 2) / (2 * max(scale, 1)) ** 2
        pixels += np.rint(255 * np.exp(-away / 2)).astype(np.uint8)[:, :, None]
    crop = align(pixels, points)[:, :, 0].astype(float)
    down, across = np.mgrid[:112, :112]
    for px, py in TEMPLATE:
        weight = crop * (np.hypot(across - px, down - py) < 11)
        middle = [(weight * across).sum() / weight.sum(), (weight * down).sum() / weight.sum()]
        np.testing.assert_allclose(middle, [px, py], atol=0.1)


@pytest.mark.parametrize("scale", [2.0, 3.7, 8.0])
def test_fine_patterns_shrink_to_their_mean_and_not_to_false_ones(scale: float) -> None:
    checks = np.indices((1200, 1200)).sum(axis=0) % 2 * 255
    pixels = np.repeat(checks[:, :, None], 3, axis=2).astype(np.uint8)
    crop = align(pixels, landmarks(scale, 13, (600, 600))).astype(float)
    assert abs(crop.mean() - 127.5) < 2
    assert crop.std() < 255 / scale**2 / 2  # what is left of 127.5 after scale**2 pixels are added


def test_outside_the_photo_its_edge_goes_on() -> None:
    pixels = np.full((80, 80, 3), 200, np.uint8)
    assert (align(pixels, landmarks(1.0, 0, (5, 5))) == 200).all()


def test_the_crops_lie_as_the_training_faces_do(shared: Path) -> None:
    """`lfw_dev_aligned.npz` was cut with another run of the same detector: faces differ by its
    errors, but on average they lie neither higher nor further left, and are of the same size."""
    detector = OpenCVDetector(shared / "faces" / "face_detection_yunet_2026may.onnx")
    photos = sorted((shared / "lfw_dev" / "images").glob("*.jpg"))
    moves = []
    with np.load(shared / "faces" / "lfw_dev_aligned.npz") as faces:
        data, offsets = faces["data"], faces["offsets"]
    for i in range(0, len(photos), 100):
        pixels = cv2.resize(decoded(photos[i]), (256, 256))
        found = detector.detect(pixels)
        face = min(found, key=lambda f: np.hypot(f.box.centre[0] - 0.5, f.box.centre[1] - 0.5))
        crop = align(pixels, face.landmarks.array(256, 256))
        theirs = cv2.imdecode(data[offsets[i] : offsets[i + 1]], cv2.IMREAD_GRAYSCALE)
        moves.append(_registered(theirs, cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)))
    size, across, down = np.median(moves, axis=0)
    assert size == pytest.approx(1, abs=0.03)
    assert across == pytest.approx(0, abs=1)
    assert down == pytest.approx(0, abs=1)


def _registered(reference: Pixels, crop: Pixels) -> tuple[float, float, float]:
    """By how much `crop` is larger than `reference`, and how far its centre lies from that."""
    matrix = np.eye(2, 3, dtype=np.float32)
    steps = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 100, 1e-5)
    _, matrix = cv2.findTransformECC(reference, crop, matrix, cv2.MOTION_AFFINE, steps)
    centre = matrix @ (55.5, 55.5, 1) - 55.5
    return float(np.hypot(matrix[0, 0], matrix[1, 0])), float(centre[0]), float(centre[1])
