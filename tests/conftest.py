"""Shared ground for all tests: where the real photos are, and an environment of their own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shared_folder() -> Path | None:
    """Third-party test photos: `PHOTOTAG_TEST_DATA`, else `shared` beside the checkout."""
    given = os.environ.get("PHOTOTAG_TEST_DATA")
    folder = Path(given) if given else ROOT.parent / "shared"
    return folder if (folder / "photos").is_dir() else None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew instead of comparing"
    )


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real third-party photos, used by path and never committed."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("the third-party test photos are not here (set PHOTOTAG_TEST_DATA)")
    return folder


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees or touches the user's own library or settings."""
    for name in list(os.environ):
        if name.startswith("PHOTOTAG_") and name != "PHOTOTAG_TEST_DATA":
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg-data"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg-config"))
