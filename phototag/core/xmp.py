"""What XMP says of people: regions by the Metadata Working Group and by Microsoft, IPTC's regions
and persons, the people tags of digiKam, Lightroom, Microsoft and Media Pro.

RDF has many ways to write one thing; `fields` and `items` read them all: properties as elements and
as attributes, structures as `rdf:parseType="Resource"`, as an inner `rdf:Description` and as
attributes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.core.markup import Node
from phototag.core.regions import Region
from phototag.core.types import Box

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
MWG = "http://www.metadataworkinggroup.com/schemas/regions/"
AREA = "http://ns.adobe.com/xmp/sType/Area#"
DIM = "http://ns.adobe.com/xap/1.0/sType/Dimensions#"
MP = "http://ns.microsoft.com/photo/1.2/"
MP_INFO = "http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
MP_REGION = "http://ns.microsoft.com/photo/1.2/t/Region#"
IPTC = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
DIGIKAM = "http://www.digikam.org/ns/1.0/"
LIGHTROOM = "http://ns.adobe.com/lightroom/1.0/"
MICROSOFT = "http://ns.microsoft.com/photo/1.0/"
MEDIAPRO = "http://ns.iview-multimedia.com/mediapro/1.0/"
DC = "http://purl.org/dc/elements/1.1/"
TIFF = "http://ns.adobe.com/tiff/1.0/"

REGIONS = f"{MWG} Regions"
REGION_LIST = f"{MWG} RegionList"
MP_REGIONS = f"{MP} RegionInfo"
MP_LIST = f"{MP_INFO} Regions"
PERSONS = f"{IPTC} PersonInImage"

TAGS = {
    f"{DIGIKAM} TagsList": "/",
    f"{LIGHTROOM} hierarchicalSubject": "|",
    f"{MICROSOFT} LastKeywordXMP": "/",
    f"{MEDIAPRO} CatalogSets": "|",
}
"""Properties that hold tags as a path, and what stands between its parts."""

SPELLINGS = {f"{MICROSOFT} LastKeywordXMP": "http://ns.microsoft.com/photo/1.0 LastKeywordXMP"}
"""ExifTool leaves out the slash at the end of Microsoft's namespace."""

PEOPLE = "people"
"""The first part of the path of a person's tag, in small letters."""

_ARRAYS = (f"{RDF} Bag", f"{RDF} Seq", f"{RDF} Alt")
_DESCRIPTION = f"{RDF} Description"
_LI = f"{RDF} li"


@dataclass(frozen=True, slots=True)
class Told:
    """What a document says of the people in a photo."""

    regions: tuple[Region, ...] = ()
    """With a name; in the frame of the stored photo, before orientation."""
    names: tuple[str, ...] = ()
    """Without a place."""
    applied_to: tuple[int, int] | None = None
    """Width and height of the picture that the regions were drawn in."""

    def __bool__(self) -> bool:
        return bool(self.regions or self.names)


# ---- RDF


def descriptions(root: Node) -> list[Node]:
    """The top `rdf:Description` elements, wherever `rdf:RDF` stands."""
    holder = next((node for node in root.walk() if node.name == f"{RDF} RDF"), None)
    return [] if holder is None else holder.named(_DESCRIPTION)


def property_of(root: Node, name: str) -> Node | None:
    """The first element of a top property."""
    spellings = (name, SPELLINGS.get(name, name))
    found = (top.child(each) for top in descriptions(root) for each in spellings)
    return next((node for node in found if node is not None), None)


def items(node: Node | None) -> list[Node]:
    """The entries of an array property."""
    array = None if node is None else array_of(node)
    return [] if array is None else array.named(_LI)


def array_of(node: Node) -> Node | None:
    return next((child for child in node.children if child.name in _ARRAYS), None)


def structure(node: Node) -> Node:
    """The element that holds the fields of a structure: itself, or its `rdf:Description`."""
    return node.child(_DESCRIPTION) or node


def text_of(node: Node | None, name: str) -> str:
    """A simple field of a structure, as element or attribute; '' where it is not there."""
    if node is None:
        return ""
    holder = structure(node)
    for place in (holder, node):
        if name in place.attributes:
            return place.attributes[name].strip()
    inner = holder.child(name)
    if inner is None:
        return ""
    if inner.text.strip() or not inner.children:
        return inner.text.strip()
    first = items(inner)
    return first[0].text.strip() if first else ""


def part(node: Node | None, name: str) -> Node | None:
    return None if node is None else structure(node).child(name)


def number_of(node: Node | None, name: str) -> float | None:
    """A finite number, also as `3/4` and with a decimal comma; None for anything else."""
    text = text_of(node, name).replace(",", ".")
    over, _, under = text.partition("/")
    try:
        value = float(over) / float(under) if under else float(over)
    except (ValueError, ZeroDivisionError):
        return None
    return value if abs(value) < 1e9 else None  # neither infinite nor no number


# ---- people


