"""A new user's first five minutes, with the real detector: scan, name, find, take back, doctor."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest
from builders import tiny_embedder

from phototag.cli import app
from phototag.vision.models import WEIGHTS

ROOT = Path(__file__).resolve().parent.parent.parent
PHOTOS = 6


@dataclass(frozen=True, slots=True)
class Album:
    """Real photos and their library."""

    library: Path
    photos: Path


def photos_of_one(table: Path, folder: Path) -> list[Path]:
    """A few photos that each show one person, by a table of who is where."""
    with table.open(encoding="utf-8", newline="") as file:
        names = [row["file"] for row in csv.DictReader(file)]
    alone = [folder / name for name in dict.fromkeys(names) if names.count(name) == 1]
    return [path for path in alone if path.is_file()][:PHOTOS]


@pytest.fixture(scope="module")
def chosen(request: pytest.FixtureRequest) -> list[Path]:
    """Of the sample gallery, else of the test album (skips where neither is)."""
    gallery = ROOT / "sample_gallery"
    if (gallery / "truth.csv").is_file():
        return photos_of_one(gallery / "truth.csv", gallery)
    album = request.getfixturevalue("shared") / "album"
    return photos_of_one(album / "truth.csv", album / "photos")


@pytest.fixture(scope="module")
def scanned(chosen: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Album:
    """A few photos after their first scan, with the embedder that ships or a tiny one."""
    top = tmp_path_factory.mktemp("album")
    album = Album(top / "library", top / "photos")
    album.photos.mkdir()
    for number, path in enumerate(chosen):
        shutil.copy(path, album.photos / f"{number}{path.suffix}")
    if not (WEIGHTS / "face-vgg16.json").is_file():
        tiny_embedder(album.library / "models")
        (album.library / "phototag.toml").write_text('embedder = "painted"\n', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        for name in [key for key in os.environ if key.startswith("PHOTOTAG_")]:
            patch.delenv(name)
        code = app.run(["scan", str(album.photos), "--library", str(album.library), "--quiet"])
    assert code == 0
    return album


@pytest.fixture
def album(scanned: Album, monkeypatch: pytest.MonkeyPatch) -> Album:
    monkeypatch.setenv("PHOTOTAG_LIBRARY", str(scanned.library))
    return scanned


def sidecars(album: Album) -> dict[str, tuple[bytes, int]]:
    return {
        path.name: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in album.photos.glob("*.phototag.json")
    }


def test_every_photo_has_its_face_its_sidecar_and_its_place_on_the_sheet(album, run) -> None:
    found = run("status", "--json").json
    assert found["photos"] == PHOTOS
    assert found["faces"] >= PHOTOS
    assert found["last_scan"]["outcome"] == "done"
    assert len(sidecars(album)) == PHOTOS
    assert (album.library / "sheet" / "index.html").is_file()


def test_the_second_scan_writes_nothing(album, run) -> None:
    before = sidecars(album)
    again = run("scan", album.photos, "--json").json
    assert (again["new"], again["unchanged"], again["faces"]) == (0, PHOTOS, 0)
    assert (again["outputs"]["sidecars"], again["outputs"]["thumbnails"]) == (0, 0)
    assert sidecars(album) == before


def test_a_named_face_is_found_shown_written_and_taken_back(album, run) -> None:
    photo = next(album.photos.glob("0.*"))
    before = sidecars(album)
    assert run("label", f"{photo}#1", "Ada").code == 0
    assert str(photo) in run("find", "Ada").lines
    assert "is Ada: you said so" in run("show", f"{photo}#1").out
    assert b'"Ada"' in sidecars(album)[f"{photo.name}.phototag.json"][0]
    assert run("doctor").code == 0
    count = run("people", "--json").rows[0]["faces"]
    said = run("scan", album.photos).err
    assert f"Known: 1 person with {count} face{'' if count == 1 else 's'}, " in said
    assert run("undo").code == 0
    assert run("find", "Ada").code == 2
    assert {k: v[0] for k, v in sidecars(album).items()} == {k: v[0] for k, v in before.items()}


def test_all_is_well_afterwards(album, run) -> None:
    ran = run("doctor", "--json")
    assert ran.code == 0, ran.out
    assert ran.json["sound"]
