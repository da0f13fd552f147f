"""A camera's frames, and a window to show them in: OpenCV's, which knows the cameras of each
system."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator

import cv2
import numpy as np

from phototag.core.types import Moment, Pixels
from phototag.errors import CannotWatch
from phototag.images.shrink import shrunk
from phototag.images.silence import caught_noise
from phototag.images.video import Video

Seen = tuple[Moment, Pixels]
"""A frame [h, w, 3] RGB, and when it was: milliseconds from the first."""

WAIT = 100
"""Reads of a camera that may fail in a row: one that was just opened takes a moment, one that was
pulled out fails for ever."""


def frames_of(source: str, size: tuple[int, int] = (640, 480)) -> Iterator[Seen]:
    """The frames of a camera, by its number, or of a video file in its place.

    A camera is asked for frames of `size`; larger ones of a file are shrunk to fit. Raises
    CannotWatch (no such camera), UnreadableImage and OSError (of a file).
    """
    return _of_camera(int(source), size) if source.isdigit() else _of_file(source, max(size))


def _of_file(path: str, longest: int) -> Iterator[Seen]:
    with Video(path) as video:
        for frame in video.frames():
            yield frame.at, shrunk(frame.pixels(), longest)


def _of_camera(number: int, size: tuple[int, int]) -> Iterator[Seen]:
    with caught_noise():  # OpenCV's own words about a camera that is not there say less than ours
        camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise CannotWatch(
                f"Camera {number} cannot be opened. Is it there, is it free, and may you use it? "
                "On Linux cameras are /dev/video0, /dev/video1, …, for members of the group video."
            )
        for at, value in zip(
            (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT), size, strict=True
        ):
            camera.set(at, value)
        started, missed = time.monotonic(), 0
        while missed < WAIT:
            good, frame = camera.read()
            if not good:
                missed += 1
                time.sleep(0.02)
                continue
            missed = 0
            pixels = np.ascontiguousarray(frame[:, :, ::-1]).astype(np.uint8, copy=False)
            yield round((time.monotonic() - started) * 1000), pixels
        raise CannotWatch(f"Camera {number} gives no more pictures. Is it still plugged in?")
    finally:
        camera.release()


class Window:
    """Shows frames on the screen. Use as a context."""

    NAME = "phototag"

    def __init__(self) -> None:
        """Raises CannotWatch where there is no window to be had."""
        if "GUI:                           NONE" in cv2.getBuildInformation():
            raise CannotWatch(
                "--show needs a window, and the OpenCV that is installed has none. Replace it: pip "
                "uninstall opencv-python-headless, then pip install opencv-python. Without a "
                "window: --out annotated.mp4, or --json."
            )
        if sys.platform.startswith("linux") and not (
            os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
        ):
            raise CannotWatch(
                "--show: there is no display here (DISPLAY is not set). Use --out annotated.mp4."
            )

    def show(self, pixels: Pixels) -> bool:
        """False when the user closed the window, or pressed q or Escape."""
        cv2.imshow(self.NAME, pixels[:, :, ::-1])
        if cv2.waitKey(1) & 0xFF in (ord("q"), 27):
            return False
        return cv2.getWindowProperty(self.NAME, cv2.WND_PROP_VISIBLE) >= 1

    def __enter__(self) -> Window:
        return self

    def __exit__(self, *_: object) -> None:
        cv2.destroyAllWindows()
