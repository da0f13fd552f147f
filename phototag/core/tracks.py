"""Faces that are seen for a while: where a track is at a moment, and which tracks meet in time.

A face of a photo has no track and is there all the time. So the law "nobody twice in a photo" reads
"nobody twice at one moment", and for photos the two are the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from phototag.core.decisions import best_meeting
from phototag.core.types import Box, Moment, Span, Track

ALWAYS: Span = (0, 0)
"""The span of what has no time: all faces of a photo are seen at once."""

SLACK = 1500
"""Milliseconds by which an anchor may lie beside a track: another look at the same video samples it
at other moments, by default a second apart."""


def meet(one: Span, other: Span) -> bool:
    """Whether there is a moment that lies in both."""
    return one[0] <= other[1] and other[0] <= one[1]


def box_at(path: Sequence[tuple[Moment, Box]], at: Moment) -> Box:
    """Where a track is at a moment: between two frames on the straight way from one to the other,
    outside of its span where it begins or ends."""
    before = [(moment, box) for moment, box in path if moment <= at]
    after = [(moment, box) for moment, box in path if moment >= at]
    if not before or not after:
        return (after[0] if after else before[-1])[1]
    (start, one), (end, other) = before[-1], after[0]
    share = (at - start) / (end - start) if end > start else 0.0
    return Box(
        one.x + share * (other.x - one.x),
        one.y + share * (other.y - one.y),
        one.width + share * (other.width - one.width),
        one.height + share * (other.height - one.height),
    )


def track_meeting(at: Moment, box: Box, tracks: Mapping[int, Track]) -> int | None:
    """The track that is where a decision saw a face: best overlap among those in view at that
    moment, else among those that are within `SLACK` of it."""
    for slack in (0, SLACK):
        near = {
            number: box_at(track.path, at)
            for number, track in tracks.items()
            if meet((at - slack, at + slack), track.span)
        }
        found = best_meeting(box, near)
        if found is not None:
            return found
    return None


def clock(at: Moment) -> str:
    """`00:01:12`: whole seconds gone by."""
    seconds = at // 1000
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def clocks(span: Span) -> str:
    """`00:01:12-00:01:20`."""
    return f"{clock(span[0])}-{clock(span[1])}"
