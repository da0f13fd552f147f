"""Turn a checkpoint into what ships: weights, int8 model and calibrated card.

    python benchmarks/ship_embedder.py CHECKPOINT [--faces ../shared/faces] [--out phototag/weights]

CHECKPOINT is a run's `last.npz` (phototag.bench.train_embedder) or a PyTorch file of
`train_torch.py`; PyTorch is not needed. Prints one JSON document; writes nothing when int8 loses
too much.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from phototag.bench.ship import ship, summary

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("checkpoint", type=Path)
    ask.add_argument("--faces", type=Path, default=ROOT.parent / "shared" / "faces")
    ask.add_argument("--out", type=Path, default=ROOT / "phototag" / "weights")
    ask.add_argument("--px", type=int, help="input size, where the checkpoint does not say")
    ask.add_argument(
        "--no-mirror", action="store_true", help="embed the crop without its mirror image"
    )
    ask.add_argument("--weight-bits", type=int, choices=(7, 8), default=7)
    ask.add_argument("--no-whiten", action="store_true", help="leave the last layer as trained")
    ask.add_argument("--no-check", action="store_true", help="write even when int8 loses much")
    given = ask.parse_args()
    result = ship(
        given.checkpoint,
        given.faces,
        given.out,
        px=given.px,
        mirror=not given.no_mirror,
        bits=given.weight_bits,
        whiten=not given.no_whiten,
        check=not given.no_check,
    )
    print(summary(result))


if __name__ == "__main__":
    main()
