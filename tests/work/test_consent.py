"""What a scan changes of the names that it gave is looked at before it stands."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from phototag.catalog import store
from phototag.catalog.store import meta
from phototag.core.consent import Limits, parse_limits
from phototag.errors import UsageError
from phototag.settings import Settings
from phototag.work.check import Patient
from phototag.work.check_library import regrouped
from phototag.work.consent import held
from phototag.work.diff import Difference, difference
from phototag.work.group import regroup

from .written_photos import LEVELS, MODEL, World, face, photo

OTHER = "written-2"
FEW = Settings(sheet=False, thumbnails=False, max_changes="3,5%")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Six photos of Ann that are recognised from one, six of Bea likewise, and a pair of strangers.
    Another model takes these Beas for Ann, and knows none of these Anns."""
    found = World(tmp_path, settings=FEW)
    for who in ("ann", "bea"):
        for n in range(7):
            other = {"bea": "ann"}.get(who, f"x{n}") if n else who
            seen = {**face(who, alike=0.85), "taken_for": {OTHER: other}}
            found.put(f"{who}{n}.jpg", photo(f"{who}{n}", seen))
    for n in range(2):
        found.put(f"cy{n}.jpg", photo(f"cy{n}", face("cy")))
    found.scan()
    found.say("label", [found.face("ann0.jpg")], "Ann")
    found.say("label", [found.face("bea0.jpg")], "Bea")
    return found


def automatic(world: World) -> dict[int, str]:
    return dict(
        world.ask(
            "SELECT a.face_id, n.name FROM assignments a LEFT JOIN people n ON n.id = a.person_id"
            " WHERE a.state = 'automatic'"
        )
    )


def forget_decision(world: World, number: int) -> None:
    """Lose a decision, as an older copy of the catalogue and the journal would."""
    with world.open() as lib:
        lib.db.execute("DELETE FROM decisions WHERE id = ?", (number,))
        lib.db.execute("UPDATE meta SET value = '0' WHERE key = 'replayed'")
    path = world.library / "journal.jsonl"
    lines = [line for line in path.read_text().splitlines() if json.loads(line)["id"] != number]
    path.write_text("".join(f"{line}\n" for line in lines))


def look(world: World) -> Difference:
    with store.open_to_read(world.library) as lib:
        return difference(lib, world.model, LEVELS)


def waits(world: World) -> bool:
    with store.open_to_read(world.library) as lib:
        return held(lib) is not None


def test_a_lost_decision_changes_no_name_until_it_is_accepted(world: World) -> None:
    before = automatic(world)
    assert sorted(before.values()) == ["Ann"] * 6 + ["Bea"] * 6
    forget_decision(world, 1)
    world.put("new.jpg", photo("new", face("bea", alike=0.85), face("dot", 0.5)))
    report = world.scan()
    assert (report.new, report.faces, report.held, report.withdrawn) == (1, 2, 6, 0)
    assert "phototag diff" in report.guarded[0].message
    assert automatic(world) == before
    seen = look(world)
    assert (seen.withdrawn, seen.moved, seen.named) == (6, 0, 1)
    assert {line.was for line in seen.lines[:6]} == {"Ann"}
    assert seen.lines[-1].path == str(world.photos / "new.jpg")
    assert automatic(world) == before

    again = world.scan()  # a plain scan does not slip it through
    assert (again.held, len(world.looker.opened), automatic(world)) == (6, 0, before)

    accepted = world.scan(accept_changes=True)
    assert (accepted.held, accepted.withdrawn, accepted.recognised) == (0, 6, 1)
    assert set(automatic(world).values()) == {"Bea"}
    assert not waits(world)
    with world.open() as lib:
        patient = Patient(lib, world.settings, world.model, LEVELS, True, True)
        assert regrouped(patient) == []


def test_sidecars_say_what_a_killed_decision_said_while_a_scan_is_held(world: World) -> None:
    world.cut = True
    assert world.say("label", [world.face("cy0.jpg")], "Cy").recognised == 1
    forget_decision(world, 1)
    assert world.scan().held == 6
    assert "Cy" in automatic(world).values()
    assert world.late_sidecars() == 0


def test_another_model_is_held_back_and_the_way_back_needs_no_consent(world: World) -> None:
    before = automatic(world)
    world.model = OTHER
    report = world.scan()
    assert len(world.looker.opened) == 16
    assert report.held == 12  # six strangers to her, six taken for Ann
    seen = look(world)
    assert (seen.withdrawn, seen.moved) == (6, 6)
    assert automatic(world) == before
    assert waits(world)
    with world.open() as lib:  # as calibrate does
        assert regroup(lib, OTHER, replace(LEVELS, accept=0.5)).changed == ()
    assert automatic(world) == before
    world.model = MODEL
    back = world.scan()
    assert (back.held, automatic(world), waits(world)) == (0, before, False)


