"""HEIC and HEIF through libheif."""

from __future__ import annotations

import numpy as np

from phototag.images.metadata import Metadata, parse
from phototag.images.pillow import flattened
from phototag.images.raster import Raster, Undecodable, check_size
from phototag.images.shrink import shrunk

DECODER_BYTES = 5
"""For each pixel: libheif's planes and the picture (peak resident memory, libheif 1.20)."""
ALPHA_BYTES = 5
"""More where the picture is transparent: a plane, and a copy in Pillow's memory."""


def decode(data: bytes, longest: int | None) -> Raster:
    """Decode the primary picture, shrunk to `longest`. Raises Undecodable.

    libheif turns and mirrors by the file's own properties (irot, imir), so the orientation that
    EXIF repeats is not applied again.
    """
    import pillow_heif

    pillow_heif.options.DECODE_THREADS = 1  # workers are processes, one for each core
    try:
        file = pillow_heif.open_heif(data, convert_hdr_to_8bit=True)
        image = file[file.primary_index]
        width, height = image.size
        check_size(width, height, DECODER_BYTES + ALPHA_BYTES * image.has_alpha)
        if image.mode in ("RGB", "L"):
            pixels, mode = shrunk(np.asarray(image), longest), image.mode
            if not pixels.flags.owndata:  # libheif's own, which goes with the file
                pixels = pixels.copy()
        else:
            pixels, mode = flattened(image.to_pillow(), longest)
    except Undecodable:
        raise
    except Exception as error:  # libheif's errors come as several Python types
        raise _refusal(error) from error
    exif, profile = (_bytes(image.info.get(name)) for name in ("exif", "icc_profile"))
    taken = parse(exif).taken
    return Raster("HEIF", pixels, mode, width, height, Metadata(taken=taken), profile)


def _bytes(value: object) -> bytes | None:
    return value if isinstance(value, bytes) and value else None


def _refusal(error: Exception) -> Undecodable:
    said = str(error).rstrip(".") or type(error).__name__
    lower = said.lower()
    if isinstance(error, MemoryError) or "limit" in lower:
        return Undecodable("too-large", f"it would take too much memory ({said}).")
    if "end of file" in lower or "truncated" in lower or isinstance(error, EOFError):
        return Undecodable("truncated", "the file ends early. Copy it again from where it came.")
    return Undecodable("damaged", f"it is damaged: {said}.")
