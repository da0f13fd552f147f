"""Reports as files: one HTML page with its pictures beside it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from phototag.output import atomic


def write_page(path: Path, template: str, **content: Any) -> None:
    """Render one of `bench/templates`; all text is escaped. Raises CannotWrite."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    pages = Environment(
        loader=PackageLoader("phototag.bench"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    text = pages.get_template(template).render(**content)
    atomic.write(path, text.encode("utf-8", "replace"))


def write_figure(path: Path, figure: Any) -> None:
    """A figure of matplotlib as PNG. Raises CannotWrite."""
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=120)
    atomic.write(path, out.getvalue())


def contact_sheet(pictures: Sequence[bytes], columns: int, side: int = 112) -> bytes:
    """PNG of small square pictures in rows."""
    wide = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    gap = 4
    sheet = Image.new("RGB", (wide * (side + gap) - gap, rows * (side + gap) - gap), "white")
    for place, data in enumerate(pictures):
        with Image.open(io.BytesIO(data)) as picture:
            small = picture.convert("RGB").resize((side, side))
        sheet.paste(small, (place % columns * (side + gap), place // columns * (side + gap)))
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()
