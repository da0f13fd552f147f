"""The walk finds every photo once, opens none, and tells what it could not enter."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.images import find
from phototag.images.find import Found, Trouble, walk

posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX files")


def put(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"photo")


def files(root: Path | str, **options: object) -> list[str]:
    """Paths below the root in the order of the walk, which must tell no trouble."""
    return [_below(p) for _, photos in walk(root, on_trouble=_fail, **options) for p in photos]


def _below(photo: Found) -> str:
    return f"{photo.dir}/{photo.name}" if photo.dir else photo.name


def _fail(trouble: Trouble) -> None:
    pytest.fail(trouble.message)


def troubled(root: Path, **options: object) -> tuple[list[str], list[Trouble]]:
    told: list[Trouble] = []
    found = [_below(p) for _, ps in walk(root, on_trouble=told.append, **options) for p in ps]
    return found, told


def test_photos_are_found_by_suffix_in_any_case_and_in_order(tmp_path: Path) -> None:
    put(tmp_path, "b.JPG", "a.jpeg", "notes.txt", "c.HeIc", "d.CR2", "jpg", "e.jpg.phototag.json")
    put(tmp_path, "z/1.png", "m/n/2.webp", "m/1.tif", "a b/ü.jpg")
    assert files(tmp_path) == [
        "a.jpeg", "b.JPG", "c.HeIc", "d.CR2", "a b/ü.jpg", "m/1.tif", "m/n/2.webp", "z/1.png",
    ]  # fmt: skip


def test_a_photo_comes_with_its_size_time_and_absolute_path(tmp_path: Path) -> None:
    put(tmp_path, "in/a.jpg")
    os.utime(tmp_path / "in/a.jpg", ns=(1, 1_600_000_000_123_456_789))
    [(folder, [photo])] = walk(tmp_path, on_trouble=_fail)
    status = (tmp_path / "in/a.jpg").stat()
    assert folder == photo.dir == "in"
    assert photo == Found(str(tmp_path / "in/a.jpg"), "in", "a.jpg", 5, status.st_mtime_ns)


def test_a_relative_root_gives_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "in/a.jpg")
    monkeypatch.chdir(tmp_path)
    [(_, [photo])] = walk("in", on_trouble=_fail)
    assert photo.path == str(tmp_path / "in/a.jpg")


def test_a_root_that_is_one_file_is_that_file(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    assert files(tmp_path / "a.jpg") == ["a.jpg"]


def test_a_root_that_is_not_there_is_told(tmp_path: Path) -> None:
    found, [trouble] = troubled(tmp_path / "nowhere")
    assert found == []
    assert trouble.reason == "missing"


def test_hidden_files_and_folders_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, ".a.jpg", ".thumbnails/b.jpg", "c.jpg")
    assert files(tmp_path) == ["c.jpg"]


def test_a_hidden_root_was_asked_for_by_name(tmp_path: Path) -> None:
    put(tmp_path, ".secret/a.jpg")
    assert files(tmp_path / ".secret") == ["a.jpg"]


@pytest.mark.parametrize("mark", [".nomedia", ".noimage"])
def test_a_folder_with_nomedia_is_left_out_with_all_below(tmp_path: Path, mark: str) -> None:
    put(tmp_path, "a.jpg", f"game/{mark}", "game/b.jpg", "game/deep/c.jpg")
    assert files(tmp_path) == ["a.jpg"]


def test_a_library_and_the_folders_to_skip_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg", "lib/catalog.sqlite", "lib/thumbs/b.webp", "other/c.jpg", "others/d.jpg")
    assert files(tmp_path, skip=[f"{tmp_path}/other/"]) == ["a.jpg", "others/d.jpg"]


@pytest.mark.parametrize(
    ("glob", "left"),
    [
        ("*.png", ["a.jpg", "in/b.jpg", "in/deep/c.jpg"]),
        ("in", ["a.jpg", "a.png"]),
        ("in/", ["a.jpg", "a.png"]),
        ("/in", ["a.jpg", "a.png"]),
        ("deep", ["a.jpg", "a.png", "in/b.jpg", "in/b.png"]),
        ("in/*", ["a.jpg", "a.png"]),
        ("in/deep", ["a.jpg", "a.png", "in/b.jpg", "in/b.png"]),
        ("*/c.jpg", ["a.jpg", "a.png", "in/b.jpg", "in/b.png"]),
        ("**/b.*", ["a.jpg", "a.png", "in/deep/c.jpg"]),
        ("**/deep/*", ["a.jpg", "a.png", "in/b.jpg", "in/b.png"]),
        ("[ab].jpg", ["a.png", "in/b.png", "in/deep/c.jpg"]),
        ("A.JPG", ["a.jpg", "a.png", "in/b.jpg", "in/b.png", "in/deep/c.jpg"]),
    ],
)
def test_globs_leave_out_files_and_folders(tmp_path: Path, glob: str, left: list[str]) -> None:
    put(tmp_path, "a.jpg", "a.png", "in/b.jpg", "in/b.png", "in/deep/c.jpg")
    assert files(tmp_path, exclude=[glob]) == left


def test_a_folder_named_like_a_photo_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "trip.jpg/a.jpg")
    assert files(tmp_path) == ["trip.jpg/a.jpg"]


@posix
def test_names_that_are_not_utf8_keep_their_bytes(tmp_path: Path) -> None:
    raw = os.path.join(os.fsencode(tmp_path), b"caf\xe9", b"\xff\xfe.jpg")
    os.mkdir(os.path.dirname(raw))
    with open(raw, "wb") as file:
        file.write(b"x")
    [(_, [photo])] = walk(tmp_path, on_trouble=_fail)
    assert os.fsencode(photo.path) == raw


@posix
def test_fifos_sockets_and_devices_are_never_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "null.png").symlink_to("/dev/null")
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.jpg")
        assert files(tmp_path) == ["a.jpg"]
    found, [trouble] = troubled(tmp_path / "pipe.jpg")
    assert (found, trouble.reason) == ([], "unreadable-file")


@posix
def test_linked_files_are_photos_and_linked_folders_only_on_request(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.jpg", "root/b.jpg")
    root = tmp_path / "root"
    (root / "c.jpg").symlink_to(tmp_path / "elsewhere/a.jpg")
    (root / "more").symlink_to(tmp_path / "elsewhere")
    assert files(root) == ["b.jpg", "c.jpg"]
    assert files(root, follow_symlinks=True) == ["b.jpg", "c.jpg", "more/a.jpg"]


@posix
def test_a_loop_of_links_ends_and_is_told(tmp_path: Path) -> None:
    put(tmp_path, "in/a.jpg")
    (tmp_path / "in/up").symlink_to(tmp_path)
    found, [trouble] = troubled(tmp_path, follow_symlinks=True)
    assert found == ["in/a.jpg"]
    assert trouble.reason == "symlink-loop"
    assert files(tmp_path) == ["in/a.jpg"]


@posix
def test_a_folder_that_two_links_lead_to_is_entered_once(tmp_path: Path) -> None:
    put(tmp_path, "elsewhere/a.jpg")
    (tmp_path / "root").mkdir()
    for name in ("one", "two"):
        (tmp_path / "root" / name).symlink_to(tmp_path / "elsewhere")
    assert files(tmp_path / "root", follow_symlinks=True) == ["one/a.jpg"]


@posix
def test_a_link_to_itself_and_a_dangling_one_are_told(tmp_path: Path) -> None:
    put(tmp_path, "a.jpg")
    (tmp_path / "self.jpg").symlink_to("self.jpg")
    (tmp_path / "gone.jpg").symlink_to("nowhere.jpg")
    found, told = troubled(tmp_path)
    assert found == ["a.jpg"]
    assert sorted(Path(t.path).name for t in told) == ["gone.jpg", "self.jpg"]
    assert {t.reason for t in told} == {"unreadable-file"}


def refusing(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Make one folder unlistable, as for a user without the right: root would list it anyway."""
    real: Callable[..., object] = os.scandir

    def scandir(path: str) -> object:
        if path == str(folder):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(find.os, "scandir", scandir)


