"""Videos in a library: looked at, named, forgotten and found again like photos, by moments."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from films import GALLERY, Shot, Shown, make_film, read_truth, truth_of

from phototag.catalog import store
from phototag.catalog import tracks as track_table
from phototag.cli import app
from phototag.core.tracks import meet
from phototag.output import sidecar
from phototag.work.extract import Extractor, Job, Kit

from .conftest import Place

SIZE, RATE = (640, 360), 10
BIRTHDAY, SEA = GALLERY / "2018" / "Grandpa’s 70th 🎂", GALLERY / "2018" / "Summer by the sea"
SHOTS = [
    Shot(BIRTHDAY / "DSC 0101.jpg", 2.5, (0.5, 0.4, 1.0), (0.5, 0.4, 0.8)),  # Oldwin
    Shot(BIRTHDAY / "DSC 0102.jpg", 3.0, (0.2, 0.4, 0.9), (0.8, 0.4, 0.9)),  # and Hesperine
    Shot(SEA / "IMG_0412.JPG", 0.6),  # Liorène, for less than a second
    Shot(BIRTHDAY / "DSC 0101.jpg", 2.0, (0.5, 0.4, 0.9), (0.45, 0.4, 1.0)),  # Oldwin again
]
CARD = Path(app.__file__).parents[1] / "weights" / "face-vgg16.json"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("film") / "Grandpa.mp4", SHOTS, SIZE, RATE)


@pytest.fixture(scope="module")
def seen(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A library that has seen the film, with Oldwin named in his first shot; only to be copied."""
    folder = tmp_path_factory.mktemp("seen")
    (folder / "photos").mkdir()
    shutil.copy2(film, folder / "photos" / "Grandpa.mp4")
    place = Place(folder / "photos", folder / "library")
    assert app.run(place.command("video", place.photos / "Grandpa.mp4", "--quiet")) == 0
    assert app.run(place.command("label", "face-1", "Oldwin")) == 0
    return place


@pytest.fixture
def place(seen: Place, tmp_path: Path) -> Place:
    """A copy of it, moved by `relocate`."""
    copy = Place(tmp_path / "photos", tmp_path / "library")
    shutil.copytree(seen.photos, copy.photos, copy_function=shutil.copy2)
    shutil.copytree(seen.library, copy.library)
    assert app.run(copy.command("relocate", seen.photos, copy.photos)) == 0
    return copy


