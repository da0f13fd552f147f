"""Where the XMP of a photo is: in the file, and in a file beside it."""

from __future__ import annotations

import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

from phototag.core.markup import Node
from phototag.core.segments import XMP, XMP_MORE, segments
from phototag.images.markup import LARGEST, NotReadable, parse

PNG = b"\x89PNG\r\n\x1a\n"
PNG_KEYWORD = b"XML:com.adobe.xmp\0"

_PACKET = re.compile(rb"<(?:x|xap):x[ma]pmeta\b|<rdf:RDF\b")
_END = re.compile(rb"</(?:x|xap):x[ma]pmeta\s*>|</rdf:RDF\s*>")


@dataclass(frozen=True, slots=True)
class Document:
    """An XMP document and its tree."""

    where: str
    """`embedded`, or the path of the file beside the photo."""
    data: bytes
    root: Node


def sidecars_of(path: str) -> tuple[str, str]:
    """Names of a photo's XMP files, best first: `x.jpg.xmp` says whose it is; `x.xmp` may be
    another photo's (RAW and JPEG)."""
    return f"{path}.xmp", f"{os.path.splitext(path)[0]}.xmp"  # noqa: PTH122 (names not UTF-8)


def read_sidecar(path: str) -> Document | None:
    """None where there is none. Raises NotReadable."""
    try:
        if os.stat(path).st_size > LARGEST:  # noqa: PTH116
            raise NotReadable(f"it has more than {LARGEST:,} bytes")
        data = Path(path).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotReadable(error.strerror or str(error)) from error
    return Document(path, data, parse(data)) if data.strip() else None


HEAD = 1 << 20
"""Bytes of a JPEG that are read at first: its metadata stands before the picture."""


def read_head(path: str) -> bytes:
    """As much of a photo as can hold its XMP: of a JPEG what stands before the picture, of other
    formats all. Raises OSError."""
    with open(path, "rb") as file:  # noqa: PTH123 (names that are not UTF-8)
        head = file.read(HEAD)
        if len(head) < HEAD:
            return head
        if head[:2] == b"\xff\xd8" and any(part[0] == 0xDA for part in segments(head)):
            return head
        return head + file.read()


def embedded(data: bytes) -> list[Document]:
    """The documents in a photo's bytes: the packet, and in a JPEG what did not fit into it. Raises
    NotReadable."""
    return [Document("embedded", text, parse(text)) for text in _texts(data) if text.strip()]


def _texts(data: bytes) -> list[bytes]:
    if data[:2] == b"\xff\xd8":
        return _in_jpeg(data)
    if data[:8] == PNG:
        text = _in_png(data)
        return [] if text is None else [text]
    return _found(data)


def _in_jpeg(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    rest: dict[bytes, dict[int, bytes]] = {}
    for marker, _, start, end in segments(data):
        body = data[start:end] if marker == 0xE1 else b""
        if body.startswith(XMP):
            found.append(_trimmed(body[len(XMP) :]))
        elif body.startswith(XMP_MORE):
            head = body[len(XMP_MORE) :]
            offset = int.from_bytes(head[36:40], "big")
            rest.setdefault(head[:32], {})[offset] = head[40:]
    found[1:] = []  # a second one is of a picture that was pasted in
    for guid, parts in rest.items():
        whole = b"".join(parts[offset] for offset in sorted(parts))
        if found and guid in found[0]:
            found.append(whole)
    return found


def _trimmed(packet: bytes) -> bytes:
    """Without zero bytes behind, which some writers leave (UTF-16 has its own)."""
    return packet if b"\0" in packet[:4] else packet.rstrip(b"\0")


def _in_png(data: bytes) -> bytes | None:
    at = 8
    while at + 8 <= len(data):
        size, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        body = data[at + 8 : at + 8 + size]
        if kind == b"iTXt" and body.startswith(PNG_KEYWORD):
            return _png_text(body[len(PNG_KEYWORD) :])
        at += 12 + size
    return None


def _png_text(rest: bytes) -> bytes:
    packed = rest[:1] == b"\1"
    text = rest[2:].split(b"\0", 2)[-1]
    if not packed:
        return text
    inflate = zlib.decompressobj()
    try:
        whole = inflate.decompress(text, LARGEST)
    except zlib.error as error:
        raise NotReadable(f"its packed XMP is damaged ({error})") from error
    return whole


def _found(data: bytes) -> list[bytes]:
    """The first packet in a file of any kind: XMP is laid down so that it can be found by
    looking."""
    begin = _PACKET.search(data)
    if begin is None:
        return []
    end = _END.search(data, begin.end())
    if end is None:
        return []
    text = data[begin.start() : end.end()]
    if b"rdf:RDF" not in text:
        return []
    return [text]


# ---- the frame of regions


def turn_of_heic(data: bytes) -> int:
    """EXIF's orientation for a HEIC file's own turn (`irot`): 1 where it has none.

    libheif turns by it, and EXIF's orientation there only repeats it. So regions are of the picture
    as libheif shows it, unless they say that they were drawn in one with its sides swapped.
    """
    at = data.find(b"\0\0\0\x09irot", 0, 1 << 20)
    return {1: 8, 2: 3, 3: 6}.get(data[at + 8] & 3, 1) if 0 <= at < len(data) - 8 else 1
