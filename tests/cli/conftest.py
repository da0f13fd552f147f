"""A painted library, made once, and the program to run on it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from builders import Home, copied_home, painted_home

from phototag.cli import app


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


Run = Callable[..., Ran]


@pytest.fixture
def run(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Run one command as the shell does; bytes that are no UTF-8 come back as surrogates."""

    def command(*words: object) -> Ran:
        capfdbinary.readouterr()
        code = app.run([str(word) for word in words])
        said = capfdbinary.readouterr()
        return Ran(code, os.fsdecode(said.out), os.fsdecode(said.err))

    return command


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Photos and a library with people, suggestions and clusters: only to be read."""
    return painted_home(tmp_path_factory.mktemp("painted"))


@pytest.fixture
def reading(painted: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The painted library as the one that commands use; the test must not change it."""
    monkeypatch.setenv("PHOTOTAG_LIBRARY", str(painted.library))
    return painted


@pytest.fixture
def home(painted: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of photos and library for one test."""
    copy = copied_home(painted, tmp_path)
    monkeypatch.setenv("PHOTOTAG_LIBRARY", str(copy.library))
    return copy


@pytest.fixture
def catalogue(painted: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A copy of the catalogue and the journal only, for what goes wrong before a photo matters."""
    copy = Home(tmp_path / "library", painted.photos)
    copy.library.mkdir()
    for name in ("catalog.sqlite", "journal.jsonl", "phototag.toml"):
        shutil.copy(painted.library / name, copy.library / name)
    shutil.copytree(painted.library / "models", copy.library / "models")
    monkeypatch.setenv("PHOTOTAG_LIBRARY", str(copy.library))
    return copy
