"""Faces that a user drew: a decision brings the box along, because no detector found one there.

An entry of a decision's `faces` that holds `drawn` is an anchor and a face at once. It stands as
long as its decision stands: undone, the face is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from phototag.core.decisions import Anchor, Decision, standing
from phototag.core.types import Box


@dataclass(frozen=True, slots=True)
class Drawing:
    """A face as the journal brings it."""

    photo: str
    """Key of the photo."""
    box: Box
    landmarks: tuple[tuple[float, float], ...] = ()
    """Five points as in `core.types.Landmarks`; none where no face could be aligned in the box."""
    score: float = 0.0
    """Of the detector that was shown the box; 0 where it saw nothing."""
    quality: float = 0.0

    def payload(self) -> dict[str, Any]:
        """The entry of a decision."""
        seen = {
            "landmarks": [[round(x, 5), round(y, 5)] for x, y in self.landmarks],
            "score": round(self.score, 4),
            "quality": round(self.quality, 4),
        }
        return {**Anchor(self.photo, self.box).payload(), "drawn": seen}


def drawings(decisions: Iterable[Decision]) -> list[Drawing]:
    """All that stand, oldest first."""
    return [
        drawing
        for decision in sorted(standing(decisions), key=lambda d: d.id)
        for drawing in drawings_of(decision)
    ]


def drawings_of(decision: Decision) -> list[Drawing]:
    """Those that one decision brings."""
    return [
        _parsed(entry) for entry in decision.payload.get("faces", ()) if entry.get("drawn")
    ]


def _parsed(entry: dict[str, Any]) -> Drawing:
    anchor, seen = Anchor.parse(entry), entry["drawn"]
    points = tuple((float(x), float(y)) for x, y in seen.get("landmarks", ()))
    return Drawing(
        anchor.photo,
        anchor.box,
        points if len(points) == 5 else (),
        float(seen.get("score", 0.0)),
        float(seen.get("quality", 0.0)),
    )
