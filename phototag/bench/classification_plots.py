"""Pictures of a classifier: how it learnt, whom it takes for whom, whether it can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from phototag.bench.evaluate_classification import ClassificationReport
from phototag.bench.plots import FAINT, INK, OTHER, SAME, bars, figure_of, fitted
from phototag.bench.watch import Epoch

NUMBERED = 25
"""Up to so many people a cell of the confusion matrix has its number in it."""


def curves(history: Sequence[Epoch], title: str) -> Any:
    """Loss and accuracy by epoch; a line where the last block was unfrozen, a dot at the epoch that
    was kept."""
    figure, (left, right) = figure_of(2, title)
    epochs = [epoch.epoch for epoch in history]
    best = min(history, key=lambda epoch: epoch.val_loss)
    second = [epoch.epoch for epoch in history if epoch.stage == 2]
    for axes, name in ((left, "loss"), (right, "accuracy")):
        for kind, colour, label in (("", OTHER, "training"), ("val_", SAME, "validation")):
            values = [getattr(epoch, kind + name) for epoch in history]
            axes.plot(epochs, values, color=colour, linewidth=1.8, label=label)
        kept = getattr(best, f"val_{name}")
        axes.plot(best.epoch, kept, "o", color=SAME, markersize=8, label="kept")
        if second and second[0] > 1:
            said = "last block unfrozen"
            axes.axvline(second[0] - 0.5, color=INK, linewidth=1, linestyle="--", label=said)
        axes.set(xlabel="epoch", ylabel=name)
        axes.xaxis.get_major_locator().set_params(integer=True)
    right.set_ylim(0, 1.02)
    left.set_ylim(bottom=0)
    right.legend(frameon=False, fontsize=9, loc="lower right")
    return figure


def confusion(report: ClassificationReport) -> Any:
    """Rows: who it is; columns: who was named. Shares of each row by colour."""
    counts = report.figures.confusion
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    names = [fitted(name) for name in report.classes]
    figure, (axes,) = figure_of(1, f"Confusion matrix: {report.figures.accuracy:.1%} right")
    side = min(24.0, max(5.0, 2.6 + 0.34 * len(names)))
    figure.set_size_inches(side + 0.6, side)
    shown = axes.imshow(shares, cmap="BuGn", vmin=0, vmax=1)
    axes.set(xlabel="named", ylabel="is")
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.grid(visible=False)
    if len(names) <= NUMBERED:
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > 0.55 else INK
            axes.text(
                column, row, counts[row, column], ha="center", va="center", fontsize=8, color=colour
            )
    figure.colorbar(shown, ax=axes, label="share of the person's faces", shrink=0.7)
    return figure


def per_person(report: ClassificationReport) -> Any:
    """Precision, recall and F1 of each person."""
    people = report.figures.per_person
    values = {
        label: [one[kind] for one in people.values()]
        for kind, label in (("precision", "precision"), ("recall", "recall"), ("f1", "F1"))
    }
    figure = bars(
        f"Precision, recall, F1 (mean F1 {report.figures.macro['f1']:.3f})", list(people), values
    )
    figure.axes[0].set_ylim(0, 1.05)
    return figure


def trust(report: ClassificationReport) -> Any:
    """Reliability, and the probabilities of known people and of strangers."""
    figure, (left, right) = figure_of(2, "Can its probabilities be trusted?")
    found = report.reliability
    left.plot([0, 1], [0, 1], color=FAINT, linewidth=1.2, linestyle="--", label="as it should be")
    sizes = 20 + 180 * np.array(found.faces) / max(1, *found.faces)
    left.plot(found.said, found.right, color=SAME, linewidth=1.4)
    left.scatter(found.said, found.right, s=sizes, color=SAME, zorder=3, label="size: faces")
    left.set(
        xlabel="probability given", ylabel="share that is right", xlim=(0, 1.03), ylim=(0, 1.05)
    )
    left.text(0.03, 0.9, f"calibration error {found.error:.3f}", fontsize=10, color=INK)
    left.legend(frameon=False, fontsize=9, loc="lower right")
    bins = np.linspace(0, 1, 31).tolist()
    for answers, colour, label in (
        (report.answers, SAME, "people it knows"),
        (report.outsiders, OTHER, "strangers"),
    ):
        values = [answer.probability for answer in answers]
        if values:
            weights = np.full(len(values), 1 / len(values))
            right.hist(values, bins, weights=weights, color=colour, alpha=0.6, label=label)
    threshold = report.open_set.threshold
    right.axvline(threshold, color=INK, linewidth=1, linestyle="--", label="below: not recognised")
    right.set(xlabel="highest probability", ylabel="share of the faces", xlim=(0, 1.02))
    right.legend(frameon=False, fontsize=9, loc="upper left")
    return figure
