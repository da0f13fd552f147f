"""Why a face is who it is, in sentences: the laws of recognition told with their figures."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from phototag.catalog.recognizer import Recognizer
from phototag.core.examples import BEST
from phototag.core.lives import GROWN, YOUNG, more_margin
from phototag.core.quality import GOOD
from phototag.vision.models import ModelCard


@dataclass(frozen=True, slots=True)
class Levels:
    """The thresholds in force, cosine similarities, and where they come from."""

    model: str
    accept: float | None
    suggest: float | None
    cluster: float | None
    margin: float | None
    source: str
    classifier: str | None = None
    """What gives names where it is not the gallery of named faces; `accept` is a probability."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A person, and how well a face fits them."""

    person: str
    score: float
    """Mean of the best similarities, as matching computes it; the face itself is no example."""
    examples: int
    """How many faces represent the person."""
    rejected: bool
    """Whether a user said that the face is not this person."""


@dataclass(frozen=True, slots=True)
class Word:
    """A decision, as people read it."""

    decision: int
    time: str
    actor: str
    text: str
    undone: bool


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a face when it is judged."""

    face: str
    state: str
    """`manual`, `imported`, `automatic`, `cluster`, `unknown`, `ignored`, `not_a_face`; `waiting`:
    for the next scan, or for its photo to come back."""
    person: str | None
    cluster: str | None
    law: str
    similarity: float | None
    suggestion: str | None
    suggestion_similarity: float | None
    runner_up: str | None
    runner_up_similarity: float | None
    quality: float
    rivals: Sequence[Rival]
    """Best first."""
    decision: Word | None
    missing: bool = False
    """Whether no file of its photo is there."""
    kept: bool = False
    """Whether it was enrolled: the library has a copy of the photo, which is in none of its
    folders."""
    embedded: bool = True
    """Whether the model has seen it."""
    elsewhere: str | None = None
    """The face of the same photo that is the best rival instead."""
    mates: int = 0
    """Faces in its cluster."""
    fit: float | None = None
    """Mean similarity to the others of its cluster."""
    age: float | None = None
    """Years of the person that it is or is most like, when the photo was taken, as far as their
    birth and EXIF tell."""


def levels_of(card: ModelCard, used: Recognizer | None = None) -> Levels:
    """The thresholds in force with their source: the card's, or a classifier's own."""
    found = card.thresholds
    if used is not None and not used.is_gallery and found is not None:
        levels = used.levels(found)
        return Levels(
            card.id,
            levels.accept,
            levels.suggest,
            levels.cluster,
            levels.margin,
            f"{used.id}, which was trained on {len(used.classes):,} people and recognises nobody "
            "below accept; cluster: from the model's card; phototag scan PATH --recognizer gallery "
            "goes back to the named faces",
            used.id,
        )
    if found is None:
        return Levels(card.id, None, None, None, None, f"the card of {card.name} has none yet")
    return Levels(
        card.id,
        found.accept,
        found.suggest,
        found.cluster,
        found.margin,
        source_of(card.name, card.measurements),
    )


def source_of(name: str, measurements: Mapping[str, Any]) -> str:
    """Where a card's thresholds come from, in words."""
    own = measurements.get("library")
    if isinstance(own, Mapping) and "people" in own:
        return (
            f"this library's own faces, measured on {own['people']:,} people with "
            f"{own['faces']:,} named faces on {str(own.get('made', ''))[:10]}; accept: "
            f"{float(own['precision']):.1%} of the automatic names are right; margin, cluster: "
            "from the model's card; phototag calibrate --reset goes back to the card"
        )
    said = measurements.get("calibration")
    if not isinstance(said, Mapping) or "people" not in said:
        return f"the card of {name}, which does not say how they were measured"
    parts = [f"the card of {name}, measured on {said['people']:,} people"]
    if "faces" in said:
        parts[0] += f" with {said['faces']:,} faces"
    for level in ("accept", "suggest"):
        note = said.get(level)
        if isinstance(note, Mapping) and "false_match_rate" in note:
            strangers = round(1 / float(note["false_match_rate"]))
            parts.append(f"{level}: 1 stranger in {strangers:,} reaches it")
    return "; ".join(parts)


