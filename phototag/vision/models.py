"""Models: the cards that describe them, their digests, and the sessions that run them.

The only module that imports onnxruntime. A card is a JSON file beside the weights; everything
needed to use a model is in it, and a session is only made of a file that is byte for byte the one
the card was written for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from phototag.core.types import Thresholds
from phototag.errors import ModelError

Kind = Literal["embedder", "detector", "classifier"]
Layout = Literal["nchw", "nhwc"]
Color = Literal["rgb", "bgr"]
Points = tuple[tuple[float, float], ...]
Channels = tuple[float, float, float]

WEIGHTS = Path(__file__).resolve().parent.parent / "weights"
"""Where the models that ship lie."""

ARCFACE: Points = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
"""Where the five landmarks come to lie in an aligned crop of 112x112: ArcFace's template."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a model."""

    file: str
    digest: str
    """BLAKE2b-128 of the file, 32 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model is and how to use it: the JSON beside its weights."""

    id: str
    """Changes with the weights: vectors of different ids are never compared."""
    name: str
    kind: Kind
    file: str
    """The ONNX file, relative to the card's folder."""
    digest: str
    """BLAKE2b-128 of that file, 32 hexadecimal digits."""
    folder: Path
    """Where the card lies (not in the JSON)."""
    size: int = 112
    """Side of the square input in pixels."""
    color: Color = "rgb"
    layout: Layout = "nchw"
    mean: Channels = (127.5, 127.5, 127.5)
    scale: Channels = (127.5, 127.5, 127.5)
    """The network sees (value 0..255 - mean) / scale, in the order of `color`."""
    template: Points = ARCFACE
    """Five points in a 112x112 crop."""
    dim: int = 0
    """Length of the vectors, number of a classifier's probabilities; 0 for a detector."""
    mirror: bool = False
    """Whether a face's vector is that of the crop plus that of its mirror image."""
    thresholds: Thresholds | None = None
    """None: not calibrated yet; nothing may be recognised with it."""
    parts: Mapping[str, Part] = field(default_factory=dict)
    """Further files, by name."""
    measurements: Mapping[str, Any] = field(default_factory=dict)
    about: Mapping[str, Any] = field(default_factory=dict)
    """All else the card says: licence, source, training data, limits."""

    @property
    def path(self) -> Path:
        return self.folder / self.file


_PLAIN = ("id", "name", "kind", "file", "digest", "size", "color", "layout", "dim", "mirror")
_KNOWN = {*_PLAIN, "mean", "scale", "template", "thresholds", "parts", "measurements"}


def digest_of(path: Path) -> str:
    """BLAKE2b-128 of a file, 32 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def load_card(path: Path) -> ModelCard:
    """The card in a JSON file; its model lies in the same folder.

    Raises ModelError when the file is missing, is no JSON, or says things that make no sense.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ModelError(f"{path}: there is no such model card ({error.strerror}).") from error
    except ValueError as error:
        raise ModelError(f"{path}: this model card is not JSON ({error}).") from error
    if not isinstance(data, dict):
        raise ModelError(f"{path}: a model card is a JSON object.")
    try:
        return _card(data, path.parent)
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: this model card is not valid: {error!r}") from error


def _card(data: Mapping[str, Any], folder: Path) -> ModelCard:
    for name in ("id", "name", "kind", "file", "digest"):
        if not isinstance(data.get(name), str) or not data[name]:
            raise ValueError(f"{name!r} must be a text")
    _one_of(data, "kind", get_args(Kind))
    _one_of(data, "color", get_args(Color))
    _one_of(data, "layout", get_args(Layout))
    values: dict[str, Any] = {name: data[name] for name in _PLAIN if name in data}
    for name in ("mean", "scale"):
        if name in data:
            values[name] = channels(data[name])
    if "template" in data:
        values["template"] = tuple((float(x), float(y)) for x, y in data["template"])
    if data.get("thresholds"):
        named = {name: float(data["thresholds"][name]) for name in Thresholds.__slots__}
        values["thresholds"] = Thresholds(**named)
    parts = data.get("parts", {})
    values["parts"] = {name: Part(part["file"], part["digest"]) for name, part in parts.items()}
    card = ModelCard(
        **values,
        folder=folder,
        measurements=data.get("measurements", {}),
        about={name: value for name, value in data.items() if name not in _KNOWN},
    )
    _check(card)
    return card


def _one_of(data: Mapping[str, Any], name: str, allowed: Sequence[str]) -> None:
    if name in data and data[name] not in allowed:
        raise ValueError(f"{name!r} must be one of {', '.join(allowed)}, not {data[name]!r}")


