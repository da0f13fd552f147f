"""The embedders of a library: ours, and ONNX files of the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, reading, writing

if TYPE_CHECKING:
    from phototag.vision.models import ModelCard

app = typer.Typer(no_args_is_help=True, help="Choose the network that tells people apart.")


@app.command("list")
def list_models(library: LibraryOption = None, as_json: JsonOption = False) -> int:
    """List the embedders that ship and those that you added.

    Example: phototag models list
    """
    from phototag.work.models import embedders

    with reading(library) as session:
        cards = embedders(session.lib.folder)
        used = session.settings.embedder
    if as_json:
        for name, card in cards.items():
            console.line("model", {"name": name, "used": name == used, **_described(card)})
        return errors.OK
    console.table(
        [
            (
                ("* " if name == used else "  ") + name,
                card.id,
                f"{card.size} px",
                str(card.dim),
                f"{card.thresholds.accept:.3f}" if card.thresholds else "not calibrated",
            )
            for name, card in cards.items()
        ],
        ("  name", "id", "input", "values", "accept"),
    )
    return errors.OK


@app.command("add")
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The network, as ONNX.")],
    name: Annotated[
        str | None, typer.Option(help="What to call it.", show_default="the file's name")
    ] = None,
    size: Annotated[int, typer.Option(metavar="PX", help="Side of its input.")] = 112,
    color: Annotated[str, typer.Option(metavar="rgb|bgr", help="Order of its colours.")] = "rgb",
    mean: Annotated[float, typer.Option(help="Taken from each value (0..255).")] = 127.5,
    scale: Annotated[float, typer.Option(help="Each value is divided by it then.")] = 127.5,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Add an embedder of your own: it is copied into the library, with a card.

    Calibrate it before use: phototag evaluate verification PAIRS --images DIR --calibrate.

    Example: phototag models add arcface.onnx --size 112 --color rgb --mean 127.5 --scale 127.5
    """
    from phototag.work.models import add_embedder

    with writing(library) as session:
        known, card = add_embedder(
            session.lib.folder, file, name, size=size, color=color, mean=mean, scale=scale
        )
    if as_json:
        console.document("model", {"name": known, **_described(card)})
    else:
        console.say(f"{known} is there ({card.dim} values). Use it: phototag models use {known}")
    return errors.OK


@app.command("use")
def use(
    name: Annotated[str, typer.Argument(help="A name that phototag models list shows.")],
    library: LibraryOption = None,
) -> int:
    """Recognise with this embedder from the next scan on. Names and decisions stay.

    Example: phototag models use face-vgg16
    """
    from phototag.work.models import use_embedder

    with writing(library) as session:
        card = use_embedder(session.lib.folder, name)
    console.say(f"{name} is used from now on. Scan again: every known face is embedded anew.")
    if card.thresholds is None:
        console.say(
            "It has no thresholds yet. First: "
            "phototag evaluate verification PAIRS --images DIR --calibrate",
            style="yellow",
        )
    return errors.OK


@app.command("remove")
def remove(
    name: Annotated[str, typer.Argument(help="An embedder that you added.")],
    library: LibraryOption = None,
) -> int:
    """Remove an embedder that you added, and its vectors.

    Example: phototag models remove arcface
    """
    from phototag.work.models import remove_embedder

    with writing(library) as session:
        vectors = remove_embedder(session.lib, session.settings, name)
    console.say(f"{name} and {vectors:,} vectors of it are removed.")
    return errors.OK


def _described(card: ModelCard) -> dict[str, object]:
    levels = card.thresholds
    return {
        "id": card.id,
        "file": str(card.path),
        "size": card.size,
        "color": card.color,
        "values": card.dim,
        "thresholds": {n: getattr(levels, n) for n in levels.__slots__} if levels else None,
    }
