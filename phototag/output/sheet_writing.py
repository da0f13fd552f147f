"""One writing of the contact sheet: what every page needs to know, and the way into the folder."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from phototag.output import atomic, sheet_views
from phototag.output.sheet_folder import SheetFolder
from phototag.output.sheet_types import SheetCluster, SheetContent, SheetPerson
from phototag.output.sheet_views import Place

Learnt = Mapping[str, Any]
"""What was met while pages were made that other pages show: JSON values."""


@dataclass(slots=True)
class Writing:
    """The content, in the order in which it is shown, and the folder that it goes to."""

    folder: SheetFolder
    content: SheetContent
    images: str
    photos_on_page: int
    faces_on_page: int
    most: int | None = None
    """Of those that may wait, how many are made anew; None: all."""
    waiting: int = field(init=False, default=0)
    """How many were left as they are."""
    people: Sequence[SheetPerson] = field(init=False)
    clusters: Sequence[SheetCluster] = field(init=False)
    known: Mapping[str, SheetPerson] = field(init=False)
    targets: Container[str] = field(init=False)
    _pages: list[str] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        people, clusters = self.content.people, self.content.clusters
        self.people = sorted(people, key=lambda p: (-p.photos, p.name.casefold(), p.id))
        self.clusters = sorted(clusters, key=lambda c: (-c.faces, len(c.id), c.id))
        self.known = {p.id: p for p in self.people}
        self.targets = self.known.keys() | {c.id for c in self.clusters}

    def place(self, *, below: bool) -> Place:
        """Where a page lies: in the sheet's folder, or one below it."""
        return Place("../" if below else "", self.images, self.targets)

    def put(self, page: str, template: str, title: str, **values: Any) -> None:
        """Render a page and put it into the folder."""
        self._pages.append(page)
        data = sheet_views.render(
            template,
            place=self.place(below="/" in page),
            title=title,
            site=self.content.title,
            **values,
        )
        self.folder.put(page, data)

    def stamp(self, key: str) -> str | None:
        return self.content.stamp(key) if self.content.stamp else None

    def once(
        self,
        key: str,
        stamp: str | None,
        made_from: Callable[[Learnt], Any],
        make: Callable[[], Learnt],
        *,
        may_wait: bool = False,
    ) -> Learnt:
        """Make the pages of `key`, unless they are there and were made from the same, or may wait
        while others are made.

        `stamp` stands for what the caller's callables would give (None: nobody knows, so the pages
        are made); `made_from` gives all else that the pages show, and may look at what `make`
        learnt. Returns what `make` learnt, now or when the pages were last made.
        """
        former: Learnt = self.folder.former.get(key, {}).get("learnt", {})
        if stamp is not None and self.folder.keep(key, self._source(stamp, made_from(former))):
            return former
        if may_wait and self.most is not None:
            if self.most == 0 and self.folder.keep_for_now(key):
                self.waiting += 1
                return former
            self.most = max(0, self.most - 1)
        self._pages = []
        learnt = make()
        if stamp is not None:
            source = self._source(stamp, made_from(learnt))
            self.folder.record[key] = {"from": source, "pages": self._pages, "learnt": learnt}
        return learnt

    def _source(self, stamp: str, made_from: Any) -> str:
        shared = (self.content.title, self.images, self.photos_on_page, self.faces_on_page)
        text = repr((stamp, made_from, shared))
        return atomic.digest(text.encode("utf-8", "surrogatepass"))


@cache
def made_by() -> str:
    """Digest of the code, templates and static files that pages are made of."""
    sources = [p for p in sorted(sheet_views.HERE.rglob("*")) if p.is_file() and p.suffix != ".pyc"]
    return atomic.digest(b"".join(p.name.encode() + b"\0" + p.read_bytes() for p in sources))
