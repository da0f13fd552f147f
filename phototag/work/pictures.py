"""Small pictures that the library keeps of its photos and faces: nothing drawn in them, made once
by the worker that read the photo."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
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


def pictures_of(record: PhotoRecord, faces: Sequence[int]) -> dict[str, bytes]:
    """The thumbnail of a photo and the crops of its faces, by their paths in the library."""
    pictures = {crop_path(record.key, n): f.crop for n, f in zip(faces, record.faces, strict=True)}
    if record.thumb is not None:
        pictures[thumb_path(record.key)] = record.thumb
    return pictures


def keep_pictures(library: Path, record: PhotoRecord, faces: Sequence[int]) -> None:
    """Write them. Raises CannotWrite."""
    for name, data in pictures_of(record, faces).items():
        atomic.make_folder((library / name).parent)
        atomic.write_if_changed(library / name, data, flush_folder=False)


def drop_pictures(library: Path, key: str, faces: Sequence[int]) -> None:
    """Remove the small pictures of a photo that the catalogue dropped."""
    for name in (thumb_path(key), annotated_path(key), *(crop_path(key, face) for face in faces)):
        with suppress(OSError):
            (library / name).unlink()
