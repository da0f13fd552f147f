"""enroll, identify and verify as the shell runs them, on real photos with the shipped models."""

from __future__ import annotations

import csv
import os
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import Run
from PIL import Image

from phototag.bench.dataset import load_dataset
from phototag.bench.pipeline import CROP
from phototag.cli import app
from tests.tiny_classifier import trained_run

GALLERY = Path(__file__).resolve().parents[2] / "sample_gallery"
NAMES = ("Ann", "Ben")


@dataclass(frozen=True, slots=True)
class Album:
    """A library that knows Ann and Ben, and photos that it has not seen."""

    library: Path
    ann: Path
    ben: Path
    stranger: Path
    together: Path
    """Several people."""
    empty: Path
    """Nobody."""
    broken: Path


def portraits() -> list[list[Path]]:
    """Photos that show one person alone, for each person who has three."""
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    faces = Counter(row["file"] for row in rows)
    found: dict[str, list[Path]] = {}
    for row in rows:
        if faces[row["file"]] == 1:
            found.setdefault(row["person"], []).append(GALLERY / row["file"])
    return [found[who] for who in sorted(found) if len(found[who]) >= 3]


def group() -> Path:
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as lines:
        faces = Counter(row["file"] for row in csv.DictReader(lines))
    return GALLERY / next(name for name, count in sorted(faces.items()) if count == 3)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Album:
    top = tmp_path_factory.mktemp("recognise")
    photos, elsewhere = top / "photos", top / "elsewhere"
    photos.mkdir()
    elsewhere.mkdir()
    ann, ben, stranger = portraits()[:3]
    with pytest.MonkeyPatch.context() as patch:
        for name in [key for key in os.environ if key.startswith("PHOTOTAG_")]:
            patch.delenv(name)
        patch.setenv("PHOTOTAG_LIBRARY", str(top / "library"))
        for name, own in zip(NAMES, (ann, ben), strict=True):
            for number, path in enumerate(own[:2]):
                shutil.copy(path, photos / f"{name} {number}{path.suffix}")
        assert app.run(["scan", str(photos), "--quiet", "--sidecars", "library"]) == 0
        for name in NAMES:
            targets = [f"{path}#1" for path in sorted(photos.glob(f"{name} *"))]
            assert app.run(["label", *targets, name]) == 0
    Image.new("RGB", (300, 200), "navy").save(elsewhere / "sky.png")
    (elsewhere / "broken.jpg").write_bytes(b"\xff\xd8\xff and no more")
    return Album(
        library=top / "library",
        ann=Path(shutil.copy(ann[2], elsewhere / f"ann#1{ann[2].suffix}")),
        ben=Path(shutil.copy(ben[2], elsewhere / f"ben{ben[2].suffix}")),
        stranger=Path(shutil.copy(stranger[0], elsewhere / f"new{stranger[0].suffix}")),
        together=group(),
        empty=elsewhere / "sky.png",
        broken=elsewhere / "broken.jpg",
    )


@pytest.fixture
def album(made: Album, monkeypatch: pytest.MonkeyPatch) -> Album:
    monkeypatch.setenv("PHOTOTAG_LIBRARY", str(made.library))
    return made


def test_identify_names_those_it_knows_and_draws_them(
    album: Album, run: Run, tmp_path: Path
) -> None:
    before = album.ann.read_bytes()
    done = run("identify", album.ann, "--show", tmp_path / "who.png")
    assert done.code == 0
    assert done.lines[1].split()[-5:-3] == ["#1", "Ann"]
    with Image.open(tmp_path / "who.png") as drawn, Image.open(album.ann) as photo:
        assert drawn.size in (photo.size, photo.size[::-1])
    assert album.ann.read_bytes() == before
    again = run("identify", album.ann, "--show", tmp_path / "who.png")
    assert (again.code, again.out) == (2, "")
    assert "Name another" in again.err
    assert run("identify", album.ann, "--show", album.ben).code == 2
    assert "ends in .jpg" in run("identify", album.ann, "--show", "x.gif").err


def test_identify_as_json_is_a_line_for_each_photo(album: Album, run: Run, tmp_path: Path) -> None:
    done = run(
        "identify", album.stranger, album.ben, album.empty, "--json", "--show", tmp_path / "out"
    )
    assert done.code == 0
    stranger, ben, empty = done.rows
    assert {row["schema"] for row in done.rows} == {"phototag/identified/1"}
    assert [face["person"] for face in ben["faces"]] == ["Ben"]
    assert ben["faces"][0]["nearest"][0]["person"] == "Ben"
    (face,) = stranger["faces"]
    assert (face["person"], len(face["nearest"]), len(face["box"])) == (None, 2, 4)
    assert empty["faces"] == []
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "ben.jpg", "new.jpg", "sky.jpg",
    ]  # fmt: skip


