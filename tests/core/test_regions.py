"""Regions of other programs: their frame, and which face they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from phototag.core.decisions import same_name
from phototag.core.reconcile import Known, reconcile
from phototag.core.regions import Region, fits, meets, stored, upright, usable
from phototag.core.types import Box
from phototag.images.read import _upright

FACE = Box(0.2, 0.3, 0.1, 0.2)


def painted(box: Box, wide: int = 200, high: int = 100) -> np.ndarray:
    pixels = np.zeros((high, wide, 3), np.uint8)
    x, y, w, h = box.pixels(wide, high)
    pixels[y : y + h, x : x + w] = 255
    return pixels


def found(pixels: np.ndarray) -> Box:
    ys, xs = np.nonzero(pixels[..., 0])
    high, wide = pixels.shape[:2]
    size = ((np.ptp(xs) + 1) / wide, (np.ptp(ys) + 1) / high)
    return Box(xs.min() / wide, ys.min() / high, *size)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_region_turns_with_the_photo_in_every_orientation(orientation: int) -> None:
    seen = found(_upright(painted(FACE), orientation))
    assert upright(FACE, orientation).iou(seen) > 0.999
    assert stored(seen, orientation).iou(FACE) > 0.999


def test_the_shape_that_regions_were_drawn_in_may_be_said_lying_or_standing() -> None:
    assert fits((840, 700), (700, 840))
    assert fits((1000, 667), (6000, 4000))
    assert not fits((1000, 1000), (6000, 4000))


@pytest.mark.parametrize(
    ("region", "face", "same"),
    [
        (Box(0.2, 0.2, 0.2, 0.2), Box(0.22, 0.22, 0.2, 0.2), True),
        (Box(0.1, 0.1, 0.2, 0.2), Box(0.15, 0.15, 0.1, 0.1), True),  # head and shoulders
        (Box(0.15, 0.15, 0.1, 0.1), Box(0.1, 0.1, 0.2, 0.2), True),  # and the other way round
        (Box(0.0, 0.0, 0.9, 0.9), Box(0.4, 0.4, 0.1, 0.1), False),  # a region of a whole photo
        (Box(0.1, 0.1, 0.2, 0.2), Box(0.28, 0.1, 0.2, 0.2), False),  # a neighbour
    ],
)
def test_a_region_meets_a_face_by_overlap_or_by_both_centres(region, face, same) -> None:
    assert meets(region, face) is same
    assert meets(face, region) is same


def test_what_is_no_box_is_none() -> None:
    assert usable(Box(float("nan"), 0, 1, 1)) is None
    assert usable(Box(1e12, 0, 1, 1)) is None
    assert usable(Box(0.5, 0.5, 0, 0.1)) is None
    assert usable(Box(1.2, 0.5, 0.1, 0.1)) is None
    inside = usable(Box(-0.1, 0.5, 0.3, 0.1))
    assert inside is not None
    assert inside.rounded() == Box(0.0, 0.5, 0.2, 0.1)


# ---- reconciliation

LEFT, MIDDLE, RIGHT = (Box(x, 0.3, 0.1, 0.2) for x in (0.1, 0.4, 0.7))


def brought(regions=(), names=(), faces=None, **options):
    return reconcile(regions, names, faces or {}, key=same_name, **options)


def test_a_region_names_the_face_that_it_meets_and_draws_one_where_it_meets_none() -> None:
    done = brought([Region("Ann", LEFT), Region("Ben", RIGHT)], faces={1: Known(LEFT)})
    assert dict(done.faces) == {1: "Ann"}
    assert [r.name for r in done.drawn] == ["Ben"]


def test_what_the_user_decided_stays_and_is_a_conflict() -> None:
    faces = {
        1: Known(LEFT, person="Cy"),
        2: Known(MIDDLE, closed=True),
        3: Known(RIGHT, refused=frozenset({"dee"})),
    }
    said = [Region("Ann", LEFT), Region("Ben", MIDDLE), Region("Dee", RIGHT)]
    done = brought(said, faces=faces)
    assert not done.faces
    assert not done.drawn
    assert [(c.name, c.face, c.why) for c in done.conflicts] == [
        ("Ann", 1, "it is Cy here"),
        ("Ben", 2, "you said that it is nobody"),
        ("Dee", 3, "you said that it is not Dee"),
    ]


def test_a_name_without_a_place_goes_to_the_one_face_that_has_nobody_else_to_the_photo() -> None:
    two = {1: Known(LEFT, person="Ann"), 2: Known(RIGHT)}
    assert dict(brought(names=["ann", "Ben"], faces=two).faces) == {2: "Ben"}
    assert brought(names=["ann", "Ben"], faces=two).agreed == 1
    three = {**two, 3: Known(MIDDLE)}
    assert brought(names=["Ben"], faces=three).present == ("Ben",)
    assert brought(names=["Ben", "Cy"], faces=two).present == ("Ben", "Cy")


def test_boxes_that_cannot_be_trusted_name_faces_and_draw_none() -> None:
    said = [Region("Ann", LEFT), Region("Ben", RIGHT)]
    done = brought(said, faces={1: Known(LEFT), 2: Known(MIDDLE)}, draw=False)
    assert dict(done.faces) == {1: "Ann", 2: "Ben"}
    assert done.drawn == ()


BOXES = st.builds(
    Box,
    st.sampled_from((0.0, 0.05, 0.3, 0.6)),
    st.sampled_from((0.1, 0.15, 0.5)),
    st.sampled_from((0.1, 0.2)),
    st.sampled_from((0.1, 0.2)),
)
NAMES = st.sampled_from(("Ann", "ann", "Ben", "Cy"))


@settings(derandomize=True, max_examples=400, deadline=None)
@given(
    st.lists(st.builds(Region, NAMES, BOXES), max_size=5),
    st.lists(NAMES, max_size=3),
    st.lists(st.builds(Known, BOXES, st.one_of(st.none(), NAMES), st.booleans()), max_size=4),
    st.randoms(use_true_random=False),
)
def test_nobody_is_brought_twice_nothing_is_lost_and_order_does_not_matter(
    regions, names, faces, dice
) -> None:
    known = {n: f for n, f in enumerate(faces) if not (f.closed and f.person)}
    done = brought(regions, names, known)
    fresh = [*done.faces.values(), *(r.name for r in done.drawn)]
    keys = [same_name(n) for n in fresh]
    there = {same_name(f.person) for f in known.values() if f.person}
    assert len(keys) == len(set(keys))
    assert there.isdisjoint(keys)
    assert all(known[n].person is None and not known[n].closed for n in done.faces)
    said = {same_name(r.name) for r in regions} | {same_name(n) for n in names}
    told = {same_name(n) for n in (*fresh, *done.present, *(c.name for c in done.conflicts))}
    assert said - told <= there
    other = [*regions]
    dice.shuffle(other)
    again = brought(other, names, known)
    assert (again.faces, again.drawn, set(again.present)) == (
        done.faces, done.drawn, set(done.present),
    )  # fmt: skip
