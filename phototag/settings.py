"""Settings: defaults < `phototag.toml` in the library < `PHOTOTAG_*` in the environment < options.
Read once, passed down."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import platformdirs

from phototag.errors import UsageError


@dataclass(frozen=True, slots=True)
class Settings:
    """How phototag works on one library."""

    detector: str = "mtcnn"
    """`mtcnn` or `opencv`."""
    detector_model: str | None = None
    """ONNX file of OpenCV's detector."""
    min_face: int = 20
    """Side of the smallest face looked for, in pixels of what detection sees."""
    size: int = 1280
    """Longest side of what detection sees, in pixels."""
    jobs: int = 0
    """Worker processes; 0: one for each physical core."""
    exclude: tuple[str, ...] = ()
    follow_symlinks: bool = False
    sidecars: str = "beside"
    """`beside` the photo, in the `library`, or `none`."""
    thumbnails: bool = True
    sheet: bool = True
    embedder: str = "face-vgg16"
    recognizer: str = "gallery"
    """`gallery`, or `classifier:RUN`: what gives names in a scan, until another is chosen."""
    video: bool = False
    """Whether a scan takes in videos that it finds."""
    every: int = 1000
    """Milliseconds between the frames of a video that are looked at."""
    on_errors: str = "report"
    max_changes: str = "50,5%"
    """Moved and withdrawn automatic names beyond which a scan changes none: `core.consent`."""
    shared: bool = False
    """Whether other machines read the library over a network (`catalog.store.open_to_write`)."""
    forget_missing_after: int = 90
    """Days after which a missing photo is dropped."""

    def checked(self) -> Settings:
        """The same, or UsageError with what is wrong."""
        _one_of("detector", self.detector, ("mtcnn", "opencv"))
        _one_of("sidecars", self.sidecars, ("beside", "library", "none"))
        _one_of("on_errors", self.on_errors, ("report", "ignore"))
        _at_least("min_face", self.min_face, 12)
        _at_least("size", self.size, 160)
        _at_least("jobs", self.jobs, 0)
        _at_least("every", self.every, 40)
        _at_least("forget_missing_after", self.forget_missing_after, 1)
        return self


def _one_of(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"{name} is {value!r}; it can be {' or '.join(allowed)}.")


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{name} is {value}; the least is {least}.")


def library_folder(option: str | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The library of a command: its option, `PHOTOTAG_LIBRARY`, or the user's data folder."""
    chosen = option or environment.get("PHOTOTAG_LIBRARY")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return Path(platformdirs.user_data_dir("phototag", appauthor=False))


def load(
    folder: Path,
    options: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    *,
    before: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings for the library in `folder`; options that are None were not given.

    `before` is how the library's outputs were written last: a choice that holds until another is
    made, since its sidecars have one place. Raises UsageError.
    """
    settings = Settings()
    for source, given in (
        ("the library", before or {}),
        (str(folder / "phototag.toml"), _from_file(folder / "phototag.toml")),
        ("the environment", _from_environment(environment)),
        ("the command line", {k: v for k, v in options.items() if v is not None}),
    ):
        settings = replace(settings, **_typed(given, source))
    return settings.checked()


def _from_file(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file:
            return {key.replace("-", "_"): value for key, value in tomllib.load(file).items()}
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}. Mend or remove it.") from error


def _from_environment(environment: Mapping[str, str]) -> dict[str, str]:
    known = {f"PHOTOTAG_{field.name.upper()}": field.name for field in fields(Settings)}
    return {known[key]: value for key, value in environment.items() if key in known}


def _typed(given: Mapping[str, Any], source: str) -> dict[str, Any]:
    kinds = get_type_hints(Settings)
    typed: dict[str, Any] = {}
    for name, value in given.items():
        if name not in kinds:
            raise UsageError(f"{source}: there is no setting {name!r}.")
        typed[name] = _value(name, value, kinds[name], source)
    return typed


def _value(name: str, value: Any, kind: Any, source: str) -> Any:
    if kind is bool:
        if isinstance(value, bool):
            return value
        if str(value).lower() in ("1", "true", "yes", "on"):
            return True
        if str(value).lower() in ("0", "false", "no", "off", ""):
            return False
    elif kind is int:
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().lstrip("-").isdigit():
            return int(value)
    elif kind == tuple[str, ...]:
        if isinstance(value, str):
            return tuple(part for part in value.split(os.pathsep) if part)
        if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
            return tuple(value)
    elif isinstance(value, str):
        return value
    raise UsageError(f"{source}: {name} cannot be {value!r}.")
