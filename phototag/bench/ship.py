"""From a checkpoint to what ships: float16 weights, the int8 ONNX model, its card, measured and
calibrated."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from phototag.bench.card import ABOUT
from phototag.bench.checkpoint import read_checkpoint
from phototag.bench.faces import FaceSet, load_faces, load_pairs
from phototag.bench.folded import FoldedVGG16, fold_checkpoint, has_fifth_pool, save_float16
from phototag.bench.metrics import roc
from phototag.bench.onnx_vgg import MEAN, SCALE, Ranges, float_model, int8_model
from phototag.bench.ranges import measure_ranges
from phototag.bench.thresholds import (
    Calibration,
    all_pairs,
    balanced_accuracy,
    calibrate,
    pair_accuracy,
)
from phototag.bench.whiten import chosen, whitened
from phototag.core.types import Vectors
from phototag.errors import ModelError
from phototag.vision.embed import Embedder, shrink
from phototag.vision.models import ModelCard, Part, Session, card_json, channels, digest_of

NAME = "face-vgg16"
CALIBRATION_FACES = 384
LEAST_COSINE = 0.98
MOST_LOST = 0.002
EMBEDDED_AT_ONCE = 64
COMPARED = 900
"""Calibration faces on which int8 and float32 are compared."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What was written and how good it is."""

    card: Path
    id: str
    accuracy: float
    """On the development pairs (LFW View 1 test), by ten folds; the int8 model."""
    float_accuracy: float
    tar: float
    cosine: float
    """Mean cosine between the int8 and the float32 embeddings of the development faces."""
    lost: float
    """What int8 loses of the balanced accuracy over all pairs of COMPARED calibration faces
    (hundreds of thousands of pairs: the thousand development pairs move by half a point either
    way by chance)."""
    thresholds: Mapping[str, float]


def ship(
    checkpoint: Path,
    faces: Path,
    out: Path,
    *,
    px: int | None = None,
    mirror: bool = True,
    bits: int = 7,
    whiten: bool = True,
    check: bool = True,
) -> Shipped:
    """Write `face-vgg16.npz`, `face-vgg16.int8.onnx` and `face-vgg16.json` into `out`.

    `faces` is the folder of aligned faces (shards, calibration, development). The files appear only
    when all is measured. Raises ModelError, with the figures, when int8 loses more than the recipe
    allows (unless `check` is off).
    """
    network = fold_checkpoint(read_checkpoint(checkpoint, px))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out) as folder:
        shards = load_faces(sorted(faces.glob("shard-*.npz")))
        ranges = measure_ranges(
            network,
            shards.take(range(min(len(shards), CALIBRATION_FACES))).pixels(network.px),
            weight_limit=2 ** (bits - 1) - (bits == 8),
        )
        if whiten:
            network = _whitened(network, ranges, shards, Path(folder))
        card, reference = write_models(network, ranges, Path(folder), mirror=mirror)
        card = replace(card, about={**card.about, "whitened": whiten})
        card, result = measure(card, reference, faces)
        if check and (result.cosine < LEAST_COSINE or result.lost > MOST_LOST):
            raise ModelError(
                f"int8 loses too much: mean cosine {result.cosine:.4f} (at least {LEAST_COSINE}), "
                f"{result.lost:.4f} of the accuracy (at most {MOST_LOST}). Nothing was written."
            )
        (card.folder / f"{NAME}.json").write_text(card_json(card), encoding="utf-8")
        for name in (f"{NAME}.npz", card.file, f"{NAME}.json"):
            (card.folder / name).replace(out / name)
    return replace(result, card=out / f"{NAME}.json")


def _whitened(network: FoldedVGG16, ranges: Ranges, shards: FaceSet, folder: Path) -> FoldedVGG16:
    """The network with its output whitened by what the int8 model says of training faces."""
    path = folder / "unwhitened.onnx"
    path.write_bytes(int8_model(network, ranges).SerializeToString())
    rows = chosen(shards)
    some = shards.take(rows)
    session = Session(path)
    vectors = []
    for start in range(0, len(some), EMBEDDED_AT_ONCE):
        part = some.take(range(start, min(len(some), start + EMBEDDED_AT_ONCE)))
        values = (part.pixels(network.px).astype(np.float32) - MEAN) / SCALE
        vectors.append(session.run(np.ascontiguousarray(values.transpose(0, 3, 1, 2))))
    path.unlink()
    return whitened(network, np.concatenate(vectors), some.labels)


def write_models(
    network: FoldedVGG16, ranges: Ranges, out: Path, *, mirror: bool
) -> tuple[ModelCard, ModelCard]:
    """The files of a folded network in `out`: the int8 model's card and the float32 model's (for
    comparison only)."""
    save_float16(network, out / f"{NAME}.npz")
    (out / f"{NAME}.int8.onnx").write_bytes(int8_model(network, ranges).SerializeToString())
    (out / "float.onnx").write_bytes(float_model(network).SerializeToString())
    shipped = _card(network, out, f"{NAME}.int8.onnx", mirror)
    weights = Part(f"{NAME}.npz", digest_of(out / f"{NAME}.npz"))
    about = dict(ABOUT) | {
        "fifth_pooling": has_fifth_pool(network.px),
        "quantisation": {
            "scheme": "QDQ, static, activations in 8 bits (per tensor), weights per channel",
            "weight_limit": ranges.weight_limit,
            "calibrated_on": f"{CALIBRATION_FACES} training faces",
        },
    }
    return (
        replace(shipped, parts={"float16": weights}, about=about),
        _card(network, out, "float.onnx", mirror),
    )


