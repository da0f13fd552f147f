"""Names go out and come back: through files, another library, another program's frame."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from phototag.cli import app
from phototag.core.regions import Region
from phototag.core.types import Box, Pixels
from phototag.images.packets import turn_of_heic
from phototag.output.embed import with_packet
from phototag.output.xmp import merge
from phototag.output.xmp_arrays import Wanted, Written
from phototag.work.export_xmp import pixels_hash

from .conftest import GALLERY, Place

TOO_LARGE = ("--min-face", "900")
"""No face is looked for: every region is drawn."""


def run(place: Place, *words: object) -> int:
    return app.run(place.command(*words))


def said(place: Place, capfd: pytest.CaptureFixture[str], *words: object) -> dict:
    capfd.readouterr()
    assert run(place, *words, "--json") in (0, 3)
    return json.loads(capfd.readouterr().out)


def people_in(photo: Path) -> set[str]:
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    return {row["person"] for row in rows if row["file"] == str(photo.relative_to(GALLERY))}


@pytest.fixture(scope="session")
def unknown(tmp_path_factory: pytest.TempPathFactory, portraits: list[Path]) -> Place:
    """Three photos with two, one and no faces; nobody has a name."""
    top = tmp_path_factory.mktemp("unknown")
    (top / "photos").mkdir()
    two = next(path for path in portraits if "0102" in path.name)
    other = next(path for path in portraits if people_in(path).isdisjoint(people_in(two)))
    shutil.copy2(two, top / "photos" / "0.jpg")
    shutil.copy2(other, top / "photos" / "1.jpg")
    Image.new("RGB", (64, 48), "teal").save(top / "photos" / "2.jpg")
    place = Place(top / "photos", top / "library")
    assert place.scan() == 0
    return place


@pytest.fixture(scope="session")
def album(unknown: Place, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The same with two faces named, and one drawn and named."""
    place = moved(unknown, tmp_path_factory.mktemp("album"))
    assert run(place, "label", f"{place.photos}/0.jpg#1", "Ann & Sons") == 0
    assert run(place, "label", f"{place.photos}/0.jpg#2", "山田 太郎") == 0
    drawn = ("draw", place.photos / "1.jpg", "Ben", "--box", "0.01,0.01,0.06,0.08")
    assert run(place, *drawn) == 0
    return place


@pytest.fixture
def named(album: Place, tmp_path: Path) -> Place:
    """A copy of it."""
    return moved(album, tmp_path / "one")


def moved(place: Place, folder: Path, photos: Path | None = None) -> Place:
    """A copy of a library, over a copy of its photos or of others like them."""
    shutil.copytree(photos or place.photos, folder / "photos", copy_function=shutil.copy2)
    shutil.copytree(place.library, folder / "library")
    other = Place(folder / "photos", folder / "library")
    assert run(other, "relocate", place.photos, other.photos) == 0
    return other


@pytest.fixture
def fresh(unknown: Place, tmp_path: Path):
    """The photos of a place and what lies beside them, in a library that knows nobody."""

    def make(place: Place) -> Place:
        other = moved(unknown, tmp_path / "two", place.photos)
        assert other.named() == set()
        return other

    return make


def near(one: set[tuple[str, float, str]], other: set[tuple[str, float, str]]) -> bool:
    """The same names in the same places, to the decimals that XMP holds."""
    key = sorted((file, name, x) for file, x, name in one)
    lock = sorted((file, name, x) for file, x, name in other)
    return [k[:2] for k in key] == [k[:2] for k in lock] and all(
        abs(a[2] - b[2]) < 2e-3 for a, b in zip(key, lock, strict=True)
    )


# ---- there and back


def test_xmp_brings_the_same_people_to_a_fresh_library_and_one_undo_takes_them_back(
    named: Place, fresh, capfd: pytest.CaptureFixture[str]
) -> None:
    report = said(named, capfd, "export", "xmp", "--people-tags")
    assert (report["written"], report["conflicts"], report["problems"]) == (2, [], [])
    again = said(named, capfd, "export", "xmp", "--people-tags")
    assert (again["written"], again["unchanged"]) == (0, 2)
    other = fresh(named)
    rehearsal = said(other, capfd, "import", "xmp", other.photos, "--dry-run")
    assert other.named() == set()
    report = said(other, capfd, "import", "xmp", other.photos)
    for count in ("named", "drawn", "present", "agreed", "new_people"):
        assert report[count] == rehearsal[count]
    assert (report["named"], report["drawn"]) == (2, 1)
    assert near(other.named(), named.named())
    assert said(other, capfd, "import", "xmp", other.photos)["said"] is None  # nothing is new
    assert run(other, "undo") == 0
    assert other.named() == set()
    assert other.ask("SELECT COUNT(*) FROM faces WHERE drawn") == [(0,)]
    assert run(other, "redo") == 0
    assert near(other.named(), named.named())


