"""A video that is written frame by frame: H.264 with the time of each frame."""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

from phototag.core.types import Moment, Pixels
from phototag.output.atomic import CannotWriteFile, temporary_name

FORMATS = (".mp4", ".mov", ".mkv")


class Recording:
    """Use as a context: the file has its name when that is left, whatever ended it, and holds all
    frames until then. Raises CannotWrite."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._temporary = path.parent / (temporary_name() + path.suffix)
        self._container: Any = None
        self._stream: Any = None
        self._last = -1

    def __enter__(self) -> Recording:
        return self

    def add(self, at: Moment, pixels: Pixels) -> None:
        """A frame [h, w, 3] RGB; an odd last row or column is left out, as H.264 wants."""
        import av

        high, wide = (side - side % 2 for side in pixels.shape[:2])
        if self._container is None:
            self._open(wide, high)
        frame = av.VideoFrame.from_ndarray(pixels[:high, :wide].copy(), format="rgb24")
        frame.pts, frame.time_base = max(at, self._last + 1), Fraction(1, 1000)
        self._last = frame.pts
        self._mux(frame)

    def _open(self, wide: int, high: int) -> None:
        import av

        av.logging.set_level(None)
        try:
            self._container = av.open(str(self._temporary), "w")
        except OSError as error:
            raise CannotWriteFile(self.path, error) from error
        self._stream = self._container.add_stream("h264", rate=30)
        self._stream.width, self._stream.height = wide, high
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, 1000)
        self._stream.options = {"preset": "superfast", "crf": "23"}

    def _mux(self, frame: Any) -> None:
        try:
            self._container.mux(self._stream.encode(frame))
        except OSError as error:
            raise CannotWriteFile(self.path, error) from error

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._container is None:
            return
        try:
            self._mux(None)
            self._container.close()
            self._temporary.replace(self.path)
        except OSError as failed:
            raise CannotWriteFile(self.path, failed) from failed
        finally:
            with suppress(OSError):
                self._temporary.unlink()
