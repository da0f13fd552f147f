"""Named faces held against everybody with their photo left out; thresholds and suspicions from
that."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from phototag.core.audit import suspect
from phototag.core.calibration import Chosen, Rates, choose, most_wrong, needed, rates, spread
from phototag.core.examples import person_scores
from phototag.core.leave_out import NONE, Stand, Trials, level, share_above, trials
from phototag.core.types import on_grid

Ints = NDArray[np.int64]


def album(seed: int, people: int, each: int, spread_out: float = 0.8) -> tuple[Stand, Ints, Ints]:
    """Faces of people, two photos in five with a second face of somebody; (stand, people,
    photos)."""
    chance = np.random.default_rng(seed)
    owners = np.repeat(np.arange(people, dtype=np.int64), each)
    axes = chance.normal(size=(people, 64))
    vectors = on_grid(axes[owners] + spread_out * chance.normal(size=(len(owners), 64)))
    photos = np.arange(len(owners), dtype=np.int64)
    shared = np.flatnonzero(chance.random(len(owners)) < 0.4)
    photos[shared] = photos[(shared + each) % len(owners)]
    return Stand(owners, photos, vectors), owners, photos


def test_a_score_is_that_of_the_examples_in_other_photos() -> None:
    stand, owners, photos = album(1, 12, 7)
    found = trials(stand.vectors, owners, photos, stand)
    for row in range(len(owners)):
        away = stand.photos != photos[row]
        scores = {}
        for person in range(12):
            rows = away & (stand.people == person)
            face = stand.vectors[row][None]
            scores[person] = float(person_scores(face, stand.vectors[rows])[0])
        own = scores.pop(int(owners[row]))
        best, second = sorted(scores.values())[:-3:-1]
        assert found.own[row] == pytest.approx(own, abs=1e-6)
        assert found.rival_score[row] == pytest.approx(best, abs=1e-6)
        assert found.second_score[row] == pytest.approx(second, abs=1e-6)
        assert scores[int(found.rival[row])] == pytest.approx(best, abs=1e-6)
    assert found.others.sum() == len(owners) * 11


def test_nothing_is_left_of_a_person_with_one_photo() -> None:
    vectors = on_grid(np.eye(4))
    people, photos = np.array([1, 2, 2, 3]), np.array([1, 2, 2, 2])
    found = trials(vectors, people, photos, Stand(people, photos, vectors))
    assert found.own.tolist() == [NONE] * 4
    assert found.rival.tolist() == [2, 1, 1, 1]


def test_a_level_is_reached_by_no_more_than_its_share() -> None:
    stand, owners, photos = album(2, 20, 10)
    found = trials(stand.vectors, owners, photos, stand)
    edge = level(found.others, 0.01)
    assert share_above(found.others, edge) <= 0.01 < share_above(found.others, edge - 0.01)


def test_thresholds_chosen_on_some_people_hold_for_others() -> None:
    """Averaged over albums: one alone is a matter of luck."""
    wrong, named = 0, 0
    for seed in range(6):
        stand, owners, photos = album(seed, 40, 8, spread_out=1.5)
        found = trials(stand.vectors, owners, photos, stand)
        chosen = choose(found, owners, 0.95, margin=0.02)
        assert chosen is not None
        assert chosen.rates.precision >= 0.95
        assert chosen.checked.precision >= 0.95
        other, others, pictures = album(seed + 100, 40, 8, spread_out=1.5)
        fresh = rates(trials(other.vectors, others, pictures, other), chosen.accept, chosen.margin)
        wrong, named = wrong + fresh.wrong, named + fresh.wrong + fresh.right
    assert named > 300
    assert wrong / named < 0.065


def test_more_precision_costs_names_and_what_cannot_be_reached_is_refused() -> None:
    stand, owners, photos = album(3, 40, 8, spread_out=1.5)
    found = trials(stand.vectors, owners, photos, stand)
    choices = [choose(found, owners, precision, 0.02) for precision in (0.8, 0.9, 0.95)]
    known: list[Chosen] = [chosen for chosen in choices if chosen is not None]
    assert len(known) == 3
    assert known[0].accept < known[1].accept <= known[2].accept
    assert known[0].rates.right > known[2].rates.right
    nothing = Trials(*(np.full(50, 0.9, np.float32),) * 4, found.others)  # type: ignore[arg-type]
    assert choose(nothing, np.arange(50), 0.99, 0.0) is None


def test_how_many_faces_it_takes_and_how_wrong_it_may_be() -> None:
    assert needed(0.99) == 150
    assert most_wrong(Rates(300, 0, 300)) == pytest.approx(0.01, abs=1e-3)  # the rule of three
    assert most_wrong(Rates(0, 0, 0)) == 1.0


def test_nobody_has_more_than_their_share_of_the_trials() -> None:
    people = np.array([1] * 2 + [4] * 50 + [9] * 7)
    rows = spread(people, 5)
    assert np.bincount(people[rows])[[1, 4, 9]].tolist() == [2, 5, 5]
    assert rows[2] == 2
    assert rows[6] == 51


def test_what_is_named_wrong_is_shown_first() -> None:
    chance = np.random.default_rng(5)
    stand, owners, photos = album(5, 25, 8, spread_out=1.0)
    wrong = chance.choice(len(owners), 10, replace=False)
    said = owners.copy()
    said[wrong] = (said[wrong] + 1 + chance.integers(0, 23, 10)) % 25
    order = np.argsort(said, kind="stable")
    named = Stand(said[order], photos[order], stand.vectors[order])
    found = trials(stand.vectors, said, photos, named)
    good = np.full(len(said), 0.9, np.float32)
    ranked = suspect(found, said, good, [None] * 200, alone=0.3, today="2026-01-01")
    assert np.isin(ranked.order()[:20], wrong).sum() >= 9
    assert (ranked.suspicion[wrong] > 0).sum() >= 9


@pytest.mark.parametrize(
    ("taken", "said"),
    [
        ("2062-05-01T00:00:00", "still to come"),
        ("1801-01-01T00:00:00", "before there were photos"),
        ("1890-01-01T00:00:00", "most others about 2020"),
        ("1990-01-01T00:00:00", None),
        (None, None),
    ],
)
def test_a_date_that_cannot_be_weighs_more_than_any_likeness(
    taken: str | None, said: str | None
) -> None:
    vectors = on_grid(np.ones((5, 4)) + 0.01 * np.eye(5, 4))
    people, photos = np.ones(5, np.int64), np.arange(5)
    found = trials(vectors, people, photos, Stand(people, photos, vectors))
    dates = ["2020-01-01T00:00:00"] * 4 + [taken]
    good = np.full(5, 0.9, np.float32)
    ranked = suspect(found, people, good, dates, alone=0.4, today="2026-01-01")
    assert (ranked.order()[0] == 4 and ranked.suspicion[4] > 0) == (said is not None)
    assert (ranked.dates[4] is None) == (said is None)
    assert said is None or said in str(ranked.dates[4])
