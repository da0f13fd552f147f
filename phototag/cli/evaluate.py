"""How good is it? Verification, clustering and identification, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, QuietOption, reading
from phototag.cli.evaluate_classes import classification
from phototag.cli.tools import Tools

if TYPE_CHECKING:
    from phototag.bench.evaluate_clustering import ClusteringReport
    from phototag.bench.evaluate_identification import IdentificationReport
    from phototag.bench.evaluate_verification import VerificationReport

app = typer.Typer(no_args_is_help=True, help="Measure how well faces are told apart.")
app.command("classification")(classification)

AlignedOption = Annotated[
    bool, typer.Option("--aligned", help="The photos are aligned 112x112 crops: look for no faces.")
]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it (.png, .svg or .pdf).")
]


@app.command("verification")
def verification(
    pairs: Annotated[
        Path,
        typer.Argument(help="LFW's pairs.txt, a CSV (first,second,same), or aligned faces (.npz)."),
    ],
    images: Annotated[
        Path | None, typer.Option("--images", metavar="DIR", help="Folder of the photos.")
    ] = None,
    aligned: AlignedOption = False,
    plot: PlotOption = None,
    calibrate: Annotated[
        bool,
        typer.Option("--calibrate", help="Write the measured thresholds into the model's card."),
    ] = False,
    library: LibraryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Judge pairs of photos: the same person, or not? Through the whole pipeline, or on aligned
    faces.

    Example: phototag evaluate verification pairs.txt --images lfw --plot lfw.png
    """
    from phototag.bench.calibration import calibrate_card

    tools = Tools(library, aligned or pairs.suffix == ".npz")
    report = _verify(tools, pairs, images, quiet)
    found = calibrate_card(tools.card_path, report, pairs.name) if calibrate else None
    _plot(report, plot)
    thresholds = None
    if found is not None:
        levels = found.thresholds
        thresholds = {name: getattr(levels, name) for name in levels.__slots__}
    if as_json:
        more = {} if thresholds is None else {"calibrated": thresholds}
        console.document("verification", {**report.as_json(), **more})
        return errors.OK
    _tell_verification(report)
    if thresholds is not None:
        said = ", ".join(f"{name} {value:.3f}" for name, value in thresholds.items())
        console.out(f"written into {tools.card_path}: {said}")
    return errors.OK


def _verify(tools: Tools, pairs: Path, images: Path | None, quiet: bool) -> VerificationReport:
    from phototag.bench.evaluate_verification import photos_of, verify_photos, verify_shard
    from phototag.bench.pairs import read_pairs

    model, levels = tools.card.id, tools.card.thresholds
    if pairs.suffix == ".npz":
        return verify_shard(pairs, tools.embed, model=model, thresholds=levels)
    if images is None:
        raise errors.UsageError("Say where the photos are: --images DIR.")
    table = read_pairs(pairs, images)
    with _progress(len(photos_of(table)), quiet) as step:
        return verify_photos(
            table, tools.embed, tools.detect, model=model, thresholds=levels, on_photo=step
        )


