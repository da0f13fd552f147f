"""The recipe: it learns, it can be stopped and resumed, it grows, and what it writes can ship."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.bench.checkpoint import read_checkpoint
from phototag.bench.faces import FaceSet, load_faces, load_pairs
from phototag.bench.folded import fold_checkpoint
from phototag.bench.recipe import Augmentation, Recipe, load_recipe
from phototag.errors import UsageError

SHORT = Recipe(sizes=(32,), shares=(1.0,), steps=12, batch=20, optimizer="adamw", rate=1e-3, warm=2)


@pytest.fixture(scope="module")
def faces(face_folder: Path) -> FaceSet:
    """200 real faces with the teacher's vectors."""
    return load_faces([face_folder / "shard-0.npz"], limit=200)


def averages(checkpoint: Path) -> dict[str, NDArray[np.float64]]:
    """The averaged weights of a run, by name."""
    with np.load(checkpoint) as found:
        names = [name for name in found.files if name.startswith("average/")]
        return {name: found[name].astype(np.float64) for name in names}


@pytest.mark.train
def test_the_loss_falls_and_a_resumed_run_ends_where_an_uninterrupted_one_does(
    faces: FaceSet, face_folder: Path, tmp_path: Path
) -> None:
    from phototag.bench.train_embedder import train

    dev_faces, pairs = load_pairs(face_folder / "lfw_dev_aligned.npz")
    few = pairs[np.r_[0:20, 500:520]]
    rows, renamed = np.unique(few[:, :2], return_inverse=True)
    dev = (dev_faces.take(rows), np.column_stack([renamed.reshape(-1, 2), few[:, 2]]))

    whole = train(SHORT, faces, tmp_path / "whole", every=1e9, dev=dev)
    assert whole.finished
    assert whole.best is not None

    begun = train(SHORT, faces, tmp_path / "parts", every=1e9, stop_after=lambda step: step >= 5)
    assert not begun.finished
    assert begun.checks[-1].step == 5
    halfway = averages(tmp_path / "parts" / "last.npz")
    resumed = train(replace(SHORT, rate=99.0), faces, tmp_path / "parts", resume=True, every=1e9)
    assert resumed.finished
    assert resumed.checks[-1].seen == 12 * 20

    first, last = begun.checks[-1].losses, resumed.checks[-1].losses
    assert last["cosine"] < first["cosine"]
    assert last["relation"] < first["relation"]

    ends, resumed_ends = (averages(tmp_path / name / "last.npz") for name in ("whole", "parts"))
    assert ends.keys() == resumed_ends.keys() == halfway.keys()
    assert len(ends) == 85 - 14  # the reference also counts its batches
    # Threads add in any order, so two runs differ a little: by far less than what seven steps
    # change. But one bias is taken away by the normalisation behind it, and drifts as it likes.
    off = {
        name: np.linalg.norm(end - resumed_ends[name]) / np.linalg.norm(end - halfway[name])
        for name, end in ends.items()
    }
    *others, _ = sorted(off.values())
    # Two uninterrupted runs differ by 0.01 to 0.03 of that, and at times by 0.40.
    assert others[-1] < 0.6, off

    with (tmp_path / "whole" / "log.csv").open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert (line["step"], line["px"], line["seen"]) == ("12", "32", "240")
    assert float(line["accuracy"]) == pytest.approx(whole.best, abs=1e-4)

    shipped = fold_checkpoint(read_checkpoint(tmp_path / "whole" / "best.npz"))
    assert (shipped.px, shipped.dense.shape) == (32, (2, 2, 512, 256))


@pytest.mark.train
def test_a_run_goes_on_from_weights_that_ship(faces: FaceSet, tmp_path: Path) -> None:
    import keras

    from phototag.bench.folded import load_float16
    from phototag.bench.networks import plain_vgg16
    from phototag.bench.train_embedder import _Run
    from phototag.vision.models import WEIGHTS

    weights = WEIGHTS / "face-vgg16.npz"
    shipped = load_float16(weights)
    px = shipped.px
    recipe = replace(SHORT, sizes=(px,), start=str(weights), dropout=0.0)
    few = faces.take(range(64))
    run = _Run(recipe, few, None, tmp_path)
    order = np.random.default_rng(recipe.seed).permutation(64)
    seen = run.pixels[order].astype(np.float32) / 127.5 - 1
    network = run.model.network
    opened = keras.Model(network.input, [network.get_layer("flatten").output, network.output])
    trunk, answers = (np.asarray(v) for v in opened(seen, training=True))
    folded = plain_vgg16(shipped)
    expected = keras.Model(folded.input, folded.get_layer("flatten").output)(seen)
    np.testing.assert_allclose(trunk, np.asarray(expected), rtol=1e-2, atol=1e-2)
    likeness = (answers * few.targets[order]).sum(axis=1) / np.linalg.norm(answers, axis=1)
    assert likeness.mean() > 0.5


