"""`dataset`, `train`, `evaluate classification` and `compare`, as they are typed."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import Run

from phototag.bench.half_precision import AMX, AVX512, processor_flags
from phototag.cli import app
from tests.people_pictures import people_folder, picture

pytestmark = [
    pytest.mark.train,
    # Keras writes its own variables in a way that NumPy 2 finds old-fashioned.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
SMALL = ("--model", "cnn", "--size", "16", "--epochs", "4", "--batch", "16", "--quiet")


PORTRAITS = Path(__file__).resolve().parents[2] / "sample_gallery/2023/portraits"


def manifest(dataset: Path) -> list[dict[str, str]]:
    with (dataset / "manifest.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def change(path: Path, how: Callable[[dict[str, Any]], object]) -> None:
    """Change a JSON file."""
    content = json.loads(path.read_text())
    how(content)
    path.write_text(json.dumps(content))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, and one who is nobody."""
    folder = tmp_path_factory.mktemp("dataset")
    people_folder(folder / "people", {"Ann": 14, "Bob": 14, "Cleo": 8, "Dan": 2})
    words = ("build", folder / "people", "--out", folder / "set", "--aligned", "--quiet")
    more = ("--split", "60/20/20", "--outsiders", "1")
    assert app.run(["dataset", *map(str, words), *more]) == 0
    return folder / "set"


@pytest.fixture(scope="module")
def trained(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run; not to be changed."""
    run = tmp_path_factory.mktemp("runs") / "cnn"
    assert app.run(["train", str(dataset), *SMALL, "--out", str(run)]) == 0
    return run


@pytest.fixture(scope="module")
def vgg16(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The face VGG16 after an epoch of each stage; not to be changed."""
    run = tmp_path_factory.mktemp("runs") / "vgg16"
    words = ("--size", "32", "--epochs", "1", "--fine-epochs", "1", "--augment", "none", "--quiet")
    assert app.run(["train", str(dataset), *words, "--out", str(run)]) == 0
    return run


@pytest.fixture
def copy(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "cnn"))


def test_a_run_folder_holds_all_that_tells_of_the_run(trained: Path, dataset: Path) -> None:
    names = {path.name for path in trained.iterdir()}
    assert names == {
        "card.json",
        "classes.json",
        "config.json",
        "curves.png",
        "evaluation",
        "history.csv",
        "model.keras",
        "model.onnx",
        "split.csv",
    }
    card = json.loads((trained / "card.json").read_text())
    assert card["classes"] == ["Ann", "Bob"]
    assert 0 < card["not_recognised"]["threshold"] <= 1
    assert card["not_recognised"]["outsiders"] > 0
    assert card["parity"]["largest_difference"] < 1e-4
    assert 0.5 <= card["test"]["accuracy"] <= 1
    with (trained / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3", "4"]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    plan = json.loads((trained / "config.json").read_text())["plan"]
    assert (plan["model"], plan["size"], plan["seed"]) == ("cnn", 16, 1)
    with (trained / "split.csv").open() as file, (dataset / "manifest.csv").open() as manifest:
        assert [row["part"] for row in csv.DictReader(file)] == [
            row["part"] for row in csv.DictReader(manifest)
        ]


def test_the_keras_model_can_be_loaded_and_says_the_same(trained: Path, dataset: Path) -> None:
    import keras
    import numpy as np

    from phototag.vision.classify import Classifier, load_classifier_card

    faces = np.stack([np.asarray(picture("Ann", n)) for n in range(100, 104)])
    card = load_classifier_card(trained)
    found = Classifier(card).probabilities(faces)
    from phototag.vision.embed import shrink

    small = np.stack([shrink(face, 16) for face in faces]).astype(np.float32) / 255
    said = keras.models.load_model(trained / "model.keras").predict_on_batch(small)
    assert np.abs(found - np.asarray(said)).max() < 1e-4


def test_the_same_seed_learns_the_same_and_a_resumed_run_too(
    trained: Path, dataset: Path, tmp_path: Path, run: Run
) -> None:
    from phototag.bench import trainer

    def interrupted(self: trainer.Trainer) -> None:
        saved(self)
        if len(self.history) == 2:
            raise KeyboardInterrupt

    saved = trainer.Trainer.save
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trainer.Trainer, "save", interrupted)
        assert run("train", dataset, *SMALL, "--out", tmp_path / "run").code == 130
    assert not (tmp_path / "run" / "card.json").exists()
    done = run("train", dataset, "--out", tmp_path / "run", "--resume", "--quiet", "--json").json
    whole = json.loads((trained / "card.json").read_text())
    assert done["test"]["accuracy"] == round(whole["test"]["accuracy"], 5)
    losses = []
    for folder in (trained, tmp_path / "run"):
        with (folder / "history.csv").open() as file:
            losses.append([(row["loss"], row["val_loss"]) for row in csv.DictReader(file)])
    assert losses[0] == losses[1]
    assert done["model"] == whole["id"]


