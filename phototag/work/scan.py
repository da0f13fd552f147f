"""Bring a library up to date with the photos: walk, compare, extract, commit, recognise, cluster.

Only this process writes the catalogue; workers only read photos. Each photo is committed whole, in
the order of the walk, whatever the number of workers, so that a scan that stops anywhere is
finished by the next.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from phototag.catalog import faces as face_table
from phototag.catalog import journal
from phototag.catalog import photos as table
from phototag.catalog.photos import Known, Todo
from phototag.catalog.store import Library, restored, storable
from phototag.core.decisions import MEETS, State, replay
from phototag.core.types import PhotoRecord, Thresholds
from phototag.errors import UsageError
from phototag.settings import Settings
from phototag.work.extract import Job, Kit, Outcome
from phototag.work.group import Grouping, regroup
from phototag.work.pictures import keep_pictures
from phototag.work.workers import Pool, physical_cores

CHUNK = 4
"""Photos in one piece of a worker's work: enough to fill a batch of faces, few enough to lose
little when it dies."""

GUARD_SHARE = 0.2
GUARD_COUNT = 20
"""A scan that finds more than this share *and* more than this number of a root's photos gone
changes nothing there."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A file or folder that could not be used, and why."""

    path: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a scan is."""

    stage: str
    """`walk`, `extract`, `group` or `publish`."""
    done: int
    total: int
    faces: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What one scan does beyond the settings."""

    retry_errors: bool = False
    force: bool = False
    dry_run: bool = False
    accept_missing: bool = False
    seconds: float | None = None
    """Time budget."""


@dataclass(slots=True)
class ScanReport:
    """What a scan found and did."""

    new: int = 0
    unchanged: int = 0
    moved: int = 0
    copied: int = 0
    edited: int = 0
    returned: int = 0
    missing: int = 0
    retried: int = 0
    faces: int = 0
    """Found in this scan."""
    recognised: int = 0
    suggested: int = 0
    withdrawn: int = 0
    remaining: int = 0
    """Files left undone when the time budget ended."""
    failed: list[Problem] = field(default_factory=list)
    """Of this scan."""
    skipped: list[Problem] = field(default_factory=list)
    """Folders that could not be entered."""
    guarded: list[Problem] = field(default_factory=list)
    """Roots left as they are because too much of them is gone."""
    unmatched: list[str] = field(default_factory=list)
    """Edited photos of which a decided face was not found again."""
    changed_faces: list[int] = field(default_factory=list)
    planned: dict[str, int] = field(default_factory=dict)


Tell = Callable[[Progress], None]


