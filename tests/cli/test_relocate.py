"""`phototag relocate`: a folder moved as a whole."""

from __future__ import annotations

import os
from pathlib import Path

from phototag.catalog import store


def moved(home) -> Path:
    """The photos, moved on the disk."""
    new = home.photos.parent / "new disk"
    home.photos.rename(new)
    return new


def test_the_photos_are_known_in_their_new_place_and_nothing_is_read(home, run) -> None:
    new = moved(home)
    mtimes = {p: p.stat().st_mtime_ns for p in new.rglob("*") if p.is_file()}
    ran = run("relocate", home.photos, new)
    assert ran.code == 0, ran.err
    assert "Nothing was read again." in ran.err
    found = run("find", "Alice").lines
    assert len(found) == 8
    assert all(path.startswith(str(new)) and os.path.exists(path) for path in found)
    assert {p: p.stat().st_mtime_ns for p in new.rglob("*") if p.is_file()} == mtimes


def test_a_scan_afterwards_finds_nothing_new_or_missing(home, run) -> None:
    new = moved(home)
    assert run("relocate", home.photos, new).code == 0
    scan = run("scan", new, "--json").json
    assert (scan["new"], scan["moved"], scan["edited"], scan["missing"]) == (0, 0, 0, 0)
    assert scan["unchanged"] == 22


def test_sidecars_beside_the_photos_stay_ours(home, run) -> None:
    new = moved(home)
    run("relocate", home.photos, new)
    paths = [os.fsdecode(path) for (path,) in home.sql("SELECT path FROM outputs")]
    beside = [path for path in paths if path.endswith(".phototag.json")]
    assert len(beside) == 21
    assert all(p.startswith(str(new)) and os.path.exists(p) for p in beside)
    assert run("doctor").code == 0


def test_sidecars_in_the_library_move_along(home, run) -> None:
    (home.library / "phototag.toml").write_text('embedder = "painted"\nsidecars = "library"\n')
    assert run("sheet").code == 0
    new = moved(home)
    assert run("relocate", home.photos, new).code == 0
    there = home.library / "sidecars" / str(new).lstrip("/")
    assert (there / "bob.jpg.phototag.json").is_file()
    assert not (home.library / "sidecars" / str(home.photos).lstrip("/")).exists()
    assert run("doctor").code == 0


def test_the_sheet_links_to_the_new_place(home, run) -> None:
    new = moved(home)
    run("relocate", home.photos, new)
    pages = "".join(p.read_text() for p in (home.library / "sheet").rglob("*.html"))
    assert "new%20disk" in pages
    assert home.photos.as_uri() + "/" not in pages


def test_relative_paths_mean_where_the_user_is(home, run, monkeypatch) -> None:
    new = moved(home)
    monkeypatch.chdir(new.parent)
    assert run("relocate", "photos/", "new disk").code == 0
    assert run("status", "--json").json["roots"] == [str(new)]


def test_a_place_without_the_photos_changes_nothing(home, run, tmp_path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    ran = run("relocate", home.photos, empty)
    assert ran.code == 4
    assert "are not in" in ran.err
    assert run("status", "--json").json["roots"] == [str(home.photos)]
    assert run("relocate", home.photos, empty, "--force").code == 0
    assert run("status", "--json").json["roots"] == [str(empty)]


def test_files_of_another_size_are_not_the_photos(home, run, tmp_path) -> None:
    new = tmp_path / "other"
    for path in home.photos.rglob("*.jpg"):
        place = new / path.relative_to(home.photos)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"something else")
    assert run("relocate", home.photos, new).code == 4


def test_a_few_lost_files_do_not_stop_it(home, run) -> None:
    new = moved(home)
    (new / "bob.jpg").unlink()
    ran = run("relocate", home.photos, new, "--json")
    assert ran.code == 0
    assert ran.json["checked"] == 22


def test_folders_that_cannot_be_are_refused(home, run, tmp_path) -> None:
    other = tmp_path / "photos" / "2020"
    cases = {
        (home.photos, home.photos): "is where it was",
        (tmp_path / "never", other): "is no folder that was scanned",
        (other, tmp_path): f"It lies in {home.photos}: scan that",
        (home.photos, tmp_path / "not there"): "is no folder. Is its disk mounted?",
    }
    for (old, new), said in cases.items():
        ran = run("relocate", old, new)
        assert (ran.code, ran.out) == (2, "")
        assert said in ran.err


def test_two_scanned_folders_never_become_one(home, run, tmp_path) -> None:
    second = tmp_path / "second"
    second.mkdir()
    with store.open_to_write(home.library, "test", "now") as lib:
        lib.db.execute("INSERT INTO roots (path) VALUES (?)", (str(second),))
    ran = run("relocate", home.photos, second, "--force")
    assert ran.code == 2
    assert "overlaps" in ran.err
    assert run("relocate", home.photos, second / "below", "--force").code == 2


def test_roots_below_the_old_folder_all_move(home, run, tmp_path) -> None:
    with store.open_to_write(home.library, "test", "now") as lib:
        lib.db.execute("UPDATE roots SET path = '/mnt/old/photos'")
        lib.db.execute("INSERT INTO roots (path) VALUES ('/mnt/old/scans')")
        lib.db.execute("INSERT INTO roots (path) VALUES ('/mnt/older')")
    assert run("relocate", "/mnt/old", "/mnt/new", "--force").code == 0
    roots = run("status", "--json").json["roots"]
    assert roots == ["/mnt/new/photos", "/mnt/new/scans", "/mnt/older"]
