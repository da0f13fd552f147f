"""When people lived: what the date of a photo says for and against a name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.catalog import store
from phototag.core import lives
from phototag.core.lives import Life, day_of
from phototag.errors import UsageError
from phototag.vision.models import ModelCard
from phototag.work.forget import check, forget
from phototag.work.show import show
from phototag.work.tag import Ground

from .written_photos import LEVELS, MODEL, World, face, photo


def card_of(world: World) -> ModelCard:
    return ModelCard(
        MODEL, "written", "embedder", "none.onnx", "", world.library, thresholds=LEVELS
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Mia, named in one photo; photos of a face as like her from before, within and after her time,
    and without a date."""
    found = World(tmp_path)
    found.put("first.jpg", photo("first", face("mia"), taken="2021-05-01T10:00:00"))
    for year in ("1995", "2019-04-01", "2022", "2024"):
        when = f"{year}-06-01T10:00:00" if len(year) == 4 else f"{year}T23:00:00"
        found.put(f"{year}.jpg", photo(year, face("mia", alike=0.8), taken=when))
    found.put("undated.jpg", photo("undated", face("mia", alike=0.8)))
    found.put("long ago.jpg", photo("long", face("mia", alike=0.8), taken="1950-01-01T00:00:00"))
    found.scan()
    found.say("label", [found.face("first.jpg")], "Mia")
    return found


def law(world: World, name: str) -> tuple[str | None, str, str | None]:
    """(who it is, the law, who it may be)."""
    ((person, said, maybe),) = world.ask(
        "SELECT p.name, a.law, s.name FROM assignments a LEFT JOIN people p ON p.id = a.person_id"
        " LEFT JOIN people s ON s.id = a.suggestion_id WHERE a.face_id = ?",
        int(world.face(name).removeprefix("face-")),
    )
    return person, said, maybe


def test_nobody_is_recognised_outside_of_their_life_but_where_a_user_said_so(world: World) -> None:
    assert law(world, "1995.jpg")[0] == "Mia"
    world.say("label", [world.face("long ago.jpg")], "Mia")
    said = world.say("set_life", "mia", {"born": "2019-04-02", "died": "2023"})
    assert (said.text, said.withdrawn) == ("Mia was born 2019-04-02 and died 2023.", 2)
    assert law(world, "1995.jpg") == (None, "outside-life", "Mia")
    assert law(world, "2024.jpg") == (None, "outside-life", "Mia")
    assert law(world, "2019-04-01.jpg")[0] == "Mia"  # cameras know no time zones
    assert law(world, "2022.jpg")[0] == "Mia"
    assert law(world, "undated.jpg")[0] == "Mia"
    assert law(world, "long ago.jpg") == ("Mia", "decision", None)
    with store.open_to_read(world.library) as lib:
        view = show(lib, card_of(world), world.face("1995.jpg"))
        assert "Mia did not live when the photo was taken" in view.why[0]
        assert "was born 2019-04-02 and died 2023" in show(lib, card_of(world), "Mia").why[1]


def test_dates_are_a_decision_that_undo_rename_merge_and_a_lost_catalogue_keep(
    world: World,
) -> None:
    world.say("set_life", "Mia", {"born": "2019-04-02"})
    world.say("undo")
    assert law(world, "1995.jpg")[0] == "Mia"
    world.say("redo")
    world.say("rename", "Mia", "Mia M.")
    world.say("label", [world.face("undated.jpg")], "Mim")
    world.say("set_life", "Mim", {"died": "2023"})
    world.say("merge", "Mim", "Mia M.")
    (life,) = [row[1:] for row in world.table("lives")]
    assert life == ("2019-04-02", "2023")
    world.say("set_life", "Mia M.", {"died": ""})
    before = (world.who(), world.table("lives"))
    for path in world.library.glob("catalog.sqlite*"):
        path.unlink()
    world.scan()
    assert (world.who(), world.table("lives")) == before


def test_forgetting_a_person_forgets_their_dates(world: World) -> None:
    world.say("set_life", "Mia", {"born": "2019-04-02"})
    with world.open() as lib:
        ground = Ground(world.model, LEVELS, "2026-01-01", "tester")
        assert forget(lib, world.settings, ground, "Mia").traces == []
        assert check(lib, "2019-04-02").traces == []
    assert world.table("lives") == []


