"""How `show` and `status` look to people."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from phototag.cli import console
from phototag.cli.progress import STAGES

if TYPE_CHECKING:
    from phototag.work.scan_news import Running
    from phototag.work.shown import (
        ClusterView,
        FaceLine,
        FaceView,
        FailureView,
        PersonView,
        PhotoView,
        View,
    )
    from phototag.work.status import Status
    from phototag.work.why import Levels, Word

    Row = tuple[str, str | Sequence[str]]

BYTES = ("bytes", "KB", "MB", "GB", "TB")


def as_json(view: View) -> dict[str, Any]:
    """A view as JSON; a face's case stands in the same row as the rest of it."""
    said = asdict(view)
    case = said.pop("case", None)
    if case is None:
        return said
    case.pop("face")
    return {**said, **case}


def view(view: View) -> None:
    """Sentences first, then what they stand on."""
    for sentence in view.why:
        console.out(sentence)
    tell: dict[str, Any] = {
        "face": _face,
        "photo": _photo,
        "cluster": _cluster,
        "person": _person,
        "failure": _failure,
    }
    rows = list(tell[view.kind](view))
    if any(value for _, value in rows):
        console.out("")
        _print(rows)


def _print(rows: Iterable[Row]) -> None:
    """`name  value`, a line for each value; names with nothing to say are left out."""
    listed = [(name, [value] if isinstance(value, str) else list(value)) for name, value in rows]
    listed = [(name, [v for v in values if v]) for name, values in listed]
    broad = max((len(name) for name, values in listed if values), default=0)
    for name, values in listed:
        for number, value in enumerate(values):
            head = console.painted(f"{name if number == 0 else '':<{broad}}", "dim", sys.stdout)
            console.out(f"{head}  {value}")


def _face(face: FaceView) -> Iterable[Row]:
    case = face.case
    x, y, width, height = face.box
    place = f"#{face.index}" if face.index is not None else ""
    yield "photo", console.shown(face.path or "?") + place
    yield "taken", (face.taken or "")[:16].replace("T", " ")
    yield "seen", face.seen or ""
    size = f"{width} x {height} px at {x}, {y}"
    seen = "drawn by hand" if face.score is None else f"detection {face.score:.2f}"
    yield "face", f"{size}; quality {case.quality:.2f}, {seen}"
    yield (
        "nearest",
        _columns(
            (f"{near.similarity:.2f}", near.person, near.face, console.shown(near.path or ""))
            for near in face.examples
        ),
    )
    yield (
        "people",
        _columns(
            (
                f"{r.score:.2f}",
                r.person,
                f"of {r.examples:,} example{'s' if r.examples > 1 else ''}",
                "you said no" if r.rejected else "",
            )
            for r in case.rivals
        ),
    )
    yield (
        "alike",
        _columns(
            (f"{m.similarity:.2f}", m.face, console.shown(m.path or "")) for m in face.nearest_mates
        ),
    )
    yield "never", ", ".join(face.rejected)
    yield "decisions", [_word(word) for word in face.history]
    yield "thresholds", _levels(face.thresholds)


def _photo(photo: PhotoView) -> Iterable[Row]:
    yield "files", [console.shown(path) for path in photo.paths]
    yield "was at", [console.shown(path) for path in photo.missing]
    yield "taken", (photo.taken or "")[:16].replace("T", " ")
    yield "picture", f"{photo.width} x {photo.height} px, {photo.format}"
    yield (
        "faces",
        _columns(
            (
                f"#{f.index}",
                f.id,
                f.seen or "",
                f.who,
                _figure(f.similarity),
                f"quality {f.quality:.2f}",
            )
            for f in photo.faces
        ),
    )
    yield "written", [console.shown(path) for path in photo.outputs]


def _failure(failure: FailureView) -> Iterable[Row]:
    yield "file", console.shown(failure.id)
    yield "reason", failure.reason


def _cluster(cluster: ClusterView) -> Iterable[Row]:
    if not cluster.is_alive:
        return
    yield "taken", _span(cluster.first, cluster.last)
    yield "best faces", _lines(cluster.members)
    yield (
        "beside",
        _columns(
            (f"{c.similarity:.2f}", c.id, f"{c.photos_shared:,} photos shared")
            for c in cluster.beside
        ),
    )
    yield "thresholds", _levels(cluster.thresholds)


def _person(person: PersonView) -> Iterable[Row]:
    yield "taken", _span(person.first, person.last)
    yield "least sure", _lines(person.doubtful)
    yield "decisions", [_word(word) for word in person.decisions]
    yield "thresholds", _levels(person.thresholds)


def _lines(faces: Sequence[FaceLine]) -> list[str]:
    return _columns(
        (_figure(f.similarity), f.id, f"quality {f.quality:.2f}", console.shown(f.path or ""))
        for f in faces
    )


def _columns(rows: Iterable[tuple[str, ...]]) -> list[str]:
    """Rows as lines, in columns."""
    listed = list(rows)
    widths = [max(console.width(cell) for cell in column) for column in zip(*listed, strict=True)]
    return [
        "  ".join(
            cell + " " * (width - console.width(cell))
            for cell, width in zip(row, widths, strict=True)
            if width
        ).rstrip()
        for row in listed
    ]


