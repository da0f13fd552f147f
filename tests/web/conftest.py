"""A painted library, served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import Home, copied_home, painted_home
from visitor import Visitor, scan_from_page, served

from phototag.web import desk as desks


@pytest.fixture(scope="session")
def painted(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Photos and a library with people, suggestions and clusters: only to be read."""
    return painted_home(tmp_path_factory.mktemp("painted"))


@pytest.fixture(scope="module")
def door(painted: Home) -> Iterator[Visitor]:
    """The painted library, served, for tests that only look: nobody has come in yet."""
    with served(painted) as visitor:
        yield visitor


@pytest.fixture
def guest(door: Visitor) -> Visitor:
    """Somebody inside, who only looks."""
    return Visitor(door.home, door.url, door.desk).enter()


@pytest.fixture
def home(painted: Home, tmp_path: Path) -> Home:
    return copied_home(painted, tmp_path)


@pytest.fixture
def owner(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """Somebody inside a library of their own."""
    monkeypatch.setattr(desks, "PATIENCE", 0.2)
    monkeypatch.setattr(desks, "QUIET", 0.05)
    with served(home) as visitor:
        yield visitor.enter()


LOST = 3
"""The decision that named Bob's faces."""


@pytest.fixture
def waiting(owner: Visitor) -> Visitor:
    """Where Bob's naming was lost, no name may change unseen, and a scan was made since: names
    wait."""
    home = owner.home
    with (home.library / "phototag.toml").open("a", encoding="utf-8") as settings:
        settings.write('max_changes = "0"\n')
    home.sql("DELETE FROM decisions WHERE id = ?", LOST)
    home.sql("UPDATE meta SET value = '0' WHERE key = 'replayed'")
    path = home.library / "journal.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(
        "".join(line for line in lines if json.loads(line)["id"] != LOST), encoding="utf-8"
    )
    assert "would change and wait for you" in scan_from_page(owner)["text"]
    return owner
