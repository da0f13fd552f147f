"""The photos of somebody, gathered in a folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from phototag.catalog.store import Library
from phototag.errors import UsageError
from phototag.images import packets
from phototag.images.markup import NotReadable, parse
from phototag.output import atomic
from phototag.output.embed import CannotEmbed
from phototag.output.strip import CannotStrip, without_people
from phototag.work.reports import Problem
from phototag.work.search import Wanted, search


@dataclass(slots=True)
class GatherReport:
    """What was put into the folder."""

    written: int = 0
    unchanged: int = 0
    problems: list[Problem] = field(default_factory=list)


def export_photos(
    lib: Library, people: Sequence[str], to: str, *, link: bool, strip: bool = False
) -> GatherReport:
    """Link or copy every photo with all of these people to the folder `to`, each photo once;
    `strip`: copies without the names and regions of anybody.

    A second run writes nothing. A name that is taken by another photo gets a number. Raises
    NotFound, UsageError, CannotWriteFile.
    """
    folder = Path(os.path.abspath(to))  # noqa: PTH100
    if strip and link:
        raise UsageError("A link shows the photo itself: --strip needs --copy.")
    hits = {hit.file.key: hit for hit in search(lib, Wanted(people=tuple(people)))}
    found = sorted((hit.file.path, hit.people) for hit in hits.values())
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{to} is a file, not a folder.")
    atomic.make_folder(folder)
    report = GatherReport()
    for source, names in found:
        try:
            done = _give(source, folder, names) if strip else _put(source, folder, link)
        except (CannotStrip, CannotEmbed, NotReadable) as error:
            report.problems.append(Problem(source, "not-written", str(error)))
            continue
        except OSError as error:
            report.problems.append(Problem(source, "not-written", error.strerror or str(error)))
            continue
        report.written += done
        report.unchanged += not done
    return report


def _put(source: str, folder: Path, link: bool) -> bool:
    """True if it was written. Raises OSError."""
    for target in _names(source, folder):
        if not os.path.lexists(target):
            (_link if link else _copy)(source, target)
            return True
        if _is_there(source, target, link):
            return False
    return False


def _give(source: str, folder: Path, names: Sequence[str]) -> bool:
    """A copy without people. Raises OSError, CannotStrip, CannotEmbed, NotReadable."""
    data = Path(source).read_bytes()
    documents = packets.embedded(data)
    packet = documents[0].data if documents else None
    stripped = without_people(data, packet, parse, names)
    for target in _names(source, folder):
        if not os.path.lexists(target):
            atomic.write(target, stripped)
            status = os.stat(source)  # noqa: PTH116
            os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))
            return True
        if atomic.holds(target, stripped):
            return False
    return False


def _names(source: str, folder: Path) -> Iterator[Path]:
    stem, suffix = os.path.splitext(os.path.basename(source))  # noqa: PTH119, PTH122
    yield folder / f"{stem}{suffix}"
    number = 2
    while True:
        yield folder / f"{stem} ({number}){suffix}"
        number += 1


def _is_there(source: str, target: Path, link: bool) -> bool:
    if link:
        return target.is_symlink() and os.readlink(target) == source  # noqa: PTH115
    if target.is_symlink() or not target.is_file():
        return False
    one, other = os.stat(source), target.stat()  # noqa: PTH116
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)


def _link(source: str, target: Path) -> None:
    target.symlink_to(source)


def _copy(source: str, target: Path) -> None:
    """Whole or not at all, with the photo's times."""
    temporary = target.with_name(atomic.temporary_name())
    try:
        shutil.copy2(source, temporary)
        temporary.rename(target)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
