"""Whatever is decided, scanned and undone in whatever order: the laws hold."""

from __future__ import annotations

import os
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from phototag.catalog.arrays import forget_arrays
from phototag.errors import NotFound, NothingToUndo, UsageError
from phototag.settings import Settings
from phototag.work.check import Patient
from phototag.work.check_library import LOOKS
from phototag.work.group import regroup
from phototag.work.names import find_target
from phototag.work.verdicts import replay_all

from .written_photos import LEVELS, MODEL, World, face, photo

NAMES = ("Ann", "Ben", "Cy", "Dee")
QUIET = Settings(sheet=False, thumbnails=False, sidecars="none")
WITH_SIDECARS = Settings(sheet=False, thumbnails=False)
ALIKE = (0.95, 0.85, 0.75, 0.66)


@contextmanager
def small_world(chosen: Settings = QUIET) -> Iterator[World]:
    """Fourteen photos of five people; some alike enough to be confused, some of low quality."""
    shm = Path("/dev/shm")
    base = shm if os.access(shm, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=base, prefix="phototag-") as folder:
        world = World(Path(folder), settings=chosen)
        dice = random.Random(11)
        for n in range(14):
            people = dice.sample(("ann", "ben", "cy", "dee", "eve"), dice.choice((1, 1, 2, 3)))
            faces = [
                face(
                    who,
                    0.1 + 0.25 * i,
                    dice.choice((0.95, 0.85, 0.75, 0.66)),
                    dice.choice((0.9, 0.9, 0.1)),
                )
                for i, who in enumerate(people)
            ]
            taken = f"{2000 + n}-06-01T00:00:00" if n % 5 else None
            world.put(f"p{n}.jpg", photo(f"p{n}", *faces, taken=taken))
        world.scan()
        yield world


# ---- steps


def attempt(world: World, verb: str, *words: Any, **options: Any) -> bool:
    """Say something that may be refused with a reason."""
    try:
        world.say(verb, *words, **options)
    except (UsageError, NotFound, NothingToUndo):
        return False
    return True


def attempt_to_draw(world: World, number: int, x: float, name: str) -> bool:
    try:
        world.draw(str(world.photos / f"p{number}.jpg"), x, name)
    except (UsageError, NotFound, OSError):  # there is one, or the photo is away
        return False
    return True


def faces_of(world: World) -> list[int]:
    return [n for (n,) in world.ask("SELECT id FROM faces ORDER BY id")]


def pick(world: World, numbers: list[int]) -> list[str]:
    known = faces_of(world)
    return [f"face-{known[n % len(known)]}" for n in numbers]


def one_cluster(world: World, number: int) -> list[str]:
    alive = [n for (n,) in world.ask("SELECT id FROM clusters WHERE alive = 1 ORDER BY id")]
    return [f"cluster-{alive[number % len(alive)]}"] if alive else ["face-1"]


def held_by(world: World, name: str) -> list[int]:
    rows = world.ask(
        "SELECT a.face_id FROM assignments a JOIN people p ON p.id = a.person_id"
        " WHERE p.name = ? ORDER BY 1",
        name,
    )
    return [n for (n,) in rows]


def decide(world: World, step: tuple[Any, ...]) -> bool:
    kind, *rest = step
    if kind in ("undo", "redo"):
        return attempt(world, kind)
    if kind == "cluster":
        return attempt(world, "label", one_cluster(world, rest[0]), rest[1])
    if kind in ("label", "reject"):
        return attempt(world, kind, pick(world, rest[0]), rest[1])
    if kind in ("ignore", "not_a_face", "restore"):
        return attempt(world, kind, pick(world, rest[0]))
    if kind == "import":
        return world.take_over([(f"p{n}.jpg", x, name) for n, x, name in rest[0]]) is not None
    if kind == "draw":
        return attempt_to_draw(world, *rest)
    if kind == "split":
        held = held_by(world, rest[0])
        those = [f"face-{n}" for n in held[: 1 + rest[1] % 2]]
        return bool(held) and attempt(world, "split", rest[0], those, rest[2])
    return attempt(world, kind, *rest)  # rename, merge, set_life


def rescan(world: World, step: tuple[Any, ...]) -> None:
    """A photo goes, comes back, is edited or is new; then a scan."""
    _, what, number = step
    path = world.photos / f"p{number}.jpg"
    away = world.top / f"p{number}.jpg"
    if what == "hide" and path.exists():
        path.rename(away)
    elif what == "show" and away.exists() and not path.exists():
        away.rename(path)
    elif what == "edit" and path.exists():
        said = path.read_bytes().replace(b'"note": "', b'"note": "x')
        path.write_bytes(said)
    elif what == "new":
        world.put(f"p{number + 20}.jpg", photo(f"p{number + 20}", face("eve"), face("ben", 0.6)))
    world.scan(accept_missing=True)


