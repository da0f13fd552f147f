from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from phototag.core.types import Box, Landmarks
from phototag.output import sidecar
from phototag.output.sidecar import Likeness, SidecarFace, SidecarPhoto

POINTS = Landmarks(((0.2, 0.3), (0.3, 0.3), (0.25, 0.36), (0.21, 0.42), (0.29, 0.42)))

NAMED = SidecarFace(
    "face-17", 1, Box(0.15, 0.2, 0.2, 0.3), POINTS, 0.9987, 0.8123, "named", "Alice", "manual"
)
RECOGNISED = SidecarFace(
    id="face-18",
    index=2,
    box=Box(0.5, 0.1, 0.123456789, 0.2),
    landmarks=POINTS,
    score=0.99,
    quality=0.7,
    status="recognised",
    person="Zoë “Zo” O'Brien",
    how="automatic",
    similarity=0.612345678,
    runner_up=Likeness("Bob", 0.2),
)
UNKNOWN = SidecarFace(
    id="face-19",
    index=3,
    box=Box(-0.01, 0.8, 0.1, 0.25),
    landmarks=POINTS,
    score=0.91,
    quality=0.3,
    status="unknown",
    suggestion=Likeness("Bob", 0.41),
    cluster="cluster-3",
)
DRAWN = SidecarFace("face-20", 4, Box(0.4, 0.4, 0.1, 0.1), None, None, 0.0, "ignored")

PHOTO = SidecarPhoto(
    file="IMG_1.JPG",
    key="0123456789abcdef0123456789abcdef",
    width=4032,
    height=3024,
    format="jpeg",
    taken="2019-07-04T15:20:00+02:00",
    detector="mtcnn-1",
    embedder="vgg16-1",
    faces=(NAMED, RECOGNISED, UNKNOWN, DRAWN),
)


def read(data: bytes) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(data)
    jsonschema.Draft202012Validator(sidecar.json_schema()).validate(document)
    return document


def test_the_shipped_schema_is_a_json_schema_of_2020_12() -> None:
    schema = sidecar.json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    jsonschema.Draft202012Validator.check_schema(schema)


def test_a_sidecar_is_as_its_golden_file(golden: Callable[[str, bytes], None]) -> None:
    data = sidecar.render(PHOTO)
    read(data)
    golden("IMG_1.JPG.phototag.json", data)


def test_a_photo_without_faces_or_date_is_as_its_golden_file(
    golden: Callable[[str, bytes], None],
) -> None:
    data = sidecar.render(replace(PHOTO, faces=(), taken=None))
    read(data)
    golden("empty.phototag.json", data)


def test_the_order_in_which_faces_are_handed_over_changes_nothing() -> None:
    backwards = replace(PHOTO, faces=PHOTO.faces[::-1])
    assert sidecar.render(backwards) == sidecar.render(PHOTO)


def test_boxes_are_those_of_the_upright_photo_in_pixels_and_fractions() -> None:
    box = read(sidecar.render(PHOTO))["faces"][0]["box"]
    assert box["pixels"] == {"x": 605, "y": 605, "width": 806, "height": 907}
    assert box["fractions"] == {"x": 0.15, "y": 0.2, "width": 0.2, "height": 0.3}


def test_everybody_with_a_name_is_listed_once_and_suggestions_are_not() -> None:
    again = replace(NAMED, id="face-21", index=5)
    document = read(sidecar.render(replace(PHOTO, faces=(*PHOTO.faces, again))))
    assert document["people"] == ["Alice", "Zoë “Zo” O'Brien"]


def test_a_file_name_that_is_no_utf8_keeps_its_bytes() -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    photo = read(sidecar.render(replace(PHOTO, file=name)))["photo"]
    assert photo["file"] == "caf\ufffd.jpg"
    assert bytes.fromhex(photo["file_bytes"]) == b"caf\xe9.jpg"


