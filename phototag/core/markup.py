"""An XML document as a tree that knows where in the bytes each element stands.

What reads foreign files makes it (`images.markup`), what writes into them edits by its places: all
that is not edited stays byte for byte.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Node:
    """An element. Names are `namespace local`, or `local` where there is no namespace."""

    name: str
    attributes: dict[str, str]
    start: int
    """Offset of its `<` in the bytes."""
    inner: int
    """Offset behind its start tag; of an element `<a/>` its end."""
    close: int = 0
    """Offset of its end tag; of an element `<a/>` its end."""
    end: int = 0
    """Offset behind it."""
    children: list[Node] = field(default_factory=list)
    text: str = ""
    """All text directly in it."""

    def child(self, name: str) -> Node | None:
        return next((child for child in self.children if child.name == name), None)

    def named(self, name: str) -> list[Node]:
        return [child for child in self.children if child.name == name]

    def walk(self) -> Iterator[Node]:
        """Itself and all below it."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo += reversed(node.children)
