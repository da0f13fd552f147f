"""Which photos: by who is in them, who is not, and when they were taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from phototag.catalog.photos import absolute
from phototag.catalog.store import Library, restored
from phototag.catalog.views import WHEN


@dataclass(frozen=True, slots=True)
class Query:
    """Which photos: all conditions hold."""

    people: Sequence[int] = ()
    """Each is in the photo."""
    any_of: Sequence[int] = ()
    """At least one of them is."""
    without: Sequence[int] = ()
    only: bool = False
    """Nobody else is: every face is one of `people` or `any_of`, or ignored."""
    unknown: bool = False
    """A face without a name is in it."""
    since: str | None = None
    until: str | None = None
    """ISO dates; `until` includes its whole day, month or year."""
    suggested: bool = False
    """A suggestion counts as being in it."""


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A file of a photo that was searched for."""

    photo: int
    key: str
    path: str
    """Absolute, with surrogate escapes where it is not UTF-8."""
    taken: str | None


def find(lib: Library, query: Query) -> Iterator[FoundFile]:
    """Every present file of every photo that is meant, by date, then path."""
    conditions, values = _conditions(query)
    rows = lib.db.execute(
        f"SELECT ph.id, ph.key, r.path AS root, p.dir, p.name, {WHEN} AS at FROM photos ph"
        " JOIN paths p ON p.photo_id = ph.id AND p.missing_since IS NULL"
        f" JOIN roots r ON r.id = p.root_id WHERE {' AND '.join(conditions)}"
        " ORDER BY at, ph.key, p.id",
        values,
    )
    for row in rows:
        path = absolute(restored(row["root"]), restored(row["dir"]), restored(row["name"]))
        yield FoundFile(row["id"], row["key"], path, row["at"])


def _conditions(query: Query) -> tuple[list[str], list[int | str]]:
    """The query in SQL. People come as `IN`: their faces' index leads the way, not all photos."""
    conditions: list[str] = ["ph.live = 1"]
    values: list[int | str] = []
    for group in [*([person] for person in query.people), query.any_of]:
        if group:
            marks = ",".join("?" * len(group))
            parts = [f"{_PHOTOS_WITH} a.person_id IN ({marks})", f"{_PRESENT} ({marks})"]
            if query.suggested:
                parts.append(f"{_PHOTOS_WITH} a.suggestion_id IN ({marks})")
            conditions.append(f"ph.id IN ({' UNION '.join(parts)})")
            values += [*group] * len(parts)
    for person in query.without:
        conditions.append(f"ph.id NOT IN ({_PHOTOS_WITH} a.person_id = ? UNION {_PRESENT} (?))")
        values += [person, person]
    if query.only:
        wanted = [*query.people, *query.any_of]
        marks = ",".join("?" * len(wanted))
        maybe = f" AND (a.suggestion_id IS NULL OR a.suggestion_id NOT IN ({marks}))"
        conditions.append(
            f"NOT {_HAS} AND a.state NOT IN ('ignored', 'not_a_face')"
            f" AND (a.person_id IS NULL OR a.person_id NOT IN ({marks}))"
            f"{maybe if query.suggested else ''})"
        )
        values += wanted * (2 if query.suggested else 1)
    if query.unknown:
        conditions.append(f"{_HAS} AND a.state IN ('unknown', 'cluster'))")
    if query.since is not None:
        conditions.append(f"{WHEN} >= ?")
        values.append(query.since)
    if query.until is not None:
        conditions.append(f"substr({WHEN}, 1, ?) <= ?")
        values += [len(query.until), query.until]
    return conditions, values


_PHOTOS_WITH = "SELECT f.photo_id FROM assignments a JOIN faces f ON f.id = a.face_id WHERE"

_PRESENT = "SELECT photo_id FROM present_photos WHERE person_id IN"
"""Photos that somebody is in without a face."""

_HAS = (
    "EXISTS (SELECT 1 FROM faces f JOIN assignments a ON a.face_id = f.id WHERE f.photo_id = ph.id"
)


def names_in(lib: Library, photos: Sequence[int]) -> dict[int, list[str]]:
    """For each photo with somebody in it, their names, sorted."""
    found: dict[int, list[str]] = {}
    for start in range(0, len(photos), 900):
        block = photos[start : start + 900]
        rows = lib.db.execute(
            "SELECT f.photo_id, p.name FROM faces f"
            " JOIN assignments a ON a.face_id = f.id JOIN people p ON p.id = a.person_id"
            f" WHERE f.photo_id IN ({','.join('?' * len(block))})"
            " UNION SELECT v.photo_id, p.name FROM present_photos v"
            " JOIN people p ON p.id = v.person_id"
            f" WHERE v.photo_id IN ({','.join('?' * len(block))}) ORDER BY 2",
            tuple(block) * 2,
        )
        for row in rows:
            found.setdefault(int(row[0]), []).append(str(row[1]))
    return found
