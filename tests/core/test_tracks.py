"""Faces of videos in the pure core: tracks, the law of one moment, shots, strips."""

from __future__ import annotations

import numpy as np
import pytest

from phototag.core.agglomerate import agglomerate
from phototag.core.matching import Candidate, match
from phototag.core.neighbours import neighbours
from phototag.core.scenes import Scenes
from phototag.core.strip import MOST, Strip, chosen, on_strip
from phototag.core.tracking import Tracker, mean_vector
from phototag.core.tracks import box_at, clocks, track_meeting
from phototag.core.types import (
    Box,
    Film,
    Glimpse,
    Landmarks,
    Span,
    Thresholds,
    Track,
    Vectors,
    on_grid,
)

LEVELS = Thresholds(accept=0.6, suggest=0.3, cluster=0.4, margin=0.1)
HERE, THERE = Box(0.1, 0.1, 0.2, 0.3), Box(0.7, 0.1, 0.2, 0.3)


def looks(*likeness: float) -> Vectors:
    """A unit vector with these cosines to the first axes."""
    vector = np.zeros(8)
    vector[: len(likeness)] = likeness
    vector[-1] = np.sqrt(max(0.0, 1 - (vector**2).sum()))
    return on_grid(vector)


def track(*places: tuple[int, Box]) -> Track:
    at, box = places[0]
    return Track(places, (Glimpse(at, box, Landmarks(()), 0.99, 0.9),))


# ---- nobody twice at one moment


def named(spans: dict[int, Span], **more: object) -> dict[int, int | None]:
    """Who becomes Alice (1) of faces of one video that all are like her, 0.9, 0.89, …"""
    candidates = [Candidate(face, 7, 1, 0.9 - 0.01 * n) for n, face in enumerate(sorted(spans))]
    found = match(candidates, thresholds=LEVELS, taken={}, rejected=(), spans=spans, **more)  # type: ignore[arg-type]
    return {face: found[face].person for face in spans}


def test_tracks_that_are_never_seen_together_may_be_one_person() -> None:
    assert named({1: (0, 2000), 2: (3000, 5000), 3: (5001, 9000)}) == {1: 1, 2: 1, 3: 1}


def test_of_tracks_that_meet_the_likest_is_the_person() -> None:
    assert named({1: (0, 2000), 2: (2000, 5000), 3: (4000, 9000)}) == {1: 1, 2: None, 3: 1}


def test_a_decided_track_keeps_its_person_to_itself_while_it_is_seen() -> None:
    decided = {7: [(1, (1000, 4000))]}
    assert named({1: (0, 999), 2: (3000, 5000)}, taken_in=decided) == {1: 1, 2: None}


def test_faces_without_a_span_are_all_seen_at_once() -> None:
    candidates = [Candidate(1, 7, 1, 0.9), Candidate(2, 7, 1, 0.8)]
    found = match(candidates, thresholds=LEVELS, taken={}, rejected=())
    assert (found[1].person, found[2].person) == (1, None)


@pytest.mark.parametrize(
    ("spans", "pairs"),
    [
        ([(0, 2000), (2001, 4000), (5000, 6000)], 3),
        ([(0, 2000), (1000, 4000), (5000, 6000)], 1),
        ([(0, 9000), (1000, 1000), (8000, 9000)], 1),
        ([(0, 0), (0, 0), (0, 0)], 0),
    ],
)
def test_a_cluster_holds_no_two_tracks_that_meet(spans: list[Span], pairs: int) -> None:
    """Of three faces that look alike: how many pairs share a cluster."""
    vectors = np.stack([looks(0.9), looks(0.9, 0.1), looks(0.9, 0.05)])
    ids, sims = neighbours(vectors, 8, LEVELS.cluster)
    found = agglomerate(
        vectors, ids, sims, np.array([7, 7, 7]), np.ones(3, np.bool_), None, LEVELS.cluster,
        spans=np.array(spans, dtype=np.int64),
    )  # fmt: skip
    together = {(a, b) for a in range(3) for b in range(a + 1, 3) if found[a] == found[b] != -1}
    clash = {
        (a, b)
        for a in range(3)
        for b in range(a + 1, 3)
        if spans[a][0] <= spans[b][1] and spans[b][0] <= spans[a][1]
    }
    assert not together & clash
    assert len(together) == pairs


