"""Video files become frames: upright, 8-bit RGB, each with its time.

PyAV (FFmpeg), imported only when a video is opened. Against OpenCV's FFmpeg on 16 kinds of files
that phones and cameras make (H.264, HEVC in 8 and 10 bits, MJPEG, MPEG-4, H.263, MPEG-2, VP9, AV1,
ProRes, WMV; mp4, mov, 3gp, avi, mkv, webm, mts, mpg) it reads 16 and OpenCV 15 (no AV1); it tells
the end of a file from an error, and the time of every frame (OpenCV: 0 throughout an mpg).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from phototag.core.types import Moment, Pixels
from phototag.errors import UnreadableImage

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SMALL = (64, 36)
"""Width and height of the grey picture by which cuts are seen."""

MOST_FRAMES = 1_000_000
"""Frames of the longest video that is read: nine hours at 30 a second. What never ends is a failure
and not a hang."""

MOST_MISSING = 0.05
"""Share of a video's duration that may be missing at its end, beyond two seconds: sound often runs
on, and a stream's last packets are often lost."""

MOST_DAMAGED = 0.2
"""Share of packets that may be damaged: one lost packet of a camera's card costs a moment, not all
that was seen before and after."""

DOORS = {
    "format_whitelist": "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,asf,flv,"
    "ogg,m4v,dv,mxf,h264,hevc",
    "protocol_whitelist": "none",
}
"""What FFmpeg may take a file for, and what it may open besides: nothing. A playlist that is named
like a video names other files, and addresses in the network."""

SHORT: Moment = 500
"""Milliseconds by which a search aims too early: key frames and times are not always where a file's
index has them."""

_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")

WHOLE = 1 << 30
"""Bytes of the largest file whose key is a digest of all of it: two seconds of reading."""

SAMPLES, SAMPLE = 64, 1 << 20
"""How many pieces of a larger file, and of how many bytes, its key is a digest of."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, decoded and not yet turned into pixels."""

    at: Moment
    _frame: VideoFrame

    @property
    def end(self) -> Moment:
        """When the next one follows, as far as the file says."""
        length, base = self._frame.duration, self._frame.time_base
        return self.at + (round(float(length * base) * 1000) if length and base else 0)

    @property
    def pts(self) -> int:
        """Its time in units of its stream."""
        return self._frame.pts or 0

    def small(self) -> Pixels:
        """[36, 64] grey, as stored: for cuts."""
        wide, high = SMALL
        grey = self._frame.reformat(wide, high, "gray", interpolation="AREA")
        return grey.to_ndarray().astype(np.uint8, copy=False)

    def pixels(self) -> Pixels:
        """[h, w, 3] RGB, upright."""
        shown = self._frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
        quarters = round(self._frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(shown, quarters)) if quarters else shown


def _lenient(version: str) -> dict[str, Any]:
    """What makes PyAV open a file whose tags are not UTF-8. From 19 on, it takes no such word, and
    hands out the odd bytes as surrogates."""
    return {"metadata_errors": "replace"} if int(version.split(".")[0]) < 19 else {}


