"""The house keeps its shape: which room may know which, and what may be loaded where."""

from __future__ import annotations

import ast
import os
import resource
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "phototag"
MIDDLE = ("images", "vision", "catalog", "output")
BELOW: dict[str, set[str]] = {
    "errors": set(),
    "settings": {"errors"},
    "core": {"errors"},
    **{room: {"core", "errors"} for room in MIDDLE},
    "work": {*MIDDLE, "core", "errors", "settings"},
    "bench": {*MIDDLE, "core", "errors", "settings"},
    "web": {"work", *MIDDLE, "core", "errors", "settings"},
    "cli": {"web", "work", "bench", *MIDDLE, "core", "errors", "settings"},
}
"""What each room may import besides itself: the arrows of the design, and the settings, which are
read by the command line and handed down."""

PURE = {"__future__", "collections", "dataclasses", "functools", "hashlib", "heapq", "itertools"}
PURE |= {"math", "operator", "typing", "unicodedata", "numpy", "scipy", "sklearn", "phototag"}
PURE |= {"numba"}
"""What the core may import: no files, no SQL, no clock, no randomness of its own."""

HEAVY = ("tensorflow", "keras", "cv2", "sklearn", "scipy", "onnxruntime", "numpy", "PIL", "mtcnn")
HEAVY += ("starlette", "uvicorn", "jinja2", "av", "numba")

TRAINING = "bench/train_command.py"
"""The one script that is not a phototag command: it talks for itself."""

FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py"))


@cache
def parsed(name: str) -> tuple[ast.AST, ...]:
    return tuple(ast.walk(ast.parse((PACKAGE / name).read_text(encoding="utf-8"))))


@cache
def imports(name: str) -> frozenset[str]:
    """Every module that a file imports, also inside functions; a name from a module counts too."""
    found: set[str] = set()
    for node in parsed(name):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are absolute"
            module = node.module or ""
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return frozenset(found)


def room_of(name: str) -> str:
    return name.split("/")[0].removesuffix(".py")


def rooms_in(name: str) -> set[str]:
    """The rooms of the house that a file imports from."""
    found = {m.split(".")[1] for m in imports(name) if m.startswith("phototag.")}
    return {room for room in found if room in BELOW}


@pytest.mark.parametrize("name", FILES)
def test_arrows_point_down(name: str) -> None:
    room = room_of(name)
    if room in ("__init__", "__main__"):
        return
    assert room in BELOW, f"{name} stands in no room of the house"
    assert rooms_in(name) - {room} <= BELOW[room]


def test_the_middle_rooms_never_know_each_other() -> None:
    for name in FILES:
        if room_of(name) in MIDDLE:
            assert rooms_in(name) & set(MIDDLE) <= {room_of(name)}, name


@pytest.mark.parametrize("name", [f for f in FILES if f.startswith("core/")])
def test_the_core_is_pure(name: str) -> None:
    assert {module.split(".")[0] for module in imports(name)} <= PURE
    calls = {
        node.func.id
        for node in parsed(name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not calls & {"open", "print", "input"}


def users_of(module: str) -> set[str]:
    return {name for name in FILES if module in {m.split(".")[0] for m in imports(name)}}


def test_onnxruntime_is_only_in_vision_models() -> None:
    assert users_of("onnxruntime") == {"vision/models.py"}


def test_opencv_is_only_where_pixels_are() -> None:
    assert {room_of(name) for name in users_of("cv2")} == {"images", "vision"}


def test_ffmpeg_is_only_where_videos_are_read_and_written() -> None:
    assert users_of("av") == {"images/video.py", "output/recording.py"}


def test_keras_and_tensorflow_are_only_in_the_bench() -> None:
    for module in ("keras", "tensorflow", "mtcnn", "torch"):
        assert {room_of(name) for name in users_of(module)} <= {"bench"}, module


def test_numba_is_only_where_groups_grow() -> None:
    assert users_of("numba") == {"core/growth.py"}


def test_the_web_frameworks_are_only_in_the_web() -> None:
    for module in ("starlette", "uvicorn"):
        assert {room_of(name) for name in users_of(module)} == {"web"}, module


def test_sqlite_is_only_opened_by_the_catalogue() -> None:
    for name in FILES:
        if room_of(name) != "catalog":
            text = (PACKAGE / name).read_text(encoding="utf-8")
            assert "sqlite3.connect" not in text, name


def test_sql_stays_in_the_catalogue() -> None:
    """Outside only a PRAGMA may be said: how careful SQLite is with a decision."""
    for name in FILES:
        for node in parsed(name) if room_of(name) != "catalog" else ():
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                said = node.args[0] if node.args else None
                if node.func.attr in ("execute", "executemany", "executescript"):
                    assert isinstance(said, ast.Constant), f"{name}:{node.lineno}"
                    assert str(said.value).startswith("PRAGMA "), f"{name}:{node.lineno}"


def test_only_the_command_line_prints_or_asks() -> None:
    for name in FILES:
        if room_of(name) in ("cli", "__main__") or name == TRAINING:
            continue
        for node in parsed(name):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in ("print", "input"), f"{name}:{node.lineno}"
            if isinstance(node, ast.Attribute) and node.attr == "exit":
                assert not (isinstance(node.value, ast.Name) and node.value.id == "sys"), name


def test_functions_and_modules_keep_to_their_size() -> None:
    """Fifty lines is the hard limit for a function (command lines count from their body)."""
    long = []
    for name in FILES:
        for node in parsed(name):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first = node.body[0].lineno
                length = (node.end_lineno or first) - first + 1
                if length > 50:
                    long.append(f"{name}:{node.name} {length}")
    assert long == []


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    script = f"import sys, phototag.cli.app;print([m for m in {HEAVY!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == "[]"


def test_help_costs_little_more_than_typer_itself() -> None:
    """It takes 0.27 s where importing typer takes 0.10: at most 3.5 times as long. By turns and of
    the processor, so that neither others on this machine nor its speed decide. As installed: Python
    keeps compiled modules."""

    def seconds(*words: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, *words],
            stdout=subprocess.DEVNULL,
            timeout=60,
            check=True,
            env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    turns = [
        (seconds("-m", "phototag.cli.app", "--help"), seconds("-c", "import typer"))
        for _ in range(5)
    ]
    assert min(ours for ours, _ in turns) < 3.5 * min(typer for _, typer in turns)