@pytest.mark.parametrize("source", ["sidecars", "csv"])
def test_sidecars_and_tables_bring_the_same_people(
    source: str, named: Place, fresh, capfd: pytest.CaptureFixture[str]
) -> None:
    capfd.readouterr()
    assert run(named, "export", "csv") == 0
    table = capfd.readouterr().out.replace(f"{named.photos}/", "")
    other = fresh(named)
    (other.photos / "faces.csv").write_text(table, encoding="utf-8")
    where = other.photos / ("faces.csv" if source == "csv" else "")
    assert run(other, "import", source, where) == 0
    assert near(other.named(), named.named())


def test_the_users_own_word_stays_and_is_listed(
    named: Place, fresh, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(named, "export", "xmp") == 0
    other = fresh(named)
    assert run(other, "label", f"{other.photos}/0.jpg#1", "Somebody else") == 0
    report = said(other, capfd, "import", "xmp", other.photos)
    assert [(c["name"], c["why"]) for c in report["conflicts"]] == [
        ("Ann & Sons", "it is Somebody else here")
    ]
    assert {name for _, _, name in other.named()} == {"Somebody else", "山田 太郎", "Ben"}
    exported = said(other, capfd, "export", "xmp")
    assert [c["message"] for c in exported["conflicts"]] == [
        "Somebody else is called Ann & Sons there"
    ]


# ---- names without a place


def test_takeouts_names_stay_with_their_photo_until_there_is_a_face_for_them(
    named: Place, fresh, capfd: pytest.CaptureFixture[str]
) -> None:
    other = fresh(named)
    for photo, people in (("0.jpg", ("Ann", "Ben")), ("1.jpg", ("Cy",))):
        document = {"title": photo, "people": [{"name": name} for name in people]}
        (other.photos / f"{photo}.json").write_text(json.dumps(document))
    report = said(other, capfd, "import", "takeout", other.photos)
    assert (report["named"], report["present"]) == (1, 2)
    assert {row[2] for row in other.named()} == {"Cy"}
    capfd.readouterr()
    assert run(other, "find", "Ann") == 0
    assert capfd.readouterr().out.strip() == str(other.photos / "0.jpg")
    assert run(other, "find", "Ben", "--without", "Ann") == 1
    assert run(other, "find", "Ben", "--with", "Ann") == 0
    assert run(other, "rename", "Ann", "Anna") == 0
    assert run(other, "merge", "Ben", "Anna") == 0
    assert run(other, "find", "Anna") == 0
    for _ in range(3):
        assert run(other, "undo") == 0
    assert other.ask("SELECT * FROM present") == other.ask("SELECT * FROM people") == []


def test_picasas_faces_come_by_their_contacts(named: Place, fresh) -> None:
    other = fresh(named)
    (other.photos / ".picasa.ini").write_text(
        "[2.jpg]\nfaces=rect64(3333333366666666),ab12;rect64(7fff000099991999),ffffffffffffffff\n"
        "[gone.jpg]\nfaces=rect64(3333333366666666),ab12\n[Contacts2]\n0ab12=Édith;;\n"
    )
    assert run(other, "import", "picasa", other.photos) == 0
    assert {(file, round(x, 3), name) for file, x, name in other.named()} == {
        ("2.jpg", 0.2, "Édith")
    }


# ---- frames

TRUTH = Box(0.125, 0.25, 0.1, 0.2)
"""Where the painted face of the photo is, upright, 800 x 400."""


def upright_photo() -> np.ndarray:
    pixels = np.full((400, 800, 3), 90, np.uint8)
    x, y, w, h = TRUTH.pixels(800, 400)
    pixels[y : y + h, x : x + w] = 250
    return pixels


def laid_down(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """What a camera stores that was held so: numpy's own turns, not phototag's."""
    return {
        1: lambda p: p,
        2: np.fliplr,
        3: lambda p: np.rot90(p, 2),
        4: np.flipud,
        5: lambda p: p.swapaxes(0, 1),
        6: np.rot90,
        7: lambda p: np.rot90(p, 2).swapaxes(0, 1),
        8: lambda p: np.rot90(p, 3),
    }[orientation](pixels)


def lit(pixels: np.ndarray) -> Box:
    ys, xs = np.nonzero(pixels[..., 0] > 180)
    high, wide = pixels.shape[:2]
    return Box(xs.min() / wide, ys.min() / high, (np.ptp(xs) + 1) / wide, (np.ptp(ys) + 1) / high)


def packet(box: Box, size: tuple[int, int]) -> bytes:
    done = merge(None, _parse, Written(), Wanted([Region("Ann", box)], ["Ann"], size))
    assert done.data is not None
    return done.data


def _parse(data: bytes):
    from phototag.images.markup import parse

    return parse(data)


def jpeg(pixels: np.ndarray, orientation: int) -> bytes:
    image, out = Image.fromarray(np.ascontiguousarray(pixels)), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    image.save(out, "JPEG", quality=95, exif=exif)
    return out.getvalue()


def heic(orientation: int) -> bytes:
    """A HEIC file that turns itself."""
    image, out = Image.fromarray(upright_photo()), io.BytesIO()
    exif = image.getexif()
    exif[0x0112] = orientation
    pillow_heif.from_pillow(image).save(out, quality=90, exif=exif.tobytes())
    assert turn_of_heic(out.getvalue()) == orientation
    return out.getvalue()


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, dict[str, Box]]:
    """Photos of every orientation with regions in them or beside them, imported; where the face of
    each lies in the stored photo."""
    top = tmp_path_factory.mktemp("turned")
    place = Place(top / "photos", top / "library")
    place.photos.mkdir()
    lying: dict[str, Box] = {}

    def put(name: str, data: bytes, box: Box, size: tuple[int, int]) -> None:
        lying[name] = box
        (place.photos / name).write_bytes(data)
        (place.photos / f"{name}.xmp").write_bytes(packet(box, size))

    for orientation in range(1, 9):
        stored = laid_down(upright_photo(), orientation)
        high, wide = stored.shape[:2]
        data, box = jpeg(stored, orientation), lit(stored)
        put(f"{orientation}.jpg", data, box, (high, wide))  # swapped, as many programs do
        inside = with_packet(data, packet(box, (wide, high)))
        (place.photos / f"{orientation}-in.jpg").write_bytes(inside)
        (place.photos / f"{orientation}.xmp").write_bytes(packet(Box(0, 0, 0.1, 0.1), (wide, high)))
    for orientation in (3, 6, 8):
        data = heic(orientation)
        shown = lit(pixels_of(data))
        put(f"{orientation}.heic", data, shown, (800, 400))
    for orientation in (6, 8):  # of a half turn nobody can tell
        data = heic(orientation)
        coded = lit(pixels_of(data.replace(b"irot", b"free")))
        put(f"{orientation}-coded.heic", data + b"coded", coded, (400, 800))
    assert place.scan(*TOO_LARGE) == 0
    assert run(place, "import", "xmp", place.photos) == 0
    return place, lying


def pixels_of(data: bytes) -> Pixels:
    """What libheif shows of a file. (NumPy 2.0 does not keep its memory.)"""
    file = pillow_heif.open_heif(data)
    return np.array(file[0])


def boxes(place: Place, like: str) -> dict[str, Box]:
    rows = place.ask(
        "SELECT p.name, f.x, f.y, f.width, f.height FROM faces f"
        " JOIN paths p ON p.photo_id = f.photo_id WHERE p.name LIKE ?",
        like,
    )
    return {str(name): Box(*box) for name, *box in rows}


def test_regions_lie_right_in_all_eight_orientations_embedded_beside_and_swapped(turned) -> None:
    place, _ = turned
    found = boxes(place, "%.jpg")
    assert len(found) == 16
    assert [name for name, box in found.items() if TRUTH.iou(box) < 0.97] == []


def test_heic_turns_itself_and_its_regions_only_where_they_say_so(turned) -> None:
    place, lying = turned
    found = boxes(place, "%.heic")
    assert len(found) == 5
    for orientation in (3, 6, 8):
        shown = lying[f"{orientation}.heic"]
        mine = [box for name, box in found.items() if name.startswith(str(orientation))]
        assert [shown.iou(box) > 0.97 for box in mine] == [True] * len(mine)


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="ExifTool is not here")
def test_what_is_written_for_each_orientation_is_of_the_stored_photo(turned) -> None:
    place, lying = turned
    for path in place.photos.glob("*.xmp"):
        path.unlink()
    assert run(place, "export", "xmp") == 0
    names = [f"{orientation}.jpg" for orientation in range(1, 9)] + ["6.heic"]
    line = ["exiftool", "-j", "-struct", "-n", "-RegionInfo"]
    line += [str(place.photos / f"{name}.xmp") for name in names]
    rows = json.loads(subprocess.run(line, capture_output=True, check=True).stdout)
    for name, row in zip(names, rows, strict=True):
        area = row["RegionInfo"]["RegionList"][0]["Area"]
        box = lying[name]
        wanted = [*box.centre, box.width, box.height]
        assert [area[side] for side in "XYWH"] == pytest.approx(wanted, abs=0.006), name