def told(root: Node, size: tuple[int, int] | None = None) -> Told:
    """What a document says; `size` of the stored photo, for regions in pixels."""
    applied = applied_to(root)
    regions: list[Region] = []
    for dialect in (_mwg(root, applied or size), _microsoft(root), _iptc(root, size)):
        # A name that an earlier dialect placed counts there: programs that turn a photo often turn
        # only one of them (`immich/portrait-orientation-6.jpg`).
        there = {r.name for r in regions if r.box is not None}
        regions += [region for region in dialect if region.name not in there]
    placed = tuple(r for r in regions if r.box is not None)
    there = {r.name for r in placed}
    names = [r.name for r in regions if r.box is None]
    names += [li.text.strip() for li in items(property_of(root, PERSONS))]
    names += [name for prop, by in TAGS.items() for name in tagged(root, prop, by)]
    without = tuple(n for n in dict.fromkeys(names) if n and n not in there)
    return Told(placed, without, applied)


def applied_to(root: Node) -> tuple[int, int] | None:
    node = part(property_of(root, REGIONS), f"{MWG} AppliedToDimensions")
    wide, high = number_of(node, f"{DIM} w"), number_of(node, f"{DIM} h")
    if wide is None or high is None or wide < 1 or high < 1:
        return None
    return round(wide), round(high)


def _mwg(root: Node, size: tuple[int, int] | None) -> Iterator[Region]:
    for li in items(part(property_of(root, REGIONS), REGION_LIST)):
        kind = text_of(li, f"{MWG} Type")
        name = text_of(li, f"{MWG} Name")
        if name and kind.lower() in ("", "face"):
            yield Region(name, mwg_box(li, size))


def mwg_box(li: Node, size: tuple[int, int] | None = None) -> Box | None:
    """Where an entry of MWG's list lies: its x and y are the centre."""
    area = part(li, f"{MWG} Area")
    x, y, w, h = (number_of(area, f"{AREA} {side}") for side in "xywh")
    if x is None or y is None or w is None or h is None:
        return None
    if text_of(area, f"{AREA} unit").lower() == "pixel":
        if size is None:
            return None
        x, w, y, h = x / size[0], w / size[0], y / size[1], h / size[1]
    return Box(x - w / 2, y - h / 2, w, h)


def _microsoft(root: Node) -> Iterator[Region]:
    for li in items(part(property_of(root, MP_REGIONS), MP_LIST)):
        name = text_of(li, f"{MP_REGION} PersonDisplayName")
        if name:
            yield Region(name, microsoft_box(li))


def microsoft_box(li: Node) -> Box | None:
    """`x, y, width, height` from the top left corner."""
    try:
        x, y, w, h = map(float, text_of(li, f"{MP_REGION} Rectangle").split(","))
    except ValueError:
        return None
    return Box(x, y, w, h)


def _iptc(root: Node, size: tuple[int, int] | None) -> Iterator[Region]:
    """Regions that hold one person by name; one with several says only that they are there."""
    for li in items(property_of(root, f"{IPTC} ImageRegion")):
        people = [p.text.strip() for p in items(part(li, PERSONS)) if p.text.strip()]
        box = _boundary(part(li, f"{IPTC} RegionBoundary"), size) if len(people) == 1 else None
        for name in people:
            yield Region(name, box)


def _boundary(node: Node | None, size: tuple[int, int] | None) -> Box | None:
    """The box around a rectangle (from the top left), a circle (radius in widths), a polygon."""
    unit = text_of(node, f"{IPTC} rbUnit").lower()
    if unit == "pixel" and size is None:
        return None
    wide, high = size if unit == "pixel" and size is not None else (1, 1)
    x, y, w, h, radius = (
        number_of(node, f"{IPTC} {name}") for name in ("rbX", "rbY", "rbW", "rbH", "rbRx")
    )
    if x is not None and y is not None and w is not None and h is not None:
        return Box(x / wide, y / high, w / wide, h / high)
    if x is not None and y is not None and radius is not None and size is not None:
        tall = radius * size[0] / size[1] if unit != "pixel" else radius
        return Box((x - radius) / wide, (y - tall) / high, 2 * radius / wide, 2 * tall / high)
    corners = [
        (number_of(li, f"{IPTC} rbX"), number_of(li, f"{IPTC} rbY"))
        for li in items(part(node, f"{IPTC} rbVertices"))
    ]
    xs = [a / wide for a, b in corners if a is not None and b is not None]
    ys = [b / high for a, b in corners if a is not None and b is not None]
    if len(xs) < 3:
        return None
    return Box(min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys))


def tagged(root: Node, name: str, by: str) -> list[str]:
    """The people of a property of tags: the last part of each path that begins with `People`."""
    said = [li.text.strip() for li in items(property_of(root, name))]
    paths = [tuple(p.strip() for p in text.split(by)) for text in said]
    mine = [path for path in paths if len(path) > 1 and path[0].lower() == PEOPLE]
    groups = {path[:end] for path in mine for end in range(2, len(path))}
    return [path[-1] for path in mine if path not in groups and path[-1]]
