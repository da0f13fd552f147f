"""A comparison as files: a table as CSV, Markdown and JSON, and a chart."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from phototag.bench.compare import Comparison, Competitor
from phototag.bench.dataset import as_csv, as_json
from phototag.bench.pages import write_figure
from phototag.bench.plots import INK, OTHER, SAME, figure_of, fitted
from phototag.output import atomic

HEADS = (
    "name", "accuracy", "F1", "named right", "wrong", "strangers named", "parameters", "file",
    "faces/s", "training",
)  # fmt: skip


def cells(row: Competitor) -> tuple[str, ...]:
    """A row of the table, as text."""
    away = "not measured" if row.strangers_named is None else f"{row.strangers_named:.1%}"
    seconds = row.training_seconds
    return (
        row.name,
        f"{row.accuracy:.1%}",
        f"{row.f1_macro:.3f}",
        f"{row.named_right:.1%}",
        f"{row.named_wrong:.1%}",
        away,
        f"{row.parameters / 1e6:.2f} M",
        f"{row.bytes / 1e6:.1f} MB",
        f"{row.faces_per_second:.0f}",
        f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min",
    )


def write_comparison(found: Comparison, folder: Path) -> None:
    """`comparison.json`, `.csv`, `.md` and `.png` in `folder`. Raises CannotWrite."""
    atomic.make_folder(folder)
    atomic.write(folder / "comparison.json", as_json(found.as_json()))
    atomic.write(folder / "comparison.csv", as_csv([asdict(row) for row in found.rows]))
    lines = [HEADS, ("---",) * len(HEADS), *(cells(row) for row in found.rows)]
    text = "".join("| " + " | ".join(line) + " |\n" for line in lines)
    atomic.write(folder / "comparison.md", text.encode("utf-8", "replace"))
    write_figure(folder / "comparison.png", chart(found))


def chart(found: Comparison) -> Any:
    """Accuracy and F1; what is named at the threshold; speed."""
    figure, (left, middle, right) = figure_of(
        3, f"{found.faces} test faces of {found.people} people"
    )
    names = [fitted(row.name) for row in found.rows]
    at = np.arange(len(names))
    for axes, kinds in (
        (left, {"accuracy": SAME, "f1_macro": INK}),
        (middle, {"named_right": SAME, "named_wrong": OTHER, "strangers_named": INK}),
        (right, {"faces_per_second": SAME}),
    ):
        wide = 0.8 / len(kinds)
        for place, (kind, colour) in enumerate(kinds.items()):
            values = [getattr(row, kind) or 0.0 for row in found.rows]
            shift = at + (place - (len(kinds) - 1) / 2) * wide
            label = {"f1_macro": "F1, mean of people"}.get(kind, kind.replace("_", " "))
            axes.bar(shift, values, wide * 0.92, color=colour, label=label)
        axes.set_xticks(at, names, rotation=30, ha="right")
        axes.grid(axis="x", visible=False)
        axes.set_ylim(0, axes.get_ylim()[1] * 1.18 if axes is right else 1.18)
        axes.legend(frameon=False, fontsize=8, loc="upper left", ncols=len(kinds))
    for axes in (left, middle):
        axes.set_yticks(np.linspace(0, 1, 6), [f"{share}%" for share in range(0, 101, 20)])
    right.set_ylabel("faces per second of one core")
    return figure
