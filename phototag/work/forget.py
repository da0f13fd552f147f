"""Forget a person: everywhere that phototag keeps or wrote something of them, and proof of it."""

from __future__ import annotations

import html
import json
import os
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from phototag.catalog import assignments as assignment_table
from phototag.catalog import forgetting as table
from phototag.catalog import interchange, journal, mirror, store
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.arrays import forget_arrays, sweep_arrays
from phototag.catalog.store import CATALOG, Library
from phototag.core.decisions import Decision
from phototag.core.drawings import drawings_of
from phototag.core.forgetting import Forgotten, without
from phototag.errors import UsageError
from phototag.images import packets
from phototag.output import sidecar
from phototag.settings import Settings
from phototag.work.deciding import Ground
from phototag.work.export_xmp import EMBEDDED, XmpWriter
from phototag.work.group import regroup
from phototag.work.names import person_wanted
from phototag.work.pictures import crop_path
from phototag.work.publish import Publisher
from phototag.work.reports import Problem
from phototag.work.verdicts import replay_all

READ_AS_BYTES = 5
"""Least bytes of a name that is looked for in the raw catalogue: shorter ones occur by chance among
its vectors."""

PICTURES = (".webp", ".npy", ".onnx", ".npz")


@dataclass(frozen=True, slots=True)
class Trace:
    """A place where a name was found."""

    store: str
    """`catalogue`, `library`, `beside photos`, `in photos`."""
    where: str
    count: int


@dataclass(slots=True)
class ForgetReport:
    """What was forgotten, and what is left."""

    person: str
    decisions: int = 0
    """Rows of the journal that say nothing (or less) now."""
    faces: int = 0
    """Faces that were removed with their vectors and pictures."""
    backups: list[str] = field(default_factory=list)
    """Copies of the catalogue that were removed because they held the name."""
    searched: int = 0
    """Files that were looked into."""
    traces: list[Trace] = field(default_factory=list)
    """Where the name still is."""
    in_paths: bool = False
    """Whether photos' own paths hold the name."""
    problems: list[Problem] = field(default_factory=list)


def forget(
    lib: Library,
    settings: Settings,
    ground: Ground,
    name: str,
    *,
    faces: bool = False,
    default_library: bool = True,
) -> ForgetReport:
    """Remove a person from the catalogue, the journal, its mirror, every output, the XMP that
    phototag wrote, and its backups; `faces`: their faces and vectors, too. It cannot be undone.

    Raises NotFound, CannotWrite.
    """
    person = person_wanted(lib, name)
    shown = verdict_table.people(lib)[person]
    rows = journal.decisions(lib)
    gone = without(rows, shown)
    report = ForgetReport(shown, decisions=len(gone.rows))
    removed = _from_the_catalogue(lib, ground, person, rows, gone, faces)
    report.faces = len(removed)
    for key, face in removed:
        with suppress(OSError):
            (lib.folder / crop_path(key, face)).unlink()
    kept = mirror.rewrite(lib)
    if kept is not None:
        kept.unlink(missing_ok=True)
    Publisher(lib, settings, ground.model, default_library=default_library).run()
    for embed in (False, True):
        writer = XmpWriter(lib, embed=embed, known_only=True)
        report.problems += writer.run().problems
    report.backups = _drop_backups(lib, gone.names)
    table.compact(lib)
    store.hide_command(lib)
    look(lib, gone.names, report)
    return report


def _from_the_catalogue(
    lib: Library,
    ground: Ground,
    person: int,
    rows: Iterable[Decision],
    gone: Forgotten,
    faces: bool,
) -> list[tuple[str, int]]:
    """(photo key, face) of the faces that were removed."""
    drawn = [d for row in rows if row.id in gone.rows for d in drawings_of(row)]
    hers = assignment_table.assigned(lib, "person_id", person) if faces else []
    with lib.transaction():
        table.rewrite_rows(lib, gone.rows)
        row = journal.append(lib, time=ground.now, actor=ground.actor, kind="forget", payload={})
        verdict_table.release_people(lib, [person])
        change = replay_all(lib)
        removed = table.drop_past_drawings(lib, drawn) + table.drop_faces(lib, hers)
        for name in gone.names:
            table.hide_in_runs(lib, name)
        forget_arrays(lib)
        regroup(lib, ground.model, ground.thresholds, change, decision=row.id)
    sweep_arrays(lib)
    return removed


def _drop_backups(lib: Library, names: Iterable[str]) -> list[str]:
    """Copies of the catalogue, and journals kept by a repair, that hold a name."""
    looked_for = _spellings(names)
    kept = [*(lib.folder / "backups").glob("*"), *lib.folder.glob("journal.jsonl.before-repair*")]
    found = [path for path in sorted(kept) if path.is_file() and _count(path, looked_for)]
    for path in found:
        path.unlink()
    return [str(path) for path in found]


# ---- proof


def check(lib: Library, name: str) -> ForgetReport:
    """Look for a name in all stores, without changing anything."""
    report = ForgetReport(name)
    if not name.strip():
        raise UsageError('Say a name: phototag forget --check "Alice".')
    look(lib, {name}, report)
    return report


def look(lib: Library, names: Iterable[str], report: ForgetReport) -> None:
    """Note every place that holds one of the names."""
    names = sorted(names)
    for name in names:
        for place, count in table.mentions(lib, name).items():
            report.traces.append(Trace("catalogue", f"table {place}", count))
        report.in_paths |= table.is_in_paths(lib, name)
    looked_for = _spellings(names)
    raw = [s for s in looked_for if len(s) >= READ_AS_BYTES]
    for kind, path in _files(lib):
        report.searched += 1
        is_catalogue = path.name.startswith(CATALOG)
        count = _count(path, raw if is_catalogue else looked_for)
        if count and not (is_catalogue and report.in_paths):
            report.traces.append(Trace(kind, str(path), count))


def _files(lib: Library) -> Iterator[tuple[str, Path]]:
    """Every file of the library that can hold a name, and those that phototag writes beside
    photos."""
    for folder, _, names in os.walk(lib.folder):
        for name in sorted(names):
            if not name.endswith(PICTURES):
                yield "library", Path(folder) / name
    for file in interchange.files_below(lib):
        beside = Path(file.path).parent / sidecar.name_for(file.path)
        for path in (beside, Path(packets.sidecars_of(file.path)[0])):
            if path.is_file():
                yield "beside photos", path
    for photo in interchange.written_into(lib, EMBEDDED):
        yield "in photos", Path(photo)


def _spellings(names: Iterable[str]) -> list[bytes]:
    """A name as the stores may hold it: UTF-8, as JSON, XML and HTML write it; in small letters."""
    found = set()
    for name in names:
        for form in ("NFC", "NFD"):
            text = unicodedata.normalize(form, name)
            said = (text, json.dumps(text)[1:-1], html.escape(text), html.escape(text, quote=False))
            found |= {each.encode().lower() for each in said}
            found.add(json.dumps(text, ensure_ascii=False)[1:-1].encode().lower())
    return sorted(found)


def _count(path: Path, looked_for: Iterable[bytes]) -> int:
    try:
        data = path.read_bytes().lower()
    except OSError:
        return 0
    return sum(data.count(each) for each in looked_for if each)
