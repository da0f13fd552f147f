"""The command line of `python -m phototag.bench.train_embedder`."""

from __future__ import annotations

import argparse
from pathlib import Path

from phototag.bench.faces import load_faces, load_pairs
from phototag.bench.recipe import Recipe
from phototag.bench.train_embedder import Check, train
from phototag.errors import UsageError


def main(words: list[str] | None = None) -> None:
    """Train, and print one line for each check."""
    given = _options().parse_args(words)
    shards = sorted(given.faces.glob("shard-*.npz"))
    if not shards:
        raise UsageError(f"{given.faces}: no shard-*.npz in it.")
    faces = load_faces(shards, limit=given.limit)
    dev = given.faces / "lfw_dev_aligned.npz"
    recipe = Recipe(
        trunk=given.trunk,
        sizes=tuple(given.sizes),
        shares=tuple(given.shares or [1 / len(given.sizes)] * len(given.sizes)),
        minutes=given.minutes,
        steps=given.steps,
        batch=given.batch,
        optimizer=given.optimizer,
        rate=given.rate or {"muon": 2e-3, "adamw": 1e-3}[given.optimizer],
        relation=given.relation,
        identity=given.identity,
        precision=given.precision,
        seed=given.seed,
        teacher=None if given.teacher is None else str(given.teacher),
        blend=given.blend,
        reuse=given.reuse,
        start=None if given.start is None else str(given.start),
    )
    print(f"{len(faces):,} faces; {','.join(f'{px} px' for px in recipe.sizes)}", flush=True)
    report = train(
        recipe,
        faces,
        given.out,
        dev=load_pairs(dev) if dev.is_file() else None,
        resume=given.resume,
        every=given.every,
        on_check=_tell,
    )
    best = "not measured" if report.best is None else f"{report.best:.4f}"
    print(f"best on the development pairs: {best}; {given.out / 'best.npz'}")


def _tell(check: Check) -> None:
    losses = " ".join(f"{name} {value:.4f}" for name, value in check.losses.items())
    measured = "" if check.accuracy is None else f" accuracy {check.accuracy:.4f}"
    print(
        f"{check.seconds / 60:7.1f} min, step {check.step}, {check.seen:,} faces at {check.px} px "
        f"({check.faces_per_second:.0f}/s): {losses}{measured}",
        flush=True,
    )


def _options() -> argparse.ArgumentParser:
    ask = argparse.ArgumentParser(prog="python -m phototag.bench.train_embedder")
    ask.add_argument("--faces", type=Path, required=True, help="folder with shard-*.npz")
    ask.add_argument("--out", type=Path, required=True, help="the run's folder")
    ask.add_argument("--trunk", choices=("vgg16", "mobilenet", "inception"), default="vgg16")
    ask.add_argument("--sizes", type=int, nargs="+", default=[64, 112], help="pixels, in turn")
    ask.add_argument("--shares", type=float, nargs="+", help="of the budget, for each size")
    ask.add_argument("--minutes", type=float, help="time budget of the whole run")
    ask.add_argument("--steps", type=int, help="the budget in steps, instead")
    ask.add_argument("--batch", type=int, default=256)
    ask.add_argument("--optimizer", choices=("muon", "adamw"), default="muon")
    ask.add_argument("--rate", type=float, help="highest learning rate")
    ask.add_argument("--relation", type=float, default=1.0, help="weight of the relation loss")
    ask.add_argument("--identity", type=float, default=0.0, help="weight of ArcFace")
    ask.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    ask.add_argument("--every", type=float, default=300, help="seconds between checks")
    ask.add_argument("--limit", type=int, help="use only so many faces")
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--teacher", type=Path, help="teacher.npz: show it blended faces, and ask it")
    ask.add_argument("--blend", type=float, default=0.5, help="share of blends, with --teacher")
    ask.add_argument("--reuse", type=int, default=4, help="times that a blend is shown")
    ask.add_argument("--start", type=Path, help="go on from these weights (face-vgg16.npz)")
    ask.add_argument("--resume", action="store_true", help="go on with the run in --out")
    return ask
