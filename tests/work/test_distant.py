"""Scans whose photos are read by a Dask cluster: real schedulers and workers on the loopback."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phototag import errors
from phototag.vision.models import shipped
from phototag.work import distant
from phototag.work.distant import DaskPool
from phototag.work.extract import Job, Kit, Outcome

from .conftest import Place, Until

pytest.importorskip("distributed", reason="Dask is an extra")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A scheduler; its workers come and go."""

    process: subprocess.Popen[str]
    address: str

    def worker(self, *before: str, **environment: str) -> AbstractContextManager[Any]:
        """A worker process, started by `before` if that is given; ended with the context."""
        options = ("--nthreads", "1", "--no-nanny", "--no-dashboard")
        return _started(*before, *_dask("worker", self.address, *options), **environment)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    line = _dask("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
    with _started(*line) as process:
        assert process.stderr is not None
        said = next(line for line in process.stderr if "Scheduler at:" in line)
        yield Cluster(process, said.split()[-1])


def _dask(*words: str) -> list[str]:
    return [sys.executable, "-m", "dask", *words]


@contextmanager
def _started(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        words,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_cluster_gives_the_catalogue_of_a_local_scan_though_a_worker_dies(
    place: Place, portraits: list[Path], tmp_path: Path, until: Until, cluster: Cluster
) -> None:
    for number, source in enumerate(portraits[6:12], 6):
        shutil.copy2(source, place.photos / f"{number:02}.jpg")
    alone = place.like(tmp_path / "alone")
    assert alone.scan() == 0
    with cluster.worker() as first, cluster.worker():
        scan = place.start("--quiet", "--scheduler", cluster.address)
        assert until(lambda: _known(place) > 0)
        first.kill()
        _, said = scan.communicate(timeout=120)
    assert scan.returncode == 0, said.decode()
    expected, found = alone.state(), place.state()
    for name in expected.keys() - {"roots", "outputs"}:
        assert found[name] == expected[name], name


def test_a_scheduler_that_goes_away_ends_the_scan_and_what_was_read_is_kept(
    place: Place, portraits: list[Path], until: Until, cluster: Cluster
) -> None:
    for number, source in enumerate(portraits[6:], 6):
        shutil.copy2(source, place.photos / f"{number:02}.jpg")
    with cluster.worker():
        scan = place.start("--quiet", "--scheduler", cluster.address)
        assert until(lambda: _known(place) > 0)
        cluster.process.kill()
        _, said = scan.communicate(timeout=60)
    assert scan.returncode == errors.LIBRARY
    assert "went away" in said.decode()
    assert "Traceback" not in said.decode()
    assert 0 < _known(place) < len(list(place.photos.iterdir()))


def test_a_worker_with_other_versions_is_refused(
    place: Place, tmp_path: Path, cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / "pillow-1.0.dist-info"
    other.mkdir(parents=True)
    (other / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 1.0\n")
    with cluster.worker(PYTHONPATH=str(other.parent)):
        assert place.scan("--scheduler", cluster.address) == errors.LIBRARY
    said = capfd.readouterr().err
    assert "has pillow 1.0 (here " in said
    assert "Install the same versions everywhere" in said


def test_a_worker_that_does_not_see_the_photos_is_named_at_the_start(
    place: Place, cluster: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    blind = f'mount -t tmpfs none {place.photos} && exec "$@"'
    hidden = ("unshare", "--mount", "sh", "-c", blind, "sh")
    if subprocess.run([*hidden, "true"], capture_output=True, check=False).returncode:
        pytest.skip("only root can hide a folder from a process")
    with cluster.worker(*hidden):
        assert place.scan("--scheduler", cluster.address) == errors.LIBRARY
    said = " ".join(capfd.readouterr().err.split())
    assert "does not see" in said
    assert "Mount the photos under the same path" in said
    assert _known(place) == 0


def test_a_file_that_ends_its_workers_is_named_and_the_rest_done(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask

    from phototag.work import distant_worker

    def deadly(name: str, jobs: Sequence[Job], expected: dict[str, str]) -> Any:
        if any(job.path.endswith("3.jpg") for job in jobs):
            os._exit(9)
        return "worker", [Outcome(job.path, reason="read") for job in jobs]

    monkeypatch.setattr(distant_worker, "extract", deadly)
    paths = [str(path) for path in sorted(place.photos.iterdir())]
    kit = Kit(embedder_card=str(shipped("face-vgg16").folder / "face-vgg16.json"))
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        DaskPool(kit, scheduler="local:1") as pool,
    ):
        found = list(pool.run([[Job(path) for path in paths[:2]], [Job(p) for p in paths[2:]]]))
    said = {Path(o.path).name: o.reason for outcomes in found for o in outcomes}
    assert said == {f"{n}.jpg": "killed-worker" if n == 3 else "read" for n in range(6)}


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nas:8786", "it is tcp://HOST:8786"),
        ("local:many", "how many workers?"),
        ("tcp://127.0.0.1:1", "No Dask scheduler answers"),
    ],
)
def test_an_address_without_a_scheduler_is_said(
    place: Place,
    address: str,
    said: str,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(distant, "CONNECT", 1.0)
    assert place.scan("--scheduler", address) in (errors.USAGE, errors.LIBRARY)
    assert said in " ".join(capfd.readouterr().err.split())


def _known(place: Place) -> int:
    try:
        return int(place.ask("SELECT COUNT(*) FROM photos")[0][0])
    except sqlite3.Error:  # not there yet
        return 0
