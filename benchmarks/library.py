"""What a large library costs in daily life: a scan in which nothing changed, and decisions.

    python benchmarks/library.py [--faces 100000] [--files 100000] [--rounds 3] [--json]

The library (and one of a tenth) is made by the program's own intake from made-up faces (see
made_library.py), which takes some minutes. Each time is that of a whole process, Python's start
included. The unchanged scan takes turns with a bare `os.scandir` and `stat` of the same tree, which
nobody can beat; `label` is timed until it says what it decided, and until its outputs are written.
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
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def main() -> None:
    # As installed: Python keeps the compiled modules, and a start does not compile them again.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("--faces", type=int, default=100_000)
    ask.add_argument("--files", type=int, default=100_000)
    ask.add_argument("--rounds", type=int, default=3)
    ask.add_argument("--folder", type=Path, help="keep the libraries there and use them again")
    ask.add_argument("--json", action="store_true")
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top = given.folder or Path(name)
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


def _made(top: Path, faces: int, files: int) -> Made:
    if (top / "ready").is_file():
        return Made(top / "photos", top / "library", files)
    made = make(top, faces, files)
    (top / "ready").touch()
    return made


if __name__ == "__main__":
    main()