def _word(word: Word) -> str:
    undone = " (undone)" if word.undone else ""
    return f"{word.decision}  {word.time[:16].replace('T', ' ')}  {word.actor}  {word.text}{undone}"


def _levels(levels: Levels) -> list[str]:
    if levels.accept is None:
        return [f"none: {levels.source}"]
    names = ("accept", "suggest", "margin", "cluster")
    figures = ", ".join(f"{name} {getattr(levels, name):.3g}" for name in names)
    source, *more = levels.source.split("; ")
    return [figures, f"from {source}", *more, f"model {levels.model}"]


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _span(first: str | None, last: str | None) -> str:
    if first is None or last is None:
        return ""
    return first[:10] if first[:10] == last[:10] else f"{first[:10]} to {last[:10]}"


# ---- status


def status(found: Status, default: bool) -> None:
    """How the library stands."""
    _print(
        [
            ("library", console.shown(found.library) + (" (the default)" if default else "")),
            ("folders", [console.shown(root) for root in found.roots]),
            ("photos", _photos(found)),
            ("faces", _faces(found)),
            ("people", _people(found)),
            ("last scan", _last_scan(found)),
            ("at work", _writer(found)),
            ("waiting", _held(found)),
            ("decisions", f"{found.decisions:,} in the journal"),
            ("model", _levels(found.model) if found.model else found.model_problem or ""),
            ("disk", _disk(found)),
        ]
    )


def _photos(found: Status) -> list[str]:
    lines = [f"{found.photos:,} in {found.files:,} files"]
    if found.missing:
        lines.append(f"{_files(found.missing)} missing")
    if found.failed:
        lines.append(f"{_files(found.failed)} could not be read (phototag status --failed)")
    if found.unpublished:
        lines.append(f"{found.unpublished:,} wait for their sidecars (phototag sheet)")
    return lines


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"


def _faces(found: Status) -> list[str]:
    words = (
        ("manual", "named by you"),
        ("imported", "imported"),
        ("automatic", "recognised"),
        ("cluster", "in unnamed clusters"),
        ("unknown", "alone"),
        ("ignored", "ignored"),
        ("not_a_face", "not faces"),
        ("waiting", "wait for the next scan"),
    )
    parts = [f"{found.by_state[key]:,} {word}" for key, word in words if found.by_state[key]]
    lines = [f"{found.faces:,}" + (": " + ", ".join(parts) if parts else "")]
    if found.suggested:
        lines.append(f"{found.suggested:,} have a suggested name")
    return lines


def _last_scan(found: Status) -> list[str]:
    scan = found.last_scan
    if scan is None:
        return ["none yet"]
    ended = f", ended {_time(scan.ended)}" if scan.ended else ""
    lines = [f"{_time(scan.started)}{ended}: {scan.outcome}", console.shown(scan.command)]
    done = [
        f"{scan.summary[key]:,} {key}"
        for key in ("new", "edited", "moved", "missing", "failed", "faces")
        if scan.summary.get(key)
    ]
    return [*lines, ", ".join(done)] if done else lines


def _time(text: str | None) -> str:
    return (text or "")[:16].replace("T", " ")


def _people(found: Status) -> str:
    from phototag.core.types import number

    return f"{found.people:,} with a name, {number(found.clusters, 'unnamed cluster')}"


def _held(found: Status) -> str:
    if found.held is None:
        return ""
    lost = found.held.moved + found.held.withdrawn
    return f"{lost:,} changes of automatic names since {_time(found.held.since)} (phototag diff)"


def _writer(found: Status) -> str | list[str]:
    if found.writer is None:
        return "nobody"
    said = found.writer
    command = console.shown(str(said.get("command", "another phototag")))
    since = _time(said.get("started"))
    who = f"process {said.get('pid')} on {said.get('host')} since {since}: {command}"
    return who if found.scan is None else [who, _running(found.scan)]


def _running(scan: Running) -> str:
    """`Finding faces: 120 of 3,000 photos, 210 faces, about 12 min left`."""
    text = STAGES[scan.stage]
    if scan.total:
        text += f": {scan.done:,} of {scan.total:,} photos"
    if scan.faces:
        text += f", {scan.faces:,} faces"
    if scan.seconds_left is None:
        return text
    return f"{text}, about {in_time(scan.seconds_left)} left"


def in_time(seconds: float) -> str:
    """`45 s`, `12 min`, `3.5 h`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _disk(found: Status) -> str:
    disk = found.disk
    about = "about " if disk.pictures_are_estimated else ""
    backups = f", backups {in_bytes(disk.backups)}" if disk.backups else ""
    pictures = f"{about}{in_bytes(disk.pictures)}"
    return (
        f"catalogue {in_bytes(disk.catalogue)}, pictures {pictures}{backups}; "
        f"{in_bytes(disk.free)} free"
    )


def in_bytes(size: float) -> str:
    """`12.3 MB`."""
    unit = 0
    while size >= 1000 and unit < len(BYTES) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.0f} {BYTES[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {BYTES[unit]}"