# ---- into the photos


def test_embedding_keeps_the_pixels_the_names_and_the_decisions(
    named: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in named.photos.glob("*.jpg")}
    people = named.named()
    report = said(named, capfd, "export", "xmp", "--embed")
    assert report["embedded"] == 2
    for name, data in before.items():
        path = named.photos / name
        assert pixels_hash(path.read_bytes(), name) == pixels_hash(data, name)
        assert (path.read_bytes() == data) is (name == "2.jpg")
        assert not path.with_name(f"{name}.xmp").exists()
    assert named.scan() == 0
    assert near(named.named(), people)
    assert said(named, capfd, "export", "xmp", "--embed")["embedded"] == 0
    assert run(named, "undo") == 0  # the drawing
    assert said(named, capfd, "export", "xmp", "--embed")["embedded"] == 1
    assert b"Ben" not in (named.photos / "1.jpg").read_bytes()
    after = (named.photos / "1.jpg").read_bytes()
    assert pixels_hash(after, "") == pixels_hash(before["1.jpg"], "")


def test_a_scan_writes_xmp_where_something_changed_and_takes_empty_files_away(
    named: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    first = said(named, capfd, "scan", named.photos, "--xmp")
    assert first["xmp"]["written"] == 2
    second = said(named, capfd, "scan", named.photos, "--xmp")
    assert (second["xmp"]["written"], second["xmp"]["unchanged"]) == (0, 0)
    assert run(named, "undo") == 0
    third = said(named, capfd, "scan", named.photos, "--xmp")
    assert third["xmp"]["removed"] == 1
    assert [path.name for path in sorted(named.photos.glob("*.xmp"))] == ["0.jpg.xmp"]


# ---- photos of somebody


@pytest.mark.parametrize("how", ["--link", "--copy"])
def test_the_photos_of_somebody_are_gathered_once(named: Place, tmp_path: Path, how: str) -> None:
    to = tmp_path / "gathered"
    to.mkdir()
    (to / "0.jpg").write_bytes(b"somebody else's")
    for _ in range(2):
        assert run(named, "export", "photos", "山田 太郎", "--to", to, how) == 0
        found = sorted(path.name for path in to.iterdir())
        assert found == ["0 (2).jpg", "0.jpg"]
    photo = to / "0 (2).jpg"
    assert photo.is_symlink() is (how == "--link")
    assert photo.read_bytes() == (named.photos / "0.jpg").read_bytes()
    assert (to / "0.jpg").read_bytes() == b"somebody else's"


def test_copies_that_are_given_away_name_nobody(named: Place, tmp_path: Path) -> None:
    assert run(named, "export", "xmp", "--embed", "--people-tags") == 0
    assert named.scan() == 0
    to = tmp_path / "gathered"
    for _ in range(2):
        assert run(named, "export", "photos", "Ben", "--to", to, "--copy", "--strip") == 0
    (copy,) = to.iterdir()
    assert b"Ben" in (named.photos / "1.jpg").read_bytes()
    assert b"Ben" not in copy.read_bytes()
    assert run(named, "export", "photos", "Ben", "--to", to, "--link", "--strip") == 2


def test_every_line_of_json_names_a_photo(named: Place, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert run(named, "export", "json") == 0
    rows = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert [os.path.basename(row["file"]) for row in rows] == ["0.jpg", "1.jpg"]
    assert [face["person"] for face in rows[0]["faces"]] == ["Ann & Sons", "山田 太郎"]
    assert rows[1]["faces"][0]["how"] == "manual"