def why(case: Case, levels: Levels) -> list[str]:
    """What settled the face, sentence by sentence."""
    said = [_verdict(case, levels)]
    if case.missing and case.kept:
        return [*said, "Its photo is in no folder of the library, which keeps a copy of its own."]
    if case.missing:
        return [*said, "No file of its photo is there now, so it is left out of everything."]
    if case.state in ("manual", "imported", "ignored", "not_a_face"):
        return said
    if case.cluster is not None and case.fit is not None:
        others = f"the other {case.mates - 1}" if case.mates > 2 else "the other one"
        said.append(
            f"It is one of {case.mates:,} faces in {case.cluster}: {_number(case.fit)} to {others} "
            f"on average; groups join at {_number(levels.cluster)}."
        )
    if case.age is not None and case.age < GROWN and levels.classifier is None:
        said.append(_of_a_child(case, levels))
    if case.quality < GOOD:
        said.append(
            f"Its quality is {case.quality:.2f}: below {GOOD:.2f} a face starts no cluster and is "
            "no example of a person."
        )
    if case.suggestion is not None:
        words = f"{case.face} {shlex.quote(case.suggestion)}"
        said.append(f"To settle it: phototag label {words}, or phototag reject {words}.")
    return said


def _of_a_child(case: Case, levels: Levels) -> str:
    """What the age changed."""
    assert case.age is not None
    name = case.person or case.suggestion or case.rivals[0].person
    text = f"{name} was {int(case.age)} then, and faces of about that age count most"
    if more_margin(case.age):
        text += f"; under {YOUNG:.0f} the lead must be {_number(_margin(case, levels))}"
    return f"{text}."


def _margin(case: Case, levels: Levels) -> float | None:
    """The least lead of a face."""
    if levels.margin is None or case.age is None:
        return levels.margin
    return levels.margin + more_margin(case.age)


def _verdict(case: Case, levels: Levels) -> str:
    match case.state:
        case "manual" | "imported":
            how = "you said so" if case.state == "manual" else "it was imported so"
            return f"{case.face} is {case.person}: {how}{_by(case.decision)}."
        case "ignored":
            return f"{case.face} is ignored: you said so{_by(case.decision)}."
        case "not_a_face":
            return f"{case.face} is not a face: you said so{_by(case.decision)}."
        case "automatic":
            return _recognised(case, levels)
        case "waiting":
            return _waiting(case)
        case _:
            return _unknown(case, levels)


def _by(word: Word | None) -> str:
    if word is None:
        return ""
    return f" (decision {word.decision} of {word.time[:10]} by {word.actor}: {word.text})"


def _waiting(case: Case) -> str:
    if case.missing:
        return f"{case.face} is nobody now."
    if not case.embedded:
        return f"{case.face} was not seen by the model in use yet. Run phototag scan."
    return f"{case.face} was not compared yet: a scan was cut off. Run phototag scan."


def _recognised(case: Case, levels: Levels) -> str:
    if levels.classifier is not None:
        return _classified(case, levels)
    own = next((r for r in case.rivals if r.person == case.person), None)
    text = (
        f"{case.face} is recognised as {case.person}: {_number(case.similarity)} to "
        f"{_nearest(own)}; needs {_number(levels.accept)}."
    )
    return f"{text} {_next_best(case, levels)}"


def _classified(case: Case, levels: Levels) -> str:
    text = (
        f"{case.face} is recognised as {case.person}: {levels.classifier} gives that a probability "
        f"of {_number(case.similarity)}; needs {_number(levels.accept)}."
    )
    if case.runner_up is None:
        return text
    return f"{text} The runner-up is {case.runner_up} at {_number(case.runner_up_similarity)}."


