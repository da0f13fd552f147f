"""Tables of pairs, as LFW writes them and as a spreadsheet does."""

from __future__ import annotations

from pathlib import Path

import pytest

from phototag.bench.pairs import read_pairs
from phototag.errors import UsageError


def photos(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")


def test_the_development_pairs_are_read_whole(shared: Path) -> None:
    pairs = read_pairs(shared / "lfw_dev" / "pairs.txt", shared / "lfw_dev" / "images")
    assert len(pairs) == 1000
    assert sum(pair.same for pair in pairs) == 500
    assert [sum(pair.fold == fold for pair in pairs) for fold in range(10)] == [100] * 10
    assert pairs[0].names == ("Abdullah_Gul", "Abdullah_Gul")
    assert pairs[0].first.name == "Abdullah_Gul_0013.jpg"


def test_photos_may_lie_flat_or_in_a_folder_for_each_person(tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text("1\nAnn\t1\t2\nAnn\t1\tBo\t3\n")
    photos(tmp_path, "Ann_0001.png", "Ann/Ann_0002.jpg", "Bo/Bo_0003.webp")
    same, other = read_pairs(tmp_path / "pairs.txt", tmp_path)
    assert [
        p.relative_to(tmp_path).as_posix() for p in (same.first, same.second, other.second)
    ] == [
        "Ann_0001.png",
        "Ann/Ann_0002.jpg",
        "Bo/Bo_0003.webp",
    ]
    assert (same.same, other.same) == (True, False)


def test_folds_are_those_of_the_file(tmp_path: Path) -> None:
    lines = ["Ann\t1\t2", "Ann\t1\tBo\t1"] * 3
    (tmp_path / "pairs.txt").write_text("3\t1\n" + "\n".join(lines) + "\n")
    photos(tmp_path, "Ann_0001.jpg", "Ann_0002.jpg", "Bo_0001.jpg")
    pairs = read_pairs(tmp_path / "pairs.txt", tmp_path)
    assert [pair.fold for pair in pairs] == [0, 0, 1, 1, 2, 2]


def test_a_table_with_columns_is_read_too(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text(
        "first,second,same,fold\na.jpg,b.jpg,1,4\na.jpg,c.jpg,no,2\n"
    )
    photos(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    one, two = read_pairs(tmp_path / "pairs.csv", tmp_path)
    assert (one.same, one.fold, two.same, two.fold) == (True, 4, False, 2)
    assert one.names is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("hello\n", "how many pairs"),
        ("1\nAnn\t1\n", "line 2"),
        ("1\n", "no pair"),
        ("1\nAnn\t1\t2\n", "2 of its 2 photos do not exist"),
        ("first,second\na,b\n", "lacks same"),
        ("first,second,same\na.jpg,b.jpg,perhaps\n", "line 2"),
    ],
)
def test_a_table_that_makes_no_sense_says_where(text: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "pairs.txt").write_text(text)
    with pytest.raises(UsageError, match=word):
        read_pairs(tmp_path / "pairs.txt", tmp_path)


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.txt"):
        read_pairs(tmp_path / "none.txt", tmp_path)
