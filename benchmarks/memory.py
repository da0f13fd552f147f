"""Peak memory of a scan: the parent and its workers, each by itself.

    python benchmarks/memory.py FOLDER... [--jobs 2] [--json]

Scans the folders into a new library (sidecars in it, the folders stay as they are) and reads the
peak of each process (VmHWM) from Linux while it runs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def peak_mb(process: int) -> float:
    """Largest resident size that a process has had, in MB; 0 when it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0.0
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return found[0] / 1024 if found else 0.0


def children(process: int) -> list[int]:
    try:
        return [
            int(word)
            for task in Path(f"/proc/{process}/task").iterdir()
            for word in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ask.add_argument("folders", nargs="+")
    ask.add_argument("--jobs", type=int, default=2)
    ask.add_argument("--json", action="store_true")
    given = ask.parse_args()
    peaks: dict[int, float] = {}
    with tempfile.TemporaryDirectory() as name:
        command = [sys.executable, "-m", "phototag.cli.app", "scan", *given.folders]
        command += ["--library", name, "--sidecars", "library", "--quiet", "--jobs"]
        scan = subprocess.Popen([*command, str(given.jobs)], stderr=subprocess.DEVNULL)
        while scan.poll() is None:
            for process in (scan.pid, *children(scan.pid)):
                peaks[process] = max(peaks.get(process, 0.0), peak_mb(process))
            time.sleep(0.05)
    workers = sorted((round(mb) for p, mb in peaks.items() if p != scan.pid), reverse=True)
    found = {
        "exit_code": scan.returncode,
        "parent_peak_mb": round(peaks[scan.pid]),
        "worker_peak_mb": workers[: given.jobs],
    }
    print(json.dumps(found, indent=None if given.json else 2))


if __name__ == "__main__":
    main()
