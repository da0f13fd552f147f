"""Videos made of photos, with truth: each shot pans and zooms over one photo, with hard cuts."""

from __future__ import annotations

import csv
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

GALLERY = Path(__file__).resolve().parents[1] / "sample_gallery"

View = tuple[float, float, float]
"""Centre (x, y) in fractions of the photo, and the width of the view in fractions of what fits."""

Place = tuple[float, float, float, float]
"""Left, top, width, height."""


@dataclass(frozen=True, slots=True)
class Shot:
    """One photo, seen for a while by a camera that moves."""

    photo: Path
    seconds: float
    begin: View = (0.5, 0.5, 1.0)
    end: View = (0.5, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """Somebody in a film, as the truth has it."""

    person: str
    first: float
    last: float
    """Seconds, of the frames that show all of the face; both 0 where none does."""
    places: tuple[tuple[float, Place], ...] = ()
    """(seconds, where it is in the frame in fractions) of all frames that show some of it."""


def read_truth(folder: Path, photos: Path) -> dict[Path, list[tuple[str, Place]]]:
    """Who is where in which photo of a gallery, in pixels of the upright photo."""
    found: dict[Path, list[tuple[str, Place]]] = {}
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            place = (float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"]))
            found.setdefault(photos / row["file"], []).append((row["person"], place))
    return found


def window(shot: Shot, share: float, photo: tuple[int, int], size: tuple[int, int]) -> Place:
    """What the camera sees of a photo after that share of the shot, in pixels of the photo."""
    x, y, zoom = (a + share * (b - a) for a, b in zip(shot.begin, shot.end, strict=True))
    scale = min(photo[0] / size[0], photo[1] / size[1]) * zoom
    wide, high = size[0] * scale, size[1] * scale
    left = min(max(0.0, x * photo[0] - wide / 2), photo[0] - wide)
    top = min(max(0.0, y * photo[1] - high / 2), photo[1] - high)
    return left, top, wide, high


def frames(shots: Sequence[Shot], size: tuple[int, int], rate: int) -> Iterator[NDArray[np.uint8]]:
    """[h, w, 3] RGB, one after the other."""
    for shot in shots:
        with Image.open(shot.photo) as opened:
            image = opened.convert("RGB")
        count = round(shot.seconds * rate)
        for number in range(count):
            left, top, wide, high = window(shot, number / count, image.size, size)
            box = (left, top, left + wide, top + high)
            yield np.asarray(image.resize(size, Image.Resampling.BILINEAR, box))


def truth_of(
    shots: Sequence[Shot],
    people: dict[Path, list[tuple[str, Place]]],
    size: tuple[int, int],
    rate: int,
) -> list[Shown]:
    """Who is to be seen when: one entry for each face of each shot."""
    found, start = [], 0
    for shot in shots:
        with Image.open(shot.photo) as opened:
            photo = opened.size
        count = round(shot.seconds * rate)
        for person, face in people.get(shot.photo, ()):
            views = {n: window(shot, n / count, photo, size) for n in range(count)}
            whole = [(start + n) / rate for n, view in views.items() if _inside(face, view)]
            places = [((start + n) / rate, _seen(face, view)) for n, view in views.items()]
            shown = tuple((when, place) for when, place in places if place[2] > 0 and place[3] > 0)
            times = (whole[0], whole[-1]) if whole else (0.0, 0.0)
            if shown:
                found.append(Shown(person, *times, shown))
        start += count
    return found


def _seen(face: Place, view: Place) -> Place:
    """The part of a face of the photo that is in the frame, in fractions of it."""
    left, top, wide, high = view
    x, y = max(face[0], left), max(face[1], top)
    right, bottom = min(face[0] + face[2], left + wide), min(face[1] + face[3], top + high)
    return ((x - left) / wide, (y - top) / high, (right - x) / wide, (bottom - y) / high)


def tour(photos: Sequence[Path], seconds: float, seed: int = 1) -> list[Shot]:
    """A shot of each photo: a camera that pans from side to side and zooms in or out by a fifth."""
    random = np.random.default_rng(seed)
    shots = []
    for photo in photos:
        x, y, zoom = random.uniform(0.3, 0.7), random.uniform(0.3, 0.6), random.uniform(0.8, 1.0)
        end = (1 - x, random.uniform(0.3, 0.6), random.uniform(0.8, 1.0))
        shots.append(Shot(photo, seconds, (x, y, zoom), end))
    return shots


def _inside(face: Place, view: Place) -> bool:
    return (
        face[0] >= view[0]
        and face[1] >= view[1]
        and face[0] + face[2] <= view[0] + view[2]
        and face[1] + face[3] <= view[1] + view[3]
    )


def make_film(
    path: Path,
    shots: Sequence[Shot],
    size: tuple[int, int] = (640, 360),
    rate: int = 25,
    codec: str = "libx264",
    quarters: int = 0,
    **options: str,
) -> Path:
    """Write the shots as a video. `quarters`: stored turned, with the mark that turns it back, as a
    phone does that is held upright (mp4 and mov)."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, options=options or {"preset": "ultrafast"})
        stored = size if quarters % 2 == 0 else size[::-1]
        stream.width, stream.height = stored
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        for number, pixels in enumerate(frames(shots, size, rate)):
            turned = np.ascontiguousarray(np.rot90(pixels, quarters))
            frame = av.VideoFrame.from_ndarray(turned, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if quarters:
        _mark_turned(path, quarters, stored)
    return path


def _mark_turned(path: Path, quarters: int, stored: tuple[int, int]) -> None:
    """Write the display matrix into the track's header (ISO 14496-12, 8.3.2)."""
    one, (wide, high) = 1 << 16, stored
    matrix = {
        1: (0, one, 0, -one, 0, 0, high * one, 0, 1 << 30),
        2: (-one, 0, 0, 0, -one, 0, wide * one, high * one, 1 << 30),
        3: (0, -one, 0, one, 0, 0, 0, wide * one, 1 << 30),
    }[quarters % 4]
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 4
    place = start + (52 if data[start] == 1 else 40)
    data[place : place + 36] = struct.pack(">9i", *matrix)
    path.write_bytes(data)