def test_a_better_model_is_not_replaced(copy: Path, dataset: Path, run: Run) -> None:
    card = json.loads((copy / "card.json").read_text())
    card["test"]["accuracy"] = 1.01
    (copy / "card.json").write_text(json.dumps(card))
    again = run("train", dataset, *SMALL, "--augment", "none", "--seed", "2", "--out", copy)
    assert again.code == 4
    assert "101.00% of the" in again.err
    assert "--replace" in again.err
    assert json.loads((copy / "card.json").read_text())["id"] == card["id"]
    assert (copy / "candidate" / "card.json").is_file()
    words = ("--resume", "--replace", "--quiet")  # it was trained to its end already
    assert run("train", dataset, "--out", copy, *words).code == 0
    assert json.loads((copy / "card.json").read_text())["id"] != card["id"]
    assert not (copy / "candidate").exists()


def test_an_evaluation_is_told_written_and_drawn(copy: Path, run: Run) -> None:
    shutil.rmtree(copy / "evaluation")
    found = run("evaluate", "classification", copy, "--quiet", "--json").json
    assert found["schema"] == "phototag/classification/1"
    assert set(found["per_person"]) == {"Ann", "Bob"}
    assert found["open_set"]["outsiders"] > 0
    assert found["accuracy"] == json.loads((copy / "card.json").read_text())["test"]["accuracy"]
    page = Path(found["report"]).read_text()
    for name in ("trust.png", "confusion.png", "per_person.png"):
        assert name in page
        assert (copy / "evaluation" / name).read_bytes()[:4] == b"\x89PNG"
    with (copy / "evaluation" / "confusion.csv").open() as file:
        counts = [[int(row["Ann"]), int(row["Bob"])] for row in csv.DictReader(file)]
    assert counts == found["confusion"]["counts"]
    told = run("evaluate", "classification", copy, "--quiet")
    assert "precision" in told.out
    assert "not recognised" in told.out


def test_faces_that_it_was_trained_on_are_no_test(copy: Path, dataset: Path, tmp_path, run) -> None:
    changed = Path(shutil.copytree(dataset, tmp_path / "set"))
    text = (changed / "manifest.csv").read_text()
    learnt = text.count(",Bob,train,")
    (changed / "manifest.csv").write_text(text.replace(",Bob,train,", ",Bob,test,"))
    found = run(
        "evaluate", "classification", copy, changed, "--out", tmp_path / "out", "--json"
    ).json
    assert {one["reason"] for one in found["left_out"]} == {"it was trained on"}
    assert len(found["left_out"]) == learnt
    assert found["faces"] == text.count(",test,")


def test_photos_from_elsewhere_are_asked_about_too(trained: Path, tmp_path: Path, run: Run) -> None:
    photos = tmp_path / "photos"
    for person in ("Ann", "Somebody"):
        (photos / person).mkdir(parents=True)
        shutil.copy(next(PORTRAITS.iterdir()), photos / person)
    picture("Bob", 1).save(photos / "Ann" / "no face.png")
    (photos / "Ann" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    words = ("evaluate", "classification", trained, photos, "--out", tmp_path / "out")
    found = run(*words, "--library", tmp_path / "none", "--json").json
    assert (found["faces"], found["open_set"]["outsiders"], found["test"]) == (1, 1, "")
    reasons = {Path(one["file"]).name: one["reason"] for one in found["left_out"]}
    assert reasons.keys() == {"no face.png", "broken.jpg"}
    assert reasons["no face.png"] == "no face was found in it"


def test_the_face_vgg16_learns_in_two_stages(vgg16: Path) -> None:
    with (vgg16 / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["stage"], row["rate"]) for row in rows] == [("1", "0.001"), ("2", "5e-05")]
    card = json.loads((vgg16 / "card.json").read_text())
    assert (card["size"], card["classes"]) == (32, ["Ann", "Bob"])
    assert card["parity"]["largest_difference"] < 1e-3
    assert card["parameters"] > 14_000_000


