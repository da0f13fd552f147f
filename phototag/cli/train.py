"""Training classifiers, and comparing them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from phototag import errors
from phototag.cli import console
from phototag.cli.common import JsonOption, LibraryOption, QuietOption
from phototag.cli.tools import Tools

if TYPE_CHECKING:
    from phototag.bench.compare import Comparison
    from phototag.bench.finish_run import TrainingDone
    from phototag.bench.watch import Moment


def mount(app: typer.Typer) -> None:
    app.command("train")(train)
    app.command("compare")(compare)


def train(
    dataset: Annotated[
        Path, typer.Argument(metavar="DIR", help="A set that phototag dataset build made.")
    ],
    model: Annotated[
        str, typer.Option(metavar="NAME", help="vgg16, mobilenet, inception, cnn or cnn-binary.")
    ] = "vgg16",
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="RUN", help="The run folder.", show_default="runs/DIR-NAME"),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            metavar="face|imagenet|none",
            help="What it starts from.",
            show_default="face for vgg16, imagenet for mobilenet and inception",
        ),
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whom cnn-binary tells from all others.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Side of the faces.", show_default="the model's own"),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, help="Trunk frozen (from scratch: all).", show_default="15; 40"),
    ] = None,
    fine_epochs: Annotated[
        int, typer.Option(min=0, metavar="N", help="With the trunk's last block unfrozen.")
    ] = 15,
    batch: Annotated[int, typer.Option(min=2, help="Faces in a step.")] = 32,
    optimizer: Annotated[str, typer.Option(metavar="adam|sgd", help="How it learns.")] = "adam",
    rate: Annotated[float, typer.Option(min=0, help="Learning rate.")] = 1e-3,
    fine_rate: Annotated[
        float, typer.Option(min=0, metavar="RATE", help="With the last block unfrozen.")
    ] = 5e-5,
    schedule: Annotated[
        str, typer.Option(metavar="plateau|cosine|constant", help="How the rate falls.")
    ] = "plateau",
    patience: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="N",
            help="Epochs without progress that end a stage (from scratch: 15).",
            show_default="6; 15",
        ),
    ] = None,
    dropout: Annotated[float, typer.Option(min=0, max=0.95, help="Share left out.")] = 0.4,
    l2: Annotated[float, typer.Option("--l2", min=0, help="Penalty for large weights.")] = 1e-4,
    class_weights: Annotated[bool, typer.Option(help="All people count alike.")] = True,
    augment: Annotated[
        str, typer.Option(metavar="none|light|strong", help="How far faces are changed at random.")
    ] = "light",
    precision: Annotated[
        str,
        typer.Option(
            metavar="auto|float32|mixed",
            help="mixed: half precision, on a GPU or a processor that has bfloat16.",
        ),
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, help="The same seed learns the same.")] = 1,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in RUN, with its own choices.")
    ] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace RUN's model, even if it is better.")
    ] = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> int:
    """Train a classifier on a set of faces: first a new head, then the last block, at a lower rate.

    The run folder then holds the network (Keras, ONNX), its card, and how good it is.

    Example: phototag train faces --model vgg16 --out runs/family
    """
    from phototag.bench.dataset import load_dataset
    from phototag.bench.quiet import load_keras
    from phototag.bench.training_plan import Plan

    plan = Plan(
        model=model,
        weights=weights,
        person=person,
        size=size,
        epochs=epochs,
        fine_epochs=fine_epochs,
        batch=batch,
        optimizer=optimizer,
        rate=rate,
        fine_rate=fine_rate,
        schedule=schedule,
        patience=patience,
        dropout=dropout,
        l2=l2,
        class_weights=class_weights,
        augmentation=augment,
        precision=precision,
        seed=seed,
    )
    plan.checked()
    faces = load_dataset(dataset)
    run = out or Path("runs") / f"{dataset.resolve().name}-{model}"
    load_keras()
    from phototag.bench.train_classifier import train as learn

    with _progress(quiet) as tell:
        done = learn(faces, plan, run, resume=resume, replace_better=replace, tell=tell)
    if as_json:
        console.document("training", done.as_json())
    else:
        _tell_training(done)
    return errors.OK


@contextmanager
def _progress(quiet: bool) -> Iterator[Any]:
    """Steps, with the time left if no stage ends early."""
    from tqdm import tqdm

    bar = tqdm(unit="step", disable=quiet or None, leave=False, mininterval=1)
    shown = [0]

    def tell(moment: Moment) -> None:
        if not shown[0]:
            bar.reset(moment.total)
            bar.initial = bar.n = moment.done - 1
        bar.set_description(f"epoch {moment.epoch}", refresh=False)
        if moment.last is not None and moment.epoch > shown[0]:
            said = f"validation: loss {moment.last.val_loss:.3f}, {moment.last.val_accuracy:.1%}"
            bar.set_postfix_str(said, refresh=False)
            if bar.disable and not quiet:  # no terminal: a line for each epoch
                console.say(f"epoch {moment.last.epoch}: {said} ({time.strftime('%H:%M:%S')})")
        shown[0] = moment.epoch
        bar.update(moment.done - bar.n)

    try:
        yield tell
    finally:
        bar.close()


def _tell_training(done: TrainingDone) -> None:
    figures, opened = done.report.figures, done.report.open_set
    rows = [
        ("model", done.card.id),
        ("people", f"{len(done.report.classes)}"),
        ("trained", f"{done.epochs} epochs, {done.seconds / 60:.1f} min"),
        ("accuracy", f"{figures.accuracy:.2%} of {len(done.report.answers)} faces held out"),
        ("F1, mean of people", f"{figures.macro['f1']:.4f}"),
        ("not recognised", f"below {opened.threshold:.3f}: {opened.not_recognised:.2%} of these"),
    ]
    if opened.outsiders_named is not None:
        said = f"{opened.outsiders_named:.2%} of {opened.outsiders} faces"
        rows.append(("strangers named", said))
    rows.append(("written to", str(done.run)))
    console.pairs(rows)


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Write table, chart and JSON there, too."),
    ] = None,
    gallery: Annotated[
        bool, typer.Option(help="The gallery matcher (embedding, cosine) competes, too.")
    ] = True,
    dataset: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Their set.", show_default="where the first was trained"),
    ] = None,
    library: LibraryOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare runs on the same test faces: accuracy, F1, size, speed, what they cost.

    Example: phototag compare runs/family runs/family-cnn --out comparison
    """
    from phototag.bench.compare import compare as weigh
    from phototag.bench.compare_report import write_comparison

    found = weigh(runs, Tools(library).card if gallery else None, dataset)
    if out is not None:
        write_comparison(found, out)
    if as_json:
        console.document("comparison", found.as_json())
    else:
        _tell_comparison(found, out)
    return errors.OK


def _tell_comparison(found: Comparison, out: Path | None) -> None:
    from phototag.bench.compare_report import HEADS, cells

    console.table([cells(row) for row in found.rows], HEADS)
    console.say(
        f"{found.faces} test faces of {found.people} people, {found.outsiders} of strangers"
    )
    if out is not None:
        console.say(f"written to {out}")