@dataclass(slots=True)
class Scan:
    """One scan of some places into one library."""

    lib: Library
    settings: Settings
    kit: Kit
    model: str
    """Id of the embedder's card."""
    thresholds: Thresholds
    options: ScanOptions
    tell: Tell
    now: datetime
    report: ScanReport = field(default_factory=ScanReport)
    _touched: set[int] = field(default_factory=set)
    """Photos whose paths changed."""
    _inherited: bool = False
    _new_keys: set[str] = field(default_factory=set)
    _last_tell: float = 0.0

    def run(self, places: Sequence[str]) -> ScanReport:
        """Raises UsageError for a place that does not exist and LibraryInUse, CannotWrite as they
        come."""
        started = time.monotonic()
        with self.lib.transaction():
            table.begin_plan(self.lib)
        with self.lib.transaction():
            for place in places:
                self._plan(place)
            self.report.planned = table.planned(self.lib)
            if self.options.dry_run:
                self._count_dry()
                self.lib.db.execute("ROLLBACK")
                self.lib.db.execute("BEGIN")
                return self.report
        done = self._extract(started)
        with self.lib.transaction():
            if done:
                self._settle_gone()
            self._forget_long_missing()
            self._touched |= set(table.refresh_live(self.lib, self._touched))
        grouping = self.group()
        self.report.recognised = grouping.recognised
        self.report.suggested = grouping.suggested
        self.report.withdrawn = grouping.withdrawn
        self.report.changed_faces = list(grouping.changed)
        return self.report

    # ---- plan: what changed since the last scan

    def _plan(self, place: str) -> None:
        from phototag.images.find import Trouble, walk

        top = os.path.abspath(place)  # noqa: PTH100 (names that are not UTF-8)
        known_roots = table.roots(self.lib).values()
        if not os.path.lexists(top) and all(table._inside(r, top) is None for r in known_roots):
            raise UsageError(f"{place}: there is no such file or folder.")
        is_file = os.path.isfile(top)  # noqa: PTH113
        root, scope = table.adopt_root(self.lib, top, is_file=is_file)

        closed: list[str] = []

        def on_trouble(trouble: Trouble) -> None:
            if trouble.reason == "unreadable-folder":
                closed.append(trouble.path)
            self.report.skipped.append(Problem(trouble.path, trouble.reason, trouble.message))

        seen: set[str] = set()
        gone: list[tuple[int, int | None]] = []
        for below, files in walk(
            top,
            exclude=self.settings.exclude,
            follow_symlinks=self.settings.follow_symlinks,
            skip=(str(self.lib.folder),),
            on_trouble=on_trouble,
        ):
            folder = _join(scope, below)
            seen.add(folder)
            known_here = table.known_files(self.lib, root, folder)
            todo = []
            for file in files:
                known: Known | None = known_here.pop(file.name, None)
                kind = self._kind(known, file.size, file.mtime_ns)
                if kind is not None:
                    path = file.path
                    todo.append(
                        (root, folder, file.name, path, file.size, file.mtime_ns, kind)
                    )
            if todo:
                table.plan(self.lib, todo)
            if not is_file:
                gone += [(k.id, k.photo) for k in known_here.values() if not k.missing]
            self._say("walk", self.report.unchanged + len(todo), 0, path=folder)
        if not is_file:
            base = table.roots(self.lib)[root]
            for folder in table.known_folders(self.lib, root, scope):
                if folder not in seen and not _below(_join(base, folder), closed):
                    there = table.known_files(self.lib, root, folder).values()
                    gone += [(k.id, k.photo) for k in there if not k.missing]
        self._guard(place, root, scope, gone, len(seen))
        self._plan_embedding(root)

    def _kind(self, known: Known | None, size: int, mtime_ns: int) -> str | None:
        """Why a file has to be opened; None when it has not."""
        if known is None:
            return "new"
        if (known.size, known.mtime_ns) != (size, mtime_ns):
            return "changed"
        if known.missing:
            table.set_missing(self.lib, known.id, None)
            self.report.returned += 1
            if known.photo is not None:
                self._touched.add(known.photo)
        if known.failed:
            return "retry" if self.options.retry_errors or self.options.force else None
        if self.options.force:
            return "force"
        self.report.unchanged += 1
        return None

    def _guard(
        self, place: str, root: int, scope: str, gone: list[tuple[int, int | None]], folders: int
    ) -> None:
        lost = sum(1 for _, photo in gone if photo is not None)
        before = table.count_present(self.lib, root, scope)
        too_much = lost > GUARD_COUNT and lost > GUARD_SHARE * before
        empty = before > 0 and lost == before
        if (too_much or empty) and not self.options.accept_missing:
            moved_here = self._could_have_moved(root, gone)
            if lost - moved_here > 0 and (
                empty
                or (
                    lost - moved_here > GUARD_COUNT
                    and lost - moved_here > GUARD_SHARE * before
                )
            ):
                table.drop_todo(self.lib, root)
                self.report.guarded.append(
                    Problem(
                        place,
                        "guard",
                        f"{lost:,} of {before:,} known photos are not there any more, so nothing "
                        "was changed for this folder. Is its disk mounted? If they are gone, "
                        "run the scan again with --accept-missing; if the folder moved, run "
                        "phototag relocate OLD NEW.",
                    )
                )
                return
        table.plan_gone(self.lib, gone)

    def _could_have_moved(self, root: int, gone: list[tuple[int, int | None]]) -> int:
        """How many of the lost files have a new file of their size in this scan: a re-sorted folder
        is not a lost one."""
        row = self.lib.db.execute(
            "SELECT COUNT(*) FROM temp.todo t WHERE t.kind = 'new' AND EXISTS"
            " (SELECT 1 FROM photos ph WHERE ph.bytes = t.size)"
        ).fetchone()
        return min(int(row[0]), len(gone))

    def _plan_embedding(self, root: int) -> None:
        """Photos whose faces the model has not seen are opened again (the model was changed)."""
        rows = []
        path_of_root = table.roots(self.lib)[root]
        planned = {
            (r[0], r[1])
            for r in self.lib.db.execute("SELECT dir, name FROM temp.todo WHERE root = ?", (root,))
        }
        for photo in table.lacking_embeddings(self.lib, self.model):
            for row in self.lib.db.execute(
                "SELECT dir, name, size, mtime_ns FROM paths WHERE photo_id = ? AND root_id = ?"
                " AND missing_since IS NULL ORDER BY id LIMIT 1",
                (photo, root),
            ):
                if (row[0], row[1]) in planned:
                    continue
                folder, name = restored(row[0]), restored(row[1])
                path = table.absolute(path_of_root, folder, name)
                rows.append((root, folder, name, path, row[2], row[3], "embed"))
        table.plan(self.lib, rows)

    def _count_dry(self) -> None:
        planned = self.report.planned
        self.report.new = planned.get("new", 0)
        self.report.edited = planned.get("changed", 0)
        self.report.retried = planned.get("retry", 0)
        self.report.missing = len(table.gone(self.lib))

    # ---- extract: open what has to be opened

    def _extract(self, started: float) -> bool:
        """Open all planned files; False when the time budget ended first."""
        total = sum(self.report.planned.values())
        if not total:
            return True
        deadline = None if self.options.seconds is None else started + self.options.seconds
        waiting: list[list[Todo]] = []
        jobs = self.settings.jobs or physical_cores()
        with Pool(self.kit, min(jobs, -(-total // CHUNK))) as pool:
            done = 0
            for outcomes in pool.run(self._chunks(waiting, deadline)):
                for todo, outcome in zip(waiting.pop(0), outcomes, strict=True):
                    self._commit(todo, outcome)
                    done += 1
                    self._say("extract", done, total, path=todo.path)
        self.report.remaining = total - done
        return done == total

    def _chunks(self, waiting: list[list[Todo]], deadline: float | None) -> Iterator[list[Job]]:
        chunk: list[Todo] = []
        for todo in table.todo(self.lib):
            chunk.append(todo)
            if len(chunk) == CHUNK:
                waiting.append(chunk)
                yield [self._job(t) for t in chunk]
                chunk = []
                if deadline is not None and time.monotonic() >= deadline:
                    return
        if chunk:
            waiting.append(chunk)
            yield [self._job(t) for t in chunk]

    def _job(self, todo: Todo) -> Job:
        if todo.kind == "embed":
            photo = self._photo_at(todo)
            if photo is not None:
                found = face_table.faces_of(self.lib, photo)
                return Job(
                    todo.path,
                    faces=tuple((f.id, f.box, table.landmarks_of(f.landmarks)) for f in found),
                )
        known = () if todo.kind == "force" else table.keys_of_size(self.lib, todo.size)
        return Job(todo.path, known=known)

    def _photo_at(self, todo: Todo) -> int | None:
        row = self.lib.db.execute(
            "SELECT photo_id FROM paths WHERE root_id = ? AND dir = ? AND name = ?",
            (todo.root, storable(todo.dir), storable(todo.name)),
        ).fetchone()
        return None if row is None else row[0]

    # ---- commit: one photo, one transaction

    def _commit(self, todo: Todo, outcome: Outcome) -> None:
        with self.lib.transaction():
            if outcome.reason == "vanished":
                return
            if outcome.reason is not None:
                self._fail(todo, outcome)
            elif outcome.vectors is not None:
                for number, vector in outcome.vectors:
                    table.set_embedding(self.lib, self.model, number, vector)
                    self.lib.db.execute("DELETE FROM assignments WHERE face_id = ?", (number,))
                self._re_say(todo)
            elif outcome.key is not None:
                self._place(todo, outcome, self._known_photo(outcome.key))
            elif outcome.record is not None:
                self._take(todo, outcome, outcome.record)

    def _re_say(self, todo: Todo) -> None:
        photo = self._photo_at(todo)
        if photo is not None:
            table.unpublish(self.lib, [photo])

    def _known_photo(self, key: str) -> int:
        photo = table.photo_with_key(self.lib, key)
        assert photo is not None
        return photo

    def _fail(self, todo: Todo, outcome: Outcome) -> None:
        before = self._photo_at(todo)
        size = outcome.size or todo.size
        mtime_ns = outcome.mtime_ns or todo.mtime_ns
        path = table.set_path(self.lib, todo.root, todo.dir, todo.name, size, mtime_ns, None)
        table.set_failure(self.lib, path, outcome.reason or "unreadable", outcome.message)
        if before is not None:
            self._touched.add(before)
        self.report.failed.append(Problem(todo.path, outcome.reason or "", outcome.message))

    def _take(self, todo: Todo, outcome: Outcome, record: PhotoRecord) -> None:
        """A record from a worker: a new photo, or one that another file brought in meanwhile, or
        one seen anew (--force)."""
        photo = table.photo_with_key(self.lib, record.key)
        if photo is None:
            photo, faces = table.add_photo(
                self.lib, record, outcome.size, self.kit.detector, self.model
            )
            keep_pictures(self.lib.folder, record, faces)
            self._new_keys.add(record.key)
            self.report.faces += len(faces)
            before = self._photo_at(todo)
            if before is None:
                before = table.gone_twin(self.lib, record.pixel_key) if todo.kind == "new" else None
            if before is not None and before != photo:
                self._inherit(before, photo, todo.path)
        elif todo.kind == "force":
            self._see_anew(photo, record)
        self._place(todo, outcome, photo)

    def _place(self, todo: Todo, outcome: Outcome, photo: int) -> None:
        """Write where a photo's file lies, and say whether it is new, moved, a copy or an edit."""
        before = self._photo_at(todo)
        table.set_path(
            self.lib,
            todo.root,
            todo.dir,
            todo.name,
            outcome.size,
            outcome.mtime_ns,
            photo,
        )
        self._touched.add(photo)
        table.unpublish(self.lib, [photo])
        if before is not None and before != photo:
            self._touched.add(before)
            self.report.edited += 1
        elif before is not None or todo.kind in ("force", "embed"):
            self.report.unchanged += todo.kind == "changed"
        else:
            self._count_new(todo, photo)

    def _count_new(self, todo: Todo, photo: int) -> None:
        old_place = table.take_gone(self.lib, photo)
        others = [p for p in table.paths_of(self.lib, photo, missing=True) if p.path != todo.path]
        if old_place is not None:
            table.forget_path(self.lib, old_place)
            self.report.moved += 1
        elif others:
            self.report.copied += 1
        elif todo.kind == "retry":
            self.report.retried += 1
        else:
            self.report.new += 1

    def _see_anew(self, photo: int, record: PhotoRecord) -> None:
        """Faces found again keep their ids; others are new; a face not found again stays only if a
        user decided about it."""
        old = {face.id: face for face in face_table.faces_of(self.lib, photo)}
        ids: list[int] = []
        for face in record.faces:
            overlaps = {n: face.box.iou(f.box) for n, f in old.items() if n not in ids}
            best = max(overlaps, key=lambda n: (overlaps[n], -n), default=None)
            if best is not None and overlaps[best] >= MEETS:
                table.set_embedding(self.lib, self.model, best, face.embedding)
                ids.append(best)
            else:
                ids.append(table.add_face(self.lib, photo, face, self.model))
        for number in old:
            if number not in ids and not face_table.has_word(self.lib, number):
                table.drop_face(self.lib, number)
        for number in ids:
            self.lib.db.execute("DELETE FROM assignments WHERE face_id = ?", (number,))
        table.unpublish(self.lib, [photo])
        keep_pictures(self.lib.folder, record, ids)

    def _inherit(self, old: int, new: int, path: str) -> None:
        """Tie the faces of an edited photo to those of its former self: by place when the pixels
        are the same, else by the nearest embedding at or above `accept`, one to one."""
        before = face_table.faces_of(self.lib, old)
        after = face_table.faces_of(self.lib, new)
        same_pixels = (
            table.photo_row(self.lib, old)["pixel_key"]
            == table.photo_row(self.lib, new)["pixel_key"]
        )
        if same_pixels:
            pairs = [(a.box.iou(b.box), a.id, b.id) for a in before for b in after]
            least = MEETS
        else:
            a_ids, _, a, _ = face_table.vectors(self.lib, self.model, [f.id for f in before])
            b_ids, _, b, _ = face_table.vectors(self.lib, self.model, [f.id for f in after])
            alike = a @ b.T if len(a_ids) and len(b_ids) else np.zeros((0, 0))
            pairs = [
                (float(alike[i, j]), int(a_ids[i]), int(b_ids[j]))
                for i in range(alike.shape[0])
                for j in range(alike.shape[1])
            ]
            least = self.thresholds.accept
        used: set[int] = set()
        for score, one, other in sorted(pairs, key=lambda p: (-p[0], p[1], p[2])):
            if score >= least and one not in used and -other not in used:
                used |= {one, -other}
                face_table.add_successor(self.lib, one, other)
                self._inherited = True
        if any(f.id not in used and face_table.has_word(self.lib, f.id) for f in before):
            self.report.unmatched.append(path)

    # ---- what is gone

    def _settle_gone(self) -> None:
        since = self.now.isoformat(timespec="seconds")
        for path, photo in table.gone(self.lib):
            table.set_missing(self.lib, path, since)
            self.report.missing += 1
            if photo is not None:
                self._touched.add(photo)

    def _forget_long_missing(self) -> None:
        limit = self.now - timedelta(days=self.settings.forget_missing_after)
        table.forget_long_missing(self.lib, limit.isoformat(timespec="seconds"))

    # ---- group

    def group(self) -> Grouping:
        """Replay the journal where new photos may meet it, then recognise and cluster."""
        self._say("group", 0, 0)
        with self.lib.transaction():
            people, faces = self._replay()
            return regroup(self.lib, self.model, self.thresholds, people=people, faces=faces)

    def _replay(self) -> tuple[set[int], set[int]]:
        if not self._inherited and not self._meets_journal():
            return set(), set()
        return replayed(self.lib)

    def _meets_journal(self) -> bool:
        """Whether the journal names a photo that this scan brought in: a rebuilt library, or a
        photo come back after long."""
        if not self._new_keys:
            return False
        for decision in journal.decisions(self.lib):
            if any(entry["photo"] in self._new_keys for entry in decision.payload.get("faces", ())):
                return True
        return False

    def _say(self, stage: str, done: int, total: int, path: str = "") -> None:
        now = time.monotonic()
        if done == total or now - self._last_tell > 0.1:
            self._last_tell = now
            self.tell(Progress(stage, done, total, self.report.faces, path))


def replayed(lib: Library) -> tuple[set[int], set[int]]:
    """Replay the whole journal and write what follows: (people with other examples, faces with
    another verdict)."""
    old = face_table.load_state(lib)
    new = replay(journal.decisions(lib), face_table.resolver(lib))
    face_table.save_state(lib, old, new)
    return difference(old, new)


def difference(
    old: State, new: State
) -> tuple[set[int], set[int]]:
    """(people with other decided faces, faces with another verdict) between two states."""
    faces = {
        f
        for f in old.verdicts.keys() | new.verdicts.keys()
        if old.verdicts.get(f) != new.verdicts.get(f)
    }
    people = {
        v.person
        for state in (old, new)
        for f, v in state.verdicts.items()
        if f in faces and v.person is not None
    }
    people |= old.people.keys() ^ new.people.keys()
    faces |= {f for f, _ in old.rejected ^ new.rejected}
    return {p for p in people if p in new.people or p in old.people}, faces


def _below(folder: str, closed: Sequence[str]) -> bool:
    """Whether a folder is, or lies in, one that could not be entered."""
    return any(folder == place or folder.startswith(place + "/") for place in closed)


def _join(scope: str, below: str) -> str:
    return f"{scope}/{below}" if scope and below else scope or below


