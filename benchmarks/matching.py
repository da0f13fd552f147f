"""How long it takes to look for a person among many faces, and how good the examples are.

    python benchmarks/matching.py [--faces 100000] [--json]
    python benchmarks/matching.py --search [--faces 100000]
    python benchmarks/matching.py --examples ../shared/faces

The first call times scores against 64 examples, beside the matrix product alone (what cannot be
saved), and the laws of matching on as many candidates. `--search` times the search for one face
among as many enrolled ones (exact: everybody above `suggest`, and the best five), beside the matrix
product alone, in the order of memory that it uses and in the other. `--examples` compares ways to
choose a person's examples on labelled faces with a strong recogniser's vectors: true acceptance at
a false match rate of 1e-4, three splits each.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from crowd import crowd
from numpy.typing import NDArray

from phototag.core.gallery import Gallery
from phototag.core.matching import Candidate, choose_examples, match, person_scores
from phototag.core.types import Thresholds, Vectors, on_grid

ROUNDS = 15
LIMITS = Thresholds(accept=0.55, suggest=0.4, cluster=0.4, margin=0.05)
Chooser = Callable[[Vectors, int], list[int]]


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def speed(count: int) -> dict[str, Any]:
    """Scores, examples and laws."""
    faces = crowd(count)
    largest = int(np.bincount(faces.people).argmax())
    own = faces.vectors[faces.people == largest]
    examples = own[choose_examples(own, np.ones(len(own)))]
    scores = [seconds(lambda: person_scores(faces.vectors, examples)) for _ in range(ROUNDS)]
    product = [seconds(lambda: examples @ faces.vectors.T) for _ in range(ROUNDS)]
    choice = [seconds(lambda: choose_examples(own, np.ones(len(own)))) for _ in range(ROUNDS)]
    candidates = _candidates(faces.vectors, faces.people, faces.photos)
    laws = [
        seconds(lambda: match(candidates, thresholds=LIMITS, taken={}, rejected=set()))
        for _ in range(3)
    ]
    return {
        "faces": count,
        "scores_ms": round(1e3 * statistics.median(scores), 1),
        "product_ms": round(1e3 * statistics.median(product), 1),
        "scores_to_product": round(
            statistics.median(a / b for a, b in zip(scores, product, strict=True)), 2
        ),
        "examples_from": len(own),
        "examples_ms": round(1e3 * statistics.median(choice), 1),
        "candidates": len(candidates),
        "laws_ms": round(1e3 * statistics.median(laws), 1),
    }


def search(count: int) -> dict[str, Any]:
    """One face against everybody, and how much of that is the matrix product."""
    faces = crowd(count + ROUNDS)
    gallery = Gallery.of(faces.people[:count], faces.vectors[:count])
    rows = faces.vectors[:count]
    times = []
    for number, face in enumerate(faces.vectors[count:]):
        works: list[Callable[[], Any]] = [
            partial(gallery.search, face[None], least=LIMITS.suggest, count=5),
            partial(np.matmul, face, gallery.columns),
            partial(np.matmul, rows, face),
        ]
        taken = [0.0] * 3
        for turn in range(3):  # each comes first in its turn: the first finds nothing in the cache
            taken[(turn + number) % 3] = seconds(works[(turn + number) % 3])
        times.append(taken)
    whole, product, _ = (sorted(column) for column in zip(*times, strict=True))
    return {
        "enrolled": count,
        "people": len(gallery.people),
        "search_ms": round(1e3 * statistics.median(whole), 1),
        "search_ms_least": round(1e3 * whole[0], 1),
        "product_ms": round(1e3 * statistics.median(product), 1),
        "product_ms_least": round(1e3 * product[0], 1),
        "search_to_product": round(statistics.median(a / b for a, b, _ in times), 2),
        "product_by_rows_to_product": round(statistics.median(c / b for _, b, c in times), 2),
    }


def _candidates(
    vectors: Vectors, people: NDArray[np.int64], photos: NDArray[np.int64]
) -> list[Candidate]:
    """What the twenty people with most faces score."""
    found = []
    for person in np.argsort(-np.bincount(people))[:20].tolist():
        own = vectors[people == person]
        scores = person_scores(vectors, own[choose_examples(own, np.ones(len(own)))])
        found += [
            Candidate(face, int(photos[face]), person, float(scores[face]))
            for face in np.flatnonzero(scores >= LIMITS.suggest).tolist()
        ]
    return found


def coverage(vectors: Vectors, limit: int) -> list[int]:
    return choose_examples(vectors, np.ones(len(vectors)), limit=limit)


def all_faces(vectors: Vectors, limit: int) -> list[int]:
    return list(range(len(vectors)))


def random_ones(vectors: Vectors, limit: int) -> list[int]:
    return np.random.default_rng(1).permutation(len(vectors))[:limit].tolist()


def most_central(vectors: Vectors, limit: int) -> list[int]:
    return np.argsort(-(vectors @ vectors.sum(axis=0)), kind="stable")[:limit].tolist()


def farthest_point(vectors: Vectors, limit: int) -> list[int]:
    """From the most central one, each next the one farthest from those chosen."""
    chosen = most_central(vectors, 1)
    while len(chosen) < min(limit, len(vectors)):
        nearest = (vectors @ vectors[chosen].T).max(axis=1)
        nearest[chosen] = np.inf
        chosen.append(int(nearest.argmin()))
    return chosen


CHOOSERS: tuple[Chooser, ...] = (coverage, most_central, random_ones, farthest_point, all_faces)


def labelled(folder: Path, pattern: str) -> tuple[Vectors, NDArray[np.int64]]:
    vectors, labels = [], []
    for path in sorted(folder.glob(pattern)):
        with np.load(path) as shard:
            known = shard["label"] >= 0
            vectors.append(shard["target"][known])
            labels.append(shard["label"][known])
    return on_grid(np.concatenate(vectors)), np.concatenate(labels).astype(np.int64)


def accepted(
    vectors: Vectors, labels: NDArray[np.int64], least: int, limit: int, choose: Chooser, seed: int
) -> float:
    """The share of probes that reach the score which one in 10,000 strangers' pairs reaches."""
    chance = np.random.default_rng(seed)
    people, counts = np.unique(labels, return_counts=True)
    people = people[counts >= least]
    probes = np.flatnonzero(~np.isin(labels, people)).tolist()
    gallery = []
    for person in people:
        rows = chance.permutation(np.flatnonzero(labels == person))
        cut = len(rows) * 2 // 5
        probes += rows[:cut].tolist()
        gallery.append(vectors[rows[cut:]])
    scores = np.stack(
        [person_scores(vectors[probes], own[choose(own, limit)]) for own in gallery], axis=1
    )
    same = labels[probes][:, None] == people[None]
    line = np.quantile(scores[~same], 1 - 1e-4)
    return float((scores[same] >= line).mean())


def examples(folder: Path) -> dict[str, Any]:
    """Every way to choose, on training people with many faces and on the calibration people."""
    rows = {}
    for pattern, least, limit in (("shard-*.npz", 20, 6), ("calibration.npz", 10, 4)):
        vectors, labels = labelled(folder, pattern)
        for choose in CHOOSERS:
            found = [accepted(vectors, labels, least, limit, choose, seed) for seed in range(3)]
            rows[f"{pattern}, {limit} examples, {choose.__name__}"] = round(
                statistics.mean(found), 4
            )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--faces", type=int, default=100_000)
    parser.add_argument("--search", action="store_true")
    parser.add_argument("--examples", type=Path, metavar="FOLDER")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.search:
        found = search(options.faces)
    else:
        found = examples(options.examples) if options.examples else speed(options.faces)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        print(f"{name:<52} {value}")


if __name__ == "__main__":
    main()