def _card(network: FoldedVGG16, folder: Path, file: str, mirror: bool) -> ModelCard:
    digest = digest_of(folder / file)
    return ModelCard(
        id=f"{NAME}-{digest[:12]}",
        name=NAME,
        kind="embedder",
        file=file,
        digest=digest,
        folder=folder,
        size=network.px,
        mean=channels(MEAN),
        scale=channels(SCALE),
        dim=network.dim,
        mirror=mirror,
    )


def measure(card: ModelCard, reference: ModelCard, faces: Path) -> tuple[ModelCard, Shipped]:
    """The card with thresholds and measurements, and the figures that decide if it may ship."""
    dev, pairs = load_pairs(faces / "lfw_dev_aligned.npz")
    crops = dev.pixels()
    quantized, exact = Embedder(card).embed(crops), Embedder(reference).embed(crops)
    accuracy, tar = pair_accuracy(quantized, pairs)
    float_accuracy, _ = pair_accuracy(exact, pairs)
    cosine = float((quantized * exact).sum(axis=1).mean())
    people = load_faces([faces / "calibration.npz"])
    crops_of_people = people.pixels()
    vectors = Embedder(card).embed(crops_of_people)
    some = np.argsort(people.labels, kind="stable")[:COMPARED]
    before = balanced_accuracy(
        Embedder(reference).embed(crops_of_people[some]), people.labels[some]
    )
    after = balanced_accuracy(vectors[some], people.labels[some])
    found = calibrate(vectors, people.labels)
    measurements = {
        "development_pairs": {
            "set": "LFW View 1 test pairs (1,000), aligned; ten folds",
            "accuracy": round(accuracy, 4),
            "tar_at_far_1e-2": round(tar, 4),
            "float32_accuracy": round(float_accuracy, 4),
            "int8_float32_mean_cosine": round(cosine, 5),
        },
        "int8_and_float32": {
            "set": f"all pairs of {COMPARED} calibration faces, balanced accuracy",
            "float32": round(before, 4),
            "int8": round(after, 4),
        },
        "slices": _slices(card, crops, pairs, vectors, people),
        "calibration": dict(found.measurements),
    }
    card = replace(card, thresholds=found.thresholds, measurements=measurements)
    return card, _shipped(card, found, accuracy, float_accuracy, tar, cosine, before - after)


def _shipped(
    card: ModelCard,
    found: Calibration,
    accuracy: float,
    float_accuracy: float,
    tar: float,
    cosine: float,
    lost: float,
) -> Shipped:
    levels = found.thresholds
    return Shipped(
        card=card.folder / f"{NAME}.json",
        id=card.id,
        accuracy=accuracy,
        float_accuracy=float_accuracy,
        tar=tar,
        cosine=cosine,
        lost=lost,
        thresholds={n: getattr(levels, n) for n in levels.__slots__},
    )


SOURCES = {0: "Families in the Wild", 1: "Families in the Wild", 2: "CelebA", 5: "Bollywood"}
"""Collections of the calibration faces, by `source`."""


def _slices(
    card: ModelCard,
    crops: NDArray[np.uint8],
    pairs: NDArray[np.integer],
    vectors: Vectors,
    people: FaceSet,
) -> dict[str, Any]:
    """Where it is better and where worse: by collection, and on development pairs made small or
    grey."""
    out: dict[str, Any] = {}
    names = np.array([SOURCES.get(int(s), "other") for s in people.sources])
    for name in sorted(set(names) - {"other"}):
        rows = np.flatnonzero(names == name)
        scores, same = all_pairs(vectors[rows], people.labels[rows])
        curve = roc(scores, same)
        out[f"calibration: {name}"] = {
            "faces": len(rows),
            "eer": round(curve.eer, 4),
            "tar_at_far_1e-2": round(curve.tar(1e-2), 4),
        }
    for name, changed in (("faces of 24 px", _small(crops, 24)), ("grey", _grey(crops))):
        accuracy, tar = pair_accuracy(Embedder(card).embed(changed), pairs)
        out[f"development pairs: {name}"] = {
            "accuracy": round(accuracy, 4),
            "tar_at_far_1e-2": round(tar, 4),
        }
    return out


def _small(crops: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """As if each face had been only `side` pixels wide in its photo."""
    full = crops.shape[1]
    return np.stack([shrink(shrink(crop, side), full) for crop in crops])


def _grey(crops: NDArray[np.uint8]) -> NDArray[np.uint8]:
    grey = crops.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    return np.repeat(np.rint(grey)[..., None], 3, axis=3).astype(np.uint8)


def summary(result: Shipped) -> str:
    """For the terminal: one JSON document."""
    return json.dumps(
        {
            "card": str(result.card),
            "id": result.id,
            "accuracy": round(result.accuracy, 4),
            "float_accuracy": round(result.float_accuracy, 4),
            "tar_at_far_1e-2": round(result.tar, 4),
            "int8_float_cosine": round(result.cosine, 5),
            "int8_loses": round(result.lost, 5),
            "thresholds": dict(result.thresholds),
        },
        indent=2,
    )