SOME = st.lists(st.integers(0, 60), min_size=1, max_size=4)
NAME = st.sampled_from(NAMES)
LIVES = ({"born": "2006"}, {"born": "2003-07", "died": "2009"}, {"died": ""})
ROW = st.tuples(st.integers(0, 13), st.sampled_from((None, 0.1, 0.35, 0.6, 0.85)), NAME)
DECISION = st.one_of(
    st.tuples(st.just("label"), SOME, NAME),
    st.tuples(st.just("cluster"), st.integers(0, 9), NAME),
    st.tuples(st.just("reject"), SOME, NAME),
    st.tuples(st.sampled_from(("ignore", "not_a_face", "restore")), SOME),
    st.tuples(st.just("split"), NAME, st.integers(0, 3), st.one_of(st.none(), NAME)),
    st.tuples(st.sampled_from(("rename", "merge")), NAME, NAME),
    st.tuples(st.just("draw"), st.integers(0, 13), st.sampled_from((0.2, 0.6)), NAME),
    st.tuples(st.just("set_life"), NAME, st.sampled_from(LIVES)),
    st.tuples(st.just("import"), st.lists(ROW, min_size=1, max_size=6)),
)
TURN = st.sampled_from((("undo",), ("redo",)))
SCAN = st.tuples(
    st.just("scan"), st.sampled_from(("hide", "show", "edit", "new")), st.integers(0, 13)
)


# ---- laws


def assignments(world: World) -> dict[int, tuple[Any, ...]]:
    rows = world.ask("SELECT * FROM assignments")
    return {row[0]: row[1:] for row in rows}


def without_numbers(world: World) -> tuple[dict[int, tuple[Any, ...]], set[Any]]:
    """Assignments with their clusters as sets of faces."""
    rows = {face: (row[:2], row[3:]) for face, row in assignments(world).items()}
    groups: dict[int, set[int]] = {}
    for number, row in assignments(world).items():
        if row[2] is not None:
            groups.setdefault(row[2], set()).add(number)
    return rows, {frozenset(those) for those in groups.values()}


def check_laws(world: World) -> None:
    assert (
        world.ask(
            "SELECT f.photo_id, a.person_id FROM assignments a JOIN faces f ON f.id = a.face_id"
            " WHERE a.person_id IS NOT NULL GROUP BY 1, 2 HAVING COUNT(*) > 1"
        )
        == []
    ), "somebody is twice in a photo"
    assert (
        world.ask(
            "SELECT f.photo_id, a.cluster_id FROM assignments a JOIN faces f ON f.id = a.face_id"
            " WHERE a.cluster_id IS NOT NULL GROUP BY 1, 2 HAVING COUNT(*) > 1"
        )
        == []
    ), "a cluster is twice in a photo"
    assert (
        world.ask(
            "SELECT r.face_id FROM rejections r JOIN assignments a ON a.face_id = r.face_id"
            " WHERE a.suggestion_id = r.person_id OR a.person_id = r.person_id"
        )
        == []
    ), "a refused pair is proposed"
    assert (
        world.ask(
            "SELECT v.face_id FROM verdicts v JOIN assignments a ON a.face_id = v.face_id"
            " WHERE a.person_id IS NOT v.person_id OR a.state != CASE v.state WHEN 'person'"
            " THEN v.how ELSE v.state END"
        )
        == []
    ), "a decided face was moved"
    assert (
        world.ask(
            "SELECT c.id FROM clusters c WHERE c.alive != EXISTS"
            " (SELECT 1 FROM assignments a WHERE a.cluster_id = c.id)"
        )
        == []
    ), "the clusters' table does not fit"
    assert (
        world.ask(
            "SELECT f.id FROM faces f JOIN photos ph ON ph.id = f.photo_id WHERE ph.live !="
            " EXISTS (SELECT 1 FROM assignments a WHERE a.face_id = f.id)"
        )
        == []
    ), "a live face has no assignment, or a past one has"


CACHES = (
    "assignments", "retired", "clusters", "memberships", "cluster_log", "scores", "examples",
    "verdicts", "rejections", "people", "twice", "present", "lives",
)  # fmt: skip


def from_nothing(world: World) -> None:
    """Delete all that follows from photos and journal, and let it follow again."""
    with world.open() as lib:
        with lib.transaction() as db:
            for name in CACHES:
                db.execute(f"DELETE FROM {name}")
            forget_arrays(lib)
            replay_all(lib)
        regroup(lib, MODEL, LEVELS, everything=True)


def check_it_follows_from_the_journal(world: World) -> None:
    before = without_numbers(world)
    tables = ("verdicts", "rejections", "people", "twice", "present", "lives")
    said = {name: world.table(name) for name in tables}
    from_nothing(world)
    assert without_numbers(world) == before
    assert {n: world.table(n) for n in said} == said


