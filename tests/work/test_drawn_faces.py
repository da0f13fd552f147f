"""A face that no detector found is drawn by hand: it is a face like any other, and goes with its
decision."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

from phototag.catalog import store
from phototag.cli import app
from phototag.work import check_pictures

from .conftest import GALLERY, Place

TOO_LARGE = ("--min-face", "900")
"""No face is looked for, so that there is something to draw."""


def truth(path: str) -> tuple[float, float, float, float]:
    """Where the first face of a gallery photo is, in pixels."""
    with (GALLERY / "truth.csv").open(encoding="utf-8", newline="") as lines:
        row = next(row for row in csv.DictReader(lines) if row["file"] == path)
    return tuple(float(row[side]) for side in "xywh")  # type: ignore[return-value]


@pytest.fixture(scope="session")
def source(portraits: list[Path]) -> list[str]:
    return [str(path.relative_to(GALLERY)) for path in portraits[:6]]


def draw(place: Place, number: int, box: tuple[float, ...], name: str, *more: str) -> int:
    words = ("draw", place.photos / f"{number}.jpg", name, "--box", ",".join(map(str, box)))
    return app.run(place.command(*words, *more))


def faces(place: Place) -> list[tuple[object, ...]]:
    return place.ask(
        "SELECT f.id, f.drawn, a.state, n.name, e.vector IS NOT NULL FROM faces f"
        " LEFT JOIN assignments a ON a.face_id = f.id LEFT JOIN people n ON n.id = a.person_id"
        " LEFT JOIN embeddings e ON e.face_id = f.id ORDER BY f.id"
    )


@pytest.fixture
def bare(place: Place) -> Place:
    """Two photos whose faces were not found."""
    for number in range(2, 6):
        (place.photos / f"{number}.jpg").unlink()
    assert place.scan(*TOO_LARGE) == 0
    assert faces(place) == []
    return place


def test_a_drawn_face_is_aligned_embedded_and_written_and_undo_takes_it_away(
    bare: Place, source: list[str]
) -> None:
    before = bare.state()
    assert draw(bare, 0, truth(source[0]), "Alice") == 0
    assert faces(bare) == [(1, 2, "manual", "Alice", 1)]
    said = json.loads((bare.photos / "0.jpg.phototag.json").read_text())
    assert said["people"] == ["Alice"]
    assert said["faces"][0]["score"] is None
    assert said["faces"][0]["landmarks"] is not None
    drawn = bare.state()
    assert app.run(bare.command("undo")) == 0
    assert faces(bare) == []
    with store.open_to_read(bare.library) as lib:
        assert check_pictures.pictures(lib).orphans == []  # redo may want them
    assert not (bare.photos / "0.jpg.phototag.json").exists()
    kept = ("verdicts", "people", "assignments", "faces", "embeddings", "examples", "scores")
    after = bare.state()
    assert {n: after[n] for n in kept} == {n: before[n] for n in kept}
    assert app.run(bare.command("redo")) == 0
    after = bare.state()
    assert {n: after[n] for n in kept} == {n: drawn[n] for n in kept}


def test_where_no_face_can_be_aligned_the_drawing_still_holds_a_name(bare: Place) -> None:
    assert draw(bare, 0, (0.0, 0.0, 0.05, 0.05), "Back of a head") == 0
    assert faces(bare) == [(1, 2, "manual", "Back of a head", 0)]
    assert bare.scan(*TOO_LARGE) == 0
    said = json.loads((bare.photos / "0.jpg.phototag.json").read_text())
    assert said["faces"][0]["landmarks"] is None


def test_the_journal_and_the_photos_alone_bring_drawn_faces_back(
    bare: Place, source: list[str], tmp_path: Path
) -> None:
    assert draw(bare, 0, truth(source[0]), "Alice") == 0
    assert draw(bare, 1, (0.0, 0.0, 0.05, 0.05), "Bob") == 0
    other = bare.like(tmp_path / "again")
    other.library.mkdir()
    shutil.copy(bare.library / "journal.jsonl", other.library)
    assert other.scan(*TOO_LARGE) == 0
    kept = ("faces", "embeddings", "verdicts", "people", "assignments")
    one, two = bare.state(), other.state()
    assert {n: two[n] for n in kept} == {n: one[n] for n in kept}
    assert len(list((other.library / "faces").rglob("*.webp"))) == 2


def test_a_detector_that_finds_the_face_later_makes_it_a_found_one(
    bare: Place, source: list[str]
) -> None:
    assert draw(bare, 0, truth(source[0]), "Alice") == 0
    assert bare.scan("--force") == 0
    mine = [row for row in faces(bare) if row[0] == 1]
    assert mine == [(1, 0, "manual", "Alice", 1)]
    assert app.run(bare.command("undo")) == 0
    assert [row[3] for row in faces(bare) if row[0] == 1] == [None]


def test_a_drawn_face_follows_its_photo_when_only_metadata_is_rewritten(
    bare: Place, source: list[str]
) -> None:
    assert draw(bare, 0, truth(source[0]), "Alice") == 0
    assert draw(bare, 0, (0.0, 0.0, 0.05, 0.05), "Bob") == 0
    path = bare.photos / "0.jpg"
    data = path.read_bytes()
    path.write_bytes(data[:2] + b"\xff\xfe\x00\x07hello" + data[2:])  # a comment
    assert bare.scan(*TOO_LARGE) == 0
    assert {row[2] for row in bare.named() if row[0] == "0.jpg"} == {"Alice", "Bob"}
    assert app.run(bare.command("undo")) == 0
    assert {row[2] for row in bare.named() if row[0] == "0.jpg"} == {"Alice"}


def test_what_cannot_be_drawn_is_refused_with_a_reason(
    bare: Place, source: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert draw(bare, 0, truth(source[0]), "Alice") == 0
    refused = {
        "face-1 is there already": draw(bare, 0, truth(source[0]), "Bob"),
        "is in this photo already": draw(bare, 0, (0.0, 0.0, 0.05, 0.05), "Alice"),
        "Nothing of that box lies": draw(bare, 0, (5000, 5000, 10, 10), "Bob"),
        "say four numbers": draw(bare, 0, (1, 2, 3), "Bob"),
    }
    said = " ".join(capfd.readouterr().err.split())
    assert set(refused.values()) == {2}
    assert [words for words in refused if words not in said] == []
    with store.open_to_read(bare.library) as lib:
        assert lib.db.execute("SELECT COUNT(*) FROM decisions").fetchone()[0] == 1
