"""The sidecar: what phototag knows about one photo, as JSON beside it.

`sidecar.schema.json` (JSON Schema 2020-12, in this package) describes the format. A sidecar holds
nothing of the run that wrote it, so the same knowledge gives the same bytes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Literal

from phototag.core.tracks import clocks
from phototag.core.types import Box, Landmarks, Span
from phototag.output.atomic import digest

SCHEMA = 1
"""Version of the format. It moves only when a reader of the former one could misread the new one.
"""

SUFFIX = ".phototag.json"

LONGEST_NAME = 255
"""Bytes of a file name on ext4, XFS, btrfs, APFS and ZFS."""

LANDMARKS = ("left_eye", "right_eye", "nose", "mouth_left", "mouth_right")
"""As the viewer sees them, in the order of `core.types.Landmarks`."""

Status = Literal["named", "recognised", "unknown", "ignored"]
How = Literal["manual", "imported", "automatic"]


@dataclass(frozen=True, slots=True)
class Likeness:
    """A person and how much a face resembles them: cosine similarity, -1..1."""

    person: str
    similarity: float


@dataclass(frozen=True, slots=True)
class SidecarFace:
    """One face of a photo."""

    id: str
    """`face-17`, for life."""
    index: int
    """1, 2, …: the 2 in `photo.jpg#2`."""
    box: Box
    landmarks: Landmarks | None
    """None for a box that a user drew."""
    score: float | None
    """Of the detector, 0..1; None for a box that a user drew."""
    quality: float
    """0..1, see `core.quality`."""
    status: Status
    """`named`: a user said so; `recognised`: phototag did; `unknown`; `ignored`: a user wants no
    name here."""
    person: str | None = None
    how: How | None = None
    similarity: float | None = None
    """To the person, where phototag recognised them."""
    runner_up: Likeness | None = None
    suggestion: Likeness | None = None
    """A person that it may be: not sure enough to say so."""
    cluster: str | None = None
    """`cluster-3`: unknown faces that look alike."""
    span: Span | None = None
    """In a video: from when to when it is seen; `box` and `landmarks` are those of its best
    frame."""


@dataclass(frozen=True, slots=True)
class SidecarPhoto:
    """One photo and its faces."""

    file: str
    """The photo's file name, as `os.fsdecode` gives it; without a folder, so that a folder can
    move."""
    key: str
    """BLAKE2b-128 of the file's bytes, 32 hexadecimal digits."""
    width: int
    """Pixels of the upright photo."""
    height: int
    format: str
    taken: str | None
    """ISO 8601, or None where the photo does not say."""
    detector: str
    embedder: str
    faces: Sequence[SidecarFace] = ()
    duration: int | None = None
    """Milliseconds of a video; None for a photo."""
    timeline: Sequence[str] = ()
    """Of a video: `00:01:12-00:01:20 Alice`."""


def name_for(photo: str | PurePath) -> str:
    """File name of a photo's sidecar: `IMG_1.JPG.phototag.json`.

    Where that would be too long for a file name, the photo's name is cut and a digest of all of it
    put behind.
    """
    name = PurePath(photo).name
    raw = os.fsencode(name)
    room = LONGEST_NAME - len(SUFFIX)
    if len(raw) <= room:
        return name + SUFFIX
    mark = f"~{digest(raw)[:12]}"
    kept = raw[: room - len(mark)]
    while kept and kept[-1] & 0xC0 == 0x80:  # not in the middle of a UTF-8 character
        kept = kept[:-1]
    if kept and kept[-1] & 0xC0 == 0xC0:
        kept = kept[:-1]
    return os.fsdecode(kept) + mark + SUFFIX


def render(photo: SidecarPhoto) -> bytes:
    """The sidecar's bytes: UTF-8, keys in a fixed order, faces by index, an indent of two, a
    newline at the end."""
    faces = sorted(photo.faces, key=lambda face: (face.index, face.id))
    document = {
        "phototag": {"kind": "sidecar", "schema": SCHEMA},
        "photo": _photo(photo),
        "models": {"detector": photo.detector, "embedder": photo.embedder},
        "people": sorted({shown(face.person) for face in faces if face.person is not None}),
        **({} if photo.duration is None else {"timeline": [shown(x) for x in photo.timeline]}),
        "faces": [_face(face, photo.width, photo.height) for face in faces],
    }
    return (_lines(document) + "\n").encode("utf-8")


