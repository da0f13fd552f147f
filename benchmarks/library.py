"""What a large library costs in daily life: a scan in which nothing changed, and decisions.

    python benchmarks/library.py [--faces 100000] [--files 100000] [--rounds 3] [--json]
    python benchmarks/library.py --archive [--faces 3000000] [--rounds 3] [--folder DIR] [--json]

The library (and one of a tenth) is made by the program's own intake from made-up faces (see
made_library.py), which takes some minutes. Each time is that of a whole process, Python's start
included. The unchanged scan takes turns with a bare `os.scandir` and `stat` of the same tree, which
nobody can beat; `label` is timed until it says what it decided, and until its outputs are written.

`--archive` has three faces in each photo, 150 people with a name, and rows that are written at once
(see made_archive.py). It times the commands of daily life with their peak memory, the contact sheet
left out but for one page, and at the end a night that adds 1,000 photos, which changes the library.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from made_archive import make_archive
from made_library import Made, make
from memory import peak_mb

BARE = """
import os, sys
def walk(folder):
    count = 0
    for entry in os.scandir(folder):
        if entry.is_dir():
            count += walk(entry.path)
        else:
            entry.stat()
            count += 1
    return count
print(walk(sys.argv[1]))
"""


def timed(command: Sequence[str]) -> tuple[float, float]:
    """Seconds and peak memory in MB of a process that must succeed."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, peak_mb(process.pid))
        time.sleep(0.01)
    if process.returncode:
        raise SystemExit(f"{command}: {process.returncode}")
    return time.perf_counter() - started, peak


def phototag(made: Made, *words: str) -> list[str]:
    return [sys.executable, "-m", "phototag.cli.app", *words, "--library", str(made.library)]


def unchanged(made: Made, rounds: int) -> dict[str, Any]:
    """A scan that finds nothing to do, beside a bare walk over the same files."""
    bare = [sys.executable, "-c", BARE, str(made.photos)]
    scan = phototag(made, "scan", str(made.photos), "--quiet")
    start = phototag(made, "log")
    for command in (bare, scan):
        timed(command)
    turns = [(timed(bare), timed(scan), timed(start)) for _ in range(rounds)]
    bare_s, scan_s, start_s = (statistics.median(t[i][0] for t in turns) for i in range(3))
    return {
        "files": made.count,
        "scan_seconds": round(scan_s, 2),
        "files_per_second": round(made.count / scan_s),
        "files_per_second_without_start": round(made.count / (scan_s - start_s)),
        "bare_walk_seconds": round(bare_s, 2),
        "times_the_bare_walk": round(scan_s / bare_s, 2),
        "peak_mb": round(max(t[1][1] for t in turns)),
    }


def until_said(command: Sequence[str]) -> tuple[float, float, str]:
    """Seconds until a decision is said and until the process ends, and what was said."""
    started = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = next(line for line in process.stderr if "undo takes it back" in line)
    answered = time.perf_counter() - started
    process.stderr.read()
    if process.wait():
        raise SystemExit(f"{command}: {process.returncode}")
    return answered, time.perf_counter() - started, said.strip()


def clusters(made: Made) -> list[dict[str, Any]]:
    said = subprocess.run(phototag(made, "clusters", "--json"), capture_output=True, check=True)
    return [json.loads(line) for line in said.stdout.splitlines()]


def decisions(made: Made, rounds: int) -> list[dict[str, Any]]:
    """Naming clusters of several sizes, and taking it back."""
    known = sorted(clusters(made), key=lambda c: -int(c["faces"]))
    wanted = (10, 100, 1000)
    found = []
    for faces in wanted:
        cluster = min(known, key=lambda c: abs(int(c["faces"]) - faces))
        target = str(cluster["id"])
        label, undo, said = [], [], ""
        for _ in range(rounds):
            *seconds, said = until_said(phototag(made, "label", target, "Ann", "--yes"))
            label.append(seconds)
            *seconds, _ = until_said(phototag(made, "undo"))
            undo.append(seconds)
        found.append(
            {
                "target": target,
                "faces": cluster["faces"],
                "said": said,
                "label_answer_seconds": _median(label, 0),
                "label_with_outputs_seconds": _median(label, 1),
                "undo_answer_seconds": _median(undo, 0),
                "undo_with_outputs_seconds": _median(undo, 1),
            }
        )
    return found


