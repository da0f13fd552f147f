"""Names that a scan held back: the page says so, lists what would change, and lets it stand."""

from __future__ import annotations

import json
import re

from builders import Home
from visitor import Visitor, scan_from_page

from phototag.cli import app
from phototag.work.consent import held


def automatic(home: Home) -> dict[str, str]:
    rows = home.sql(
        "SELECT 'face-' || a.face_id, p.name FROM assignments a JOIN people p ON p.id = a.person_id"
        " WHERE a.state = 'automatic'"
    )
    return {str(face): str(name) for face, name in rows}


def listed(text: str) -> list[str]:
    """The faces on the page."""
    return re.findall(r'type="checkbox" value="(face-\d+)"', text)


def mark(text: str) -> str:
    return re.search(r'data-mark="(\w+)"', text)[1]


def test_every_page_says_that_names_wait_and_one_lists_them(waiting: Visitor) -> None:
    bobs = [face for face, name in automatic(waiting.home).items() if name == "Bob"]
    assert bobs
    for path in ("/review", "/people", "/photos", "/scan"):
        assert f"{len(bobs)} name" in waiting.look(path).text.split('id="waits"')[1][:200], path
    page = waiting.look("/changes").text
    assert set(bobs) <= set(listed(page))
    assert "No longer <bdi>Bob</bdi>" in page
    assert [name for name in automatic(waiting.home).values() if name == "Bob"], "nothing changed"


def test_accepting_does_what_the_command_does(waiting: Visitor, capfd) -> None:
    home = waiting.home
    line = ["diff", "--all", "--json", "--library", str(home.library)]
    assert app.run(line) == 0
    told = json.loads(capfd.readouterr().out)["changes"]
    wanted = automatic(home)
    for change in told:
        wanted.pop(change["face"], None)
        if change["now"] is not None:
            wanted[change["face"]] = change["now"]
    before = (home.library / "journal.jsonl").read_text(encoding="utf-8")
    page = waiting.look("/changes").text
    assert listed(page) == [change["face"] for change in told]
    said = scan_from_page(waiting, "/changes/accept", {"mark": mark(page)})
    assert (said["state"], "no longer named" in said["text"]) == ("done", True)
    assert automatic(home) == wanted
    assert (home.library / "journal.jsonl").read_text(encoding="utf-8") == before, "no decision"
    with waiting.desk.reading() as lib:
        assert held(lib) is None
    assert "No name waits" in waiting.look("/changes").text
    assert "would change" not in waiting.look("/people").text
    assert waiting.post("/changes/accept", {"mark": mark(page)}).code == 422


def test_only_what_the_page_showed_is_accepted(waiting: Visitor) -> None:
    """A decision since, here or in a terminal, makes it something else."""
    before = mark(waiting.look("/changes").text)
    face = waiting.home.face("lone.jpg")
    assert waiting.post("/do/label", {"targets": [face], "name": "Lone"}).code == 200
    names = automatic(waiting.home)
    refused = waiting.post("/changes/accept", {"mark": before})
    assert refused.code == 422
    assert "Look again" in refused.json["message"]
    assert automatic(waiting.home) == names
    after = mark(waiting.look("/changes").text)
    assert after != before
    assert scan_from_page(waiting, "/changes/accept", {"mark": after})["state"] == "done"
    assert "Bob" not in automatic(waiting.home).values()


def test_a_name_that_the_user_keeps_is_not_withdrawn(waiting: Visitor) -> None:
    home = waiting.home
    face = next(face for face, name in automatic(home).items() if name == "Bob")
    assert waiting.post("/do/label", {"targets": [face], "name": "Bob"}).code == 200
    page = waiting.look("/changes").text
    assert face not in listed(page)
    assert scan_from_page(waiting, "/changes/accept", {"mark": mark(page)})["state"] == "done"
    who = "SELECT p.name FROM assignments a JOIN people p ON p.id = a.person_id WHERE a.face_id = ?"
    assert home.sql(who, face.partition("-")[2]) == [("Bob",)]
