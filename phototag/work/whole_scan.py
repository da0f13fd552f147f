"""A scan from its note in the catalogue to its outputs: what the command and the page both run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from phototag import errors
from phototag.catalog import store
from phototag.catalog.store import Library
from phototag.settings import Settings
from phototag.work.models import embedder_card, thresholds_of
from phototag.work.publish import Publisher, PublishReport
from phototag.work.recognizers import kit_for
from phototag.work.scan import MakeRunner, Progress, Scan, ScanOptions, ScanReport, Tell
from phototag.work.scan_news import Note, counts
from phototag.work.workers import Pool

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Errand:
    """What one scan is asked to do, and for whom."""

    places: Sequence[str]
    command: str
    """As the catalogue notes it."""
    options: ScanOptions = field(default_factory=ScanOptions)
    default_library: bool = True
    report: ScanReport = field(default_factory=ScanReport)
    """Filled while the scan runs."""
    scheduler: str | None = None
    """Address of a Dask cluster that reads the photos; None: this machine does."""


def scan_and_publish(
    lib: Library, settings: Settings, errand: Errand, tell: Tell, now: Clock
) -> tuple[ScanReport, PublishReport | None]:
    """Scan, write the outputs, and note in the catalogue how it ended. What `tell` raises ends the
    scan in good order, as Ctrl-C does. Raises what `Scan.run` and `Publisher.run` raise."""
    card = embedder_card(lib.folder, settings)
    started = now()
    run = store.begin_run(lib, started.isoformat(timespec="seconds"), errand.command)
    outcome = "interrupted"
    note = Note(lib.folder, now)

    def told(progress: Progress) -> None:
        note.tell(progress)
        tell(progress)

    summary: dict[str, Any] = {}
    try:
        job = Scan(
            lib=lib,
            settings=settings,
            kit=kit_for(lib, settings, dry_run=errand.options.dry_run),
            model=card.id,
            thresholds=thresholds_of(card),
            options=errand.options,
            tell=told,
            now=started,
            workers=_workers(errand.scheduler),
            home=Pool,
            report=errand.report,
        )
        report = job.run(errand.places)
        published = None
        if not (errand.options.dry_run or errand.options.diff):
            publisher = Publisher(lib, settings, card.id, default_library=errand.default_library)
            published = publisher.run(lambda d, total: told(Progress("publish", d, total)))
        outcome = "held" if report.held or errand.options.diff else "done"
        summary = counts(report)
        return report, published
    except errors.PhototagError as error:
        outcome = error.code
        raise
    finally:
        note.end()
        ended = now().isoformat(timespec="seconds")
        store.end_run(lib, run, ended, outcome, summary)


def _workers(scheduler: str | None) -> MakeRunner:
    if scheduler is None:
        return Pool
    from phototag.work.distant import DaskPool

    return lambda kit, jobs: DaskPool(kit, scheduler=scheduler)
