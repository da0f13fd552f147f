"""Quality falls with what spoils a face, and with nothing else."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from phototag.core.quality import GOOD, pitch, quality, sharpness, yaw

FRONTAL = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
"""ArcFace's template: a face from the front."""

FINE = {"face_px": 90.0, "score": 0.99, "sharp": 0.4}


def noise(seed: int = 0) -> Image.Image:
    """A picture with detail of all sizes."""
    chance = np.random.default_rng(seed)
    grey = np.zeros((112, 112))
    for side in (7, 14, 28, 56):
        coarse = Image.fromarray(chance.normal(size=(side, side)).astype(np.float32))
        grey += np.asarray(coarse.resize((112, 112), Image.Resampling.BICUBIC))
    return Image.fromarray(np.uint8(np.clip(grey * 25 + 128, 0, 255)))


def motion(picture: Image.Image, across: bool, steps: int = 11) -> NDArray[np.uint8]:
    """The picture moved by so many pixels while it was taken."""
    pixels = np.asarray(picture).astype(float)
    moved = [np.roll(pixels, step, axis=1 if across else 0) for step in range(steps)]
    return np.uint8(np.mean(moved, axis=0))


def turned(degrees: float, points: NDArray[np.float64] = FRONTAL) -> NDArray[np.float64]:
    angle = np.radians(degrees)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ turn.T


def test_a_large_sharp_frontal_face_is_as_good_as_can_be() -> None:
    assert quality(**FINE, points=FRONTAL) == 1.0


@pytest.mark.parametrize(
    ("part", "values"),
    [
        ("face_px", [5, 10, 16, 24, 39]),
        ("sharp", [0.02, 0.05, 0.08, 0.12, 0.2]),
        ("score", [0.4, 0.6, 0.75, 0.85]),
    ],
)
def test_the_smaller_blurrier_or_less_certain_the_worse(part: str, values: list[float]) -> None:
    found = [quality(**FINE | {part: value}, points=FRONTAL) for value in values]
    assert found == sorted(set(found))
    assert found[0] < GOOD < 1 > found[-1]


def test_the_further_a_face_is_turned_away_the_worse() -> None:
    found = []
    for shift in (0, 20, 28, 40):
        points = FRONTAL.copy()
        points[2, 0] += shift
        found.append(quality(**FINE, points=points))
    assert found == sorted(set(found), reverse=True)
    assert found[-1] < GOOD


def test_looking_far_up_or_down_is_worse_than_level() -> None:
    up, down = FRONTAL.copy(), FRONTAL.copy()
    up[2, 1], down[2, 1] = 58, 92
    assert pitch(up) < pitch(FRONTAL) < pitch(down)
    assert quality(**FINE, points=up) < 1 > quality(**FINE, points=down)


@given(degrees=st.floats(-180, 180), size=st.floats(0.1, 20))
def test_a_tilted_head_or_another_size_of_photo_changes_no_pose(
    degrees: float, size: float
) -> None:
    points = FRONTAL.copy()
    points[2] += (9, -4)
    again = turned(degrees, points) * size + 100
    assert yaw(again) == pytest.approx(yaw(points))
    assert pitch(again) == pytest.approx(pitch(points))


def test_landmarks_that_fall_together_are_no_good_face() -> None:
    assert quality(**FINE, points=np.ones((5, 2))) < GOOD


@pytest.mark.parametrize("seed", range(3))
def test_blur_and_motion_in_either_direction_take_sharpness_away(seed: int) -> None:
    picture = noise(seed)
    levels = [
        sharpness(np.asarray(picture.filter(ImageFilter.GaussianBlur(r)))) for r in (0, 1, 2, 4)
    ]
    assert levels == sorted(levels, reverse=True)
    assert sharpness(motion(picture, across=True)) < levels[0] / 2
    assert sharpness(motion(picture, across=False)) < levels[0] / 2


def test_contrast_brightness_and_colour_are_no_sharpness() -> None:
    grey = np.asarray(noise()).astype(float)
    dim = np.uint8(np.rint(grey * 0.4 + 30))
    assert sharpness(dim) == pytest.approx(sharpness(np.uint8(grey)), rel=0.05)
    colour = np.repeat(dim[:, :, None], 3, axis=2)
    assert sharpness(colour) == pytest.approx(sharpness(dim))


@pytest.mark.parametrize("shape", [(112, 112), (1, 1), (5, 9, 3)])
def test_a_flat_picture_has_no_sharpness(shape: tuple[int, ...]) -> None:
    assert sharpness(np.full(shape, 90, np.uint8)) == 0.0


def test_real_faces_are_good_until_they_are_blurred_or_tiny(shared: Path) -> None:
    with np.load(shared / "faces" / "calibration.npz") as faces:
        data, offsets = faces["data"], faces["offsets"]
    pictures = [
        Image.open(io.BytesIO(data[offsets[i] : offsets[i + 1]].tobytes())).convert("RGB")
        for i in range(0, 2000, 20)
    ]

    def good(radius: float, face_px: float = 80) -> float:
        blurred = (picture.filter(ImageFilter.GaussianBlur(radius)) for picture in pictures)
        found = [
            quality(face_px=face_px, score=0.99, sharp=sharpness(np.asarray(p)), points=FRONTAL)
            for p in blurred
        ]
        return float(np.mean(np.array(found) >= GOOD))

    assert good(0) == 1.0
    assert good(1.2) > 0.97
    assert good(4) < 0.1
    assert good(0, face_px=12) == 0.0
