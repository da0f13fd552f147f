"""Names and boxes on thumbnails: visible, told apart, and never an error."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from phototag.core.types import Box
from phototag.images import lettering
from phototag.images.draw import Mark, annotate
from phototag.images.lettering import in_reading_order, lettered
from phototag.images.thumbs import face_crop

GREY = np.full((384, 512, 3), 120, np.uint8)
FACE = Box(0.4, 0.3, 0.2, 0.25)
STYLES = ("person", "suggested", "unknown", "ignored")


def changed(marks: list[Mark], pixels: np.ndarray = GREY) -> np.ndarray:
    """[h, w] where the drawing differs from the picture."""
    drawn = annotate(pixels, marks)
    assert drawn.shape == pixels.shape
    assert drawn.dtype == np.uint8
    return (drawn != pixels).any(axis=2)


def test_the_picture_itself_is_left_as_it_is() -> None:
    before = GREY.copy()
    annotate(GREY, [Mark(FACE, "Alice", "person")])
    assert np.array_equal(before, GREY)
    assert not changed([]).any()


def test_a_box_is_drawn_round_the_face_and_not_over_it() -> None:
    seen = changed([Mark(FACE, "", "person")])
    x, y, width, height = FACE.pixels(512, 384)
    assert seen[y + height // 2, x]
    assert seen[y, x + width // 2]
    assert not seen[y + 8 : y + height - 8, x + 8 : x + width - 8].any()
    assert not seen[: y - 4].any()


def test_the_name_stands_below_the_box() -> None:
    seen = changed([Mark(FACE, "Alice", "person")]) & ~changed([Mark(FACE, "", "person")])
    rows = np.flatnonzero(seen.any(axis=1))
    _, y, _, height = FACE.pixels(512, 384)
    assert y + height <= rows.min() < y + height + 8
    assert 15 <= rows.max() - rows.min() <= 30


def test_a_name_at_the_lower_edge_stays_in_the_picture() -> None:
    low = Box(0.4, 0.8, 0.15, 0.2)
    seen = changed([Mark(low, "Alice", "person")]) & ~changed([Mark(low, "", "person")])
    assert seen.sum() > 500


def test_two_names_side_by_side_do_not_cover_each_other() -> None:
    left, right = Box(0.40, 0.3, 0.08, 0.1), Box(0.50, 0.3, 0.08, 0.1)
    one, other = Mark(left, "Bartholomew", "person"), Mark(right, "Wilhelmina", "person")
    both = changed([one, other]).sum()
    apart = changed([one]).sum() + changed([other]).sum()
    assert both > 0.97 * apart


def ground(style: str) -> tuple[int, ...]:
    """The commonest colour in the strip where the name stands."""
    drawn = annotate(GREY, [Mark(FACE, "Alice", style)])
    _, y, _, height = FACE.pixels(512, 384)
    strip = drawn[y + height + 6 : y + height + 20].reshape(-1, 3)
    colours, counts = np.unique(strip[(strip != 120).any(axis=1)], axis=0, return_counts=True)
    return tuple(int(level) for level in colours[counts.argmax()])


def test_the_styles_are_told_apart_by_the_ground_of_the_name() -> None:
    grounds = [ground(style) for style in STYLES]
    for one in range(4):
        for other in range(one):
            apart = np.abs(np.subtract(grounds[one], grounds[other])).sum()
            assert apart > 60, (STYLES[one], STYLES[other])


def test_only_a_suggestion_is_dashed() -> None:
    x, y, width, _ = FACE.pixels(512, 384)

    def changes(style: str) -> int:
        drawn = annotate(GREY, [Mark(FACE, "", style)]).astype(int)
        edge = drawn[y + 1, x + 12 : x + width - 12, 0]
        bright = edge > (edge.max() + edge.min() + 1) / 2
        return int(np.abs(np.diff(bright.astype(int))).sum())

    assert changes("suggested") >= 6
    assert changes("person") == changes("unknown") == 0


@pytest.mark.parametrize(
    "name",
    [
        "Alice", "Łukasz Ñandú", "Ольга", "Ελένη", "王小明", "田中さくら", "김민수",
        "שרה כהן", "محمد علي", "สมชาย", "🙂", "a\nb\t\0", "\udcff\udce9", "x" * 500, " ", "—",
    ],
)  # fmt: skip
def test_a_name_in_any_script_can_be_drawn(name: str) -> None:
    assert annotate(GREY, [Mark(FACE, name, "person")]).shape == GREY.shape


@pytest.mark.skipif(lettering._face() is None, reason="OpenCV before 5 has no typeface")
@pytest.mark.parametrize(
    "name", ["Ольга", "Ελένη", "王小明", "さくら", "김민수", "כהן", "Łukasz é"]
)
def test_the_typefaces_that_opencv_brings_have_these_scripts(name: str) -> None:
    face = lettering._face()
    assert all(lettering._opencv_has(face, letter) for letter in name)
    pictures = [lettered(letter, 20, 400) for letter in name if letter != " "]
    assert all((picture > 100).sum() > 5 for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) > 1


def test_a_long_name_is_cut_to_the_width() -> None:
    assert lettered("Maximilian " * 20, 14, 200).shape[1] <= 200
    assert lettered("Al", 14, 200).shape[1] < 40


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Alice", "Alice"),
        ("שרה", "הרש"),
        ("שרה כהן", "ןהכ הרש"),
        ("Sarah שרה כהן", "Sarah ןהכ הרש"),
        ("שרה Cohen", "Cohen הרש"),
        ("שרה 12", "12 הרש"),
        ("(שרה)", "(הרש)"),
        ("", ""),
    ],
)
def test_hebrew_is_turned_into_the_order_in_which_it_is_seen(text: str, seen: str) -> None:
    assert in_reading_order(text) == seen


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.floats(-0.5, 1.2), st.floats(-0.5, 1.2), st.floats(0, 1.5), st.floats(0, 1.5),
            st.sampled_from(STYLES), st.sampled_from(["", "A", "王小明", "a long name indeed"]),
        ),
        max_size=5,
    ),
    st.sampled_from([(192, 256), (300, 40), (3, 5), (1, 1)]),
)  # fmt: skip
def test_no_box_however_odd_makes_it_fail(marks: list[tuple], shape: tuple[int, int]) -> None:
    pixels = np.zeros((*shape, 3), np.uint8)
    annotate(pixels, [Mark(Box(*m[:4]), m[5], m[4]) for m in marks])


def test_a_face_is_cut_out_square_with_a_margin() -> None:
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[100:200, 200:300] = 255
    crop = Image.open(io.BytesIO(face_crop(pixels, Box(200 / 600, 0.25, 100 / 600, 0.25), 85)))
    assert (crop.format, crop.size) == ("WEBP", (85, 85))
    white = np.asarray(crop)[:, :, 0] > 128
    assert 0.30 < white.mean() < 0.39  # 1 / 1.7 squared
    assert np.abs(np.argwhere(white).mean(axis=0) - 42).max() < 1.5


@pytest.mark.parametrize(
    "box",
    [Box(0, 0, 0.2, 0.3), Box(0.9, 0.9, 0.1, 0.1), Box(-0.1, -0.1, 2, 2), Box(0.5, 0.5, 0, 0)],
)
def test_a_face_at_the_edge_is_cut_out_square_too(box: Box) -> None:
    crop = Image.open(io.BytesIO(face_crop(np.zeros((300, 500, 3), np.uint8), box)))
    assert crop.width == crop.height <= 160


def test_without_a_font_on_the_system_a_name_is_still_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lettering, "_face", lambda: None)
    monkeypatch.setattr(lettering, "_font_files", list)
    lettering._system_font.cache_clear()
    try:
        assert (lettered("Alice", 14, 200) > 100).sum() > 40
        assert lettered("王小明", 14, 200).shape[1] <= 200
    finally:
        lettering._system_font.cache_clear()
