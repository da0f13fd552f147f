"""What a second scan does: nothing where nothing changed, else the right thing."""

from __future__ import annotations

import os
import shutil
import sqlite3

import pytest
from PIL import Image

from phototag import errors
from phototag.cli import app
from phototag.work import workers

from .conftest import Place


def test_a_second_scan_writes_nothing_and_opens_no_photo(
    scanned: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = scanned.outputs()
    times = {p: p.stat().st_mtime_ns for p in scanned.library.rglob("*") if p.is_file()}
    state = scanned.state()
    monkeypatch.setattr(workers, "Pool", None)
    assert scanned.scan() == 0
    assert scanned.state() == state
    assert scanned.outputs() == before
    for path, time in times.items():
        if not path.name.startswith(("catalog.sqlite", "lock")):
            assert path.stat().st_mtime_ns == time, path


def test_a_renamed_photo_keeps_its_faces_and_names(scanned: Place) -> None:
    faces = scanned.ask("SELECT id, photo_id FROM faces")
    (scanned.photos / "0.jpg").rename(scanned.photos / "new name.jpg")
    assert scanned.scan() == 0
    assert scanned.ask("SELECT id, photo_id FROM faces") == faces
    assert ("new name.jpg", "Alice") in {(n, p) for n, _, p in scanned.named()}
    assert not (scanned.photos / "0.jpg.phototag.json").exists()
    assert (scanned.photos / "new name.jpg.phototag.json").exists()


def test_a_photo_moved_into_a_folder_keeps_its_faces(scanned: Place) -> None:
    (scanned.photos / "deep").mkdir()
    (scanned.photos / "0.jpg").rename(scanned.photos / "deep" / "0.jpg")
    assert scanned.scan() == 0
    assert scanned.ask("SELECT dir FROM paths WHERE name = '0.jpg'") == [("deep",)]
    assert {p for _, _, p in scanned.named()} == {"Alice"}


def test_a_copy_is_the_same_photo_at_two_places(scanned: Place) -> None:
    shutil.copy(scanned.photos / "0.jpg", scanned.photos / "copy.jpg")
    photos = scanned.ask("SELECT COUNT(*) FROM photos")
    assert scanned.scan() == 0
    assert scanned.ask("SELECT COUNT(*) FROM photos") == photos
    assert {n for n, _, p in scanned.named() if p == "Alice"} >= {"0.jpg", "copy.jpg"}


def test_a_photo_whose_metadata_was_rewritten_keeps_its_names(scanned: Place) -> None:
    path = scanned.photos / "0.jpg"
    data = path.read_bytes()
    comment = b"\xff\xfe\x00\x0ahello, w"
    path.write_bytes(data[:2] + comment + data[2:])
    assert scanned.scan() == 0
    assert "0.jpg" in {n for n, _, p in scanned.named() if p == "Alice"}


def test_a_cropped_and_brightened_photo_keeps_its_names(scanned: Place) -> None:
    path = scanned.photos / "0.jpg"
    with Image.open(path) as image:
        wide, high = image.size
        edited = image.crop((wide // 40, high // 40, wide, high)).point(lambda v: min(255, v + 8))
        exif = image.info.get("exif", b"")
    edited.save(path, quality=92, exif=exif)
    assert scanned.scan() == 0
    assert "0.jpg" in {n for n, _, p in scanned.named() if p == "Alice"}


def test_a_deleted_photo_is_missing_and_back_at_once_when_it_returns(scanned: Place) -> None:
    path = scanned.photos / "0.jpg"
    kept = path.with_suffix(".elsewhere")
    path.rename(kept)
    assert scanned.scan("--accept-missing") == 0
    assert "0.jpg" not in {n for n, _, _ in scanned.named()}
    assert scanned.ask("SELECT name FROM paths WHERE missing_since IS NOT NULL") == [("0.jpg",)]
    kept.rename(path)
    assert scanned.scan() == 0
    assert "0.jpg" in {n for n, _, p in scanned.named() if p == "Alice"}


def test_an_empty_root_is_taken_for_an_unmounted_disk(scanned: Place) -> None:
    away = scanned.photos.with_name("away")
    scanned.photos.rename(away)
    scanned.photos.mkdir()
    state = scanned.state()
    assert scanned.scan() == errors.GUARDED
    assert scanned.state() == state
    shutil.rmtree(scanned.photos)
    assert scanned.scan() == errors.GUARDED
    assert scanned.state() == state
    away.rename(scanned.photos)
    assert scanned.scan() == 0
    assert scanned.state() == state


def test_a_dry_run_changes_nothing(place: Place) -> None:
    assert place.scan("--dry-run") == 0
    assert place.ask("SELECT COUNT(*) FROM paths") == [(0,)]
    assert not list(place.photos.glob("*.json"))


def test_force_looks_again_and_keeps_ids_and_decisions(scanned: Place) -> None:
    faces = scanned.ask("SELECT id, photo_id, x, y FROM faces")
    named = scanned.named()
    assert scanned.scan("--force") == 0
    assert scanned.ask("SELECT id, photo_id, x, y FROM faces") == faces
    assert scanned.named() == named


def test_a_bad_file_is_named_once_and_not_tried_again_until_it_changes(
    place: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    bad = place.photos / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff" + b"x" * 100)
    assert place.scan() == errors.SOME_FAILED
    assert "bad.jpg" in capfd.readouterr().err
    assert place.scan() == 0
    assert "bad.jpg" not in capfd.readouterr().err
    assert place.scan("--retry-errors") == errors.SOME_FAILED
    assert place.scan("--retry-errors", "--on-errors", "ignore") == 0
    shutil.copy(place.photos / "1.jpg", bad)
    os.utime(bad, (1, 1))
    assert place.scan() == 0
    assert place.ask("SELECT * FROM failures") == []


def test_names_that_are_not_utf8_go_through_a_whole_scan(
    place: Place, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    odd = os.fsencode(place.photos) + b"/caf\xe9.jpg"
    os.rename(place.photos / "0.jpg", odd)
    assert place.scan() == 0
    assert os.path.exists(odd + b".phototag.json")
    capfdbinary.readouterr()
    assert app.run(place.command("label", "face-1", "Zoë")) == 0
    assert app.run(place.command("find", "Zoë", "-0")) == 0
    assert odd in capfdbinary.readouterr().out.split(b"\0")
    assert place.scan() == 0


def test_a_scanned_folder_inside_a_scanned_folder_is_known_once(place: Place) -> None:
    inner = place.photos / "inner"
    inner.mkdir()
    (place.photos / "0.jpg").rename(inner / "0.jpg")
    words = ("scan", inner, "--quiet")
    assert app.run(place.command(*words)) == 0
    assert place.scan() == 0
    assert app.run(place.command(*words)) == 0
    assert place.ask("SELECT path FROM roots") == [(str(place.photos),)]
    assert place.ask("SELECT COUNT(*) FROM paths") == [(6,)]
    assert place.ask("SELECT COUNT(*) FROM paths WHERE missing_since IS NOT NULL") == [(0,)]


def test_an_existing_file_in_a_sidecars_place_is_left_alone(place: Place) -> None:
    taken = place.photos / "0.jpg.phototag.json"
    taken.write_text('{"mine": true}')
    assert place.scan() == 0
    assert taken.read_text() == '{"mine": true}'


def test_a_lost_catalogue_is_rebuilt_from_the_photos_and_the_journal(scanned: Place) -> None:
    named = scanned.named()
    for path in scanned.library.glob("catalog.sqlite*"):
        path.unlink()
    assert scanned.scan() == 0
    assert scanned.named() == named


def test_a_damaged_catalogue_is_said_without_a_traceback(
    scanned: Place, capfd: pytest.CaptureFixture[str]
) -> None:
    (scanned.library / "catalog.sqlite").write_bytes(b"no database at all" * 500)
    for left in ("catalog.sqlite-wal", "catalog.sqlite-shm"):
        (scanned.library / left).unlink(missing_ok=True)
    assert scanned.scan() == errors.LIBRARY
    said = capfd.readouterr().err
    assert "journal.jsonl" in said
    assert "Traceback" not in said


def test_undoing_every_decision_gives_the_state_before(scanned: Place) -> None:
    tables = ("assignments", "people", "verdicts", "rejections")
    assert app.run(scanned.command("undo")) == 0
    before = {name: scanned.state()[name] for name in tables}
    for words in (
        ("label", "face-1", "Alice"),
        ("label", "face-2", "Bob"),
        ("reject", "face-3", "Alice"),
        ("rename", "Bob", "Robert"),
        ("ignore", "face-4"),
        ("not-a-face", "face-5"),
        ("merge", "Robert", "Alice"),
    ):
        assert app.run(scanned.command(*words)) == 0, words
    for _ in range(7):
        assert app.run(scanned.command("undo")) == 0
    assert {name: scanned.state()[name] for name in tables} == before
    assert app.run(scanned.command("undo")) == errors.NO


def test_the_catalogue_is_sound_after_all_that(scanned: Place) -> None:
    db = sqlite3.connect(scanned.library / "catalog.sqlite")
    assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    db.close()
