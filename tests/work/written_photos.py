"""Photos whose faces are written in them, for tests of what a scan makes of files.

Files, folders, SQLite and all of a scan but the looking are real: a photo is a text with a photo's
suffix that says what a worker would find in it, and the worker is a function in this process. So a
scan takes milliseconds, and every law has its face.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from phototag.catalog import journal, store
from phototag.catalog.photos import unpublish_all
from phototag.catalog.store import Library
from phototag.core.drawings import Drawing
from phototag.core.types import (
    Box,
    FaceRecord,
    Landmarks,
    PhotoRecord,
    Thresholds,
    Vectors,
    on_grid,
)
from phototag.errors import UnreadableImage
from phototag.settings import Settings
from phototag.work import tag
from phototag.work.draw import draw
from phototag.work.extract import Job, Kit, Outcome
from phototag.work.eye import Look, Sight
from phototag.work.import_names import import_names
from phototag.work.publish import Publisher, PublishReport
from phototag.work.reports import ScanOptions, ScanReport
from phototag.work.scan import Scan
from phototag.work.tag import Ground, Said

DIM = 96
LEVELS = Thresholds(accept=0.6, suggest=0.4, cluster=0.5, margin=0.05)
MODEL = "written-1"
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def face(who: str, x: float = 0.1, alike: float = 0.9, quality: float = 0.9) -> dict[str, Any]:
    """A face of `who`, that far from the left, with that cosine to how they look."""
    return {"who": who, "x": x, "alike": alike, "quality": quality}


def photo(pixels: str, *faces: dict[str, Any], note: str = "", taken: str | None = None) -> bytes:
    """A photo's bytes: its picture, its faces, and metadata that are no part of the picture."""
    said = {"pixels": pixels, "faces": faces, "note": note}
    return json.dumps(said if taken is None else {**said, "taken": taken}).encode()


def direction(word: str) -> np.ndarray[Any, np.dtype[np.float64]]:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
    vector = np.random.default_rng(seed).normal(size=DIM)
    return vector / np.linalg.norm(vector)


def vector(seen: dict[str, Any], pixels: str, model: str) -> Vectors:
    """How a model sees a face: that near to the person (or to whom this model takes them for), the
    rest the photo's own."""
    axis = direction(f"{model} {seen.get('taken_for', {}).get(model, seen['who'])}")
    own = direction(f"{model} {pixels.split('/')[0]} {seen['who']} {seen['x']}")
    own -= (own @ axis) * axis
    rest = np.sqrt(1 - seen["alike"] ** 2)
    return on_grid(seen["alike"] * axis + rest * own / np.linalg.norm(own))


