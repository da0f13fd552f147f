"""What a scan makes of files that came, went, moved and changed."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from phototag.errors import UsageError

from .written_photos import World, face, photo


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Alice in three photos (named in the first), Bob and Cleo in others."""
    world = World(tmp_path)
    world.put("a1.jpg", photo("a1", face("alice")))
    world.put("a2.jpg", photo("a2", face("alice"), face("bob", 0.5)))
    world.put("in/a3.jpg", photo("a3", face("alice")))
    world.put("in/b1.jpg", photo("b1", face("bob")))
    world.put("in/c1.jpg", photo("c1", face("cleo")))
    world.put("nobody.jpg", photo("nobody"))
    world.scan()
    world.say("label", [world.face("a1.jpg")], "Alice")
    return world


ALICES = {("a1.jpg", 0.1), ("a2.jpg", 0.1), ("in/a3.jpg", 0.1)}


def alices(world: World) -> set[tuple[str, float]]:
    return {place for place, name in world.who().items() if name == "Alice"}


def test_the_world_is_as_it_is_meant(world: World) -> None:
    assert alices(world) == ALICES
    assert world.ask("SELECT state, COUNT(*) FROM assignments GROUP BY 1") == [
        ("automatic", 2),
        ("cluster", 2),
        ("manual", 1),
        ("unknown", 1),
    ]


# ---- a second scan


def test_a_second_scan_changes_not_one_row_and_opens_no_photo(world: World) -> None:
    opened: list[str] = []
    watching = True

    def hook(event: str, values: tuple[object, ...]) -> None:
        if watching and event == "open" and str(values[0]).endswith(".jpg"):
            opened.append(str(values[0]))

    with world.open() as lib:
        before = lib.db.total_changes
        sys.addaudithook(hook)
        report = world.job(lib).run([str(world.photos)])
        watching = False
        assert lib.db.total_changes == before
    assert opened == []
    assert report.unchanged == 6
    times = {p: p.stat().st_mtime_ns for p in world.top.rglob("*.json")}
    world.scan()
    assert {p: p.stat().st_mtime_ns for p in world.top.rglob("*.json")} == times
    assert (world.published.sidecars, world.published.removed) == (0, 0)


def test_new_photos_are_recognised_and_the_known_ones_are_not_opened(world: World) -> None:
    world.put("in/a4.jpg", photo("a4", face("alice")))
    report = world.scan()
    assert (report.new, report.unchanged, report.recognised) == (1, 6, 1)
    assert world.looker.opened == [str(world.photos / "in/a4.jpg")]
    assert alices(world) == ALICES | {("in/a4.jpg", 0.1)}


def test_a_touched_file_is_hashed_and_nothing_else(world: World) -> None:
    os.utime(world.photos / "a1.jpg", ns=(5, 5))
    faces = world.table("assignments")
    report = world.scan()
    assert (report.unchanged, report.edited, report.new, report.faces) == (6, 0, 0, 0)
    assert world.table("assignments") == faces
    assert world.scan().planned == {}


# ---- moved, copied, sorted anew


def test_a_moved_photo_keeps_its_faces_and_its_word(world: World) -> None:
    kept = world.table("faces"), world.table("verdicts")
    (world.photos / "out").mkdir()
    (world.photos / "a1.jpg").rename(world.photos / "out/renamed.jpg")
    report = world.scan()
    assert (report.moved, report.new, report.missing) == (1, 0, 0)
    assert (world.table("faces"), world.table("verdicts")) == kept
    assert ("out/renamed.jpg", 0.1) in alices(world)
    assert not (world.photos / "a1.jpg.phototag.json").exists()
    assert (world.photos / "out/renamed.jpg.phototag.json").exists()


def test_a_copy_is_one_photo_with_two_paths_and_ends_as_one(world: World) -> None:
    world.put("copy.jpg", (world.photos / "a1.jpg").read_bytes())
    report = world.scan()
    assert (report.copied, report.new, report.faces) == (1, 0, 0)
    assert alices(world) == ALICES | {("copy.jpg", 0.1)}
    (world.photos / "a1.jpg").unlink()
    report = world.scan()
    assert report.missing == 1
    assert alices(world) == (ALICES - {("a1.jpg", 0.1)}) | {("copy.jpg", 0.1)}


