"""Check `sample_gallery/`: every face found and no other, eight people, and nobody real among them.

    python benchmarks/check_sample_gallery.py --crops crops.npz
    python benchmarks/check_sample_gallery.py --crops crops.npz --teacher ../shared/faces

The first call detects with phototag's MTCNN at 1280 px, compares with truth.csv and stores the
aligned faces; the second needs PyTorch: a strong recogniser compares them with one another, with
the faces they were averaged from and with all others in the shards. Measurement only.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

import numpy as np
from gallery.people import PEOPLE
from numpy.typing import NDArray

Matrix = NDArray[np.float32]


def overlap(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (x, y, w, h)."""
    side = np.minimum(a[:2] + a[2:], b[:2] + b[2:]) - np.maximum(a[:2], b[:2])
    both = float(np.prod(np.maximum(side, 0)))
    return both / float(np.prod(a[2:]) + np.prod(b[2:]) - both)


def detect(gallery: Path, crops_to: Path) -> bool:
    """Compare detections with the table. Returns whether all is as it should be."""
    from phototag.images.read import read
    from phototag.vision.align import align
    from phototag.vision.mtcnn import Mtcnn

    with (gallery / "truth.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    mtcnn, crops, people, overlaps, wrong = Mtcnn(), [], [], [], 0
    suffixes = {".jpg", ".webp", ".heic"}
    for path in sorted(p for p in gallery.rglob("*") if p.suffix.lower() in suffixes):
        data, name = path.read_bytes(), path.relative_to(gallery).as_posix()
        small, full = read(data, name, longest=1280).pixels, read(data, name).pixels
        size = np.array([full.shape[1], full.shape[0]])
        there = {
            r["person"]: np.array([float(r[k]) for k in "xywh"]) for r in rows if r["file"] == name
        }
        for found in mtcnn.detect(small):
            b = found.box
            box = np.array([b.x, b.y, b.width, b.height]) * np.tile(size, 2)
            best = max(there, key=lambda p: overlap(box, there[p]), default=None)
            if best is None or overlap(box, there[best]) < 0.5:
                print(f"false: {name} {box.round().tolist()}")
                wrong += 1
                continue
            overlaps.append(overlap(box, there.pop(best)))
            crops.append(align(full, found.landmarks.array(*size)))
            people.append(best)
        for person in there:
            print(f"missed: {name} {person}")
        wrong += len(there)
    np.savez(crops_to, crops=np.array(crops), people=np.array(people))
    print(f"{len(crops)} faces found, {wrong} wrong")
    print(f"overlap with the table: mean {np.mean(overlaps):.3f}, least {min(overlaps):.3f}")
    return wrong == 0


def clusters(vectors: Matrix, cut: float) -> list[int]:
    """Average linkage at a cosine distance, in plain numpy."""
    groups = [[i] for i in range(len(vectors))]
    distance = 1 - vectors @ vectors.T
    while len(groups) > 1:
        means = np.array([[distance[np.ix_(a, b)].mean() for b in groups] for a in groups])
        np.fill_diagonal(means, np.inf)
        a, b = (int(v) for v in np.unravel_index(np.argmin(means), means.shape))
        if means[a, b] > cut:
            break
        groups[a] += groups.pop(b) if b > a else []
    labels = np.empty(len(vectors), int)
    for k, members in enumerate(groups):
        labels[members] = k
    return labels.tolist()


def compare(crops_from: Path, folder: Path) -> bool:
    """Similarities by the teacher of ../shared/faces. Returns whether all is as it should be."""
    sys.path.insert(0, str(folder))
    import torch
    from train_torch import Teacher

    with np.load(crops_from) as z:
        crops, people = z["crops"], z["people"]
    teacher = Teacher(str(folder / "teacher.npz")).eval()
    planes = torch.from_numpy(np.ascontiguousarray(crops.transpose(0, 3, 1, 2))).float() / 255
    v = np.concatenate([teacher(planes[i : i + 16]).numpy() for i in range(0, len(planes), 16)])
    shards = [np.load(folder / f"shard-{k}.npz")["target"].astype(np.float32) for k in range(3)]
    shards = [t / np.linalg.norm(t, axis=1, keepdims=True) for t in shards]
    alike, same = v @ v.T, people[:, None] == people[None]
    pairs = np.triu(np.ones_like(same), 1)
    print(
        f"same person: mean {alike[same & pairs].mean():.3f}, least {alike[same & pairs].min():.3f}"
    )
    print(
        f"different: mean {alike[~same & pairs].mean():.3f}, most {alike[~same & pairs].max():.3f}"
    )
    worst = 0.0
    for look in PEOPLE:
        mine = v[people == look.name]
        sources = mine @ np.array([shards[s][i] for s, i in look.sources]).T
        stranger = max(float((mine @ t.T).max()) for t in shards)
        worst = max(worst, float(sources.max()))
        print(
            f"{look.name:10s} {len(mine)} faces; to its sources: mean {sources.mean():.2f},"
            f" most {sources.max():.2f}; most like anyone in the shards {stranger:.2f}"
        )
    good = worst <= 0.5
    for cut in (0.45, 0.55, 0.65):
        labels = clusters(v, cut)
        exact = (
            len(set(labels)) == len(set(zip(labels, people.tolist(), strict=True))) == len(PEOPLE)
        )
        verdict = "exactly the people" if exact else "not the people"
        print(f"average linkage cut at {cut}: {len(set(labels))} clusters, {verdict}")
        good &= exact
    return good


def main() -> int:
    a = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    a.add_argument("--gallery", type=Path, default=Path("sample_gallery"))
    a.add_argument("--crops", type=Path, required=True, help="where the aligned faces are kept")
    a.add_argument("--teacher", type=Path, help="the folder with teacher.npz and train_torch.py")
    o = a.parse_args()
    good = compare(o.crops, o.teacher) if o.teacher else detect(o.gallery, o.crops)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
