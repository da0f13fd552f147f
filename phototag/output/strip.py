"""A photo without the names and regions of people: for copies that are given away.

The picture stays bit for bit. Regions, people's tags, and every XMP entry and IPTC block that holds
a name go. Other metadata (EXIF) is searched for the names, and a photo that still holds one is
refused.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable

from phototag.core.markup import Node
from phototag.core.segments import XMP_MORE, segments
from phototag.core.xmp import (
    IPTC,
    MP_REGIONS,
    PEOPLE,
    PERSONS,
    REGIONS,
    SPELLINGS,
    TAGS,
    array_of,
    descriptions,
    told,
)
from phototag.output.embed import can_embed, with_packet
from phototag.output.xmp_edit import without

WHOLE = (
    REGIONS,
    MP_REGIONS,
    PERSONS,
    f"{IPTC} ImageRegion",
    f"{IPTC} PersonInImageWDetails",
)
"""Properties that speak of nothing but people."""

_IPTC = 0xED
_ATTRIBUTE = re.compile(rb"\s+[^\s=<>/]+\s*=\s*(\"[^\"]*\"|'[^']*')")


class CannotStrip(Exception):
    """This photo is not given away; the message says why."""


def without_people(
    data: bytes, packet: bytes | None, parse: Callable[[bytes], Node], names: Iterable[str]
) -> bytes:
    """The bytes of a JPEG or PNG without the people in it: those of `names`, and all that its XMP
    (`packet`) names. Raises CannotStrip, CannotEmbed, what `parse` raises."""
    if not can_embed(data):
        raise CannotStrip("names can be removed from JPEG and PNG only")
    everybody = set(names)
    if packet is not None:
        said = told(parse(packet), (1, 1))
        everybody |= {*said.names, *(region.name for region in said.regions)}
    if data[:2] == b"\xff\xd8":
        data = _without_segments(data, everybody)
    if packet is not None:
        data = with_packet(data, _stripped(packet, parse, everybody))
    _search(data, everybody)
    return data


def _without_segments(data: bytes, names: set[str]) -> bytes:
    """Without the parts of XMP that did not fit into its segment, and without IPTC keywords that
    name somebody."""
    kept, at = b"", 0
    for marker, start, body, end in segments(data):
        more = marker == 0xE1 and data[body:end].startswith(XMP_MORE)
        if more or (marker == _IPTC and _holds(data[body:end], names)):
            kept, at = kept + data[at:start], end
    return kept + data[at:]


def _stripped(packet: bytes, parse: Callable[[bytes], Node], names: set[str]) -> bytes:
    if b"\0" in packet[:4]:
        raise CannotStrip("its XMP is not in UTF-8")
    gone = [
        node
        for top in descriptions(parse(packet))
        for prop in top.children
        for node in _of_people(prop, names)
    ]
    for node in sorted(gone, key=lambda n: -n.start):
        packet = without(packet, node)
    for top in reversed(descriptions(parse(packet))):
        packet = _without_attributes(packet, top, names)
    return packet


def _without_attributes(packet: bytes, node: Node, names: set[str]) -> bytes:
    """Without the properties that stand as attributes and hold a name."""

    def kept(said: re.Match[bytes]) -> bytes:
        value = html.unescape(said[1].decode("utf-8", "replace"))
        return b"" if any(name in value for name in names) else said[0]

    tag = _ATTRIBUTE.sub(kept, packet[node.start : node.inner])
    return packet[: node.start] + tag + packet[node.inner :]


def _of_people(prop: Node, names: set[str]) -> list[Node]:
    """What has to go of a property: all of it, or the entries that name somebody."""
    if prop.name in WHOLE:
        return [prop]
    array = array_of(prop)
    if array is not None:
        tags = prop.name in (*TAGS, *SPELLINGS.values())
        return [li for li in array.children if _names(li, names) or (tags and _is_tag(li))]
    return [prop] if _names(prop, names) else []


def _names(node: Node, names: set[str]) -> bool:
    """Whether any text of an element, or below it, holds a name."""
    texts = (text for each in node.walk() for text in (each.text, *each.attributes.values()))
    return any(name in text for text in texts for name in names)


def _is_tag(li: Node) -> bool:
    return li.text.strip().replace("|", "/").split("/")[0].strip().lower() == PEOPLE


def _holds(part: bytes, names: Iterable[str]) -> bool:
    return any(
        name.encode(code, "ignore") in part
        for name in names
        for code in ("utf-8", "latin-1", "utf-16-le", "utf-16-be")
        if len(name) > 1 and name.encode(code, "ignore")
    )


def _search(data: bytes, names: set[str]) -> None:
    """Raises CannotStrip where the metadata still holds a name."""
    end = next((start for marker, start, _, _ in segments(data) if marker == 0xDA), len(data))
    left = sorted(name for name in names if _holds(data[:end], [name]))
    if left:
        raise CannotStrip(f"its metadata still names {left[0]}")