def test_a_tree_that_was_sorted_anew_is_not_a_loss(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(60):
        world.put(f"{n}.jpg", photo(f"p{n}", face(f"w{n % 7}")))
    world.scan()
    faces, groups = world.table("faces"), world.groups()
    for n in range(60):
        (world.photos / f"y{n % 3}").mkdir(exist_ok=True)
        (world.photos / f"{n}.jpg").rename(world.photos / f"y{n % 3}/{n}.jpg")
    report = world.scan()
    assert (report.guarded, report.moved, report.missing) == ([], 60, 0)
    assert (world.table("faces"), world.groups()) == (faces, groups)


def test_photos_that_moved_from_one_place_to_another_are_not_lost(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(30):
        world.put(f"old/{n}.jpg", photo(f"p{n}"))
    (world.photos / "new").mkdir()
    places = (world.photos / "old", world.photos / "new")
    world.scan(*places)
    for path in places[0].iterdir():
        path.rename(places[1] / path.name)
    report = world.scan(*places)
    assert (report.guarded, report.moved) == ([], 30)


def test_new_files_of_the_size_of_lost_ones_do_not_deceive_the_guard(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(10, 60):
        world.put(f"{n}.jpg", photo(f"p{n}"))
    world.scan()
    for n in range(10, 60):
        (world.photos / f"{n}.jpg").unlink()
        world.put(f"other{n}.jpg", photo(f"q{n}"))
    report = world.scan()
    assert [g.reason for g in report.guarded] == ["guard"]
    assert world.ask("SELECT COUNT(*) FROM paths WHERE missing_since IS NOT NULL") == [(0,)]


# ---- edited


def test_rewritten_metadata_keep_the_word_by_the_pixels(world: World) -> None:
    world.put("a1.jpg", photo("a1", face("alice", 0.101), note="a title, and more of it"))
    report = world.scan()
    assert (report.edited, report.new, report.unmatched) == (1, 0, [])
    assert alices(world) == {("a1.jpg", 0.101), *(ALICES - {("a1.jpg", 0.1)})}
    assert world.ask("SELECT COUNT(*) FROM assignments WHERE state = 'manual'") == [(1,)]


def test_metadata_rewritten_and_renamed_at_once_keep_the_word(world: World) -> None:
    (world.photos / "a1.jpg").unlink()
    world.put("title.jpg", photo("a1", face("alice"), note="a title, and more of it"))
    report = world.scan()
    assert (report.edited, report.new, report.missing) == (1, 0, 0)
    assert ("title.jpg", 0.1) in alices(world)
    assert world.ask("SELECT COUNT(*) FROM assignments WHERE state = 'manual'") == [(1,)]


def test_a_crop_keeps_the_word_by_the_likeness_of_the_faces(world: World) -> None:
    world.say("label", [world.face("a2.jpg", 0.5)], "Bob")
    world.put("a2.jpg", photo("a2/crop", face("alice", 0.3), face("bob", 0.8)))
    report = world.scan()
    assert (report.edited, report.unmatched) == (1, [])
    assert world.who()["a2.jpg", 0.8] == "Bob"
    states = dict(world.ask("SELECT state, COUNT(*) FROM assignments GROUP BY 1"))
    assert states["manual"] == 2


def test_a_face_that_was_cut_off_stays_with_the_old_photo_and_is_listed(world: World) -> None:
    world.say("label", [world.face("a2.jpg", 0.5)], "Bob")
    world.put("a2.jpg", photo("a2/half", face("alice", 0.3)))
    report = world.scan()
    assert report.unmatched == [str(world.photos / "a2.jpg")]
    world.put("a2.jpg", photo("a2", face("alice"), face("bob", 0.5)))
    world.scan()
    assert world.who()["a2.jpg", 0.5] == "Bob"


def test_an_original_that_comes_back_has_what_was_said_of_its_edit(world: World) -> None:
    original = (world.photos / "in/c1.jpg").read_bytes()
    world.put("in/c1.jpg", photo("c1/bright", face("cleo")))
    world.scan()
    world.say("label", [world.face("in/c1.jpg")], "Cleo")
    world.put("in/c1.jpg", original)
    world.scan()
    assert world.who()["in/c1.jpg", 0.1] == "Cleo"
    assert world.ask("SELECT COUNT(*) FROM assignments WHERE state = 'manual'") == [(2,)]


def test_two_photos_that_change_places_are_moved_and_not_edited(world: World) -> None:
    one, other = world.photos / "a1.jpg", world.photos / "in/b1.jpg"
    a, b = one.read_bytes(), other.read_bytes()
    one.write_bytes(b)
    other.write_bytes(a)
    os.utime(one, ns=(7, 7))
    os.utime(other, ns=(8, 8))
    world.scan()
    assert world.who()["in/b1.jpg", 0.1] == "Alice"
    assert world.who()["a1.jpg", 0.1] is None
    assert world.table("successors") == []


def test_a_photo_that_was_half_written_when_a_scan_came_keeps_its_word(world: World) -> None:
    whole = photo("a1/bright", face("alice"))
    world.put("a1.jpg", whole[:20])
    report = world.scan()
    assert [(p.reason, Path(p.path).name) for p in report.failed] == [("truncated", "a1.jpg")]
    assert ("a1.jpg", 0.1) not in world.who()
    world.put("a1.jpg", whole)
    world.scan()
    assert alices(world) == ALICES
    assert world.ask("SELECT COUNT(*) FROM assignments WHERE state = 'manual'") == [(1,)]


def test_a_word_survives_edit_upon_edit(world: World) -> None:
    for step in range(4):
        world.put("a1.jpg", photo(f"a1/{step}", face("alice", 0.1 + step / 100)))
        world.scan()
    assert world.who()["a1.jpg", 0.13] == "Alice"
    states = dict(world.ask("SELECT state, COUNT(*) FROM assignments GROUP BY 1"))
    assert states["manual"] == 1


# ---- gone and back


def test_a_missing_photo_is_left_out_and_back_at_once(world: World) -> None:
    state = world.dump("paths", "photos", "meta", "memberships")
    away = world.top / "a1.jpg"
    (world.photos / "a1.jpg").rename(away)
    report = world.scan()
    assert report.missing == 1
    assert ("a1.jpg", 0.1) not in world.who()
    assert not (world.photos / "a1.jpg.phototag.json").exists()
    away.rename(world.photos / "a1.jpg")
    report = world.scan()
    assert (report.returned, report.unchanged, report.faces) == (1, 5, 0)
    assert world.looker.opened == []
    assert world.dump("paths", "photos", "meta", "memberships") == state


def test_the_others_stay_recognised_while_the_named_photo_is_away(world: World) -> None:
    (world.photos / "a1.jpg").rename(world.top / "a1.jpg")
    world.scan()
    assert alices(world) == ALICES - {("a1.jpg", 0.1)}


def test_a_missing_photo_without_a_word_is_forgotten_after_ninety_days(world: World) -> None:
    crop = world.ask("SELECT key, f.id FROM photos p JOIN faces f ON f.photo_id = p.id")
    (world.photos / "in/c1.jpg").unlink()
    (world.photos / "a1.jpg").unlink()
    world.scan(accept_missing=True)
    world.now += timedelta(days=89)
    world.scan()
    assert len(world.ask("SELECT id FROM photos")) == 6
    world.now += timedelta(days=2)
    world.scan()
    assert len(world.ask("SELECT id FROM photos")) == 5  # a1 has a word, and stays
    kept = world.ask("SELECT key, f.id FROM photos p JOIN faces f ON f.photo_id = p.id")
    for key, number in crop:
        there = world.library / f"faces/{key[:2]}/{key}-{number}.webp"
        assert there.exists() == ((key, number) in kept)
    world.put("again.jpg", photo("a1", face("alice")))
    world.scan()
    assert world.who()["again.jpg", 0.1] == "Alice"


# ---- the guard


@pytest.mark.parametrize(
    ("of", "gone", "stopped"),
    [(100, 20, False), (100, 21, True), (200, 40, False), (200, 41, True)],
)
def test_the_guard_stops_at_more_than_a_fifth_and_more_than_twenty(
    tmp_path: Path, of: int, gone: int, stopped: bool
) -> None:
    world = World(tmp_path)
    for n in range(of):
        world.put(f"{n}.jpg", photo(f"p{n}" * (n + 1)))
    world.scan()
    before = world.dump()
    for n in range(gone):
        (world.photos / f"{n}.jpg").unlink()
    world.put("new.jpg", photo("new"))
    report = world.scan()
    assert bool(report.guarded) == stopped
    assert (world.dump() == before) == stopped
    if stopped:
        assert f"{gone} of {of}" in report.guarded[0].message
        assert "--accept-missing" in report.guarded[0].message
        report = world.scan(accept_missing=True)
    assert (report.missing, report.new) == (gone, 1)


def test_one_place_that_is_away_does_not_stop_the_others(tmp_path: Path) -> None:
    world = World(tmp_path)
    for n in range(30):
        world.put(f"disk/{n}.jpg", photo(f"p{n}" * (n + 1)))
    world.put("home/a.jpg", photo("a", face("alice")))
    disk, home = world.photos / "disk", world.photos / "home"
    world.scan(disk, home)
    disk.rename(world.top / "away")
    world.put("home/b.jpg", photo("b", face("alice")))
    report = world.scan(disk, home)
    assert [g.path for g in report.guarded] == [str(disk)]
    assert (report.new, report.missing) == (1, 0)


def test_a_folder_that_cannot_be_listed_loses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("/in"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    report = world.scan()
    assert [(p.reason, Path(p.path).name) for p in report.skipped] == [("unreadable-folder", "in")]
    assert (report.missing, report.guarded) == (0, [])
    assert alices(world) == ALICES


# ---- places


def test_a_place_that_never_was_is_a_usage_error(world: World) -> None:
    with pytest.raises(UsageError, match="no such file"):
        world.scan(world.photos / "nowhere")
    with pytest.raises(UsageError, match="no such file"):
        world.scan("/nowhere/at all")


def test_a_single_file_is_scanned_alone_and_belongs_to_its_folder(tmp_path: Path) -> None:
    world = World(tmp_path)
    one = world.put("one.jpg", photo("one", face("alice")))
    world.put("two.jpg", photo("two", face("alice")))
    assert world.scan(one).new == 1
    assert world.scan(one).unchanged == 1
    assert world.scan().new == 1
    assert world.ask("SELECT path FROM roots") == [(str(world.photos),)]
    one.unlink()
    report = world.scan(one)
    assert (report.missing, report.guarded) == (1, [])
    assert world.ask("SELECT name FROM paths WHERE missing_since IS NULL") == [("two.jpg",)]


def test_places_within_places_are_known_once_in_any_order(tmp_path: Path) -> None:
    for number, order in enumerate(((0, 1, 2), (2, 1, 0), (1, 0, 2))):
        world = World(tmp_path / str(number))
        world.put("deep/er/a.jpg", photo("a", face("alice")))
        world.put("deep/b.jpg", photo("b", face("alice")))
        world.put("c.jpg", photo("c", face("alice")))
        places = [world.photos, world.photos / "deep", world.photos / "deep/er"]
        report = world.scan(*(places[n] for n in order))
        assert (report.new, report.copied) == (3, 0)
        assert world.ask("SELECT path FROM roots") == [(str(world.photos),)]
        assert world.scan(*(places[n] for n in order)).planned == {}
        for place in places:
            assert world.scan(place).missing == 0


def test_hidden_folders_that_are_named_themselves_stay_known_beside_their_root(
    tmp_path: Path,
) -> None:
    world = World(tmp_path)
    world.put("a.jpg", photo("a"))
    world.put(".hidden/b.jpg", photo("b"))
    both = (world.photos, world.photos / ".hidden")
    assert world.scan(*both).new == 2
    assert (world.scan(*both).unchanged, world.scan(*reversed(both)).missing) == (2, 0)


# ---- failures, force, dry run, time


def test_a_bad_file_fails_once_until_it_changes_or_is_asked_for(world: World) -> None:
    bad = world.put("bad.jpg", b"no photo")
    assert [p.path for p in world.scan().failed] == [str(bad)]
    assert world.scan().failed == []
    assert world.looker.opened == []
    assert [p.path for p in world.scan(retry_errors=True).failed] == [str(bad)]
    os.utime(bad, ns=(9, 9))
    assert [p.path for p in world.scan().failed] == [str(bad)]
    bad.write_bytes(photo("good", face("alice")))
    report = world.scan()
    assert (report.failed, report.faces) == ([], 1)
    assert ("bad.jpg", 0.1) in alices(world)


def test_a_look_that_fails_for_the_moment_takes_nothing_away(world: World) -> None:
    before = alices(world)
    broken = world.job
    path = str(world.photos / "a1.jpg")

    class Failing:
        def __enter__(self) -> Failing:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def run(self, chunks):  # type: ignore[no-untyped-def]
            from phototag.work.extract import Outcome

            from .written_photos import seen_by

            for jobs in chunks:
                yield [
                    Outcome(j.path, reason="unreadable-file", message="Input/output error")
                    if j.path == path
                    else seen_by(j, world.model)
                    for j in jobs
                ]

    with world.open() as lib:
        scan = broken(lib, force=True)
        scan.workers = lambda kit, jobs: Failing()
        report = scan.run([str(world.photos)])
    assert [p.reason for p in report.failed] == ["unreadable-file"]
    assert alices(world) == before


def test_force_keeps_ids_and_words(world: World) -> None:
    world.say("not_a_face", [world.face("in/c1.jpg")])
    kept = world.dump("photos", "meta")
    report = world.scan(force=True)
    assert (report.unchanged, report.new, report.faces) == (6, 0, 0)
    assert len(world.looker.opened) == 6
    assert world.dump("photos", "meta") == kept


def test_a_dry_run_changes_nothing(world: World) -> None:
    before = world.dump()
    world.put("new.jpg", photo("new", face("alice")))
    (world.photos / "a2.jpg").unlink()
    os.utime(world.photos / "a1.jpg", ns=(1, 1))
    report = world.scan(dry_run=True)
    assert (report.new, report.edited, report.missing, report.unchanged) == (1, 1, 1, 4)
    assert world.dump() == before


def test_a_scan_that_was_cut_off_anywhere_is_finished_by_the_next(tmp_path: Path) -> None:
    def fill(world: World) -> World:
        for n in range(40):
            world.put(f"{n % 4}/{n}.jpg", photo(f"p{n}", face(f"w{n % 6}"), face("x", 0.6)))
        world.put("1/bad.jpg", b"no photo")
        for path in world.photos.rglob("*.jpg"):
            os.utime(path, ns=(10**9, 10**9))
        return world

    whole = fill(World(tmp_path / "whole"))
    whole.scan()
    cut = fill(World(tmp_path / "cut"))
    for stop in (0, 1, 4, 9, 17):
        with pytest.raises(KeyboardInterrupt):
            cut.scan(stop_after=stop)
    cut.scan()
    leave = ("roots", "outputs", "memberships")
    assert cut.dump(*leave) == whole.dump(*leave)


def test_what_was_moved_edited_and_removed_ends_alike_however_often_a_scan_is_cut_off(
    tmp_path: Path,
) -> None:
    def prepared(folder: Path) -> World:
        world = World(folder)
        for n in range(24):
            world.put(f"{n}.jpg", photo(f"p{n}", face(f"w{n % 5}")))
        for path in world.photos.rglob("*.jpg"):
            os.utime(path, ns=(10**9, 10**9))
        world.scan()
        world.say("label", [world.face("0.jpg")], "Zero")
        world.say("label", [world.face("3.jpg")], "Three")
        (world.photos / "new").mkdir()
        (world.photos / "0.jpg").rename(world.photos / "new/0.jpg")
        world.put("3.jpg", photo("p3/edit", face("w3", 0.2)))
        (world.photos / "9.jpg").unlink()
        world.put("fresh.jpg", photo("fresh", face("w1")))
        for path in world.photos.rglob("*.jpg"):
            os.utime(path, ns=(2 * 10**9, 2 * 10**9))
        return world

    whole = prepared(tmp_path / "whole")
    whole.scan()
    cut = prepared(tmp_path / "cut")
    for stop in (0, 4, 4, 8):
        with pytest.raises(KeyboardInterrupt):
            cut.scan(stop_after=stop)
    cut.scan()
    leave = ("roots", "outputs", "paths", "photos", "decisions", "memberships")
    assert cut.dump(*leave) == whole.dump(*leave)
    assert cut.who() == whole.who()
    assert cut.who()["3.jpg", 0.2] == "Three"


def test_names_that_are_not_utf8_are_known_again(tmp_path: Path) -> None:
    world = World(tmp_path)
    folder = os.fsencode(world.photos) + b"/caf\xe9"
    os.makedirs(folder)
    for name in (b"b\xfcro.jpg", b"plain.jpg"):
        with open(folder + b"/" + name, "wb") as file:
            file.write(photo(name.hex(), face("alice")))
    assert world.scan().new == 2
    assert world.scan().unchanged == 2
    os.rename(folder, folder + b"\xff")
    assert world.scan().moved == 2
    assert world.scan().planned == {}
    (label,) = {n for n, _ in world.who() if n.endswith("plain.jpg")}
    assert world.say("label", [str(world.photos / label)], "Alice").recognised == 1
