"""Figures against scikit-learn's, and against cases small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import pair_confusion_matrix, roc_auc_score, roc_curve

from phototag.bench.metrics import (
    bcubed,
    best_threshold,
    clicks_to_name,
    fold_accuracy,
    identification,
    pairwise,
    roc,
    same_photo_violations,
    threshold_at,
)


def two_kinds(seed: int, gap: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    same = random.random(2000) < 0.4
    return np.round(random.normal(size=2000) + gap * same, 2), same


def test_the_curve_is_that_of_scikit_learn() -> None:
    scores, same = two_kinds(1)
    found = roc(scores, same)
    false, true, _ = roc_curve(same, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.false_accepts, false)
    np.testing.assert_allclose(found.true_accepts, true)
    assert found.auc == pytest.approx(roc_auc_score(same, scores))


def test_the_equal_error_rate_is_where_both_errors_meet() -> None:
    scores, same = two_kinds(2)
    found = roc(scores, same)
    rejects = 1 - found.true_accepts
    nearest = int(np.argmin(np.abs(found.false_accepts - rejects)))
    assert found.eer == pytest.approx(
        (found.false_accepts[nearest] + rejects[nearest]) / 2, abs=0.005
    )
    perfect = roc(np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, True]))
    assert (perfect.eer, perfect.auc) == (0.0, 1.0)


def test_the_true_accept_rate_respects_the_false_accept_rate() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    same = np.array([True, True, False, True, False, True])
    found = roc(scores, same)
    assert found.tar(0.0) == pytest.approx(2 / 4)
    assert found.tar(0.5) == pytest.approx(3 / 4)
    assert found.tar(1.0) == 1


def test_one_kind_of_pairs_has_no_curve() -> None:
    with pytest.raises(ValueError, match="both"):
        roc(np.array([0.1, 0.2]), np.array([True, True]))


def test_the_best_threshold_is_the_best_of_all() -> None:
    scores, same = two_kinds(3)
    found = ((scores >= best_threshold(scores, same)) == same).mean()
    every = max(((scores >= t) == same).mean() for t in np.unique(scores))
    assert found == every


def test_a_fold_does_not_choose_its_own_threshold() -> None:
    scores = np.concatenate([np.linspace(0, 1, 100), np.linspace(10, 11, 100)])
    same = np.concatenate([np.linspace(0, 1, 100) > 0.5, np.linspace(0, 1, 100) > 0.5])
    folds = np.repeat([0, 1], 100)  # the second fold's scores lie elsewhere
    found = fold_accuracy(scores, same, folds)
    assert found.mean == pytest.approx(0.5, abs=0.02)
    own = max(((scores[:100] >= t) == same[:100]).mean() for t in scores[:100])
    assert own == 1


@pytest.mark.parametrize("rate", [1e-2, 1e-3, 0.25, 0.0])
def test_a_threshold_lets_no_more_impostors_in_than_its_rate(rate: float) -> None:
    impostors = np.random.default_rng(4).normal(size=5000)
    threshold = threshold_at(impostors, rate)
    assert (impostors >= threshold).mean() <= rate
    just_below = np.nextafter(threshold, -np.inf)
    assert (impostors >= just_below).mean() > rate


def test_bcubed_counts_as_its_authors_do() -> None:
    truth = ["a", "a", "a", "b", "b"]
    groups = [1, 1, 2, 2, 2]
    found = bcubed(truth, groups)
    assert found.precision == pytest.approx((1 + 1 + 1 / 3 + 2 / 3 + 2 / 3) / 5)
    assert found.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 + 1) / 5)
    assert bcubed(truth, truth).f == 1


def test_pairs_are_counted_as_scikit_learn_counts_them() -> None:
    random = np.random.default_rng(5)
    truth, groups = random.integers(0, 12, 300), random.integers(0, 9, 300)
    (_, wrong), (split, right) = pair_confusion_matrix(truth, groups)
    found = pairwise(truth.tolist(), groups.tolist())
    assert found.precision == pytest.approx(right / (right + wrong))
    assert found.recall == pytest.approx(right / (right + split))


def test_faces_that_are_all_alone_are_pure_but_found_nowhere() -> None:
    found = bcubed(["a", "a", "b"], [1, 2, 3])
    assert found.precision == 1
    assert found.recall == pytest.approx((0.5 + 0.5 + 1) / 3)
    assert pairwise(["a", "a", "b"], [1, 2, 3]).f == 0


@pytest.mark.parametrize(
    ("truth", "groups", "clicks"),
    [
        ("aaaaabbbbb", "1111122222", 2),  # one click a group
        ("aaaaabbbbb", "1111111111", 5),  # one click, and four faces to put right: nine are named
        ("aaaaabbbbb", "0123456789", 9),  # each face by itself, but for the last
        ("aaaaaaaaab", "1111111112", 1),  # nine of ten are enough
    ],
)
def test_clicks_are_those_of_somebody_who_begins_with_the_largest_group(
    truth: str, groups: str, clicks: int
) -> None:
    assert clicks_to_name(list(truth), list(groups)) == clicks


def test_two_faces_of_a_photo_in_one_group_are_a_violation() -> None:
    assert same_photo_violations([1, 1, 1, 2, 2], ["x", "x", "x", "x", "y"]) == 3


def test_probes_are_ranked_and_strangers_kept_out() -> None:
    scores = np.array(
        [
            [0.9, 0.1, 0.2],  # right, sure
            [0.6, 0.5, 0.1],  # right, below the stranger
            [0.7, 0.6, 0.1],  # second
            [0.1, 0.65, 0.3],  # a stranger
        ]
    )
    found = identification(scores, np.array([0, 0, 1, -1]), rates=(0.0, 1.0))
    assert (found.rank1, found.rank5) == (pytest.approx(2 / 3), 1)
    assert found.dir[0.0] == pytest.approx(1 / 3)
    assert (found.enrolled, found.strangers) == (3, 1)


def test_a_tie_is_not_a_hit() -> None:
    found = identification(np.full((4, 3), -1.0), np.array([0, 1, 2, 0]))
    assert found.rank1 == 0
    assert found.dir == {}