class Video:
    """A video file, open. Use as a context."""

    def __init__(self, path: str) -> None:
        """Raises UnreadableImage with a reason: `empty`, `not-a-video`, `no-video` (sound only),
        `unsupported` (a codec that is missing); OSError."""
        import av
        from av.error import FFmpegError

        av.logging.set_level(None)
        self.path = path
        self._start: float | None = None
        if os.path.getsize(path) == 0:  # noqa: PTH202 (names that are not UTF-8)
            raise UnreadableImage(path, "empty", "the file is empty (0 bytes).")
        self._file = open(path, "rb")  # noqa: PTH123, SIM115 (closed with the video)
        try:
            self._container = av.open(self._file, "r", options=DOORS, **_lenient(av.__version__))
        except (FFmpegError, ValueError) as error:
            self._file.close()
            said = "this is no video that can be read: its header is damaged, or it breaks off."
            raise UnreadableImage(path, "not-a-video", said) from error
        try:
            self._stream = self._picture_stream()
        except UnreadableImage:
            self.close()
            raise

    def _picture_stream(self) -> Any:
        from av.stream import Disposition

        for stream in self._container.streams.video:
            if not stream.disposition & Disposition.attached_pic:  # not the cover of a song
                if stream.codec_context is None:
                    break
                stream.thread_type = "NONE"  # a worker is one of several
                return stream
        if self._container.streams.video:
            said = "its codec is not known to this FFmpeg."
            raise UnreadableImage(self.path, "unsupported", said)
        raise UnreadableImage(self.path, "no-video", "it holds no picture, only sound or data.")

    def __enter__(self) -> Video:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._container.close()
        self._file.close()

    @property
    def format(self) -> str:
        """`MP4/H264`: container and codec."""
        container = os.path.splitext(self.path)[1].lstrip(".").upper() or "VIDEO"  # noqa: PTH122
        return f"{container}/{self._stream.codec_context.codec.canonical_name.upper()}"

    @property
    def taken(self) -> str | None:
        """ISO 8601 with an offset; None where the file does not say, or says 1904 or 1970."""
        told = self._container.metadata
        said = told.get("com.apple.quicktime.creationdate") or told.get("creation_time") or ""
        try:
            when = datetime.fromisoformat(said)
        except ValueError:
            return None
        return when.isoformat(timespec="seconds") if when.year > 1970 else None

    @property
    def duration(self) -> Moment | None:
        """As the file says it."""
        length, base = self._stream.duration, self._stream.time_base
        if length is not None and base is not None:
            return round(float(length * base) * 1000)
        said = _CLOCK.match(self._stream.metadata.get("DURATION", ""))  # Matroska's
        if said is not None:
            return round((int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3])) * 1000)
        return None if self._container.duration is None else self._container.duration // 1000

    def frames(self) -> Iterator[Frame]:
        """Every frame in order. Raises UnreadableImage where the video breaks off, is largely
        damaged, or does not end."""
        last = end = 0
        for count, frame in enumerate(self._timed()):
            if count >= MOST_FRAMES:
                said = f"it has more than {MOST_FRAMES:,} frames. Cut it into pieces."
                raise UnreadableImage(self.path, "too-long", said)
            if frame.at >= last:  # else a clock that jumps back
                last, end = frame.at, frame.end
                yield frame
        self._check_whole(end)

    def frame_at(self, at: Moment) -> Frame:
        """The first frame at or after a moment, else the last. Decodes from the key frame before it
        on. Raises UnreadableImage."""
        first = found = next(self._timed(), None)
        if first is not None and at > SHORT and self._stream.time_base is not None:
            offset = int((at - SHORT) / 1000 / float(self._stream.time_base))
            self._container.seek(first.pts + offset, stream=self._stream)
        for frame in self._timed():
            if found is not None and found.at >= at:
                break
            found = frame
        if found is None:
            raise UnreadableImage(self.path, "damaged", "no frame of it can be decoded.")
        return found

    def _timed(self) -> Iterator[Frame]:
        for frame in self._decoded():
            if frame.time is not None:
                self._start = frame.time if self._start is None else self._start
                yield Frame(round((frame.time - self._start) * 1000), frame)

    def _decoded(self) -> Iterator[VideoFrame]:
        from av.error import FFmpegError

        good = bad = 0
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    break
                yield from packet.decode()
                good += 1
            except FFmpegError:
                bad += 1
                if bad > 25 + MOST_DAMAGED * good:
                    raise self._broken(f"{bad} of its first {good + bad} packets are") from None

    def _broken(self, what: str) -> UnreadableImage:
        said = f"{what} damaged. Copy the file again from where it came."
        return UnreadableImage(self.path, "damaged", said)

    def _check_whole(self, end: Moment) -> None:
        if self._start is None:
            raise UnreadableImage(self.path, "damaged", "no frame of it can be decoded.")
        wanted = self.duration
        if wanted is not None and end < wanted * (1 - MOST_MISSING) - 2000:
            raise UnreadableImage(
                self.path,
                "truncated",
                f"the video breaks off after {end / 1000:.0f} of {wanted / 1000:.0f} seconds."
                " Copy the file again from where it came.",
            )


def video_key(path: str, size: int) -> str:
    """The identity of a video, 32 hexadecimal digits: BLAKE2b-128 of its bytes; of a file of more
    than a gibibyte, of its size and of 64 pieces spread over it (the first and the last among
    them), for reading all of it would take longer than looking at it again is worth."""
    digest = blake2b(digest_size=16)
    with open(path, "rb") as file:  # noqa: PTH123 (names that are not UTF-8)
        if size <= WHOLE:
            while piece := file.read(SAMPLE):
                digest.update(piece)
            return digest.hexdigest()
        digest.update(f"phototag video {size}:".encode())
        for number in range(SAMPLES):
            file.seek(number * (size - SAMPLE) // (SAMPLES - 1))
            digest.update(file.read(SAMPLE))
    return digest.hexdigest()


def frame_at(path: str, at: Moment) -> Pixels:
    """[h, w, 3] RGB of the first frame at or after a moment, else of the last. Raises
    UnreadableImage, OSError."""
    with Video(path) as video:
        return video.frame_at(at).pixels()
