"""Pictures of figures. matplotlib is imported when one is drawn."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from phototag.bench.evaluate_clustering import ClusteringReport
from phototag.bench.evaluate_identification import IdentificationReport
from phototag.bench.evaluate_verification import VerificationReport
from phototag.errors import UsageError
from phototag.output import atomic

SAME, OTHER, INK, FAINT = "#0f766e", "#c2410c", "#1f2937", "#d1d5db"
FORMATS = {".png": "png", ".svg": "svg", ".pdf": "pdf"}


def draw(report: VerificationReport | ClusteringReport | IdentificationReport, path: Path) -> None:
    """Write a report's picture to `path` (.png, .svg or .pdf). Raises UsageError, CannotWrite."""
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: a plot is written as {', '.join(FORMATS)}.")
    if isinstance(report, VerificationReport):
        figure = verification(report)
    elif isinstance(report, ClusteringReport):
        figure = clustering(report)
    else:
        figure = identification(report)
    out = io.BytesIO()
    figure.savefig(out, format=kind, dpi=144)
    atomic.write(path, out.getvalue())


def figure_of(columns: int, title: str) -> tuple[Any, Any]:
    """A figure with that many axes side by side, in the style of all of ours."""
    from matplotlib.figure import Figure  # not pyplot: no window system, no global state

    figure = Figure(figsize=(5.2 * columns, 4.4), layout="constrained")
    figure.suptitle(title, fontsize=12, color=INK)
    axes = figure.subplots(1, columns, squeeze=False)[0]
    for one in axes:
        one.spines[["top", "right"]].set_visible(False)
        one.spines[["left", "bottom"]].set_color(FAINT)
        one.tick_params(colors=INK, labelsize=9)
        one.grid(color=FAINT, linewidth=0.5, alpha=0.7)
        one.set_axisbelow(True)
    return figure, axes


def bars(title: str, names: Sequence[str], values: Mapping[str, Sequence[float]]) -> Any:
    """Bars beside one another for each name, a colour for each kind of value; as wide as the names
    need."""
    figure, (axes,) = figure_of(1, title)
    figure.set_size_inches(
        min(40.0, max(5.2, 1.6 + 0.3 * len(names) * max(1, len(values) - 1))), 4.6
    )
    wide = 0.8 / len(values)
    colours = (SAME, OTHER, INK, "#7c3aed", "#ca8a04")
    for place, (kind, heights) in enumerate(values.items()):
        at = np.arange(len(names)) + (place - (len(values) - 1) / 2) * wide
        axes.bar(at, heights, wide * 0.92, color=colours[place % len(colours)], label=kind)
    axes.set_xticks(range(len(names)), [fitted(name) for name in names], rotation=60, ha="right")
    axes.set_xlim(-0.6, len(names) - 0.4)
    axes.grid(axis="x", visible=False)
    if len(values) > 1:
        figure.legend(frameon=False, fontsize=9, loc="outside upper right", ncols=len(values))
    else:
        axes.set_ylabel(next(iter(values)))
    return figure


def fitted(name: str, longest: int = 18) -> str:
    """A person's name for an axis: what is too long is cut, and no `$` begins a formula."""
    short = name if len(name) <= longest else name[: longest - 1] + "…"
    return short.replace("$", r"\$")


def verification(report: VerificationReport) -> Any:
    """The similarities of both kinds of pairs, and the curve of error rates."""
    title = f"Verification: {report.accuracy:.2%} of {report.pairs:,} pairs ({report.model})"
    figure, (left, right) = figure_of(2, title)
    shown = report.scores[report.scores >= -0.5]
    bins = np.linspace(min(-0.2, float(shown.min())), 1, 61).tolist()
    for wanted, color, label in (
        (False, OTHER, "different people"),
        (True, SAME, "the same person"),
    ):
        left.hist(report.scores[report.same == wanted], bins, color=color, alpha=0.65, label=label)
    left.axvline(report.threshold, color=INK, linewidth=1, linestyle="--", label="best threshold")
    left.set(xlabel="similarity", ylabel="pairs")
    left.legend(frameon=False, fontsize=9)
    false = np.maximum(report.curve.false_accepts, 0.5 / (~report.same).sum())
    right.step(false, report.curve.true_accepts, where="post", color=SAME, linewidth=1.8)
    right.set(xscale="log", xlabel="false accept rate", ylabel="true accept rate", ylim=(0, 1.02))
    text = f"area {report.auc:.4f}\nequal error rate {report.eer:.2%}"
    right.text(0.97, 0.06, text, transform=right.transAxes, ha="right", fontsize=10, color=INK)
    return figure


def clustering(report: ClusteringReport) -> Any:
    """The largest groups, each bar cut into its people."""
    title = (
        f"Clustering: BCubed F {report.bcubed.f:.3f} (precision {report.bcubed.precision:.3f}, "
        f"recall {report.bcubed.recall:.3f}), {report.clicks} clicks to name 90 %"
    )
    figure, (axes,) = figure_of(1, title)
    figure.set_size_inches(10, 4.6)
    for place, group in enumerate(report.largest):
        start = 0
        for number, count in enumerate(sorted(group.values(), reverse=True)):
            color = SAME if number == 0 else OTHER
            axes.bar(place, count, bottom=start, color=color, edgecolor="white", linewidth=0.6)
            start += count
    axes.bar(0, 0, color=SAME, label="the group's person")
    axes.bar(0, 0, color=OTHER, label="somebody else")
    axes.set(xlabel="group, largest first", ylabel="faces", xticks=[])
    axes.legend(frameon=False, fontsize=9)
    return figure


def identification(report: IdentificationReport) -> Any:
    """How often the right person is among the best k, and with what threshold strangers stay
    unnamed."""
    share = f"{report.figures.rank1:.2%} first of {report.people} people"
    title = f"Identification: {share} ({report.model})"
    figure, (left, right) = figure_of(2, title)
    known = report.truth >= 0
    own = report.scores[known, report.truth[known]]
    place = (report.scores[known] >= own[:, None]).sum(axis=1)
    ranks = np.arange(1, min(20, report.people) + 1)
    left.plot(ranks, [(place <= k).mean() for k in ranks], color=SAME, marker="o", markersize=4)
    left.set(xlabel="rank", ylabel="share of probes found", ylim=(0, 1.02))
    if known.all():
        right.text(0.5, 0.5, "no strangers among the probes", ha="center", color=INK)
        return figure
    alarms = np.sort(report.scores[~known].max(axis=1))[::-1]
    first = place == 1
    rates = np.arange(1, len(alarms) + 1) / len(alarms)
    found = [float((first & (own >= t)).mean()) for t in alarms]
    right.step(rates, found, where="post", color=SAME, linewidth=1.8)
    right.set(xscale="log", xlabel="strangers named", ylabel="people named right", ylim=(0, 1.02))
    return figure
