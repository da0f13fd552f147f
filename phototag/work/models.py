"""Which models a library works with, as plain values for workers."""

from __future__ import annotations

from pathlib import Path

from phototag.core.types import Thresholds
from phototag.errors import ModelError
from phototag.settings import Settings
from phototag.vision.models import ModelCard, load_card, shipped
from phototag.work.extract import Kit

YUNET = "face_detection_yunet*.onnx"


def embedder_card(library: Path, settings: Settings) -> ModelCard:
    """The card of the library's embedder: one that ships, or one that the user added. Raises ModelError."""
    own = library / "models" / f"{settings.embedder}.json"
    return load_card(own) if own.is_file() else shipped(settings.embedder)


def thresholds_of(card: ModelCard) -> Thresholds:
    """Raises ModelError where the card has none: nothing may be recognised with it."""
    if card.thresholds is None:
        raise ModelError(
            f"The model {card.name} has no thresholds yet, so nobody can be recognised with it. "
            "Calibrate it: phototag evaluate verification PAIRS --images DIR --calibrate."
        )
    return card.thresholds


def kit_of(library: Path, settings: Settings) -> Kit:
    """What workers need to make their tools. Raises ModelError when a file is missing."""
    card = embedder_card(library, settings)
    return Kit(
        detector=settings.detector,
        detector_model=_detector_model(library, settings),
        min_face=settings.min_face,
        size=settings.size,
        embedder_card=str(card.folder / f"{settings.embedder}.json"),
    )


def _detector_model(library: Path, settings: Settings) -> str | None:
    if settings.detector != "opencv":
        return None
    if settings.detector_model:
        return str(Path(settings.detector_model).expanduser().absolute())
    found = sorted((library / "models").glob(YUNET))
    return str(found[-1] if found else library / "models" / "face_detection_yunet_2023mar.onnx")
