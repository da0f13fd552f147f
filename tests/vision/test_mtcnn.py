"""Faces found in real photos; the whole comparison is `benchmarks/detection.py`."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
import pytest

from phototag.core.types import Box, Detection, Landmarks, Pixels
from phototag.vision.mtcnn import Mtcnn, _in_strips, pyramid
from phototag.vision.turned import _back, _turned
from tests.vision.conftest import decoded

PACKAGE = """
import sys
import cv2, numpy
from mtcnn import MTCNN
detector, found = MTCNN(), {}
for i, path in enumerate(sys.argv[2:]):
    pixels = numpy.ascontiguousarray(cv2.imread(path)[:, :, ::-1])
    found[str(i)] = detector.detect_faces(pixels, box_format="xyxy", output_type="numpy")
numpy.savez(sys.argv[1], **found)
"""
"""The package in a process of its own: [n, 16] for each photo, its number before our 15 columns."""


def test_the_networks_give_a_picture_in_strips_the_map_of_the_whole(mtcnn: Mtcnn) -> None:
    random = np.random.default_rng(0)
    for height, width in ((12, 12), (13, 40), (511, 767), (512, 768), (301, 500)):
        planes = random.standard_normal((1, 3, height, width), np.float32)
        whole = mtcnn._pnet.run(planes)[0]
        np.testing.assert_array_equal(_in_strips(mtcnn._pnet, planes), whole)


@pytest.mark.train
def test_the_exact_mode_agrees_with_the_package(people: Path, tmp_path: Path) -> None:
    names = ("maksssksksss110.jpg", "maksssksksss354.jpg", "maksssksksss296.jpg")
    paths = [people / "facemask_kaggle" / name for name in names]
    paths += [people / "dlib" / "2008_002079.jpg", people / "insightface" / "Rob_Lowe_0001.jpg"]
    out = tmp_path / "package.npz"
    command = [sys.executable, "-c", PACKAGE, str(out), *map(str, paths)]
    subprocess.run(command, check=True, capture_output=True, timeout=240)
    exact = Mtcnn(exact=True)
    ious, apart, total = [], [], 0
    with np.load(out) as package:
        for i, path in enumerate(paths):
            theirs, ours = package[str(i)], exact.rows(decoded(path, longest=10_000))
            total += len(theirs)
            for row in theirs[:, 1:]:
                matches = [_iou(row, other) for other in ours]
                best = int(np.argmax(matches))
                if matches[best] > 0.5:
                    ious.append(matches[best])
                    gap = np.hypot(*(row[5:] - ours[best, 5:]).reshape(2, 5))
                    apart.append(gap.max() / (row[2] - row[0]))
            assert abs(len(ours) - len(theirs)) <= 1
    assert total > 50
    assert len(ious) >= 0.98 * total
    assert np.mean(ious) >= 0.98
    assert np.mean(np.array(apart) <= 0.01) >= 0.98


def _iou(a: np.ndarray, b: np.ndarray) -> float:
    boxes = [Box(r[0], r[1], r[2] - r[0], r[3] - r[1]) for r in (a, b)]
    return boxes[0].iou(boxes[1])


def test_every_face_of_dlibs_photos_is_found_and_nothing_else(mtcnn: Mtcnn, people: Path) -> None:
    truth = defaultdict(list)
    with (people / "dlib" / "boxes.csv").open() as file:
        for row in csv.DictReader(file):
            truth[row["file"]].append([float(row[name]) for name in "xywh"])
    for name, boxes in truth.items():
        pixels = decoded(people / "dlib" / name, longest=10_000)
        height, width = pixels.shape[:2]
        scale = min(1.0, 1280 / max(height, width))
        size = (round(width * scale), round(height * scale))
        found = mtcnn.detect(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
        missed = [
            (x, y, w, h)
            for x, y, w, h in boxes
            if max(
                (Box(x / width, y / height, w / width, h / height).iou(f.box) for f in found),
                default=0,
            )
            < 0.3
        ]
        assert not missed, name
        assert len(found) == len(boxes), name


def test_noses_are_where_people_have_them(mtcnn: Mtcnn, people: Path) -> None:
    folder = people / "compreface"
    with (folder / "noses.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["file"] in ("000_5.jpg", "015_6.jpg")]
    assert len(rows) == 11
    found = {name: mtcnn.detect(decoded(folder / name)) for name in {row["file"] for row in rows}}
    for row in rows:
        height, width = cv2.imread(str(folder / row["file"])).shape[:2]
        nose = np.array([float(row["nose_x"]) / width, float(row["nose_y"]) / height])
        gaps = [
            np.hypot(*(face.landmarks.array()[2] - nose)) / face.box.width
            for face in found[row["file"]]
        ]
        assert min(gaps) < 0.2, row


def test_landmarks_have_the_viewers_left_first(mtcnn: Mtcnn, people: Path) -> None:
    faces = mtcnn.detect(decoded(people / "facenet_pytorch" / "multiface.jpg"))
    assert len(faces) == 6
    for face in faces:
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.points
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < left_mouth[1]


def test_equal_pixels_give_an_equal_answer_in_order_from_the_top(people: Path) -> None:
    pixels = decoded(people / "facenet_pytorch" / "multiface.jpg")
    first, second = Mtcnn().detect(pixels), Mtcnn().detect(pixels.copy())
    assert first == second
    assert [face.box.y for face in first] == sorted(face.box.y for face in first)


def test_a_larger_least_face_leaves_out_the_small_ones(people: Path) -> None:
    pixels = decoded(people / "facemask_kaggle" / "maksssksksss110.jpg")
    every = Mtcnn().detect(pixels)
    large = Mtcnn(min_face=40).detect(pixels)
    sides = [face.box.width * pixels.shape[1] for face in every]
    assert min(sides) < 0.6 * 40
    assert 0 < len(large) < len(every)
    assert all(face.box.height * pixels.shape[0] > 0.6 * 40 for face in large)


def test_a_photo_without_faces_has_none(mtcnn: Mtcnn, people: Path) -> None:
    assert mtcnn.detect(decoded(people / "mtcnn" / "no-faces.jpg")) == []


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (300, 5), (19, 19), (12, 20)])
def test_a_picture_smaller_than_a_face_has_none(mtcnn: Mtcnn, shape: tuple[int, int]) -> None:
    pixels = np.full((*shape, 3), 90, np.uint8)
    assert mtcnn.detect(pixels) == []
    assert Mtcnn(exact=True).detect(pixels) == []


def test_the_pyramid_begins_at_the_least_face_and_ends_at_the_networks_view() -> None:
    scales = pyramid(1280, 853, 20, 0.709)
    assert scales[0] == 0.6
    assert len(scales) == 11  # as the package counts them
    assert 853 * scales[-1] >= 12
    assert pyramid(11, 500, 20, 0.709) == []


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_photo_gives_the_faces_of_the_upright_one_in_its_own_frame(
    mtcnn: Mtcnn, people: Path, quarters: int
) -> None:
    pixels = decoded(people / "insightface" / "t1.jpg", longest=800)
    upright = mtcnn.detect(pixels)
    assert len(upright) == 6
    found = mtcnn.detect(np.ascontiguousarray(np.rot90(pixels, -quarters)))
    assert len(found) == len(upright)
    # What np.rot90 turned one way, _back turns the other: bring both into the upright frame.
    again = [_back(face, 4 - quarters) for face in found]
    for face in upright:
        nearest = max(again, key=lambda other: face.box.iou(other.box))
        assert face.box.iou(nearest.box) > 0.8
        gap = np.abs(face.landmarks.array() - nearest.landmarks.array()).max()
        assert gap < 0.1 * max(face.box.width, face.box.height)


def test_a_face_turned_in_its_pixels_is_found(mtcnn: Mtcnn, people: Path) -> None:
    folder = people / "insightface"
    (upright,) = mtcnn.detect(decoded(folder / "rot_0.jpg"))
    (turned,) = mtcnn.detect(decoded(folder / "rot_90.jpg"))
    left, right = turned.landmarks.array()[:2]
    assert abs(left[1] - right[1]) > 0.1  # the eyes stand one above the other
    assert abs(left[0] - right[0]) < 0.1
    assert abs(turned.score - upright.score) < 0.02


def test_points_come_back_to_the_pixel_they_were_turned_from() -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[7, 50] = 255
    for quarters in (1, 2, 3):
        turned: Pixels = _turned(pixels, quarters)
        (row,), (column,) = np.nonzero(turned[:, :, 0])
        height, width = turned.shape[:2]
        box = Box(column / width, row / height, 1 / width, 1 / height)
        centre = (box.x + box.width / 2, box.y + box.height / 2)
        back = _back(Detection(box, Landmarks((centre,)), 1.0), quarters)
        assert back.box.pixels(60, 40) == (50, 7, 1, 1)
        np.testing.assert_allclose(back.landmarks.array(60, 40), [[50.5, 7.5]])


def test_noise_does_not_cost_more_than_a_crowd(mtcnn: Mtcnn) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (600, 800, 3), np.uint8)
    assert mtcnn.detect(noise) == []


def test_a_mirrored_view_of_the_pixels_is_as_good_as_a_copy(mtcnn: Mtcnn, people: Path) -> None:
    pixels = decoded(people / "dlib" / "2008_002470.jpg")
    assert mtcnn.detect(pixels[:, ::-1]) == mtcnn.detect(pixels[:, ::-1].copy()) != []
