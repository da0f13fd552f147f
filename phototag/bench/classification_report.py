"""An evaluation as files: JSON, CSV, pictures, one HTML page."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from phototag.bench.classification_plots import confusion, per_person, trust
from phototag.bench.dataset import as_csv, as_json
from phototag.bench.evaluate_classification import ClassificationReport
from phototag.bench.pages import contact_sheet, write_figure, write_page
from phototag.images.read import as_webp
from phototag.output import atomic

SHOWN = 24
"""Mistakes shown as pictures."""


def write_report(report: ClassificationReport, folder: Path) -> Path:
    """`report.html` (returned), `report.json`, `report.txt`, `per_person.csv`, `confusion.csv`,
    `answers.csv` and the pictures. Raises CannotWrite."""
    atomic.make_folder(folder)
    atomic.write(folder / "report.json", as_json(report.as_json()))
    atomic.write(folder / "report.txt", report.figures.report.encode("utf-8", "replace"))
    people = [{"person": name, **v} for name, v in report.figures.per_person.items()]
    atomic.write(folder / "per_person.csv", as_csv(people))
    atomic.write(folder / "confusion.csv", as_csv(_table(report)))
    answers = [asdict(answer) for answer in (*report.answers, *report.outsiders)]
    atomic.write(folder / "answers.csv", as_csv(answers))
    write_figure(folder / "confusion.png", confusion(report))
    write_figure(folder / "per_person.png", per_person(report))
    write_figure(folder / "trust.png", trust(report))
    mistakes = report.mistakes[:SHOWN]
    if mistakes:
        shown = [as_webp(report.crops[i], 112, quality=90) for i in mistakes]
        atomic.write(folder / "mistakes.png", contact_sheet(shown, 8))
    page = folder / "report.html"
    answers_shown = [report.answers[i] for i in mistakes]
    write_page(
        page,
        "classification.html",
        title=f"{report.model}: evaluation",
        report=report,
        mistakes=answers_shown,
    )
    return page


def _table(report: ClassificationReport) -> list[dict[str, object]]:
    """Rows of the confusion matrix: who it is, and how often each was named."""
    return [
        {"is": name, **dict(zip(report.classes, counts, strict=True))}
        for name, counts in zip(report.classes, report.figures.confusion.tolist(), strict=True)
    ]
