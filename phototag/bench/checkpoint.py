"""Read a training run's checkpoint as plain arrays: this package's npz, or a PyTorch file without
PyTorch.

A PyTorch checkpoint is a zip with a pickle of the structure and one file for each tensor's bytes.
The pickle is read by an unpickler that knows tensors and nothing else, so a checkpoint from
elsewhere can run no code.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.errors import ModelError

Array = NDArray[Any]

_STORAGES: dict[str, Any] = {
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "DoubleStorage": np.dtype("<f8"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
    "ByteStorage": np.dtype("<u1"),
    "BoolStorage": np.dtype("?"),
    "BFloat16Storage": np.dtype("<u2"),
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The weights of one moment of a training run."""

    state: Mapping[str, Array]
    """By name, as `train_torch.FaceVGG16` names them: `trunk.0.weight` … `head.2.running_var`."""
    px: int
    """Side of the square faces it was trained on, in pixels."""
    step: int
    """Training steps behind it; 0 where the file does not say."""


def read_checkpoint(path: Path, px: int | None = None) -> Checkpoint:
    """The moving average's weights of the checkpoint at `path` (the plain weights where there is no
    average).

    `px` says the input size where the file does not. Raises ModelError.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such checkpoint.")
    try:
        content = _read_npz(path) if path.suffix == ".npz" else _read_torch(path)
    except (zipfile.BadZipFile, pickle.UnpicklingError, KeyError, ValueError) as error:
        raise ModelError(f"{path}: not a checkpoint that phototag can read ({error}).") from error
    side = px or content.get("px")
    if not side:
        raise ModelError(f"{path} does not say its input size. Give it (--px 112).")
    return Checkpoint(content["weights"], int(side), int(content.get("step", 0)))


def _read_npz(path: Path) -> dict[str, Any]:
    """`net/…` and `ema/…` arrays, `px`, `step`; or a flat file of weights by name."""
    with np.load(path, allow_pickle=False) as stored:
        names = list(stored.files)
        out: dict[str, Any] = {k: int(stored[k]) for k in ("px", "step") if k in names}
        for part in ("ema/", "net/", ""):
            found = [k for k in names if k.startswith(part) and k not in out]
            if found:
                break
        out["weights"] = {k.removeprefix(part): stored[k] for k in found}
        return out


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A tensor whose bytes have not been read yet: optimizer states need never be."""

    archive: zipfile.ZipFile
    name: str
    kind: str
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def array(self) -> Array:
        dtype: np.dtype[Any] = _STORAGES[self.kind]
        flat = np.frombuffer(self.archive.read(self.name), dtype=dtype)[self.offset :]
        steps = [s * dtype.itemsize for s in self.stride]
        view = np.lib.stride_tricks.as_strided(flat, self.shape, steps)
        if self.kind == "BFloat16Storage":
            return (view.astype(np.uint32) << 16).view(np.float32)
        return np.array(view, order="C")


class _TensorsOnly(pickle.Unpickler):
    """Knows dictionaries and tensors; anything else in the pickle is an error."""

    def __init__(self, archive: zipfile.ZipFile, root: str) -> None:
        super().__init__(io.BytesIO(archive.read(f"{root}/data.pkl")))
        self._archive = archive
        self._root = root

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._tensor
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return lambda data, *_: data
        if module == "torch" and name in _STORAGES:
            return name
        raise pickle.UnpicklingError(f"it holds a {module}.{name}")

    def persistent_load(self, pid: Any) -> tuple[str, str]:
        _, kind, key, _, _ = pid
        return (str(kind), f"{self._root}/data/{key}")

    def _tensor(
        self, storage: tuple[str, str], offset: int, shape: Any, stride: Any, *_: Any
    ) -> _Tensor:
        kind, name = storage
        return _Tensor(self._archive, name, kind, offset, tuple(shape), tuple(stride))


def _read_torch(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as archive:
        pickled = [n for n in archive.namelist() if n.endswith("/data.pkl")]
        if not pickled:
            raise ValueError("there is no data.pkl in it")
        root = pickled[0].rsplit("/", 1)[0]
        content = _TensorsOnly(archive, root).load()
        weights = content.get("ema") or content.get("net") or content
        read = {k: v.array() for k, v in weights.items() if isinstance(v, _Tensor)}
        return {k: content[k] for k in ("px", "step") if k in content} | {"weights": read}
