"""What was seen of a set, as a page with pictures and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from phototag.bench.dataset import as_json
from phototag.bench.dataset_build import names_for
from phototag.bench.explore import Exploration
from phototag.bench.pages import contact_sheet, write_figure, write_page
from phototag.bench.plots import INK, OTHER, SAME, bars, figure_of
from phototag.output import atomic

SAMPLES = 8
SUSPECTS = 24
"""Faces shown of each person, and of those that may be mislabelled."""


def write_exploration(found: Exploration, folder: Path) -> Path:
    """`index.html` (returned), its pictures and `exploration.json` in `folder`. Raises
    CannotWrite."""
    atomic.make_folder(folder / "people")
    atomic.write(folder / "exploration.json", as_json(found.as_json()))
    write_figure(folder / "per_person.png", per_person(found))
    write_figure(folder / "distributions.png", distributions(found))
    shown = [found.pictures[one.file] for one in found.suspects[:SUSPECTS]]
    if shown:
        atomic.write(folder / "suspects.png", contact_sheet(shown, 8))
    page = folder / "index.html"
    title = f"{found.folder.resolve().name}: a look at the data"
    write_page(page, "exploration.html", title=title, found=found, samples=_samples(found, folder))
    return page


def _samples(found: Exploration, folder: Path) -> dict[str, str]:
    """A grid for each person, with its file."""
    names = names_for(list(found.people))
    out = {}
    for person, name in names.items():
        mine = [one.file for one in found.files if one.person == person and one.has_face]
        if mine:
            step = max(1, len(mine) // SAMPLES)
            pictures = [found.pictures[file] for file in mine[::step][:SAMPLES]]
            atomic.write(folder / "people" / f"{name}.png", contact_sheet(pictures, 4))
            out[person] = f"people/{name}.png"
    return out


def per_person(found: Exploration) -> Any:
    """A bar for each person, most images first."""
    ordered = sorted(found.people.items(), key=lambda entry: (-entry[1], entry[0]))
    return bars("Images per person", [n for n, _ in ordered], {"images": [c for _, c in ordered]})


def distributions(found: Exploration) -> Any:
    """Histograms of the width, the brightness and the sharpness."""
    figure, axes = figure_of(3, f"{len(found.files):,} files")
    for place, values, label, colour in (
        (axes[0], [max(one.width, one.height) for one in found.files], "longest side, pixels", INK),
        (axes[1], [one.brightness for one in found.files], "brightness of the face", OTHER),
        (axes[2], [one.sharpness for one in found.files if one.has_face], "sharpness", SAME),
    ):
        place.hist(values, bins=30, color=colour, alpha=0.85)
        place.set(xlabel=label, ylabel="files")
    return figure