@pytest.mark.skipif(
    not processor_flags() & {AMX, AVX512}, reason="this processor does not multiply bfloat16"
)
def test_what_was_learnt_in_half_precision_is_kept_in_full(dataset: Path, tmp_path: Path) -> None:
    import keras

    words = (*SMALL, "--precision", "mixed", "--out", str(tmp_path / "run"))
    assert app.run(["train", str(dataset), *words]) == 0
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["precision"] == "mixed_bfloat16"
    network = keras.models.load_model(tmp_path / "run" / "model.keras", compile=False)
    assert {layer.dtype_policy.name for layer in network.layers} == {"float32"}


def test_a_network_of_others_is_trained_from_scratch(
    dataset: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MobileNet's first blocks: the whole one takes TensorFlow half a minute to prepare."""
    import keras

    from phototag.bench import classifier_networks, networks

    def begun(*words: Any) -> Any:
        whole = networks.application(*words)
        return keras.Model(whole.input, whole.get_layer("block_2_add").output)

    monkeypatch.setattr(classifier_networks, "application", begun)
    words = ("--model", "mobilenet", "--weights", "none", "--size", "32", "--epochs", "2")
    more = ("--augment", "none", "--out", tmp_path / "run", "--quiet", "--json")
    done = run("train", dataset, *words, *more).json
    assert (done["epochs"], done["classes"]) == (2, ["Ann", "Bob"])
    assert done["parity"] < 1e-3


def test_weights_that_cannot_be_fetched_are_told_before_anything_is_written(
    dataset: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    import keras

    def offline(*_: object, **__: object) -> None:
        raise Exception("URL fetch failure on https://…: None -- no route")  # what Keras raises

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setattr(keras.src.utils.file_utils, "urlretrieve", offline)
    refused = run("train", dataset, "--model", "mobilenet", "--out", tmp_path / "run")
    assert (refused.code, "--weights none" in refused.err) == (2, True)
    assert not (tmp_path / "run").exists()


def test_one_person_is_told_from_all_others(dataset: Path, tmp_path: Path, run: Run) -> None:
    words = ("--model", "cnn-binary", "--person", "Bob", "--size", "16", "--epochs", "4")
    more = ("--augment", "none", "--out", tmp_path / "run", "--quiet", "--json")
    done = run("train", dataset, *words, *more).json
    assert done["classes"] == ["Bob"]
    found = json.loads((tmp_path / "run" / "evaluation" / "report.json").read_text())
    assert set(found["per_person"]) == {"others", "Bob"}
    assert found["accuracy"] >= 0.5


def test_runs_compete_with_the_gallery_on_the_same_faces(
    trained: Path, vgg16: Path, dataset: Path, tmp_path: Path, run: Run
) -> None:
    found = run("compare", trained, vgg16, "--out", tmp_path / "table", "--json").json
    rows = {row["name"]: row for row in found["competitors"]}
    assert rows.keys() == {"cnn", "vgg16", "gallery"}
    test = [row for row in manifest(dataset) if row["part"] == "test"]
    assert (found["faces"], found["people"]) == (len(test), 2)
    for path in (trained, vgg16):
        card, row = json.loads((path / "card.json").read_text()), rows[path.name]
        said = (row["accuracy"], row["f1_macro"], row["training_seconds"], row["parameters"])
        assert said == (
            round(card["test"]["accuracy"], 5),
            card["test"]["f1_macro"],
            card["training"]["seconds"],
            card["parameters"],
        )
        assert row["strangers_named"] == card["test"]["open_set"]["outsiders_named"]
        assert row["bytes"] == (path / "model.onnx").stat().st_size
    assert min(row["faces_per_second"] for row in rows.values()) > 0
    table = (tmp_path / "table" / "comparison.md").read_text().splitlines()
    assert [line.split(" | ")[0] for line in table[2:]] == [
        f"| {row['name']}" for row in found["competitors"]
    ]
    for suffix in ("json", "csv", "png"):
        assert (tmp_path / "table" / f"comparison.{suffix}").stat().st_size > 100


def test_a_comparison_is_of_one_test_split_or_none(
    trained: Path, dataset: Path, tmp_path: Path, run: Run
) -> None:
    twin = Path(shutil.copytree(trained, tmp_path / "again" / "cnn"))
    told = run("compare", trained, twin, "--no-gallery")
    assert {line.split()[0] for line in told.lines[1:]} == {
        f"{path.parent.name}/cnn" for path in (trained, twin)
    }
    change(twin / "card.json", lambda card: card["test"].update(digest="0" * 32))
    refused = run("compare", trained, twin)
    assert (refused.code, "not tested on the same" in refused.err) == (2, True)
    moved = Path(shutil.copytree(dataset, tmp_path / "set"))
    assert run("compare", trained, "--no-gallery", "--dataset", moved).code == 0
    text = (moved / "manifest.csv").read_text()
    (moved / "manifest.csv").write_text(text.replace(",Bob,train,", ",Bob,test,"))
    refused = run("compare", trained, "--dataset", moved)
    assert (refused.code, "other test faces now" in refused.err) == (2, True)


# ---- what is wrong is said, without a traceback


def test_a_class_without_test_images_is_named(dataset: Path, tmp_path: Path, run: Run) -> None:
    changed = Path(shutil.copytree(dataset, tmp_path / "set"))
    text = (changed / "manifest.csv").read_text()
    lines = [line.replace(",Bob,test,", ",Bob,train,") for line in text.splitlines()]
    (changed / "manifest.csv").write_text("\n".join(lines) + "\n")
    refused = run("train", changed, *SMALL, "--out", tmp_path / "run")
    assert refused.code == 2
    assert "no face of Bob" in refused.err
    assert not (tmp_path / "run").exists()


def test_a_set_of_one_person_is_refused(dataset: Path, tmp_path: Path, run: Run) -> None:
    changed = Path(shutil.copytree(dataset, tmp_path / "set"))
    lines = (changed / "manifest.csv").read_text().splitlines()
    kept = [line for line in lines if ",Bob," not in line]
    (changed / "manifest.csv").write_text("\n".join(kept) + "\n")
    refused = run("train", changed, *SMALL, "--out", tmp_path / "run")
    assert (refused.code, "needs two people" in refused.err) == (2, True)


def test_an_unreadable_face_is_named(dataset: Path, tmp_path: Path, run: Run) -> None:
    changed = Path(shutil.copytree(dataset, tmp_path / "set"))
    broken = next((changed / "Ann").iterdir())
    broken.write_bytes(b"\xff\xd8\xff broken")
    refused = run("train", changed, *SMALL, "--out", tmp_path / "run")
    assert (refused.code, broken.name in refused.err) == (2, True)
    seen = run("dataset", "explore", changed, "--out", tmp_path / "look", "--quiet")
    assert seen.code == 3
    assert broken.name in (tmp_path / "look" / "index.html").read_text()


def test_a_run_of_another_version_is_refused(copy: Path, dataset: Path, run: Run) -> None:
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps(card | {"format": 7}))
    for words in (
        ("evaluate", "classification", copy),
        ("compare", copy),
        ("train", dataset, *SMALL, "--out", copy),
    ):
        refused = run(*words)
        assert (refused.code, "format 7" in refused.err) == (5, True), words


def test_other_wrong_words_are_answered(dataset: Path, tmp_path: Path, run: Run) -> None:
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "todo.txt").write_text("milk")
    people_folder(tmp_path / "photos", {"Ann": 2})
    for words, code, said in (
        (("train", tmp_path), 2, "no dataset"),
        (("train", dataset, "--model", "resnet"), 2, "vgg16, mobilenet"),
        (("train", dataset, *SMALL, "--out", tmp_path / "notes"), 2, "no run folder"),
        (("train", dataset, *SMALL, "--out", tmp_path / "new", "--resume"), 2, "no run to go on"),
        (
            ("train", dataset, "--model", "cnn-binary", "--person", "Eve", "--out", tmp_path / "n"),
            2,
            "no 'Eve'",
        ),
        (("evaluate", "classification", tmp_path), 5, "no finished training run"),
        (("dataset", "build", tmp_path / "photos"), 2, "--out DIR"),
        (
            ("dataset", "build", tmp_path / "photos", "--out", tmp_path / "s", "--aligned"),
            2,
            "takes two",
        ),
        (("dataset", "explore", tmp_path / "notes"), 2, "no photos"),
    ):
        refused = run(*words)
        assert refused.code == code, (words, refused.err)
        assert said in refused.err, (words, refused.err)
        assert "Traceback" not in refused.err
