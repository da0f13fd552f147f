"""`phototag find`: who is on which photo."""

from __future__ import annotations

import os

import pytest

CAFE = b"2021/caf\xe9.jpg"


def names(home, ran) -> list[str]:
    """The paths of an answer, relative to the photos."""
    assert ran.code == 0, ran.err
    return [os.path.relpath(line, home.photos) for line in ran.lines]


def test_a_name_finds_all_files_of_all_photos_by_date(reading, run) -> None:
    assert names(reading, run("find", "Alice")) == [
        "statue.jpg",
        "alice 1.jpg",
        "alice 1 (copy).jpg",
        "alice-bob.jpg",
        "2020/alice3.jpg",
        "2021/alice4.jpg",
        "2021/twins.jpg",
        os.fsdecode(CAFE),
    ]


def test_several_names_are_together_in_a_photo(reading, run) -> None:
    both = ["alice-bob.jpg", os.fsdecode(CAFE)]
    assert names(reading, run("find", "alice", "bob")) == both
    assert names(reading, run("find", "Alice", "--with", "Bob")) == both


def test_any_of_several_names_is_enough_with_any(reading, run) -> None:
    found = names(reading, run("find", "Bob", "Carol", "--any"))
    assert found == [
        "carol1.jpg",
        "carol2.jpg",
        "bob.jpg",
        "alice-bob.jpg",
        os.fsdecode(CAFE),
    ]


def test_without_leaves_people_out(reading, run) -> None:
    assert names(reading, run("find", "Bob", "--without", "Alice")) == ["bob.jpg"]


def test_only_leaves_out_photos_with_anybody_else(reading, run) -> None:
    found = names(reading, run("find", "Alice", "--only"))
    assert "alice-bob.jpg" not in found
    assert "2021/twins.jpg" not in found  # its other face has no name
    assert "statue.jpg" in found  # what is not a face is nobody
    assert names(reading, run("find", "Alice", "--with", "Bob", "--only")) == [
        "alice-bob.jpg",
        os.fsdecode(CAFE),
    ]


def test_unknown_asks_for_faces_without_a_name(reading, run) -> None:
    assert names(reading, run("find", "Alice", "--unknown")) == ["2021/twins.jpg"]
    assert "lone.jpg" in names(reading, run("find", "--unknown"))


def test_suggested_counts_faces_that_may_be_the_person(reading, run) -> None:
    sure = names(reading, run("find", "Alice"))
    maybe = names(reading, run("find", "Alice", "--suggested"))
    assert set(maybe) - set(sure) == {"2021/dim.jpg", "2021/between.jpg"}


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        ("2019", "2019", ["alice 1.jpg", "alice 1 (copy).jpg", "alice-bob.jpg"]),
        ("2019-07-15", "2020", ["alice-bob.jpg", "2020/alice3.jpg"]),
        ("2019-07", "2019-07-14", ["alice 1.jpg", "alice 1 (copy).jpg"]),
        ("2020-01-01", "2020-01-01", ["2020/alice3.jpg"]),
    ],
)
def test_dates_are_years_months_or_days_and_include_their_end(
    reading, run, since: str, until: str, expected: list[str]
) -> None:
    assert names(reading, run("find", "Alice", "--since", since, "--until", until)) == expected


def test_dates_alone_are_a_search(reading, run) -> None:
    assert names(reading, run("find", "--until", "2013")) == ["nobody.jpg"]


def test_zero_bytes_end_paths_for_xargs_and_names_keep_their_bytes(reading, run) -> None:
    ran = run("find", "Bob", "-0")
    paths = os.fsencode(ran.out).split(b"\0")
    assert paths[-1] == b""
    assert os.fsencode(str(reading.photos)) + b"/" + CAFE in paths
    assert all(os.path.exists(path) for path in paths[:-1])
    assert run("find", "Bob", "--null").out == ran.out


def test_json_lines_say_who_else_is_there(reading, run) -> None:
    rows = run("find", "Bob", "--json").rows
    assert rows[1]["people"] == ["Alice", "Bob"]
    assert rows[0]["taken"] == "2018-05-01T09:00:00"


def test_nothing_found_is_one(reading, run) -> None:
    ran = run("find", "Carol", "--with", "Bob")
    assert (ran.code, ran.out, ran.err) == (1, "", "Nobody: no photo fits.\n")


def test_an_unknown_person_is_two_with_close_names(reading, run) -> None:
    ran = run("find", "Alcie")
    assert (ran.code, ran.out) == (2, "")
    assert "There is no person called 'Alcie'. Did you mean Alice?" in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "Say who or when"),
        (("--only",), "Say who or when"),
        (("--only", "--since", "2019"), "--only needs a name"),
        (("Alice", "--only", "--unknown"), "--only leaves out"),
        (("Alice", "--without", "alice"), "cannot be both in a photo and not in it"),
        (("--since", "2019-13"), "say it like 2019, 2019-07 or 2019-07-14"),
        (("--until", "2019-02-30"), "say it like"),
        (("--since", "last week"), "say it like"),
        (("--since", "２０１９"), "say it like"),
        (("--since", "2020", "--until", "2019-12"), "is later than"),
    ],
)
def test_words_that_do_not_fit_are_two_and_say_why(reading, run, words, said: str) -> None:
    ran = run("find", *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_missing_photo_is_not_found(reading, run) -> None:
    assert "gone.jpg" not in names(reading, run("find", "Bob"))
