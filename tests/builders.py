"""What tests build: a tiny embedder with its card, and a library of painted photos.

The library is real (SQLite, files, sidecars, sheet), its decisions and groups come from the
program's own verbs; only the vectors are chosen, so that every law of recognition has its face.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from phototag import settings as setup
from phototag.catalog import photos as table
from phototag.catalog import store
from phototag.catalog.store import Library
from phototag.core.types import (
    Box,
    FaceRecord,
    Landmarks,
    PhotoRecord,
    Thresholds,
    Vectors,
    on_grid,
)
from phototag.images.read import as_webp, photo_key, pixel_key, read
from phototag.images.thumbs import face_crop
from phototag.vision.models import ModelCard, card_json, digest_of
from phototag.work import tag
from phototag.work.group import regroup
from phototag.work.pictures import keep_pictures
from phototag.work.publish import Publisher
from phototag.work.tag import Ground

DIM = 64
LEVELS = Thresholds(accept=0.5, suggest=0.35, cluster=0.4, margin=0.05)
MEASURED = {
    "calibration": {
        "people": 80,
        "faces": 1234,
        "accept": {"false_match_rate": 1e-4},
        "suggest": {"false_match_rate": 1e-2},
    }
}

ALICE, BOB, TARO, CAROL, STRANGER, OTHER, LONE, PASSER, STATUE, GONE = range(10)
NAMES = {ALICE: "Alice", BOB: "Bob", TARO: "山田 太郎"}


def tiny_embedder(folder: Path, name: str = "painted", seed: int = 1) -> ModelCard:
    """An ONNX network that shrinks a crop to 8x8 and projects it at random, and its card."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir(parents=True, exist_ok=True)
    weights = np.random.default_rng(seed).normal(size=(192, DIM)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node(
                "AveragePool", ["faces"], ["small"], kernel_shape=[4, 4], strides=[4, 4]
            ),
            helper.make_node("Flatten", ["small"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["embedding"]),
        ],
        name,
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", DIM])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / f"{name}.onnx")
    digest = digest_of(folder / f"{name}.onnx")
    card = ModelCard(
        id=f"{name}-{digest[:12]}",
        name=name,
        kind="embedder",
        file=f"{name}.onnx",
        digest=digest,
        folder=folder,
        size=32,
        dim=DIM,
        thresholds=LEVELS,
        measurements=MEASURED,
    )
    (folder / f"{name}.json").write_text(card_json(card), encoding="utf-8")
    return card


def trained_run(folder: Path, seed: int = 3) -> Path:
    """A run folder with a network of random weights that knows Alice and Bob."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    folder.mkdir()
    weights = np.random.default_rng(seed).normal(size=(192, 2)).astype(np.float32) * 3
    graph = helper.make_graph(
        [
            helper.make_node("AveragePool", ["faces"], ["p"], kernel_shape=[4, 4], strides=[4, 4]),
            helper.make_node("Flatten", ["p"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
            helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.FLOAT, ["n", 3, 32, 32])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["n", 2])],
        [numpy_helper.from_array(weights, "weights")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "model.onnx")
    digest = digest_of(folder / "model.onnx")
    card = {
        "id": f"classifier-tiny-{digest[:12]}", "name": "tiny", "kind": "classifier", "format": 1,
        "file": "model.onnx", "digest": digest, "size": 32, "dim": 2, "classes": ["Alice", "Bob"],
        "not_recognised": {"threshold": 0.6},
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    return folder


def looks(likeness: dict[int, float], own: int) -> Vectors:
    """A unit vector with these cosines to people's axes; the rest lies on an axis of its own."""
    vector = np.zeros(DIM)
    for axis, cosine in likeness.items():
        vector[axis] = cosine
    vector[10 + own] = np.sqrt(1 - (vector**2).sum())
    return on_grid(vector)


@dataclass(frozen=True, slots=True)
class Seen:
    """A face of a painted photo."""

    likeness: dict[int, float]
    quality: float = 0.9


@dataclass(frozen=True, slots=True)
class Painted:
    """A painted photo."""

    name: str | bytes
    taken: str
    faces: tuple[Seen, ...] = ()


def one(axis: int, likeness: float, quality: float = 0.9) -> Seen:
    return Seen({axis: likeness}, quality)


PHOTOS = (
    Painted("alice 1.jpg", "2019-07-14T10:00:00", (one(ALICE, 0.9),)),
    Painted("alice-bob.jpg", "2019-07-15T11:00:00", (one(ALICE, 0.9), one(BOB, 0.9))),
    Painted("2020/alice3.jpg", "2020-01-01T00:00:00", (one(ALICE, 0.85),)),
    Painted("bob.jpg", "2018-05-01T09:00:00", (one(BOB, 0.9),)),
    Painted("2020/家族.jpg", "2020-02-02T12:00:00", (one(TARO, 0.9),)),
    Painted("2021/alice4.jpg", "2021-03-03T08:00:00", (one(ALICE, 0.8),)),
    Painted("2021/dim.jpg", "2021-04-04T08:00:00", (one(ALICE, 0.5),)),
    Painted("2021/between.jpg", "2021-05-05T08:00:00", (Seen({ALICE: 0.62, BOB: 0.6}),)),
    Painted("2021/twins.jpg", "2021-06-06T08:00:00", (one(ALICE, 0.8), one(ALICE, 0.7))),
    Painted("2021/never.jpg", "2021-07-07T08:00:00", (one(ALICE, 0.8),)),
    Painted(b"2021/caf\xe9.jpg", "2021-08-08T08:00:00", (one(ALICE, 0.75), one(BOB, 0.7))),
    Painted("carol1.jpg", "2017-01-01T10:00:00", (one(CAROL, 0.9),)),
    Painted("carol2.jpg", "2017-01-02T10:00:00", (one(CAROL, 0.9),)),
    Painted("s1.jpg", "2016-01-01T10:00:00", (one(STRANGER, 0.9), one(OTHER, 0.9))),
    Painted("s2.jpg", "2016-01-02T10:00:00", (one(STRANGER, 0.9),)),
    Painted("s3.jpg", "2016-01-03T10:00:00", (one(STRANGER, 0.8, quality=0.2),)),
    Painted("o2.jpg", "2016-02-02T10:00:00", (one(OTHER, 0.9),)),
    Painted("lone.jpg", "2015-01-01T10:00:00", (one(LONE, 0.9),)),
    Painted("passer.jpg", "2015-01-02T10:00:00", (one(PASSER, 0.9),)),
    Painted("statue.jpg", "2015-01-03T10:00:00", (one(STATUE, 0.9), one(ALICE, 0.72))),
    Painted("gone.jpg", "2014-01-01T10:00:00", (one(BOB, 0.85),)),
    Painted("nobody.jpg", "2013-01-01T10:00:00"),
)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Home:
    """A library and its photos."""

    library: Path
    photos: Path

    def photo(self, name: str | bytes) -> str:
        return os.path.join(str(self.photos), os.fsdecode(name))

    def face(self, name: str | bytes, index: int = 1) -> str:
        """`face-17`: the face of that place in a photo."""
        with store.open_to_read(self.library) as lib:
            target = tag.find_target(lib, f"{self.photo(name)}#{index}")
        return f"face-{target.number}"

    def sql(self, text: str, *values: object) -> list[tuple[object, ...]]:
        """Run a statement on the catalogue, as nobody should."""
        db = sqlite3.connect(self.library / "catalog.sqlite")
        db.execute("PRAGMA synchronous = OFF")
        try:
            with db:
                return db.execute(text, values).fetchall()
        finally:
            db.close()


def painted_home(folder: Path) -> Home:
    """Make the photos and their library, with people, suggestions, clusters and every law."""
    home = Home(folder / "library", folder / "photos")
    card = tiny_embedder(home.library / "models")
    (home.library / "phototag.toml").write_text('embedder = "painted"\n', encoding="utf-8")
    home.photos.mkdir()
    with store.open_to_write(home.library, "phototag scan", NOW.isoformat(), create=True) as lib:
        run = store.begin_run(lib, NOW.isoformat(timespec="seconds"), "phototag scan photos")
        with lib.transaction():
            _fill(lib, home, card)
        regroup(lib, card.id, LEVELS)
        store.end_run(lib, run, NOW.isoformat(timespec="seconds"), "done", {"new": len(PHOTOS)})
        _decide(lib, home, card)
        settings = setup.load(home.library, {}, {})
        Publisher(lib, settings, card.id, default_library=False).run()
    return home


def copied_home(painted: Home, folder: Path) -> Home:
    """A copy of photos and library, to be changed."""
    copy = Home(folder / "library", folder / "photos")
    shutil.copytree(painted.library, copy.library)
    shutil.copytree(painted.photos, copy.photos)
    old, new = str(painted.photos), str(copy.photos)
    copy.sql("UPDATE roots SET path = ?", new)
    copy.sql("UPDATE outputs SET path = replace(path, ?, ?) WHERE typeof(path) = 'text'", old, new)
    for (path,) in copy.sql("SELECT path FROM outputs WHERE typeof(path) = 'blob'"):
        moved = bytes(path).replace(old.encode(), new.encode())
        copy.sql("UPDATE outputs SET path = ? WHERE path = ?", moved, path)
    return copy


def _fill(lib: Library, home: Home, card: ModelCard) -> None:
    root, _ = table.adopt_root(lib, str(home.photos))
    number = 0
    for place, photo in enumerate(PHOTOS):
        path = home.photo(photo.name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        picture = _paint(len(photo.faces), place)
        with open(path, "wb") as file:
            file.write(picture)
        vectors = [looks(face.likeness, number + i) for i, face in enumerate(photo.faces)]
        number += len(vectors)
        record = _record(picture, path, photo, vectors)
        added, faces = table.add_photo(lib, record, len(picture), "mtcnn", card.id)
        keep_pictures(lib.folder, record, faces)
        _place(lib, root, home, path, added)
    copy = home.photo("alice 1 (copy).jpg")
    Path(copy).write_bytes(Path(home.photo("alice 1.jpg")).read_bytes())
    first = table.path_at(lib, home.photo("alice 1.jpg"))
    assert first is not None
    _place(lib, root, home, copy, first.photo)
    Path(home.photo("broken.jpg")).write_bytes(b"\xff\xd8\xff broken")
    table.set_failure(
        lib, _place(lib, root, home, home.photo("broken.jpg"), None), "truncated", "it ends early."
    )


def _place(lib: Library, root: int, home: Home, path: str, photo: int | None) -> int:
    inside = os.path.relpath(path, home.photos)
    status = os.stat(path)
    return table.set_path(
        lib,
        root,
        os.path.dirname(inside),
        os.path.basename(inside),
        status.st_size,
        status.st_mtime_ns,
        photo,
    )


def _paint(faces: int, seed: int) -> bytes:
    """A JPEG of 320x240 with that many ovals."""
    colours = np.random.default_rng(seed).integers(40, 220, size=(faces + 1, 3)).tolist()
    image = Image.new("RGB", (320, 240), tuple(colours[0]))
    pen = ImageDraw.Draw(image)
    for number in range(faces):
        left = 40 + 120 * number
        pen.ellipse((left, 60, left + 80, 160), fill=tuple(colours[number + 1]))
        for eye in (25, 55):
            pen.ellipse((left + eye - 4, 95, left + eye + 4, 103), fill=(20, 20, 20))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=90)
    return out.getvalue()


def _record(data: bytes, path: str, photo: Painted, vectors: Sequence[Vectors]) -> PhotoRecord:
    picture = read(data, path)
    faces = []
    for number, (seen, vector) in enumerate(zip(photo.faces, vectors, strict=True)):
        left = (40 + 120 * number) / 320
        box = Box(left, 0.25, 0.25, 100 / 240)
        eyes = ((left + 25 / 320, 0.41), (left + 55 / 320, 0.41))
        points = (*eyes, (left + 0.125, 0.5), (left + 0.08, 0.58), (left + 0.17, 0.58))
        crop = face_crop(picture.pixels, box)
        faces.append(FaceRecord(box, Landmarks(points), 0.99, seen.quality, vector, crop))
    return PhotoRecord(
        key=photo_key(data),
        pixel_key=pixel_key(picture),
        width=picture.width,
        height=picture.height,
        format=picture.format,
        taken=photo.taken,
        faces=tuple(faces),
        thumb=as_webp(picture.pixels, 512) if faces else None,
    )


def _decide(lib: Library, home: Home, card: ModelCard) -> None:
    """What the user of this library said."""
    ground = Ground(card.id, LEVELS, NOW.isoformat(timespec="seconds"), "tester")

    def face(name: str, index: int = 1) -> str:
        return f"{home.photo(name)}#{index}"

    alice = [face("alice 1.jpg"), face("alice-bob.jpg"), face("2020/alice3.jpg")]
    tag.label(lib, ground, alice, "Alice")
    tag.reject(lib, ground, [face("2021/never.jpg")], "Alice")
    tag.label(lib, ground, [face("alice-bob.jpg", 2), face("bob.jpg"), face("gone.jpg")], "Bob")
    tag.label(lib, ground, [face("2020/家族.jpg")], "山田 太郎")
    carol = tag.find_target(lib, face("carol1.jpg")).number
    cluster = lib.db.execute("SELECT cluster_id FROM assignments WHERE face_id = ?", (carol,))
    tag.label(lib, ground, [f"cluster-{cluster.fetchone()[0]}"], "Carol")
    tag.ignore(lib, ground, [face("passer.jpg")])
    tag.not_a_face(lib, ground, [face("statue.jpg")])
    tag.ignore(lib, ground, [face("lone.jpg")])
    tag.undo(lib, ground)
    _lose(lib, home, "gone.jpg", card)


def _lose(lib: Library, home: Home, name: str, card: ModelCard) -> None:
    """A photo is deleted, and a scan notices."""
    row = table.path_at(lib, home.photo(name))
    assert row is not None
    assert row.photo is not None
    os.unlink(home.photo(name))
    with lib.transaction():
        table.set_missing(lib, row.id, NOW.isoformat(timespec="seconds"))
        table.refresh_live(lib, [row.photo])
    regroup(lib, card.id, LEVELS)