def ours(data: bytes) -> Literal["ours", "foreign", "newer"]:
    """Whose file this is. Only `ours` may be overwritten: `foreign` has no phototag marker, `newer`
    a later schema."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return "foreign"
    marker = document.get("phototag") if isinstance(document, dict) else None
    schema = marker.get("schema") if isinstance(marker, dict) else None
    if not isinstance(schema, int) or isinstance(schema, bool) or schema < 1:
        return "foreign"
    return "newer" if schema > SCHEMA else "ours"


@dataclass(frozen=True, slots=True)
class Named:
    """Who is in a photo by the word of a user, as a sidecar tells."""

    key: str
    size: tuple[int, int]
    named: tuple[tuple[str, Box], ...]


def people_in(data: bytes) -> Named | None:
    """What another library's user said; None where this is no sidecar that this phototag reads."""
    if ours(data) != "ours":
        return None
    document = json.loads(data)
    try:
        photo, faces = document["photo"], document["faces"]
        named = tuple(
            (str(face["person"]), Box(*(float(box[s]) for s in ("x", "y", "width", "height"))))
            for face in faces
            if face["status"] == "named" and face["person"]
            for box in (face["box"]["fractions"],)
        )
        return Named(str(photo["key"]), (int(photo["width"]), int(photo["height"])), named)
    except (KeyError, TypeError, ValueError):
        return None


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every sidecar fulfils."""
    path = Path(__file__).with_name("sidecar.schema.json")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def shown(text: str) -> str:
    """Text that UTF-8 can hold: bytes of a file name that were no UTF-8 become U+FFFD."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _photo(photo: SidecarPhoto) -> dict[str, Any]:
    name = shown(photo.file)
    return {
        "file": name,
        # Two names that are no UTF-8 can look the same: the bytes tell them apart.
        "file_bytes": None if name == photo.file else os.fsencode(photo.file).hex(),
        "key": photo.key,
        "width": photo.width,
        "height": photo.height,
        "format": photo.format,
        "taken": photo.taken,
        **({} if photo.duration is None else {"seconds": photo.duration / 1000}),
    }


def _face(face: SidecarFace, width: int, height: int) -> dict[str, Any]:
    x, y, wide, high = face.box.pixels(width, height)
    box = face.box.rounded()
    return {
        "id": face.id,
        "index": face.index,
        **({} if face.span is None else {"seen": _seen(face.span)}),
        "status": face.status,
        "person": None if face.person is None else shown(face.person),
        "how": face.how,
        "similarity": _measure(face.similarity),
        "runner_up": _likeness(face.runner_up),
        "suggestion": _likeness(face.suggestion),
        "cluster": face.cluster,
        "score": _measure(face.score),
        "quality": _rounded(face.quality, 4),
        "box": {
            "pixels": {"x": x, "y": y, "width": wide, "height": high},
            "fractions": {
                "x": _rounded(box.x, 5),
                "y": _rounded(box.y, 5),
                "width": _rounded(box.width, 5),
                "height": _rounded(box.height, 5),
            },
        },
        "landmarks": _landmarks(face.landmarks, width, height),
    }


def _seen(span: Span) -> dict[str, Any]:
    return {"times": clocks(span), "from": span[0] / 1000, "to": span[1] / 1000}


def _landmarks(landmarks: Landmarks | None, width: int, height: int) -> dict[str, Any] | None:
    if landmarks is None:
        return None
    points = dict(zip(LANDMARKS, landmarks.points, strict=True))
    return {
        "pixels": {
            k: [_rounded(x * width, 1), _rounded(y * height, 1)] for k, (x, y) in points.items()
        },
        "fractions": {k: [_rounded(x, 5), _rounded(y, 5)] for k, (x, y) in points.items()},
    }


def _likeness(likeness: Likeness | None) -> dict[str, Any] | None:
    if likeness is None:
        return None
    return {"person": shown(likeness.person), "similarity": _rounded(likeness.similarity, 4)}


def _measure(value: float | None) -> float | None:
    return None if value is None else _rounded(value, 4)


def _rounded(value: float, digits: int) -> float:
    return round(float(value), digits) + 0.0  # no -0.0


_json = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def _lines(value: Any, indent: str = "") -> str:
    """JSON with an indent of two, where what holds only numbers and words stays on one line if it
    is short."""
    if not isinstance(value, dict | list) or not value:
        return _json(value)
    inner = value.values() if isinstance(value, dict) else value
    if indent and not any(isinstance(v, dict | list) for v in inner):
        flat = _json(value)
        if len(flat) <= 100:
            return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        rows = [f"{_json(key)}: {_lines(v, deeper)}" for key, v in value.items()]
        opening, closing = "{", "}"
    else:
        rows = [_lines(v, deeper) for v in value]
        opening, closing = "[", "]"
    body = ",\n".join(deeper + row for row in rows)
    return f"{opening}\n{body}\n{indent}{closing}"
