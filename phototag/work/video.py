"""From a video to its faces: what a worker does with one. Frames are sampled, faces tracked, and
each track becomes one face, embedded by its best frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from phototag.core.scenes import Scenes
from phototag.core.strip import Strip, chosen
from phototag.core.tracking import Tracker, mean_vector
from phototag.core.types import (
    Box,
    Classified,
    Detection,
    FaceRecord,
    Film,
    Glimpse,
    Moment,
    PhotoRecord,
    Pixels,
    Thresholds,
    Track,
    Vectors,
)
from phototag.work.crops import CROP, as_stored, quality_of

if TYPE_CHECKING:
    from phototag.images.video import Frame, Video
    from phototag.work.extract import Detector, Embedder

BEST = 5
"""Frames of a track that its vector comes from."""

GLANCE: Moment = 80
"""Milliseconds between frames that are looked at for cuts: a cut is found a twelfth of a second
late at most, for a third of the work at 30 frames a second."""

LOST: Moment = 3000
"""Milliseconds that a face may be out of sight and still be the same track: a head that turns, a
person that passes in front. At least two samples."""

LONELY = 0.95
"""Least detector score of a track that one frame alone shows. In the album a photo in a hundred
shows a false face, 0.835 to 0.95 of score; a video has hundreds of frames, and a face that is there
is mostly there again."""

SOON: Moment = 240
"""Milliseconds until a new face of less than `LONELY` is looked at again: so somebody who is there
for a moment only is not dropped for one poor frame."""

FRAME = 512
"""Longest side of the frames that are kept for the strip, in pixels."""

Alive = Callable[[], None]
"""Told now and then that the work goes on."""


@dataclass(frozen=True, slots=True)
class Tools:
    """What a worker looks with."""

    detector: Detector
    embedder: Embedder
    classify: Callable[[Sequence[Pixels]], list[Classified | None]]
    thresholds: Thresholds
    """Of the embedder's card: tracks are a function of the video and the models alone."""
    size: int
    every: Moment
    alive: Alive = lambda: None


@dataclass(frozen=True, slots=True)
class _Look:
    """A track's face in one frame, with what is needed of its pixels."""

    glimpse: Glimpse
    vector: Vectors
    crop: Pixels
    """Aligned."""
    picture: bytes
    """WebP for pages; empty where the track looked better before."""


@dataclass(slots=True)
class _Seen:
    """A track while the video runs."""

    path: list[tuple[Moment, Box]] = field(default_factory=list)
    best: list[_Look] = field(default_factory=list)

    def add(self, look: _Look) -> None:
        self.path.append((look.glimpse.at, look.glimpse.box))
        self.best.append(look)
        self.best.sort(key=lambda known: (-known.glimpse.quality, known.glimpse.at))
        del self.best[BEST:]

    def is_new(self, at: Moment) -> bool:
        return self.path[0][0] == at

    @property
    def is_sure(self) -> bool:
        return len(self.path) > 1 or self.best[0].glimpse.score >= LONELY


def recorded(path: str, key: str, tools: Tools) -> PhotoRecord:
    """All that is seen in a video. Raises UnreadableImage, OSError."""
    from phototag.images.video import Video

    with Video(path) as video:
        watch = _Watch(tools)
        for frame in video.frames():
            watch.pass_by(frame)
        return watch.record(video, key)


def embedded_again(
    path: str, tracks: Sequence[tuple[int, Sequence[Glimpse]]], tools: Tools
) -> list[tuple[int, Vectors, Classified | None]]:
    """The vectors of known tracks by another model, from the frames that they were embedded by.
    Raises UnreadableImage, OSError."""
    from phototag.images.video import Video

    wanted: dict[Moment, list[tuple[int, Glimpse]]] = {}
    for number, best in tracks:
        for glimpse in best:
            wanted.setdefault(glimpse.at, []).append((number, glimpse))
    crops: dict[int, list[tuple[Glimpse, Pixels]]] = {number: [] for number, _ in tracks}
    with Video(path) as video:
        for frame in video.frames():
            here = wanted.pop(frame.at, None)
            tools.alive()
            if here is not None:
                pixels = frame.pixels()
                for number, glimpse in here:
                    face = Detection(glimpse.box, glimpse.landmarks, glimpse.score)
                    crops[number].append((glimpse, _crop(pixels, face, tools.size)))
            if not wanted:
                break
    return [_again(number, found, tools) for number, found in crops.items() if found]


def _again(
    number: int, found: Sequence[tuple[Glimpse, Pixels]], tools: Tools
) -> tuple[int, Vectors, Classified | None]:
    pictures = [crop for _, crop in found]
    vectors = tools.embedder.embed(np.stack(pictures))
    mean = mean_vector(vectors, [glimpse.quality for glimpse, _ in found])
    return number, mean, _mean_class(tools.classify(pictures))


def cut_again(path: str, film: Film, tracks: Mapping[int, Track]) -> tuple[bytes, dict[int, bytes]]:
    """A video's strip and the pictures of its faces, made anew. Raises UnreadableImage, OSError."""
    from phototag.images.read import as_webp
    from phototag.images.thumbs import face_crop
    from phototag.images.video import frame_at

    frames = {at: frame_at(path, at) for at in sorted(film.tiles)}
    crops = {}
    for number, track in tracks.items():
        best = track.best[0]
        pixels = frames[best.at] if best.at in frames else frame_at(path, best.at)
        crops[number] = face_crop(pixels, best.box)
    high, wide = frames[film.tiles[0]].shape[:2]
    kept = {at: as_webp(pixels, FRAME, quality=85) for at, pixels in frames.items()}
    return _strip(film.tiles, (wide, high), kept), crops