# ---- tracks


def test_a_face_is_followed_by_place_and_by_likeness_and_not_through_a_cut() -> None:
    tracker = Tracker(LEVELS, gap=3000)
    alice, bob = looks(0.9), looks(0.0, 0.9)
    assert tracker.follow(0, [HERE, THERE], np.stack([alice, bob])) == [1, 2]
    moved = Box(0.15, 0.12, 0.2, 0.3)
    assert tracker.follow(1000, [THERE, moved], np.stack([bob, alice])) == [2, 1]
    assert tracker.follow(2000, [THERE], np.stack([alice])) == [1]  # they changed places
    assert tracker.follow(2500, [], np.zeros((0, 8), np.float32)) == []
    assert tracker.follow(6000, [THERE], np.stack([alice])) == [3]  # too long out of sight
    tracker.cut()
    assert tracker.follow(6500, [THERE], np.stack([alice])) == [4]


def test_somebody_else_in_the_same_place_is_another_track() -> None:
    tracker = Tracker(LEVELS, gap=3000)
    assert tracker.follow(0, [HERE], np.stack([looks(0.9)])) == [1]
    assert tracker.follow(1000, [HERE], np.stack([looks(0.0, 0.9)])) == [2]


def test_a_track_is_looked_up_by_moment_and_place() -> None:
    early, late = track((0, HERE), (2000, THERE)), track((4000, HERE), (6000, HERE))
    tracks = {1: early, 2: late}
    assert box_at(early.path, 500).x == pytest.approx(0.25)
    assert track_meeting(5000, HERE, tracks) == 2  # both were there, at other times
    assert track_meeting(200, HERE, tracks) == 1
    assert track_meeting(3000, HERE, tracks) == 2  # a second beside it: sampled otherwise
    assert track_meeting(5000, THERE, tracks) is None
    assert track_meeting(9000, HERE, tracks) is None
    assert clocks((72_400, 3_680_000)) == "00:01:12-01:01:20"


def test_a_blurred_frame_counts_for_little_in_a_tracks_vector() -> None:
    sharp, blurred = looks(0.9), looks(0.1, 0.6)
    both = mean_vector(np.stack([sharp, blurred]), [1.0, 0.1])
    assert float(both @ sharp) > 0.98
    assert (both == on_grid(both)).all()


# ---- shots and strips


def test_a_cut_begins_a_shot_and_a_pan_does_not() -> None:
    random = np.random.default_rng(3)
    wide = np.kron(random.integers(0, 255, (9, 60)), np.ones((4, 4))).astype(np.uint8)
    scenes = Scenes()
    pan = [scenes.begins(np.ascontiguousarray(wide[:, x : x + 64])) for x in range(0, 60, 5)]
    assert pan == [True] + [False] * 11
    assert scenes.begins(wide[:, 150:214]) is True
    assert scenes.begins(wide[:, 150:214]) is False


def test_a_strip_shows_every_track_in_as_few_frames_as_will_do() -> None:
    together = [track((0, HERE), (1000, HERE)), track((1000, THERE))]
    apart = [track((9000, HERE))]
    assert chosen([*together, *apart]) == (1000, 9000)
    many = [track((at * 1000, HERE)) for at in range(40)]
    assert len(chosen(many)) == MOST


@pytest.mark.parametrize("size", [(1920, 1080), (1080, 1920), (640, 480)])
def test_faces_lie_inside_their_frame_on_the_strip(size: tuple[int, int]) -> None:
    film = Film(60_000, tuple(range(0, 7000, 1000)))
    strip = Strip.of(len(film.tiles), *size)
    for place, at in enumerate(film.tiles):
        box = on_strip(strip, film, track((at, HERE)))
        assert box is not None
        left, top = strip.corner(place)
        x, y, wide, high = box.pixels(*strip.size)
        assert left <= x
        assert x + wide <= left + strip.tile[0]
        assert top <= y
        assert y + high <= top + strip.tile[1]
    assert on_strip(strip, film, track((30_000, HERE))) is None
