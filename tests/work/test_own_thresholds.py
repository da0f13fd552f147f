"""Thresholds measured in a library, used by all that recognises there; the audit of what was
named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phototag.core.types import Thresholds
from phototag.errors import ModelError, UsageError
from phototag.vision.models import ModelCard
from phototag.work.audit import Audit, audit
from phototag.work.calibrate import Calibration, measure, reset, use
from phototag.work.models import calibrated, calibration_path
from phototag.work.verify import bar_at
from phototag.work.why import levels_of

from .written_photos import LEVELS, MODEL, World, face, photo

PEOPLE = ("ann", "ben", "cy", "dee", "eve", "flo")
EACH = 6
STRICT = Thresholds(accept=0.95, suggest=0.9, cluster=0.5, margin=0.05)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Six people with six named photos each, and one more of ann that is not named."""
    found = World(tmp_path_factory.mktemp("made"))
    for who in PEOPLE:
        for n in range(EACH):
            found.put(f"{who}{n}.jpg", photo(f"{who}{n}", face(who, alike=0.85)))
    found.put("probe.jpg", photo("probe", face("ann", alike=0.8)))
    found.scan()
    for who in PEOPLE:
        names = [found.face(f"{who}{n}.jpg") for n in range(EACH)]
        found.say("label", names, who.title())
    return found


@pytest.fixture
def world(made: World, tmp_path: Path) -> World:
    """A copy of it; its photos are not looked at again."""
    shutil.copytree(made.library, tmp_path / "library")
    return World(tmp_path, now=made.now)


def card(world: World, thresholds: Thresholds | None = LEVELS) -> ModelCard:
    plain = ModelCard(
        MODEL, "written", "embedder", "none.onnx", "", world.library, thresholds=thresholds
    )
    return calibrated(world.library, plain)


def measured(world: World, precision: float, thresholds: Thresholds = STRICT) -> Calibration:
    with world.open() as lib:
        return measure(lib, card(world, thresholds), precision)


def audited(world: World, name: str | None = None, limit: int = 5) -> Audit:
    with world.open() as lib:
        return audit(lib, MODEL, LEVELS, "2026-01-01", name, limit)


def test_thresholds_of_its_own_are_kept_used_named_as_the_source_and_given_up(
    world: World,
) -> None:
    found = measured(world, 0.9)
    assert found.after is not None
    assert (found.people, found.faces, found.problem) == (6, 36, None)
    assert found.after.suggest < found.after.accept < STRICT.accept
    assert (found.named, found.named_before) == (1.0, 0.0)
    assert found.wrong_per_1000 is not None
    assert found.wrong_per_1000 <= 100
    with world.open() as lib:
        grouping = use(lib, card(world, STRICT), found, "2026-01-02T00:00:00")
    own = card(world, STRICT)
    assert own.thresholds == found.after
    assert "6 people with 36 named faces on 2026-01-02" in levels_of(own).source
    assert grouping.recognised + grouping.withdrawn <= 1
    with world.open() as lib:
        reset(lib, card(world))
        assert reset(lib, card(world)) is None
    assert card(world, STRICT).thresholds == STRICT


def test_too_few_faces_and_a_precision_out_of_reach_or_range_are_refused(world: World) -> None:
    few = measured(world, 0.99)
    assert few.after is None
    assert "150 faces" in (few.problem or "")
    with pytest.raises(UsageError, match=r"0\.5 to 0\.9999"):
        measured(world, 1.0)
    with pytest.raises(ModelError, match="no thresholds"), world.open() as lib:
        measure(lib, card(world, None), 0.9)


def test_a_damaged_file_says_how_to_go_on(world: World) -> None:
    path = calibration_path(world.library, MODEL)
    path.parent.mkdir()
    path.write_text("{}", encoding="utf-8")
    with pytest.raises(ModelError, match="--reset"):
        card(world)


def test_verification_is_measured_in_the_library_where_that_can_be_done(world: World) -> None:
    found = measured(world, 0.9)
    pairs = found.measured["pairs"]
    assert pairs["pairs"] == 36 * 35 // 2
    assert pairs["thresholds"] == {}  # 540 pairs of strangers cannot show 1 in 100
    bar = bar_at(card(world), 0.01)
    assert (bar.threshold, bar.false_accepts) == (LEVELS.accept, None)


def test_a_wrong_name_comes_first_with_the_command_that_puts_it_right(
    made: World, world: World
) -> None:
    wrong = made.face("ben3.jpg")
    world.say("label", [wrong], "Ann")
    found = audited(world)
    assert (found.faces, found.person) == (36, None)
    first = found.doubts[0]
    assert (first.face, first.person, first.rival) == (wrong, "Ann", "Ben")
    assert first.suspicion > 0.3 > found.doubts[1].suspicion
    assert first.why == ("fits Ben better",)
    assert found.fixes[0] == f"phototag split Ann --faces {wrong} --into Ben"
    assert audited(world, "ann").doubts[0].face == wrong
    assert wrong not in {doubt.face for doubt in audited(world, "Ben", 99).doubts}
    world.say("split", "Ann", [wrong], "Ben")
    assert audited(world).suspicious == 0


def test_the_audit_of_a_library_without_names_is_empty(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.put("a.jpg", photo("a", face("ann")))
    world.scan()
    assert audited(world).doubts == ()
