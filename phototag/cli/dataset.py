"""Sets of aligned faces: made from folders or from the library, and looked at."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, QuietOption, reading
from phototag.cli.progress import photo_bar
from phototag.cli.tools import Tools

if TYPE_CHECKING:
    from phototag.bench.dataset_build import BuildReport
    from phototag.bench.explore import Exploration

app = typer.Typer(no_args_is_help=True, help="Make sets of faces to train on, and look at them.")

AlignedOption = Annotated[
    bool, typer.Option("--aligned", help="The photos are aligned 112x112 crops: look for no faces.")
]


@app.command("build")
def build(
    path: Annotated[
        Path | None, typer.Argument(help="A folder with a folder of photos for each person.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where the set of PATH goes.")
    ] = None,
    from_library: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Make the set of the faces named in the library."),
    ] = None,
    shares: Annotated[
        str, typer.Option("--split", metavar="SHARES", help="train/test or train/validation/test.")
    ] = "70/15/15",
    seed: Annotated[int, typer.Option(min=0, help="The same seed divides in the same way.")] = 1,
    least: Annotated[
        int,
        typer.Option("--min-photos", min=1, help="People with fewer become strangers for testing."),
    ] = 3,
    outsiders: Annotated[
        int, typer.Option(min=0, metavar="N", help="Set so many more people aside as strangers.")
    ] = 0,
    aligned: AlignedOption = False,
    library: LibraryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Cut one aligned face for each photo, and divide them: no photo, nor a copy, on both sides.

    Example: phototag dataset build ~/people --out faces
    """
    from phototag.bench.dataset_build import Choices, build_from_folders
    from phototag.bench.dataset_library import build_from_library
    from phototag.bench.splits import read_shares

    choices = Choices(read_shares(shares), seed, least, outsiders)
    with photo_bar(quiet, "photo") as bar:
        if from_library is not None and path is None and out is None:
            with reading(library) as session:
                report = build_from_library(
                    session.lib, from_library, choices, on_start=bar.start, on_photo=bar.step
                )
        elif path is not None and out is not None and from_library is None:
            detect = Tools(library, aligned).detect
            report = build_from_folders(
                path, out, detect, choices, on_start=bar.start, on_photo=bar.step
            )
        else:
            raise errors.UsageError(
                "Say either PATH and --out DIR, or --from-library DIR (where the set goes)."
            )
    _tell_build(report, as_json)
    failed = any(one.reason in ("unreadable", "missing") for one in report.skipped)
    return errors.SOME_FAILED if failed else errors.OK


@app.command("explore")
def explore(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A dataset, or a folder of photos by person.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where the report goes.", show_default="DIR-explored"
        ),
    ] = None,
    library: LibraryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Look at a set: counts, sizes, light, sharpness, copies, faces under the wrong name.

    Example: phototag dataset explore faces
    """
    from phototag.bench.explore import explore as look
    from phototag.bench.explore_report import write_exploration

    tools = Tools(library)
    with photo_bar(quiet, "photo") as bar:
        found = look(
            folder,
            tools.embed,
            tools.detect,
            thresholds=tools.card.thresholds,
            on_start=bar.start,
            on_photo=bar.step,
        )
    target = out or Path(f"{folder.resolve().name}-explored")
    page = write_exploration(found, target)
    if as_json:
        console.document("exploration", {**found.as_json(), "report": str(page)})
    else:
        _tell_exploration(found, page)
    return errors.SOME_FAILED if found.unreadable else errors.OK


def _tell_build(report: BuildReport, as_json: bool) -> None:
    if as_json:
        console.document("dataset", {k: v for k, v in report.as_json().items() if k != "schema"})
        return
    about = report.dataset.about
    reasons = Counter(one.reason for one in report.skipped)
    for one in report.skipped[:20]:
        console.say(f"skipped {console.shown(one.source)}: {one.message}", style="yellow")
    if len(report.skipped) > 20:
        console.say(f"… and {len(report.skipped) - 20} more, all in dataset.json")
    rows = [
        ("people", f"{len(report.dataset.classes):,} classes, {len(about['outside'])} set aside"),
        *((part, f"{count:,} faces") for part, count in about["faces"].items()),
        ("skipped", ", ".join(f"{n} {reason}" for reason, n in reasons.items()) or "nothing"),
        ("written to", str(report.dataset.folder)),
    ]
    console.pairs(rows)


def _tell_exploration(found: Exploration, page: Path) -> None:
    console.pairs(
        [
            ("people", f"{len(found.people):,}"),
            ("faces", f"{found.faces:,} in {len(found.files):,} files"),
            ("per person", f"{found.least} to {found.most}, half have {found.middle:g} or more"),
            ("unreadable", f"{len(found.unreadable)}"),
            ("no face found", f"{len(found.without_face)}"),
            ("copies", f"{len(found.copies)} groups"),
            ("perhaps mislabelled", f"{len(found.suspects)}"),
            ("report", str(page)),
        ]
    )
    for one in found.suspects[:10]:
        said = f"{console.shown(one.file)}: looks like {one.other} ({one.other_score:.2f})"
        console.say(f"{said} more than {one.person} ({one.own_score:.2f})", style="yellow")
