"""The table of faces beside the catalogue grows and shrinks to what it would be if made anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from phototag.catalog import photos
from phototag.catalog.arrays import forget_arrays, read_arrays
from phototag.core.pieces import Pieces
from phototag.settings import Settings
from phototag.work import face_table
from phototag.work.diff import difference
from phototag.work.face_table import FaceTable, refreshed

from .written_photos import LEVELS, World, face, photo


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Five people in forty photos."""
    found = World(tmp_path, settings=Settings(sheet=False, thumbnails=False, sidecars="none"))
    for n in range(40):
        found.put(f"p{n}.jpg", photo(f"p{n}", face(f"who{n % 5}", 0.1), face(f"who{n % 3}", 0.6)))
    found.scan()
    return found


def by_face(table: FaceTable) -> dict[int, tuple[object, ...]]:
    """All that is known of each face, whatever the order of the rows."""
    vectors = table.steps.vectors(slice(None))
    order = np.argsort(table.ids)
    return {
        int(table.ids[row]): (
            int(table.photos[row]),
            table.keys[row],
            int(table.ranks[row]),
            vectors[row].tobytes(),
            [int(table.ids[n]) for n in table.near[row] if n >= 0],
            table.sims[row].tobytes(),
        )
        for row in order
    }


def test_after_photos_came_and_went_the_table_is_the_one_that_is_made_from_nothing(
    world: World,
) -> None:
    for n in range(40, 60):
        world.put(f"p{n}.jpg", photo(f"p{n}", face(f"who{n % 5}", 0.1), face(f"new{n % 4}", 0.6)))
    world.scan()
    for n in (3, 17, 44):
        (world.photos / f"p{n}.jpg").unlink()
    world.put("later.jpg", photo("later", face("who1", 0.2)))
    world.scan()
    with world.open() as lib:
        grown = refreshed(lib, world.model, LEVELS, [])
        forget_arrays(lib)
        anew = refreshed(lib, world.model, LEVELS, [])
    assert not grown.new.any()
    assert anew.new.all()
    assert by_face(grown.table) == by_face(anew.table)


def grown(world: World) -> dict[int, tuple[int, int, float]]:
    """How the group of each face grew, as it is kept."""
    with world.open() as lib:
        table = refreshed(lib, world.model, LEVELS, []).table
    kept = zip(table.marks.tolist(), table.places.tolist(), table.gaps.tolist(), strict=True)
    return dict(zip(table.ids.tolist(), kept, strict=True))


def test_how_groups_grew_is_kept_and_is_the_same_after_one_scan_as_after_several(
    world: World,
) -> None:
    first = grown(world)
    assert {mark for mark, _, _ in first.values()} - {0}
    world.put("later.jpg", photo("later", face("who1", 0.2)))
    world.scan()
    later = grown(world)
    assert any(later[number] != kept for number, kept in first.items())
    assert any(later[number] == kept for number, kept in first.items())
    with world.open() as lib, lib.transaction():
        forget_arrays(lib)
        photos.unsettle(lib, sorted(photos.with_faces(lib)))
    world.scan()
    assert grown(world) == later


def test_a_library_that_does_not_know_how_its_groups_grew_learns_it(world: World) -> None:
    folder = next((world.library / "cache").glob("*/marks.npy")).parent
    for name in ("marks", "places", "gaps"):
        (folder / f"{name}.npy").unlink()
    assert {mark for mark, _, _ in grown(world).values()} == {0}
    world.put("later.jpg", photo("later", face("who1", 0.2)))
    world.scan()
    assert {mark for mark, _, _ in grown(world).values()} - {0}


def test_vectors_lie_on_the_disk_in_half_the_bytes_and_are_read_by_pieces(world: World) -> None:
    with world.open() as lib:
        arrays = read_arrays(lib)
        assert arrays is not None
        steps = arrays["steps"]
        assert isinstance(steps, Pieces)
        assert steps.read(slice(0, 3)).dtype == np.int16
        rows = np.array([5, 0, 41])
        whole = steps.read(slice(None)).copy()
        assert (steps.read(rows) == whole[rows]).all()


def test_a_look_at_what_a_scan_would_change_searches_no_neighbours(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError("the graph was made anew")

    monkeypatch.setattr(face_table, "neighbours", never)
    with world.open() as lib:
        found = difference(lib, world.model, LEVELS)
        there = read_arrays(lib)
    assert (found.named, found.moved, found.withdrawn) == (0, 0, 0)
    assert there is not None  # what was lent is still there
