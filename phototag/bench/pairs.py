"""Pairs of photos to be told apart: LFW's `pairs.txt` format, or CSV."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from phototag.core.types import first_line
from phototag.errors import UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".JPG", ".JPEG", ".PNG", ".bmp")
YES, NO = {"1", "true", "yes", "same"}, {"0", "false", "no", "different"}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two photos, and whether they show the same person."""

    first: Path
    second: Path
    same: bool
    fold: int
    names: tuple[str, str] | None = None
    """Who they show, where the file says it."""


def read_pairs(path: Path, images: Path) -> list[Pair]:
    """The pairs in `path`, their photos under `images`: flat (`NAME_0001.jpg`) or in a folder for
    each person.

    LFW's format: a first line `PAIRS` or `FOLDS<tab>PAIRS`, then `name n1 n2` or `name1 n1 name2
    n2`, separated by tabs. CSV: a header with `first`, `second`, `same` (1 or 0), optionally
    `fold`. Raises UsageError, with the line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: the pairs cannot be read ({error}).") from error
    lines = text.splitlines()
    is_csv = path.suffix.lower() == ".csv" or "," in next(iter(lines), "")
    pairs = _from_csv(lines, path, images) if is_csv else _from_lfw(lines, path, images)
    if not pairs:
        raise UsageError(f"{path}: there is no pair in it.")
    _must_exist(path, pairs)
    return pairs


def _from_lfw(lines: Sequence[str], path: Path, images: Path) -> list[Pair]:
    rows = [(i, line.split("\t")) for i, line in enumerate(lines, 1) if line.strip()]
    if not rows or not all(part.strip().isdigit() for part in rows[0][1]):
        raise UsageError(
            f"{path}: the first line must say how many pairs there are, as LFW's does."
        )
    head = [int(part) for part in rows[0][1]]
    each = head[1] if len(head) == 2 else 0
    pairs = []
    for place, (number, parts) in enumerate(rows[1:]):
        fold = place // (2 * each) if each else place % 10
        pairs.append(_lfw_pair(parts, fold, f"{path}, line {number}", images))
    return pairs


def _lfw_pair(parts: Sequence[str], fold: int, where: str, images: Path) -> Pair:
    if len(parts) not in (3, 4) or not parts[1].isdigit() or not parts[-1].strip().isdigit():
        raise UsageError(
            f"{where}: expected `name n1 n2` or `name1 n1 name2 n2`, separated by tabs."
        )
    one, other = parts[0], parts[0] if len(parts) == 3 else parts[2]
    return Pair(
        first=_photo(images, one, int(parts[1])),
        second=_photo(images, other, int(parts[-1])),
        same=len(parts) == 3,
        fold=fold,
        names=(one, other),
    )


def _photo(images: Path, name: str, number: int) -> Path:
    stem = f"{name}_{number:04d}"
    for folder in (images, images / name):
        for suffix in SUFFIXES:
            if (folder / f"{stem}{suffix}").is_file():
                return folder / f"{stem}{suffix}"
    return images / f"{stem}.jpg"


def _from_csv(lines: Sequence[str], path: Path, images: Path) -> list[Pair]:
    reader = csv.DictReader(lines)
    missing = {"first", "second", "same"} - set(reader.fieldnames or ())
    if missing:
        raise UsageError(f"{path}: its header lacks {first_line(sorted(missing))}.")
    pairs = []
    for place, row in enumerate(reader):
        said = (row["same"] or "").strip().lower()
        if said not in YES | NO or not row["first"] or not row["second"]:
            raise UsageError(f"{path}, line {place + 2}: expected two photos and same = 1 or 0.")
        fold = row.get("fold") or ""
        pairs.append(
            Pair(
                first=images / row["first"],
                second=images / row["second"],
                same=said in YES,
                fold=int(fold) if fold.isdigit() else place % 10,
            )
        )
    return pairs


def _must_exist(path: Path, pairs: Sequence[Pair]) -> None:
    photos = sorted({p for pair in pairs for p in (pair.first, pair.second)})
    lost = [str(p) for p in photos if not p.is_file()]
    if lost:
        raise UsageError(
            f"{path}: {len(lost)} of its {len(photos)} photos do not exist: {first_line(lost)}. "
            "Is --images the right folder?"
        )
