"""The folder of a contact sheet: pages put into it, and pages that nothing needs any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from phototag.errors import CannotWrite
from phototag.output import atomic

FOLDERS = ("", "static", "people", "clusters", "photos")

MARKER = b'<meta name="generator" content="phototag">'
"""In every page, near its beginning: only pages that carry it are ever removed."""


@dataclass(slots=True)
class SheetFolder:
    """Takes the files of one writing of the sheet, and remembers them."""

    path: Path
    written: int = 0
    kept: set[str] = field(default_factory=set)

    def open(self) -> None:
        """Make the folders, and clear away what a crash left half written."""
        for name in FOLDERS:
            atomic.make_folder(self.path / name)
            atomic.sweep(self.path / name)

    def put(self, name: str, data: bytes) -> None:
        """Write a file, such as `people/person-1.html`, unless it is there as it should be."""
        self.kept.add(name)
        self.written += atomic.write_if_changed(self.path / name, data, flush_folder=False)

    def close(self) -> int:
        """Remove our pages that were not put this time; how many. Files of anybody else stay.

        Raises:
            CannotWriteFile: a page cannot be removed.
        """
        removed = 0
        for name in FOLDERS:
            for page in sorted((self.path / name).glob("*.html")):
                if page.relative_to(self.path).as_posix() not in self.kept and _is_ours(page):
                    removed += _remove(page)
        for name in FOLDERS:
            atomic.flush(self.path / name)
        return removed


def _is_ours(page: Path) -> bool:
    try:
        with page.open("rb") as file:
            return MARKER in file.read(1000)
    except OSError:
        return False


def _remove(page: Path) -> bool:
    try:
        page.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise CannotWrite(f"{page}: cannot be removed: {error.strerror}. Remove it.") from error
    return True