@pytest.mark.train
def test_a_run_grows_and_keeps_what_it_learned(faces: FaceSet, tmp_path: Path) -> None:
    from phototag.bench.train_embedder import _Run

    recipe = replace(SHORT, sizes=(32, 48), shares=(0.5, 0.5), steps=4, identity=0.1)
    run = _Run(recipe, faces, None, tmp_path)
    random = np.random.default_rng(1)
    for variable in run.model.optimizer.variables[2:]:  # as after some steps
        variable.assign(random.normal(size=variable.shape))
    before = [np.array(w) for w in run.model.network.get_weights()]
    speed = [np.asarray(v).copy() for v in run.model.optimizer.variables]
    run._enter(1, run.model)
    assert (run.px, run.pixels.shape[1]) == (48, 48)
    for old, new in zip(before, run.model.network.get_weights(), strict=True):
        assert np.array_equal(old, new)
    for old, new in zip(speed, run.model.optimizer.variables, strict=True):
        assert np.array_equal(old, np.asarray(new))


@pytest.mark.train
def test_muon_steps_have_equal_singular_values() -> None:
    from phototag.bench.muon import orthogonalised

    random = np.random.default_rng(1)
    for shape in ((40, 90), (90, 40)):
        matrix = random.normal(size=shape) * np.geomspace(1, 30, shape[1])
        found = np.linalg.svd(np.asarray(orthogonalised(matrix.astype(np.float32))))[1]
        assert found.min() > 0.3
        assert found.max() < 1.3
        values = np.linalg.svd(matrix)[1]
        assert values.max() > 10 * values.min()


@pytest.mark.train
def test_muon_takes_kernels_and_leaves_the_rest_to_adam() -> None:
    import keras

    from phototag.bench.muon import Muon

    model = keras.Sequential(
        name="sequential",
        layers=[
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, name="first"),
            keras.layers.Conv2D(6, 3, name="second"),
            keras.layers.BatchNormalization(),
            keras.layers.Flatten(),
            keras.layers.Dense(5, name="dense"),
            keras.layers.Dense(2, name="centres"),
        ],
    )
    optimizer = Muon(0.01, plain=("centres",))
    kernels = [v.path for v in model.trainable_variables if optimizer.is_kernel(v)]
    assert kernels == ["sequential/second/kernel", "sequential/dense/kernel"]
    model.compile(optimizer, loss="mse")
    random = np.random.default_rng(0)
    x, y = random.normal(size=(32, 8, 8, 3)), random.normal(size=(32, 2))
    losses = [model.train_on_batch(x, y) for _ in range(30)]
    assert losses[-1] < 0.5 * losses[0]


@pytest.mark.train
def test_the_losses_are_those_of_their_definitions() -> None:
    from phototag.bench.losses import cosine_loss, identity_loss, relation_loss, unit

    random = np.random.default_rng(2)
    a, b = (np.asarray(unit(random.normal(size=(6, 16)).astype(np.float32))) for _ in range(2))
    assert float(cosine_loss(a, b)) == pytest.approx(1 - (a * b).sum(axis=1).mean(), abs=1e-6)
    assert float(relation_loss(a, a)) == 0
    off = np.abs(a @ a.T - b @ b.T)
    expected = 10 * np.where(off < 0.1, off**2 / 0.2, off - 0.05).mean()
    assert float(relation_loss(a, b)) == pytest.approx(expected, rel=1e-4)

    centres = random.normal(size=(3, 16)).astype(np.float32)
    labels = np.array([0, -1, 2, 1, -1, 0], dtype=np.int32)
    cosines = a @ (centres / np.linalg.norm(centres, axis=1, keepdims=True)).T
    each = []
    for row, label in zip(cosines, labels, strict=True):
        if label >= 0:
            logits = row.copy()
            logits[label] = np.cos(np.arccos(row[label]) + 0.3)
            logits *= 32
            each.append(np.log(np.exp(logits - logits.max()).sum()) + logits.max() - logits[label])
    found = identity_loss(a, centres, labels, margin=0.3, sharpness=32.0)
    assert float(found) == pytest.approx(np.mean(each), rel=1e-3)
    nobody = np.full(6, -1, dtype=np.int32)
    assert float(identity_loss(a, centres, nobody, margin=0.3, sharpness=32.0)) == 0


