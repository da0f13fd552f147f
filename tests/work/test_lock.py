"""Who holds the library: on a disk of this machine, and on a share that others write to."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from phototag.catalog import lock, store
from phototag.errors import LibraryInUse, NoLibrary

NFS = "36 25 0:40 / {} rw - nfs4 nas:/photos rw\n"
OTHER = "nas/another-start"


def held_by_the_dead(folder: Path, *, minutes: float, machine: str = OTHER) -> None:
    """A lock as a machine leaves it that lost its power."""
    held = lock.take(folder, "phototag scan /archive", "yesterday", machine=machine, network=False)
    text = held.path.read_text()
    held.close()
    held.path.write_text(text)
    stamp = time.time() - 60 * minutes
    os.utime(held.path, (stamp, stamp))


def take(folder: Path, sleep: Callable[[float], None] = lambda _: None) -> lock.Lock:
    return lock.take(folder, "phototag scan", "now", network=True, sleep=sleep)


def test_a_dead_machines_lock_on_a_share_is_taken_over(tmp_path: Path) -> None:
    held_by_the_dead(tmp_path, minutes=6)
    waited: list[float] = []
    held = take(tmp_path, waited.append)
    assert waited == [lock.WATCH]
    assert held.taken_over is not None
    assert "phototag scan /archive" in lock.described(held.taken_over)
    assert lock.owner_of(tmp_path)["pid"] == os.getpid()
    held.close()
    assert lock.owner_of(tmp_path) == {}


def test_a_lock_that_the_server_keeps_for_a_dead_machine_is_taken_over(tmp_path: Path) -> None:
    """The system says that it is held: only its sign of life tells that nobody is there."""
    dead = lock.take(tmp_path, "phototag scan", "yesterday", machine=OTHER, network=False)
    os.utime(dead.path, (1, 1))
    held = take(tmp_path)
    assert held.taken_over is not None
    assert held.is_ours()
    assert not dead.is_ours()
    dead.network = True  # it only slept
    with pytest.raises(LibraryInUse, match="taken over by process"):
        dead.check()
    dead.close()
    assert lock.owner_of(tmp_path)["command"] == "phototag scan"
    held.close()


@pytest.mark.parametrize("minutes", [1, 60, -60])
def test_a_living_machines_lock_on_a_share_is_kept_whatever_its_clock_says(
    tmp_path: Path, minutes: float
) -> None:
    held_by_the_dead(tmp_path, minutes=minutes)
    path = tmp_path / "lock"

    def beats(_: float) -> None:
        path.write_text(path.read_text().replace('"beat": 0', '"beat": 1'))

    with pytest.raises(LibraryInUse, match=r"on .* 5 minutes after its last sign of life"):
        take(tmp_path, beats)


def test_a_lock_left_on_a_local_disk_holds_nobody_up(tmp_path: Path) -> None:
    held_by_the_dead(tmp_path, minutes=0)
    lock.take(tmp_path, "phototag scan", "now", network=False).close()


def test_the_owner_on_a_share_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "BEAT", 0.02)
    held = take(tmp_path)
    seen = set()
    for _ in range(100):
        seen.add(lock.owner_of(tmp_path).get("beat"))
        time.sleep(0.01)
        if len(seen) > 2:
            break
    held.close()
    assert len(seen) > 2
    time.sleep(0.05)
    assert (tmp_path / "lock").read_bytes() == b""


def test_shares_are_known_by_the_innermost_mount(tmp_path: Path) -> None:
    mounts = "22 1 8:1 / / rw - ext4 /dev/sda rw\n" + NFS.format(tmp_path)
    assert lock._file_system(tmp_path / "library", mounts) == "nfs4"
    assert lock._file_system(Path("/usr"), mounts) == "ext4"
    spaced = NFS.format(str(tmp_path / "my share").replace(" ", "\\040"))
    assert lock._file_system(tmp_path / "my share" / "x", mounts + spaced) == "nfs4"
    assert not lock.is_on_network(tmp_path)


READ = """
import sys, time
from pathlib import Path
from phototag.catalog import store
with store.open_to_read(Path(sys.argv[1])) as lib:
    print(lib.db.execute("SELECT COUNT(*) FROM meta").fetchone()[0])
"""


def test_a_shared_library_is_read_between_commits_without_shared_memory(tmp_path: Path) -> None:
    library = tmp_path / "library"
    with store.open_to_write(library, "scan", "now", create=True, shared=True) as lib:
        store.set_meta(lib, "one", "1")
        with lib.transaction():
            for n in range(
                3000
            ):  # more than a page: nothing of it may be seen, or stand in the way
                store.set_meta(lib, f"key {n}", "x" * 500)
            said = subprocess.run(
                [sys.executable, "-c", READ, str(library)], capture_output=True, check=True
            )
        assert said.stdout.strip() == b"1"
        assert not (library / "catalog.sqlite-shm").exists()


def test_a_library_in_use_as_on_a_local_disk_is_not_read_over_the_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = tmp_path / "library"
    store.open_to_write(library, "scan", "now", create=True).close()
    monkeypatch.setattr(lock, "_mounts", lambda: NFS.format(tmp_path))
    with pytest.raises(NoLibrary, match="shared = true"):
        store.open_to_read(library)
    store.open_to_write(library, "scan", "now").close()
    store.open_to_read(library).close()
