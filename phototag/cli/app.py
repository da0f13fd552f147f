"""The command line's front door: every command is mounted here, every error becomes a message and
an exit code."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from phototag import __version__, errors
from phototag.cli import (
    care,
    changes,
    dataset,
    evaluate,
    forgetting,
    interchange,
    judging,
    look,
    models,
    people,
    recognise,
    scanning,
    serving,
    tagging,
    train,
    video,
)
from phototag.cli.console import say
from phototag.cli.sections import Sections

app = typer.Typer(
    name="phototag",
    cls=Sections,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
scanning.mount(app)
video.mount(app)
changes.mount(app)
tagging.mount(app)
look.mount(app)
people.mount(app)
recognise.mount(app)
judging.mount(app)
care.mount(app)
interchange.mount(app)
forgetting.mount(app)
train.mount(app)
serving.mount(app)
app.add_typer(evaluate.app, name="evaluate")
app.add_typer(models.app, name="models")
app.add_typer(dataset.app, name="dataset")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"phototag {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks, for bug reports.")
    ] = False,
) -> None:
    """Find the faces in your photos, learn names, recognise people: offline, and no photo is ever
    touched."""
    if debug:
        os.environ["PHOTOTAG_DEBUG"] = "1"


def main() -> None:
    """Run the command line; the process ends with the command's exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    try:
        code = app(args=arguments, prog_name="phototag", standalone_mode=False)
    except typer.Abort:
        say("Stopped. Nothing was changed.")
        return errors.INTERRUPTED
    except KeyboardInterrupt:
        code = errors.INTERRUPTED
    except errors.PhototagError as error:
        return _told(error)
    except Exception as error:
        show = getattr(error, "show", None)  # the parser's own: wrong options, missing words
        if show is None:
            return _surprised(error)
        show()
        return errors.USAGE
    if code == errors.INTERRUPTED:
        say("Interrupted. What was done so far is kept; run it again to go on.")
    return int(code or 0)


def _told(error: errors.PhototagError) -> int:
    if _debug():
        raise error
    say(f"phototag: {error}", style="red")
    return error.exit_code


def _surprised(error: Exception) -> int:
    """Something that phototag did not foresee: still no traceback, and a way to tell us."""
    if _debug():
        raise error
    kind = type(error).__name__
    say(f"phototag: {kind}: {error}", style="red")
    say("This was not foreseen. Nothing is lost: each photo and decision is saved as it is done.")
    say("Run it again with phototag --debug … to see where it happened.")
    return errors.LIBRARY


def _debug() -> bool:
    return os.environ.get("PHOTOTAG_DEBUG") == "1"


if __name__ == "__main__":
    main()
