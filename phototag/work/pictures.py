"""Small pictures that the library keeps of its photos and faces: nothing drawn in them, made once
by the worker that read the photo."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from phototag.core.types import PhotoRecord
from phototag.output import atomic


def thumb_path(key: str) -> str:
    """Of a photo, relative to the library, with `/`."""
    return f"thumbs/{key[:2]}/{key}.webp"


def annotated_path(key: str) -> str:
    """Of a photo with boxes and names drawn."""
    return f"thumbnails/{key[:2]}/{key}.webp"


def crop_path(key: str, face: int) -> str:
    """Of a face: in its photo's folder, so that no folder grows without end."""
    return f"faces/{key[:2]}/{key}-{face}.webp"


def keep_pictures(library: Path, record: PhotoRecord, faces: Sequence[int]) -> None:
    """Write the thumbnail of a photo and the crops of its faces. Raises CannotWrite."""
    if record.thumb is not None:
        _write(library / thumb_path(record.key), record.thumb)
    for number, face in zip(faces, record.faces, strict=True):
        _write(library / crop_path(record.key, number), face.crop)


def _write(path: Path, data: bytes) -> None:
    atomic.make_folder(path.parent)
    atomic.write_if_changed(path, data, flush_folder=False)
