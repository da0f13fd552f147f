"""`phototag doctor`: what is wrong is found, and what can be mended is mended without loss."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest


def states(ran) -> dict[str, str]:
    """The state of each check; the worst where a name comes twice."""
    worst: dict[str, str] = {}
    for check in ran.json["checks"]:
        order = ("ok", "note", "problem")
        before = worst.get(check["name"], "ok")
        worst[check["name"]] = max(before, check["state"], key=order.index)
    return worst


def problems(ran) -> set[str]:
    return {name for name, state in states(ran).items() if state == "problem"}


def assigned(home) -> list[tuple[object, ...]]:
    return home.sql("SELECT * FROM assignments ORDER BY face_id")


def test_a_sound_library_is_found_sound(reading, run) -> None:
    ran = run("doctor", "--json")
    assert ran.code == 0, ran.out
    assert ran.json["sound"] is True
    assert problems(ran) == set()
    assert {
        "python",
        "detector",
        "embedder",
        "formats",
        "catalogue",
        "journal",
        "decisions",
    } <= set(states(ran))
    assert states(ran)["from nothing"] == "ok"


def test_in_words_each_check_is_a_line(reading, run) -> None:
    ran = run("doctor")
    assert ran.code == 0
    assert ran.lines[0] == "installation"
    assert "library" in ran.lines
    assert any(line.startswith("  ok       journal: 9 decisions") for line in ran.lines)
    assert ran.err == ""


def test_a_wrong_assignment_is_found_and_mended(home, run) -> None:
    before = assigned(home)
    face = int(home.face("lone.jpg").removeprefix("face-"))
    home.sql("UPDATE assignments SET state = 'manual', person_id = 1 WHERE face_id = ?", face)
    ran = run("doctor", "--json")
    assert ran.code == 5
    assert "assignments" in problems(ran)
    mended = run("doctor", "--repair", "--json")
    assert (mended.code, mended.json["sound"]) == (0, True)
    assert any("grouped anew" in said for said in mended.json["repaired"])
    assert assigned(home) == before


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("DELETE FROM assignments WHERE state = 'unknown'", "faces"),
        ("UPDATE assignments SET person_id = 999 WHERE state = 'automatic'", "assignments"),
        ("UPDATE assignments SET cluster_id = 77 WHERE state = 'cluster'", "clusters"),
        ("UPDATE clusters SET alive = 0", "clusters"),
        ("INSERT INTO clusters (alive) VALUES (1)", "clusters"),
        ("UPDATE assignments SET suggestion_id = NULL WHERE state = 'unknown'", "from nothing"),
        ("DELETE FROM scores", "nothing"),
    ],
)
def test_what_follows_from_the_decisions_is_made_anew(home, run, damage: str, check: str) -> None:
    before = assigned(home)
    home.sql(damage)
    found = problems(run("doctor", "--json"))
    if check == "nothing":  # scores are made anew by the next grouping, and nothing depends on them
        assert found == set()
        return
    assert check in found
    mended = run("doctor", "--repair", "--json")
    assert mended.code == 0, mended.out
    numbers = [row[:3] + row[4:] for row in assigned(home)]
    assert numbers == [row[:3] + row[4:] for row in before]


def test_a_table_of_faces_that_lacks_some_is_made_anew(home, run) -> None:
    before = assigned(home)
    for path in (home.library / "cache").glob("*/*.npy"):
        np.save(path, np.load(path)[1:])
    assert "neighbours" in problems(run("doctor", "--json"))
    assert run("doctor", "--repair").code == 0
    assert problems(run("doctor", "--json")) == set()
    assert assigned(home) == before


def test_the_numbers_of_clusters_survive_a_repair(home, run) -> None:
    before = assigned(home)
    shutil.rmtree(home.library / "cache")
    assert run("doctor", "--repair").code == 0
    assert assigned(home) == before


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM verdicts WHERE person_id IS NOT NULL",
        "UPDATE people SET name = 'Mallory' WHERE name = 'Alice'",
        "DELETE FROM rejections",
        "DELETE FROM people",
    ],
)
def test_what_a_user_said_is_replayed_from_the_journal(home, run, damage: str) -> None:
    people = run("people").out
    home.sql(damage)
    ran = run("doctor", "--json")
    assert ran.code == 5
    assert "decisions" in problems(ran)
    assert run("doctor", "--repair").code == 0
    assert run("people").out == people
    assert run("doctor").code == 0


def test_a_lost_mirror_is_written_anew(home, run) -> None:
    mirror = home.library / "journal.jsonl"
    lines = mirror.read_bytes()
    mirror.unlink()
    assert problems(run("doctor", "--json")) == {"journal"}
    assert run("doctor", "--repair").code == 0
    assert mirror.read_bytes() == lines


def test_an_edited_mirror_is_written_anew_and_the_edit_is_kept(home, run) -> None:
    mirror = home.library / "journal.jsonl"
    lines = mirror.read_bytes()
    mirror.write_bytes(lines.replace(b"Alice", b"Malice"))
    assert problems(run("doctor", "--json")) == {"journal"}
    assert run("doctor", "--repair").code == 0
    assert mirror.read_bytes() == lines
    kept = home.library / "journal.jsonl.before-repair"
    assert b"Malice" in kept.read_bytes()


def test_a_damaged_line_of_the_mirror_is_named(home, run) -> None:
    mirror = home.library / "journal.jsonl"
    lines = mirror.read_bytes().splitlines(keepends=True)
    mirror.write_bytes(b"".join([lines[0], b"{oops\n", *lines[1:]]))
    ran = run("doctor")
    assert ran.code == 5
    assert "line 2 cannot be read" in ran.out
    assert run("doctor", "--repair").code == 0


def test_decisions_after_an_old_catalogue_was_put_back_count_again(home, run) -> None:
    old = home.library / "old.sqlite"
    home.sql("VACUUM INTO ?", str(old))
    assert run("label", "s1.jpg#1", "Zoe").code == 0
    people = run("people").out
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (home.library / name).unlink(missing_ok=True)
    shutil.move(old, home.library / "catalog.sqlite")
    ran = run("doctor", "--json")
    assert ran.code == 5
    assert "journal" in problems(ran)
    mended = run("doctor", "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert "1 decisions were taken in" in mended.err
    assert run("people").out == people


def test_the_next_decision_never_writes_over_one_that_only_the_mirror_has(home, run) -> None:
    old = home.library / "old.sqlite"
    home.sql("VACUUM INTO ?", str(old))
    run("label", "s1.jpg#1", "Zoe")
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (home.library / name).unlink(missing_ok=True)
    shutil.move(old, home.library / "catalog.sqlite")
    assert run("label", "lone.jpg#1", "Yann").code == 0
    rows = [json.loads(line) for line in (home.library / "journal.jsonl").read_text().splitlines()]
    said = [row["payload"].get("person") for row in rows if row["kind"] == "label"]
    assert said[-2:] == ["Zoe", "Yann"]
    names = {row["name"] for row in run("people", "--json").rows}
    assert {"Zoe", "Yann"} <= names
    assert run("doctor").code == 0


def test_lost_pictures_are_cut_again(home, run) -> None:
    (gone,) = home.sql("SELECT key FROM photos WHERE live = 0")[0]
    crops = sorted((home.library / "faces").rglob("*.webp"))
    crops = [path for path in crops if not path.name.startswith(str(gone))]
    before = {path: path.read_bytes() for path in crops}
    for path in crops[::2]:
        path.unlink()
    shutil.rmtree(home.library / "thumbs")
    assert problems(run("doctor", "--json")) == {"pictures"}
    mended = run("doctor", "--repair", "--json")
    assert mended.code == 0, mended.out
    assert {path: path.read_bytes() for path in crops} == before


def test_pictures_of_photos_that_changed_are_left_to_the_next_scan(home, run) -> None:
    shutil.rmtree(home.library / "thumbs")
    Path(home.photo("bob.jpg")).write_bytes(b"another photo")
    ran = run("doctor", "--repair")
    assert ran.code == 5
    assert "Those of 1 others were not" in ran.out


def test_orphan_pictures_and_half_written_files_are_removed(home, run) -> None:
    crop = next((home.library / "faces").rglob("*.webp"))
    orphans = [
        crop.with_name("0" * 32 + "-1.webp"),
        crop.with_name(crop.name.split("-")[0] + "-9999.webp"),
        crop.with_name("notes.txt"),
    ]
    torn = [crop.with_name(".phototag-0-1-2.tmp"), home.photos / ".phototag-0-1-2.tmp"]
    for path in [*orphans, *torn]:
        path.write_bytes(b"x")
        os.utime(path, (0, 0))
    ran = run("doctor", "--json")
    assert problems(ran) == {"leftovers", "half written"}
    assert run("doctor", "--repair").code == 0
    assert not any(path.exists() for path in [*orphans, *torn])
    assert crop.exists()


def test_lost_sidecars_and_thumbnails_are_written_again(home, run) -> None:
    sidecar = home.photos / "bob.jpg.phototag.json"
    content = sidecar.read_bytes()
    sidecar.unlink()
    shutil.rmtree(home.library / "thumbnails")
    assert problems(run("doctor", "--json")) == {"outputs"}
    assert run("doctor", "--repair").code == 0
    assert sidecar.read_bytes() == content
    assert list((home.library / "thumbnails").rglob("*.webp"))


def test_a_repair_copies_the_catalogue_first(home, run) -> None:
    home.sql("UPDATE people SET name = 'Mallory' WHERE name = 'Alice'")
    assert run("doctor", "--repair").code == 0
    (backup,) = (home.library / "backups").glob("before-repair-*.sqlite")
    with closing(sqlite3.connect(backup)) as db:
        names = {row[0] for row in db.execute("SELECT name FROM people")}
    assert "Mallory" in names


def test_photos_are_never_touched_by_a_repair(home, run) -> None:
    before = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.photos.rglob("*.jpg")}
    shutil.rmtree(home.library / "thumbs")
    shutil.rmtree(home.library / "cache")
    run("doctor", "--repair")
    after = {p: (p.read_bytes(), p.stat().st_mtime_ns) for p in home.photos.rglob("*.jpg")}
    assert after == before


def test_a_broken_index_is_made_anew(home, run) -> None:
    """An index that lacks rows, as a failing disk leaves it."""
    db = sqlite3.connect(home.library / "catalog.sqlite")
    (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'faces_photo'").fetchone()
    db.execute("DROP INDEX faces_photo")
    db.execute(f"{sql} WHERE id > 5")
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'faces_photo'", (sql,))
    db.commit()
    db.close()
    before = run("people").out
    ran = run("doctor", "--json")
    assert ran.code == 5
    assert problems(ran) == {"catalogue"}
    mended = run("doctor", "--repair")
    assert mended.code == 0, mended.out + mended.err
    assert "The indexes of the catalogue were made anew." in mended.out
    assert run("people").out == before


def test_a_second_look_mends_what_the_first_could_not_see(home, run) -> None:
    """A broken index hides the rest, which is looked at and mended once it is made anew."""
    people = run("people").out
    db = sqlite3.connect(home.library / "catalog.sqlite")
    (sql,) = db.execute("SELECT sql FROM sqlite_master WHERE name = 'photos_bytes'").fetchone()
    db.execute("DELETE FROM verdicts")
    db.execute("DROP INDEX photos_bytes")
    db.execute(f"{sql} WHERE id > 5")
    db.execute("PRAGMA writable_schema = ON")
    db.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'photos_bytes'", (sql,))
    db.commit()
    db.close()
    assert problems(run("doctor", "--json")) == {"catalogue"}
    mended = run("doctor", "--repair", "--json")
    assert mended.code == 0, mended.out
    assert any("The journal was replayed" in said for said in mended.json["repaired"])
    assert run("people").out == people


def test_a_scan_at_work_leaves_notes_and_no_problems(home, run) -> None:
    home.sql("DELETE FROM assignments WHERE state = 'unknown'")
    with (home.library / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = run("doctor", "--json")
    assert ran.code == 0
    assert states(ran)["faces"] == "note"
    assert states(ran)["lock"] == "note"


def test_a_repair_does_not_push_in_before_a_writer(home, run) -> None:
    (home.library / "journal.jsonl").unlink()
    with (home.library / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = run("doctor", "--repair")
    assert ran.code == 75
    assert "is in use by" in ran.err
    assert not (home.library / "journal.jsonl").exists()


def test_a_damaged_model_is_named(home, run) -> None:
    model = home.library / "models" / "painted.onnx"
    model.write_bytes(model.read_bytes()[:-4] + b"oops")
    ran = run("doctor", "--json")
    assert ran.code == 5
    assert "embedder" in problems(ran)
    said = next(c["said"] for c in ran.json["checks"] if c["name"] == "embedder")
    assert str(model) in said


def test_a_model_without_thresholds_is_a_problem(home, run) -> None:
    card = home.library / "models" / "painted.json"
    data = json.loads(card.read_text())
    del data["thresholds"]
    card.write_text(json.dumps(data))
    ran = run("doctor", "--json")
    assert ran.code == 5
    assert {"embedder", "model"} <= problems(ran)


def test_a_wrong_setting_is_named(home, run) -> None:
    (home.library / "phototag.toml").write_text("size = 'huge'\n")
    ran = run("doctor")
    assert ran.code == 5
    assert "size cannot be 'huge'" in ran.out


def test_an_unmounted_disk_is_a_note(home, run) -> None:
    home.photos.rename(home.photos.with_name("elsewhere"))
    ran = run("doctor", "--json")
    assert states(ran)["folders"] == "note"
    assert "outputs" not in problems(ran)


def test_before_the_first_scan_only_the_installation_is_looked_at(
    run, monkeypatch, tmp_path
) -> None:
    monkeypatch.delenv("PHOTOTAG_LIBRARY", raising=False)
    ran = run("doctor", "--json")
    assert states(ran)["catalogue"] == "note"
    wanted = run("doctor", "--library", tmp_path / "nowhere", "--json")
    assert wanted.code == 5
    assert "catalogue" in problems(wanted)


def test_a_catalogue_that_is_no_database_is_named_without_a_traceback(home, run) -> None:
    (home.library / "catalog.sqlite").write_bytes(b"this is no database at all" * 100)
    for words in (("doctor",), ("doctor", "--repair")):
        ran = run(*words)
        assert ran.code == 5
        assert "cannot be read" in ran.out + ran.err
        assert "Traceback" not in ran.out + ran.err
