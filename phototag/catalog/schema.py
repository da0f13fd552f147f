"""The shape of the catalogue. A migration is never edited once released; each runs in one
transaction."""

from __future__ import annotations

import sqlite3

_M001 = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE roots (id INTEGER PRIMARY KEY, path NOT NULL UNIQUE);

CREATE TABLE photos (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    pixel_key TEXT NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    format TEXT NOT NULL,
    taken TEXT,
    bytes INTEGER NOT NULL,
    detector TEXT NOT NULL,
    embedded TEXT NOT NULL,
    grouped INTEGER NOT NULL DEFAULT 0,
    published INTEGER NOT NULL DEFAULT 0,
    version INTEGER NOT NULL DEFAULT 0,
    live INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX photos_embedded ON photos (embedded) WHERE live = 1;
CREATE INDEX photos_ungrouped ON photos (id) WHERE grouped = 0;
CREATE INDEX photos_past ON photos (id) WHERE live = 0;
CREATE INDEX photos_unpublished ON photos (id) WHERE published = 0;
CREATE INDEX photos_bytes ON photos (bytes);
CREATE INDEX photos_pixel_key ON photos (pixel_key);

CREATE TABLE paths (
    id INTEGER PRIMARY KEY,
    root_id INTEGER NOT NULL REFERENCES roots (id),
    dir NOT NULL,
    name NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    photo_id INTEGER REFERENCES photos (id),
    former_id INTEGER,
    missing_since TEXT,
    UNIQUE (root_id, dir, name)
);
CREATE INDEX paths_photo ON paths (photo_id);
CREATE INDEX paths_former ON paths (former_id) WHERE former_id IS NOT NULL;
CREATE INDEX paths_missing ON paths (id) WHERE missing_since IS NOT NULL;

CREATE TABLE failures (
    path_id INTEGER PRIMARY KEY REFERENCES paths (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    message TEXT NOT NULL
);

CREATE TABLE faces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    photo_id INTEGER NOT NULL REFERENCES photos (id),
    x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
    landmarks TEXT NOT NULL,
    score REAL NOT NULL,
    quality REAL NOT NULL
);
CREATE INDEX faces_photo ON faces (photo_id);

CREATE TABLE embeddings (
    model TEXT NOT NULL,
    face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    vector BLOB NOT NULL,
    PRIMARY KEY (face_id, model)
) WITHOUT ROWID;

CREATE TABLE edits (
    id INTEGER PRIMARY KEY,
    old_id INTEGER NOT NULL,
    new_id INTEGER NOT NULL,
    fresh INTEGER NOT NULL,
    path NOT NULL
);

CREATE TABLE successors (
    face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    heir_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    PRIMARY KEY (face_id, heir_id)
) WITHOUT ROWID;
CREATE INDEX successors_heir ON successors (heir_id);

CREATE TABLE decisions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time TEXT NOT NULL,
    actor TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    undone_by INTEGER
);

CREATE TABLE named (
    photo TEXT NOT NULL,
    decision_id INTEGER NOT NULL,
    PRIMARY KEY (photo, decision_id)
) WITHOUT ROWID;

CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT NOT NULL);

CREATE TABLE verdicts (
    face_id INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    person_id INTEGER,
    how TEXT NOT NULL,
    decision_id INTEGER NOT NULL
);
CREATE INDEX verdicts_person ON verdicts (person_id);

CREATE TABLE rejections (
    face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL,
    PRIMARY KEY (face_id, person_id)
) WITHOUT ROWID;

CREATE TABLE twice (photo TEXT PRIMARY KEY) WITHOUT ROWID;

CREATE TABLE scores (
    face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    person_id INTEGER NOT NULL,
    score REAL NOT NULL,
    PRIMARY KEY (person_id, face_id)
) WITHOUT ROWID;
CREATE INDEX scores_face ON scores (face_id);

CREATE TABLE examples (
    model TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    face_id INTEGER NOT NULL REFERENCES faces (id) ON DELETE CASCADE,
    PRIMARY KEY (person_id, model, face_id)
) WITHOUT ROWID;
CREATE INDEX examples_face ON examples (face_id);

CREATE TABLE assignments (
    face_id INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
    state TEXT NOT NULL,
    person_id INTEGER,
    cluster_id INTEGER,
    score REAL,
    runner_up_id INTEGER,
    runner_up_score REAL,
    suggestion_id INTEGER,
    suggestion_score REAL,
    law TEXT NOT NULL
);
CREATE INDEX assignments_person ON assignments (person_id) WHERE person_id IS NOT NULL;
CREATE INDEX assignments_cluster ON assignments (cluster_id) WHERE cluster_id IS NOT NULL;
CREATE INDEX assignments_suggestion ON assignments (suggestion_id) WHERE suggestion_id IS NOT NULL;

