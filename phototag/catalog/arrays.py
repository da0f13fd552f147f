"""Arrays beside the catalogue: what is worked out of the vectors and too large to read row by row.

A set of arrays is a folder `cache/…` in the library, written whole before the transaction that
names it is committed, and mapped into memory by readers. It can be deleted at any time: it is made
again from the catalogue.
"""

from __future__ import annotations

import mmap
import os
import shutil
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.store import Library, meta, set_meta
from phototag.core.pieces import Pieces, Rows, Steps
from phototag.errors import CannotWrite

KEY = "arrays"
"""Where `meta` keeps the name of the set that goes with the catalogue, and what it was made for."""

STEPS = "steps"
"""The array that is too large to be held: it is read by pieces."""

HOLD = 1 << 26
"""Bytes of steps that are read before they are let go of; letting go costs time."""

Arrays = Mapping[str, NDArray[Any] | Pieces]
"""By name."""


def made_for(lib: Library) -> str:
    """The purpose that the arrays which go with the catalogue were made for; '' without any."""
    return (meta(lib, KEY) or "").partition(" ")[2]


def read_arrays(lib: Library) -> dict[str, Any] | None:
    """The arrays that go with the catalogue as it is, by name, mapped from their files, and steps
    to be read by pieces; None when they are not there."""
    name = (meta(lib, KEY) or "").partition(" ")[0]
    folder = lib.folder / "cache" / name
    if not name or not folder.is_dir():
        return None
    try:
        return {
            path.stem: _on_disk(path) if path.stem == STEPS else _mapped(path)
            for path in sorted(folder.glob("*.npy"))
        }
    except (OSError, ValueError):
        return None  # torn by a crash of the whole machine: made again


def _mapped(path: Path) -> NDArray[Any]:
    found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return found


def _on_disk(path: Path) -> Pieces:
    """Steps in a file: what was read of it is let go of, whatever the size of the file. (Else
    all that was ever read of a mapped file counts as memory of the process.)"""
    file = path.open("rb")
    np.lib.format.read_magic(file)
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    begin, whole = file.tell(), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    count = shape[0] * shape[1]
    table: Any = np.frombuffer(whole, dtype, count, begin) if count else np.empty(0, dtype)
    table = table.reshape(shape)
    held = 0

    def read(rows: Rows) -> Steps:
        nonlocal held
        found: Steps
        if isinstance(rows, slice):
            found = table[rows]
            held += found.nbytes
            if held > HOLD:
                _let_go(whole)
                held = 0
        elif hasattr(os, "preadv"):  # else each row brings in all that is around it
            found = np.empty((len(rows), shape[1]), dtype=table.dtype)
            size = found.itemsize * shape[1]
            for row, into in zip(rows.tolist(), found, strict=True):
                os.preadv(file.fileno(), [into], begin + row * size)
        else:
            found = table[rows]
        return found

    weakref.finalize(read, file.close)
    return Pieces(shape[0], shape[1], read)


def let_go(values: NDArray[Any]) -> None:
    """Let the system take back what was read of a mapped array; it is read again at need."""
    _let_go(getattr(values, "_mmap", None))


def _let_go(whole: mmap.mmap | None) -> None:
    if whole is not None and hasattr(whole, "madvise"):
        whole.madvise(mmap.MADV_DONTNEED)


def write_arrays(lib: Library, purpose: str, arrays: Arrays) -> None:
    """Write a new set and name it in the catalogue; call inside the transaction that it goes with.

    Raises CannotWrite.
    """
    former = (meta(lib, KEY) or "").partition(" ")[0]
    name = str(int(former or 0) + 1)
    folder = lib.folder / "cache" / name
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was cut off
    try:
        folder.mkdir(parents=True)
        for label, values in arrays.items():
            _save(folder / f"{label}.npy", values)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise CannotWrite(f"{folder} cannot be written: {error.strerror}.") from error
    set_meta(lib, KEY, f"{name} {purpose}")


def add_arrays(lib: Library, arrays: Arrays) -> None:
    """Write more arrays of a set; call inside the transaction that wrote it, so that nobody else
    has read it. Raises CannotWrite."""
    folder = lib.folder / "cache" / (meta(lib, KEY) or "").partition(" ")[0]
    for label, values in arrays.items():
        path = folder / f"{label}.npy"
        try:
            _save(path, values)
        except OSError as error:
            raise CannotWrite(f"{path} cannot be written: {error.strerror}.") from error


def _save(path: Path, values: NDArray[Any] | Pieces) -> None:
    with path.open("wb") as file:
        if isinstance(values, Pieces):
            _save_pieces(file, values)
        else:
            np.save(file, values, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _save_pieces(file: BinaryIO, steps: Pieces) -> None:
    head = {"descr": "<i2", "fortran_order": False, "shape": (steps.count, steps.width)}
    np.lib.format.write_array_header_1_0(file, head)
    for part in steps.runs():
        file.write(np.ascontiguousarray(steps.read(part)).data)


def lend_arrays(lib: Library, copy: Library) -> None:
    """Let a copy of the catalogue read the arrays that go with it; it writes its own."""
    name = (meta(lib, KEY) or "").partition(" ")[0]
    there = lib.folder / "cache" / name
    if name and there.is_dir():
        (copy.folder / "cache").mkdir(exist_ok=True)
        (copy.folder / "cache" / name).symlink_to(there.resolve(), target_is_directory=True)


def forget_arrays(lib: Library) -> None:
    """Have them made again."""
    former = (meta(lib, KEY) or "").partition(" ")[0]
    set_meta(lib, KEY, former)


def sweep_arrays(lib: Library) -> None:
    """Remove the sets that the catalogue does not name; call after a commit."""
    kept = (meta(lib, KEY) or "").partition(" ")[0]
    for folder in _sets(lib.folder):
        if folder.name != kept:
            shutil.rmtree(folder, ignore_errors=True)


def _sets(library: Path) -> list[Path]:
    try:
        found = (path for path in (library / "cache").iterdir() if path.is_dir())
        return [path for path in found if not path.is_symlink()]  # those are lent
    except OSError:
        return []