def test_a_folder_that_cannot_be_listed_is_told_and_the_walk_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a/1.jpg", "b/2.jpg", "c/3.jpg")
    refusing(monkeypatch, tmp_path / "b")
    found, [trouble] = troubled(tmp_path)
    assert found == ["a/1.jpg", "c/3.jpg"]
    assert (trouble.reason, trouble.path) == ("unreadable-folder", str(tmp_path / "b"))
    assert "Permission denied" in trouble.message


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may list every folder")
def test_a_folder_without_the_right_to_list_it_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "b/2.jpg")
    (tmp_path / "a").chmod(0)
    try:
        found, [trouble] = troubled(tmp_path)
    finally:
        (tmp_path / "a").chmod(0o700)
    assert (found, trouble.reason) == (["b/2.jpg"], "unreadable-folder")


def test_a_folder_that_vanishes_meanwhile_is_told(tmp_path: Path) -> None:
    put(tmp_path, "a/1.jpg", "b/2.jpg")
    told: list[Trouble] = []
    steps = walk(tmp_path, on_trouble=told.append)
    assert next(steps)[0] == "a"
    (tmp_path / "b/2.jpg").unlink()
    (tmp_path / "b").rmdir()
    assert list(steps) == []
    assert [t.reason for t in told] == ["unreadable-folder"]


def test_a_file_that_vanishes_meanwhile_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "a.jpg", "b.jpg")
    real = find._name

    def slow_name(entry: os.DirEntry[str]) -> str:
        (tmp_path / "a.jpg").unlink(missing_ok=True)
        return real(entry)

    monkeypatch.setattr(find, "_name", slow_name)
    assert files(tmp_path) == ["b.jpg"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.sampled_from("a*?[]!./\\(){}ü "), min_size=1, max_size=8), max_size=6))
def test_any_globs_are_taken_without_an_error(globs: list[str]) -> None:
    excluded = find._excluder(globs)
    assert isinstance(excluded("a.jpg", "in/a.jpg"), bool)
