"""Bring a library up to date with the photos: plan, extract, take in, recognise, cluster.

Only this process writes the catalogue; workers only read photos. Each photo is committed whole, in
the order of the walk, whatever the number of workers, so that a scan that stops anywhere is
finished by the next.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from phototag.catalog import paths as path_table
from phototag.catalog import photos as photo_table
from phototag.catalog import plan as plan_table
from phototag.catalog import verdicts as verdict_table
from phototag.catalog.plan import Todo
from phototag.catalog.store import Library
from phototag.core.consent import parse_limits
from phototag.core.types import Thresholds
from phototag.settings import Settings
from phototag.work.consent import Consent, in_words, keep_names
from phototag.work.enrolled import unseen
from phototag.work.extract import Job, Kit, Outcome
from phototag.work.eye import Eye, look_at_waiting
from phototag.work.group import NOTHING, Grouping, regroup, still_held
from phototag.work.intake import Intake
from phototag.work.planning import Planner, is_too_much, told
from phototag.work.reports import Problem, Progress, ScanOptions, ScanReport, Tell
from phototag.work.ties import tie_edits
from phototag.work.verdicts import Change, catch_up, replay_all
from phototag.work.workers import Pool, physical_cores
from phototag.work.writing import Writer

CHUNK = 4
"""Photos in one piece of a worker's work: enough to fill a batch of faces, few enough to lose
little when it dies."""


class Runner(Protocol):
    """Runs jobs and gives each chunk's outcomes in the order of the chunks (`workers.Pool`)."""

    def run(self, chunks: Iterable[Sequence[Job]]) -> Iterator[list[Outcome]]: ...


