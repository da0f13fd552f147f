"""What a page in a browser shows, and what is done with it there."""

from __future__ import annotations

import json
from typing import Any

from builders import Home


def asked(page: Any, after: str = "") -> str:
    """The target of the question that stands there, once it is another than `after`."""
    page.wait_for_function(
        "after => { const node = document.getElementById('question');"
        " return !document.getElementById('done').hidden"
        " || (!node.hidden && node.dataset.target !== after) }",
        arg=after,
    )
    return page.get_attribute("#question", "data-target") if page.is_visible("#question") else ""


def face_asked(page: Any) -> int:
    return int(page.get_attribute("#lead", "src").split("/")[3])


def told(page: Any, text: str) -> None:
    page.wait_for_function(
        "text => document.querySelector('#told p').textContent.includes(text)", arg=text
    )


def decided(home: Home) -> list[tuple[str, str | None, int]]:
    """(kind, person, faces) of every line of the journal; of an undo, None and the decision."""
    lines = (home.library / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    words = [(each["kind"], each["payload"]) for each in map(json.loads, lines)]
    return [
        (kind, said.get("person"), said.get("decision") or len(said["faces"]))
        for kind, said in words
    ]


def go_to(page: Any, target: str) -> None:
    """Skip to a question."""
    there = asked(page)
    while there != target:
        page.keyboard.press("s")
        there = asked(page, there)
