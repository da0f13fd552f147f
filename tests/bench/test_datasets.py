"""Sets of faces: what goes into one, what does not, and what is seen of it."""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from builders import Home
from numpy.typing import NDArray
from PIL import Image

from phototag.bench.dataset import load_dataset, load_pixels
from phototag.bench.dataset_build import Choices, build_from_folders, names_for
from phototag.bench.dataset_library import build_from_library
from phototag.bench.explore import explore
from phototag.bench.explore_report import write_exploration
from phototag.bench.splits import OUTSIDE_TEST, OUTSIDE_VALIDATION
from phototag.catalog import store
from phototag.core.types import Pixels, Vectors
from phototag.errors import UsageError
from tests.people_pictures import people_folder, picture

CHOICES = Choices({"train": 0.6, "validation": 0.2, "test": 0.2})


def colours(crops: NDArray[np.uint8]) -> Vectors:
    """An embedder that knows people by their colour."""
    mean = crops.reshape(len(crops), -1, 3).mean(axis=1) - 128
    return (mean / np.linalg.norm(mean, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return people_folder(tmp_path / "people", {"Ann": 10, "Bob": 10, "Cleo": 2})


def test_a_set_says_what_it_holds_and_can_be_read_again(people: Path, tmp_path: Path) -> None:
    report = build_from_folders(people, tmp_path / "set", None, CHOICES)
    found = load_dataset(tmp_path / "set")
    assert found.rows == report.dataset.rows
    assert found.classes == ("Ann", "Bob")
    assert found.about["faces"] == {
        "train": 12,
        "validation": 4,
        "test": 4,
        found.rows[-1].part: 2,
    }
    assert {row.part for row in found.rows if row.person == "Cleo"} <= {
        OUTSIDE_TEST,
        OUTSIDE_VALIDATION,
    }
    pixels = load_pixels(found.folder, [found.rows[0].file])[0].astype(int)
    assert np.abs(pixels - np.asarray(picture("Ann", 0))).mean() < 4
    again = build_from_folders(people, tmp_path / "again", None, CHOICES)
    assert again.dataset.rows == found.rows


def test_copies_stay_on_one_side_and_what_is_no_use_is_told(people: Path, tmp_path: Path) -> None:
    for number in range(10):  # a second, smaller file of every picture
        picture("Ann", number).resize((90, 90)).save(people / "Ann" / f"{number:02d}-small.jpg")
    shutil.copy(people / "Bob" / "00.png", people / "Bob" / "same.png")
    shutil.copy(people / "Bob" / "01.png", people / "Ann" / "who.png")
    (people / "Ann" / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
    report = build_from_folders(people, tmp_path / "set", None, CHOICES)
    assert {(Path(one.source).name, one.reason) for one in report.skipped} == {
        ("same.png", "copy"),
        ("who.png", "two-people"),
        ("01.png", "two-people"),
        ("broken.jpg", "unreadable"),
    }
    sides: dict[int, set[str]] = {}
    for row in report.dataset.rows:
        sides.setdefault(row.group, set()).add(row.part)
    assert all(len(parts) == 1 for parts in sides.values())
    ann = [row for row in report.dataset.rows if row.person == "Ann"]
    assert len(ann) == 20
    assert len({row.group for row in ann}) == 10
    with (tmp_path / "set" / "dataset.json").open() as file:
        assert len(json.load(file)["skipped"]) == 4


def test_photos_without_a_face_are_skipped(people: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no face to make a set of.*no face was found"):
        build_from_folders(people, tmp_path / "set", lambda pixels: [], CHOICES)
    assert not (tmp_path / "set").exists()


def test_one_person_is_nobody_to_tell_apart(tmp_path: Path) -> None:
    alone = people_folder(tmp_path / "people", {"Ann": 6})
    with pytest.raises(UsageError, match=r"takes two.*Ann \(6\)"):
        build_from_folders(alone, tmp_path / "set", None, CHOICES)


def test_two_images_are_too_few(tmp_path: Path) -> None:
    few = people_folder(tmp_path / "people", {"Ann": 1, "Bob": 1})
    with pytest.raises(UsageError, match="two with 3 photos each"):
        build_from_folders(few, tmp_path / "set", None, CHOICES)


def test_a_set_is_not_put_where_something_is(people: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lies in"):
        build_from_folders(people, people / "set", None, CHOICES)
    with pytest.raises(UsageError, match="something already"):
        build_from_folders(people / "Ann", people.parent, None, CHOICES)


def test_any_name_gets_a_folder_of_its_own() -> None:
    names = names_for(["Ann", "ann", "a/b", "..", "nul", "", "山田 太郎", "ANN", "Ann-2"])
    assert names["山田 太郎"] == "山田 太郎"
    assert names["a/b"] == "a_b"
    assert len({name.casefold() for name in names.values()}) == len(names)
    assert not {"..", "", "nul", "."} & set(names.values())


def test_what_the_user_named_becomes_a_set(painted_copy: Home, tmp_path: Path) -> None:
    with store.open_to_read(painted_copy.library) as lib:
        report = build_from_library(lib, tmp_path / "set", Choices(CHOICES.shares, least=1))
    rows = report.dataset.rows
    assert Counter(row.person for row in rows) == {"Alice": 3, "Bob": 2, "Carol": 2, "山田 太郎": 1}
    both = [row for row in rows if row.source.endswith("alice-bob.jpg")]
    assert len(both) == 2
    assert len({row.group for row in both}) == len({row.part for row in both}) == 1
    assert all((tmp_path / "set" / row.file).is_file() for row in rows)


def test_a_library_without_names_is_told_what_to_do(tmp_path: Path) -> None:
    with (
        store.open_to_write(tmp_path / "library", "test", "2026-01-01", create=True) as lib,
        pytest.raises(UsageError, match="phototag label"),
    ):
        build_from_library(lib, tmp_path / "set", CHOICES)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("dataset.json", None, "no dataset"),
        ("dataset.json", "{", "damaged"),
        ("dataset.json", '{"schema": "phototag/dataset/9"}', "dataset/9"),
        ("manifest.csv", "file,person\na,b\n", "damaged"),
    ],
)
def test_a_damaged_set_is_refused(
    people: Path, tmp_path: Path, name: str, text: str | None, said: str
) -> None:
    build_from_folders(people, tmp_path / "set", None, CHOICES)
    (tmp_path / "set" / name).unlink()
    if text is not None:
        (tmp_path / "set" / name).write_text(text)
    with pytest.raises(UsageError, match=said):
        load_dataset(tmp_path / "set")


def test_a_look_finds_copies_wrong_names_and_broken_files(people: Path, tmp_path: Path) -> None:
    picture("Bob", 77).save(people / "Ann" / "wrong.png")
    picture("Bob", 77).convert("L").save(people / "Ann" / "wrong too.jpg")  # a copy is no witness
    (people / "Cleo" / "broken.jpg").write_bytes(b"")
    found = explore(people, colours, _whole)
    assert found.people == {"Ann": 12, "Bob": 10, "Cleo": 3}
    assert [file for file, _ in found.unreadable] == ["Cleo/broken.jpg"]
    assert found.copies == (("Ann/wrong too.jpg", "Ann/wrong.png"),)
    assert "Ann/wrong.png" in {one.file for one in found.suspects}
    assert {one.other for one in found.suspects if one.file == "Ann/wrong.png"} == {"Bob"}
    page = write_exploration(found, tmp_path / "look")
    assert "Ann/wrong.png" in page.read_text()
    for name in ("per_person", "distributions", "suspects", "people/Ann"):
        with Image.open(tmp_path / "look" / f"{name}.png") as drawn:
            assert drawn.width > 100
    said = json.loads((tmp_path / "look" / "exploration.json").read_text())
    assert said["spread"]["width"] == {"least": 112, "median": 112, "most": 112}


def _whole(pixels: Pixels) -> list[object]:
    """A detector for which the whole picture is a face."""
    from phototag.core.types import Box, Detection, Landmarks
    from phototag.vision.models import ARCFACE

    return [Detection(Box(0, 0, 1, 1), Landmarks(tuple((x / 112, y / 112) for x, y in ARCFACE)), 1)]


def test_a_set_is_looked_at_without_a_detector(people: Path, tmp_path: Path) -> None:
    build_from_folders(people, tmp_path / "set", None, CHOICES)
    found = explore(tmp_path / "set", colours, None)
    assert found.faces == 22
    with (tmp_path / "set" / "manifest.csv").open() as file:
        assert {one.file for one in found.files} == {row["file"] for row in csv.DictReader(file)}