def _median(times: list[list[float]], column: int) -> float:
    return round(statistics.median(t[column] for t in times), 2)


def looks(made: Made, rounds: int) -> dict[str, float]:
    """Seconds of the commands that only read."""
    return {
        " ".join(words): round(
            statistics.median(timed(phototag(made, *words))[0] for _ in range(rounds)), 2
        )
        for words in (("status",), ("clusters",), ("people",), ("show", "face-17"))
    }


PERSON = "Person 050"
PAGE = """
import sys
from pathlib import Path
from phototag.catalog import store, verdicts
from phototag.work.names import person_named
from phototag.work.sheet_content import Maker
lib = store.open_to_read(Path(sys.argv[1]))
maker = Maker(lib, "", verdicts.people(lib))
print(sum(1 for _ in maker.faces_of(f"person-{person_named(lib, sys.argv[2])}")))
"""


def daily(made: Made) -> dict[str, list[str]]:
    """Commands by what they are called here."""
    page = [sys.executable, "-c", PAGE, str(made.library), PERSON]
    known = clusters(made)
    small, large = (
        str(min(known, key=lambda c: abs(int(c["faces"]) - wanted))["id"]) for wanted in (10, 100)
    )
    return {
        "status": phototag(made, "status"),
        "find": phototag(made, "find", PERSON),
        "show face": phototag(made, "show", "face-17"),
        "sheet of one person": page,
        "label 100 faces, a new person": phototag(made, "label", large, "Ann", "--yes"),
        "undo of that": phototag(made, "undo"),
        "label 10 faces, a known person": phototag(made, "label", small, PERSON, "--yes"),
        "undo of that one": phototag(made, "undo"),
        "scan, nothing changed": phototag(made, "scan", str(made.photos), "--quiet"),
    }


def archive(made: Made, faces: int, rounds: int) -> dict[str, Any]:
    os.environ["PHOTOTAG_SHEET"] = "0"
    found: dict[str, list[tuple[float, float]]] = {}
    answers: dict[str, list[float]] = {}
    commands = daily(made)
    for turn in range(rounds + 1):
        for name, command in commands.items():
            spent = timed(command)
            if turn:  # the first brings the files into the system's memory
                found.setdefault(name, []).append(spent)
    for _ in range(rounds):
        for name, command in commands.items():
            if name.startswith(("label", "undo")):
                answers.setdefault(name, []).append(until_said(command)[0])
    told: dict[str, Any] = {
        name: {
            "seconds": round(statistics.median(seconds for seconds, _ in spent), 2),
            "peak_mb": round(max(mb for _, mb in spent)),
        }
        for name, spent in found.items()
    }
    for name, seconds in answers.items():
        told[name]["answer_seconds"] = round(statistics.median(seconds), 2)
    script = Path(__file__).with_name("made_archive.py")
    words = [sys.executable, str(script), str(made.photos.parent), str(faces), "1000"]
    night = subprocess.run(words, capture_output=True, text=True, check=True)
    return {"faces": faces, **told, "night": json.loads(night.stdout)}


def main() -> None:
    # As installed: Python keeps the compiled modules, and a start does not compile them again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--archive", action="store_true")
    ask.add_argument("--faces", type=int, default=100_000)
    ask.add_argument("--files", type=int, default=100_000)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--folder", type=Path, help="keep the libraries there and use them again")
    ask.add_argument("--json", action="store_true")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top = given.folder or Path(name)
        if given.archive:
            made = _made(top / "archive", given.faces, given.faces // 3, make_archive)
            found = archive(made, given.faces, given.rounds)
        else:
            found = measured(top, given.faces, given.files, given.rounds)
    print(json.dumps(found, indent=None if given.json else 2))


def measured(top: Path, faces: int, files: int, rounds: int) -> dict[str, Any]:
    tenth = _made(top / "tenth", faces // 10, files // 10)
    whole = _made(top / "whole", faces, files)
    return {
        "faces": faces,
        "unchanged_tenth": unchanged(tenth, rounds),
        "unchanged": unchanged(whole, rounds),
        "decisions": decisions(whole, rounds),
        "seconds": looks(whole, rounds),
    }


def _made(top: Path, faces: int, files: int, how: Callable[[Path, int, int], Made] = make) -> Made:
    if (top / "ready").is_file():
        return Made.at(top, files)
    made = how(top, faces, files)
    (top / "ready").touch()
    return made


if __name__ == "__main__":
    main()
