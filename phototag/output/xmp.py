"""Names and faces into XMP, beside what other programs wrote there.

Three versions meet: what phototag wrote last, what is there now, and what it would write. Only
entries that phototag wrote itself are changed or taken away; all else stays byte for byte, for the
document is edited at the places of its elements and never written anew. Where another program
changed what phototag wrote, or says something else of the same face, nothing is guessed: it is a
conflict, and what is there stays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import quoteattr

from phototag.core.markup import Node
from phototag.core.regions import meets
from phototag.core.types import Box
from phototag.core.xmp import MWG, RDF, array_of, descriptions, items, part, property_of, structure
from phototag.output.xmp_arrays import Array, Wanted, Written, arrays
from phototag.output.xmp_edit import declared, into, short, without

Parse = Callable[[bytes], Node]

NEAR = 2e-4
"""Difference of two numbers that are one number in two programs' decimals."""

EMPTY = (
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
    '<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="phototag">\n'
    f' <rdf:RDF xmlns:rdf="{RDF}">\n </rdf:RDF>\n'
    '</x:xmpmeta>\n<?xpacket end="w"?>'
).encode()


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of it."""

    data: bytes | None
    """The document; None where nothing is left in it, or nothing was to be written."""
    written: Written
    conflicts: tuple[str, ...]


class CannotMerge(Exception):
    """This document cannot be edited; the message says why."""


def merge(theirs: bytes | None, parse: Parse, last: Written, wanted: Wanted) -> Merged:
    """Bring a document (None: there is none) up to date. Raises CannotMerge, what `parse`
    raises."""
    if theirs is not None and (b"\0" in theirs[:4] or theirs[:2] in (b"\xff\xfe", b"\xfe\xff")):
        raise CannotMerge("it is not in UTF-8, so it was left alone")
    data = EMPTY if theirs is None else theirs
    before = last if theirs is not None else Written()
    written = Written()
    conflicts: list[str] = []
    blocked: set[str] = set()
    for array in arrays(wanted, before):
        step = _Step(array, before.entries.get(array.key, []), data, parse(data), blocked)
        data = step.run(conflicts)
        written.entries[array.key] = step.written
    if data != theirs and not _says_anything(parse(data)):
        return Merged(None, written, tuple(conflicts))
    return Merged(data, written, tuple(dict.fromkeys(conflicts)))


def _says_anything(root: Node) -> bool:
    return any(
        top.children or any(not name.startswith(RDF) for name in top.attributes)
        for top in descriptions(root)
    )


# ---- one array of one document


@dataclass(slots=True)
class _Step:
    """The three-way merge of one array."""

    array: Array
    last: Sequence[tuple[str, tuple[float, ...]]]
    data: bytes
    root: Node
    blocked: set[str]
    """Names whose faces another program calls otherwise: they are not written elsewhere either."""
    written: list[tuple[str, tuple[float, ...]]] = field(default_factory=list)

    def run(self, conflicts: list[str]) -> bytes:
        """The document with the array up to date."""
        there = [(li, *self.array.read(li)) for li in items(self._holder())]
        mine = [
            next((e for e in there if _same(e[1], e[2], name, _box(box))), None)
            for name, box in self.last
        ]
        gone: list[Node] = []
        kept: set[int] = set()
        lost: list[tuple[str, Box | None]] = []
        for (name, numbers), entry in zip(self.last, mine, strict=True):
            stays = any(_same(name, _box(numbers), *want) for want in self.array.wanted)
            if entry is not None and not stays:
                gone.append(entry[0])
            elif stays:
                self.written.append((name, numbers))
                if entry is not None:
                    kept.add(id(entry[0]))
                else:
                    lost.append((name, _box(numbers)))
                    self.blocked.add(_person(name))
                    conflicts.append(
                        f"{_person(name)} was changed or taken away there by another program"
                    )
        others = [e for e in there if id(e[0]) not in kept and e[0] not in gone]
        added = []
        for name, box in self.array.wanted:
            known = [*lost, *((e[1], e[2]) for e in there if e[0] not in gone)]
            if any(_same(name, box, *each) or _agrees(name, box, *each) for each in known):
                continue
            clash = _clash(name, box, others)
            if clash is not None:
                conflicts.append(clash)
                self.blocked.add(name)
            if clash is not None or (box is None and _person(name) in self.blocked):
                continue
            added.append(self.array.show(name, box))
            self.written.append((name, _numbers(box)))
        return self._edited(gone, added)

    def _holder(self) -> Node | None:
        node = property_of(self.root, self.array.path[0])
        for name in self.array.path[1:]:
            node = part(node, name)
        return node

    def _edited(self, gone: Sequence[Node], added: Sequence[str]) -> bytes:
        data = self.data
        if added:
            data = self._with(added)
        # What is added stands behind what is taken away, so these places still hold.
        for li in sorted(gone, key=lambda li: -li.start):
            data = without(data, li)
        if gone and not added and len(items(self._holder())) == len(gone):
            return self._without_property()
        return data

    def _with(self, added: Sequence[str]) -> bytes:
        new = "\n".join(declared(entry) for entry in added)
        node = property_of(self.root, self.array.path[0])
        if node is None:
            return self._with_property(added)
        for depth, name in enumerate(self.array.path[1:], 1):
            inner = part(node, name)
            if inner is None:
                return into(self.data, structure(node), self._nested(added, depth))
            node = inner
        array = array_of(node)
        if array is None:
            kind = self.array.kind
            return into(self.data, node, declared(f"<rdf:{kind}>{''.join(added)}</rdf:{kind}>"))
        return into(self.data, array, new)

    def _nested(self, added: Sequence[str], depth: int) -> str:
        """The fields from `depth` down, and the array in them."""
        kind = self.array.kind
        text = f"<rdf:{kind}>\n" + "\n".join(added) + f"\n</rdf:{kind}>"
        for name in reversed(self.array.path[depth:]):
            text = f"<{short(name)}>{text}</{short(name)}>"
        return declared(text)

    def _with_property(self, added: Sequence[str]) -> bytes:
        kind, path = self.array.kind, self.array.path
        text = f"<rdf:{kind}>\n" + "\n".join(added) + f"\n</rdf:{kind}>"
        for name in reversed(path[1:]):
            text = f"<{short(name)}>{text}</{short(name)}>"
        if len(path) > 1:
            text = f'<{short(path[0])} rdf:parseType="Resource">{self.array.head}{text}'
        else:
            text = f"<{short(path[0])}>{text}"
        text = f"{text}</{short(path[0])}>"
        tops = descriptions(self.root)
        about = tops[0].attributes.get(f"{RDF} about", "") if tops else ""
        whole = f"<rdf:Description rdf:about={quoteattr(about)}>{text}</rdf:Description>"
        holder = next((node for node in self.root.walk() if node.name == f"{RDF} RDF"), None)
        if holder is None:
            raise CannotMerge("it is no XMP, so it was left alone")
        return into(self.data, holder, declared(whole))

    def _without_property(self) -> bytes:
        """Nothing of an array is left: its property goes, and the description that held only it."""
        node = property_of(self.root, self.array.path[0])
        assert node is not None
        fields = {child.name for child in structure(node).children}
        if len(self.array.path) > 1 and fields - {
            self.array.path[1],
            f"{MWG} AppliedToDimensions",
        }:
            return self._only_entries_gone()
        top = next(top for top in descriptions(self.root) if node in top.children)
        alone = len(top.children) == 1 and set(top.attributes) <= {f"{RDF} about"}
        return without(self.data, top if alone else node)

    def _only_entries_gone(self) -> bytes:
        data = self.data
        for li in reversed(items(self._holder())):
            data = without(data, li)
        return data


def _clash(
    name: str, box: Box | None, others: Sequence[tuple[Node, str, Box | None]]
) -> str | None:
    """What another program says against a region; None where nothing does."""
    if box is None:
        return None
    for _, theirs, place in others:
        if theirs == name:
            return f"{name} is there already, in another place"
        if theirs and place is not None and meets(box, place):
            return f"{name} is called {theirs} there"
    return None


def _agrees(name: str, box: Box | None, other: str, place: Box | None) -> bool:
    """Whether a region says what ours would: the same person on the same face, drawn otherwise."""
    return name == other and box is not None and place is not None and meets(box, place)


def _person(text: str) -> str:
    """The name in a tag's path, or the name itself."""
    for by in ("/", "|"):
        head, _, name = text.partition(f"People{by}")
        if not head and name:
            return name
    return text


def _same(name: str, box: Box | None, other: str, place: Box | None) -> bool:
    if name != other or (box is None) != (place is None):
        return False
    if box is None or place is None:
        return True
    return all(abs(a - b) <= NEAR for a, b in zip(_numbers(box), _numbers(place), strict=True))


def _numbers(box: Box | None) -> tuple[float, ...]:
    if box is None:
        return ()
    return tuple(round(v, 6) for v in (box.x, box.y, box.width, box.height))


def _box(numbers: tuple[float, ...]) -> Box | None:
    return Box(*numbers) if numbers else None