def undo_all(world: World) -> None:
    while attempt(world, "undo"):
        pass


PROFILE = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=True,
)


@PROFILE
@given(st.lists(st.one_of(DECISION, DECISION, TURN, SCAN), min_size=3, max_size=14))
def test_any_decisions_scans_and_undos_keep_the_laws(steps: list[tuple[Any, ...]]) -> None:
    with small_world() as world:
        for step in steps:
            if step[0] == "scan":
                rescan(world, step)
            else:
                decide(world, step)
            check_laws(world)
        check_it_follows_from_the_journal(world)
        undo_all(world)
        check_laws(world)
        assert world.table("verdicts") == world.table("rejections") == world.table("people") == []
        check_it_follows_from_the_journal(world)


@PROFILE
@given(st.lists(DECISION, min_size=1, max_size=12))
def test_undoing_all_gives_the_state_before_to_the_byte(steps: list[tuple[Any, ...]]) -> None:
    with small_world() as world:
        states = [state(world)]
        for step in steps:
            if decide(world, step):
                states.append(state(world))
        for before in reversed(states[:-1]):
            world.say("undo")
            assert state(world) == before
        for after in states[1:]:
            world.say("redo")
            assert state(world) == after


@PROFILE
@given(st.lists(st.tuples(st.one_of(DECISION, DECISION, TURN), st.booleans()), max_size=12))
def test_what_a_killed_decision_left_is_done_by_the_next_or_by_a_scan(
    steps: list[tuple[tuple[Any, ...], bool]],
) -> None:
    with small_world(WITH_SIDECARS) as world:
        for step, world.cut in steps:
            decide(world, step)
        world.scan()
        check_laws(world)
        assert world.table("stirred") == []
        assert world.late_sidecars() == 0
        check_it_follows_from_the_journal(world)


def test_a_cluster_named_by_a_killed_decision_says_who_it_is() -> None:
    with small_world() as world:
        number = world.ask("SELECT MIN(id) FROM clusters WHERE alive = 1")[0][0]
        world.cut = True
        said = world.say("label", [f"cluster-{number}"], "Ann")
        assert said.faces > 1
        assert len(held_by(world, "Ann")) == said.faces + said.recognised
        with world.open() as lib, pytest.raises(NotFound, match=f"cluster-{number} is now Ann"):
            find_target(lib, f"cluster-{number}")
        assert "were not grouped again" in complaints(world)
        world.scan()
        assert complaints(world) == ""


def complaints(world: World) -> str:
    """What the library's check finds wrong."""
    with world.open() as lib:
        patient = Patient(lib, world.settings, world.model, LEVELS, True, True)
        found = [check for look in LOOKS for check in look(patient) if check.name != "disk"]
    return " ".join(check.said for check in found if check.state == "problem")


def state(world: World) -> dict[str, list[tuple[Any, ...]]]:
    kept = ("assignments", "verdicts", "rejections", "people", "twice", "scores", "examples")
    kept += ("faces", "embeddings", "present", "lives")
    found = {name: world.table(name) for name in kept}
    found["alive"] = world.ask("SELECT id FROM clusters WHERE alive = 1 ORDER BY id")
    return found


@pytest.mark.slow
def test_two_hundred_decisions_and_two_hundred_undos_give_the_state_before() -> None:
    dice = random.Random(2026)
    with small_world() as world:
        states = [state(world)]
        while len(states) <= 200:
            if decide(world, _random_decision(dice)):
                states.append(state(world))
        for before in reversed(states[:-1]):
            world.say("undo")
            assert state(world) == before
        check_it_follows_from_the_journal(world)


def _random_decision(dice: random.Random) -> tuple[Any, ...]:
    some = [dice.randrange(60) for _ in range(dice.choice((1, 1, 2, 3)))]
    makers: list[Callable[[], tuple[Any, ...]]] = [
        lambda: ("label", some, dice.choice(NAMES)),
        lambda: ("cluster", dice.randrange(9), dice.choice(NAMES)),
        lambda: ("reject", some, dice.choice(NAMES)),
        lambda: (dice.choice(("ignore", "not_a_face", "restore")), some),
        lambda: ("split", dice.choice(NAMES), dice.randrange(3), dice.choice((None, *NAMES))),
        lambda: (dice.choice(("rename", "merge")), dice.choice(NAMES), dice.choice(NAMES)),
        lambda: ("set_life", dice.choice(NAMES), dice.choice(LIVES)),
        lambda: ("draw", dice.randrange(14), dice.choice((0.2, 0.6)), dice.choice(NAMES)),
    ]
    return dice.choice(makers)()
