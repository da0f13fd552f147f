"""What goes wrong ends with a sentence and the right exit code, never with a traceback."""

from __future__ import annotations

import sqlite3

import pytest

READERS = (
    ("status",),
    ("clusters",),
    ("people",),
    ("log",),
    ("show", "face-1"),
    ("find", "Alice"),
)
WRITERS = (
    ("label", "face-1", "Alice"),
    ("reject", "face-1", "Alice"),
    ("ignore", "face-1"),
    ("not-a-face", "face-1"),
    ("restore", "face-1"),
    ("rename", "Alice", "Amy"),
    ("merge", "Alice", "Bob"),
    ("split", "Alice", "--faces", "face-1"),
    ("undo",),
    ("redo",),
    ("sheet",),
    ("relocate", "/a", "/b"),
)


def one_sentence(ran) -> str:
    """What went wrong, checked for its form."""
    assert ran.out == ""
    assert "Traceback" not in ran.err
    assert ran.err.startswith("phototag: ")
    return ran.err


@pytest.mark.parametrize("words", READERS + WRITERS, ids=" ".join)
def test_without_a_library_the_way_to_make_one_is_told(run, tmp_path, words) -> None:
    ran = run(*words, "--library", tmp_path / "nowhere")
    assert ran.code == 5
    assert "There is no library in" in one_sentence(ran)
    assert "phototag scan" in ran.err
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("words", [*READERS, *WRITERS, ("scan", "."), ("doctor",)], ids=" ".join)
def test_a_library_of_a_newer_phototag_is_left_alone(catalogue, run, words) -> None:
    catalogue.sql("PRAGMA user_version = 99")
    before = catalogue.sql("SELECT COUNT(*) FROM decisions")
    ran = run(*words)
    assert ran.code == 5
    assert "Upgrade phototag." in ran.out + ran.err
    assert catalogue.sql("SELECT COUNT(*) FROM decisions") == before


@pytest.mark.parametrize("words", [*READERS, *WRITERS, ("scan", ".")], ids=" ".join)
def test_a_catalogue_that_is_no_database_is_named(catalogue, run, words) -> None:
    (catalogue.library / "catalog.sqlite").write_bytes(b"no database" * 500)
    ran = run(*words)
    assert ran.code == 5
    assert "catalog.sqlite cannot be read" in one_sentence(ran)
    assert "your decisions are kept in journal.jsonl" in ran.err


@pytest.mark.parametrize(
    "words", [("people",), ("show", "Alice"), ("find", "Alice"), ("status",)], ids=" ".join
)
def test_a_catalogue_with_a_hole_in_it_is_damaged_not_unforeseen(catalogue, run, words) -> None:
    """Pages in the middle of the file are overwritten, as a failing disk does."""
    catalogue.sql("PRAGMA wal_checkpoint(TRUNCATE)")
    path = catalogue.library / "catalog.sqlite"
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(data)
    ran = run(*words)
    assert ran.code == 5
    assert "Traceback" not in ran.err
    assert "catalog.sqlite" in ran.err
    assert "foreseen" not in ran.err


@pytest.mark.parametrize(
    "words",
    [
        ("frobnicate",),
        ("find", "--frobnicate"),
        ("clusters", "--limit", "0"),
        ("clusters", "--limit", "many"),
        ("clusters", "--min", "0"),
        ("label",),
        ("label", "face-1"),
        ("show",),
        ("relocate", "/a"),
        ("scan",),
    ],
    ids=" ".join,
)
def test_wrong_words_are_two_and_say_what_is_wrong(reading, run, words) -> None:
    ran = run(*words)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err
    assert "Traceback" not in ran.err


def test_no_command_shows_the_help_and_is_a_usage_error(run) -> None:
    ran = run()
    assert ran.code in (0, 2)
    assert "Every day:" in ran.out + ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("label", "face-999", "Alice"), "There is no face-999."),
        (("label", "cluster-999", "Alice"), "There is no cluster-999."),
        (("label", "nosuch.jpg#1", "Alice"), "There is no face, cluster, person or photo"),
        (("label", "bob.jpg#9", "Alice"), "has 1 faces; there is no #9"),
        (("label", "alice-bob.jpg", "Alice"), "has 2 faces; say which one"),
        (("label", "nobody.jpg", "Alice"), "has no face"),
        (("label", "face-1", "   "), "A name needs at least one letter"),
        (("label", "face-1", "x" * 300), "200 characters"),
        (("label", "Alice", "Bob"), "is a person"),
        (("label", "face-1", "Bob", "--create"), "There is a person called 'Bob' already."),
        (("reject", "face-1", "Nobody"), "There is no person called 'Nobody'."),
        (("rename", "Alicia", "Amy"), "Did you mean Alice?"),
        (("rename", "Alice", "bob"), "phototag merge"),
        (("merge", "Alice", "alice"), "are one person already"),
        (("split", "Alice", "--faces", "bob.jpg#1"), "not Alice"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_decisions_that_cannot_be_are_refused(catalogue, run, words, said: str) -> None:
    before = catalogue.sql("SELECT * FROM decisions")
    ran = run(*words)
    assert ran.code == 2
    assert said in one_sentence(ran)
    assert catalogue.sql("SELECT * FROM decisions") == before


def test_nothing_to_undo_is_one(catalogue, run) -> None:
    catalogue.sql("DELETE FROM decisions")
    (catalogue.library / "journal.jsonl").unlink()
    ran = run("undo")
    assert ran.code == 1
    assert "There is no decision to undo." in ran.err


def test_a_second_writer_is_told_who_the_first_is(catalogue, run) -> None:
    import fcntl

    with (catalogue.library / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(
            '{"pid": 4711, "host": "nas", "command": "phototag scan /p", "started": "today"}'
        )
        lock.flush()
        ran = run("label", "lone.jpg#1", "Lonely")
    assert ran.code == 75
    assert "process 4711 on nas (phototag scan /p, since today)" in one_sentence(ran)


def test_debug_shows_where_it_happened(catalogue, run, monkeypatch) -> None:
    monkeypatch.setenv("PHOTOTAG_DEBUG", "1")
    with pytest.raises(Exception, match="There is no face-999"):
        run("show", "face-999")


def test_a_locked_out_database_is_told_in_words(catalogue, run) -> None:
    """Another program holds SQLite's own lock: readers still read (WAL)."""
    db = sqlite3.connect(catalogue.library / "catalog.sqlite", isolation_level=None)
    db.execute("BEGIN IMMEDIATE")
    try:
        assert run("people").code == 0
    finally:
        db.execute("ROLLBACK")
        db.close()