def key_of(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def seen_by(job: Job, model: str) -> Outcome:
    """What a worker finds in a file."""
    try:
        with open(job.path, "rb") as file:
            status = os.fstat(file.fileno())
            data = file.read()
    except FileNotFoundError:
        return Outcome(job.path, reason="vanished")
    outcome = {"path": job.path, "size": status.st_size, "mtime_ns": status.st_mtime_ns}
    key = key_of(data)
    if key in job.known:
        return Outcome(**outcome, key=key)
    try:
        said = json.loads(data)
    except ValueError:
        error = UnreadableImage(job.path, "truncated", "it ends early")
        return Outcome(**outcome, reason=error.reason, message=error.message)
    if job.faces and job.of == key:
        by_x = {round(seen["x"], 5): seen for seen in said["faces"]}
        found = [(n, vector(by_x[b.x], said["pixels"], model)) for n, b, _ in job.faces]
        return Outcome(**outcome, vectors=tuple(found))
    record = PhotoRecord(
        key=key,
        pixel_key=key_of(said["pixels"].encode()),
        width=1000,
        height=800,
        format="JPEG",
        taken=said.get("taken"),
        faces=tuple(_face(seen, said["pixels"], model) for seen in said["faces"]),
        thumb=None,
    )
    return Outcome(**outcome, record=record)


def _face(seen: dict[str, Any], pixels: str, model: str) -> FaceRecord:
    x = seen["x"]
    points = tuple(
        (x + dx, dy) for dx, dy in ((0, 0.3), (0.1, 0.3), (0.05, 0.4), (0, 0.5), (0.1, 0.5))
    )
    return FaceRecord(
        Box(x, 0.2, 0.1, 0.3),
        Landmarks(points),
        0.99,
        seen["quality"],
        vector(seen, pixels, model),
        b"crop",
    )


@dataclass(slots=True)
class Looker:
    """A pool of workers in this process."""

    model: str
    opened: list[str] = field(default_factory=list)
    stop_after: int | None = None
    """Photos after which the scan is cut off."""

    def __enter__(self) -> Looker:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def run(self, chunks: Iterable[Sequence[Job]]) -> Iterator[list[Outcome]]:
        for jobs in chunks:
            if self.stop_after is not None and len(self.opened) >= self.stop_after:
                raise KeyboardInterrupt
            self.opened += [job.path for job in jobs]
            yield [seen_by(job, self.model) for job in jobs]


@dataclass(frozen=True, slots=True)
class Onlooker:
    """An eye that sees a face of the photo's own in every box."""

    model: str

    def look(
        self, path: str, key: str, drawings: Sequence[Drawing], *, search: bool = True
    ) -> Sight:
        pixels = json.loads(Path(path).read_bytes())["pixels"]
        looks = []
        for drawing in drawings:
            seen = face(pixels, drawing.box.x)
            points = tuple((round(drawing.box.x + n / 100, 5), 0.7) for n in range(5))
            vectors = vector(seen, pixels, self.model)
            looks.append(Look(replace(drawing, landmarks=points, quality=0.9), vectors, b"crop"))
        return Sight(tuple(looks), b"thumb")


class CutOff(BaseException):
    """The process is killed."""


@dataclass(slots=True)
class World:
    """A folder of written photos and a library."""

    top: Path
    settings: Settings = Settings(sheet=False, thumbnails=False)  # noqa: RUF009 (frozen)
    model: str = MODEL
    now: datetime = START
    cut: bool = False
    """Whether decisions are cut off as soon as they are answered."""
    looker: Looker = field(default_factory=lambda: Looker(MODEL))
    published: PublishReport = field(default_factory=PublishReport)

    @property
    def photos(self) -> Path:
        return self.top / "photos"

    @property
    def library(self) -> Path:
        return self.top / "library"

    def put(self, name: str, data: bytes) -> Path:
        path = self.photos / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def open(self) -> Library:
        lib = store.open_to_write(self.library, "test", self.now.isoformat(), create=True)
        journal.restore_from_mirror(lib)
        journal.mirror(lib)
        return lib

    def scan(
        self, *places: Path | str, stop_after: int | None = None, **options: Any
    ) -> ScanReport:
        """Scan places (the photos' folder), write the outputs."""
        self.now += timedelta(minutes=1)
        with self.open() as lib:
            scan = self.job(lib, stop_after=stop_after, **options)
            report = scan.run([os.fspath(p) for p in places or (self.photos,)])
            if not (scan.options.dry_run or scan.options.diff):
                self.published = Publisher(lib, self.settings, self.model).run()
        return report

    def job(self, lib: Library, stop_after: int | None = None, **options: Any) -> Scan:
        self.looker = Looker(self.model, stop_after=stop_after)
        return Scan(
            lib=lib,
            settings=self.settings,
            kit=Kit(),
            model=self.model,
            thresholds=LEVELS,
            options=ScanOptions(**options),
            tell=lambda progress: None,
            now=self.now,
            workers=lambda kit, jobs: self.looker,
        )

    def say(self, verb: str, *words: Any, **options: Any) -> Said:
        """Decide something: `say("label", ["face-1"], "Alice")`."""
        self.now += timedelta(minutes=1)
        answers: list[Said] = []

        def hear(said: Said) -> None:
            answers.append(said)
            if self.cut:
                raise CutOff

        ground = Ground(self.model, LEVELS, self.now.isoformat(), "tester", hear)
        with self.open() as lib:
            try:
                said: Said = getattr(tag, verb)(lib, ground, *words, **options)
            except CutOff:
                return answers[0]
            assert answers == [said]
            self.published = Publisher(lib, self.settings, self.model).run()
        return said

    def draw(self, word: str, x: float, name: str) -> Said:
        """Draw a face that far from the left, in a place where photos have none."""
        self.now += timedelta(minutes=1)
        ground = Ground(self.model, LEVELS, self.now.isoformat(), "tester")
        with self.open() as lib:
            said = draw(lib, ground, word, Box(x, 0.6, 0.1, 0.3), name, Onlooker(self.model))
            self.published = Publisher(lib, self.settings, self.model).run()
        return said

    def take_over(self, rows: Sequence[tuple[str, float | None, str]]) -> Said | None:
        """Import a table of (photo, distance of the face from the left or None, person)."""
        self.now += timedelta(minutes=1)
        ground = Ground(self.model, LEVELS, self.now.isoformat(), "tester")
        lines = ["file,x,y,w,h,person"]
        for name, x, person in rows:
            box = ",,," if x is None else f"{x},0.2,0.1,0.3"
            lines.append(f"{self.photos / name},{box},{person}")
        table = self.top / "table.csv"
        table.write_text("\n".join(lines))
        with self.open() as lib:
            report = import_names(lib, ground, "csv", str(table), Onlooker(self.model))
            self.published = Publisher(lib, self.settings, self.model).run()
        return report.said

    def late_sidecars(self) -> int:
        """How many sidecars did not say what the catalogue says; they do now."""
        with self.open() as lib:
            with lib.transaction():
                unpublish_all(lib)
            return Publisher(lib, self.settings, self.model).run().sidecars

    # ---- what is known

    def ask(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with store.open_to_read(self.library) as lib:
            return [tuple(row) for row in lib.db.execute(sql, values)]

    def who(self) -> dict[tuple[str, float], str | None]:
        """(path below the photos' folder, x) → the name there, for every live face."""
        rows = self.ask(
            "SELECT r.path, p.dir, p.name, f.x, n.name FROM faces f"
            " JOIN paths p ON p.photo_id = f.photo_id AND p.missing_since IS NULL"
            " JOIN roots r ON r.id = p.root_id LEFT JOIN assignments a ON a.face_id = f.id"
            " LEFT JOIN people n ON n.id = a.person_id"
        )
        found = {}
        for root, folder, name, x, person in rows:
            path = os.path.join(*(store.restored(part) for part in (root, folder, name)))
            found[os.path.relpath(path, self.photos), round(x, 5)] = person
        return found

    def face(self, name: str, x: float = 0.1) -> str:
        """`face-17`: the face there."""
        rows = self.ask(
            "SELECT f.id, f.x FROM faces f JOIN paths p ON p.photo_id = f.photo_id"
            " JOIN roots r ON r.id = p.root_id WHERE r.path || '/' || p.dir || '/' || p.name = ?"
            " OR (p.dir = '' AND r.path || '/' || p.name = ?)",
            str(self.photos / name),
            str(self.photos / name),
        )
        (number,) = {n for n, at in rows if abs(at - x) < 1e-4}
        return f"face-{number}"

    def groups(self) -> set[frozenset[tuple[str, float]]]:
        """The clusters as sets of (photo key, x), without their numbers."""
        return {frozenset(those) for those in self.clusters().values()}

    def clusters(self) -> dict[int, set[tuple[str, float]]]:
        """The clusters by number."""
        found: dict[int, set[tuple[str, float]]] = {}
        for cluster, key, x in self.ask(
            "SELECT a.cluster_id, ph.key, f.x FROM assignments a JOIN faces f ON f.id = a.face_id"
            " JOIN photos ph ON ph.id = f.photo_id WHERE a.cluster_id IS NOT NULL"
        ):
            found.setdefault(cluster, set()).add((key, x))
        return found

    def table(self, name: str) -> list[tuple[Any, ...]]:
        return sorted(self.ask(f"SELECT * FROM {name}"), key=repr)

    def dump(self, *leave_out: str) -> dict[str, list[tuple[Any, ...]]]:
        """All tables but `runs` and those left out."""
        names = self.ask("SELECT name FROM sqlite_master WHERE type = 'table'")
        return {n: self.table(n) for (n,) in names if n not in ("runs", *leave_out)}