def test_the_people_named_in_a_library_become_a_set_to_train_on(
    album: Album, run: Run, tmp_path: Path
) -> None:
    out = tmp_path / "set"
    done = run("dataset", "build", "--from-library", out, "--min-photos", "1", "--json")
    assert done.code == 0
    assert done.json["schema"] == "phototag/dataset/1"
    found = load_dataset(out)
    assert found.classes == NAMES
    assert Counter(row.person for row in found.rows) == {"Ann": 2, "Ben": 2}
    for row in found.rows:
        with Image.open(out / row.file) as crop:
            assert crop.size == (CROP, CROP)
    again = run("dataset", "build", "--from-library", out)
    assert (again.code, again.out) == (2, "")
    assert str(out) in again.err
    assert run("dataset", "build", "--from-library", out, "--out", tmp_path / "two").code == 2


def test_identify_says_which_photos_it_cannot_read(album: Album, run: Run) -> None:
    failed = run("identify", album.ben, album.broken, "nothing.jpg", f"{album.ben}#7")
    assert failed.code == 3
    assert [line.split(":")[0] for line in failed.err.splitlines()[:3]] == [
        str(album.broken), "nothing.jpg", str(album.ben),
    ]  # fmt: skip
    assert "there is no #7" in failed.err
    assert run("identify", album.ben, "--library", album.library / "none").code == 5


def test_identify_asks_a_trained_classifier_and_needs_no_library(
    album: Album, run: Run, tmp_path: Path
) -> None:
    network = f"classifier:{trained_run(tmp_path / 'run')}"
    words = ("--recognizer", network, "--library", tmp_path / "none")
    (found,) = run("identify", album.together, *words, "--json").rows
    named = [face["person"] for face in found["faces"] if face["person"]]
    assert len(named) == len(set(named)) > 0, "nobody is twice on a photo"
    for face in found["faces"]:
        assert sum(near["similarity"] for near in face["nearest"]) == pytest.approx(1, abs=1e-3)
        assert face["person"] is None or face["similarity"] >= 0.6
    told = run("identify", album.together, *words, "--show", tmp_path / "who.png")
    assert (told.code, "probability" in told.lines[0]) == (0, True)
    assert "which knows 2" in told.err
    assert (tmp_path / "who.png").is_file()
    assert not (tmp_path / "none").exists()
    refused = run("identify", album.ann, "--recognizer", f"classifier:{tmp_path}")
    assert (refused.code, "no finished training run" in refused.err) == (5, True)


def test_verify_answers_with_its_error_rates_and_needs_no_library(
    album: Album, run: Run, tmp_path: Path
) -> None:
    (first,) = (album.library.parent / "photos").glob("Ann 0.*")
    nowhere = ("--library", tmp_path / "none")
    same = run("verify", first, album.ann, *nowhere)
    assert (same.code, same.out.split(":")[0]) == (0, "the same person")
    assert "1 in 100 pairs of different people" in same.err
    assert not (tmp_path / "none").exists()
    different = run("verify", first, album.ben, "--json", "--far", "0.001", *nowhere)
    assert different.code == 1
    said = different.json
    assert said["same"] is False
    assert said["similarity"] < said["bar"]["threshold"]
    assert said["bar"]["false_accepts"] == 0.001
    assert 0 < said["bar"]["false_rejects"] < 1


def test_verify_says_when_there_is_nothing_to_compare(album: Album, run: Run) -> None:
    for photo in (album.empty, f"{album.together}#9"):
        done = run("verify", album.ann, photo)
        assert (done.code, done.out) == (3, ""), photo
    refused = run("verify", album.ann, album.ben, "--far", "0.5")
    assert refused.code == 2
    assert "0.0001, 0.001, 0.01" in refused.err


def test_enroll_checks_takes_and_can_be_undone(album: Album, run: Run) -> None:
    refused = run("enroll", "Cleo", album.ann, album.together, album.broken)
    assert refused.code == 1
    assert "looks like Ann" in refused.err
    assert "say which one" in refused.err
    some = run("enroll", "Cleo", album.stranger, album.empty, "--json")
    assert some.code == 3
    assert [photo["reason"] for photo in some.json["photos"]] == [None, "no-face"]
    rows = {row["name"]: row for row in run("people", "--json").rows}
    assert (rows["Cleo"]["enrolled"], rows["Cleo"]["faces"], rows["Ann"]["enrolled"]) == (1, 0, 0)
    assert "came by phototag enroll" in run("show", "Cleo").out
    doubts = run("audit", "Cleo", "--json").json["doubts"]
    assert "keeps a copy of its own" in run("show", doubts[0]["face"]).out
    (found,) = run("identify", album.stranger, "--json").rows
    assert found["faces"][0]["person"] == "Cleo"
    assert run("doctor").code == 0
    assert run("undo").code == 0
    assert run("identify", album.stranger).code == 1
