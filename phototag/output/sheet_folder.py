"""The folder of a contact sheet: what lies in it, what was put into it, and what nothing needs any
more."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from phototag.errors import CannotWrite
from phototag.output import atomic

FOLDERS = ("", "static", "people", "clusters", "photos")

RECORD = ".pages.json"
"""Which pages were made from what: lets the next writing pass over those that would be the same."""

MARKER = b'<meta name="generator" content="phototag">'
"""In every page, near its beginning: only pages that carry it are ever removed."""


@dataclass(slots=True)
class SheetFolder:
    """Takes the files of one writing of the sheet, and remembers them.

    The record is removed before the first file changes and comes back at the end: a writing that
    was cut off leaves none, and the next one makes every page again.
    """

    path: Path
    made_by: str
    """Names the templates and code: a record of others is not believed."""
    written: int = 0
    kept: set[str] = field(default_factory=set)
    present: set[str] = field(default_factory=set)
    former: Mapping[str, Any] = field(default_factory=dict)
    record: dict[str, Any] = field(default_factory=dict)

    def open(self, *, fresh: bool) -> None:
        """Make the folders, clear away what a crash left half written, and read the record unless
        `fresh`."""
        for name in FOLDERS:
            atomic.make_folder(self.path / name)
            atomic.sweep(self.path / name)
            with os.scandir(self.path / name) as found:
                self.present.update(f"{name}/{f.name}".lstrip("/") for f in found)
        if not fresh:
            self.former = self._read_record()

    def put(self, name: str, data: bytes) -> None:
        """Write a file, such as `people/person-1.html`, unless it is there as it should be."""
        self.kept.add(name)
        if name in self.present and atomic.holds(self.path / name, data):
            return
        if not self.written:
            self._forget_record()
        atomic.write(self.path / name, data, flush_folder=False)
        self.written += 1

    def keep(self, key: str, made_from: str) -> bool:
        """Keep the pages of `key`, if the record says that they were made from the same and all
        are there."""
        entry = self.former.get(key)
        if entry is None or entry["from"] != made_from:
            return False
        if not self.present.issuperset(entry["pages"]):
            return False
        self.kept.update(entry["pages"])
        self.record[key] = entry
        return True

    def keep_for_now(self, key: str) -> bool:
        """Keep the pages of `key` as they are, though they would be others now, if all are there:
        the next writing finds them so again."""
        entry = self.former.get(key)
        if entry is None or not self.present.issuperset(entry["pages"]):
            return False
        self.kept.update(entry["pages"])
        self.record[key] = entry
        return True

    def close(self, *, remove: bool = True) -> int:
        """Remove our pages that were not put or kept this time, unless pages that were kept for now
        may still lead to them; how many. Files of anybody else stay.

        Raises:
            CannotWrite: a page cannot be removed.
        """
        gone = self.present - self.kept if remove else set()
        stale = sorted(n for n in gone if n.endswith(".html"))
        removed = sum(_remove(self.path / name) for name in stale)
        content = {"phototag": {"kind": "pages", "made_by": self.made_by}, "pages": self.record}
        data = json.dumps(content, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        atomic.write_if_changed(self.path / RECORD, data, flush_folder=False)
        if self.written or removed:
            for name in FOLDERS:
                atomic.flush(self.path / name)
        return removed

    def _read_record(self) -> Mapping[str, Any]:
        try:
            content = json.loads((self.path / RECORD).read_bytes())
            pages: Mapping[str, Any] = content["pages"]
            return pages if content["phototag"]["made_by"] == self.made_by else {}
        except (OSError, ValueError, KeyError, TypeError):
            return {}  # without a record every page is made again: slower, nothing else

    def _forget_record(self) -> None:
        path = self.path / RECORD
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise atomic.CannotWriteFile(path, error) from error


def _remove(page: Path) -> bool:
    try:
        with page.open("rb") as file:
            if MARKER not in file.read(1000):
                return False
        page.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CannotWrite(f"{page}: cannot be removed: {error.strerror}. Remove it.") from error
    return True
