"""Aligned faces in shards: WebP files end to end in an npz, with the teacher's vectors and, for
some, identities."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from phototag.core.types import Pixels
from phototag.errors import UsageError

UNKNOWN = -1
"""The label of a face whose identity is not known."""


@dataclass(frozen=True, slots=True)
class FaceSet:
    """Faces of 112x112, still encoded (1 KB each)."""

    data: tuple[NDArray[np.uint8], ...]
    """One for each shard: WebP files end to end."""
    places: NDArray[np.int64]
    """[n, 3]: shard, start, end."""
    targets: NDArray[np.float32]
    """[n, dim] the teacher's unit vectors; [n, 0] where there are none."""
    labels: NDArray[np.int32]
    """[n] identities, UNKNOWN (-1) where there is none."""
    sources: NDArray[np.uint8]
    """[n] which collection a face comes from."""

    def __len__(self) -> int:
        return len(self.places)

    def take(self, rows: Sequence[int] | NDArray[np.integer]) -> FaceSet:
        """These faces only, in this order."""
        at = np.asarray(rows)
        return FaceSet(
            self.data, self.places[at], self.targets[at], self.labels[at], self.sources[at]
        )

    def pixels(self, side: int = 112, *, threads: int = 1) -> NDArray[np.uint8]:
        """[n, side, side, 3] RGB, shrunk by area as a scan does."""
        from phototag.vision.embed import shrink

        def one(place: NDArray[np.int64]) -> Pixels:
            shard, start, end = (int(v) for v in place)
            with Image.open(io.BytesIO(self.data[shard][start:end].tobytes())) as image:
                return shrink(np.asarray(image.convert("RGB")), side)

        return _stacked(one, self.places, side, threads)


def _stacked(
    one: Callable[[NDArray[np.int64]], Pixels],
    places: NDArray[np.int64],
    side: int,
    threads: int,
) -> NDArray[np.uint8]:
    out = np.empty((len(places), side, side, 3), dtype=np.uint8)
    with ThreadPoolExecutor(threads) as pool:
        for row, picture in enumerate(pool.map(one, places, chunksize=64)):
            out[row] = picture
    return out


def load_faces(paths: Iterable[Path], *, limit: int | None = None) -> FaceSet:
    """The faces of some npz files, at most `limit`, shard after shard. Raises UsageError."""
    data, places, targets, labels, sources = [], [], [], [], []
    left = limit
    for shard, path in enumerate(paths):
        try:
            stored = np.load(path, allow_pickle=False)
            offsets = stored["offsets"]
        except (OSError, KeyError, ValueError) as error:
            raise UsageError(f"{path}: not a file of aligned faces ({error}).") from error
        count = len(offsets) - 1 if left is None else min(left, len(offsets) - 1)
        left = None if left is None else left - count
        data.append(stored["data"])
        here = np.full(count, shard, dtype=np.int64)
        places.append(np.stack([here, offsets[:count], offsets[1 : count + 1]], axis=1))
        if "target" in stored:
            targets.append(_unit(stored["target"][:count]))
        labels.append(stored["label"][:count] if "label" in stored else np.full(count, UNKNOWN))
        sources.append(stored["source"][:count] if "source" in stored else np.zeros(count))
    if not data:
        raise UsageError("No files of aligned faces were given.")
    faces = np.concatenate(places)
    return FaceSet(
        data=tuple(data),
        places=faces,
        targets=np.concatenate(targets) if targets else np.empty((len(faces), 0), np.float32),
        labels=np.concatenate(labels).astype(np.int32),
        sources=np.concatenate(sources).astype(np.uint8),
    )


def load_pairs(path: Path) -> tuple[FaceSet, NDArray[np.int32]]:
    """Development faces and their pairs [n, 3]: row, row, 1 for the same person."""
    faces = load_faces([path])
    with np.load(path, allow_pickle=False) as stored:
        return faces, stored["pairs"].astype(np.int32)


def _unit(whole: NDArray[np.int8]) -> NDArray[np.float32]:
    values = whole.astype(np.float32)
    norms = np.linalg.norm(values, axis=1, keepdims=True)
    unit: NDArray[np.float32] = values / np.maximum(norms, 1e-6)
    return unit