NOTHING = Augmentation(
    share=1.0, turn=0, scale=0, shift=0, contrast=0, brightness=0, gamma=0, saturation=0,
    white=0, grey=0, blur=0, low=0, jpeg=0, noise=0, erase=0,
)  # fmt: skip


@pytest.mark.train
@pytest.mark.parametrize(
    ("change", "least"),
    [
        ({"turn": 20.0}, 0.01),
        ({"scale": 0.2}, 0.01),
        ({"shift": 0.2}, 0.01),
        ({"contrast": 0.5}, 0.01),
        ({"brightness": 0.3}, 0.01),
        ({"gamma": 0.6}, 0.01),
        ({"saturation": 0.9}, 0.005),
        ({"white": 0.3}, 0.01),
        ({"grey": 1.0}, 0.01),
        ({"blur": 1.0}, 0.005),
        ({"low": 3.0}, 0.005),
        ({"jpeg": 1.0}, 0.004),
        ({"noise": 1.0}, 0.005),
        ({"erase": 1.0}, 0.008),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_augmentation_changes_faces_and_only_when_asked(
    change: dict[str, float], least: float, faces: FaceSet
) -> None:
    from phototag.bench.augment import Augmenter

    given = faces.take(range(8)).pixels(48).astype(np.float32) / 255
    plain = np.asarray(Augmenter(NOTHING, 48, 1)(given))
    mirrored = given[:, :, ::-1]
    for i in range(8):  # nothing but the mirror
        near = min(np.abs(plain[i] - given[i]).max(), np.abs(plain[i] - mirrored[i]).max())
        assert near < 2e-3
    changed = np.asarray(Augmenter(replace(NOTHING, **change), 48, 1)(given))
    assert np.abs(changed - plain).mean() > least
    assert 0 <= changed.min() <= changed.max() <= 1
    assert np.abs(changed - plain).mean() < 0.3


@pytest.mark.train
def test_compression_is_that_of_a_jpeg_file(faces: FaceSet) -> None:
    import io

    from PIL import Image

    from phototag.bench.augment import compressed

    given = faces.take([3]).pixels(48)
    out = io.BytesIO()
    Image.fromarray(given[0]).save(out, "JPEG", quality=50, subsampling=0)
    real = np.asarray(Image.open(out)).astype(np.float32) / 255
    coarseness = np.full((1, 1, 1, 1), 16, np.float32)
    ours = np.asarray(compressed(given.astype(np.float32) / 255, coarseness))[0]
    original = given[0] / 255
    assert np.abs(ours - real).mean() < 0.6 * np.abs(original - real).mean()


def test_a_recipe_comes_back_from_its_file(tmp_path: Path) -> None:
    recipe = replace(SHORT, augmentation=Augmentation(turn=4.0))
    recipe.save(tmp_path / "recipe.json")
    assert load_recipe(tmp_path / "recipe.json") == recipe
    (tmp_path / "recipe.json").write_text('{"speed": 3}')
    with pytest.raises(UsageError, match="recipe"):
        load_recipe(tmp_path / "recipe.json")


def test_the_budget_decides_rate_and_size() -> None:
    recipe = Recipe(sizes=(32, 48, 112), shares=(0.2, 0.3, 0.5), minutes=10, rate=1.0, warm=10)
    assert [recipe.stage(p) for p in (0.0, 0.19, 0.2, 0.49, 0.5, 1.0)] == [0, 0, 1, 1, 2, 2]
    assert recipe.progress(5, 300) == pytest.approx(0.5)
    assert recipe.rate_at(0, 0.0) == pytest.approx(0.1)
    assert recipe.rate_at(10, 0.0) == pytest.approx(1.0)
    assert recipe.rate_at(500, 0.5) == pytest.approx(0.5)
    assert recipe.rate_at(900, 1.0) == recipe.floor
    assert recipe.average_at(0) < 0.02
    assert recipe.average_at(10**6) == recipe.average


@pytest.mark.parametrize(
    ("change", "word"),
    [({"minutes": 3.0}, "budget"), ({"shares": (0.5,)}, "add up"), ({"sizes": (32, 48)}, "size")],
)
def test_a_recipe_that_makes_no_sense_says_why(change: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        replace(SHORT, **change).checked()  # type: ignore[arg-type]


def test_faces_without_teacher_vectors_cannot_be_learned_from(
    faces: FaceSet, tmp_path: Path
) -> None:
    from phototag.bench.train_embedder import train

    bare = replace(faces, targets=np.empty((len(faces), 0), np.float32))
    with pytest.raises(UsageError, match="teacher"):
        train(SHORT, bare, tmp_path)
