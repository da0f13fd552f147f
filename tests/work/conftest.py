"""A few photos of the sample gallery, a library, and the program to run on them."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from phototag.cli import app

GALLERY = Path(__file__).resolve().parents[2] / "sample_gallery"

NOT_COMPARED = ("runs",)
"""Tables that tell when something was done, and so differ between equal libraries."""


@dataclass(frozen=True, slots=True)
class Place:
    """A folder of photos and a library beside it."""

    photos: Path
    library: Path

    def command(self, *words: object) -> list[str]:
        return [*map(str, words), "--library", str(self.library)]

    def scan(self, *words: object) -> int:
        return app.run(self.command("scan", self.photos, "--quiet", *words))

    def start(self, *words: object) -> subprocess.Popen[bytes]:
        """A scan in a process of its own."""
        line = self.command("scan", self.photos, *words)
        return subprocess.Popen(
            [sys.executable, "-m", "phototag.cli.app", *line],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        db = sqlite3.connect(self.library / "catalog.sqlite")
        try:
            return [tuple(row) for row in db.execute(sql, values)]
        finally:
            db.close()

    def named(self) -> set[tuple[str, float, str]]:
        """(file name, left edge, person) of every named face whose photo is there."""
        rows = self.ask(
            "SELECT p.name, f.x, n.name FROM assignments a JOIN people n ON n.id = a.person_id"
            " JOIN faces f ON f.id = a.face_id JOIN paths p ON p.photo_id = f.photo_id"
            " WHERE p.missing_since IS NULL"
        )
        return {(str(r[0]), float(r[1]), str(r[2])) for r in rows}

    def groups(self) -> set[frozenset[tuple[str, float]]]:
        """The clusters, as sets of (photo key, left edge): without their numbers."""
        found: dict[int, set[tuple[str, float]]] = {}
        for cluster, key, x in self.ask(
            "SELECT a.cluster_id, ph.key, f.x FROM assignments a JOIN faces f ON f.id = a.face_id"
            " JOIN photos ph ON ph.id = f.photo_id WHERE a.cluster_id IS NOT NULL"
        ):
            found.setdefault(cluster, set()).add((key, x))
        return {frozenset(members) for members in found.values()}

    def state(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables but those of `NOT_COMPARED`."""
        tables = [r[0] for r in self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            name: sorted(self.ask(f"SELECT * FROM {name}"), key=repr)
            for name in tables
            if name not in NOT_COMPARED
        }

    def outputs(self) -> dict[str, bytes]:
        """Every file that phototag wrote outside its catalogue."""
        found = {}
        for top in (self.photos, self.library):
            for path in sorted(top.rglob("*")):
                inside = str(path.relative_to(top.parent))
                if path.is_file() and not path.name.startswith(("catalog.sqlite", "lock")):
                    found[inside] = path.read_bytes()
        return found

    def like(self, folder: Path) -> Place:
        """An empty library at another place over a copy of the same photos (times kept)."""
        shutil.copytree(self.photos, folder / "photos", copy_function=shutil.copy2)
        return Place(folder / "photos", folder / "library")


@pytest.fixture(scope="session")
def portraits() -> list[Path]:
    """JPEGs of the gallery with one or two faces."""
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as lines:
        files = [row["file"] for row in csv.DictReader(lines)]
    small = sorted({f for f in files if files.count(f) <= 2 and f.lower().endswith(".jpg")})
    return [GALLERY / name for name in small]


def six_photos(top: Path, portraits: list[Path]) -> Place:
    (top / "photos").mkdir(parents=True)
    for number, source in enumerate(portraits[:6]):
        shutil.copy2(source, top / "photos" / f"{number}.jpg")
    return Place(top / "photos", top / "library")


@pytest.fixture
def place(tmp_path: Path, portraits: list[Path]) -> Place:
    """Six photos, not scanned yet."""
    return six_photos(tmp_path, portraits)


@pytest.fixture(scope="session")
def scanned_once(tmp_path_factory: pytest.TempPathFactory, portraits: list[Path]) -> Place:
    """Six photos, scanned, with the first face called Alice; a copy lies in `kept` beside them."""
    top = tmp_path_factory.mktemp("scanned")
    place = six_photos(top / "there", portraits)
    assert place.scan() == 0
    assert app.run(place.command("label", "face-1", "Alice")) == 0
    shutil.copytree(top / "there", top / "kept", symlinks=True)
    return place


@pytest.fixture
def scanned(scanned_once: Place) -> Place:
    """The same as if nobody had touched it since (times kept)."""
    there = scanned_once.photos.parent
    shutil.rmtree(there)
    shutil.copytree(there.with_name("kept"), there, symlinks=True)
    return scanned_once


Until = Callable[[Callable[[], bool]], bool]


@pytest.fixture
def until() -> Until:
    def wait(true: Callable[[], bool], seconds: float = 60) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if true():
                return True
            time.sleep(0.02)
        return False

    return wait


def end(process: subprocess.Popen[bytes], how: signal.Signals) -> int:
    """Send a signal to a scan and wait for it; its exit code."""
    os.kill(process.pid, how)
    process.communicate(timeout=60)
    return process.returncode


def as_json(text: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