def _not_classified(case: Case, levels: Levels) -> str:
    """Why the classifier's answer is no name, or that it has none."""
    said = {
        "twice-in-photo": "somebody else in the photo is whom it recognises here",
        "rejected": "you said that it is not whom it recognises here",
    }
    why = said.get(case.law, f"it gives nobody a probability of {_number(levels.accept)}")
    text = f"{case.face} is not recognised by {levels.classifier}: {why}."
    if case.suggestion is None:
        return text
    return f"{text} It may be {case.suggestion}, at {_number(case.suggestion_similarity)}."


def _nearest(rival: Rival | None) -> str:
    if rival is None:
        return "the confirmed faces"
    if rival.examples == 1:
        return f"the one confirmed face of {rival.person}"
    return f"the {min(BEST, rival.examples)} nearest confirmed faces of {rival.person}"


def _next_best(case: Case, levels: Levels) -> str:
    """The runner-up as the law saw it; where nobody counted, the next best with its figure."""
    if case.runner_up is not None and case.similarity is not None:
        second = case.runner_up_similarity or 0.0
        return (
            f"The runner-up is {case.runner_up} at {_number(second)}, "
            f"margin {_number(case.similarity - second)}, "
            f"least {_number(_margin(case, levels))}."
        )
    others = [r for r in case.rivals if r.person != case.person]
    if not others:
        return "Nobody else has a name yet."
    best = others[0]
    lead = None if case.similarity is None else case.similarity - best.score
    more = "" if lead is None else f", margin {_number(lead)}"
    refused = " (and you said that it is not)" if best.rejected else ""
    return (
        f"The runner-up is {best.person} at {_number(best.score)}{refused}{more}, "
        f"least {_number(_margin(case, levels))}."
    )


def _unknown(case: Case, levels: Levels) -> str:
    if levels.classifier is not None:
        return _not_classified(case, levels)
    if not case.rivals:
        return f"{case.face} is unknown: nobody has a name yet."
    best = case.rivals[0]
    text = _obstacle(case, best, levels)
    if case.suggestion is None:
        return text
    if case.suggestion == best.person:
        return text
    return (
        f"{text} So it may be {case.suggestion}, at {_number(case.suggestion_similarity)}: "
        f"{_suggested(levels)}"
    )


def _obstacle(case: Case, best: Rival, levels: Levels) -> str:
    """What stood between the face and the person that it fits best."""
    likest = f"{case.face} is most like {best.person}, at {_number(best.score)}"
    match case.law:
        case "below-accept":
            return (
                f"{case.face} may be {best.person}: {_number(best.score)} to {_nearest(best)}; "
                f"{_suggested(levels)}"
            )
        case "margin":
            second = case.runner_up or "somebody else"
            lead = best.score - (case.runner_up_similarity or 0.0)
            return (
                f"{case.face} may be {best.person}: {_number(best.score)} reaches "
                f"{_number(levels.accept)}, but {second} is at "
                f"{_number(case.runner_up_similarity)}: a lead of {_number(lead)}, and "
                f"{_number(_margin(case, levels))} is needed."
            )
        case "twice-in-photo":
            other = case.elsewhere or "another face"
            return (
                f"{likest}, but {other} in the same photo is {best.person}, and nobody is in a "
                "photo twice (--allow-twice lifts that for mirrors and collages)."
            )
        case "outside-life":
            return (
                f"{likest}, but {best.person} did not live when the photo was taken, by its date "
                "(phototag people set changes when that was)."
            )
        case "rejected":
            return f"{likest}, but you said that it is not {best.person}."
        case _:
            return (
                f"{case.face} is unknown: nobody reaches {_number(levels.suggest)}, where "
                f"suggestions begin. The nearest is {best.person} at {_number(best.score)}."
            )


def _suggested(levels: Levels) -> str:
    return (
        f"enough for a suggestion ({_number(levels.suggest)}), not for a name "
        f"({_number(levels.accept)})."
    )


def _number(value: float | None) -> str:
    """Two decimals, or three where the third says something: thresholds have three."""
    if value is None:
        return "?"
    text = f"{value:.3f}"
    return text[:-1] if text.endswith("0") else text
