"""What grids show, a page at a time: nothing here grows with the library but the count along an
index."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from phototag.catalog import views
from phototag.catalog.store import Library
from phototag.catalog.views import WHEN, PhotoRow, SeenFace

BY_QUALITY = "a.state = 'automatic', f.quality DESC, f.id"
BY_DATE = f"{WHEN} DESC, f.id"
BY_SUGGESTION = "a.suggestion_score DESC, f.id"
BY_DOUBT = "a.state != 'automatic', a.score, f.id"
_ORDERS = (BY_QUALITY, BY_DATE, BY_SUGGESTION, BY_DOUBT)
_COLUMNS = ("person_id", "cluster_id", "suggestion_id")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of a grid."""

    size: int
    number: int = 1
    """From 1."""

    @property
    def start(self) -> int:
        return (max(1, self.number) - 1) * self.size


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person in a grid."""

    id: int
    name: str
    faces: int
    suggested: int


def people(lib: Library, page: Page) -> list[Somebody]:
    """Most faces first."""
    rows = lib.db.execute(
        "SELECT p.id, p.name,"
        " (SELECT COUNT(*) FROM assignments a WHERE a.person_id = p.id) AS faces,"
        " (SELECT COUNT(*) FROM assignments s WHERE s.suggestion_id = p.id) AS suggested"
        " FROM people p ORDER BY faces DESC, p.name LIMIT ? OFFSET ?",
        (page.size, page.start),
    )
    return [Somebody(*row) for row in rows]


def person(lib: Library, number: int) -> Somebody | None:
    row = lib.db.execute(
        "SELECT p.id, p.name,"
        " (SELECT COUNT(*) FROM assignments a WHERE a.person_id = p.id),"
        " (SELECT COUNT(*) FROM assignments s WHERE s.suggestion_id = p.id)"
        " FROM people p WHERE p.id = ?",
        (number,),
    ).fetchone()
    return None if row is None else Somebody(*row)


def count_people(lib: Library) -> int:
    return int(lib.db.execute("SELECT COUNT(*) FROM people").fetchone()[0])


def clusters(lib: Library, page: Page) -> list[tuple[int, int]]:
    """(cluster, faces), largest first."""
    rows = lib.db.execute(
        "SELECT cluster_id, COUNT(*) AS faces FROM assignments WHERE cluster_id IS NOT NULL"
        " GROUP BY cluster_id ORDER BY faces DESC, cluster_id LIMIT ? OFFSET ?",
        (page.size, page.start),
    )
    return [(int(row[0]), int(row[1])) for row in rows]


def count_clusters(lib: Library) -> tuple[int, int]:
    """(clusters, faces in them)."""
    row = lib.db.execute(
        "SELECT COUNT(DISTINCT cluster_id), COUNT(*) FROM assignments WHERE cluster_id IS NOT NULL"
    ).fetchone()
    return int(row[0]), int(row[1])


def count_faces(lib: Library, column: str, number: int) -> int:
    """Faces of a person (`person_id`), cluster (`cluster_id`) or suggestion (`suggestion_id`)."""
    _known(column, _COLUMNS)
    row = lib.db.execute(f"SELECT COUNT(*) FROM assignments WHERE {column} = ?", (number,))
    return int(row.fetchone()[0])


def faces(
    lib: Library, column: str, number: int, page: Page, order: str = BY_QUALITY
) -> list[SeenFace]:
    """Faces of a person, cluster or suggestion, in one of this module's orders."""
    _known(column, _COLUMNS)
    _known(order, _ORDERS)
    rows = lib.db.execute(
        "SELECT f.id FROM assignments a JOIN faces f ON f.id = a.face_id"
        f" JOIN photos ph ON ph.id = f.photo_id WHERE a.{column} = ?"
        f" ORDER BY {order} LIMIT ? OFFSET ?",
        (number, page.size, page.start),
    ).fetchall()
    found = (views.seen_face(lib, int(row[0])) for row in rows)
    return [face for face in found if face is not None]


def _known(word: str, allowed: tuple[str, ...]) -> None:
    if word not in allowed:
        raise ValueError(word)


# ---- photos