def told(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((place.photos / "Grandpa.mp4.phototag.json").read_bytes())
    return found


def who(place: Place) -> list[tuple[str, int, int]]:
    """(person, first, last) of every named track, in order."""
    return [
        (str(name), int(first), int(last))
        for name, first, last in place.ask(
            "SELECT p.name, t.first, t.last FROM assignments a JOIN people p ON p.id = a.person_id"
            " JOIN tracks t ON t.face_id = a.face_id ORDER BY t.first"
        )
    ]


def test_everybody_in_a_film_is_one_face_for_each_shot(seen: Place) -> None:
    truth: list[Shown] = truth_of(SHOTS, read_truth(GALLERY, GALLERY), SIZE, RATE)
    rows = seen.ask("SELECT first, last FROM tracks ORDER BY first")
    assert len(rows) == len(truth) == 5
    for shown, (first, last) in zip(truth, rows, strict=True):
        assert abs(shown.first * 1000 - first) <= 150  # a cut is seen a frame or two later
        assert shown.last * 1000 - 1000 <= last <= shown.last * 1000


def test_a_name_reaches_the_other_shots_and_the_sidecar_tells_the_times(seen: Place) -> None:
    assert [name for name, _, _ in who(seen)] == ["Oldwin"] * 3
    found = told(seen)
    jsonschema.validate(found, sidecar.json_schema())
    assert found["people"] == ["Oldwin"]
    assert found["timeline"] == ["00:00:00-00:00:04 Oldwin", "00:00:06-00:00:07 Oldwin"]
    assert found["photo"]["seconds"] == pytest.approx(8.1)
    first = found["faces"][0]
    assert (first["status"], first["seen"]["times"]) == ("named", "00:00:00-00:00:02")


def test_what_the_command_says_as_json(seen: Place, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert app.run(seen.command("video", seen.photos / "Grandpa.mp4", "--json")) == 0
    said = json.loads(capfd.readouterr().out)
    assert said["schema"] == "phototag/videos/1"
    (film,) = said["videos"]
    assert set(film) == {"path", "seconds", "width", "height", "appearances", "problem"}
    assert set(film["appearances"][0]) == {
        "face", "who", "state", "similarity", "first", "last", "times"
    }  # fmt: skip
    assert [face["who"] for face in film["appearances"]].count("Oldwin") == 3


def test_find_tells_the_times(seen: Place, capfd: pytest.CaptureFixture[str]) -> None:
    capfd.readouterr()
    assert app.run(seen.command("find", "Oldwin", "--json")) == 0
    row = json.loads(capfd.readouterr().out)
    assert row["path"].endswith("Grandpa.mp4")
    assert row["timeline"] == told(seen)["timeline"]


def test_the_strip_carries_the_names(seen: Place) -> None:
    from PIL import Image

    (path,) = (seen.library / "thumbnails").rglob("*.webp")
    (plain,) = (seen.library / "thumbs").rglob("*.webp")
    with Image.open(path) as drawn, Image.open(plain) as strip:
        assert drawn.size == strip.size
        assert drawn.width > 900  # three or more frames in a row
        assert (np.asarray(drawn.convert("RGB")) != np.asarray(strip.convert("RGB"))).any()
    page = (seen.library / "sheet" / "photos").glob("*.html")
    assert any("Grandpa.mp4" in each.read_text(encoding="utf-8") for each in page)


def test_faces_of_a_film_are_shown_large_and_cut_again(place: Place) -> None:
    from io import BytesIO

    from PIL import Image

    from phototag.work.close_up import large_face

    with store.open_to_read(place.library) as lib, Image.open(BytesIO(large_face(lib, 1))) as face:
        assert face.width > 200
    kept = {p: p.read_bytes() for folder in ("thumbs", "faces") for p in
            (place.library / folder).rglob("*.webp")}  # fmt: skip
    for path in kept:
        path.unlink()
    assert app.run(place.command("doctor", "--repair")) == 0
    assert {p: p.read_bytes() for p in kept} == kept


def test_two_who_are_seen_together_cannot_be_one_person(place: Place) -> None:
    together = place.ask(
        "SELECT t.face_id FROM tracks t JOIN tracks u ON t.first = u.first"
        " AND t.face_id != u.face_id ORDER BY t.face_id"
    )
    one, other = (f"face-{row[0]}" for row in together)
    assert app.run(place.command("label", one, other, "Hesperine")) == 2
    assert app.run(place.command("label", "face-1", other, "Oldwin")) == 0  # at other times


def test_undo_gives_back_the_state_before(place: Place) -> None:
    before, outputs = place.state(), told(place)
    last = place.ask("SELECT MAX(face_id) FROM tracks")[0][0]
    assert app.run(place.command("reject", f"face-{last}", "Oldwin")) == 0
    assert len(who(place)) == 2
    assert told(place)["timeline"] == ["00:00:00-00:00:04 Oldwin"]
    assert app.run(place.command("undo")) == 0
    changed = {k for k, rows in place.state().items() if rows != before[k]}
    assert changed <= {"decisions", "photos", "sqlite_sequence", "named", "cluster_log", "meta"}
    assert told(place) == outputs
    assert app.run(place.command("doctor")) == 0


def test_the_journal_and_the_films_rebuild_the_library(place: Place) -> None:
    names = who(place)
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (place.library / name).unlink(missing_ok=True)
    assert place.scan("--video") == 0
    assert who(place) == names


def test_a_second_look_at_other_moments_keeps_what_was_said(place: Place) -> None:
    numbers = place.ask("SELECT face_id FROM verdicts")
    assert place.scan("--video", "--force", "--every", "0.7s") == 0
    assert place.ask("SELECT face_id FROM verdicts") == numbers
    assert [name for name, _, _ in who(place)] == ["Oldwin"] * 3
    assert place.ask("SELECT COUNT(*) FROM faces")[0][0] == 5


def test_a_scan_takes_in_new_films_only_if_asked_and_looks_after_known_ones(
    place: Place, film: Path
) -> None:
    (place.photos / "moved").mkdir()
    (place.photos / "Grandpa.mp4").rename(place.photos / "moved" / "Grandpa.mp4")
    shutil.copy2(place.photos / "moved" / "Grandpa.mp4", place.photos / "copy.mov")
    (place.photos / "broken.mp4").write_bytes(b"\0\0\0\x18ftypmp42" + b"x" * 5000)
    assert place.scan() == 4  # the film is gone, and what lies elsewhere was not asked for
    assert place.scan("--video") == 3  # one is broken
    names = place.ask("SELECT name FROM paths WHERE missing_since IS NULL ORDER BY name")
    assert [row[0] for row in names] == ["Grandpa.mp4", "broken.mp4", "copy.mov"]
    assert place.ask("SELECT reason FROM failures") == [("not-a-video",)]
    assert len(who(place)) == 3
    before = place.state()
    assert place.scan() == 3 or place.scan("--on-errors", "ignore") == 0
    assert place.state()["paths"] == before["paths"]


def test_tracks_are_embedded_again_as_they_were(film: Path) -> None:
    extractor = Extractor.from_kit(Kit(embedder_card=str(CARD)))
    (whole,) = extractor.run([Job(str(film), video=True)])
    assert whole.record is not None
    faces = dict(enumerate(whole.record.faces))
    best = tuple((n, face.track.best) for n, face in faces.items() if face.track is not None)
    (again,) = extractor.run([Job(str(film), of=whole.record.key, video=True, tracks=best)])
    assert again.vectors is not None
    assert len(again.vectors) == len(faces) == 5
    for number, vector in again.vectors:
        assert (vector == faces[number].embedding).all()


def test_what_is_not_a_video_is_said_to_be_none(place: Place, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert app.run(place.command("video", tmp_path / "notes.txt")) == 2
    assert app.run(place.command("video", tmp_path)) == 2
    assert app.run(place.command("video")) == 2
    assert app.run(place.command("video", tmp_path / "nowhere.mp4")) == 2


def test_no_two_tracks_of_a_person_meet(seen: Place) -> None:
    with store.open_to_read(seen.library) as lib:
        photo = lib.db.execute("SELECT photo_id FROM videos").fetchone()[0]
        spans = sorted(t.span for t in track_table.tracks_of(lib, photo).values())
    meeting = [(a, b) for n, a in enumerate(spans) for b in spans[n + 1 :] if meet(a, b)]
    assert len(meeting) == 1  # Oldwin and Hesperine
