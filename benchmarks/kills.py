"""A scan killed at random moments, again and again: the next ends as an uninterrupted one would.

    python benchmarks/kills.py FOLDER [--kills 20] [--seed 1]

Scans a copy of the folder twice: once in peace, once killed (SIGKILL, the whole process group's
parent) at random moments until so many kills have struck, then to its end. Compares every table of
the catalogue but `runs` row by row, and every output byte by byte. Exits with 1 at a difference.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}


def command(top: Path) -> list[str]:
    words = [sys.executable, "-m", "phototag.cli.app", "scan", str(top / "photos"), "--quiet"]
    return [*words, "--library", str(top / "library")]


def in_peace(top: Path) -> float:
    started = time.monotonic()
    subprocess.run(command(top), check=True, **QUIET)
    return time.monotonic() - started


def killed(top: Path, kills: int, whole: float, dice: random.Random) -> int:
    """Kill scans until `kills` have struck one at work; then let one end. How many were started."""
    started = struck = 0
    while struck < kills:
        process = subprocess.Popen(command(top), **QUIET)
        started += 1
        time.sleep(dice.uniform(0.2, 1.0 + whole / 10))
        struck += process.poll() is None
        process.kill()
        process.wait()
    subprocess.run(command(top), check=True, **QUIET)
    return started


def tables(top: Path) -> dict[str, list[tuple[Any, ...]]]:
    db = sqlite3.connect(top / "library" / "catalog.sqlite")
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        name: sorted((tuple(row) for row in db.execute(f"SELECT * FROM {name}")), key=repr)
        for name in names
        if name != "runs"
    }


def outputs(top: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(top)): path.read_bytes()
        for path in top.rglob("*")
        if path.is_file() and not path.name.startswith(("catalog.sqlite", "lock"))
    }


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("folder", type=Path)
    ask.add_argument("--kills", type=int, default=20)
    ask.add_argument("--seed", type=int, default=1)
    given = ask.parse_args()
    with tempfile.TemporaryDirectory() as name:
        top, aside = Path(name) / "same", Path(name) / "aside"
        top.mkdir()
        shutil.copytree(given.folder, top / "photos", copy_function=shutil.copy2)
        shutil.copytree(top, aside, copy_function=shutil.copy2)
        whole = in_peace(top)
        expected = tables(top), outputs(top)
        shutil.rmtree(top)
        aside.rename(top)  # the same paths: every row can be compared
        started = killed(top, given.kills, whole, random.Random(given.seed))
        found = tables(top), outputs(top)
    rows = {
        n: sum(map(len, t.values())) for n, t in (("expected", expected[0]), ("found", found[0]))
    }
    differ = [n for n in expected[0] if expected[0][n] != found[0].get(n)]
    differ += [
        n for n in expected[1].keys() | found[1].keys() if expected[1].get(n) != found[1].get(n)
    ]
    said = {
        "kills": given.kills,
        "scans_started": started,
        "seconds_in_peace": round(whole, 1),
        "rows": rows,
        "outputs": len(found[1]),
        "different": sorted(differ),
    }
    print(json.dumps(said, indent=2))
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
