"""The cascade's arithmetic, against its plainest form."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.vision import boxes
from phototag.vision.boxes import Rows, best_first, overlapping_removed, square


def some_rows(count: int, seed: int, extent: float = 200) -> Rows:
    random = np.random.default_rng(seed)
    corner = random.uniform(0, extent, (count, 2))
    size = random.uniform(5, 60, (count, 2))
    return np.column_stack([corner, corner + size, random.uniform(0, 1, count)])


def kept_by_the_plain_way(rows: Rows, threshold: float, over: str) -> list[int]:
    kept = []
    for later, b in enumerate(rows):
        for a in rows[:later]:
            wide = max(0, min(a[2], b[2]) - max(a[0], b[0]))
            high = max(0, min(a[3], b[3]) - max(a[1], b[1]))
            areas = [(r[2] - r[0]) * (r[3] - r[1]) for r in (a, b)]
            whole = sum(areas) - wide * high if over == "union" else min(areas)
            if wide * high > threshold * whole:
                break
        else:
            kept.append(later)
    return kept


@pytest.mark.parametrize("over", ["union", "smaller"])
@pytest.mark.parametrize("seed", range(4))
def test_a_box_falls_exactly_when_a_better_one_covers_it(seed: int, over: str) -> None:
    rows = best_first(some_rows(120, seed))
    expected = rows[kept_by_the_plain_way(rows, 0.4, over)]
    assert len(expected) < len(rows)
    np.testing.assert_array_equal(overlapping_removed(rows, 0.4, over), expected)  # type: ignore[arg-type]


def test_blocks_of_any_size_give_the_same_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = best_first(some_rows(300, 5))
    whole = overlapping_removed(rows, 0.4)
    for pairs in (1, 7, 1000):
        monkeypatch.setattr(boxes, "PAIRS", pairs)
        np.testing.assert_array_equal(overlapping_removed(rows, 0.4), whole)


def test_of_equal_scores_the_later_box_comes_first() -> None:
    rows = some_rows(3, 1)
    rows[:, 4] = (0.5, 0.9, 0.5)
    np.testing.assert_array_equal(best_first(rows), rows[[1, 2, 0]])


def test_a_box_becomes_a_square_about_its_own_centre() -> None:
    (x1, y1, x2, y2, score), *_ = square(np.array([[10.0, 20.0, 30.0, 60.0, 0.7]]))
    assert (x1, y1, x2, y2, score) == (0.0, 20.0, 40.0, 60.0, 0.7)
