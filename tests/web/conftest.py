"""A painted library, served."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

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
    """A copy of photos and library; no contact sheet follows, which has its own tests."""
    copy = copied_home(painted, tmp_path)
    with (copy.library / "phototag.toml").open("a", encoding="utf-8") as settings:
        settings.write("sheet = false\n")
    return copy


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


# -- in a browser ----------------------------------------------------------------------------------

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; a test that asks for one is skipped where there is none. Of a module, since
    Playwright's loop runs as long as it does, and other tests have loops of their own."""
    reason = "Playwright for Python is not installed"
    playwright = pytest.importorskip("playwright.sync_api", reason=reason)
    if CHROMIUM is None:
        pytest.skip("there is no Chromium")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens a library in a new tab; the test fails if a script fails, the console complains, or
    anything is asked of another place."""
    contexts: list[Any] = []
    problems: list[str] = []

    def opened(visitor: Visitor, expect: str = "", **values: Any) -> Any:
        contexts.append(
            chromium.new_context(**{"viewport": {"width": 1280, "height": 900}} | values)
        )
        page = contexts[-1].new_page()
        page.set_default_timeout(15_000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on(
            "console",
            lambda said: (expect and expect in said.text) or problems.append(said.text),
        )
        ours = (f"http://{visitor.address}/", "blob:", "data:")
        page.on("request", lambda asked: asked.url.startswith(ours) or problems.append(asked.url))
        page.goto(visitor.url)
        page.wait_for_function("() => !location.search.includes('token')")
        page.wait_for_load_state()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert problems == []