def test_a_grown_up_likeness_is_no_rival_of_a_photo_before_the_child_s_birth(
    tmp_path: Path,
) -> None:
    """Ann's photo of 1995 is too near to her daughter's face for a name, until the daughter's birth
    is known."""
    world = World(tmp_path)
    world.put("ann.jpg", photo("ann", face("ann"), taken="1996-01-01T00:00:00"))
    world.put("mia.jpg", photo("mia", face("ann", alike=0.88), taken="2021-01-01T00:00:00"))
    world.put("1995.jpg", photo("1995", face("ann", alike=0.8), taken="1995-01-01T00:00:00"))
    world.scan()
    world.say("label", [world.face("ann.jpg")], "Ann")
    world.say("label", [world.face("mia.jpg")], "Mia")
    assert law(world, "1995.jpg")[:2] == (None, "margin")
    world.say("set_life", "Mia", {"born": "2019"})
    assert law(world, "1995.jpg")[:2] == ("Ann", "accepted")


def test_a_small_child_needs_a_larger_lead_and_is_compared_with_faces_of_its_age(
    tmp_path: Path,
) -> None:
    """Two sisters, and a face that leads by more than the margin, but not by that of a child."""
    world = World(tmp_path)
    for year in (2012, 2020):
        world.put(f"{year}.jpg", photo(f"{year}", face("mia"), taken=f"{year}-01-01T00:00:00"))
    world.put("lea.jpg", photo("lea", face("mia", alike=0.83), taken="2012-01-01T00:00:00"))
    world.put("who.jpg", photo("who", face("mia", alike=0.85), taken="2012-02-01T00:00:00"))
    world.scan()
    world.say("label", [world.face("2012.jpg"), world.face("2020.jpg")], "Mia")
    world.say("label", [world.face("lea.jpg")], "Lea")
    score = score_and_lead(world, "who.jpg")
    assert law(world, "who.jpg")[:2] == ("Mia", "accepted")
    assert 0.05 < score[1] < 0.11
    world.say("set_life", "Mia", {"born": "2010"})
    world.say("set_life", "Lea", {"born": "2010"})
    aged = score_and_lead(world, "who.jpg")
    gap = np.log2(11) - np.log2(3)
    assert law(world, "who.jpg") == (None, "margin", "Mia")
    assert score[0] - aged[0] == pytest.approx(lives.FADE * gap / 2, abs=2e-3)
    with store.open_to_read(world.library) as lib:
        why = " ".join(show(lib, card_of(world), world.face("who.jpg")).why)
    assert "0.11 is needed" in why
    assert "Mia was 2 then, and faces of about that age count most" in why
    world.say("set_life", "Mia", {"born": "1980"})
    assert law(world, "who.jpg")[:2] == ("Mia", "accepted")


def score_and_lead(world: World, name: str) -> tuple[float, float]:
    ((best, second),) = world.ask(
        "SELECT COALESCE(score, suggestion_score), runner_up_score FROM assignments"
        " WHERE face_id = ?",
        int(world.face(name).removeprefix("face-")),
    )
    return float(best), float(best - second)


def test_ages_and_days() -> None:
    life = Life("2019-04", "2020")
    assert [life.holds(day_of(d)) for d in ("2019-03-30", "2019-03-31", "2021-01-01")] == [
        False,
        True,
        True,
    ]
    assert not life.holds(day_of("2021-01-02"))
    assert life.holds(float("nan"))
    assert Life(None, None).holds(0.0)
    assert np.allclose(Life("2019-01-01").ages(np.array([day_of("2021-01-01")])), 2, atol=0.01)


def test_words_that_are_no_dates_are_refused(world: World) -> None:
    for dates in ({"born": "2019-13-01"}, {"born": "May"}, {"died": "1.2.2020"}, {}):
        with pytest.raises(UsageError, match="2019-04-02"):
            world.say("set_life", "Mia", dates)
    with pytest.raises(UsageError, match="cannot have been born"):
        world.say("set_life", "Mia", {"born": "2019", "died": "2018"})
