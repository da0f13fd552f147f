"""`phototag video`: who is in a video, from when to when; and who is before the camera now."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, QuietOption, command_line, now, writing
from phototag.cli.live import watch_live
from phototag.cli.progress import progress
from phototag.cli.scanning import EveryOption, milliseconds

if TYPE_CHECKING:
    from phototag.work.film import VideoView


def mount(app: typer.Typer) -> None:
    app.command("video")(video)


def video(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="Videos.", show_default=False)
    ] = None,
    every: EveryOption = None,
    camera: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER|FILE", help="Watch a camera (0 is the first), or a file as if it were."
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Show it in a window; q ends.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what is seen, with names, as mp4.")
    ] = None,
    detect_every: Annotated[
        int, typer.Option(metavar="N", min=1, help="Look for faces in every Nth frame.")
    ] = 5,
    force: Annotated[
        bool, typer.Option("--force", help="Look at known videos again; decisions stay.")
    ] = False,
    library: LibraryOption = None,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Find the people in videos, and say when each is to be seen.

    A frame a second and the first of each shot are looked at; a face that is followed through a
    shot is one face, to be named, shown and undone like those of photos. The library keeps it, and
    a sidecar beside the video tells the times. To take in all videos of a folder: phototag scan
    FOLDER --video.

    With --camera nothing is kept: a line is printed whenever somebody is seen or has left, with
    --json as JSON lines. Ctrl-C ends it.

    Example: phototag video holiday.mp4 --every 0.5s

    Example: phototag video --camera 0 --show --out annotated.mp4
    """
    if camera is not None:
        if files or every or force:
            raise errors.UsageError("--camera stands alone: no files, no --every, no --force.")
        return watch_live(camera, library, show=show, out=out, every=detect_every, as_json=as_json)
    if show or out is not None:
        raise errors.UsageError("--show and --out belong to --camera (a number, or a file).")
    if not files:
        raise errors.UsageError("Which video? phototag video holiday.mp4 (or --camera 0).")
    return _look_through(files, every, library, force=force, quiet=quiet, as_json=as_json)


def _look_through(
    files: list[str],
    every: str | None,
    library: str | None,
    *,
    force: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    from phototag.images.find import is_video
    from phototag.work.film import look_up
    from phototag.work.reports import ScanOptions
    from phototag.work.whole_scan import Errand, scan_and_publish

    for file in files:
        if os.path.isdir(file):  # noqa: PTH112 (names that are not UTF-8)
            raise errors.UsageError(f"{file} is a folder: phototag scan --video takes in folders.")
        if not is_video(file):
            raise errors.UsageError(f"{file} does not end like a video (mp4, mov, mkv, …).")
    options = {"video": True, "every": milliseconds(every)}
    with writing(library, options, create=True) as session, progress(quiet or as_json) as tell:
        chosen = ScanOptions(force=force, retry_errors=True)
        errand = Errand(files, command_line(), chosen, session.default)
        scan_and_publish(
            session.lib,
            session.settings,
            errand,
            lambda p: tell(p.stage, p.done, p.total, p.faces),
            now,
        )
        seen = [look_up(session.lib, os.path.abspath(file)) for file in files]  # noqa: PTH100
    if as_json:
        console.document("videos", {"videos": [_as_json(view) for view in seen]})
    else:
        _tell(seen)
    return errors.SOME_FAILED if any(view.problem for view in seen) else errors.OK


def _as_json(view: VideoView) -> dict[str, Any]:
    return asdict(view)


def _tell(seen: list[VideoView]) -> None:
    """A line for each face; the file before them where there are several."""
    for view in seen:
        name = console.shown(view.path)
        if view.problem:
            console.say(f"{name} could not be read: {view.problem}", style="yellow")
            continue
        if len(seen) > 1:
            console.out(name)
        if not view.appearances:
            console.say(f"{name}: no face was found in it.")
        for face in view.appearances:
            likeness = "" if face.similarity is None else f"{face.similarity:.2f}"
            console.out(f"{face.times}  {face.who}  {likeness}  {face.face}".replace("    ", "  "))
