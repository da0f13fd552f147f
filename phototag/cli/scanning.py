"""`phototag scan`."""

from __future__ import annotations

import re
import signal
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.changes import list_changes
from phototag.cli.common import JsonOption, LibraryOption, QuietOption, Session, now, writing
from phototag.cli.interchange import told_of_xmp
from phototag.cli.progress import Tell, progress
from phototag.cli.scan_log import Logged, logged
from phototag.work.reports import ScanOptions

if TYPE_CHECKING:
    from phototag.work.export_xmp import XmpReport
    from phototag.work.publish import PublishReport
    from phototag.work.scan import Problem, Progress, ScanReport

EveryOption = Annotated[
    str | None,
    typer.Option(
        metavar="TIME", help="Look at a frame of a video this often: 0.5s, 2s.", show_default="1s"
    ),
]

SHOWN = 10
"""Lines of a list in the summary before the rest is only counted."""

_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86400, "": 1}


def _address(scheduler: str | None) -> str | None:
    if scheduler is None:
        return None
    from phototag.work.distant import checked

    return checked(scheduler)


def mount(app: typer.Typer) -> None:
    app.command("scan")(scan)


def scan(
    places: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Folders or photos.", show_default=False)
    ],
    library: LibraryOption = None,
    detector: Annotated[
        str | None, typer.Option(help="mtcnn or opencv.", show_default="mtcnn")
    ] = None,
    detector_model: Annotated[
        str | None, typer.Option(metavar="FILE", help="ONNX file of OpenCV's detector.")
    ] = None,
    min_face: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Smallest face looked for.", show_default="20"),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Longest side that detection sees.", show_default="1280"),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option("--jobs", "-j", help="Worker processes.", show_default="physical cores"),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="Leave out files and folders of this name."),
    ] = None,
    follow_symlinks: Annotated[
        bool | None, typer.Option("--follow-symlinks", help="Enter linked folders too.")
    ] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="Try files again that could not be read.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Look at every photo again; decisions stay.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")
    ] = False,
    time_budget: Annotated[
        str | None, typer.Option(metavar="TIME", help="Stop in good order after 90s, 30m or 2h.")
    ] = None,
    on_errors: Annotated[
        str | None,
        typer.Option(
            metavar="report|ignore",
            help="Exit with 3 when photos failed, or with 0.",
            show_default="report",
        ),
    ] = None,
    accept_missing: Annotated[
        bool, typer.Option("--accept-missing", help="Believe that many photos are gone.")
    ] = False,
    max_changes: Annotated[
        str | None,
        typer.Option(
            metavar="N,P%",
            help="Change no automatic name when more than N and P% would be withdrawn or moved.",
            show_default="50,5%",
        ),
    ] = None,
    accept_changes: Annotated[
        bool, typer.Option("--accept-changes", help="Change them, however many they are.")
    ] = False,
    diff: Annotated[
        bool,
        typer.Option(
            "--diff", help="List what changes of automatic names, and let no output change."
        ),
    ] = False,
    sidecars: Annotated[
        str | None,
        typer.Option(
            metavar="beside|library|none",
            help="Where sidecars go.",
            show_default="as before, at first beside",
        ),
    ] = None,
    recognizer: Annotated[
        str | None,
        typer.Option(
            metavar="gallery|classifier:RUN",
            help="What gives names: the faces that you named, or a classifier that you trained.",
            show_default="as before, at first gallery",
        ),
    ] = None,
    thumbnails: Annotated[
        str | None,
        typer.Option(
            metavar="all|none",
            help="Annotated thumbnails of photos.",
            show_default="as before, at first all",
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="tcp://HOST:PORT|local:N",
            callback=_address,
            help="Read the photos on a Dask cluster (pip install 'phototag[dask]').",
        ),
    ] = None,
    video: Annotated[
        bool | None,
        typer.Option("--video/--no-video", help="Take in videos too.", show_default="no-video"),
    ] = None,
    every: EveryOption = None,
    xmp: Annotated[
        bool,
        typer.Option("--xmp", help="Also bring photo.jpg.xmp up to date (phototag export xmp)."),
    ] = False,
    log_json: Annotated[
        str | None,
        typer.Option("--log-json", metavar="FILE", help="Append what happens as JSON lines."),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Print one line at the end, and errors: for mail.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Find new photos and faces, recognise people, group the unknown ones, write what is known.

    Photos are only read. Run it again at any time: what did not change costs nothing.

    Example: phototag scan ~/Pictures --video
    """
    options: dict[str, Any] = {
        "detector": detector,
        "detector_model": detector_model,
        "min_face": min_face,
        "size": size,
        "jobs": jobs,
        "exclude": exclude or None,
        "follow_symlinks": follow_symlinks,
        "on_errors": on_errors,
        "sidecars": sidecars,
        "recognizer": recognizer,
        "max_changes": max_changes,
        "thumbnails": _all_or_none(thumbnails),
        "video": video,
        "every": milliseconds(every),
    }
    chosen = ScanOptions(
        retry_errors=retry_errors,
        force=force,
        dry_run=dry_run,
        accept_missing=accept_missing,
        seconds=None if time_budget is None else parse_time(time_budget),
        accept_changes=accept_changes,
        diff=diff,
    )
    _end_on_sigterm()
    with (
        logged(log_json, places) as log,
        writing(library, options, create=True) as session,
        progress(quiet or summary or as_json) as tell,
    ):
        published = _run(session, places, chosen, tell, log, scheduler)
        written = _write_xmp(session) if xmp and not (dry_run or diff) else None
        code = _exit_code(log.report, session.settings.on_errors)
        log.done(code)
        if as_json:
            return _document(session, log.report, published, written, code)
        if diff:
            list_changes(session.lib, log.report)
    _summary(session, log.report, published, quiet=quiet or summary, dry=dry_run, library=library)
    told_of_xmp(written, quiet=quiet or summary)
    if summary:
        console.out(log.message)
    return code


def _write_xmp(session: Session) -> XmpReport:
    """What changed since the last time, into the XMP beside the photos."""
    from phototag.work.export_xmp import XmpWriter

    return XmpWriter(session.lib, changed_only=True).run()


def _run(
    session: Session,
    places: list[str],
    chosen: ScanOptions,
    tell: Tell,
    log: Logged,
    scheduler: str | None,
) -> PublishReport | None:
    from phototag.cli.common import command_line
    from phototag.work.whole_scan import Errand, scan_and_publish

    if chosen.diff and chosen.dry_run:
        raise errors.UsageError("Say --dry-run (what would be read) or --diff (who is who then).")

    def told(progress: Progress) -> None:
        log.progress(progress)
        tell(progress.stage, progress.done, progress.total, progress.faces)

    errand = Errand(places, command_line(), chosen, session.default, log.report, scheduler)
    return scan_and_publish(session.lib, session.settings, errand, told, now)[1]


def _exit_code(report: ScanReport, on_errors: str) -> int:
    if report.guarded:
        return errors.GUARDED
    if (report.failed or report.skipped) and on_errors == "report":
        return errors.SOME_FAILED
    return errors.OK


def _document(
    session: Session,
    report: ScanReport,
    published: PublishReport | None,
    written: XmpReport | None,
    code: int,
) -> int:
    said = _as_json(session, report, published, code)
    console.document("scan", {**said, "xmp": written and asdict(written)})
    return code


def _as_json(
    session: Session, report: ScanReport, published: PublishReport | None, code: int
) -> dict[str, Any]:
    from phototag.catalog import views
    from phototag.catalog.recognizer import recognizer
    from phototag.work.diff import in_order

    said = asdict(report)
    said.pop("changed_faces")
    said["changes"] = [asdict(line) for line in in_order(session.lib, report.changes)]
    said["library"] = str(session.lib.folder)
    said["recognizer"] = recognizer(session.lib).id
    said["exit_code"] = code
    said["totals"] = views.tally(session.lib)
    if published is not None:
        said["outputs"] = {
            "sidecars": published.sidecars,
            "thumbnails": published.thumbnails,
            "removed": published.removed,
            "in_library": published.in_library,
            "kept": published.kept,
        }
    said["sheet"] = str(session.lib.folder / "sheet" / "index.html")
    return said


# ---- the summary


def _summary(
    session: Session,
    report: ScanReport,
    published: PublishReport | None,
    *,
    quiet: bool,
    dry: bool,
    library: str | None,
) -> None:
    _problems("could not be read", report.failed)
    _problems("could not be entered", report.skipped)
    for problem in report.guarded:
        console.say(f"{console.shown(problem.path)}: {problem.message}", style="red")
    if quiet:
        return
    if dry:
        console.say(
            f"Would read {report.new:,} new, {report.edited:,} changed and "
            f"{report.retried:,} failed files, and find {report.missing:,} missing. "
            "Nothing was done."
        )
        return
    console.say(_what_changed(report))
    _what_is_known(report)
    for path in report.unmatched[:SHOWN]:
        console.say(
            f"{console.shown(path)} was edited, and a face that you named is not found in it now."
        )
    if published is not None:
        for path in published.kept[:SHOWN]:
            console.say(f"{console.shown(path)} is not this phototag's file: left alone.")
        if published.in_library:
            console.say(
                f"{published.in_library:,} sidecars went to the library: read-only folders."
            )
    if report.remaining:
        console.say(
            f"The time is up: {report.remaining:,} files remain. Run the same scan again to go on.",
            style="yellow",
        )
    _next_steps(session, library)


def _what_changed(report: ScanReport) -> str:
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (report.new, "new"),
            (report.unchanged, "unchanged"),
            (report.moved, "moved"),
            (report.copied, "copies"),
            (report.edited, "edited"),
            (report.returned, "back again"),
            (report.retried, "read at last"),
            (report.missing, "missing"),
            (len(report.failed), "failed"),
        )
        if count
    ]
    return "Photos: " + (", ".join(parts) if parts else "none found") + "."


def _what_is_known(report: ScanReport) -> None:
    parts = [
        f"{count:,} {word}"
        for count, word in (
            (report.faces, "new faces" if report.faces != 1 else "new face"),
            (report.recognised, "recognised"),
            (report.suggested, "suggested"),
            (report.withdrawn, "withdrawn"),
            (report.reassigned, "moved to somebody else"),
        )
        if count
    ]
    if parts:
        console.say("Faces: " + ", ".join(parts) + ".")


def _next_steps(session: Session, library: str | None) -> None:
    from phototag.catalog import store, views
    from phototag.catalog.recognizer import recognizer
    from phototag.cli.common import reading
    from phototag.core.types import first_line, number
    from phototag.work.classified import nameless

    with reading(library) as again:
        known = views.tally(again.lib)
        clusters = views.cluster_rows(again.lib, limit=5)
        strange = nameless(again.lib, recognizer(again.lib))
    del store
    where = _where(session, library)
    console.say(
        f"Known: {number(known['people'], 'person', 'people')} with "
        f"{number(_named(known), 'face')}, {number(known['clusters'], 'unnamed cluster')}."
    )
    if strange:
        console.say(
            f"The classifier knows people who have no name here: {first_line(strange)}. It names "
            "somebody after a face of theirs was labelled with the classifier's name."
        )
    if clusters:
        console.say("\nWho are they? Open the contact sheet, then:")
        for row in clusters:
            photos = f"{number(row.faces, 'face')} in {number(row.photos, 'photo')}"
            console.say(f'  phototag label{where} cluster-{row.id} "NAME"    # {photos}')
    sheet = session.lib.folder / "sheet" / "index.html"
    if sheet.is_file():
        console.say(f"\nContact sheet: {_link(sheet)}")


def _named(known: dict[str, int]) -> int:
    return sum(known.get(state, 0) for state in ("manual", "imported", "automatic"))


def _where(session: Session, library: str | None) -> str:
    if session.default:
        return ""
    import shlex

    return f" --library {shlex.quote(library or str(session.lib.folder))}"


def _link(path: Path) -> str:
    return str(path)


def _problems(what: str, problems: list[Problem]) -> None:
    for problem in problems:
        console.say(
            f"{console.shown(problem.path)} {what}: {problem.message} ({problem.reason})",
            style="yellow",
        )


# ---- small things


def milliseconds(every: str | None) -> int | None:
    """`1s`, `0.5s` or `2m` of `--every`. Raises UsageError."""
    if every is None:
        return None
    found = round(1000 * parse_time(every, "--every"))
    if found < 40:
        raise errors.UsageError(f"--every {every!r}: it can be at least 0.04s.")
    return found


def parse_time(text: str, option: str = "--time-budget") -> float:
    """`90`, `90s`, `30m`, `2h`, `1h30m` in seconds. Raises UsageError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([a-z]*)", text.lower())
    whole = "".join(f"{n}{u}" for n, u in parts)
    plain = re.sub(r"\s", "", text.lower())
    if not parts or whole != plain or any(unit not in _UNITS for _, unit in parts):
        raise errors.UsageError(f"{option} {text!r}: say it like 90s, 30m or 2h.")
    return sum(float(number) * _UNITS[unit] for number, unit in parts)


def _all_or_none(word: str | None) -> bool | None:
    if word is None:
        return None
    if word not in ("all", "none"):
        raise errors.UsageError(f"--thumbnails is {word!r}; it can be all or none.")
    return word == "all"


def _end_on_sigterm() -> None:
    """A polite kill ends as Ctrl-C does: what was done is kept."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
