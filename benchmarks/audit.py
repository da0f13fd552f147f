"""How soon `phototag audit` shows the faces that are named wrong.

    python benchmarks/audit.py LIBRARY TRUTH [--seeds 5] [--share 0.05] [--json]

LIBRARY is a scanned one of photos that TRUTH knows (a CSV with file,x,y,w,h,person); it is copied,
not changed. All faces of the table are named, a share of them after somebody else: anybody, as
often as they are in the photos, or (`likest`) whoever looks most like them, which is the error that
people make. Printed is the share of the wrong ones among the first tenth that is shown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from phototag import settings as setup
from phototag.bench.evaluate_clustering import matched, read_truth
from phototag.catalog import store
from phototag.catalog.examples import decided_faces
from phototag.catalog.photos import paths_named, photo_row
from phototag.catalog.store import Library
from phototag.catalog.views import faces_in_photo
from phototag.core.leave_out import trials
from phototag.work import tag
from phototag.work.audit import audit
from phototag.work.calibrate import stand_of
from phototag.work.deciding import Ground
from phototag.work.models import embedder_card, thresholds_of

NOW = "2026-01-01T00:00:00+00:00"


def truth_of(lib: Library, table: Path) -> dict[int, str]:
    """face → person of every face of the table that was found."""
    rows = defaultdict(list)
    for row in read_truth(table):
        rows[row.file].append(row)
    people = {}
    for file, listed in sorted(rows.items()):
        (place, *_) = paths_named(lib, file)
        assert place.photo is not None
        size = photo_row(lib, place.photo)
        found = faces_in_photo(lib, place.photo)
        pairs = matched(listed, found, (size["width"], size["height"]))
        people |= {found[j].id: listed[i].person for i, j in pairs.items()}
    return people


def name_all(lib: Library, ground: Ground, people: dict[int, str]) -> None:
    for person in sorted(set(people.values())):
        words = [f"face-{face}" for face, who in sorted(people.items()) if who == person]
        tag.label(lib, ground, words, person, allow_twice=True)


def likest(lib: Library, ground: Ground) -> dict[int, str]:
    """face → the person that it is most like besides its own."""
    decided = decided_faces(lib, ground.model)
    found = trials(decided.vectors, decided.people, decided.photos, stand_of(decided))
    names = {int(row[0]): str(row[1]) for row in lib.db.execute("SELECT id, name FROM people")}
    return {
        int(face): names[int(rival)] for face, rival in zip(decided.faces, found.rival, strict=True)
    }


def planted(
    people: dict[int, str], share: float, seed: int, others: dict[int, str] | None
) -> dict[int, str]:
    """The wrong names of some faces."""
    chance = np.random.default_rng(seed)
    faces = sorted(people)
    chosen = chance.choice(faces, round(share * len(faces)), replace=False).tolist()
    if others is not None:
        return {face: others[face] for face in chosen}
    wrong = {}
    for face in chosen:
        while wrong.get(face, people[face]) == people[face]:
            wrong[face] = people[faces[int(chance.integers(len(faces)))]]
    return wrong


def found_early(folder: Path, people: dict[int, str], wrong: dict[int, str]) -> float:
    """The share of the wrong ones in the first tenth of an audit of everybody."""
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "library"
        shutil.copytree(folder, copy)
        with store.open_to_write(copy, "benchmark", NOW) as lib:
            card = embedder_card(copy, setup.load(copy, {}, {}))
            levels = thresholds_of(card)
            name_all(lib, Ground(card.id, levels, NOW, "benchmark"), people | wrong)
            shown = audit(lib, card.id, levels, NOW, None, round(0.1 * len(people)))
    early = {int(doubt.face.removeprefix("face-")) for doubt in shown.doubts}
    return len(early & wrong.keys()) / len(wrong)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("library", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=0.05)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        copy = Path(place) / "library"
        shutil.copytree(options.library, copy)
        with store.open_to_write(copy, "benchmark", NOW) as lib:
            card = embedder_card(copy, setup.load(copy, {}, {}))
            people = truth_of(lib, options.truth)
            ground = Ground(card.id, thresholds_of(card), NOW, "benchmark")
            name_all(lib, ground, people)
            confusing = likest(lib, ground)
    said: dict[str, object] = {"model": card.id, "faces": len(people)}
    for kind, others in (("anybody", None), ("likest", confusing)):
        shares = [
            found_early(options.library, people, planted(people, options.share, seed, others))
            for seed in range(options.seeds)
        ]
        said[kind] = {"mean": round(statistics.mean(shares), 3), "least": round(min(shares), 3)}
    if options.json:
        print(json.dumps(said, indent=2))
        return
    for name, value in said.items():
        print(f"{name:<10} {value}")


if __name__ == "__main__":
    main()