class _Watch:
    """Looks at a video as it passes by."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.scenes = Scenes()
        self.tracker = Tracker(tools.thresholds, max(LOST, 2 * tools.every + 1))
        self.seen: dict[int, _Seen] = {}
        self.frames: dict[Moment, bytes] = {}
        """Pictures of the moments at which some track looks best, for the strip."""
        self.keys: list[str] = []
        self.size = (0, 0)
        self._glance = self._due = self._last = 0

    def pass_by(self, frame: Frame) -> None:
        """Look at a frame if its time has come, or if a shot begins with it."""
        self._last = frame.at
        if frame.at < min(self._glance, self._due):
            return
        self._glance = frame.at + GLANCE
        self.tools.alive()
        cut = self.scenes.begins(frame.small())
        if cut:
            self.tracker.cut()
        if cut or frame.at >= self._due:
            self._look(frame.at, frame.pixels())
            unsure = any(seen.is_new(frame.at) and not seen.is_sure for seen in self.seen.values())
            wait = min(SOON, self.tools.every) if unsure else self.tools.every
            self._due = frame.at + wait

    def _look(self, at: Moment, pixels: Pixels) -> None:
        from phototag.images.read import Picture, as_webp, pixel_key
        from phototag.images.shrink import shrunk
        from phototag.images.thumbs import face_crop

        self.size = (pixels.shape[1], pixels.shape[0])
        small = shrunk(pixels, self.tools.size)
        self.keys.append(pixel_key(Picture(small, *self.size, "", None)))
        found = [as_stored(face) for face in self.tools.detector.detect(small)]
        if not found:
            return
        crops = [_crop(pixels, face, self.tools.size) for face in found]
        vectors = self.tools.embedder.embed(np.stack(crops))
        numbers = self.tracker.follow(at, [face.box for face in found], vectors)
        for number, face, crop, vector in zip(numbers, found, crops, vectors, strict=True):
            seen = self.seen.setdefault(number, _Seen())
            good = quality_of(face, crop, small.shape[1], small.shape[0])
            glimpse = Glimpse(at, face.box, face.landmarks, face.score, good)
            leads = not seen.best or good > seen.best[0].glimpse.quality
            picture = face_crop(pixels, face.box) if leads else b""
            seen.add(_Look(glimpse, vector, crop, picture))
        self._keep(at, lambda: as_webp(pixels, FRAME, quality=85))

    def _keep(self, at: Moment, picture: Callable[[], bytes]) -> None:
        """Keep a frame if some track looks best in it, and drop those where none does any more."""
        wanted = {seen.best[0].glimpse.at for seen in self.seen.values()}
        if at in wanted:
            self.frames[at] = picture()
        for moment in self.frames.keys() - wanted:
            del self.frames[moment]

    def record(self, video: Video, key: str) -> PhotoRecord:
        """What came out, once all frames have passed."""
        from phototag.images.read import photo_key

        faces = [
            self._face(seen)
            for seen in sorted(self.seen.values(), key=lambda s: (s.path[0][0], s.path[0][1].x))
            if seen.is_sure
        ]
        tiles = chosen([face.track for face in faces if face.track is not None])
        return PhotoRecord(
            key=key,
            pixel_key=photo_key("".join(self.keys).encode()),
            width=self.size[0],
            height=self.size[1],
            format=video.format,
            taken=video.taken,
            faces=tuple(faces),
            thumb=_strip(tiles, self.size, self.frames) if tiles else None,
            film=Film(max(self._last, video.duration or 0), tiles),
        )

    def _face(self, seen: _Seen) -> FaceRecord:
        best = seen.best[0]
        looks = [look.glimpse for look in seen.best]
        vectors = np.stack([look.vector for look in seen.best])
        return FaceRecord(
            box=best.glimpse.box,
            landmarks=best.glimpse.landmarks,
            score=best.glimpse.score,
            quality=best.glimpse.quality,
            embedding=mean_vector(vectors, [look.quality for look in looks]),
            crop=best.picture,
            classified=_mean_class(self.tools.classify([look.crop for look in seen.best])),
            track=Track(tuple(seen.path), tuple(looks)),
        )


def _strip(tiles: Sequence[Moment], size: tuple[int, int], frames: Mapping[Moment, bytes]) -> bytes:
    """WebP of the strip of a video of that size."""
    from phototag.images.read import as_webp
    from phototag.images.strip import drawn
    from phototag.images.thumbs import opened

    strip = Strip.of(len(tiles), *size)
    picture = drawn(strip, [(at, opened(frames[at])) for at in tiles])
    return as_webp(picture, max(strip.size))


def _crop(pixels: Pixels, face: Detection, size: int) -> Pixels:
    """Aligned, from the frame as detection saw it, or from the whole frame where the face is small
    in that: as `crops.aligned_crops` does for photos."""
    from phototag.images.shrink import shrunk
    from phototag.vision.align import align

    small = shrunk(pixels, size)
    high, wide = small.shape[:2]
    if min(face.box.width * wide, face.box.height * high) < CROP:
        small = pixels
    high, wide = small.shape[:2]
    return align(small, face.landmarks.array(wide, high), CROP)


def _mean_class(found: Sequence[Classified | None]) -> Classified | None:
    """What a classifier makes of a track: the mean of its frames."""
    seen = [each for each in found if each is not None]
    if not seen:
        return None
    mean = np.mean([each.probabilities for each in seen], axis=0, dtype=np.float64)
    return replace(seen[0], probabilities=np.asarray(mean, dtype=np.float32))