CREATE TABLE clusters (id INTEGER PRIMARY KEY AUTOINCREMENT, alive INTEGER NOT NULL);
CREATE TABLE retired (
    cluster_id INTEGER NOT NULL REFERENCES clusters (id),
    face_id INTEGER NOT NULL,
    PRIMARY KEY (cluster_id, face_id)
) WITHOUT ROWID;
CREATE TABLE memberships (
    digest TEXT NOT NULL,
    cluster_id INTEGER NOT NULL,
    PRIMARY KEY (digest, cluster_id)
) WITHOUT ROWID;
CREATE TABLE cluster_log (
    decision_id INTEGER NOT NULL,
    side INTEGER NOT NULL,
    digest TEXT NOT NULL,
    cluster_id INTEGER NOT NULL,
    PRIMARY KEY (decision_id, side, digest)
) WITHOUT ROWID;

CREATE TABLE outputs (
    path TEXT PRIMARY KEY,
    photo_id INTEGER NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX outputs_photo ON outputs (photo_id);

CREATE TABLE runs (
    id INTEGER PRIMARY KEY,
    started TEXT NOT NULL,
    ended TEXT,
    command TEXT NOT NULL,
    outcome TEXT,
    summary TEXT
);
"""


def m001_initial(db: sqlite3.Connection) -> None:
    """Everything of the first release."""
    for statement in _M001.split(";\n"):
        if statement.strip():
            db.execute(statement)


_M002 = """
ALTER TABLE faces ADD COLUMN drawn INTEGER NOT NULL DEFAULT 0;
CREATE INDEX faces_drawn ON faces (drawn) WHERE drawn != 0;

CREATE TABLE past_faces (
    id INTEGER PRIMARY KEY,
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    x REAL NOT NULL, y REAL NOT NULL, width REAL NOT NULL, height REAL NOT NULL,
    landmarks TEXT NOT NULL,
    score REAL NOT NULL,
    quality REAL NOT NULL,
    drawn INTEGER NOT NULL
);
CREATE INDEX past_faces_photo ON past_faces (photo_id);

CREATE TABLE past_embeddings (
    model TEXT NOT NULL,
    face_id INTEGER NOT NULL REFERENCES past_faces (id) ON DELETE CASCADE,
    vector BLOB NOT NULL,
    PRIMARY KEY (face_id, model)
) WITHOUT ROWID;

CREATE TABLE rewritten (
    photo_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    heir_id INTEGER NOT NULL REFERENCES photos (id) ON DELETE CASCADE,
    PRIMARY KEY (photo_id, heir_id)
) WITHOUT ROWID;
CREATE INDEX rewritten_heir ON rewritten (heir_id);

CREATE TABLE present (
    photo TEXT NOT NULL,
    person_id INTEGER NOT NULL,
    PRIMARY KEY (person_id, photo)
) WITHOUT ROWID;
CREATE INDEX present_photo ON present (photo);

CREATE VIEW present_photos AS
    SELECT ph.id AS photo_id, pr.person_id FROM present pr JOIN photos ph ON ph.key = pr.photo
    UNION ALL
    SELECT r.heir_id, pr.person_id FROM present pr JOIN photos ph ON ph.key = pr.photo
    JOIN rewritten r ON r.photo_id = ph.id;

CREATE TABLE xmp_written (
    path_id INTEGER NOT NULL REFERENCES paths (id) ON DELETE CASCADE,
    place TEXT NOT NULL,
    version INTEGER NOT NULL,
    content TEXT NOT NULL,
    PRIMARY KEY (path_id, place)
) WITHOUT ROWID;
"""


def m002_drawn_faces(db: sqlite3.Connection) -> None:
    """Faces that a user drew, people in a photo without a face, photos rewritten by other
    programs."""
    for statement in _M002.split(";\n"):
        if statement.strip():
            db.execute(statement)


_M003 = """
CREATE TABLE videos (
    photo_id INTEGER PRIMARY KEY REFERENCES photos (id) ON DELETE CASCADE,
    duration INTEGER NOT NULL,
    tiles TEXT NOT NULL
);

CREATE TABLE tracks (
    face_id INTEGER PRIMARY KEY REFERENCES faces (id) ON DELETE CASCADE,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    path TEXT NOT NULL,
    best TEXT NOT NULL
);
"""


def m003_videos(db: sqlite3.Connection) -> None:
    """Videos are photos with a duration; each face of one is a track, seen from `first` to `last`
    (milliseconds)."""
    for statement in _M003.split(";\n"):
        if statement.strip():
            db.execute(statement)


def m004_remembered_groups(db: sqlite3.Connection) -> None:
    """What a decision did to the clusters, with their faces: an undo need not group again."""
    db.execute("ALTER TABLE cluster_log ADD COLUMN faces BLOB")


def m005_lives(db: sqlite3.Connection) -> None:
    """When people lived."""
    db.execute("CREATE TABLE lives (person_id INTEGER PRIMARY KEY, born TEXT, died TEXT)")


def m006_stirred(db: sqlite3.Connection) -> None:
    """Faces that were named (or not any more) and around which clusters were not grouped again
    yet; `stood`: the cluster of each before. A face may be gone since."""
    db.execute("CREATE TABLE stirred (face_id INTEGER PRIMARY KEY, stood INTEGER NOT NULL)")


MIGRATIONS = (
    m001_initial,
    m002_drawn_faces,
    m003_videos,
    m004_remembered_groups,
    m005_lives,
    m006_stirred,
)
VERSION = len(MIGRATIONS)
