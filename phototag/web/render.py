"""Pages from templates: all text is foreign and escaped."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment
from markupsafe import Markup

from phototag import __version__
from phototag.core.types import number
from phototag.output import dates
from phototag.output.sheet_views import environment
from phototag.output.sidecar import shown

HERE = Path(__file__).parent
SHEET = Path(dates.__file__).parent / "static"
"""The contact sheet's look, which this page shares."""


def page(template: str, **values: Any) -> str:
    """The text of a page; bytes of file names that are no UTF-8 show as U+FFFD."""
    return shown(_environment().get_template(template).render(**values))


@cache
def static_files() -> dict[str, tuple[bytes, str]]:
    """Every file that pages load, by its name: (bytes, media type)."""
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    files = [SHEET / "phototag.css", SHEET / "phototag.svg", *(HERE / "static").iterdir()]
    return {f.name: (f.read_bytes(), kinds[f.suffix]) for f in files if f.suffix in kinds}


@cache
def static_place() -> str:
    """Where pages load those files from: an address that is another one when their content is, so
    that browsers keep them for good."""
    told = hashlib.blake2b(digest_size=8)
    for name, (data, _) in sorted(static_files().items()):
        told.update(f"{name} {len(data)} ".encode() + data)
    return f"/static/{told.hexdigest()}"


@cache
def _environment() -> Environment:
    made = environment(HERE / "templates")
    made.filters |= {
        "day": dates.day,
        "number": number,
        "count": lambda value: f"{value:,}",
        "likeness": lambda value: "" if value is None else f"{value:.2f}",
    }
    made.globals |= {"version": __version__, "icon": _icon, "static": static_place()}
    return made


def _icon(name: str) -> Markup:
    """A drawing of ours, 24 x 24, in the colour of the text around it."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">'
        f'<path d="{_ICONS[name]}"/></svg>'
    )


_ICONS = {
    "review": "M4 12.5l5 5L20 6.5",
    "people": "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7z"
    "M2.5 20c.4-4 2.9-6 6.5-6s6.1 2 6.5 6M16 10.5a3 3 0 100-6M18 14.3c2 .7 3.2 2.6 3.5 5.7",
    "clusters": "M8 3h-3a2 2 0 00-2 2v3M16 3h3a2 2 0 012 2v3M8 21h-3a2 2 0 01-2-2v-3"
    "M16 21h3a2 2 0 002-2v-3M9.5 10a2.5 2.3 0 115 0c0 1.8-2.5 2-2.5 4M12 17v.2",
    "photos": "M4 5h16v14h-16zM4 16l5-5 4.5 4.5 2.5-2.5 4 4M15.5 9.5v.2",
    "identify": "M10.5 17a6.5 6.5 0 100-13 6.5 6.5 0 000 13zM15.5 15.5l5 5",
    "scan": "M20 11a8 8 0 10-2.3 6.3M20 5v6h-6",
    "log": "M12 7v5l3.5 2M12 21a9 9 0 100-18 9 9 0 000 18z",
    "back": "M14.5 5l-7 7 7 7",
    "on": "M9.5 5l7 7-7 7",
    "undo": "M9 7l-5 5 5 5M4 12h10a5 5 0 010 8h-2",
}
