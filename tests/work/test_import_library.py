"""Two libraries over the same photos: one takes over what was decided in the other, only that."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.catalog import store
from phototag.core.lives import Life
from phototag.errors import NoLibrary, UsageError
from phototag.work.forget import forget
from phototag.work.import_names import ImportReport, import_names
from phototag.work.tag import Ground

from .written_photos import LEVELS, Onlooker, World, face, photo

PHOTOS = {
    "ann.jpg": photo("one", face("ann")),
    "pair.jpg": photo("two", face("ann", alike=0.85), face("ben", 0.5)),
    "ben.jpg": photo("three", face("ben")),
    "cy.jpg": photo("four", face("cy")),
    "post.jpg": photo("five", face("post")),
    "dee.jpg": photo("six", face("dee")),
}


@pytest.fixture
def hers(tmp_path: Path) -> World:
    """Her library: Ann, Ben, Dee; cy ignored, a post that is no face, and somebody drawn."""
    found = World(tmp_path / "hers")
    for name, data in PHOTOS.items():
        found.put(f"far away/{name}", data)
    found.put("far away/only hers.jpg", photo("seven", face("eve")))
    found.scan()

    def at(name: str, x: float = 0.1) -> list[str]:
        return [found.face(f"far away/{name}", x)]

    found.say("label", at("ann.jpg"), "Ann")
    found.say("label", at("ben.jpg"), "Ben")
    found.say("label", at("dee.jpg"), "Dee")
    found.say("label", at("only hers.jpg"), "Eve")
    found.say("ignore", at("cy.jpg"))
    found.say("not_a_face", at("post.jpg"))
    found.say("reject", at("pair.jpg", 0.5), "Ben")
    found.say("set_life", "Ann", {"born": "1980"})
    found.draw(str(found.photos / "far away" / "ben.jpg"), 0.7, "Old Ann")
    return found


@pytest.fixture
def mine(tmp_path: Path) -> World:
    """My library of the same photos under other names, one of them rewritten; Dee is Dora to me."""
    found = World(tmp_path / "mine")
    for number, (name, data) in enumerate(PHOTOS.items()):
        found.put(f"{number}.jpg", data)
        if name == "ben.jpg":
            found.put(f"{number}.jpg", photo("three", face("ben"), note="another header"))
    found.scan()
    found.say("label", [found.face("5.jpg")], "Dora")
    return found


def take_over(world: World, other: World | Path, *, dry_run: bool = False) -> ImportReport:
    ground = Ground(world.model, LEVELS, world.now.isoformat(), "tester")
    folder = other.library if isinstance(other, World) else other
    with world.open() as lib:
        return import_names(
            lib, ground, "library", str(folder), Onlooker(world.model), dry_run=dry_run
        )


def test_another_library_s_decisions_come_over_by_photo_and_place(hers: World, mine: World) -> None:
    before, theirs = mine.dump("sqlite_sequence"), hers.dump()
    rehearsed = take_over(mine, hers, dry_run=True)
    assert mine.dump("sqlite_sequence") == before
    report = take_over(mine, hers)
    assert (report.named, report.drawn, report.besides) == (2, 1, 4)
    assert (report.named, report.drawn, report.besides) == (
        rehearsed.named,
        rehearsed.drawn,
        rehearsed.besides,
    )
    assert report.new_people == ["Ann", "Ben", "Old Ann"]
    assert report.strangers == 1
    assert [(c.path, c.name, c.why) for c in report.conflicts] == [
        (str(mine.photos / "5.jpg"), "Dee", "it is Dora here")
    ]
    who = mine.who()
    assert who["0.jpg", 0.1] == "Ann"
    assert who["1.jpg", 0.1] == "Ann"  # recognised now
    assert who["1.jpg", 0.5] is None  # she said that it is not Ben
    assert who["2.jpg", 0.1] == "Ben"  # the same picture, other bytes
    assert who["2.jpg", 0.7] == "Old Ann"
    assert who["5.jpg", 0.1] == "Dora"
    states = dict(mine.ask("SELECT state, COUNT(*) FROM verdicts GROUP BY state"))
    assert (states["ignored"], states["not_a_face"]) == (1, 1)
    with store.open_to_read(mine.library) as lib:
        from phototag.catalog import verdicts

        assert list(verdicts.lives(lib).values()) == [Life("1980", None)]
    assert hers.dump() == theirs

    again = take_over(mine, hers)
    assert (again.said, again.besides, len(again.conflicts)) == (None, 0, 1)

    mine.say("undo")
    tables = ("people", "verdicts", "rejections", "lives", "assignments", "clusters")
    assert {name: mine.table(name) for name in tables} == {name: before[name] for name in tables}


def test_it_survives_a_lost_catalogue_and_forgets_somebody_when_told(
    hers: World, mine: World
) -> None:
    take_over(mine, hers)
    before = mine.who()
    for path in mine.library.glob("catalog.sqlite*"):
        path.unlink()
    mine.scan()
    assert mine.who() == before
    with mine.open() as lib:
        ground = Ground(mine.model, LEVELS, "2026-01-01", "tester")
        assert forget(lib, mine.settings, ground, "Ann").decisions == 1
    assert "1980" not in (mine.library / "journal.jsonl").read_text()
    assert mine.who()["2.jpg", 0.1] == "Ben"


def test_a_library_is_not_brought_to_itself_nor_from_where_there_is_none(
    mine: World, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match="this library itself"):
        take_over(mine, mine)
    with pytest.raises(NoLibrary):
        take_over(mine, tmp_path)
