"""Faces per second of the embedder: the int8 model that ships, against Keras and against float32.

    python benchmarks/embedding.py [--px 112] [--threads 2] [--rounds 9] [--json]

All candidates take turns, round by round, on the same faces, and the medians are compared: on a
busy machine only the ratios mean something. Without --px, the network that ships; with it, one of
that input size with random weights (the speed is the same).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from phototag.bench.folded import NAMES, WIDTHS, FoldedVGG16, load_float16, map_side
from phototag.bench.onnx_vgg import Ranges, float_model, int8_model

WEIGHTS = Path(__file__).resolve().parent.parent / "phototag" / "weights"
FACES = 32
Run = Callable[[], object]


def random_network(px: int) -> FoldedVGG16:
    """A network of that input size whose activations stay near 1."""
    random = np.random.default_rng(0)
    kernels, before = [], 3
    for width in (w for block in WIDTHS for w in block):
        kernel = random.standard_normal((3, 3, before, width), dtype=np.float32)
        kernels.append(kernel * np.float32(np.sqrt(2 / (9 * before))))
        before = width
    side = map_side(px)
    dense = random.standard_normal((side, side, 512, 256), dtype=np.float32) * np.float32(0.01)
    biases = tuple(np.zeros(k.shape[-1], np.float32) for k in kernels)
    return FoldedVGG16(px, tuple(kernels), biases, dense, np.zeros(256, np.float32))


def ort_run(path: Path, threads: int, batch: int, faces: NDArray[np.float32]) -> Run:
    from phototag.vision.models import Session

    session = Session(path, threads=threads)
    parts = [np.ascontiguousarray(faces[i : i + batch]) for i in range(0, len(faces), batch)]
    return lambda: [session.run(part) for part in parts]


def openvino_run(path: Path, threads: int, faces: NDArray[np.float32]) -> Run | None:
    """OpenVINO on the same file, where it is installed."""
    try:
        import openvino  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        return None
    core = openvino.Core()
    compiled = core.compile_model(
        str(path), "CPU", {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "THROUGHPUT"}
    )
    return lambda: compiled(faces)


def keras_run(network: FoldedVGG16, faces: NDArray[np.float32]) -> Run:
    from phototag.bench.networks import plain_vgg16

    model = plain_vgg16(network)
    given = np.ascontiguousarray(faces.transpose(0, 2, 3, 1))
    return lambda: model.predict(given, batch_size=FACES, verbose=0)


def candidates(network: FoldedVGG16, threads: int, folder: Path) -> dict[str, Run]:
    shape = (FACES, 3, network.px, network.px)
    faces = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
    exact, small = folder / "float32.onnx", folder / "int8.onnx"
    exact.write_bytes(float_model(network).SerializeToString())
    ranges = Ranges((4.0,) * len(NAMES))
    small.write_bytes(int8_model(network, ranges).SerializeToString())
    found: dict[str, Run] = {
        f"keras predict, batch {FACES}": keras_run(network, faces),
        f"onnxruntime float32, batch {FACES}": ort_run(exact, threads, FACES, faces),
    }
    for batch in (1, 8, FACES):
        found[f"onnxruntime int8, batch {batch}"] = ort_run(small, threads, batch, faces)
    for name, path in (("float32", exact), ("int8", small)):
        run = openvino_run(path, threads, faces)
        if run is not None:
            found[f"openvino {name}, batch {FACES}"] = run
    return found


def measured(runs: dict[str, Run], rounds: int) -> dict[str, list[float]]:
    """Faces per second of each round; the first one warms up and does not count."""
    speeds: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            if number:
                speeds[name].append(FACES / (time.perf_counter() - start))
    return speeds


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--px", type=int)
    ask.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    ask.add_argument("--rounds", type=int, default=9)
    ask.add_argument("--json", action="store_true")
    given = ask.parse_args()
    network = random_network(given.px) if given.px else load_float16(WEIGHTS / "face-vgg16.npz")
    with tempfile.TemporaryDirectory() as folder:
        speeds = measured(candidates(network, given.threads, Path(folder)), given.rounds)
    first = next(iter(speeds))
    rows: list[dict[str, Any]] = [
        {
            "runtime": name,
            "faces_per_second": round(statistics.median(found), 1),
            "times_keras": round(
                statistics.median(a / b for a, b in zip(found, speeds[first], strict=True)), 2
            ),
        }
        for name, found in speeds.items()
    ]
    if given.json:
        print(json.dumps({"px": network.px, "threads": given.threads, "rows": rows}, indent=2))
        return
    print(f"{network.px} px, {given.threads} threads, {given.rounds} rounds of {FACES} faces")
    for row in rows:
        print(f"{row['runtime']:<32} {row['faces_per_second']:>8}  {row['times_keras']:>6}x")


if __name__ == "__main__":
    main()
