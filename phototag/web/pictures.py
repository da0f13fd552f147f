"""Pictures of faces and photos. They are asked for by number, never by a path."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from starlette.requests import Request
from starlette.responses import Response

from phototag.catalog.store import Library
from phototag.errors import NotFound
from phototag.web.desk import Desk
from phototag.work import close_up

KEPT = 64 << 20
"""Bytes of large pictures that are kept in memory: some three hundred photos."""

Make = Callable[[Library, int], bytes]


@dataclass(slots=True)
class Shelf:
    """Large pictures that were made lately."""

    _found: OrderedDict[tuple[str, int], bytes] = field(default_factory=OrderedDict)
    _bytes: int = 0
    _lock: Lock = field(default_factory=Lock)

    def get(self, kind: str, number: int, make: Callable[[], bytes]) -> bytes:
        with self._lock:
            known = self._found.get((kind, number))
            if known is not None:
                self._found.move_to_end((kind, number))
                return known
        made = make()
        with self._lock:
            if (kind, number) not in self._found:
                self._found[kind, number] = made
                self._bytes += len(made)
            while self._bytes > KEPT:
                self._bytes -= len(self._found.popitem(last=False)[1])
        return made


def face(request: Request) -> Response:
    """The picture of a face that the library keeps."""
    return _picture(request, close_up.kept_face)


def large_face(request: Request) -> Response:
    """The face as large as its photo gives it, else as the library keeps it."""

    def make(lib: Library, number: int) -> bytes:
        try:
            return close_up.large_face(lib, number)
        except NotFound:
            return close_up.kept_face(lib, number)

    return _kept(request, "face", make)


def photo(request: Request) -> Response:
    """A photo for grids."""
    return _picture(request, close_up.kept_photo)


def large_photo(request: Request) -> Response:
    """A photo as large as a screen; where its file cannot be read now, its small picture."""

    def make(lib: Library, number: int) -> bytes:
        try:
            return close_up.photo(lib, number, close_up.LARGE)
        except NotFound:
            return close_up.kept_photo(lib, number)

    return _kept(request, "photo", make)


def _kept(request: Request, kind: str, make: Make) -> Response:
    shelf: Shelf = request.app.state.shelf
    return _picture(request, lambda lib, number: shelf.get(kind, number, lambda: make(lib, number)))


def _picture(request: Request, make: Make) -> Response:
    desk: Desk = request.app.state.desk
    with desk.reading() as lib:
        data = make(lib, request.path_params["number"])
    return Response(
        data, media_type="image/webp", headers={"cache-control": "private, max-age=3600"}
    )
