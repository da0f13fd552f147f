"""OpenCV's deep-learning detector (YuNet) with a model file that the user gives."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from phototag.core.types import Box, Detection, Landmarks, Pixels
from phototag.errors import ModelError


class OpenCVDetector:
    """Faces by `cv2.FaceDetectorYN`."""

    def __init__(self, model: Path, *, min_face: int = 20, score: float = 0.8) -> None:
        """`model`: YuNet's ONNX file. Raises ModelError when it is missing or cannot be loaded."""
        if not model.is_file():
            raise ModelError(
                f"{model}: the model of OpenCV's detector is not there. Get the file "
                "face_detection_yunet_2023mar.onnx or a later one from the OpenCV Zoo "
                "(github.com/opencv/opencv_zoo, folder models/face_detection_yunet) and give it "
                "with --detector-model, or put it into the library's folder models/."
            )
        self.min_face = min_face
        try:
            self._net = cv2.FaceDetectorYN.create(str(model), "", (320, 320), score, 0.3, 5000)
        except cv2.error as error:
            raise ModelError(
                f"{model}: OpenCV {cv2.__version__} cannot load this model ({error})."
            ) from error

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of an upright RGB picture [h, w, 3], from the top left."""
        height, width = pixels.shape[:2]
        self._net.setInputSize((width, height))
        _, rows = self._net.detect(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        found = []
        for row in np.empty((0, 15)) if rows is None else rows.astype(np.float64):
            if max(row[2], row[3]) < self.min_face:
                continue
            x, y, w, h = (float(v) for v in row[:4] / (width, height, width, height))
            box = Box(x, y, w, h)
            points = row[4:14].reshape(5, 2) / (width, height)
            marks = Landmarks(tuple((float(x), float(y)) for x, y in points))
            found.append(Detection(box.rounded(), marks, float(row[14])))
        return sorted(found, key=lambda face: (face.box.y, face.box.x))
