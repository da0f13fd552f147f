"""Verdicts: what follows from the journal for people and faces, as it was last worked out.

A cache: replaying the journal rebuilds it. A decision reads and writes only the part that it
touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from phototag.catalog.faces import THESE, listed
from phototag.catalog.store import Library, meta, set_meta
from phototag.core.decisions import Person, State, Verdict
from phototag.core.lives import Life

KEPT = "kept"
"""Where `meta` keeps the numbers of people who are only kept."""


def load_state(lib: Library, faces: Iterable[int] | None = None) -> State:
    """All of it; of what was decided about faces only some, where these are given."""
    some, these = ("", ()) if faces is None else (f" WHERE face_id IN {THESE}", (listed(faces),))
    verdicts = lib.db.execute(f"SELECT * FROM verdicts{some}", these)
    verdicts.row_factory = None
    rejected = lib.db.execute(f"SELECT face_id, person_id FROM rejections{some}", these)
    present = lib.db.execute("SELECT photo, person_id FROM present")
    return _state(lib, verdicts, rejected, present)


def load_part(lib: Library, faces: Iterable[int], people: Iterable[int] = ()) -> State:
    """All people, and what was decided about some faces or in favour of (or against) some
    people."""
    these = (listed(faces), listed(people))
    verdicts = lib.db.execute(
        f"SELECT * FROM verdicts WHERE face_id IN {THESE}"
        f" UNION SELECT * FROM verdicts WHERE person_id IN {THESE}",
        these,
    )
    rejected = lib.db.execute(
        f"SELECT face_id, person_id FROM rejections WHERE face_id IN {THESE}"
        f" UNION SELECT face_id, person_id FROM rejections WHERE person_id IN {THESE}",
        these,
    )
    present = lib.db.execute(
        f"SELECT photo, person_id FROM present WHERE person_id IN {THESE}", these[1:]
    )
    return _state(lib, verdicts, rejected, present)


def _state(
    lib: Library,
    verdicts: Iterable[tuple],  # type: ignore[type-arg]
    rejected: Iterable[tuple],  # type: ignore[type-arg]
    present: Iterable[tuple],  # type: ignore[type-arg]
) -> State:
    return State(
        people={number: Person(number, name) for number, name in people(lib).items()},
        verdicts={int(face): Verdict(*rest) for face, *rest in verdicts},
        rejected={(int(face), int(person)) for face, person in rejected},
        twice={str(row[0]) for row in lib.db.execute("SELECT photo FROM twice")},
        present={(str(photo), int(person)) for photo, person in present},
        lives=lives(lib),
    )


def save_state(lib: Library, old: State, new: State) -> None:
    """Write the difference between two states (or between the same parts of two)."""
    db = lib.db
    gone = [(f,) for f in old.verdicts if f not in new.verdicts]
    db.executemany("DELETE FROM verdicts WHERE face_id = ?", gone)
    db.executemany(
        "INSERT OR REPLACE INTO verdicts VALUES (?, ?, ?, ?, ?)",
        (
            (f, v.state, v.person, v.how, v.decision)
            for f, v in new.verdicts.items()
            if old.verdicts.get(f) != v
        ),
    )
    db.executemany(
        "DELETE FROM rejections WHERE face_id = ? AND person_id = ?", old.rejected - new.rejected
    )
    db.executemany("INSERT INTO rejections VALUES (?, ?)", new.rejected - old.rejected)
    kept = kept_people(lib) - new.people.keys()
    _set_kept(lib, kept)
    db.executemany(
        "DELETE FROM people WHERE id = ?",
        [(p,) for p in old.people if p not in new.people and p not in kept],
    )
    db.executemany(
        "INSERT OR REPLACE INTO people VALUES (?, ?)",
        ((p.id, p.name) for p in new.people.values() if old.people.get(p.id) != p),
    )
    db.executemany("DELETE FROM twice WHERE photo = ?", [(k,) for k in old.twice - new.twice])
    db.executemany("INSERT INTO twice VALUES (?)", [(k,) for k in new.twice - old.twice])
    db.executemany(
        "DELETE FROM present WHERE photo = ? AND person_id = ?", old.present - new.present
    )
    db.executemany("INSERT OR IGNORE INTO present VALUES (?, ?)", new.present - old.present)
    db.executemany("DELETE FROM lives WHERE person_id = ?", [(p,) for p in old.lives])
    db.executemany(
        "INSERT INTO lives VALUES (?, ?, ?)", ((p, v.born, v.died) for p, v in new.lives.items())
    )


def lives(lib: Library) -> dict[int, Life]:
    """When people lived, as far as a user said, by person."""
    return {int(row[0]): Life(row[1], row[2]) for row in lib.db.execute("SELECT * FROM lives")}


def people(lib: Library) -> dict[int, str]:
    """Names by id."""
    return {int(row[0]): str(row[1]) for row in lib.db.execute("SELECT id, name FROM people")}


# ---- people who are no more and whose automatic names wait to be withdrawn


def kept_people(lib: Library) -> set[int]:
    return {int(number) for number in (meta(lib, KEPT) or "").split()}


def keep_people(lib: Library, names: Mapping[int, str]) -> None:
    """Have people again who are no more, until they are released."""
    lib.db.executemany("INSERT OR IGNORE INTO people VALUES (?, ?)", names.items())
    _set_kept(lib, kept_people(lib) | names.keys())


def release_people(lib: Library, people: Iterable[int] | None = None) -> None:
    """Let some of the people who are kept go, or all of them."""
    kept = kept_people(lib)
    gone = kept if people is None else kept & set(people)
    lib.db.executemany("DELETE FROM people WHERE id = ?", [(person,) for person in gone])
    _set_kept(lib, kept - gone)


def _set_kept(lib: Library, people: Iterable[int]) -> None:
    said = " ".join(str(person) for person in sorted(people))
    if said != (meta(lib, KEPT) or ""):
        set_meta(lib, KEPT, said)


# ---- people and faces


def decided_faces(lib: Library, person: int) -> list[int]:
    """Faces that a user said are this person."""
    rows = lib.db.execute(
        "SELECT face_id FROM verdicts WHERE person_id = ? ORDER BY face_id", (person,)
    )
    return [int(row[0]) for row in rows]


def faces_decided_by(lib: Library, decision: int) -> set[int]:
    """Faces about which this decision was the last word."""
    rows = lib.db.execute("SELECT face_id FROM verdicts WHERE decision_id = ?", (decision,))
    return {int(row[0]) for row in rows}


def twice_keys(lib: Library) -> list[str]:
    """Keys of photos that may show a person more than once."""
    return [str(row[0]) for row in lib.db.execute("SELECT photo FROM twice ORDER BY photo")]


def may_be(lib: Library, faces: Iterable[int], person: int) -> set[int]:
    """Those of some undecided faces that nothing said keeps from being a person: no refusal, and no
    other face of the photo that has the name."""
    rows = lib.db.execute(
        "SELECT f.id FROM faces f"
        " LEFT JOIN rejections r ON r.face_id = f.id AND r.person_id = :person"
        " WHERE f.id IN (SELECT value FROM json_each(:faces)) AND r.face_id IS NULL AND NOT EXISTS"
        " (SELECT 1 FROM faces o JOIN assignments a ON a.face_id = o.id"
        "  WHERE o.photo_id = f.photo_id AND o.id != f.id AND a.person_id = :person)",
        {"person": person, "faces": listed(faces)},
    )
    return {int(row[0]) for row in rows}


def decided_people(lib: Library, photos: Iterable[int]) -> set[int]:
    """People that a user named in these photos."""
    rows = lib.db.execute(
        "SELECT DISTINCT v.person_id FROM faces f JOIN verdicts v ON v.face_id = f.id"
        f" WHERE v.person_id IS NOT NULL AND f.photo_id IN {THESE}",
        (listed(photos),),
    )
    return {int(row[0]) for row in rows}