@app.command("clustering")
def clustering(
    truth: Annotated[
        Path, typer.Option("--truth", metavar="CSV", help="Who is where: file,x,y,w,h,person.")
    ],
    plot: PlotOption = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare a scanned library's groups with a table that says who is where.

    Example: phototag evaluate clustering --truth truth.csv
    """
    from phototag.bench.evaluate_clustering import evaluate_clustering, read_truth

    rows = read_truth(truth)
    with reading(library) as session:
        report = evaluate_clustering(session.lib, rows)
    _plot(report, plot)
    if as_json:
        console.document("clustering", report.as_json())
    else:
        _tell_clustering(report)
    return errors.OK


@app.command("identification")
def identification(
    gallery: Annotated[
        Path,
        typer.Argument(help="Known people: a folder of photos for each, or a CSV (file,person)."),
    ],
    probes: Annotated[Path, typer.Argument(help="Photos to be recognised, in the same form.")],
    aligned: AlignedOption = False,
    plot: PlotOption = None,
    library: LibraryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Find each probe's person in a gallery; a probe of nobody in it is a stranger.

    Example: phototag evaluate identification known/ new/
    """
    from phototag.bench.evaluate_identification import evaluate_identification, read_portraits

    known, asked = read_portraits(gallery), read_portraits(probes)
    tools = Tools(library, aligned)
    with _progress(len(known) + len(asked), quiet) as step:
        report = evaluate_identification(
            known,
            asked,
            tools.embed,
            tools.detect,
            model=tools.card.id,
            thresholds=tools.card.thresholds,
            on_photo=step,
        )
    _plot(report, plot)
    if as_json:
        console.document("identification", report.as_json())
    else:
        _tell_identification(report)
    return errors.OK


@contextmanager
def _progress(total: int, quiet: bool) -> Iterator[Callable[[], None]]:
    from tqdm import tqdm

    with tqdm(total=total, unit="photo", disable=quiet or None) as bar:
        yield lambda: bar.update() and None


def _plot(report: Any, path: Path | None) -> None:
    if path is not None:
        from phototag.bench.plots import draw

        draw(report, path)


def _tell_verification(report: VerificationReport) -> None:
    rows = [
        ("model", report.model),
        ("pairs", f"{report.pairs:,} of {report.images:,} photos"),
        ("accuracy", f"{report.accuracy:.2%} ± {report.accuracy_error:.2%}"),
        ("area under the curve", f"{report.auc:.4f}"),
        ("equal error rate", f"{report.eer:.2%}"),
    ]
    for rate, value in report.tar.items():
        few = " (too few pairs to show it)" if rate in report.limited else ""
        rows.append((f"true accepts at {rate}", f"{value:.2%}{few}"))
    for name, at in report.at_thresholds.items():
        said = f"{at['tar']:.2%} of the same, {at['far']:.3%} of the different are taken"
        rows.append((f"at {name} {at['threshold']:.3f}", said))
    rows.append(
        ("no face found", f"{len(report.not_detected)} photos, {report.pairs_not_detected} pairs")
    )
    console.pairs(rows)


def _tell_clustering(report: ClusteringReport) -> None:
    rows = [
        ("photos", f"{report.photos:,} ({len(report.absent)} of the table are not in the library)"),
        ("faces", f"{report.found:,} of {report.faces:,} found, {report.others:,} others"),
        ("people, groups", f"{report.people:,}, {report.groups:,}"),
    ]
    for name, found in (("BCubed", report.bcubed), ("pairs", report.pairwise)):
        said = f"F {found.f:.4f} (precision {found.precision:.4f}, recall {found.recall:.4f})"
        rows.append((name, said))
    rows.append(("BCubed, missed faces too", f"F {report.bcubed_with_missed.f:.4f}"))
    rows.append(("together in one photo", f"{report.same_photo_violations}"))
    rows.append(("clicks to name 90 %", f"{report.clicks}"))
    console.pairs(rows)


def _tell_identification(report: IdentificationReport) -> None:
    figures = report.figures
    rows = [
        ("model", report.model),
        ("gallery", f"{report.people:,} people, {report.gallery:,} faces"),
        ("probes", f"{figures.enrolled:,} of these people, {figures.strangers:,} strangers"),
        ("rank 1", f"{figures.rank1:.2%}"),
        ("rank 5", f"{figures.rank5:.2%}"),
    ]
    for rate, value in figures.dir.items():
        rows.append((f"found at {rate:.0e} alarms", f"{value:.2%}"))
    if report.at_accept:
        said = f"{report.at_accept['named']:.2%} named right, {report.at_accept['wrong']:.2%} wrong"
        if "strangers" in report.at_accept:
            said += f", {report.at_accept['strangers']:.2%} of the strangers named"
        rows.append((f"at accept {report.at_accept['accept']:.3f}", said))
    rows.append(("no face found", f"{len(report.not_detected)} photos"))
    console.pairs(rows)