def test_a_model_that_comes_in_by_nights_is_one_change(world: World) -> None:
    """Each night alone stays within the limits."""
    world.settings = Settings(sheet=False, thumbnails=False, max_changes="5")
    world.model = OTHER
    nights = [world.scan(seconds=0.0) for _ in range(4)]
    assert [night.remaining for night in nights] == [12, 8, 4, 0]
    assert [night.held > 0 for night in nights] == [False, True, True, True]


def test_decisions_hold_while_names_wait_and_carry_nothing_along(world: World) -> None:
    forget_decision(world, 1)
    world.scan()
    before = automatic(world)
    face_of_cy = world.face("cy0.jpg")
    said = world.say("label", [face_of_cy], "Cy")
    assert (said.recognised, said.withdrawn) == (0, 0)
    assert world.who()["cy0.jpg", 0.1] == "Cy"
    assert world.who()["cy1.jpg", 0.1] is None
    assert automatic(world) == before
    world.say("merge", "Bea", "Cy")
    assert sorted(automatic(world).values()) == ["Ann"] * 6 + ["Cy"] * 6
    world.say("undo")
    assert sorted(automatic(world).values()) == ["Ann"] * 6  # who of the Cys was a Bea?
    world.say("reject", [world.face("bea3.jpg")], "Bea")
    assert world.who()["bea3.jpg", 0.1] is None
    assert world.scan().held == 6
    world.say("label", [world.face("ann1.jpg")], "Ann")  # what was lost is said again
    assert sorted(automatic(world).values()) == ["Ann"] * 5
    assert world.scan().held == 0
    assert sorted(automatic(world).values()) == ["Ann"] * 6 + ["Bea"] * 5 + ["Cy"]
    assert world.who()["ann5.jpg", 0.1] == "Ann"


def test_what_is_decided_while_a_model_comes_in_by_nights_stirs_its_clusters(
    tmp_path: Path,
) -> None:
    """Without the one in the middle, the other two are no group."""
    world = World(tmp_path, settings=FEW)
    for n, alike in enumerate((0.98, 0.75, 0.62)):
        world.put(f"a{n}.jpg", photo(f"a{n}", face("ann", alike=alike)))
    for n in range(4):
        world.put(f"b{n}.jpg", photo(f"b{n}", face(f"b{n}")))
    world.scan()
    world.model = OTHER
    assert world.scan(seconds=0.0).remaining == 3
    group = "SELECT face_id FROM assignments WHERE cluster_id IS NOT NULL"
    assert len(world.ask(group)) == 3
    world.say("ignore", [world.face("a0.jpg")])
    world.scan()
    assert world.ask(group) == []


def test_a_look_changes_nothing_and_the_next_scan_does_what_it_said(world: World) -> None:
    world.put("more.jpg", photo("more", face("ann", alike=0.85)))
    tables = ("assignments", "clusters", "outputs", "people", "verdicts", "retired")
    before = [world.table(name) for name in tables]
    report = world.scan(diff=True)
    assert [(c.kind, c.was) for c in report.changes] == [("named", None)]
    assert [world.table(name) for name in tables] == before
    assert world.who()["more.jpg", 0.1] is None
    report = world.scan()
    assert (report.recognised, len(world.looker.opened)) == (1, 0)
    assert world.who()["more.jpg", 0.1] == "Ann"


def test_few_changes_need_no_consent(world: World) -> None:
    world.settings = Settings(sheet=False, thumbnails=False)
    forget_decision(world, 1)
    assert world.scan().withdrawn == 6
    with store.open_to_read(world.library) as lib:
        assert not meta(lib, "held")


@pytest.mark.parametrize(
    ("text", "limits"),
    [("50,5%", Limits(50, 0.05)), ("200", Limits(200, 0)), ("10%", Limits(0, 0.1)),
     ("0", Limits(0, 0)), ("all", Limits(0, 1))],
)  # fmt: skip
def test_limits_are_a_number_a_share_or_both(text: str, limits: Limits) -> None:
    assert parse_limits(text) == limits
    assert not limits.exceeded(0, 0)


def test_limits_that_say_nothing_are_refused() -> None:
    for text in ("", "five", "-1", "200%", "5 %,x"):
        with pytest.raises(UsageError, match="50,5%"):
            parse_limits(text)
