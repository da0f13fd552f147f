"""`phototag serve`: the library in a browser on this machine."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Annotated

import typer

from phototag import errors
from phototag import settings as setup
from phototag.cli import console
from phototag.cli.common import LibraryOption, actor, is_default


def mount(app: typer.Typer) -> None:
    app.command("serve")(serve)


def serve(
    port: Annotated[int, typer.Option(help="Port; 0: any that is free.")] = 8765,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in your browser.")] = False,
    host: Annotated[
        str, typer.Option(help="Another address of this machine, to let others in.")
    ] = "127.0.0.1",
    password_file: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Ask for the password in its first line. --host demands it."
        ),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Show the library as a web page: review faces by keyboard, name, look, identify, scan.

    Only this machine can open it, and only by the address that is printed. Ctrl-C ends it. From
    another machine, tunnel to it: ssh -L 8765:localhost:8765 HOST. With --host others can open it
    by password; what they send is not encrypted.

    Example: phototag serve --open
    """
    from phototag.web.desk import Desk
    from phototag.web.serve import Address, check, prepared, run

    address = Address(host, port)
    password = check(address, password_file)
    folder = setup.library_folder(library)
    setup.load(folder, {})
    desk = Desk(folder, "phototag serve", actor(), default=is_default(folder))
    _end_on_sigterm()

    service = prepared(desk, address, password)
    if service.is_new:
        console.say(f"A new library was begun in {console.shown(str(folder))}.")
    console.say("The library is at this address until you press Ctrl-C:")
    console.out(service.url)
    if open_it:
        import webbrowser

        webbrowser.open(service.url)
    run(service)
    console.say("The page is closed; everything is saved.")
    return errors.OK


def _end_on_sigterm() -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
