"""The arrays of XMP that phototag writes, and how an entry of each looks."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from phototag.core.markup import Node
from phototag.core.regions import Region
from phototag.core.types import Box
from phototag.core.xmp import (
    MP,
    MP_INFO,
    MP_REGION,
    MWG,
    PERSONS,
    TAGS,
    microsoft_box,
    mwg_box,
    text_of,
)

_ILLEGAL = str.maketrans("", "", "\ufffe\uffff")


def legal(name: str) -> str:
    """A name without what XML cannot hold."""
    return name.translate(_ILLEGAL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Who is in a photo."""

    regions: Sequence[Region]
    """In fractions of the stored photo."""
    names: Sequence[str]
    """Everybody, also those without a region."""
    size: tuple[int, int]
    """Of the stored photo in pixels."""
    people_tags: bool = False
    """Whether the tags of digiKam, Lightroom, Windows and Media Pro are written too."""


@dataclass(frozen=True, slots=True)
class Written:
    """What phototag wrote into a document: entries by the name of their array."""

    entries: dict[str, list[tuple[str, tuple[float, ...]]]] = field(default_factory=dict)
    """(name, box) of each; no box in an array of names."""

    def text(self) -> str:
        return json.dumps(self.entries, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def parse(text: str | None) -> Written:
        if text is None:
            return Written()
        said = json.loads(text)
        return Written(
            {key: [(name, tuple(box)) for name, box in those] for key, those in said.items()}
        )

    def __bool__(self) -> bool:
        return any(self.entries.values())


@dataclass(frozen=True, slots=True)
class Array:
    """One array of a document, and what phototag wants in it."""

    key: str
    path: tuple[str, ...]
    """Names of the property and of the fields down to the array."""
    kind: str
    """`Bag` or `Seq`."""
    wanted: list[tuple[str, Box | None]]
    read: Callable[[Node], tuple[str, Box | None]]
    show: Callable[[str, Box | None], str]
    """An entry as RDF, without namespaces."""
    head: str = ""
    """Fields that stand beside the array in a new property."""


def arrays(wanted: Wanted, before: Written) -> list[Array]:
    placed: list[tuple[str, Box | None]] = [(r.name, r.box) for r in wanted.regions]
    wide, high = wanted.size
    size = f'<mwg-rs:AppliedToDimensions stDim:w="{wide}" stDim:h="{high}" stDim:unit="pixel"/>'
    found = [
        Array(
            "mwg",
            (f"{MWG} Regions", f"{MWG} RegionList"),
            "Bag",
            placed,
            lambda li: (_face_name(li), mwg_box(li, wanted.size)),
            _mwg,
            size,
        ),
        Array(
            "mp",
            (f"{MP} RegionInfo", f"{MP_INFO} Regions"),
            "Bag",
            placed,
            lambda li: (text_of(li, f"{MP_REGION} PersonDisplayName"), microsoft_box(li)),
            _microsoft,
        ),
        Array("persons", (PERSONS,), "Bag", [(n, None) for n in wanted.names], _text, _plain),
    ]
    for name, by in TAGS.items():
        tags = [f"People{by}{n}" for n in wanted.names]
        if not wanted.people_tags:  # those that were written once are only taken away
            known = {tag for tag, _ in before.entries.get(name, [])}
            tags = [tag for tag in tags if tag in known]
        kind = "Seq" if name.endswith("TagsList") else "Bag"
        found.append(Array(name, (name,), kind, [(t, None) for t in tags], _text, _plain))
    return found


def _face_name(li: Node) -> str:
    """'' for regions of pets, focus points and bar codes: they say nothing of a person."""
    kind = text_of(li, f"{MWG} Type").lower()
    return text_of(li, f"{MWG} Name") if kind in ("", "face") else ""


def _text(li: Node) -> tuple[str, None]:
    return li.text.strip(), None


def _plain(name: str, box: Box | None) -> str:
    return f"<rdf:li>{escape(name)}</rdf:li>"


def _mwg(name: str, box: Box | None) -> str:
    assert box is not None
    x, y = box.centre
    area = " ".join(
        f'stArea:{side}="{value:.6f}"'
        for side, value in (("x", x), ("y", y), ("w", box.width), ("h", box.height))
    )
    return (
        f'<rdf:li rdf:parseType="Resource"><mwg-rs:Area {area} stArea:unit="normalized"/>'
        f"<mwg-rs:Name>{escape(name)}</mwg-rs:Name><mwg-rs:Type>Face</mwg-rs:Type></rdf:li>"
    )


def _microsoft(name: str, box: Box | None) -> str:
    assert box is not None
    sides = ", ".join(f"{value:.6f}" for value in (box.x, box.y, box.width, box.height))
    return (
        f'<rdf:li rdf:parseType="Resource"><MPReg:Rectangle>{sides}</MPReg:Rectangle>'
        f"<MPReg:PersonDisplayName>{escape(name)}</MPReg:PersonDisplayName></rdf:li>"
    )