def photos(lib: Library, page: Page, year: str | None = None) -> list[PhotoRow]:
    """Live photos, or those of a year (`2019`; '' for those without a date), latest first."""
    rows = lib.db.execute(
        f"SELECT ph.id FROM photos ph WHERE ph.live = 1 {_of_year(year)}"
        f" ORDER BY {WHEN} DESC, ph.id LIMIT ? OFFSET ?",
        (*([] if year is None else [year]), page.size, page.start),
    ).fetchall()
    found = (views.photo(lib, int(row[0])) for row in rows)
    return [photo for photo in found if photo is not None]


def _of_year(year: str | None) -> str:
    return "" if year is None else f"AND COALESCE(substr({WHEN}, 1, 4), '') = ?"


def years(lib: Library) -> list[tuple[str, int]]:
    """(`2019` or '', photos), latest first."""
    rows = lib.db.execute(
        f"SELECT COALESCE(substr({WHEN}, 1, 4), '') AS year, COUNT(*) FROM photos ph"
        " WHERE ph.live = 1 GROUP BY year ORDER BY year DESC"
    )
    return [(str(row[0]), int(row[1])) for row in rows]


def beside(lib: Library, photo: int) -> tuple[int | None, int | None]:
    """The live photos just before and just after this one in the order of `photos`: (later,
    earlier)."""
    here = lib.db.execute(
        f"SELECT COALESCE({WHEN}, '') FROM photos ph WHERE id = ?", (photo,)
    ).fetchone()
    when = here[0]
    later = lib.db.execute(
        f"SELECT ph.id FROM photos ph WHERE ph.live = 1 AND (COALESCE({WHEN}, '') > :taken"
        f" OR (COALESCE({WHEN}, '') = :taken AND ph.id < :photo))"
        f" ORDER BY COALESCE({WHEN}, ''), ph.id DESC LIMIT 1",
        {"taken": when, "photo": photo},
    ).fetchone()
    earlier = lib.db.execute(
        f"SELECT ph.id FROM photos ph WHERE ph.live = 1 AND (COALESCE({WHEN}, '') < :taken"
        f" OR (COALESCE({WHEN}, '') = :taken AND ph.id > :photo))"
        f" ORDER BY COALESCE({WHEN}, '') DESC, ph.id LIMIT 1",
        {"taken": when, "photo": photo},
    ).fetchone()
    return (later and int(later[0]), earlier and int(earlier[0]))


# ---- what waits for an answer


def suggestions(lib: Library, least: float) -> Iterator[int]:
    """Faces of no cluster that may be somebody, clearest first: by their lead over the runner-up,
    who is below `least` where there is none."""
    rows = lib.db.execute(
        "SELECT face_id FROM assignments WHERE suggestion_id IS NOT NULL AND cluster_id IS NULL"
        " ORDER BY suggestion_score - COALESCE(runner_up_score, ?) DESC, face_id",
        (least,),
    ).fetchall()
    return (int(row[0]) for row in rows)


def count_suggestions(lib: Library) -> int:
    row = lib.db.execute(
        "SELECT COUNT(*) FROM assignments WHERE suggestion_id IS NOT NULL AND cluster_id IS NULL"
    ).fetchone()
    return int(row[0])


def alone(lib: Library, good: float) -> Iterator[int]:
    """Unknown faces of no cluster and like nobody, of quality `good` or more, best first."""
    rows = lib.db.execute(
        "SELECT a.face_id FROM assignments a JOIN faces f ON f.id = a.face_id"
        " WHERE a.state = 'unknown' AND a.cluster_id IS NULL AND a.suggestion_id IS NULL"
        " AND f.quality >= ? ORDER BY f.quality DESC, f.id",
        (good,),
    ).fetchall()
    return (int(row[0]) for row in rows)


def count_alone(lib: Library, good: float) -> int:
    row = lib.db.execute(
        "SELECT COUNT(*) FROM assignments a JOIN faces f ON f.id = a.face_id"
        " WHERE a.state = 'unknown' AND a.cluster_id IS NULL AND a.suggestion_id IS NULL"
        " AND f.quality >= ?",
        (good,),
    ).fetchone()
    return int(row[0])
