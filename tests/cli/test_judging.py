"""calibrate and audit as the shell runs them."""

from __future__ import annotations

import json
from typing import Any

from builders import LEVELS, Home
from conftest import Run


def own_thresholds(home: Home, **levels: float) -> None:
    """As calibrate leaves them."""
    model = json.loads((home.library / "models" / "painted.json").read_text())["id"]
    said: dict[str, Any] = {
        "schema": "phototag/calibration/1",
        "model": model,
        "made": "2026-01-02T03:04:05+00:00",
        "thresholds": {name: getattr(LEVELS, name) for name in LEVELS.__slots__} | levels,
        "measured": {"precision": 0.99, "people": 41, "faces": 1000},
    }
    folder = home.library / "calibration"
    folder.mkdir()
    (folder / f"{model}.json").write_text(json.dumps(said), encoding="utf-8")


def recognised(run: Run) -> int:
    return int(run("status", "--json").json["by_state"]["automatic"])


def test_calibrate_says_that_the_data_are_too_few_and_changes_nothing(
    catalogue: Home, run: Run
) -> None:
    done = run("calibrate")
    assert done.code == 1
    assert "too few for 99.0%" in done.err
    assert run("calibrate", "--json").json["after"] is None
    assert run("calibrate", "--precision", "2").code == 2
    assert not (catalogue.library / "calibration").exists()


def test_own_thresholds_are_what_everything_reads_until_they_are_reset(
    home: Home, run: Run
) -> None:
    before = recognised(run)
    own_thresholds(home, accept=0.9)
    for command in (("status",), ("show", "Alice"), ("show", home.face("2021/dim.jpg"))):
        assert "this library's own faces, measured on 41 people" in run(*command).out, command
    assert run("models", "list").out.count("0.900") == 1
    assert run("scan", home.photos).code == 0
    assert recognised(run) < before
    done = run("calibrate", "--reset")
    assert "more recognised" in done.err
    assert recognised(run) == before
    assert "in use already" in run("calibrate", "--reset").err


def test_a_damaged_file_of_thresholds_is_told_and_reset_mends_it(catalogue: Home, run: Run) -> None:
    own_thresholds(catalogue)
    (path,) = (catalogue.library / "calibration").iterdir()
    path.write_text("{", encoding="utf-8")
    broken = run("label", "cluster-1", "Zed")
    assert broken.code == 5
    assert "calibrate --reset" in broken.err
    assert run("calibrate", "--reset", "--json").json["reset"] is True


def test_audit_lists_named_faces_with_commands(reading: Home, run: Run) -> None:
    done = run("audit", "Alice", "--json", "-n", "2")
    assert done.code == 0
    said = done.json
    assert (said["person"], said["faces"], len(said["doubts"])) == ("Alice", 3, 2)
    assert said["doubts"][0]["suspicion"] >= said["doubts"][1]["suspicion"]
    assert "named faces are suspicious" in run("audit").err
    assert run("audit", "Nobody").code == 2
