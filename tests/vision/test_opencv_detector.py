"""OpenCV's detector with a file that the user gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.errors import ModelError
from phototag.vision.models import WEIGHTS
from phototag.vision.opencv_detector import OpenCVDetector
from tests.vision.conftest import decoded


@pytest.fixture(scope="module")
def yunet(shared: Path) -> OpenCVDetector:
    return OpenCVDetector(shared / "faces" / "face_detection_yunet_2026may.onnx")


def test_faces_and_their_landmarks_are_found(yunet: OpenCVDetector, people: Path) -> None:
    faces = yunet.detect(decoded(people / "facenet_pytorch" / "multiface.jpg"))
    assert len(faces) == 6
    assert [face.box.y for face in faces] == sorted(face.box.y for face in faces)
    for face in faces:
        left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.points
        assert left_eye[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert left_eye[1] < nose[1] < right_mouth[1]
        assert face.box.x < nose[0] < face.box.x + face.box.width
        assert type(face.box.x) is float


def test_a_turned_face_is_found(yunet: OpenCVDetector, people: Path) -> None:
    (face,) = yunet.detect(decoded(people / "insightface" / "rot_90.jpg"))
    left, right = face.landmarks.array()[:2]
    assert abs(left[1] - right[1]) > 0.1


def test_a_photo_without_faces_has_none(yunet: OpenCVDetector, people: Path) -> None:
    assert yunet.detect(decoded(people / "mtcnn" / "no-faces.jpg")) == []
    assert yunet.detect(np.zeros((7, 5, 3), np.uint8)) == []


def test_small_faces_are_left_out_on_request(shared: Path, people: Path) -> None:
    pixels = decoded(people / "facemask_kaggle" / "maksssksksss110.jpg")
    model = shared / "faces" / "face_detection_yunet_2026may.onnx"
    sides = [
        [
            face.box.height * pixels.shape[0]
            for face in OpenCVDetector(model, min_face=m).detect(pixels)
        ]
        for m in (10, 30)
    ]
    assert min(sides[0]) < 28
    assert min(sides[1]) >= 30 - 1
    assert len(sides[1]) == sum(side >= 30 for side in sides[0])


def test_a_missing_model_is_said_with_where_to_get_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        OpenCVDetector(tmp_path / "face_detection_yunet_2023mar.onnx")
    said = str(caught.value)
    assert str(tmp_path) in said
    assert "opencv_zoo" in said
    assert "--detector-model" in said


def test_a_file_that_is_no_such_model_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "yunet.onnx"
    text.write_text("no network")
    for path in (text, WEIGHTS / "mtcnn-onet.onnx"):
        with pytest.raises(ModelError, match="cannot use this file as a face detector"):
            OpenCVDetector(path)
    assert capfd.readouterr().err == ""
