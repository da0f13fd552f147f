"""Is phototag installed well? Python, packages, models, what photos can be read."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np

from phototag import __version__
from phototag.errors import ModelError
from phototag.settings import Settings
from phototag.work.check import Check, ok, problem

AREA = "installation"

PYTHON = (3, 11), (3, 14)
"""From the first to before the second, as pyproject.toml says."""

ONLY_FOR_TRAINING = frozenset({"keras", "tensorflow", "mtcnn"})
"""Nothing but `phototag.bench` uses them."""

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)\s*(?:\[[^]]*\])?\s*(?:>=\s*([0-9][0-9.]*))?")


def installation_checks(folder: Path, settings: Settings | None) -> Iterator[Check]:
    """All checks of the installation; the models are those that the library in `folder` uses."""
    yield _python()
    yield from _packages()
    yield _runtime()
    yield from _models(folder, settings)
    yield _formats()


def _python() -> Check:
    said = f"phototag {__version__} on Python {platform.python_version()}, {platform.platform()}"
    least, beyond = PYTHON
    if least <= sys.version_info[:2] < beyond:
        return ok(AREA, "python", said)
    wanted = f"Python {least[0]}.{least[1]} to {beyond[0]}.{beyond[1] - 1}"
    return problem(AREA, "python", said, f"It was tested with {wanted}: install it with one.")


def _packages() -> Iterator[Check]:
    wanted = requirements()
    if not wanted:
        yield Check(AREA, "packages", "note", "phototag runs from its source, not installed")
        return
    found: list[str] = []
    lacking: list[str] = []
    for_training: list[str] = []
    for name, least in wanted:
        try:
            version = metadata.version(name)
        except metadata.PackageNotFoundError:
            # The same modules come in several packages, with a window system and without.
            if name == "opencv-python-headless" and _any_opencv():
                continue
            (for_training if name in ONLY_FOR_TRAINING else lacking).append(name)
            continue
        if version_key(version) < version_key(least):
            lacking.append(f"{name} {least} (this is {version})")
        found.append(name)
    if lacking:
        said = f"missing or too old: {', '.join(lacking)}"
        yield problem(AREA, "packages", said, "Install phototag again, or upgrade these.")
    else:
        yield ok(AREA, "packages", f"{len(found)} packages are there, none too old")
    if for_training:
        said = f"{', '.join(for_training)} not installed: only training and comparing need them"
        yield Check(AREA, "training", "note", said)


def requirements() -> list[tuple[str, str]]:
    """(package, lowest version) that phototag needs; empty where it is not installed."""
    try:
        lines = metadata.requires("phototag") or []
    except metadata.PackageNotFoundError:
        return []
    found = []
    for line in lines:
        said = _REQUIREMENT.match(line)
        if said is not None and "extra ==" not in line:
            found.append((said[1], said[2] or "0"))
    return found


def version_key(version: str) -> tuple[int, ...]:
    """`2.10.1rc1` → (2, 10, 1): enough to tell an older release."""
    parts = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in parts[0].split(".")) if parts else (0,)


def _any_opencv() -> bool:
    names = ("opencv-python", "opencv-contrib-python", "opencv-contrib-python-headless")
    for name in names:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        return True
    return False


def _runtime() -> Check:
    from phototag.vision.models import runtime

    try:
        version, providers = runtime()
    except ImportError as error:
        said = f"ONNX Runtime cannot be loaded: {error}"
        return problem(AREA, "runtime", said, "Install onnxruntime again.")
    known = ", ".join(name.removesuffix("ExecutionProvider") for name in providers)
    if "CPUExecutionProvider" not in providers:
        said = f"ONNX Runtime {version} cannot use the processor (it knows {known})"
        return problem(AREA, "runtime", said, "Install the package onnxruntime.")
    return ok(AREA, "runtime", f"ONNX Runtime {version}, the models run on the CPU ({known})")


def _models(folder: Path, settings: Settings | None) -> Iterator[Check]:
    """Every file against its card's digest, and each model run once."""
    chosen = settings or Settings()
    for name, try_out in (("detector", _try_detector), ("embedder", _try_embedder)):
        try:
            said = try_out(folder, chosen)
        except ModelError as error:
            advice = "Install phototag again, or choose another model (phototag models)."
            yield problem(AREA, name, str(error), advice)
        else:
            yield ok(AREA, name, said)


def _try_detector(folder: Path, settings: Settings) -> str:
    from phototag.vision.models import shipped, verify
    from phototag.work.extract import Kit, make_detector
    from phototag.work.models import detector_model

    card = shipped("mtcnn")
    verify(card)
    kit = Kit(detector=settings.detector, detector_model=detector_model(folder, settings))
    make_detector(kit).detect(np.full((120, 160, 3), 127, np.uint8))
    if settings.detector == "opencv":
        return f"OpenCV's detector runs ({kit.detector_model})"
    return f"{card.name} ({card.id}) runs, and its files are the ones its card describes"


def _try_embedder(folder: Path, settings: Settings) -> str:
    from phototag.vision.embed import Embedder
    from phototag.vision.models import verify
    from phototag.work.models import embedder_card, thresholds_of

    card = embedder_card(folder, settings)
    verify(card)
    Embedder(card).embed(np.full((1, 112, 112, 3), 127, np.uint8))
    levels = thresholds_of(card)
    return f"{card.name} ({card.id}) runs, its files are its own; accept is {levels.accept:.3g}"


def _formats() -> Check:
    from phototag.images.samples import readable

    found = readable()
    broken = {name: trouble for name, trouble in found.items() if trouble is not None}
    if not broken:
        return ok(AREA, "formats", f"{', '.join(found)} (RAW through the JPEG inside) can be read")
    said = "; ".join(f"{name} cannot be read: {trouble}" for name, trouble in broken.items())
    return problem(AREA, "formats", said, "Install pillow, pillow-heif and opencv again.")