def _check(card: ModelCard) -> None:
    if card.size < 8 or len(card.template) != 5 or min(card.scale) <= 0:
        raise ValueError("size, template or scale make no sense")
    if card.kind == "embedder" and card.dim < 1:
        raise ValueError("an embedder's card needs 'dim', the length of its vectors")


def channels(value: float | Sequence[float]) -> Channels:
    """One number for all three channels, or one for each."""
    if isinstance(value, (int, float)):
        return (float(value),) * 3
    first, second, third = (float(v) for v in value)
    return (first, second, third)


def card_json(card: ModelCard) -> str:
    """The card as the text of its JSON file; `load_card` reads it back."""
    data: dict[str, Any] = {name: getattr(card, name) for name in _PLAIN}
    data |= {"mean": list(card.mean), "scale": list(card.scale), "template": card.template}
    if card.thresholds:
        data["thresholds"] = {n: getattr(card.thresholds, n) for n in Thresholds.__slots__}
    if card.parts:
        data["parts"] = {n: {"file": p.file, "digest": p.digest} for n, p in card.parts.items()}
    if card.measurements:
        data["measurements"] = dict(card.measurements)
    return json.dumps(data | dict(card.about), indent=2, ensure_ascii=False) + "\n"


@lru_cache
def shipped(name: str) -> ModelCard:
    """The card of a model that comes with phototag: `mtcnn`, `face-vgg16`."""
    path = WEIGHTS / f"{name}.json"
    if not path.is_file():
        have = ", ".join(sorted(p.stem for p in WEIGHTS.glob("*.json"))) or "none"
        raise ModelError(f"{path}: no model {name!r} comes with phototag (these do: {have}).")
    return load_card(path)


def verify(card: ModelCard) -> None:
    """Raises ModelError unless every file of the model is the one that its card describes."""
    for part in (Part(card.file, card.digest), *card.parts.values()):
        _verify(card.folder / part.file, part.digest)


@lru_cache
def _verify_once(path: Path, digest: str, size: int, mtime_ns: int) -> None:
    found = digest_of(path)
    if found != digest:
        raise ModelError(
            f"{path}: this file is not the one its card describes (its digest is {found}, the "
            f"card says {digest}). Install phototag or add the model again."
        )


def _verify(path: Path, digest: str) -> None:
    try:
        status = path.stat()
        _verify_once(path, digest, status.st_size, status.st_mtime_ns)
    except OSError as error:
        raise ModelError(
            f"{path}: the model's file cannot be read ({error.strerror}). "
            "Install phototag or add the model again."
        ) from error


_FLOATS = {"tensor(float)": np.float32, "tensor(float16)": np.float16}


class Session:
    """One network, ready to run on the processor."""

    def __init__(self, path: Path, *, threads: int = 1) -> None:
        """`threads`: of ONNX Runtime; 1 in a worker. Raises ModelError when it cannot be loaded."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # its warnings are about graphs, nothing a user can mend
        # Photos differ in size: an arena planned for one shape is of no use to the next.
        options.enable_mem_pattern = False
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        onnxruntime.set_default_logger_severity(4)
        try:
            self._session = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            # ONNX Runtime raises a class for each cause, without a common base of its own.
            raise ModelError(f"{path}: ONNX Runtime cannot load this model ({error}).") from error
        self.path = path
        self.inputs = [(i.name, i.shape, i.type) for i in self._session.get_inputs()]
        self.outputs = [(o.name, o.shape, o.type) for o in self._session.get_outputs()]
        self.input_type = _FLOATS.get(self.inputs[0][2]) if self.inputs else None
        """What numbers the first input takes; None: no floating-point ones."""

    def run(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """The first output for the first input. Raises ModelError when the network fails."""
        given = np.ascontiguousarray(values, self.input_type)
        try:
            result = self._session.run([self.outputs[0][0]], {self.inputs[0][0]: given})[0]
        except MemoryError:
            raise
        except Exception as error:  # as above: no common base
            raise ModelError(f"{self.path}: this model cannot be run ({error}).") from error
        return np.asarray(result, np.float32)


def session(card: ModelCard, part: str | None = None, *, threads: int = 1) -> Session:
    """A session of the card's file (or of one of its `parts`), its digest checked.

    Raises ModelError when the file is missing or differs from what the card says.
    """
    chosen = card.parts[part] if part else Part(card.file, card.digest)
    path = card.folder / chosen.file
    _verify(path, chosen.digest)
    return Session(path, threads=threads)


def runtime() -> tuple[str, tuple[str, ...]]:
    """ONNX Runtime's version and the processors that it could use here."""
    import onnxruntime

    return onnxruntime.__version__, tuple(onnxruntime.get_available_providers())
