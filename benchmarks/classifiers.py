"""Sets to train classifiers on, for the table in the README: made by path, nothing is published.

    python benchmarks/classifiers.py faces ../shared/faces people
    phototag dataset build people --out set --aligned --min-photos 20
    phototag train set --model vgg16 --out runs/vgg16
    phototag train set --model cnn --size 48 --out runs/cnn
    phototag train set --model mobilenet --weights none --size 48 --out runs/mobilenet
    phototag compare runs/* --out comparison

`faces` writes the labelled crops of a folder of shards (`phototag.bench.faces`) as one folder for
each person: everybody with at least 30 of them, at most 60 drawn by the seed; and 20 of those with
fewer, 12 faces each, who become strangers. The test part is set aside by `dataset build`, before
anything is trained. Mind that the embedder that ships was trained on the same shards, though not
on who is who there: these figures flatter `vgg16` and the gallery. An album is free of that:

    phototag scan ../shared/album/photos --library library
    python benchmarks/classifiers.py name library ../shared/album/truth.csv
    phototag dataset build --from-library set --library library

`name` gives every face of a truth table (file,x,y,w,h,person) that the scan found its name, as
`phototag label` would.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from audit import NOW, name_all, truth_of

from phototag import settings as setup
from phototag.bench.faces import UNKNOWN, FaceSet, load_faces
from phototag.catalog import store
from phototag.work.deciding import Ground
from phototag.work.models import embedder_card, thresholds_of

STRANGER_FACES = 12


def write_people(faces: FaceSet, out: Path, least: int, most: int, strangers: int) -> None:
    """A folder of WebP crops for each person, as they lie in the shards."""
    counts = Counter(faces.labels[faces.labels != UNKNOWN].tolist())
    ordered = sorted(counts, key=lambda label: (-counts[label], label))
    people = [label for label in ordered if counts[label] >= least]
    others = [label for label in ordered if STRANGER_FACES <= counts[label] < least][:strangers]
    random = np.random.default_rng(1)
    for label in people + others:
        folder = out / f"person {label}"
        folder.mkdir(parents=True)
        mine = np.flatnonzero(faces.labels == label)
        drawn = random.permutation(mine)[: most if label in people else STRANGER_FACES]
        for row in sorted(drawn.tolist()):
            shard, start, end = faces.places[row].tolist()
            (folder / f"{row}.webp").write_bytes(faces.data[shard][start:end].tobytes())
    print(f"{len(people)} people, {len(others)} strangers in {out}")


def name_faces(folder: Path, table: Path) -> None:
    """Decide who every face of the table is."""
    with store.open_to_write(folder, "benchmark", NOW) as lib:
        card = embedder_card(folder, setup.load(folder, {}, {}))
        people = truth_of(lib, table)
        name_all(lib, Ground(card.id, thresholds_of(card), NOW, "benchmark"), people)
    print(f"{len(people)} faces of {len(set(people.values()))} people were named")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    kinds = parser.add_subparsers(required=True, dest="kind")
    faces = kinds.add_parser("faces")
    faces.add_argument("shards", type=Path)
    faces.add_argument("out", type=Path)
    faces.add_argument("--least", type=int, default=30)
    faces.add_argument("--most", type=int, default=60)
    faces.add_argument("--strangers", type=int, default=20)
    name = kinds.add_parser("name")
    name.add_argument("library", type=Path)
    name.add_argument("truth", type=Path)
    given = parser.parse_args()
    if given.kind == "faces":
        shards = load_faces(sorted(given.shards.glob("shard-*.npz")))
        write_people(shards, given.out, given.least, given.most, given.strangers)
    else:
        name_faces(given.library, given.truth)


if __name__ == "__main__":
    main()
