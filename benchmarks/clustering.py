"""Time, memory and truth of clustering, and what the lists of neighbours cost or save.

    python benchmarks/clustering.py [--faces 100000] [--json]
    python benchmarks/clustering.py --lists
    python benchmarks/clustering.py --cuts 20000 60000 150000
    python benchmarks/clustering.py --calibration ../shared/faces/calibration.npz

The first call groups that many made-up faces (see crowd.py), adds 1,000, takes 100 away, and runs
scipy's average linkage beside phototag on 5,000, in turns: on a busy machine only ratios mean
something. `--lists` compares lengths of the lists of neighbours where people were photographed in
bursts, `--cuts` thresholds in collections of some sizes, `--calibration` on real faces with a
strong recogniser's vectors.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from crowd import Crowd, bcubed, crowd
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from phototag.core.clustering import (
    NEIGHBOURS,
    agglomerate,
    extend_neighbours,
    neighbours,
    shrink_neighbours,
)
from phototag.core.types import Vectors, on_grid

CUT = 0.36
"""The shipped embedder's `cluster` threshold."""
ROUNDS = 3
NEW, GONE = 1000, 100


def peak() -> float:
    """The most memory that this process has held so far, in GB."""
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return held * (1 if sys.platform == "darwin" else 1024) / 1e9


def timed(work: Any, *args: Any, **options: Any) -> tuple[Any, float]:
    start = time.perf_counter()
    return work(*args, **options), round(time.perf_counter() - start, 2)


def grouped(
    vectors: Vectors, photos: NDArray[np.int64], graph: tuple[Any, ...], cut: float = CUT
) -> NDArray[np.int64]:
    return agglomerate(vectors, *graph, photos, np.ones(len(vectors), bool), None, cut)


def whole(count: int) -> dict[str, Any]:
    """A first run over all faces, then new ones, then some that are gone."""
    everybody = crowd(count + NEW)
    faces = Crowd(everybody.vectors[:count], everybody.people[:count], everybody.photos[:count])
    new = everybody.vectors[count:]
    before = peak()
    busy = time.process_time()
    graph, search = timed(neighbours, faces.vectors, NEIGHBOURS, CUT)
    searching = time.process_time() - busy
    labels, merge = timed(grouped, faces.vectors, faces.photos, graph)
    merging = time.process_time() - busy - searching
    most = peak()
    (*_, changed), growth = timed(extend_neighbours, *graph, faces.vectors, new, NEIGHBOURS, CUT)
    gone = np.zeros(count, bool)
    gone[np.random.default_rng(2).choice(count, GONE, replace=False)] = True
    _, loss = timed(shrink_neighbours, *graph, faces.vectors, gone, NEIGHBOURS, CUT)
    precision, recall, f = bcubed(labels, faces.people)
    return {
        "faces": count,
        "people": len(np.unique(faces.people)),
        "groups": int(labels.max()) + 1,
        "neighbours_s": search,
        "neighbours_cpu_s": round(searching, 2),
        "linkage_s": merge,
        "linkage_cpu_s": round(merging, 2),
        "together_s": round(search + merge, 2),
        "peak_gb": round(most, 2),
        "peak_before_gb": round(before, 2),
        "bcubed": [round(v, 4) for v in (precision, recall, f)],
        f"add_{NEW}_s": growth,
        "lists_changed": len(changed),
        f"lose_{GONE}_s": loss,
    }


def plain(faces: Crowd) -> NDArray[np.int64]:
    """The way of the textbook: all distances, then average linkage (without any constraint)."""
    vectors = faces.vectors.astype(np.float64)
    distances = np.maximum(1 - vectors @ vectors.T, 0)[np.triu_indices(len(vectors), 1)]
    labels: NDArray[np.int64] = fcluster(linkage(distances, "average"), 1 - CUT, "distance")
    return labels


def beside(count: int = 5000) -> dict[str, Any]:
    """phototag and scipy in turns on the same faces."""
    faces = crowd(count)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        graph, search = timed(neighbours, faces.vectors, NEIGHBOURS, CUT)
        labels, merge = timed(grouped, faces.vectors, np.arange(count), graph)
        ours.append(search + merge)
        expected, seconds = timed(plain, faces)
        theirs.append(seconds)
    return {
        "faces": count,
        "phototag_s": round(statistics.median(ours), 2),
        "scipy_s": round(statistics.median(theirs), 2),
        "times_faster": round(
            statistics.median(b / a for a, b in zip(ours, theirs, strict=True)), 1
        ),
        "bcubed_f": round(bcubed(labels, faces.people)[2], 4),
        "scipy_bcubed_f": round(bcubed(expected, faces.people)[2], 4),
    }


def lists(count: int = 12000, burst: float = 40) -> dict[str, Any]:
    """BCubed by the length of the lists, drawn places among them or not, in bursts."""
    faces = crowd(count, burst=burst)
    rows = {}
    everybody = neighbours(faces.vectors, 1536, CUT)
    for k in (8, 16, 24, 48, 96):
        drawn = neighbours(faces.vectors, k, CUT)
        nearest = (everybody[0][:, :k], everybody[1][:, :k])
        for name, graph in (("nearest", nearest), ("drawn", drawn)):
            rows[f"{k} {name}"] = _truth(faces, graph)
    rows["1536"] = _truth(faces, everybody)
    return {"faces": count, "burst": burst, "cut": CUT, "bcubed": rows}


def cuts(counts: Sequence[int]) -> dict[str, Any]:
    """BCubed by the cut in collections of some sizes: precision, recall, F."""
    rows = {}
    for count in counts:
        faces = crowd(count)
        for cut in (0.32, 0.36, 0.40, 0.44):
            graph = neighbours(faces.vectors, NEIGHBOURS, cut)
            labels = grouped(faces.vectors, faces.photos, graph, cut)
            rows[f"{count} faces, cut {cut:.2f}"] = [
                round(v, 4) for v in bcubed(labels, faces.people)
            ]
    return {"bcubed": rows}


def calibration(path: Path) -> dict[str, Any]:
    """BCubed of real faces by the length of the lists and the cut."""
    with np.load(path) as known:
        vectors, people = on_grid(known["target"]), known["label"].astype(np.int64)
    rows = {}
    for cut in (0.40, 0.45, 0.50):
        for k in (6, 12, 24, 48, 96):
            graph = neighbours(vectors, k, cut)
            labels = grouped(vectors, np.arange(len(vectors)), graph, cut)
            rows[f"cut {cut:.2f}, lists of {k}"] = [round(v, 4) for v in bcubed(labels, people)]
    return {"faces": len(vectors), "people": len(np.unique(people)), "bcubed": rows}


def _truth(faces: Crowd, graph: tuple[Any, ...]) -> list[float]:
    labels = grouped(faces.vectors, np.arange(len(faces.vectors)), graph)
    return [round(v, 4) for v in bcubed(labels, faces.people)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--lists", action="store_true")
    parser.add_argument("--cuts", type=int, nargs="+")
    parser.add_argument("--calibration", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.lists:
        found = {"lists": lists()}
    elif options.cuts:
        found = {"cuts": cuts(options.cuts)}
    elif options.calibration:
        found = {"calibration": calibration(options.calibration)}
    else:
        found = {"whole": whole(options.faces), "beside_scipy": beside()}
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for title, figures in found.items():
        print(title)
        for name, value in figures.items():
            for line in value.items() if isinstance(value, dict) else [(name, value)]:
                print(f"  {line[0]:<24} {line[1]}")


if __name__ == "__main__":
    main()
