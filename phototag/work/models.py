"""Which models a library works with, as plain values for workers."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

from phototag.catalog import faces as face_table
from phototag.catalog.store import Library
from phototag.core.types import Thresholds
from phototag.errors import CannotWrite, ModelError, NotFound, UsageError
from phototag.output import atomic
from phototag.settings import Settings
from phototag.vision.models import WEIGHTS, ModelCard, card_json, load_card, shipped
from phototag.work.extract import Kit

YUNET = "face_detection_yunet*.onnx"


def embedder_card(library: Path, settings: Settings) -> ModelCard:
    """The card of the library's embedder, one that ships or one that the user added, with the
    thresholds that were measured in this library where there are any. Raises ModelError."""
    return calibrated(library, plain_card(library, settings))


def plain_card(library: Path, settings: Settings) -> ModelCard:
    """The same card as it came. Raises ModelError."""
    own = library / "models" / f"{settings.embedder}.json"
    return load_card(own) if own.is_file() else shipped(settings.embedder)


def calibration_path(library: Path, model: str) -> Path:
    """Where a library keeps its own thresholds for a model."""
    return library / "calibration" / f"{model}.json"


def calibrated(library: Path, card: ModelCard) -> ModelCard:
    """The card with the library's own thresholds, and their measurement under `library`. Raises
    ModelError where the file that holds them is damaged."""
    path = calibration_path(library, card.id)
    if not path.is_file():
        return card
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        levels = {name: float(said["thresholds"][name]) for name in Thresholds.__slots__}
        measured = {**card.measurements, "library": {"made": said["made"], **said["measured"]}}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{path}: the library's own thresholds cannot be read ({error!r}). "
            "Go back to the model's: phototag calibrate --reset."
        ) from error
    return replace(card, thresholds=Thresholds(**levels), measurements=measured)


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
        detector_model=detector_model(library, settings),
        min_face=settings.min_face,
        size=settings.size,
        every=settings.every,
        embedder_card=str(card.folder / f"{settings.embedder}.json"),
    )


def detector_model(library: Path, settings: Settings) -> str | None:
    """The ONNX file of OpenCV's detector, whether it is there or not; None for MTCNN."""
    if settings.detector != "opencv":
        return None
    if settings.detector_model:
        return str(Path(settings.detector_model).expanduser().absolute())
    found = sorted((library / "models").glob(YUNET))
    return str(found[-1] if found else library / "models" / "face_detection_yunet_2023mar.onnx")


# ---- embedders of the user's own


def embedders(library: Path) -> dict[str, ModelCard]:
    """All embedders by name: those that ship, then those in the library's `models/`."""
    found: dict[str, ModelCard] = {}
    for folder in (WEIGHTS, library / "models"):
        for path in sorted(folder.glob("*.json")):
            card = load_card(path)
            if card.kind == "embedder":
                found[path.stem] = calibrated(library, card)
    return found


def add_embedder(
    library: Path,
    file: Path,
    name: str | None,
    *,
    size: int,
    color: str,
    mean: float,
    scale: float,
) -> tuple[str, ModelCard]:
    """Copy a network into the library and write its card; (name, card). Raises ModelError,
    UsageError."""
    from phototag.vision.embed import make_card

    known = name or file.stem
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", known):
        raise UsageError(f"{known!r} cannot be a model's name: letters, digits, . _ - only.")
    if known in embedders(library):
        raise UsageError(f"There is a model called {known} already. Choose another with --name.")
    if color not in ("rgb", "bgr"):
        raise UsageError(f"--color is {color!r}; it can be rgb or bgr.")
    if scale == 0 or size < 16:
        raise UsageError("--scale cannot be 0, and --size is 16 at least.")
    make_card(file, known, size, color, mean, scale)  # type: ignore[arg-type]
    folder = library / "models"
    atomic.make_folder(folder)
    copy = folder / f"{known}.onnx"
    try:
        shutil.copyfile(file, copy)
    except OSError as error:
        raise CannotWrite(f"{copy} cannot be written: {error}.") from error
    card = make_card(copy, known, size, color, mean, scale)  # type: ignore[arg-type]
    atomic.write(folder / f"{known}.json", card_json(card).encode())
    return known, card


def use_embedder(library: Path, name: str) -> ModelCard:
    """Write the choice into the library's `phototag.toml`, leaving its other lines. Raises
    NotFound."""
    known = embedders(library)
    if name not in known:
        raise NotFound(f"There is no model called {name!r}. These are: {', '.join(known)}.")
    path = library / "phototag.toml"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    kept = [line for line in lines if not re.match(r"\s*embedder\s*=", line)]
    text = "\n".join([f'embedder = "{name}"', *kept]) + "\n"
    atomic.write_if_changed(path, text.encode())
    return known[name]


def remove_embedder(lib: Library, settings: Settings, name: str) -> int:
    """Remove a model that was added, with its vectors; their number. Raises NotFound,
    UsageError."""
    path = lib.folder / "models" / f"{name}.json"
    if not path.is_file():
        raise NotFound(f"No model called {name!r} was added to this library.")
    if settings.embedder == name:
        raise UsageError(f"{name} is in use. First: phototag models use {Settings().embedder}")
    card = load_card(path)
    with lib.transaction():
        vectors = face_table.drop_model(lib, card.id)
    card.path.unlink(missing_ok=True)
    path.unlink()
    calibration_path(lib.folder, card.id).unlink(missing_ok=True)
    return vectors
