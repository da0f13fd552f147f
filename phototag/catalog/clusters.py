"""Clusters: their numbers, which are never used again, and what they became.

The members of a cluster are in `assignments`. Here is what must outlive them: which numbers are
alive, who was in a cluster when it ended, and which faces a number once stood for, so that the same
faces get the same number back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping

import numpy as np

from phototag.catalog.faces import THESE, listed
from phototag.catalog.store import Library, meta, set_meta

BEFORE, AFTER = 0, 1
"""The two sides of a decision in `cluster_log`."""

STOOD = 2
"""The third kind of row there: its digest names the grouping that stood before the decision."""


def cluster_members(lib: Library, clusters: Iterable[int] | None = None) -> dict[int, set[int]]:
    """Members of every cluster that is alive, or of some."""
    wanted = "cluster_id IS NOT NULL" if clusters is None else f"cluster_id IN {THESE}"
    rows = lib.db.execute(
        f"SELECT cluster_id, face_id FROM assignments WHERE {wanted}",
        () if clusters is None else (listed(clusters),),
    )
    members: dict[int, set[int]] = {}
    for number, face in rows:
        members.setdefault(int(number), set()).add(int(face))
    return members


def membership_digest(members: Iterable[int]) -> str:
    text = ",".join(str(m) for m in sorted(members))
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def clusters_of_membership(lib: Library, members: Iterable[int]) -> list[int]:
    """The clusters that had exactly these members once, oldest first."""
    rows = lib.db.execute(
        "SELECT cluster_id FROM memberships WHERE digest = ? ORDER BY cluster_id",
        (membership_digest(members),),
    )
    return [int(row[0]) for row in rows]


def next_cluster(lib: Library) -> int:
    row = lib.db.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM clusters").fetchone()
    return int(row[0])


def is_alive(lib: Library, number: int) -> bool:
    row = lib.db.execute("SELECT alive FROM clusters WHERE id = ?", (number,)).fetchone()
    return row is not None and bool(row[0])


def write_cluster(lib: Library, number: int, members: Collection[int]) -> None:
    """Say that a cluster is alive with these members."""
    lib.db.execute(
        "INSERT INTO clusters VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET alive = 1"
        " WHERE alive = 0",
        (number,),
    )
    lib.db.execute("DELETE FROM retired WHERE cluster_id = ?", (number,))
    lib.db.execute(
        "INSERT OR IGNORE INTO memberships VALUES (?, ?)", (membership_digest(members), number)
    )


def retire_cluster(lib: Library, number: int, last: Iterable[int]) -> None:
    """The cluster is no more; its last members tell what it became."""
    lib.db.execute("UPDATE clusters SET alive = 0 WHERE id = ?", (number,))
    lib.db.executemany("INSERT OR IGNORE INTO retired VALUES (?, ?)", ((number, f) for f in last))


def retired_members(lib: Library, number: int) -> list[int] | None:
    """Last members of a cluster that is no more; None for one that never was or is alive. One that
    is to be grouped again and has no face left is no more either."""
    row = lib.db.execute("SELECT alive FROM clusters WHERE id = ?", (number,)).fetchone()
    if row is None:
        return None
    if row[0]:
        faces = sorted(face for face, stood in stirred(lib).items() if stood == number)
        return faces or None
    rows = lib.db.execute(
        "SELECT face_id FROM retired WHERE cluster_id = ? ORDER BY face_id", (number,)
    )
    return [int(r[0]) for r in rows]


# ---- where the clusters lag behind the names


def stir(lib: Library, stood: Mapping[int, int]) -> None:
    """Note that it is still to be grouped again around some faces, and in which cluster each stood
    (or a negative number); what was noted of a face before stays."""
    lib.db.executemany("INSERT OR IGNORE INTO stirred VALUES (?, ?)", stood.items())


def stirred(lib: Library) -> dict[int, int]:
    """What was noted: by face, where it stood."""
    return dict(tuple(row) for row in lib.db.execute("SELECT face_id, stood FROM stirred"))


def clear_stirred(lib: Library) -> None:
    """All is grouped again."""
    lib.db.execute("DELETE FROM stirred")


# ---- what a decision did to the numbers, so that undo brings them back


def log_numbers(
    lib: Library, decision: int, side: int, clusters: Mapping[int, Collection[int]]
) -> None:
    """Note which faces had which number before (or after) a decision."""
    lib.db.executemany(
        "INSERT OR REPLACE INTO cluster_log VALUES (?, ?, ?, ?, ?)",
        (
            (decision, side, membership_digest(f), number, np.array(sorted(f), "<i8").tobytes())
            for number, f in clusters.items()
        ),
    )


def logged_numbers(lib: Library, decision: int, side: int) -> dict[str, int]:
    """Number by digest of the members."""
    rows = lib.db.execute(
        "SELECT digest, cluster_id FROM cluster_log WHERE decision_id = ? AND side = ?",
        (decision, side),
    )
    return {str(row[0]): int(row[1]) for row in rows}


def logged_clusters(lib: Library, decision: int, side: int) -> dict[int, set[int]] | None:
    """Faces by number of the clusters that a decision changed, on one side of it; None where that
    was not noted."""
    found = {}
    for number, faces in lib.db.execute(
        "SELECT cluster_id, faces FROM cluster_log WHERE decision_id = ? AND side = ?",
        (decision, side),
    ):
        if faces is None:  # of an earlier phototag
            return None
        found[int(number)] = set(np.frombuffer(faces, "<i8").tolist())
    return found


# ---- which decision's grouping stands


def standing(lib: Library) -> str:
    """Names the grouping as it is: by the decision that it came from, with nothing else in between;
    '' after a scan or anything else."""
    return meta(lib, "grouping") or ""


def set_standing(lib: Library, name: str) -> None:
    if standing(lib) != name:
        set_meta(lib, "grouping", name)


def log_standing(lib: Library, decision: int, name: str) -> None:
    """Note which grouping a decision changed."""
    lib.db.execute("INSERT INTO cluster_log VALUES (?, ?, ?, 0, NULL)", (decision, STOOD, name))


def stood_before(lib: Library, decision: int) -> str | None:
    """The grouping that a decision changed; None where that was not noted."""
    row = lib.db.execute(
        "SELECT digest FROM cluster_log WHERE decision_id = ? AND side = ?", (decision, STOOD)
    ).fetchone()
    return None if row is None else str(row[0])
