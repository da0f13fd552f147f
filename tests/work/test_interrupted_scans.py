"""A scan can stop anywhere: the next one ends where an uninterrupted one would have."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from phototag import errors
from phototag.work.extract import Job, Kit
from phototag.work.workers import Pool

from .conftest import Place, Until, end


def test_a_killed_scan_is_finished_by_the_next(place: Place, tmp_path: Path) -> None:
    whole = place.like(tmp_path / "whole")
    assert whole.scan() == 0
    dice = random.Random(7)
    for _ in range(5):
        process = place.start("--quiet")
        time.sleep(dice.uniform(0.3, 4.0))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    assert place.scan() == 0
    expected, found = whole.state(), place.state()
    for name in expected:
        if name not in ("roots", "outputs"):
            assert found[name] == expected[name], name
    there = {n.replace("whole/", ""): b for n, b in whole.outputs().items()}
    here = place.outputs()
    assert sorted(here) == sorted(there)
    for name, content in there.items():
        if "/sheet/" not in f"/{name}":
            assert here[name] == content, name


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_scan_says_so_and_keeps_its_work(
    place: Place, until: Until, how: signal.Signals
) -> None:
    for number in range(60):
        os.link(place.photos / "0.jpg", place.photos / f"more{number}.jpg")
    process = place.start("--quiet", "--jobs", "1")
    assert until(lambda: _known(place) >= 4)
    assert end(process, how) == errors.INTERRUPTED
    assert 4 <= _known(place) < 66


def _known(place: Place) -> int:
    try:
        return int(place.ask("SELECT COUNT(*) FROM paths")[0][0])
    except Exception:  # not there yet
        return 0


def test_workers_die_with_their_scan(place: Place, until: Until) -> None:
    process = place.start("--quiet", "--jobs", "2")
    assert until(lambda: len(_children(process.pid)) >= 2)
    workers = _children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert until(lambda: not any(_runs(pid) for pid in workers))


def _children(pid: int) -> list[int]:
    said = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in said.stdout.split()]


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def test_a_second_scan_names_the_first_and_ends_with_75(place: Place, until: Until) -> None:
    first = place.start("--quiet")
    assert until(lambda: (place.library / "lock").exists() and _known(place) >= 0)
    assert until(lambda: (place.library / "lock").stat().st_size > 0)
    second = place.start("--quiet")
    _, said = second.communicate(timeout=60)
    assert second.returncode == errors.IN_USE
    assert str(first.pid).encode() in said
    assert b"phototag scan" in said
    first.communicate(timeout=120)
    assert first.returncode == 0


def test_a_time_budget_ends_in_good_order_and_the_next_scan_goes_on(place: Place) -> None:
    for number in range(20):
        os.link(place.photos / "0.jpg", place.photos / f"more{number}.jpg")
    assert place.scan("--time-budget", "0s", "--jobs", "1") == 0
    done = _known(place)
    assert 0 < done < 26
    assert place.scan() == 0
    assert _known(place) == 26


def _deadly(pipe: object, kit: Kit) -> None:
    """A worker that a file named `killer.jpg` ends, as a decoder's crash would."""
    pipe.send("ready")  # type: ignore[attr-defined]
    while (jobs := pipe.recv()) is not None:  # type: ignore[attr-defined]
        if any(job.path.endswith("killer.jpg") for job in jobs):
            os.kill(os.getpid(), signal.SIGSEGV)
        from phototag.work.extract import Outcome

        pipe.send([Outcome(job.path, key="k") for job in jobs])  # type: ignore[attr-defined]


def test_a_file_that_kills_its_worker_is_named_and_the_rest_is_done() -> None:
    names = [f"/photos/{n}.jpg" for n in range(20)]
    names[9] = "/photos/killer.jpg"
    chunks = [[Job(n) for n in names[i : i + 4]] for i in range(0, 20, 4)]
    with Pool(Kit(), 2, serve=_deadly) as pool:
        outcomes = [outcome for chunk in pool.run(chunks) for outcome in chunk]
    assert [o.path for o in outcomes] == names
    bad = [o for o in outcomes if o.reason]
    assert [o.path for o in bad] == ["/photos/killer.jpg"]
    assert "SIGSEGV" in bad[0].message


def _sleepy(pipe: object, kit: Kit) -> None:
    """A worker that a file named `hang.jpg` holds up for good, as an endless file would."""
    pipe.send("ready")  # type: ignore[attr-defined]
    while (jobs := pipe.recv()) is not None:  # type: ignore[attr-defined]
        if any(job.path.endswith("hang.jpg") for job in jobs):
            time.sleep(600)
        from phototag.work.extract import Outcome

        pipe.send([Outcome(job.path, key="k") for job in jobs])  # type: ignore[attr-defined]


def _slow(pipe: object, kit: Kit) -> None:
    """A worker that takes its time over a video, and says that it lives."""
    from phototag.work.extract import Outcome
    from phototag.work.workers import ALIVE

    pipe.send("ready")  # type: ignore[attr-defined]
    while (jobs := pipe.recv()) is not None:  # type: ignore[attr-defined]
        for _ in range(8):
            time.sleep(0.25)
            pipe.send(ALIVE)  # type: ignore[attr-defined]
        pipe.send([Outcome(job.path, key="k") for job in jobs])  # type: ignore[attr-defined]


def test_a_long_video_may_take_longer_than_a_file_that_hangs() -> None:
    with Pool(Kit(), 1, serve=_slow, patience=1.0) as pool:
        ((outcome,),) = pool.run([[Job("/photos/long.mp4", video=True)]])
    assert outcome.key == "k"


def test_a_file_that_hangs_is_named_and_the_rest_is_done() -> None:
    names = ["/photos/a.jpg", "/photos/hang.jpg", "/photos/b.jpg"]
    with Pool(Kit(), 1, serve=_sleepy, patience=1.0) as pool:
        outcomes = [o for chunk in pool.run([[Job(n) for n in names]]) for o in chunk]
    assert [o.path for o in outcomes if o.reason] == ["/photos/hang.jpg"]
    assert [o.path for o in outcomes] == names
