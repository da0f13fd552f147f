"""Identify: stub while the rest is built."""

from __future__ import annotations

from starlette.routing import Route


class Uploads:
    pass


ROUTES: list[Route] = []
