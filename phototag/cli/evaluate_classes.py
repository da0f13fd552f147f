"""`phototag evaluate classification`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, QuietOption
from phototag.cli.progress import photo_bar
from phototag.cli.tools import Tools

if TYPE_CHECKING:
    from phototag.bench.evaluate_classification import ClassificationReport


def classification(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A folder that phototag train made.")],
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]",
            help="Another set, or a folder of photos by person.",
            show_default="the held-out part of the run's own set",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where the report goes.", show_default="RUN/evaluation"
        ),
    ] = None,
    library: LibraryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Ask a trained classifier about faces that it has not seen; strangers must stay unnamed.

    Example: phototag evaluate classification runs/family
    """
    from phototag.bench.classification_report import write_report
    from phototag.bench.evaluate_classification import evaluate_classification

    with photo_bar(quiet, "face") as bar:
        report = evaluate_classification(
            run,
            folder,
            lambda: Tools(library).detect,
            on_start=bar.start,
            on_photo=bar.step,
        )
    target = out or (run / "evaluation" if folder is None else Path(f"{run.name}-on-{folder.name}"))
    page = write_report(report, target)
    if as_json:
        console.document("classification", {**report.as_json(), "report": str(page)})
    else:
        _tell(report, page)
    return errors.OK


def _tell(report: ClassificationReport, page: Path) -> None:
    found, opened = report.figures, report.open_set
    console.out(found.report)
    rows = [
        ("model", report.model),
        ("accuracy", f"{found.accuracy:.2%} of {len(report.answers):,} faces"),
        ("calibration error", f"{report.reliability.error:.3f}"),
        (
            f"at {opened.threshold:.3f} or more",
            f"{opened.named_right:.2%} named right, {opened.named_wrong:.2%} wrong, "
            f"{opened.not_recognised:.2%} not recognised",
        ),
    ]
    if opened.outsiders_named is None:
        rows.append(("strangers", "none to try"))
    else:
        said = f"{opened.outsiders_named:.2%} of {opened.outsiders:,} faces are taken for somebody"
        rows.append(("strangers", said))
    if report.left_out:
        rows.append(("left out", f"{len(report.left_out):,} faces"))
    rows.append(("report", str(page)))
    console.pairs(rows)
