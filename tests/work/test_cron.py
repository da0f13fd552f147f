"""What a scheduler needs: a log that programs read, a line for mail, where a scan is, and an end
that is told."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from phototag import errors
from phototag.catalog import store
from phototag.cli import app
from phototag.settings import Settings
from phototag.work.status import status

from .conftest import Place, Until, as_json, end


def lines(path: Path) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert {line["schema"] for line in found} == {"phototag/scan-log/1"}
    return found


def test_a_log_tells_the_beginning_each_problem_and_the_end_and_survives_rotation(
    place: Place, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    for path in sorted(place.photos.iterdir())[2:]:
        path.unlink()
    (place.photos / "broken.jpg").write_bytes(b"\xff\xd8\xff no photo")
    log = tmp_path / "scan.jsonl"
    assert place.scan("--log-json", log, "--summary") == errors.SOME_FAILED
    said = capfdbinary.readouterr().out.decode()
    assert said.startswith(f"phototag scan {place.photos}: 2 new, 1 failed; ")
    assert said.endswith(", exit code 3)\n")
    assert said.count("\n") == 1
    first = lines(log)
    assert [line["event"] for line in first if line["event"] != "progress"] == [
        "start",
        "problem",
        "summary",
    ]
    assert {line["stage"] for line in first if line["event"] == "progress"} >= {"extract", "group"}
    assert first[-1] == {
        **first[-1],
        "outcome": "done",
        "exit_code": 3,
        "new": 2,
        "failed": 1,
        "message": said.strip(),
    }
    log.rename(tmp_path / "scan.jsonl.1")
    assert place.scan("--log-json", log) == errors.OK
    assert place.scan("--log-json", log) == errors.OK
    assert [line["event"] for line in lines(log)].count("summary") == 2
    holder = store.open_to_write(place.library, "phototag label face-1 Alice", "now")
    assert place.scan("--log-json", log) == errors.IN_USE
    assert lines(log)[-1]["outcome"] == "library-in-use"
    holder.close()


def test_a_log_that_cannot_be_written_is_said_before_anything_is_done(place: Place) -> None:
    assert place.scan("--log-json", place.photos / "0.jpg" / "log") == errors.USAGE
    assert not place.library.exists()


def test_status_tells_where_a_scan_is_and_a_kill_is_told_in_the_log(
    place: Place, until: Until, tmp_path: Path
) -> None:
    for number in range(80):
        shutil.copy2(place.photos / f"{number % 6}.jpg", place.photos / f"more{number}.jpg")
        with (place.photos / f"more{number}.jpg").open("ab") as file:
            file.write(bytes([number]))  # another photo to phototag
    log = tmp_path / "log"
    process = place.start("--quiet", "--jobs", "1", "--log-json", str(log))
    running = [sys.executable, "-m", "phototag.cli.app", *place.command("status", "--json")]
    seen: list[dict[str, Any]] = []

    def looked() -> bool:
        done = subprocess.run(running, capture_output=True, check=False)
        scan = as_json(done.stdout)["scan"] if done.returncode == 0 else None
        if scan is not None and scan["stage"] == "extract" and scan["done"]:
            seen.append(scan)
        return bool(seen)

    assert until(looked)
    assert seen[0]["total"] == 86
    assert seen[0]["seconds_left"] > 0
    assert end(process, signal.SIGTERM) == errors.INTERRUPTED
    assert lines(log)[-1]["outcome"] == "interrupted"
    assert not (place.library / "progress.json").exists()
    with store.open_to_read(place.library) as lib:
        assert status(lib, Settings()).scan is None


def test_cron_s_poor_environment_is_enough(place: Place) -> None:
    """As cron runs it: no PATH to speak of, no terminal, no locale, no home to write to."""
    for path in sorted(place.photos.iterdir())[1:]:
        path.unlink()
    program = f"{sys.executable} -m phototag.cli.app"
    line = f"{program} scan {place.photos} --library {place.library} --summary --time-budget 2h"
    done = subprocess.run(
        ["/usr/bin/env", "-i", "HOME=/nonexistent", "PATH=/usr/bin:/bin", "sh", "-c", line],
        capture_output=True,
        check=False,
        cwd=os.sep,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b": 1 new; " in done.stdout


def test_what_waits_is_exit_code_4_and_in_the_status(
    scanned: Place, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """With real faces: a calibration file that asks for more than anybody has."""
    assert app.run(scanned.command("label", "face-2", "Bob")) == 0
    model = scanned.ask("SELECT DISTINCT model FROM embeddings")[0][0]
    folder = scanned.library / "calibration"
    folder.mkdir()

    def accept(least: float) -> None:
        levels = {"accept": least, "suggest": least - 0.05, "cluster": 0.4, "margin": 0.0}
        said = {"schema": "phototag/calibration/1", "model": model, "thresholds": levels}
        (folder / f"{model}.json").write_text(json.dumps({**said, "measured": {}, "made": ""}))

    accept(0.06)  # everybody is somebody
    assert scanned.scan("--max-changes", "0") == 0
    named = scanned.named()
    accept(0.99)
    log = scanned.library.parent / "log"
    assert scanned.scan("--max-changes", "0", "--log-json", log) == errors.GUARDED
    assert scanned.named() == named
    assert len(named) > 2
    assert lines(log)[-1]["outcome"] == "held"
    capfdbinary.readouterr()
    assert app.run(scanned.command("status", "--json")) == 0
    held = as_json(capfdbinary.readouterr().out)["held"]
    assert held["withdrawn"] == len(named) - 2
    assert app.run(scanned.command("diff")) == 0
    table = capfdbinary.readouterr().out.decode().splitlines()
    assert len(table) == held["withdrawn"] + 1
    assert table[1].startswith("withdrawn  face-")
    assert scanned.scan("--accept-changes") == 0
    assert len(scanned.named()) == 2
