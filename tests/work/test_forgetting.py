"""A person who is forgotten is nowhere, and nobody else loses a word."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from phototag.catalog import store
from phototag.cli import app
from phototag.core.decisions import Decision
from phototag.core.forgetting import without
from phototag.settings import Settings
from phototag.work import forget as verb
from phototag.work.deciding import Ground
from phototag.work.export_xmp import XmpWriter
from phototag.work.forget import ForgetReport

from .written_photos import LEVELS, World, face, photo

ANN = "Ännchen O'Hara & Töchter"


def forget(world: World, name: str, *, faces: bool = False) -> ForgetReport:
    ground = Ground(world.model, LEVELS, world.now.isoformat(), "tester")
    with world.open() as lib:
        return verb.forget(lib, world.settings, ground, name, faces=faces)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Ann is in four photos, Ben in two; decisions of every kind name them."""
    found = World(tmp_path, settings=Settings(sheet=True, thumbnails=False))
    for n in range(4):
        found.put(f"{n}.jpg", photo(f"{n}", face("ann"), face("ben", 0.5), face(f"x{n}", 0.8)))
    found.put("wall.jpg", photo("wall"))
    found.put("far.jpg", photo("far"))
    found.scan()
    found.say("label", [found.face(f"{n}.jpg") for n in (0, 1, 3)], "Anna")
    found.say("rename", "Anna", ANN)
    found.say("label", [found.face("0.jpg", 0.5), found.face("1.jpg", 0.5)], "Ben")
    found.say("reject", [found.face("1.jpg", 0.8)], ANN)
    found.say("label", [found.face("2.jpg", 0.8)], "Nan")
    found.say("merge", "Nan", ANN)
    found.say("split", ANN, [found.face("2.jpg", 0.8)], "Cy")
    found.draw(str(found.photos / "wall.jpg"), 0.2, ANN)
    found.take_over([("far.jpg", None, ANN), ("3.jpg", 0.8, "Dee"), ("far.jpg", None, "Ed")])
    found.say("label", [found.face("2.jpg", 0.5)], ANN)
    found.say("undo")
    return found


def everything(world: World) -> bytes:
    """All bytes of the library and of the photos' folder but the photos."""
    kept = [p for p in (*world.library.rglob("*"), *world.photos.rglob("*")) if p.is_file()]
    return b"".join(p.read_bytes() for p in kept if p.suffix != ".jpg")


def people(world: World) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for (name, _), person in world.who().items():
        if person:
            found.setdefault(person, set()).add(name)
    return found


def test_a_forgotten_person_is_in_no_byte_and_others_keep_theirs(world: World) -> None:
    before = people(world)
    assert before[ANN] == {"0.jpg", "1.jpg", "2.jpg", "3.jpg", "wall.jpg"}
    with world.open() as lib:
        store.back_up(lib.db, world.library, "before")
        assert verb.check(lib, ANN).traces
    report = forget(world, ANN)
    assert report.traces == []
    assert [Path(path).name for path in report.backups] == ["before.sqlite"]
    del before[ANN]
    assert people(world) == before
    left = everything(world)
    for word in (ANN, "Ännchen", "Anna", "Nan", "\\u00c4nnchen"):
        assert word.encode() not in left, word
    names = [name for (name,) in world.ask("SELECT name FROM people ORDER BY name")]
    assert names == ["Ben", "Cy", "Dee", "Ed"]
    assert len(world.ask("SELECT * FROM present")) == 1


def test_a_later_scan_and_a_rebuilt_library_do_not_bring_the_name_back(world: World) -> None:
    forget(world, ANN)
    known = people(world)
    world.scan(force=True)
    assert people(world) == known
    for path in world.library.iterdir():
        if path.name != "journal.jsonl":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    world.scan()
    assert people(world) == known
    with world.open() as lib:
        assert verb.check(lib, ANN).traces == []


def test_with_faces_the_vectors_go_too(world: World) -> None:
    rows = world.ask(
        "SELECT e.vector FROM embeddings e JOIN assignments a ON a.face_id = e.face_id"
        " JOIN people p ON p.id = a.person_id WHERE p.name = ?",
        ANN,
    )
    assert forget(world, ANN, faces=True).faces == 5
    left = everything(world)
    assert len(rows) == 5
    assert all(vector not in left for (vector,) in rows)
    assert world.ask("SELECT COUNT(*) FROM past_faces") == [(0,)]


def test_undo_goes_past_what_was_forgotten(world: World) -> None:
    forget(world, ANN)
    said = [world.say("undo").text for _ in range(3)]
    assert said == [
        "Undone: import 2 people in 1 face from csv.",
        "Undone: label 1 face as Cy.",
        "Undone: label 2 faces as Ben.",
    ]


def test_xmp_that_phototag_wrote_is_taken_back(tmp_path: Path) -> None:
    from .test_interchange import jpeg, upright_photo

    photos, library = tmp_path / "photos", tmp_path / "library"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(jpeg(upright_photo(), 1))
    where = ("--library", str(library))
    assert app.run(["scan", str(photos), "--quiet", "--min-face", "900", *where]) == 0
    box = ("--box", "0.1,0.2,0.1,0.2")
    assert app.run(["draw", str(photos / "a.jpg"), ANN, *box, *where]) == 0
    before = (photos / "a.jpg").read_bytes()
    with store.open_to_write(library, "test", "now") as lib:
        XmpWriter(lib, people_tags=True).run()
        XmpWriter(lib, people_tags=True, embed=True).run()
    assert ANN.split(" &")[0].encode() in (photos / "a.jpg").read_bytes()
    assert app.run(["scan", str(photos), "--quiet", "--min-face", "900", *where]) == 0
    assert app.run(["forget", ANN, *where]) == 0
    assert (photos / "a.jpg").read_bytes() == before
    assert not (photos / "a.jpg.xmp").exists()
    assert app.run(["forget", "--check", ANN, *where]) == 0


def row(number: int, kind: str, **payload: object) -> Decision:
    return Decision(number, "t", "a", kind, payload)


FACES = [{"photo": "k", "box": [0, 0, 1, 1]}]


def test_somebody_else_who_once_had_the_name_keeps_every_decision() -> None:
    rows = [
        row(1, "label", person="Alice", faces=FACES),
        row(2, "rename", person="Alice", name="Carol"),
        row(3, "reject", person="carol", faces=FACES),
        row(4, "label", person="alice", faces=FACES),
        row(5, "split", person="Carol", into="Alice", faces=FACES),
    ]
    gone = without(rows, "Alice")
    assert gone.rows[1] == ("label", {"person": "Carol", "faces": FACES})
    assert gone.rows[2] == gone.rows[4] == ("forgotten", {})
    assert gone.rows[5] == ("reject", {"person": "Carol", "faces": FACES})
    assert gone.rows.get(3, ("reject", {"person": "Carol"}))[1]["person"] == "Carol"
