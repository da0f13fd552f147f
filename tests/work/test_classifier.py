"""A trained classifier recognises: the same laws and decisions, and the gallery again at a word."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from builders import trained_run

from phototag.catalog.recognizer import Recognizer, set_recognizer
from phototag.catalog.store import Library
from phototag.cli import app
from phototag.core.types import Classified
from phototag.work.classified import nameless
from phototag.work.extract import Job, Outcome
from phototag.work.group import regroup
from phototag.work.scan import Scan

from .conftest import Place
from .written_photos import LEVELS, MODEL, World, face, photo, seen_by

CLASSES = ("Ann", "Ben")
TRAINED = Recognizer("classifier-test-1", CLASSES, 0.7)
CHANCES = {"ann": (0.95, 0.05), "annish": (0.75, 0.25), "unsure": (0.6, 0.4), "ben": (0.1, 0.9)}
"""What the classifier makes of whom; whom it does not know, it shares out evenly."""


def probabilities(who: str) -> Classified:
    return Classified(TRAINED.id, np.array(CHANCES.get(who, (0.5, 0.5)), np.float32))


@dataclass(slots=True)
class Looker:
    """Workers with a classifier, in this process."""

    opened: list[str] = field(default_factory=list)

    def __enter__(self) -> Looker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, chunks: Iterable[Sequence[Job]]) -> Iterator[list[Outcome]]:
        for jobs in chunks:
            self.opened += [Path(job.path).name for job in jobs]
            yield [self._seen(job) for job in jobs]

    def _seen(self, job: Job) -> Outcome:
        outcome = seen_by(job, MODEL)
        said = json.loads(Path(job.path).read_text())
        people = {round(f["x"], 5): f["who"] for f in said["faces"]}
        if outcome.record is not None:
            faces = tuple(
                replace(f, classified=probabilities(people[f.box.x])) for f in outcome.record.faces
            )
            return replace(outcome, record=replace(outcome.record, faces=faces))
        seen = tuple((n, probabilities(people[box.x])) for n, box, _ in job.faces)
        return replace(outcome, classified=seen)


@dataclass(slots=True)
class Trained(World):
    """A world whose scans recognise with the classifier, or with the gallery."""

    used: Recognizer = TRAINED

    def job(self, lib: Library, stop_after: int | None = None, **options: Any) -> Scan:
        scan = World.job(self, lib, stop_after, **options)
        with lib.transaction():
            set_recognizer(lib, self.used)
        if not self.used.is_gallery:
            self.looker = Looker()  # type: ignore[assignment]
            scan.workers = lambda kit, jobs: self.looker
        return scan


@pytest.fixture
def world(tmp_path: Path) -> Trained:
    """Ann and Ben have a named face each; the gallery would know only what looks like those."""
    found = Trained(tmp_path, used=Recognizer())
    for name, *faces in (
        ("ann.jpg", face("ann")),
        ("ben.jpg", face("ben")),
        ("two.jpg", face("ann"), face("annish", 0.5)),
        ("unsure.jpg", face("unsure")),
        ("other.jpg", face("eve")),
        ("far.jpg", face("ben", alike=0.3)),
    ):
        found.put(name, photo(name, *faces))
    found.scan()
    found.say("label", [found.face("ann.jpg")], "Ann")
    found.say("label", [found.face("ben.jpg")], "Ben")
    return found


def named(world: World) -> dict[str, str]:
    return {f"{name} {x}": who for (name, x), who in world.who().items() if who is not None}


BY_GALLERY = {"ann.jpg 0.1": "Ann", "ben.jpg 0.1": "Ben", "two.jpg 0.1": "Ann"}
BY_CLASSIFIER = BY_GALLERY | {"far.jpg 0.1": "Ben"}


def test_it_names_by_its_own_threshold_within_the_laws_and_goes_back_at_a_word(
    world: Trained,
) -> None:
    assert named(world) == BY_GALLERY
    before = world.table("assignments")
    world.used = TRAINED
    world.scan()
    assert named(world) == BY_CLASSIFIER
    laws = dict(world.ask("SELECT face_id, law FROM assignments"))
    assert laws[int(world.face("two.jpg", 0.5)[5:])] == "twice-in-photo"
    assert laws[int(world.face("unsure.jpg")[5:])] == "no-candidate"
    world.scan()
    assert world.looker.opened == []  # the second scan is free
    world.used = Recognizer()
    world.scan()
    assert world.looker.opened == []
    assert world.table("assignments") == before


def test_decisions_after_it_are_matched_by_it_and_undone_to_the_same_state(
    world: Trained,
) -> None:
    world.used = TRAINED
    world.scan()
    before = world.table("assignments")
    wrong = world.face("far.jpg")
    world.say("reject", [wrong], "Ben")
    assert named(world) == BY_GALLERY
    world.say("undo")
    assert world.table("assignments") == before
    world.say("label", [world.face("two.jpg", 0.5)], "Ann", allow_twice=True)
    assert named(world) == BY_CLASSIFIER | {"two.jpg 0.5": "Ann"}
    world.say("undo")
    assert world.table("assignments") == before


def test_a_class_follows_its_person_when_renamed_or_merged(world: Trained) -> None:
    world.used = TRAINED
    world.scan()
    world.say("rename", "Ben", "Benjamin")
    assert named(world)["far.jpg 0.1"] == "Benjamin"
    world.say("label", [world.face("other.jpg")], "Zoe")
    world.say("merge", "Benjamin", "Zoe")
    assert named(world)["far.jpg 0.1"] == "Zoe"


def test_a_class_without_a_person_names_nobody_until_a_user_gives_the_name(
    tmp_path: Path,
) -> None:
    world = Trained(tmp_path)
    world.put("a.jpg", photo("a", face("ann")))
    world.put("b.jpg", photo("b", face("ann", alike=0.2)))
    world.scan()
    assert named(world) == {}
    with world.open() as lib:
        assert nameless(lib, TRAINED) == ["Ann", "Ben"]
    world.say("label", [world.face("a.jpg")], "ann")
    assert named(world) == {"a.jpg 0.1": "ann", "b.jpg 0.1": "ann"}


def test_the_order_of_scans_and_a_regrouping_from_nothing_change_nothing(
    world: Trained, tmp_path: Path
) -> None:
    world.used = TRAINED
    world.scan()
    groups = world.groups()
    with world.open() as lib:
        lib.db.execute("DELETE FROM scores")
        regroup(lib, MODEL, LEVELS, everything=True)
    assert named(world) == BY_CLASSIFIER
    other = Trained(tmp_path / "other")
    shutil.copytree(world.photos, other.photos)
    for name in ("far.jpg", "two.jpg"):
        other.scan(other.photos / name)
    other.scan()
    for name, who in (("ben.jpg", "Ben"), ("ann.jpg", "Ann")):
        other.say("label", [other.face(name)], who)
    assert named(other) == BY_CLASSIFIER
    assert other.groups() == groups


# ---- with a network


def test_a_scan_by_a_trained_network_is_the_same_whatever_the_number_of_workers(
    scanned: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained_run(tmp_path / "run")
    assert app.run(scanned.command("label", "face-2", "Bob")) == 0
    by_gallery = scanned.ask("SELECT * FROM assignments ORDER BY 1")
    twin = Place(scanned.photos, tmp_path / "twin")
    shutil.copytree(scanned.library, twin.library)
    word = f"classifier:{run}"
    assert scanned.scan("--recognizer", word, "--jobs", "1") == 0
    assert twin.scan("--recognizer", word, "--jobs", "2") == 0
    shutil.rmtree(run)
    by_network = scanned.ask("SELECT * FROM assignments ORDER BY 1")
    assert by_network != by_gallery
    assert {row[1] for row in by_network} >= {"manual", "automatic"}
    assert scanned.ask("SELECT * FROM scores") == twin.ask("SELECT * FROM scores")
    capsys.readouterr()
    assert app.run(scanned.command("status")) == 0
    assert "trained on 2 people" in capsys.readouterr().out
    ((recognised,),) = scanned.ask("SELECT MIN(face_id) FROM assignments WHERE state = 'automatic'")
    assert app.run(scanned.command("show", f"face-{recognised}")) == 0
    assert "a probability of" in capsys.readouterr().out
    assert app.run(scanned.command("doctor")) == 0
    assert scanned.scan() == 0  # the library has its own copy of the network
    assert scanned.ask("SELECT * FROM assignments ORDER BY 1") == by_network
    assert scanned.scan("--recognizer", "gallery") == 0
    assert scanned.ask("SELECT * FROM assignments ORDER BY 1") == by_gallery


def test_what_is_no_classifier_is_refused_and_changes_nothing(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained_run(tmp_path / "run")
    (run / "model.onnx").write_bytes(b"another")
    for word, code, said in (
        ("wizard", 2, "gallery or classifier:RUN"),
        ("classifier:", 2, "which run"),
        (f"classifier:{tmp_path}", 5, "no finished training run"),
        (f"classifier:{run}", 5, "not the one its card describes"),
    ):
        assert place.scan("--recognizer", word) == code
        assert said in capsys.readouterr().err
    assert place.ask("SELECT 1 FROM meta WHERE key = 'recognizer'") == []
    assert place.ask("SELECT 1 FROM photos") == []