MakeRunner = Callable[[Kit, int], AbstractContextManager[Runner]]
"""From the kit and a number of workers."""


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
    workers: MakeRunner = Pool
    home: MakeRunner | None = None
    """What reads the library's own files, which no other machine sees; None: `workers`."""
    report: ScanReport = field(default_factory=ScanReport)
    _last_tell: float = 0.0

    def run(self, places: Sequence[str]) -> ScanReport:
        """Raises UsageError for a place that does not exist, CannotWrite, ModelError."""
        parse_limits(self.settings.max_changes)  # what is wrong with it is said at once
        started = time.monotonic()
        planner = Planner(
            self.lib,
            self.settings,
            self.model,
            self.options,
            self.report,
            lambda files, folder: self._say("walk", files, 0, folder),
        )
        if self.options.dry_run:
            with self.lib.rehearsal():
                planner.run(places)
                self._count_dry()
            return self.report
        with self.lib.transaction():
            planner.run(places)
            self._settle_back()
        with Writer() as writer:
            intake = Intake(self.lib, self.kit.detector, self.model, self.report, writer)
            self._see_enrolled(intake)
            done = self._extract(intake, started)
        if done:
            self._settle_gone(planner)
        grouping = self._group(intake.replay)
        self._forget_long_missing()
        self.report.recognised = grouping.recognised
        self.report.suggested = grouping.suggested
        self.report.withdrawn = grouping.withdrawn
        self.report.reassigned = grouping.moved
        self.report.changed_faces = list(grouping.changed)
        return self.report

    def _count_dry(self) -> None:
        planned = self.report.planned
        self.report.new = planned.get("new", 0)
        self.report.edited = planned.get("changed", 0)
        self.report.retried = planned.get("retry", 0)
        self.report.missing = sum(1 for _ in plan_table.gone(self.lib))
        self.report.returned = len(plan_table.back(self.lib))

    # ---- extract: open what has to be opened

    def _extract(self, intake: Intake, started: float) -> bool:
        """Open all planned files; False when the time budget ended first."""
        total = sum(self.report.planned.values())
        if not total:
            return True
        seconds = self.options.seconds
        deadline = None if seconds is None else started + seconds
        waiting: list[list[Todo]] = []
        jobs = min(self.settings.jobs or physical_cores(), -(-total // CHUNK))
        done = 0
        self._say("extract", 0, total)
        with self.workers(self.kit, jobs) as pool:
            for outcomes in pool.run(self._chunks(intake, waiting, deadline)):
                todos = waiting.pop(0)
                intake.take(todos, outcomes)
                done += len(todos)
                self._say("extract", done, total, todos[-1].path)
        self.report.remaining = total - done
        return done == total

    def _chunks(
        self, intake: Intake, waiting: list[list[Todo]], deadline: float | None
    ) -> Iterator[list[Job]]:
        chunk: list[Todo] = []
        for todo in plan_table.todo(self.lib):
            chunk.append(todo)
            if len(chunk) == CHUNK:
                waiting.append(chunk)
                yield [intake.job(t) for t in chunk]
                chunk = []
                if deadline is not None and time.monotonic() >= deadline:
                    return
        if chunk:
            waiting.append(chunk)
            yield [intake.job(t) for t in chunk]

    def _see_enrolled(self, intake: Intake) -> None:
        """Open the library's own copies of enrolled photos, where the catalogue lacks something of
        them."""
        todo = unseen(self.lib, self.model)
        if not todo:
            return
        with (self.home or self.workers)(self.kit, 1) as pool:
            chunks = pool.run([job] for _, job in todo)
            for (key, _), (outcome,) in zip(todo, chunks, strict=True):
                intake.take_enrolled(key, outcome)

    # ---- what is back and what is gone

    def _settle_back(self) -> None:
        for path, photo in plan_table.back(self.lib):
            path_table.set_missing(self.lib, path, None)
            self.report.returned += 1
            if photo is not None:
                photo_table.refresh_live(self.lib, [photo])

    def _settle_gone(self, planner: Planner) -> None:
        """Mark what is gone, now that all moves are known. The guard looks once more: files that
        seemed to have moved may have been others."""
        since = self.now.isoformat(timespec="seconds")
        with self.lib.transaction():
            for place in planner.places:
                lost = plan_table.count_gone(self.lib, place.number)
                guard = not (place.is_file or self.options.accept_missing)
                if guard and is_too_much(lost, place.held):
                    self.report.guarded.append(Problem(place.word, "guard", told(lost, place.held)))
                    continue
                for path, photo in list(plan_table.gone(self.lib, place.number)):
                    path_table.set_missing(self.lib, path, since)
                    self.report.missing += 1
                    if photo is not None:
                        photo_table.refresh_live(self.lib, [photo])

    def _forget_long_missing(self) -> None:
        limit = self.now - timedelta(days=self.settings.forget_missing_after)
        with self.lib.transaction():
            path_table.forget_long_missing(self.lib, limit.isoformat(timespec="seconds"))

    # ---- group

    def _group(self, replay: bool) -> Grouping:
        """Work out the decisions again where photos meet them, then recognise and cluster."""
        self._say("group", 0, 0)
        consent = Consent(
            parse_limits(self.settings.max_changes),
            accept=self.options.accept_changes,
            look_only=self.options.diff,
            now=self.now.isoformat(timespec="seconds"),
        )
        with self.lib.transaction():
            names = verdict_table.people(self.lib)
            tied, self.report.unmatched = tie_edits(self.lib, self.model, self.thresholds)
            change = replay_all(self.lib) if replay or tied else catch_up(self.lib)
            look_at_waiting(self.lib, Eye(self.kit), self.model)
            grouping = self._still_held(change, consent)
            if grouping is None:
                grouping = regroup(self.lib, self.model, self.thresholds, change, consent=consent)
            if grouping.held is not None:
                keep_names(self.lib, names)
        self.report.changes = consent.changes
        if grouping.held is not None:
            self.report.held = grouping.held.moved + grouping.held.withdrawn
            said = Problem(str(self.lib.folder), "held", in_words(grouping.held))
            self.report.guarded.append(said)
        return grouping

    def _still_held(self, change: Change, consent: Consent) -> Grouping | None:
        """Where nothing came since, what waits is not worked out again."""
        if consent.accept or consent.look_only or change != NOTHING:
            return None
        waiting = still_held(self.lib, self.model, self.thresholds, str(consent.limits))
        return None if waiting is None else Grouping((), 0, 0, 0, held=waiting)

    def _say(self, stage: str, done: int, total: int, path: str = "") -> None:
        now = time.monotonic()
        if done in (0, total) or now - self._last_tell > 0.1:
            self._last_tell = now
            self.tell(Progress(stage, done, total, self.report.faces, path))


__all__ = ["MakeRunner", "Problem", "Progress", "Scan", "ScanOptions", "ScanReport", "Tell"]
