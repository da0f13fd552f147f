"""Checkpoints are read without the program that wrote them."""

from __future__ import annotations

import io
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from phototag.bench.checkpoint import read_checkpoint
from phototag.errors import ModelError

VALUES = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


class Stored:
    """A tensor as PyTorch pickles it: a storage by name, an offset, a shape and strides."""

    def __init__(self, key: str, count: int, shape: tuple[int, ...], stride: tuple[int, ...]):
        self.key, self.count, self.shape, self.stride = key, count, shape, stride


def torch_file(path: Path, content: Any, storages: dict[str, bytes]) -> None:
    """A zip as torch.save writes it."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    kind = type("FloatStorage", (), {"__module__": "torch"})

    def _rebuild_tensor_v2(*_: Any) -> None: ...

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = (
        "torch._utils",
        "_rebuild_tensor_v2",
    )
    torch.FloatStorage, utils._rebuild_tensor_v2 = kind, _rebuild_tensor_v2  # type: ignore[attr-defined]

    class Pickler(pickle.Pickler):
        def persistent_id(self, obj: Any) -> Any:
            return obj if isinstance(obj, tuple) and obj[:1] == ("storage",) else None

        def reducer_override(self, obj: Any) -> Any:
            if not isinstance(obj, Stored):
                return NotImplemented
            storage = ("storage", kind, obj.key, "cpu", obj.count)
            return _rebuild_tensor_v2, (storage, 0, obj.shape, obj.stride, False, OrderedDict())

    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules["torch"], sys.modules["torch._utils"] = torch, utils
    try:
        out = io.BytesIO()
        Pickler(out, protocol=2).dump(content)
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("run/data.pkl", out.getvalue())
        for key, data in storages.items():
            archive.writestr(f"run/data/{key}", data)


def test_a_pytorch_file_is_read_without_pytorch(tmp_path: Path) -> None:
    straight = Stored("0", 24, (2, 3, 4), (12, 4, 1))
    turned = Stored("0", 24, (4, 3, 2), (1, 4, 12))
    content = {"net": {"a": straight}, "ema": {"a": straight, "b": turned}, "px": 48, "step": 9}
    torch_file(tmp_path / "last.pt", content, {"0": VALUES.tobytes()})
    found = read_checkpoint(tmp_path / "last.pt")
    assert (found.px, found.step) == (48, 9)
    assert np.array_equal(found.state["a"], VALUES)
    assert np.array_equal(found.state["b"], VALUES.transpose(2, 1, 0))


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return os.mkdir, (str(tmp_path / "was-here"),)

    with zipfile.ZipFile(tmp_path / "evil.pt", "w") as archive:
        archive.writestr("run/data.pkl", pickle.dumps({"net": Evil()}))
    with pytest.raises(ModelError, match="mkdir"):
        read_checkpoint(tmp_path / "evil.pt")
    assert not (tmp_path / "was-here").exists()


def test_a_run_of_ours_gives_its_moving_average(tmp_path: Path) -> None:
    np.savez(tmp_path / "best.npz", px=64, step=3, **{"net/a": VALUES, "ema/a": VALUES + 1})
    found = read_checkpoint(tmp_path / "best.npz")
    assert found.px == 64
    assert np.array_equal(found.state["a"], VALUES + 1)


def test_plain_weights_need_the_size_to_be_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "weights.npz", a=VALUES)
    with pytest.raises(ModelError, match="input size"):
        read_checkpoint(tmp_path / "weights.npz")
    assert read_checkpoint(tmp_path / "weights.npz", px=112).px == 112


@pytest.mark.parametrize("name", ["none.pt", "text.pt", "text.npz"])
def test_what_is_no_checkpoint_is_named(name: str, tmp_path: Path) -> None:
    if name != "none.pt":
        (tmp_path / name).write_text("hello")
    with pytest.raises(ModelError, match=name):
        read_checkpoint(tmp_path / name)
