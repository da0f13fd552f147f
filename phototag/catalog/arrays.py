"""Arrays beside the catalogue: what is worked out of the vectors and too large to read row by row.

A set of arrays is a folder `cache/…` in the library, written whole before the transaction that
names it is committed, and mapped into memory by readers. It can be deleted at any time: it is made
again from the catalogue.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.catalog.store import Library, meta, set_meta
from phototag.errors import CannotWrite

KEY = "arrays"
"""Where `meta` keeps the name of the set that goes with the catalogue, and what it was made for."""


def made_for(lib: Library) -> str:
    """The purpose that the arrays which go with the catalogue were made for; '' without any."""
    return (meta(lib, KEY) or "").partition(" ")[2]


def read_arrays(lib: Library) -> dict[str, NDArray[Any]] | None:
    """The arrays that go with the catalogue as it is, by name, mapped from their files; None when
    they are not there."""
    name = (meta(lib, KEY) or "").partition(" ")[0]
    folder = lib.folder / "cache" / name
    if not name or not folder.is_dir():
        return None
    try:
        return {
            path.stem: np.load(path, mmap_mode="r", allow_pickle=False)
            for path in sorted(folder.glob("*.npy"))
        }
    except (OSError, ValueError):
        return None  # torn by a crash of the whole machine: made again


def write_arrays(lib: Library, purpose: str, arrays: Mapping[str, NDArray[Any]]) -> None:
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
            with (folder / f"{label}.npy").open("wb") as file:
                np.save(file, values, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise CannotWrite(f"{folder} cannot be written: {error.strerror}.") from error
    set_meta(lib, KEY, f"{name} {purpose}")


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
        return [path for path in (library / "cache").iterdir() if path.is_dir()]
    except OSError:
        return []
