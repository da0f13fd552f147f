"""The strip of a video: a few of its frames side by side, like film. Geometry only; `images.strip`
draws it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from phototag.core.tracks import box_at
from phototag.core.types import Box, Film, Moment, Track

MOST = 12
"""Frames on a strip."""

EDGE, GAP = 18, 6
"""Pixels of film above and below each row (with its holes), and between frames."""


@dataclass(frozen=True, slots=True)
class Strip:
    """Where frames lie on a strip."""

    count: int
    columns: int
    tile: tuple[int, int]
    """Width and height of a frame on it, in pixels."""

    @staticmethod
    def of(count: int, width: int, height: int) -> Strip:
        """For so many frames of a video of that size: four in a row at most, six of upright
        ones."""
        longest = {1: 512, 2: 400}.get(count, 320)
        scale = longest / max(width, height)
        tile = (max(8, round(width * scale)), max(8, round(height * scale)))
        most = 4 if width >= height else 6
        rows = -(-count // most)
        return Strip(count, -(-count // rows), tile)

    @property
    def rows(self) -> int:
        return -(-self.count // self.columns)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole strip, in pixels."""
        wide, high = self.tile
        return (
            self.columns * (wide + GAP) + GAP,
            self.rows * (high + 2 * EDGE),
        )

    def corner(self, place: int) -> tuple[int, int]:
        """Left and top of a frame, in pixels."""
        row, column = divmod(place, self.columns)
        wide, high = self.tile
        return (GAP + column * (wide + GAP), row * (high + 2 * EDGE) + EDGE)

    def box(self, place: int, box: Box) -> Box:
        """A box of a frame, in fractions of the strip."""
        (left, top), (wide, high), (width, height) = self.corner(place), self.tile, self.size
        return Box(
            (left + box.x * wide) / width,
            (top + box.y * high) / height,
            box.width * wide / width,
            box.height * high / height,
        ).rounded()


def chosen(tracks: Sequence[Track]) -> tuple[Moment, ...]:
    """The moments of a strip that shows every track, as few as will do and at most `MOST`.

    Of the moments at which a track looks best, that which most tracks not shown yet share; of
    equals the earliest.
    """
    shown: dict[Moment, set[int]] = {track.best[0].at: set() for track in tracks}
    for number, track in enumerate(tracks):
        for at, _ in track.path:
            if at in shown:
                shown[at].add(number)
    found: list[Moment] = []
    while len(found) < MOST and any(shown.values()):
        at = max(sorted(shown), key=lambda moment: len(shown[moment]))
        found.append(at)
        gone = set(shown[at])
        for those in shown.values():
            those -= gone
    return tuple(sorted(found))


def on_strip(strip: Strip, film: Film, track: Track) -> Box | None:
    """Where a track is on the strip: in the frame in which it looks best, else in the first that
    shows it; None where none does."""
    shown: Iterable[Moment] = (track.best[0].at, *film.tiles)
    at = next((m for m in shown if m in film.tiles and _has(track, m)), None)
    return None if at is None else strip.box(film.tiles.index(at), box_at(track.path, at))


def _has(track: Track, at: Moment) -> bool:
    moments: Collection[Moment] = {moment for moment, _ in track.path}
    return at in moments
