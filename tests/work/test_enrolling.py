"""Enrolling: faces from photos that lie anywhere, kept like any other decision."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from phototag.errors import UsageError
from phototag.work.deciding import Ground
from phototag.work.enroll import Enrolment, enroll
from phototag.work.enrolled import lacking
from phototag.work.group import regroup
from phototag.work.identify import Searched, identify

from .written_photos import LEVELS, World, face, photo, seen_by


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Three photos of ann and two of ben, scanned; nobody has a name."""
    found = World(tmp_path)
    for n in range(3):
        found.put(f"ann{n}.jpg", photo(f"ann{n}", face("ann", alike=0.95)))
    for n in range(2):
        found.put(f"ben{n}.jpg", photo(f"ben{n}", face("ben", alike=0.95)))
    found.scan()
    return found


def elsewhere(world: World, name: str, *faces: dict[str, Any]) -> Path:
    """A photo in no scanned folder."""
    path = world.top / "elsewhere" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(photo(name, *faces))
    return path


def register(world: World, name: str, *words: Path | str, yes: bool = False) -> Enrolment:
    ground = Ground(world.model, LEVELS, world.now.isoformat(), "tester")
    with world.open() as lib:
        return enroll(
            lib,
            ground,
            lambda jobs: [seen_by(job, world.model) for job in jobs],
            "mtcnn",
            [str(word) for word in words],
            name,
            yes=yes,
        )


def look_up(world: World, *words: Path | str) -> Searched:
    with world.open() as lib:
        return identify(
            lib,
            world.model,
            LEVELS,
            lambda jobs: [seen_by(job, world.model) for job in jobs],
            [str(word) for word in words],
        )


def named(world: World) -> dict[str, str | None]:
    return {name: person for (name, _), person in world.who().items()}


ANN_NAMED = {"ann0.jpg": "Ann", "ann1.jpg": "Ann", "ann2.jpg": "Ann"} | dict.fromkeys(
    ("ben0.jpg", "ben1.jpg")
)


def test_a_photo_from_elsewhere_is_enough_to_be_recognised_and_undo_takes_it_back(
    world: World,
) -> None:
    portrait = elsewhere(world, "portrait.jpg", face("ann", alike=0.9))
    kept = ("assignments", "verdicts", "people", "examples", "scores")
    before = {name: world.table(name) for name in kept}
    found = register(world, "Ann", portrait)
    assert found.said is not None
    assert found.said.recognised == 3
    assert named(world) == ANN_NAMED
    after = world.table("assignments")
    world.say("undo")
    assert named(world) == dict.fromkeys(ANN_NAMED)
    assert {name: world.table(name) for name in kept} == before
    world.say("redo")
    assert world.table("assignments") == after


def test_it_belongs_to_no_cluster_page_or_search_and_gets_no_sidecar(world: World) -> None:
    portrait = elsewhere(world, "portrait.jpg", face("ann", alike=0.9))
    register(world, "Ann", portrait)
    world.scan()
    assert world.ask("SELECT COUNT(*) FROM assignments") == [(5,)]
    assert sorted(p.name for p in portrait.parent.iterdir()) == ["portrait.jpg"]


def test_journal_and_photos_rebuild_it_when_catalogue_and_original_are_gone(world: World) -> None:
    register(world, "Ann", elsewhere(world, "portrait.jpg", face("ann", alike=0.9)))
    shutil.rmtree(world.top / "elsewhere")
    with world.open() as lib:
        assert lacking(lib) == []
    for path in world.library.glob("catalog.sqlite*"):
        path.unlink()
    world.scan()
    assert named(world) == ANN_NAMED


def test_a_new_model_sees_it_and_scans_keep_it(world: World) -> None:
    register(world, "Ann", elsewhere(world, "portrait.jpg", face("ann", alike=0.9)))
    shutil.rmtree(world.top / "elsewhere")
    world.model = "written-2"
    world.scan()
    assert named(world) == ANN_NAMED
    opened = list(world.looker.opened)
    world.scan()
    assert [path for path in opened if "enrolled" in path]
    assert world.looker.opened == []
    assert named(world) == ANN_NAMED


def test_a_damaged_copy_is_one_line_in_the_report(world: World) -> None:
    register(world, "Ann", elsewhere(world, "portrait.jpg", face("ann", alike=0.9)))
    (copy,) = (world.library / "enrolled").rglob("*.jpg")
    (world.top / "elsewhere" / "portrait.jpg").unlink()
    copy.write_bytes(photo("another", face("ben")))
    world.model = "written-2"
    report = world.scan()
    assert [problem.reason for problem in report.failed] == ["changed"]
    copy.unlink()
    with world.open() as lib:
        assert lacking(lib) == [copy.stem]


