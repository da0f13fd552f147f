"""Foreign XML becomes a tree, without the dangers of XML.

A document type is refused, so that no entity can be declared: no bombs, no reading of other files.
Size, depth and number of elements are bounded. The standard library's expat does the reading; it
knows the place of every element.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from xml.parsers import expat

from phototag.core.markup import Node

LARGEST = 16 << 20
"""Bytes of the largest document that is read. Lightroom's sidecars with masks reach 2 MiB."""

DEEPEST = 200
MOST = 100_000
"""Elements; a sidecar has a few hundred."""


class NotReadable(Exception):
    """Not well formed, or not to be trusted; the message says what is wrong."""


def parse(data: bytes) -> Node:
    """The root element. Raises NotReadable."""
    if len(data) > LARGEST:
        raise NotReadable(f"it has {len(data):,} bytes")
    builder = _Builder(data)
    try:
        builder.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise NotReadable(str(error)) from error
    if builder.root is None:
        raise NotReadable("it is empty")
    return builder.root


@dataclass(slots=True)
class _Builder:
    data: bytes
    root: Node | None = None
    parser: expat.XMLParserType = field(
        default_factory=lambda: expat.ParserCreate(namespace_separator=" ")
    )
    _open: list[Node] = field(default_factory=list)
    _texts: list[list[str]] = field(default_factory=list)
    _count: int = 0

    def __post_init__(self) -> None:
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise NotReadable("it declares a document type, which no metadata does")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST or len(self._open) >= DEEPEST:
            raise NotReadable("it has too many elements")
        start = self.parser.CurrentByteIndex
        inner = tag_end(self.data, start)
        node = Node(name, attributes, start, inner)
        if self._open:
            self._open[-1].children.append(node)
        elif self.root is None:
            self.root = node
        self._open.append(node)
        self._texts.append([])

    def _end(self, _: str) -> None:
        node = self._open.pop()
        node.text = "".join(self._texts.pop())
        if self.data[node.inner - 2 : node.inner] == b"/>":
            node.close = node.end = node.inner
        else:
            node.close = self.parser.CurrentByteIndex
            node.end = tag_end(self.data, node.close)

    def _text(self, text: str) -> None:
        if self._texts:
            self._texts[-1].append(text)


def tag_end(data: bytes, start: int) -> int:
    """The offset behind the `>` of the tag that begins at `start`; quotes may hold others."""
    at = start
    while True:
        stop = data.find(b">", at)
        if stop < 0:
            return len(data)
        quote = min(
            (q for q in (data.find(b'"', at, stop), data.find(b"'", at, stop)) if q >= 0),
            default=-1,
        )
        if quote < 0:
            return stop + 1
        closing = data.find(data[quote : quote + 1], quote + 1)
        if closing < 0:
            return len(data)
        at = closing + 1
