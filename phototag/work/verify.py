"""Do two photos show one person? One similarity, one threshold, and how often it errs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from phototag.errors import UsageError
from phototag.vision.models import ModelCard
from phototag.work.looking import Look, Looked, look_at
from phototag.work.models import thresholds_of


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two photos, and the face of it that is compared."""

    path: str
    index: int | None
    """From left to right; None: no face."""
    faces: int
    box: tuple[int, int, int, int] | None
    """x, y, width, height in pixels of the upright photo."""
    quality: float | None
    problem: str | None
    """Why there is nothing to compare."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A similarity from which on two faces are called one person, and what it costs."""

    threshold: float
    false_accepts: float | None
    """Share of pairs of different people that reach it; None: not measured."""
    false_rejects: float | None
    """Share of pairs of one person that do not."""
    source: str
    """On what that was measured."""


@dataclass(frozen=True, slots=True)
class Verified:
    """The answer; `same` is None where a photo has no face to compare."""

    same: bool | None
    similarity: float | None
    """Cosine of the two faces' vectors."""
    bar: Bar
    model: str
    one: Side
    other: Side


def verify(card: ModelCard, look: Look, one: str, other: str, rate: float) -> Verified:
    """Compare the main faces of two photos, or those named as `photo.jpg#2`.

    `rate`: the share of strangers that may be taken for one person, one of those at which the model
    was measured. Raises UsageError for another one, ModelError without thresholds.
    """
    bar = bar_at(card, rate)
    first, second = look_at(one, look), look_at(other, look)
    sides = (_side(first), _side(second))
    if first.face is None or second.face is None:
        return Verified(None, None, bar, card.id, *sides)
    similarity = float(first.face.embedding @ second.face.embedding)
    same = similarity >= bar.threshold
    return Verified(same, round(similarity, 4), bar, card.id, *sides)


def bar_at(card: ModelCard, rate: float) -> Bar:
    """The threshold for single pairs at a false accept rate: measured in this library where it was
    calibrated, else by the card. A card without such figures has its `accept`, rates unknown."""
    sources = (
        (_part(card.measurements, "library"), "the named faces of this library"),
        (_part(card.measurements, "calibration"), f"the card of {card.name}"),
    )
    known: set[float] = set()
    for measured, source in sources:
        pairs = _part(measured, "pairs")
        levels = {float(name): value for name, value in _part(pairs, "thresholds").items()}
        if rate in levels:
            found = {float(name): value for name, value in _part(pairs, "tar").items()}
            people = f"{source}, {measured['people']:,} people with {pairs['pairs']:,} pairs"
            return Bar(levels[rate], rate, round(1 - found[rate], 4), people)
        known |= levels.keys()
    if known:
        listed = ", ".join(f"{level:g}" for level in sorted(known))
        raise UsageError(f"--far {rate:g} was not measured with {card.name}; it can be {listed}.")
    source = f"`accept` of {card.name}; how often it errs on single pairs was not measured"
    return Bar(thresholds_of(card).accept, None, None, source)


def _part(measured: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = measured.get(name)
    return found if isinstance(found, Mapping) else {}


def _side(seen: Looked) -> Side:
    face, record = seen.face, seen.record
    problem = f"{seen.message} ({seen.reason})" if seen.reason else None
    if face is None or record is None:
        return Side(seen.path, None, len(seen.faces), None, None, problem)
    box = face.box.pixels(record.width, record.height)
    return Side(seen.path, seen.number, len(seen.faces), box, face.quality, None)