def test_found_later_in_a_folder_it_is_a_photo_like_any_other(world: World) -> None:
    portrait = elsewhere(world, "portrait.jpg", face("ann", alike=0.9))
    register(world, "Ann", portrait)
    shutil.copy(portrait, world.photos / "portrait.jpg")
    world.scan()
    assert named(world) == ANN_NAMED | {"portrait.jpg": "Ann"}
    (world.photos / "portrait.jpg").unlink()
    world.scan(accept_missing=True)
    assert named(world) == ANN_NAMED


def test_it_follows_from_the_journal_alone(world: World) -> None:
    register(world, "Ann", elsewhere(world, "portrait.jpg", face("ann", alike=0.9)))
    before = world.table("assignments")
    with world.open() as lib:
        regroup(lib, world.model, LEVELS, everything=True)
    assert world.table("assignments") == before


def test_what_speaks_against_a_face_is_said_and_only_yes_takes_it(world: World) -> None:
    register(world, "Ann", elsewhere(world, "portrait.jpg", face("ann", alike=0.9)))
    alike = elsewhere(world, "alike.jpg", face("ann", alike=0.85))
    poor = elsewhere(world, "poor.jpg", face("ben", alike=0.9, quality=0.2))
    group = elsewhere(world, "group.jpg", face("ben"), face("cy", 0.5))
    words = [alike, poor, group, elsewhere(world, "empty.jpg"), world.photos / "ann0.jpg", "no.jpg"]
    found = register(world, "Ben", *words)
    assert found.said is None
    assert [p.reason for p in found.photos] == [
        "looks-like", "low-quality", "several-faces", "no-face", "looks-like", "no-such-file",
    ]  # fmt: skip
    assert found.photos[0].other == "Ann"
    assert world.ask("SELECT COUNT(*) FROM decisions") == [(1,)]
    taken = register(world, "Ben", alike, poor, f"{group}#1", yes=True)
    assert [p.taken for p in taken.photos] == [True, True, True]
    assert taken.said is not None
    assert taken.said.faces == 3


def test_a_face_that_a_user_named_is_somebody_elses_only_with_yes(world: World) -> None:
    world.say("label", [world.face("ann0.jpg")], "Ann")
    found = register(world, "Zoe", world.photos / "ann0.jpg")
    assert [p.reason for p in found.photos] == ["decided"]
    register(world, "Zoe", world.photos / "ann0.jpg", yes=True)
    assert named(world)["ann0.jpg"] == "Zoe"


def test_nobody_is_enrolled_twice_from_one_photo(world: World) -> None:
    two = elsewhere(world, "two.jpg", face("cy"), face("dee", 0.5))
    with pytest.raises(UsageError, match="given twice"):
        register(world, "Cy", f"{two}#1", f"{two}#2")
    known = world.put("both.jpg", photo("both", face("cy"), face("dee", 0.5)))
    world.scan()
    world.say("label", [f"{known}#1"], "Cy")
    with pytest.raises(UsageError, match="in one photo"):
        register(world, "Cy", f"{known}#2", yes=True)


def test_identify_names_suggests_or_does_not_know_by_the_laws_of_a_scan(world: World) -> None:
    register(world, "Ann", elsewhere(world, "portrait.jpg", face("ann", alike=0.95)))
    before = world.dump()
    probe = elsewhere(
        world, "probe.jpg", face("ann", 0.1, 0.9), face("ann", 0.4, 0.55), face("eve", 0.7)
    )
    hint = elsewhere(world, "hint.jpg", face("ann", alike=0.55))
    found = look_up(world, probe, hint, "no.jpg")
    first, second, third = found.photos[0].faces
    assert (first.person, first.law) == ("Ann", "accepted")
    assert first.similarity == pytest.approx(0.95 * 0.9, abs=0.05)
    assert (second.person, second.suggestion, second.law) == (None, None, "twice-in-photo")
    assert (third.person, third.suggestion) == (None, None)
    assert [near.person for near in third.nearest] == ["Ann"]
    (maybe,) = found.photos[1].faces
    assert (maybe.person, maybe.suggestion) == (None, "Ann")
    assert "no such file" in (found.photos[2].problem or "")
    assert world.dump() == before
    world.say("reject", [world.face("ann0.jpg")], "Ann")
    (refused,) = look_up(world, world.photos / "ann0.jpg").photos[0].faces
    assert (refused.person, refused.law) == (None, "rejected")
