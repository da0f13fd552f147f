from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from phototag.errors import CannotWrite, PhototagError
from phototag.output import atomic


def left(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_a_written_file_holds_its_bytes_and_nothing_else_is_left(tmp_path: Path) -> None:
    atomic.write(tmp_path / "a.json", b"one")
    atomic.write(tmp_path / "a.json", b"two")
    assert (tmp_path / "a.json").read_bytes() == b"two"
    assert left(tmp_path) == ["a.json"]


def test_what_did_not_change_is_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    assert atomic.write_if_changed(path, b"one")
    before = path.stat()
    assert not atomic.write_if_changed(path, b"one")
    assert path.stat().st_ino == before.st_ino
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert atomic.write_if_changed(path, b"two")


def test_a_new_file_has_the_permissions_that_the_user_gives_to_files(tmp_path: Path) -> None:
    former = os.umask(0o022)
    try:
        atomic.write(tmp_path / "a", b"")
    finally:
        os.umask(former)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o644


def test_a_rewritten_file_keeps_its_permissions(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    path.chmod(0o664)
    atomic.write(path, b"two")
    assert path.stat().st_mode & 0o777 == 0o664


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(b"photo")
    link = tmp_path / "a.json"
    link.symlink_to("photo.jpg")
    assert atomic.write_if_changed(link, b"photo"), "a link is not the file that we mean"
    assert (tmp_path / "photo.jpg").read_bytes() == b"photo"
    assert not link.is_symlink()


def test_names_that_are_no_utf8_can_be_written_and_named_in_errors(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.json")
    atomic.write(tmp_path / name, b"x")
    assert [os.fsencode(p.name) for p in tmp_path.iterdir()] == [b"caf\xe9.json"]
    with pytest.raises(CannotWrite) as caught:
        atomic.write(tmp_path / name / "below", b"x")
    str(caught.value).encode("utf-8")


@pytest.mark.parametrize(
    ("number", "reason", "advice"),
    [
        (errno.ENOSPC, "disk-full", "Free some space"),
        (errno.EDQUOT, "disk-full", "quota"),
        (errno.EROFS, "read-only", "Mount it writable"),
        (errno.EACCES, "denied", "Make the folder writable"),
        (errno.EIO, "failed", "Is the disk sound?"),
    ],
)
def test_a_failed_write_says_what_to_do_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, reason: str, advice: str
) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"old")

    def fails(_: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    with pytest.raises(atomic.CannotWriteFile) as caught:
        atomic.write(path, b"new")
    assert isinstance(caught.value, PhototagError)
    assert caught.value.reason == reason
    assert str(path) in str(caught.value)
    assert advice in str(caught.value)
    assert path.read_bytes() == b"old"
    assert left(tmp_path) == ["a.json"]


def test_a_missing_folder_a_folder_in_the_way_and_a_name_too_long_are_told_apart(
    tmp_path: Path,
) -> None:
    (tmp_path / "folder").mkdir()
    reasons = []
    for path in (tmp_path / "no" / "a", tmp_path / "folder", tmp_path / ("x" * 300)):
        with pytest.raises(atomic.CannotWriteFile) as caught:
            atomic.write(path, b"x")
        reasons.append(caught.value.reason)
    assert reasons == ["no-folder", "in-the-way", "name-too-long"]
    assert left(tmp_path) == ["folder"]


def test_a_file_where_a_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "sheet").write_bytes(b"")
    with pytest.raises(atomic.CannotWriteFile, match=r"sheet: .* a file stands where"):
        atomic.make_folder(tmp_path / "sheet")
    atomic.make_folder(tmp_path / "a" / "b")
    atomic.make_folder(tmp_path / "a" / "b")


def test_a_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """On a real file system of 64 kB."""
    mount = tmp_path / "small"
    mount.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(mount)], capture_output=True
    )
    if made.returncode:
        pytest.skip("a small tmpfs can be mounted by root alone")
    try:
        atomic.write(mount / "a", b"old")
        with pytest.raises(atomic.CannotWriteFile, match="the disk is full"):
            atomic.write(mount / "a", b"x" * 1_000_000)
        assert (mount / "a").read_bytes() == b"old"
        assert left(mount) == ["a"]
    finally:
        subprocess.run(["umount", str(mount)], check=True)


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    whole = {bytes([letter]) * 300_000 for letter in b"abc"}
    atomic.write(path, min(whole))
    seen: set[bytes] = set()
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(20):
        for data in whole:
            atomic.write(path, data)
    done.set()
    reader.join()
    assert seen <= whole


KILLED = """
import sys
from pathlib import Path
from phototag.output import atomic
path = Path(sys.argv[1])
while True:
    for letter in b"ab":
        atomic.write(path, bytes([letter]) * 400_000)
"""


def test_a_killed_writer_leaves_the_file_whole_and_its_rubbish_is_swept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    swept = 0
    for _ in range(20):
        writer = subprocess.Popen([sys.executable, "-c", KILLED, str(path)])
        while not (path.exists() and any(atomic.is_temporary(name) for name in left(tmp_path))):
            assert writer.poll() is None
        assert atomic.sweep(tmp_path) == 0, "the writer still runs: its file is its own"
        writer.kill()
        writer.wait()
        assert path.read_bytes() in (b"a" * 400_000, b"b" * 400_000)
        swept += atomic.sweep(tmp_path)
        assert left(tmp_path) == ["a"]
        if swept == 2:
            return
    pytest.fail("no kill met a write half done: the test proves nothing")


def test_sweeping_takes_old_files_of_other_machines_and_nothing_of_anybody_else(
    tmp_path: Path,
) -> None:
    keep = [
        ".phototag-0a1b2c3d-1-00000000.tmp",
        ".phototag-notes",
        "photo.tmp",
        f".phototag-{atomic._host()}-1-00000000.tmp",
    ]
    old = tmp_path / ".phototag-0a1b2c3d-1-11111111.tmp"
    for path in (old, *(tmp_path / name for name in keep)):
        path.write_bytes(b"")
    day_before = time.time() - 25 * 3600
    os.utime(old, (day_before, day_before))
    assert atomic.sweep(tmp_path) == 1
    assert left(tmp_path) == sorted(keep)


def test_a_folder_that_is_not_there_needs_no_sweeping(tmp_path: Path) -> None:
    assert atomic.sweep(tmp_path / "no") == 0
