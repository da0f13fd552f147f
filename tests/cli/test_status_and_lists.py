"""`phototag status`, `clusters`, `people`: how the library stands."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import subprocess
import sys

import pytest


def test_status_counts_what_is_there(reading, run) -> None:
    found = run("status", "--json").json
    assert found["photos"] == 21
    assert found["files"] == 22
    assert (found["missing"], found["failed"], found["unpublished"]) == (1, 1, 0)
    assert found["by_state"] == {
        "manual": 8,
        "imported": 0,
        "automatic": 5,
        "cluster": 8,
        "unknown": 2,
        "ignored": 1,
        "not_a_face": 1,
        "waiting": 0,
    }
    assert found["faces"] == sum(found["by_state"].values()) == 25
    assert (found["people"], found["clusters"], found["suggested"]) == (4, 3, 2)
    assert found["last_scan"]["outcome"] == "done"
    assert found["model"]["accept"] == 0.5
    assert found["writer"] is None
    assert found["disk"]["pictures"] > 10_000


def test_status_in_words_tells_the_same(reading, run) -> None:
    ran = run("status")
    assert ran.code == 0
    assert "photos     21 in 22 files" in ran.out
    assert "1 file missing" in ran.out
    assert "8 named by you, 5 recognised, 8 in unnamed clusters" in ran.out
    assert "last scan  2026-01-02 03:04" in ran.out
    assert "at work    nobody" in ran.out


def test_states_counted_along_indexes_are_those_of_the_table(reading, run) -> None:
    rows = reading.sql("SELECT state, COUNT(*) FROM assignments GROUP BY state")
    said = run("status", "--json").json["by_state"]
    assert {state: count for state, count in said.items() if count} == dict(rows)


def test_failed_lists_every_unreadable_file_with_its_reason(reading, run) -> None:
    ran = run("status", "--failed")
    assert ran.lines[0].split() == ["reason", "file", "what", "happened"]
    assert "truncated" in ran.lines[1]
    assert reading.photo("broken.jpg") in ran.lines[1]
    assert run("status", "--failed", "--json").rows == [
        {
            "schema": "phototag/failure/1",
            "path": reading.photo("broken.jpg"),
            "reason": "truncated",
            "message": "it ends early.",
        }
    ]


def test_status_names_who_works_on_the_library(home, run) -> None:
    with (home.library / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        owner = {"pid": 4711, "host": "nas", "command": "phototag scan /photos"}
        lock.write(json.dumps({**owner, "started": "2026-01-02T03:00:00"}))
        lock.flush()
        ran = run("status")
    assert "process 4711 on nas since 2026-01-02 03:00: phototag scan /photos" in ran.out


def test_status_waits_for_nobody(home, run) -> None:
    """A reader reads while a writer holds the library."""
    with (home.library / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert run("status").code == 0
        assert run("find", "Alice").code == 0
        assert run("show", "Alice").code == 0


def test_status_without_a_model_says_what_is_wrong(home, run) -> None:
    (home.library / "models" / "painted.json").unlink()
    ran = run("status")
    assert ran.code == 0
    assert "no model 'painted' comes with phototag" in ran.out


def test_clusters_come_largest_first_with_a_guess(reading, run) -> None:
    rows = run("clusters", "--json").rows
    assert [row["faces"] for row in rows] == [3, 3, 2]
    assert {row["guess"] for row in rows} == {None, "Alice"}


def test_small_clusters_and_people_can_be_left_out(reading, run) -> None:
    assert len(run("clusters", "--min", 3, "--json").rows) == 2
    assert len(run("clusters", "--limit", 1, "--json").rows) == 1
    assert [row["name"] for row in run("people", "--min", 3, "--json").rows] == ["Alice", "Bob"]


def test_people_tell_who_is_confirmed_and_when(reading, run) -> None:
    alice = run("people", "--json").rows[0]
    assert (alice["name"], alice["faces"], alice["confirmed"]) == ("Alice", 7, 3)
    assert (alice["first"], alice["last"]) == ("2015-01-03T10:00:00", "2021-08-08T08:00:00")


def test_columns_stand_under_each_other_whatever_the_script(reading, run) -> None:
    from rich.cells import cell_len

    lines = run("people").lines
    places = {cell_len(line[: line.index("20")]) for line in lines[1:]}
    assert places == {cell_len(lines[0][: lines[0].index("first")])}


def test_on_a_narrow_terminal_only_the_name_is_cut(home) -> None:
    long = "Bartholomäus von und zu Wolkenstein-Trostburg der Jüngere"
    home.sql("UPDATE people SET name = ? WHERE name = 'Bob'", long)
    ours, theirs = pty.openpty()
    process = subprocess.run(
        [sys.executable, "-c", "import sys; from phototag.cli.app import run; run(['people'])"],
        stdout=theirs,
        env={**os.environ, "COLUMNS": "80", "NO_COLOR": "1"},
        check=True,
        timeout=60,
    )
    os.close(theirs)
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    assert process.returncode == 0
    assert "Bartholomäus von" in said
    assert "…" in said
    assert all(len(line.rstrip("\r")) <= 80 for line in said.split("\n"))


def test_piped_columns_are_never_cut(home, run) -> None:
    long = "Bartholomäus von und zu Wolkenstein-Trostburg der Jüngere" * 3
    home.sql("UPDATE people SET name = ? WHERE name = 'Bob'", long)
    assert long in run("people").out


@pytest.mark.parametrize("words", [("clusters",), ("people",), ("log",), ("status", "--failed")])
def test_an_empty_library_lists_nothing(home, run, words) -> None:
    for name in ("assignments", "verdicts", "people", "decisions", "failures", "rejections"):
        home.sql(f"DELETE FROM {name}")
    ran = run(*words)
    assert ran.code == 0
    assert len(ran.lines) == 1  # the heads