def test_a_similarity_that_is_no_number_is_an_error_and_not_bad_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        sidecar.render(replace(PHOTO, faces=(replace(RECOGNISED, similarity=float("nan")),)))


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/photos/IMG_1.JPG", "IMG_1.JPG.phototag.json"),
        ("a/b/no suffix", "no suffix.phototag.json"),
        ("été 2019/.hidden.jpg", ".hidden.jpg.phototag.json"),
    ],
)
def test_a_sidecar_is_named_after_the_whole_name_of_its_photo(path: str, name: str) -> None:
    assert sidecar.name_for(path) == name


@given(st.binary(min_size=1, max_size=255).filter(lambda raw: not set(raw) & {0, 0x2F}))
def test_every_photo_name_gives_a_file_name_that_fits(raw: bytes) -> None:
    name = os.fsdecode(raw)
    if name in (".", ".."):
        return
    found = os.fsencode(sidecar.name_for("/photos/" + name))
    assert len(found) <= 255
    assert found.endswith(b".phototag.json")


def test_two_long_names_with_the_same_beginning_have_two_sidecars() -> None:
    first, second = ("é" * 120 + end for end in ("-1.jpg", "-2.jpg"))
    assert sidecar.name_for(first) != sidecar.name_for(second)


def test_our_own_sidecar_is_ours_and_anything_else_is_not() -> None:
    data = sidecar.render(PHOTO)
    assert sidecar.ours(data) == "ours"
    newer = json.loads(data)
    newer["phototag"]["schema"] = sidecar.SCHEMA + 1
    assert sidecar.ours(json.dumps(newer).encode()) == "newer"
    for foreign in (
        b"",
        b"{}",
        b"[]",
        b"not json",
        b'{"phototag": true}',
        b'{"phototag": {"schema": "1"}}',
        b'{"phototag": {"schema": true}}',
        b'{"phototag": {"schema": 0}}',
        b'{"people": [{"name": "Susan"}]}',
        b"[" * 100_000,
        data[:-10],
        b"\xff\xfe",
    ):
        assert sidecar.ours(foreign) == "foreign", foreign[:40]


@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_ours_by_chance(data: bytes) -> None:
    assert sidecar.ours(data) == "foreign"


FRACTION = st.floats(-0.2, 1.2)
NAME = st.text(st.characters(exclude_categories=()), min_size=1, max_size=20).map(
    lambda text: text.encode("utf-8", "surrogatepass").decode("utf-8", "replace")
)
LIKENESS = st.none() | st.builds(Likeness, NAME, st.floats(-1, 1))
UNNAMED_FACE = st.builds(
    SidecarFace,
    id=st.integers(1, 10**9).map("face-{}".format),
    index=st.integers(1, 50),
    box=st.builds(Box, FRACTION, FRACTION, st.floats(0, 1), st.floats(0, 1)),
    landmarks=st.none() | st.builds(Landmarks, st.tuples(*[st.tuples(FRACTION, FRACTION)] * 5)),
    score=st.none() | st.floats(0, 1),
    quality=st.floats(0, 1),
    status=st.just("unknown"),
    suggestion=LIKENESS,
    cluster=st.none() | st.integers(1, 10**9).map("cluster-{}".format),
)
RECOGNISED_FACE = st.builds(
    lambda face, name, similarity, other: replace(
        face,
        status="recognised",
        how="automatic",
        person=name,
        similarity=similarity,
        runner_up=other,
        suggestion=None,
        cluster=None,
    ),
    UNNAMED_FACE,
    NAME,
    st.floats(-1, 1),
    LIKENESS,
)


@given(st.lists(UNNAMED_FACE | RECOGNISED_FACE, max_size=4), st.integers(1, 60_000))
def test_whatever_the_faces_the_sidecar_fulfils_the_schema(
    faces: list[SidecarFace], width: int
) -> None:
    data = sidecar.render(replace(PHOTO, faces=tuple(faces), width=width))
    document = read(data)
    assert len(document["faces"]) == len(faces)
    assert sidecar.ours(data) == "ours"
    assert data.endswith(b"\n")
