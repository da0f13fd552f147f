"""Another library's decisions: they come over by the photo and the place of the face, never by its
numbers, and yield to what was decided here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from phototag.catalog import interchange as table
from phototag.catalog import store
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.interchange import PresentFile, Word
from phototag.catalog.store import Library
from phototag.core.lives import Life
from phototag.core.regions import Region
from phototag.errors import UsageError
from phototag.work.import_sources import Reader, Saying


@dataclass(frozen=True, slots=True)
class Besides:
    """What was decided there and names nobody: faces that are none or ignored, or not somebody."""

    file: PresentFile
    """Of this library."""
    words: tuple[Word, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """What another library says of photos that are here, too."""

    sayings: tuple[Saying, ...]
    besides: tuple[Besides, ...]
    lives: dict[str, Life]
    """By name."""


def read_other(lib: Library, folder: str, reader: Reader) -> Other:
    """Read it without writing there; photos that are not here count as strangers. Raises
    UsageError, NoLibrary and its kin."""
    if os.path.realpath(folder) == os.path.realpath(lib.folder):
        raise UsageError(f"{folder} is this library itself.")
    with closing(store.open_to_read(Path(folder))) as other:
        present: dict[str, list[str]] = {}
        pixels: dict[str, str] = {}
        for key, pixel_key, name in table.present_words(other):
            present.setdefault(key, []).append(name)
            pixels[key] = pixel_key
        words = {key: list(those) for key, those in groupby(table.words(other), lambda w: w.key)}
        pixels |= {key: those[0].pixel_key for key, those in words.items()}
        names = verdict_table.people(other)
        lives = {names[p]: life for p, life in verdict_table.lives(other).items() if p in names}
    sayings, besides = [], []
    for key in sorted(pixels):
        file = table.file_of(lib, key, pixels[key])
        if file is None:
            reader.strangers += 1
            continue
        regions = tuple(_regions(words.get(key, ())))
        rest = tuple(w for w in words.get(key, ()) if w.state != "person")
        if regions or key in present:
            sayings.append(Saying(file, regions, tuple(present.get(key, ()))))
        if rest:
            besides.append(Besides(file, rest))
    return Other(tuple(sayings), tuple(besides), lives)


def _regions(words: tuple[Word, ...] | list[Word]) -> Iterator[Region]:
    for word in words:
        if word.state == "person" and word.person is not None:
            yield Region(word.person, word.box.rounded())
