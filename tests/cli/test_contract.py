"""What scripts rely on: the exact keys of every --json, exit codes, help with an example."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from phototag.cli.app import app

LEVELS = {"model", "classifier", "accept", "suggest", "cluster", "margin", "source"}
WORD = {"decision", "time", "actor", "text", "undone"}
LINE = {"id", "who", "state", "similarity", "quality", "path", "index", "box", "seen"}
DECISION = {
    "schema",
    "decision",
    "kind",
    "text",
    "faces",
    "photos",
    "recognised",
    "suggested",
    "withdrawn",
}

FACE = {
    "schema",
    "id",
    "kind",
    "why",
    "path",
    "index",
    "taken",
    "box",
    "seen",
    "score",
    "is_good",
    "examples",
    "rejected",
    "nearest_mates",
    "history",
    "thresholds",
    "state",
    "person",
    "cluster",
    "law",
    "similarity",
    "suggestion",
    "suggestion_similarity",
    "runner_up",
    "runner_up_similarity",
    "quality",
    "rivals",
    "decision",
    "missing",
    "kept",
    "embedded",
    "age",
    "elsewhere",
    "mates",
    "fit",
}

TALK = {("models", "use"), ("models", "remove"), ("serve",), ("export", "csv"), ("export", "json")}
"""Commands that print no data, or whose data is another format."""

DOCUMENTS = {
    ("status",): {
        "schema",
        "library",
        "photos",
        "files",
        "missing",
        "failed",
        "unpublished",
        "faces",
        "by_state",
        "suggested",
        "people",
        "clusters",
        "decisions",
        "last_scan",
        "writer",
        "scan",
        "held",
        "model",
        "model_problem",
        "detector",
        "roots",
        "disk",
    },
    ("show", "never.jpg#1"): FACE,
    ("show", "alice-bob.jpg"): {
        "schema",
        "id",
        "kind",
        "why",
        "paths",
        "missing",
        "key",
        "width",
        "height",
        "format",
        "taken",
        "detector",
        "faces",
        "outputs",
    },
    ("show", "broken.jpg"): {"schema", "id", "kind", "why", "reason", "message"},
    ("show", "cluster-3"): {
        "schema",
        "id",
        "kind",
        "why",
        "is_alive",
        "heir",
        "faces",
        "photos",
        "first",
        "last",
        "tightness",
        "guesses",
        "members",
        "beside",
        "thresholds",
    },
    ("show", "Alice"): {
        "schema",
        "id",
        "kind",
        "why",
        "name",
        "faces",
        "photos",
        "confirmed",
        "suggested",
        "rejected",
        "first",
        "last",
        "examples",
        "doubtful",
        "decisions",
        "thresholds",
    },
    ("label", "lone.jpg#1", "Zoe"): DECISION,
    ("reject", "dim.jpg#1", "Alice"): DECISION,
    ("ignore", "lone.jpg#1"): DECISION,
    ("not-a-face", "lone.jpg#1"): DECISION,
    ("restore", "bob.jpg#1"): DECISION,
    ("rename", "Alice", "Amy"): DECISION,
    ("merge", "Carol", "Bob"): DECISION,
    ("split", "Alice", "--faces", "alice 1.jpg#1"): DECISION,
    ("undo",): DECISION,
    ("redo",): DECISION,
    ("sheet",): {"schema", "sheet", "sidecars", "thumbnails", "removed"},
    ("doctor",): {"schema", "sound", "checks", "repaired"},
    ("scan", "."): {
        "schema",
        "new",
        "unchanged",
        "moved",
        "copied",
        "edited",
        "returned",
        "missing",
        "retried",
        "vanished",
        "faces",
        "recognised",
        "suggested",
        "withdrawn",
        "reassigned",
        "held",
        "changes",
        "remaining",
        "failed",
        "skipped",
        "guarded",
        "unmatched",
        "planned",
        "library",
        "recognizer",
        "exit_code",
        "totals",
        "outputs",
        "sheet",
        "xmp",
    },
    ("diff",): {"schema", "named", "moved", "withdrawn", "held", "changes"},
}

STREAMS = {
    ("clusters",): {
        "schema",
        "id",
        "faces",
        "photos",
        "first",
        "last",
        "guess",
        "guess_score",
    },
    ("people",): {
        "schema",
        "id",
        "name",
        "faces",
        "photos",
        "confirmed",
        "suggested",
        "first",
        "last",
        "enrolled",
        "born",
        "died",
    },
    ("log",): {"schema", "id", "time", "actor", "kind", "payload", "undone_by", "text"},
    ("find", "Alice"): {"schema", "path", "photo", "taken", "people"},
    ("status", "--failed"): {"schema", "path", "reason", "message"},
}


@pytest.mark.parametrize("words", DOCUMENTS, ids=" ".join)
def test_a_document_has_exactly_these_keys(request, run, monkeypatch, words) -> None:
    only_looks = words[0] in ("status", "show", "doctor", "diff")
    home = request.getfixturevalue("reading" if only_looks else "home")
    monkeypatch.chdir(home.photos)
    if words == ("redo",):
        run("undo")
    ran = run(*words, "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json) == DOCUMENTS[words]
    assert re.fullmatch(r"phototag/[a-z]+/1", ran.json["schema"])


@pytest.mark.parametrize("words", STREAMS, ids=" ".join)
def test_each_line_of_a_stream_has_exactly_these_keys(reading, run, words) -> None:
    rows = run(*words, "--json").rows
    assert rows
    assert all(set(row) == STREAMS[words] for row in rows)
    assert {row["schema"].count("/") for row in rows} == {2}


def test_what_lies_inside_has_exact_keys_too(reading, run) -> None:
    face = run("show", "never.jpg#1", "--json").json
    assert set(face["thresholds"]) == LEVELS
    assert set(face["examples"][0]) == {"face", "person", "similarity", "path"}
    assert set(face["rivals"][0]) == {"person", "score", "examples", "rejected"}
    assert set(face["nearest_mates"][0]) == {"face", "similarity", "path"}
    assert set(face["history"][0]) == WORD
    photo = run("show", "alice-bob.jpg", "--json").json
    assert set(photo["faces"][0]) == LINE
    status = run("status", "--json").json
    assert set(status["model"]) == LEVELS
    assert set(status["disk"]) == {
        "catalogue",
        "pictures",
        "pictures_are_estimated",
        "backups",
        "free",
    }
    assert set(status["last_scan"]) == {"started", "ended", "command", "outcome", "summary"}
    doctor = run("doctor", "--json").json
    assert all(set(c) == {"area", "name", "state", "said", "advice"} for c in doctor["checks"])


def test_relocate_has_exactly_these_keys(home, run) -> None:
    new = home.photos.with_name("new")
    home.photos.rename(new)
    ran = run("relocate", home.photos, new, "--json")
    assert set(ran.json) == {
        "schema",
        "old",
        "new",
        "roots",
        "files",
        "outputs",
        "checked",
        "touched",
    }


def commands(group: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command by its words; `evaluate verification` is two."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*above, name))
        if not hasattr(command, "commands") or command.invoke_without_command:
            yield (*above, name)


ROOT: Any = typer.main.get_command(app)
COMMANDS = sorted(commands(ROOT))


def command_of(words: tuple[str, ...]) -> Any:
    command = ROOT
    for word in words:
        command = command.commands[word]
    return command


def test_every_command_of_the_design_is_there() -> None:
    assert {name for (name, *more) in COMMANDS if not more} >= {
        "scan",
        "label",
        "reject",
        "ignore",
        "not-a-face",
        "restore",
        "rename",
        "merge",
        "split",
        "undo",
        "redo",
        "log",
        "clusters",
        "people",
        "status",
        "show",
        "find",
        "sheet",
        "relocate",
        "doctor",
    }


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_every_command_ends_its_text_with_an_example(run, words) -> None:
    ran = run(*words, "--help")
    assert ran.code == 0
    text = ran.out.partition("Options:")[0].partition("Arguments:")[0]
    last = " ".join(text.strip().split("\n\n")[-1].split())
    assert last.startswith(f"Example: phototag {' '.join(words)}"), last


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_does(words) -> None:
    options = [p for p in command_of(words).params if p.param_type_name == "option"]
    assert [p.name for p in options if not p.help] == []


def test_every_command_that_prints_data_has_json() -> None:
    lacking = [
        " ".join(words)
        for words in COMMANDS
        if not any("--json" in p.opts for p in command_of(words).params) and words not in TALK
    ]
    assert lacking == []


def test_help_fits_eighty_columns(run) -> None:
    for words in COMMANDS:
        lines = run(*words, "--help").lines
        assert max(map(len, lines)) <= 80, words


def test_nothing_but_data_goes_to_stdout(home, run) -> None:
    assert run("label", "lone.jpg#1", "Zoe").out == ""
    assert run("undo").out == ""
    sheet = run("sheet")
    assert sheet.lines == [str(home.library / "sheet" / "index.html")]


def test_no_colour_where_there_is_no_terminal(reading, run) -> None:
    for words in (("people",), ("show", "Alice"), ("doctor",), ("status",)):
        assert "\x1b" not in run(*words).out


def test_a_reader_that_has_seen_enough_is_no_error(reading) -> None:
    script = f"{sys.executable} -m phototag.cli.app find --since 2000 | head -n 1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
