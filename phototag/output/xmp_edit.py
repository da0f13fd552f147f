"""XMP edited in place: elements put in and taken out at their offsets, all else to the byte."""

from __future__ import annotations

from phototag.core.markup import Node
from phototag.core.xmp import (
    AREA,
    DIGIKAM,
    DIM,
    IPTC,
    LIGHTROOM,
    MEDIAPRO,
    MICROSOFT,
    MP,
    MP_INFO,
    MP_REGION,
    MWG,
    RDF,
)

PREFIXES = {
    MWG: "mwg-rs",
    AREA: "stArea",
    DIM: "stDim",
    MP: "MP",
    MP_INFO: "MPRI",
    MP_REGION: "MPReg",
    IPTC: "Iptc4xmpExt",
    RDF: "rdf",
    DIGIKAM: "digiKam",
    LIGHTROOM: "lr",
    MICROSOFT: "MicrosoftPhoto",
    MEDIAPRO: "mediapro",
}


def short(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return f"{PREFIXES[space]}:{local}"


def declared(text: str) -> str:
    """An element with the namespaces that it uses: it does not rely on those around it."""
    used = [f'xmlns:{p}="{uri}"' for uri, p in PREFIXES.items() if f"{p}:" in text]
    end = min(at for at in (text.find(" "), text.find(">"), text.find("/")) if at > 0)
    return f"{text[:end]} {' '.join(used)}{text[end:]}"


def into(data: bytes, node: Node, text: str) -> bytes:
    """The text as the last content of an element."""
    new = text.encode() + b"\n"
    if node.inner < node.end:
        return data[: node.close] + new + data[node.close :]
    tag = data[node.start : node.end - 2]
    name = tag[1:].split(None, 1)[0]
    return data[: node.start] + tag + b">" + new + b"</" + name + b">" + data[node.end :]


def without(data: bytes, node: Node) -> bytes:
    """Without an element and the blanks before it."""
    start = node.start
    while start > 0 and data[start - 1 : start] in (b" ", b"\t", b"\n", b"\r"):
        start -= 1
    return data[:start] + data[node.end :]
